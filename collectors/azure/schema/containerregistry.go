package schema

// ContainerRegistry is one container registry.
// Source: armcontainerregistry RegistriesClient.NewListPager; anonymous pull from armresources Client.GetByID.
//
//posture:type azure.containerregistry.registry
type ContainerRegistry struct {
	Resource
	SKU                      string          `json:"sku"` // Basic, Standard, Premium
	AdminUser                bool            `json:"admin_user"`
	AnonymousPull            bool            `json:"anonymous_pull"`
	PublicNetworkAccess      string          `json:"public_network_access"` // Enabled when nothing is set
	Network                  RegistryNetwork `json:"network"`
	PrivateEndpointsApproved int             `json:"private_endpoints_approved"`
	EncryptionStatus         string          `json:"encryption_status"` // enabled: with a key of one's own
	ZoneRedundancy           bool            `json:"zone_redundancy"`
	TrustPolicy              bool            `json:"trust_policy"`
	RetentionPolicyDays      int             `json:"retention_policy_days"` // of untagged manifests; 0: off
	QuarantinePolicy         bool            `json:"quarantine_policy"`
	ExportPolicy             string          `json:"export_policy"` // enabled when nothing is set
}

// RegistryNetwork is the registry's firewall.
type RegistryNetwork struct {
	DefaultAction string `json:"default_action"` // Allow when nothing is set
}
