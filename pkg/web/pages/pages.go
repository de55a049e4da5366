// Package pages shows people what is stored, as of a time that every address carries. Pages are made on the server and work without
// scripts. Whatever a cloud named is text here: escaped, isolated from the direction of the text around it, and cut where it is long.
package pages

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/signin"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

//go:generate go run github.com/a-h/templ/cmd/templ@v0.3.977 generate

// Options are what pages need.
type Options struct {
	Store *store.Store
	Set   func() *rule.Set
	// Signin says who asks; its Middleware has to stand before the pages. Nil is the demo, where everybody may read everything.
	Signin *signin.Server
	Now    func() time.Time // nil: the store's clock
	Log    *slog.Logger
	// Alerts acknowledges alerts; nil: nobody can.
	Alerts func() *alert.Dispatcher
	// Actor says who asks, in place of Signin.
	Actor func(*http.Request) (access.Actor, error)
}

// Pages are the pages.
type Pages struct{ Options }

// New returns the pages.
func New(o Options) (*Pages, error) {
	if o.Store == nil || o.Set == nil {
		return nil, fmt.Errorf("%w: pages need a store and rules", posture.ErrInvalid)
	}
	if o.Now == nil {
		o.Now = o.Store.Clock
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Pages{o}, nil
}

// Routes adds the pages to the mux: this table, the style sheet, and a page for every other address.
func (p *Pages) Routes(mux *http.ServeMux) {
	for pattern, show := range map[string]show{
		"GET /{$}":             p.overview,
		"GET /findings":        p.findings,
		"GET /findings/{id}":   p.finding,
		"GET /verdicts":        p.verdicts,
		"GET /rules":           p.rules,
		"GET /rules/{id}":      p.rule,
		"GET /criteria":        p.criteria,
		"GET /criteria/{id}":   p.criterion,
		"GET /controls/{id}":   p.control,
		"GET /resources":       p.resources,
		"GET /resource":        p.resource,
		"GET /drift":           p.drift,
		"GET /snapshots":       p.snapshots,
		"GET /snapshot":        p.snapshot,
		"GET /exceptions":      p.exceptions,
		"GET /exceptions/{id}": p.exception,
		"GET /alerts":          p.alerts,
		"GET /alerts/{id}":     p.alert,
		"GET /scans":           p.scans,
		"GET /accounts":        p.accounts,
		"/":                    p.nowhere,
	} {
		mux.Handle(pattern, p.inside(func(w http.ResponseWriter, r *http.Request) { p.page(w, r, show) }))
	}
	mux.Handle("GET /findings.csv", p.inside(p.findingsCSV))
	p.acts(mux)
	mux.HandleFunc("GET "+stylePath, style)
	mux.HandleFunc("GET "+iconPath, icon)
}

//go:embed plumbline.css
var styleSheet []byte

// stylePath names the style sheet by its content, so that browsers may keep it.
var stylePath = func() string {
	sum := sha256.Sum256(styleSheet)
	return "/static/plumbline-" + hex.EncodeToString(sum[:6]) + ".css"
}()

func style(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/css; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(styleSheet)
}

// policy is what browsers may do with a page: nothing runs, and only the style sheet is loaded.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// inside sends whoever has not signed in to do so.
func (p *Pages) inside(next http.HandlerFunc) http.Handler {
	if p.Signin == nil {
		return next
	}
	return p.Signin.Require(next)
}

// show reads what a page shows.
type show func(*view, *http.Request) (templ.Component, error)

// view is one request for a page: as of when, by whom, and what every page shows besides its own.
type view struct {
	actor   access.Actor
	now     time.Time
	asOf    time.Time // zero: now
	at      time.Time // asOf, or now
	given   string    // as_of as it was given
	set     *rule.Set
	path    string
	query   url.Values
	title   string
	problem bool
	signed  bool // people sign in, so that they can sign out
	acting  bool // people can act, not only read
	done    string
	failed  *failure // the form that was sent, when something was wrong with it
	token   string   // of forms
}

// page answers with a whole page or with one that says what went wrong.
func (p *Pages) page(w http.ResponseWriter, r *http.Request, show show) {
	v, err := p.view(r)
	var body templ.Component
	if err == nil {
		body, err = show(v, r)
	}
	code := http.StatusOK
	switch {
	case err == nil && v.failed != nil:
		code = http.StatusUnprocessableEntity
	case err != nil:
		code = p.status(r.Context(), err)
		v.problem = true
		v.title = problemTitles[code]
		body = problemPage(v, code, problemText(code, err))
	}
	if v.acting && v.actor.ID != "" {
		v.token = p.formToken(w, r, v.actor)
	}
	var out bytes.Buffer
	if err := layout(v, body).Render(r.Context(), &out); err != nil {
		p.Log.ErrorContext(r.Context(), "page failed", "path", r.URL.Path, "error", err)
		http.Error(w, "The page could not be made; the log says more.", http.StatusInternalServerError)
		return
	}
	secure(w, "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(out.Bytes())
}

func secure(w http.ResponseWriter, contentType string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}

// view returns a view that can be shown even beside an error.
func (p *Pages) view(r *http.Request) (*view, error) {
	v := &view{now: p.Now().UTC(), set: p.Set(), path: r.URL.Path, signed: p.Signin != nil, acting: p.acting()}
	v.at = v.now
	query, err := url.ParseQuery(r.URL.RawQuery)
	if v.query = query; err != nil {
		return v, fmt.Errorf("%w: the address is malformed", posture.ErrInvalid)
	}
	for name, values := range query {
		if strings.ContainsRune(name+strings.Join(values, ""), 0) {
			v.query = url.Values{}
			return v, fmt.Errorf("%w: the address holds a null byte", posture.ErrInvalid)
		}
	}
	switch {
	case p.Actor != nil:
		if v.actor, err = p.Actor(r); err != nil {
			return v, err
		}
	case p.Signin != nil:
		v.actor = signin.ActorOf(r.Context())
	default:
		v.actor = access.Actor{ID: "demo", Kind: access.Person, Roles: []access.Role{access.Viewer}}
	}
	if err := p.allow(r, v.actor); err != nil {
		return v, err
	}
	v.done = doneText(query.Get("done"))
	query.Del("done")
	if r.Method == http.MethodPost { // acts are of now
		query.Del("as_of")
	}
	return v, v.parseTime(query.Get("as_of"))
}

// allow asks whether the actor may read some account at least; which ones, view.sees tells.
func (p *Pages) allow(r *http.Request, actor access.Actor) error {
	for _, scope := range append(slices.Clone(actor.Scopes), "") {
		if access.Allows(actor, access.PostureRead, scope) == nil {
			return nil
		}
	}
	if p.Signin != nil && p.Actor == nil {
		return p.Signin.Allow(r.Context(), access.PostureRead, "", r.Method+" "+r.URL.Path[:min(len(r.URL.Path), 500)])
	}
	return access.Allows(actor, access.PostureRead, "")
}

// parseTime reads a day, which means its end in UTC or now for today, or an RFC 3339 time. Nothing is known of the future.
func (v *view) parseTime(text string) error {
	if text == "" {
		return nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if day, dayErr := time.Parse(time.DateOnly, text); dayErr == nil {
		at, err = day.AddDate(0, 0, 1).Add(-time.Microsecond), nil
		if !day.After(v.now) && at.After(v.now) {
			at = v.now // today
		}
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w: as of %q is no time: choose a day such as 2026-03-01, or write 2026-03-01T12:00:00Z", posture.ErrInvalid, cut(text, 60))
	case at.Year() < 1970:
		return fmt.Errorf("%w: as of %s lies before anything was observed", posture.ErrInvalid, cut(text, 60))
	case at.After(v.now):
		return fmt.Errorf("%w: as of %s lies in the future: nothing was observed then", posture.ErrInvalid, cut(text, 60))
	}
	v.given, v.asOf, v.at = text, at.UTC(), at.UTC()
	return nil
}

// sees reports whether the actor may see an account.
func (v *view) sees(account string) bool { return access.InScope(v.actor.Scopes, account) }

// link is an address with parameters, name and value in turn, as of the time of the page. Empty values are left out.
func (v *view) link(path string, pairs ...string) templ.SafeURL {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	if v.given != "" {
		query.Set("as_of", v.given)
	}
	return address(path, query)
}

// turn is the address of the page itself with some parameters replaced.
func (v *view) turn(pairs ...string) templ.SafeURL {
	query := url.Values{}
	for name, values := range v.query {
		query[name] = values
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if query.Del(pairs[i]); pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	return address(v.path, query)
}

func address(path string, query url.Values) templ.SafeURL {
	u := url.URL{Path: path, RawQuery: query.Encode()}
	return templ.SafeURL(u.RequestURI())
}

var problemTitles = map[int]string{
	http.StatusBadRequest: "This cannot be shown", http.StatusForbidden: "Not allowed", http.StatusNotFound: "Not found",
	http.StatusInternalServerError: "The page failed",
}

// status is what an error means to a browser. What nobody can mend from the outside is logged.
func (p *Pages) status(ctx context.Context, err error) int {
	var database interface{ SQLState() string }
	switch {
	case errors.Is(err, posture.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, posture.ErrInvalid):
		return http.StatusBadRequest
	case errors.Is(err, access.ErrRefused):
		return http.StatusForbidden
	case errors.As(err, &database) && strings.HasPrefix(database.SQLState(), "22"): // what no row can hold
		return http.StatusBadRequest
	}
	if ctx.Err() == nil {
		p.Log.ErrorContext(ctx, "page failed", "request_id", signin.RequestID(ctx), "error", err)
	}
	return http.StatusInternalServerError
}

func problemText(code int, err error) string {
	text := err.Error()
	switch code {
	case http.StatusNotFound:
		return "There is nothing at this address, or there was not as of the time chosen above."
	case http.StatusInternalServerError:
		return "The service failed; its log says more."
	}
	for _, prefix := range []string{posture.ErrInvalid.Error() + ": ", access.ErrRefused.Error() + ": "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return text
}

func (p *Pages) nowhere(*view, *http.Request) (templ.Component, error) {
	return nil, posture.ErrNotFound
}
