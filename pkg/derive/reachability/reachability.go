// Package reachability answers what packet filters let in from any source. It knows nothing of clouds' types: rules are
// protocols, ports and CIDRs.
package reachability

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// Ports is a range of ports of one protocol, both ends included. Protocols without ports have -1 and -1; "all" is every
// protocol, with ports 0 to 65535.
type Ports struct {
	Protocol string
	From, To int64
}

// Entry is one numbered rule of a packet filter that takes the first rule to match.
type Entry struct {
	Number int64
	Allow  bool
	CIDR   string
	Ports
}

// private are the IPv4 ranges that are not routed on the internet.
var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("127.0.0.0/8"),
}

// localIPv6 are the IPv6 ranges that are not routed on the internet.
var localIPv6 = []netip.Prefix{netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/10")}

func inside(p netip.Prefix, ranges []netip.Prefix) bool {
	return slices.ContainsFunc(ranges, func(r netip.Prefix) bool { return r.Bits() <= p.Bits() && r.Contains(p.Addr()) })
}

// AnySource reports whether a CIDR is as good as every address: 0.0.0.0/0, ::/0, or a prefix of at most 7 bits in IPv4 or
// 15 in IPv6 that is not wholly private. What is no CIDR is not.
func AnySource(cidr string) bool {
	p, err := netip.ParsePrefix(cidr)
	if err != nil {
		return false
	}
	if p.Addr().Is4() {
		return p.Bits() <= 7 && !inside(p, private)
	}
	return p.Bits() <= 15 && !inside(p, localIPv6)
}

// WidePublic reports whether a CIDR is an IPv4 range of length 1 to 23 that is not wholly private.
func WidePublic(cidr string) bool {
	p, err := netip.ParsePrefix(cidr)
	return err == nil && p.Addr().Is4() && p.Bits() >= 1 && p.Bits() <= 23 && !inside(p, private)
}

// FromAnywhere is what reaches through the entries from any source, taken in order of their numbers and for each address
// family by itself. What AnySource allows is open, so that two halves of the internet are as open as the whole; only an
// earlier denial for the whole family takes ports away. The result is sorted, and ranges that touch are one.
func FromAnywhere(entries []Entry) []Ports {
	sorted := slices.Clone(entries)
	slices.SortStableFunc(sorted, func(a, b Entry) int { return cmp.Compare(a.Number, b.Number) })
	var out []Ports
	for _, family := range []string{"0.0.0.0/0", "::/0"} {
		var denied []Ports
		for _, e := range sorted {
			switch {
			case e.Allow && AnySource(e.CIDR) && strings.Contains(e.CIDR, ":") == strings.Contains(family, ":"):
				out = append(out, subtract(e.Ports, denied)...)
			case !e.Allow && e.CIDR == family:
				denied = append(denied, e.Ports)
			}
		}
	}
	slices.SortFunc(out, func(a, b Ports) int {
		return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return merged(out)
}

// merged joins sorted ranges of one protocol that overlap or touch.
func merged(sorted []Ports) []Ports {
	var out []Ports
	for _, p := range sorted {
		if n := len(out); n > 0 && out[n-1].Protocol == p.Protocol && p.From <= out[n-1].To+1 {
			out[n-1].To = max(out[n-1].To, p.To)
			continue
		}
		out = append(out, p)
	}
	return out
}

// ported are the protocols that have ports.
var ported = []string{"tcp", "udp"}

// subtract takes denied ranges out of an allowed one. "all" falls into tcp, udp and "other" once one of them is denied.
func subtract(allowed Ports, denied []Ports) []Ports {
	rest := []Ports{allowed}
	for _, d := range denied {
		var next []Ports
		for _, a := range rest {
			next = append(next, without(a, d)...)
		}
		rest = next
	}
	return rest
}

func without(a, d Ports) []Ports {
	switch {
	case d.Protocol == "all":
		return nil
	case a.Protocol == "all":
		var out []Ports
		for _, protocol := range ported {
			out = append(out, without(Ports{protocol, 0, 65535}, d)...)
		}
		return append(out, Ports{"other", -1, -1})
	case a.Protocol != d.Protocol || d.To < a.From || d.From > a.To:
		return []Ports{a}
	}
	var out []Ports
	if d.From > a.From {
		out = append(out, Ports{a.Protocol, a.From, d.From - 1})
	}
	if d.To < a.To {
		out = append(out, Ports{a.Protocol, d.To + 1, a.To})
	}
	return out
}
