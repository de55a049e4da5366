package scan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestCallsByOperation(t *testing.T) {
	bucket, key := posture.NewType[struct{}]("bucket", nil), posture.NewType[struct{}]("key", nil)
	task := func(t *posture.Type, operations ...string) collectors.Task {
		out := collectors.Task{Fills: []*posture.Type{t}}
		for _, op := range operations {
			out.Operations = append(out.Operations, collectors.Operation{Name: op})
		}
		return out
	}
	tasks := []collectors.Task{task(bucket, "ListBuckets", "Search", "Never"), task(key, "ListKeys", "Search"), task(key, "ListKeys")}
	var calls []posture.Call
	for _, op := range []string{"WhoAmI", "ListBuckets", "ListKeys", "Search", "ListKeys", "ListKeys"} {
		calls = append(calls, posture.Call{Operation: op})
	}
	var resources []*posture.Resource
	for _, key := range []posture.Key{{Type: "bucket", ID: "a"}, {Type: "key", ID: "b"}, {Type: "key", ID: "c"}} {
		resources = append(resources, &posture.Resource{Key: key})
	}
	want := []OperationCalls{{"ListKeys", 3, 2}, {"ListBuckets", 1, 1}, {"Search", 1, 3}, {"WhoAmI", 1, 0}}
	if diff := cmp.Diff(want, callsByOperation(calls, tasks, resources)); diff != "" {
		t.Errorf("calls differ (-want +got):\n%s", diff)
	}
}
