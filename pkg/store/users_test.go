package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// user adds somebody with roles.
func user(t testing.TB, s *store.Store, email string, roles ...access.Role) {
	t.Helper()
	if err := s.AddUser(t.Context(), alice, email, ""); err != nil {
		t.Fatal(err)
	}
	for _, role := range roles {
		if _, err := s.GrantRole(t.Context(), alice, access.Grant{User: email, Role: role}); err != nil {
			t.Fatal(err)
		}
	}
}

func roles(t testing.TB, h access.Holder, at time.Time) string {
	t.Helper()
	actor, err := h.Actor(true, at)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(actor.Roles)
}

func TestRolesAsOfATime(t *testing.T) {
	s, _ := plumbtest.Store(t)
	day := func(n int) time.Time { return time.Date(2026, 3, n, 12, 0, 0, 0, time.UTC) }
	on := func(n int) { s.Now = func() time.Time { return day(n) } }
	on(1)
	user(t, s, "Bob@Example.com", access.OnCall)
	on(3)
	if _, err := s.GrantRole(t.Context(), alice, access.Grant{User: "bob@example.com", Role: access.Viewer, Until: posture.Some(day(20)), Reason: "holiday cover"}); err != nil {
		t.Fatal(err)
	}
	on(5)
	if err := s.RevokeRole(t.Context(), alice, 1, "moved to another team"); err != nil {
		t.Fatal(err)
	}
	on(7)
	if err := s.SetDisabled(t.Context(), alice, "bob@example.com", true, "leave"); err != nil {
		t.Fatal(err)
	}
	on(9)
	if err := s.SetDisabled(t.Context(), alice, "bob@example.com", false, "back"); err != nil {
		t.Fatal(err)
	}
	on(30)
	for n, want := range map[int]string{2: "[on_call]", 4: "[on_call viewer]", 6: "[viewer]", 8: "disabled", 10: "[viewer]", 20: "any more"} {
		list, err := s.Holders(t.Context(), day(n))
		if err != nil || len(list) != 1 {
			t.Fatalf("day %d: got %v %v", n, list, err)
		}
		if _, revoked := list[0].Grants[0].Revoked.Get(); revoked != (n > 5) {
			t.Errorf("day %d: the grant is revoked: %v", n, revoked)
		}
		if got := roles(t, list[0], day(n)); !strings.Contains(got, want) {
			t.Errorf("day %d: roles are %s, want %s", n, got, want)
		}
	}
	if list, err := s.Holders(t.Context(), day(1).Add(-time.Second)); err != nil || len(list) != 0 {
		t.Errorf("before the first day there are users %v %v", list, err)
	}
	entries, err := s.AuditLog(t.Context(), store.AuditFilter{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range slices.Backward(entries) {
		got = append(got, fmt.Sprintf("%s %s %v %v %s", e.Action, e.Object, e.Before != "", e.After != "", e.Reason))
	}
	want := []string{
		"user.manage user/bob@example.com false true ", "grant.manage grant/1 false true on_call for bob@example.com",
		"grant.manage grant/2 false true holiday cover", "grant.manage grant/1 true true moved to another team",
		"user.manage user/bob@example.com true true leave", "user.manage user/bob@example.com true true back",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries differ (-want +got):\n%s", diff)
	}
	if revoked, granted := entries[2], entries[4]; revoked.Before != granted.After {
		t.Error("a grant's digest before it is revoked is not the one after it was given")
	}
}

func TestChangesOfUsersThatAreRefused(t *testing.T) {
	s, _ := plumbtest.Store(t)
	user(t, s, "bob@example.com", access.Compliance)
	grant := func(g access.Grant, w ...access.Waiver) error {
		g.User = "bob@example.com"
		_, err := s.GrantRole(t.Context(), alice, g, w...)
		return err
	}
	later := s.Now().Add(24 * time.Hour)
	for name, test := range map[string]struct {
		err, want error
	}{
		"a user twice":                 {s.AddUser(t.Context(), alice, "BOB@example.com", ""), posture.ErrInvalid},
		"no address":                   {s.AddUser(t.Context(), alice, "bob", ""), posture.ErrInvalid},
		"disabling nobody":             {s.SetDisabled(t.Context(), alice, "eve@example.com", true, ""), posture.ErrNotFound},
		"a role nobody knows":          {grant(access.Grant{Role: "owner"}), posture.ErrInvalid},
		"a conflict":                   {grant(access.Grant{Role: access.Admin}), access.ErrRefused},
		"a waiver that ends nowhere":   {grant(access.Grant{Role: access.Admin}, access.WaiverOf("", access.Admin, access.Compliance, "two of us", time.Time{})), posture.ErrInvalid},
		"a waiver of another conflict": {grant(access.Grant{Role: access.Admin}, access.WaiverOf("", access.RuleLead, access.Compliance, "two of us", later)), access.ErrRefused},
		"an auditor without an end":    {grant(access.Grant{Role: access.Auditor, Audit: "2026"}), posture.ErrInvalid},
		"a revocation of no grant":     {s.RevokeRole(t.Context(), alice, 99, ""), posture.ErrNotFound},
		"a link for nobody":            {s.AddLink(t.Context(), alice, [32]byte{}, "eve@example.com", later), posture.ErrNotFound},
		"a role for somebody not there": {func() error {
			_, err := s.GrantRole(t.Context(), alice, access.Grant{User: "eve@example.com", Role: access.Viewer})
			return err
		}(), posture.ErrNotFound},
	} {
		if !errors.Is(test.err, test.want) {
			t.Errorf("%s: %v, want %v", name, test.err, test.want)
		}
	}
	refused, err := s.AuditLog(t.Context(), store.AuditFilter{Outcome: access.Refused, Action: access.GrantManage})
	if err != nil || len(refused) != 2 || refused[0].Object != "user/bob@example.com" || !strings.Contains(refused[0].Reason, "conflicts") {
		t.Errorf("the audit log has refusals %+v %v, want the two conflicts", refused, err)
	}
	if err := grant(access.Grant{Role: access.Admin}, access.WaiverOf("", access.Compliance, access.Admin, "two of us", later)); err != nil {
		t.Fatal(err)
	}
	h, err := s.Holder(t.Context(), "bob@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if got := roles(t, h, s.Now()); got != "[admin compliance_manager]" || len(h.Waivers) != 1 {
		t.Errorf("with a waiver the roles are %s, waivers %v", got, h.Waivers)
	}
	if got := roles(t, h, later); !strings.Contains(got, "not waived") {
		t.Errorf("after the waiver the roles are %s", got)
	}
	if err := s.RevokeRole(t.Context(), alice, h.Grants[0].ID, ""); err != nil {
		t.Fatal(err)
	}
	if err := s.RevokeRole(t.Context(), alice, h.Grants[0].ID, ""); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("revoking twice: %v", err)
	}
}

// Two grants that conflict only with each other, at the same time.
func TestConflictingGrantsAtOnce(t *testing.T) {
	s, _ := plumbtest.Store(t)
	for i := range 8 {
		email := fmt.Sprintf("u%d@example.com", i)
		user(t, s, email)
		var wait sync.WaitGroup
		for _, role := range []access.Role{access.Compliance, access.RuleLead} {
			wait.Go(func() {
				if _, err := s.GrantRole(t.Context(), alice, access.Grant{User: email, Role: role}); err != nil && !errors.Is(err, access.ErrRefused) {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if h, err := s.Holder(t.Context(), email); err != nil || len(h.Grants) != 1 {
			t.Errorf("%s has grants %v %v, want one", email, h.Grants, err)
		}
	}
}

func TestSignIn(t *testing.T) {
	s, _ := plumbtest.Store(t)
	user(t, s, "bob@example.com", access.OnCall)
	user(t, s, "off@example.com", access.OnCall)
	if err := s.SetDisabled(t.Context(), alice, "off@example.com", true, ""); err != nil {
		t.Fatal(err)
	}
	viewer := []access.Role{access.Viewer}
	for _, step := range []struct {
		fact string
		in   access.SignIn
		want string // roles, or part of the refusal
	}{
		{"roles of groups add to those granted", access.SignIn{Email: "bob@example.com", Subject: "idp 1", Name: "Bob", Groups: viewer}, "[on_call viewer]"},
		{"a group left is a role lost", access.SignIn{Email: "bob@example.com", Subject: "idp 1", Name: "Bob"}, "[on_call]"},
		{"an address taken over by another subject is nobody", access.SignIn{Email: "bob@example.com", Subject: "idp 2", Groups: viewer}, "somebody else"},
		{"groups suffice for somebody new", access.SignIn{Email: "new@example.com", Subject: "idp 3", Groups: viewer}, "[viewer]"},
		{"nobody comes in without a role", access.SignIn{Email: "none@example.com", Subject: "idp 4"}, "no role"},
		{"who is disabled stays out", access.SignIn{Email: "off@example.com", Subject: "idp 5", Groups: viewer}, "disabled"},
		{"conflicting groups cancel each other", access.SignIn{Email: "both@example.com", Subject: "idp 6", Groups: []access.Role{access.Admin, access.Compliance}}, "conflict"},
	} {
		actor, err := s.SignIn(t.Context(), step.in)
		got := fmt.Sprint(actor.Roles)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, step.want) || err != nil && !errors.Is(err, access.ErrRefused) {
			t.Errorf("%s: got %s, want %s", step.fact, got, step.want)
		}
		entries, err := s.AuditLog(t.Context(), store.AuditFilter{Action: access.SignedIn, Limit: 1})
		if err != nil || len(entries) != 1 {
			t.Fatal(entries, err)
		}
		if refused := strings.Contains(got, "refused"); (entries[0].Outcome == access.Refused) != refused || entries[0].Object != "user/"+step.in.Email {
			t.Errorf("%s: the audit log says %+v", step.fact, entries[0])
		}
	}
	list, err := s.Holders(t.Context(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	var emails []string
	for _, h := range list {
		emails = append(emails, h.Email)
	}
	if diff := cmp.Diff([]string{"bob@example.com", "new@example.com", "off@example.com"}, emails); diff != "" {
		t.Errorf("users differ (-want +got):\n%s", diff)
	}
}

func TestLinksWorkOnce(t *testing.T) {
	s, _ := plumbtest.Store(t)
	now := s.Now()
	add := func(n byte, email string, expires time.Time) {
		t.Helper()
		if err := s.AddLink(t.Context(), alice, [32]byte{n}, email, expires); err != nil {
			t.Fatal(err)
		}
	}
	add(1, "", now.Add(time.Hour))
	add(2, "", now.Add(time.Hour))
	if there, err := s.HasAdmin(t.Context()); there || err != nil {
		t.Fatalf("an administrator from the start: %v %v", there, err)
	}
	if _, err := s.UseLink(t.Context(), [32]byte{1}, access.SignIn{Email: "not an address"}); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("a mistyped address: %v", err)
	}

	// of two at the same time one becomes the administrator
	var wait sync.WaitGroup
	var won int
	var mu sync.Mutex
	for n := range 2 {
		wait.Go(func() {
			actor, err := s.UseLink(t.Context(), [32]byte{byte(n + 1)}, access.SignIn{Email: fmt.Sprintf("admin%d@example.com", n)})
			if err == nil && slices.Contains(actor.Roles, access.Admin) {
				mu.Lock()
				won++
				mu.Unlock()
			} else if !errors.Is(err, access.ErrRefused) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if there, err := s.HasAdmin(t.Context()); won != 1 || !there || err != nil {
		t.Errorf("%d became administrators; there is one: %v %v", won, there, err)
	}

	user(t, s, "bob@example.com", access.Viewer)
	add(3, "bob@example.com", now.Add(time.Hour))
	add(4, "bob@example.com", now.Add(-time.Second))
	add(5, "", now.Add(time.Hour))
	for _, step := range []struct {
		fact string
		n    byte
		ok   bool
	}{
		{"a link signs its user in", 3, true}, {"but once", 3, false}, {"an expired link does not", 4, false},
		{"nor one for the first administrator when there is one", 5, false}, {"nor one that never was", 9, false},
	} {
		actor, err := s.UseLink(t.Context(), [32]byte{step.n}, access.SignIn{Email: "eve@example.com"})
		if step.ok != (err == nil) || err == nil && actor.ID != "bob@example.com" || err != nil && !errors.Is(err, access.ErrRefused) {
			t.Errorf("%s: %v %v", step.fact, actor, err)
		}
	}
	if n, err := s.ForgetExpired(t.Context()); n != 1 || err != nil {
		t.Errorf("%d expired links and sessions removed %v, want 1", n, err)
	}
	if check := verify(t, s); check.Broken != 0 {
		t.Errorf("the audit log is broken: %+v", check)
	}
}

func TestSessionsThatEndedStayEnded(t *testing.T) {
	s, _ := plumbtest.Store(t)
	sessions, later := s.Sessions(), s.Now().Add(time.Hour)
	ctx := t.Context()
	step := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	step(sessions.CommitCtx(ctx, "a", []byte("1"), later))
	step(sessions.CommitCtx(ctx, "a", []byte("2"), later))
	if data, found, err := sessions.FindCtx(ctx, "a"); string(data) != "2" || !found || err != nil {
		t.Errorf("found %q %v %v, want 2", data, found, err)
	}
	step(sessions.DeleteCtx(ctx, "a"))
	step(sessions.CommitCtx(ctx, "a", []byte("3"), later)) // by a request that was under way
	if _, found, err := sessions.FindCtx(ctx, "a"); found || err != nil {
		t.Errorf("a session that ended is found %v", err)
	}
	step(sessions.CommitCtx(ctx, "old", []byte("1"), s.Now().Add(-time.Second)))
	if _, found, err := sessions.FindCtx(ctx, "old"); found || err != nil {
		t.Errorf("a session that expired is found %v", err)
	}
	if _, found, err := sessions.FindCtx(ctx, "never"); found || err != nil {
		t.Errorf("a session that never was is found %v", err)
	}
}
