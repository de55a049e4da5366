package rule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Decode reads a stored resource, {"attributes":{…},"unread":[…]}, straight into a record. What is missing was not read
// (not_collected unless unread says why), null is absent, and what no longer fits the schema is unread with parse_error.
// It returns posture.ErrInvalid for a type that is not known and for text that is not such a document.
func (t *Types) Decode(key posture.Key, account string, content []byte) (*Record, error) {
	object := t.resources[key.Type]
	if object == nil {
		return nil, fmt.Errorf("decode %s: resource type is not known: %w", key.Type, posture.ErrInvalid)
	}
	r := &Record{object: object, slots: make([]ref.Val, len(object.fields)), key: key}
	r.slots[slotID], r.slots[slotRegion], r.slots[slotAccount] = types.String(key.ID), types.String(key.Region), types.String(account)
	if err := r.decodeDocument(content); err != nil {
		return nil, fmt.Errorf("decode %s %q: %w: %w", key.Type, key.ID, posture.ErrInvalid, err)
	}
	return r, nil
}

func (r *Record) decodeDocument(content []byte) error {
	d := jsontext.NewDecoder(bytes.NewBuffer(content))
	var unread []posture.Unread
	err := eachMember(d, func(name []byte) error {
		switch string(name) {
		case "attributes":
			return r.decodeFields(d, envelope)
		case "unread":
			raw, err := d.ReadValue()
			if err != nil {
				return err
			}
			return json.Unmarshal(raw, &unread)
		default:
			return d.SkipValue()
		}
	})
	if err != nil {
		return err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return fmt.Errorf("text after the end of the document")
	}
	r.markUnread(unread)
	return nil
}

// eachMember calls f for each member of the object that comes next, after its name; f reads the value.
func eachMember(d *jsontext.Decoder, f func(name []byte) error) error {
	if d.PeekKind() != '{' {
		return fmt.Errorf("at byte %d: want an object", d.InputOffset())
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadValue()
		if err != nil {
			return err
		}
		if name = name[1 : len(name)-1]; bytes.IndexByte(name, '\\') >= 0 {
			if name, err = jsontext.AppendUnquote(nil, `"`+string(name)+`"`); err != nil {
				return err
			}
		}
		if err := f(name); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// decodeFields fills the slots from first on from the object that comes next.
func (r *Record) decodeFields(d *jsontext.Decoder, first int) error {
	return eachMember(d, func(name []byte) error {
		slot, known := r.object.index[string(name)]
		if !known || slot < first {
			return d.SkipValue()
		}
		value, err := r.decodeField(d, slot)
		r.slots[slot] = value
		return err
	})
}

// wanted is the kind of JSON value that each kind of field is stored as.
func wanted(k posture.Kind) jsontext.Kind {
	switch k {
	case posture.Int:
		return '0'
	case posture.Strings, posture.Objects:
		return '['
	case posture.StringMap, posture.Object:
		return '{'
	default:
		return '"'
	}
}

// decodeField reads the value that comes next. An error is one of syntax; a value of the wrong shape is unread.
func (r *Record) decodeField(d *jsontext.Decoder, slot int) (ref.Val, error) {
	f := r.object.fields[slot]
	found := d.PeekKind()
	if found == 'n' && f.optional {
		return types.NullValue, d.SkipValue()
	}
	if f.kind == posture.Bool && (found == 't' || found == 'f') {
		return types.Bool(found == 't'), d.SkipValue()
	}
	if f.kind == posture.Bool || found != wanted(f.kind) {
		return r.misfit(slot), d.SkipValue()
	}
	switch f.kind {
	case posture.String, posture.Time:
		text, err := readString(d)
		if err != nil || f.kind == posture.String {
			return types.String(text), err
		}
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return r.misfit(slot), nil
		}
		return types.Timestamp{Time: at.UTC()}, nil
	case posture.Int:
		raw, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		n, err := strconv.ParseInt(string(raw), 10, 64)
		if err != nil {
			return r.misfit(slot), nil
		}
		return types.Int(n), nil
	case posture.StringMap:
		return r.decodeMap(d, slot)
	case posture.Object:
		return r.decodeObject(d, slot)
	default:
		return r.decodeList(d, slot)
	}
}

func (r *Record) misfit(slot int) ref.Val {
	return r.unknown(r.path(r.object.fields[slot].name), posture.Cause{Reason: posture.ReasonParseError})
}

func readString(d *jsontext.Decoder) (string, error) {
	raw, err := d.ReadValue()
	if err != nil {
		return "", err
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), nil
	}
	text, err := jsontext.AppendUnquote(nil, raw)
	return string(text), err
}

func (r *Record) decodeObject(d *jsontext.Decoder, slot int) (ref.Val, error) {
	of := r.object.fields[slot].of
	inner := &Record{object: of, slots: make([]ref.Val, len(of.fields)), parent: r, at: slot}
	return inner, inner.decodeFields(d, 0)
}

func (r *Record) decodeMap(d *jsontext.Decoder, slot int) (ref.Val, error) {
	out := map[string]string{}
	misfit := false
	err := eachMember(d, func(name []byte) error {
		key := string(name)
		if d.PeekKind() != '"' {
			misfit = true
			return d.SkipValue()
		}
		value, err := readString(d)
		out[key] = value
		return err
	})
	if misfit {
		return r.misfit(slot), err
	}
	return types.NewStringStringMap(types.DefaultTypeAdapter, out), err
}

func (r *Record) decodeList(d *jsontext.Decoder, slot int) (ref.Val, error) {
	elementKind := jsontext.Kind('"')
	if r.object.fields[slot].kind == posture.Objects {
		elementKind = '{'
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	var out []ref.Val
	misfit := false
	for k := d.PeekKind(); k != ']'; k = d.PeekKind() {
		var element ref.Val
		var err error
		switch {
		case k != elementKind: // an error of syntax ends the loop here too
			misfit, err = true, d.SkipValue()
		case k == '{':
			element, err = r.decodeObject(d, slot)
		default:
			var text string
			text, err = readString(d)
			element = types.String(text)
		}
		if err != nil {
			return nil, err
		}
		if element != nil {
			out = append(out, element)
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	if misfit {
		path := r.path(r.object.fields[slot].name) + "[]"
		return newIncomplete(out, r.unknown(path, posture.Cause{Reason: posture.ReasonParseError})), nil
	}
	return types.NewRefValList(types.DefaultTypeAdapter, out), nil
}
