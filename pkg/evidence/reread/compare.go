package reread

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/drift"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
)

// settings are the documents of resources, without the attributes that were derived.
type settings map[posture.Key][]byte

// read are the settings that readers handed over, and the cells.
type read struct {
	settings settings
	cells    map[posture.Key]posture.Cell // by type and region
}

func readOf(c scan.Collected) (read, error) {
	types := byName(c.Types)
	out := read{settings{}, posture.IndexCells(c.Cells)}
	for _, r := range c.Resources {
		t := types[r.Type]
		document, _, err := ledger.Content(t.Encode(r.Attributes, r.Unread), r.Unread)
		if err == nil {
			out.settings[r.Key], err = asRead(t, document)
		}
		if err != nil {
			return read{}, fmt.Errorf("encode %s %s: %w", r.Type, r.ID, err)
		}
	}
	return out, nil
}

func byName(types []*posture.Type) map[string]*posture.Type {
	out := map[string]*posture.Type{}
	for _, t := range types {
		out[t.Name] = t
	}
	return out
}

// document is what a resource's settings are written as.
type document struct {
	Attributes map[string]any   `json:"attributes"`
	Unread     []posture.Unread `json:"unread"`
}

// asRead is a document without what was derived after reading.
func asRead(t *posture.Type, data []byte) ([]byte, error) {
	var d document
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&d); err != nil {
		return nil, err
	}
	if t != nil {
		withoutDerived(t.Fields, d.Attributes)
	}
	return json.Marshal(d)
}

func withoutDerived(fields []posture.Field, attributes map[string]any) {
	for _, f := range fields {
		if f.Derived {
			delete(attributes, f.Name)
			continue
		}
		switch v := attributes[f.Name].(type) {
		case map[string]any:
			if f.Of != nil {
				withoutDerived(f.Of.Fields, v)
			}
		case []any:
			for _, e := range v {
				if object, ok := e.(map[string]any); ok && f.Of != nil {
					withoutDerived(f.Of.Fields, object)
				}
			}
		}
	}
}

// unreadAt is why an attribute has no value, if the document says so.
func unreadAt(data []byte, path string) (posture.Cause, bool) {
	var d document
	if json.Unmarshal(data, &d) != nil {
		return posture.Cause{}, false
	}
	for _, u := range d.Unread {
		if related(u.Path, path) {
			return u.Cause, true
		}
	}
	return posture.Cause{}, false
}

// related reports whether one path is, or leads to, the other.
func related(a, b string) bool {
	within := func(a, b string) bool {
		rest, ok := strings.CutPrefix(a, b)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	}
	return within(a, b) || within(b, a)
}

// fieldsOf lists where two versions of one resource differ.
func fieldsOf(key posture.Key, before, after []byte, types []*posture.Type) ([]posture.FieldChange, error) {
	if bytes.Equal(before, after) {
		return nil, nil
	}
	changes, err := drift.Compare(drift.Diff{Resources: []drift.ResourceDelta{{
		Key: key, Before: &drift.ResourceVersion{JSON: before}, After: &drift.ResourceVersion{JSON: after},
	}}}, types)
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	return changes[0].Fields, nil
}

// unlisted reports whether only a second source had the resource.
func unlisted(data []byte) bool {
	cause, unread := unreadAt(data, "name")
	return unread && cause.Reason == posture.ReasonUnreconciled
}

func sortedKeys(lists ...settings) []posture.Key {
	var out []posture.Key
	for _, list := range lists {
		for key := range list {
			out = append(out, key)
		}
	}
	slices.SortFunc(out, posture.Key.Compare)
	return slices.Compact(out)
}

func sortedCells(lists ...map[posture.Key]posture.Cell) []posture.Key {
	var out []posture.Key
	for _, list := range lists {
		for key := range list {
			out = append(out, key)
		}
	}
	slices.SortFunc(out, posture.Key.Compare)
	return slices.Compact(out)
}

// Lack is something that cannot be read again from the recorded answers, of one or many resources.
type Lack struct {
	Type      string `json:"type"`
	Path      string `json:"path,omitempty"` // empty: the whole list
	Operation string `json:"operation,omitempty"`
	Why       string `json:"why"`
	Count     int    `json:"count"` // of resources; of cells where Path is empty
}

func compareLacks(a, b Lack) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Why, b.Why))
}
