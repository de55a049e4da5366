package subscription

import (
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/appservice/armappservice/v4"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Besides flaws the defects say what a site is: "function", "container", "windows" and where nobody "said" what Windows runs,
// "consumption", "flex" and "small-plan" for its plan, and tags. Every site has a plan of its own.
var appServiceService = service{
	providers: []string{"Microsoft.Web"},
	kinds: []world.Kind{{
		Name: "azure.site", Sort: inSubscription, Global: true, Count: 7,
		Defects: []world.Defect{{Name: "function", Share: 0.4}, {Name: "container", Share: 0.15}, {Name: "windows", Share: 0.3}, {Name: "unsaid", Share: 0.3},
			{Name: "consumption", Share: 0.25}, {Name: "flex", Share: 0.3}, {Name: "small-plan", Share: 0.25}, {Name: "tagged-mutual-tls", Share: 0.4},
			{Name: "tagged-public", Share: 0.2}, {Name: "tagged-internal", Share: 0.3}, {Name: "plain-http", Share: 0.1, Drift: 0.15}, {Name: "old-tls", Share: 0.15},
			{Name: "old-deployment-tls", Share: 0.15}, {Name: "ftp", Share: 0.2, Drift: 0.1}, {Name: "publishing-password", Share: 0.4}, {Name: "certificate", Share: 0.5},
			{Name: "certificate-optional", Share: 0.3}, {Name: "no-sign-in", Share: 0.5}, {Name: "debugger", Drift: 0.2}, {Name: "any-origin", Share: 0.25},
			{Name: "no-identity", Share: 0.25}, {Name: "admin-identity", Share: 0.25, Drift: 0.1}, {Name: "open", Share: 0.4, Drift: 0.15}, {Name: "no-network", Share: 0.4},
			{Name: "old-language", Share: 0.3}, {Name: "http1", Share: 0.3}, {Name: "no-health-check", Share: 0.25}, {Name: "one-instance", Share: 0.25}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			tier := planTier(it)
			certain := it.Has("certificate") && !it.Has("certificate-optional")
			language := unless(inContainer(it), failIf(it.Has("old-language")))
			if untold(it) {
				language = posture.Unknown
			}
			return keyOf("azure.appservice.site", siteID(it)), map[string]posture.Result{
				"azure-appservice-site-https-only":                failIf(it.Has("plain-http")),
				"azure-appservice-site-minimum-tls-1-2":           failIf(it.Has("old-tls") || it.Has("old-deployment-tls")),
				"azure-appservice-site-ftp-disabled":              failIf(it.Has("ftp")),
				"azure-appservice-site-basic-auth-disabled":       failIf(it.Has("publishing-password")),
				"azure-appservice-site-client-certificates":       unless(!it.Has("tagged-mutual-tls"), failIf(!certain)),
				"azure-appservice-site-authentication":            unless(it.Has("tagged-public"), failIf(it.Has("no-sign-in") && !certain)),
				"azure-appservice-site-remote-debugging-disabled": failIf(it.Has("debugger")),
				"azure-appservice-site-cors-restricted":           failIf(it.Has("any-origin")),
				"azure-appservice-site-managed-identity":          failIf(it.Has("no-identity")),
				"azure-appservice-site-network-restricted":        unless(!it.Has("function") && !it.Has("tagged-internal"), failIf(it.Has("open"))),
				"azure-appservice-site-vnet-integrated":           unless(slices.Contains([]string{"Free", "Shared", "Dynamic"}, tier), failIf(it.Has("no-network"))),
				"azure-appservice-site-supported-runtime":         language,
				"azure-appservice-site-http2":                     failIf(it.Has("http1")),
				"azure-appservice-site-resilient": unless(it.Has("function") || !slices.Contains([]string{"Standard", "PremiumV3"}, tier),
					failIf(it.Has("no-health-check") || it.Has("one-instance"))),
			}
		},
		ExpectMore: func(s *world.State) map[world.Judged]posture.Result {
			out, held := map[world.Judged]posture.Result{}, allAt(s)
			for _, it := range s.Items("azure.site") {
				own, shared := siteIdentities(s, it)
				admin := slices.ContainsFunc(held, func(a *assignment) bool {
					return (a.principalID == own || a.principalID == shared) && a.kind != "eligible" && a.role.custom == nil && a.role.privileged()
				})
				rule := world.Judged{Rule: "azure-appservice-function-identity-not-admin", Resource: keyOf("azure.appservice.site", siteID(it))}
				out[rule] = unless(it.Has("no-identity"), failIf(admin))
			}
			return out
		},
	}},
	handle: handleAppService,
}

func siteName(it *world.Item) string {
	if it.Has("function") {
		return "func-" + it.Name()
	}
	return "app-" + it.Name()
}

func siteID(it *world.Item) string { return idOf(it, "Microsoft.Web/sites", siteName(it)) }

func onFlex(it *world.Item) bool {
	return it.Has("function") && it.Has("flex") && !it.Has("consumption") && !it.Has("windows")
}

func inContainer(it *world.Item) bool {
	return it.Has("container") && !onFlex(it) && !(it.Has("function") && it.Has("consumption"))
}

// untold: what the site runs stands in its application settings only.
func untold(it *world.Item) bool {
	return !inContainer(it) && it.Has("windows") && (it.Has("function") || it.Has("unsaid"))
}

func planTier(it *world.Item) string {
	switch {
	case it.Has("function") && it.Has("consumption"):
		return "Dynamic"
	case onFlex(it):
		return "FlexConsumption"
	case it.Has("function") && it.Has("small-plan"):
		return "Basic"
	case it.Has("small-plan"):
		return []string{"Free", "Shared", "Basic"}[it.Pick(3, "plan")]
	}
	return []string{"Standard", "PremiumV3"}[it.Pick(2, "plan")]
}

// siteIdentities are the identities of a site as the directory knows them: its own and one that it shares, "" for none. With the
// defect "admin-identity" it shares one of the tenant's programs, which hold roles.
func siteIdentities(s *world.State, it *world.Item) (own, shared string) {
	if it.Has("no-identity") {
		return "", ""
	}
	own, shared = objectID(it, "own"), objectID(it, "shared")
	if it.Has("admin-identity") {
		shared = programID(tenantState(s), it.Pick(2, "program"))
	}
	switch it.Pick(3, "identities") {
	case 0:
		own = ""
	case 1:
		if !it.Has("admin-identity") {
			shared = ""
		}
	}
	return own, shared
}

// item finds the thing of a kind that a call names.
func (w *states) item(c azure.Call, kind, param string, name func(*world.Item) string) (*world.Item, error) {
	state, err := w.at(c)
	if err != nil {
		return nil, err
	}
	for _, it := range state.Items(kind) {
		if strings.EqualFold(name(it), c.Params[param]) {
			return it, nil
		}
	}
	return nil, azure.NotFound("The resource '" + c.Params[param] + "'")
}

func handleAppService(s *azure.Server, w *states) {
	azure.List(s, "armappservice.WebAppsClient.NewListPager", func(c azure.Call) (*armappservice.WebAppCollection, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armappservice.WebAppCollection{}
		for _, it := range state.Items("azure.site") {
			out.Value = append(out.Value, site(state, it))
		}
		return out, nil
	})
	azure.List(s, "armappservice.PlansClient.NewListPager", func(c azure.Call) (*armappservice.PlanCollection, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armappservice.PlanCollection{}
		for _, it := range state.Items("azure.site") {
			out.Value = append(out.Value, plan(it))
		}
		return out, nil
	})
	azure.Handle(s, "armappservice.WebAppsClient.GetConfiguration", func(c azure.Call) (*armappservice.SiteConfigResource, error) {
		it, err := w.item(c, "azure.site", "name", siteName)
		if err != nil {
			return nil, err
		}
		return &armappservice.SiteConfigResource{
			ID: to.Ptr(siteID(it) + "/config/web"), Name: to.Ptr(siteName(it)), Type: to.Ptr("Microsoft.Web/sites/config"), Properties: siteConfig(it),
		}, nil
	})
	azure.Handle(s, "armappservice.WebAppsClient.GetAuthSettingsV2WithoutSecrets", func(c azure.Call) (*armappservice.SiteAuthSettingsV2, error) {
		it, err := w.item(c, "azure.site", "name", siteName)
		if err != nil {
			return nil, err
		}
		return &armappservice.SiteAuthSettingsV2{
			ID: to.Ptr(siteID(it) + "/config/authsettingsV2"), Name: to.Ptr("authsettingsV2"), Type: to.Ptr("Microsoft.Web/sites/config"),
			Properties: &armappservice.SiteAuthSettingsV2Properties{
				Platform: &armappservice.AuthPlatform{Enabled: to.Ptr(!it.Has("no-sign-in")), RuntimeVersion: to.Ptr("~1")},
				GlobalValidation: &armappservice.GlobalValidation{
					RequireAuthentication: to.Ptr(true), UnauthenticatedClientAction: to.Ptr(armappservice.UnauthenticatedClientActionV2RedirectToLoginPage),
				},
			},
		}, nil
	})
	azure.List(s, "armappservice.WebAppsClient.NewListBasicPublishingCredentialsPoliciesPager", func(c azure.Call) (*armappservice.PublishingCredentialsPoliciesCollection, error) {
		it, err := w.item(c, "azure.site", "name", siteName)
		if err != nil {
			return nil, err
		}
		which := it.Pick(3, "password") // both, or one of them
		policy := func(name string, other int) *armappservice.CsmPublishingCredentialsPoliciesEntity {
			return &armappservice.CsmPublishingCredentialsPoliciesEntity{
				ID: to.Ptr(siteID(it) + "/basicPublishingCredentialsPolicies/" + name), Name: &name, Type: to.Ptr("Microsoft.Web/sites/basicPublishingCredentialsPolicies"),
				Properties: &armappservice.CsmPublishingCredentialsPoliciesEntityProperties{Allow: to.Ptr(it.Has("publishing-password") && which != other)},
			}
		}
		return &armappservice.PublishingCredentialsPoliciesCollection{Value: []*armappservice.CsmPublishingCredentialsPoliciesEntity{policy("ftp", 1), policy("scm", 2)}}, nil
	})
	azure.List(s, "armappservice.WebAppsClient.NewGetPrivateEndpointConnectionListPager", func(c azure.Call) (*armappservice.PrivateEndpointConnectionCollection, error) {
		it, err := w.item(c, "azure.site", "name", siteName)
		if err != nil {
			return nil, err
		}
		out := &armappservice.PrivateEndpointConnectionCollection{}
		connection := func(name, status string) {
			out.Value = append(out.Value, &armappservice.RemotePrivateEndpointConnectionARMResource{
				ID: to.Ptr(siteID(it) + "/privateEndpointConnections/" + name), Name: &name, Type: to.Ptr("Microsoft.Web/sites/privateEndpointConnections"),
				Properties: &armappservice.RemotePrivateEndpointConnectionARMResourceProperties{
					ProvisioningState: to.Ptr("Succeeded"), PrivateLinkServiceConnectionState: &armappservice.PrivateLinkConnectionState{Status: &status},
				},
			})
		}
		if it.Pick(3, "asked") == 0 {
			connection("partner", "Pending")
		}
		if !it.Has("open") && doors(it) == byDefault {
			connection("app", "Approved")
		}
		return out, nil
	})
}

// The ways in which a site is closed to the public, or only seems to be.
const (
	bySwitch = iota
	byRule
	byRules
	byDefault
	ways
)

func doors(it *world.Item) int { return it.Pick(ways, "doors") }

func siteKind(it *world.Item) string {
	kind := "app"
	if it.Has("function") {
		kind = "functionapp"
	}
	if !it.Has("windows") {
		kind += ",linux"
	}
	if it.Has("function") && it.Pick(4, "workflow") == 0 {
		kind += ",workflowapp"
	}
	return kind
}

// siteResources are the sites as Resource Manager lists them, with their kind.
func siteResources(s *world.State) []described {
	var out []described
	for _, it := range s.Items("azure.site") {
		out = append(out, described{ID: siteID(it), Type: "Microsoft.Web/sites", Kind: siteKind(it), Location: it.Account.Home(), Tags: labels("team", "shop")})
	}
	return out
}

func site(s *world.State, it *world.Item) *armappservice.Site {
	kind, host := siteKind(it), siteName(it)+".azurewebsites.net"
	p := &armappservice.SiteProperties{
		State: to.Ptr("Running"), Enabled: to.Ptr(true), AvailabilityState: to.Ptr(armappservice.SiteAvailabilityStateNormal), UsageState: to.Ptr(armappservice.UsageStateNormal),
		HostNames: []*string{&host}, EnabledHostNames: []*string{&host}, DefaultHostName: &host, RepositorySiteName: to.Ptr(siteName(it)), Reserved: to.Ptr(!it.Has("windows")),
		ServerFarmID: to.Ptr(strings.Replace(planID(it), "serverFarms", "serverfarms", 1)), SKU: to.Ptr(planTier(it)), ResourceGroup: to.Ptr(group),
		HTTPSOnly: to.Ptr(!it.Has("plain-http")), ClientCertEnabled: to.Ptr(it.Has("certificate")), ClientCertMode: to.Ptr(armappservice.ClientCertModeRequired),
		VnetRouteAllEnabled: to.Ptr(!it.Has("no-network")), SiteConfig: &armappservice.SiteConfig{NumberOfWorkers: to.Ptr[int32](1), AlwaysOn: to.Ptr(true)},
	}
	if it.Has("certificate-optional") {
		p.ClientCertMode = to.Ptr([]armappservice.ClientCertMode{armappservice.ClientCertModeOptional, armappservice.ClientCertModeOptionalInteractiveUser}[it.Pick(2, "mode")])
	}
	if it.Has("function") && it.Pick(5, "stopped") == 0 {
		p.State = to.Ptr("Stopped")
	}
	if !it.Has("no-network") {
		p.VirtualNetworkSubnetID = to.Ptr(idOf(it, "Microsoft.Network/virtualNetworks", "vnet-app/subnets/Apps"))
	}
	switch way := doors(it); {
	case way == bySwitch && !it.Has("open"):
		p.PublicNetworkAccess = to.Ptr("Disabled")
	case way == byRule || way == byRules:
		p.PublicNetworkAccess = to.Ptr("Enabled")
	} // else nobody ever said
	if onFlex(it) {
		version := "22"
		if it.Has("old-language") {
			version = "18"
		}
		p.FunctionAppConfig = &armappservice.FunctionAppConfig{Runtime: &armappservice.FunctionsRuntime{Name: to.Ptr(armappservice.RuntimeNameNode), Version: &version}}
	}
	out := &armappservice.Site{
		ID: to.Ptr(siteID(it)), Name: to.Ptr(siteName(it)), Type: to.Ptr("Microsoft.Web/sites"), Location: to.Ptr(it.Account.Home()), Kind: &kind,
		Tags: labels("team", "shop"), Identity: siteIdentity(s, it), Properties: p,
	}
	for tag, defect := range map[string]string{"mutual-tls": "tagged-mutual-tls", "public": "tagged-public", "internal": "tagged-internal"} {
		if it.Has(defect) {
			out.Tags[tag] = to.Ptr("")
		}
	}
	return out
}

func siteIdentity(s *world.State, it *world.Item) *armappservice.ManagedServiceIdentity {
	own, shared := siteIdentities(s, it)
	out := &armappservice.ManagedServiceIdentity{}
	if shared != "" {
		out.UserAssignedIdentities = map[string]*armappservice.UserAssignedIdentity{
			idOf(it, "Microsoft.ManagedIdentity/userAssignedIdentities", "id-"+it.Name()): {PrincipalID: &shared, ClientID: to.Ptr(objectID(it, "client"))},
		}
	}
	if own != "" {
		out.PrincipalID, out.TenantID = &own, to.Ptr(tenantOf(it.Account))
	}
	switch {
	case own != "" && shared != "":
		out.Type = to.Ptr(armappservice.ManagedServiceIdentityTypeSystemAssignedUserAssigned)
	case own != "":
		out.Type = to.Ptr(armappservice.ManagedServiceIdentityTypeSystemAssigned)
	case shared != "":
		out.Type = to.Ptr(armappservice.ManagedServiceIdentityTypeUserAssigned)
	default:
		return []*armappservice.ManagedServiceIdentity{nil, {Type: to.Ptr(armappservice.ManagedServiceIdentityTypeNone)}}[it.Pick(2, "none")]
	}
	return out
}

func siteConfig(it *world.Item) *armappservice.SiteConfig {
	c := &armappservice.SiteConfig{
		NumberOfWorkers: to.Ptr[int32](1), DefaultDocuments: []*string{to.Ptr("index.html")}, NetFrameworkVersion: to.Ptr("v4.0"), Http20Enabled: to.Ptr(!it.Has("http1")),
		MinTLSVersion: to.Ptr(armappservice.SupportedTLSVersionsOne2), ScmMinTLSVersion: to.Ptr(armappservice.SupportedTLSVersionsOne2),
		FtpsState:              to.Ptr([]armappservice.FtpsState{armappservice.FtpsStateDisabled, armappservice.FtpsStateFtpsOnly}[it.Pick(2, "ftps")]),
		RemoteDebuggingEnabled: to.Ptr(it.Has("debugger")), PublishingUsername: to.Ptr("$" + siteName(it)), ManagedPipelineMode: to.Ptr(armappservice.ManagedPipelineModeIntegrated),
		LinuxFxVersion: to.Ptr(""), WindowsFxVersion: nil, Cors: &armappservice.CorsSettings{AllowedOrigins: []*string{to.Ptr("https://shop.acme.example")}},
	}
	if it.Has("old-tls") {
		c.MinTLSVersion = to.Ptr([]armappservice.SupportedTLSVersions{armappservice.SupportedTLSVersionsOne0, armappservice.SupportedTLSVersionsOne1}[it.Pick(2, "tls")])
	}
	if it.Has("old-deployment-tls") {
		c.ScmMinTLSVersion = to.Ptr(armappservice.SupportedTLSVersionsOne0)
	}
	if it.Has("ftp") {
		c.FtpsState = []*armappservice.FtpsState{nil, to.Ptr(armappservice.FtpsStateAllAllowed)}[it.Pick(2, "plain ftp")]
	}
	if it.Has("any-origin") {
		c.Cors.AllowedOrigins = append(c.Cors.AllowedOrigins, to.Ptr("*"))
	} else if it.Pick(2, "no origins") == 0 {
		c.Cors = nil
	}
	if !it.Has("no-health-check") {
		c.HealthCheckPath = to.Ptr("/healthz")
	}
	restrictSite(it, c)
	runs(it, c)
	return c
}

func restrictSite(it *world.Item, c *armappservice.SiteConfig) {
	rule := func(address, action, name string, priority int32) *armappservice.IPSecurityRestriction {
		return &armappservice.IPSecurityRestriction{IPAddress: &address, Action: &action, Name: &name, Priority: &priority, Tag: to.Ptr(armappservice.IPFilterTagDefault)}
	}
	office, rest := rule("198.51.100.0/24", "Allow", "office", 100), rule("Any", "Deny", "Deny all", 2147483647)
	switch doors(it) {
	case byRule:
		c.IPSecurityRestrictions, c.IPSecurityRestrictionsDefaultAction = []*armappservice.IPSecurityRestriction{office, rest}, to.Ptr(armappservice.DefaultActionDeny)
		if it.Has("open") {
			rest.Action, rest.Name, c.IPSecurityRestrictionsDefaultAction = to.Ptr("Allow"), to.Ptr("Allow all"), to.Ptr(armappservice.DefaultActionAllow)
		}
	case byRules:
		c.IPSecurityRestrictions = []*armappservice.IPSecurityRestriction{office} // everybody else is shut out
		if it.Has("open") {
			c.IPSecurityRestrictions = []*armappservice.IPSecurityRestriction{rest, office, rule("0.0.0.0/0", "Allow", "launch", 50)}
		}
	}
}

// runs says what the site runs, in the member where the service keeps that.
func runs(it *world.Item, c *armappservice.SiteConfig) {
	old := 0
	if it.Has("old-language") {
		old = 1
	}
	switch {
	case onFlex(it):
	case inContainer(it):
		image := to.Ptr("DOCKER|acme.azurecr.io/" + it.Name() + ":1.4.2")
		if it.Has("windows") {
			c.WindowsFxVersion = image
		} else {
			c.LinuxFxVersion = image
		}
	case untold(it):
		if it.Has("function") {
			c.NetFrameworkVersion = to.Ptr("v6.0") // that of the host, whatever the functions are written in
		}
	case it.Has("windows") && it.Pick(2, "windows") == 0:
		c.JavaVersion = to.Ptr([]string{"17", "1.8"}[old])
	case it.Has("windows"):
		c.NetFrameworkVersion = to.Ptr([]string{"v10.0", "v6.0"}[old])
	default:
		stacks := [][]string{{"PYTHON|3.12", "PYTHON|3.8"}, {"NODE|22-lts", "NODE|16-lts"}, {"DOTNETCORE|8.0", "DOTNETCORE|6.0"}, {"DOTNET-ISOLATED|9.0", "DOTNET-ISOLATED|7.0"},
			{"JAVA|17-java17", "JAVA|8-jre8"}, {"TOMCAT|10.1-java21", "TOMCAT|9.0-jre8"}, {"PHP|8.3", "PHP|7.4"}}
		c.LinuxFxVersion = to.Ptr(stacks[it.Pick(len(stacks), "stack")][old])
	}
}

func planID(it *world.Item) string {
	return idOf(it, "Microsoft.Web/serverFarms", "asp-"+it.Name())
}

func plan(it *world.Item) *armappservice.Plan {
	tier := planTier(it)
	name := map[string]string{"Free": "F1", "Shared": "D1", "Basic": "B1", "Standard": "S1", "PremiumV3": "P1v3", "Dynamic": "Y1", "FlexConsumption": "FC1"}[tier]
	capacity := int32(1)
	zonal := !it.Has("one-instance") && tier == "PremiumV3" && it.Pick(2, "zonal") == 0
	switch {
	case tier == "Dynamic" || tier == "FlexConsumption":
		capacity = 0
	case !it.Has("one-instance") && !zonal:
		capacity = 2
	}
	return &armappservice.Plan{
		ID: to.Ptr(planID(it)), Name: to.Ptr("asp-" + it.Name()), Type: to.Ptr("Microsoft.Web/serverfarms"), Location: to.Ptr(it.Account.Home()), Tags: labels("team", "shop"),
		SKU: &armappservice.SKUDescription{Name: &name, Tier: &tier, Size: &name, Family: to.Ptr(name[:1]), Capacity: &capacity},
		Properties: &armappservice.PlanProperties{
			Status: to.Ptr(armappservice.StatusOptionsReady), NumberOfWorkers: &capacity, NumberOfSites: to.Ptr[int32](1), ZoneRedundant: &zonal, Reserved: to.Ptr(!it.Has("windows")),
		},
	}
}
