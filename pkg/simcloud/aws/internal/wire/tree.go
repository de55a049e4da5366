package wire

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
)

var timeType = reflect.TypeFor[time.Time]()

// epoch is a time in seconds since 1970, as the JSON protocols write it.
type epoch float64

// tree turns an SDK value into maps, lists and scalars under wire names, the common form of the JSON and CBOR bodies.
// A nil result means the value is absent.
func (m *Model) tree(v reflect.Value, shape *Shape, name func(field) string) any {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return m.tree(v.Elem(), shape, name)
	case reflect.Interface: // a union: the SDK names its variants <Union>Member<Variant>, each with one field Value
		if v.IsNil() {
			return nil
		}
		variant := v.Elem()
		if variant.Kind() == reflect.Pointer {
			variant = variant.Elem()
		}
		member, found := strings.CutPrefix(variant.Type().Name(), v.Type().Name()+"Member")
		if !found || variant.Kind() != reflect.Struct {
			return nil
		}
		f := field{member: member, ref: &Ref{}}
		if wire, ref := shape.lookup(member); ref != nil {
			f.member, f.ref = wire, ref
		} else if m.Metadata.Lower {
			f.member = lowerFirst(member)
		}
		return map[string]any{name(f): m.tree(variant.FieldByName("Value"), f.ref.shape, name)}
	case reflect.Struct:
		if v.Type() == timeType {
			return jsonTime(v.Interface().(time.Time), shape)
		}
		object := map[string]any{}
		for _, f := range m.bind(v.Type(), shape) {
			if f.ref.Location != "" {
				continue
			}
			if value := m.tree(v.Field(f.index), f.ref.shape, name); value != nil {
				object[name(f)] = value
			}
		}
		return object
	case reflect.Slice:
		if v.IsNil() {
			return nil
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Bytes()
		}
		list := make([]any, v.Len())
		for i := range list {
			list[i] = m.tree(v.Index(i), shape.element(), name)
		}
		return list
	case reflect.Map:
		if v.IsNil() {
			return nil
		}
		object := map[string]any{}
		for entries := v.MapRange(); entries.Next(); {
			object[entries.Key().String()] = m.tree(entries.Value(), shape.value(), name)
		}
		return object
	case reflect.String:
		if v.String() == "" && v.Type().Name() != "string" { // an enum the handler left out
			return nil
		}
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int32, reflect.Int64:
		return v.Int()
	case reflect.Float32, reflect.Float64:
		return v.Float()
	}
	return nil
}

func jsonTime(t time.Time, shape *Shape) any {
	if shape != nil && shape.TimestampFormat != "" {
		return formatTime(t, shape.TimestampFormat)
	}
	return epoch(float64(t.UnixMilli()) / 1000)
}

func formatTime(t time.Time, format string) string {
	switch format {
	case "rfc822":
		return t.UTC().Format(http.TimeFormat)
	case "unixTimestamp":
		return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', -1, 64)
	}
	return t.UTC().Format("2006-01-02T15:04:05.999Z07:00")
}

// assign puts a decoded JSON or CBOR tree into an SDK value; members nobody knows are skipped.
func (m *Model) assign(v reflect.Value, tree any, shape *Shape, name func(field) string) error {
	if tree == nil {
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return m.assign(v.Elem(), tree, shape, name)
	case reflect.Struct:
		if v.Type() == timeType {
			return setScalar(v, fmt.Sprint(tree))
		}
		object, ok := tree.(map[string]any)
		if !ok {
			return fmt.Errorf("want an object, got %T", tree)
		}
		for _, f := range m.bind(v.Type(), shape) {
			if f.ref.Location != "" {
				continue
			}
			if err := m.assign(v.Field(f.index), object[name(f)], f.ref.shape, name); err != nil {
				return fmt.Errorf("%s: %w", name(f), err)
			}
		}
	case reflect.Slice:
		if blob, ok := tree.([]byte); ok && v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes(blob)
			return nil
		}
		if text, ok := tree.(string); ok {
			return setScalar(v, text)
		}
		list, ok := tree.([]any)
		if !ok {
			return fmt.Errorf("want a list, got %T", tree)
		}
		v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
		for i, item := range list {
			if err := m.assign(v.Index(i), item, shape.element(), name); err != nil {
				return fmt.Errorf("[%d]: %w", i, err)
			}
		}
	case reflect.Map:
		object, ok := tree.(map[string]any)
		if !ok {
			return fmt.Errorf("want an object, got %T", tree)
		}
		v.Set(reflect.MakeMap(v.Type()))
		for key, item := range object {
			value := reflect.New(v.Type().Elem()).Elem()
			if err := m.assign(value, item, shape.value(), name); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), value)
		}
	default:
		return setScalar(v, fmt.Sprint(tree))
	}
	return nil
}

// setScalar parses text into a string, bool, number, blob or time, or a pointer to one.
func setScalar(v reflect.Value, text string) error {
	var err error
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return setScalar(v.Elem(), text)
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		var b bool
		b, err = strconv.ParseBool(text)
		v.SetBool(b)
	case reflect.Int, reflect.Int32, reflect.Int64:
		var n int64
		n, err = strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(n)
	case reflect.Float32, reflect.Float64:
		var f float64
		f, err = strconv.ParseFloat(text, 64)
		v.SetFloat(f)
	case reflect.Slice:
		var blob []byte
		blob, err = base64.StdEncoding.DecodeString(text)
		v.SetBytes(blob)
	case reflect.Struct:
		var t time.Time
		if t, err = parseTime(text); err == nil {
			v.Set(reflect.ValueOf(t))
		}
	default:
		return fmt.Errorf("cannot read %q into a %s", text, v.Type())
	}
	return err
}

func parseTime(text string) (time.Time, error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC(), nil
	}
	if t, err := http.ParseTime(text); err == nil {
		return t.UTC(), nil
	}
	return time.Parse(time.RFC3339Nano, text)
}

func decodeJSON(body []byte) (any, error) {
	if len(body) == 0 {
		return nil, nil
	}
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return nil, fmt.Errorf("parse JSON body: %w", err)
	}
	return tree, nil
}
