package schema

// EventHubNamespace is one Event Hubs namespace.
// Source: armeventhub NamespacesClient.NewListPager, GetNetworkRuleSet, NewListAuthorizationRulesPager.
//
//posture:type azure.eventhub.namespace
type EventHubNamespace struct {
	Resource
	SKU                      string           `json:"sku"`        // Basic, Standard, Premium
	ClusterID                string           `json:"cluster_id"` // dedicated cluster; "": shared machines
	LocalAuthDisabled        bool             `json:"local_auth_disabled"`
	MinimumTLSVersion        string           `json:"minimum_tls_version"`   // "1.0" when nothing is set, as in old namespaces
	PublicNetworkAccess      string           `json:"public_network_access"` // Enabled when nothing is set, Disabled, SecuredByPerimeter
	Network                  NamespaceNetwork `json:"network"`
	PrivateEndpointsApproved int              `json:"private_endpoints_approved"`
	EncryptionKeySource      string           `json:"encryption_key_source"` // Microsoft.KeyVault; "": Microsoft's own keys
	ZoneRedundant            bool             `json:"zone_redundant"`
	ExtraAuthorizationRules  int              `json:"extra_authorization_rules"` // beside RootManageSharedAccessKey
}
