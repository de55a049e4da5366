package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Bucket is one Cloud Storage bucket. Its tags are the labels.
// Source: storage buckets.list with full projection, buckets.getIamPolicy.
//
//posture:type gcp.storage.bucket
type Bucket struct {
	posture.Meta
	Location                 string `json:"location"`      // "EU", "EUROPE-WEST1"
	LocationType             string `json:"location_type"` // region, dual-region, multi-region
	UniformBucketLevelAccess bool   `json:"uniform_bucket_level_access"`
	PublicAccessPrevention   string `json:"public_access_prevention"` // enforced or inherited
	IAM                      Grants `json:"iam"`
	ACLPublic                bool   `json:"acl_public"` // the ACL, or the default one of objects, names everybody; false under uniform access
	Versioning               bool   `json:"versioning"`
	SoftDeleteSeconds        int64  `json:"soft_delete_seconds"` // 0: off
	RetentionSeconds         int64  `json:"retention_seconds"`   // 0: no retention policy
	RetentionLocked          bool   `json:"retention_locked"`
	ObjectRetentionMode      string `json:"object_retention_mode"` // Enabled or ""
	KMSKeyName               string `json:"kms_key_name"`          // "": a key of Google's
	LifecycleRuleCount       int    `json:"lifecycle_rule_count"`
	LogBucket                string `json:"log_bucket"` // where usage logs go, or ""

	ProjectPublicAccessPrevention bool `json:"project_public_access_prevention" derived:"true"` // by organization policy
	IsLogSinkTarget               bool `json:"is_log_sink_target" derived:"true"`
}
