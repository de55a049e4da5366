package store_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plumbline-dev/plumbline/pkg/access"
	audits "github.com/plumbline-dev/plumbline/pkg/audit"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

var (
	clara   = access.Actor{ID: "clara@example.com", Kind: access.Person, Roles: []access.Role{access.Compliance}}
	eve     = access.Actor{ID: "eve@firm.example", Kind: access.Person, Roles: []access.Role{access.Auditor}, Audit: "2026"}
	aScope  = audits.Scope{Categories: []string{"security"}, Criteria: []string{"CC6.1"}, Controls: []string{"access", "logging"}}
	anAudit = audits.Audit{
		ID: "2026", Type: audits.Type2, From: plumbtest.Day(0), To: plumbtest.Day(90), Zone: "UTC", Firm: "Ledger & Co", Schedule: 86400, MaxGap: 129600,
		Targets: map[string]int64{"high": 604800},
	}
)

func TestAudits(t *testing.T) {
	s, _ := plumbtest.Store(t)
	ctx := t.Context()
	seal(t, s, plumbtest.Sealing(0, buckets(1)...))
	now := plumbtest.Day(100)
	s.Now = func() time.Time { return now }

	opened, err := s.OpenAudit(ctx, clara, anAudit, aScope)
	if err != nil {
		t.Fatal(err)
	}
	read, err := s.AuditOf(ctx, "2026", time.Time{})
	if diff := cmp.Diff(opened, read); diff != "" || err != nil {
		t.Errorf("what was opened differs from what is read (-opened +read): %v\n%s", err, diff)
	}
	requests, err := s.AuditRequests(ctx, "2026", time.Time{})
	if err != nil || len(requests) != len(audits.Seeds()) || requests[0].State != audits.Open || requests[0].RaisedBy != "engine" {
		t.Errorf("requests %+v, %v", requests, err)
	}
	for name, change := range map[string]func(*audits.Audit, *audits.Scope){
		"an id that is in use":     func(*audits.Audit, *audits.Scope) {},
		"an account never read":    func(a *audits.Audit, v *audits.Scope) { a.ID, v.Accounts = "other", []string{"aws:000000000000"} },
		"a scope without controls": func(a *audits.Audit, v *audits.Scope) { a.ID, v.Controls = "other", nil },
		"a type there is not":      func(a *audits.Audit, v *audits.Scope) { a.ID, a.Type = "other", "type3" },
	} {
		a, v := anAudit, aScope
		change(&a, &v)
		if _, err := s.OpenAudit(ctx, clara, a, v); !errors.Is(err, posture.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	now = plumbtest.Day(110)
	narrow := aScope
	narrow.Reason, narrow.Controls = "logging is audited apart", []string{"access"}
	after, err := s.RescopeAudit(ctx, clara, "2026", narrow)
	if err != nil || len(after.Scopes) != 2 || !after.Scopes[0].Narrower(after.Scope()) || after.Scope().By != clara.ID || !after.Scope().At.Equal(now) {
		t.Errorf("narrowed: %+v, %v", after.Scopes, err)
	}
	if _, err := s.RescopeAudit(ctx, clara, "none", narrow); !errors.Is(err, posture.ErrNotFound) {
		t.Errorf("an audit there is not: %v", err)
	}
	now = plumbtest.Day(120)
	if _, err := s.CloseAudit(ctx, clara, "2026", "report issued"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.RescopeAudit(ctx, clara, "2026", aScope); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("scope of a closed audit: %v", err)
	}
	if _, err := s.RaiseRequest(ctx, eve, "2026", "More", "This."); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("request of a closed audit: %v", err)
	}
	for at, want := range map[int]string{99: "0", 100: "1 of 1", 109: "1 of 1", 110: "1 of 2", 119: "1 of 2", 120: "1 of 2 closed"} {
		list, err := s.Audits(ctx, plumbtest.Day(at))
		got := fmt.Sprint(len(list))
		if len(list) == 1 {
			got += fmt.Sprint(" of ", len(list[0].Scopes))
			if !list[0].Open() {
				got += " closed"
			}
		}
		if err != nil || got != want {
			t.Errorf("as of day %d: %s, want %s, %v", at, got, want, err)
		}
	}
	entries, err := s.AuditLog(ctx, store.AuditFilter{Object: "audit/2026"})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, e := range entries {
		told = append(told, string(e.Action)+" "+string(e.Outcome))
	}
	want := []string{"request.raise refused", "audit.define refused", "audit.define done", "audit.define done", "audit.define refused", "audit.define done"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("the audit log differs, newest first (-want +got):\n%s", diff)
	}
	if check, err := s.VerifyAudit(ctx); err != nil || check.Problem != "" {
		t.Errorf("audit log: %+v, %v", check, err)
	}
}

func TestAuditorsAreBoundToTheAudit(t *testing.T) {
	s, _ := plumbtest.Store(t)
	ctx := t.Context()
	seal(t, s, plumbtest.Sealing(0, buckets(1)...))
	if _, err := s.OpenAudit(ctx, clara, anAudit, aScope); err != nil {
		t.Fatal(err)
	}
	until := posture.Some(s.Now().UTC().Add(time.Hour).Truncate(time.Second))
	if _, err := s.AddAuditor(ctx, clara, "none", "", access.Grant{User: "eve@firm.example", Until: until}); !errors.Is(err, posture.ErrNotFound) {
		t.Errorf("into an audit there is not: %v", err)
	}
	if _, err := s.AddAuditor(ctx, clara, "2026", "Eve", access.Grant{User: "eve@firm.example"}); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("for ever: %v", err)
	}
	g, err := s.AddAuditor(ctx, clara, "2026", "Eve", access.Grant{User: "Eve@firm.example", Until: until, MFA: true})
	if err != nil {
		t.Fatal(err)
	}
	h, err := s.Holder(ctx, "eve@firm.example")
	if err != nil {
		t.Fatal(err)
	}
	actor, err := h.Actor(true, s.Now())
	if err != nil || access.Allows(actor, access.AuditRead, access.AuditScope("2026")) != nil || access.Allows(actor, access.AuditRead, access.AuditScope("2025")) == nil {
		t.Errorf("actor %+v, %v", actor, err)
	}
	if _, err := h.Actor(true, until.Or(s.Now())); err == nil {
		t.Error("access goes on after its end")
	}
	list, err := s.Auditors(ctx, "2026", time.Time{})
	if diff := cmp.Diff([]access.Grant{g}, list, cmpopts.EquateEmpty()); diff != "" || err != nil {
		t.Errorf("auditors differ (-want +got): %v\n%s", err, diff)
	}
	if other, err := s.Auditors(ctx, "2025", time.Time{}); err != nil || len(other) > 0 {
		t.Errorf("auditors of another audit: %v, %v", other, err)
	}
}

func TestAnswersAreFrozen(t *testing.T) {
	s, url := plumbtest.Store(t)
	ctx := t.Context()
	seal(t, s, plumbtest.Sealing(0, buckets(1)...))
	if _, err := s.OpenAudit(ctx, clara, anAudit, aScope); err != nil {
		t.Fatal(err)
	}
	other := anAudit
	other.ID = "2025"
	if _, err := s.OpenAudit(ctx, clara, other, aScope); err != nil {
		t.Fatal(err)
	}
	head, err := s.SignHead(ctx, func(ledger.Checkpoint) ([]byte, error) { return []byte("signed"), nil })
	if err != nil {
		t.Fatal(err)
	}
	file, root := strings.Repeat("ab", 32), strings.Repeat("cd", 32)
	manifest := fmt.Sprintf(`{"files":[{"path":"scope.json","sha256":"%s","size":3}]}`, file)
	envelope, err := json.Marshal(map[string]string{"payload": base64.StdEncoding.EncodeToString([]byte(manifest))})
	if err != nil {
		t.Fatal(err)
	}
	for id, of := range map[string]string{"P-1": "2026", "P-2": "2025"} {
		if err := s.AddPackage(ctx, clara, store.Package{ID: id, Audit: of, Type: "type1", From: plumbtest.Day(0), To: plumbtest.Day(1), Root: root, Size: head.Size, Envelope: envelope}); err != nil {
			t.Fatal(err)
		}
	}
	a, err := s.Attach(ctx, clara, finding.Attachment{Control: "access", Slot: "review", Name: "r.pdf", From: plumbtest.Day(0), To: plumbtest.Day(1)}, []byte("%PDF"))
	if err != nil {
		t.Fatal(err)
	}
	provide := func(n int, answers ...audits.Answer) error {
		_, err := s.MoveRequest(ctx, clara, "2026", n, audits.Step{State: audits.Provided, Answers: answers})
		return err
	}
	for name, answers := range map[string][]audits.Answer{
		"nothing at all":             nil,
		"a package there is not":     {{Package: "P-9"}},
		"a package of another audit": {{Package: "P-2"}},
		"a file that it has not":     {{Package: "P-1", Path: "passwords.txt"}},
		"an attachment there is not": {{Attachment: 9}},
		"a path of an attachment":    {{Attachment: a.ID, Path: "x"}},
		"both at once":               {{Attachment: a.ID, Package: "P-1"}},
	} {
		if err := provide(1, answers...); !errors.Is(err, posture.ErrInvalid) && !errors.Is(err, posture.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := provide(99, audits.Answer{Package: "P-1"}); !errors.Is(err, posture.ErrNotFound) {
		t.Errorf("a request there is not: %v", err)
	}
	if err := provide(1, audits.Answer{Package: "P-1", Path: "scope.json", SHA256: "mine"}, audits.Answer{Package: "P-1"}, audits.Answer{Attachment: a.ID}); err != nil {
		t.Fatal(err)
	}
	for _, by := range []access.Actor{clara, {ID: "max@firm.example", Roles: []access.Role{access.Auditor}, Audit: "2025"}} {
		if _, err := s.MoveRequest(ctx, by, "2026", 1, audits.Step{State: audits.Accepted}); !errors.Is(err, posture.ErrInvalid) {
			t.Errorf("accepted by %s: %v", by.ID, err)
		}
	}
	r, err := s.MoveRequest(ctx, eve, "2026", 1, audits.Step{State: audits.Accepted, Answers: []audits.Answer{{Package: "P-1"}}})
	if err != nil {
		t.Fatal(err)
	}
	want := []audits.Answer{{Package: "P-1", Path: "scope.json", SHA256: file}, {Package: "P-1", SHA256: root}, {Attachment: a.ID, SHA256: a.SHA256}}
	list, err := s.AuditRequests(ctx, "2026", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, list[0].Answers()); diff != "" || cmp.Diff(r, list[0]) != "" || list[0].State != audits.Accepted || list[0].Steps[1].By != eve.ID {
		t.Errorf("answers differ (-want +got):\n%s%s", diff, cmp.Diff(r, list[0]))
	}
	raised, err := s.RaiseRequest(ctx, eve, "2026", "Contracts", "Those with the cloud providers.")
	if err != nil || raised.N != len(audits.Seeds())+1 {
		t.Errorf("raised %+v, %v", raised, err)
	}
	conn := connect(t, url)
	if _, err := conn.Exec(ctx, `UPDATE audit_request_steps SET answers = '[]'`); err == nil {
		t.Error("an answer was changed")
	}
}

// TestWhatAnOpenAuditSeesStays: raw answers are not removed while an audit is open that may look at them.
func TestWhatAnOpenAuditSeesStays(t *testing.T) {
	s, _ := plumbtest.Store(t)
	ctx := t.Context()
	admin := func(name string) access.Actor { return access.Actor{ID: name + "@example.com", Kind: access.Person} }
	const early, above, mine, late, other = "aws:111122223333/1", "aws:organizations-o/1", "aws:111122223333/2", "aws:111122223333/3", "aws:444455556666/1"
	day := func(n int) time.Time { return plumbtest.Day(n).AddDate(-3, 0, 0) }
	read := func(name string, at time.Time, pins ...posture.Pin) posture.Snapshot {
		in := plumbtest.Sealing(0, plumbtest.Resource("r", nil))
		id, _, _ := strings.Cut(strings.TrimPrefix(name, "aws:"), "/")
		in.Snapshot.Account.ID, in.Snapshot.Started, in.Snapshot.Finished, in.Snapshot.Ancestors = id, at, at.Add(time.Minute), pins
		digest := sha256.Sum256([]byte(name))
		body := posture.Body{SHA256: hex.EncodeToString(digest[:]), Data: []byte(name)}
		in.Bodies = []posture.Body{body}
		for i := range in.Calls {
			in.Calls[i].Stored, in.Calls[i].Received = body.SHA256, body.SHA256
		}
		return seal(t, s, in)
	}
	read(early, day(0))
	top := read(above, day(1))
	read(mine, day(10), posture.Pin{Account: top.Account.String(), Seq: top.Seq, Root: top.Root})
	read(other, day(11))
	read(late, day(20))
	read("aws:organizations-o/2", day(21))
	left := func() (out []string) {
		for _, name := range []string{early, mine, late, other, above} {
			account, _, _ := strings.Cut(name, "/")
			digest := sha256.Sum256([]byte(name))
			switch _, err := s.Body(ctx, account, hex.EncodeToString(digest[:])); {
			case err == nil:
				out = append(out, name)
			case !errors.Is(err, posture.ErrNotFound):
				t.Fatal(err)
			}
		}
		return out
	}
	if got := left(); len(got) != 5 {
		t.Fatalf("of five bodies there are %v", got)
	}
	remove := func() {
		t.Helper()
		id, err := s.RequestRemoval(ctx, admin("ann"), "", s.Now().AddDate(-2, -2, 0), 762*24*time.Hour, "past their time")
		if err == nil {
			err = s.DecideRemoval(ctx, admin("bob"), id, true, "")
		}
		if err == nil {
			_, err = s.Remove(ctx, admin("bob"), id)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	a, v := anAudit, aScope
	a.From, a.To, v.Accounts = day(15), day(25), []string{"aws:111122223333"}
	if _, err := s.OpenAudit(ctx, clara, a, v); err != nil {
		t.Fatal(err)
	}
	v.Reason, v.Accounts = "a mistake", []string{"aws:444455556666"}
	if _, err := s.RescopeAudit(ctx, clara, a.ID, v); err != nil {
		t.Fatal(err)
	}
	remove()
	// Of the account: the newest before the period and what came since, with the organization that it was judged with. The scope of
	// today does not take away what an earlier one showed.
	if diff := cmp.Diff([]string{mine, late, other, above}, left()); diff != "" {
		t.Errorf("what is left under an open audit differs (-want +got):\n%s", diff)
	}
	if _, err := s.CloseAudit(ctx, clara, a.ID, "report issued"); err != nil {
		t.Fatal(err)
	}
	remove()
	if got := left(); len(got) > 0 {
		t.Errorf("left after the audit closed: %v", got)
	}
}
