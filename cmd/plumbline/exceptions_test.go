package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// sealedFails is a database with a scan in which three buckets fail a rule, and a command line on it.
func sealedFails(t *testing.T) (run func(want int, args ...string) (out, errs string)) {
	t.Helper()
	db, url := plumbtest.Store(t)
	in := plumbtest.Sealing(0, plumbtest.Resource("logs", nil), plumbtest.Resource("scratch-1", nil), plumbtest.Resource("scratch-2", nil), plumbtest.Resource("ledger", nil))
	for i := range in.Verdicts[:3] {
		in.Verdicts[i].Result, in.Verdicts[i].Reason = posture.Fail, "versioning is Suspended"
	}
	if _, err := db.Seal(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	return func(want int, args ...string) (string, string) {
		t.Helper()
		code, out, errs := command(t, append(args, "--database-url", url)...)
		if code != want {
			t.Fatalf("%s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, want, out, errs)
		}
		return out, errs
	}
}

func decode[T any](t *testing.T, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

func TestFindingsAndExceptionsOnTheCommandLine(t *testing.T) {
	run := sealedFails(t)
	id := func(bucket string) string {
		return finding.ID("aws:111122223333", plumbtest.Rule, posture.Key{Type: plumbtest.Type, Region: plumbtest.Region, ID: bucket})
	}
	states := func() map[string]string {
		out, _ := run(0, "findings", "list", "--verdict", "all", "--output", "json")
		got := map[string]string{}
		for _, f := range decode[[]verdictRow](t, out) {
			got[f.ResourceID] = strings.TrimSpace(string(f.Verdict) + " " + string(f.State))
			if f.ExceptionID != 0 {
				got[f.ResourceID] += " exception"
			}
			if want := id(f.ResourceID); f.State != "" && f.FindingID != want {
				t.Errorf("finding of %s is %s, want %s", f.ResourceID, f.FindingID, want)
			}
		}
		return got
	}
	if diff := cmp.Diff(map[string]string{"logs": "fail open", "scratch-1": "fail open", "scratch-2": "fail open", "ledger": "pass"}, states()); diff != "" {
		t.Errorf("at first (-want +got):\n%s", diff)
	}

	out, _ := run(0, "findings", "ack", id("logs"), "--by", "dana", "--output", "json")
	if got := decode[[]finding.Finding](t, out); len(got) != 1 || got[0].State != finding.Acknowledged || got[0].Assignee != "local:dana" {
		t.Errorf("acknowledged as %s", out)
	}
	run(0, "findings", "assign", id("logs"), id("scratch-1"), "--assignee", "erin@example.com")
	for want, args := range map[string][]string{
		"needs --assignee":      {"findings", "assign", id("logs")},
		"needs --reference":     {"findings", "claim", id("logs")},
		"needs --reason":        {"findings", "dispute", id("logs")},
		"it is acknowledged":    {"findings", "ack", id("logs")},
		"not found":             {"findings", "ack", "F-none"},
		"--reason and --risk":   {"exceptions", "request", id("logs")},
		"name findings, or all": {"exceptions", "request", "--rule", "x", "--reason", "x", "--risk", "x"},
		"name findings, or --":  {"exceptions", "request", id("logs"), "--rule", "x", "--reason", "x", "--risk", "x"},
		"365 days":              {"exceptions", "request", id("logs"), "--reason", "x", "--risk", "x", "--days", "366"},
		"name one":              {"exceptions", "request", id("logs"), "--reason", "x", "--risk", "x", "--days", "3", "--expires", "2030-01-01"},
		"do not reach back":     {"exceptions", "request", id("logs"), "--reason", "x", "--risk", "x", "--starts", "2020-01-01"},
		"want its number":       {"exceptions", "approve", "twelve"},
		"exception 12":          {"exceptions", "approve", "12"},
	} {
		if _, errs := run(2, args...); !strings.Contains(errs, want) {
			t.Errorf("%s: %s, want %q", strings.Join(args, " "), errs, want)
		}
	}

	out, _ = run(0, "exceptions", "request", id("logs"), "--by", "dana", "--reason", "a public site", "--risk", "none", "--days", "30", "--output", "json")
	asked := decode[[]exception](t, out)
	if len(asked) != 1 || asked[0].Standing != finding.Requested || asked[0].Requester != "local:dana" || asked[0].Expires.Sub(asked[0].Requested).Round(1e9).Hours() != 720 {
		t.Fatalf("requested as %s", out)
	}
	if _, errs := run(2, "exceptions", "approve", "1", "--by", "dana"); !strings.Contains(errs, "another person has to approve") {
		t.Errorf("one's own approval: %s", errs)
	}
	out, _ = run(0, "exceptions", "approve", "1", "--by", "erin", "--output", "json")
	if got := decode[[]exception](t, out); got[0].Standing != finding.InForce {
		t.Errorf("approved as %s", out)
	}
	run(0, "exceptions", "request", "--rule", plumbtest.Rule, "--account", "aws:111122223333", "--pattern", "scratch-*", "--reason", "scratch", "--risk", "loss", "--by", "dana")
	run(0, "exceptions", "approve", "2", "--by", "erin")
	if _, errs := run(2, "findings", "claim", id("scratch-1"), "--reference", "x"); !strings.Contains(errs, "it is exception_requested") {
		t.Errorf("a fix claimed of what waits for an exception: %s", errs)
	}
	if diff := cmp.Diff(map[string]string{"logs": "fail excepted exception", "scratch-1": "fail exception_requested", "scratch-2": "fail exception_requested", "ledger": "pass"}, states()); diff != "" {
		t.Errorf("after one approval each (-want +got):\n%s", diff)
	}
	run(0, "exceptions", "refuse", "2", "--by", "erin", "--reason", "name them")
	run(0, "exceptions", "revoke", "1", "--by", "erin", "--reason", "the site is closed")
	run(0, "findings", "claim", id("scratch-1"), "--reference", "CHG-9")
	run(0, "findings", "dispute", id("logs"), "--reason", "it holds nothing")
	if diff := cmp.Diff(map[string]string{"logs": "fail disputed", "scratch-1": "fail fix_claimed", "scratch-2": "fail open", "ledger": "pass"}, states()); diff != "" {
		t.Errorf("at last (-want +got):\n%s", diff)
	}
	out, _ = run(0, "exceptions", "list", "--output", "json")
	list := decode[[]exception](t, out)
	if len(list) != 2 || list[0].Standing != finding.Revoked || list[1].Standing != finding.Refused || len(list[1].Decisions) != 2 || len(list[1].Resources) != 2 {
		t.Errorf("the list is %s", out)
	}
	if out, _ = run(0, "exceptions", "list", "--as-of", "2026-03-02", "--output", "json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("before there was one: %s", out)
	}
	if out, _ = run(0, "exceptions", "list"); !strings.Contains(out, "2 resources (scratch-*)") {
		t.Errorf("the table is %s", out)
	}
	if out, _ = run(0, "findings", "show", plumbtest.Rule, "logs"); !strings.Contains(out, "exception_revoked by local:erin the site is closed") {
		t.Errorf("its life is %s", out)
	}
	if out, _ = run(0, "findings", "list", "--output", "csv"); !strings.HasPrefix(out, "severity,rule,account,region,resource,verdict,since (UTC),reason,finding,state,exception\n") {
		t.Errorf("the columns are %.120s", out)
	}
}
