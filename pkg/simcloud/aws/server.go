// Package aws simulates the AWS control plane for reading: one HTTP handler that answers the real Go SDK clients of
// every service that readers call, for any number of accounts and regions. It speaks the protocols; what an account
// holds comes from the handlers registered with Handle, which take and return the SDK's own structs.
package aws

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws/internal/wire"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
)

//go:generate go run ./internal/gen

// Options set up a server.
type Options struct {
	Now      func() time.Time          // the cloud's clock; nil: time.Now
	PageSize int                       // items on a page where the call asks for no fewer; 0: 100
	Known    func(account string) bool // whether an account exists; nil: every one does
}

// Server is the simulated cloud, an http.Handler. Register every handler before it serves.
type Server struct {
	options  Options
	models   map[string]*wire.Model   // by SDK package
	signing  map[string][]*wire.Model // by name in the credential scope
	handlers map[operation]func(scope, *wire.Call) (any, error)
	errs     []error
	requests atomic.Uint64
}

type operation struct{ service, name string }

var _ fault.Cloud = (*Server)(nil)

// New returns a server that knows every listed operation and answers those of STS; the others await handlers.
func New(options Options) (*Server, error) {
	models, err := wire.Load()
	if err != nil {
		return nil, err
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.PageSize <= 0 {
		options.PageSize = 100
	}
	if options.Known == nil {
		options.Known = func(string) bool { return true }
	}
	s := &Server{
		options: options, models: models,
		signing:  map[string][]*wire.Model{},
		handlers: map[operation]func(scope, *wire.Call) (any, error){},
	}
	for _, service := range slices.Sorted(maps.Keys(models)) {
		name := models[service].SigningName()
		s.signing[name] = append(s.signing[name], models[service])
	}
	Handle(s, s.callerIdentity)
	Handle(s, s.assumeRole)
	return s, s.Err()
}

// Call is one API call as a handler sees it. Input is a pointer to the SDK's input struct.
type Call[In any] struct {
	Context   context.Context
	Account   string // 12 digits
	Region    string // of the credential scope
	Principal string // ARN of the caller
	Now       time.Time
	Input     In
}

// Handle registers the handler of one operation; which one, the SDK's struct names tell. A later handler replaces an
// earlier one.
//
// A handler returns whole lists: the server cuts the page the call asks for and sets the token, unless the handler has
// set one itself. Its error is an SDK error type (&types.TrailNotFoundException{}), an Error, or anything else for a
// fault of the service. A mistake in registration is kept for Err.
func Handle[In, Out any](s *Server, handler func(Call[*In]) (*Out, error)) {
	input := reflect.TypeFor[In]()
	name, ok := strings.CutSuffix(input.Name(), "Input")
	op := operation{path.Base(input.PkgPath()), name}
	model := s.models[op.service]
	switch {
	case !ok || reflect.TypeFor[Out]().Name() != name+"Output":
		s.errs = append(s.errs, fmt.Errorf("handler of %s and %s: not an operation's input and output", input, reflect.TypeFor[Out]()))
	case model == nil || model.Operations[name] == nil:
		s.errs = append(s.errs, fmt.Errorf("handler of %s %s: no reader calls it", op.service, op.name))
	}
	s.handlers[op] = func(at scope, call *wire.Call) (any, error) {
		in := new(In)
		if err := call.Decode(in); err != nil {
			return nil, &Error{Code: "ValidationError", Message: err.Error(), Status: http.StatusBadRequest}
		}
		out, err := handler(Call[*In]{at.ctx, at.account, at.region, at.principal, at.now, in})
		if err != nil {
			return nil, err
		}
		if out == nil {
			return nil, fmt.Errorf("the handler of %s %s returned nothing", op.service, op.name)
		}
		page := *out // the handler may hand out the same lists again
		return &page, s.page(at.ctx, call.Operation, in, &page)
	}
}

// Err returns what went wrong in registration.
func (s *Server) Err() error { return errors.Join(s.errs...) }

// ServeHTTP answers one API call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at, call, err := s.recognise(r)
	requestID := s.requestID(at.service)
	w.Header().Set("Date", s.options.Now().UTC().Format(http.TimeFormat))
	if call == nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	if err == nil {
		var output any
		if output, err = s.run(at, call); err == nil {
			var answer *wire.Answer
			if answer, err = call.Encode(output, requestID); err == nil {
				answer.WriteTo(w)
				return
			}
		}
	}
	s.refuse(call, err, requestID).WriteTo(w)
}

func (s *Server) run(at scope, call *wire.Call) (any, error) {
	if call.Operation == nil {
		return nil, unknownOperation(call)
	}
	handler := s.handlers[operation{call.Model.Package, call.Name}]
	if handler == nil {
		return nil, &Error{Code: "NotImplemented", Message: call.Model.Package + " " + call.Name + " has no handler", Status: http.StatusNotImplemented}
	}
	return handler(at, call)
}

// recognise reads who calls, where and what. Without a call the request names no service known here; with a call and
// an error its caller is unknown. The request's body stays readable.
func (s *Server) recognise(r *http.Request) (scope, *wire.Call, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return scope{}, nil, fmt.Errorf("read request: %w", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	at, err := readScope(r)
	if err != nil {
		return at, nil, err
	}
	call, ok := wire.Recognise(s.signing[at.service], r, body)
	if !ok {
		return at, nil, fmt.Errorf("no service signs as %q", at.service)
	}
	at.now = s.options.Now()
	if at.account == "" || !s.options.Known(at.account) {
		return at, call, unknownKey(call)
	}
	return at, call, nil
}

// Identify names the call a request makes, for the fault middleware.
func (s *Server) Identify(r *http.Request) fault.Call {
	at, call, _ := s.recognise(r) // what is unknown stays empty
	name := fault.Call{Cloud: "aws", Account: at.account, Region: at.region}
	if call != nil {
		name.Service, name.Operation = call.Model.Package, call.Name
	}
	return name
}

// requestID numbers the requests in the form of the service: 16 hexadecimal digits in S3, a UUID elsewhere.
func (s *Server) requestID(service string) string {
	n := s.requests.Add(1)
	if service == "s3" {
		return fmt.Sprintf("%016X", n)
	}
	var id [16]byte
	binary.BigEndian.PutUint64(id[8:], n)
	id[6], id[8] = 0x40, id[8]|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
