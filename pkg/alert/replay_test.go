package alert

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/config"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// The noise of thirty days, scanned every six hours.
const (
	replayScans    = 120
	replayAccounts = 6
	replayRules    = 8
	replayBuckets  = 420
	replayFlappers = 10
)

// slot is one finding that may be.
type slot struct{ account, rule, bucket int }

// incident makes findings fail from one scan on, until each is repaired.
type incident struct {
	origin string
	from   int
	until  map[slot]int
}

// trace is what happens, and how many causes that has.
type trace struct {
	incidents []incident
	flapping  map[slot]bool
	deniedIn  int // account whose rules 1 to 3 cannot read for six days
	causes    int
}

func newTrace() trace {
	random := rand.New(rand.NewPCG(1, 2))
	t := trace{flapping: map[slot]bool{}, deniedIn: 1}
	for account := range replayAccounts { // what fails when an account is connected
		first := incident{origin: "", from: 0, until: map[slot]int{}}
		for rule := 1; rule < 7; rule++ {
			for bucket := range 25 {
				first.until[slot{account, rule, bucket}] = 10 + random.IntN(400) // many stay
			}
		}
		t.incidents = append(t.incidents, first)
	}
	for i := range 60 { // what people break day by day
		one := incident{origin: fmt.Sprint("field", i), from: 4 + random.IntN(110), until: map[slot]int{}}
		account, rule := random.IntN(replayAccounts), 1+random.IntN(6)
		for range 1 + random.IntN(5) {
			one.until[slot{account, rule, 25 + i*5 + random.IntN(5)}] = one.from + 1 + random.IntN(60)
		}
		t.incidents = append(t.incidents, one)
	}
	mass := incident{origin: "account_policy", from: 30, until: map[slot]int{}} // one change fails 400 buckets
	for bucket := range 400 {
		mass.until[slot{0, 0, bucket}] = 42 + bucket%3
	}
	t.incidents = append(t.incidents, mass)
	t.causes = len(t.incidents) + 1 + 1 // the permission, the outage
	for i := range replayFlappers {
		t.flapping[slot{2, 7, i}] = true
		t.causes += 2 // changes that are told before the fifth
	}
	return t
}

// outage reports whether no scan works.
func (trace) outage(scan int) bool { return scan >= 80 && scan < 88 }

// denied reports whether the permission is missing.
func (t trace) denied(scan int, s slot) bool {
	return s.account == t.deniedIn && s.rule >= 1 && s.rule <= 3 && scan >= 50 && scan < 74
}

// failing says whether a finding fails, and why.
func (t trace) failing(scan int) map[slot]string {
	out := map[slot]string{}
	for _, i := range t.incidents {
		for s, until := range i.until {
			if scan >= i.from && scan < until {
				out[s] = i.origin
			}
		}
	}
	for s := range t.flapping {
		began := 20 + s.bucket/4 // some begin together
		if scan >= began && scan < 60 && (scan-began)%2 == 0 || scan >= 60 && s.bucket%3 == 0 {
			out[s] = fmt.Sprint("flapping", s.bucket/4)
		}
	}
	return out
}

// TestReplay plays thirty noisy days through finding.Observe and Plan, and counts.
func TestReplay(t *testing.T) {
	world := newTrace()
	s := Settings{
		Alerts: config.Alerts{
			Routes:  []config.Route{{Name: "all", Classes: []string{"finding", "coverage", "monitoring"}, Receivers: []string{"oncall"}}},
			Damping: config.Damping{Flips: 4, Window: 72 * time.Hour},
		},
		Rules: map[string]Rule{},
	}
	for rule := range replayRules {
		s.Rules[fmt.Sprint("rule", rule)] = Rule{Message: fmt.Sprintf("Setting %d is off.", rule), Severity: "high", Control: "c", Criteria: []string{"CC6.1"}}
	}
	installation := newBook(s)
	installation.account = ""
	books, findings, seqs := make([]*book, replayAccounts), map[slot]finding.Finding{}, make([]int64, replayAccounts)
	for i := range books {
		books[i] = newBook(s)
		books[i].account = fmt.Sprintf("aws:%012d", i+1)
	}
	transitions := map[string]int{} // finding and number of each event: in how many histories it is
	before := map[slot]string{}
	now := noon
	for scan := range replayScans {
		failing := world.failing(scan)
		now = noon.Add(time.Duration(6*scan) * time.Hour)
		for _, b := range append(books, installation) {
			b.tick(now)
		}
		for i, b := range books {
			if world.outage(scan) {
				installation.transit(now, Failure{b.account, "assume role in " + b.account + ": service unavailable"}.transition(now))
				continue
			}
			seqs[i]++
			var events []Event
			for rule := range replayRules {
				for bucket := range replayBuckets {
					at := slot{i, rule, bucket}
					for _, e := range world.observe(at, scan, now, seqs[i], failing, before, findings) {
						events = append(events, e)
						transitions[fmt.Sprint(e.Finding, "/", e.N)] = 0
					}
				}
			}
			var gaps []Gap
			if world.denied(scan, slot{i, 1, 0}) {
				gaps = []Gap{{Cause: denied, Verdicts: 3 * replayBuckets, Rules: []string{"rule1", "rule2", "rule3"}}}
			}
			list := gapTransitions(b.account, gaps, b.open(), now)
			for _, e := range events {
				list = append(list, e.transitions()...)
			}
			b.transit(now, list...)
			installation.transit(now, scanned(b.account, now))
		}
		if !world.outage(scan) {
			before = failing
		}
	}
	now = now.Add(s.Damping.Window)
	pages, kinds, held := 0, map[MessageKind]int{}, 0
	for _, b := range append(books, installation) {
		b.tick(now)
		perAlert := map[string]int{}
		for _, d := range b.sent {
			pages++
			kinds[d.Message.Kind]++
			if d.Message.Kind != TellSettled { // members settle at different times
				perAlert[fmt.Sprint(d.Alert, " ", d.Message.Kind)]++
			}
		}
		for what, n := range perAlert {
			if n > 1 {
				t.Errorf("%s: told %d times: %s", b.account, n, what)
			}
		}
		for _, a := range b.alerts {
			for _, e := range b.entries[a.ID] {
				if e.Kind == Damped {
					held++
				}
				if e.Finding != "" {
					transitions[fmt.Sprint(e.Finding, "/", e.Event)]++
				}
			}
		}
	}
	for event, n := range transitions {
		if n != 1 {
			t.Fatalf("event %s is in %d histories", event, n)
		}
	}
	t.Logf("transitions %d, causes %d, pages %d (opened %d, resolved %d, flapping %d, settled %d), damped %d", len(transitions), world.causes,
		pages, kinds[TellOpened], kinds[TellResolved], kinds[TellFlapping], kinds[TellSettled], held)
	notices := kinds[TellFlapping] + kinds[TellSettled]
	if kinds[TellOpened] > world.causes || kinds[TellResolved] > world.causes+replayFlappers || notices > 2*replayFlappers ||
		pages != kinds[TellOpened]+kinds[TellResolved]+notices {
		t.Errorf("more was told than happened: %v", kinds)
	}
	if held == 0 || kinds[TellFlapping] == 0 || kinds[TellOpened] < len(world.incidents)/2 {
		t.Errorf("the trace was not noisy, or little was told of it: %v", kinds)
	}
	world.checkStanding(t, books, findings)
}

// observe scans one rule on one bucket.
func (w trace) observe(at slot, scan int, now time.Time, seq int64, failing, before map[slot]string, findings map[slot]finding.Finding) []Event {
	origin, fails := failing[at]
	if !fails && findings[at].Events == 0 {
		return nil
	}
	o := finding.Observation{
		Account: fmt.Sprintf("aws:%012d", at.account+1), RuleID: fmt.Sprint("rule", at.rule), RuleVersion: "1", Since: now, At: now, Seq: seq,
		Resource: posture.Key{Type: "aws.s3.bucket", Region: "eu-central-1", ID: fmt.Sprint("bucket-", at.bucket)}, Result: posture.Pass,
	}
	switch {
	case w.denied(scan, at):
		o.Result, o.Cause = posture.Unknown, posture.CauseCoverage
	case fails:
		o.Result = posture.Fail
	}
	if !fails {
		origin = before[at]
	}
	if seq > 1 && o.Cause == "" {
		o.Cause = posture.CauseConfiguration
	}
	f, events := finding.Observe(findings[at], o)
	findings[at] = f
	var out []Event
	for _, e := range events {
		event := Event{Event: e, Origin: origin}
		if e.Kind == finding.KindUnverified {
			event.Unread = []posture.Unread{{Path: "policy", Cause: denied}}
		}
		out = append(out, event)
	}
	return out
}

// checkStanding: what fails stands in exactly one open alert, and nothing else does.
func (w trace) checkStanding(t *testing.T, books []*book, findings map[slot]finding.Finding) {
	t.Helper()
	standing := map[string]int{}
	for _, b := range books {
		for _, a := range b.open() {
			for member, m := range a.Members {
				if m.Held {
					t.Errorf("%s is still held back", member)
				}
				if m.Stands && a.Class == Findings {
					standing[member]++
				}
				if m.Stands && a.Class == Coverage {
					t.Errorf("%s is still told as unread", member)
				}
			}
		}
	}
	active := 0
	for _, f := range findings {
		if f.Events == 0 {
			continue
		}
		want := 0
		if f.State.Active() {
			want = 1
			active++
		}
		if standing[f.ID] != want {
			t.Errorf("finding %s is %s and stands in %d open alerts", f.ID, f.State, standing[f.ID])
		}
	}
	if active == 0 || len(standing) < active {
		t.Errorf("%d findings are active, %d stand in alerts", active, len(standing))
	}
}
