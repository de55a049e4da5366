package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/attribution"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/simcloud"
	simaws "github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws/account"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/changelog"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
)

// TestDriftTellsWho scans an account on the day somebody turns log validation off, and on the day after.
func TestDriftTellsWho(t *testing.T) {
	cloud, err := simcloud.Start("127.0.0.1:0", simcloud.Demo(time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Stop() })
	set, err := loadRules()
	if err != nil {
		t.Fatal(err)
	}
	db, url := plumbtest.Store(t)
	db.Now = cloud.Now
	production := cloud.World.Accounts[0]
	scan := func(day int) {
		t.Helper()
		cloud.SetTick(day)
		if _, err := demoScanner(cloud, simaws.DialClient(cloud.Addr), production, set, db).Scan(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	validation := func(from, to int64) attribution.Attribution {
		t.Helper()
		list, err := db.Attributions(t.Context(), "aws:"+production.ID, from, to, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range list {
			if a.Path == "log_file_validation_enabled" {
				return a.Attribution
			}
		}
		t.Fatalf("no attribution of the trail's setting among %d", len(list))
		panic("unreachable")
	}
	scan(30)
	cloud.Faults.Set([]fault.Rule{{Call: fault.Call{Operation: "LookupEvents"}, Kind: fault.Denied}})
	scan(31)
	if a := validation(1, 2); a.Confidence != attribution.Unknown || a.Reason != attribution.LogDenied || !strings.Contains(a.Detail, "cloudtrail:LookupEvents") {
		t.Errorf("without the permission: %+v", a)
	}
	cloud.Faults.Set(nil)
	scan(32)

	var done []changelog.Entry
	for _, e := range account.Log(cloud.World, production.ID, cloud.Now().Add(-48*time.Hour), cloud.Now().Add(-24*time.Hour)) {
		if e.Name == "cloudtrail:UpdateTrail" && !e.Failed && !e.Reads {
			done = append(done, e)
		}
	}
	if len(done) != 1 || done[0].Lost {
		t.Fatalf("the story needs one event that reaches the log, not %+v", done)
	}
	a := validation(1, 2)
	if a.Confidence != attribution.Exact || len(a.Events) != 1 || a.Events[0].ID != done[0].UUID() || a.Events[0].Actor.Name == "" || a.Events[0].Address == "" {
		t.Errorf("once the log is read: %+v, want %s", a, done[0].UUID())
	}

	since := cloud.Now().Add(-36 * time.Hour).Format(time.RFC3339)
	code, out, errs := command(t, "drift", "--account", "aws:"+production.ID, "--since", since, "--output", "json", "--database-url", url)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var changes []drifted
	if err := json.Unmarshal([]byte(out), &changes); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, c := range changes {
		for _, by := range c.Attributions {
			found = found || by.Path == "log_file_validation_enabled" && by.Events[0].ID == done[0].UUID() && c.Account == "aws:"+production.ID
		}
	}
	if !found {
		t.Errorf("drift does not tell who turned log validation off:\n%s", out)
	}
	_, out, _ = command(t, "drift", "--account", "aws:"+production.ID, "--since", since, "--output", "csv", "--database-url", url)
	if !strings.Contains(out, a.Events[0].Actor.Name+" (UpdateTrail, ") {
		t.Errorf("no actor in the table:\n%s", out)
	}
}
