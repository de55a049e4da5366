package trial

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Verdicts compares every verdict with what the defects say, at ticks over 90 days (all of them with PLUMBLINE_LONG).
// PLUMBLINE_RULES limits it to rules whose ids begin with one of the words in it.
func Verdicts(t *testing.T, c *Cloud) {
	var prefixes []string
	if only := os.Getenv("PLUMBLINE_RULES"); only != "" {
		prefixes = strings.Split(only, ",")
	}
	wanted := func(id string) bool {
		return prefixes == nil || slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(id, p) })
	}
	judge := c.Judge
	judge.Programs = slices.DeleteFunc(slices.Clone(judge.Programs), func(p *rule.Program) bool { return !wanted(p.ID) })
	step := 18
	if Long() {
		step = 1
	}
	compared := 0
	for tick := 0; tick < 90; tick += step {
		c.At(tick)
		for _, a := range c.World.Accounts {
			collected := c.Whole(t, a)
			for _, cell := range collected.Cells {
				if _, gap := cell.Gap(); gap {
					t.Errorf("tick %d, %s: cell %s %s is %s: %v", tick, a.ID, cell.Type, cell.Region, cell.State, cell.Cause)
				}
			}
			sealing, _, err := judge.Judge(collected, scan.State{})
			if err != nil {
				t.Fatal(err)
			}
			state, _ := c.World.State(a.ID, c.Clock.now)
			compared += compare(t, fmt.Sprintf("account %s tick %d", a.ID, tick), state.Expected(), sealing.Verdicts, wanted)
		}
		if t.Failed() {
			break
		}
	}
	t.Logf("%d verdicts of %d rules compared", compared, len(judge.Programs))
}

func compare(t *testing.T, where string, expected map[world.Judged]posture.Result, verdicts []posture.Verdict, wanted func(string) bool) int {
	shown := 0
	complain := func(format string, args ...any) {
		t.Helper()
		if shown++; shown <= 20 {
			t.Errorf(where+": "+format, args...)
		}
	}
	for _, v := range verdicts {
		key := world.Judged{Rule: v.RuleID, Resource: v.Resource}
		want, known := expected[key]
		switch {
		case !known:
			complain("%s on %v is %s, and the simulator expects nothing (%s)", v.RuleID, v.Resource, v.Result, v.Reason)
		case want != v.Result:
			complain("%s on %v is %s, want %s (%s)", v.RuleID, v.Resource, v.Result, want, v.Reason)
		}
		delete(expected, key)
	}
	for key, want := range expected {
		if wanted(key.Rule) {
			complain("%s on %v is missing, want %s", key.Rule, key.Resource, want)
		}
	}
	return len(verdicts)
}
