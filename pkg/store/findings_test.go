package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

var (
	oncall  = access.Actor{ID: "alice@example.com", Kind: access.Person, Roles: []access.Role{access.OnCall}}
	manager = access.Actor{ID: "bob@example.com", Kind: access.Person, Roles: []access.Role{access.Compliance}}
	lead    = access.Actor{ID: "carol@example.com", Kind: access.Person, Roles: []access.Role{access.Compliance, access.RuleLead}}
)

// failing is a scan of a day on which these buckets fail and the rest pass.
func failing(day int, resources []posture.Content, ids ...string) posture.Sealing {
	in := plumbtest.Sealing(day, append([]posture.Content{}, resources...)...)
	for i := range in.Verdicts {
		for _, id := range ids {
			if in.Verdicts[i].Resource.ID == id {
				in.Verdicts[i].Result, in.Verdicts[i].Reason = posture.Fail, "versioning is Suspended"
			}
		}
	}
	return in
}

func bucketKey(id string) posture.Key {
	return posture.Key{Type: plumbtest.Type, Region: plumbtest.Region, ID: id}
}

func findingID(id string) string { return finding.ID(account, plumbtest.Rule, bucketKey(id)) }

// story is what happened to the finding of a bucket, one line for each event.
func story(t testing.TB, s *store.Store, bucket string) (lines []string) {
	t.Helper()
	events, err := s.FindingEvents(context.Background(), findingID(bucket), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range events {
		if e.N != i+1 || e.RuleID != plumbtest.Rule || e.Resource != bucketKey(bucket) || e.Account != account || e.Recorded.IsZero() {
			t.Errorf("event %+v", e)
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s→%s %s %d %s", e.At.Format("01-02 15:04"), e.Kind, e.To, e.By.ID, e.Seq, e.Cause)))
	}
	return lines
}

// checkProjection holds findings against the newest of their events.
func checkProjection(t testing.TB, url string) {
	t.Helper()
	var findings, differing int
	if err := connect(t, url).QueryRow(context.Background(), `
		SELECT count(*), count(*) FILTER (WHERE (f.state, f.opened_at, f.first_at, f.at, f.ended_at, f.unverified_since, f.recurrence, f.assignee, f.reference,
				f.exception, f.before_state, f.wrong_version, f.n)
			IS DISTINCT FROM (e.state, e.opened_at, e.first_at, e.at, e.ended_at, e.unverified_since, e.recurrence, e.assignee, e.reference,
				e.exception, e.before_state, e.wrong_version, e.n))
		FROM findings f LEFT JOIN LATERAL (SELECT * FROM finding_events e WHERE e.account = f.account AND e.finding = f.finding ORDER BY e.n DESC LIMIT 1) e ON true`).
		Scan(&findings, &differing); err != nil {
		t.Fatal(err)
	}
	if findings == 0 || differing > 0 {
		t.Errorf("%d of %d findings are not what their newest event says", differing, findings)
	}
}

func TestFindingsFollowVerdicts(t *testing.T) {
	s, url := plumbtest.Store(t)
	all := buckets(3)
	ruleOff := func(in posture.Sealing) posture.Sealing { in.Verdicts = in.Verdicts[1:]; return in }
	denied := func(in posture.Sealing) posture.Sealing {
		in.Cells[0] = plumbtest.Cell(1, posture.Denied)
		for i := range in.Resources {
			in.Resources[i].Stale, in.Resources[i].JSON = true, nil
			in.Verdicts[i] = plumbtest.Verdict(in.Resources[i].Key, posture.Unknown, "stale: S3.ListBuckets")
		}
		return in
	}
	doesNotApply := func(in posture.Sealing) posture.Sealing {
		in.Verdicts[0].Result, in.Verdicts[0].Reason = posture.DoesNotApply, "it is empty"
		return in
	}
	newRule := func(in posture.Sealing) posture.Sealing { in.Verdicts[0].RuleVersion = "v2"; return in }
	const b = "bucket-000"
	for _, in := range []posture.Sealing{
		failing(0, all, b, "bucket-001"), failing(1, all, b), failing(2, all, b), denied(failing(3, all)), denied(failing(4, all)), failing(5, all, b), failing(6, all),
		denied(failing(7, all)), failing(8, all, b), denied(failing(9, all)), failing(10, all), failing(11, all, b), failing(12, all[1:]), failing(13, all[1:]),
		failing(14, all, b), ruleOff(failing(15, all)), ruleOff(failing(16, all)), failing(17, all[1:]), failing(18, all, b), doesNotApply(failing(19, all)),
		newRule(failing(20, all, b)),
	} {
		seal(t, s, in)
	}
	if diff := cmp.Diff([]string{
		"03-01 04:01 opened→open engine 1",
		"03-04 04:01 unverified→open engine 4 coverage",
		"03-06 04:01 verified→open engine 6 coverage", // it fails as before
		"03-07 04:01 resolved→resolved engine 7 configuration",
		"03-09 04:01 reopened→open engine 9 configuration", // the last known verdict, before it was unknown, was a pass
		"03-10 04:01 unverified→open engine 10 coverage",
		"03-11 04:01 resolved→resolved engine 11 configuration",
		"03-12 04:01 reopened→open engine 12 configuration",
		"03-13 04:01 gone→gone engine 13 configuration",
		"03-15 04:01 reopened→open engine 15 configuration",
		"03-16 04:01 unverified→open engine 16 ruleset",
		"03-18 04:01 gone→gone engine 18 configuration", // although no rule was judged on it then
		"03-19 04:01 reopened→open engine 19 configuration",
		"03-20 04:01 not_relevant→not_relevant engine 20 configuration",
		"03-21 04:01 reopened→open engine 21 ruleset",
	}, story(t, s, b)); diff != "" {
		t.Errorf("events differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"03-01 04:01 opened→open engine 1", "03-02 04:01 resolved→resolved engine 2 configuration"}, story(t, s, "bucket-001")); diff != "" {
		t.Errorf("events of another differ (-want +got):\n%s", diff)
	}
	checkProjection(t, url)

	at := func(day, minute int) time.Time { return plumbtest.Day(day).Add(time.Duration(minute) * time.Minute) }
	for name, test := range map[string]struct {
		asOf time.Time
		want string
	}{
		"before the first scan":        {at(0, 0), "not found"},
		"right after it":               {at(0, 1), "open since 03-01, 0 times back, v1 versioning is Suspended"},
		"between two events":           {at(2, 5), "open since 03-01, 0 times back, v1 versioning is Suspended"},
		"while it is unknown":          {at(4, 5), "open since 03-01, unverified since 03-04, 0 times back, v1 versioning is Suspended"},
		"after it was resolved":        {at(6, 5), "resolved since 03-01, ended 03-07, 0 times back, v1 versioning is Suspended"},
		"after it came back":           {at(8, 5), "open since 03-09, 1 times back, v1 versioning is Suspended"},
		"while no rule judges it":      {at(16, 5), "open since 03-15, unverified since 03-16, 3 times back, v1 versioning is Suspended"},
		"while it is gone":             {at(17, 5), "gone since 03-15, ended 03-18, 3 times back, v1 versioning is Suspended"},
		"now":                          {time.Time{}, "open since 03-21, 5 times back, v2 versioning is Suspended"},
		"the day before the new rules": {at(20, 0), "not_relevant since 03-19, ended 03-20, 4 times back, v1 versioning is Suspended"},
	} {
		t.Run(name, func(t *testing.T) {
			got := describe(s.Finding(t.Context(), findingID(b), test.asOf))
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			list, err := s.Findings(t.Context(), store.FindingFilter{ID: b, AsOf: test.asOf})
			if err != nil || len(list) > 1 || len(list) == 1 && describe(list[0], nil) != test.want || len(list) == 0 && test.want != "not found" {
				t.Errorf("the list says %+v %v", list, err)
			}
		})
	}
}

func describe(f finding.Finding, err error) string {
	if errors.Is(err, posture.ErrNotFound) {
		return "not found"
	}
	if err != nil {
		return err.Error()
	}
	text := fmt.Sprintf("%s since %s", f.State, f.Opened.Format("01-02"))
	if ended, ok := f.Ended.Get(); ok {
		text += ", ended " + ended.Format("01-02")
	}
	if unverified, ok := f.UnverifiedSince.Get(); ok {
		text += ", unverified since " + unverified.Format("01-02")
	}
	return fmt.Sprintf("%s, %d times back, %s %s", text, f.Recurrence, f.RuleVersion, f.Reason)
}

// A program that kept no findings sealed what is there.
func TestFindingsOfEarlierSnapshots(t *testing.T) {
	s, url := plumbtest.Store(t)
	all := buckets(5)
	seal(t, s, failing(0, all, "bucket-000", "bucket-003"))
	seal(t, s, failing(1, all, "bucket-000", "bucket-001", "bucket-003"))
	longer := failing(2, all, "bucket-000", "bucket-001")
	longer.Verdicts[0].Reason = "versioning is Suspended since 3 days"
	seal(t, s, longer)
	conn := connect(t, url)
	for _, sql := range []string{`ALTER TABLE findings DISABLE TRIGGER USER`, `ALTER TABLE finding_events DISABLE TRIGGER USER`, `DELETE FROM findings`, `DELETE FROM finding_events`,
		`ALTER TABLE findings ENABLE TRIGGER USER`, `ALTER TABLE finding_events ENABLE TRIGGER USER`} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	seal(t, s, failing(3, all, "bucket-001", "bucket-002", "bucket-000"))
	for bucket, want := range map[string]string{
		"bucket-000": "open since 03-01, 0 times back, v1 versioning is Suspended",
		"bucket-001": "open since 03-02, 0 times back, v1 versioning is Suspended",
		"bucket-002": "open since 03-04, 0 times back, v1 versioning is Suspended",
		"bucket-003": "not found",
	} {
		if got := describe(s.Finding(t.Context(), findingID(bucket), time.Time{})); got != want {
			t.Errorf("%s is %q, want %q", bucket, got, want)
		}
	}
	if diff := cmp.Diff([]string{"03-04 04:01 opened→open engine 4 configuration"}, story(t, s, "bucket-002")); diff != "" {
		t.Errorf("events differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"03-04 04:01 opened→open engine 4"}, story(t, s, "bucket-001")); diff != "" {
		t.Errorf("events differ (-want +got):\n%s", diff)
	}
	if got := describe(s.Finding(t.Context(), findingID("bucket-000"), plumbtest.Day(2))); got != "not found" {
		t.Errorf("as of the time before findings were kept there is one: %s", got)
	}
	// also when nothing changed since
	for _, sql := range []string{`ALTER TABLE findings DISABLE TRIGGER USER`, `ALTER TABLE finding_events DISABLE TRIGGER USER`, `DELETE FROM findings`, `DELETE FROM finding_events`} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	seal(t, s, failing(4, all, "bucket-001", "bucket-002", "bucket-000"))
	if got := describe(s.Finding(t.Context(), findingID("bucket-001"), time.Time{})); !strings.HasPrefix(got, "open since 03-02") {
		t.Errorf("after an unchanged snapshot it is %s", got)
	}
}

func TestEventsAreHandedOnInTheSealingTransaction(t *testing.T) {
	s, url := plumbtest.Store(t)
	all := buckets(3)
	var got []string
	s.OnEvents = func(ctx context.Context, tx pgx.Tx, account string, seq int64, events []finding.Event) error {
		var written int
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM finding_events WHERE account = $1 AND seq = $2`, account, seq).Scan(&written); err != nil {
			return err
		}
		for _, e := range events {
			got = append(got, fmt.Sprintf("%d %s %s of %d", seq, e.Resource.ID, e.Kind, written))
		}
		return nil
	}
	seal(t, s, failing(0, all, "bucket-000"))
	seal(t, s, failing(1, all, "bucket-000")) // nothing happens, nothing is handed on
	seal(t, s, failing(2, all, "bucket-001"))
	if diff := cmp.Diff([]string{"1 bucket-000 opened of 1", "3 bucket-000 resolved of 2", "3 bucket-001 opened of 2"}, got); diff != "" {
		t.Errorf("events differ (-want +got):\n%s", diff)
	}

	conn := connect(t, url)
	before := count(t, conn)
	broken := errors.New("no queue")
	s.OnEvents = func(context.Context, pgx.Tx, string, int64, []finding.Event) error { return broken }
	if _, err := s.Seal(t.Context(), failing(3, buckets(4), "bucket-002", "bucket-003")); !errors.Is(err, broken) {
		t.Errorf("sealing without a queue: %v", err)
	}
	if diff := cmp.Diff(before, count(t, conn)); diff != "" {
		t.Errorf("something was written (-before +now):\n%s", diff)
	}
	if _, err := s.MoveFinding(t.Context(), oncall, findingID("bucket-001"), finding.Act{Kind: finding.KindAcked, Assignee: oncall.ID}); !errors.Is(err, broken) {
		t.Errorf("acknowledging without a queue: %v", err)
	}
	if f, err := s.Finding(t.Context(), findingID("bucket-001"), time.Time{}); err != nil || f.State != finding.Open {
		t.Errorf("it is %s %v", f.State, err)
	}
}

func TestMoveFinding(t *testing.T) {
	s, url := plumbtest.Store(t)
	seal(t, s, failing(0, buckets(3), "bucket-000", "bucket-001"))
	hour := 0
	s.Now = func() time.Time { hour++; return plumbtest.Day(0).Add(time.Duration(hour) * time.Hour) }
	move := func(by access.Actor, bucket string, act finding.Act) error {
		t.Helper()
		after, err := s.MoveFinding(t.Context(), by, findingID(bucket), act)
		if err != nil {
			return err
		}
		now, err := s.Finding(t.Context(), findingID(bucket), time.Time{})
		if diff := cmp.Diff(now, after); diff != "" || err != nil {
			t.Errorf("what is stored differs from what was returned: %v\n%s", err, diff)
		}
		return nil
	}
	for _, step := range []struct {
		by  access.Actor
		act finding.Act
		err string
	}{
		{oncall, finding.Act{Kind: finding.KindAcked}, "needs an assignee"},
		{oncall, finding.Act{Kind: finding.KindAcked, Assignee: "dan@example.com\x00"}, ""},
		{oncall, finding.Act{Kind: finding.KindResolved}, "by hand"},
		{oncall, finding.Act{Kind: finding.KindRequested, Exception: 99}, "requested for it first"},
		{oncall, finding.Act{Kind: finding.KindDisputed, Reason: "versioning is on \x00"}, ""},
		{oncall, finding.Act{Kind: finding.KindUpheld, Reason: "no"}, "rule_approver"},
		{lead, finding.Act{Kind: finding.KindUpheld, Reason: "it is not"}, ""},
		{oncall, finding.Act{Kind: finding.KindClaimed, Reference: "CHG-7"}, ""},
	} {
		err := move(step.by, "bucket-000", step.act)
		if step.err == "" && err != nil || step.err != "" && (!errors.Is(err, posture.ErrInvalid) || !strings.Contains(err.Error(), step.err)) {
			t.Errorf("%s: %v, want %q", step.act.Kind, err, step.err)
		}
	}
	if err := move(oncall, "bucket-009", finding.Act{Kind: finding.KindAcked}); !errors.Is(err, posture.ErrNotFound) {
		t.Errorf("a finding that does not exist: %v", err)
	}
	seal(t, s, failing(1, buckets(3), "bucket-001")) // the fix worked
	var events []string
	for _, line := range story(t, s, "bucket-000") {
		events = append(events, line[len("03-01 04:01 "):])
	}
	if diff := cmp.Diff([]string{
		"opened→open engine 1", "acknowledged→acknowledged alice@example.com 0", "disputed→disputed alice@example.com 0", "dispute_refused→open carol@example.com 0",
		"fix_claimed→fix_claimed alice@example.com 0", "resolved→resolved engine 2 configuration",
	}, events); diff != "" {
		t.Errorf("events differ (-want +got):\n%s", diff)
	}
	f, err := s.Finding(t.Context(), findingID("bucket-000"), time.Time{})
	if err != nil || f.Assignee != "dan@example.com\uFFFD" || f.Opened != plumbtest.Day(0) {
		t.Errorf("%+v %v", f, err)
	}
	checkProjection(t, url)

	entries, err := connect(t, url).Query(t.Context(), `SELECT actor || ' ' || action || ' ' || outcome FROM audit_log WHERE object = $1 ORDER BY seq`, "finding/"+findingID("bucket-000"))
	if err != nil {
		t.Fatal(err)
	}
	logged, err := pgx.CollectRows(entries, pgx.RowTo[string])
	if diff := cmp.Diff([]string{
		"alice@example.com finding.acknowledge refused", "alice@example.com finding.acknowledge done", "alice@example.com finding.dispute done",
		"alice@example.com finding.settle_dispute refused", "carol@example.com finding.settle_dispute done", "alice@example.com finding.claim_fix done",
	}, logged); diff != "" || err != nil {
		t.Errorf("audit log differs (-want +got): %v\n%s", err, diff)
	}

	// without the audit log nothing happens
	if _, err := connect(t, url).Exec(t.Context(), `REVOKE INSERT ON audit_log FROM plumbline_service`); err != nil {
		t.Fatal(err)
	}
	if err := move(oncall, "bucket-001", finding.Act{Kind: finding.KindAcked, Assignee: oncall.ID}); err == nil {
		t.Error("acknowledged without a trace")
	}
	if f, err := s.Finding(t.Context(), findingID("bucket-001"), time.Time{}); err != nil || f.State != finding.Open || f.Events != 1 {
		t.Errorf("%+v %v", f, err)
	}
}

func TestRuleWrong(t *testing.T) {
	s, _ := plumbtest.Store(t)
	all := buckets(1)
	s.Now = func() time.Time { return plumbtest.Day(0).Add(time.Hour) }
	seal(t, s, failing(0, all, "bucket-000"))
	for _, step := range []struct {
		by  access.Actor
		act finding.Act
	}{{oncall, finding.Act{Kind: finding.KindDisputed, Reason: "x"}}, {lead, finding.Act{Kind: finding.KindRuleWrong, RuleVersion: "v2"}}} {
		if _, err := s.MoveFinding(t.Context(), step.by, findingID("bucket-000"), step.act); err != nil {
			t.Fatal(err)
		}
	}
	again := failing(1, all, "bucket-000")
	again.Verdicts[0].Reason = "versioning is still Suspended"
	seal(t, s, again)
	if f, _ := s.Finding(t.Context(), findingID("bucket-000"), time.Time{}); f.State != finding.RuleWrong || f.WrongVersion != "v1" {
		t.Errorf("after the same version failed again: %+v", f)
	}
	corrected := failing(2, all, "bucket-000")
	corrected.Verdicts[0].RuleVersion = "v2"
	seal(t, s, corrected)
	if f, _ := s.Finding(t.Context(), findingID("bucket-000"), time.Time{}); f.State != finding.Open || f.Recurrence != 1 || f.WrongVersion != "" {
		t.Errorf("after the corrected version failed: %+v", f)
	}
}

func TestFindingsAreChosen(t *testing.T) {
	s, _ := plumbtest.Store(t)
	s.Now = func() time.Time { return plumbtest.Day(1).Add(time.Hour) }
	all := buckets(4)
	seal(t, s, failing(0, all, "bucket-000", "bucket-001", "bucket-002"))
	seal(t, s, failing(1, all, "bucket-001", "bucket-002"))
	shop := failing(1, all[:1], "bucket-000")
	shop.Snapshot.Account = posture.Account{Provider: "gcp", ID: "shop"}
	shop.Verdicts[0].RuleID = "gcp-other"
	seal(t, s, shop)
	if _, err := s.MoveFinding(t.Context(), oncall, findingID("bucket-002"), finding.Act{Kind: finding.KindAcked, Assignee: "dan@example.com"}); err != nil {
		t.Fatal(err)
	}
	const a0, a1, a2, b0 = "aws:111122223333 bucket-000 resolved", "aws:111122223333 bucket-001 open", "aws:111122223333 bucket-002 acknowledged", "gcp:shop bucket-000 open"
	for name, test := range map[string]struct {
		filter store.FindingFilter
		want   []string
	}{
		"all":                    {store.FindingFilter{}, []string{a0, a1, a2, b0}},
		"active":                 {store.FindingFilter{Active: true}, []string{a1, a2, b0}},
		"of an account":          {store.FindingFilter{Account: "gcp:shop"}, []string{b0}},
		"of a rule":              {store.FindingFilter{Rule: "gcp-other"}, []string{b0}},
		"of some rules":          {store.FindingFilter{Rules: []string{"gcp-other", "x"}}, []string{b0}},
		"of no rule":             {store.FindingFilter{Rules: []string{}}, nil},
		"in some states":         {store.FindingFilter{States: []finding.State{finding.Resolved, finding.Acknowledged}}, []string{a0, a2}},
		"of somebody":            {store.FindingFilter{Assignee: "dan@example.com"}, []string{a2}},
		"of a resource":          {store.FindingFilter{Type: plumbtest.Type, Region: plumbtest.Region, ID: "bucket-000"}, []string{a0, b0}},
		"by id":                  {store.FindingFilter{IDs: []string{findingID("bucket-001")}}, []string{a1}},
		"a page":                 {store.FindingFilter{Limit: 2}, []string{a0, a1}},
		"the next page":          {store.FindingFilter{Limit: 2, After: store.VerdictPosition{Account: account, Resource: bucketKey("bucket-001"), Rule: plumbtest.Rule}}, []string{a2, b0}},
		"as of then":             {store.FindingFilter{Active: true, AsOf: plumbtest.Day(0).Add(time.Hour)}, []string{strings.Replace(a0, "resolved", "open", 1), a1, strings.Replace(a2, "acknowledged", "open", 1)}},
		"of somebody as of then": {store.FindingFilter{Assignee: "dan@example.com", AsOf: plumbtest.Day(1)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := s.Findings(t.Context(), test.filter)
			var got []string
			for _, f := range list {
				got = append(got, fmt.Sprintf("%s %s %s", f.Account, f.Resource.ID, f.State))
			}
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("findings differ (-want +got): %v\n%s", err, diff)
			}
		})
	}
	for name, test := range map[string]struct {
		account string
		asOf    time.Time
		want    []store.FindingCount
	}{
		"now": {"", time.Time{}, []store.FindingCount{{plumbtest.Rule, finding.Acknowledged, 1, 0}, {plumbtest.Rule, finding.Open, 1, 0},
			{plumbtest.Rule, finding.Resolved, 1, 0}, {"gcp-other", finding.Open, 1, 0}}},
		"of an account": {"gcp:shop", time.Time{}, []store.FindingCount{{"gcp-other", finding.Open, 1, 0}}},
		"as of then":    {"", plumbtest.Day(0).Add(time.Hour), []store.FindingCount{{plumbtest.Rule, finding.Open, 3, 0}}},
	} {
		got, err := s.FindingCounts(t.Context(), test.account, test.asOf)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("counts %s differ (-want +got): %v\n%s", name, err, diff)
		}
	}
}
