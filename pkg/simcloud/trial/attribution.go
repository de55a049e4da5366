package trial

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/attribution"
	"github.com/plumbline-dev/plumbline/pkg/drift"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/changelog"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Attribution scans accounts on days in a row, each day asks who made the changes, at once and a day later, and holds the answers
// against what happened: whoever is named for sure did it, alone, and no event that reached the log is left out. types are the
// cloud's; least is how many changes must be exact in the end.
func Attribution(t *testing.T, c *Cloud, accounts []world.Account, types []*posture.Type, days, least int, happened func(account string, from, to time.Time) []changelog.Entry) {
	judge := scan.Judge{Types: c.Judge.Types, Derive: c.Judge.Derive} // no rules: only resources are compared
	outcomes, late := map[attribution.Confidence]int{}, 0
	for _, a := range accounts {
		var before posture.Sealing
		for tick := range days {
			c.At(tick)
			after, _, err := judge.Judge(c.Whole(t, a), scan.State{})
			if err != nil {
				t.Fatal(err)
			}
			if tick == 0 {
				before = after
				continue
			}
			changes := changesBetween(t, types, before, after)
			interval := attribution.Interval{From: before.Snapshot.Started, To: after.Snapshot.Finished, Derived: attribution.Derived(types)}
			entries := happened(a.ID, interval.From.Add(-attribution.Margin), interval.To)
			first := c.whoDid(t, a, changes, interval)
			for _, found := range first {
				checkAgainst(t, found, entries)
				if found.Confidence == attribution.Exact || found.Settled && found.Reason != attribution.NotKnown && found.Reason != attribution.Elsewhere {
					t.Errorf("%s %s is said to be %s %s while events may still arrive", found.Resource.ID, found.Path, found.Confidence, found.Reason)
				}
			}
			c.At(tick + 1)
			second := c.whoDid(t, a, changes, interval)
			for i, found := range second {
				checkAgainst(t, found, entries)
				outcomes[found.Confidence]++
				if first[i].Confidence == attribution.Unknown && found.Confidence == attribution.Exact {
					late++
				}
				if !found.Settled {
					t.Errorf("%s %s is not settled a day later: %s", found.Resource.ID, found.Path, found.Reason)
				}
			}
			checkComplete(t, second, entries)
			before = after
		}
	}
	t.Logf("%v, of the exact ones %d by events that arrived late", outcomes, late)
	if outcomes[attribution.Exact] < least || Long() && (outcomes[attribution.Candidates] == 0 || outcomes[attribution.Unknown] == 0 || late == 0) {
		t.Errorf("the log tells too little: %v, late %d", outcomes, late)
	}
}

func (c *Cloud) whoDid(t *testing.T, a world.Account, changes []posture.Change, interval attribution.Interval) []attribution.Attribution {
	t.Helper()
	opened, err := c.Open(context.Background(), a, fault.InMemory(c.Server), transport.Options{Clock: c.Clock})
	if err != nil {
		t.Fatal(err)
	}
	events, log, err := opened.ChangeEvents(context.Background(), interval.From.Add(-attribution.Margin), c.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range log.Reads {
		if r.Cause != nil {
			t.Errorf("the log of %s %s was not read: %s", a.ID, r.Region, r.Cause)
		}
	}
	for _, e := range events {
		if e.Actor.Name == "" || e.Address == "" || e.ID == "" {
			t.Errorf("%+v lacks something", e)
		}
	}
	return attribution.Join(changes, interval, events, log)
}

// checkAgainst: every event named changed the resource; the only one named for sure had no company in the log.
func checkAgainst(t *testing.T, found attribution.Attribution, entries []changelog.Entry) {
	t.Helper()
	hands := map[time.Time]changelog.Entry{}
	for _, e := range entries {
		if e.Done == found.Resource && !e.Failed && !e.Reads && !e.Lost {
			hands[e.Time.Truncate(time.Second)] = e
		}
	}
	for _, e := range found.Events {
		if _, had := hands[e.Time.Truncate(time.Second)]; !had {
			t.Errorf("%s %s: %s by %s had no hand in it", found.Resource.ID, found.Path, e.Name, e.Actor.Name)
		}
	}
	if found.Confidence != attribution.Exact {
		return
	}
	if len(found.Events) != 1 {
		t.Fatalf("%s %s: exact with %d events", found.Resource.ID, found.Path, len(found.Events))
	}
	own := hands[found.Events[0].Time.Truncate(time.Second)]
	for _, e := range hands {
		if e.Name == own.Name && e.ID != own.ID {
			t.Errorf("%s %s: exact, though %s was called at %s too", found.Resource.ID, found.Path, e.Name, e.Time)
		}
	}
}

// checkComplete: where nothing is said to explain a change of a resource, nothing in the log did anything to it.
func checkComplete(t *testing.T, list []attribution.Attribution, entries []changelog.Entry) {
	t.Helper()
	for _, e := range entries {
		of := func(a attribution.Attribution) bool { return a.Resource == e.Done }
		nobody := func(a attribution.Attribution) bool { return of(a) && a.Reason == attribution.NoEvent }
		explained := func(a attribution.Attribution) bool { return of(a) && len(a.Events) > 0 }
		if !e.Lost && !e.Failed && !e.Reads && slices.ContainsFunc(list, nobody) && !slices.ContainsFunc(list, explained) {
			t.Errorf("%s of %s explains nothing", e.Name, e.Done.ID)
		}
	}
}

// changesBetween lists the changes of resources from one snapshot to the next.
func changesBetween(t *testing.T, types []*posture.Type, before, after posture.Sealing) []posture.Change {
	t.Helper()
	hashes := func(s posture.Sealing) map[posture.Key][32]byte {
		out := map[posture.Key][32]byte{}
		for _, r := range s.Resources {
			out[r.Key] = r.Hash
		}
		return out
	}
	was, is := hashes(before), hashes(after)
	same := func(r posture.Content) bool { return was[r.Key] == is[r.Key] }
	before.Resources, after.Resources = slices.DeleteFunc(slices.Clone(before.Resources), same), slices.DeleteFunc(slices.Clone(after.Resources), same)
	before.Verdicts, after.Verdicts = nil, nil
	changes, err := drift.Compare(drift.Pair(before, after), types)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

// LogFaults lets the reading of an account's log fail in every way, at every one of its first pages: of the time that is said to have
// been read whole no event is missing, and what was not read says why.
func LogFaults(t *testing.T, c *Cloud, a world.Account, operation string) {
	c.At(40)
	to := c.Clock.Now()
	from := to.AddDate(0, 0, -40)
	read := func(base http.RoundTripper) ([]attribution.Event, attribution.LogCoverage) {
		t.Helper()
		opened, err := c.Open(context.Background(), a, base, transport.Options{Clock: c.Clock, Attempts: 2})
		if err != nil {
			t.Fatal(err)
		}
		events, log, err := opened.ChangeEvents(context.Background(), from, to)
		if err != nil {
			t.Fatal(err)
		}
		return events, log
	}
	clean, _ := read(fault.InMemory(c.Server))
	if len(clean) < 5 {
		t.Fatalf("%d events are too few to lose any", len(clean))
	}
	stopped := 0
	for _, kind := range []fault.Kind{fault.Denied, fault.Throttled, fault.ServerError, fault.CutBody, fault.GarbledBody, fault.RepeatedToken, fault.MissingPage} {
		for nth := range 4 {
			injector := &fault.Injector{Rules: []fault.Rule{{Call: fault.Call{Operation: operation}, Nth: nth, Kind: kind}}}
			events, log := read(fault.InMemory(injector.Wrap(c.Server)))
			got := map[string]bool{}
			for _, e := range events {
				got[e.ID] = true
			}
			for _, r := range log.Reads {
				missing := 0
				for _, e := range clean {
					if (r.Region == "" || r.Region == e.Region) && !got[e.ID] {
						missing++
						if !r.From.IsZero() && !e.Time.Before(r.From) {
							t.Errorf("%s at call %d: %s of %s is missing, though all since %s is said to be read", kind, nth, e.Name, e.Time, r.From)
						}
					}
				}
				if missing > 0 && (r.Cause == nil || r.Cause.Reason == "" || r.Cause.Operation == "") {
					t.Errorf("%s at call %d: %d events of %q are missing, and the cause is %+v", kind, nth, missing, r.Region, r.Cause)
				}
				if r.Cause != nil {
					stopped++
				}
			}
		}
	}
	if stopped < 10 {
		t.Errorf("only %d readings were stopped by a fault", stopped)
	}
}
