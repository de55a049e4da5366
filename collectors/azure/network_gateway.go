package azure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var applicationGateways = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ApplicationGatewayType},
	Operations: []collectors.Operation{
		{Name: "armnetwork.ApplicationGatewaysClient.NewListAllPager", Permission: "Microsoft.Network/applicationGateways/read", Body: collectors.Redact("data", "password")},
	},
	Collect: collectApplicationGateways,
}

func collectApplicationGateways(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armnetwork.NewApplicationGatewaysClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pages(ctx, api.NewListAllPager(nil), func(page armnetwork.ApplicationGatewaysClientListAllResponse) error {
		for _, g := range page.Value {
			out := newApplicationGateway(g)
			if out.SSLMinProtocol == "" {
				emit(idOf(g.ID), &out, collectors.NotCollected("ssl_min_protocol"))
			} else {
				emit(idOf(g.ID), &out)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list application gateways: %w", err)
	}
	return nil
}

func newApplicationGateway(g *armnetwork.ApplicationGateway) schema.ApplicationGateway {
	p := value(g.Properties)
	waf := value(p.WebApplicationFirewallConfiguration)
	out := schema.ApplicationGateway{
		Resource: resource(g.ID, g.Name, g.Location, g.Tags), SKUTier: text(value(p.SKU).Tier),
		WAFEnabled: is(waf.Enabled), WAFMode: text(waf.FirewallMode), WAFPolicyID: idOf(value(p.FirewallPolicy).ID),
		HTTP2Enabled: is(p.EnableHTTP2), Zones: list(g.Zones), SubnetIDs: []string{},
	}
	for _, i := range p.GatewayIPConfigurations {
		out.SubnetIDs = append(out.SubnetIDs, idOf(value(value(i.Properties).Subnet).ID))
	}
	out.SSLPolicyName, out.SSLMinProtocol = sslPolicy(p)
	public := map[string]bool{} // frontends by id
	for _, f := range p.FrontendIPConfigurations {
		public[idOf(f.ID)] = value(f.Properties).PublicIPAddress != nil
	}
	redirected := redirectedListeners(p)
	for _, l := range p.HTTPListeners {
		listener := value(l.Properties)
		out.PublicFrontend = out.PublicFrontend || public[idOf(value(listener.FrontendIPConfiguration).ID)]
		if text(listener.Protocol) == string(armnetwork.ApplicationGatewayProtocolHTTP) && !redirected[idOf(l.ID)] {
			out.HTTPListenerWithoutRedirect++
		}
	}
	for _, l := range p.Listeners { // of TCP and TLS
		out.PublicFrontend = out.PublicFrontend || public[idOf(value(value(l.Properties).FrontendIPConfiguration).ID)]
	}
	return out
}

// predefined is the lowest protocol of each policy that Azure ships.
var predefined = map[string]string{
	"AppGwSslPolicy20150501": "TLSv1_0", "AppGwSslPolicy20170401": "TLSv1_1", "AppGwSslPolicy20170401S": "TLSv1_2",
	"AppGwSslPolicy20220101": "TLSv1_2", "AppGwSslPolicy20220101S": "TLSv1_2",
}

// sslPolicy is the name of a gateway's own policy, and the lowest protocol that it or one of its listeners' profiles takes; ""
// when the answer does not tell.
func sslPolicy(p armnetwork.ApplicationGatewayPropertiesFormat) (name, lowest string) {
	own := value(p.SSLPolicy)
	name = text(own.PolicyName)
	if p.SSLPolicy == nil || own.PolicyName == nil && own.PolicyType == nil && own.MinProtocolVersion == nil && own.DisabledSSLProtocols == nil {
		name = text(p.DefaultPredefinedSSLPolicy)
		if name == "" && !strings.HasSuffix(text(value(p.SKU).Tier), "_v2") {
			name = "AppGwSslPolicy20150501"
		}
		if name == "" {
			return "", ""
		}
	}
	lowest = lowestProtocol(name, own)
	for _, profile := range p.SSLProfiles {
		if policy := value(profile.Properties).SSLPolicy; policy != nil {
			lowest = min(lowest, lowestProtocol(text(policy.PolicyName), *policy))
		}
	}
	return name, lowest
}

func lowestProtocol(name string, policy armnetwork.ApplicationGatewaySSLPolicy) string {
	if policy.MinProtocolVersion != nil {
		return text(policy.MinProtocolVersion)
	}
	if name != "" {
		return predefined[name]
	}
	for _, protocol := range []armnetwork.ApplicationGatewaySSLProtocol{armnetwork.ApplicationGatewaySSLProtocolTLSv10, armnetwork.ApplicationGatewaySSLProtocolTLSv11} {
		if policy.DisabledSSLProtocols == nil || !slices.Contains(list(policy.DisabledSSLProtocols), string(protocol)) {
			return string(protocol)
		}
	}
	return string(armnetwork.ApplicationGatewaySSLProtocolTLSv12)
}

// redirectedListeners are the listeners, by id, of which every rule and path sends clients to HTTPS.
func redirectedListeners(p armnetwork.ApplicationGatewayPropertiesFormat) map[string]bool {
	secure := map[string]bool{} // listeners and redirections by id
	for _, l := range p.HTTPListeners {
		secure[idOf(l.ID)] = text(value(l.Properties).Protocol) == string(armnetwork.ApplicationGatewayProtocolHTTPS)
	}
	for _, r := range p.RedirectConfigurations {
		to := value(r.Properties)
		secure[idOf(r.ID)] = strings.HasPrefix(strings.ToLower(text(to.TargetURL)), "https://") || secure[idOf(value(to.TargetListener).ID)]
	}
	maps := map[string]bool{} // URL path maps by id
	for _, m := range p.URLPathMaps {
		paths := value(m.Properties)
		all := secure[idOf(value(paths.DefaultRedirectConfiguration).ID)]
		for _, r := range paths.PathRules {
			all = all && secure[idOf(value(value(r.Properties).RedirectConfiguration).ID)]
		}
		maps[idOf(m.ID)] = all
	}
	out := map[string]bool{}
	for _, r := range p.RequestRoutingRules {
		rule := value(r.Properties)
		id := idOf(value(rule.HTTPListener).ID)
		redirects := secure[idOf(value(rule.RedirectConfiguration).ID)] || maps[idOf(value(rule.URLPathMap).ID)]
		before, seen := out[id]
		out[id] = redirects && (before || !seen)
	}
	return out
}

var wafPolicies = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.WAFPolicyType},
	Operations: []collectors.Operation{
		{Name: "armnetwork.WebApplicationFirewallPoliciesClient.NewListAllPager", Permission: "Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies/read", Body: collectors.Store},
		queryResources, listResources,
	},
	Collect: collectWAFPolicies,
}

func collectWAFPolicies(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armnetwork.NewWebApplicationFirewallPoliciesClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pagesOf(ctx, c, "microsoft.network/applicationgatewaywebapplicationfirewallpolicies", "", api.NewListAllPager(nil), func(page armnetwork.WebApplicationFirewallPoliciesClientListAllResponse) error {
		for _, w := range page.Value {
			p := value(w.Properties)
			settings := value(p.PolicySettings)
			out := schema.WAFPolicy{
				Resource: resource(w.ID, w.Name, w.Location, w.Tags), Enabled: text(settings.State) != string(armnetwork.WebApplicationFirewallEnabledStateDisabled),
				Mode: cmp.Or(text(settings.Mode), "Detection"), RequestBodyCheck: settings.RequestBodyCheck == nil || *settings.RequestBodyCheck,
				ManagedRuleSets: []string{}, ApplicationGatewayIDs: []string{},
			}
			for _, set := range value(p.ManagedRules).ManagedRuleSets {
				out.ManagedRuleSets = append(out.ManagedRuleSets, text(set.RuleSetType)+"_"+text(set.RuleSetVersion))
				out.BotRulesEnabled = out.BotRulesEnabled || text(set.RuleSetType) == "Microsoft_BotManagerRuleSet"
			}
			for _, g := range p.ApplicationGateways {
				out.ApplicationGatewayIDs = append(out.ApplicationGatewayIDs, idOf(g.ID))
			}
			emit(idOf(w.ID), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list WAF policies: %w", err)
	}
	return nil
}

var vpnGateways = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.VPNGatewayType},
	Operations: []collectors.Operation{
		queryResources, listResources,
		{Name: "armnetwork.VirtualNetworkGatewaysClient.NewListPager", Permission: "Microsoft.Network/virtualNetworkGateways/read", Body: collectors.Redact("radiusServerSecret")},
	},
	Collect: collectVPNGateways,
}

// collectVPNGateways asks each resource group that has a gateway: only Resource Graph has a list for a subscription.
func collectVPNGateways(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armnetwork.NewVirtualNetworkGatewaysClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	emitAll := func(page armnetwork.VirtualNetworkGatewaysClientListResponse) error {
		for _, g := range page.Value {
			out := newVPNGateway(g)
			emit(idOf(g.ID), &out)
		}
		return nil
	}
	if all, ok := graphed[armnetwork.VirtualNetworkGatewaysClientListResponse](ctx, c, "microsoft.network/virtualnetworkgateways", ""); ok {
		return emitAll(all)
	}
	ids, err := c.resourcesOf(ctx, "Microsoft.Network/virtualNetworkGateways")
	if err != nil {
		err = fmt.Errorf("list virtual network gateways: %w", err)
	}
	groups := make([]string, len(ids))
	for i, id := range ids {
		groups[i] = resource(&id, nil, nil, nil).ResourceGroup
	}
	lost := parallel(groups, func(group string) string { return group }, func(group string) error {
		if err := pages(ctx, api.NewListPager(group, nil), emitAll); err != nil {
			return fmt.Errorf("list virtual network gateways of %s: %w", group, err)
		}
		return nil
	})
	return errors.Join(err, lost)
}

func newVPNGateway(g *armnetwork.VirtualNetworkGateway) schema.VPNGateway {
	p := value(g.Properties)
	clients := value(p.VPNClientConfiguration)
	out := schema.VPNGateway{
		Resource: resource(g.ID, g.Name, g.Location, g.Tags), GatewayType: text(p.GatewayType), SKU: text(value(p.SKU).Name),
		ClientAuthTypes: list(clients.VPNAuthenticationTypes), ActiveActive: is(p.Active),
		PointToSite: len(value(clients.VPNClientAddressPool).AddressPrefixes) > 0,
	}
	if clients.VPNAuthenticationTypes == nil { // gateways from before the types were written down
		if len(clients.VPNClientRootCertificates) > 0 {
			out.ClientAuthTypes = append(out.ClientAuthTypes, "Certificate")
		}
		if text(clients.RadiusServerAddress) != "" || len(clients.RadiusServers) > 0 {
			out.ClientAuthTypes = append(out.ClientAuthTypes, "Radius")
		}
		if text(clients.AADTenant) != "" {
			out.ClientAuthTypes = append(out.ClientAuthTypes, "AAD")
		}
	}
	slices.Sort(out.ClientAuthTypes)
	for _, i := range p.IPConfigurations {
		out.VirtualNetworkID = networkOf(value(value(i.Properties).Subnet).ID)
	}
	return out
}

var firewalls = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.FirewallType},
	Operations: []collectors.Operation{
		{Name: "armnetwork.AzureFirewallsClient.NewListAllPager", Permission: "Microsoft.Network/azureFirewalls/read", Body: collectors.Store},
		{Name: "armnetwork.FirewallPoliciesClient.NewListAllPager", Permission: "Microsoft.Network/firewallPolicies/read", Body: collectors.Store},
		queryResources, listResources,
	},
	Collect: collectFirewalls,
}

func collectFirewalls(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armnetwork.NewClientFactory(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	policies := map[string]*armnetwork.FirewallPolicy{}
	unread := pagesOf(ctx, c, "microsoft.network/firewallpolicies", "", api.NewFirewallPoliciesClient().NewListAllPager(nil), func(page armnetwork.FirewallPoliciesClientListAllResponse) error {
		for _, p := range page.Value {
			policies[idOf(p.ID)] = p
		}
		return nil
	})
	if unread == nil {
		unread = collectors.ErrNotCollected // of a policy that is not listed: it lies in another subscription
	}
	err = pagesOf(ctx, c, "microsoft.network/azurefirewalls", "", api.NewAzureFirewallsClient().NewListAllPager(nil), func(page armnetwork.AzureFirewallsClientListAllResponse) error {
		for _, f := range page.Value {
			out := newFirewall(f)
			switch policy := policies[out.PolicyID]; {
			case out.PolicyID == "":
				emit(idOf(f.ID), &out)
			case policy == nil:
				emit(idOf(f.ID), &out, collectors.Unread(unread, "threat_intel_mode", "idps_mode", "dns_proxy"))
			default:
				p := value(policy.Properties)
				out.ThreatIntelMode = cmp.Or(text(p.ThreatIntelMode), "Alert")
				out.IDPSMode = cmp.Or(text(value(p.IntrusionDetection).Mode), "Off")
				out.DNSProxy = is(value(p.DNSSettings).EnableProxy)
				emit(idOf(f.ID), &out)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list firewalls: %w", err)
	}
	return nil
}

// newFirewall is a firewall by its own settings, which hold where it has no policy.
func newFirewall(f *armnetwork.AzureFirewall) schema.Firewall {
	p := value(f.Properties)
	out := schema.Firewall{
		Resource: resource(f.ID, f.Name, f.Location, f.Tags), SKUTier: cmp.Or(text(value(p.SKU).Tier), "Standard"), PolicyID: idOf(value(p.FirewallPolicy).ID),
		ThreatIntelMode: cmp.Or(text(p.ThreatIntelMode), "Alert"), IDPSMode: "Off", DNSProxy: text(p.AdditionalProperties["Network.DNS.EnableProxy"]) == "true",
		PrivateIP: text(value(p.HubIPAddresses).PrivateIPAddress), Zones: list(f.Zones),
	}
	for _, i := range p.IPConfigurations {
		ip := value(i.Properties)
		if ip.Subnet != nil { // further ones only add public addresses
			out.PrivateIP, out.VirtualNetworkID = text(ip.PrivateIPAddress), networkOf(ip.Subnet.ID)
		}
	}
	return out
}
