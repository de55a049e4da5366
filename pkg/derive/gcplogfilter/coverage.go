package gcplogfilter

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Coverage says how much of a class of entries a filter selects.
type Coverage int

// Unsure is no answer, neither yes nor no: the filter looks at something that entries of the class may or may not hold.
const (
	Unsure Coverage = iota
	None            // surely no entry
	Part            // surely not every entry
	Every           // surely every entry
)

// Of says how much of a class the filter selects, of the entries in the logs of node ("projects/acme", "organizations/123").
func (f Filter) Of(class Class, node string) Coverage {
	misses, none := no, true
	for _, e := range class.entries(node) {
		o := e.eval(f.root)
		misses = max(misses, o.misses)
		none = none && o.selects == no
	}
	switch {
	case none:
		return None
	case misses == yes:
		return Part
	case misses == no:
		return Every
	}
	return Unsure
}

// Touches reports whether the filter selects entries of the class: some of them surely, or it asks for their log and nothing
// keeps it from finding them. A filter that might hit one by chance does not touch the class.
func (f Filter) Touches(class Class, node string) bool {
	return slices.ContainsFunc(class.entries(node), func(e entry) bool {
		o := e.eval(f.root)
		return o.selects == yes || o.selects == unsure && e.named(f.root)
	})
}

// named reports whether some part that is not negated asks for the entry's log.
func (e entry) named(n node) bool {
	found := false
	visit(n, true, func(n node, positive bool) {
		c, isComparison := n.(comparison)
		f, isCall := n.(call)
		if positive && (isComparison && key(c.path) == "logname" || isCall && f.name == "log_id") {
			found = found || e.eval(n).selects == yes
		}
	})
	return found
}

// tri is an answer; what is more true is greater.
type tri int

const (
	no tri = iota
	unsure
	yes
)

func certainly(b bool) tri {
	if b {
		return yes
	}
	return no
}

// outcome says of all the entries that a pattern stands for whether some are selected, and whether some are missed.
type outcome struct{ selects, misses tri }

var (
	always  = outcome{yes, no}
	never   = outcome{no, yes}
	unclear = outcome{unsure, unsure}
)

func (o outcome) not() outcome { return outcome{o.misses, o.selects} }

// conjunction: an entry is missed when one part misses it. Two parts that select some entries each may select different ones.
func conjunction(parts []outcome) outcome {
	out, open := always, 0
	for _, p := range parts {
		if p != always {
			out = outcome{min(out.selects, p.selects), max(out.misses, p.misses)}
			open++
		}
	}
	if open > 1 {
		out.selects = min(out.selects, unsure)
	}
	return out
}

func disjunction(parts []outcome) outcome {
	turned := make([]outcome, len(parts))
	for i, p := range parts {
		turned[i] = p.not()
	}
	return conjunction(turned).not()
}

// entry is a pattern that log entries fit: what is known of their fields, by key. Of other fields nothing is known.
type entry map[string]field

// field is what is known of a field's values over all the entries.
type field struct {
	kind   fieldKind
	values []string
}

type fieldKind int

const (
	one  fieldKind = iota // each of values occurs, and no other
	some                  // each of values occurs, and others do
	free                  // any text may occur; values are examples
	list                  // every entry holds all values in a list, some hold nothing else
	gone                  // no entry has the field
	part                  // an object, of which some members are known
)

func (e entry) eval(n node) outcome {
	switch n := n.(type) {
	case nil:
		return always
	case allOf:
		return conjunction(each(n, e.eval))
	case anyOf:
		return disjunction(each(n, e.eval))
	case not:
		return e.eval(n.node).not()
	case comparison:
		return e.compare(n)
	case call:
		return e.call(n)
	case text:
		return e.anywhere(n)
	}
	return unclear
}

func each(parts []node, eval func(node) outcome) []outcome {
	out := make([]outcome, len(parts))
	for i, p := range parts {
		out[i] = eval(p)
	}
	return out
}

// anywhere: a value alone is found in every entry when a field that every entry has holds it.
func (e entry) anywhere(t text) outcome {
	contains := func(v string) bool { return hasFold(v, t.word) }
	for name, f := range e {
		switch {
		case t.bare || strings.Contains(t.word, `\`) || strings.Contains(name, "_"): // no field that is searched
		case f.kind == one && !slices.ContainsFunc(f.values, func(v string) bool { return !contains(v) }),
			f.kind == list && slices.ContainsFunc(f.values, contains):
			return always
		}
	}
	return unclear
}

func hasFold(text, part string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(part))
}

// The keys of what functions ask for; no path has them.
const (
	logID  = "log_id"
	source = "log_source"
)

func (e entry) call(c call) outcome {
	var arguments []string
	for _, a := range c.arguments {
		t, ok := a.(text)
		if !ok {
			return unclear
		}
		arguments = append(arguments, t.word)
	}
	switch {
	case c.name == "log_id" && len(arguments) == 1:
		return e[logID].holds("=", text{word: arguments[0]})
	case c.name == "source" && len(arguments) == 1 && strings.HasPrefix(arguments[0], "projects/"):
		return e[source].holds("=", text{word: arguments[0]})
	case c.name == "sample" && len(arguments) == 2:
		switch fraction, err := strconv.ParseFloat(arguments[1], 64); {
		case err != nil:
			return unclear
		case fraction <= 0:
			return never
		case fraction >= 1:
			return always
		}
		return outcome{yes, yes}
	}
	return unclear
}

func (e entry) compare(c comparison) outcome {
	f, known := e.field(c.path)
	if c.function != nil || !known {
		return unclear
	}
	var eval func(operator string, n node) outcome
	eval = func(operator string, n node) outcome {
		with := func(n node) outcome { return eval(operator, n) }
		switch n := n.(type) {
		case allOf:
			return conjunction(each(n, with))
		case anyOf:
			return disjunction(each(n, with))
		case not:
			return with(n.node).not()
		case text:
			if key(c.path) == "severity" {
				return f.ranks(operator, n)
			}
			return f.holds(operator, n)
		}
		return unclear
	}
	opposite, negative := map[string]string{"!=": "=", "!~": "=~"}[c.operator]
	switch {
	case !negative:
		return eval(c.operator, c.value)
	case f.kind == list, f.kind == gone: // the documentation leaves open what "not equal" makes of these
		return unclear
	}
	none := eval(opposite, c.value).not()
	if _, single := c.value.(text); !single && none != eval(c.operator, c.value) { // not equal to any, or not to all?
		return unclear
	}
	return none
}

// field finds what is known of the field at path.
func (e entry) field(path []string) (field, bool) {
	k := key(path)
	if f, ok := e[k]; ok {
		return f, true
	}
	for name, f := range e {
		switch {
		case strings.HasPrefix(name, k+"\x00"):
			return field{kind: part}, true
		case strings.HasPrefix(k, name+"\x00"): // a member of what has none
			return field{kind: gone}, f.kind != list
		}
	}
	return field{}, false
}

// holds compares the field with a value.
func (f field) holds(operator string, t text) outcome {
	if t.bare && t.word == "*" && operator == ":" {
		if f.kind == gone {
			return never
		}
		return always
	}
	var test func(v string) tri
	switch {
	case f.kind == part, t.bare && (t.word == "*" || t.word == "NULL_VALUE"), t.word == "" && f.kind == gone: // an empty text is a default
		return unclear
	case operator == "=~", operator == "!~":
		expression, err := regexp.Compile(t.word)
		if err != nil {
			return unclear
		}
		test = func(v string) tri { return certainly(expression.MatchString(v) == (operator == "=~")) }
	case strings.Contains(t.word, `\`): // an escape that was left as written
		return unclear
	case operator == "=", operator == "!=":
		test = func(v string) tri { return certainly(strings.EqualFold(v, t.word) == (operator == "=")) }
	case operator == ":":
		test = func(v string) tri { return certainly(hasFold(v, t.word)) }
	default:
		return unclear
	}
	if f.kind == free && (operator == "=" || operator == ":") {
		f.values = append(slices.Clone(f.values), t.word)
	}
	return f.test(test)
}

// severities in the documentation's order; each has a number too.
var severities = []string{"DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"}

// ranks compares a severity, which has an order.
func (f field) ranks(operator string, t text) outcome {
	rank := slices.Index(severities, strings.ToUpper(t.word)) * 100
	if n, err := strconv.Atoi(t.word); err == nil {
		rank = n
	}
	if rank < 0 || operator == ":" || strings.HasSuffix(operator, "~") {
		return f.holds(operator, t)
	}
	return f.test(func(v string) tri {
		n := slices.Index(severities, v) * 100
		switch operator {
		case "=":
			return certainly(n == rank)
		case "!=":
			return certainly(n != rank)
		case "<":
			return certainly(n < rank)
		case "<=":
			return certainly(n <= rank)
		case ">":
			return certainly(n > rank)
		}
		return certainly(n >= rank)
	})
}

// test asks every value that is known to occur.
func (f field) test(fits func(v string) tri) outcome {
	if f.kind == gone {
		return never
	}
	out := outcome{no, no}
	if f.kind == some || f.kind == free {
		out = unclear
	}
	for _, v := range f.values {
		answer := fits(v)
		out.selects, out.misses = max(out.selects, answer), max(out.misses, yes-answer)
	}
	if f.kind == list {
		if out.selects == yes {
			return always
		}
		return outcome{unsure, out.misses}
	}
	return out
}
