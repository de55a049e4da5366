package schema

// SQLServer is one logical server of Azure SQL Database. Servers of Synapse workspaces are not among them.
// Source: armsql ServersClient.NewListPager, ExtendedServerBlobAuditingPoliciesClient.Get, ServerSecurityAlertPoliciesClient.Get,
// FirewallRulesClient.NewListByServerPager, EncryptionProtectorsClient.Get, ServerVulnerabilityAssessmentsClient.Get; armresources
// Client.GetByID for express vulnerability assessments.
//
//posture:type azure.sql.server
type SQLServer struct {
	Resource
	MinimumTLSVersion        string                 `json:"minimum_tls_version"`   // "1.2"; "None": any, also when nothing is set
	PublicNetworkAccess      string                 `json:"public_network_access"` // Enabled when nothing is set
	PrivateEndpointsApproved int                    `json:"private_endpoints_approved"`
	RestrictOutbound         bool                   `json:"restrict_outbound"`
	EntraAdmin               SQLAdmin               `json:"entra_admin"`
	EntraOnlyAuth            bool                   `json:"entra_only_auth"`
	Auditing                 SQLAuditing            `json:"auditing"`
	ThreatDetection          SQLThreatDetection     `json:"threat_detection"`
	FirewallRules            []DatabaseFirewallRule `json:"firewall_rules"`
	TDEKeyType               string                 `json:"tde_key_type"` // ServiceManaged or AzureKeyVault
	TDEKeyURI                string                 `json:"tde_key_uri"`
	TDEAutoRotation          bool                   `json:"tde_auto_rotation"`
	VA                       SQLAssessment          `json:"va"`
}

// SQLAdmin is the server's administrator in Entra.
type SQLAdmin struct {
	ObjectID string `json:"object_id"` // "": none
	IsGroup  bool   `json:"is_group"`
}

// SQLAuditing is the audit settings of a server.
type SQLAuditing struct {
	State              string   `json:"state"`            // Enabled or Disabled
	RetentionDays      int      `json:"retention_days"`   // in the storage account; 0: for ever
	StorageEndpoint    string   `json:"storage_endpoint"` // "": not to storage
	AzureMonitorTarget bool     `json:"azure_monitor_target"`
	ActionGroups       []string `json:"action_groups"` // empty: the service's own choice
}

// SQLThreatDetection is the settings of security alerts.
type SQLThreatDetection struct {
	State       string   `json:"state"` // Enabled, Disabled, New
	EmailAdmins bool     `json:"email_admins"`
	Emails      []string `json:"emails"`
}

// SQLAssessment is the settings of vulnerability assessments.
type SQLAssessment struct {
	Mode           string   `json:"mode"`            // express, classic (results go to a storage account), none
	RecurringScans bool     `json:"recurring_scans"` // weekly; always in express mode
	EmailAdmins    bool     `json:"email_admins"`    // classic mode only
	Emails         []string `json:"emails"`          // classic mode only
}

// DatabaseFirewallRule lets a range of addresses through to the server. 0.0.0.0 to 0.0.0.0 stands for all of Azure, other
// customers' parts included.
type DatabaseFirewallRule struct {
	Name            string `json:"name" key:"true"`
	StartIP         string `json:"start_ip"`
	EndIP           string `json:"end_ip"`
	PublicAddresses int64  `json:"public_addresses"` // how many of the range are public
}

// SQLDatabase is one database of a logical server; master is not among them.
// Source: armsql DatabasesClient.NewListByServerPager, TransparentDataEncryptionsClient.Get, BackupShortTermRetentionPoliciesClient.Get,
// LongTermRetentionPoliciesClient.Get.
//
//posture:type azure.sql.database
type SQLDatabase struct {
	Resource
	ServerID               string               `json:"server_id"`
	Status                 string               `json:"status" volatile:"true"` // Online; serverless ones pause by themselves
	SKU                    string               `json:"sku"`                    // "GP_S_Gen5"; DataWarehouse
	TDEState               string               `json:"tde_state"`              // Enabled or Disabled
	ZoneRedundant          bool                 `json:"zone_redundant"`
	BackupRedundancy       string               `json:"backup_redundancy"`         // Geo, GeoZone, Zone, Local
	ShortTermRetentionDays int                  `json:"short_term_retention_days"` // 0 for data warehouses, which have no policy
	LongTerm               SQLLongTermRetention `json:"long_term"`
}

// SQLLongTermRetention is how long backups are kept, in ISO 8601; "PT0S": none.
type SQLLongTermRetention struct {
	Weekly  string `json:"weekly"`
	Monthly string `json:"monthly"`
	Yearly  string `json:"yearly"`
}

// SQLManagedInstance is one SQL managed instance.
// Source: armsql ManagedInstancesClient.NewListPager, ManagedInstanceEncryptionProtectorsClient.Get,
// ManagedInstanceVulnerabilityAssessmentsClient.Get, ManagedServerSecurityAlertPoliciesClient.Get.
//
//posture:type azure.sql.managed_instance
type SQLManagedInstance struct {
	Resource
	MinimumTLSVersion string                `json:"minimum_tls_version"` // "1.2"; "None": any, also when nothing is set
	PublicEndpoint    bool                  `json:"public_endpoint"`
	EntraOnlyAuth     bool                  `json:"entra_only_auth"`
	TDEKeyType        string                `json:"tde_key_type"` // ServiceManaged or AzureKeyVault
	VA                SQLInstanceAssessment `json:"va"`
	ThreatDetection   SQLInstanceAlerts     `json:"threat_detection"`
	ZoneRedundant     bool                  `json:"zone_redundant"`
	BackupRedundancy  string                `json:"backup_redundancy"` // Geo, GeoZone, Zone, Local
}

// SQLInstanceAssessment is the vulnerability assessment of a managed instance.
type SQLInstanceAssessment struct {
	RecurringScans bool `json:"recurring_scans"`
}

// SQLInstanceAlerts is the security alerts of a managed instance.
type SQLInstanceAlerts struct {
	State string `json:"state"` // Enabled, Disabled, New
}
