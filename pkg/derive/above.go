package derive

import "github.com/plumbline-dev/plumbline/pkg/posture"

// above is what is known of the organization or tenant above the account: its newest sealed snapshot.
type above struct {
	cells     []posture.Cell
	resources map[string][]*posture.Resource
	unread    []posture.Cause // why there may be more above than is known
}

// SetAbove adds what an ancestor's snapshot holds. Its resources are input to the account's own; nothing is derived for them.
func (inv *Inventory) SetAbove(cells []posture.Cell, resources []*posture.Resource) {
	inv.above.cells = append(inv.above.cells, cells...)
	if inv.above.resources == nil {
		inv.above.resources = map[string][]*posture.Resource{}
	}
	for _, r := range resources {
		inv.above.resources[r.Type] = append(inv.above.resources[r.Type], r)
	}
}

// SetAboveUnread says that what lies above the account is not known, or not known well enough.
func (inv *Inventory) SetAboveUnread(cause posture.Cause) {
	inv.above.unread = append(inv.above.unread, cause)
}

// Above returns the resources of struct T's type that the account's organization or tenant holds; none, for certain, when
// nothing is above.
func Above[T any](inv *Inventory, t *posture.Type) List[T] {
	list := List[T]{Gaps: inv.above.unread}
	for _, r := range inv.above.resources[t.Name] {
		list.Items = append(list.Items, Item[T]{r, r.Attributes.(*T)})
	}
	read := false
	for _, c := range inv.above.cells {
		if c.Type != t.Name {
			continue
		}
		read = true
		if cause, gap := c.Gap(); gap {
			list.Gaps = append(list.Gaps[:len(list.Gaps):len(list.Gaps)], cause)
		}
	}
	if !read && len(inv.above.cells) > 0 {
		list.Gaps = append(list.Gaps[:len(list.Gaps):len(list.Gaps)], posture.Cause{Reason: posture.ReasonNotCollected})
	}
	list.Gaps = unique(list.Gaps)
	return list
}
