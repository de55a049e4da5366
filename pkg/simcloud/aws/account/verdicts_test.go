package account_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	collect "github.com/plumbline-dev/plumbline/collectors/aws"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	derive "github.com/plumbline-dev/plumbline/pkg/derive/aws"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws/account"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
	"github.com/plumbline-dev/plumbline/rules"
)

// cloud is a simulated cloud in memory whose clock the test sets.
type cloud struct {
	world  *world.World
	server *aws.Server
	now    time.Time
}

func (c *cloud) Now() time.Time                                   { return c.now }
func (c *cloud) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func newCloud(t testing.TB, pageSize int) *cloud {
	c := &cloud{world: &world.World{
		Seed: 42, Start: time.Date(2026, 1, 1, 6, 0, 0, 0, time.UTC), Kinds: account.Kinds(),
		Accounts: []world.Account{
			{Account: posture.Account{Provider: "aws", ID: "111122223333"}, Regions: []string{"eu-west-1", "us-east-1"}, Closed: []string{"ap-east-1"}},
			{Account: posture.Account{Provider: "aws", ID: "444455556666"}, Regions: []string{"us-east-1", "eu-central-1"}, Size: 2},
		},
	}}
	server, err := aws.New(aws.Options{Now: c.Now, PageSize: pageSize})
	if err != nil {
		t.Fatal(err)
	}
	c.server = server
	if err := account.Serve(server, c.world); err != nil {
		t.Fatal(err)
	}
	return c
}

// read scans an account at a tick, through handler.
func (c *cloud) read(t testing.TB, id string, tick int, handler http.Handler) scan.Collected {
	c.now = c.world.Start.Add(time.Duration(tick) * 24 * time.Hour)
	config := aws.Config(id, "us-east-1", &http.Client{Transport: fault.InMemory(handler)})
	opened, err := collect.Open(context.Background(), collect.Options{Config: config, Transport: transport.Options{Clock: c, Attempts: 2}})
	if err != nil {
		t.Fatal(err)
	}
	collected, err := scan.Collect(context.Background(), opened, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	return collected
}

// TestVerdicts compares every verdict with what the defects say, at ticks over 90 days (all of them with PLUMBLINE_LONG).
// PLUMBLINE_RULES limits it to rules whose ids begin with one of the words in it.
func TestVerdicts(t *testing.T) {
	set, err := rules.Load()
	if err != nil {
		t.Fatal(err)
	}
	var prefixes []string
	if only := os.Getenv("PLUMBLINE_RULES"); only != "" {
		prefixes = strings.Split(only, ",")
	}
	wanted := func(id string) bool {
		return prefixes == nil || slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(id, p) })
	}
	var programs []*rule.Program
	for _, p := range set.Of("aws") {
		if wanted(p.ID) {
			programs = append(programs, p)
		}
	}
	judge := scan.Judge{Types: set.Compiler.Types(), Programs: programs, Derive: derive.Derive}
	step := 18
	if os.Getenv("PLUMBLINE_LONG") != "" {
		step = 1
	}
	c := newCloud(t, 2) // small pages, so that every list has several
	compared := 0
	for tick := 0; tick < 90; tick += step {
		for _, a := range c.world.Accounts {
			collected := c.read(t, a.ID, tick, c.server)
			for _, cell := range collected.Cells {
				if cell.State != posture.Complete && cell.State != posture.NotApplicable {
					t.Errorf("tick %d: cell %s %s is %s: %v", tick, cell.Type, cell.Region, cell.State, cell.Cause)
				}
			}
			sealing, _, err := judge.Judge(collected, scan.State{})
			if err != nil {
				t.Fatal(err)
			}
			state, _ := c.world.State(a.ID, c.now)
			compared += compare(t, fmt.Sprintf("account %s tick %d", a.ID, tick), state.Expected(), sealing.Verdicts, wanted)
		}
		if t.Failed() {
			break
		}
	}
	t.Logf("%d verdicts of %d rules compared", compared, len(programs))
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
