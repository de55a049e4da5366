package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// DBInstance is one RDS database instance; those being created or deleted are left out.
// Source: DescribeDBInstances, DescribeDBClusters, DescribeDBParameters, DescribeDBClusterParameters.
//
//posture:type aws.rds.instance
type DBInstance struct {
	posture.Meta
	Engine                  string                 `json:"engine"`
	EngineVersion           string                 `json:"engine_version"`
	Status                  string                 `json:"status"`
	ClusterID               string                 `json:"cluster_id"` // "": not a member of a cluster
	StorageEncrypted        bool                   `json:"storage_encrypted"`
	KMSKeyID                string                 `json:"kms_key_id"`
	PubliclyAccessible      bool                   `json:"publicly_accessible"`
	BackupRetentionDays     int64                  `json:"backup_retention_days"` // 0: no automated backups
	DeletionProtection      bool                   `json:"deletion_protection"`
	MultiAZ                 bool                   `json:"multi_az"`
	EnabledLogExports       []string               `json:"enabled_log_exports"`
	CopyTagsToSnapshot      bool                   `json:"copy_tags_to_snapshot"`
	IAMAuthEnabled          bool                   `json:"iam_auth_enabled"`
	AutoMinorVersionUpgrade bool                   `json:"auto_minor_version_upgrade"`
	MonitoringInterval      int64                  `json:"monitoring_interval"` // seconds; 0: no enhanced monitoring
	SecurityGroupIDs        []string               `json:"security_group_ids"`
	SubnetIDs               []string               `json:"subnet_ids"`
	Port                    int64                  `json:"port"` // 0: no endpoint yet
	ParameterGroupName      string                 `json:"parameter_group_name"`
	MasterSecretManaged     bool                   `json:"master_secret_managed"` // in Secrets Manager
	CACertificateValidTill  posture.Opt[time.Time] `json:"ca_certificate_valid_till"`
	ReadReplicaSource       string                 `json:"read_replica_source"` // "": not a replica
	EngineFamily            string                 `json:"engine_family"`       // mysql, postgres, oracle, sqlserver, db2 or ""
	IAMAuthSupported        bool                   `json:"iam_auth_supported"`
	// TLSForced: the parameters in effect refuse connections without TLS; absent for engines without such a parameter.
	TLSForced posture.Opt[bool] `json:"tls_forced"`

	Backup Backup `json:"backup" derived:"true"`
	// ClusterDeletionProtection is that of the instance's cluster; absent outside a cluster.
	ClusterDeletionProtection posture.Opt[bool] `json:"cluster_deletion_protection" derived:"true"`
	// SecurityGroupOpen: a security group lets any address reach the port.
	SecurityGroupOpen bool `json:"security_group_open" derived:"true"`
	// SubnetPublic: one of the subnets is routed to an internet gateway.
	SubnetPublic bool `json:"subnet_public" derived:"true"`
}

// DBCluster is one Aurora or multi-zone cluster.
// Source: DescribeDBClusters.
//
//posture:type aws.rds.cluster
type DBCluster struct {
	posture.Meta
	Engine                  string   `json:"engine"`
	EngineMode              string   `json:"engine_mode"`
	Status                  string   `json:"status"`
	StorageEncrypted        bool     `json:"storage_encrypted"`
	KMSKeyID                string   `json:"kms_key_id"`
	BackupRetentionDays     int64    `json:"backup_retention_days"`
	DeletionProtection      bool     `json:"deletion_protection"`
	MultiAZ                 bool     `json:"multi_az"` // members in more than one zone
	MemberCount             int64    `json:"member_count"`
	EnabledLogExports       []string `json:"enabled_log_exports"`
	CopyTagsToSnapshot      bool     `json:"copy_tags_to_snapshot"`
	IAMAuthEnabled          bool     `json:"iam_auth_enabled"`
	AutoMinorVersionUpgrade bool     `json:"auto_minor_version_upgrade"`
	PubliclyAccessible      bool     `json:"publicly_accessible"` // false for Aurora, whose instances decide

	Backup Backup `json:"backup" derived:"true"`
}

// DBSnapshot is one snapshot of a database instance, owned by this account.
// Source: DescribeDBSnapshots, DescribeDBSnapshotAttributes for manual ones: others cannot be shared.
//
//posture:type aws.rds.snapshot
type DBSnapshot struct {
	posture.Meta
	DBInstanceID     string   `json:"db_instance_id"`
	SnapshotType     string   `json:"snapshot_type"` // manual, automated or awsbackup
	Status           string   `json:"status"`
	Encrypted        bool     `json:"encrypted"`
	Public           bool     `json:"public"`
	SharedAccountIDs []string `json:"shared_account_ids"`
}

// DBClusterSnapshot is one snapshot of a database cluster, owned by this account.
// Source: DescribeDBClusterSnapshots, DescribeDBClusterSnapshotAttributes for manual ones: others cannot be shared.
//
//posture:type aws.rds.cluster_snapshot
type DBClusterSnapshot struct {
	posture.Meta
	ClusterID        string   `json:"cluster_id"`
	SnapshotType     string   `json:"snapshot_type"` // manual, automated or awsbackup
	Status           string   `json:"status"`
	Encrypted        bool     `json:"encrypted"`
	Public           bool     `json:"public"`
	SharedAccountIDs []string `json:"shared_account_ids"`
}
