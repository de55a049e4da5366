package rule

import (
	"fmt"
	"maps"
	"slices"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

const paramsType = "rule.params"

// parameters makes the record that conditions see as params: a field for each parameter, typed by its default. override
// replaces defaults and must be of their types.
func (r *Rule) parameters(override map[string]any) (*Record, map[string]any, error) {
	names := slices.Sorted(maps.Keys(r.Params))
	object := &object{name: paramsType, index: map[string]int{}, key: -1}
	record := &Record{object: object}
	effective := make(map[string]any, len(names))
	for i, name := range names {
		value, t, err := paramValue(r.Params[name])
		if err != nil {
			return nil, nil, r.errorf("params", "%s: %v", name, err)
		}
		effective[name] = r.Params[name]
		if other, ok := override[name]; ok {
			otherValue, otherType, err := paramValue(other)
			if err != nil {
				return nil, nil, r.errorf("params", "%s: %v", name, err)
			}
			if !t.IsExactType(otherType) && !empty(otherValue) {
				return nil, nil, r.errorf("params", "%s: want %s, got %s", name, t, otherType)
			}
			value, effective[name] = otherValue, other
		}
		object.index[name] = i
		object.fields = append(object.fields, field{name: name, cel: recordField(t, i)})
		record.slots = append(record.slots, value)
	}
	for name := range override {
		if _, ok := r.Params[name]; !ok {
			return nil, nil, r.errorf("params", "%s is not a parameter of %s", name, r.ID)
		}
	}
	return record, effective, nil
}

func empty(v ref.Val) bool {
	s, ok := v.(interface{ Size() ref.Val })
	return ok && s.Size() == types.IntZero
}

// paramValue is a YAML value with its CEL type. Lists and maps hold values of one type; an empty list is one of strings, an
// empty map one of lists of strings.
func paramValue(v any) (ref.Val, *types.Type, error) {
	switch v := v.(type) {
	case bool:
		return types.Bool(v), types.BoolType, nil
	case int:
		return types.Int(v), types.IntType, nil
	case int64:
		return types.Int(v), types.IntType, nil
	case float64:
		return types.Double(v), types.DoubleType, nil
	case string:
		return types.String(v), types.StringType, nil
	case []any:
		of := types.StringType
		values := make([]ref.Val, len(v))
		for i, e := range v {
			value, t, err := paramValue(e)
			if err != nil {
				return nil, nil, err
			}
			if i > 0 && !of.IsExactType(t) {
				return nil, nil, fmt.Errorf("a list of both %s and %s", of, t)
			}
			values[i], of = value, t
		}
		return types.NewRefValList(types.DefaultTypeAdapter, values), types.NewListType(of), nil
	case map[string]any:
		of := types.NewListType(types.StringType)
		values := make(map[ref.Val]ref.Val, len(v))
		for i, k := range slices.Sorted(maps.Keys(v)) {
			value, t, err := paramValue(v[k])
			if err != nil {
				return nil, nil, err
			}
			if i > 0 && !of.IsExactType(t) {
				return nil, nil, fmt.Errorf("a map of both %s and %s", of, t)
			}
			values[types.String(k)], of = value, t
		}
		return types.NewRefValMap(types.DefaultTypeAdapter, values), types.NewMapType(types.StringType, of), nil
	default:
		return nil, nil, fmt.Errorf("%v (%T) cannot be a parameter", v, v)
	}
}
