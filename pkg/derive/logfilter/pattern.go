// Package logfilter evaluates filter patterns of CloudWatch Logs on JSON events, as metric filters do.
//
// Source of the language: "Filter pattern syntax" in the CloudWatch Logs user guide. JSON patterns ({ $.a = "b" }) and
// term patterns (ERROR -"not this" ?either %regex%) are evaluated; space-delimited field patterns ([a, b]) are an error,
// since they never fit a JSON event.
package logfilter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Pattern is a parsed filter pattern. The zero value matches every event, as the empty pattern does.
type Pattern struct {
	root  node   // of a JSON pattern
	terms []term // of a term pattern
}

// Matches reports whether the event, as encoding/json decodes it (or JSON text as []byte or json.RawMessage), matches.
// Text that is not JSON matches no JSON pattern.
func (p Pattern) Matches(event any) bool {
	text, isText := rawText(event)
	if p.root == nil {
		return len(p.terms) == 0 || matchTerms(p.terms, plain(event, text, isText))
	}
	if isText {
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		if decoder.Decode(&event) != nil {
			return false
		}
	}
	return p.root.matches(event)
}

// String returns the pattern in one spelling, which Parse reads back as the same pattern.
func (p Pattern) String() string {
	if p.root != nil {
		return "{ " + p.root.String() + " }"
	}
	var terms []string
	for _, t := range p.terms {
		terms = append(terms, t.String())
	}
	return strings.Join(terms, " ")
}

func rawText(event any) ([]byte, bool) {
	switch e := event.(type) {
	case json.RawMessage:
		return e, true
	case []byte:
		return e, true
	}
	return nil, false
}

// plain returns the event as text: compact JSON with sorted keys, <, > and & as themselves.
func plain(event any, text []byte, isText bool) string {
	if isText {
		return string(text)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(event) != nil {
		return ""
	}
	return strings.TrimSpace(out.String())
}

type node interface {
	matches(event any) bool
	String() string
}

// anyOf and allOf hold at least two nodes.
type (
	anyOf []node
	allOf []node
)

func (n anyOf) matches(event any) bool {
	for _, part := range n {
		if part.matches(event) {
			return true
		}
	}
	return false
}

func (n allOf) matches(event any) bool {
	for _, part := range n {
		if !part.matches(event) {
			return false
		}
	}
	return true
}

func (n anyOf) String() string { return join(n, " || ") }
func (n allOf) String() string { return join(n, " && ") }

func join(parts []node, operator string) string {
	var texts []string
	for _, p := range parts {
		switch p.(type) {
		case anyOf, allOf:
			texts = append(texts, "("+p.String()+")")
		default:
			texts = append(texts, p.String())
		}
	}
	return strings.Join(texts, operator)
}

// test is one comparison: a selector, an operator (=, !=, <, >, <=, >=, or a word such as "NOT EXISTS"), and a value.
type test struct {
	path     []step
	operator string
	value    value // of the signs only
}

// step goes one level down: to a property, to an element, or to every element.
type step struct {
	property string
	index    int
	kind     stepKind
}

type stepKind int

const (
	property stepKind = iota
	element
	everyElement
)

// value is the right-hand side: text with * wildcards, a number, or a regular expression.
type value struct {
	text   string
	quoted bool
	number float64
	kind   valueKind
	regex  *regexp.Regexp
}

type valueKind int

const (
	text valueKind = iota
	number
	regex
)

func (t test) String() string {
	var out strings.Builder
	out.WriteString("$")
	for _, s := range t.path {
		switch {
		case s.kind == element:
			fmt.Fprintf(&out, "[%d]", s.index)
		case s.kind == everyElement:
			out.WriteString("[*]")
		case bareName(s.property):
			out.WriteString("." + s.property)
		default:
			out.WriteString("[" + quote(s.property) + "]")
		}
	}
	out.WriteString(" " + t.operator)
	if isSign(t.operator) {
		out.WriteString(" " + t.value.String())
	}
	return out.String()
}

func (v value) String() string {
	switch {
	case v.kind == regex:
		return "%" + v.text + "%"
	case v.quoted:
		return quote(v.text)
	}
	return v.text
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func isSign(operator string) bool { return strings.ContainsAny(operator, "=<>") }

// matches: one of the values selected is enough. A comparison with a property that is missing, null, an object or a
// list does not match, not even with !=.
func (t test) matches(event any) bool {
	found := selected(event, t.path)
	switch t.operator {
	case "EXISTS":
		return len(found) > 0
	case "NOT EXISTS":
		return len(found) == 0
	}
	for _, v := range found {
		if t.holds(v) {
			return true
		}
	}
	return false
}

func (t test) holds(got any) bool {
	switch t.operator {
	case "IS NULL":
		return got == nil
	case "IS TRUE":
		return got == true
	case "IS FALSE":
		return got == false
	}
	written, scalar := scalarText(got)
	if !scalar {
		return false
	}
	switch t.operator {
	case "=":
		return t.value.equals(written, got)
	case "!=":
		return !t.value.equals(written, got)
	}
	n, isNumber := numberOf(got)
	if !isNumber {
		return false
	}
	switch t.operator {
	case "<":
		return n < t.value.number
	case ">":
		return n > t.value.number
	case "<=":
		return n <= t.value.number
	default:
		return n >= t.value.number
	}
}

func (v value) equals(written string, got any) bool {
	switch v.kind {
	case regex:
		return v.regex.MatchString(written)
	case number:
		if n, isNumber := numberOf(got); isNumber {
			return n == v.number
		}
		return written == v.text
	default:
		return wildcard(v.text, written)
	}
}

func scalarText(got any) (string, bool) {
	switch v := got.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case json.Number:
		return v.String(), true
	}
	if n, ok := numberOf(got); ok {
		return strconv.FormatFloat(n, 'f', -1, 64), true
	}
	return "", false
}

func numberOf(got any) (float64, bool) {
	switch v := got.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	case json.Number:
		n, err := v.Float64()
		return n, err == nil
	}
	return 0, false
}

func selected(event any, path []step) []any {
	found := []any{event}
	for _, s := range path {
		var next []any
		for _, v := range found {
			switch v := v.(type) {
			case map[string]any:
				if member, ok := v[s.property]; ok && s.kind == property {
					next = append(next, member)
				}
			case []any:
				if s.kind == everyElement {
					next = append(next, v...)
				} else if s.kind == element && s.index < len(v) {
					next = append(next, v[s.index])
				}
			}
		}
		found = next
	}
	return found
}

// wildcard reports whether the text matches the pattern, in which * stands for any run of characters.
func wildcard(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

// term is one word of a term pattern.
type term struct {
	sign  string // "" must occur, "-" must not, "?" one of these must occur
	value value
}

func (t term) String() string { return t.sign + t.value.String() }

func (t term) occursIn(text string) bool {
	if t.value.kind == regex {
		return t.value.regex.MatchString(text)
	}
	return strings.Contains(text, t.value.text)
}

// matchTerms: beside terms that must or must not occur, CloudWatch Logs ignores the optional ones.
func matchTerms(terms []term, text string) bool {
	optional, strict, one := false, false, false
	for _, t := range terms {
		occurs := t.occursIn(text)
		switch t.sign {
		case "?":
			optional, one = true, one || occurs
		case "-":
			if occurs {
				return false
			}
			strict = true
		default:
			if !occurs {
				return false
			}
			strict = true
		}
	}
	return strict || one || !optional
}
