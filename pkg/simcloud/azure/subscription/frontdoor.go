package subscription

import (
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/cdn/armcdn/v2"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// A profile has one endpoint and one domain of its own, each behind a firewall policy. The policy is shared with the classic Front
// Door of the same index.
var frontDoorService = service{
	providers: []string{"Microsoft.Cdn"},
	kinds: []world.Kind{
		{
			Name: "azure.frontdoor", Sort: inSubscription, Global: true, Count: 4,
			Defects: []world.Defect{{Name: "bare-domain", Share: 0.2, Drift: 0.1}, {Name: "bare-endpoint", Share: 0.3}, {Name: "endpoint-unlinked", Share: 0.4}, {Name: "path-only", Share: 0.2},
				{Name: "waf-off", Share: 0.2}, {Name: "detection", Share: 0.3, Drift: 0.1}, {Name: "old-tls", Share: 0.3}, {Name: "plain", Share: 0.3}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				bare := it.Has("bare-domain") || it.Has("path-only") || it.Has("bare-endpoint") && !it.Has("endpoint-unlinked")
				return keyOf("azure.frontdoor.profile", profileID(it)), map[string]posture.Result{
					"azure-frontdoor-profile-waf": failIf(bare || it.Has("waf-off") || it.Has("detection")),
					"azure-frontdoor-profile-tls": failIf(it.Has("old-tls") || it.Has("plain")),
				}
			},
		},
		{
			Name: "azure.frontdoor.classic", Sort: inSubscription, Global: true, Count: 2,
			Defects: []world.Defect{{Name: "bare", Share: 0.4}, {Name: "old-tls", Share: 0.3}, {Name: "plain", Share: 0.3, Drift: 0.2}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				shared := s.Find("azure.frontdoor", posture.Global, 0)
				weak := shared.Has("waf-off") || shared.Has("detection")
				return keyOf("azure.frontdoor.profile", classicID(it)), map[string]posture.Result{
					"azure-frontdoor-profile-waf": failIf(it.Has("bare") || weak),
					"azure-frontdoor-profile-tls": failIf(it.Has("old-tls") || it.Has("plain")),
				}
			},
		},
	},
	handle: handleFrontDoor,
}

func profileID(it *world.Item) string {
	return idOf(it, "Microsoft.Cdn/profiles", "afd-"+it.Name())
}

func classicID(it *world.Item) string {
	return idOf(it, "Microsoft.Network/frontDoors", "fd-"+it.Name())
}

func edgePolicyID(it *world.Item) string {
	return idOf(it, "Microsoft.Network/frontDoorWebApplicationFirewallPolicies", "wafafd"+strings.ReplaceAll(it.Name(), "-", ""))
}

// frontDoorResources are what other packages than the profiles' know: firewall policies and the classic kind.
func frontDoorResources(s *world.State) []described {
	var out []described
	for _, it := range s.Items("azure.frontdoor") {
		settings := map[string]any{"enabledState": "Enabled", "mode": "Prevention"}
		if it.Has("waf-off") {
			settings["enabledState"] = "Disabled"
		}
		if it.Has("detection") {
			settings["mode"] = "Detection"
		}
		out = append(out, described{
			ID: edgePolicyID(it), Type: "Microsoft.Network/frontDoorWebApplicationFirewallPolicies", Location: "Global", Properties: map[string]any{"policySettings": settings},
		})
	}
	shared := s.Find("azure.frontdoor", posture.Global, 0)
	for _, it := range s.Items("azure.frontdoor.classic") {
		tls := "1.2"
		if it.Has("old-tls") {
			tls = "1.0"
		}
		frontend := map[string]any{"hostName": it.Name() + ".azurefd.net", "customHttpsConfiguration": map[string]any{"minimumTlsVersion": tls}}
		if !it.Has("bare") {
			frontend["webApplicationFirewallPolicyLink"] = map[string]any{"id": edgePolicyID(shared)}
		}
		guarded := map[string]any{"hostName": "www." + it.Name() + ".example", "webApplicationFirewallPolicyLink": map[string]any{"id": edgePolicyID(shared)}}
		redirect := map[string]any{"@odata.type": "#Microsoft.Azure.FrontDoor.Models.FrontdoorRedirectConfiguration", "redirectProtocol": "HttpsOnly"}
		forward := map[string]any{"@odata.type": "#Microsoft.Azure.FrontDoor.Models.FrontdoorForwardingConfiguration", "forwardingProtocol": "HttpsOnly"}
		plain := redirect
		if it.Has("plain") {
			plain = forward
		}
		rule := func(protocol string, route map[string]any) map[string]any {
			return map[string]any{"properties": map[string]any{"enabledState": "Enabled", "acceptedProtocols": []string{protocol}, "routeConfiguration": route}}
		}
		out = append(out, described{ID: classicID(it), Type: "Microsoft.Network/frontDoors", Location: "global", Tags: labels("team", "edge"), Properties: map[string]any{
			"frontendEndpoints": []any{map[string]any{"properties": frontend}, map[string]any{"properties": guarded}},
			"routingRules":      []any{rule("Http", plain), rule("Https", forward)},
		}})
	}
	return out
}

// profile finds the profile that a call is about.
func (w *states) profile(c azure.Call) (*world.Item, error) {
	state, err := w.at(c)
	if err != nil {
		return nil, err
	}
	for _, it := range state.Items("azure.frontdoor") {
		if strings.EqualFold(c.Params["profileName"], "afd-"+it.Name()) {
			return it, nil
		}
	}
	return nil, azure.NotFound("The profile " + c.Params["profileName"])
}

func handleFrontDoor(s *azure.Server, w *states) {
	azure.List(s, "armcdn.ProfilesClient.NewListPager", func(c azure.Call) (*armcdn.ProfileListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armcdn.ProfileListResult{Value: []*armcdn.Profile{{
			ID: to.Ptr("/subscriptions/" + c.Account + "/resourceGroups/" + group + "/providers/Microsoft.Cdn/profiles/cdn-old"), Name: to.Ptr("cdn-old"), Location: to.Ptr("Global"),
			SKU: &armcdn.SKU{Name: to.Ptr(armcdn.SKUNameStandardMicrosoft)}, // of the retired kind
		}}}
		for _, it := range state.Items("azure.frontdoor") {
			out.Value = append(out.Value, &armcdn.Profile{
				ID: to.Ptr(profileID(it)), Name: to.Ptr("afd-" + it.Name()), Location: to.Ptr("Global"), Kind: to.Ptr("frontdoor"), Tags: labels("team", "edge"),
				SKU: &armcdn.SKU{Name: []*armcdn.SKUName{to.Ptr(armcdn.SKUNamePremiumAzureFrontDoor), to.Ptr(armcdn.SKUNameStandardAzureFrontDoor)}[it.Index%2]},
			})
		}
		return out, nil
	})
	azure.List(s, "armcdn.AFDEndpointsClient.NewListByProfilePager", func(c azure.Call) (*armcdn.AFDEndpointListResult, error) {
		it, err := w.profile(c)
		if err != nil {
			return nil, err
		}
		endpoint := func(name string, state armcdn.EnabledState) *armcdn.AFDEndpoint {
			return &armcdn.AFDEndpoint{
				ID: to.Ptr(profileID(it) + "/afdEndpoints/" + name), Name: &name, Location: to.Ptr("Global"),
				Properties: &armcdn.AFDEndpointProperties{HostName: to.Ptr(name + "-" + it.Name() + ".z01.azurefd.net"), EnabledState: &state},
			}
		}
		return &armcdn.AFDEndpointListResult{Value: []*armcdn.AFDEndpoint{endpoint("main", armcdn.EnabledStateEnabled), endpoint("old", armcdn.EnabledStateDisabled)}}, nil
	})
	azure.List(s, "armcdn.AFDCustomDomainsClient.NewListByProfilePager", func(c azure.Call) (*armcdn.AFDDomainListResult, error) {
		it, err := w.profile(c)
		if err != nil {
			return nil, err
		}
		tls := &armcdn.AFDDomainHTTPSParameters{MinimumTLSVersion: to.Ptr(armcdn.AfdMinimumTLSVersionTLS12), CertificateType: to.Ptr(armcdn.AfdCertificateTypeManagedCertificate)}
		if it.Has("old-tls") {
			tls.MinimumTLSVersion = to.Ptr(armcdn.AfdMinimumTLSVersionTLS10)
		}
		return &armcdn.AFDDomainListResult{Value: []*armcdn.AFDDomain{{
			ID: to.Ptr(profileID(it) + "/customDomains/www"), Name: to.Ptr("www"), Properties: &armcdn.AFDDomainProperties{HostName: to.Ptr("www." + it.Name() + ".example"), TLSSettings: tls},
		}}}, nil
	})
	azure.List(s, "armcdn.RoutesClient.NewListByEndpointPager", func(c azure.Call) (*armcdn.RouteListResult, error) {
		it, err := w.profile(c)
		if err != nil {
			return nil, err
		}
		route := func(name string, state armcdn.EnabledState, redirect armcdn.HTTPSRedirect, linked armcdn.LinkToDefaultDomain) *armcdn.Route {
			return &armcdn.Route{Name: &name, Properties: &armcdn.RouteProperties{
				EnabledState: &state, HTTPSRedirect: &redirect, LinkToDefaultDomain: &linked, PatternsToMatch: []*string{to.Ptr("/*")},
				SupportedProtocols: []*armcdn.AFDEndpointProtocols{to.Ptr(armcdn.AFDEndpointProtocolsHTTP), to.Ptr(armcdn.AFDEndpointProtocolsHTTPS)},
				CustomDomains:      []*armcdn.ActivatedResourceReference{{ID: to.Ptr(profileID(it) + "/customDomains/www")}},
			}}
		}
		redirect, linked := armcdn.HTTPSRedirectEnabled, armcdn.LinkToDefaultDomainEnabled
		if it.Has("plain") {
			redirect = armcdn.HTTPSRedirectDisabled
		}
		if it.Has("endpoint-unlinked") {
			linked = armcdn.LinkToDefaultDomainDisabled
		}
		return &armcdn.RouteListResult{Value: []*armcdn.Route{
			route("all", armcdn.EnabledStateEnabled, redirect, linked), route("off", armcdn.EnabledStateDisabled, armcdn.HTTPSRedirectDisabled, armcdn.LinkToDefaultDomainEnabled),
		}}, nil
	})
	azure.List(s, "armcdn.SecurityPoliciesClient.NewListByProfilePager", func(c azure.Call) (*armcdn.SecurityPolicyListResult, error) {
		it, err := w.profile(c)
		if err != nil {
			return nil, err
		}
		var domains []*armcdn.ActivatedResourceReference
		if !it.Has("bare-domain") {
			domains = append(domains, &armcdn.ActivatedResourceReference{ID: to.Ptr(strings.ToLower(profileID(it)) + "/customdomains/www")})
		}
		if !it.Has("bare-endpoint") {
			domains = append(domains, &armcdn.ActivatedResourceReference{ID: to.Ptr(profileID(it) + "/afdEndpoints/main")})
		}
		path := "/*"
		if it.Has("path-only") {
			path = "/api/*"
		}
		return &armcdn.SecurityPolicyListResult{Value: []*armcdn.SecurityPolicy{{
			ID: to.Ptr(profileID(it) + "/securityPolicies/waf"), Name: to.Ptr("waf"),
			Properties: &armcdn.SecurityPolicyProperties{Parameters: &armcdn.SecurityPolicyWebApplicationFirewallParameters{
				Type: to.Ptr(armcdn.SecurityPolicyTypeWebApplicationFirewall), WafPolicy: &armcdn.ResourceReference{ID: to.Ptr(edgePolicyID(it))},
				Associations: []*armcdn.SecurityPolicyWebApplicationFirewallAssociation{{Domains: domains, PatternsToMatch: []*string{&path}}},
			}},
		}}}, nil
	})
}
