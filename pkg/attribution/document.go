package attribution

import (
	"encoding/json"
	"strconv"
	"strings"
)

// document is a decoded event, looked into by paths such as "requestParameters.bucketName". Lists on the way are gone through.
type document map[string]any

func decode(data []byte) (document, error) {
	var d document
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.UseNumber()
	return d, decoder.Decode(&d)
}

// all returns every text at a path.
func (d document) all(path string) []string {
	var out []string
	walk(map[string]any(d), strings.Split(path, "."), func(v any) {
		switch v := v.(type) {
		case string:
			if v != "" {
				out = append(out, v)
			}
		case json.Number:
			out = append(out, v.String())
		}
	})
	return out
}

// text returns the first text at a path, "" when there is none.
func (d document) text(path string) string {
	if all := d.all(path); len(all) > 0 {
		return all[0]
	}
	return ""
}

// object returns the object at a path, nil when there is none.
func (d document) object(path string) document {
	var out document
	walk(map[string]any(d), strings.Split(path, "."), func(v any) {
		if m, ok := v.(map[string]any); ok && out == nil {
			out = m
		}
	})
	return out
}

func walk(v any, path []string, found func(any)) {
	if list, ok := v.([]any); ok {
		for _, e := range list {
			walk(e, path, found)
		}
		return
	}
	if len(path) == 0 {
		found(v)
		return
	}
	if m, ok := v.(map[string]any); ok {
		if next, ok := m[path[0]]; ok {
			walk(next, path[1:], found)
		}
	}
}

// The bounds of what an event may mention.
const (
	maxMentions = 500
	maxMention  = 1024
)

// mentions returns every text in v that could name a resource.
func mentions(v any, out []string) []string {
	switch v := v.(type) {
	case string:
		if v != "" && len(v) <= maxMention && len(out) < maxMentions && !strings.ContainsAny(v, " \n{") {
			out = append(out, v)
		}
	case []any:
		for _, e := range v {
			out = mentions(e, out)
		}
	case map[string]any:
		for _, e := range v {
			out = mentions(e, out)
		}
	}
	return out
}

// literal is a value as JSON where the event and the attributes write it alike: true, false and numbers.
func literal(v any) (json.RawMessage, bool) {
	switch v := v.(type) {
	case bool:
		return json.RawMessage(strconv.FormatBool(v)), true
	case json.Number:
		if _, err := v.Int64(); err == nil {
			return json.RawMessage(v.String()), true
		}
	}
	return nil, false
}

// fill writes what a template such as "arn:{partition}:s3:::{requestParameters.bucketName}" stands for, once for each text at its
// path; {path?text} takes only those that hold the text. Nothing is returned where a path leads to none.
func fill(template string, find func(path string) []string) []string {
	before, rest, found := strings.Cut(template, "{")
	if !found {
		return []string{template}
	}
	path, after, _ := strings.Cut(rest, "}")
	path, part, _ := strings.Cut(path, "?")
	var out []string
	for _, tail := range fill(after, find) {
		for _, text := range find(path) {
			if strings.Contains(text, part) {
				out = append(out, before+text+tail)
			}
		}
	}
	return out
}

// known is what an event name is known to do to resources of one type.
type known struct {
	on     string   // resource type
	ids    []string // templates of the id; the first that can be filled is taken
	act    Act
	fields []string // attributes that are always set
	every  bool
	// params are the attributes that members of the request set, several with spaces between, "" for those that set none; "a.b" is a
	// member inside another. A request with another member may have set anything. Nil: members do not matter.
	params map[string]string
	hidden bool // the same can be done in ways that the log does not hold
	// when says which events have this effect; nil: all of that name.
	when func(event document) bool
}

// effect is what the event did to the resource of that id ("" where the event does not tell which); request holds its parameters.
func (k known) effect(id string, request document) Effect {
	e := Effect{Type: k.on, ID: id, Act: k.act, Fields: k.fields, Every: k.every, Hidden: k.hidden}
	if k.params == nil {
		return e
	}
	e.Fields = append([]string(nil), k.fields...)
	k.read(&e, "", request)
	return e
}

// read adds what the members of a request, or of an object inside it, set.
func (k known) read(e *Effect, prefix string, members document) {
	for name, value := range members {
		field, there := k.params[prefix+name]
		inner, isObject := value.(map[string]any)
		switch {
		case name == "@type":
		case !there && isObject && len(inner) > 0:
			k.read(e, prefix+name+".", inner)
		case !there:
			e.Unsure = true
		case field != "":
			e.Fields = append(e.Fields, strings.Fields(field)...)
			if set, ok := literal(value); ok && !strings.Contains(field, " ") {
				if e.Values == nil {
					e.Values = map[string]json.RawMessage{}
				}
				e.Values[field] = set
			}
		}
	}
}

// effects fills the templates of everything that an event is known to do.
func effects(list []known, event document, find func(path string) []string, request document) []Effect {
	var out []Effect
	for _, k := range list {
		if k.when != nil && !k.when(event) {
			continue
		}
		var ids []string
		for _, template := range k.ids {
			if ids = fill(template, find); len(ids) > 0 {
				break
			}
		}
		if len(ids) == 0 {
			ids = []string{""}
		}
		for _, id := range ids {
			out = append(out, k.effect(id, request))
		}
	}
	return out
}
