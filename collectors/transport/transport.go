// Package transport is the one HTTP transport between the cloud SDKs and the network. It journals every attempt, keeps
// bodies as their operation declares, limits the rate, retries with jitter, honours Retry-After, refuses operations that no
// reader declares, and lets no answer through that is not whole: SDKs take an empty or foreign body for an empty list.
package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Doer sends one request; *http.Client and the AWS SDK's buildable client are Doers.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// Clock is the time the transport lives in; tests inject one that does not wait.
type Clock interface {
	Now() time.Time
	// Sleep waits for d or until the context ends, and returns the context's error then.
	Sleep(ctx context.Context, d time.Duration) error
}

// SystemClock is the wall clock.
type SystemClock struct{}

// Now returns the current time in UTC.
func (SystemClock) Now() time.Time { return time.Now().UTC() }

// Sleep waits for d or until the context ends.
func (SystemClock) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Outcome classifies an answer.
type Outcome int

// Accepted answers go to the SDK, good or bad; the others are tried again while attempts are left.
const (
	Accepted  Outcome = iota
	Throttled         // slow down and try again
	Transient         // the service's own failure: try again
	Malformed         // a success whose body is not whole or not the service's: try again, never let it through
)

// Target says which operation a request is.
type Target struct {
	Operation string // "CloudTrail.DescribeTrails"
	Region    string
}

// Protocol is what the transport must know of a cloud's wire.
type Protocol interface {
	// Identify names the operation of a request.
	Identify(*http.Request) Target
	// Inspect classifies an answer and returns the provider's error code and request id.
	Inspect(target Target, resp *http.Response, body []byte) (outcome Outcome, code, requestID string)
	// Normalize removes from a body that is to be stored what differs from one identical answer to the next.
	Normalize(target Target, body []byte) []byte
}

// Options are the settings of a transport; zero values mean the defaults in brackets.
type Options struct {
	Operations []collectors.Operation
	Journal    *Journal
	Clock      Clock         // [SystemClock]
	Attempts   int           // tries per request [5]
	Timeout    time.Duration // of one attempt [30 s]
	// Rate is the number of requests a second to a service in a region; zero means no limit.
	Rate      func(service string) rate.Limit
	RedactKey []byte // keys the digests that stand for redacted values
}

// Transport implements Doer over another.
type Transport struct {
	base       Doer
	protocol   Protocol
	options    Options
	operations map[string]collectors.Operation

	mu       sync.Mutex
	limiters map[string]*rate.Limiter
}

// New returns a transport that sends through base.
func New(base Doer, protocol Protocol, options Options) *Transport {
	if options.Clock == nil {
		options.Clock = SystemClock{}
	}
	if options.Attempts == 0 {
		options.Attempts = 5
	}
	if options.Timeout == 0 {
		options.Timeout = 30 * time.Second
	}
	if options.Journal == nil {
		options.Journal = NewJournal()
	}
	t := &Transport{
		base: base, protocol: protocol, options: options,
		operations: map[string]collectors.Operation{}, limiters: map[string]*rate.Limiter{},
	}
	for _, op := range options.Operations {
		t.operations[op.Name] = op
	}
	return t
}

// Asked is how the journal knows a request.
type Asked struct {
	Target
	Parameters string // digest of the request
}

type askedKey struct{}

// AskedOf tells, below a transport, how the journal knows the request of that context.
func AskedOf(ctx context.Context) (Asked, bool) {
	asked, ok := ctx.Value(askedKey{}).(Asked)
	return asked, ok
}

// Error is a request that got no usable answer.
type Error struct {
	Operation string
	Reason    posture.Reason
	Err       error
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s: %v", e.Operation, e.Reason, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// RoundTrip makes a Transport fit http.Client.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) { return t.Do(req) }

// Do sends the request until an answer is whole and final. A refused or failed request whose attempts are used up returns
// the service's last answer, for the SDK to decode, or an *Error when there was none to hand on.
func (t *Transport) Do(req *http.Request) (*http.Response, error) {
	target := t.protocol.Identify(req)
	op, declared := t.operations[target.Operation]
	if !declared {
		return nil, &Error{target.Operation, posture.ReasonAPIError, errors.New("no reader declares this operation")}
	}
	request, err := readAll(req.Body)
	if err != nil {
		return nil, &Error{target.Operation, posture.ReasonAPIError, fmt.Errorf("read request: %w", err)}
	}
	ctx, cell := req.Context(), cellOf(req.Context())
	fingerprint := digest([]byte(req.Method + " " + req.URL.String() + " " + req.Header.Get("X-Amz-Target") + "\n" + string(request)))

	for attempt := 1; ; attempt++ {
		if err := t.wait(ctx, target); err != nil {
			return nil, t.failure(target, err)
		}
		cell.count()
		resp, body, outcome, err := t.attempt(req, request, target, op, attempt, fingerprint)
		switch {
		case err == nil && outcome == Accepted:
			if resp.StatusCode < 300 && !op.Polled {
				if err := cell.answer(fingerprint); err != nil {
					return nil, &Error{target.Operation, posture.ReasonPartialPages, err}
				}
			}
			resp.Body = io.NopCloser(bytes.NewReader(body))
			return resp, nil
		case ctx.Err() != nil:
			return nil, t.failure(target, ctx.Err())
		case attempt < t.options.Attempts:
			if err := t.options.Clock.Sleep(ctx, backoff(attempt, outcome, resp)); err != nil {
				return nil, t.failure(target, err)
			}
		case err != nil:
			return nil, t.failure(target, err)
		case outcome == Malformed:
			return nil, &Error{target.Operation, posture.ReasonParseError, errors.New("the answer is not whole or not the service's own")}
		default:
			resp.Body = io.NopCloser(bytes.NewReader(body))
			return resp, nil
		}
	}
}

// attempt sends the request once and journals it.
func (t *Transport) attempt(req *http.Request, request []byte, target Target, op collectors.Operation, n int, fingerprint string) (*http.Response, []byte, Outcome, error) {
	ctx, cancel := context.WithTimeout(req.Context(), t.options.Timeout)
	defer cancel()
	ctx, span := otel.Tracer("plumbline").Start(ctx, target.Operation, trace.WithAttributes(attribute.String("region", target.Region), attribute.Int("attempt", n)))
	defer span.End()
	again := req.Clone(context.WithValue(ctx, askedKey{}, Asked{target, fingerprint}))
	if req.Body != nil {
		again.Body = io.NopCloser(bytes.NewReader(request))
	}
	service, _, _ := strings.Cut(target.Operation, ".")
	call := posture.Call{
		Service: service, Operation: target.Operation, Region: target.Region,
		Parameters: fingerprint, Attempt: n, Started: t.options.Clock.Now(),
	}
	resp, err := t.base.Do(again)
	var body []byte
	if err == nil {
		body, err = readAll(resp.Body)
		call.Status, call.ServerDate = resp.StatusCode, resp.Header.Get("Date")
	}
	call.Ended = t.options.Clock.Now()
	if err != nil {
		if ctx.Err() != nil && req.Context().Err() == nil {
			err = context.DeadlineExceeded
		}
		call.Error = string(reasonOf(err))
		t.options.Journal.record(call, nil)
		cellOf(ctx).record(call, nil)
		return resp, nil, Transient, err
	}
	var outcome Outcome
	outcome, call.Code, call.RequestID = t.protocol.Inspect(target, resp, body)
	span.SetAttributes(attribute.Int("http.response.status_code", resp.StatusCode), attribute.String("code", call.Code), attribute.String("request_id", call.RequestID))
	call.Received = digest(body)
	var stored []byte
	if keep, names := op.Body.Kept(); keep && outcome == Accepted {
		stored = redact(t.protocol.Normalize(target, body), names, t.options.RedactKey)
	}
	t.options.Journal.record(call, stored)
	cellOf(ctx).record(call, stored)
	return resp, body, outcome, nil
}

// wait holds the request back until its service and region may be asked again.
func (t *Transport) wait(ctx context.Context, target Target) error {
	if t.options.Rate == nil {
		return ctx.Err()
	}
	service, _, _ := strings.Cut(target.Operation, ".")
	limit := t.options.Rate(service)
	if limit == 0 {
		return ctx.Err()
	}
	key := service + "/" + target.Region
	t.mu.Lock()
	limiter, ok := t.limiters[key]
	if !ok {
		limiter = rate.NewLimiter(limit, max(1, int(limit)))
		t.limiters[key] = limiter
	}
	t.mu.Unlock()
	now := t.options.Clock.Now()
	if delay := limiter.ReserveN(now, 1).DelayFrom(now); delay > 0 {
		return t.options.Clock.Sleep(ctx, delay)
	}
	return ctx.Err()
}

func (t *Transport) failure(target Target, err error) error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	return &Error{target.Operation, reasonOf(err), err}
}

func reasonOf(err error) posture.Reason {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return posture.ReasonTimeout
	case errors.Is(err, io.ErrUnexpectedEOF):
		return posture.ReasonParseError
	default:
		return posture.ReasonAPIError
	}
}

// backoff is how long to wait after attempt n: what the service asks for, or a random part of a doubling span.
func backoff(n int, outcome Outcome, resp *http.Response) time.Duration {
	if resp != nil {
		if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds >= 0 {
			return min(time.Duration(seconds)*time.Second, time.Minute)
		}
	}
	span := 200 * time.Millisecond << n
	if outcome == Throttled {
		span *= 2
	}
	span = min(span, 20*time.Second)
	return span/2 + rand.N(span/2)
}

func readAll(body io.ReadCloser) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	defer body.Close()
	return io.ReadAll(body)
}
