package azure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/cdn/armcdn/v2"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var frontDoors = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.FrontDoorProfileType},
	Operations: []collectors.Operation{
		{Name: "armcdn.ProfilesClient.NewListPager", Permission: "Microsoft.Cdn/profiles/read", Body: collectors.Store},
		{Name: "armcdn.AFDEndpointsClient.NewListByProfilePager", Permission: "Microsoft.Cdn/profiles/afdEndpoints/read", Body: collectors.Store},
		{Name: "armcdn.RoutesClient.NewListByEndpointPager", Permission: "Microsoft.Cdn/profiles/afdEndpoints/routes/read", Body: collectors.Store},
		{Name: "armcdn.AFDCustomDomainsClient.NewListByProfilePager", Permission: "Microsoft.Cdn/profiles/customDomains/read", Body: collectors.Redact("validationToken")},
		{Name: "armcdn.SecurityPoliciesClient.NewListByProfilePager", Permission: "Microsoft.Cdn/profiles/securityPolicies/read", Body: collectors.Store},
		listResources, resourceByID,
	},
	Collect: collectFrontDoors,
}

// collectFrontDoors reads profiles, of which other kinds than Front Door are retired, and classic Front Doors.
func collectFrontDoors(ctx context.Context, c *client, emit collectors.Emit) error {
	firewall := once(func(id string) (frontDoorFirewall, error) {
		var out frontDoorFirewall
		err := c.properties(ctx, id, "2022-05-01", &out)
		return out, err
	})
	var err error
	if c.providers.err != nil || c.providers.on["microsoft.cdn"] {
		err = collectProfiles(ctx, c, firewall, emit)
	}
	return errors.Join(err, collectClassic(ctx, c, firewall, emit))
}

// readFirewall reads a firewall policy of Front Door by its id.
type readFirewall func(id string) (frontDoorFirewall, error)

func collectProfiles(ctx context.Context, c *client, firewall readFirewall, emit collectors.Emit) error {
	api, err := armcdn.NewClientFactory(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	var profiles []*armcdn.Profile
	err = pages(ctx, api.NewProfilesClient().NewListPager(nil), func(page armcdn.ProfilesClientListResponse) error {
		for _, p := range page.Value {
			if strings.HasSuffix(text(value(p.SKU).Name), "_AzureFrontDoor") {
				profiles = append(profiles, p)
			}
		}
		return nil
	})
	_ = parallel(profiles, func(p *armcdn.Profile) string { return idOf(p.ID) }, func(p *armcdn.Profile) error {
		out := schema.FrontDoorProfile{Resource: resource(p.ID, p.Name, p.Location, p.Tags), SKU: text(value(p.SKU).Name)}
		gaps := profileDetails(ctx, api, firewall, &out)
		emit(idOf(p.ID), &out, gaps...)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list Front Door profiles: %w", err)
	}
	return nil
}

// profileDetails reads what the list of profiles does not tell, and returns what could not be read of it.
func profileDetails(ctx context.Context, api *armcdn.ClientFactory, firewall readFirewall, out *schema.FrontDoorProfile) []collectors.Gap {
	var gaps []collectors.Gap
	domains, err := readDomains(ctx, api, out)
	out.MinimumTLSVersions = domains.tls
	if err != nil {
		gaps = append(gaps, collectors.Unread(err, "minimum_tls_versions", "unprotected_domains"))
	}
	served, err := readRoutes(ctx, api, out, domains.hosts)
	if err != nil {
		gaps = append(gaps, collectors.Unread(err, "http_routes_without_redirect", "unprotected_domains"))
	}
	out.WAFPolicyIDs = []string{}
	covered := map[string]bool{} // ids of endpoints and domains
	policies := api.NewSecurityPoliciesClient().NewListByProfilePager(out.ResourceGroup, out.Name, nil)
	err = pages(ctx, policies, func(page armcdn.SecurityPoliciesClientListByProfileResponse) error {
		for _, s := range page.Value {
			waf, ok := value(s.Properties).Parameters.(*armcdn.SecurityPolicyWebApplicationFirewallParameters)
			if !ok {
				continue
			}
			out.WAFPolicyIDs = append(out.WAFPolicyIDs, idOf(value(waf.WafPolicy).ID))
			for _, a := range waf.Associations {
				for _, d := range a.Domains {
					covered[idOf(d.ID)] = covered[idOf(d.ID)] || slices.Contains(list(a.PatternsToMatch), "/*")
				}
			}
		}
		return nil
	})
	if err != nil {
		return append(gaps, collectors.Unread(fmt.Errorf("list security policies: %w", err), "waf_policy_ids", "unprotected_domains", "waf_all_enabled", "waf_all_prevention"))
	}
	out.WAFPolicyIDs = named(out.WAFPolicyIDs)
	out.UnprotectedDomains = []string{}
	for id, host := range served {
		if !covered[id] {
			out.UnprotectedDomains = append(out.UnprotectedDomains, host)
		}
	}
	slices.Sort(out.UnprotectedDomains)
	return append(gaps, judgeFirewalls(firewall, out)...)
}

// customDomains are a profile's own domains: hosts by id, and the TLS versions from which on they answer.
type customDomains struct {
	hosts map[string]string
	tls   []string
}

func readDomains(ctx context.Context, api *armcdn.ClientFactory, out *schema.FrontDoorProfile) (customDomains, error) {
	domains := customDomains{map[string]string{}, []string{}}
	err := pages(ctx, api.NewAFDCustomDomainsClient().NewListByProfilePager(out.ResourceGroup, out.Name, nil), func(page armcdn.AFDCustomDomainsClientListByProfileResponse) error {
		for _, d := range page.Value {
			p := value(d.Properties)
			domains.hosts[idOf(d.ID)] = text(p.HostName)
			if version := text(value(p.TLSSettings).MinimumTLSVersion); version != "" {
				domains.tls = append(domains.tls, version)
			} else {
				domains.tls = append(domains.tls, string(armcdn.AfdMinimumTLSVersionTLS12))
			}
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("list domains: %w", err)
	}
	slices.Sort(domains.tls)
	domains.tls = slices.Compact(domains.tls)
	return domains, err
}

// readRoutes counts the routes that serve plain HTTP, and returns the hosts that routes serve, by the id of the endpoint or domain.
func readRoutes(ctx context.Context, api *armcdn.ClientFactory, out *schema.FrontDoorProfile, domains map[string]string) (map[string]string, error) {
	served := map[string]string{}
	var endpoints []*armcdn.AFDEndpoint
	err := pages(ctx, api.NewAFDEndpointsClient().NewListByProfilePager(out.ResourceGroup, out.Name, nil), func(page armcdn.AFDEndpointsClientListByProfileResponse) error {
		for _, e := range page.Value {
			if text(value(e.Properties).EnabledState) != string(armcdn.EnabledStateDisabled) {
				endpoints = append(endpoints, e)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list endpoints: %w", err)
	}
	for _, e := range endpoints {
		err := pages(ctx, api.NewRoutesClient().NewListByEndpointPager(out.ResourceGroup, out.Name, text(e.Name), nil), func(page armcdn.RoutesClientListByEndpointResponse) error {
			for _, r := range page.Value {
				p := value(r.Properties)
				if text(p.EnabledState) == string(armcdn.EnabledStateDisabled) {
					continue
				}
				if slices.Contains(list(p.SupportedProtocols), "Http") && text(p.HTTPSRedirect) != string(armcdn.HTTPSRedirectEnabled) {
					out.HTTPRoutesWithoutRedirect++
				}
				if text(p.LinkToDefaultDomain) != string(armcdn.LinkToDefaultDomainDisabled) {
					served[idOf(e.ID)] = text(value(e.Properties).HostName)
				}
				for _, d := range p.CustomDomains {
					served[idOf(d.ID)] = domains[idOf(d.ID)]
				}
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("list routes of %s: %w", text(e.Name), err)
		}
	}
	return served, nil
}

// frontDoorFirewall is the part of a Front Door's firewall policy that says whether it works.
type frontDoorFirewall struct {
	Settings struct {
		State string `json:"enabledState"`
		Mode  string `json:"mode"`
	} `json:"policySettings"`
}

// judgeFirewalls looks at each firewall policy. One known to be off, or only to watch, decides whatever the others are.
func judgeFirewalls(firewall readFirewall, out *schema.FrontDoorProfile) []collectors.Gap {
	out.WAFAllEnabled, out.WAFAllPrevention = true, true
	var unread error
	for _, id := range out.WAFPolicyIDs {
		policy, err := firewall(id)
		if err != nil {
			unread = errors.Join(unread, fmt.Errorf("read firewall policy %s: %w", id, err))
			continue
		}
		out.WAFAllEnabled = out.WAFAllEnabled && policy.Settings.State != "Disabled"
		out.WAFAllPrevention = out.WAFAllPrevention && policy.Settings.Mode == "Prevention"
	}
	var paths []string
	if out.WAFAllEnabled {
		paths = append(paths, "waf_all_enabled")
	}
	if out.WAFAllPrevention {
		paths = append(paths, "waf_all_prevention")
	}
	if unread == nil || paths == nil {
		return nil
	}
	return []collectors.Gap{collectors.Unread(unread, paths...)}
}

// classicFrontDoor is a Front Door of the classic kind.
type classicFrontDoor struct {
	Frontends []struct {
		Properties struct {
			Host     string `json:"hostName"`
			Firewall struct {
				ID string `json:"id"`
			} `json:"webApplicationFirewallPolicyLink"`
			HTTPS struct {
				MinimumTLSVersion string `json:"minimumTlsVersion"`
			} `json:"customHttpsConfiguration"`
		} `json:"properties"`
	} `json:"frontendEndpoints"`
	Rules []struct {
		Properties struct {
			State     string   `json:"enabledState"`
			Protocols []string `json:"acceptedProtocols"`
			Route     struct {
				Protocol string `json:"redirectProtocol"` // of rules that redirect
			} `json:"routeConfiguration"`
		} `json:"properties"`
	} `json:"routingRules"`
}

func collectClassic(ctx context.Context, c *client, firewall readFirewall, emit collectors.Emit) error {
	ids, err := c.resourcesOf(ctx, "Microsoft.Network/frontDoors")
	if err != nil {
		err = fmt.Errorf("list classic Front Doors: %w", err)
	}
	lost := parallel(ids, func(id string) string { return id }, func(id string) error {
		var door classicFrontDoor
		r, err := c.describe(ctx, id, "2021-06-01", &door)
		if err != nil {
			return fmt.Errorf("read classic Front Door: %w", err)
		}
		out := schema.FrontDoorProfile{Resource: resource(r.ID, r.Name, r.Location, r.Tags), SKU: "Classic", WAFPolicyIDs: []string{}, UnprotectedDomains: []string{}, MinimumTLSVersions: []string{}}
		for _, f := range door.Frontends {
			if f.Properties.Firewall.ID == "" {
				out.UnprotectedDomains = append(out.UnprotectedDomains, f.Properties.Host)
			}
			out.WAFPolicyIDs = append(out.WAFPolicyIDs, strings.ToLower(f.Properties.Firewall.ID))
			if version := f.Properties.HTTPS.MinimumTLSVersion; version != "" {
				out.MinimumTLSVersions = append(out.MinimumTLSVersions, "TLS"+strings.ReplaceAll(version, ".", ""))
			}
		}
		out.WAFPolicyIDs, out.MinimumTLSVersions = named(out.WAFPolicyIDs), named(out.MinimumTLSVersions)
		for _, r := range door.Rules {
			p := r.Properties
			if p.State != "Disabled" && slices.Contains(p.Protocols, "Http") && p.Route.Protocol != "HttpsOnly" {
				out.HTTPRoutesWithoutRedirect++
			}
		}
		emit(id, &out, judgeFirewalls(firewall, &out)...)
		return nil
	})
	return errors.Join(err, lost)
}
