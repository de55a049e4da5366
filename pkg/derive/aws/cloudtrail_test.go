package aws

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestTrailBuckets(t *testing.T) {
	// into is a trail that writes to the bucket "data", followed by the other resources of the scan.
	into := func(others ...*posture.Resource) []*posture.Resource {
		trail := resource(schema.TrailType, "trail", &schema.Trail{S3BucketName: "data"})
		return append([]*posture.Resource{trail, accountBlock(schema.PublicAccessBlock{})}, others...)
	}
	check(t, map[string]derivation{
		"a bucket of another account is outside the scan": {
			resources: into(),
			want: map[string]any{
				"bucket.in_scan_scope": false, "bucket.public": nil, "bucket.access_logging_enabled": nil, "bucket.deletion_protected": nil,
			},
		},
		"a refused list of buckets may hold the bucket": {
			refused:   []*posture.Type{schema.BucketType},
			resources: into(),
			want: map[string]any{
				"bucket.in_scan_scope":      "unread: list aws.s3.bucket",
				"bucket.public":             "unread: list aws.s3.bucket",
				"bucket.deletion_protected": "unread: list aws.s3.bucket",
			},
		},
		"a bucket seen before the list broke off is in scope": {
			refused:   []*posture.Type{schema.BucketType},
			resources: into(bucket(nil)),
			want:      map[string]any{"bucket.in_scan_scope": true, "bucket.public": false},
		},
		"a public bucket without logs or locks": {
			resources: into(bucket(func(b *schema.Bucket) {
				b.ObjectOwnership = ""
				b.ACLGrants = []schema.ACLGrant{{Grantee: everyone, Permission: "READ"}}
			})),
			want: map[string]any{
				"bucket.in_scan_scope": true, "bucket.public": true, "bucket.access_logging_enabled": false, "bucket.deletion_protected": false,
			},
		},
		"access logs, and versions that take a second factor to delete": {
			resources: into(bucket(func(b *schema.Bucket) {
				b.Logging.TargetBucket, b.Versioning, b.MFADelete = "access", "Enabled", true
			})),
			want: map[string]any{"bucket.access_logging_enabled": true, "bucket.deletion_protected": true},
		},
		"a second factor protects nothing once versioning is suspended": {
			resources: into(bucket(func(b *schema.Bucket) { b.Versioning, b.MFADelete = "Suspended", true })),
			want:      map[string]any{"bucket.deletion_protected": false},
		},
		"versioning does not matter under object lock": {
			resources: into(bucket(func(b *schema.Bucket) { b.ObjectLock.Enabled = true }, "versioning", "mfa_delete")),
			want:      map[string]any{"bucket.deletion_protected": true},
		},
		"a refused object lock matters without versioning": {
			resources: into(bucket(nil, "object_lock", "logging")),
			want: map[string]any{
				"bucket.deletion_protected": "unread: read object_lock", "bucket.access_logging_enabled": "unread: read logging",
			},
		},
		"what leaves it open whether the bucket is public does so here": {
			resources: into(bucket(nil, "policy_status_public")),
			want:      map[string]any{"bucket.public": "unread: read policy_status_public"},
		},
	})
}
