package wire

import (
	"reflect"
	"strings"
)

// field joins one field of an SDK struct to its member in the model.
type field struct {
	index    int
	name     string // in Go
	member   string // in the model, or the Go name under the service's default naming
	ref      *Ref
	modelled bool
}

type bindKey struct {
	typ   reflect.Type
	shape *Shape
}

// bind returns the fields of a struct type read as a shape; a nil shape leaves every field to default naming.
func (m *Model) bind(t reflect.Type, shape *Shape) []field {
	key := bindKey{t, shape}
	if known, ok := m.bindings.Load(key); ok {
		return known.([]field)
	}
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() || f.Name == "ResultMetadata" {
			continue
		}
		bound := field{index: i, name: f.Name, member: m.defaultName(f, shape), ref: &Ref{}}
		if member, ref := shape.lookup(f.Name); ref != nil {
			bound.member, bound.ref, bound.modelled = member, ref, true
		}
		fields = append(fields, bound)
	}
	m.bindings.Store(key, fields)
	return fields
}

// defaultName is the wire name of a field the model does not know: its first letter as in most other members of the
// shape, and a list of EC2 is a singular set, "imageWatermarkSet".
func (m *Model) defaultName(f reflect.StructField, shape *Shape) string {
	name := f.Name
	if m.Metadata.Protocol == ec2 && f.Type.Kind() == reflect.Slice {
		name = singular(name) + "Set"
	}
	if shape.startsLower(m.Metadata.Lower) {
		return lowerFirst(name)
	}
	return name
}

func singular(name string) string {
	if strings.HasSuffix(name, "sses") {
		return strings.TrimSuffix(name, "es")
	}
	return strings.TrimSuffix(name, "s")
}

// startsLower reports whether most members start with a small letter; the service's own habit decides a draw.
func (s *Shape) startsLower(habit bool) bool {
	if s == nil {
		return habit
	}
	balance := 0
	for member, ref := range s.Members {
		switch name := orElse(ref.LocationName, member); {
		case ref.Location != "":
		case name != upperFirst(name):
			balance++
		default:
			balance--
		}
	}
	if balance == 0 {
		return habit
	}
	return balance > 0
}

// lookup finds the member a Go field stands for: the SDK writes a member's first letter large.
func (s *Shape) lookup(goName string) (string, *Ref) {
	if s == nil {
		return "", nil
	}
	if ref, ok := s.Members[goName]; ok {
		return goName, ref
	}
	for member, ref := range s.Members {
		if strings.EqualFold(member, goName) {
			return member, ref
		}
	}
	return "", nil
}

// wireName is the member's name in a body.
func (f field) wireName() string {
	if f.ref.LocationName != "" {
		return f.ref.LocationName
	}
	return f.member
}

// Unmodelled lists, as Type.Field, the fields reachable from a value of type t (an operation's output or input) that
// the tables do not know and that are therefore written under default names.
func (m *Model) Unmodelled(t reflect.Type, ref *Ref) []string {
	var names []string
	seen := map[bindKey]bool{}
	var walk func(t reflect.Type, shape *Shape)
	walk = func(t reflect.Type, shape *Shape) {
		switch t.Kind() {
		case reflect.Pointer:
			walk(t.Elem(), shape)
		case reflect.Slice:
			walk(t.Elem(), shape.element())
		case reflect.Map:
			walk(t.Elem(), shape.value())
		case reflect.Struct:
			key := bindKey{t, shape}
			if seen[key] || t == timeType {
				return
			}
			seen[key] = true
			for _, f := range m.bind(t, shape) {
				if !f.modelled {
					names = append(names, t.Name()+"."+f.name)
				}
				walk(t.Field(f.index).Type, f.ref.shape)
			}
		}
	}
	walk(t, ref.target())
	return names
}

func (r *Ref) target() *Shape {
	if r == nil {
		return nil
	}
	return r.shape
}

func (s *Shape) element() *Shape {
	if s == nil {
		return nil
	}
	return s.Member.target()
}

func (s *Shape) value() *Shape {
	if s == nil {
		return nil
	}
	return s.Value.target()
}
