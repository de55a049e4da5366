package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// ReplicationInstance is one replication instance of the Database Migration Service.
// Source: DescribeReplicationInstances.
//
//posture:type aws.dms.replication_instance
type ReplicationInstance struct {
	posture.Meta
	PubliclyAccessible      bool   `json:"publicly_accessible"`
	AutoMinorVersionUpgrade bool   `json:"auto_minor_version_upgrade"`
	MultiAZ                 bool   `json:"multi_az"`
	KMSKeyID                string `json:"kms_key_id"`
}

// ReplicationEndpoint is one database that the Database Migration Service reads or writes.
// Source: DescribeEndpoints.
//
//posture:type aws.dms.endpoint
type ReplicationEndpoint struct {
	posture.Meta
	EndpointType     string `json:"endpoint_type"` // source or target
	EngineName       string `json:"engine_name"`
	SSLMode          string `json:"ssl_mode"`           // none, require, verify-ca or verify-full
	RedisSSLProtocol string `json:"redis_ssl_protocol"` // plaintext or ssl-encryption; "" for other engines
}

// ReplicationTask is one task of the Database Migration Service.
// Source: DescribeReplicationTasks.
//
//posture:type aws.dms.replication_task
type ReplicationTask struct {
	posture.Meta
	Status         string              `json:"status" volatile:"true"`
	MigrationType  string              `json:"migration_type"`
	LoggingEnabled bool                `json:"logging_enabled"`
	LogComponents  []ReplicationLogger `json:"log_components"`

	// SourceLoggingOK: capture and unload of the source are logged in the default severity or a finer one.
	SourceLoggingOK bool `json:"source_logging_ok" derived:"true"`
	// TargetLoggingOK says so of load and apply at the target.
	TargetLoggingOK bool `json:"target_logging_ok" derived:"true"`
}

// ReplicationLogger is one part of a task and what it logs.
type ReplicationLogger struct {
	ID       string `json:"id" key:"true"`
	Severity string `json:"severity"`
}
