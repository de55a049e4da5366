package schema

// MySQLServer is one Azure Database for MySQL flexible server.
// Source: armmysqlflexibleservers ServersClient.NewListPager, ConfigurationsClient.NewListByServerPager,
// FirewallRulesClient.NewListByServerPager.
//
//posture:type azure.mysql.flexible_server
type MySQLServer struct {
	Resource
	Version              string                 `json:"version"`               // "8.0.21"
	PublicNetworkAccess  string                 `json:"public_network_access"` // Enabled when nothing is set
	DelegatedSubnetID    string                 `json:"delegated_subnet_id"`   // not "": the server has no public address
	EncryptionType       string                 `json:"encryption_type"`       // SystemManaged or AzureKeyVault
	BackupRetentionDays  int                    `json:"backup_retention_days"`
	GeoRedundantBackup   bool                   `json:"geo_redundant_backup"`
	HighAvailabilityMode string                 `json:"high_availability_mode"` // Disabled, SameZone, ZoneRedundant
	Parameters           MySQLParameters        `json:"parameters"`
	FirewallRules        []DatabaseFirewallRule `json:"firewall_rules"`
}

// MySQLParameters are server parameters as the server has them; "" and empty lists for those it does not have.
type MySQLParameters struct {
	RequireSecureTransport string   `json:"require_secure_transport"` // ON or OFF
	TLSVersion             []string `json:"tls_version"`              // those that are accepted
	AuditLogEnabled        string   `json:"audit_log_enabled"`        // ON or OFF
	AuditLogEvents         []string `json:"audit_log_events"`
}
