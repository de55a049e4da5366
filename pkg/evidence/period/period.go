// Package period computes what a period of time comes to: when something was observed, why not otherwise, and how long rules failed.
// It does no I/O, and counts no time as passed or failed that nobody watched.
package period

import (
	"fmt"
	"slices"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Span is a time; To is not included.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Length is how long it is.
func (s Span) Length() time.Duration { return s.To.Sub(s.From) }

// Clip is the part of s within o; it is empty when To is not after From.
func (s Span) Clip(o Span) Span {
	if s.From.Before(o.From) {
		s.From = o.From
	}
	if s.To.After(o.To) {
		s.To = o.To
	}
	return s
}

// Holds reports whether a time is in it.
func (s Span) Holds(t time.Time) bool { return !t.Before(s.From) && t.Before(s.To) }

// Observation is one attempt to look at something.
type Observation struct {
	At    time.Time
	Whole bool   // everything that counts was read
	Cause string // why not
}

// NoSnapshot is the cause of a gap in which nobody looked.
const NoSnapshot = "no snapshot"

// Gap is time that was not observed, and why.
type Gap struct {
	Span
	Causes []string `json:"causes"`
}

// Coverage is how much of a period was observed.
type Coverage struct {
	Observed time.Duration
	Seen     []Span // what was observed, in order
	Gaps     []Gap
}

// Corroborated is how much of what was observed something else, such as a cloud's log, was read whole for, too.
func (c Coverage) Corroborated(read []Span) time.Duration {
	read = slices.Clone(read)
	slices.SortFunc(read, func(a, b Span) int { return a.From.Compare(b.From) })
	var out time.Duration
	for _, seen := range c.Seen {
		at := seen.From
		for _, r := range read {
			if part := r.Clip(Span{at, seen.To}); part.To.After(part.From) {
				out += part.Length()
				at = part.To
			}
		}
	}
	return out
}

// Percent is the observed part of a period of that length, with two decimals and rounded down: what was not watched is never
// rounded away.
func Percent(observed, length time.Duration) string {
	if length <= 0 {
		return "0.00"
	}
	hundredths := int64(observed/time.Millisecond) * 10000 / int64(length/time.Millisecond)
	return fmt.Sprintf("%d.%02d", hundredths/100, hundredths%100)
}

// Cover computes the coverage of a period from observations in the order of time. The time between two whole ones that are at most
// maxGap apart is observed; one outside the period anchors its edge. All other time is a gap.
func Cover(period Span, maxGap time.Duration, observations []Observation) Coverage {
	var out Coverage
	var whole []time.Time
	for _, o := range observations {
		if o.Whole {
			whole = append(whole, o.At)
		}
	}
	at := period.From // up to where the period is told
	for i := 1; i < len(whole); i++ {
		if whole[i].Sub(whole[i-1]) > maxGap {
			continue
		}
		seen := Span{whole[i-1], whole[i]}.Clip(period)
		if !seen.To.After(seen.From) {
			continue
		}
		if seen.From.After(at) {
			out.Gaps = append(out.Gaps, Gap{Span: Span{at, seen.From}})
		}
		out.Observed, out.Seen = out.Observed+seen.Length(), append(out.Seen, seen)
		at = seen.To
	}
	if period.To.After(at) {
		out.Gaps = append(out.Gaps, Gap{Span: Span{at, period.To}})
	}
	for i := range out.Gaps {
		out.Gaps[i].Causes = causes(out.Gaps[i].Span, maxGap, observations)
	}
	return out
}

// causes says why nothing was observed in a gap: what each look at it lacked, and that nobody looked for longer than may be.
func causes(gap Span, maxGap time.Duration, observations []Observation) []string {
	var out []string
	last, missed := gap.From, false
	for _, o := range observations {
		if o.At.Before(gap.From) || o.At.After(gap.To) {
			continue
		}
		missed = missed || o.At.Sub(last) > maxGap
		last = o.At
		if !o.Whole && !slices.Contains(out, o.Cause) {
			out = append(out, o.Cause)
		}
	}
	if missed || gap.To.Sub(last) > maxGap || len(out) == 0 {
		out = append(out, NoSnapshot)
	}
	slices.Sort(out)
	return out
}

// State is what a snapshot says of one rule on one resource: a result, or one of those below.
type State = posture.Result

// The states beside results.
const (
	Absent State = "absent" // the resource was not there, in a list that was read whole
	None   State = ""       // the rule did not judge it, or nothing is known
)

// How deviations end.
const (
	Resolved    = "resolved"
	Gone        = "gone"
	NotRelevant = "not_relevant"
	RuleEnded   = "rule_ended" // the rule is no longer in force
	StillOpen   = "still_open"
)

// Deviation is one stretch in which a rule failed on a resource. Times are those of snapshots, as indexes; -1 is none.
type Deviation struct {
	LastGood  int // the last snapshot before it that did not fail, unknown ones left out
	FirstSeen int
	LastSeen  int // the last one that failed
	Ended     int // the first one after that does not fail, unknown ones left out
	EndedBy   string
	Unknown   int // snapshots in it that could not tell
}

// Deviations finds the stretches in which a rule failed. What could not be told neither ends nor splits one.
func Deviations(states []State) []Deviation {
	var out []Deviation
	good, open := -1, -1 // index of the last good state; of the open deviation in out
	unknown := 0
	for i, s := range states {
		switch s {
		case posture.Fail:
			if open < 0 {
				out = append(out, Deviation{LastGood: good, FirstSeen: i, Ended: -1, EndedBy: StillOpen})
				open, unknown = len(out)-1, 0
			}
			out[open].LastSeen = i
			out[open].Unknown += unknown
			unknown = 0
		case posture.Unknown:
			unknown++
		default:
			if open >= 0 {
				out[open].Ended, out[open].EndedBy = i, map[State]string{posture.Pass: Resolved, posture.DoesNotApply: NotRelevant, Absent: Gone, None: RuleEnded}[s]
				out[open].Unknown += unknown
				open = -1
			}
			if s != None {
				good = i
			}
			unknown = 0
		}
	}
	if open >= 0 {
		out[open].Unknown += unknown
	}
	return out
}

// Range is a duration of which snapshots tell only the bounds, in seconds.
type Range struct {
	Least int64 `json:"at_least_s"`
	Most  int64 `json:"at_most_s"`
}

// Between is the range from least to most.
func Between(least, most time.Duration) Range {
	return Range{int64(least / time.Second), int64((most + time.Second - 1) / time.Second)}
}

// Met says whether a target was kept, as far as can be told: yes, no or unclear. Zero is no target.
func (r Range) Met(target time.Duration) string {
	switch t := int64(target / time.Second); {
	case target == 0:
		return "no target"
	case r.Most <= t:
		return "yes"
	case r.Least > t:
		return "no"
	}
	return "unclear"
}
