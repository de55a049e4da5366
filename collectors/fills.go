package collectors

import (
	"slices"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Fills says which operations fill each resource type.
type Fills map[string][]string

// Add adds what one reader fills.
func (f Fills) Add(types []*posture.Type, operations []Operation) {
	for _, t := range types {
		for _, op := range operations {
			if !slices.Contains(f[t.Name], op.Name) {
				f[t.Name] = append(f[t.Name], op.Name)
			}
		}
	}
}
