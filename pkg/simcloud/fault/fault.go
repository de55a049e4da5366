// Package fault makes a simulated cloud fail on purpose: one middleware for every cloud, ruled by call and count,
// which also records each call made. The cloud gives the errors their shape.
package fault

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Kind is a way to fail.
type Kind string

const (
	Denied        Kind = "denied"
	Throttled     Kind = "throttled"
	ServerError   Kind = "server error"   // with Rule.Status
	ExpiredToken  Kind = "expired token"  // the credentials' session is over
	Gone          Kind = "gone"           // the resource asked for is not found
	Slow          Kind = "slow"           // answered properly, after Rule.Delay
	CutBody       Kind = "cut body"       // the connection ends half way through the declared length
	GarbledBody   Kind = "garbled body"   // status 200, and bytes that no protocol parses
	RepeatedToken Kind = "repeated token" // a page names itself as the next one
	MissingPage   Kind = "missing page"   // the last page's token is refused
)

// garbage is no XML, JSON or CBOR.
const garbage = "\xff\x00<{garbled"

// Call names one API call: its place and its operation.
type Call struct {
	Cloud, Account, Region, Service, Operation string
}

// Rule lets calls fail. Empty fields of Call match everything.
type Rule struct {
	Call
	Nth    int // which call of the same name fails, counted from 1; 0: every one
	Kind   Kind
	Status int           // of a ServerError; 0: 500
	Delay  time.Duration // of Slow
}

func (r Rule) matches(c Call, n int) bool {
	same := func(want, have string) bool { return want == "" || want == have }
	return same(r.Cloud, c.Cloud) && same(r.Account, c.Account) && same(r.Region, c.Region) &&
		same(r.Service, c.Service) && same(r.Operation, c.Operation) && (r.Nth == 0 || r.Nth == n)
}

// Entry records a call; N counts the calls of that name from 1.
type Entry struct {
	Call
	N        int
	Injected Kind // empty: answered untouched
}

// Cloud is a simulated cloud, as far as the middleware needs it.
type Cloud interface {
	http.Handler
	// Identify names the call a request makes, leaving the request readable. What it cannot tell stays empty.
	Identify(*http.Request) Call
	// Refuse answers with the error the cloud would send for Denied, Throttled, ServerError, ExpiredToken or Gone.
	Refuse(http.ResponseWriter, *http.Request, Rule)
}

// Injector is the middleware. Its zero value injects nothing and records everything. Give the fields values before use.
type Injector struct {
	Rules []Rule // the first that matches a call applies
	// Wait delays a Slow call; nil waits by the clock. An error ends the connection without an answer.
	Wait func(context.Context, time.Duration) error

	mu     sync.Mutex
	counts map[Call]int
	log    []*Entry
}

// Set replaces the rules while the cloud serves, and begins to count and record anew.
func (i *Injector) Set(rules []Rule) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.Rules, i.counts, i.log = rules, nil, nil
}

// Log returns every call so far, in order of arrival.
func (i *Injector) Log() []Entry {
	i.mu.Lock()
	defer i.mu.Unlock()
	entries := make([]Entry, len(i.log))
	for n, entry := range i.log {
		entries[n] = *entry
	}
	return entries
}

// Wrap puts the middleware before a cloud.
func (i *Injector) Wrap(cloud Cloud) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entry, rule := i.arrive(cloud.Identify(r))
		if rule.Kind != RepeatedToken && rule.Kind != MissingPage {
			i.inject(entry, rule.Kind)
		}
		switch rule.Kind {
		case Denied, Throttled, ServerError, ExpiredToken, Gone:
			cloud.Refuse(w, r, rule)
		case Slow:
			if err := i.wait(r.Context(), rule.Delay); err != nil {
				panic(http.ErrAbortHandler) // the server's own way to end a connection; it is not logged
			}
			cloud.ServeHTTP(w, r)
		case CutBody:
			cut(w, r, cloud)
		case GarbledBody:
			garble(w, r, cloud)
		case RepeatedToken, MissingPage:
			order := pageOrder{rule.Kind, func() { i.inject(entry, rule.Kind) }}
			cloud.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), pageOrderKey{}, order)))
		default:
			cloud.ServeHTTP(w, r)
		}
	})
}

// arrive counts and records a call and picks its rule; a zero rule means none.
func (i *Injector) arrive(c Call) (*Entry, Rule) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.counts == nil {
		i.counts = map[Call]int{}
	}
	i.counts[c]++
	entry := &Entry{Call: c, N: i.counts[c]}
	i.log = append(i.log, entry)
	for _, rule := range i.Rules {
		if rule.matches(c, entry.N) {
			return entry, rule
		}
	}
	return entry, Rule{}
}

func (i *Injector) inject(entry *Entry, kind Kind) {
	i.mu.Lock()
	defer i.mu.Unlock()
	entry.Injected = kind
}

func (i *Injector) wait(ctx context.Context, d time.Duration) error {
	if i.Wait != nil {
		return i.Wait(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type pageOrderKey struct{}

type pageOrder struct {
	kind Kind
	done func()
}

// Takes reports whether this request's page is to fail in the given way, RepeatedToken or MissingPage, and records
// that it does. A cloud asks when it comes to the point, for only the cloud knows which page is the last.
func Takes(ctx context.Context, kind Kind) bool {
	order, ok := ctx.Value(pageOrderKey{}).(pageOrder)
	if !ok || order.kind != kind {
		return false
	}
	order.done()
	return true
}

// buffer holds a response back so that it can be changed.
type buffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newBuffer() *buffer { return &buffer{header: http.Header{}, status: http.StatusOK} }

func (b *buffer) Header() http.Header         { return b.header }
func (b *buffer) WriteHeader(status int)      { b.status = status }
func (b *buffer) Write(p []byte) (int, error) { return b.body.Write(p) }

func (b *buffer) sendHead(w http.ResponseWriter, length, status int) {
	for name, values := range b.header {
		w.Header()[name] = slices.Clone(values)
	}
	w.Header().Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(status)
}

func cut(w http.ResponseWriter, r *http.Request, h http.Handler) {
	whole := newBuffer()
	h.ServeHTTP(whole, r)
	if whole.body.Len() == 0 {
		panic(http.ErrAbortHandler) // nothing to cut: no answer at all
	}
	whole.sendHead(w, whole.body.Len(), whole.status)
	_, _ = w.Write(whole.body.Bytes()[:whole.body.Len()/2]) // a client that went away needs no answer
}

func garble(w http.ResponseWriter, r *http.Request, h http.Handler) {
	whole := newBuffer()
	h.ServeHTTP(whole, r)
	whole.sendHead(w, len(garbage), http.StatusOK)
	_, _ = w.Write([]byte(garbage)) // as above
}
