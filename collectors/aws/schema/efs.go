package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// FileSystem is one EFS file system.
// Source: DescribeFileSystems, DescribeBackupPolicy, DescribeFileSystemPolicy.
//
//posture:type aws.efs.file_system
type FileSystem struct {
	posture.Meta
	State                string `json:"state"`
	Encrypted            bool   `json:"encrypted"`
	KMSKeyID             string `json:"kms_key_id"`
	AvailabilityZoneName string `json:"availability_zone_name"` // "": in all zones of the region
	BackupPolicyStatus   string `json:"backup_policy_status"`   // of automatic backups; DISABLED where there is none
	Policy               string `json:"policy"`                 // "": none, and the VPC alone decides

	Backup Backup `json:"backup" derived:"true"`
	// PolicyPublic: an Allow for everyone is limited neither to mount targets nor by account, organization or VPC.
	PolicyPublic bool `json:"policy_public" derived:"true"`
	// PolicyRequiresTLS: a Deny holds for everyone who mounts without TLS.
	PolicyRequiresTLS bool `json:"policy_requires_tls" derived:"true"`
}
