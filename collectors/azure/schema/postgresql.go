package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// PostgreSQLServer is one Azure Database for PostgreSQL flexible server.
// Source: armpostgresqlflexibleservers ServersClient.NewListPager, ConfigurationsClient.NewListByServerPager,
// FirewallRulesClient.NewListByServerPager.
//
//posture:type azure.postgresql.flexible_server
type PostgreSQLServer struct {
	Resource
	Version                  string                 `json:"version"`               // "16"
	PublicNetworkAccess      string                 `json:"public_network_access"` // Enabled when nothing is set
	DelegatedSubnetID        string                 `json:"delegated_subnet_id"`   // not "": the server has no public address
	PrivateEndpointsApproved int                    `json:"private_endpoints_approved"`
	EntraAuth                bool                   `json:"entra_auth"`
	PasswordAuth             bool                   `json:"password_auth"`   // true when nothing is set
	EncryptionType           string                 `json:"encryption_type"` // SystemManaged or AzureKeyVault
	BackupRetentionDays      int                    `json:"backup_retention_days"`
	GeoRedundantBackup       bool                   `json:"geo_redundant_backup"`
	HighAvailabilityMode     string                 `json:"high_availability_mode"` // Disabled, SameZone, ZoneRedundant
	Parameters               PostgreSQLParameters   `json:"parameters"`
	FirewallRules            []DatabaseFirewallRule `json:"firewall_rules"`

	LogsExported bool `json:"logs_exported" derived:"true"` // a diagnostic setting sends PostgreSQLLogs to a workspace or storage account
}

// PostgreSQLParameters are server parameters as the server has them, in lower case; "" for those it does not have.
type PostgreSQLParameters struct {
	RequireSecureTransport string              `json:"require_secure_transport"`
	SSLMinProtocolVersion  string              `json:"ssl_min_protocol_version"` // "TLSv1.2", also when nothing is set
	LogCheckpoints         string              `json:"log_checkpoints"`
	LogConnections         string              `json:"log_connections"` // from version 18 on a list of stages, "receipt,authentication"
	LogDisconnections      string              `json:"log_disconnections"`
	LogRetentionDays       posture.Opt[int]    `json:"log_retention_days"`    // of log files on the server; absent where it keeps none
	ConnectionThrottling   posture.Opt[string] `json:"connection_throttling"` // absent: versions that do not know it
	PGAuditLog             string              `json:"pgaudit_log"`
}
