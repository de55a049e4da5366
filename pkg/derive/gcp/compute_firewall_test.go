package gcp

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// rule is an ingress allowance of the network "web", changed by change.
func rule(change func(*schema.FirewallRule), refused ...string) *posture.Resource {
	r := &schema.FirewallRule{
		Source: "vpc", Networks: []string{"projects/acme/global/networks/web"}, Direction: "INGRESS", Action: "allow",
		SourceRanges: []string{"0.0.0.0/0"}, Layer4: []schema.ProtocolPorts{{Protocol: "tcp", Ports: []string{"22"}}},
	}
	change(r)
	return resource(schema.FirewallRuleType, "projects/acme/global/firewalls/rule", r, refused...)
}

func TestFirewallRuleInternetOpen(t *testing.T) {
	const group = "projects/acme/locations/global/addressGroups/partners"
	cases := map[string]derivation{}
	for name, test := range map[string]struct {
		change  func(*schema.FirewallRule)
		refused []string
		want    any
	}{
		"all of IPv4": {change: func(*schema.FirewallRule) {}, want: true},
		"all of IPv6": {change: func(r *schema.FirewallRule) { r.SourceRanges = []string{"::/0"} },
			want: true},
		"two halves": {change: func(r *schema.FirewallRule) { r.SourceRanges = []string{"0.0.0.0/1", "128.0.0.0/1"} },
			want: true},
		"one half": {change: func(r *schema.FirewallRule) { r.SourceRanges = []string{"0.0.0.0/1"} },
			want: false},
		"a private range": {change: func(r *schema.FirewallRule) { r.SourceRanges = []string{"10.0.0.0/8"} },
			want: false},
		"no source at all is any": {change: func(r *schema.FirewallRule) { r.SourceRanges = nil }, want: true},
		"tags in place of ranges": {change: func(r *schema.FirewallRule) { r.SourceRanges, r.SourceTags = nil, []string{"web"} },
			want: false},
		"tags beside ranges take nothing away": {change: func(r *schema.FirewallRule) { r.SourceTags = []string{"web"} },
			want: true},
		"accounts in place of ranges": {change: func(r *schema.FirewallRule) { r.SourceRanges, r.SourceServiceAccounts = nil, []string{"a@b"} },
			want: false},
		"a country in place of ranges": {change: func(r *schema.FirewallRule) { r.SourceRanges, r.SourceObjects = nil, []string{"CH"} },
			want: false},
		"what an address group holds nobody reads": {change: func(r *schema.FirewallRule) { r.SourceRanges, r.SourceObjects = nil, []string{group} },
			want: "unread: not_collected"},
		"an address group beside all of IPv4": {change: func(r *schema.FirewallRule) { r.SourceObjects = []string{group} },
			want: true},
		"ranges narrowed to the inside": {change: func(r *schema.FirewallRule) { r.SourceNetworkType = "NON_INTERNET" },
			want: false},
		"ranges narrowed to the network": {change: func(r *schema.FirewallRule) { r.SourceNetworkType = "INTRA_VPC" },
			want: false},
		"ranges narrowed to the internet": {change: func(r *schema.FirewallRule) { r.SourceNetworkType = "INTERNET" },
			want: true},
		"a rule that is off": {change: func(r *schema.FirewallRule) { r.Disabled = true }, want: false},
		"a denial":           {change: func(r *schema.FirewallRule) { r.Action = "deny" }, want: false},
		"egress":             {change: func(r *schema.FirewallRule) { r.Direction = "EGRESS" }, want: false},
		"whether it is off was not read": {change: func(*schema.FirewallRule) {}, refused: []string{"disabled"},
			want: "unread: read disabled"},
		"ranges were not read, and no tags tell": {change: func(*schema.FirewallRule) {}, refused: []string{"source_ranges"},
			want: "unread: read source_ranges"},
		"whatever the ranges, a denial opens nothing": {change: func(r *schema.FirewallRule) { r.Action = "deny" }, refused: []string{"source_ranges"},
			want: false},
	} {
		cases[name] = derivation{resources: []*posture.Resource{rule(test.change, test.refused...)},
			want: map[string]any{"internet_open": test.want}}
	}
	check(t, cases)
}

func TestFirewallRulePorts(t *testing.T) {
	ports := func(pairs ...int64) []any {
		out := []any{}
		for i := 0; i < len(pairs); i += 2 {
			out = append(out, map[string]any{"from": pairs[i], "to": pairs[i+1]})
		}
		return out
	}
	cases := map[string]derivation{}
	for name, test := range map[string]struct {
		layer4   []schema.ProtocolPorts
		refused  []string
		tcp, udp any
	}{
		"a port and a range": {layer4: []schema.ProtocolPorts{{Protocol: "tcp", Ports: []string{"443", "8000-8099"}}},
			tcp: ports(443, 443, 8000, 8099), udp: ports()},
		"a protocol without ports has all": {layer4: []schema.ProtocolPorts{{Protocol: "udp"}}, tcp: ports(), udp: ports(0, 65535)},
		"all protocols": {layer4: []schema.ProtocolPorts{{Protocol: "all"}},
			tcp: ports(0, 65535), udp: ports(0, 65535)},
		"protocols by their numbers": {layer4: []schema.ProtocolPorts{{Protocol: "6", Ports: []string{"22"}}, {Protocol: "17", Ports: []string{"53"}}},
			tcp: ports(22, 22), udp: ports(53, 53)},
		"other protocols have none": {layer4: []schema.ProtocolPorts{{Protocol: "icmp"}, {Protocol: "esp"}},
			tcp: ports(), udp: ports()},
		"ranges that touch are one": {layer4: []schema.ProtocolPorts{{Protocol: "tcp", Ports: []string{"101-65535", "0-99", "100"}}},
			tcp: ports(0, 65535), udp: ports()},
		"several entries of one protocol": {layer4: []schema.ProtocolPorts{{Protocol: "tcp", Ports: []string{"22"}}, {Protocol: "tcp", Ports: []string{"80"}}},
			tcp: ports(22, 22, 80, 80), udp: ports()},
		"a port that is none leaves it open": {layer4: []schema.ProtocolPorts{{Protocol: "tcp", Ports: []string{"http"}}},
			tcp: "unread: parse_error", udp: ports()},
		"what was not read cannot be derived": {refused: []string{"layer4"}, tcp: "unread: read layer4", udp: "unread: read layer4"},
	} {
		cases[name] = derivation{resources: []*posture.Resource{rule(func(r *schema.FirewallRule) { r.Layer4 = test.layer4 }, test.refused...)},
			want: map[string]any{"open_tcp_ports": test.tcp, "open_udp_ports": test.udp}}
	}
	check(t, cases)
}
