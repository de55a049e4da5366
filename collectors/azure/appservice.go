package azure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/appservice/armappservice/v4"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// siteSecrets are the members of a site's configuration that people keep secrets in. A version can be a whole compose file,
// and restrictions name headers whose values callers must know.
var siteSecrets = collectors.Redact("appSettings", "connectionStrings", "metadata", "azureStorageAccounts", "machineKey", "publishingUsername",
	"appCommandLine", "siteProperties", "linuxFxVersion", "windowsFxVersion", "headers", "autoHealRules")

const listPlans = "armappservice.PlansClient.NewListPager"

var sites = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.SiteType},
	Operations: []collectors.Operation{
		{Name: "armappservice.WebAppsClient.NewListPager", Permission: "Microsoft.Web/sites/read", Body: siteSecrets},
		{Name: listPlans, Permission: "Microsoft.Web/serverfarms/read", Body: collectors.Store},
		{Name: "armappservice.WebAppsClient.GetConfiguration", Permission: "Microsoft.Web/sites/config/read", Body: siteSecrets},
		{Name: "armappservice.WebAppsClient.GetAuthSettingsV2WithoutSecrets", Permission: "Microsoft.Web/sites/config/authsettingsV2/read", Body: collectors.Redact("loginParameters")},
		{Name: "armappservice.WebAppsClient.NewListBasicPublishingCredentialsPoliciesPager", Permission: "Microsoft.Web/sites/basicPublishingCredentialsPolicies/read", Body: collectors.Store},
		{Name: "armappservice.WebAppsClient.NewGetPrivateEndpointConnectionListPager", Permission: "Microsoft.Web/sites/privateEndpointConnections/read", Body: collectors.Store},
	},
	Collect: collectSites,
}

func collectSites(ctx context.Context, c *client, emit collectors.Emit) error {
	factory, err := armappservice.NewClientFactory(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	api := factory.NewWebAppsClient()
	var found []*armappservice.Site
	err = pages(ctx, api.NewListPager(nil), func(page armappservice.WebAppsClientListResponse) error {
		found = append(found, page.Value...)
		return nil
	})
	plans, plansErr := readPlans(ctx, factory.NewPlansClient()) // after the sites: a plan is older than what runs on it
	_ = parallel(found, func(s *armappservice.Site) string { return idOf(s.ID) }, func(s *armappservice.Site) error {
		out := newSite(s)
		gaps := []collectors.Gap{collectors.NotCollected("functions_extension_version", "app_insights_configured")}
		read := func(err error, paths ...string) {
			if err != nil {
				gaps = append(gaps, collectors.Unread(err, paths...))
			}
		}
		read(cmp.Or(plansErr, setPlan(&out, plans[idOf(value(s.Properties).ServerFarmID)])), "plan_sku", "plan_tier", "plan_zone_redundant", "instance_count")
		gaps = append(gaps, readSiteConfig(ctx, api, s, &out)...)
		read(readSignIn(ctx, api, &out), "auth_enabled")
		read(readPublishing(ctx, api, &out), "scm_basic_auth", "ftp_basic_auth")
		if err := readSiteEndpoints(ctx, api, &out); err != nil {
			read(err, "private_endpoints_approved")
			if out.PublicNetworkAccess == "" {
				read(err, "public_network_access")
			}
		} else if out.PublicNetworkAccess == "" {
			out.PublicNetworkAccess = "Enabled"
			if out.PrivateEndpointsApproved > 0 {
				out.PublicNetworkAccess = "Disabled"
			}
		}
		emit(idOf(s.ID), &out, gaps...)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list sites: %w", err)
	}
	return nil
}

func newSite(s *armappservice.Site) schema.Site {
	p, identity := value(s.Properties), value(s.Identity)
	out := schema.Site{
		Resource: resource(s.ID, s.Name, s.Location, s.Tags), Kind: text(s.Kind), IsFunction: isFunction(s), State: text(p.State), HTTPSOnly: is(p.HTTPSOnly),
		ClientCertEnabled: is(p.ClientCertEnabled), ClientCertMode: text(p.ClientCertMode), CORSAllowedOrigins: []string{},
		IdentityType: text(identity.Type), IdentityPrincipalIDs: []string{}, PublicNetworkAccess: text(p.PublicNetworkAccess),
		VNetSubnetID: idOf(p.VirtualNetworkSubnetID), VNetRouteAll: is(p.VnetRouteAllEnabled), SCMBasicAuth: true, FTPBasicAuth: true,
	}
	ids := []string{idOf(identity.PrincipalID)}
	for _, assigned := range identity.UserAssignedIdentities {
		ids = append(ids, idOf(value(assigned).PrincipalID))
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if id != "" {
			out.IdentityPrincipalIDs = append(out.IdentityPrincipalIDs, id)
		}
	}
	return out
}

func isFunction(s *armappservice.Site) bool {
	return strings.Contains(text(s.Kind), "functionapp") || strings.Contains(text(s.Kind), "workflowapp")
}

func readPlans(ctx context.Context, api *armappservice.PlansClient) (map[string]*armappservice.Plan, error) {
	plans := map[string]*armappservice.Plan{}
	err := pages(ctx, api.NewListPager(nil), func(page armappservice.PlansClientListResponse) error {
		for _, p := range page.Value {
			plans[idOf(p.ID)] = p
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list plans: %w", err)
	}
	return plans, nil
}

func setPlan(out *schema.Site, p *armappservice.Plan) error {
	if p == nil {
		return &transport.Error{Operation: listPlans, Reason: posture.ReasonUnreconciled, Err: errors.New("the site's plan is not among those listed")}
	}
	sku := value(p.SKU)
	out.PlanSKU, out.PlanTier, out.InstanceCount = text(sku.Name), text(sku.Tier), int(value(sku.Capacity))
	out.PlanZoneRedundant = is(value(p.Properties).ZoneRedundant)
	return nil
}

func readSiteConfig(ctx context.Context, api *armappservice.WebAppsClient, s *armappservice.Site, out *schema.Site) []collectors.Gap {
	answer, err := api.GetConfiguration(ctx, out.ResourceGroup, out.Name, nil)
	if err != nil {
		return []collectors.Gap{collectors.Unread(fmt.Errorf("read configuration: %w", err), "minimum_tls_version", "scm_minimum_tls_version", "ftps_state", "http20",
			"remote_debugging", "cors_allowed_origins", "ip_restriction_default_action", "ip_restriction_count", "runtime", "runtime_version", "health_check_path")}
	}
	c := value(answer.Properties)
	out.MinimumTLSVersion, out.SCMMinimumTLSVersion, out.FTPSState = text(c.MinTLSVersion), text(c.ScmMinTLSVersion), text(c.FtpsState)
	out.HTTP20, out.RemoteDebugging, out.HealthCheckPath = is(c.Http20Enabled), is(c.RemoteDebuggingEnabled), text(c.HealthCheckPath)
	out.CORSAllowedOrigins = list(value(c.Cors).AllowedOrigins)
	out.IPRestrictionDefaultAction, out.IPRestrictionCount = restrictions(c)
	var told bool
	if out.Runtime, out.RuntimeVersion, told = stack(s, c); !told {
		return []collectors.Gap{collectors.NotCollected("runtime", "runtime_version")}
	}
	return nil
}

// restrictions says what becomes of callers whom no narrower rule names, and how many narrower rules there are. The service
// writes a rule for every address where it means the rest; without one, rules that allow somebody shut out everybody else.
func restrictions(c armappservice.SiteConfig) (rest string, narrow int) {
	rules := slices.Clone(c.IPSecurityRestrictions)
	slices.SortStableFunc(rules, func(a, b *armappservice.IPSecurityRestriction) int {
		return cmp.Compare(value(a.Priority), value(b.Priority))
	})
	for _, r := range rules {
		address := text(r.IPAddress)
		if (address == "Any" || address == "0.0.0.0/0") && len(r.Headers) == 0 {
			rest = cmp.Or(rest, text(r.Action), string(armappservice.DefaultActionAllow))
		} else {
			narrow++
		}
	}
	rest = cmp.Or(rest, text(c.IPSecurityRestrictionsDefaultAction))
	if rest == "" {
		rest = string(armappservice.DefaultActionAllow)
		if narrow > 0 {
			rest = string(armappservice.DefaultActionDeny)
		}
	}
	return rest, narrow
}

// stack names the language a site runs and its version. told is false where only application settings would say: of function
// apps on Windows, and of Windows sites that nobody gave a version of .NET.
func stack(s *armappservice.Site, c armappservice.SiteConfig) (name, version string, told bool) {
	if r := value(value(value(s.Properties).FunctionAppConfig).Runtime); text(r.Name) != "" {
		return language(text(r.Name), text(r.Version))
	}
	if name, version, found := strings.Cut(cmp.Or(text(c.LinuxFxVersion), text(c.WindowsFxVersion)), "|"); found {
		return language(name, version)
	}
	framework := strings.TrimPrefix(text(c.NetFrameworkVersion), "v")
	major, _, _ := strings.Cut(framework, ".")
	switch {
	case text(c.JavaVersion) != "":
		return language("java", text(c.JavaVersion))
	case text(c.PowerShellVersion) != "":
		return language("powershell", strings.TrimPrefix(text(c.PowerShellVersion), "~"))
	case text(c.NodeVersion) != "":
		return language("node", text(c.NodeVersion))
	case text(c.PythonVersion) != "":
		return language("python", text(c.PythonVersion))
	case (len(major) > 1 || major > "4") && !isFunction(s): // 4 is what every site has that says nothing else
		return language("dotnet", framework)
	}
	return "", "", false
}

// language reads what the service writes of a stack: DOTNETCORE 8.0, NODE 20-lts, JAVA 17-java17, TOMCAT 10.1-jre17.
func language(name, version string) (string, string, bool) {
	switch name = strings.ToLower(name); name {
	case "docker", "compose", "kube", "sitecontainers", "custom":
		return "container", "", true
	case "dotnetcore", "dotnet-isolated":
		name = "dotnet"
	case "tomcat", "jbosseap":
		name = "java"
		if at := strings.LastIndexAny(version, "ae"); at >= 0 { // java17, jre8
			version = version[at+1:]
		}
	}
	if end := strings.IndexFunc(version, func(r rune) bool { return r != '.' && (r < '0' || r > '9') }); end >= 0 {
		version = version[:end]
	}
	switch name {
	case "java":
		version = strings.TrimPrefix(version, "1.")
		fallthrough
	case "node":
		version, _, _ = strings.Cut(version, ".")
	}
	return name, version, true
}

func readSignIn(ctx context.Context, api *armappservice.WebAppsClient, out *schema.Site) error {
	answer, err := api.GetAuthSettingsV2WithoutSecrets(ctx, out.ResourceGroup, out.Name, nil)
	if err != nil {
		return fmt.Errorf("read authentication settings: %w", err)
	}
	out.AuthEnabled = is(value(value(answer.Properties).Platform).Enabled)
	return nil
}

func readPublishing(ctx context.Context, api *armappservice.WebAppsClient, out *schema.Site) error {
	pager := api.NewListBasicPublishingCredentialsPoliciesPager(out.ResourceGroup, out.Name, nil)
	err := pages(ctx, pager, func(page armappservice.WebAppsClientListBasicPublishingCredentialsPoliciesResponse) error {
		for _, p := range page.Value {
			allow := value(p.Properties).Allow
			switch text(p.Name) {
			case "scm":
				out.SCMBasicAuth = allow == nil || *allow
			case "ftp":
				out.FTPBasicAuth = allow == nil || *allow
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list publishing policies: %w", err)
	}
	return nil
}

func readSiteEndpoints(ctx context.Context, api *armappservice.WebAppsClient, out *schema.Site) error {
	pager := api.NewGetPrivateEndpointConnectionListPager(out.ResourceGroup, out.Name, nil)
	err := pages(ctx, pager, func(page armappservice.WebAppsClientGetPrivateEndpointConnectionListResponse) error {
		out.PrivateEndpointsApproved += approved(page.Value, func(e *armappservice.RemotePrivateEndpointConnectionARMResource) *string {
			return value(value(e.Properties).PrivateLinkServiceConnectionState).Status
		})
		return nil
	})
	if err != nil {
		return fmt.Errorf("list private endpoints: %w", err)
	}
	return nil
}
