package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// xmlWriter writes the bodies of the query, ec2 and rest-xml protocols.
type xmlWriter struct {
	bytes.Buffer
	model *Model
}

func (w *xmlWriter) open(name, attributes string) {
	w.WriteString("<" + name + attributes + ">")
}

func (w *xmlWriter) close(name string) { w.WriteString("</" + name + ">") }

func (w *xmlWriter) text(name, text string) {
	w.open(name, "")
	w.escape(text)
	w.close(name)
}

func (w *xmlWriter) escape(text string) { _ = xml.EscapeText(w, []byte(text)) } // a buffer takes every write

// members writes a struct's fields as elements, without an element around them.
func (w *xmlWriter) members(v reflect.Value, shape *Shape) {
	for _, f := range w.model.bind(v.Type(), shape) {
		if f.ref.Location == "" && !f.ref.XMLAttribute {
			w.element(f.wireName(), v.Field(f.index), f.ref)
		}
	}
}

// element writes one value under a name; absent values write nothing.
func (w *xmlWriter) element(name string, v reflect.Value, ref *Ref) {
	shape := ref.target()
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			w.element(name, v.Elem(), ref)
		}
	case reflect.Struct:
		if v.Type() == timeType {
			w.text(name, xmlTime(v.Interface().(time.Time), shape))
			return
		}
		w.open(name, w.attributes(v, shape))
		w.members(v, shape)
		w.close(name)
	case reflect.Slice:
		if v.IsNil() {
			return
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			w.text(name, base64.StdEncoding.EncodeToString(v.Bytes()))
			return
		}
		w.list(name, v, ref)
	case reflect.Map:
		if !v.IsNil() {
			w.mapping(name, v, ref)
		}
	case reflect.String:
		if v.String() != "" || v.Type().Name() == "string" {
			w.text(name, v.String())
		}
	case reflect.Bool:
		w.text(name, strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int32, reflect.Int64:
		w.text(name, strconv.FormatInt(v.Int(), 10))
	case reflect.Float32, reflect.Float64:
		w.text(name, strconv.FormatFloat(v.Float(), 'f', -1, 64))
	}
}

func (w *xmlWriter) list(name string, v reflect.Value, ref *Ref) {
	item := &Ref{}
	itemName := "member"
	if w.model.Metadata.Protocol == "ec2" {
		itemName = "item"
	}
	flattened := ref.Flattened
	if ref.shape != nil && ref.shape.Member != nil {
		item = ref.shape.Member
		flattened = flattened || ref.shape.Flattened
		if item.LocationName != "" {
			itemName = item.LocationName
		}
	}
	if flattened {
		for i := range v.Len() {
			w.element(name, v.Index(i), item)
		}
		return
	}
	w.open(name, "")
	for i := range v.Len() {
		w.element(itemName, v.Index(i), item)
	}
	w.close(name)
}

func (w *xmlWriter) mapping(name string, v reflect.Value, ref *Ref) {
	key, value := &Ref{}, &Ref{}
	flattened := ref.Flattened
	if ref.shape != nil && ref.shape.Key != nil {
		key, value = ref.shape.Key, ref.shape.Value
		flattened = flattened || ref.shape.Flattened
	}
	entry := "entry"
	if flattened {
		entry = name
	} else {
		w.open(name, "")
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, k := range keys {
		w.open(entry, "")
		w.text(orElse(key.LocationName, "key"), k.String())
		w.element(orElse(value.LocationName, "value"), v.MapIndex(k), value)
		w.close(entry)
	}
	if !flattened {
		w.close(name)
	}
}

// attributes returns the members that are XML attributes; S3's grantee type is the only one in use.
func (w *xmlWriter) attributes(v reflect.Value, shape *Shape) string {
	var out xmlWriter
	for _, f := range w.model.bind(v.Type(), shape) {
		if !f.ref.XMLAttribute {
			continue
		}
		if prefix, _, ok := strings.Cut(f.wireName(), ":"); ok && prefix == "xsi" {
			out.WriteString(` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`)
		}
		out.WriteString(" " + f.wireName() + `="`)
		out.escape(v.Field(f.index).String())
		out.WriteString(`"`)
	}
	return out.String()
}

func xmlTime(t time.Time, shape *Shape) string {
	if shape == nil {
		return formatTime(t, "iso8601")
	}
	return formatTime(t, shape.TimestampFormat)
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
