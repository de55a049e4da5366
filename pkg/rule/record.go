package rule

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Record is a resource, or an object inside one, as conditions see it. A slot holds a value, types.NullValue for absent, a
// *types.Unknown for unread, or nothing for what was never collected. Records do not change once made.
type Record struct {
	object *object
	slots  []ref.Val
	key    posture.Key // set on a resource only

	parent *Record // nil on a resource
	at     int     // the parent's slot this object stands in
}

// Key names the resource.
func (r *Record) Key() posture.Key { return r.root().key }

func (r *Record) root() *Record {
	for r.parent != nil {
		r = r.parent
	}
	return r
}

// get returns what slot holds.
func (r *Record) get(slot int) ref.Val {
	if v := r.slots[slot]; v != nil {
		return v
	}
	return r.unknown(r.path(r.object.fields[slot].name), posture.Cause{Reason: posture.ReasonNotCollected})
}

// unknown is the CEL value of a path of this resource that was not read.
func (r *Record) unknown(path string, cause posture.Cause) *types.Unknown {
	return newUnknown(r.root().key, posture.Unread{Path: path, Cause: cause})
}

// path is the path of a field of this record within its resource, in the form of posture.Unread.
func (r *Record) path(name string) string {
	if r.parent == nil {
		return name
	}
	own := r.parent.object.fields[r.at]
	if own.kind == posture.Objects {
		return r.parent.path(own.name) + "[" + r.elementKey() + "]." + name
	}
	return r.parent.path(own.name) + "." + name
}

// elementKey is the text that names this object within its list.
func (r *Record) elementKey() string {
	if r.object.key < 0 || r.slots[r.object.key] == nil {
		return ""
	}
	switch v := r.slots[r.object.key].(type) {
	case types.String:
		return string(v)
	case types.Int:
		return fmt.Sprint(int64(v))
	default:
		return ""
	}
}

// ConvertToNative implements ref.Val; records stay inside rules.
func (r *Record) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("a %s cannot become a %s", r.object.name, t)
}

// ConvertToType implements ref.Val.
func (r *Record) ConvertToType(t ref.Type) ref.Val {
	if t == types.TypeType {
		return types.NewObjectType(r.object.name)
	}
	return types.NewErr("a %s cannot become a %s", r.object.name, t.TypeName())
}

// Equal implements ref.Val. Conditions may compare objects with null only.
func (r *Record) Equal(other ref.Val) ref.Val {
	if types.IsUnknown(other) {
		return other
	}
	return types.Bool(other == ref.Val(r))
}

// Type implements ref.Val.
func (r *Record) Type() ref.Type { return types.NewObjectType(r.object.name) }

// Value implements ref.Val.
func (r *Record) Value() any { return r }
