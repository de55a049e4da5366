package logfilter

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDepth bounds nested parentheses; a stored pattern has at most 1024 characters.
const maxDepth = 100

// SyntaxError says where a pattern cannot be read.
type SyntaxError struct {
	Offset  int // in bytes from the start of the pattern
	Message string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("filter pattern, byte %d: %s", e.Offset, e.Message)
}

// Parse reads a filter pattern. The error is a *SyntaxError.
func Parse(pattern string) (Pattern, error) {
	p := &parser{text: pattern}
	if !utf8.ValidString(pattern) {
		return Pattern{}, p.errorf("the text is not UTF-8")
	}
	p.space()
	switch {
	case p.sees("["):
		return Pattern{}, p.errorf("a space-delimited pattern does not fit JSON events")
	case !p.sees("{"):
		terms, err := p.terms()
		return Pattern{terms: terms}, err
	}
	p.take("{")
	root, err := p.anyOf(maxDepth)
	if err != nil {
		return Pattern{}, err
	}
	if !p.take("}") {
		return Pattern{}, p.errorf("expected &&, || or }")
	}
	if p.space(); p.at < len(p.text) {
		return Pattern{}, p.errorf("text after the end")
	}
	return Pattern{root: root}, nil
}

type parser struct {
	text string
	at   int
}

func (p *parser) errorf(format string, args ...any) error {
	return &SyntaxError{Offset: p.at, Message: fmt.Sprintf(format, args...)}
}

func (p *parser) space() {
	p.at += len(p.text[p.at:]) - len(strings.TrimLeftFunc(p.text[p.at:], unicode.IsSpace))
}

func (p *parser) sees(token string) bool { return strings.HasPrefix(p.text[p.at:], token) }

// take skips space, and then the token if it comes next.
func (p *parser) take(token string) bool {
	p.space()
	if p.sees(token) {
		p.at += len(token)
		return true
	}
	return false
}

// word takes the next run of letters if it is the word, in upper or lower case.
func (p *parser) word(word string) bool {
	p.space()
	end := p.at
	for end < len(p.text) && isLetter(p.text[end]) {
		end++
	}
	if !strings.EqualFold(p.text[p.at:end], word) {
		return false
	}
	p.at = end
	return true
}

func (p *parser) anyOf(depth int) (node, error) {
	parts, err := p.list("||", func() (node, error) { return p.allOf(depth) })
	if len(parts) == 1 {
		return parts[0], err
	}
	return anyOf(parts), err
}

func (p *parser) allOf(depth int) (node, error) {
	parts, err := p.list("&&", func() (node, error) { return p.operand(depth) })
	if len(parts) == 1 {
		return parts[0], err
	}
	return allOf(parts), err
}

func (p *parser) list(separator string, read func() (node, error)) ([]node, error) {
	var parts []node
	for {
		part, err := read()
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
		if !p.take(separator) {
			return parts, nil
		}
	}
}

func (p *parser) operand(depth int) (node, error) {
	if !p.take("(") {
		return p.test()
	}
	if depth == 0 {
		return nil, p.errorf("parentheses nested deeper than %d", maxDepth)
	}
	inner, err := p.anyOf(depth - 1)
	if err != nil {
		return nil, err
	}
	if !p.take(")") {
		return nil, p.errorf("expected &&, || or )")
	}
	return inner, nil
}

func (p *parser) test() (node, error) {
	path, err := p.selector()
	if err != nil {
		return nil, err
	}
	t := test{path: path}
	switch {
	case p.word("EXISTS"):
		t.operator = "EXISTS"
		return t, nil
	case p.word("NOT"):
		if !p.word("EXISTS") {
			return nil, p.errorf("expected EXISTS")
		}
		t.operator = "NOT EXISTS"
		return t, nil
	case p.word("IS"):
		for _, what := range []string{"NULL", "TRUE", "FALSE"} {
			if p.word(what) {
				t.operator = "IS " + what
				return t, nil
			}
		}
		return nil, p.errorf("expected NULL, TRUE or FALSE")
	}
	for _, sign := range []string{"!=", "<=", ">=", "=", "<", ">"} {
		if !p.take(sign) {
			continue
		}
		t.operator = sign
		p.space()
		start := p.at
		if t.value, err = p.value(); err != nil {
			return nil, err
		}
		if t.value.kind != number && strings.ContainsAny(sign, "<>") {
			p.at = start
			return nil, p.errorf("%s compares numbers only", sign)
		}
		return t, nil
	}
	return nil, p.errorf("expected a comparison")
}

func (p *parser) selector() ([]step, error) {
	if !p.take("$") {
		return nil, p.errorf("expected a selector such as $.name, or (")
	}
	var path []step
	for {
		switch {
		case p.sees("."):
			p.at++
			start := p.at
			for p.at < len(p.text) && isNameByte(p.text[p.at]) {
				p.at++
			}
			if p.at == start {
				return nil, p.errorf("expected a property name")
			}
			path = append(path, step{property: p.text[start:p.at]})
		case p.sees("["):
			p.at++
			s, err := p.bracket()
			if err != nil {
				return nil, err
			}
			path = append(path, s)
		case len(path) == 0:
			return nil, p.errorf("expected . or [")
		default:
			return path, nil
		}
	}
}

// bracket reads *, a number or a quoted name, and the bracket that closes.
func (p *parser) bracket() (step, error) {
	p.space()
	var s step
	switch {
	case p.take("*"):
		s.kind = everyElement
	case p.sees(`"`), p.sees("'"):
		name, err := p.quoted(p.text[p.at])
		if err != nil {
			return step{}, err
		}
		s.property = name
	default:
		start := p.at
		for p.at < len(p.text) && isDigit(p.text[p.at]) {
			p.at++
		}
		index, err := strconv.Atoi(p.text[start:p.at])
		if err != nil {
			p.at = start
			return step{}, p.errorf("expected an index, * or a quoted name")
		}
		s.index, s.kind = index, element
	}
	if !p.take("]") {
		return step{}, p.errorf("expected ]")
	}
	return s, nil
}

func (p *parser) value() (value, error) {
	switch {
	case p.sees(`"`):
		quoted, err := p.quoted('"')
		return value{text: quoted, quoted: true}, err
	case p.sees("%"):
		return p.regex()
	}
	start := p.at
	for p.at < len(p.text) && isBare(p.text[p.at]) {
		p.at++
	}
	word := p.text[start:p.at]
	if word == "" {
		return value{}, p.errorf("expected a value")
	}
	if isNumber.MatchString(word) {
		if n, err := strconv.ParseFloat(word, 64); err == nil {
			return value{text: word, kind: number, number: n}, nil
		}
	}
	return value{text: word}, nil
}

var isNumber = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)

// quoted reads a text up to the same quotation mark; a backslash takes the next character as it is.
func (p *parser) quoted(mark byte) (string, error) {
	start := p.at
	var out strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		c := p.text[p.at]
		if c == mark {
			p.at++
			return out.String(), nil
		}
		if c == '\\' && p.at+1 < len(p.text) && (p.text[p.at+1] == mark || p.text[p.at+1] == '\\') {
			p.at++
			c = p.text[p.at]
		}
		out.WriteByte(c)
	}
	p.at = start
	return "", p.errorf("the quotation does not end")
}

// regex reads a regular expression between percent signs; sub-patterns in parentheses are not part of the language.
func (p *parser) regex() (value, error) {
	start := p.at
	for p.at++; p.at < len(p.text); p.at++ {
		switch p.text[p.at] {
		case '\\':
			p.at++
		case '(', ')':
			return value{}, p.errorf("a regular expression has no parentheses")
		case '%':
			source := p.text[start+1 : p.at]
			expression, err := regexp.Compile(source)
			if err != nil {
				p.at = start
				return value{}, p.errorf("%v", err)
			}
			p.at++
			return value{text: source, kind: regex, regex: expression}, nil
		}
	}
	p.at = start
	return value{}, p.errorf("the regular expression does not end")
}

func (p *parser) terms() ([]term, error) {
	var terms []term
	for p.space(); p.at < len(p.text); p.space() {
		var t term
		for _, sign := range []string{"?", "-"} {
			if t.sign == "" && p.take(sign) {
				t.sign = sign
			}
		}
		var err error
		if p.sees(`"`) || p.sees("%") {
			t.value, err = p.value()
		} else {
			t.value, err = p.bareTerm()
		}
		if err != nil {
			return nil, err
		}
		terms = append(terms, t)
	}
	return terms, nil
}

func (p *parser) bareTerm() (value, error) {
	rest := p.text[p.at:]
	end := strings.IndexFunc(rest, func(r rune) bool { return unicode.IsSpace(r) || r == '"' })
	if end < 0 {
		end = len(rest)
	}
	if end == 0 {
		return value{}, p.errorf("expected a term")
	}
	p.at += end
	return value{text: rest[:end]}, nil
}

func bareName(name string) bool {
	for i := range len(name) {
		if !isNameByte(name[i]) {
			return false
		}
	}
	return name != ""
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

func isNameByte(c byte) bool {
	return isLetter(c) || isDigit(c) || strings.IndexByte("_-:@/", c) >= 0
}

// isBare: what a value without quotation marks may hold.
func isBare(c byte) bool {
	return c > ' ' && strings.IndexByte(`(){}"&|=<>!%$'`, c) < 0
}
