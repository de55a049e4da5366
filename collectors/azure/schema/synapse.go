package schema

// SynapseWorkspace is one Synapse workspace.
// Source: armsynapse WorkspacesClient.NewListPager, IPFirewallRulesClient.NewListByWorkspacePager,
// WorkspaceManagedSQLServerVulnerabilityAssessmentsClient.Get, WorkspaceManagedSQLServerBlobAuditingPoliciesClient.Get.
//
//posture:type azure.synapse.workspace
type SynapseWorkspace struct {
	Resource
	PublicNetworkAccess        string               `json:"public_network_access"` // Enabled when nothing is set
	FirewallRules              []SynapseAddresses   `json:"firewall_rules"`
	PrivateEndpointsApproved   int                  `json:"private_endpoints_approved"`
	EntraOnlyAuth              bool                 `json:"entra_only_auth"`
	ManagedVNet                bool                 `json:"managed_vnet"`
	DataExfiltrationProtection bool                 `json:"data_exfiltration_protection"`
	CMKKeyURL                  string               `json:"cmk_key_url"` // "": Microsoft's own keys
	VA                         SynapseVulnerability `json:"va"`
	Auditing                   SynapseAuditing      `json:"auditing"`
}

// SynapseAddresses is a range of addresses that the firewall lets in.
type SynapseAddresses struct {
	Name    string `json:"name" key:"true"`
	StartIP string `json:"start_ip"`
	EndIP   string `json:"end_ip"`
}

// SynapseVulnerability is how the dedicated SQL pools are looked over for weaknesses.
type SynapseVulnerability struct {
	RecurringScans bool `json:"recurring_scans"`
}

// SynapseAuditing is whether the workspace's SQL pools write down what is done in them.
type SynapseAuditing struct {
	State string `json:"state"` // Enabled, Disabled
}
