package signin

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/plumbline-dev/plumbline/pkg/access"
)

// limiter lets each address do something so often. An IPv6 address stands for its network of 64 bits, which one host has to itself.
type limiter struct {
	burst int
	every time.Duration // until one more is allowed

	mu sync.Mutex
	at map[string]*bucket
}

type bucket struct {
	*rate.Limiter
	told bool // that no more is allowed
}

// maxAddresses bounds the memory; full buckets are forgotten, and when all are in use everybody starts anew.
const maxAddresses = 10000

func newLimiter(burst int, every time.Duration) *limiter {
	return &limiter{burst: burst, every: every, at: map[string]*bucket{}}
}

// allow takes one from the address's bucket. first is true for the first refusal in a row.
func (l *limiter) allow(address string, now time.Time) (ok, first bool) {
	if a, err := netip.ParseAddr(address); err == nil && a.Is6() {
		if network, err := a.Prefix(64); err == nil {
			address = network.String()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.at[address]
	if b == nil {
		if len(l.at) >= maxAddresses {
			l.forget(now)
		}
		b = &bucket{Limiter: rate.NewLimiter(rate.Every(l.every), l.burst)}
		l.at[address] = b
	}
	ok = b.AllowN(now, 1)
	first = !ok && !b.told
	b.told = !ok
	return ok, first
}

func (l *limiter) forget(now time.Time) {
	for address, b := range l.at {
		if b.TokensAt(now) >= float64(l.burst) {
			delete(l.at, address)
		}
	}
	if len(l.at) >= maxAddresses {
		clear(l.at)
	}
}

// limit reports whether the caller may go on; it answers those who may not, and records that they came too often, once.
func (s *Server) limit(w http.ResponseWriter, r *http.Request, l *limiter) bool {
	c := callerOf(r.Context())
	ok, first := l.allow(c.address, s.Now())
	if ok {
		return true
	}
	if first {
		e := access.Entry{Actor: access.Actor{Kind: access.Person, Address: c.address}, Action: access.SignedIn, Object: r.URL.Path,
			Reason: "too many attempts; those that follow are not recorded"}
		if err := s.refuse(r.Context(), e); err != nil {
			s.fail(w, r, err)
			return false
		}
	}
	w.Header().Set("Retry-After", "60")
	http.Error(w, "too many attempts from your address: wait a minute", http.StatusTooManyRequests)
	return false
}
