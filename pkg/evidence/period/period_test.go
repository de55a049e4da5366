package period

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// hour is a time of the period, in hours from its begin.
func hour(n int) time.Time { return begin.Add(time.Duration(n) * time.Hour) }

func TestCover(t *testing.T) {
	period := Span{hour(0), hour(240)} // ten days
	whole := func(hours ...int) (out []Observation) {
		for _, h := range hours {
			out = append(out, Observation{At: hour(h), Whole: true})
		}
		return out
	}
	gap := func(from, to int, causes ...string) Gap { return Gap{Span{hour(from), hour(to)}, causes} }
	daily := whole(-18, 6, 30, 54, 78, 102, 126, 150, 174, 198, 222, 246)
	denied := func(list []Observation, indexes ...int) []Observation {
		out := append([]Observation{}, list...)
		for _, i := range indexes {
			out[i].Whole, out[i].Cause = false, "denied"
		}
		return out
	}
	for name, test := range map[string]struct {
		observations []Observation
		observed     int // hours
		gaps         []Gap
	}{
		"daily, with an anchor on either side":         {daily, 240, nil},
		"nothing at all":                               {nil, 0, []Gap{gap(0, 240, NoSnapshot)}},
		"one observation makes no time":                {whole(100), 0, []Gap{gap(0, 240, NoSnapshot)}},
		"no anchors":                                   {daily[1:11], 216, []Gap{gap(0, 6, NoSnapshot), gap(222, 240, NoSnapshot)}},
		"an anchor too far away":                       {whole(-31, 6, 30), 24, []Gap{gap(0, 6, NoSnapshot), gap(30, 240, NoSnapshot)}},
		"an anchor just near enough":                   {whole(-30, 6, 30), 30, []Gap{gap(30, 240, NoSnapshot)}},
		"two at most max_gap apart":                    {whole(0, 36), 36, []Gap{gap(36, 240, NoSnapshot)}},
		"two an hour more than max_gap apart":          {whole(0, 37), 0, []Gap{gap(0, 240, NoSnapshot)}},
		"an outage":                                    {append(whole(-18, 6, 30), whole(126, 150, 174, 198, 222, 246)...), 144, []Gap{gap(30, 126, NoSnapshot)}},
		"a refused read between two that are too far":  {denied(daily, 4), 192, []Gap{gap(54, 102, "denied")}},
		"a refused read between two near enough":       {append(append(whole(-18, 6), Observation{hour(18), false, "denied"}), daily[2:]...), 240, nil},
		"refused, and then nobody looked":              {append(denied(daily[:5], 4), whole(150, 174, 198, 222, 246)...), 144, []Gap{gap(54, 150, "denied", NoSnapshot)}},
		"refused to the end":                           {denied(daily, 10, 11), 198, []Gap{gap(198, 240, "denied")}},
		"refused from the begin":                       {denied(daily, 0, 1), 210, []Gap{gap(0, 30, "denied")}},
		"observations that lie wholly before":          {whole(-60, -30), 0, []Gap{gap(0, 240, NoSnapshot)}},
		"one pair spans the whole period and too much": {whole(-1, 241), 0, []Gap{gap(0, 240, NoSnapshot)}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Cover(period, 36*time.Hour, test.observations)
			if diff := cmp.Diff(Coverage{Observed: time.Duration(test.observed) * time.Hour, Gaps: test.gaps}, Coverage{Observed: got.Observed, Gaps: got.Gaps}); diff != "" {
				t.Errorf("coverage differs (-want +got):\n%s", diff)
			}
			var seen time.Duration
			for _, s := range got.Seen {
				seen += s.Length()
			}
			if seen != got.Observed || got.Corroborated([]Span{period}) != seen {
				t.Errorf("what was seen is %s, of it %s in a log of all the time, want %s", seen, got.Corroborated([]Span{period}), got.Observed)
			}
			sum := got.Observed
			for _, g := range got.Gaps {
				sum += g.Length()
			}
			if sum != period.Length() {
				t.Errorf("observed time and gaps are %s of %s", sum, period.Length())
			}
		})
	}
}

func TestCorroborated(t *testing.T) {
	at := func(n int) time.Time { return time.Date(2026, 1, 1, n, 0, 0, 0, time.UTC) }
	seen := Coverage{Seen: []Span{{at(0), at(10)}, {at(20), at(30)}}}
	for name, test := range map[string]struct {
		read []Span
		want int // hours
	}{
		"no log":                               {nil, 0},
		"one over everything":                  {[]Span{{at(-5), at(40)}}, 20},
		"one where nobody looked":              {[]Span{{at(10), at(20)}}, 0},
		"parts":                                {[]Span{{at(2), at(4)}, {at(25), at(50)}}, 7},
		"what is read twice counts once":       {[]Span{{at(2), at(8)}, {at(4), at(6)}, {at(5), at(9)}}, 7},
		"in any order":                         {[]Span{{at(25), at(50)}, {at(2), at(4)}}, 7},
		"a long one before a short one inside": {[]Span{{at(0), at(10)}, {at(1), at(2)}, {at(20), at(21)}}, 11},
	} {
		if got := seen.Corroborated(test.read); got != time.Duration(test.want)*time.Hour {
			t.Errorf("%s: %s, want %d hours", name, got, test.want)
		}
	}
}

func TestPercentRoundsDown(t *testing.T) {
	for _, test := range []struct {
		observed, length time.Duration
		want             string
	}{
		{90, 90, "100.00"}, {80, 90, "88.88"}, {0, 90, "0.00"}, {89*time.Hour + 59*time.Minute + 59*time.Second, 90 * time.Hour, "99.99"}, {1, 0, "0.00"},
	} {
		scale := time.Hour
		if test.length > time.Hour || test.length == 0 {
			scale = 1
		}
		if got := Percent(test.observed*scale, test.length*scale); got != test.want {
			t.Errorf("%v of %v is %s, want %s", test.observed, test.length, got, test.want)
		}
	}
}

func TestDeviations(t *testing.T) {
	letters := map[rune]State{'p': posture.Pass, 'f': posture.Fail, 'u': posture.Unknown, 'n': posture.DoesNotApply, 'a': Absent, '-': None}
	for name, test := range map[string]struct {
		states string
		want   []Deviation
	}{
		"never":                            {"ppp", nil},
		"unknown is none":                  {"puuup", nil},
		"repaired":                         {"pffp", []Deviation{{0, 1, 2, 3, Resolved, 0}}},
		"from the begin to the end":        {"fff", []Deviation{{-1, 0, 2, -1, StillOpen, 0}}},
		"unknown does not end it":          {"pfuufp", []Deviation{{0, 1, 4, 5, Resolved, 2}}},
		"unknown after the last fail":      {"pfuup", []Deviation{{0, 1, 1, 4, Resolved, 2}}},
		"unknown to the end leaves it":     {"pfuu", []Deviation{{0, 1, 1, -1, StillOpen, 2}}},
		"unknown before it is no good":     {"puuf", []Deviation{{0, 3, 3, -1, StillOpen, 0}}},
		"deleted":                          {"pfaa", []Deviation{{0, 1, 1, 2, Gone, 0}}},
		"made failing":                     {"aaf", []Deviation{{1, 2, 2, -1, StillOpen, 0}}},
		"no longer concerned":              {"pfn", []Deviation{{0, 1, 1, 2, NotRelevant, 0}}},
		"the rule goes":                    {"pf-", []Deviation{{0, 1, 1, 2, RuleEnded, 0}}},
		"a rule that came is no good time": {"--f", []Deviation{{-1, 2, 2, -1, StillOpen, 0}}},
		"it comes back":                    {"fpfpp", []Deviation{{-1, 0, 0, 1, Resolved, 0}, {1, 2, 2, 3, Resolved, 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			var states []State
			for _, c := range test.states {
				states = append(states, letters[c])
			}
			if diff := cmp.Diff(test.want, Deviations(states)); diff != "" {
				t.Errorf("deviations differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTargets(t *testing.T) {
	r := Between(10*time.Hour, 34*time.Hour)
	for target, want := range map[time.Duration]string{0: "no target", 34 * time.Hour: "yes", 33 * time.Hour: "unclear", 10 * time.Hour: "unclear", 9 * time.Hour: "no"} {
		if got := r.Met(target); got != want {
			t.Errorf("between 10 and 34 hours, target %s: %s, want %s", target, got, want)
		}
	}
}
