package pack

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/audit"
	"github.com/plumbline-dev/plumbline/pkg/evidence"
)

// leftOut says why an account is not in the package: with an audit, by which version of its scope.
func (b *builder) leftOut(account string) string {
	if b.Engaged == nil {
		return "not asked for"
	}
	holds := func(s audit.Scope) bool { return len(s.Accounts) == 0 || slices.Contains(s.Accounts, account) }
	for i, s := range slices.Backward(b.Engaged.Scopes) {
		if i > 0 && !holds(s) && holds(b.Engaged.Scopes[i-1]) {
			return fmt.Sprintf("left out by version %d of the audit's scope, %s: %s", s.Version, minute(s.At), s.Reason)
		}
	}
	return "never in the audit's scope"
}

// engage adds the audit to the scope, with what changed since it opened.
func (b *builder) engage(s *evidence.Scope) {
	if b.Engaged == nil {
		return
	}
	s.Audit, s.Auditors = &b.Engaged.Audit, b.Engaged.Auditors
	for i, v := range b.Engaged.Scopes[1:] {
		for _, c := range b.Engaged.Scopes[i].Changes(v) {
			s.Changes = append(s.Changes, evidence.ScopeChange{At: v.At, By: v.By, Change: c.String(), Reason: v.Reason})
		}
	}
}

// writeRequests writes what the auditors asked for, and with which files, by their digests, it was answered.
func (b *builder) writeRequests(context.Context) error {
	if b.Engaged == nil {
		return nil
	}
	return b.files.lines(evidence.RequestsFile, func(row func(any) error) error {
		for _, r := range b.Engaged.Requests {
			if err := row(r); err != nil {
				return err
			}
		}
		return nil
	})
}

// reportEngagement shows the versions of the scope side by side, and the requests.
func (b *builder) reportEngagement(d *document) {
	if b.Engaged == nil {
		return
	}
	a := b.Engaged
	d.print("<h2>The audit</h2><p>%s, %s, by %s. Opened %s by %s.</p>", a.ID, a.Type, a.Firm, minute(a.Opened), a.OpenedBy)
	if a.Closing != nil {
		d.print("<p>Closed %s by %s: %s</p>", minute(a.Closing.At), a.Closing.By, a.Closing.Reason)
	}
	columns, rows := []string{"scope"}, [][]string{{"since"}, {"set by"}, {"reason"}, {"accounts"}, {"categories"}, {"criteria"}, {"controls"}}
	for i, v := range a.Scopes {
		columns = append(columns, fmt.Sprintf("version %d", v.Version))
		for n, text := range []string{minute(v.At), v.By, v.Reason, cmp.Or(strings.Join(v.Accounts, ", "), audit.All), strings.Join(v.Categories, ", "), strings.Join(v.Criteria, ", "), strings.Join(v.Controls, ", ")} {
			rows[n] = append(rows[n], text)
		}
		if i > 0 && a.Scopes[i-1].Narrower(v) {
			d.print(`<p class="note"><strong>The scope was narrowed after the audit opened.</strong> Version %d leaves something out that version %d had.</p>`, v.Version, v.Version-1)
		}
	}
	d.table(columns, rows)
	rows = nil
	for i, v := range a.Scopes[1:] {
		for _, c := range a.Scopes[i].Changes(v) {
			rows = append(rows, []string{minute(v.At), v.By, c.String(), v.Reason})
		}
	}
	if rows != nil {
		d.print("<h3>Changes of the scope</h3>")
		d.table([]string{"when", "by", "change", "reason"}, rows)
	}
	rows = nil
	for _, r := range a.Requests {
		var answers []string
		for _, x := range r.Answers() {
			what := fmt.Sprintf("attachment %d", x.Attachment)
			if x.Package != "" {
				what = strings.TrimSpace(x.Package + " " + x.Path)
			}
			answers = append(answers, what+" ("+x.SHA256+")")
		}
		rows = append(rows, []string{fmt.Sprint(r.N), r.Title, string(r.State), r.Answer, strings.Join(answers, ", ")})
	}
	d.print("<h3>Requests</h3>")
	d.table([]string{"number", "asked for", "state", "where it is", "answered with"}, rows)
}
