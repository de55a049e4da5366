package aws

import (
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// trailBuckets says of each trail's bucket what the scan knows; a bucket of another account lies outside it.
func trailBuckets(inv *derive.Inventory) {
	buckets := derive.By(derive.Of[schema.Bucket](inv, schema.BucketType), func(b derive.Item[schema.Bucket]) string { return b.V.Name })
	for _, t := range derive.Of[schema.Trail](inv, schema.TrailType).Items {
		bucket, found, missing := buckets.Get(t.V.S3BucketName)
		inScope := derive.Then(derive.Read(t, "s3_bucket_name", found), func(found bool) derive.Val[bool] {
			if !found && len(missing) > 0 {
				return derive.UnreadFor[bool](missing...)
			}
			return derive.Known(found)
		})
		derive.Set(t, "bucket.in_scan_scope", &t.V.Bucket.InScanScope, inScope)
		for _, about := range []struct {
			path  string
			field *posture.Opt[bool]
			value func() derive.Val[bool]
		}{
			{"bucket.public", &t.V.Bucket.Public, func() derive.Val[bool] {
				return derive.Read(bucket, "effective_public", bucket.V.EffectivePublic)
			}},
			{"bucket.access_logging_enabled", &t.V.Bucket.AccessLoggingEnabled, func() derive.Val[bool] {
				return derive.Map(derive.Read(bucket, "logging.target_bucket", bucket.V.Logging.TargetBucket), func(to string) bool { return to != "" })
			}},
			{"bucket.deletion_protected", &t.V.Bucket.DeletionProtected, func() derive.Val[bool] {
				return derive.Or(
					derive.Read(bucket, "object_lock.enabled", bucket.V.ObjectLock.Enabled),
					derive.And(
						derive.Map(derive.Read(bucket, "versioning", bucket.V.Versioning), func(v string) bool { return v == "Enabled" }),
						derive.Read(bucket, "mfa_delete", bucket.V.MFADelete),
					))
			}},
		} {
			derive.Set(t, about.path, about.field, derive.Then(inScope, func(in bool) derive.Val[posture.Opt[bool]] {
				if !in {
					return derive.Known(posture.Opt[bool]{})
				}
				return derive.Map(about.value(), posture.Some)
			}))
		}
	}
}
