package reachability

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnySource(t *testing.T) {
	for cidr, want := range map[string]bool{
		"0.0.0.0/0": true, "::/0": true, "0.0.0.0/1": true, "128.0.0.0/1": true, "8.0.0.0/7": true, "8.0.0.0/8": false,
		"10.0.0.0/8": false, "2000::/3": true, "fc00::/7": false, "2001:db8::/32": false, "pl-1": false, "": false,
	} {
		if got := AnySource(cidr); got != want {
			t.Errorf("AnySource(%q) is %v", cidr, got)
		}
	}
}

func TestWidePublic(t *testing.T) {
	for cidr, want := range map[string]bool{
		"203.0.0.0/16": true, "203.0.113.0/24": false, "0.0.0.0/0": false, "10.0.0.0/8": false, "172.16.0.0/12": false,
		"172.0.0.0/8": true, "100.64.0.0/10": false, "2001:db8::/16": false, "x": false,
	} {
		if got := WidePublic(cidr); got != want {
			t.Errorf("WidePublic(%q) is %v", cidr, got)
		}
	}
}

func TestFromAnywhere(t *testing.T) {
	all := func(n int64, allow bool) Entry { return Entry{n, allow, "0.0.0.0/0", Ports{"all", 0, 65535}} }
	tcp := func(n int64, allow bool, cidr string, from, to int64) Entry {
		return Entry{n, allow, cidr, Ports{"tcp", from, to}}
	}
	for name, test := range map[string]struct {
		entries []Entry
		want    []Ports
	}{
		"the default ACL lets everything in":           {[]Entry{all(100, true), all(32767, false)}, []Ports{{"all", 0, 65535}}},
		"a denial with a lower number wins":            {[]Entry{all(32767, false), tcp(90, false, "0.0.0.0/0", 22, 22), tcp(100, true, "0.0.0.0/0", 1, 1023)}, []Ports{{"tcp", 1, 21}, {"tcp", 23, 1023}}},
		"a denial with a higher number does not":       {[]Entry{tcp(90, true, "0.0.0.0/0", 22, 22), tcp(100, false, "0.0.0.0/0", 22, 22)}, []Ports{{"tcp", 22, 22}}},
		"a denial of part of the addresses does not":   {[]Entry{tcp(90, false, "203.0.113.0/24", 22, 22), tcp(100, true, "0.0.0.0/0", 22, 22)}, []Ports{{"tcp", 22, 22}}},
		"a denial in the other family does not":        {[]Entry{tcp(90, false, "::/0", 22, 22), tcp(100, true, "0.0.0.0/0", 22, 22)}, []Ports{{"tcp", 22, 22}}},
		"a denied port splits an allowance of all":     {[]Entry{tcp(90, false, "0.0.0.0/0", 3389, 3389), all(100, true)}, []Ports{{"other", -1, -1}, {"tcp", 0, 3388}, {"tcp", 3390, 65535}, {"udp", 0, 65535}}},
		"two halves of the internet are the whole":     {[]Entry{tcp(1, true, "0.0.0.0/1", 22, 22), tcp(2, true, "128.0.0.0/1", 22, 22)}, []Ports{{"tcp", 22, 22}}},
		"ranges that touch are one":                    {[]Entry{tcp(1, true, "0.0.0.0/0", 0, 32767), tcp(2, true, "0.0.0.0/0", 32768, 65535)}, []Ports{{"tcp", 0, 65535}}},
		"nothing allowed lets nothing in":              {[]Entry{all(32767, false)}, nil},
		"both families may let the same in, told once": {[]Entry{tcp(1, true, "::/0", 443, 443), tcp(2, true, "0.0.0.0/0", 443, 443)}, []Ports{{"tcp", 443, 443}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, FromAnywhere(test.entries)); diff != "" {
				t.Errorf("ports differ (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzFromAnywhere holds the ranges against asking every entry about one port.
func FuzzFromAnywhere(f *testing.F) {
	f.Add([]byte{1, 1, 10, 40, 0, 0, 20, 20}, int64(15))
	f.Fuzz(func(t *testing.T, data []byte, port int64) {
		port = (port%256 + 256) % 256
		var entries []Entry
		for i := 0; i+3 < len(data); i += 4 {
			from, to := int64(data[i+2]), int64(data[i+3])
			if from > to {
				from, to = to, from
			}
			protocol := []string{"tcp", "udp", "all"}[data[i]%3]
			if protocol == "all" {
				from, to = 0, 65535
			}
			entries = append(entries, Entry{int64(i), data[i+1]%2 == 1, "0.0.0.0/0", Ports{protocol, from, to}})
		}
		want := false
		for _, e := range entries { // already in order
			if (e.Protocol == "tcp" || e.Protocol == "all") && e.From <= port && port <= e.To {
				want = e.Allow
				break
			}
		}
		got := false
		for _, p := range FromAnywhere(entries) {
			got = got || ((p.Protocol == "tcp" || p.Protocol == "all") && p.From <= port && port <= p.To)
		}
		if got != want {
			t.Errorf("port %d through %v: %v, want %v", port, entries, got, want)
		}
	})
}
