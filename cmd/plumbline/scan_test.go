package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud"
)

// TestAssetInventorySavesCalls scans a project with the flag and without it: --explain-calls tells where the calls went.
func TestAssetInventorySavesCalls(t *testing.T) {
	cloud, err := simcloud.Start("127.0.0.1:0", simcloud.Demo(time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Stop() })
	cloud.SetTick(40)
	t.Setenv("PLUMBLINE_GCP_ENDPOINT", "http://"+cloud.Addr)
	t.Setenv("PLUMBLINE_DATA_DIR", t.TempDir())
	project := ""
	for _, a := range cloud.World.Accounts {
		if a.Provider == "gcp" && a.Sort == "" {
			project = a.ID
		}
	}
	_, url := plumbtest.Store(t)
	type result struct {
		posture.Snapshot
		Calls       int                   `json:"calls"`
		ByOperation []scan.OperationCalls `json:"calls_by_operation"`
	}
	read := func(flags ...string) result {
		args := append([]string{"scan", "--provider", "gcp", "--project", project, "--quota-share", "100", "--database-url", url, "--output", "json"}, flags...)
		code, out, errs := command(t, args...)
		if code != 0 {
			t.Fatalf("exit code %d: %s", code, errs)
		}
		var r result
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	calls := func(r result, suffix string) (n int) { // of the operations whose names end so
		for _, o := range r.ByOperation {
			if strings.HasSuffix(o.Operation, suffix) {
				n += o.Calls
			}
		}
		return n
	}
	direct, fast := read("--explain-calls"), read("--explain-calls", "--asset-inventory")
	if calls(direct, "") != direct.Calls || calls(fast, "") != fast.Calls {
		t.Errorf("the operations have %d and %d calls, the scans %d and %d", calls(direct, ""), calls(fast, ""), direct.Calls, fast.Calls)
	}
	if calls(direct, ".getIamPolicy") < 20 || calls(fast, ".getIamPolicy") != 1 || calls(fast, "cloudasset.searchAllIamPolicies") != 1 {
		t.Errorf("calls without the inventory: %+v, with it: %+v", direct.ByOperation, fast.ByOperation)
	}
	if direct.Verdicts != fast.Verdicts {
		t.Errorf("verdicts %+v, with the inventory %+v", direct.Verdicts, fast.Verdicts)
	}
	if plain := read(); plain.ByOperation != nil {
		t.Errorf("calls are listed unasked: %+v", plain.ByOperation)
	}
	if _, out, _ := command(t, "scan", "--provider", "gcp", "--project", project, "--quota-share", "100", "--database-url", url, "--explain-calls"); !strings.Contains(out, "storage.buckets.getIamPolicy") {
		t.Errorf("no table of calls in %s", out)
	}
	if code, _, errs := command(t, "scan", "--provider", "gcp", "--organization", "1", "--members", "--explain-calls"); code != 2 || !strings.Contains(errs, "leave out --members") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}
