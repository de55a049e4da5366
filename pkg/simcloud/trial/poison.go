package trial

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Poison marks every attribute of every type of an account unread (a seeded third of them without PLUMBLINE_LONG), once with
// its true value left in the struct and once with a wrong one: what is derived must be the same. It returns how many attributes it tried, and how many of them make something
// derived unread.
func Poison(t *testing.T, c *Cloud, account world.Account) (tried, mattered int) {
	pristine := c.Whole(t, account)
	types, derives := map[string]*posture.Type{}, map[string]bool{}
	for _, kind := range pristine.Types {
		types[kind.Name], derives[kind.Name] = kind, derived(&kind.Struct)
	}
	random := rand.New(rand.NewPCG(5, 6))
	for _, kind := range pristine.Types {
		if !slices.ContainsFunc(pristine.Resources, func(r *posture.Resource) bool { return r.Type == kind.Name }) {
			continue
		}
		for _, path := range leaves(&kind.Struct, "") {
			if !Long() && random.IntN(3) > 0 {
				continue
			}
			outcome := func(poison bool) string {
				resources := cloneAll(pristine.Resources, types)
				for _, r := range resources {
					if r.Type == kind.Name {
						r.Unread = append(r.Unread, posture.Unread{Path: path, Cause: posture.Cause{Reason: posture.ReasonDenied, Operation: "Test.Unread"}})
						if poison {
							scramble(field(reflect.ValueOf(r.Attributes).Elem(), path))
						}
					}
				}
				c.derived(pristine, resources)
				var b strings.Builder
				for _, r := range resources {
					if !derives[r.Type] {
						continue
					}
					text, err := json.Marshal(map[string]any{"key": r.Key, "attributes": types[r.Type].Encode(r.Attributes, r.Unread), "unread": r.Unread})
					if err != nil {
						t.Fatal(err)
					}
					b.Write(text)
					b.WriteByte('\n')
				}
				return b.String()
			}
			honest, poisoned := outcome(false), outcome(true)
			tried++
			itself := 0
			if derives[kind.Name] {
				itself = countOf(pristine.Resources, kind.Name)
			}
			if strings.Count(honest, "Test.Unread") > itself {
				mattered++
			}
			if honest != poisoned {
				t.Errorf("%s %s: what is derived depends on a value that was not read:\n%s", kind.Name, path, firstDifference(honest, poisoned))
			}
		}
	}
	t.Logf("%s: %d attributes tried, %d of which make something derived unread", account.ID, tried, mattered)
	return tried, mattered
}

// derived reports whether a type has derived attributes.
func derived(s *posture.Struct) bool {
	return slices.ContainsFunc(s.Fields, func(f posture.Field) bool { return f.Derived || f.Kind == posture.Object && derived(f.Of) })
}

// leaves lists the attributes that readers fill; an object's members are attributes of their own, a list is one.
func leaves(s *posture.Struct, prefix string) []string {
	var out []string
	for _, f := range s.Fields {
		switch {
		case f.Derived:
		case f.Kind == posture.Object:
			out = append(out, leaves(f.Of, prefix+f.Name+".")...)
		case f.Name != "name" && f.Name != "tags" && f.Name != "created_at":
			out = append(out, prefix+f.Name)
		}
	}
	return out
}

func countOf(resources []*posture.Resource, kind string) int {
	n := 0
	for _, r := range resources {
		if r.Type == kind {
			n++
		}
	}
	return n
}

func cloneAll(resources []*posture.Resource, types map[string]*posture.Type) []*posture.Resource {
	out := make([]*posture.Resource, len(resources))
	for i, r := range resources {
		attributes := types[r.Type].New()
		// Scrambling replaces whole values, never what they point to.
		reflect.ValueOf(attributes).Elem().Set(reflect.Indirect(reflect.ValueOf(r.Attributes)))
		out[i] = &posture.Resource{Key: r.Key, Attributes: attributes, Unread: slices.Clone(r.Unread)}
	}
	return out
}

// field finds the struct field of an attribute path by its json tags.
func field(v reflect.Value, path string) reflect.Value {
	name, rest, nested := strings.Cut(path, ".")
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous {
			if _, in := f.Type.FieldByNameFunc(func(n string) bool {
				inner, _ := f.Type.FieldByName(n)
				return inner.Tag.Get("json") == name
			}); in {
				return field(v.Field(i), path)
			}
			continue
		}
		if f.Tag.Get("json") == name {
			if nested {
				return field(v.Field(i), rest)
			}
			return v.Field(i)
		}
	}
	panic(fmt.Sprintf("no field %s in %s", path, v.Type()))
}

// scramble puts a value into the field that it did not have.
func scramble(v reflect.Value) {
	switch {
	case v.Kind() == reflect.Bool:
		v.SetBool(!v.Bool())
	case v.Kind() == reflect.String:
		v.SetString(v.String() + "poison")
	case v.CanInt():
		v.SetInt(v.Int() + 1000)
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(v.Interface().(time.Time).AddDate(-9, 0, 0)))
	case v.Kind() == reflect.Slice && v.Len() > 0:
		v.Set(reflect.Zero(v.Type()))
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	default:
		v.Set(reflect.Zero(v.Type()))
	}
}

func firstDifference(a, b string) string {
	linesA, linesB := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(linesA), len(linesB)) {
		if linesA[i] != linesB[i] {
			return linesA[i] + "\n" + linesB[i]
		}
	}
	return "one is longer"
}
