// Package azure simulates Azure Resource Manager and Microsoft Graph for reading: one HTTP handler that answers the operations
// which the readers call, for any number of subscriptions and tenants. Requests name the service by their Host header. What
// there is to read comes from the handlers registered with Handle and List, which return the SDK's own structs.
package azure

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/collectors/azure/rest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/pages"
)

// Options set up a server.
type Options struct {
	Now      func() time.Time // the cloud's clock; nil: time.Now
	PageSize int              // items on a page; 0: 100
	// Account names the account that a request without a subscription in its path is about; nil: none.
	Account func(c Call) string
}

// Server is the simulated cloud, an http.Handler. Register every handler before it serves.
type Server struct {
	options  Options
	handlers map[string]method
	errs     []error
}

// method answers one operation; list is the member of the answer that is cut into pages, "" for none.
type method struct {
	answer func(Call) (any, error)
	list   string
}

var _ fault.Cloud = (*Server)(nil)

// New returns a server without handlers.
func New(options Options) *Server {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.PageSize <= 0 {
		options.PageSize = 100
	}
	return &Server{options: options, handlers: map[string]method{}}
}

// Call is one call as a handler sees it.
type Call struct {
	Method  string            // "armredis.Client.NewListBySubscriptionPager", "graph.users"
	Account string            // subscription id or "tenants/GUID"; "" when the request names none
	Params  map[string]string // from the path, by the SDK's names
	Query   url.Values
	Host    string
	Path    string // unescaped
	Body    []byte
	Now     time.Time
}

// Error is a refusal; Code is Azure's ("ResourceNotFound").
type Error struct {
	Status  int
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// NotFound is the answer for what does not exist.
func NotFound(what string) error {
	return &Error{http.StatusNotFound, "ResourceNotFound", what + " was not found."}
}

// Handle registers the handler of an operation. A later handler replaces an earlier one.
func Handle[Out any](s *Server, id string, handler func(Call) (*Out, error)) {
	register(s, id, "", handler)
}

// List registers the handler of an operation that answers with a list of resources in pages: the handler returns the whole list
// in "value", and the server cuts the page that is asked for and links to the next.
func List[Out any](s *Server, id string, handler func(Call) (*Out, error)) {
	register(s, id, "value", handler)
}

// Query registers the handler of an operation that answers a query in its body with rows: the handler returns all of them in
// "data", and the server cuts the page that the body's options ask for.
func Query[Out any](s *Server, id string, handler func(Call) (*Out, error)) {
	register(s, id, queried, handler)
}

// queried is the member that holds the rows of a query.
const queried = "data"

func register[Out any](s *Server, id, member string, handler func(Call) (*Out, error)) {
	if !slices.ContainsFunc(rest.Methods(), func(m rest.Method) bool { return m.ID == id }) {
		s.errs = append(s.errs, fmt.Errorf("handler of %s: no reader calls it", id))
	}
	s.handlers[id] = method{func(c Call) (any, error) {
		out, err := handler(c)
		if out == nil && err == nil {
			err = fmt.Errorf("the handler of %s returned nothing", id)
		}
		return out, err
	}, member}
}

// Err returns what went wrong in registration.
func (s *Server) Err() error { return errors.Join(s.errs...) }

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := s.recognise(r)
	var body []byte
	switch {
	case err != nil:
	case rest.HostOf(r.Host) == rest.Vault && r.Header.Get("Authorization") == "":
		// A vault tells who asks without a token where to get one.
		_, domain, _ := strings.Cut(r.Host, ".")
		w.Header().Set("WWW-Authenticate", `Bearer authorization="https://login.microsoftonline.com/common", resource="https://`+domain+`"`)
		err = &Error{http.StatusUnauthorized, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token."}
	default:
		body, err = s.run(r, c)
	}
	w.Header().Set("Date", s.options.Now().UTC().Format(http.TimeFormat))
	w.Header().Set("X-Ms-Request-Id", "00000000-0000-4000-8000-"+fmt.Sprintf("%012x", len(r.URL.Path)))
	if err != nil {
		refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // a client that went away needs no answer
}

func (s *Server) run(r *http.Request, c Call) ([]byte, error) {
	body, list, err := s.whole(c)
	switch {
	case err != nil || list == "":
		return body, err
	case list == queried:
		return s.rows(r, c, body)
	}
	return s.page(r, c, list, body)
}

// Answer returns what the handler of the operation that a request calls returns: the SDK's own struct, with the whole list.
func (s *Server) Answer(r *http.Request) (any, error) {
	c, err := s.recognise(r)
	if err != nil {
		return nil, err
	}
	m, ok := s.handlers[c.Method]
	if !ok {
		return nil, &Error{http.StatusNotImplemented, "NotImplemented", c.Method + " has no handler"}
	}
	return m.answer(c)
}

// whole is an answer before it is cut into pages, and the member that holds its list.
func (s *Server) whole(c Call) (body []byte, list string, err error) {
	m, ok := s.handlers[c.Method]
	if !ok {
		return nil, "", &Error{http.StatusNotImplemented, "NotImplemented", c.Method + " has no handler"}
	}
	out, err := m.answer(c)
	if err != nil {
		return nil, "", err
	}
	body, err = json.Marshal(out)
	return body, m.list, err
}

// Ask reads into out what the server answers when a path of Resource Manager is read, whole lists at once: for methods that tell
// what others tell, too.
func (s *Server) Ask(path string, out any) error {
	r, err := http.NewRequest(http.MethodGet, "https://management.azure.com"+path, http.NoBody)
	if err != nil {
		return err
	}
	c, err := s.recognise(r)
	if err != nil {
		return err
	}
	body, _, err := s.whole(c)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, out)
}

// rows cuts the answer to a query to the page that is asked for.
func (s *Server) rows(r *http.Request, c Call, body []byte) ([]byte, error) {
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	var request struct {
		Options struct {
			Top       int    `json:"$top"`
			SkipToken string `json:"$skipToken"`
		} `json:"options"`
	}
	if err := json.Unmarshal(c.Body, &request); err != nil {
		return nil, &Error{http.StatusBadRequest, "BadRequest", "The body is no query."}
	}
	size := s.options.PageSize
	if top := request.Options.Top; top > 0 {
		size = min(size, top)
	}
	next, err := pages.Page(r.Context(), answer, queried, c.Method, request.Options.SkipToken, size)
	if errors.Is(err, pages.ErrToken) {
		return nil, &Error{http.StatusBadRequest, "BadRequest", "The provided skip token is not valid."}
	}
	if err != nil {
		return nil, fmt.Errorf("rows of %s: %w", c.Method, err)
	}
	var page []json.RawMessage
	if err := json.Unmarshal(answer[queried], &page); err != nil {
		return nil, err
	}
	answer["count"], _ = json.Marshal(len(page)) // a number
	if next != "" {
		answer["$skipToken"], _ = json.Marshal(next) // a string
	}
	return json.Marshal(answer)
}

// page cuts an answer that holds a whole list to the page that is asked for, and links to the next.
func (s *Server) page(r *http.Request, c Call, member string, body []byte) ([]byte, error) {
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	if answer[member] == nil {
		answer[member] = json.RawMessage("[]") // Azure always writes the list
	}
	size := s.options.PageSize
	if n, err := strconv.Atoi(c.Query.Get("$top")); err == nil && n > 0 {
		size = min(size, n)
	}
	next, err := pages.Page(r.Context(), answer, member, c.Method, c.Query.Get("$skiptoken"), size)
	if errors.Is(err, pages.ErrToken) {
		return nil, &Error{http.StatusBadRequest, "InvalidSkipToken", "The provided skip token is not valid."}
	}
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", member, c.Method, err)
	}
	if next != "" {
		query := c.Query
		query.Set("$skiptoken", next)
		link := url.URL{Scheme: "https", Host: r.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: query.Encode()}
		name := "nextLink"
		if rest.HostOf(r.Host) == rest.Graph || strings.HasPrefix(c.Method, "armpolicyinsights.") { // OData both
			name = "@odata.nextLink"
		}
		answer[name], _ = json.Marshal(link.String()) // a string
	}
	return json.Marshal(answer)
}

// recognise reads which operation a request calls, and about which account. The body stays readable.
func (s *Server) recognise(r *http.Request) (Call, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return Call{}, fmt.Errorf("read request: %w", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	m, params, ok := rest.Match(r.Host, r.Method, r.URL, "")
	if !ok {
		return Call{}, &Error{http.StatusNotFound, "NotFound", "no operation at " + r.Method + " " + r.Host + r.URL.Path}
	}
	c := Call{Method: m.ID, Params: params, Query: r.URL.Query(), Host: r.Host, Path: r.URL.Path, Body: body, Now: s.options.Now()}
	if _, after, found := strings.Cut(strings.ToLower(r.URL.Path), "/subscriptions/"); found {
		c.Account, _, _ = strings.Cut(after, "/")
	}
	if c.Account == "" && s.options.Account != nil {
		c.Account = s.options.Account(c)
	}
	return c, nil
}

// Identify names the call a request makes, for the fault middleware.
func (s *Server) Identify(r *http.Request) fault.Call {
	c, err := s.recognise(r)
	if err != nil {
		return fault.Call{Cloud: "azure"}
	}
	service, operation, _ := strings.Cut(c.Method, ".")
	return fault.Call{Cloud: "azure", Account: c.Account, Region: posture.Global, Service: service, Operation: operation}
}

// Refuse answers with the error Azure would send.
func (s *Server) Refuse(w http.ResponseWriter, r *http.Request, rule fault.Rule) {
	switch rule.Kind {
	case fault.Throttled:
		refuse(w, &Error{http.StatusTooManyRequests, "TooManyRequests", "The request is being throttled."})
	case fault.ServerError:
		refuse(w, &Error{cmp.Or(rule.Status, http.StatusInternalServerError), "InternalServerError", "The service is having trouble."})
	case fault.ExpiredToken:
		refuse(w, &Error{http.StatusUnauthorized, "ExpiredAuthenticationToken", "The access token expiry is in the past."})
	case fault.Gone:
		refuse(w, NotFound("The resource"))
	default:
		code := "AuthorizationFailed"
		if rest.HostOf(r.Host) == rest.Graph {
			code = "Authorization_RequestDenied"
		}
		refuse(w, &Error{http.StatusForbidden, code, "The client does not have authorization to perform this action."})
	}
}

func refuse(w http.ResponseWriter, err error) {
	e := &Error{http.StatusInternalServerError, "InternalServerError", err.Error()}
	var own *Error
	if errors.As(err, &own) {
		e = own
	}
	body, _ := json.Marshal(map[string]any{"error": map[string]string{"code": e.Code, "message": e.Message}}) // strings
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(e.Status)
	_, _ = w.Write(body) // as above
}
