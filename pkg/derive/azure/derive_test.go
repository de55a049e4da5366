package azure

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// now is when the tests' subscription or tenant was read.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// The subscription and the tenant of the tests, and what the ids of the subscription's resources begin with.
const (
	ownSubscription = "own"
	ownTenant       = "tenants/acme"
	own             = "/subscriptions/" + ownSubscription + "/resourcegroups/rg/providers/"
)

// resource is a resource of a type; refused names what could not be read of it.
func resource(t *posture.Type, id string, attributes any, refused ...string) *posture.Resource {
	r := &posture.Resource{Key: posture.Key{Type: t.Name, Region: posture.Global, ID: id}, Attributes: attributes}
	for _, path := range refused {
		r.Unread = append(r.Unread, posture.Unread{Path: path, Cause: posture.Cause{Reason: posture.ReasonDenied, Operation: "read " + path}})
	}
	return r
}

// derivation is one case: the attributes derived for the first resource.
type derivation struct {
	tenant       bool                // the tenant is scanned, not a subscription
	refused      []*posture.Type     // lists that were not read
	refusedAbove []*posture.Type     // likewise, of the tenant above
	above        []*posture.Resource // of the tenant; nil: it was never scanned
	resources    []*posture.Resource
	want         map[string]any // by path: the value, or "unread: " and why
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

// cells says of every type that it was read, or that it was refused.
func cells(refused []*posture.Type) []posture.Cell {
	var out []posture.Cell
	for _, t := range schema.Types() {
		cell := posture.Cell{Region: posture.Global, Type: t.Name, State: posture.Complete}
		if slices.Contains(refused, t) {
			cell.State, cell.Cause = posture.Denied, &posture.Cause{Reason: posture.ReasonDenied, Operation: "list " + t.Name}
		}
		out = append(out, cell)
	}
	return out
}

func (d derivation) derived() map[string]any {
	account := posture.Account{Provider: "azure", ID: ownSubscription}
	if d.tenant {
		account.ID = ownTenant
	}
	inv := derive.New(account, now, nil, cells(d.refused), d.resources)
	switch {
	case d.tenant:
	case d.above == nil:
		inv.SetAboveUnread(posture.Cause{Reason: posture.ReasonNotCollected})
	default:
		inv.SetAbove(cells(d.refusedAbove), d.above)
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
