package azure

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
)

func TestPublicAddressesOfAFirewallRule(t *testing.T) {
	for name, test := range map[string]struct {
		start, end string
		want       int64
	}{
		"one address":                         {"198.51.100.7", "198.51.100.7", 1},
		"a range, both ends in it":            {"198.51.100.0", "198.51.100.255", 256},
		"a /16":                               {"20.1.0.0", "20.1.255.255", 65536},
		"all of Azure is no address":          {"0.0.0.0", "0.0.0.0", 0},
		"private addresses are not public":    {"10.0.0.0", "10.255.255.255", 0},
		"a range that begins in private ones": {"10.255.255.0", "11.0.0.9", 10},
		"a range around private ones":         {"192.167.255.255", "192.169.0.0", 2},
		// but for 224.0.0.0/3, three /8, a /10, a /12 and two /16
		"everything":              {"0.0.0.0", "255.255.255.255", 1<<32 - 1<<29 - 3<<24 - 1<<22 - 1<<20 - 2<<16},
		"an end before its start": {"198.51.100.9", "198.51.100.1", 0},
	} {
		t.Run(name, func(t *testing.T) {
			var f firewall
			if err := f.add(&name, &test.start, &test.end); err != nil {
				t.Fatal(err)
			}
			if got := f.rules()[0].PublicAddresses; got != test.want {
				t.Errorf("%d public addresses, want %d", got, test.want)
			}
		})
	}
}

func TestFirewallRules(t *testing.T) {
	var f firewall
	add := func(name, start, end string) error { return f.add(&name, &start, &end) }
	for _, r := range [][3]string{{"vpn", "10.0.0.1", "10.0.0.9"}, {"office", "198.51.100.1", "198.51.100.4"}, {"vpn", "10.0.0.1", "10.0.0.9"}} {
		if err := add(r[0], r[1], r[2]); err != nil {
			t.Fatal(err)
		}
	}
	want := []schema.DatabaseFirewallRule{
		{Name: "office", StartIP: "198.51.100.1", EndIP: "198.51.100.4", PublicAddresses: 4}, {Name: "vpn", StartIP: "10.0.0.1", EndIP: "10.0.0.9"},
	}
	if diff := cmp.Diff(want, f.rules()); diff != "" {
		t.Errorf("rules differ (-want +got):\n%s", diff)
	}
	for name, r := range map[string][2]string{"no address": {"", "10.0.0.9"}, "a name": {"10.0.0.1", "office"}, "IPv6": {"2001:db8::1", "2001:db8::9"}} {
		if add(name, r[0], r[1]) == nil {
			t.Errorf("%s was taken for a range", name)
		}
	}
}
