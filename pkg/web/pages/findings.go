package pages

import (
	"context"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// rowsPerPage is how many rows a list shows at once.
const rowsPerPage = 100

var findingStates = []finding.State{
	finding.Open, finding.Acknowledged, finding.FixClaimed, finding.ExceptionRequested, finding.Excepted, finding.Disputed,
	finding.Resolved, finding.Gone, finding.NotRelevant, finding.RuleWrong,
}

type findingsData struct {
	accounts []posture.Snapshot
	list     []finding.Finding
	next     string
	csv      templ.SafeURL
}

func (p *Pages) findings(v *view, r *http.Request) (templ.Component, error) {
	v.title = "Findings"
	var d findingsData
	var err error
	if d.accounts, err = p.current(r.Context(), v); err != nil {
		return nil, err
	}
	after, err := cursor(v)
	if err != nil {
		return nil, err
	}
	if d.list, err = p.findingsAfter(r.Context(), v, after, rowsPerPage+1); err != nil {
		return nil, err
	}
	if len(d.list) > rowsPerPage {
		d.list = d.list[:rowsPerPage]
		d.next = mark(findingPosition(d.list[rowsPerPage-1]))
	}
	query := make(map[string][]string, len(v.query))
	for name, values := range v.query {
		if name != "after" {
			query[name] = values
		}
	}
	d.csv = address("/findings.csv", query)
	return findingsPage(v, d), nil
}

func findingPosition(f finding.Finding) store.VerdictPosition {
	return store.VerdictPosition{Account: f.Account, Resource: f.Resource, Rule: f.RuleID}
}

// findingsAfter reads the findings that the filters in the address choose, after a position.
func (p *Pages) findingsAfter(ctx context.Context, v *view, after store.VerdictPosition, limit int) ([]finding.Finding, error) {
	q := v.query
	f := store.FindingFilter{Rule: q.Get("rule"), Active: q.Get("active") != "", AsOf: v.asOf, Rules: v.rulesOf(q.Get("severity"), q.Get("criterion"))}
	if state := finding.State(q.Get("state")); state != "" {
		if !slices.Contains(findingStates, state) {
			return nil, fmt.Errorf("%w: there is no state %q", posture.ErrInvalid, cut(string(state), 40))
		}
		f.States, f.Active = []finding.State{state}, false
	}
	return across(p, ctx, v, after, limit, func(account string, after store.VerdictPosition, limit int) ([]finding.Finding, error) {
		f.Account, f.After, f.Limit = account, after, limit
		return p.Store.Findings(ctx, f)
	})
}

// rulesOf names the rules of a severity that speak to a criterion; nil when neither is asked for.
func (v *view) rulesOf(severity, criterion string) []string {
	if severity == "" && criterion == "" {
		return nil
	}
	ids := []string{}
	for _, p := range v.set.Programs {
		speaks := criterion == "" || slices.ContainsFunc(v.set.Criteria(p), func(l rule.Link) bool { return l.ID == criterion })
		if speaks && (severity == "" || string(p.Severity) == severity) {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// across reads up to limit rows after a position: of the account in the address, or of all that the actor may see.
func across[T any](p *Pages, ctx context.Context, v *view, after store.VerdictPosition, limit int, do func(account string, after store.VerdictPosition, limit int) ([]T, error)) ([]T, error) {
	accounts, err := p.lists(ctx, v, v.query.Get("account"))
	if err != nil {
		return nil, err
	}
	var rows []T
	for _, account := range accounts {
		from := after
		if account != "" && account < after.Account {
			continue
		} else if account != "" && account != after.Account {
			from = store.VerdictPosition{}
		}
		more, err := do(account, from, limit-len(rows))
		if err != nil {
			return nil, err
		}
		if rows = append(rows, more...); len(rows) >= limit {
			break
		}
	}
	return rows, nil
}

// mark is a position as addresses carry it, and cursor reads it.
func mark(at store.VerdictPosition) string {
	text, _ := json.Marshal(at) // of strings
	return base64.RawURLEncoding.EncodeToString(text)
}

func cursor(v *view) (at store.VerdictPosition, err error) {
	given := v.query.Get("after")
	if given == "" {
		return at, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(given)
	if err == nil {
		err = json.Unmarshal(text, &at)
	}
	if err != nil {
		return at, fmt.Errorf("%w: the place in this list is malformed: begin with its first page", posture.ErrInvalid)
	}
	return at, nil
}

// findingsCSV is the table of findings, whole.
func (p *Pages) findingsCSV(w http.ResponseWriter, r *http.Request) {
	v, err := p.view(r)
	var list []finding.Finding
	if err == nil {
		list, err = p.findingsAfter(r.Context(), v, store.VerdictPosition{}, rowsPerCSV)
	}
	if err != nil {
		p.page(w, r, func(*view, *http.Request) (templ.Component, error) { return nil, err })
		return
	}
	secure(w, "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="findings-%s.csv"`, v.at.Format("2006-01-02")))
	out := csv.NewWriter(w)
	write := func(cells ...string) {
		for i := range cells {
			cells[i] = inert(cells[i])
		}
		_ = out.Write(cells) // a reader who is gone gets nothing
	}
	write("finding", "severity", "rule", "title", "account", "type", "region", "resource", "state", "opened_at", "first_seen_at", "ended_at",
		"unverified_since", "recurrence", "assignee", "exception")
	for len(list) > 0 {
		for _, f := range list {
			exception := ""
			if f.Exception != 0 {
				exception = seq(f.Exception)
			}
			write(f.ID, v.severityOf(f.RuleID), f.RuleID, v.ruleTitle(f.RuleID), f.Account, f.Resource.Type, f.Resource.Region, f.Resource.ID,
				string(f.State), iso(f.Opened), iso(f.First), optional(f.Ended), optional(f.UnverifiedSince), seq(int64(f.Recurrence)), f.Assignee, exception)
		}
		if out.Flush(); out.Error() != nil || len(list) < rowsPerCSV {
			return
		}
		if list, err = p.findingsAfter(r.Context(), v, findingPosition(list[len(list)-1]), rowsPerCSV); err != nil {
			p.Log.ErrorContext(r.Context(), "table of findings broke off", "error", err)
			panic(http.ErrAbortHandler) // so that half a table does not pass for a whole one
		}
	}
	out.Flush()
}

// rowsPerCSV is how many rows are read at once for a file.
const rowsPerCSV = 5000

// inert keeps spreadsheets from taking a text for a formula.
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

func optional(o posture.Opt[time.Time]) string {
	if t, ok := o.Get(); ok {
		return iso(t)
	}
	return ""
}

type findingData struct {
	finding.Finding
	program   *rule.Program // nil when the rule is no longer there
	events    []finding.Event
	exception *finding.Exception
	verdict   *store.Judged // in the snapshot as of the time
	control   *rule.Control
}

func (p *Pages) finding(v *view, r *http.Request) (templ.Component, error) {
	ctx, id := r.Context(), r.PathValue("id")
	f, err := p.Store.Finding(ctx, id, v.at)
	if err != nil {
		return nil, err
	}
	if !v.sees(f.Account) {
		return nil, posture.ErrNotFound
	}
	d := findingData{Finding: f}
	v.title = "Finding: " + v.ruleTitle(f.RuleID)
	if d.program, err = v.set.Program(f.RuleID); err == nil {
		if c, ok := v.set.SOC2.Control(d.program.Control); ok {
			d.control = &c
		}
	}
	if d.events, err = p.Store.FindingEvents(ctx, id, v.at); err != nil {
		return nil, err
	}
	if f.Exception != 0 {
		e, err := p.Store.Exception(ctx, f.Exception, v.at)
		if err != nil {
			return nil, err
		}
		d.exception = &e
	}
	verdicts, err := p.Store.Verdicts(ctx, store.VerdictFilter{
		Account: f.Account, AsOf: v.asOf, Rule: f.RuleID, Type: f.Resource.Type, Region: f.Resource.Region, ID: f.Resource.ID,
	})
	if err != nil && !errors.Is(err, posture.ErrNotFound) {
		return nil, err
	}
	for _, j := range verdicts {
		if j.Resource == f.Resource {
			d.verdict = &j
		}
	}
	return findingPage(v, d), nil
}

// eventText says what happened to a finding.
func eventText(e finding.Event) string {
	switch e.Kind {
	case finding.KindOpened:
		return "The rule failed for the first time"
	case finding.KindReopened:
		return "The rule failed again"
	case finding.KindResolved:
		return "The rule passed"
	case finding.KindGone:
		return "The resource is no longer there: removed, which is not the same as repaired"
	case finding.KindNoLonger:
		return "The rule no longer concerns the resource"
	case finding.KindUnverified:
		return "The rule can no longer be judged; the finding stays as it is"
	case finding.KindVerified:
		return "The rule is judged again"
	case finding.KindAcked:
		return "Acknowledged"
	case finding.KindAssigned:
		return "Assigned to " + e.Assignee
	case finding.KindClaimed:
		return "Said to be repaired; a scan will tell"
	case finding.KindRequested:
		return "An exception was requested"
	case finding.KindExcepted:
		return "Accepted by an exception"
	case finding.KindRefused:
		return "The exception was refused"
	case finding.KindExpired:
		return "The exception ended"
	case finding.KindRevoked:
		return "The exception was revoked"
	case finding.KindOutgrown:
		return "The resource or the rule changed beyond what the exception accepted"
	case finding.KindDisputed:
		return "Disputed: the rule is said to be wrong"
	case finding.KindUpheld:
		return "The dispute was settled: the rule is right"
	case finding.KindRuleWrong:
		return "The dispute was settled: the rule was wrong"
	}
	return words(string(e.Kind))
}

type verdictsData struct {
	accounts []posture.Snapshot
	list     []store.Judged
	next     string
}

// verdicts lists the verdicts of one result, as a rule those that are unknown.
func (p *Pages) verdicts(v *view, r *http.Request) (templ.Component, error) {
	ctx := r.Context()
	result := posture.Result(v.query.Get("result"))
	switch result {
	case "":
		v.title = "Verdicts"
	case posture.Pass, posture.Fail, posture.Unknown, posture.DoesNotApply:
		v.title = "Verdicts: " + words(string(result))
	default:
		return nil, fmt.Errorf("%w: there is no result %q", posture.ErrInvalid, cut(string(result), 40))
	}
	var d verdictsData
	var err error
	if d.accounts, err = p.current(ctx, v); err != nil {
		return nil, err
	}
	after, err := cursor(v)
	if err != nil {
		return nil, err
	}
	d.list, err = across(p, ctx, v, after, rowsPerPage+1, func(account string, after store.VerdictPosition, limit int) ([]store.Judged, error) {
		return p.Store.Verdicts(ctx, store.VerdictFilter{
			Account: account, AsOf: v.asOf, Rule: v.query.Get("rule"), Result: result, Type: v.query.Get("type"), After: after, Limit: limit,
		})
	})
	if err != nil {
		return nil, err
	}
	if len(d.list) > rowsPerPage {
		d.list = d.list[:rowsPerPage]
		d.next = mark(d.list[rowsPerPage-1].Position())
	}
	return verdictsPage(v, d), nil
}

func accountOptions(current []posture.Snapshot) (out [][2]string) {
	for _, s := range current {
		out = append(out, [2]string{s.Account.String(), accountText(s.Account)})
	}
	return out
}

func (v *view) ruleOptions() (out [][2]string) {
	for _, p := range v.set.Programs {
		out = append(out, [2]string{p.ID, p.ID})
	}
	return out
}

func severityOptions() (out [][2]string) {
	for _, s := range severities {
		out = append(out, [2]string{s, s})
	}
	return out
}

func stateOptions() (out [][2]string) {
	for _, s := range findingStates {
		out = append(out, [2]string{string(s), words(string(s))})
	}
	return out
}

func (v *view) criterionOptions() (out [][2]string) {
	for _, c := range v.set.SOC2.Criteria {
		out = append(out, [2]string{c.ID, c.ID + " " + c.Title})
	}
	return out
}

var resultOptions = [][2]string{{"fail", "fail"}, {"unknown", "unknown"}, {"pass", "pass"}, {"not_applicable", "not applicable"}}
