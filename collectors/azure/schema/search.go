package schema

// SearchService is one Azure AI Search service.
// Source: armsearch ServicesClient.NewListBySubscriptionPager.
//
//posture:type azure.search.service
type SearchService struct {
	Resource
	SKU                      string `json:"sku"`
	PublicNetworkAccess      string `json:"public_network_access"` // enabled when nothing is set, disabled, securedByPerimeter
	IPRules                  int    `json:"ip_rules"`
	PrivateEndpointsApproved int    `json:"private_endpoints_approved"`
	LocalAuthDisabled        bool   `json:"local_auth_disabled"`
	CMKEnforcement           string `json:"cmk_enforcement"`      // Enabled; Disabled and Unspecified are alike
	CustomerManagedKey       bool   `json:"customer_managed_key"` // every index must be encrypted with a key from a vault
	ReplicaCount             int    `json:"replica_count"`
}
