package rule

import (
	"hash/fnv"
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// newUnknown is a CEL unknown whose attribute trail carries everything there is to say about it, so that the unknown a
// condition ends with says by itself what was not read, and why.
func newUnknown(key posture.Key, u posture.Unread) *types.Unknown {
	trail := types.NewAttributeTrail("unread")
	id := fnv.New64a()
	for _, part := range []string{key.Type, key.Region, key.ID, u.Path, string(u.Reason), u.Operation, u.Permission, u.Code} {
		types.QualifyAttribute(trail, part)
		_, _ = id.Write(append([]byte(part), 0)) // a hash never fails
	}
	return types.NewUnknown(int64(id.Sum64()), trail)
}

// missing is one thing not read: of which resource, and what.
type missing struct {
	key posture.Key
	posture.Unread
}

// missingIn lists what an unknown stands for.
func missingIn(u *types.Unknown) []missing {
	var out []missing
	for _, id := range u.IDs() {
		trails, _ := u.GetAttributeTrails(id)
		for _, t := range trails {
			var part [8]string
			for i, q := range t.QualifierPath() {
				if i < len(part) {
					part[i], _ = q.(string)
				}
			}
			out = append(out, missing{
				posture.Key{Type: part[0], Region: part[1], ID: part[2]},
				posture.Unread{Path: part[3], Cause: posture.Cause{
					Reason: posture.Reason(part[4]), Operation: part[5], Permission: part[6], Code: part[7]}},
			})
		}
	}
	return out
}

// incomplete is a list of which only the first elements are known: they are followed by one unknown. Looking for an element
// among them finds it, or does not know.
type incomplete struct {
	traits.Lister
	elements []ref.Val // the last is rest
	rest     *types.Unknown
}

func newIncomplete(known []ref.Val, rest *types.Unknown) *incomplete {
	elements := append(slices.Clip(known), rest)
	return &incomplete{types.NewRefValList(types.DefaultTypeAdapter, elements), elements, rest}
}

// Contains implements traits.Container.
func (l *incomplete) Contains(v ref.Val) ref.Val {
	for _, e := range l.elements {
		if !types.IsUnknown(e) && v.Equal(e) == types.True {
			return types.True
		}
	}
	return l.rest
}

// Equal implements ref.Val.
func (l *incomplete) Equal(ref.Val) ref.Val { return l.rest }

// Add implements traits.Adder.
func (l *incomplete) Add(other ref.Val) ref.Val {
	more, ok := other.(traits.Lister)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	known, rest := slices.Clone(l.elements[:len(l.elements)-1]), l.rest
	for it := more.Iterator(); it.HasNext() == types.True; {
		e := it.Next()
		if u, unknown := e.(*types.Unknown); unknown {
			rest = types.MergeUnknowns(rest, u)
			continue
		}
		known = append(known, e)
	}
	return newIncomplete(known, rest)
}

// markUnread puts what could not be read into the slots of a resource.
func (r *Record) markUnread(list []posture.Unread) {
	for _, u := range list {
		r.mark(u.Path, r.root(), u)
	}
}

// mark follows path, which starts at this record, and makes what it names unknown. A path to something the schema does not
// have changes nothing, since no rule can read it.
func (r *Record) mark(path string, root *Record, u posture.Unread) {
	name := path
	if end := strings.IndexAny(path, ".["); end >= 0 {
		name = path[:end]
	}
	slot, ok := r.object.index[name]
	if !ok {
		return
	}
	rest := path[len(name):]
	f, value := r.object.fields[slot], r.slots[slot]
	switch object, isObject := value.(*Record); {
	case rest != "" && (value == nil || value == types.NullValue):
		// the parent itself is missing although a part of it is said to be unread: the part's cause explains it best
	case strings.HasPrefix(rest, ".") && isObject:
		object.mark(rest[1:], root, u)
		return
	case strings.HasPrefix(rest, "[") && (f.kind == posture.Objects || f.kind == posture.Strings):
		if list, isList := value.(traits.Lister); isList {
			r.slots[slot] = markElements(list, rest, root, u)
			return
		}
	}
	if _, already := value.(*types.Unknown); already && rest != "" {
		return
	}
	r.slots[slot] = root.unknown(u.Path, u.Cause)
}

// markElements returns list after what rest, "[key].path", "[key]" or "[]", says of it.
func markElements(list traits.Lister, rest string, root *Record, u posture.Unread) ref.Val {
	elements := elementsOf(list)
	found := false
	for i, e := range elements {
		object, ok := e.(*Record)
		if !ok {
			continue
		}
		for _, prefix := range []string{"[" + object.elementKey() + "]", "[]"} {
			after, matches := strings.CutPrefix(rest, prefix)
			if path, into := strings.CutPrefix(after, "."); matches && into {
				object.mark(path, root, u)
				found = true
			} else if matches && after == "" && prefix != "[]" {
				elements[i] = root.unknown(u.Path, u.Cause)
				found = true
			}
		}
	}
	unknown := root.unknown(u.Path, u.Cause)
	if last, isIncomplete := list.(*incomplete); isIncomplete && found {
		return newIncomplete(elements[:len(elements)-1], last.rest)
	} else if isIncomplete {
		return newIncomplete(elements[:len(elements)-1], types.MergeUnknowns(last.rest, unknown))
	}
	if !found {
		return newIncomplete(elements, unknown)
	}
	for i, e := range elements {
		if u, isUnknown := e.(*types.Unknown); isUnknown { // an element wholly unread stands at the end, as in every incomplete list
			return newIncomplete(slices.Delete(elements, i, i+1), u)
		}
	}
	return list
}

func elementsOf(list traits.Lister) []ref.Val {
	size, _ := list.Size().(types.Int)
	out := make([]ref.Val, 0, size)
	for it := list.Iterator(); it.HasNext() == types.True; {
		out = append(out, it.Next())
	}
	return out
}
