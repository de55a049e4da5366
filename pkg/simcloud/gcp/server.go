// Package gcp simulates Google Cloud for reading: one HTTP handler that answers the REST methods which the readers call, for
// any number of projects and organizations. Requests name the service by their Host header. What there is to read comes from
// the handlers registered with Handle and List, which return the SDK's own structs.
package gcp

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/collectors/gcp/rest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/pages"
)

// Options set up a server.
type Options struct {
	Now      func() time.Time // the cloud's clock; nil: time.Now
	PageSize int              // items on a page where the call asks for no fewer; 0: 100
	// Account names the account that a request without project or organization in its path is about; nil: none.
	Account func(c Call) string
}

// Server is the simulated cloud, an http.Handler. Register every handler before it serves.
type Server struct {
	options  Options
	handlers map[string]method
	errs     []error
}

// method answers one REST method; list is the member of the answer that is cut into pages, "" for none.
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
	Method  string            // "storage.buckets.list"
	Account string            // project id or "organizations/123"; "" when the request names none
	Params  map[string]string // from the path, by the discovery document's names
	Query   url.Values
	Path    string // unescaped
	Body    []byte
	Now     time.Time
}

// Error is a refusal; Code is Google's canonical name ("NOT_FOUND").
type Error struct {
	Status  int
	Code    string
	Reason  string // of the details, or of old APIs; may be ""
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// NotFound is the answer for what does not exist.
func NotFound(what string) error {
	return &Error{Status: http.StatusNotFound, Code: "NOT_FOUND", Message: what + " was not found."}
}

// Handle registers the handler of a method. A later handler replaces an earlier one.
func Handle[Out any](s *Server, id string, handler func(Call) (*Out, error)) {
	List(s, id, "", handler)
}

// List registers the handler of a method whose answer has pages: the handler returns the whole list in member ("items"), an
// array or a map, and the server cuts the page that is asked for.
func List[Out any](s *Server, id, member string, handler func(Call) (*Out, error)) {
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

// Handled reports which methods have a handler.
func (s *Server) Handled(id string) bool { return s.handlers[id].answer != nil }

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := s.recognise(r)
	var body []byte
	if err == nil {
		body, err = s.run(r, c)
	}
	w.Header().Set("Date", s.options.Now().UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	if err != nil {
		refuse(w, err)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // a client that went away needs no answer
}

func (s *Server) run(r *http.Request, c Call) ([]byte, error) {
	body, list, err := s.whole(c)
	if err != nil || list == "" {
		return body, err
	}
	return s.page(r, c, list, body)
}

// whole is an answer before it is cut into pages, and the member that holds its list.
func (s *Server) whole(c Call) (body []byte, list string, err error) {
	m, ok := s.handlers[c.Method]
	if !ok {
		return nil, "", &Error{http.StatusNotImplemented, "UNIMPLEMENTED", "", c.Method + " has no handler"}
	}
	out, err := m.answer(c)
	if err != nil {
		return nil, "", err
	}
	body, err = json.Marshal(out)
	return body, m.list, err
}

// Ask reads into out what the server answers to a request without body, whole lists at once: for methods that tell what others
// tell, too.
func (s *Server) Ask(verb, address string, out any) error {
	r, err := http.NewRequest(verb, address, http.NoBody)
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

// page cuts an answer that holds a whole list to the page that is asked for, and sets the token of the next.
func (s *Server) page(r *http.Request, c Call, member string, body []byte) ([]byte, error) {
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	size := s.options.PageSize
	for _, name := range []string{"maxResults", "pageSize"} {
		if n, err := strconv.Atoi(c.Query.Get(name)); err == nil && n > 0 {
			size = min(size, n)
		}
	}
	token := c.Query.Get("pageToken")
	if r.Method == http.MethodPost { // lists whose questions do not fit into an address
		var asked struct {
			PageSize  int    `json:"pageSize"`
			PageToken string `json:"pageToken"`
		}
		if json.Unmarshal(c.Body, &asked) == nil {
			token = asked.PageToken
			if asked.PageSize > 0 {
				size = min(size, asked.PageSize)
			}
		}
	}
	next, err := pages.Page(r.Context(), answer, member, c.Method, token, size)
	if errors.Is(err, pages.ErrToken) {
		return nil, badToken(token)
	}
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", member, c.Method, err)
	}
	if next != "" {
		answer["nextPageToken"], _ = json.Marshal(next) // a string
	}
	return json.Marshal(answer)
}

func badToken(token string) error {
	return &Error{http.StatusBadRequest, "INVALID_ARGUMENT", "", "The page token " + strconv.Quote(token) + " is not valid."}
}

// nodeInPath finds the project, folder or organization that a path names.
var nodeInPath = regexp.MustCompile(`/(projects|organizations)/([^/:]+)`)

// recognise reads which method a request calls, and about which account. The body stays readable.
func (s *Server) recognise(r *http.Request) (Call, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return Call{}, fmt.Errorf("read request: %w", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	m, params, ok := rest.Match(r.Host, r.Method, r.URL)
	if !ok {
		return Call{}, &Error{http.StatusNotFound, "NOT_FOUND", "", "no method at " + r.Method + " " + r.Host + r.URL.Path}
	}
	c := Call{Method: m.ID, Params: params, Query: r.URL.Query(), Path: r.URL.Path, Body: body, Now: s.options.Now()}
	if found := nodeInPath.FindStringSubmatch(r.URL.Path); found != nil {
		c.Account = found[2]
		if found[1] == "organizations" {
			c.Account = "organizations/" + found[2]
		}
	}
	if c.Account == "" {
		c.Account = c.Query.Get("project")
	}
	if s.options.Account != nil {
		c.Account = cmp.Or(s.options.Account(c), c.Account)
	}
	return c, nil
}

// Identify names the call a request makes, for the fault middleware.
func (s *Server) Identify(r *http.Request) fault.Call {
	c, err := s.recognise(r)
	if err != nil {
		return fault.Call{Cloud: "gcp"}
	}
	service, operation, _ := strings.Cut(c.Method, ".")
	region := cmp.Or(c.Params["region"], c.Params["zone"], c.Params["locationsId"], posture.Global)
	return fault.Call{Cloud: "gcp", Account: c.Account, Region: region, Service: service, Operation: operation}
}

// Refuse answers with the error Google would send.
func (s *Server) Refuse(w http.ResponseWriter, _ *http.Request, rule fault.Rule) {
	switch rule.Kind {
	case fault.Throttled:
		refuse(w, &Error{http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED", "Quota exceeded."})
	case fault.ServerError:
		status := cmp.Or(rule.Status, http.StatusInternalServerError)
		code := "INTERNAL"
		if status == http.StatusServiceUnavailable {
			code = "UNAVAILABLE"
		}
		refuse(w, &Error{status, code, "", "The service is having trouble."})
	case fault.ExpiredToken:
		refuse(w, &Error{http.StatusUnauthorized, "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED", "Request had invalid authentication credentials."})
	case fault.Gone:
		refuse(w, NotFound("The resource"))
	default:
		refuse(w, &Error{http.StatusForbidden, "PERMISSION_DENIED", "IAM_PERMISSION_DENIED", "The caller does not have permission."})
	}
}

func refuse(w http.ResponseWriter, err error) {
	e := &Error{http.StatusInternalServerError, "INTERNAL", "", err.Error()}
	var own *Error
	if errors.As(err, &own) {
		e = own
	}
	answer := map[string]any{"code": e.Status, "message": e.Message, "status": e.Code}
	if e.Reason != "" {
		answer["details"] = []any{map[string]any{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": e.Reason, "domain": "googleapis.com"}}
	}
	body, _ := json.Marshal(map[string]any{"error": answer}) // strings and numbers
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(e.Status)
	_, _ = w.Write(body) // as above
}
