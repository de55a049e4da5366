package account_test

import (
	"context"
	"slices"
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/attribution"
	"github.com/plumbline-dev/plumbline/pkg/drift"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws/account"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/trial"
)

// TestAttribution holds what the log is said to tell against what happened in the simulated accounts: whoever is named for sure did
// it, and only where nobody else had a hand in it.
func TestAttribution(t *testing.T) {
	c := newCloud(t, 100)
	days := 24
	if trial.Long() {
		days = 90
	}
	judge := scan.Judge{Types: c.Judge.Types, Derive: c.Judge.Derive} // no rules: what is derived of what was read is enough
	outcomes, late := map[attribution.Confidence]int{}, 0
	for _, a := range c.World.Accounts {
		var before posture.Sealing
		for tick := range days {
			c.At(tick)
			after, _, err := judge.Judge(c.Whole(t, a), scan.State{})
			if err != nil {
				t.Fatal(err)
			}
			if tick > 0 {
				changes := compare(t, schema.Types(), before, after)
				interval := attribution.Interval{From: before.Snapshot.Started, To: after.Snapshot.Finished}
				happened := account.Log(c.World, a.ID, interval.From.Add(-attribution.Margin), interval.To)
				join := func() []attribution.Attribution {
					opened, err := c.Open(context.Background(), a, fault.InMemory(c.Server), transport.Options{Clock: c.Clock})
					if err != nil {
						t.Fatal(err)
					}
					events, log, err := opened.ChangeEvents(context.Background(), interval.From.Add(-attribution.Margin), c.Clock.Now())
					if err != nil {
						t.Fatal(err)
					}
					list := attribution.Join(changes, interval, events, log)
					for _, found := range list {
						checkAgainst(t, found, happened)
					}
					return list
				}
				first := join()
				for _, found := range first {
					if found.Confidence == attribution.Exact || found.Settled && found.Reason == attribution.NoEvent {
						t.Errorf("%s %s is said to be %s %s while events may still arrive", found.Resource.ID, found.Path, found.Confidence, found.Reason)
					}
				}
				c.At(tick + 1)
				second := join()
				for _, e := range happened {
					explained := func(found attribution.Attribution) bool {
						return found.Resource == e.Done && slices.ContainsFunc(found.Events, func(f attribution.Event) bool { return f.ID == e.ID })
					}
					if tells := func(found attribution.Attribution) bool {
						return found.Resource == e.Done && found.Reason == attribution.NoEvent
					}; !e.Lost && !e.Failed && !e.Reads &&
						slices.ContainsFunc(second, tells) && !slices.ContainsFunc(second, explained) {
						t.Errorf("%s of %s explains nothing", e.Name, e.Done.ID)
					}
				}
				for i, found := range second {
					outcomes[found.Confidence]++
					if first[i].Confidence == attribution.Unknown && found.Confidence == attribution.Exact {
						late++
					}
					if !found.Settled {
						t.Errorf("%s %s is not settled a day later: %s", found.Resource.ID, found.Path, found.Reason)
					}
				}
				c.At(tick)
			}
			before = after
		}
	}
	t.Logf("%v, of the exact ones %d by events that arrived late", outcomes, late)
	if outcomes[attribution.Exact] < 8 || outcomes[attribution.Candidates] == 0 || outcomes[attribution.Unknown] == 0 || late == 0 {
		t.Errorf("the log tells too little: %v, late %d", outcomes, late)
	}
}

// checkAgainst: an exact attribution names an event that changed the resource, and the only one; candidates leave out none of those
// that reached the log.
func checkAgainst(t *testing.T, found attribution.Attribution, happened []account.Entry) {
	t.Helper()
	hands := map[string]bool{}
	for _, e := range happened {
		if e.Done == found.Resource && !e.Failed {
			hands[e.ID] = true
		}
	}
	for _, e := range found.Events {
		if !hands[e.ID] {
			t.Errorf("%s %s: %s by %s had no hand in it", found.Resource.ID, found.Path, e.Name, e.Actor.Name)
		}
	}
	if found.Confidence == attribution.Exact && len(found.Events) != 1 {
		t.Errorf("%s %s: exact with %d events", found.Resource.ID, found.Path, len(found.Events))
	}
	if found.Confidence != attribution.Exact {
		return
	}
	for _, e := range happened { // the same call once more is a second hand, unless the log has lost it
		if e.Done == found.Resource && e.Name == found.Events[0].Name && e.ID != found.Events[0].ID && !e.Failed && !e.Lost {
			t.Errorf("%s %s: exact, though %s called %s too at %s", found.Resource.ID, found.Path, e.ID, e.Name, e.Time)
		}
	}
}

// compare lists the changes from one snapshot to the next.
func compare(t *testing.T, types []*posture.Type, before, after posture.Sealing) []posture.Change {
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
