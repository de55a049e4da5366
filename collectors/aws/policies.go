package aws

import (
	"slices"

	"github.com/plumbline-dev/plumbline/collectors"
)

// MaxManagedPolicy is how many characters a managed IAM policy takes, white space not counted.
const MaxManagedPolicy = 6144

// Opening lists the operations that every scan begins with, whatever it reads.
func Opening() []collectors.Operation { return identity.Operations }

// SplitActions spreads actions, sorted, over as many managed policies as they need.
func SplitActions(actions []string) [][]string {
	const frame = 640 // room for everything around the actions
	policies, size := [][]string{nil}, 0
	for _, action := range slices.Sorted(slices.Values(actions)) {
		length := len(action) + len(`"",`)
		if size += length; size > MaxManagedPolicy-frame {
			policies, size = append(policies, nil), length
		}
		policies[len(policies)-1] = append(policies[len(policies)-1], action)
	}
	return policies
}
