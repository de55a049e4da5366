// Package signin lets people and programs in over HTTP: through an OpenID Connect provider, by a link that works once, or with an
// API token. What they may do then is pkg/access's.
package signin

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/config"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Store is what is kept of people, tokens and what they did.
type Store interface {
	SignIn(ctx context.Context, in access.SignIn) (access.Actor, error)
	AddLink(ctx context.Context, by access.Actor, digest [32]byte, email string, expires time.Time) error
	UseLink(ctx context.Context, digest [32]byte, in access.SignIn) (access.Actor, error)
	HasAdmin(ctx context.Context) (bool, error)
	Holder(ctx context.Context, email string) (access.Holder, error)
	TokenActor(ctx context.Context, digest [32]byte) (access.Actor, error)
	Audit(ctx context.Context, e access.Entry) error
	Refuse(ctx context.Context, e access.Entry) error
}

// Options are what a Server needs. Without OIDC people come in by links only.
type Options struct {
	URL      string // as people reach the service
	OIDC     *config.OIDC
	Lifetime time.Duration // of a session, however busy; one that rests ends after an hour
	Store    Store
	Sessions scs.CtxStore
	Log      *slog.Logger
	Now      func() time.Time
}

const maxIdle = time.Hour

// Server signs people in and out, and says of every request who makes it.
type Server struct {
	Options
	provider provider
	sessions *scs.SessionManager
	origin   *http.CrossOriginProtection
	attempts *limiter // at signing in
	failures *limiter // of tokens
}

// New returns a server. It reaches the identity provider when somebody first signs in.
func New(o Options) (*Server, error) {
	base, err := url.Parse(o.URL)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("%w: the service's own URL is %q", posture.ErrInvalid, o.URL)
	}
	if o.OIDC != nil {
		for role := range o.OIDC.Roles {
			switch r := access.Role(role); {
			case !slices.Contains(access.Roles, r):
				return nil, fmt.Errorf("%w: sign_in.oidc.roles: there is no role %q", posture.ErrInvalid, role)
			case r == access.Auditor || r == access.Collector:
				return nil, fmt.Errorf("%w: sign_in.oidc.roles: a group cannot stand for %s: it is granted to one person for one audit, or to a token", posture.ErrInvalid, role)
			}
		}
	}
	s := &Server{Options: o, attempts: newLimiter(30, 2*time.Second), failures: newLimiter(20, 3*time.Second), origin: http.NewCrossOriginProtection()}
	if err := s.origin.AddTrustedOrigin(base.Scheme + "://" + base.Host); err != nil {
		return nil, fmt.Errorf("%w: the service's own URL: %w", posture.ErrInvalid, err)
	}
	s.origin.SetDenyHandler(http.HandlerFunc(s.denyOrigin))
	m := scs.New()
	m.Store, m.HashTokenInStore = o.Sessions, true
	m.Lifetime, m.IdleTimeout = o.Lifetime, min(o.Lifetime, maxIdle)
	m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) { s.fail(w, r, fmt.Errorf("session: %w", err)) }
	m.Cookie.Name, m.Cookie.Persist = "plumbline", false
	if base.Scheme == "https" {
		m.Cookie.Secure, m.Cookie.Name = true, "__Host-plumbline" // browsers take that name from this very host only
	}
	s.sessions = m
	return s, nil
}

// Routes adds the pages of signing in and out. They work behind Middleware only.
func (s *Server) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /signin", s.begin)
	mux.HandleFunc("GET /signin/callback", s.finish)
	mux.HandleFunc("GET /signin/link", s.showLink)
	mux.HandleFunc("POST /signin/link", s.useLink)
	mux.HandleFunc("POST /signout", s.signOut)
}

// What a session holds.
const (
	keyUser    = "user"    // e-mail
	keyMFA     = "mfa"     // whether the sign-in took several factors
	keySession = "session" // its name in the audit log
	keyPending = "pending" // a sign-in under way: state, nonce, verifier, next, time
)

// caller is who makes a request.
type caller struct {
	actor            access.Actor
	address, request string
}

type callerKey struct{}

func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// ActorOf returns who makes the request; the zero value is nobody who has signed in.
func ActorOf(ctx context.Context) access.Actor { return callerOf(ctx).actor }

// RequestID returns the request's name in the audit log; answers bear it as Request-Id.
func RequestID(ctx context.Context) string { return callerOf(ctx).request }

// Middleware finds out who makes a request, by API token or session, and hands it on with that knowledge; nobody is somebody too.
// It refuses a wrong token and what another site makes a browser send. An auditor's requests are in the audit log before they are
// answered, so what is no view, such as style sheets, is better served without it.
func (s *Server) Middleware(next http.Handler) http.Handler {
	browser, program := s.sessions.LoadAndSave(s.identify(s.origin.Handler(next))), s.sessions.LoadAndSave(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := make([]byte, 8)
		_, _ = rand.Read(id) // never fails
		c := caller{address: address(r), request: hex.EncodeToString(id)}
		w.Header().Set("Request-Id", c.request)
		r = r.WithContext(context.WithValue(r.Context(), callerKey{}, c))
		if len(r.Header.Values("Authorization")) == 0 {
			browser.ServeHTTP(w, r)
			return
		}
		w.Header().Add("Vary", "Authorization")
		actor, err := s.bearer(r)
		switch {
		case errors.Is(err, access.ErrRefused):
			s.refuseToken(w, r, err)
		case err != nil:
			s.fail(w, r, err)
		default:
			r = withActor(r, actor)
			r.Header = r.Header.Clone()
			r.Header.Del("Cookie") // the token alone says who it is
			program.ServeHTTP(w, r)
		}
	})
}

func withActor(r *http.Request, actor access.Actor) *http.Request {
	c := callerOf(r.Context())
	c.actor = actor
	c.actor.Address = c.address
	return r.WithContext(context.WithValue(r.Context(), callerKey{}, c))
}

func (s *Server) bearer(r *http.Request) (access.Actor, error) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || len(r.Header.Values("Authorization")) != 1 {
		return access.Actor{}, fmt.Errorf("%w: Authorization is not one bearer token", access.ErrRefused)
	}
	digest, err := access.SecretDigest(strings.TrimSpace(secret))
	if err != nil {
		return access.Actor{}, err
	}
	return s.Store.TokenActor(r.Context(), digest)
}

// refuseToken answers a wrong token. Only failures are counted: a token is too long to be guessed, but the audit log could be
// filled.
func (s *Server) refuseToken(w http.ResponseWriter, r *http.Request, why error) {
	c := callerOf(r.Context())
	if !s.limit(w, r, s.failures) {
		return
	}
	e := access.Entry{Actor: access.Actor{Kind: access.Token, Address: c.address}, Action: access.SignedIn, Object: "token", Reason: why.Error()}
	if err := s.refuse(r.Context(), e); err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="plumbline"`)
	http.Error(w, "the API token is unknown, expired or revoked", http.StatusUnauthorized)
}

// identify finds who a session belongs to, and what they may do by now.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		email := s.sessions.GetString(ctx, keyUser)
		if email == "" {
			next.ServeHTTP(w, r)
			return
		}
		session := s.sessions.GetString(ctx, keySession)
		h, err := s.Store.Holder(ctx, email)
		var actor access.Actor
		if err == nil {
			actor, err = h.Actor(s.sessions.GetBool(ctx, keyMFA), s.Now())
		}
		if errors.Is(err, access.ErrRefused) || errors.Is(err, posture.ErrNotFound) {
			c := callerOf(ctx)
			e := access.Entry{Actor: access.Actor{ID: email, Kind: access.Person, Session: session, Address: c.address}, Action: access.SignedIn,
				Object: "user/" + email, Reason: err.Error()}
			if err = s.refuse(ctx, e); err == nil {
				err = s.sessions.Destroy(ctx)
			}
			if err == nil {
				next.ServeHTTP(w, r) // as nobody
				return
			}
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		actor.Session = session
		r = withActor(r, actor)
		if slices.Contains(actor.Roles, access.Auditor) {
			e := access.Entry{Actor: ActorOf(r.Context()), Action: access.AuditRead, Object: access.AuditScope(actor.Audit), Reason: r.Method + " " + r.URL.RequestURI(),
				Request: RequestID(ctx)}
			if err := s.Store.Audit(ctx, e); err != nil {
				s.fail(w, r, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// Allow is access.Allows for who makes the request, with refusals in the audit log. A refusal that cannot be recorded is no less a
// refusal, and a failure besides.
func (s *Server) Allow(ctx context.Context, action access.Action, scope, object string) error {
	actor := ActorOf(ctx)
	refusal := access.Allows(actor, action, scope)
	if refusal == nil {
		return nil
	}
	actor.Address = callerOf(ctx).address
	err := s.refuse(ctx, access.Entry{Actor: actor, Action: action, Object: cmp.Or(object, scope), Reason: refusal.Error()})
	return errors.Join(refusal, err)
}

// Require sends a browser of nobody to sign in, and answers 401 to everything else of nobody.
func (s *Server) Require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case ActorOf(r.Context()).ID != "":
			next.ServeHTTP(w, r)
		case r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html"):
			http.Redirect(w, r, "/signin?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		default:
			w.Header().Set("WWW-Authenticate", `Bearer realm="plumbline"`)
			http.Error(w, "sign in, or send an API token", http.StatusUnauthorized)
		}
	})
}

// FirstAdminLink returns the link that makes the first administrator, empty when there is one.
func (s *Server) FirstAdminLink(ctx context.Context) (string, error) {
	if there, err := s.Store.HasAdmin(ctx); there || err != nil {
		return "", err
	}
	secret, digest := access.NewSecret()
	if err := s.Store.AddLink(ctx, access.Engine, digest, "", s.Now().Add(access.LinkLife)); err != nil {
		return "", err
	}
	return access.Link(s.URL, secret, true), nil
}

// refuse records a refusal even when whoever was refused has hung up.
func (s *Server) refuse(ctx context.Context, e access.Entry) error {
	e.Request = RequestID(ctx)
	s.Log.WarnContext(ctx, "refused", "action", e.Action, "object", e.Object, "actor", e.Actor.ID, "address", e.Actor.Address, "reason", e.Reason, "request_id", e.Request)
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer stop()
	return s.Store.Refuse(ctx, e)
}

// fail answers an error that is not the caller's; what it was stays in the log.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	id := RequestID(r.Context())
	s.Log.ErrorContext(r.Context(), "sign-in failed", "err", err, "path", r.URL.Path, "request_id", id)
	http.Error(w, "something went wrong; the log has it as request "+id, http.StatusInternalServerError)
}

func (s *Server) denyOrigin(w http.ResponseWriter, r *http.Request) {
	c := callerOf(r.Context())
	actor := c.actor
	actor.Address = c.address
	if !s.limit(w, r, s.failures) {
		return
	}
	e := access.Entry{Actor: actor, Action: access.SignedIn, Object: r.Method + " " + r.URL.Path, Reason: "another site sent it: " + r.Header.Get("Origin")}
	if err := s.refuse(r.Context(), e); err != nil {
		s.fail(w, r, err)
		return
	}
	http.Error(w, "another site sent this request", http.StatusForbidden)
}

// address is where a request comes from, without the port.
func address(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return at.Addr().Unmap().String()
}
