package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// RedshiftCluster is one provisioned Redshift cluster.
// Source: DescribeClusters, DescribeLoggingStatus, DescribeClusterParameters.
//
//posture:type aws.redshift.cluster
type RedshiftCluster struct {
	posture.Meta
	Status                         string   `json:"status"`
	Encrypted                      bool     `json:"encrypted"`
	KMSKeyID                       string   `json:"kms_key_id"`
	PubliclyAccessible             bool     `json:"publicly_accessible"`
	EnhancedVPCRouting             bool     `json:"enhanced_vpc_routing"`
	AutomatedSnapshotRetentionDays int64    `json:"automated_snapshot_retention_days"` // 0: none are taken
	AllowVersionUpgrade            bool     `json:"allow_version_upgrade"`
	MultiAZ                        string   `json:"multi_az"` // Enabled or Disabled
	AuditLoggingEnabled            bool     `json:"audit_logging_enabled"`
	AuditLogDestination            string   `json:"audit_log_destination"` // s3 or cloudwatch
	AuditLogExports                []string `json:"audit_log_exports"`     // told for CloudWatch alone
	// RequireSSL: every parameter group of the cluster sets require_ssl.
	RequireSSL     bool   `json:"require_ssl"`
	MasterUsername string `json:"master_username"`
}
