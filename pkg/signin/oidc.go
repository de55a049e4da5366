package signin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/config"
)

// provider is the identity provider, found when it is first needed.
type provider struct {
	mu    sync.Mutex
	found *oidc.Provider
}

var client = &http.Client{Timeout: 10 * time.Second}

func (p *provider) get(ctx context.Context, issuer string) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found == nil {
		found, err := oidc.NewProvider(ctx, issuer)
		if err != nil {
			return nil, fmt.Errorf("ask identity provider %s for its description: %w", issuer, err)
		}
		p.found = found
	}
	return p.found, nil
}

// pending is a sign-in that has gone to the identity provider and not come back.
type pending struct {
	State, Nonce, Verifier, Next string
	Begun                        time.Time
}

// patience is how long somebody may take at the identity provider.
const patience = 10 * time.Minute

func (s *Server) flow(ctx context.Context) (*oauth2.Config, *oidc.Provider, error) {
	p, err := s.provider.get(ctx, s.OIDC.Issuer)
	if err != nil {
		return nil, nil, err
	}
	return &oauth2.Config{
		ClientID: s.OIDC.ClientID, ClientSecret: string(s.OIDC.ClientSecret), Endpoint: p.Endpoint(),
		RedirectURL: strings.TrimSuffix(s.URL, "/") + "/signin/callback", Scopes: []string{oidc.ScopeOpenID, "email", "profile"},
	}, p, nil
}

// begin serves GET /signin: off to the identity provider.
func (s *Server) begin(w http.ResponseWriter, r *http.Request) {
	if !s.limit(w, r, s.attempts) {
		return
	}
	if s.OIDC == nil {
		page(w, http.StatusOK, "Sign in", "<p>No identity provider is set up. Ask whoever runs Plumbline for a sign-in link: <code>plumbline users link</code>.</p>")
		return
	}
	ctx := oidc.ClientContext(r.Context(), client)
	flow, _, err := s.flow(ctx)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p := pending{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: local(r.FormValue("next")), Begun: s.Now()}
	data, err := json.Marshal(p)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.sessions.Put(ctx, keyPending, data)
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, flow.AuthCodeURL(p.State, oidc.Nonce(p.Nonce), oauth2.S256ChallengeOption(p.Verifier)), http.StatusSeeOther)
}

// finish serves GET /signin/callback: back from the identity provider.
func (s *Server) finish(w http.ResponseWriter, r *http.Request) {
	if !s.limit(w, r, s.attempts) {
		return
	}
	if s.OIDC == nil {
		http.NotFound(w, r)
		return
	}
	ctx := oidc.ClientContext(r.Context(), client)
	var p pending
	_ = json.Unmarshal(s.sessions.PopBytes(ctx, keyPending), &p) // what is no sign-in under way stays empty, and is refused
	in, err := s.exchange(ctx, p, r.URL.Query())
	if errors.Is(err, access.ErrRefused) {
		actor := access.Actor{ID: in.Email, Kind: access.Person, Address: callerOf(ctx).address}
		e := access.Entry{Actor: actor, Action: access.SignedIn, Object: "identity provider", Reason: err.Error()}
		if writeErr := s.refuse(ctx, e); writeErr != nil {
			s.fail(w, r, writeErr)
			return
		}
		s.showRefusal(w, err)
		return
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.enter(w, r, in, p.Next, func(in access.SignIn) (access.Actor, error) { return s.Store.SignIn(ctx, in) })
}

// exchange turns the answer of the identity provider into who came. What does not fit is access.ErrRefused.
func (s *Server) exchange(ctx context.Context, p pending, answer url.Values) (in access.SignIn, err error) {
	refused := func(text string, args ...any) (access.SignIn, error) {
		return in, fmt.Errorf("%w: %s", access.ErrRefused, fmt.Sprintf(text, args...))
	}
	switch {
	case p.State == "":
		return refused("no sign-in was begun in this browser")
	case s.Now().Sub(p.Begun) > patience:
		return refused("the sign-in took longer than %s", patience)
	case subtle.ConstantTimeCompare([]byte(answer.Get("state")), []byte(p.State)) != 1:
		return refused("the answer belongs to another sign-in")
	case answer.Get("error") != "":
		return refused("the identity provider said %q", answer.Get("error"))
	}
	flow, idp, err := s.flow(ctx)
	if err != nil {
		return in, err
	}
	token, err := flow.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(p.Verifier))
	var no *oauth2.RetrieveError
	if errors.As(err, &no) && no.Response.StatusCode < http.StatusInternalServerError {
		return refused("the identity provider does not take the code: %s", no.ErrorCode)
	}
	if err != nil {
		return in, fmt.Errorf("exchange code at identity provider: %w", err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := idp.VerifierContext(ctx, &oidc.Config{ClientID: s.OIDC.ClientID, Now: s.Now}).Verify(ctx, raw)
	if err != nil {
		return refused("the id token does not hold: %v", err)
	}
	if p.Nonce == "" || subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(p.Nonce)) != 1 {
		return refused("the id token was made for another sign-in")
	}
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return refused("the id token's claims: %v", err)
	}
	text, _ := claims["email"].(string)
	if in.Email, err = access.Email(text); err != nil {
		return refused("the identity provider gives no e-mail address: %v", err)
	}
	if verified, said := claims["email_verified"]; said && verified != true && verified != "true" {
		return refused("the identity provider has not verified %s", in.Email)
	}
	in.Name, _ = claims["name"].(string)
	in.Subject = id.Issuer + " " + id.Subject
	in.Groups = roles(s.OIDC, claims)
	in.MFA = slices.Contains(texts(claims["amr"]), "mfa") // RFC 8176
	return in, nil
}

// roles are those that the groups among the claims stand for.
func roles(o *config.OIDC, claims map[string]any) (out []access.Role) {
	groups := texts(claims[o.GroupsClaim])
	for role, of := range o.Roles {
		if slices.ContainsFunc(of, func(g string) bool { return slices.Contains(groups, g) }) {
			out = append(out, access.Role(role))
		}
	}
	slices.Sort(out)
	return out
}

// texts reads a claim that is a string or a list of them.
func texts(claim any) (out []string) {
	switch c := claim.(type) {
	case string:
		return []string{c}
	case []any:
		for _, e := range c {
			if text, ok := e.(string); ok {
				out = append(out, text)
			}
		}
	}
	return out
}

// local is where to go after signing in: a path of this service, or its first page.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}
