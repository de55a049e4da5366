package schema

// FrontDoorProfile is one Front Door: a profile, or one of the classic kind.
// Source: armcdn ProfilesClient.NewListPager, AFDEndpointsClient and AFDCustomDomainsClient.NewListByProfilePager,
// RoutesClient.NewListByEndpointPager, SecurityPoliciesClient.NewListByProfilePager; firewall policies and classic Front Doors
// from armresources Client.NewListPager and Client.GetByID.
//
//posture:type azure.frontdoor.profile
type FrontDoorProfile struct {
	Resource
	SKU                       string   `json:"sku"` // Standard_AzureFrontDoor, Premium_AzureFrontDoor, Classic
	WAFPolicyIDs              []string `json:"waf_policy_ids"`
	UnprotectedDomains        []string `json:"unprotected_domains"` // hosts that a route serves and no firewall policy covers as a whole
	WAFAllEnabled             bool     `json:"waf_all_enabled"`
	WAFAllPrevention          bool     `json:"waf_all_prevention"`
	MinimumTLSVersions        []string `json:"minimum_tls_versions"` // of its own domains: TLS10, TLS12, TLS13
	HTTPRoutesWithoutRedirect int      `json:"http_routes_without_redirect"`
}
