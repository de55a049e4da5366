package gcp

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/compute/v1"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestFirewallRulesThatAreNotRead(t *testing.T) {
	const (
		url      = "https://www.googleapis.com/compute/v1/"
		own      = "projects/acme/global/firewalls/allow-web"
		global   = "projects/acme/global/firewallPolicies/base"
		regional = "projects/acme/regions/europe-west1/firewallPolicies/local"
	)
	whole := func() scripted {
		return scripted{
			"compute.firewalls.list": `{"items": [{"selfLink": "` + url + own + `"}]}`,
			"compute.networkFirewallPolicies.aggregatedList": `{"items": {"global": {"firewallPolicies": [{"name": "base"}]},
				"regions/europe-west1": {"firewallPolicies": [{"name": "local"}]}, "regions/us-central1": {"warning": {"code": "NO_RESULTS_ON_PAGE"}}}}`,
			"compute.networkFirewallPolicies.get":       `{"selfLink": "` + url + global + `", "rules": [{"priority": 1}, {"priority": 2}]}`,
			"compute.regionNetworkFirewallPolicies.get": `{"selfLink": "` + url + regional + `", "rules": [{"priority": 1}]}`,
		}
	}
	const base, local = global + "/rules/", regional + "/rules/1"
	for name, test := range map[string]struct {
		refused string
		found   []string
		open    []string
	}{
		"none":                     {"", []string{base + "1", base + "2", own, local}, nil},
		"those on networks":        {"compute.firewalls.list", []string{base + "1", base + "2", local}, []string{"gcp.compute.firewall_rule in global"}},
		"those of policies":        {"compute.networkFirewallPolicies.aggregatedList", []string{own}, []string{"all"}},
		"those of a global policy": {"compute.networkFirewallPolicies.get", []string{own, local}, []string{"gcp.compute.firewall_rule in global"}},
		"those of one policy in a region": {
			"compute.regionNetworkFirewallPolicies.get", []string{base + "1", base + "2", own}, []string{"gcp.compute.firewall_rule in europe-west1"}},
		"those of a region out of reach":     {"us-central1", []string{base + "1", base + "2", own, local}, []string{"gcp.compute.firewall_rule in us-central1"}},
		"those that a list says it left out": {"warning", []string{base + "1", base + "2", local}, []string{"gcp.compute.firewall_rule in global"}},
	} {
		t.Run(name, func(t *testing.T) {
			answers := whole()
			switch test.refused {
			case "us-central1":
				answers["compute.networkFirewallPolicies.aggregatedList"] = `{"items": {"global": {"firewallPolicies": [{"name": "base"}]},
					"regions/europe-west1": {"firewallPolicies": [{"name": "local"}]}, "regions/us-central1": {"warning": {"code": "UNREACHABLE"}}}}`
			case "warning":
				answers["compute.firewalls.list"] = `{"warning": {"code": "PARTIAL_SUCCESS"}}`
			default:
				delete(answers, test.refused)
			}
			found, err := readScripted(collectFirewallRules, answers)
			if diff := cmp.Diff(test.open, incomplete(err)); diff != "" {
				t.Errorf("incomplete cells differ (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.found, slices.Sorted(maps.Keys(found))); diff != "" {
				t.Errorf("rules differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestVPCRule(t *testing.T) {
	got := newVPCRule(&client{project: "acme"}, &compute.Firewall{
		Name: "drop", Network: "https://www.googleapis.com/compute/v1/projects/acme/global/networks/web", Priority: 900,
		Denied: []*compute.FirewallDenied{{IPProtocol: "TCP", Ports: []string{"25", "465-587"}}}, SourceTags: []string{"b", "a"},
		TargetTags: []string{"mail"},
	})
	want := &schema.FirewallRule{
		Meta: posture.Meta{Name: "drop"}, Source: "vpc", Networks: []string{"projects/acme/global/networks/web"}, Nodes: []string{},
		Direction: "INGRESS", Action: "deny", Priority: 900, SourceRanges: []string{}, SourceTags: []string{"a", "b"}, SourceServiceAccounts: []string{},
		SourceObjects: []string{}, DestinationRanges: []string{}, DestinationObjects: []string{}, Targets: []string{"mail"},
		Layer4: []schema.ProtocolPorts{{Protocol: "tcp", Ports: []string{"25", "465-587"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rule differs (-want +got):\n%s", diff)
	}
}

func TestPolicyRule(t *testing.T) {
	const network = "projects/acme/global/networks/web"
	got := newPolicyRule("locations/global/firewallPolicies/7", &compute.FirewallPolicy{Name: "7", ShortName: "base"}, &compute.FirewallPolicyRule{
		Priority: 20, Direction: "INGRESS", Action: "allow", EnableLogging: true,
		TargetResources:       []string{"https://www.googleapis.com/compute/v1/" + network},
		TargetServiceAccounts: []string{"app@acme.iam.gserviceaccount.com"},
		TargetSecureTags:      []*compute.FirewallPolicyRuleSecureTag{{Name: "tagValues/9"}},
		Match: &compute.FirewallPolicyRuleMatcher{
			SrcIpRanges: []string{"10.0.0.0/8"}, SrcSecureTags: []*compute.FirewallPolicyRuleSecureTag{{Name: "tagValues/8"}},
			SrcFqdns: []string{"example.org"}, SrcRegionCodes: []string{"CH"},
			SrcAddressGroups: []string{"groups/a"}, SrcThreatIntelligences: []string{"iplist-tor"},
			SrcNetworkContext: "UNSPECIFIED", SrcNetworkType: "NON_INTERNET", DestIpRanges: []string{"10.1.0.0/16"}, DestFqdns: []string{"example.com"},
			Layer4Configs: []*compute.FirewallPolicyRuleMatcherLayer4Config{{IpProtocol: "all"}},
		},
	})
	want := &schema.FirewallRule{
		Meta: posture.Meta{Name: "base/20"}, Policy: "locations/global/firewallPolicies/7", Nodes: []string{},
		Direction: "INGRESS", Action: "allow", Priority: 20, SourceRanges: []string{"10.0.0.0/8"}, SourceTags: []string{"tagValues/8"},
		SourceServiceAccounts: []string{}, SourceObjects: []string{"CH", "example.org", "groups/a", "iplist-tor"}, SourceNetworkType: "NON_INTERNET",
		DestinationRanges: []string{"10.1.0.0/16"}, DestinationObjects: []string{"example.com"},
		Targets: []string{"app@acme.iam.gserviceaccount.com", network, "tagValues/9"},
		Layer4:  []schema.ProtocolPorts{{Protocol: "all", Ports: []string{}}}, LogEnabled: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rule differs (-want +got):\n%s", diff)
	}
}

func TestAssociatedNodes(t *testing.T) {
	for name, test := range map[string]struct{ target, want string }{
		"a folder":               {"folders/7", "folders/7"},
		"an organization":        {"organizations/123", "organizations/123"},
		"a folder's full name":   {"//cloudresourcemanager.googleapis.com/folders/7", "folders/7"},
		"a folder's address too": {"https://cloudresourcemanager.googleapis.com/v3/folders/7", "folders/7"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &compute.FirewallPolicy{Associations: []*compute.FirewallPolicyAssociation{{AttachmentTarget: test.target}}}
			if diff := cmp.Diff([]string{test.want}, associatedNodes(p)); diff != "" {
				t.Errorf("nodes differ (-want +got):\n%s", diff)
			}
		})
	}
}
