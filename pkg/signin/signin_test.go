package signin_test

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/config"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/signin"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func TestMain(m *testing.M) { plumbtest.Main(m) }

var alice = access.Actor{ID: "alice@example.com", Kind: access.Person}

// service is the server under test with its store, whose clock moves by hand.
type service struct {
	t     *testing.T
	store *store.Store
	sign  *signin.Server
	url   string
	ahead atomic.Int64
}

func start(t *testing.T, o *config.OIDC, wraps ...func(signin.Store) signin.Store) *service {
	t.Helper()
	db, _ := plumbtest.Store(t)
	return startOn(t, db, o, wraps...)
}

func startOn(t *testing.T, db *store.Store, o *config.OIDC, wraps ...func(signin.Store) signin.Store) *service {
	t.Helper()
	s := &service{t: t, store: db}
	now := func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }
	s.store.Now = now
	server := httptest.NewUnstartedServer(nil)
	s.url = "http://" + server.Listener.Addr().String()
	var kept signin.Store = s.store
	for _, wrap := range wraps {
		kept = wrap(kept)
	}
	var err error
	s.sign, err = signin.New(signin.Options{URL: s.url, OIDC: o, Lifetime: 12 * time.Hour, Store: kept, Sessions: s.store.Sessions(),
		Log: slog.New(slog.DiscardHandler), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	s.sign.Routes(mux)
	mux.HandleFunc("/whoami", func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(signin.ActorOf(r.Context()))
	})
	mux.Handle("/inside", s.sign.Require(http.NotFoundHandler()))
	mux.HandleFunc("/account/{account}", func(w http.ResponseWriter, r *http.Request) {
		if err := s.sign.Allow(r.Context(), access.PostureRead, r.PathValue("account"), ""); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	})
	server.Config.Handler = s.sign.Middleware(mux)
	server.Start()
	t.Cleanup(server.Close)
	return s
}

func (s *service) user(email string, grants ...access.Grant) {
	s.t.Helper()
	if err := s.store.AddUser(s.t.Context(), alice, email, ""); err != nil {
		s.t.Fatal(err)
	}
	for _, g := range grants {
		g.User = email
		if _, err := s.store.GrantRole(s.t.Context(), alice, g); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *service) token(t access.APIToken) string {
	s.t.Helper()
	secret, digest := access.NewSecret()
	if _, err := s.store.CreateToken(s.t.Context(), alice, t, digest); err != nil {
		s.t.Fatal(err)
	}
	return secret
}

// refusals are the refused attempts of the audit log, newest first.
func (s *service) refusals() []access.Entry {
	s.t.Helper()
	list, err := s.store.AuditLog(s.t.Context(), store.AuditFilter{Outcome: access.Refused})
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// browser follows no redirect by itself.
type browser struct {
	*http.Client
	s *service
}

func (s *service) browser() *browser {
	jar, _ := cookiejar.New(nil)
	return &browser{&http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, s}
}

type answer struct {
	status         int
	body, location string
	*http.Response
}

func (b *browser) send(method, at string, form url.Values, header ...string) answer {
	b.s.t.Helper()
	if strings.HasPrefix(at, "/") {
		at = b.s.url + at
	}
	r, err := http.NewRequestWithContext(b.s.t.Context(), method, at, strings.NewReader(form.Encode()))
	if err != nil {
		b.s.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	response, err := b.Do(r)
	if err != nil {
		b.s.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.s.t.Fatal(err)
	}
	return answer{response.StatusCode, string(body), response.Header.Get("Location"), response}
}

func (b *browser) get(at string) answer { b.s.t.Helper(); return b.send(http.MethodGet, at, nil) }

// who is the actor that the service takes the browser for.
func (b *browser) who(header ...string) (actor access.Actor) {
	b.s.t.Helper()
	a := b.send(http.MethodGet, "/whoami", nil, header...)
	if err := json.Unmarshal([]byte(a.body), &actor); err != nil {
		b.s.t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
	return actor
}

func (b *browser) cookie() string {
	at, _ := url.Parse(b.s.url)
	for _, c := range b.Jar.Cookies(at) {
		return c.Value
	}
	return ""
}

// leave begins a sign-in and, at the provider, signs in as the subject; it returns the address that leads back. change may change
// the request to the provider.
func (b *browser) leave(form url.Values, change func(url.Values)) string {
	b.s.t.Helper()
	a := b.get("/signin?next=/account/aws:1%3Fx=y")
	at, err := url.Parse(a.location)
	if err != nil || a.status != http.StatusSeeOther {
		b.s.t.Fatalf("beginning to sign in: %d %s %v", a.status, a.body, err)
	}
	q := at.Query()
	if change != nil {
		change(q)
	}
	at.RawQuery = q.Encode()
	a = b.send(http.MethodPost, at.String(), form)
	if a.location == "" {
		b.s.t.Fatalf("the provider answers %d %s", a.status, a.body)
	}
	return a.location
}

func (b *browser) signIn(subject string) answer {
	b.s.t.Helper()
	return b.get(b.leave(url.Values{"sub": {subject}}, nil))
}

// idp is an OpenID Connect provider that is not ours, behind a proxy that remembers what it was sent.
type idp struct {
	*config.OIDC
	t      *testing.T
	mu     sync.Mutex
	tokens []url.Values // requests for tokens
}

// startProvider runs the provider from PyPI until the test ends.
func startProvider(t *testing.T) *idp {
	program := cmp.Or(os.Getenv("PLUMBLINE_OIDC"), filepath.Join("..", "..", ".venv", "bin", "oidc-provider-mock"))
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("no OpenID Connect provider: run make venv first, or set PLUMBLINE_OIDC")
		}
		t.Skip("no OpenID Connect provider: run make venv, or set PLUMBLINE_OIDC")
	}
	server := exec.CommandContext(t.Context(), program, "--host", "127.0.0.1", "--port", "0", "--token-max-age", "60")
	output, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	log := make(chan struct{})
	t.Cleanup(func() { // the server is killed before
		<-log
		_ = server.Wait()
	})
	found := make(chan string, 1)
	go func() {
		defer close(log)
		defer close(found)
		for lines := bufio.NewScanner(output); lines.Scan(); {
			if _, at, running := strings.Cut(lines.Text(), "running on "); running {
				at, _, _ = strings.Cut(at, " ")
				found <- strings.Trim(at, `"`)
				break
			}
		}
		_, _ = io.Copy(io.Discard, output)
	}()
	at, running := <-found
	target, err := url.Parse(at)
	if !running || err != nil {
		t.Fatalf("the provider did not start: %q %v", at, err)
	}
	p := &idp{t: t}
	proxy := httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // it calls itself by the name that it is called
	}}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/oauth2/token" {
			body, _ := io.ReadAll(r.Body)
			form, _ := url.ParseQuery(string(body))
			p.mu.Lock()
			p.tokens = append(p.tokens, form)
			p.mu.Unlock()
			r.Body = io.NopCloser(strings.NewReader(string(body)))
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	p.OIDC = &config.OIDC{Issuer: front.URL, ClientID: "plumbline", ClientSecret: "s3cret", GroupsClaim: "groups",
		Roles: map[string][]string{"viewer": {"staff", "everyone"}, "on_call": {"sre"}, "compliance_manager": {"compliance"}, "admin": {"admins"}}}
	return p
}

// knows gives a subject claims.
func (p *idp) knows(subject string, claims map[string]any) {
	p.t.Helper()
	body, err := json.Marshal(claims)
	if err != nil {
		p.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPut, p.Issuer+"/users/"+subject, strings.NewReader(string(body)))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil || response.StatusCode != http.StatusNoContent {
		p.t.Fatalf("the provider does not take a user: %v %v", response, err)
	}
	response.Body.Close()
}

func TestSignInThroughAProvider(t *testing.T) {
	p := startProvider(t)
	p.knows("1", map[string]any{"email": "Bob@Example.com", "email_verified": true, "name": "Bob", "groups": []string{"sre", "everyone", "choir"}})
	s := start(t, p.OIDC)
	b := s.browser()
	var challenge string
	back := b.leave(url.Values{"sub": {"1"}}, func(q url.Values) {
		challenge = q.Get("code_challenge")
		if q.Get("code_challenge_method") != "S256" || len(q.Get("state")) < 20 || len(q.Get("nonce")) < 20 || q.Get("scope") != "openid email profile" {
			t.Errorf("the provider is asked %v", q)
		}
	})
	before := b.cookie()
	if who := b.who(); who.ID != "" {
		t.Errorf("signed in as %v before coming back", who)
	}
	a := b.get(back)
	if a.status != http.StatusSeeOther || a.location != "/account/aws:1?x=y" {
		t.Errorf("after signing in: %d to %q: %s", a.status, a.location, a.body)
	}
	who := b.who()
	if who.ID != "bob@example.com" || who.Kind != access.Person || fmt.Sprint(who.Roles) != "[on_call viewer]" || who.Session == "" || who.Address != "127.0.0.1" {
		t.Errorf("signed in as %+v", who)
	}
	verifier := sha256.Sum256([]byte(p.tokens[0].Get("code_verifier")))
	if got := base64.RawURLEncoding.EncodeToString(verifier[:]); got != challenge || challenge == "" {
		t.Errorf("the verifier sent belongs to challenge %q, want %q", got, challenge)
	}
	after := b.cookie()
	if before == "" || before == after {
		t.Errorf("the session was %q before and is %q after signing in: whoever planted it is in as well", before, after)
	}
	if who := s.browser().who("Cookie", "plumbline="+before); who.ID != "" {
		t.Errorf("the session from before signing in belongs to %v", who)
	}
	entries, err := s.store.AuditLog(t.Context(), store.AuditFilter{Action: access.SignedIn})
	if err != nil || len(entries) != 1 {
		t.Fatalf("entries %v %v, want one", entries, err)
	}
	if e := entries[0]; e.Outcome != access.Done || e.Actor.ID != who.ID || e.Actor.Session != who.Session || e.Actor.Address != "127.0.0.1" || e.Request == "" || strings.Contains(after, e.Actor.Session) {
		t.Errorf("the audit log says %+v", e)
	}
	if again := b.get(back); again.status != http.StatusForbidden { // the way back, a second time
		t.Errorf("coming back twice: %d", again.status)
	}

	// what happens elsewhere counts at the next request
	if err := s.store.SetDisabled(t.Context(), alice, "bob@example.com", true, "left"); err != nil {
		t.Fatal(err)
	}
	if who := b.who(); who.ID != "" {
		t.Errorf("somebody disabled is still %v", who)
	}
	if err := s.store.SetDisabled(t.Context(), alice, "bob@example.com", false, ""); err != nil {
		t.Fatal(err)
	}
	if who := b.who(); who.ID != "" {
		t.Errorf("the session came back as %v", who)
	}
	if b.signIn("1"); b.who().ID != "bob@example.com" {
		t.Error("cannot sign in again")
	}

	a = b.send(http.MethodPost, "/signout", url.Values{})
	if who := b.who(); a.status != http.StatusOK || who.ID != "" {
		t.Errorf("signing out: %d, and is %v", a.status, who)
	}
	entries, err = s.store.AuditLog(t.Context(), store.AuditFilter{Action: access.SignedOut})
	if err != nil || len(entries) != 1 || entries[0].Actor.ID != "bob@example.com" {
		t.Errorf("entries of signing out: %v %v", entries, err)
	}
}

func TestSignInsThatAreRefused(t *testing.T) {
	p := startProvider(t)
	staff := []string{"staff"}
	p.knows("bob", map[string]any{"email": "bob@example.com", "groups": staff})
	p.knows("imposter", map[string]any{"email": "bob@example.com", "groups": []string{"admins"}})
	p.knows("unverified", map[string]any{"email": "new@example.com", "email_verified": false, "groups": staff})
	p.knows("none", map[string]any{"email": "none@example.com", "groups": []string{"choir"}})
	p.knows("silent", map[string]any{"email": "silent@example.com"})
	p.knows("nameless", map[string]any{"groups": staff})
	p.knows("both", map[string]any{"email": "both@example.com", "groups": []string{"admins", "compliance"}})
	sub := func(name string) url.Values { return url.Values{"sub": {name}} }
	edit := func(at, key, value string) string {
		u, _ := url.Parse(at)
		q := u.Query()
		q.Set(key, value)
		u.RawQuery = q.Encode()
		return u.String()
	}
	db, _ := plumbtest.Store(t)
	for name, test := range map[string]struct {
		attempt func(s *service, b *browser) answer
		want    string
	}{
		"a wrong state": {func(s *service, b *browser) answer { return b.get(edit(b.leave(sub("bob"), nil), "state", "x")) }, "another sign-in"},
		"no state":      {func(s *service, b *browser) answer { return b.get(edit(b.leave(sub("bob"), nil), "state", "")) }, "another sign-in"},
		"a state of one's own that another browser began": {func(s *service, b *browser) answer { return s.browser().get(b.leave(sub("bob"), nil)) }, "no sign-in was begun"},
		"a token for another nonce": {func(s *service, b *browser) answer {
			return b.get(b.leave(sub("bob"), func(q url.Values) { q.Set("nonce", "replayed") }))
		}, "another sign-in"},
		"a token without nonce": {func(s *service, b *browser) answer {
			return b.get(b.leave(sub("bob"), func(q url.Values) { q.Del("nonce") }))
		}, "another sign-in"},
		"a code that never was": {func(s *service, b *browser) answer { return b.get(edit(b.leave(sub("bob"), nil), "code", "x")) }, "invalid_grant"},
		"a code that is used up": {func(s *service, b *browser) answer {
			back := b.leave(sub("bob"), nil)
			u, _ := url.Parse(back)
			a := b.send(http.MethodPost, p.Issuer+"/oauth2/token", url.Values{"grant_type": {"authorization_code"}, "code": {u.Query().Get("code")},
				"redirect_uri": {s.url + "/signin/callback"}, "client_id": {"plumbline"}, "client_secret": {"s3cret"}})
			if a.status != http.StatusOK {
				s.t.Fatalf("the code was no good from the start: %s", a.body)
			}
			return b.get(back)
		}, "invalid_grant"},
		"somebody who says no": {func(s *service, b *browser) answer {
			return b.get(edit(b.leave(url.Values{"action": {"deny"}}, nil), "state", stateOf(b)))
		}, "access_denied"},
		"an id token that has expired": {func(s *service, b *browser) answer {
			back := b.leave(sub("bob"), nil)
			s.ahead.Store(int64(2 * time.Minute))
			return b.get(back)
		}, "expired"},
		"a sign-in that took too long": {func(s *service, b *browser) answer {
			back := b.leave(sub("bob"), nil)
			s.ahead.Store(int64(11 * time.Minute))
			return b.get(back)
		}, "longer than"},
		"groups that stand for no role":   {func(s *service, b *browser) answer { return b.signIn("none") }, "no role"},
		"no groups":                       {func(s *service, b *browser) answer { return b.signIn("silent") }, "no role"},
		"no address":                      {func(s *service, b *browser) answer { return b.signIn("nameless") }, "no e-mail"},
		"an address that nobody verified": {func(s *service, b *browser) answer { return b.signIn("unverified") }, "not verified"},
		"conflicting groups":              {func(s *service, b *browser) answer { return b.signIn("both") }, "conflict"},
		"another subject with a known address": {func(s *service, b *browser) answer {
			if s.browser().signIn("bob").status != http.StatusSeeOther {
				s.t.Fatal("the first subject cannot sign in")
			}
			return b.signIn("imposter")
		}, "somebody else"},
	} {
		t.Run(name, func(t *testing.T) {
			s := startOn(t, db, p.OIDC) // with nobody's attempts counted yet
			before, b := len(s.refusals()), s.browser()
			a := test.attempt(s, b)
			if a.status != http.StatusForbidden || !strings.Contains(a.body, test.want) {
				t.Errorf("got %d %s, want 403 with %q", a.status, a.body, test.want)
			}
			if who := b.who(); who.ID != "" {
				t.Errorf("signed in as %v", who)
			}
			if list := s.refusals(); len(list) != before+1 || !strings.Contains(list[0].Reason, test.want) || list[0].Action != access.SignedIn || list[0].Actor.Address == "" {
				t.Errorf("refusals in the audit log: %+v", list)
			}
		})
	}
}

// stateOf begins a new sign-in and returns its state.
func stateOf(b *browser) string {
	u, _ := url.Parse(b.get("/signin").location)
	return u.Query().Get("state")
}

func TestProviderOutOfReach(t *testing.T) {
	s := start(t, &config.OIDC{Issuer: "http://127.0.0.1:1", ClientID: "x"})
	a := s.browser().get("/signin")
	if a.status != http.StatusInternalServerError || strings.Contains(a.body, "127.0.0.1") || !strings.Contains(a.body, a.Header.Get("Request-Id")) {
		t.Errorf("got %d %s, want 500 without details and with the request's name", a.status, a.body)
	}
}

func TestGroupsThatStandForWhatTheyCannot(t *testing.T) {
	for _, role := range []string{"auditor", "collector", "owner"} {
		_, err := signin.New(signin.Options{URL: "https://plumbline.example.com", OIDC: &config.OIDC{Roles: map[string][]string{role: {"x"}}}})
		if !errors.Is(err, posture.ErrInvalid) || !strings.Contains(err.Error(), role) {
			t.Errorf("groups for %s: %v, want ErrInvalid", role, err)
		}
	}
	if _, err := signin.New(signin.Options{URL: "plumbline"}); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("a URL without a host: %v", err)
	}
}

// An auditor comes with several factors, sees one audit, and every view is in the audit log.
func TestAuditorsAreWatched(t *testing.T) {
	p := startProvider(t)
	p.knows("eve", map[string]any{"email": "eve@firm.example", "amr": []string{"pwd"}})
	s := start(t, p.OIDC)
	s.user("eve@firm.example", access.Grant{Role: access.Auditor, Audit: "2026", MFA: true, Until: posture.Some(time.Now().Add(24 * time.Hour))})
	b := s.browser()
	if a := b.signIn("eve"); a.status != http.StatusForbidden || !strings.Contains(a.body, "several factors") {
		t.Errorf("with a password alone: %d %s", a.status, a.body)
	}
	p.knows("eve", map[string]any{"email": "eve@firm.example", "amr": []string{"pwd", "mfa"}})
	if a := b.signIn("eve"); a.status != http.StatusSeeOther {
		t.Fatalf("with several factors: %d %s", a.status, a.body)
	}
	if who := b.who(); who.Audit != "2026" || fmt.Sprint(who.Roles) != "[auditor]" {
		t.Errorf("signed in as %+v", who)
	}
	b.get("/whoami?page=2")
	views, err := s.store.AuditLog(t.Context(), store.AuditFilter{Action: access.AuditRead})
	if err != nil || len(views) != 2 || views[0].Reason != "GET /whoami?page=2" || views[0].Actor.ID != "eve@firm.example" || views[0].Object != "audit/2026" {
		t.Errorf("views in the audit log: %+v %v", views, err)
	}
	s.ahead.Store(int64(25 * time.Hour))
	if who := b.who(); who.ID != "" {
		t.Errorf("after the end of the audit: %+v", who)
	}
}

func TestFirstAdministrator(t *testing.T) {
	s := start(t, nil)
	link, err := s.sign.FirstAdminLink(t.Context())
	if err != nil || !strings.HasPrefix(link, s.url+"/signin/link?token=plb_") {
		t.Fatalf("link %q %v", link, err)
	}
	other, err := s.sign.FirstAdminLink(t.Context())
	if err != nil || other == link {
		t.Fatalf("another link %q %v", other, err)
	}
	u, _ := url.Parse(link)
	form := func(token string) url.Values { return url.Values{"token": {token}, "email": {"root@example.com"}} }
	b := s.browser()
	for range 2 { // looking uses nothing up
		if a := b.get(link); a.status != http.StatusOK || !strings.Contains(a.body, `name="email"`) || a.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("the link shows %d %s", a.status, a.body)
		}
	}
	if a := b.send(http.MethodPost, "/signin/link", url.Values{"token": {u.Query().Get("token")}, "email": {"root"}}); a.status != http.StatusBadRequest {
		t.Errorf("a mistyped address: %d %s", a.status, a.body)
	}
	if a := b.send(http.MethodPost, "/signin/link", form(u.Query().Get("token"))); a.status != http.StatusSeeOther {
		t.Fatalf("signing in: %d %s", a.status, a.body)
	}
	if who := b.who(); who.ID != "root@example.com" || fmt.Sprint(who.Roles) != "[admin]" {
		t.Errorf("signed in as %+v", who)
	}
	o, _ := url.Parse(other)
	for fact, token := range map[string]string{"a used link": u.Query().Get("token"), "the other link, now that there is an administrator": o.Query().Get("token"), "no link": "plb_x"} {
		b := s.browser()
		if a := b.send(http.MethodPost, "/signin/link", form(token)); a.status != http.StatusForbidden || b.who().ID != "" {
			t.Errorf("%s: %d %s, and is %v", fact, a.status, a.body, b.who())
		}
	}
	if len(s.refusals()) != 3 {
		t.Errorf("refusals in the audit log: %+v, want 3", s.refusals())
	}
	if link, err := s.sign.FirstAdminLink(t.Context()); link != "" || err != nil {
		t.Errorf("with an administrator there is still a link: %q %v", link, err)
	}
	if a := b.get(`/signin/link?token="><script>`); strings.Contains(a.body, "<script>") {
		t.Errorf("the page repeats what it is given: %s", a.body)
	}
}

// link is the secret of a sign-in link.
func (s *service) link(email string) string {
	s.t.Helper()
	secret, digest := access.NewSecret()
	if err := s.store.AddLink(s.t.Context(), alice, digest, email, s.store.Now().Add(time.Hour)); err != nil {
		s.t.Fatal(err)
	}
	return secret
}

// signedIn is a browser that has signed in by a link.
func (s *service) signedIn(email string) *browser {
	s.t.Helper()
	b := s.browser()
	if a := b.send(http.MethodPost, "/signin/link", url.Values{"token": {s.link(email)}}); a.status != http.StatusSeeOther {
		s.t.Fatalf("signing in by a link: %d %s", a.status, a.body)
	}
	return b
}

func TestSessionsEnd(t *testing.T) {
	s := start(t, nil)
	s.user("bob@example.com", access.Grant{Role: access.Viewer})
	b := s.signedIn("bob@example.com")
	s.ahead.Store(int64(59 * time.Minute))
	if who := b.who(); who.ID == "" {
		t.Error("a session at rest for 59 minutes has ended")
	}
	s.ahead.Store(int64(61 * time.Minute))
	if who := b.who(); who.ID != "" {
		t.Errorf("a session at rest for 61 minutes is %v", who)
	}
}

func TestCookies(t *testing.T) {
	s := start(t, nil)
	s.user("bob@example.com", access.Grant{Role: access.Viewer})
	for base, secure := range map[string]bool{"https://plumbline.example.com": true, "http://127.0.0.1:8080": false} {
		sign, err := signin.New(signin.Options{URL: base, Lifetime: time.Hour, Store: s.store, Sessions: s.store.Sessions(), Log: slog.New(slog.DiscardHandler), Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		mux := http.NewServeMux()
		sign.Routes(mux)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, base+"/signin/link", strings.NewReader("token="+s.link("bob@example.com")))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		sign.Middleware(mux).ServeHTTP(w, r)
		cookies := w.Result().Cookies()
		if len(cookies) != 1 {
			t.Fatalf("%s: cookies %v, answer %d %s", base, cookies, w.Code, w.Body)
		}
		c := cookies[0]
		if c.Secure != secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || strings.HasPrefix(c.Name, "__Host-") != secure {
			t.Errorf("%s: cookie %v", base, c)
		}
	}
}

func TestRequestsFromOtherSites(t *testing.T) {
	s := start(t, nil)
	s.user("bob@example.com", access.Grant{Role: access.Viewer})
	b := s.signedIn("bob@example.com")
	for fact, header := range map[string][]string{"says the browser": {"Sec-Fetch-Site", "cross-site"}, "says its origin": {"Origin", "https://evil.example"}} {
		before := len(s.refusals())
		if a := b.send(http.MethodPost, "/signout", url.Values{}, header...); a.status != http.StatusForbidden || b.who().ID == "" {
			t.Errorf("another site, %s: %d, and is %v", fact, a.status, b.who())
		}
		if list := s.refusals(); len(list) != before+1 || list[0].Actor.ID != "bob@example.com" || list[0].Object != "POST /signout" {
			t.Errorf("another site, %s: refusals in the audit log %+v", fact, list)
		}
	}
	if a := b.send(http.MethodGet, "/whoami", nil, "Sec-Fetch-Site", "cross-site"); a.status != http.StatusOK {
		t.Errorf("following a link from another site: %d", a.status)
	}
	if a := b.send(http.MethodPost, "/signout", url.Values{}, "Sec-Fetch-Site", "same-origin"); a.status != http.StatusOK || b.who().ID != "" {
		t.Errorf("one's own site: %d, and is %v", a.status, b.who())
	}
}

func TestAPITokens(t *testing.T) {
	s := start(t, nil)
	s.user("bob@example.com", access.Grant{Role: access.Viewer}, access.Grant{Role: access.OnCall})
	good := s.token(access.APIToken{Name: "ci", Owner: "bob@example.com", Roles: []access.Role{access.Viewer}, Scopes: []string{"aws:1*"}})
	soon := s.token(access.APIToken{Name: "soon", Owner: "bob@example.com", Roles: []access.Role{access.Viewer}, Expires: time.Now().Add(time.Minute)})
	gone := s.token(access.APIToken{Name: "gone", Owner: "bob@example.com", Roles: []access.Role{access.Viewer}})
	if err := s.store.RevokeToken(t.Context(), alice, "gone", "leaked"); err != nil {
		t.Fatal(err)
	}
	never, _ := access.NewSecret()
	b := s.signedIn("bob@example.com")
	bearer := func(secret string) []string { return []string{"Authorization", "Bearer " + secret} }
	if who := b.who(bearer(good)...); who.ID != "token:ci" || who.Owner != "bob@example.com" || who.Kind != access.Token || fmt.Sprint(who.Roles, who.Scopes) != "[viewer] [aws:1*]" || who.Address == "" {
		t.Errorf("the token acts as %+v, with a cookie besides", who)
	}
	for fact, test := range map[string]struct {
		header []string
		path   string
		ahead  time.Duration
		status int
	}{
		"a token within its accounts":     {bearer(good), "/account/aws:111122223333", 0, 200},
		"a token outside its accounts":    {bearer(good), "/account/aws:222233334444", 0, 403},
		"a token for everything":          {bearer(soon), "/account/aws:222233334444", 0, 200},
		"an expired token":                {bearer(soon), "/account/aws:222233334444", time.Hour, 401},
		"a revoked token":                 {bearer(gone), "/account/aws:1", 0, 401},
		"a token that never was":          {bearer(never), "/account/aws:1", 0, 401},
		"a token cut short":               {bearer(good[:len(good)-1]), "/account/aws:1", 0, 401},
		"a token with one letter changed": {bearer(good[:10] + flip(good[10]) + good[11:]), "/account/aws:1", 0, 401},
		"an empty token":                  {bearer(""), "/account/aws:1", 0, 401},
		"a password":                      {[]string{"Authorization", "Basic Ym9iOmJvYg=="}, "/account/aws:1", 0, 401},
		"two tokens":                      {append(bearer(good), bearer(never)...), "/account/aws:1", 0, 401},
		"nobody":                          {nil, "/account/aws:1", 0, 403},
	} {
		t.Run(fact, func(t *testing.T) {
			s.ahead.Store(int64(test.ahead))
			defer s.ahead.Store(0)
			before := len(s.refusals())
			a := s.browser().send(http.MethodGet, test.path, nil, test.header...)
			if a.status != test.status {
				t.Errorf("got %d %s, want %d", a.status, a.body, test.status)
			}
			if refused := len(s.refusals()) - before; (refused == 1) != (test.status != 200) {
				t.Errorf("%d refusals in the audit log", refused)
			}
			if test.status == 401 && !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("WWW-Authenticate: %q", a.Header.Get("WWW-Authenticate"))
			}
			for _, e := range s.refusals() {
				if strings.Contains(fmt.Sprint(e), never) || strings.Contains(fmt.Sprint(e), good[:len(good)-1]) {
					t.Errorf("the audit log holds a secret: %+v", e)
				}
			}
		})
	}
	if a := s.browser().send(http.MethodPost, "/signout", url.Values{}, append(bearer(good), "Sec-Fetch-Site", "cross-site")...); a.status != http.StatusOK {
		t.Errorf("what bears a token is no browser's doing, but got %d", a.status)
	}
}

func flip(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

func TestRequire(t *testing.T) {
	s := start(t, nil)
	s.user("bob@example.com", access.Grant{Role: access.Viewer})
	if a := s.browser().send(http.MethodGet, "/inside?x=1", nil, "Accept", "text/html"); a.status != http.StatusSeeOther || a.location != "/signin?next=%2Finside%3Fx%3D1" {
		t.Errorf("a browser of nobody: %d %q", a.status, a.location)
	}
	if a := s.browser().get("/inside"); a.status != http.StatusUnauthorized {
		t.Errorf("a program of nobody: %d", a.status)
	}
	if a := s.signedIn("bob@example.com").get("/inside"); a.status != http.StatusNotFound {
		t.Errorf("somebody: %d", a.status)
	}
}

func TestTooManyAttempts(t *testing.T) {
	s := start(t, nil)
	s.user("bob@example.com", access.Grant{Role: access.Viewer})
	good := s.token(access.APIToken{Name: "ci", Owner: "bob@example.com", Roles: []access.Role{access.Viewer}})
	count := map[int]int{}
	for range 60 {
		count[s.browser().send(http.MethodPost, "/signin/link", url.Values{"token": {"plb_guess"}}).status]++
	}
	if count[403] < 30 || count[403] > 45 || count[429] != 60-count[403] {
		t.Errorf("60 guesses at links are answered %v", count)
	}
	if n := len(s.refusals()); n < 31 || n > 60 {
		t.Errorf("%d entries of 60 guesses", n)
	}
	for range 60 {
		count[s.browser().send(http.MethodGet, "/whoami", nil, "Authorization", "Bearer plb_guess").status]++
	}
	if count[401] < 20 || count[401] > 45 {
		t.Errorf("60 guesses at tokens are answered %v", count)
	}
	if who := s.browser().who("Authorization", "Bearer "+good); who.ID != "token:ci" {
		t.Errorf("a good token from the same address is %v", who)
	}
	s.ahead.Store(int64(5 * time.Minute))
	if a := s.browser().get("/signin"); a.status != http.StatusOK {
		t.Errorf("five minutes later: %d", a.status)
	}
}

// deaf is a store whose audit log cannot be written.
type deaf struct {
	signin.Store
	on *bool
}

var errFull = errors.New("disk full")

func (d deaf) Audit(ctx context.Context, e access.Entry) error {
	if *d.on {
		return errFull
	}
	return d.Store.Audit(ctx, e)
}

func (d deaf) Refuse(ctx context.Context, e access.Entry) error {
	if *d.on {
		return errFull
	}
	return d.Store.Refuse(ctx, e)
}

func TestNothingHappensUnrecorded(t *testing.T) {
	full := false
	s := start(t, nil, func(kept signin.Store) signin.Store { return deaf{kept, &full} })
	s.user("bob@example.com", access.Grant{Role: access.Viewer})
	s.user("eve@firm.example", access.Grant{Role: access.Auditor, Audit: "2026", Until: posture.Some(time.Now().Add(time.Hour))})
	bob, eve := s.signedIn("bob@example.com"), s.signedIn("eve@firm.example")
	full = true
	if a := bob.send(http.MethodPost, "/signout", url.Values{}); a.status != 500 || bob.who().ID == "" {
		t.Errorf("signing out: %d", a.status)
	}
	if a := eve.get("/whoami"); a.status != 500 || strings.Contains(a.body, "eve") {
		t.Errorf("an auditor's view: %d %s", a.status, a.body)
	}
	if a := bob.send(http.MethodPost, "/signout", url.Values{}, "Sec-Fetch-Site", "cross-site"); a.status != 500 || bob.who().ID == "" {
		t.Errorf("another site: %d", a.status)
	}
	if a := s.browser().send(http.MethodGet, "/whoami", nil, "Authorization", "Bearer x"); a.status != 500 {
		t.Errorf("a wrong token: %d", a.status)
	}
	if a := s.browser().get("/account/aws:1"); a.status != http.StatusForbidden || !strings.Contains(a.body, "disk full") {
		t.Errorf("an action of nobody: %d %s", a.status, a.body)
	}
	full = false
	if who := eve.who(); who.ID != "eve@firm.example" {
		t.Errorf("once the log can be written again, eve is %v", who)
	}
}
