package gcplogfilter

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDepth bounds nested parentheses and calls; a stored filter has at most 20,000 characters.
const maxDepth = 100

// SyntaxError says where a filter cannot be read.
type SyntaxError struct {
	Offset  int // in bytes from the start of the filter
	Message string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("log filter, byte %d: %s", e.Offset, e.Message)
}

// Parse reads a filter. The error is a *SyntaxError.
func Parse(source string) (Filter, error) {
	p := &parser{}
	var err error
	if p.tokens, err = lex(source); err != nil {
		return Filter{}, err
	}
	if p.next().kind == end {
		return Filter{}, nil
	}
	root, err := p.terms(maxDepth, p.term)
	if err != nil {
		return Filter{}, err
	}
	if p.next().kind != end {
		return Filter{}, p.errorf("expected the end")
	}
	return Filter{root}, nil
}

// token is a word, an operator, a parenthesis or a comma, or the end.
type token struct {
	kind   kind
	text   string   // of operators
	parts  []string // of words: between the dots
	quoted []bool   // which of them were in quotes
	offset int
	joined bool // no space before it
}

type kind int

const (
	end kind = iota
	word
	operator
	open
	closing
	comma
)

// lex cuts a filter into tokens; the last is the end.
func lex(source string) ([]token, error) {
	if !utf8.ValidString(source) {
		return nil, &SyntaxError{0, "the text is not UTF-8"}
	}
	l := &lexer{text: source}
	var tokens []token
	for {
		before := l.at
		l.skip()
		t := token{offset: l.at, joined: l.at == before}
		if l.at == len(source) {
			return append(tokens, t), nil
		}
		switch c := source[l.at]; {
		case c == '(':
			t.kind = open
			l.at++
		case c == ')':
			t.kind = closing
			l.at++
		case c == ',':
			t.kind = comma
			l.at++
		case strings.IndexByte("=!<>:", c) >= 0:
			t.kind, t.text = operator, l.operator()
			if t.text == "" {
				return nil, &SyntaxError{l.at, "expected an operator"}
			}
		default:
			t.kind = word
			if err := l.word(&t); err != nil {
				return nil, err
			}
		}
		tokens = append(tokens, t)
	}
}

type lexer struct {
	text string
	at   int
}

// skip passes over space, and comments, which go from two dashes to the end of the line.
func (l *lexer) skip() {
	for l.at < len(l.text) {
		rest := l.text[l.at:]
		if trimmed := strings.TrimLeftFunc(rest, unicode.IsSpace); trimmed != rest {
			l.at += len(rest) - len(trimmed)
			continue
		}
		if !strings.HasPrefix(rest, "--") {
			return
		}
		line := strings.IndexByte(rest, '\n')
		if line < 0 {
			line = len(rest) - 1
		}
		l.at += line + 1
	}
}

func (l *lexer) operator() string {
	for _, sign := range []string{"=~", "!~", "!=", "<=", ">=", "=", "<", ">", ":"} {
		if strings.HasPrefix(l.text[l.at:], sign) {
			l.at += len(sign)
			return sign
		}
	}
	return ""
}

// word reads parts in quotes or without, joined by dots.
func (l *lexer) word(t *token) error {
	for {
		part, quoted := "", false
		if l.at < len(l.text) && strings.IndexByte(`"'`, l.text[l.at]) >= 0 {
			var err error
			if part, err = l.quoted(); err != nil {
				return err
			}
			quoted = true
		} else {
			start := l.at
			for l.at < len(l.text) && l.text[l.at] != '.' && isBare(l.text[l.at:]) {
				_, size := utf8.DecodeRuneInString(l.text[l.at:])
				l.at += size
			}
			part = l.text[start:l.at]
		}
		t.parts, t.quoted = append(t.parts, part), append(t.quoted, quoted)
		if l.at == len(l.text) || l.text[l.at] != '.' {
			return nil
		}
		l.at++
	}
}

// isBare reports whether a word without quotes goes on.
func isBare(rest string) bool {
	r, _ := utf8.DecodeRuneInString(rest)
	return !unicode.IsSpace(r) && !strings.ContainsRune(`()",=!<>:`, r)
}

// quoted reads a text up to the same quotation mark. A backslash takes a mark or another backslash as it is. What else it may
// stand before is left as written: the values that matter have none, and regular expressions have their own meaning for it.
func (l *lexer) quoted() (string, error) {
	start, mark := l.at, l.text[l.at]
	var out strings.Builder
	for l.at++; l.at < len(l.text); l.at++ {
		c := l.text[l.at]
		if c == mark {
			l.at++
			return out.String(), nil
		}
		if c == '\\' && l.at+1 < len(l.text) && strings.IndexByte(`"'\`, l.text[l.at+1]) >= 0 {
			l.at++
			c = l.text[l.at]
		}
		out.WriteByte(c)
	}
	return "", &SyntaxError{start, "the quotation does not end"}
}

// is reports whether the token is that word, without quotes.
func (t token) is(keyword string) bool {
	return t.kind == word && len(t.parts) == 1 && !t.quoted[0] && t.parts[0] == keyword
}

func (t token) isKeyword() bool {
	return slices.ContainsFunc(keywords, t.is)
}

// isName reports whether the word can name a field or a function as it stands.
func (t token) isName() bool {
	odd := func(part string) bool { return !isName.MatchString(part) }
	return t.kind == word && !slices.Contains(t.quoted, true) && !slices.ContainsFunc(t.parts, odd)
}

// value is the word as one text.
func (t token) value() text {
	v := text{word: strings.Join(t.parts, ".")}
	if !slices.Contains(t.quoted, true) {
		v.bare = isNumber.MatchString(v.word) || v.word == "*" || v.word == "NULL_VALUE"
	}
	return v
}

type parser struct {
	tokens []token
	at     int
}

func (p *parser) next() token { return p.tokens[p.at] }

func (p *parser) errorf(format string, args ...any) error {
	return &SyntaxError{Offset: p.next().offset, Message: fmt.Sprintf(format, args...)}
}

// take passes over the next token if it is of that kind, and of that word where one is given.
func (p *parser) take(k kind, keyword string) bool {
	if t := p.next(); t.kind != k || keyword != "" && !t.is(keyword) {
		return false
	}
	p.at++
	return true
}

// terms reads what AND joins, written or not: alternatives, which bind tighter. read reads what they are made of.
func (p *parser) terms(depth int, read func(depth int) (node, error)) (node, error) {
	if depth == 0 {
		return nil, p.errorf("nested deeper than %d", maxDepth)
	}
	var all []node
	for {
		var alternatives []node
		for {
			n, err := p.signed(depth, read)
			if err != nil {
				return nil, err
			}
			if alternatives = append(alternatives, n); !p.take(word, "OR") {
				break
			}
		}
		all = append(all, or(alternatives))
		if t := p.next(); !p.take(word, "AND") && (t.kind == end || t.kind == closing || t.kind == comma) {
			return and(all), nil
		}
	}
}

// signed reads NOT and -, and the parenthesis or the term that follows them.
func (p *parser) signed(depth int, read func(depth int) (node, error)) (node, error) {
	negative := false
	for p.take(word, "NOT") || p.minus() {
		negative = !negative
	}
	var n node
	var err error
	if p.take(open, "") {
		if n, err = p.terms(depth-1, read); err == nil && !p.take(closing, "") {
			err = p.errorf("expected AND, OR or )")
		}
	} else {
		n, err = read(depth)
	}
	if err == nil && negative {
		n = negate(n)
	}
	return n, err
}

// minus takes the dash in front of a term; one in front of a digit belongs to a number.
func (p *parser) minus() bool {
	t := &p.tokens[p.at]
	if t.kind != word || t.quoted[0] || !strings.HasPrefix(t.parts[0], "-") || isNumber.MatchString(t.value().word) {
		return false
	}
	if len(t.parts) == 1 && t.parts[0] == "-" {
		p.at++ // what follows is in quotes or parentheses
		return true
	}
	t.parts[0] = t.parts[0][1:]
	t.offset++
	return true
}

// term reads a comparison, a function, or a value that is searched for everywhere.
func (p *parser) term(depth int) (node, error) {
	if p.next().isKeyword() {
		return nil, p.errorf("expected a comparison or a value")
	}
	subject := p.next()
	n, err := p.operand(depth)
	if err != nil || p.next().kind != operator {
		return n, err
	}
	c := comparison{operator: p.next().text}
	p.at++
	if function, ok := n.(call); ok {
		c.function = &function
	} else {
		c.path = subject.parts
	}
	if p.take(open, "") {
		if c.value, err = p.terms(depth-1, p.operand); err == nil && !p.take(closing, "") {
			err = p.errorf("expected AND, OR or )")
		}
	} else {
		c.value, err = p.operand(depth)
	}
	return c, err
}

// operand reads a value or a function.
func (p *parser) operand(depth int) (node, error) {
	t := p.next()
	if t.kind != word || t.isKeyword() {
		return nil, p.errorf("expected a value")
	}
	p.at++
	if following := p.next(); following.kind != open || slices.Contains(t.quoted, true) || !following.joined {
		return t.value(), nil
	}
	switch {
	case !t.isName():
		return nil, p.errorf("expected a space, or the name of a function before it")
	case depth == 0:
		return nil, p.errorf("nested deeper than %d", maxDepth)
	}
	p.at++
	c := call{name: strings.ToLower(strings.Join(t.parts, "."))}
	for !p.take(closing, "") {
		if len(c.arguments) > 0 && !p.take(comma, "") {
			return nil, p.errorf("expected , or )")
		}
		argument := p.next()
		a, err := p.operand(depth - 1)
		if err != nil {
			return nil, err
		}
		if t, ok := a.(text); ok && argument.isName() {
			t.bare = true // a field or a type
			a = t
		}
		c.arguments = append(c.arguments, a)
	}
	return c, nil
}
