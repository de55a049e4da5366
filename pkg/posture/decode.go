package posture

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Decode is the reverse of Encode: it returns a pointer to the type's struct, and the unread paths. An attribute that is
// neither in attributes nor named unread was added to the schema later: it is unread, not_collected.
func (t *Type) Decode(attributes json.RawMessage, unread []Unread) (any, []Unread, error) {
	v := t.New()
	if err := json.Unmarshal(attributes, v); err != nil {
		return nil, nil, fmt.Errorf("decode %s: %w", t.Name, err)
	}
	var members map[string]any
	if err := json.Unmarshal(attributes, &members); err != nil {
		return nil, nil, fmt.Errorf("decode %s: %w", t.Name, err)
	}
	named := func(path string) bool {
		return slices.ContainsFunc(unread, func(u Unread) bool {
			return strings.HasPrefix(path, u.Path) && (len(path) == len(u.Path) || path[len(u.Path)] == '.')
		})
	}
	out := slices.Clone(unread)
	for _, path := range missing(&t.Struct, members, "") {
		if !named(path) {
			out = append(out, Unread{Path: path, Cause: Cause{Reason: ReasonNotCollected}})
		}
	}
	return v, out, nil
}

// missing lists the paths of a struct that members does not hold; lists of objects are one path.
func missing(s *Struct, members map[string]any, prefix string) []string {
	var out []string
	for _, f := range s.Fields {
		value, there := members[f.Name]
		if !there {
			out = append(out, prefix+f.Name)
			continue
		}
		if inner, ok := value.(map[string]any); ok && f.Kind == Object {
			out = append(out, missing(f.Of, inner, prefix+f.Name+".")...)
		}
	}
	return out
}
