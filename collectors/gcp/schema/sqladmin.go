package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// SQLInstance is one Cloud SQL instance; its id is "projects/acme/instances/orders". Its tags are the labels.
// Source: sqladmin instances.list.
//
//posture:type gcp.sql.instance
type SQLInstance struct {
	posture.Meta
	Engine               string   `json:"engine"` // postgres, mysql, sqlserver or ""
	DatabaseVersion      string   `json:"database_version"`
	InstanceType         string   `json:"instance_type"` // ON_PREMISES_INSTANCE stands for a server elsewhere that is replicated from
	IsPrimary            bool     `json:"is_primary"`    // neither replica nor stand-in
	State                string   `json:"state"`         // RUNNABLE, SUSPENDED, MAINTENANCE, …
	PublicIPEnabled      bool     `json:"public_ip_enabled"`
	PrivateNetwork       string   `json:"private_network"` // "": no address in a network of the customer
	PSCEnabled           bool     `json:"psc_enabled"`
	AuthorizedNetworks   []string `json:"authorized_networks"`   // ranges that may connect to the public address
	SSLMode              string   `json:"ssl_mode"`              // "": the older require_ssl decides
	RequireSSL           bool     `json:"require_ssl"`           // of no effect where ssl_mode is set
	ConnectorEnforcement string   `json:"connector_enforcement"` // REQUIRED: no connection without a Cloud SQL connector
	BackupEnabled        bool     `json:"backup_enabled"`
	BackupRetainedCount  int64    `json:"backup_retained_count"`
	PITREnabled          bool     `json:"pitr_enabled"`      // point-in-time recovery; MySQL's binary log counts as such
	AvailabilityType     string   `json:"availability_type"` // REGIONAL or ZONAL
	DeletionProtection   bool     `json:"deletion_protection"`
	KMSKeyName           string   `json:"kms_key_name"` // "": a key of Google's
	// Flags are the database flags that were set, by the names the engine gives them ("user connections"). What is not among them
	// has the engine's default.
	Flags                 map[string]string `json:"flags"`
	PasswordPolicyEnabled bool              `json:"password_policy_enabled"`
	PasswordMinLength     int64             `json:"password_min_length"`
	IAMAuthentication     bool              `json:"iam_authentication"` // users may sign in with their Google identity
	// PendingMaintenanceVersions are those that could be installed; Google adds to them at any time.
	PendingMaintenanceVersions []string `json:"pending_maintenance_versions" volatile:"true"`
	QueryInsights              bool     `json:"query_insights"`
}
