package gcp

import (
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
)

// projectPublicPrevention: an organization policy forbids public buckets in the whole project.
func projectPublicPrevention(inv *derive.Inventory) {
	enforced := derive.Map(constraint(inv, "storage.publicAccessPrevention"), func(c schema.OrgConstraint) bool { return c.Enforced })
	for _, b := range derive.Of[schema.Bucket](inv, schema.BucketType).Items {
		derive.Set(b, "project_public_access_prevention", &b.V.ProjectPublicAccessPrevention, enforced)
	}
}

// bucketSinks: a sink of this project, or of a folder or organization above, writes logs into the bucket, or did while it was on.
// Sinks of other projects may do so too and are not seen from here.
func bucketSinks(inv *derive.Inventory) {
	var indexes []derive.Index[schema.LogSink]
	for _, list := range sinkLists(inv) {
		indexes = append(indexes, derive.ByRead(list, "destination_bucket", func(s derive.Item[schema.LogSink]) string { return s.V.DestinationBucket }))
	}
	for _, b := range derive.Of[schema.Bucket](inv, schema.BucketType).Items {
		var leads []derive.Val[bool]
		for _, sinks := range indexes {
			leads = append(leads, derive.Exists(sinks.All(b.ID), func(derive.Item[schema.LogSink]) derive.Val[bool] { return derive.Known(true) }))
		}
		derive.Set(b, "is_log_sink_target", &b.V.IsLogSinkTarget, derive.Or(leads...))
	}
}
