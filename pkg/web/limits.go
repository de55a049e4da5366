package web

import (
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limits bound how often each of many callers does something.
type limits struct {
	rate  rate.Limit
	burst int

	mu sync.Mutex
	of map[string]*rate.Limiter
}

// maxCallers bounds the memory of limits.
const maxCallers = 10_000

func newLimits(perSecond float64, burst int) *limits {
	return &limits{rate: rate.Limit(perSecond), burst: burst, of: map[string]*rate.Limiter{}}
}

// take takes one of who's tokens; otherwise it says how long to wait for the next.
func (l *limits) take(who string) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.of[who]
	if one == nil {
		if len(l.of) >= maxCallers {
			l.forget()
		}
		one = rate.NewLimiter(l.rate, l.burst)
		l.of[who] = one
	}
	r := one.Reserve()
	if wait = r.Delay(); wait > 0 {
		r.Cancel()
	}
	return wait
}

// forget lets go of those who would start with a full bucket again, and of everybody when that is nobody.
func (l *limits) forget() {
	for who, one := range l.of {
		if one.Tokens() >= float64(l.burst) {
			delete(l.of, who)
		}
	}
	if len(l.of) >= maxCallers {
		clear(l.of)
	}
}

// network is what an address counts as: an IPv6 host has the 64 bits below its network to itself.
func network(address string) string {
	port, err := netip.ParseAddrPort(address)
	if err != nil {
		return address
	}
	ip := port.Addr().Unmap()
	if prefix, err := ip.Prefix(64); err == nil && ip.Is6() {
		return prefix.String()
	}
	return ip.String()
}

// retryAfter is a wait in whole seconds, as the header of that name says it.
func retryAfter(wait time.Duration) string { return strconv.Itoa(int(wait/time.Second) + 1) }
