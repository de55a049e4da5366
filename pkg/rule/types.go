// Package rule loads, type-checks and evaluates rules. It is pure: it reads rules from an fs.FS and judges values it is
// handed. Conditions are CEL over typed records; what could not be read is CEL's own unknown, so that a failed read can make a
// verdict unknown but never pass or fail. No other package knows CEL.
package rule

import (
	"fmt"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Types are the resource types that rules may speak of. It is safe for concurrent use.
type Types struct {
	resources map[string]*object
	objects   map[string]*object // resources and the objects inside them
	registry  *types.Registry
}

// object is the layout of a record: each field has a slot.
type object struct {
	name   string
	fields []field
	index  map[string]int
	key    int // slot of the field that names an object within a list, -1 when there is none
}

type field struct {
	name     string
	kind     posture.Kind
	optional bool
	of       *object
	cel      *types.FieldType
}

// The slots every resource has before its own fields.
const (
	slotID = iota
	slotRegion
	slotAccount
	envelope // their number
)

// NewTypes prepares resource types for rules. Beside its own fields every resource has id, region and account_id.
func NewTypes(list []*posture.Type) (*Types, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, fmt.Errorf("prepare rule types: %w", err)
	}
	t := &Types{resources: map[string]*object{}, objects: map[string]*object{}, registry: registry}
	own := []posture.Field{slotID: {Name: "id", Kind: posture.String}, slotRegion: {Name: "region", Kind: posture.String},
		slotAccount: {Name: "account_id", Kind: posture.String}}
	for _, r := range list {
		if t.resources[r.Name] != nil {
			return nil, fmt.Errorf("resource type %s is declared twice", r.Name)
		}
		o, err := t.add(r.Name, append(own[:envelope:envelope], r.Fields...))
		if err != nil {
			return nil, err
		}
		t.resources[r.Name] = o
	}
	return t, nil
}

func (t *Types) add(name string, fields []posture.Field) (*object, error) {
	o := &object{name: name, fields: make([]field, len(fields)), index: make(map[string]int, len(fields)), key: -1}
	t.objects[name] = o
	for i, f := range fields {
		if _, twice := o.index[f.Name]; twice {
			return nil, fmt.Errorf("%s: field %s is declared twice", name, f.Name)
		}
		o.index[f.Name] = i
		if f.Key {
			o.key = i
		}
		own := field{name: f.Name, kind: f.Kind, optional: f.Optional}
		if f.Of != nil {
			of, err := t.add(f.Of.Name, f.Of.Fields)
			if err != nil {
				return nil, err
			}
			own.of = of
		}
		own.cel = slotType(own, i)
		o.fields[i] = own
	}
	return o, nil
}

// slotType tells CEL the type of a field and how to reach its slot. An optional scalar may be compared with null.
func slotType(f field, slot int) *types.FieldType {
	t := map[posture.Kind]*types.Type{
		posture.Bool: types.BoolType, posture.String: types.StringType, posture.Int: types.IntType, posture.Time: types.TimestampType,
		posture.Strings:   types.NewListType(types.StringType),
		posture.StringMap: types.NewMapType(types.StringType, types.StringType),
	}[f.kind]
	switch f.kind {
	case posture.Object:
		t = types.NewObjectType(f.of.name)
	case posture.Objects:
		t = types.NewListType(types.NewObjectType(f.of.name))
	case posture.Bool, posture.String, posture.Int:
		if f.optional {
			t = types.NewNullableType(t)
		}
	}
	return recordField(t, slot)
}

func recordField(t *types.Type, slot int) *types.FieldType {
	return &types.FieldType{
		Type: t,
		IsSet: func(target any) bool { // asked by .?x only; what is unread counts as set and then reads as unknown
			r, ok := target.(*Record)
			return !ok || r.slots[slot] != types.NullValue
		},
		GetFrom: func(target any) (any, error) {
			switch r := target.(type) {
			case *Record:
				return r.get(slot), nil
			case *types.Unknown:
				return r, nil
			default:
				return nil, fmt.Errorf("the object is absent")
			}
		},
	}
}

// provider answers CEL's questions about types: those of resources, and those of one rule's parameters.
type provider struct {
	*types.Registry
	types  *Types
	params *object // may be nil
}

func (p *provider) object(name string) *object {
	if p.params != nil && name == p.params.name {
		return p.params
	}
	return p.types.objects[name]
}

func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if p.object(name) != nil {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return p.Registry.FindStructType(name)
}

func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	o := p.object(name)
	if o == nil {
		return p.Registry.FindStructFieldNames(name)
	}
	names := make([]string, len(o.fields))
	for i, f := range o.fields {
		names[i] = f.name
	}
	return names, true
}

func (p *provider) FindStructFieldType(name, fieldName string) (*types.FieldType, bool) {
	o := p.object(name)
	if o == nil {
		return p.Registry.FindStructFieldType(name, fieldName)
	}
	i, ok := o.index[fieldName]
	if !ok {
		return nil, false
	}
	return o.fields[i].cel, true
}

// NativeToValue leaves CEL values alone, which is nearly always what it is given.
func (p *provider) NativeToValue(value any) ref.Val {
	if v, ok := value.(ref.Val); ok {
		return v
	}
	return p.Registry.NativeToValue(value)
}
