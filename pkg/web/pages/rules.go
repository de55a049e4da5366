package pages

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

type ruleRow struct {
	*rule.Program
	posture.Counts
}

func (p *Pages) rules(v *view, r *http.Request) (templ.Component, error) {
	v.title = "Rules"
	current, err := p.current(r.Context(), v)
	if err != nil {
		return nil, err
	}
	counts, err := p.Store.CountsOf(r.Context(), current)
	if err != nil {
		return nil, err
	}
	byRule := ruleCounts(counts)
	ids := v.rulesOf(v.query.Get("severity"), v.query.Get("criterion"))
	var list []ruleRow
	for _, program := range v.set.Programs {
		row := ruleRow{program, byRule[program.ID]}
		switch {
		case ids != nil && !slices.Contains(ids, program.ID):
		case v.query.Get("used") != "" && row.Total() == 0:
		case !has(program, v.query.Get("q")):
		default:
			list = append(list, row)
		}
	}
	begin, err := position(v)
	if err != nil {
		return nil, err
	}
	begin = min(begin, len(list))
	end := min(begin+2*rowsPerPage, len(list))
	next := ""
	if end < len(list) {
		next = fmt.Sprint(end)
	}
	return rulesPage(v, list[begin:end], len(list), next), nil
}

// has reports whether a rule's id or texts hold the words looked for.
func has(p *rule.Program, words string) bool {
	all := strings.ToLower(p.ID + " " + p.Title + " " + p.Message + " " + p.Resource + " " + p.Control)
	for _, word := range strings.Fields(strings.ToLower(words)) {
		if !strings.Contains(all, word) {
			return false
		}
	}
	return true
}

func ruleCounts(counts []store.AccountRule) map[string]posture.Counts {
	out := map[string]posture.Counts{}
	for _, c := range counts {
		out[c.Rule] = plus(out[c.Rule], c.Counts)
	}
	return out
}

type ruleData struct {
	*rule.Program
	counts  posture.Counts
	control *rule.Control
	params  []parameter
	reads   []attribute
	failing []store.Judged
	unknown []store.Judged
}

type parameter struct{ name, value, own string }

// attribute is what a rule reads, with what the schema says of it.
type attribute struct{ path, doc string }

// rowsPerRule is how many failing and unknown verdicts a rule's page shows; the list has all.
const rowsPerRule = 25

func (p *Pages) rule(v *view, r *http.Request) (templ.Component, error) {
	ctx := r.Context()
	program, err := v.set.Program(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	v.title = program.Title
	d := ruleData{Program: program}
	if c, ok := v.set.SOC2.Control(program.Control); ok {
		d.control = &c
	}
	inForce := program.Parameters()
	for _, name := range slices.Sorted(maps.Keys(inForce)) {
		d.params = append(d.params, parameter{name, value(inForce[name]), value(program.Params[name])})
	}
	for _, path := range program.Fields {
		d.reads = append(d.reads, attribute{path, p.doc(path)})
	}
	current, err := p.current(ctx, v)
	if err != nil {
		return nil, err
	}
	counts, err := p.Store.CountsOf(ctx, current)
	if err != nil {
		return nil, err
	}
	d.counts = ruleCounts(counts)[program.ID]
	for result, list := range map[posture.Result]*[]store.Judged{posture.Fail: &d.failing, posture.Unknown: &d.unknown} {
		*list, err = across(p, ctx, v, store.VerdictPosition{}, rowsPerRule, func(account string, after store.VerdictPosition, limit int) ([]store.Judged, error) {
			return p.Store.Verdicts(ctx, store.VerdictFilter{Account: account, AsOf: v.asOf, Rule: program.ID, Result: result, After: after, Limit: limit})
		})
		if err != nil {
			return nil, err
		}
	}
	return rulePage(v, d), nil
}

// value is a parameter or an example's attribute, as JSON.
func value(x any) string {
	text, err := json.Marshal(x)
	if err != nil {
		return fmt.Sprint(x)
	}
	return string(text)
}

// doc is what the schema says of an attribute, "aws.cloudtrail.trail.is_logging".
func (p *Pages) doc(path string) string {
	for _, t := range p.Store.Types {
		rest, ok := strings.CutPrefix(path, t.Name+".")
		if !ok {
			continue
		}
		of := &t.Struct
		names := strings.Split(rest, ".")
		for i, name := range names {
			f, ok := of.Field(name)
			switch {
			case !ok:
				return ""
			case i == len(names)-1 || f.Of == nil:
				return f.Doc
			}
			of = f.Of
		}
	}
	return ""
}

// given are an example's attributes, by path, as JSON.
func given(x map[string]any) (out []attribute) {
	for _, name := range slices.Sorted(maps.Keys(x)) {
		out = append(out, attribute{name, value(x[name])})
	}
	return out
}

func inputsGiven(x map[string][]map[string]any) (out []attribute) {
	for _, name := range slices.Sorted(maps.Keys(x)) {
		out = append(out, attribute{name, value(x[name])})
	}
	return out
}

// concern says what a rule judges.
func concern(p *rule.Program) string {
	text := "Each " + strings.Join(append([]string{p.Resource}, p.Also...), " and ")
	if p.AppliesWhen == "" {
		text += ", whatever its settings."
	} else {
		text += " that the first condition below holds of; others are not applicable."
	}
	if len(p.Inputs) > 0 {
		text += " It looks at every " + strings.Join(p.Inputs, ", ") + " of the account as well."
	}
	return text
}
