package reachability

import (
	"net/netip"
	"slices"
)

// Covers reports whether ranges together hold every address of whole. What is no range holds none.
func Covers(whole string, ranges []string) bool {
	target := netip.MustParsePrefix(whole)
	var sorted []netip.Prefix
	for _, r := range ranges {
		if p, err := netip.ParsePrefix(r); err == nil && p.Addr().Is4() == target.Addr().Is4() {
			sorted = append(sorted, p.Masked())
		}
	}
	slices.SortFunc(sorted, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
	next := target.Masked().Addr() // held by none so far
	for _, p := range sorted {
		if next.Less(p.Addr()) {
			return false
		}
		if end := last(p); !end.Less(next) {
			if next = end.Next(); !target.Contains(next) {
				return true
			}
		}
	}
	return false
}

// last is the highest address of a range.
func last(p netip.Prefix) netip.Addr {
	bytes := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	addr, _ := netip.AddrFromSlice(bytes) // as long as it was
	return addr
}

// unrouted are the IPv4 ranges from which nothing comes over the internet; in IPv6 only 2000::/3 is routed.
var unrouted = []string{
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3",
}

// WholeInternet reports whether ranges together hold every public address of IPv4 or of IPv6, be it in halves or without the
// private ranges.
func WholeInternet(ranges []string) bool {
	return Covers("0.0.0.0/0", slices.Concat(ranges, unrouted)) || Covers("2000::/3", ranges)
}
