package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// GlueJob is one Glue job, without its script and most of its arguments.
// Source: GetJobs, GetSecurityConfigurations.
//
//posture:type aws.glue.job
type GlueJob struct {
	posture.Meta
	GlueVersion           string `json:"glue_version"` // "5.0"
	SecurityConfiguration string `json:"security_configuration"`
	ContinuousLoggingArg  string `json:"continuous_logging_arg"` // of --enable-continuous-cloudwatch-log; "": not given
	S3EncryptionArg       string `json:"s3_encryption_arg"`      // of --encryption-type
	// The modes are those of the named security configuration; DISABLED where none is named, or it is gone.
	S3EncryptionMode       string `json:"s3_encryption_mode"`
	LogsEncryptionMode     string `json:"logs_encryption_mode"`
	BookmarkEncryptionMode string `json:"bookmark_encryption_mode"`
}

// GlueStatus is the Glue data catalog of one region.
// Source: GetDataCatalogEncryptionSettings, GetConnections.
//
//posture:type aws.glue.region_status
type GlueStatus struct {
	posture.Meta
	MetadataEncryptionMode      string `json:"metadata_encryption_mode"` // DISABLED, SSE-KMS, …
	ConnectionPasswordEncrypted bool   `json:"connection_password_encrypted"`
	ConnectionCount             int64  `json:"connection_count"`

	JobCount int64 `json:"job_count" derived:"true"`
}
