package pack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// shownResults is how many results of a rule the report shows; all are in results.jsonl.
const shownResults = 25

// page is an HTML page being written. Every argument is escaped.
type document struct {
	*output
	err error
}

func (d *document) print(format string, args ...any) {
	for i, a := range args {
		switch a := a.(type) {
		case markup:
			args[i] = string(a)
		default:
			args[i] = html.EscapeString(fmt.Sprint(a))
		}
	}
	if _, err := fmt.Fprintf(d.output, format+"\n", args...); err != nil {
		d.err = cmp.Or(d.err, err)
	}
}

// markup is HTML that is not escaped again.
type markup string

func (d *document) table(columns []string, rows [][]string) {
	d.print("<table><thead><tr>%s</tr></thead><tbody>", markup(cells("th", columns)))
	for _, row := range rows {
		d.print("<tr>%s</tr>", markup(cells("td", row)))
	}
	d.print("</tbody></table>")
}

func cells(tag string, list []string) string {
	var out strings.Builder
	for _, text := range list {
		class := ""
		if tag == "td" && slices.Contains([]string{"pass", "fail", "unknown"}, text) {
			class = ` class="` + text + `"`
		}
		fmt.Fprintf(&out, "<%s%s>%s</%s>", tag, class, html.EscapeString(text), tag)
	}
	return out.String()
}

const style = `
body{font:14px/1.45 system-ui,sans-serif;color:#1b1f24;max-width:1000px;margin:2em auto;padding:0 1em}
h1{font-size:1.6em}h2{font-size:1.25em;border-bottom:1px solid #ccd;padding-bottom:.2em;margin-top:2em}h3{font-size:1.05em;margin-bottom:.3em}
table{border-collapse:collapse;width:100%;margin:.6em 0 1.2em;font-size:12.5px}th,td{border:1px solid #d5d9e0;padding:.3em .5em;text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{background:#f1f3f6}td.fail{background:#fbe3e1}td.unknown{background:#fdf2d0}td.pass{background:#e6f3e6}
.note{background:#fdf2d0;padding:.6em .9em;border-left:4px solid #c90}section.control{page-break-before:always}footer{margin-top:3em;border-top:1px solid #ccd;color:#444}
@media print{body{margin:0;max-width:none}a{color:inherit;text-decoration:none}}`

// shown are the results of a rule that the report shows.
type shown struct {
	results []evidence.Result
	more    int
}

func (b *builder) writeReport(context.Context) error {
	byRule, err := b.shownResults()
	if err != nil {
		return err
	}
	out, err := b.files.create("report.html")
	if err != nil {
		return err
	}
	d := &document{output: out}
	what := "as of " + b.localDay(b.From)
	if b.Type == evidence.Type2 {
		what = "from " + b.localDay(b.From) + " to " + b.localDay(b.until())
	}
	d.print(`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Evidence %s</title><style>%s</style></head><body>`, what, markup(style))
	d.print("<h1>Evidence %s</h1>", what)
	b.reportScope(d)
	b.reportEngagement(d)
	b.reportCollection(d)
	b.reportCriteria(d)
	if err := b.reportPeriod(d); err != nil {
		return err
	}
	if err := b.reportExceptions(d); err != nil {
		return err
	}
	for _, c := range b.reports {
		b.reportControl(d, c, byRule)
	}
	d.print("<footer>%s</footer></body></html>", markup("<h2>Limits</h2><p>"+html.EscapeString(strings.Join(limits, " "))+"</p><p><strong>This report is not an opinion.</strong> "+
		"It tells what was read, when, and what fixed rules say of it. Management owns the controls and the evidence; the auditor decides whether they suffice, which samples to draw and what to conclude.</p>"))
	return errors.Join(d.err, out.close(), b.files.data("VERIFY.md", []byte(b.instructions())), b.files.value(evidence.KeysFile, b.Keys), b.files.data(evidence.KeyFile, []byte(b.Signer.Key.PEM)))
}

// limits are printed in every report.
var limits = []string{
	"Only the cloud layer was looked at: no applications, endpoints, code hosting, people or premises, unless something about them is attached.",
	"What the cloud providers answer for themselves is carved out and needs their own reports.",
	"Between two snapshots changes may have come and gone unseen.",
	"A rule is one reading of a setting, not of a criterion.",
}

func (b *builder) localDay(t time.Time) string {
	zone, err := time.LoadLocation(b.Zone)
	if err != nil {
		zone = time.UTC
	}
	return t.In(zone).Format("2006-01-02") + " (" + b.Zone + ")"
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }

func (b *builder) reportScope(d *document) {
	m := b.manifest
	if m.OffDate != nil {
		d.print(`<p class="note"><strong>Off date.</strong> %s The first call was %s before the day began, the last %s after it ended.</p>`,
			m.OffDate.Note, time.Duration(m.OffDate.Before)*time.Second, time.Duration(m.OffDate.After)*time.Second)
	}
	d.print("<h2>Scope and boundary</h2>")
	var rows [][]string
	for _, u := range b.accounts {
		s := u.snapshots[len(u.snapshots)-1]
		rows = append(rows, []string{u.name, s.Account.Name, cmp.Or(u.reason, "in scope"), fmt.Sprint(len(u.snapshots)), minute(s.Started)})
	}
	d.table([]string{"account", "name", "why", "snapshots", "newest read at"}, rows)
	if out := append(slices.Clone(b.out), b.Excluded...); len(out) > 0 {
		rows = nil
		for _, o := range out {
			rows = append(rows, []string{o.Account, o.Name, o.Reason})
		}
		d.print("<h3>Left out</h3>")
		d.table([]string{"account", "name", "reason"}, rows)
	}
	if len(b.Off) > 0 {
		rows = nil
		for _, o := range b.Off {
			rows = append(rows, []string{o.Rule, o.Reason, o.Actor})
		}
		d.print("<h3>Rules switched off</h3>")
		d.table([]string{"rule", "reason", "by"}, rows)
	}
}

func (b *builder) reportCollection(d *document) {
	m := b.manifest
	d.print("<h2>How it was collected</h2><p>Settings were read through the clouds' own interfaces between %s and %s. Every call, its time and the provider's request id are in %s, the answers below %s. "+
		"What a call could not read is unknown, never passed and never failed.</p>", minute(m.Window.First), minute(m.Window.Last), evidence.CallsFile, evidence.RawDir)
	kinds := map[string]int{}
	for _, g := range b.gaps {
		kinds[g.Kind] += max(1, g.Count)
	}
	d.print("<p>Gaps: %s. All of them are in %s. Populations come from the services' own lists; held against a second source, lists came out as %s (%s). A single source is no match.</p>",
		tally(kinds), evidence.GapsFile, tally(b.reconciled), evidence.ReconciledFile)
}

func tally[K ~string](counts map[K]int) string {
	var parts []string
	for kind, n := range counts {
		parts = append(parts, fmt.Sprintf("%s %d", kind, n))
	}
	slices.Sort(parts)
	return cmp.Or(strings.Join(parts, ", "), "none")
}

func countCells(c evidence.Counts) []string {
	return []string{fmt.Sprint(c.Total), fmt.Sprint(c.Pass), fmt.Sprintf("%d (%d excepted)", c.Fail, c.Excepted), fmt.Sprint(c.Unknown), fmt.Sprint(c.DoesNotApply)}
}

func (b *builder) reportCriteria(d *document) {
	d.print("<h2>By criterion</h2><p>Counts are results of rules in the newest snapshot of each account. They are observations; what they mean for a criterion is for the auditor to conclude.</p>")
	var rows [][]string
	for _, criterion := range b.Rules.SOC2.Criteria {
		for _, c := range b.reports {
			if slices.ContainsFunc(c.Criteria, func(l evidence.CriterionLink) bool { return l.ID == criterion.ID }) && (len(b.Criteria) == 0 || slices.Contains(b.Criteria, criterion.ID)) {
				rows = append(rows, append([]string{criterion.ID, c.Title, c.Nature, fmt.Sprint(len(c.Rules)), c.Result}, countCells(c.Counts)...))
			}
		}
	}
	d.table([]string{"criterion", "control", "nature", "rules", "result", "results", "pass", "fail", "unknown", "not applicable"}, rows)
}

func (b *builder) reportExceptions(d *document) error {
	var rows [][]string
	for e, err := range evidence.Rows[evidence.Exception](b.pkg, evidence.ExceptionsFile) {
		if err != nil {
			return err
		}
		rows = append(rows, []string{fmt.Sprint(e.ID), e.RuleID, e.Account, string(e.Standing), e.Reason, e.Requester, minute(e.Starts), minute(e.Expires), fmt.Sprint(len(e.Resources))})
	}
	d.print("<h2>Exceptions</h2><p>An exception accepts a failing result for a time; the result stays failed, before and meanwhile.</p>")
	d.table([]string{"number", "rule", "account", "standing", "reason", "requested by", "from", "until", "resources"}, rows)
	return nil
}

func (b *builder) reportControl(d *document, c evidence.Control, byRule map[string]*shown) {
	d.print(`<section class="control"><h2>%s</h2><p>%s</p>`, c.Title, c.Statement)
	d.print("<p>Control %s. Owner: %s. Nature: %s. Result of its rules: <strong>%s</strong>.</p>", c.ID, cmp.Or(c.Owner, "not stated"), c.Nature, c.Result)
	var rows [][]string
	for _, l := range c.Criteria {
		rows = append(rows, []string{l.ID, l.Supports, l.Leaves})
	}
	d.table([]string{"criterion", "what it supports", "what it leaves unproved"}, rows)
	for _, id := range c.Rules {
		b.reportRule(d, id, byRule[id])
	}
	if len(c.Slots) > 0 || slices.ContainsFunc(b.attached, func(m evidence.Manual) bool { return m.Control == c.ID }) {
		rows = nil
		for _, m := range b.attached {
			if m.Control == c.ID {
				state := "not reviewed"
				if n := len(m.Reviews); n > 0 {
					state = map[bool]string{true: "accepted by ", false: "returned by "}[m.Accepted()] + m.Reviews[n-1].By
				}
				rows = append(rows, []string{m.Slot, m.Name, m.Uploader, minute(m.Uploaded), b.localDay(m.From) + " to " + b.localDay(m.To), state, m.File})
			}
		}
		d.print("<h3>Attached by people</h3>")
		d.table([]string{"slot", "file", "by", "uploaded", "stated period", "review", "in the package"}, rows)
	}
	d.print("</section>")
}

func (b *builder) reportRule(d *document, id string, s *shown) {
	i := slices.IndexFunc(b.rules, func(r evidence.Rule) bool { return r.ID == id && r.File != "" })
	if i < 0 {
		return
	}
	r := b.rules[i]
	var counts evidence.Counts
	if n := b.perRule[id]; n != nil {
		counts = *n
	}
	d.print("<h3>%s</h3><p>Asked: %s, in severity %s. Calls: %s.</p>", r.Title, r.Reading, r.Severity, cmp.Or(strings.Join(r.Calls, ", "), "those of the resources above"))
	d.table([]string{"results", "pass", "fail", "unknown", "not applicable"}, [][]string{countCells(counts)})
	if s == nil {
		d.print("<p>No resource of this type was there.</p>")
		return
	}
	var rows [][]string
	for _, result := range s.results {
		note := ""
		if result.Exception != 0 {
			note = fmt.Sprintf("exception %d", result.Exception)
		}
		rows = append(rows, []string{string(result.Result), result.Account, result.Resource.Region, result.Resource.ID, result.Reason, minute(result.Observed), note})
	}
	d.table([]string{"result", "account", "region", "resource", "what came back", "observed", ""}, rows)
	if s.more > 0 {
		d.print("<p>%d more are in %s.</p>", s.more, evidence.ResultsFile)
	}
}

// shownResults picks, for each rule, the results that a reader looks for: failed ones first, then unknown, then others.
func (b *builder) shownResults() (map[string]*shown, error) {
	weight := map[posture.Result]int{posture.Fail: 0, posture.Unknown: 1, posture.Pass: 2, posture.DoesNotApply: 3}
	wanted := map[string]bool{}
	for _, c := range b.reports {
		for _, id := range c.Rules {
			wanted[id] = true
		}
	}
	out := map[string]*shown{}
	for r, err := range evidence.Rows[evidence.Result](b.pkg, evidence.ResultsFile) {
		if err != nil {
			return nil, err
		}
		u := b.account(r.Account)
		if !wanted[r.RuleID] || u.judged.Seq == 0 || !r.Snapshots.Holds(u.judged.Seq) {
			continue
		}
		s := out[r.RuleID]
		if s == nil {
			s = &shown{}
			out[r.RuleID] = s
		}
		r.Inputs, r.Unread = nil, nil
		at, _ := slices.BinarySearchFunc(s.results, weight[r.Result]+1, func(x evidence.Result, w int) int { return cmp.Compare(weight[x.Result], w) })
		if s.results = slices.Insert(s.results, at, r); len(s.results) > shownResults {
			s.results = s.results[:shownResults]
			s.more++
		}
	}
	return out, nil
}
