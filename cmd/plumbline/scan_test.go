package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud"
)

// scanResult is what scan --output json prints.
type scanResult struct {
	posture.Snapshot
	Calls       int                   `json:"calls"`
	ByOperation []scan.OperationCalls `json:"calls_by_operation"`
}

// calls counts those of the operations whose names end so.
func (r scanResult) calls(suffix string) (n int) {
	for _, o := range r.ByOperation {
		if strings.HasSuffix(o.Operation, suffix) {
			n += o.Calls
		}
	}
	return n
}

// scanOf starts a simulated cloud, and returns the arguments that scan the last account of a provider that is no organization
// or tenant; named is the flag for its id.
func scanOf(t *testing.T, provider, named string) []string {
	t.Helper()
	cloud, err := simcloud.Start("127.0.0.1:0", simcloud.Demo(time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Stop() })
	cloud.SetTick(40)
	t.Setenv("PLUMBLINE_"+strings.ToUpper(provider)+"_ENDPOINT", "http://"+cloud.Addr)
	t.Setenv("PLUMBLINE_DATA_DIR", t.TempDir())
	id := ""
	for _, a := range cloud.World.Accounts {
		if a.Provider == provider && a.Sort == "" {
			id = a.ID
		}
	}
	_, url := plumbtest.Store(t)
	return []string{"scan", "--provider", provider, named, id, "--quota-share", "100", "--database-url", url}
}

// scanned runs a scan that must succeed.
func scanned(t *testing.T, args []string, flags ...string) scanResult {
	t.Helper()
	code, out, errs := command(t, slices.Concat(args, []string{"--output", "json"}, flags)...)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var r scanResult
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestResourceGraphSavesCalls scans a subscription with the flag and without it.
func TestResourceGraphSavesCalls(t *testing.T) {
	args := scanOf(t, "azure", "--subscription")
	direct, fast := scanned(t, args, "--explain-calls"), scanned(t, args, "--explain-calls", "--resource-graph")
	if n := fast.calls("armresourcegraph.Client.Resources"); n != 1 || direct.calls("armresourcegraph.Client.Resources") != 0 || fast.Calls >= direct.Calls {
		t.Errorf("%d calls without Resource Graph, %d with it, %d of them queries", direct.Calls, fast.Calls, n)
	}
	if direct.Verdicts != fast.Verdicts {
		t.Errorf("verdicts %+v, with Resource Graph %+v", direct.Verdicts, fast.Verdicts)
	}
	lines := 0
	for _, o := range direct.ByOperation {
		if o.Operation == "armmonitor.DiagnosticSettingsClient.NewListPager" {
			lines++
			if o.Calls < 20 || o.Resources == 0 {
				t.Errorf("diagnostic settings: %+v", o)
			}
		}
	}
	if lines != 1 {
		t.Errorf("%d lines tell of diagnostic settings", lines)
	}
}

// TestAssetInventorySavesCalls scans a project with the flag and without it: --explain-calls tells where the calls went.
func TestAssetInventorySavesCalls(t *testing.T) {
	args := scanOf(t, "gcp", "--project")
	calls := scanResult.calls
	read := func(flags ...string) scanResult { return scanned(t, args, flags...) }
	direct, fast := read("--explain-calls"), read("--explain-calls", "--asset-inventory")
	if calls(direct, "") != direct.Calls || calls(fast, "") != fast.Calls {
		t.Errorf("the operations have %d and %d calls, the scans %d and %d", calls(direct, ""), calls(fast, ""), direct.Calls, fast.Calls)
	}
	if calls(direct, ".getIamPolicy") < 10 || calls(fast, ".getIamPolicy") != 1 || calls(fast, "cloudasset.searchAllIamPolicies") != 1 {
		t.Errorf("calls without the inventory: %+v, with it: %+v", direct.ByOperation, fast.ByOperation)
	}
	if direct.Verdicts != fast.Verdicts {
		t.Errorf("verdicts %+v, with the inventory %+v", direct.Verdicts, fast.Verdicts)
	}
	if plain := read(); plain.ByOperation != nil {
		t.Errorf("calls are listed unasked: %+v", plain.ByOperation)
	}
	if _, out, _ := command(t, append(args, "--explain-calls")...); !strings.Contains(out, "storage.buckets.getIamPolicy") {
		t.Errorf("no table of calls in %s", out)
	}
	if code, _, errs := command(t, "scan", "--provider", "gcp", "--organization", "1", "--members", "--explain-calls"); code != 2 || !strings.Contains(errs, "leave out --members") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}
