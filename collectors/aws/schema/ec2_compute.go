package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// EC2Settings are the defaults of EC2 in one region of the account.
// Source: GetEbsEncryptionByDefault, GetEbsDefaultKmsKeyId, GetSnapshotBlockPublicAccessState,
// GetImageBlockPublicAccessState, GetInstanceMetadataDefaults, DescribeVpcBlockPublicAccessOptions. One per enabled region.
//
//posture:type aws.ec2.region_settings
type EC2Settings struct {
	posture.Meta
	EBSEncryptionByDefault    bool   `json:"ebs_encryption_by_default"`
	EBSDefaultKMSKeyID        string `json:"ebs_default_kms_key_id"`
	SnapshotBlockPublicAccess string `json:"snapshot_block_public_access"` // unblocked, block-new-sharing or block-all-sharing
	ImageBlockPublicAccess    string `json:"image_block_public_access"`    // unblocked or block-new-sharing
	IMDSDefaultHTTPTokens     string `json:"imds_default_http_tokens"`     // "": no preference; optional or required
	IMDSHTTPTokensEnforced    string `json:"imds_http_tokens_enforced"`    // "": never set; enabled, disabled or no-preference
	VPCBlockPublicAccessMode  string `json:"vpc_block_public_access_mode"` // off, block-bidirectional or block-ingress

	// HasInstances: the region has an instance that is not terminated.
	HasInstances bool `json:"has_instances" derived:"true"`
}

// EC2Instance is one instance; terminated ones, which EC2 still lists for an hour, are left out.
// Source: DescribeInstances.
//
//posture:type aws.ec2.instance
type EC2Instance struct {
	posture.Meta
	State                 string           `json:"state"` // pending, running, shutting-down, stopping or stopped
	InstanceType          string           `json:"instance_type"`
	LaunchedAt            time.Time        `json:"launched_at"` // of the last start
	VPCID                 string           `json:"vpc_id"`
	SubnetID              string           `json:"subnet_id"`
	PublicIP              string           `json:"public_ip"` // public IPv4 address, of whichever interface has one
	IPv6Addresses         []string         `json:"ipv6_addresses"`
	SecurityGroupIDs      []string         `json:"security_group_ids"` // of all its interfaces
	IAMInstanceProfileARN string           `json:"iam_instance_profile_arn"`
	Metadata              InstanceMetadata `json:"metadata"`
	MonitoringState       string           `json:"monitoring_state"` // disabled, disabling, enabled or pending
	EBSOptimized          bool             `json:"ebs_optimized"`
	EnclavesEnabled       bool             `json:"enclaves_enabled"`
	Platform              string           `json:"platform"` // windows; "" for everything else

	Backup Backup `json:"backup" derived:"true"`
	// Live: neither shutting down nor terminated.
	Live bool `json:"live" derived:"true"`
	// SSMManaged: Systems Manager reaches an agent on it.
	SSMManaged bool `json:"ssm_managed" derived:"true"`
	// EBSOptimizedEffective: EBS-optimized by its setting or always, by its family.
	EBSOptimizedEffective bool `json:"ebs_optimized_effective" derived:"true"`
	// SubnetPublic: its subnet has a route to an internet gateway.
	SubnetPublic bool `json:"subnet_public" derived:"true"`
	// PublicAddress: it has a public IPv4 address, or an IPv6 address in a public subnet.
	PublicAddress bool `json:"public_address" derived:"true"`
	// PublicIngress is what its security groups let in from any source.
	PublicIngress []OpenPorts `json:"public_ingress" derived:"true"`
	// SecurityGroupsComplete: every security group it has was read.
	SecurityGroupsComplete bool `json:"security_groups_complete" derived:"true"`
}

// InstanceMetadata says how processes on an instance may ask for its credentials.
type InstanceMetadata struct {
	HTTPEndpoint string `json:"http_endpoint"` // enabled or disabled
	HTTPTokens   string `json:"http_tokens"`   // required (IMDSv2 only) or optional
	HopLimit     int64  `json:"hop_limit"`
}

// OpenPorts is a range of ports, both ends included, that is open to any source. Protocols without ports have -1 and -1.
type OpenPorts struct {
	Protocol string `json:"protocol"` // tcp, udp, icmp, icmpv6, a number, all, or other: all that are not named beside it
	FromPort int64  `json:"from_port"`
	ToPort   int64  `json:"to_port"`
}

// EBSVolume is one EBS volume, attached or not.
// Source: DescribeVolumes.
//
//posture:type aws.ec2.volume
type EBSVolume struct {
	posture.Meta
	State               string   `json:"state"` // creating, available, in-use, deleting, deleted or error
	Encrypted           bool     `json:"encrypted"`
	KMSKeyID            string   `json:"kms_key_id"` // "": not encrypted
	SizeGiB             int64    `json:"size_gib"`
	AttachedInstanceIDs []string `json:"attached_instance_ids"`

	Backup Backup `json:"backup" derived:"true"`
	// LastSnapshotAt is the start of the account's newest completed snapshot of the volume; absent when there is none.
	LastSnapshotAt posture.Opt[time.Time] `json:"last_snapshot_at" derived:"true" volatile:"true"`
}

// EBSSnapshot is one EBS snapshot that the account owns.
// Source: DescribeSnapshots, twice: of all, and of those that everybody may restore.
//
//posture:type aws.ec2.snapshot
type EBSSnapshot struct {
	posture.Meta
	State       string    `json:"state"` // pending, completed, error, recoverable or recovering
	VolumeID    string    `json:"volume_id"`
	Encrypted   bool      `json:"encrypted"`
	KMSKeyID    string    `json:"kms_key_id"` // "": not encrypted
	StartedAt   time.Time `json:"started_at"`
	StorageTier string    `json:"storage_tier"` // standard or archive
	Public      bool      `json:"public"`       // everybody may restore it; shares with named accounts do not show
}

// Image is one machine image that the account owns.
// Source: DescribeImages.
//
//posture:type aws.ec2.image
type Image struct {
	posture.Meta
	State        string                 `json:"state"`
	Public       bool                   `json:"public"`
	DeprecatedAt posture.Opt[time.Time] `json:"deprecated_at"`
	EncryptedAll bool                   `json:"encrypted_all"` // every EBS volume it makes is encrypted
}

// LaunchTemplate is one launch template.
// Source: DescribeLaunchTemplates, DescribeLaunchTemplateVersions.
//
//posture:type aws.ec2.launch_template
type LaunchTemplate struct {
	posture.Meta
	DefaultVersion int64 `json:"default_version"`
	// Versions are the default and the latest version only.
	Versions []LaunchTemplateVersion `json:"versions"`

	// ReferencesPublicInterface: the default or latest version attaches an interface that has a public address.
	ReferencesPublicInterface bool `json:"references_public_interface" derived:"true"`
}

// LaunchTemplateVersion is one version of a launch template. User data is never stored.
type LaunchTemplateVersion struct {
	Version             int64    `json:"version" key:"true"`
	IsDefault           bool     `json:"is_default"`
	IsLatest            bool     `json:"is_latest"`
	AssociatePublicIP   bool     `json:"associate_public_ip"` // false also when left to the subnet
	NetworkInterfaceIDs []string `json:"network_interface_ids"`
	HTTPTokens          string   `json:"http_tokens"`   // "": left to the account's default
	HTTPEndpoint        string   `json:"http_endpoint"` // "": left to the account's default
	// EBSUnencrypted: some volume is asked for without encryption; what the account encrypts by default does not count here.
	EBSUnencrypted bool `json:"ebs_unencrypted"`
}
