package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/audit"
	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
)

// TestAnAuditOnTheCommandLine opens an audit, narrows it, builds its package and answers a request with it.
func TestAnAuditOnTheCommandLine(t *testing.T) {
	simulated(t)
	_, url := plumbtest.Store(t)
	data, dir := t.TempDir(), t.TempDir()
	on := func(args ...string) []string { return append(args, "--database-url", url, "--data-dir", data) }
	run := func(want int, args ...string) (string, string) {
		t.Helper()
		code, out, errs := command(t, on(args...)...)
		if code != want {
			t.Fatalf("%v: exit code %d, want %d: %s%s", args, code, want, out, errs)
		}
		return out, errs
	}
	run(0, "scan", "--quota-share", "100")
	today := time.Now().UTC().Format(time.DateOnly)
	run(exitSetup, "audits", "open", "day", "--as-of", today) // no firm
	run(exitSetup, "audits", "open", "day", "--as-of", today, "--to", today, "--firm", "Ledger & Co")
	run(exitSetup, "audits", "open", "day", "--as-of", today, "--firm", "Ledger & Co", "--category", "luck")
	run(0, "audits", "open", "day", "--as-of", today, "--firm", "Ledger & Co", "--category", "availability", "--by", "clara")
	run(exitSetup, "audits", "scope", "day", "--controls", "identity-mfa") // no reason
	run(0, "audits", "scope", "day", "--controls", "identity-mfa,logging-audit-trail", "--reason", "agreed on Monday", "--by", "clara")
	if out, _ := run(0, "audits", "show", "day"); !strings.Contains(out, "left out availability") || !strings.Contains(out, "agreed on Monday") {
		t.Errorf("show: %s", out)
	}
	run(exitSetup, "audits", "people", "day", "--add", "eve@firm.example")
	if out, _ := run(0, "audits", "people", "day", "--add", "eve@firm.example", "--until", "2999-12-31"); !strings.Contains(out, "eve@firm.example") {
		t.Errorf("people: %s", out)
	}
	if out, _ := run(0, "audits", "people", "day", "--end", "eve@firm.example", "--output", "json"); !strings.Contains(out, `"revoked_at": "2`) {
		t.Errorf("people: %s", out)
	}
	name := filepath.Join(dir, "day.tar.gz")
	if _, errs := run(exitSetup, "evidence", "build", "--audit", "day", "--as-of", today, "--out", name); !strings.Contains(errs, "audit day says that already") {
		t.Errorf("with a day besides: %s", errs)
	}
	run(exitSetup, "evidence", "build", "--audit", "none", "--out", name)
	out, _ := run(0, "evidence", "build", "--audit", "day", "--out", name, "--output", "json")
	var built builtPackage
	if err := json.Unmarshal([]byte(out), &built); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := command(t, "evidence", "verify", name); code != 0 {
		t.Errorf("verify: exit code %d: %s%s", code, out, errs)
	}
	p, err := evidence.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	scope, err := evidence.Read[evidence.Scope](p, evidence.ScopeFile)
	if err != nil || scope.Audit == nil || len(scope.Audit.Scopes) != 2 || strings.Join(scope.Controls, " ") != "identity-mfa logging-audit-trail" || len(scope.Changes) == 0 || len(scope.Auditors) != 1 {
		t.Errorf("scope %+v, %v", scope, err)
	}
	run(exitSetup, "audits", "requests", "provide", "day", "1", "--package", built.Package, "--file", "none.json")
	run(0, "audits", "requests", "provide", "day", "1", "--package", built.Package, "--file", "scope.json", "--by", "clara")
	out, _ = run(0, "audits", "requests", "list", "day", "--output", "json")
	var requests []audit.Request
	if err := json.Unmarshal([]byte(out), &requests); err != nil || len(requests) != 15 || requests[0].State != audit.Provided || len(requests[0].Answers()[0].SHA256) != 64 {
		t.Errorf("requests: %v %s", err, out)
	}
	run(0, "audits", "close", "day", "--reason", "report issued")
	run(exitSetup, "audits", "requests", "provide", "day", "2", "--note", "late")
	if out, _ := run(0, "audits", "list"); !strings.Contains(out, "closed") {
		t.Errorf("list: %s", out)
	}
}
