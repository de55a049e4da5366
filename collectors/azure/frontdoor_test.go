package azure

import (
	"context"
	"errors"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
)

func TestFrontDoorFirewalls(t *testing.T) {
	policies := map[string]frontDoorFirewall{"on": {}, "off": {}, "watching": {}}
	for id, p := range policies {
		p.Settings.State, p.Settings.Mode = "Enabled", "Prevention"
		if id == "off" {
			p.Settings.State = "Disabled"
		}
		if id == "watching" {
			p.Settings.Mode = "Detection"
		}
		policies[id] = p
	}
	firewall := func(id string) (frontDoorFirewall, error) {
		if p, ok := policies[id]; ok {
			return p, nil
		}
		return frontDoorFirewall{}, errors.New("refused")
	}
	for name, test := range map[string]struct {
		ids              []string
		enabled, prevent bool
		unread           []string
	}{
		"no policy":                           {nil, true, true, nil},
		"all work":                            {[]string{"on"}, true, true, nil},
		"one is off":                          {[]string{"on", "off"}, false, true, nil},
		"one only watches":                    {[]string{"on", "watching"}, true, false, nil},
		"one was not read":                    {[]string{"on", "lost"}, true, true, []string{"waf_all_enabled", "waf_all_prevention"}},
		"one off decides beside one not read": {[]string{"lost", "off"}, false, true, []string{"waf_all_prevention"}},
		"nothing is left to know":             {[]string{"lost", "off", "watching"}, false, false, nil},
	} {
		out := schema.FrontDoorProfile{WAFPolicyIDs: test.ids}
		var unread []string
		for _, gap := range judgeFirewalls(firewall, &out) {
			unread = append(unread, gap.Paths...)
		}
		if diff := cmp.Diff(test.unread, unread); diff != "" || out.WAFAllEnabled != test.enabled || out.WAFAllPrevention != test.prevent {
			t.Errorf("%s: enabled %v, prevention %v; unread differs (-want +got):\n%s", name, out.WAFAllEnabled, out.WAFAllPrevention, diff)
		}
	}
}

// TestFrontDoorProfile fails one call after the other: each leaves only what rests on it unread.
func TestFrontDoorProfile(t *testing.T) {
	const (
		id      = "/subscriptions/own/resourcegroups/rg/providers/microsoft.cdn/profiles/edge"
		waf     = "/subscriptions/own/resourcegroups/rg/providers/microsoft.network/frontdoorwebapplicationfirewallpolicies/waf"
		domains = "armcdn.AFDCustomDomainsClient.NewListByProfilePager"
		routes  = "armcdn.RoutesClient.NewListByEndpointPager"
		guards  = "armcdn.SecurityPoliciesClient.NewListByProfilePager"
	)
	whole := map[string]string{
		"armcdn.ProfilesClient.NewListPager": `{"value":[{"id":"` + id + `","name":"edge","sku":{"name":"Standard_AzureFrontDoor"}},{"id":"/old","sku":{"name":"Standard_Microsoft"}}]}`,
		"armcdn.AFDEndpointsClient.NewListByProfilePager": `{"value":[{"id":"` + id + `/afdEndpoints/main","name":"main","properties":{"hostName":"main.azurefd.net"}},
			{"id":"` + id + `/afdEndpoints/off","name":"off","properties":{"hostName":"off.azurefd.net","enabledState":"Disabled"}}]}`,
		routes: `{"value":[{"properties":{"supportedProtocols":["Http","Https"],"httpsRedirect":"Disabled","customDomains":[{"id":"` + id + `/customDomains/www"}]}},
			{"properties":{"supportedProtocols":["Http"],"httpsRedirect":"Enabled"}}]}`,
		domains: `{"value":[{"id":"` + id + `/customDomains/www","properties":{"hostName":"www.acme.example","tlsSettings":{"minimumTlsVersion":"TLS10"}}},
			{"id":"` + id + `/customDomains/spare","properties":{"hostName":"spare.acme.example"}}]}`,
		guards: `{"value":[{"properties":{"parameters":{"type":"WebApplicationFirewall","wafPolicy":{"id":"` + waf + `"},"associations":[
			{"domains":[{"id":"` + id + `/afdendpoints/main"}],"patternsToMatch":["/*"]},{"domains":[{"id":"` + id + `/customdomains/www"}],"patternsToMatch":["/api/*"]}]}}}]}`,
		"armresources.Client.GetByID":      `{"properties":{"policySettings":{"enabledState":"Enabled","mode":"Detection"}}}`,
		"armresources.Client.NewListPager": `{"value":[]}`,
	}
	for name, test := range map[string]struct {
		refused string
		unread  []string
	}{
		"everything is read":         {"", nil},
		"domains are refused":        {domains, []string{"minimum_tls_versions", "unprotected_domains"}},
		"routes are refused":         {routes, []string{"http_routes_without_redirect", "unprotected_domains"}},
		"security policies are":      {guards, []string{"unprotected_domains", "waf_all_enabled", "waf_all_prevention", "waf_policy_ids"}},
		"the firewall policy itself": {"armresources.Client.GetByID", []string{"waf_all_enabled", "waf_all_prevention"}},
	} {
		t.Run(name, func(t *testing.T) {
			answers := maps.Clone(whole)
			if test.refused != "" {
				answers[test.refused] = "403 Refused"
			}
			got, err := readScripted(t, func(ctx context.Context, c *client, emit collectors.Emit) error {
				c.providers.on = map[string]bool{"microsoft.cdn": true}
				return collectFrontDoors(ctx, c, emit)
			}, answers)
			if err != nil || len(got) != 1 {
				t.Fatalf("%d profiles, %v", len(got), err)
			}
			want := map[string]string{}
			for _, path := range test.unread {
				want[path] = "Refused"
			}
			if diff := cmp.Diff(want, got[id].unread); diff != "" {
				t.Errorf("unread differs (-want +got):\n%s", diff)
			}
			a := got[id].attributes.(*schema.FrontDoorProfile)
			if test.refused == "" {
				full := schema.FrontDoorProfile{Resource: a.Resource, SKU: "Standard_AzureFrontDoor", WAFPolicyIDs: []string{waf}, UnprotectedDomains: []string{"www.acme.example"},
					WAFAllEnabled: true, MinimumTLSVersions: []string{"TLS10", "TLS12"}, HTTPRoutesWithoutRedirect: 1}
				if diff := cmp.Diff(full, *a); diff != "" {
					t.Errorf("the profile differs (-want +got):\n%s", diff)
				}
			}
		})
	}
}
