package pages

import (
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// matrixAccounts bounds the columns of the matrix; the accounts' own pages have the others.
const matrixAccounts = 24

type criteriaData struct {
	current []posture.Snapshot // the columns
	more    int
	series  []seriesRows
}

type seriesRows struct {
	rule.Series
	rows []criterionRow
}

type criterionRow struct {
	rule.Criterion
	uncovered string // why no control speaks to it
	cells     []posture.Counts
	total     posture.Counts
}

// criteria is the matrix of criteria and accounts.
func (p *Pages) criteria(v *view, r *http.Request) (templ.Component, error) {
	v.title = "Criteria"
	current, err := p.current(r.Context(), v)
	if err != nil {
		return nil, err
	}
	counts, err := p.Store.CountsOf(r.Context(), current)
	if err != nil {
		return nil, err
	}
	var d criteriaData
	d.current = current[:min(len(current), matrixAccounts)]
	d.more = len(current) - len(d.current)
	perAccount := map[string][]store.AccountRule{}
	for _, c := range counts {
		perAccount[c.Account] = append(perAccount[c.Account], c)
	}
	total := byCriterion(v.set, counts)
	columns := make([][]criterionCounts, len(d.current))
	for i, s := range d.current {
		columns[i] = byCriterion(v.set, perAccount[s.Account.String()])
	}
	uncovered := map[string]string{}
	for _, u := range v.set.SOC2.Uncovered {
		uncovered[u.ID] = u.Reason
	}
	for _, s := range v.set.SOC2.Series {
		rows := seriesRows{Series: s}
		for i, c := range total {
			if c.Series != s.ID {
				continue
			}
			row := criterionRow{Criterion: c.Criterion, total: c.Counts, uncovered: uncovered[c.ID]}
			for _, column := range columns {
				row.cells = append(row.cells, column[i].Counts)
			}
			rows.rows = append(rows.rows, row)
		}
		d.series = append(d.series, rows)
	}
	return criteriaPage(v, d), nil
}

type criterionData struct {
	rule.Criterion
	counts    posture.Counts
	uncovered string
	controls  []controlRow
}

type controlRow struct {
	rule.Control
	link   rule.Link // to the criterion of the page
	counts posture.Counts
}

func (p *Pages) criterion(v *view, r *http.Request) (templ.Component, error) {
	c, ok := v.set.SOC2.Criterion(r.PathValue("id"))
	if !ok {
		return nil, posture.ErrNotFound
	}
	v.title = c.ID + " " + c.Title
	d := criterionData{Criterion: c}
	counts, err := p.countsNow(v, r)
	if err != nil {
		return nil, err
	}
	for _, u := range v.set.SOC2.Uncovered {
		if u.ID == c.ID {
			d.uncovered = u.Reason
		}
	}
	byControl := map[string]posture.Counts{}
	for _, program := range v.set.Programs {
		byControl[program.Control] = plus(byControl[program.Control], counts[program.ID])
	}
	for _, control := range v.set.SOC2.Controls {
		i := slices.IndexFunc(control.Criteria, func(l rule.Link) bool { return l.ID == c.ID })
		if i < 0 {
			continue
		}
		d.controls = append(d.controls, controlRow{control, control.Criteria[i], byControl[control.ID]})
		d.counts = plus(d.counts, byControl[control.ID])
	}
	return criterionPage(v, d), nil
}

// countsNow are the verdicts by rule of all accounts that the actor may see.
func (p *Pages) countsNow(v *view, r *http.Request) (map[string]posture.Counts, error) {
	current, err := p.current(r.Context(), v)
	if err != nil {
		return nil, err
	}
	counts, err := p.Store.CountsOf(r.Context(), current)
	return ruleCounts(counts), err
}

type controlData struct {
	rule.Control
	criteria []rule.Criterion // of its links, in their order
	rules    []ruleRow
	counts   posture.Counts
}

func (p *Pages) control(v *view, r *http.Request) (templ.Component, error) {
	c, ok := v.set.SOC2.Control(r.PathValue("id"))
	if !ok {
		return nil, posture.ErrNotFound
	}
	v.title = c.Title
	d := controlData{Control: c}
	for _, link := range c.Criteria {
		criterion, _ := v.set.SOC2.Criterion(link.ID)
		d.criteria = append(d.criteria, criterion)
	}
	counts, err := p.countsNow(v, r)
	if err != nil {
		return nil, err
	}
	for _, program := range v.set.Programs {
		if program.Control == c.ID && program.Retired == "" {
			d.rules = append(d.rules, ruleRow{program, counts[program.ID]})
			d.counts = plus(d.counts, counts[program.ID])
		}
	}
	slices.SortStableFunc(d.rules, func(a, b ruleRow) int {
		if n := b.Fail + b.Unknown - a.Fail - a.Unknown; n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
	return controlPage(v, d), nil
}

// columnText names an account at the head of a column.
func columnText(a posture.Account) string {
	if a.Name == "" {
		return brief(a.ID)
	}
	return brief(a.Name)
}
