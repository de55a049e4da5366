package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func TestUsersTokensAndAuditLog(t *testing.T) {
	url := plumbtest.Database(t)
	for _, step := range []struct {
		line string
		code int
		out  string // part of what is printed, to either stream
	}{
		{"users add Alice@Example.com --name Alice --role admin --role viewer --link --url https://plumbline.example.com", 0, "https://plumbline.example.com/signin/link?token=plb_"},
		{"users add alice@example.com", 2, "one already"},
		{"users add alice", 2, "no e-mail address"},
		{"users add bob@example.com", 0, "is added"},
		{"users list", 0, "none"},
		{"users grant bob@example.com viewer --account aws:* --reason onboarding", 0, "viewer"},
		{"users grant bob@example.com viewer --account production", 2, "aws:*"},
		{"users grant bob@example.com owner", 2, "want viewer"},
		{"users grant eve@example.com viewer", 2, "not found"},
		{"users grant alice@example.com compliance_manager", 2, "it takes a waiver"},
		{"users grant alice@example.com compliance_manager --waive small_team", 2, "within the next 365 days"},
		{"users grant alice@example.com on_call --waive small_team --waive-until 2999-01-01", 2, "conflicts with no role"},
		{"users grant bob@example.com auditor --audit soc2", 2, "a time when access ends"},
		{"users grant bob@example.com admin --until tomorrow", 2, "want a day"},
		{"users revoke x", 2, "want its number"},
		{"users revoke 99", 2, "not found"},
		{"tokens create ci --owner bob@example.com --role viewer --days 30", 0, "plb_"},
		{"tokens create ci --owner bob@example.com --role viewer", 2, "one of that name"},
		{"tokens create root --owner bob@example.com --role admin", 2, "cannot hand on the role admin"},
		{"tokens create long --owner bob@example.com --role viewer --days 366", 2, "365 days"},
		{"tokens create none --role viewer", 2, "owner"},
		{"tokens create scanner --owner alice@example.com --role collector", 0, "plb_"},
		{"tokens list", 0, "good"},
		{"tokens revoke ci --reason leaked", 0, "is revoked"},
		{"tokens revoke ci", 2, "revoked already"},
		{"tokens list", 0, "revoked"},
		{"users revoke 3 --reason moved", 0, "grant 3 is revoked"},
		{"users disable bob@example.com --reason left", 0, "is disabled"},
		{"users list", 0, "disabled"},
		{"users disable bob@example.com --undo", 0, "active again"},
		{"users link nobody@example.com", 2, "not found"},
		{"auditlog list --action user.manage --limit 2", 0, "user/bob@example.com"},
		{"auditlog list --outcome maybe", 2, "want done, refused or failed"},
		{"auditlog verify", 0, "intact"},
	} {
		code, out, errs := command(t, append(strings.Fields(step.line), "--database-url", url)...)
		if code != step.code || !strings.Contains(out+errs, step.out) {
			t.Errorf("%s: exit code %d, want %d with %q\nstdout: %s\nstderr: %s", step.line, code, step.code, step.out, out, errs)
		}
	}

	var people []access.Holder
	code, out, errs := command(t, "users", "list", "-o", "json", "--database-url", url)
	if err := json.Unmarshal([]byte(out), &people); err != nil || code != 0 || len(people) != 2 || people[0].Email != "alice@example.com" || len(people[0].Grants) != 2 {
		t.Errorf("users for scripts: %d %v %s %s", code, err, out, errs)
	}
	var entries []access.Entry
	code, out, errs = command(t, "auditlog", "list", "--limit", "0", "-o", "json", "--database-url", url)
	if err := json.Unmarshal([]byte(out), &entries); err != nil || code != 0 || len(entries) < 10 {
		t.Fatalf("entries for scripts: %d %v %s %s", code, err, out, errs)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Actor.ID, "cli:") {
			t.Errorf("who ran the program is %+v", e.Actor)
		}
	}
	var shown struct{ Token string }
	_, out, _ = command(t, "tokens", "create", "script", "--owner", "alice@example.com", "--role", "admin", "-o", "json", "--database-url", url)
	if err := json.Unmarshal([]byte(out), &shown); err != nil {
		t.Fatal(err)
	}
	if _, err := access.SecretDigest(shown.Token); err != nil {
		t.Errorf("the token printed is %q: %v", shown.Token, err)
	}
	_, everything, _ := command(t, "auditlog", "list", "--limit", "0", "-o", "json", "--database-url", url)
	if list, _, _ := command(t, "tokens", "list", "-o", "json", "--database-url", url); strings.Contains(everything, shown.Token) || list != 0 {
		t.Error("the audit log holds a token")
	}

	plumbtest.Tamper(t, url, `UPDATE audit_log SET entry = replace(entry, 'onboarding', 'boarding') WHERE entry LIKE '%onboarding%'`)
	var check store.AuditCheck
	code, out, errs = command(t, "auditlog", "verify", "-o", "json", "--database-url", url)
	if err := json.Unmarshal([]byte(out), &check); err != nil || code != 1 || check.Broken == 0 || !strings.Contains(check.Problem, "digest") || check.Entries != check.Broken-1 {
		t.Errorf("verifying what was edited: exit code %d, %+v %v %s", code, check, err, errs)
	}
	edited := entries[int64(len(entries))-check.Broken]
	if edited.Reason != "onboarding" {
		t.Errorf("entry %d is named, which says %q", check.Broken, edited.Reason)
	}
}
