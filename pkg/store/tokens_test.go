package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestTokens(t *testing.T) {
	s, url := plumbtest.Store(t)
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	now := start
	s.Now = func() time.Time { return now }
	user(t, s, "bob@example.com", access.OnCall, access.Viewer)
	secrets := map[string][32]byte{}
	var shown []string
	create := func(name string, roles ...access.Role) access.APIToken {
		t.Helper()
		secret, digest := access.NewSecret()
		token, err := s.CreateToken(t.Context(), alice, access.APIToken{Name: name, Owner: "bob@example.com", Roles: roles}, digest)
		if err != nil {
			t.Fatal(err)
		}
		secrets[name], shown = digest, append(shown, secret)
		return token
	}
	acts := func(name string) string {
		t.Helper()
		actor, err := s.TokenActor(t.Context(), secrets[name])
		if err != nil {
			if !errors.Is(err, access.ErrRefused) {
				t.Fatal(err)
			}
			return err.Error()
		}
		if actor.ID != "token:"+name || actor.Kind != access.Token || actor.Owner != "bob@example.com" {
			t.Errorf("the token acts as %+v", actor)
		}
		return fmt.Sprint(actor.Roles)
	}
	expect := func(fact, got, want string) {
		t.Helper()
		if !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", fact, got, want)
		}
	}

	token := create("ci", access.OnCall, access.Viewer)
	if want := start.Add(access.DefaultTokenLife); !token.Expires.Equal(want) {
		t.Errorf("it expires at %v, want %v", token.Expires, want)
	}
	create("read", access.Viewer)
	create("page", access.OnCall)
	expect("a token has its roles", acts("ci"), "[on_call viewer]")
	expect("a secret that never was is nobody", acts("never"), "unknown")

	now = now.Add(time.Hour)
	if err := s.RevokeToken(t.Context(), alice, "read", "leaked"); err != nil {
		t.Fatal(err)
	}
	expect("a revoked token is no good", acts("read"), "revoked")
	if err := s.RevokeToken(t.Context(), alice, "read", ""); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("revoking twice: %v", err)
	}
	if err := s.RevokeToken(t.Context(), alice, "no such", ""); !errors.Is(err, posture.ErrNotFound) {
		t.Errorf("revoking no token: %v", err)
	}
	list, err := s.Tokens(t.Context(), start)
	if err != nil || len(list) != 3 {
		t.Fatalf("got tokens %v %v, want 3", list, err)
	}
	if _, revoked := list[1].Revoked.Get(); revoked {
		t.Error("as of a time before, the token is revoked")
	}

	if err := s.RevokeRole(t.Context(), alice, 1, ""); err != nil { // on_call
		t.Fatal(err)
	}
	expect("what the owner lost the token lost", acts("ci"), "[viewer]")
	expect("and one with nothing left is no good", acts("page"), "no role that its owner still holds")
	if err := s.SetDisabled(t.Context(), alice, "bob@example.com", true, ""); err != nil {
		t.Fatal(err)
	}
	expect("nor is one of somebody disabled", acts("ci"), "disabled")
	if err := s.SetDisabled(t.Context(), alice, "bob@example.com", false, ""); err != nil {
		t.Fatal(err)
	}
	now = token.Expires
	expect("nor an expired one", acts("ci"), "expired")
	now = now.Add(-time.Microsecond)
	expect("until then it is", acts("ci"), "[viewer]")

	for name, test := range map[string]struct {
		token access.APIToken
		want  error
	}{
		"a name twice":                    {access.APIToken{Name: "read"}, posture.ErrInvalid},
		"a role that the owner lacks":     {access.APIToken{Name: "a", Roles: []access.Role{access.Admin}}, access.ErrRefused},
		"longer than a year":              {access.APIToken{Name: "a", Expires: now.Add(access.MaxTokenLife + time.Second)}, posture.ErrInvalid},
		"an owner whom nobody knows":      {access.APIToken{Name: "a", Owner: "eve@example.com"}, posture.ErrNotFound},
		"an expiry that lies in the past": {access.APIToken{Name: "a", Expires: now.Add(-time.Second)}, posture.ErrInvalid},
	} {
		if test.token.Owner == "" {
			test.token.Owner = "bob@example.com"
		}
		if test.token.Roles == nil {
			test.token.Roles = []access.Role{access.Viewer}
		}
		_, digest := access.NewSecret()
		if _, err := s.CreateToken(t.Context(), alice, test.token, digest); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}

	// no secret is in the database
	conn := connect(t, url)
	for _, table := range []string{"tokens", "audit_log", "signin_links", "log_records"} {
		rows, err := conn.Query(t.Context(), "SELECT t::text FROM "+table+" t")
		if err != nil {
			t.Fatal(err)
		}
		texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			for _, secret := range shown {
				if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
					t.Errorf("%s holds a secret: %s", table, text)
				}
			}
		}
	}
}
