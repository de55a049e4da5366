package pack

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/audit"
	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// TestAPackageDisclosesItsAudit: the versions of the scope side by side, what was left out and why, and the requests with their answers;
// nothing of another audit.
func TestAPackageDisclosesItsAudit(t *testing.T) {
	w, _ := story(t)
	ctx, clara := t.Context(), person("clara", access.Compliance)
	w.now = day(4)
	scope := audit.Scope{Categories: []string{"security"}, Criteria: []string{"CC6.1", "CC7.2"}, Controls: []string{"access", "logging"}}
	a := audit.Audit{ID: "2026", Type: audit.Type1, From: day(2).Add(-6 * time.Hour), To: day(2).Add(18 * time.Hour), Zone: "UTC", Firm: "Ledger & Co", Schedule: 86400, MaxGap: 129600}
	for _, id := range []string{"2026", "a-secret-one"} {
		a.ID = id
		if _, err := w.db.OpenAudit(ctx, clara, a, scope); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.db.AddAuditor(ctx, clara, "2026", "Eve", access.Grant{User: "eve@firm.example", Until: posture.Some(day(60))}); err != nil {
		t.Fatal(err)
	}
	w.now = day(5)
	scope.Accounts, scope.Controls, scope.Reason = []string{"aws:111122223333"}, []string{"access"}, "the other account was sold"
	if _, err := w.db.RescopeAudit(ctx, clara, "2026", scope); err != nil {
		t.Fatal(err)
	}
	attached, err := w.db.Attachments(ctx, "", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.db.MoveRequest(ctx, clara, "2026", 5, audit.Step{State: audit.Provided, Answers: []audit.Answer{{Attachment: attached[0].ID}}}); err != nil {
		t.Fatal(err)
	}
	head := w.head(day(6))
	request := w.request(2, head)
	engaged := &Engagement{}
	if engaged.Audit, err = w.db.AuditOf(ctx, "2026", head.Signed); err != nil {
		t.Fatal(err)
	}
	if engaged.Auditors, err = w.db.Auditors(ctx, "2026", head.Signed); err != nil {
		t.Fatal(err)
	}
	if engaged.Requests, err = w.db.AuditRequests(ctx, "2026", head.Signed); err != nil {
		t.Fatal(err)
	}
	s := engaged.Scope()
	request.Engaged, request.Accounts, request.Controls, request.Criteria = engaged, s.Accounts, s.Controls, s.Criteria
	dir, m := w.build(request)
	if code, paths := verify(t, dir, evidence.Trust{}); code != evidence.Good {
		t.Fatalf("verify: exit code %d, %v", code, paths)
	}
	p, err := evidence.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	got, err := evidence.Read[evidence.Scope](p, evidence.ScopeFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&engaged.Audit, got.Audit); diff != "" || len(got.Audit.Scopes) != 2 || len(got.Auditors) != 1 {
		t.Errorf("audit differs (-want +got):\n%s", diff)
	}
	want := []evidence.ScopeChange{
		{At: day(5), By: "clara@example.com", Change: "accounts: added aws:111122223333; left out all", Reason: "the other account was sold"},
		{At: day(5), By: "clara@example.com", Change: "controls: left out logging", Reason: "the other account was sold"},
	}
	if diff := cmp.Diff(want, got.Changes); diff != "" {
		t.Errorf("changes differ (-want +got):\n%s", diff)
	}
	claimsNothing(t, dir)
	files := readAll(t, dir)
	for path, parts := range map[string][]string{
		evidence.ScopeFile:    {"left out by version 2 of the audit's scope, 2026-03-06 06:00:00 UTC: the other account was sold"},
		evidence.RequestsFile: {`"number":5`, attached[0].SHA256, `"state":"provided"`, `"state":"open"`},
		evidence.AuditFile:    {`"object":"audit/2026"`, `"object":"request/2026/5"`},
		"report.html":         {"The scope was narrowed after the audit opened.", "version 1", "version 2", "left out logging", "Ledger &amp; Co", attached[0].SHA256},
	} {
		for _, part := range parts {
			if !strings.Contains(files[path], part) {
				t.Errorf("%s does not hold %s", path, part)
			}
		}
	}
	for path, text := range files {
		if strings.Contains(text, "a-secret-one") {
			t.Errorf("%s tells of another audit", path)
		}
	}
	if again, _ := w.build(request); len(m.Files) == 0 || !bytes.Equal([]byte(readAll(t, again)[evidence.ManifestFile]), []byte(files[evidence.ManifestFile])) {
		t.Error("a second time the package differs")
	}
	name := filepath.Join(dir, evidence.RequestsFile)
	if err := os.WriteFile(name, []byte(strings.Replace(files[evidence.RequestsFile], "provided", "accepted", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, paths := verify(t, dir, evidence.Trust{}); code != evidence.Altered || !strings.Contains(strings.Join(paths, " "), evidence.RequestsFile) {
		t.Errorf("a request said to be accepted: exit code %d, %v", code, paths)
	}
}
