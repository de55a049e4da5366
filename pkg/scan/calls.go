package scan

import (
	"cmp"
	"slices"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// OperationCalls is what one operation cost a scan.
type OperationCalls struct {
	Operation string `json:"operation"`
	Calls     int    `json:"calls"`     // every attempt
	Resources int    `json:"resources"` // that came of the readers using it
}

// callsByOperation counts a scan's calls, the most frequent first.
func callsByOperation(calls []posture.Call, tasks []collectors.Task, resources []*posture.Resource) []OperationCalls {
	ofType := map[string]int{}
	for _, r := range resources {
		ofType[r.Type]++
	}
	fills := map[string]map[string]bool{} // operation → types
	for _, task := range tasks {
		for _, op := range task.Operations {
			if fills[op.Name] == nil {
				fills[op.Name] = map[string]bool{}
			}
			for _, t := range task.Fills {
				fills[op.Name][t.Name] = true
			}
		}
	}
	count := map[string]int{}
	for _, call := range calls {
		count[call.Operation]++
	}
	out := []OperationCalls{}
	for operation, n := range count {
		cost := OperationCalls{Operation: operation, Calls: n}
		for t := range fills[operation] {
			cost.Resources += ofType[t]
		}
		out = append(out, cost)
	}
	slices.SortFunc(out, func(a, b OperationCalls) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Operation, b.Operation))
	})
	return out
}
