package evidence

import (
	"fmt"
	"slices"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Describe writes resource types down, so that rules can be judged where the program that read them is not.
func Describe(types []*posture.Type) []Type {
	out := make([]Type, len(types))
	for i, t := range types {
		out[i] = Type{t.Name, describe(t.Fields)}
	}
	slices.SortFunc(out, func(a, b Type) int { return compareText(a.Name, b.Name) })
	return out
}

func describe(fields []posture.Field) []Field {
	var out []Field
	for _, f := range fields {
		d := Field{Name: f.Name, Kind: kinds[f.Kind], Optional: f.Optional, Derived: f.Derived, Key: f.Key, Volatile: f.Volatile}
		if f.Of != nil {
			d.Object, d.Of = f.Of.Name, describe(f.Of.Fields)
		}
		out = append(out, d)
	}
	return out
}

// maxDepth bounds how deep the objects of a resource type lie in one another.
const maxDepth = 8

// Types are the resource types that were written down. They serve rules, and cannot hold values.
func Types(list []Type) ([]*posture.Type, error) {
	out := make([]*posture.Type, len(list))
	for i, t := range list {
		fields, err := restore(t.Fields, maxDepth)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.Name, err)
		}
		out[i] = &posture.Type{Struct: posture.Struct{Name: t.Name, Fields: fields}}
	}
	return out, nil
}

func restore(list []Field, depth int) ([]posture.Field, error) {
	if depth == 0 {
		return nil, fmt.Errorf("%w: objects lie too deep in one another", posture.ErrInvalid)
	}
	var out []posture.Field
	for _, d := range list {
		kind := posture.Kind(slices.Index(kinds, d.Kind))
		nested := kind == posture.Object || kind == posture.Objects
		if kind < 0 || nested != (d.Object != "") {
			return nil, fmt.Errorf("%w: attribute %s of kind %q", posture.ErrInvalid, d.Name, d.Kind)
		}
		f := posture.Field{Name: d.Name, Kind: kind, Optional: d.Optional, Derived: d.Derived, Key: d.Key, Volatile: d.Volatile}
		if nested {
			of, err := restore(d.Of, depth-1)
			if err != nil {
				return nil, err
			}
			f.Of = &posture.Struct{Name: d.Object, Fields: of}
		}
		out = append(out, f)
	}
	return out, nil
}
