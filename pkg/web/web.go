// Package web is the JSON API: operations.go is the one table of what there is and who may do it; each subject has a file. Pages live in
// pkg/web/pages on the same mux.
package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"golang.org/x/time/rate"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/config"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/signin"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// Options are what a server needs.
type Options struct {
	Store    *store.Store
	Set      func() *rule.Set
	Settings func() *config.Config
	Alerts   func() *alert.Dispatcher
	Signin   *signin.Server
	// Trigger queues a scan of a connection and returns the run's id.
	Trigger func(ctx context.Context, connection string) (string, error)
	Log     *slog.Logger
	Version string
	// Pages adds the pages to the mux, behind the same middleware. Nil: none.
	Pages func(mux *http.ServeMux)
}

// server answers requests.
type server struct {
	Options
	metrics  *metrics
	limiters sync.Map // rate limiters by actor
}

// Limits of one request and one caller.
const (
	maxBody      = 1 << 20 // bytes, uploads aside
	maxUpload    = 26 << 20
	perSecond    = 50
	burst        = 200
	defaultLimit = 100
	maxLimit     = 500
)

// New returns the handler of all requests.
func New(o Options) http.Handler {
	s := &server{Options: o, metrics: newMetrics(o.Store)}
	inside := http.NewServeMux()
	s.register(newAPI(inside, o.Version))
	o.Signin.Routes(inside)
	if o.Pages != nil {
		o.Pages(inside)
	}
	outside := http.NewServeMux()
	outside.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	outside.HandleFunc("GET /readyz", s.ready)
	outside.Handle("GET /metrics", s.metrics.handler())
	outside.Handle("/", o.Signin.Middleware(s.limit(inside)))
	return s.guard(outside)
}

// newAPI is the API without its operations. Its description is at /api/openapi.json and .yaml; pages that need scripts are off.
func newAPI(mux *http.ServeMux, version string) huma.API {
	c := huma.DefaultConfig("Plumbline", version)
	c.Info.Description = "Posture of cloud accounts as it was read. What could not be read is unknown. Every read takes as_of."
	c.DocsPath, c.OpenAPIPath, c.SchemasPath = "", "/api/openapi", ""
	c.CreateHooks = nil // no $schema links in answers
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":   {Type: "http", Scheme: "bearer", Description: "An API token: plumbline tokens create."},
		"session": {Type: "apiKey", In: "cookie", Name: "plumbline", Description: "The session of a person who signed in."},
	}
	c.Security = []map[string][]string{{"token": {}}, {"session": {}}}
	return humago.New(mux, c)
}

// schemaName tells types of one name in two packages apart.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	if from := path.Base(t.PkgPath()); t.Name() != "" && from != "web" && from != "." {
		name = strings.ToUpper(from[:1]) + from[1:] + name
	}
	return name
}

// OpenAPI describes the API, as YAML of OpenAPI 3.1.
func OpenAPI() ([]byte, error) {
	api := newAPI(http.NewServeMux(), "1")
	(&server{}).register(api)
	return api.OpenAPI().YAML()
}

// guard stands before everything: headers that browsers obey, limits, and no panic that ends a connection without an answer.
func (s *server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
		h.Set("Cache-Control", "no-store")
		limit := int64(maxBody)
		if strings.HasSuffix(r.URL.Path, "/attachments") {
			limit = maxUpload
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		began, out := time.Now(), &status{ResponseWriter: w}
		defer func() {
			if problem := recover(); problem != nil {
				s.Log.ErrorContext(r.Context(), "request panicked", "path", r.URL.Path, "panic", problem, "trace", string(debug.Stack()))
				if out.code == 0 {
					writeProblem(out, http.StatusInternalServerError, "The service failed; its log says more.")
				}
			}
			s.metrics.request(r.Pattern, out.code, time.Since(began))
		}()
		next.ServeHTTP(out, r)
	})
}

// status remembers what was answered.
type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	if s.code == 0 {
		s.code = code
	}
	s.ResponseWriter.WriteHeader(code)
}

func (s *status) Write(p []byte) (int, error) {
	if s.code == 0 {
		s.code = http.StatusOK
	}
	return s.ResponseWriter.Write(p)
}

func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// limit bounds how often one caller asks.
func (s *server) limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := signin.ActorOf(r.Context()).ID
		if who == "" {
			who, _, _ = strings.Cut(r.RemoteAddr, ":")
		}
		l, _ := s.limiters.LoadOrStore(who, rate.NewLimiter(perSecond, burst))
		if !l.(*rate.Limiter).Allow() {
			w.Header().Set("Retry-After", "1")
			writeProblem(w, http.StatusTooManyRequests, fmt.Sprintf("More than %d requests a second: wait a second.", perSecond))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	if err := s.Store.Ping(ctx); err != nil {
		s.Log.WarnContext(ctx, "not ready", "error", err)
		writeProblem(w, http.StatusServiceUnavailable, "The database does not answer.")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func writeProblem(w http.ResponseWriter, code int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(&huma.ErrorModel{Status: code, Title: http.StatusText(code), Detail: detail})
}

// allow asks whether the caller may do an operation in a scope, and records a refusal. Who has not signed in is 401.
func (s *server) allow(ctx context.Context, action access.Action, scope string) error {
	actor := signin.ActorOf(ctx)
	err := access.Allows(actor, action, scope)
	if err == nil {
		return nil
	}
	entry := access.Entry{Actor: actor, Action: action, Object: scope, Reason: err.Error(), Request: signin.RequestID(ctx)}
	if failed := s.Store.Refuse(ctx, entry); failed != nil {
		return failed
	}
	if actor.ID == "" {
		return huma.Error401Unauthorized("Sign in, or send an API token.")
	}
	return huma.Error403Forbidden(err.Error())
}

// problem turns an error into what the caller gets to know of it.
func (s *server) problem(ctx context.Context, id string, err error) error {
	var known huma.StatusError
	var refused interface{ SQLState() string } // of the database
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.Is(err, posture.ErrNotFound):
		return huma.Error404NotFound(err.Error())
	case errors.Is(err, posture.ErrInvalid):
		return huma.Error422UnprocessableEntity(err.Error())
	case errors.Is(err, access.ErrRefused):
		return huma.Error403Forbidden(err.Error())
	case errors.Is(err, context.Canceled):
		return huma.NewError(499, "The request was given up.")
	}
	if errors.As(err, &refused) && strings.HasPrefix(refused.SQLState(), "22") { // data that no row can hold: null bytes, the year 300000
		return huma.Error422UnprocessableEntity("a value of the request cannot be stored or compared: " + err.Error())
	}
	s.Log.ErrorContext(ctx, "request failed", "operation", id, "request_id", signin.RequestID(ctx), "error", err)
	return huma.Error500InternalServerError("The service failed; its log says more under this request's id.")
}

// tag is the ETag of an answer.
func tag(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return `W/"` + hex.EncodeToString(sum[:12]) + `"`
}
