package rule

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// tooAlike is the share of words that two texts of different rules may have in common.
const tooAlike = 0.8

// Lint says what keeps the rules from being good ones: names, controls, texts of their own, and examples of every result. The
// result of each example is RunExamples' business.
func Lint(s *Set) []error {
	out := s.SOC2.Lint()
	texts := map[string][]text{}
	for _, p := range s.Programs {
		out = append(out, p.lint(s)...)
		for _, key := range []string{"title", "message", "why", "fix"} {
			t := newText(p, key)
			for _, other := range texts[key] {
				if t.like(other) {
					out = append(out, p.errorf(key, "reads like that of %s; say what is particular to this rule", other.of.ID))
				}
			}
			texts[key] = append(texts[key], t)
		}
	}
	return out
}

func (p *Program) lint(s *Set) []error {
	var out []error
	complain := func(key, format string, args ...any) { out = append(out, p.errorf(key, format, args...)) }
	if want := strings.ReplaceAll(strings.TrimSuffix(path.Clean(p.File), ".yaml"), "/", "-"); p.ID != want {
		complain("id", "the file's name asks for %s", want)
	}
	if !slices.Contains([]Severity{Critical, High, Medium, Low}, p.Severity) {
		complain("severity", "want critical, high, medium or low, got %q", p.Severity)
	}
	if c, ok := s.SOC2.Control(p.Control); !ok || len(c.Criteria) == 0 {
		complain("control", "%q is not a control with criteria in soc2.yaml", p.Control)
	}
	for key, text := range p.texts() {
		if len(strings.Fields(text)) < 3 {
			complain(key, "say it in words")
		}
	}
	want := []posture.Result{posture.Pass, posture.Fail, posture.Unknown}
	if p.AppliesWhen != "" {
		want = append(want, posture.DoesNotApply)
	}
	for _, result := range want {
		if !slices.ContainsFunc(p.Examples, func(e Example) bool { return e.Want == result }) {
			complain("examples", "there is none for %s", result)
		}
	}
	return out
}

func (r *Rule) texts() map[string]string {
	return map[string]string{"title": r.Title, "message": r.Message, "why": r.Why, "fix": r.Fix}
}

// text is one text of a rule as the set of its words, without numbers and without the words that only name the rule's subject.
type text struct {
	of    *Program
	words map[string]bool
}

var word = regexp.MustCompile(`[a-z]+`)

func newText(p *Program, key string) text {
	content := p.texts()[key]
	subject := map[string]bool{}
	for _, w := range word.FindAllString(strings.ToLower(p.ID+" "+p.Resource), -1) {
		subject[w], subject[w+"s"] = true, true
	}
	t := text{p, map[string]bool{}}
	for _, w := range word.FindAllString(strings.ToLower(content), -1) {
		if !subject[w] {
			t.words[w] = true
		}
	}
	return t
}

// like reports whether two texts say the same in nearly the same words.
func (t text) like(o text) bool {
	both := 0
	for w := range t.words {
		if o.words[w] {
			both++
		}
	}
	all := len(t.words) + len(o.words) - both
	return all > 0 && float64(both)/float64(all) > tooAlike
}
