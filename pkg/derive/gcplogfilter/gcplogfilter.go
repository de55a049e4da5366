// Package gcplogfilter reads filters of the Logging query language, which log-based metrics, sinks, exclusions and log-match
// alerts of Google Cloud are written in, and says what a filter surely selects.
//
// Source of the language: "Logging query language" in the documentation of Cloud Logging, and AIP-160, which it is built on.
// What sets it apart from other languages: OR binds tighter than AND; terms without an operator between them are joined by AND;
// AND, OR and NOT count in capitals only; text compares without regard to case, except in regular expressions; and a value
// alone is searched for in every field.
package gcplogfilter

import (
	"regexp"
	"slices"
	"strings"
)

// Filter is a parsed filter in normal form. The zero value is the empty filter, which selects every entry.
type Filter struct{ root node }

// String returns the filter in one spelling, which Parse reads back as the same filter.
func (f Filter) String() string {
	if f.root == nil {
		return ""
	}
	return f.root.String()
}

// All selects what every one of the filters selects.
func All(filters ...Filter) Filter {
	var parts []node
	for _, f := range filters {
		if f.root != nil {
			parts = append(parts, f.root)
		}
	}
	if len(parts) == 0 {
		return Filter{}
	}
	return Filter{and(parts)}
}

// Any selects what at least one of the filters selects; there must be one.
func Any(filters ...Filter) Filter {
	var parts []node
	for _, f := range filters {
		if f.root == nil {
			return Filter{}
		}
		parts = append(parts, f.root)
	}
	return Filter{or(parts)}
}

// Not selects what f does not.
func Not(f Filter) Filter {
	if f.root == nil { // nothing at all: the language has no word for it, but a sample of none
		return Filter{call{"sample", []node{text{"insertId", true}, text{"0", true}}}}
	}
	return Filter{negate(f.root)}
}

// Equals lists what the field at path is compared with by =, outside of what is negated.
func (f Filter) Equals(path ...string) []string {
	var out []string
	visit(f.root, true, func(n node, positive bool) {
		if c, ok := n.(comparison); ok && positive && c.operator == "=" && key(c.path) == key(path) {
			visit(c.value, true, func(v node, positive bool) {
				if t, ok := v.(text); ok && positive {
					out = append(out, t.word)
				}
			})
		}
	})
	return out
}

// node is a part of a filter: allOf, anyOf, not, comparison, call or text. The values of a comparison are made of the same
// parts, except for comparisons.
type node interface{ String() string }

type (
	// allOf and anyOf hold at least two parts, none of the same sort as itself.
	allOf []node
	anyOf []node
	// not holds anything but a not.
	not struct{ node }
	// comparison compares a field, or what a function makes of one, with a value or with a combination of values.
	comparison struct {
		path     []string
		function *call // instead of a path
		operator string
		value    node
	}
	// call is a function: log_id("…"), or one on the right of a comparison.
	call struct {
		name      string // in lower case, as all that is not quoted it is the same in upper
		arguments []node
	}
	// text is a value. Alone it is searched for everywhere.
	text struct {
		word string
		bare bool // a number, *, NULL_VALUE or a function's field, which in quotes would be something else
	}
)

func and(parts []node) node {
	var flat allOf
	for _, p := range parts {
		if inner, ok := p.(allOf); ok {
			flat = append(flat, inner...)
		} else {
			flat = append(flat, p)
		}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return flat
}

func or(parts []node) node {
	var flat anyOf
	for _, p := range parts {
		if inner, ok := p.(anyOf); ok {
			flat = append(flat, inner...)
		} else {
			flat = append(flat, p)
		}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return flat
}

func negate(n node) node {
	if inner, ok := n.(not); ok {
		return inner.node
	}
	return not{n}
}

// visit calls f for every part that is not a combination; positive is false under an odd number of NOTs.
func visit(n node, positive bool, f func(n node, positive bool)) {
	switch n := n.(type) {
	case nil:
	case allOf:
		for _, p := range n {
			visit(p, positive, f)
		}
	case anyOf:
		for _, p := range n {
			visit(p, positive, f)
		}
	case not:
		visit(n.node, !positive, f)
	default:
		f(n, positive)
	}
}

func (n allOf) String() string { return join(n, " AND ") }
func (n anyOf) String() string { return join(n, " OR ") }
func (n not) String() string   { return "NOT " + group(n.node) }

func join(parts []node, operator string) string {
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = group(p)
	}
	return strings.Join(texts, operator)
}

func group(n node) string {
	switch n.(type) {
	case allOf, anyOf:
		return "(" + n.String() + ")"
	}
	return n.String()
}

func (c comparison) String() string {
	subject := fieldPath(c.path)
	if c.function != nil {
		subject = c.function.String()
	}
	value := c.value.String()
	switch c.value.(type) {
	case allOf, anyOf, not:
		value = "(" + value + ")"
	}
	return subject + c.operator + value
}

func (c call) String() string {
	texts := make([]string, len(c.arguments))
	for i, a := range c.arguments {
		texts[i] = a.String()
	}
	return c.name + "(" + strings.Join(texts, ", ") + ")"
}

func (t text) String() string {
	if t.bare {
		return t.word
	}
	return quote(t.word)
}

func fieldPath(path []string) string {
	texts := make([]string, len(path))
	for i, p := range path {
		if texts[i] = p; !isName.MatchString(p) || slices.Contains(keywords, p) {
			texts[i] = quote(p)
		}
	}
	return strings.Join(texts, ".")
}

var (
	isName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	isNumber = regexp.MustCompile(`^-?([0-9]+(\.[0-9]+)?|\.[0-9]+)$`)
	keywords = []string{"AND", "OR", "NOT"}
)

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// key is a path in the form that compares: names count in any case, and log_name is logName.
func key(path []string) string {
	return strings.ReplaceAll(strings.ToLower(strings.Join(path, "\x00")), "_", "")
}
