package web

import (
	"net/http/httptest"
	"testing"
)

func TestOnlyTrustedProxiesSayWhoAsks(t *testing.T) {
	trusted := []string{"10.0.0.0/8", "fd00::/8", "not a network"}
	for name, test := range map[string]struct {
		peer    string
		headers []string
		trusted []string
		want    string
	}{
		"nobody between":                        {"203.0.113.9:4000", nil, trusted, "203.0.113.9:4000"},
		"a stranger claims to be a proxy":       {"203.0.113.9:4000", []string{"198.51.100.1"}, trusted, "203.0.113.9:4000"},
		"no proxy is trusted":                   {"10.0.0.1:4000", []string{"198.51.100.1"}, nil, "10.0.0.1:4000"},
		"a proxy tells":                         {"10.0.0.1:4000", []string{"198.51.100.1"}, trusted, "198.51.100.1:0"},
		"two proxies tell":                      {"10.0.0.1:4000", []string{"198.51.100.1, 10.0.0.2"}, trusted, "198.51.100.1:0"},
		"in two headers":                        {"10.0.0.1:4000", []string{"198.51.100.1", "10.0.0.2"}, trusted, "198.51.100.1:0"},
		"a stranger writes before the proxy":    {"10.0.0.1:4000", []string{"192.0.2.1, 198.51.100.1"}, trusted, "198.51.100.1:0"},
		"a stranger writes a proxy of ours":     {"10.0.0.1:4000", []string{"10.9.9.9, 198.51.100.1"}, trusted, "198.51.100.1:0"},
		"nonsense before the proxy":             {"10.0.0.1:4000", []string{"<script>, 198.51.100.1"}, trusted, "198.51.100.1:0"},
		"the proxy writes nonsense":             {"10.0.0.1:4000", []string{"198.51.100.1, unknown"}, trusted, "10.0.0.1:4000"},
		"the proxy asks for itself":             {"10.0.0.1:4000", nil, trusted, "10.0.0.1:4000"},
		"a proxy of the other family":           {"[fd00::1]:4000", []string{"2001:db8::7"}, trusted, "[2001:db8::7]:0"},
		"a proxy written as a mapped address":   {"[::ffff:10.0.0.1]:4000", []string{"198.51.100.1"}, trusted, "198.51.100.1:0"},
		"a peer without an address stays as is": {"@", []string{"198.51.100.1"}, trusted, "@"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = test.peer
		for _, h := range test.headers {
			r.Header.Add("X-Forwarded-For", h)
		}
		if got := client(r, test.trusted); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
