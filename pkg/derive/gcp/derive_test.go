package gcp

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// now is when the tests' project was read.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// resource is a resource of the project "acme" that lies in no place; refused names what could not be read of it.
func resource(t *posture.Type, id string, attributes any, refused ...string) *posture.Resource {
	return located(posture.Global, t, id, attributes, refused...)
}

// located is a resource in a place.
func located(place string, t *posture.Type, id string, attributes any, refused ...string) *posture.Resource {
	r := &posture.Resource{Key: posture.Key{Type: t.Name, Region: place, ID: id}, Attributes: attributes}
	for _, path := range refused {
		r.Unread = append(r.Unread, posture.Unread{Path: path, Cause: posture.Cause{Reason: posture.ReasonDenied, Operation: "read " + path}})
	}
	return r
}

// derivation is one case: the attributes derived for the first resource.
type derivation struct {
	refused   []*posture.Type            // lists that were not read
	partly    map[string][]*posture.Type // lists that leave out a place
	off       []*posture.Type            // of APIs that are switched off
	above     []*posture.Resource        // of the organization; nil: the project is in none
	resources []*posture.Resource
	want      map[string]any // by path: the value, or "unread: " and why
}

func check(t *testing.T, tests map[string]derivation) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := gocmp.Diff(test.want, test.derived()); diff != "" {
				t.Errorf("derived attributes differ (-want +got):\n%s", diff)
			}
		})
	}
}

func (d derivation) derived() map[string]any {
	var cells []posture.Cell
	refuse := func(region string, t *posture.Type) {
		cells = append(cells, posture.Cell{Region: region, Type: t.Name, State: posture.Denied,
			Cause: &posture.Cause{Reason: posture.ReasonDenied, Operation: "list " + t.Name}})
	}
	for _, t := range schema.Types() {
		switch {
		case slices.Contains(d.refused, t):
			refuse(posture.Everywhere, t)
		case slices.Contains(d.off, t):
			cells = append(cells, posture.Cell{Region: posture.Everywhere, Type: t.Name, State: posture.NotApplicable})
		default:
			cells = append(cells, posture.Cell{Region: posture.Everywhere, Type: t.Name, State: posture.Complete})
		}
	}
	for place, types := range d.partly {
		for _, t := range types {
			refuse(place, t)
		}
	}
	inv := derive.New(posture.Account{Provider: "gcp", ID: "acme"}, now, nil, cells, d.resources)
	if d.above != nil {
		var read []posture.Cell
		for _, t := range schema.Types() {
			read = append(read, posture.Cell{Region: posture.Global, Type: t.Name, State: posture.Complete})
		}
		inv.SetAbove(read, d.above)
	}
	Derive(inv)
	derive.Finish(inv, schema.Types())

	first := d.resources[0]
	i := slices.IndexFunc(schema.Types(), func(t *posture.Type) bool { return t.Name == first.Type })
	attributes := schema.Types()[i].Encode(first.Attributes, first.Unread)
	out := map[string]any{}
	for path := range d.want {
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
