package schema

// DatabricksWorkspace is one Databricks workspace.
// Source: armdatabricks WorkspacesClient.NewListBySubscriptionPager.
//
//posture:type azure.databricks.workspace
type DatabricksWorkspace struct {
	Resource
	SKU                      string   `json:"sku"`                   // lower case: standard, premium, trial
	PublicNetworkAccess      string   `json:"public_network_access"` // Enabled when nothing is set
	NoPublicIP               bool     `json:"no_public_ip"`
	CustomVNetID             string   `json:"custom_vnet_id"` // "": a network of the service's own
	SubnetIDs                []string `json:"subnet_ids"`     // the two of that network which clusters run in
	PrivateEndpointsApproved int      `json:"private_endpoints_approved"`
	ManagedServicesCMK       bool     `json:"managed_services_cmk"` // notebooks, secrets and queries
	ManagedDiskCMK           bool     `json:"managed_disk_cmk"`
	RootStorageCMK           bool     `json:"root_storage_cmk"`

	SubnetsHaveNSG bool `json:"subnets_have_nsg" derived:"true"` // false without a network of one's own
}
