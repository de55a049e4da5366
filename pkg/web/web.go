// Package web is the JSON API: operations.go is the one table of what there is and who may do it; each subject has a file. Pages live in
// pkg/web/pages on the same mux.
package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"reflect"
	"runtime/debug"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

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
	// Cancel stops what a run has not sealed, of one account or for "" of all, and returns the accounts; by says who.
	Cancel  func(ctx context.Context, run, account, by string) ([]string, error)
	Log     *slog.Logger
	Version string
	// Pages adds the pages to the mux, behind the same middleware. Nil: none.
	Pages func(mux *http.ServeMux)
}

// server answers requests.
type server struct {
	Options
	metrics  *metrics
	callers  *limits // of who has signed in, and of addresses
	nobodies *limits // of addresses that were told to sign in
}

// Limits of one request and one caller.
const (
	maxBody   = 1 << 20 // bytes, uploads aside
	maxUpload = 26 << 20
	patience  = 2 * time.Minute // with one request
	perSecond = 50
	burst     = 200

	// Each refusal of somebody who has not signed in is an entry of the audit log, which strangers are not to fill.
	strangersPerSecond = 1
	strangersBurst     = 100
)

// New returns the handler of all requests.
func New(o Options) http.Handler { return newServer(o).handler() }

func newServer(o Options) *server {
	return &server{Options: o, metrics: newMetrics(o.Store), callers: newLimits(perSecond, burst), nobodies: newLimits(strangersPerSecond, strangersBurst)}
}

func (s *server) handler() http.Handler {
	inside := http.NewServeMux()
	s.register(newAPI(inside, s.Version))
	inside.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, http.StatusNotFound, "There is no such operation; /api/openapi.json lists all.")
	})
	s.Signin.Routes(inside)
	if s.Pages != nil {
		s.Pages(inside)
	}
	outside := http.NewServeMux()
	outside.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	outside.HandleFunc("GET /readyz", s.ready)
	outside.Handle("GET /metrics", s.metrics.handler())
	outside.Handle("/", s.Signin.Middleware(s.limit(inside)))
	return s.guard(outside)
}

// newAPI is the API without its operations. Its description is at /api/openapi.json and .yaml; pages that need scripts are off.
func newAPI(mux *http.ServeMux, version string) huma.API {
	c := huma.DefaultConfig("Plumbline", version)
	c.Info.Description = "Posture of cloud accounts as it was read. What could not be read is unknown. Every read takes as_of."
	c.DocsPath, c.OpenAPIPath, c.SchemasPath = "", "/api/openapi", ""
	c.RejectUnknownQueryParameters = true // a filter that is misspelt would choose everything
	c.CreateHooks = nil                   // no $schema links in answers
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
		began, out, name := time.Now(), &status{ResponseWriter: w}, new(string)
		ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), nameKey{}, name), patience)
		defer cancel()
		r = r.WithContext(ctx)
		r.RemoteAddr = client(r, s.Settings().Server.TrustedProxies)
		defer func() {
			if problem := recover(); problem != nil {
				s.Log.ErrorContext(r.Context(), "request panicked", "path", r.URL.Path, "panic", problem, "trace", string(debug.Stack()))
				if out.code == 0 {
					writeProblem(out, http.StatusInternalServerError, "The service failed; its log says more.")
				}
			}
			s.metrics.request(cmp.Or(*name, r.Pattern, "none"), cmp.Or(out.code, http.StatusOK), time.Since(began))
		}()
		if r.ContentLength > limit {
			writeProblem(out, http.StatusRequestEntityTooLarge, fmt.Sprintf("The body is larger than %d MB.", limit>>20))
			return
		}
		next.ServeHTTP(out, r)
	})
}

// nameKey is under which requests carry the name that they have among the metrics: the operation's id, or the route's pattern.
type nameKey struct{}

func setName(ctx context.Context, name string) {
	if place, ok := ctx.Value(nameKey{}).(*string); ok && *place == "" {
		*place = name
	}
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
			who = network(r.RemoteAddr)
		}
		if wait := s.callers.take(who); wait > 0 {
			w.Header().Set("Retry-After", retryAfter(wait))
			writeProblem(w, http.StatusTooManyRequests, fmt.Sprintf("More than %d requests a second: wait a little.", perSecond))
			return
		}
		next.ServeHTTP(w, r)
		setName(r.Context(), r.Pattern)
	})
}

func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	if err := s.Store.Ready(ctx); err != nil {
		s.Log.WarnContext(ctx, "not ready", "error", err)
		writeProblem(w, http.StatusServiceUnavailable, "The database does not answer, or its schema is not this program's.")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func writeProblem(w http.ResponseWriter, code int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(&huma.ErrorModel{Status: code, Title: http.StatusText(code), Detail: detail})
}

// problem turns an error into what the caller gets to know of it.
func (s *server) problem(ctx context.Context, id string, err error) error {
	var known huma.StatusError
	var refused interface{ SQLState() string } // of the database
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case errors.Is(err, posture.ErrNotFound):
		return huma.Error404NotFound(err.Error())
	case errors.Is(err, posture.ErrInvalid):
		return huma.Error422UnprocessableEntity(err.Error())
	case errors.Is(err, access.ErrRefused):
		return huma.Error403Forbidden(err.Error())
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		s.Log.WarnContext(ctx, "request took too long", "operation", id, "request_id", signin.RequestID(ctx), "error", err)
		return huma.Error504GatewayTimeout(fmt.Sprintf("No answer within %s: ask for less, such as one account or a lower limit.", patience))
	case ctx.Err() != nil:
		return huma.NewError(499, "The request was given up.")
	}
	if errors.As(err, &refused) && strings.HasPrefix(refused.SQLState(), "22") { // data that no row can hold: null bytes, the year 300000
		return huma.Error422UnprocessableEntity("a value of the request cannot be stored or compared: " + err.Error())
	}
	s.Log.ErrorContext(ctx, "request failed", "operation", id, "request_id", signin.RequestID(ctx), "error", err)
	return huma.Error500InternalServerError("The service failed; its log says more under this request's id.")
}
