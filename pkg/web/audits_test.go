package web

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/audit"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// TestAnAuditFromOpeningToClosing: the organization opens, scopes and answers, the auditor asks and accepts, and sees no other audit.
func TestAnAuditFromOpeningToClosing(t *testing.T) {
	s := newSite(t)
	account := s.filled(t)
	clara, dave := s.person(t, "clara", role(access.Compliance)), s.person(t, "dave", role(access.Admin))
	post := func(c *caller, path string, body map[string]any, want int) {
		t.Helper()
		r := c.do("POST", path, body)
		if text, _ := io.ReadAll(r.Body); r.StatusCode != want {
			t.Fatalf("POST %s: %d %.500s, want %d", path, r.StatusCode, text, want)
		}
	}
	opening := map[string]any{"id": "h1", "type": "type2", "first_day": "2026-01-01", "last_day": "2026-06-30", "time_zone": "Europe/Berlin", "firm": "Ledger & Co", "categories": []string{"availability"}}
	post(dave, "/api/audits", opening, http.StatusForbidden)
	post(clara, "/api/audits", opening, http.StatusOK)
	post(clara, "/api/audits", opening, http.StatusUnprocessableEntity) // it is there
	opening["id"] = "h2"
	post(clara, "/api/audits", opening, http.StatusOK)
	for field, value := range map[string]any{"categories": []string{"luck"}, "controls": []string{"none"}, "time_zone": "Mars", "first_day": "2026-13-01", "accounts": []string{"aws:0"}, "last_day": "2025-01-01"} {
		bad := map[string]any{"id": "bad"}
		for k, v := range opening {
			if k != "id" {
				bad[k] = v
			}
		}
		bad[field] = value
		if r := clara.do("POST", "/api/audits", bad); r.StatusCode != http.StatusUnprocessableEntity && r.StatusCode != http.StatusNotFound {
			t.Errorf("%s %v: %d", field, value, r.StatusCode)
		}
	}
	auditor := access.Grant{Role: access.Auditor, Audit: "h1", Until: posture.Some(time.Now().Add(time.Hour))}
	eve := s.person(t, "eve", auditor)

	var audits list[audit.Audit]
	clara.get(t, "/api/audits", http.StatusOK, &audits)
	if len(audits.Items) != 2 || audits.Items[1].From.Format(time.RFC3339) != "2025-12-31T23:00:00Z" || audits.Items[1].To.Format(time.RFC3339) != "2026-06-30T22:00:00Z" {
		t.Errorf("audits %+v", audits.Items)
	}
	var own list[audit.Audit]
	eve.get(t, "/api/audits", http.StatusOK, &own)
	if len(own.Items) != 1 || own.Items[0].ID != "h1" {
		t.Errorf("the auditor sees %+v", own.Items)
	}
	for _, path := range []string{"", "/requests", "/packages", "/samples"} {
		eve.get(t, "/api/audits/h1"+path, http.StatusOK, nil)
		eve.get(t, "/api/audits/h2"+path, http.StatusForbidden, nil)
		clara.get(t, "/api/audits/h2"+path, http.StatusOK, nil)
	}
	clara.get(t, "/api/audits/h9", http.StatusNotFound, nil)

	post(eve, "/api/audits/h1/scopes", map[string]any{"reason": "mine"}, http.StatusForbidden)
	post(clara, "/api/audits/h1/scopes", map[string]any{"reason": "availability is not audited", "accounts": []string{account}}, http.StatusOK)
	var shown shownAudit
	eve.get(t, "/api/audits/h1", http.StatusOK, &shown)
	if len(shown.Scopes) != 2 || !shown.Scopes[0].Narrower(shown.Scopes[1]) || len(shown.Auditors) != 1 || shown.Auditors[0].User != "eve@example.com" {
		t.Errorf("shown %+v", shown)
	}
	post(clara, "/api/audits/h1/requests/1/accept", map[string]any{}, http.StatusForbidden)
	post(eve, "/api/audits/h1/requests/1/provide", map[string]any{"note": "there"}, http.StatusForbidden)
	post(eve, "/api/audits/h1/requests/1/accept", map[string]any{}, http.StatusUnprocessableEntity) // nothing is provided yet
	post(clara, "/api/audits/h1/requests/1/provide", map[string]any{"note": "one account"}, http.StatusOK)
	post(eve, "/api/audits/h1/requests/1/return", map[string]any{"note": "which?"}, http.StatusOK)
	post(clara, "/api/audits/h1/requests/1/provide", map[string]any{"note": account}, http.StatusOK)
	post(eve, "/api/audits/h1/requests/1/accept", map[string]any{}, http.StatusOK)
	post(clara, "/api/audits/h1/requests", map[string]any{"title": "x", "asks": "y"}, http.StatusForbidden)
	post(eve, "/api/audits/h1/requests", map[string]any{"title": "Contracts", "asks": "With the providers."}, http.StatusOK)
	post(eve, "/api/audits/h1/requests/16/withdraw", map[string]any{}, http.StatusOK)
	var requests list[audit.Request]
	clara.get(t, "/api/audits/h1/requests", http.StatusOK, &requests)
	if n := len(requests.Items); n != 16 || requests.Items[0].State != audit.Accepted || len(requests.Items[0].Steps) != 4 || requests.Items[15].State != audit.Withdrawn {
		t.Errorf("%d requests, the first is %+v", n, requests.Items[0])
	}
	post(clara, "/api/audits/h1/close", map[string]any{"reason": "report issued"}, http.StatusOK)
	post(eve, "/api/audits/h1/requests/2/withdraw", map[string]any{}, http.StatusUnprocessableEntity)

	entries, err := s.db.AuditLog(t.Context(), store.AuditFilter{Object: access.AuditScope("h1"), Actor: "eve@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range entries {
		if e.Action == access.AuditRead {
			seen[e.Reason] = true
		}
	}
	for _, view := range []string{"GET /api/audits", "GET /api/audits/h1", "GET /api/audits/h1/requests", "GET /api/audits/h1/packages", "GET /api/audits/h1/samples"} {
		if !seen[view] {
			t.Errorf("the auditor's view %s is not in the audit log", view)
		}
	}
}
