package schema

// ServiceBusNamespace is one Service Bus namespace.
// Source: armservicebus NamespacesClient.NewListPager, GetNetworkRuleSet, NewListAuthorizationRulesPager; the minimum TLS version
// from armresources Client.GetByID.
//
//posture:type azure.servicebus.namespace
type ServiceBusNamespace struct {
	Resource
	SKU                      string           `json:"sku"` // Basic, Standard, Premium
	LocalAuthDisabled        bool             `json:"local_auth_disabled"`
	MinimumTLSVersion        string           `json:"minimum_tls_version"`   // "1.2" when nothing is set
	PublicNetworkAccess      string           `json:"public_network_access"` // Enabled when nothing is set, Disabled, SecuredByPerimeter
	Network                  NamespaceNetwork `json:"network"`
	PrivateEndpointsApproved int              `json:"private_endpoints_approved"`
	EncryptionKeySource      string           `json:"encryption_key_source"` // Microsoft.KeyVault; "": Microsoft's own keys
	ZoneRedundant            bool             `json:"zone_redundant"`
	ExtraAuthorizationRules  int              `json:"extra_authorization_rules"` // beside RootManageSharedAccessKey, which cannot be removed
}

// NamespaceNetwork is the firewall of a messaging namespace.
type NamespaceNetwork struct {
	DefaultAction string `json:"default_action"` // Allow when nothing is set
}
