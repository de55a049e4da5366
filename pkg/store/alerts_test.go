package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/config"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// channel answers with what the test wants, and keeps what it was sent.
type channel struct {
	mu   sync.Mutex
	errs []error // of the next messages; then none
	sent []alert.Message
}

func (c *channel) Send(_ context.Context, m alert.Message) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = append(c.sent, m)
	if len(c.errs) == 0 {
		return "taken", nil
	}
	err := c.errs[0]
	c.errs = c.errs[1:]
	return "", err
}

// office is a store with a dispatcher, a clock and a queue of deliveries.
type office struct {
	*alert.Dispatcher
	store   *store.Store
	conn    *pgx.Conn
	now     time.Time
	queue   []int64
	channel *channel
}

func newOffice(t *testing.T) *office {
	s, url := plumbtest.Store(t)
	o := &office{store: s, conn: connect(t, url), now: plumbtest.Day(0).Add(time.Hour), channel: &channel{}}
	clock := func() time.Time { return o.now }
	s.Now = clock
	s.OnDelivery = func(_ context.Context, _ pgx.Tx, ids []int64) error {
		o.queue = append(o.queue, ids...)
		return nil
	}
	o.Dispatcher = &alert.Dispatcher{
		Store: s, Now: clock, Channels: map[string]alert.Channel{"oncall": o.channel, "desk": o.channel},
		Settings: alert.Settings{
			URL: "https://plumbline.example.com",
			Alerts: config.Alerts{
				Receivers: []config.Receiver{{Name: "oncall", PagerDuty: &config.PagerDuty{}}, {Name: "desk", Slack: &config.Slack{}}},
				Routes: []config.Route{
					{Name: "page", Severities: []string{"high"}, Receivers: []string{"oncall"}},
					{Name: "quiet", Classes: []string{"coverage", "expiry"}, Receivers: []string{"desk"}},
				},
				Damping:  config.Damping{Flips: 4, Window: 24 * time.Hour},
				Escalate: []config.Escalate{{After: time.Hour, Receivers: []string{"desk"}}},
				Digests:  []config.Digest{{Name: "daily", Receivers: []string{"desk"}}},
			},
			Rules: map[string]alert.Rule{plumbtest.Rule: {
				Message: "Versioning is off.", Severity: "high", Control: "availability-backup", Criteria: []string{"A1.2"},
				Fields: []string{plumbtest.Type + ".versioning"},
			}},
		},
	}
	return o
}

// seal seals a scan in which the buckets named have no versioning, and tells of it.
func (o *office) seal(t *testing.T, day int, failing ...string) {
	t.Helper()
	var list []posture.Content
	for _, id := range []string{"a", "b", "c"} {
		list = append(list, plumbtest.Resource(id, map[string]any{"versioning": !slices.Contains(failing, id), "tags": map[string]any{"team": "pay"}}))
	}
	in := plumbtest.Sealing(day, list...)
	for i, v := range in.Verdicts {
		if slices.Contains(failing, v.Resource.ID) {
			in.Verdicts[i] = plumbtest.Verdict(v.Resource, posture.Fail, "versioning is off")
		}
	}
	o.sealed(t, day, in)
}

func (o *office) sealed(t *testing.T, day int, in posture.Sealing) {
	t.Helper()
	o.now = plumbtest.Day(day).Add(time.Hour)
	snapshot := seal(t, o.store, in)
	if err := o.Dispatch(t.Context(), account, snapshot.Seq); err != nil {
		t.Fatal(err)
	}
}

// deliver works off the queue and returns what was sent.
func (o *office) deliver(t *testing.T) (told []string) {
	t.Helper()
	o.channel.sent = nil
	for len(o.queue) > 0 {
		id := o.queue[0]
		o.queue = o.queue[1:]
		if err := o.Deliver(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range o.channel.sent {
		told = append(told, string(m.Kind)+" "+m.Alert+" "+m.Title)
	}
	return told
}

func (o *office) rows(t *testing.T, sql string, args ...any) (n int) {
	t.Helper()
	if err := o.conn.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAlerts(t *testing.T) {
	o := newOffice(t)
	o.seal(t, 0)
	if told := o.deliver(t); told != nil {
		t.Errorf("nothing happened, and %q was told", told)
	}
	o.seal(t, 1, "a", "b")
	if diff := cmp.Diff([]string{"opened A-1 Versioning is off, on 2 resources"}, o.deliver(t)); diff != "" {
		t.Errorf("two failing buckets (-want +got):\n%s", diff)
	}
	m := o.channel.sent[0]
	if m.Delivery != "D-1" || m.URL != "https://plumbline.example.com/alerts/1" || m.Key != "plumbline.example.com/A-1" || m.Count != 2 || len(m.Examples) != 2 {
		t.Errorf("the message is %+v", m)
	}
	for range 2 { // the job runs again
		if err := o.Dispatch(t.Context(), account, 2); err != nil {
			t.Fatal(err)
		}
	}
	if told := o.deliver(t); told != nil || o.rows(t, "SELECT count(*) FROM alerts") != 1 {
		t.Errorf("the same snapshot again told %q", told)
	}
	o.seal(t, 2, "b")
	o.seal(t, 3)
	if diff := cmp.Diff([]string{"resolved A-1 Versioning is off, on 2 resources"}, o.deliver(t)); diff != "" {
		t.Errorf("the end of both (-want +got):\n%s", diff)
	}
	if n := o.rows(t, `SELECT count(*) FROM finding_events e WHERE NOT EXISTS (SELECT FROM alert_events a
		WHERE a.account = e.account AND a.finding = e.finding AND a.event = e.n)`); n != 0 {
		t.Errorf("%d events of findings are in no history", n)
	}
	history, err := o.store.AlertHistory(t.Context(), 1, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	var kinds []alert.EntryKind
	for _, e := range history {
		kinds = append(kinds, e.Kind)
	}
	if diff := cmp.Diff([]alert.EntryKind{"opened", "began", "began", "notified", "ended", "ended", "resolved", "notified"}, kinds); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	for day, want := range map[int]string{1: "open", 2: "open", 3: "resolved"} {
		a, err := o.store.Alert(t.Context(), 1, plumbtest.Day(day).Add(2*time.Hour))
		if err != nil || a.Status() != want || !slices.Equal(a.Told, []string{"oncall"}) {
			t.Errorf("as of day %d: %s, told %v, error %v; want %s", day, a.Status(), a.Told, err, want)
		}
	}
	if _, err := o.store.Alert(t.Context(), 1, plumbtest.Day(0)); !errors.Is(err, posture.ErrNotFound) {
		t.Errorf("before it was opened: %v", err)
	}
	for filter, want := range map[*store.AlertFilter]int{
		{}: 1, {Open: true}: 0, {Open: true, AsOf: plumbtest.Day(2)}: 1, {Account: "aws:other"}: 0, {Class: alert.Coverage}: 0, {Unrouted: true}: 0,
	} {
		if list, err := o.store.Alerts(t.Context(), *filter); err != nil || len(list) != want {
			t.Errorf("%+v: %d alerts, error %v, want %d", *filter, len(list), err, want)
		}
	}
}

func TestGapAlerts(t *testing.T) {
	o := newOffice(t)
	o.seal(t, 0, "a")
	o.deliver(t)
	denied := plumbtest.Sealing(1)
	denied.Cells = []posture.Cell{plumbtest.Cell(1, posture.Denied)}
	for _, id := range []string{"a", "b", "c"} {
		r := plumbtest.Resource(id, map[string]any{"versioning": id != "a", "tags": map[string]any{"team": "pay"}})
		r.Stale = true
		denied.Resources = append(denied.Resources, r)
		v := plumbtest.Verdict(r.Key, posture.Unknown, "not read")
		v.Unread = []posture.Unread{{Path: "versioning", Cause: *denied.Cells[0].Cause}}
		denied.Verdicts = append(denied.Verdicts, v)
	}
	o.sealed(t, 1, denied)
	const title = "Not read: denied: S3.ListBuckets (needs s3:ListAllMyBuckets)"
	if diff := cmp.Diff([]string{"opened A-2 " + title}, o.deliver(t)); diff != "" {
		t.Errorf("a lost permission (-want +got):\n%s", diff)
	}
	if m := o.channel.sent[0]; m.Count != 4 || m.Class != alert.Coverage || m.Severity != "high" { // three verdicts and a cell
		t.Errorf("the message is %+v", m)
	}
	again := denied
	again.Snapshot.Started, again.Snapshot.Finished = plumbtest.Day(2), plumbtest.Day(2).Add(time.Minute)
	o.sealed(t, 2, again)
	if told := o.deliver(t); told != nil {
		t.Errorf("the day after told %q", told)
	}
	o.seal(t, 3, "a")
	if diff := cmp.Diff([]string{"resolved A-2 " + title}, o.deliver(t)); diff != "" {
		t.Errorf("read again (-want +got):\n%s", diff)
	}
	if err := o.Dispatch(t.Context(), account, 2); err != nil { // late: its gaps are the past
		t.Fatal(err)
	}
	if told := o.deliver(t); told != nil {
		t.Errorf("an older snapshot told %q", told)
	}
}

func TestAcknowledgeAlert(t *testing.T) {
	o := newOffice(t)
	o.seal(t, 0)
	o.seal(t, 1, "a")
	o.deliver(t)
	dana := access.Actor{ID: "dana@example.com", Kind: access.Person, Roles: []access.Role{access.OnCall}}
	o.now = o.now.Add(time.Minute)
	if err := o.Acknowledge(t.Context(), 1, dana, "on it"); err != nil {
		t.Fatal(err)
	}
	if err := o.Acknowledge(t.Context(), 1, dana, "again"); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("acknowledged twice: %v", err)
	}
	if err := o.Acknowledge(t.Context(), 99, dana, ""); !errors.Is(err, posture.ErrNotFound) {
		t.Errorf("no such alert: %v", err)
	}
	if diff := cmp.Diff([]string{"acknowledged A-1 Versioning is off, on a"}, o.deliver(t)); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if err := o.Escalate(t.Context(), o.now.Add(9*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if told := o.deliver(t); told != nil {
		t.Errorf("an acknowledged alert told %q", told)
	}
	a, err := o.store.Alert(t.Context(), 1, time.Time{})
	if err != nil || a.Status() != "acknowledged" || a.By != dana.ID {
		t.Errorf("alert %+v, error %v", a, err)
	}
	if before, err := o.store.Alert(t.Context(), 1, o.now.Add(-time.Second)); err != nil || before.Status() != "open" || before.By != "" {
		t.Errorf("before: %+v, error %v", before, err)
	}
	for outcome, want := range map[string]int{"done": 1, "refused": 1} {
		if n := o.rows(t, `SELECT count(*) FROM audit_log WHERE action = 'alert.acknowledge' AND object = 'alert/1' AND actor = $1 AND outcome = $2`, dana.ID, outcome); n != want {
			t.Errorf("the audit log has %d entries that are %s", n, outcome)
		}
	}
	o.seal(t, 2)
	o.deliver(t)
	if err := o.Acknowledge(t.Context(), 1, dana, "late"); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("acknowledged after its end: %v", err)
	}
}

func TestEscalateAlert(t *testing.T) {
	o := newOffice(t)
	o.seal(t, 0)
	o.seal(t, 1, "a")
	o.deliver(t)
	for range 2 {
		if err := o.Escalate(t.Context(), o.now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"escalated A-1 Versioning is off, on a"}, o.deliver(t)); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	o.seal(t, 2)
	if told := o.deliver(t); len(told) != 2 {
		t.Errorf("the end was told as %q", told)
	}
}

func TestDampedAlerts(t *testing.T) {
	o := newOffice(t)
	o.Settings.Damping.Window = 10 * 24 * time.Hour
	o.Settings.Escalate = nil
	o.seal(t, 0)
	for day := 1; day <= 8; day++ {
		if day%2 == 1 {
			o.seal(t, day, "a")
		} else {
			o.seal(t, day)
		}
	}
	told := o.deliver(t)
	if len(told) != 5 || !strings.HasPrefix(told[4], "flapping A-3") {
		t.Errorf("eight changes were told as %q", told)
	}
	if a, err := o.store.Alert(t.Context(), 3, time.Time{}); err != nil || a.Status() != "held_back" {
		t.Errorf("the alert is %s, error %v", a.Status(), err)
	}
	for _, test := range []struct {
		days int
		told []string
	}{{9, nil}, {10, []string{"resolved A-3 Versioning is off, on a"}}, {11, nil}} {
		if err := o.Escalate(t.Context(), plumbtest.Day(8).Add(time.Hour).AddDate(0, 0, test.days)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.told, o.deliver(t)); diff != "" {
			t.Errorf("%d days later (-want +got):\n%s", test.days, diff)
		}
	}
}

func TestDeliveries(t *testing.T) {
	o := newOffice(t)
	o.seal(t, 0)
	busy, refused := &alert.Later{After: 5 * time.Minute, Err: errors.New("429 slow down")}, fmt.Errorf("%w: 404 no such channel", alert.ErrPermanent)
	states := func(id int64) (out []string) {
		list, _, err := o.store.Delivery(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range list.Attempts {
			out = append(out, string(a.State)+" "+a.Answer)
		}
		return out
	}
	o.seal(t, 1, "a")
	o.seal(t, 2)
	o.channel.errs = []error{busy, errors.New("connection reset")}
	first, second := o.queue[0], o.queue[1]
	var later *alert.Later
	if err := o.Deliver(t.Context(), second); !errors.As(err, &later) || len(o.channel.sent) != 0 {
		t.Errorf("the end before the beginning: %v", err)
	}
	if err := o.Deliver(t.Context(), first); !errors.As(err, &later) || later.After != 5*time.Minute {
		t.Errorf("a channel that is busy: %v", err)
	}
	if err := o.Deliver(t.Context(), first); !errors.As(err, &later) || later.After != 2*time.Minute {
		t.Errorf("a second failure: %v", err)
	}
	for range 2 { // the second does nothing
		if err := o.Deliver(t.Context(), first); err != nil {
			t.Errorf("a third attempt: %v", err)
		}
	}
	if diff := cmp.Diff([]string{"sending ", "failed 429 slow down; again in 5m0s", "sending ", "failed connection reset", "sending ", "sent taken"}, states(first)); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
	for _, m := range o.channel.sent {
		if m.Delivery != fmt.Sprintf("D-%d", first) {
			t.Errorf("sent again as %s", m.Delivery)
		}
	}
	o.channel.errs = []error{refused}
	if err := o.Deliver(t.Context(), second); err != nil {
		t.Errorf("a message that is refused: %v", err)
	}
	if got := states(second); len(got) != 2 || !strings.HasPrefix(got[1], "given_up refused for good: 404") {
		t.Errorf("attempts %q", got)
	}

	o.queue = nil
	o.seal(t, 3, "a")
	lost := o.queue[0]
	o.queue = nil // its job is lost
	for after, want := range map[time.Duration][]int64{5 * time.Minute: nil, 11 * time.Minute: {lost}} {
		o.queue = nil
		if err := o.store.RequeueDeliveries(t.Context(), o.now.Add(after-10*time.Minute)); err != nil || !slices.Equal(o.queue, want) {
			t.Errorf("after %v %v is queued, error %v; want %v", after, o.queue, err, want)
		}
	}
	o.channel.errs = []error{errors.New("connection reset"), errors.New("connection reset")}
	if err := o.Deliver(t.Context(), lost); !errors.As(err, &later) {
		t.Errorf("the first attempt: %v", err)
	}
	o.now = o.now.Add(24 * time.Hour)
	if err := o.Deliver(t.Context(), lost); err != nil {
		t.Errorf("after a day: %v", err)
	}
	if got := states(lost); got[3] != "given_up connection reset" {
		t.Errorf("attempts %q", got)
	}
	o.queue = nil
	if err := o.store.RequeueDeliveries(t.Context(), o.now); err != nil || o.queue != nil {
		t.Errorf("what is done is queued again: %v, error %v", o.queue, err)
	}

	o.seal(t, 5)
	delete(o.Channels, "oncall")
	id := o.queue[0]
	if err := o.Deliver(t.Context(), id); err != nil || len(states(id)) != 1 || !strings.HasPrefix(states(id)[0], "given_up") {
		t.Errorf("a receiver that is gone: %q, error %v", states(id), err)
	}
	list, err := o.store.Deliveries(t.Context(), 1, time.Time{})
	if err != nil || len(list) != 2 || list[0].State() != alert.Sent || list[1].State() != alert.GivenUp {
		t.Errorf("deliveries of the alert: %+v, error %v", list, err)
	}
}

func TestDigests(t *testing.T) {
	o := newOffice(t)
	o.seal(t, 0)
	o.seal(t, 1, "a")
	o.deliver(t)
	for range 2 {
		if err := o.Digest(t.Context(), "daily", o.now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"digest  Drift digest daily: 1 new alert"}, o.deliver(t)); diff != "" {
		t.Errorf("the first (-want +got):\n%s", diff)
	}
	if err := o.Digest(t.Context(), "daily", o.now.Add(25*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"digest  Drift digest daily: 0 new alerts"}, o.deliver(t)); diff != "" {
		t.Errorf("the second (-want +got):\n%s", diff)
	}
	if err := o.Digest(t.Context(), "weekly", o.now); !errors.Is(err, posture.ErrNotFound) {
		t.Errorf("one that is not configured: %v", err)
	}
}

// TestExceptionsInAlerts: an exception ends the alert; its end is told before, and begins a new one.
func TestExceptionsInAlerts(t *testing.T) {
	o := newOffice(t)
	o.seal(t, 0)
	o.seal(t, 1, "a")
	o.deliver(t)
	list, err := o.store.Findings(t.Context(), store.FindingFilter{Account: account})
	if err != nil || len(list) != 1 {
		t.Fatalf("findings %v, error %v", list, err)
	}
	li, dana := access.Actor{ID: "li@example.com", Kind: access.Person}, access.Actor{ID: "dana@example.com", Kind: access.Person}
	e, err := o.store.RequestException(t.Context(), li, finding.Exception{
		RuleID: plumbtest.Rule, Account: account, Resources: []finding.Covered{{Finding: list[0].ID}}, Reason: "migration", Risk: "none",
		Starts: o.now, Expires: o.now.AddDate(0, 0, 20),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.store.DecideException(t.Context(), dana, e.ID, finding.Approve, "fine"); err != nil {
		t.Fatal(err)
	}
	if err := o.Dispatch(t.Context(), account, 0); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"resolved A-1 Versioning is off, on a"}, o.deliver(t)); diff != "" {
		t.Errorf("approved (-want +got):\n%s", diff)
	}
	at := func(days int) []string {
		t.Helper()
		o.now = e.Expires.AddDate(0, 0, days)
		if _, err := o.store.ExpireExceptions(t.Context(), o.now); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(o.Expiring(t.Context(), o.now), o.Dispatch(t.Context(), account, 0)); err != nil {
			t.Fatal(err)
		}
		return o.deliver(t)
	}
	title := fmt.Sprintf("A-2 Exception %d to %s ends on %s", e.ID, plumbtest.Rule, e.Expires.Format("2006-01-02 15:04 UTC"))
	for _, test := range []struct {
		days int
		told []string
	}{
		{-16, nil}, {-14, []string{"opened " + title}}, {-13, nil}, {0, []string{"resolved " + title, "opened A-3 Versioning is off, on a"}}, {1, nil},
	} {
		if diff := cmp.Diff(test.told, at(test.days)); diff != "" {
			t.Errorf("%d days from its end (-want +got):\n%s", test.days, diff)
		}
	}
}

func TestMonitoringAlerts(t *testing.T) {
	o := newOffice(t)
	o.seal(t, 0)
	if err := errors.Join(
		o.ScanFailed(t.Context(), alert.Failure{Account: account, Problem: "no route to host"}),
		o.ScanFailed(t.Context(), alert.Failure{Account: account, Problem: "no route to host"}),
		o.Missed(t.Context(), "nightly", o.now), o.Missed(t.Context(), "nightly", o.now.Add(time.Hour)),
	); err != nil {
		t.Fatal(err)
	}
	if told := o.deliver(t); len(told) != 2 {
		t.Errorf("told %q", told)
	}
	o.seal(t, 1)
	if err := o.Ran(t.Context(), "nightly"); err != nil {
		t.Fatal(err)
	}
	if told := o.deliver(t); len(told) != 2 || !strings.HasPrefix(told[0], "resolved") || !strings.HasPrefix(told[1], "resolved") {
		t.Errorf("told %q", told)
	}
}

// TestPlansWait: many workers tell of one snapshot at once, and each event is told once.
func TestPlansWait(t *testing.T) {
	o := newOffice(t)
	o.seal(t, 0)
	o.now = plumbtest.Day(1).Add(time.Hour)
	in := plumbtest.Sealing(1, plumbtest.Resource("a", map[string]any{"versioning": false}))
	in.Verdicts[0] = plumbtest.Verdict(in.Resources[0].Key, posture.Fail, "versioning is off")
	seal(t, o.store, in)
	var mu sync.Mutex
	o.store.OnDelivery = func(_ context.Context, _ pgx.Tx, ids []int64) error {
		mu.Lock()
		defer mu.Unlock()
		o.queue = append(o.queue, ids...)
		return nil
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if err := o.Dispatch(t.Context(), account, 2); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if told := o.deliver(t); len(told) != 1 {
		t.Errorf("told %q", told)
	}
}

// TestPlanIsWhole: when queueing fails nothing is written, and everything is told later.
func TestPlanIsWhole(t *testing.T) {
	o := newOffice(t)
	o.seal(t, 0)
	o.now = plumbtest.Day(1).Add(time.Hour)
	in := plumbtest.Sealing(1, plumbtest.Resource("a", map[string]any{"versioning": false}))
	in.Verdicts[0] = plumbtest.Verdict(in.Resources[0].Key, posture.Fail, "versioning is off")
	seal(t, o.store, in)
	queue := o.store.OnDelivery
	o.store.OnDelivery = func(context.Context, pgx.Tx, []int64) error { return errors.New("queue is away") }
	if err := o.Dispatch(t.Context(), account, 2); err == nil || o.rows(t, "SELECT count(*) FROM alerts")+o.rows(t, "SELECT count(*) FROM deliveries") != 0 {
		t.Errorf("error %v, and something is written", err)
	}
	o.store.OnDelivery = queue
	if err := o.Dispatch(t.Context(), account, 2); err != nil {
		t.Fatal(err)
	}
	if told := o.deliver(t); len(told) != 1 {
		t.Errorf("told %q", told)
	}
}

// TestAlertRowsStay: what was told stays told, whoever connects.
func TestAlertRowsStay(t *testing.T) {
	o := newOffice(t)
	o.seal(t, 0)
	o.seal(t, 1, "a")
	o.deliver(t)
	for _, role := range []string{"plumbline_service", "plumbline"} {
		if _, err := o.conn.Exec(t.Context(), "SET ROLE "+role); err != nil {
			t.Fatal(err)
		}
		for _, sql := range []string{
			"UPDATE alerts SET title = ''", "UPDATE alerts SET acknowledged_by = 'x'", "DELETE FROM alerts", "TRUNCATE alerts CASCADE",
			"UPDATE alert_events SET note = ''", "DELETE FROM alert_events", "TRUNCATE alert_events", "UPDATE deliveries SET receiver = ''",
			"DELETE FROM deliveries", "TRUNCATE deliveries CASCADE", "UPDATE delivery_attempts SET answer = ''", "DELETE FROM delivery_attempts",
			"TRUNCATE delivery_attempts",
		} {
			_, err := o.conn.Exec(t.Context(), sql)
			var refused *pgconn.PgError
			if !errors.As(err, &refused) || refused.Code != "42501" {
				t.Errorf("as %s, %s: %v, want insufficient_privilege", role, sql, err)
			}
		}
	}
	for _, step := range []struct {
		sql  string
		good bool
	}{
		{"UPDATE alerts SET acknowledged_at = now(), acknowledged_by = 'dana@example.com'", true},
		{"UPDATE alerts SET acknowledged_at = now(), acknowledged_by = 'li@example.com'", false},
		{"UPDATE alerts SET acknowledged_at = NULL", false},
		{"UPDATE alerts SET resolved_at = now()", true},
		{"UPDATE alerts SET resolved_at = NULL", false},
		{"UPDATE alerts SET resolved_at = now() + interval '1 day'", false},
		{"INSERT INTO alert_events SELECT account, alert, 99, at, kind, member, finding, event, stands, by, note FROM alert_events WHERE finding IS NOT NULL", false},
	} {
		if _, err := o.conn.Exec(t.Context(), step.sql); (err == nil) != step.good {
			t.Errorf("%s: %v", step.sql, err)
		}
	}
}
