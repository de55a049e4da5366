package web

import (
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
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

// client is the address and port of who asks: the peer, or where trusted proxies stand between, the last address that they were asked
// from and that is none of theirs. What a stranger writes into the header is to the left of that.
func client(r *http.Request, trusted []string) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || len(trusted) == 0 {
		return r.RemoteAddr
	}
	proxy := func(a netip.Addr) bool {
		return slices.ContainsFunc(trusted, func(network string) bool {
			prefix, err := netip.ParsePrefix(network)
			return err == nil && prefix.Contains(a.Unmap())
		})
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	at := peer
	for i := len(hops) - 1; i >= 0 && proxy(at.Addr()); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break // whatever is left of it was not written by a proxy of ours
		}
		at = netip.AddrPortFrom(hop, 0)
	}
	return at.String()
}

// retryAfter is a wait in whole seconds, as the header of that name says it.
func retryAfter(wait time.Duration) string { return strconv.Itoa(int(wait/time.Second) + 1) }
