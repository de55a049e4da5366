// Package changelog makes up who did what drifts in simulated accounts, and what of it their clouds' logs tell. Like everything in
// a world it is a pure function of seed, account and time. Some events arrive after the scan that sees what they did, some are
// lost, some things are done by two people, and some are tried in vain before.
package changelog

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Deed is what somebody calls to give things of a kind a defect, or to take it away.
type Deed struct {
	Kind, Defect string // world.Absent: the thing itself is taken away or made
	Gives, Takes string
	// Request is what the log tells of the call; has says which way the thing changes.
	Request  func(s *world.State, it *world.Item, has bool) map[string]any
	Concerns func(it *world.Item) bool // of which things of the kind the defect shows; nil: all
	// Key is what is changed; nil: the thing itself.
	Key func(s *world.State, it *world.Item) posture.Key
}

// Entry is one call.
type Entry struct {
	ID      string // 32 hexadecimal digits
	Name    string
	Time    time.Time
	Arrives time.Time   // when it is in the log
	Done    posture.Key // what was changed
	Request map[string]any
	Lost    bool // it never reaches the log
	Failed  bool
	Reads   bool
	State   *world.State
	Item    *world.Item
	Who     string // salts the choice of an actor
}

// Pick is a number in [0, n) that is the actor's own.
func (e Entry) Pick(n int, salt string) int { return e.Item.Pick(n, salt+e.Who) }

// UUID is the entry's id in that form.
func (e Entry) UUID() string {
	return e.ID[:8] + "-" + e.ID[8:12] + "-4" + e.ID[13:16] + "-8" + e.ID[17:20] + "-" + e.ID[20:]
}

// Between returns what happened in an account from one time to another, whether the log has it or not. at is the account at a tick.
func Between(w *world.World, at func(tick int) *world.State, deeds []Deed, from, to time.Time) []Entry {
	kinds := map[string]world.Kind{}
	for _, k := range w.Kinds {
		kinds[k.Name] = k
	}
	var out []Entry
	for tick := max(1, w.TickAt(from)); tick <= w.TickAt(to)+1; tick++ {
		before, after := at(tick-1), at(tick)
		for _, d := range deeds {
			for _, e := range d.between(kinds[d.Kind], before, after) {
				if !e.Time.Before(from) && !e.Time.After(to) {
					out = append(out, e)
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Entry) int { return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(a.ID, b.ID)) })
	return out
}

// between compares the things of one kind at two ticks: what differs at the later was done since the earlier.
func (d Deed) between(kind world.Kind, before, after *world.State) []Entry {
	name := func(it *world.Item) string { return fmt.Sprint(it.Region, "/", it.Index) }
	was, is := map[string]*world.Item{}, map[string]*world.Item{}
	for _, it := range before.Items(d.Kind) {
		was[name(it)] = it
	}
	for _, it := range after.Items(d.Kind) {
		is[name(it)] = it
	}
	all := maps.Clone(was)
	maps.Copy(all, is)
	var out []Entry
	for _, n := range slices.Sorted(maps.Keys(all)) {
		gone, made := is[n] == nil, was[n] == nil
		state, it, has := after, is[n], false
		switch {
		case d.Defect == world.Absent && gone:
			state, it, has = before, was[n], true
		case d.Defect == world.Absent && made:
		case d.Defect != world.Absent && !gone && !made && was[n].Has(d.Defect) != is[n].Has(d.Defect):
			has = is[n].Has(d.Defect)
		default:
			continue
		}
		if d.Concerns == nil || d.Concerns(it) {
			var key posture.Key
			if d.Key != nil {
				key = d.Key(state, it)
			} else {
				key, _ = kind.Expect(state, it)
			}
			out = append(out, d.entries(after.Time(), fmt.Sprint(d.Defect, after.Tick), Entry{Done: key, State: state, Item: it}, has)...)
		}
	}
	return out
}

// entries is one thing done before the scan at seen.
func (d Deed) entries(seen time.Time, salt string, e Entry, has bool) []Entry {
	it := e.Item
	if e.Name = d.Takes; has {
		e.Name = d.Gives
	}
	if d.Request != nil {
		e.Request = d.Request(e.State, it, has)
	}
	named := func(e Entry, part string, moved time.Duration) Entry {
		e.ID, e.Who, e.Time, e.Arrives = it.Hex(32, "event"+salt+part), salt+part, e.Time.Add(moved), e.Arrives.Add(moved)
		return e
	}
	e.Time = seen.Add(-time.Duration(40+it.Pick(22*60, "minute"+salt)) * time.Minute)
	e.Arrives = e.Time.Add(5 * time.Minute)
	if it.Pick(5, "late"+salt) == 0 {
		e.Time, e.Arrives = seen.Add(-3*time.Minute), seen.Add(5*time.Minute)
	}
	e = named(e, "", 0)
	e.Lost = it.Pick(20, "lost"+salt) == 0
	out := []Entry{e}
	if it.Pick(8, "refused"+salt) == 0 {
		refused := named(e, "refused", -10*time.Minute)
		refused.Failed = true
		out = append(out, refused)
	}
	if it.Pick(10, "twice"+salt) == 0 {
		out = append(out, named(e, "again", 2*time.Minute))
	}
	if it.Pick(10, "repeated"+salt) == 0 { // the log holds it twice
		out = append(out, e)
	}
	if it.Pick(6, "looked"+salt) == 0 {
		looked := named(e, "looked", -time.Minute)
		looked.Reads = true
		out = append(out, looked)
	}
	return out
}
