package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// CacheReplicationGroup is one ElastiCache replication group of Redis OSS or Valkey.
// Source: DescribeReplicationGroups.
//
//posture:type aws.elasticache.replication_group
type CacheReplicationGroup struct {
	posture.Meta
	Engine                   string   `json:"engine"`
	TransitEncryptionEnabled bool     `json:"transit_encryption_enabled"`
	TransitEncryptionMode    string   `json:"transit_encryption_mode"` // preferred or required; "" is required
	AtRestEncryptionEnabled  bool     `json:"at_rest_encryption_enabled"`
	KMSKeyID                 string   `json:"kms_key_id"`
	AuthTokenEnabled         bool     `json:"auth_token_enabled"`
	UserGroupIDs             []string `json:"user_group_ids"`
	AutomaticFailover        string   `json:"automatic_failover"`
	MultiAZ                  string   `json:"multi_az"`
	SnapshotRetentionDays    int64    `json:"snapshot_retention_days"` // 0: none are taken
	AutoMinorVersionUpgrade  bool     `json:"auto_minor_version_upgrade"`
}

// DAXCluster is one DynamoDB accelerator.
// Source: DescribeClusters.
//
//posture:type aws.dax.cluster
type DAXCluster struct {
	posture.Meta
	EndpointEncryption string `json:"endpoint_encryption"` // NONE or TLS
	SSEStatus          string `json:"sse_status"`
}
