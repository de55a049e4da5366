package pages

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/a-h/templ"

	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// What the overview looks at.
const (
	trendDays   = 90
	old         = 36 * time.Hour // of a newest snapshot: daily scans that missed one
	soon        = 14 * 24 * time.Hour
	newsRows    = 12
	gapRows     = 10
	newsAccount = 8 // accounts whose newest drift is looked at
)

type overviewData struct {
	current  []posture.Snapshot
	total    posture.Counts
	criteria []criterionCounts
	trend    trend
	news     []drifted
	gaps     []store.Gap
	moreGaps bool
	need     needs
}

// criterionCounts are the verdicts of all rules whose control speaks to a criterion; a verdict counts for each of its criteria.
type criterionCounts struct {
	rule.Criterion
	posture.Counts
}

// needs is what a person should look at.
type needs struct {
	open       map[string]int // findings not yet accepted, by severity
	unverified int
	expiring   []finding.Exception
	requested  int
	alerts     int
	stale      []posture.Snapshot
}

var severities = []string{string(rule.Critical), string(rule.High), string(rule.Medium), string(rule.Low)}

func (p *Pages) overview(v *view, r *http.Request) (templ.Component, error) {
	v.title = "Overview"
	ctx := r.Context()
	var d overviewData
	var err error
	if d.current, err = p.current(ctx, v); err != nil {
		return nil, err
	}
	counts, err := p.Store.CountsOf(ctx, d.current)
	if err != nil {
		return nil, err
	}
	for _, s := range d.current {
		d.total = plus(d.total, s.Verdicts)
	}
	d.criteria = byCriterion(v.set, counts)
	days, err := p.Store.Days(ctx, v.scoped(d.current), v.at.AddDate(0, 0, 1-trendDays).Truncate(24*time.Hour), v.at)
	if err != nil {
		return nil, err
	}
	d.trend = newTrend(days, v.at.AddDate(0, 0, 1-trendDays), v.at)
	if d.gaps, err = p.Store.Gaps(ctx, d.current, gapRows+1); err != nil {
		return nil, err
	}
	if d.moreGaps = len(d.gaps) > gapRows; d.moreGaps {
		d.gaps = d.gaps[:gapRows]
	}
	if d.news, err = p.news(ctx, v, d.current); err != nil {
		return nil, err
	}
	if d.need, err = p.needs(ctx, v, d.current); err != nil {
		return nil, err
	}
	return overviewPage(v, d), nil
}

// current are the snapshots, as of the time, of the accounts that the actor may see.
func (p *Pages) current(ctx context.Context, v *view) ([]posture.Snapshot, error) {
	all, err := p.Store.Current(ctx, "", v.asOf)
	return slices.DeleteFunc(all, func(s posture.Snapshot) bool { return !v.sees(s.Account.String()) }), err
}

// scoped names the accounts of snapshots for a query, or is nil where the actor may see all.
func (v *view) scoped(current []posture.Snapshot) []string {
	if len(v.actor.Scopes) == 0 {
		return nil
	}
	names := make([]string, len(current))
	for i, s := range current {
		names[i] = s.Account.String()
	}
	return names
}

// lists are the accounts that a list over accounts is read for, one by one; one empty name stands for all.
func (p *Pages) lists(ctx context.Context, v *view, account string) ([]string, error) {
	switch {
	case account != "" && !v.sees(account):
		return nil, posture.ErrNotFound
	case account != "" || len(v.actor.Scopes) == 0:
		return []string{account}, nil
	}
	all, err := p.Store.Accounts(ctx)
	var names []string
	for _, a := range all {
		if v.sees(a.String()) {
			names = append(names, a.String())
		}
	}
	slices.Sort(names)
	return names, err
}

func byCriterion(set *rule.Set, counts []store.AccountRule) []criterionCounts {
	place := map[string]int{}
	var list []criterionCounts
	for _, c := range set.SOC2.Criteria {
		place[c.ID] = len(list)
		list = append(list, criterionCounts{Criterion: c})
	}
	for _, c := range counts {
		p, err := set.Program(c.Rule)
		if err != nil {
			continue // retired since, with its file
		}
		for _, link := range set.Criteria(p) {
			if i, ok := place[link.ID]; ok {
				list[i].Counts = plus(list[i].Counts, c.Counts)
			}
		}
	}
	return list
}

// needs reads what a person should look at today.
func (p *Pages) needs(ctx context.Context, v *view, current []posture.Snapshot) (n needs, err error) {
	n.open = map[string]int{}
	accounts, err := p.lists(ctx, v, "")
	if err != nil {
		return n, err
	}
	for _, account := range accounts {
		counts, err := p.Store.FindingCounts(ctx, account, v.asOf)
		if err != nil {
			return n, err
		}
		for _, c := range counts {
			if !c.State.Active() {
				continue
			}
			n.unverified += c.Unverified
			if c.State != finding.Excepted {
				n.open[v.severityOf(c.Rule)] += c.Findings
			}
		}
	}
	exceptions, err := p.Store.Exceptions(ctx, store.ExceptionFilter{AsOf: v.asOf})
	if err != nil {
		return n, err
	}
	for _, e := range exceptions {
		switch standing := e.Standing(v.at); {
		case !v.sees(e.Account):
		case standing == finding.Requested:
			n.requested++
		case standing == finding.InForce && e.Ends().Before(v.at.Add(soon)):
			n.expiring = append(n.expiring, e)
		}
	}
	alerts, err := p.Store.Alerts(ctx, store.AlertFilter{Open: true, AsOf: v.asOf})
	if err != nil {
		return n, err
	}
	for _, a := range alerts {
		if v.sees(a.Account) && a.Status() == "open" {
			n.alerts++
		}
	}
	for _, s := range current {
		if v.at.Sub(s.Finished) > old {
			n.stale = append(n.stale, s)
		}
	}
	return n, nil
}

// news are the newest changes, those of the latest snapshots first: of settings before what follows from them.
func (p *Pages) news(ctx context.Context, v *view, current []posture.Snapshot) ([]drifted, error) {
	latest := slices.Clone(current)
	slices.SortFunc(latest, func(a, b posture.Snapshot) int { return b.Finished.Compare(a.Finished) })
	var list []drifted
	for _, s := range latest[:min(len(latest), newsAccount)] {
		if s.Seq == 1 {
			continue
		}
		changes, err := p.changes(ctx, v, s.Account.String(), s.Seq-1, s.Seq)
		if err != nil {
			return nil, err
		}
		for i := range changes {
			changes[i].at = s.Finished
		}
		list = append(list, changes...)
	}
	weight := func(d drifted) int {
		w := 0
		if d.Cause != posture.CauseConfiguration {
			w = 1
		}
		if d.Kind == posture.Judgment && d.After != posture.Fail && d.After != posture.Unknown {
			w += 2
		}
		return w
	}
	slices.SortStableFunc(list, func(a, b drifted) int {
		return cmp.Or(b.at.Truncate(24*time.Hour).Compare(a.at.Truncate(24*time.Hour)), cmp.Compare(weight(a), weight(b)))
	})
	return list[:min(len(list), newsRows)], nil
}

// silent counts the criteria without a verdict.
func silent(list []criterionCounts) (n int) {
	for _, c := range list {
		if c.Total() == 0 {
			n++
		}
	}
	return n
}

func nothing(d overviewData) bool {
	n := d.need
	return len(n.open) == 0 && d.total.Unknown == 0 && n.alerts == 0 && n.requested == 0 && len(n.expiring) == 0 && len(n.stale) == 0
}

func backwards(days []store.Day) []store.Day {
	out := slices.Clone(days)
	slices.Reverse(out)
	return out
}

// accountText names an account by the name people gave it, and its id.
func accountText(a posture.Account) string {
	if a.Name == "" {
		return brief(a.String())
	}
	return brief(a.Name) + " · " + brief(a.String())
}

func plural(n int, what string) string {
	if n == 1 {
		return what
	}
	return what + "s"
}
