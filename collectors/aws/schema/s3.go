package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Bucket is one general-purpose S3 bucket. Directory buckets, which have few of these settings, are not read.
// Source: ListBuckets, GetPublicAccessBlock, GetBucketPolicy, GetBucketPolicyStatus, GetBucketAcl,
// GetBucketOwnershipControls, GetBucketEncryption, GetBucketVersioning, GetBucketLogging, GetBucketLifecycleConfiguration,
// GetBucketReplication, GetObjectLockConfiguration, GetBucketNotificationConfiguration, GetBucketTagging, HeadBucket.
//
//posture:type aws.s3.bucket
type Bucket struct {
	posture.Meta
	Location           string            `json:"location"` // the region that holds the objects
	PublicAccessBlock  PublicAccessBlock `json:"public_access_block"`
	Policy             string            `json:"policy"` // the document as S3 returns it; "": none
	PolicyStatusPublic bool              `json:"policy_status_public"`
	ACLGrants          []ACLGrant        `json:"acl_grants"`
	// ObjectOwnership is BucketOwnerEnforced (ACLs are off), BucketOwnerPreferred, ObjectWriter, or "" when never set, which
	// leaves ACLs on.
	ObjectOwnership     string            `json:"object_ownership"`
	Encryption          BucketEncryption  `json:"encryption"`
	Versioning          string            `json:"versioning"` // Enabled, Suspended, or "": never enabled
	MFADelete           bool              `json:"mfa_delete"`
	Logging             BucketLogging     `json:"logging"`
	LifecycleRules      []LifecycleRule   `json:"lifecycle_rules"`
	ReplicationRules    []ReplicationRule `json:"replication_rules"`
	ObjectLock          ObjectLock        `json:"object_lock"`
	NotificationTargets int64             `json:"notification_targets"` // topics, queues and functions that are told of events
	EventBridgeEnabled  bool              `json:"event_bridge_enabled"`

	// EffectiveBlock: each flag is set on the bucket or on the account.
	EffectiveBlock PublicAccessBlock `json:"effective_block" derived:"true"`
	// ACLPublicRead: ACLs are on and grant everyone, or every AWS user, READ, READ_ACP or FULL_CONTROL.
	ACLPublicRead bool `json:"acl_public_read" derived:"true"`
	// ACLPublicWrite: the same with WRITE, WRITE_ACP or FULL_CONTROL.
	ACLPublicWrite bool `json:"acl_public_write" derived:"true"`
	// PolicyPublicRead: S3 calls the policy public, and it lets strangers read or list.
	PolicyPublicRead bool `json:"policy_public_read" derived:"true"`
	// PolicyPublicWrite: S3 calls the policy public, and it lets strangers write, delete, replicate, restore or abort.
	PolicyPublicWrite bool `json:"policy_public_write" derived:"true"`
	// EffectivePublic: public by ACL or by policy after the blocks of bucket and account.
	EffectivePublic bool `json:"effective_public" derived:"true"`
	// TLSOnly: the policy refuses everyone who comes without TLS, to the bucket and to its objects.
	TLSOnly bool `json:"tls_only" derived:"true"`
	// PolicyExternalAccounts are accounts the policy allows that are neither this one nor trusted by the deployment.
	PolicyExternalAccounts []string `json:"policy_external_accounts" derived:"true"`
	// ReplicatesCrossRegion: an enabled replication rule copies to a bucket in another region.
	ReplicatesCrossRegion bool `json:"replicates_cross_region" derived:"true"`
	// IsLogBucket: CloudTrail, S3 access logs, load-balancer logs, flow logs or Config write here.
	IsLogBucket bool `json:"is_log_bucket" derived:"true"`
}

// PublicAccessBlock is the four switches of S3 Block Public Access.
type PublicAccessBlock struct {
	BlockPublicACLs       bool `json:"block_public_acls"`
	IgnorePublicACLs      bool `json:"ignore_public_acls"`
	BlockPublicPolicy     bool `json:"block_public_policy"`
	RestrictPublicBuckets bool `json:"restrict_public_buckets"`
}

// ACLGrant is one grant of a bucket's ACL.
type ACLGrant struct {
	Grantee    string `json:"grantee"` // URI of a group, or canonical id of an account
	Permission string `json:"permission"`
}

// BucketEncryption is how new objects are encrypted when a request does not say.
type BucketEncryption struct {
	Algorithm        string `json:"algorithm"`  // AES256, aws:kms, aws:kms:dsse; "": none
	KMSKeyID         string `json:"kms_key_id"` // "": the AWS managed key, or no KMS key at all
	BucketKeyEnabled bool   `json:"bucket_key_enabled"`
}

// BucketLogging is where a bucket's server access logs go; both are "" when they are off.
type BucketLogging struct {
	TargetBucket string `json:"target_bucket"`
	TargetPrefix string `json:"target_prefix"`
}

// LifecycleRule is one rule of a bucket's lifecycle.
type LifecycleRule struct {
	ID                string `json:"id" key:"true"`
	Enabled           bool   `json:"enabled"`
	ExpiresCurrent    bool   `json:"expires_current"`
	ExpiresNoncurrent bool   `json:"expires_noncurrent"`
}

// ReplicationRule is one rule of a bucket's replication.
type ReplicationRule struct {
	ID                   string `json:"id" key:"true"`
	Enabled              bool   `json:"enabled"`
	DestinationBucketARN string `json:"destination_bucket_arn"`
	DestinationRegion    string `json:"destination_region"`
}

// ObjectLock says whether object versions can be kept from deletion, and for how long they are when a request does not say.
type ObjectLock struct {
	Enabled              bool               `json:"enabled"`
	DefaultMode          string             `json:"default_mode"` // GOVERNANCE, COMPLIANCE; "": no default
	DefaultRetentionDays posture.Opt[int64] `json:"default_retention_days"`
}

// AccountPublicAccessBlock is S3 Block Public Access of the whole account.
// Source: S3 Control GetPublicAccessBlock. One per account.
//
//posture:type aws.s3control.account_public_access_block
type AccountPublicAccessBlock struct {
	posture.Meta
	PublicAccessBlock
}

// AccessPoint is one S3 access point.
// Source: ListAccessPoints, GetAccessPoint.
//
//posture:type aws.s3control.access_point
type AccessPoint struct {
	posture.Meta
	PublicAccessBlock
	Bucket        string `json:"bucket"`
	NetworkOrigin string `json:"network_origin"` // Internet or VPC
}
