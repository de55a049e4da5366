package gcp

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

const webNetwork = "projects/acme/global/networks/web"

// webAndProject are the network "web" and the project that it lies in.
func webAndProject(others ...*posture.Resource) []*posture.Resource {
	return append([]*posture.Resource{resource(schema.NetworkType, webNetwork, &schema.Network{}), ownPolicy(nil)}, others...)
}

func TestNetworkDNSLogging(t *testing.T) {
	policy := func(logging bool, network string, refused ...string) *posture.Resource {
		p := &schema.DNSPolicy{EnableLogging: logging, Networks: []string{network}}
		return resource(schema.DNSPolicyType, "projects/acme/policies/p", p, refused...)
	}
	check(t, map[string]derivation{
		"a policy that logs": {resources: webAndProject(policy(true, webNetwork)),
			want: map[string]any{"dns_logging": true}},
		"a policy that does not log": {resources: webAndProject(policy(false, webNetwork)),
			want: map[string]any{"dns_logging": false}},
		"a policy of another network": {resources: webAndProject(policy(true, "projects/acme/global/networks/other")),
			want: map[string]any{"dns_logging": false}},
		"a network of that name elsewhere": {resources: webAndProject(policy(true, "projects/other/global/networks/web")),
			want: map[string]any{"dns_logging": false}},
		"no policy": {resources: webAndProject(), want: map[string]any{"dns_logging": false}},
		"no policy while DNS is off": {resources: webAndProject(), off: []*posture.Type{schema.DNSPolicyType},
			want: map[string]any{"dns_logging": false}},
		"policies were not read": {resources: webAndProject(), refused: []*posture.Type{schema.DNSPolicyType},
			want: map[string]any{"dns_logging": "unread: list gcp.dns.policy"}},
		"one that logs is enough": {resources: webAndProject(policy(true, webNetwork)), refused: []*posture.Type{schema.DNSPolicyType},
			want: map[string]any{"dns_logging": true}},
		"whether the policy logs was not read": {resources: webAndProject(policy(true, webNetwork, "enable_logging")),
			want: map[string]any{"dns_logging": "unread: read enable_logging"}},
		"which networks it is for was not read": {resources: webAndProject(policy(true, webNetwork, "networks")),
			want: map[string]any{"dns_logging": "unread: read networks"}},
		"a policy that is bound to nothing": {resources: webAndProject(policy(true, "")), want: map[string]any{"dns_logging": false}},
	})
}

func TestNetworkEgressDenied(t *testing.T) {
	denial := func(place string, change func(*schema.FirewallRule), refused ...string) *posture.Resource {
		r := &schema.FirewallRule{Source: "vpc", Networks: []string{webNetwork}, Direction: "EGRESS", Action: "deny",
			DestinationRanges: []string{"0.0.0.0/0"}, Layer4: []schema.ProtocolPorts{{Protocol: "all"}}}
		if change != nil {
			change(r)
		}
		return located(place, schema.FirewallRuleType, "projects/acme/global/firewalls/denial", r, refused...)
	}
	fromAbove := func(node string, targets ...string) *posture.Resource {
		return denial(posture.Global, func(r *schema.FirewallRule) {
			r.Source, r.Networks, r.Nodes, r.Targets = "hierarchical_policy", []string{}, []string{node}, targets
		})
	}
	rules := []*posture.Type{schema.FirewallRuleType}
	cases := map[string]derivation{}
	for name, test := range map[string]struct {
		own     *posture.Resource
		above   *posture.Resource
		refused []*posture.Type
		partly  map[string][]*posture.Type
		want    any
	}{
		"a rule of its own": {own: denial(posture.Global, nil), want: true},
		"by halves": {own: denial(posture.Global, func(r *schema.FirewallRule) { r.DestinationRanges = []string{"0.0.0.0/1", "128.0.0.0/1"} }),
			want: true},
		"no destination is every one": {own: denial(posture.Global, func(r *schema.FirewallRule) { r.DestinationRanges = nil }),
			want: true},
		"host names alone are not": {own: denial(posture.Global, func(r *schema.FirewallRule) {
			r.DestinationRanges, r.DestinationObjects = nil, []string{"example.org"}
		}),
			want: false},
		"half of the addresses only": {own: denial(posture.Global, func(r *schema.FirewallRule) { r.DestinationRanges = []string{"0.0.0.0/1"} }),
			want: false},
		"the internet only": {own: denial(posture.Global, func(r *schema.FirewallRule) { r.DestinationNetworkType = "INTERNET" }),
			want: false},
		"TCP only": {own: denial(posture.Global, func(r *schema.FirewallRule) { r.Layer4[0].Protocol = "tcp" }),
			want: false},
		"from some addresses only": {own: denial(posture.Global, func(r *schema.FirewallRule) { r.SourceRanges = []string{"10.0.0.0/8"} }),
			want: false},
		"of tagged machines only": {own: denial(posture.Global, func(r *schema.FirewallRule) { r.Targets = []string{"locked"} }),
			want: false},
		"a rule that is off": {own: denial(posture.Global, func(r *schema.FirewallRule) { r.Disabled = true }),
			want: false},
		"an allowance": {own: denial(posture.Global, func(r *schema.FirewallRule) { r.Action = "allow" }),
			want: false},
		"ingress": {own: denial(posture.Global, func(r *schema.FirewallRule) { r.Direction = "INGRESS" }),
			want: false},
		"on another network": {own: denial(posture.Global, func(r *schema.FirewallRule) { r.Networks = []string{"projects/acme/global/networks/other"} }),
			want: false},
		"in one region":                     {own: denial("europe-west1", nil), want: false},
		"by a policy on the folder":         {above: fromAbove("folders/7"), want: true},
		"by a policy on the organization":   {above: fromAbove("organizations/123"), want: true},
		"by a policy on a folder elsewhere": {above: fromAbove("folders/8"), want: false},
		"from above for this network":       {above: fromAbove("folders/7", webNetwork), want: true},
		"from above for another network":    {above: fromAbove("folders/7", "projects/acme/global/networks/other"), want: false},
		"from above for some accounts of this one": {above: fromAbove("folders/7", webNetwork, "app@acme.iam.gserviceaccount.com"),
			want: false},
		"rules were not read":            {refused: rules, want: "unread: list gcp.compute.firewall_rule"},
		"one rule is enough":             {own: denial(posture.Global, nil), refused: rules, want: true},
		"a region's rules were not read": {partly: map[string][]*posture.Type{"europe-west1": rules}, want: false},
		"global rules were not read": {partly: map[string][]*posture.Type{posture.Global: rules},
			want: "unread: list gcp.compute.firewall_rule"},
		"whether it is off was not read": {own: denial(posture.Global, nil, "disabled"), want: "unread: read disabled"},
		"its targets were not read":      {own: denial(posture.Global, nil, "targets"), want: "unread: read targets"},
	} {
		var others []*posture.Resource
		if test.own != nil {
			others = append(others, test.own)
		}
		above := []*posture.Resource{}
		if test.above != nil {
			above = append(above, test.above)
		}
		cases[name] = derivation{resources: webAndProject(others...), above: above, refused: test.refused, partly: test.partly,
			want: map[string]any{"has_egress_deny_all": test.want}}
	}
	cases["it is not known what lies above"] = derivation{
		resources: []*posture.Resource{resource(schema.NetworkType, webNetwork, &schema.Network{}), ownPolicy(nil, "ancestors")},
		want:      map[string]any{"has_egress_deny_all": "unread: read ancestors"},
	}
	check(t, cases)
}

func TestNetworkFirewallPolicies(t *testing.T) {
	of := func(policy, place string, refused ...string) *posture.Resource {
		return located(place, schema.FirewallRuleType, policy+"/rules/1000", &schema.FirewallRule{Policy: policy, Networks: []string{webNetwork}}, refused...)
	}
	rules := []*posture.Type{schema.FirewallRuleType}
	check(t, map[string]derivation{
		"each policy once, by name": {
			resources: webAndProject(of("projects/acme/regions/europe-west1/firewallPolicies/local", "europe-west1"),
				of("projects/acme/global/firewallPolicies/base", posture.Global), of("projects/acme/global/firewallPolicies/base", posture.Global),
				rule(func(*schema.FirewallRule) {})),
			want: map[string]any{"firewall_policy_names": []any{"base", "local"}},
		},
		"none": {resources: webAndProject(), want: map[string]any{"firewall_policy_names": []any{}}},
		"those known stand while a region was not read": {
			resources: webAndProject(of("projects/acme/global/firewallPolicies/base", posture.Global)),
			partly:    map[string][]*posture.Type{"us-central1": rules},
			want:      map[string]any{"firewall_policy_names": []any{"base"}, "firewall_policy_names[]": "unread: list gcp.compute.firewall_rule"},
		},
		"rules were not read": {resources: webAndProject(), refused: rules,
			want: map[string]any{"firewall_policy_names": "unread: list gcp.compute.firewall_rule"}},
	})
}
