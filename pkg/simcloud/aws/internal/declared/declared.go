// Package declared lists the operations that the simulated AWS has to know: those that readers declare, those that
// read the change log, and assuming a role.
package declared

import (
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/aws"
)

// Operations returns the operations by SDK package: "cloudtrail" → "DescribeTrails", ….
func Operations() map[string][]string {
	out := map[string][]string{"sts": {"AssumeRole"}}
	for _, op := range append(aws.Operations(), aws.ChangeLogOperations()...) {
		service, name, _ := strings.Cut(op.Name, ".")
		if service = strings.ToLower(service); !slices.Contains(out[service], name) {
			out[service] = append(out[service], name)
		}
	}
	for _, names := range out {
		slices.Sort(names)
	}
	return out
}
