package posture

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Kind is the shape of a field's value.
type Kind int

// The kinds of fields. Times are UTC; Int is a 64-bit integer.
const (
	Bool Kind = iota
	String
	Int
	Time
	Strings   // list of strings
	StringMap // map of string to string
	Object    // nested settings, Field.Of
	Objects   // list of objects, Field.Of; the elements' key field names them in unread paths
)

// Meta is what every resource has beside its own settings; schema structs embed it.
type Meta struct {
	// Name is the name people use.
	Name string `json:"name"`
	// Tags are the resource's tags or labels.
	Tags map[string]string `json:"tags"`
	// CreatedAt is absent when the cloud does not tell.
	CreatedAt Opt[time.Time] `json:"created_at"`
}

// Field is one attribute of a resource type, or of an object inside one.
type Field struct {
	Name     string
	Kind     Kind
	Optional bool    // declared as Opt: may be absent
	Derived  bool    // computed from other resources after reading
	Key      bool    // names its object within a list
	Volatile bool    // moves by itself, like the time of last use: recorded, but no drift
	Of       *Struct // for Object and Objects
	Doc      string

	index []int
}

// Struct lists the fields of a resource type or of an object.
type Struct struct {
	Name   string // "aws.ec2.instance", or "aws.ec2.instance.metadata" for an object inside
	Fields []Field
}

// Field returns the field with that name.
func (s *Struct) Field(name string) (Field, bool) {
	for _, f := range s.Fields {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}

// Type is a resource type: its name and the fields of its struct.
type Type struct {
	Struct
	Doc string
	// External marks a type that rules name but no reader fills yet: its cells are unread, not_collected.
	External bool

	goType reflect.Type
}

// NewType describes struct T, whose json tags name the attributes; `derived:"true"` marks derived ones,
// `volatile:"true"` those that move by themselves, `key:"true"` the key of list elements. docs holds the comments: "" for the type, else by attribute path. It panics on a field of a type that
// resources cannot have, as regexp.MustCompile does on a bad pattern.
func NewType[T any](name string, docs map[string]string) *Type {
	t := reflect.TypeFor[T]()
	return &Type{Struct: *describe(name, "", t, docs, false), Doc: docs[""], goType: t}
}

// VolatilePaths lists the attributes that move by themselves.
func (t *Type) VolatilePaths() []string { return volatile(&t.Struct, "", false) }

func volatile(s *Struct, prefix string, all bool) []string {
	var out []string
	for _, f := range s.Fields {
		switch {
		case f.Kind == Object:
			out = append(out, volatile(f.Of, prefix+f.Name+".", all || f.Volatile)...)
		case all || f.Volatile:
			out = append(out, prefix+f.Name)
		}
	}
	return out
}

// New returns a pointer to a zero struct of the type.
func (t *Type) New() any { return reflect.New(t.goType).Interface() }

// Is reports whether v is the type's struct or a pointer to it.
func (t *Type) Is(v any) bool {
	r := reflect.TypeOf(v)
	return r == t.goType || r == reflect.PointerTo(t.goType)
}

func describe(name, path string, t reflect.Type, docs map[string]string, derived bool) *Struct {
	s := &Struct{Name: name}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			for _, inner := range describe(name, path, f.Type, docs, derived).Fields {
				inner.index = append([]int{i}, inner.index...)
				s.Fields = append(s.Fields, inner)
			}
			continue
		}
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == "" {
			panic(fmt.Sprintf("%s: field %s has no json tag", name, f.Name))
		}
		field := Field{
			Name: tag, index: []int{i}, Doc: docs[path+tag],
			Derived: derived || f.Tag.Get("derived") == "true", Key: f.Tag.Get("key") == "true",
			Volatile: f.Tag.Get("volatile") == "true",
		}
		ft := f.Type
		if o, ok := reflect.Zero(ft).Interface().(interface{ optional() reflect.Type }); ok {
			field.Optional, ft = true, o.optional()
		}
		switch {
		case ft == reflect.TypeFor[time.Time]():
			field.Kind = Time
		case ft.Kind() == reflect.Bool:
			field.Kind = Bool
		case ft.Kind() == reflect.String:
			field.Kind = String
		case ft.Kind() == reflect.Int64 || ft.Kind() == reflect.Int || ft.Kind() == reflect.Int32:
			field.Kind = Int
		case ft == reflect.TypeFor[[]string]():
			field.Kind = Strings
		case ft == reflect.TypeFor[map[string]string]():
			field.Kind = StringMap
		case ft.Kind() == reflect.Struct:
			field.Kind, field.Of = Object, describe(name+"."+tag, path+tag+".", ft, docs, field.Derived)
		case ft.Kind() == reflect.Slice && ft.Elem().Kind() == reflect.Struct:
			field.Kind, field.Of = Objects, describe(name+"."+tag, path+tag+"[].", ft.Elem(), docs, field.Derived)
		default:
			panic(fmt.Sprintf("%s: field %s has type %s, which resources cannot have", name, f.Name, f.Type))
		}
		s.Fields = append(s.Fields, field)
	}
	return s
}

func (o Opt[T]) optional() reflect.Type     { return reflect.TypeFor[T]() }
func (o Opt[T]) optionalValue() (any, bool) { return o.value, o.set }

// Encode returns the attributes of v, a pointer to the type's struct, as JSON values: absent is nil, times are RFC 3339 in
// UTC, and what unread names is left out, so that nothing can take its zero value for a fact.
func (t *Type) Encode(v any, unread []Unread) map[string]any {
	out := t.encode(reflect.Indirect(reflect.ValueOf(v)))
	for _, u := range unread {
		drop(&t.Struct, out, u.Path)
	}
	return out
}

func (s *Struct) encode(v reflect.Value) map[string]any {
	out := make(map[string]any, len(s.Fields))
	for _, f := range s.Fields {
		out[f.Name] = f.encode(v.FieldByIndex(f.index))
	}
	return out
}

func (f Field) encode(v reflect.Value) any {
	if f.Optional {
		value, set := v.Interface().(interface{ optionalValue() (any, bool) }).optionalValue()
		if !set {
			return nil
		}
		v = reflect.ValueOf(value)
	}
	switch f.Kind {
	case Bool:
		return v.Bool()
	case String:
		return strings.ToValidUTF8(v.String(), "�")
	case Int:
		return v.Int()
	case Time:
		return v.Interface().(time.Time).UTC().Format(time.RFC3339Nano)
	case Strings:
		out := make([]any, v.Len())
		for i := range out {
			out[i] = strings.ToValidUTF8(v.Index(i).String(), "�")
		}
		return out
	case StringMap:
		out := make(map[string]any, v.Len())
		for k, e := range v.Seq2() {
			out[strings.ToValidUTF8(k.String(), "�")] = strings.ToValidUTF8(e.String(), "�")
		}
		return out
	case Object:
		return f.Of.encode(v)
	default:
		out := make([]any, v.Len())
		for i := range out {
			out[i] = f.Of.encode(v.Index(i))
		}
		return out
	}
}

// drop removes what path names from attributes. A path into an element whose key is not there, and "list[]", remove nothing.
func drop(s *Struct, attributes map[string]any, path string) {
	name, rest, nested := strings.Cut(path, ".")
	name, _, element := strings.Cut(name, "[")
	field, ok := s.Field(name)
	if !ok {
		return
	}
	if element { // a key may hold dots itself: it ends at the last "]" before a dot
		after := path[len(name)+1:]
		end := strings.LastIndex(after, "].")
		if end < 0 {
			return // "list[]" or a whole element: the list itself stays, marked incomplete by the path
		}
		key, rest := after[:end], after[end+2:]
		list, _ := attributes[name].([]any)
		for _, e := range list {
			object := e.(map[string]any)
			for _, f := range field.Of.Fields {
				if f.Key && fmt.Sprint(object[f.Name]) == key {
					drop(field.Of, object, rest)
				}
			}
		}
		return
	}
	if !nested {
		delete(attributes, name)
		return
	}
	if object, ok := attributes[name].(map[string]any); ok && field.Kind == Object {
		drop(field.Of, object, rest)
	}
}

// AsExternal marks the type as one that no reader fills yet, and returns it.
func (t *Type) AsExternal() *Type {
	t.External = true
	return t
}
