package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/simcloud"
	simaws "github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
)

// TestScanReadsAnAWSOrganization from its management account: every active account by its role, and why another was left out.
func TestScanReadsAnAWSOrganization(t *testing.T) {
	cloud, err := simcloud.Start("127.0.0.1:0", simcloud.Demo(time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Stop() })
	manager := cloud.World.Accounts[0]
	keys := simaws.Credentials(manager.ID)
	t.Setenv("AWS_ENDPOINT_URL", "http://"+cloud.Addr)
	t.Setenv("AWS_REGION", manager.Home())
	t.Setenv("AWS_ACCESS_KEY_ID", keys.AccessKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", keys.SecretAccessKey)
	t.Setenv("PLUMBLINE_DATA_DIR", t.TempDir())
	db, url := plumbtest.Store(t)
	code, out, errs := command(t, "scan", "--members", "--member-role", "audit/plumbline-read", "--quota-share", "100", "--database-url", url, "--output", "json")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var outcomes []outcome
	if err := json.Unmarshal([]byte(out), &outcomes); err != nil {
		t.Fatal(err)
	}
	read := map[string]bool{}
	for _, o := range outcomes {
		switch {
		case o.Snapshot != nil && o.Error == "" && o.Snapshot.Account.ID == o.ID:
			read[o.ID] = true
		case o.ID != "999900002222" || o.Skipped != "its state is SUSPENDED":
			t.Errorf("%s: %q %q", o.ID, o.Error, o.Skipped)
		}
	}
	if !read[manager.ID] || len(read) < 2 {
		t.Errorf("read %v", read)
	}
	if len(outcomes) != len(read)+1 {
		t.Errorf("%d outcomes of %d accounts read", len(outcomes), len(read))
	}
	listed, err := db.Current(t.Context(), "", time.Time{})
	if err != nil || len(listed) != len(read) {
		t.Errorf("%d snapshots, %v", len(listed), err)
	}
	if code, _, errs := command(t, "scan", "--members", "--database-url", url); code != 2 {
		t.Errorf("without a role: %d %s", code, errs)
	}
}
