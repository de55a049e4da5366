package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// DocumentCluster is one DocumentDB cluster. The API of RDS tells of it too.
// Source: DescribeDBClusters.
//
//posture:type aws.docdb.cluster
type DocumentCluster struct {
	posture.Meta
	EngineVersion       string   `json:"engine_version"`
	StorageEncrypted    bool     `json:"storage_encrypted"`
	KMSKeyID            string   `json:"kms_key_id"`
	BackupRetentionDays int64    `json:"backup_retention_days"`
	DeletionProtection  bool     `json:"deletion_protection"`
	EnabledLogExports   []string `json:"enabled_log_exports"` // audit, profiler
	MultiAZ             bool     `json:"multi_az"`
}

// DocumentClusterSnapshot is one snapshot of a DocumentDB cluster, owned by this account.
// Source: DescribeDBClusterSnapshots, DescribeDBClusterSnapshotAttributes for manual ones: others cannot be shared.
//
//posture:type aws.docdb.cluster_snapshot
type DocumentClusterSnapshot struct {
	posture.Meta
	SnapshotType     string   `json:"snapshot_type"`
	StorageEncrypted bool     `json:"storage_encrypted"`
	Public           bool     `json:"public"`
	SharedAccountIDs []string `json:"shared_account_ids"`
}

// GraphCluster is one Neptune cluster, told of like those of DocumentDB.
// Source: DescribeDBClusters.
//
//posture:type aws.neptune.cluster
type GraphCluster struct {
	posture.Meta
	StorageEncrypted    bool     `json:"storage_encrypted"`
	BackupRetentionDays int64    `json:"backup_retention_days"`
	CopyTagsToSnapshot  bool     `json:"copy_tags_to_snapshot"`
	DeletionProtection  bool     `json:"deletion_protection"`
	IAMAuthEnabled      bool     `json:"iam_auth_enabled"`
	EnabledLogExports   []string `json:"enabled_log_exports"`
	MultiAZ             bool     `json:"multi_az"`
}

// GraphClusterSnapshot is one snapshot of a Neptune cluster, owned by this account.
// Source: DescribeDBClusterSnapshots, DescribeDBClusterSnapshotAttributes for manual ones: others cannot be shared.
//
//posture:type aws.neptune.cluster_snapshot
type GraphClusterSnapshot struct {
	posture.Meta
	SnapshotType     string `json:"snapshot_type"`
	StorageEncrypted bool   `json:"storage_encrypted"`
	Public           bool   `json:"public"`
}
