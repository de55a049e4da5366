package aws

import "github.com/plumbline-dev/plumbline/collectors"

// Fills says which operations fill each resource type.
func Fills() collectors.Fills {
	out := collectors.Fills{}
	for _, r := range readers() {
		out.Add(r.Fills, r.Operations)
	}
	return out
}
