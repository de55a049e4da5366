package reachability

import "testing"

func TestCovers(t *testing.T) {
	for name, test := range map[string]struct {
		whole  string
		ranges []string
		want   bool
	}{
		"a range holds itself":                          {"10.0.0.0/8", []string{"10.0.0.0/8"}, true},
		"a wider range holds a narrower":                {"10.0.0.0/8", []string{"0.0.0.0/0"}, true},
		"a narrower range does not hold a wider":        {"10.0.0.0/8", []string{"10.0.0.0/9"}, false},
		"halves make a whole, in any order":             {"0.0.0.0/0", []string{"128.0.0.0/1", "0.0.0.0/1"}, true},
		"ranges may overlap":                            {"0.0.0.0/0", []string{"0.0.0.0/1", "64.0.0.0/2", "96.0.0.0/3", "128.0.0.0/1"}, true},
		"a hole in the middle is seen":                  {"10.0.0.0/8", []string{"10.0.0.0/10", "10.128.0.0/9"}, false},
		"a hole at the end is seen":                     {"0.0.0.0/0", []string{"0.0.0.0/1", "128.0.0.0/2"}, false},
		"a hole at the beginning is seen":               {"0.0.0.0/0", []string{"64.0.0.0/2", "128.0.0.0/1"}, false},
		"the other family counts for nothing":           {"0.0.0.0/0", []string{"::/0"}, false},
		"halves of IPv6 are whole too":                  {"::/0", []string{"::/1", "8000::/1"}, true},
		"host bits set in a range do not matter":        {"10.0.0.0/8", []string{"10.1.2.3/8"}, true},
		"what lies before the range does not matter":    {"192.168.0.0/16", []string{"10.0.0.0/8", "192.168.0.0/17", "192.168.128.0/17"}, true},
		"what is no range is passed over":               {"0.0.0.0/0", []string{"anywhere", "0.0.0.0/0"}, true},
		"without ranges nothing is held":                {"0.0.0.0/0", nil, false},
		"a range of single addresses ends at the right": {"203.0.113.0/30", []string{"203.0.113.0/31", "203.0.113.2/32", "203.0.113.3/32"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Covers(test.whole, test.ranges); got != test.want {
				t.Errorf("Covers(%s, %v) is %v", test.whole, test.ranges, got)
			}
		})
	}
}

func TestWholeInternet(t *testing.T) {
	public := []string{ // everything but the private ranges and what is not for hosts
		"0.0.0.0/5", "8.0.0.0/7", "11.0.0.0/8", "12.0.0.0/6", "16.0.0.0/4", "32.0.0.0/3", "64.0.0.0/2", "128.0.0.0/3", "160.0.0.0/5",
		"168.0.0.0/6", "172.0.0.0/12", "172.32.0.0/11", "172.64.0.0/10", "172.128.0.0/9", "173.0.0.0/8", "174.0.0.0/7", "176.0.0.0/4",
		"192.0.0.0/9", "192.128.0.0/11", "192.160.0.0/13", "192.169.0.0/16", "192.170.0.0/15", "192.172.0.0/14", "192.176.0.0/12",
		"192.192.0.0/10", "193.0.0.0/8", "194.0.0.0/7", "196.0.0.0/6", "200.0.0.0/5", "208.0.0.0/4",
	}
	for name, test := range map[string]struct {
		ranges []string
		want   bool
	}{
		"all of IPv4":                     {[]string{"0.0.0.0/0"}, true},
		"all of IPv6":                     {[]string{"10.0.0.0/8", "::/0"}, true},
		"all of IPv6 that is routed":      {[]string{"2000::/3"}, true},
		"two halves":                      {[]string{"0.0.0.0/1", "128.0.0.0/1"}, true},
		"all but the private ranges":      {public, true},
		"all of those but one":            {public[1:], false},
		"one half":                        {[]string{"0.0.0.0/1"}, false},
		"a half of each family":           {[]string{"0.0.0.0/1", "8000::/1"}, false},
		"the private ranges":              {[]string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"}, false},
		"what is not routed adds nothing": {[]string{"0.0.0.0/8", "224.0.0.0/3"}, false},
		"nothing":                         {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := WholeInternet(test.ranges); got != test.want {
				t.Errorf("WholeInternet(%v) is %v", test.ranges, got)
			}
		})
	}
}
