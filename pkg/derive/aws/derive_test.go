package aws

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// account is the one whose resources the tests derive.
const account = "111122223333"

// resource is a resource of account 111122223333; refused names what could not be read of it.
func resource(t *posture.Type, id string, attributes any, refused ...string) *posture.Resource {
	r := &posture.Resource{Key: posture.Key{Type: t.Name, Region: "eu-west-1", ID: id}, Attributes: attributes}
	for _, path := range refused {
		r.Unread = append(r.Unread, posture.Unread{Path: path, Cause: posture.Cause{Reason: posture.ReasonDenied, Operation: "read " + path}})
	}
	return r
}

// abroad moves resources to us-east-1.
func abroad(resources ...*posture.Resource) []*posture.Resource {
	for _, r := range resources {
		r.Region = "us-east-1"
	}
	return resources
}

// derived derives all attributes of a scan of eu-west-1 and us-east-1 in which the lists of the types in refused were not read
// in eu-west-1, those of the types in abroad not in us-east-1. It returns the first resource's attribute at each path: its
// value, or "unread: " and why.
func derived(refused, abroad []*posture.Type, paths []string, resources ...*posture.Resource) map[string]any {
	var cells []posture.Cell
	for _, t := range schema.Types() {
		for region, refused := range map[string][]*posture.Type{"eu-west-1": refused, "us-east-1": abroad} {
			cell := posture.Cell{Region: region, Type: t.Name, State: posture.Complete}
			if slices.Contains(refused, t) {
				cell.State, cell.Cause = posture.Denied, &posture.Cause{Reason: posture.ReasonDenied, Operation: "list " + t.Name}
			}
			cells = append(cells, cell)
		}
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	inv := derive.New(posture.Account{Provider: "aws", ID: account}, now, []string{"444455556666"}, cells, resources)
	Derive(inv)
	derive.Finish(inv, schema.Types())

	first := resources[0]
	i := slices.IndexFunc(schema.Types(), func(t *posture.Type) bool { return t.Name == first.Type })
	attributes := schema.Types()[i].Encode(first.Attributes, first.Unread)
	out := map[string]any{}
	for _, path := range paths {
		var causes []string
		for _, u := range first.Unread {
			if u.Path == path {
				causes = append(causes, cmp.Or(u.Operation, string(u.Reason)))
			}
		}
		if causes != nil {
			out[path] = "unread: " + strings.Join(causes, ", ")
			continue
		}
		out[path] = at(attributes, path)
	}
	return out
}

func at(attributes map[string]any, path string) any {
	name, rest, nested := strings.Cut(path, ".")
	if !nested {
		return attributes[name]
	}
	return at(attributes[name].(map[string]any), rest)
}

// derivation is one case: the attributes derived for the first resource.
type derivation struct {
	refused   []*posture.Type // in eu-west-1, where the resources are
	abroad    []*posture.Type // in us-east-1
	resources []*posture.Resource
	want      map[string]any
}

func check(t *testing.T, tests map[string]derivation) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var paths []string
			for path := range test.want {
				paths = append(paths, path)
			}
			if diff := gocmp.Diff(test.want, derived(test.refused, test.abroad, paths, test.resources...)); diff != "" {
				t.Errorf("derived attributes differ (-want +got):\n%s", diff)
			}
		})
	}
}
