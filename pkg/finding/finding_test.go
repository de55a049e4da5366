package finding

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

const (
	account = "aws:111122223333"
	rule    = "aws-s3-bucket-not-public"
)

var (
	key   = posture.Key{Type: "aws.s3.bucket", Region: "eu-central-1", ID: "logs"}
	alice = access.Actor{ID: "alice@example.com", Kind: access.Person, Roles: []access.Role{access.OnCall}}
	bob   = access.Actor{ID: "bob@example.com", Kind: access.Person, Roles: []access.Role{access.Compliance}}
	carol = access.Actor{ID: "carol@example.com", Kind: access.Person, Roles: []access.Role{access.RuleLead}}
)

func day(n int) time.Time { return time.Date(2026, 3, 1, 4, 0, 0, 0, time.UTC).AddDate(0, 0, n) }

// seen is what the scan of a day, which took a minute, says.
func seen(n int, result posture.Result, reason string) Observation {
	return Observation{Account: account, RuleID: rule, Resource: key, Result: result, RuleVersion: "v1", Reason: reason,
		Since: day(n), At: day(n).Add(time.Minute), Seq: int64(n + 1), Cause: posture.CauseConfiguration}
}

// accepting is an exception approved by Bob on day 1, for days 1 to 31.
func accepting() Exception {
	return Exception{
		ID: 7, RuleID: rule, RuleVersions: []string{"v1"}, Account: account, Resources: []Covered{{Key: key, Reason: "it is public", Content: "c1"}},
		Reason: "a public site", Risk: "none", Requester: alice.ID, Requested: day(1), Starts: day(1), Expires: day(31),
		Decisions: []Decision{{At: day(1), By: bob.ID, What: Approve}},
	}
}

// in is a finding opened on day 0 that is in a state since day 1.
func in(state State) Finding {
	f, _ := Observe(Finding{}, seen(0, posture.Fail, "it is public"))
	f.State, f.Assignee, f.Changed = state, alice.ID, day(1)
	switch state {
	case ExceptionRequested:
		f.Exception, f.Before = 7, Acknowledged
	case Excepted:
		f.Exception = 7
	case RuleWrong:
		f.WrongVersion = "v1"
	}
	if !state.Active() {
		f.Ended = posture.Some(day(1))
	}
	return f
}

var states = []State{Open, Acknowledged, FixClaimed, ExceptionRequested, Excepted, Disputed, Resolved, Gone, NotRelevant, RuleWrong}

func kinds(events []Event) (list []string) {
	for _, e := range events {
		list = append(list, string(e.Kind))
	}
	return list
}

func TestObserve(t *testing.T) {
	unverified := func(f Finding) Finding { f.UnverifiedSince = posture.Some(day(1)); return f }
	gone := seen(2, "", "")
	gone.Gone = true
	version := func(o Observation, v string) Observation { o.RuleVersion = v; return o }
	changed := func(o Observation) Observation { o.Changed = true; return o }
	accepted := func(o Observation) Observation { o.Exception = accepting(); return o }
	type row struct {
		f     Finding
		o     Observation
		state State
		kinds []string
	}
	tests := map[string]row{
		"the first fail opens":                                 {Finding{}, seen(2, posture.Fail, "x"), Open, []string{"opened"}},
		"a pass opens nothing":                                 {Finding{}, seen(2, posture.Pass, "x"), "", nil},
		"an unknown opens nothing":                             {Finding{}, seen(2, posture.Unknown, "x"), "", nil},
		"not_applicable opens nothing":                         {Finding{}, seen(2, posture.DoesNotApply, "x"), "", nil},
		"what was never failing is not gone":                   {Finding{}, gone, "", nil},
		"failing again reopens what was resolved":              {in(Resolved), seen(2, posture.Fail, "x"), Open, []string{"reopened"}},
		"failing again reopens what was gone":                  {in(Gone), seen(2, posture.Fail, "x"), Open, []string{"reopened"}},
		"failing again reopens what was not relevant":          {in(NotRelevant), seen(2, posture.Fail, "x"), Open, []string{"reopened"}},
		"the version at fault reopens nothing":                 {in(RuleWrong), seen(2, posture.Fail, "x"), RuleWrong, nil},
		"its correction does when it fails":                    {in(RuleWrong), version(seen(2, posture.Fail, "x"), "v2"), Open, []string{"reopened"}},
		"an unknown is said once":                              {unverified(in(Open)), seen(2, posture.Unknown, "x"), Open, nil},
		"a fail that is read again is verified":                {unverified(in(Acknowledged)), seen(2, posture.Fail, "x"), Acknowledged, []string{"verified"}},
		"a pass after an unknown resolves":                     {unverified(in(Open)), seen(2, posture.Pass, "x"), Resolved, []string{"resolved"}},
		"what is accepted stays so while nothing changes":      {in(Excepted), accepted(seen(2, posture.Fail, "it is public")), Excepted, nil},
		"another version of the rule outgrows an exception":    {in(Excepted), accepted(version(seen(2, posture.Fail, "it is public"), "v2")), Open, []string{"exception_outgrown"}},
		"a changed resource with another reason outgrows it":   {in(Excepted), accepted(changed(seen(2, posture.Fail, "it is writable"))), Open, []string{"exception_outgrown"}},
		"a changed resource with the same reason does not":     {in(Excepted), accepted(changed(seen(2, posture.Fail, "it is public"))), Excepted, nil},
		"another reason alone, as days counted, does not":      {in(Excepted), accepted(seen(2, posture.Fail, "it is public for 2 days")), Excepted, nil},
		"an exception read again after an unknown is verified": {unverified(in(Excepted)), accepted(seen(2, posture.Fail, "it is public")), Excepted, []string{"verified"}},
	}
	for _, state := range states {
		name := string(state)
		if !state.Active() {
			tests["a pass leaves alone what is "+name] = row{in(state), seen(2, posture.Pass, "x"), state, nil}
			tests["an unknown leaves alone what is "+name] = row{in(state), seen(2, posture.Unknown, "x"), state, nil}
			tests["not_applicable leaves alone what is "+name] = row{in(state), seen(2, posture.DoesNotApply, "x"), state, nil}
			tests["removal leaves alone what is "+name] = row{in(state), gone, state, nil}
			continue
		}
		tests["a pass resolves what is "+name] = row{in(state), seen(2, posture.Pass, "x"), Resolved, []string{"resolved"}}
		tests["not_applicable ends what is "+name] = row{in(state), seen(2, posture.DoesNotApply, "x"), NotRelevant, []string{"not_relevant"}}
		tests["removal ends what is "+name] = row{in(state), gone, Gone, []string{"gone"}}
		tests["an unknown keeps the state "+name] = row{in(state), seen(2, posture.Unknown, "x"), state, []string{"unverified"}}
		tests["a rule not judged keeps the state "+name] = row{in(state), seen(2, "", ""), state, []string{"unverified"}}
		if state != Excepted {
			tests["a fail keeps the state "+name] = row{in(state), seen(2, posture.Fail, "x"), state, nil}
		}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f, events := Observe(test.f, test.o)
			if diff := cmp.Diff(test.kinds, kinds(events)); diff != "" || f.State != test.state {
				t.Fatalf("state %s, want %s; events differ (-want +got):\n%s", f.State, test.state, diff)
			}
			_, ended := f.Ended.Get()
			if f.Events > 0 && ended == f.State.Active() {
				t.Errorf("%s ended %v", f.State, f.Ended)
			}
			if f.Exception != 0 && f.State != Excepted && f.State != ExceptionRequested {
				t.Errorf("%s has exception %d", f.State, f.Exception)
			}
			_, open := f.UnverifiedSince.Get()
			if want := test.o.Result == posture.Unknown || test.o.Result == "" && !test.o.Gone; f.Events > 0 && f.State.Active() && open != want {
				t.Errorf("unverified since %v after %s", f.UnverifiedSince, test.o.Result)
			}
			for _, e := range events {
				if e.By.ID != "engine" || e.Seq != 3 || test.o.Cause != e.Cause && e.Kind != KindOutgrown || e.At != day(2).Add(time.Minute) || e.From != test.f.State || e.To != test.state {
					t.Errorf("event %+v", e)
				}
			}
		})
	}
}

func TestDeviationsCount(t *testing.T) {
	f, _ := Observe(Finding{}, seen(0, posture.Fail, "a"))
	f, _ = Observe(f, seen(3, posture.Pass, "b"))
	f, _ = Observe(f, seen(5, posture.Fail, "c"))
	want := Finding{ID: ID(account, rule, key), Account: account, RuleID: rule, Resource: key, State: Open, Opened: day(5), First: day(0),
		Changed: day(5).Add(time.Minute), Recurrence: 1, Events: 3, RuleVersion: "v1", Reason: "c"}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("finding differs (-want +got):\n%s", diff)
	}
	if len(f.ID) != 18 || f.ID == ID(account, rule, posture.Key{Type: key.Type, Region: key.Region, ID: "log"}) {
		t.Errorf("id %q", f.ID)
	}
}

func TestTimeNeverRunsBackwards(t *testing.T) {
	f, _, err := Move(in(Open), Act{Kind: KindAcked}, alice, day(2).Add(time.Hour)) // while a scan runs
	if err != nil {
		t.Fatal(err)
	}
	if _, events := Observe(f, seen(2, posture.Pass, "x")); events[0].At != day(2).Add(time.Hour) {
		t.Errorf("resolved at %v, before it was acknowledged", events[0].At)
	}
}

func TestMove(t *testing.T) {
	type row struct {
		from State
		act  Act
		by   access.Actor
		to   State
		err  string
	}
	tests := map[string]row{
		"an open one is acknowledged by its assignee":     {Open, Act{Kind: KindAcked, Assignee: "dan@example.com"}, alice, Acknowledged, ""},
		"an open one is claimed to be fixed":              {Open, Act{Kind: KindClaimed, Reference: "CHG-1"}, alice, FixClaimed, ""},
		"an acknowledged one is claimed to be fixed":      {Acknowledged, Act{Kind: KindClaimed, Reference: "CHG-1"}, alice, FixClaimed, ""},
		"an exception is requested for an open one":       {Open, Act{Kind: KindRequested, Exception: 7}, alice, ExceptionRequested, ""},
		"an exception is requested for an acknowledged":   {Acknowledged, Act{Kind: KindRequested, Exception: 7}, alice, ExceptionRequested, ""},
		"an open one is disputed":                         {Open, Act{Kind: KindDisputed, Reason: "it is private"}, alice, Disputed, ""},
		"an acknowledged one is disputed":                 {Acknowledged, Act{Kind: KindDisputed, Reason: "it is private"}, alice, Disputed, ""},
		"a dispute is refused":                            {Disputed, Act{Kind: KindUpheld, Reason: "it is public"}, carol, Open, ""},
		"a dispute is granted":                            {Disputed, Act{Kind: KindRuleWrong, RuleVersion: "v2"}, carol, RuleWrong, ""},
		"a fix is claimed without a reference":            {Open, Act{Kind: KindClaimed}, alice, "", "name the change or ticket"},
		"an exception is asked for by state alone":        {Open, Act{Kind: KindRequested}, alice, "", "has to be requested"},
		"a dispute without a reason":                      {Open, Act{Kind: KindDisputed}, alice, "", "say what is wrong"},
		"a dispute refused without a reason":              {Disputed, Act{Kind: KindUpheld}, carol, "", "say why the rule is right"},
		"a dispute refused by the owner":                  {Disputed, Act{Kind: KindUpheld, Reason: "x"}, alice, "", "rule_approver"},
		"a rule found at fault by the owner":              {Disputed, Act{Kind: KindRuleWrong, RuleVersion: "v2"}, alice, "", "rule_approver"},
		"a rule found at fault without a new version":     {Disputed, Act{Kind: KindRuleWrong}, carol, "", "release a corrected version"},
		"a rule found at fault and corrected by the same": {Disputed, Act{Kind: KindRuleWrong, RuleVersion: "v1"}, carol, "", "release a corrected version"},
		"assigned to nobody":                              {Open, Act{Kind: KindAssigned}, alice, "", "say to whom"},
	}
	for _, state := range states {
		for kind, act := range map[Kind]Act{
			KindAcked: {Kind: KindAcked}, KindAssigned: {Kind: KindAssigned, Assignee: "dan@example.com"}, KindClaimed: {Kind: KindClaimed, Reference: "x"},
			KindRequested: {Kind: KindRequested, Exception: 8}, KindDisputed: {Kind: KindDisputed, Reason: "x"}, KindUpheld: {Kind: KindUpheld, Reason: "x"},
			KindRuleWrong: {Kind: KindRuleWrong, RuleVersion: "v2"},
		} {
			want := row{state, act, carol, "", "it is " + string(state) + ", and can be"}
			switch {
			case kind == KindAssigned && state.Active():
				want.to, want.err = state, ""
			case kind == KindAcked && state == Open:
				want.to, want.err = Acknowledged, ""
			case state == Open || state == Acknowledged:
				if to, ok := map[Kind]State{KindClaimed: FixClaimed, KindRequested: ExceptionRequested, KindDisputed: Disputed}[kind]; ok {
					want.to, want.err = to, ""
				}
			case state == Disputed:
				if to, ok := map[Kind]State{KindUpheld: Open, KindRuleWrong: RuleWrong}[kind]; ok {
					want.to, want.err = to, ""
				}
			}
			tests[fmt.Sprintf("%s of what is %s", kind, state)] = want
		}
		for _, kind := range []Kind{KindOpened, KindReopened, KindResolved, KindGone, KindNoLonger, KindUnverified, KindVerified, KindExcepted, KindRefused, KindExpired, KindRevoked, KindOutgrown, "closed", ""} {
			tests[fmt.Sprintf("%q by hand of what is %s", kind, state)] = row{state, Act{Kind: kind, Reason: "x"}, carol, "", "by hand: scans do"}
		}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before := in(test.from)
			f, events, err := Move(before, test.act, test.by, day(3))
			if test.err != "" {
				if !errors.Is(err, posture.ErrInvalid) || !strings.Contains(err.Error(), test.err) || len(events) > 0 || !cmp.Equal(before, f) {
					t.Errorf("got %v with %v, want ErrInvalid with %q and nothing moved", err, events, test.err)
				}
				return
			}
			if err != nil || f.State != test.to || len(events) != 1 || f.Opened != before.Opened || f.Recurrence != 0 {
				t.Fatalf("got %+v %v, want %s", f, err, test.to)
			}
			if e := events[0]; e.Kind != test.act.Kind || e.From != test.from || e.To != test.to || e.By.ID != test.by.ID || e.At != day(3) || e.N != 2 {
				t.Errorf("event %+v", e)
			}
		})
	}
	nobodys := in(Open)
	nobodys.Assignee = ""
	if _, _, err := Move(nobodys, Act{Kind: KindAcked}, alice, day(3)); err == nil || !strings.Contains(err.Error(), "needs an assignee") {
		t.Errorf("acknowledged without an assignee: %v", err)
	}
}

func TestSettle(t *testing.T) {
	later := accepting()
	later.Starts = day(5)
	revoked, err := accepting().Decide(Revoke, bob, "the site is gone", day(9))
	if err != nil {
		t.Fatal(err)
	}
	pending := accepting()
	pending.Decisions = nil
	refused, err := pending.Decide(Refuse, bob, "no", day(9))
	if err != nil {
		t.Fatal(err)
	}
	newRule := in(ExceptionRequested)
	newRule.RuleVersion = "v2"
	other := accepting()
	other.ID = 8
	early, err := later.Decide(Revoke, bob, "not needed", day(3))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		f     Finding
		e     Exception
		now   time.Time
		want  []string // kind, state and time
		state State
	}{
		"approved, it begins":                          {in(ExceptionRequested), accepting(), day(2), []string{"excepted excepted 03-02"}, Excepted},
		"not before its start":                         {in(ExceptionRequested), later, day(5).Add(-time.Second), nil, ExceptionRequested},
		"noticed late, it began at its start":          {in(ExceptionRequested), later, day(8), []string{"excepted excepted 03-06"}, Excepted},
		"noticed after its end, it began and ended":    {in(ExceptionRequested), later, day(40), []string{"excepted excepted 03-06", "exception_expired open 04-01"}, Open},
		"it expires":                                   {in(Excepted), accepting(), day(31), []string{"exception_expired open 04-01"}, Open},
		"not before its expiry":                        {in(Excepted), accepting(), day(31).Add(-time.Second), nil, Excepted},
		"it is revoked":                                {in(Excepted), revoked, day(9), []string{"exception_revoked open 03-10"}, Open},
		"revoked before it began, it leads back":       {in(ExceptionRequested), early, day(9), []string{"exception_revoked acknowledged 03-04"}, Acknowledged},
		"refused, it leads back":                       {in(ExceptionRequested), refused, day(9), []string{"exception_refused acknowledged 03-10"}, Acknowledged},
		"never decided, it leads back at its end":      {in(ExceptionRequested), pending, day(31), []string{"exception_expired acknowledged 04-01"}, Acknowledged},
		"a rule changed since the request, it is void": {newRule, accepting(), day(2), []string{"exception_outgrown open 03-02"}, Open},
		"another's exception is none":                  {in(ExceptionRequested), other, day(2), nil, ExceptionRequested},
		"what was resolved meanwhile stays so":         {in(Resolved), accepting(), day(2), nil, Resolved},
	} {
		t.Run(name, func(t *testing.T) {
			f, events := Settle(test.f, test.e, false, bob, test.now)
			var got []string
			for _, e := range events {
				got = append(got, fmt.Sprintf("%s %s %s", e.Kind, e.To, e.At.Format("01-02")))
				if e.Exception != 7 || e.Cause != posture.CauseException || e.By.ID != bob.ID && e.Kind != KindExpired {
					t.Errorf("event %+v", e)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" || f.State != test.state {
				t.Errorf("state %s, want %s; events differ (-want +got):\n%s", f.State, test.state, diff)
			}
		})
	}
}

// TestNothingElseEndsAFinding plays random lives and holds them against what must be true of every one.
func TestNothingElseEndsAFinding(t *testing.T) {
	for seed := range uint64(2000) {
		live(t, rand.New(rand.NewPCG(seed, 0)), 40)
	}
}

func FuzzLife(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) { live(t, rand.New(rand.NewPCG(a, b)), 60) })
}

func live(t *testing.T, r *rand.Rand, steps int) {
	var f Finding
	var exception Exception
	var log []string
	reopened, last := 0, time.Time{}
	people := []access.Actor{alice, bob, carol}
	movable := []Kind{KindAcked, KindAssigned, KindClaimed, KindDisputed, KindUpheld, KindRuleWrong, KindResolved, KindGone, KindNoLonger, KindExcepted, "closed"}
	for n := range steps {
		before := f
		var events []Event
		ends := false // whether this step may end the finding
		unknown := false
		by := people[r.IntN(len(people))]
		switch r.IntN(6) {
		case 0, 1, 2:
			o := seen(n, []posture.Result{posture.Pass, posture.Fail, posture.Fail, posture.Fail, posture.Unknown, posture.Unknown, posture.DoesNotApply, ""}[r.IntN(8)], fmt.Sprint(r.IntN(3)))
			o.Gone = o.Result == "" && r.IntN(2) == 0
			o.RuleVersion, o.Changed, o.Exception = fmt.Sprint("v", r.IntN(2)), r.IntN(2) == 0, exception
			ends = o.Result == posture.Pass || o.Result == posture.DoesNotApply || o.Gone
			unknown = !o.Gone && (o.Result == posture.Unknown || o.Result == "")
			f, events = Observe(f, o)
		case 3:
			a := Act{Kind: movable[r.IntN(len(movable))], Assignee: []string{"", by.ID}[r.IntN(2)], Reference: "CHG", Reason: "x", RuleVersion: fmt.Sprint("v", r.IntN(2))}
			ends = a.Kind == KindRuleWrong && f.State == Disputed && by.ID == carol.ID && a.RuleVersion != f.RuleVersion
			f, events, _ = Move(f, a, by, day(n))
		case 4:
			exception = accepting()
			exception.ID, exception.Requested, exception.Starts, exception.Expires = int64(n+1), day(n), day(n+r.IntN(3)), day(n+4)
			exception.Decisions = nil
			f, events, _ = Move(f, Act{Kind: KindRequested, Exception: exception.ID}, by, day(n))
		case 5:
			if decided, err := exception.Decide([]Verdict{Approve, Refuse, Revoke}[r.IntN(3)], by, "x", day(n)); err == nil {
				exception = decided
			}
			f, events = Settle(f, exception, r.IntN(2) == 0, by, day(n))
		}
		for i, e := range events {
			log = append(log, fmt.Sprintf("%d %s %s→%s", e.N, e.Kind, e.From, e.To))
			if e.N != before.Events+i+1 {
				t.Fatalf("event %d has number %d: %v", before.Events+i+1, e.N, log)
			}
			if e.At.Before(last) {
				t.Fatalf("event %d is older than the one before: %v", e.N, log)
			}
			if last = e.At; e.Kind == KindReopened {
				reopened++
			}
			if (e.Kind == KindUnverified || e.Kind == KindVerified || e.Kind == KindAssigned) && e.From != e.To {
				t.Fatalf("%s changes the state: %v", e.Kind, log)
			}
		}
		switch {
		case f.Events != before.Events+len(events):
			t.Fatalf("%d events, the finding says %d: %v", before.Events+len(events), f.Events, log)
		case before.Events > 0 && before.State.Active() && !f.State.Active() && !ends:
			t.Fatalf("it ended: %v", log)
		case unknown && f.State != before.State:
			t.Fatalf("an unknown changed the state: %v", log)
		case f.Recurrence != reopened:
			t.Fatalf("recurrence %d after %d reopenings: %v", f.Recurrence, reopened, log)
		case (f.Exception != 0) != (f.State == Excepted || f.State == ExceptionRequested):
			t.Fatalf("exception %d in state %s: %v", f.Exception, f.State, log)
		}
		if _, ended := f.Ended.Get(); f.Events > 0 && ended == f.State.Active() {
			t.Fatalf("%s, ended at %v: %v", f.State, f.Ended, log)
		}
	}
}
