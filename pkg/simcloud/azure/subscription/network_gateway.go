package subscription

import (
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// gatewayService is what stands at the edges of the first network.
var gatewayService = service{
	kinds: []world.Kind{
		{
			Name: "azure.appgw", Sort: inSubscription, Global: true, Count: 4,
			Defects: []world.Defect{{Name: "private", Share: 0.2}, {Name: "no-policy", Share: 0.3}, {Name: "own-waf", Share: 0.5}, {Name: "detection", Share: 0.3, Drift: 0.1},
				{Name: "waf-off", Share: 0.2}, {Name: "no-body-check", Share: 0.3}, {Name: "no-bot-rules", Share: 0.3}, {Name: "old-tls", Share: 0.3},
				{Name: "old-profile", Share: 0.2}, {Name: "plain-listener", Share: 0.3}, {Name: "plain-path", Share: 0.2}, {Name: "no-http2", Share: 0.3}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				weak := it.Has("detection") || it.Has("waf-off") || it.Has("no-policy") && !it.Has("own-waf")
				return keyOf("azure.network.application_gateway", gatewayID(it)), map[string]posture.Result{
					"azure-network-application-gateway-waf":            unless(it.Has("private"), failIf(weak)),
					"azure-network-application-gateway-waf-inspection": unless(it.Has("no-policy"), failIf(it.Has("no-body-check") || it.Has("no-bot-rules"))),
					"azure-network-application-gateway-tls":            failIf(it.Has("old-tls") || it.Has("old-profile") || it.Has("plain-listener") || it.Has("plain-path")),
					"azure-network-application-gateway-http2":          failIf(it.Has("no-http2")),
				}
			},
		},
		{
			Name: "azure.vpngw", Sort: inSubscription, Global: true, Count: 3,
			Defects: []world.Defect{{Name: "expressroute", Share: 0.2}, {Name: "site-to-site", Share: 0.3}, {Name: "certificates", Share: 0.4, Drift: 0.1}, {Name: "basic", Share: 0.2}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("azure.network.vpn_gateway", vpnGatewayID(it)), map[string]posture.Result{
					"azure-network-vpn-gateway-entra-auth": unless(it.Has("expressroute") || it.Has("site-to-site"), failIf(it.Has("certificates") || it.Has("basic"))),
				}
			},
		},
		{
			Name: "azure.firewall", Sort: inSubscription, Global: true, Count: 3,
			Defects: []world.Defect{{Name: "no-policy", Share: 0.3}, {Name: "foreign-policy", Share: 0.2}, {Name: "alert", Share: 0.3, Drift: 0.1}, {Name: "premium", Share: 0.5},
				{Name: "no-idps", Share: 0.4}, {Name: "no-dns-proxy", Share: 0.3}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				result := failIf(it.Has("alert") || it.Has("premium") && (it.Has("no-idps") || it.Has("no-policy")))
				if foreignPolicy(it) {
					result = posture.Unknown
				}
				return keyOf("azure.network.firewall", firewallID(it)), map[string]posture.Result{"azure-network-firewall-threat-intelligence-deny": result}
			},
		},
	},
	handle: handleGateways,
}

func gatewayID(it *world.Item) string {
	return idOf(it, "Microsoft.Network/applicationGateways", "agw-"+it.Name())
}

func vpnGatewayID(it *world.Item) string {
	return idOf(it, "Microsoft.Network/virtualNetworkGateways", "vpn-"+it.Name())
}

func firewallID(it *world.Item) string {
	return idOf(it, "Microsoft.Network/azureFirewalls", "afw-"+it.Name())
}

func firewallPolicyID(it *world.Item) string {
	id := idOf(it, "Microsoft.Network/firewallPolicies", "afwp-"+it.Name())
	if foreignPolicy(it) {
		return strings.Replace(id, it.Account.ID, "cccccccc-0000-4000-8000-00000000000c", 1)
	}
	return id
}

func wafPolicyID(it *world.Item) string {
	return idOf(it, "Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies", "waf-"+it.Name())
}

// foreignPolicy: the firewall's policy lies in another subscription. The first firewall, which may answer for DNS, has its own.
func foreignPolicy(it *world.Item) bool {
	return it.Has("foreign-policy") && !it.Has("no-policy") && it.Index > 0
}

// proxiesDNS: the firewall answers for DNS, by its policy or by its own settings.
func proxiesDNS(it *world.Item) bool { return !it.Has("no-dns-proxy") }

func firewallIP(index int) string { return fmt.Sprintf("10.0.6.%d", 4+index) }

func handleGateways(s *azure.Server, w *states) {
	azure.List(s, "armnetwork.ApplicationGatewaysClient.NewListAllPager", func(c azure.Call) (*armnetwork.ApplicationGatewayListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armnetwork.ApplicationGatewayListResult{}
		for _, it := range state.Items("azure.appgw") {
			out.Value = append(out.Value, applicationGateway(state, it))
		}
		return out, nil
	})
	azure.List(s, "armnetwork.WebApplicationFirewallPoliciesClient.NewListAllPager", func(c azure.Call) (*armnetwork.WebApplicationFirewallPolicyListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armnetwork.WebApplicationFirewallPolicyListResult{}
		for _, it := range state.Items("azure.appgw") {
			if !it.Has("no-policy") {
				out.Value = append(out.Value, wafPolicy(it))
			}
		}
		return out, nil
	})
	azure.List(s, "armnetwork.VirtualNetworkGatewaysClient.NewListPager", func(c azure.Call) (*armnetwork.VirtualNetworkGatewayListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armnetwork.VirtualNetworkGatewayListResult{}
		for _, it := range state.Items("azure.vpngw") {
			out.Value = append(out.Value, vpnGateway(state, it))
		}
		return out, nil
	})
	azure.List(s, "armnetwork.AzureFirewallsClient.NewListAllPager", func(c azure.Call) (*armnetwork.AzureFirewallListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armnetwork.AzureFirewallListResult{}
		for _, it := range state.Items("azure.firewall") {
			out.Value = append(out.Value, azureFirewall(state, it))
		}
		return out, nil
	})
	azure.List(s, "armnetwork.FirewallPoliciesClient.NewListAllPager", func(c azure.Call) (*armnetwork.FirewallPolicyListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armnetwork.FirewallPolicyListResult{}
		for _, it := range state.Items("azure.firewall") {
			if it.Has("no-policy") || foreignPolicy(it) {
				continue
			}
			p := &armnetwork.FirewallPolicyPropertiesFormat{ThreatIntelMode: threatIntel(it), DNSSettings: &armnetwork.DNSSettings{EnableProxy: to.Ptr(proxiesDNS(it))}}
			if it.Has("premium") && !it.Has("no-idps") {
				p.IntrusionDetection = &armnetwork.FirewallPolicyIntrusionDetection{Mode: to.Ptr(armnetwork.FirewallPolicyIntrusionDetectionStateTypeAlert)}
			}
			out.Value = append(out.Value, &armnetwork.FirewallPolicy{ID: to.Ptr(firewallPolicyID(it)), Name: to.Ptr("afwp-" + it.Name()), Location: to.Ptr(it.Account.Home()), Properties: p})
		}
		return out, nil
	})
}

func threatIntel(it *world.Item) *armnetwork.AzureFirewallThreatIntelMode {
	if it.Has("alert") {
		return nil // what a firewall does when nothing is set
	}
	return to.Ptr(armnetwork.AzureFirewallThreatIntelModeDeny)
}

// edge is a subnet of the first network.
func edge(s *world.State, name string) *armnetwork.SubResource {
	return &armnetwork.SubResource{ID: to.Ptr(networkID(s.Find("azure.network", posture.Global, 0)) + "/subnets/" + name)}
}

func azureFirewall(s *world.State, it *world.Item) *armnetwork.AzureFirewall {
	tier := armnetwork.AzureFirewallSKUTierStandard
	if it.Has("premium") {
		tier = armnetwork.AzureFirewallSKUTierPremium
	}
	p := &armnetwork.AzureFirewallPropertiesFormat{
		SKU: &armnetwork.AzureFirewallSKU{Name: to.Ptr(armnetwork.AzureFirewallSKUNameAZFWVnet), Tier: &tier},
		IPConfigurations: []*armnetwork.AzureFirewallIPConfiguration{{Name: to.Ptr("main"), Properties: &armnetwork.AzureFirewallIPConfigurationPropertiesFormat{
			Subnet: edge(s, "AzureFirewallSubnet"), PrivateIPAddress: to.Ptr(firewallIP(it.Index)),
		}}},
	}
	if it.Has("no-policy") {
		p.ThreatIntelMode = threatIntel(it)
		p.AdditionalProperties = map[string]*string{"Network.DNS.EnableProxy": to.Ptr(fmt.Sprint(proxiesDNS(it)))}
	} else {
		p.ThreatIntelMode = to.Ptr(armnetwork.AzureFirewallThreatIntelModeAlert) // of no account beside a policy
		p.FirewallPolicy = &armnetwork.SubResource{ID: to.Ptr(firewallPolicyID(it))}
	}
	return &armnetwork.AzureFirewall{
		ID: to.Ptr(firewallID(it)), Name: to.Ptr("afw-" + it.Name()), Location: to.Ptr(it.Account.Home()), Zones: []*string{to.Ptr("1"), to.Ptr("2")}, Properties: p,
	}
}

func vpnGateway(s *world.State, it *world.Item) *armnetwork.VirtualNetworkGateway {
	p := &armnetwork.VirtualNetworkGatewayPropertiesFormat{
		GatewayType: to.Ptr(armnetwork.VirtualNetworkGatewayTypeVPN), VPNType: to.Ptr(armnetwork.VPNTypeRouteBased), Active: to.Ptr(it.Index == 0),
		SKU: &armnetwork.VirtualNetworkGatewaySKU{Name: to.Ptr(armnetwork.VirtualNetworkGatewaySKUNameVPNGw2AZ)},
		IPConfigurations: []*armnetwork.VirtualNetworkGatewayIPConfiguration{{Name: to.Ptr("main"), Properties: &armnetwork.VirtualNetworkGatewayIPConfigurationPropertiesFormat{
			Subnet: edge(s, "GatewaySubnet"),
		}}},
	}
	if it.Has("basic") {
		p.SKU.Name = to.Ptr(armnetwork.VirtualNetworkGatewaySKUNameBasic)
	}
	switch {
	case it.Has("expressroute"):
		p.GatewayType, p.SKU.Name = to.Ptr(armnetwork.VirtualNetworkGatewayTypeExpressRoute), to.Ptr(armnetwork.VirtualNetworkGatewaySKUNameErGw1AZ)
	case !it.Has("site-to-site"):
		p.VPNClientConfiguration = &armnetwork.VPNClientConfiguration{
			VPNClientAddressPool:   &armnetwork.AddressSpace{AddressPrefixes: []*string{to.Ptr("172.16.0.0/24")}},
			VPNClientProtocols:     []*armnetwork.VPNClientProtocol{to.Ptr(armnetwork.VPNClientProtocolOpenVPN)},
			VPNAuthenticationTypes: []*armnetwork.VPNAuthenticationType{to.Ptr(armnetwork.VPNAuthenticationTypeAAD)},
		}
		if it.Has("certificates") {
			p.VPNClientConfiguration.VPNAuthenticationTypes = append(p.VPNClientConfiguration.VPNAuthenticationTypes, to.Ptr(armnetwork.VPNAuthenticationTypeCertificate))
		}
	}
	return &armnetwork.VirtualNetworkGateway{ID: to.Ptr(vpnGatewayID(it)), Name: to.Ptr("vpn-" + it.Name()), Location: to.Ptr(it.Account.Home()), Properties: p}
}

func wafPolicy(it *world.Item) *armnetwork.WebApplicationFirewallPolicy {
	settings := &armnetwork.PolicySettings{
		State: to.Ptr(armnetwork.WebApplicationFirewallEnabledStateEnabled), Mode: to.Ptr(armnetwork.WebApplicationFirewallModePrevention),
		RequestBodyCheck: to.Ptr(!it.Has("no-body-check")),
	}
	if it.Has("detection") {
		settings.Mode = to.Ptr(armnetwork.WebApplicationFirewallModeDetection)
	}
	if it.Has("waf-off") {
		settings.State = to.Ptr(armnetwork.WebApplicationFirewallEnabledStateDisabled)
	}
	rules := &armnetwork.ManagedRulesDefinition{ManagedRuleSets: []*armnetwork.ManagedRuleSet{{RuleSetType: to.Ptr("Microsoft_DefaultRuleSet"), RuleSetVersion: to.Ptr("2.1")}}}
	if !it.Has("no-bot-rules") {
		rules.ManagedRuleSets = append(rules.ManagedRuleSets, &armnetwork.ManagedRuleSet{RuleSetType: to.Ptr("Microsoft_BotManagerRuleSet"), RuleSetVersion: to.Ptr("1.1")})
	}
	return &armnetwork.WebApplicationFirewallPolicy{
		ID: to.Ptr(wafPolicyID(it)), Name: to.Ptr("waf-" + it.Name()), Location: to.Ptr(it.Account.Home()),
		Properties: &armnetwork.WebApplicationFirewallPolicyPropertiesFormat{
			PolicySettings: settings, ManagedRules: rules, ApplicationGateways: []*armnetwork.ApplicationGateway{{ID: to.Ptr(gatewayID(it))}},
		},
	}
}

// applicationGateway answers over HTTPS for two sites, and sends plain HTTP there: by a redirection of its own for one, by the
// paths of a map for the other.
func applicationGateway(s *world.State, it *world.Item) *armnetwork.ApplicationGateway {
	id := gatewayID(it)
	part := func(kind, name string) *armnetwork.SubResource {
		return &armnetwork.SubResource{ID: to.Ptr(id + "/" + kind + "/" + name)}
	}
	frontend := part("frontendIPConfigurations", "public")
	if it.Has("private") {
		frontend = part("frontendIPConfigurations", "inner")
	}
	listener := func(name string, protocol armnetwork.ApplicationGatewayProtocol) *armnetwork.ApplicationGatewayHTTPListener {
		return &armnetwork.ApplicationGatewayHTTPListener{ID: part("httpListeners", name).ID, Name: &name,
			Properties: &armnetwork.ApplicationGatewayHTTPListenerPropertiesFormat{FrontendIPConfiguration: frontend, Protocol: &protocol}}
	}
	redirect := part("redirectConfigurations", "to-https")
	first := &armnetwork.ApplicationGatewayRequestRoutingRulePropertiesFormat{HTTPListener: part("httpListeners", "http"), RedirectConfiguration: redirect}
	if it.Has("plain-listener") {
		first.RedirectConfiguration, first.BackendAddressPool = nil, part("backendAddressPools", "app")
	}
	path := &armnetwork.ApplicationGatewayPathRulePropertiesFormat{Paths: []*string{to.Ptr("/legacy/*")}, RedirectConfiguration: redirect}
	if it.Has("plain-path") {
		path.RedirectConfiguration, path.BackendAddressPool = nil, part("backendAddressPools", "app")
	}
	p := &armnetwork.ApplicationGatewayPropertiesFormat{
		SKU:         &armnetwork.ApplicationGatewaySKU{Name: to.Ptr(armnetwork.ApplicationGatewaySKUNameWAFV2), Tier: to.Ptr(armnetwork.ApplicationGatewayTierWAFV2)},
		EnableHTTP2: to.Ptr(!it.Has("no-http2")), GatewayIPConfigurations: []*armnetwork.ApplicationGatewayIPConfiguration{{
			Name: to.Ptr("main"), Properties: &armnetwork.ApplicationGatewayIPConfigurationPropertiesFormat{Subnet: edge(s, "gateways")},
		}},
		FrontendIPConfigurations: []*armnetwork.ApplicationGatewayFrontendIPConfiguration{
			{ID: part("frontendIPConfigurations", "public").ID, Properties: &armnetwork.ApplicationGatewayFrontendIPConfigurationPropertiesFormat{
				PublicIPAddress: &armnetwork.SubResource{ID: to.Ptr(idOf(it, "Microsoft.Network/publicIPAddresses", "pip-agw-"+it.Name()))},
			}},
			{ID: part("frontendIPConfigurations", "inner").ID, Properties: &armnetwork.ApplicationGatewayFrontendIPConfigurationPropertiesFormat{Subnet: edge(s, "gateways")}},
		},
		HTTPListeners: []*armnetwork.ApplicationGatewayHTTPListener{
			listener("http", armnetwork.ApplicationGatewayProtocolHTTP), listener("http-paths", armnetwork.ApplicationGatewayProtocolHTTP),
			listener("https", armnetwork.ApplicationGatewayProtocolHTTPS),
		},
		RedirectConfigurations: []*armnetwork.ApplicationGatewayRedirectConfiguration{{ID: redirect.ID, Properties: &armnetwork.ApplicationGatewayRedirectConfigurationPropertiesFormat{
			RedirectType: to.Ptr(armnetwork.ApplicationGatewayRedirectTypePermanent), TargetListener: part("httpListeners", "https"),
		}}},
		URLPathMaps: []*armnetwork.ApplicationGatewayURLPathMap{{ID: part("urlPathMaps", "paths").ID, Properties: &armnetwork.ApplicationGatewayURLPathMapPropertiesFormat{
			DefaultRedirectConfiguration: redirect, PathRules: []*armnetwork.ApplicationGatewayPathRule{{Name: to.Ptr("legacy"), Properties: path}},
		}}},
		RequestRoutingRules: []*armnetwork.ApplicationGatewayRequestRoutingRule{
			{Name: to.Ptr("http"), Properties: first},
			{Name: to.Ptr("http-paths"), Properties: &armnetwork.ApplicationGatewayRequestRoutingRulePropertiesFormat{
				RuleType: to.Ptr(armnetwork.ApplicationGatewayRequestRoutingRuleTypePathBasedRouting), HTTPListener: part("httpListeners", "http-paths"), URLPathMap: part("urlPathMaps", "paths"),
			}},
			{Name: to.Ptr("https"), Properties: &armnetwork.ApplicationGatewayRequestRoutingRulePropertiesFormat{
				HTTPListener: part("httpListeners", "https"), BackendAddressPool: part("backendAddressPools", "app"),
			}},
		},
	}
	switch { // all ways to say TLS 1.2, or not to
	case it.Has("old-tls"):
		p.SSLPolicy = &armnetwork.ApplicationGatewaySSLPolicy{
			PolicyType: to.Ptr(armnetwork.ApplicationGatewaySSLPolicyTypePredefined), PolicyName: to.Ptr(armnetwork.ApplicationGatewaySSLPolicyNameAppGwSSLPolicy20170401),
		}
	case it.Index%2 == 0:
		p.DefaultPredefinedSSLPolicy = to.Ptr(armnetwork.ApplicationGatewaySSLPolicyNameAppGwSSLPolicy20220101)
	default:
		p.SSLPolicy = &armnetwork.ApplicationGatewaySSLPolicy{
			PolicyType: to.Ptr(armnetwork.ApplicationGatewaySSLPolicyTypeCustomV2), MinProtocolVersion: to.Ptr(armnetwork.ApplicationGatewaySSLProtocolTLSv13),
		}
	}
	if it.Has("old-profile") {
		p.SSLProfiles = []*armnetwork.ApplicationGatewaySSLProfile{{Name: to.Ptr("partners"), Properties: &armnetwork.ApplicationGatewaySSLProfilePropertiesFormat{
			SSLPolicy: &armnetwork.ApplicationGatewaySSLPolicy{
				PolicyType: to.Ptr(armnetwork.ApplicationGatewaySSLPolicyTypeCustom), MinProtocolVersion: to.Ptr(armnetwork.ApplicationGatewaySSLProtocolTLSv10),
			},
		}}}
	}
	if !it.Has("no-policy") {
		p.FirewallPolicy = &armnetwork.SubResource{ID: to.Ptr(wafPolicyID(it))}
	} else if it.Has("own-waf") {
		mode := armnetwork.ApplicationGatewayFirewallModePrevention
		if it.Has("detection") {
			mode = armnetwork.ApplicationGatewayFirewallModeDetection
		}
		p.WebApplicationFirewallConfiguration = &armnetwork.ApplicationGatewayWebApplicationFirewallConfiguration{
			Enabled: to.Ptr(!it.Has("waf-off")), FirewallMode: &mode, RuleSetType: to.Ptr("OWASP"), RuleSetVersion: to.Ptr("3.2"),
		}
	}
	return &armnetwork.ApplicationGateway{
		ID: &id, Name: to.Ptr("agw-" + it.Name()), Location: to.Ptr(it.Account.Home()), Zones: []*string{to.Ptr("1"), to.Ptr("2")}, Tags: labels("team", "edge"), Properties: p,
	}
}
