package reread

import (
	"slices"
	"strings"
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
)

// witness reads an account live and compares it with a scan of it.
func (c cloud) witness(t *testing.T, position int, recorded Recorded) Witnessed {
	t.Helper()
	account := c.World.Accounts[position]
	opened, err := c.open(t.Context(), account.Account, account.Regions, nil, transport.Options{Clock: c, Attempts: 2, Rate: unlimited})
	if err != nil {
		t.Fatal(err)
	}
	collected, err := scan.Collect(t.Context(), opened, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	now, err := readOf(collected)
	if err != nil {
		t.Fatal(err)
	}
	then, err := recorded.settings(byName(opened.Types))
	if err != nil {
		t.Fatal(err)
	}
	var out Witnessed
	w := witness{account: WitnessedAccount{Account: account.Account.String(), Recorded: recorded.Snapshot.Started, Read: c.Now()}, out: &out, unseen: map[unseen]int{}, causes: map[unseen]posture.Cause{}}
	if err := w.compare(then, posture.IndexCells(recorded.Cells), now, opened.Types); err != nil {
		t.Fatal(err)
	}
	w.finish()
	out.Accounts = append(out.Accounts, w.account)
	return out
}

// TestWitness between two days of the demo's story, in which known settings change.
func TestWitness(t *testing.T) {
	c := start(t, 30)
	for name, test := range map[string]struct {
		account, then, now int
		faults             []fault.Rule
		want, unknown      string // an attribute that differs, a type that is unknown
	}{
		"log validation goes off":          {0, 30, 32, nil, "aws.cloudtrail.trail log_file_validation_enabled", ""},
		"SSH is opened":                    {4, 32, 34, nil, "gcp.compute.firewall", ""},
		"plain HTTP is allowed":            {7, 55, 57, nil, "azure.storage.account https_only", ""},
		"nothing can be said of a refusal": {0, 30, 64, simcloud.DemoFaults(64), "aws.cloudtrail.trail", "aws.ec2.instance"},
	} {
		t.Run(name, func(t *testing.T) {
			c.Faults.Set(nil)
			c.SetTick(test.then)
			recorded, _ := c.scanned(t, c.World.Accounts[test.account])
			if same := c.witness(t, test.account, recorded); len(same.Differences) > 0 || same.Accounts[0].Same < 100 {
				t.Fatalf("read at once: %+v", same)
			}
			c.SetTick(test.now)
			c.Faults.Set(test.faults)
			got := c.witness(t, test.account, recorded)
			if test.unknown == "" && !slices.ContainsFunc(got.Differences, func(d Since) bool {
				return strings.HasPrefix(d.Resource.Type+" "+d.Path, test.want) && d.Kind == "changed" && d.Complete && d.ReadAt.Sub(d.RecordedAt).Hours() == 24*float64(test.now-test.then)
			}) {
				t.Errorf("%s is not among %+v", test.want, got.Differences)
			}
			unread := map[posture.Key]bool{}
			for _, u := range got.Unknown {
				if u.By == "witness" && u.Path == "" {
					unread[posture.Key{Type: u.Type, Region: u.Region}] = true
				}
			}
			for _, d := range got.Differences {
				if d.Kind == "removed" && (!d.Complete || unread[posture.Key{Type: d.Resource.Type, Region: d.Resource.Region}]) {
					t.Errorf("what was not read is taken for removed: %+v", d)
				}
				if d.Kind == "changed" && (d.Recorded == "not read" || d.Now == "not read") {
					t.Errorf("what was not read is taken for changed: %+v", d)
				}
			}
			if test.unknown != "" && (!unread[posture.Key{Type: test.unknown, Region: "eu-central-1"}] || got.Complete()) {
				t.Errorf("%s is not unknown: %+v", test.unknown, got.Unknown)
			}
		})
	}
}

// TestWitnessOfWhatThePackageDidNotRead: what the package could not see is not new.
func TestWitnessOfWhatThePackageDidNotRead(t *testing.T) {
	c := start(t, 64)
	c.Faults.Set(simcloud.DemoFaults(64))
	recorded, _ := c.scanned(t, c.World.Accounts[0])
	c.Faults.Set(nil)
	got := c.witness(t, 0, recorded)
	if len(got.Differences) > 0 {
		t.Errorf("differences: %+v", got.Differences)
	}
	if !slices.ContainsFunc(got.Unknown, func(u Unseen) bool {
		return u.By == "package" && u.Type == "aws.ec2.instance" && u.Region == "eu-central-1" && u.Count > 0 && u.Cause.Reason == posture.ReasonDenied
	}) {
		t.Errorf("unknown: %+v", got.Unknown)
	}
}
