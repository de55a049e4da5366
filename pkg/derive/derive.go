// Package derive computes attributes that need more than one resource: joins and analysis over what one scan read of an
// account. It does no I/O. Every value it works with is known or unread, and a result is known only when no unread input
// could change it.
package derive

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Inventory is what one scan read of one account.
type Inventory struct {
	Account posture.Account
	// Trusted are accounts, besides this one, that the deployment does not count as external.
	Trusted []string
	// Now is when the account was read: ages count from here, never from the wall clock.
	Now       time.Time
	above     above
	resources map[string][]*posture.Resource // by type
	covered   map[string][]cover             // by type
}

// cover is how far a type was read in one region: to the end where nothing is missing.
type cover struct {
	region  string
	missing []posture.Cause
}

// New indexes resources by type. A cell that did not end complete or not applicable makes the lists of its type incomplete in
// its region; so does a type without any cell: nobody read it.
func New(account posture.Account, now time.Time, trusted []string, cells []posture.Cell, resources []*posture.Resource) *Inventory {
	inv := &Inventory{
		Account: account, Now: now, Trusted: trusted,
		resources: map[string][]*posture.Resource{}, covered: map[string][]cover{},
	}
	for _, r := range resources {
		inv.resources[r.Type] = append(inv.resources[r.Type], r)
	}
	for _, c := range cells {
		read := cover{region: c.Region}
		if cause, gap := c.Gap(); gap {
			read.missing = []posture.Cause{cause}
		}
		inv.covered[c.Type] = append(inv.covered[c.Type], read)
	}
	return inv
}

// Item is one resource together with its typed attributes.
type Item[T any] struct {
	*posture.Resource
	V *T
}

// List is the resources of a type, from all regions until In narrows it to one.
type List[T any] struct {
	Items   []Item[T]
	Gaps    []posture.Cause // why some may be missing
	covered []cover         // the gaps by region; empty when they are not known by region
}

// Of returns the account's resources of struct T's type, from all regions.
func Of[T any](inv *Inventory, t *posture.Type) List[T] {
	list := List[T]{Gaps: gaps(inv.covered[t.Name]), covered: inv.covered[t.Name]}
	for _, r := range inv.resources[t.Name] {
		list.Items = append(list.Items, Item[T]{r, r.Attributes.(*T)})
	}
	return list
}

// In narrows the list to one region, for what cannot reach out of it: gaps elsewhere are then none. What belongs to the whole
// account is in every region.
func (l List[T]) In(region string) List[T] {
	here := l.Where(func(i Item[T]) bool { return i.Region == region || i.Region == posture.Global })
	if len(l.covered) > 0 {
		here.covered = coverIn(l.covered, region)
		here.Gaps = gaps(here.covered)
	}
	return here
}

// coverIn is what says how far one region was read: its own cell, or the one that stands for all without their own.
func coverIn(covered []cover, region string) []cover {
	own := slices.ContainsFunc(covered, func(c cover) bool { return c.region == region })
	var here []cover
	for _, c := range covered {
		if c.region == region || c.region == posture.Global || c.region == posture.Everywhere && !own {
			here = append(here, c)
		}
	}
	return here
}

// gaps is what is missing from the regions covered. What no cell covers nobody read.
func gaps(covered []cover) []posture.Cause {
	if len(covered) == 0 {
		return []posture.Cause{{Reason: posture.ReasonNotCollected}}
	}
	var causes []posture.Cause
	for _, c := range covered {
		causes = append(causes, c.missing...)
	}
	return unique(causes)
}

// Where keeps the items that fit; what is missing may still be missing.
func (l List[T]) Where(fits func(Item[T]) bool) List[T] {
	out := List[T]{Gaps: l.Gaps, covered: l.covered}
	for _, item := range l.Items {
		if fits(item) {
			out.Items = append(out.Items, item)
		}
	}
	return out
}

// WhereRead keeps the items of which the attribute at path was read. The others leave the list incomplete in their region:
// they may be anything that is looked for.
func (l List[T]) WhereRead(path string) List[T] {
	out := List[T]{}
	unread := map[string][]posture.Cause{} // by region
	for _, item := range l.Items {
		if causes := Read(item, path, true).Causes(); causes != nil {
			unread[item.Region] = append(unread[item.Region], causes...)
		} else {
			out.Items = append(out.Items, item)
		}
	}
	out.Gaps, out.covered = l.Gaps, l.covered
	for region, causes := range unread {
		out.Gaps = unique(slices.Concat(out.Gaps, causes))
		if len(l.covered) > 0 { // the region has a cover of its own then, which says what stood for it before, too
			out.covered = append(slices.Clip(out.covered), cover{region, unique(slices.Concat(gaps(coverIn(l.covered, region)), causes))})
		}
	}
	return out
}

// First returns the list's first item. When there is none, missing says why there may be one all the same; both empty means
// that there is none.
func (l List[T]) First() (item Item[T], found bool, missing []posture.Cause) {
	if len(l.Items) > 0 {
		return l.Items[0], true, nil
	}
	return item, false, l.Gaps
}

// Index finds the items of a list by a key.
type Index[T any] struct {
	list  List[T]
	byKey map[string][]Item[T]
}

// By indexes the list by a key that is always read, such as the id.
func By[T any](l List[T], key func(Item[T]) string) Index[T] {
	return byEach(l, func(i Item[T]) []string { return []string{key(i)} })
}

// ByID indexes the list by resource id.
func ByID[T any](l List[T]) Index[T] { return By(l, func(i Item[T]) string { return i.ID }) }

// ByRead indexes the list by the attribute at path, which may be unread: an item whose key was not read may have any, and
// leaves what every key finds in its region incomplete.
func ByRead[T any](l List[T], path string, key func(Item[T]) string) Index[T] {
	return By(l.WhereRead(path), key)
}

// ByEach indexes the list by several keys of each item, which come from the attribute at path.
func ByEach[T any](l List[T], path string, keys func(Item[T]) []string) Index[T] {
	return byEach(l.WhereRead(path), keys)
}

func byEach[T any](l List[T], keys func(Item[T]) []string) Index[T] {
	index := Index[T]{list: l, byKey: map[string][]Item[T]{}}
	for _, item := range l.Items {
		for _, k := range keys(item) {
			items := index.byKey[k]
			if n := len(items); n == 0 || items[n-1].Resource != item.Resource { // a key named twice finds the item once
				index.byKey[k] = append(items, item)
			}
		}
	}
	return index
}

// All returns the items with that key, as incomplete as the list is.
func (x Index[T]) All(key string) List[T] {
	return List[T]{Items: x.byKey[key], Gaps: x.list.Gaps, covered: x.list.covered}
}

// Get returns the first item with that key, as First does.
func (x Index[T]) Get(key string) (item Item[T], found bool, missing []posture.Cause) {
	return x.All(key).First()
}

// Val is a value that is known, or unread for the causes given.
type Val[V any] struct {
	v      V
	causes []posture.Cause
}

// Known is a value that was read.
func Known[V any](v V) Val[V] { return Val[V]{v: v} }

// UnreadFor is a value that is not known, for these causes; without any it is unread because nothing collects it.
func UnreadFor[V any](causes ...posture.Cause) Val[V] {
	if len(causes) == 0 {
		causes = []posture.Cause{{Reason: posture.ReasonNotCollected}}
	}
	return Val[V]{causes: causes}
}

// Get returns the value, and false when it is unread.
func (v Val[V]) Get() (V, bool) { return v.v, v.causes == nil }

// Causes says why the value is unread.
func (v Val[V]) Causes() []posture.Cause { return v.causes }

// Read is attribute path of a resource, whose value in the struct is v: unread when the path, one that holds it, or one
// inside it is. It is the only way to look at an attribute that a reader can leave unread.
func Read[T, V any](item Item[T], path string, v V) Val[V] {
	var causes []posture.Cause
	for _, u := range item.Unread {
		if overlaps(u.Path, path) {
			causes = append(causes, u.Cause)
		}
	}
	if causes != nil {
		return Val[V]{causes: causes}
	}
	return Known(v)
}

// overlaps reports whether one path is the other or holds it; brackets open a level as dots do.
func overlaps(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return len(a) <= len(b) && b[:len(a)] == a && (len(a) == len(b) || b[len(a)] == '.' || b[len(a)] == '[')
}

// Map applies f to a known value.
func Map[V, W any](v Val[V], f func(V) W) Val[W] {
	if v.causes != nil {
		return Val[W]{causes: v.causes}
	}
	return Known(f(v.v))
}

// Map2 applies f to two known values.
func Map2[A, B, W any](a Val[A], b Val[B], f func(A, B) W) Val[W] {
	if a.causes != nil || b.causes != nil {
		return Val[W]{causes: slices.Concat(a.causes, b.causes)}
	}
	return Known(f(a.v, b.v))
}

// Then applies f, whose result may be unread itself, to a known value.
func Then[V, W any](v Val[V], f func(V) Val[W]) Val[W] {
	if v.causes != nil {
		return Val[W]{causes: v.causes}
	}
	return f(v.v)
}

// And is false when some value is known to be false, true when all are known to be true, otherwise unread.
func And(values ...Val[bool]) Val[bool] { return fold(false, values) }

// Or is true when some value is known to be true, false when all are known to be false, otherwise unread.
func Or(values ...Val[bool]) Val[bool] { return fold(true, values) }

// Not turns a known value round.
func Not(v Val[bool]) Val[bool] { return Map(v, func(b bool) bool { return !b }) }

func fold(decides bool, values []Val[bool]) Val[bool] {
	var causes []posture.Cause
	for _, v := range values {
		if b, known := v.Get(); !known {
			causes = append(causes, v.causes...)
		} else if b == decides {
			return Known(decides)
		}
	}
	return Val[bool]{v: !decides, causes: causes}
}

// Exists reports whether some resource fits: true when a known one does, unread when an unread or missing one might.
func Exists[T any](l List[T], fits func(Item[T]) Val[bool]) Val[bool] {
	causes := slices.Clone(l.Gaps)
	for _, item := range l.Items {
		v := fits(item)
		if b, known := v.Get(); !known {
			causes = append(causes, v.causes...)
		} else if b {
			return Known(true)
		}
	}
	return Val[bool]{causes: unique(causes)}
}

// Every reports whether all resources fit: false when a known one does not, unread when an unread or missing one might not.
func Every[T any](l List[T], fits func(Item[T]) Val[bool]) Val[bool] {
	return Not(Exists(l, func(item Item[T]) Val[bool] { return Not(fits(item)) }))
}

// Named reads a value of the resource that another one names: of the only item of l. When l lacks it, as one made since
// operation listed them or one of another account, nobody knows the value.
func Named[T, V any](l List[T], operation string, value func(Item[T]) Val[V]) Val[V] {
	item, found, missing := l.First()
	switch {
	case found:
		return value(item)
	case missing != nil:
		return UnreadFor[V](missing...)
	}
	return UnreadFor[V](posture.Cause{Reason: posture.ReasonUnreconciled, Operation: operation})
}

// Elements is a list of which some elements are known, and others may be missing for these causes.
type Elements[V any] struct {
	Known   []V
	Missing []posture.Cause
}

// Whole is the list as one value, known only when nothing is missing.
func (e Elements[V]) Whole() Val[[]V] {
	if len(e.Missing) > 0 {
		return UnreadFor[[]V](e.Missing...)
	}
	return Known(e.Known)
}

// Any reports whether some element fits: true when a known one does, unread when a missing one might.
func (e Elements[V]) Any(fits func(V) bool) Val[bool] {
	if slices.ContainsFunc(e.Known, fits) {
		return Known(true)
	}
	return Map(e.Whole(), func([]V) bool { return false })
}

// Gather takes a value from every resource that fits; what is unread of one leaves its element missing.
func Gather[T, V any](l List[T], pick func(Item[T]) (Val[V], Val[bool])) Elements[V] {
	out := Elements[V]{Known: []V{}, Missing: slices.Clone(l.Gaps)}
	for _, item := range l.Items {
		value, fits := pick(item)
		b, known := fits.Get()
		switch v, valueKnown := value.Get(); {
		case !known:
			out.Missing = append(out.Missing, fits.causes...)
		case b && !valueKnown:
			out.Missing = append(out.Missing, value.causes...)
		case b:
			out.Known = append(out.Known, v)
		}
	}
	out.Missing = unique(out.Missing)
	return out
}

// Collect gathers a list that is known only when all of it is.
func Collect[T, V any](l List[T], pick func(Item[T]) (Val[V], Val[bool])) Val[[]V] {
	return Gather(l, pick).Whole()
}

// Count counts the resources that fit, known only when it is known of each.
func Count[T any](l List[T], fits func(Item[T]) Val[bool]) Val[int64] {
	fitting := Collect(l, func(item Item[T]) (Val[string], Val[bool]) { return Known(item.ID), fits(item) })
	return Map(fitting, func(ids []string) int64 { return int64(len(ids)) })
}

// Set stores a derived attribute in its field, or marks its path unread.
func Set[T, V any](item Item[T], path string, field *V, v Val[V]) {
	value, known := v.Get()
	if known {
		*field = value
		item.Derived = append(item.Derived, path)
		return
	}
	markUnread(item, path, v.causes)
}

// SetList stores a derived list. Where elements are missing it stores those known and marks path[] unread, so that a rule which
// one known element satisfies has its answer; a list of which no element is known is unread itself.
func SetList[T, V any](item Item[T], path string, field *[]V, list Elements[V]) {
	if len(list.Known) == 0 {
		Set(item, path, field, list.Whole())
		return
	}
	Set(item, path, field, Known(list.Known))
	markUnread(item, path+"[]", list.Missing)
}

func markUnread[T any](item Item[T], path string, causes []posture.Cause) {
	for _, cause := range unique(causes) {
		item.Unread = append(item.Unread, posture.Unread{Path: path, Cause: cause})
	}
}

// Finish marks every derived attribute that no step has set as unread, not_collected: a derived attribute is never a zero
// value that nobody computed. Attributes that rest on something no reader fills yet need no step at all.
func Finish(inv *Inventory, types []*posture.Type) {
	for _, t := range types {
		paths := derivedPaths(&t.Struct, "")
		for _, r := range inv.resources[t.Name] {
			for _, path := range paths {
				if !slices.ContainsFunc(r.Derived, func(set string) bool { return holds(set, path) }) &&
					!slices.ContainsFunc(r.Unread, func(u posture.Unread) bool { return holds(u.Path, path) }) {
					r.Unread = append(r.Unread, posture.Unread{Path: path, Cause: posture.Cause{Reason: posture.ReasonNotCollected}})
				}
			}
			slices.SortFunc(r.Unread, func(a, b posture.Unread) int {
				return cmp.Or(cmp.Compare(a.Path, b.Path), posture.CompareCauses(a.Cause, b.Cause))
			})
		}
	}
}

// derivedPaths lists the derived leaves of a struct; a list of objects is one leaf.
func derivedPaths(s *posture.Struct, prefix string) []string {
	var out []string
	for _, f := range s.Fields {
		switch {
		case f.Kind == posture.Object:
			out = append(out, derivedPaths(f.Of, prefix+f.Name+".")...)
		case f.Derived:
			out = append(out, prefix+f.Name)
		}
	}
	return out
}

// holds reports whether outer is path or one of its ancestors.
func holds(outer, path string) bool {
	return strings.HasPrefix(path, outer) && (len(path) == len(outer) || path[len(outer)] == '.')
}

func unique(causes []posture.Cause) []posture.Cause {
	if len(causes) == 0 {
		return nil
	}
	causes = slices.Clone(causes) // values share them
	slices.SortFunc(causes, posture.CompareCauses)
	return slices.Compact(causes)
}
