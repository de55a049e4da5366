package gcp

import (
	"context"
	"fmt"

	"google.golang.org/api/storage/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var buckets = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.BucketType},
	Operations: []collectors.Operation{
		{Name: "storage.buckets.list", Permission: "storage.buckets.list", Body: collectors.Store},
		{Name: "storage.buckets.getIamPolicy", Permission: "storage.buckets.getIamPolicy", Body: collectors.Store},
		searchResources,
		searchPolicies,
	},
	Collect: collectBuckets,
}

func collectBuckets(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := storage.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	err = api.Buckets.List(c.project).Projection("full").MaxResults(1000).Pages(ctx, func(page *storage.Buckets) error {
		for _, place := range page.Unreachable {
			return unreachable("storage.buckets.list", place)
		}
		for _, b := range page.Items {
			out, gaps := newBucket(b)
			ask := api.Buckets.GetIamPolicy(b.Name).OptionsRequestedPolicyVersion(policyVersion).Context(ctx)
			var err error
			if out.IAM, err = readGrants(ctx, c, ask.Do, bucketGrants, "//storage.googleapis.com/"+b.Name); err != nil {
				gaps = append(gaps, collectors.Unread(err, "iam"))
			}
			emit(b.Name, &out, gaps...)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list buckets: %w", err)
	}
	return nil
}

func newBucket(b *storage.Bucket) (schema.Bucket, []collectors.Gap) {
	out := schema.Bucket{
		Meta:     posture.Meta{Name: b.Name, Tags: b.Labels, CreatedAt: timestamp(b.TimeCreated)},
		Location: b.Location, LocationType: b.LocationType, PublicAccessPrevention: "inherited",
	}
	if iam := b.IamConfiguration; iam != nil {
		out.UniformBucketLevelAccess = iam.UniformBucketLevelAccess != nil && iam.UniformBucketLevelAccess.Enabled
		if iam.PublicAccessPrevention == "enforced" {
			out.PublicAccessPrevention = "enforced"
		}
	}
	if b.Versioning != nil {
		out.Versioning = b.Versioning.Enabled
	}
	if b.SoftDeletePolicy != nil {
		out.SoftDeleteSeconds = b.SoftDeletePolicy.RetentionDurationSeconds
	}
	if b.RetentionPolicy != nil {
		out.RetentionSeconds, out.RetentionLocked = b.RetentionPolicy.RetentionPeriod, b.RetentionPolicy.IsLocked
	}
	if b.ObjectRetention != nil {
		out.ObjectRetentionMode = b.ObjectRetention.Mode
	}
	if b.Encryption != nil {
		out.KMSKeyName = b.Encryption.DefaultKmsKeyName
	}
	if b.Lifecycle != nil {
		out.LifecycleRuleCount = len(b.Lifecycle.Rule)
	}
	if b.Logging != nil {
		out.LogBucket = b.Logging.LogBucket
	}
	var gaps []collectors.Gap
	switch {
	case out.UniformBucketLevelAccess: // ACLs do not count
	case len(b.Acl) == 0 && len(b.DefaultObjectAcl) == 0:
		// Every bucket without uniform access has an ACL: leaving it out is how the list says that the caller may not see it.
		gaps = append(gaps, collectors.Unread(leftOut("storage.buckets.list", "acl"), "acl_public"))
	default:
		for _, entry := range b.Acl {
			out.ACLPublic = out.ACLPublic || everybody(entry.Entity)
		}
		for _, entry := range b.DefaultObjectAcl {
			out.ACLPublic = out.ACLPublic || everybody(entry.Entity)
		}
	}
	return out, gaps
}

func everybody(member string) bool { return member == "allUsers" || member == "allAuthenticatedUsers" }

func bucketGrants(p *storage.Policy) schema.Grants {
	out := schema.Grants{Bindings: []schema.Binding{}}
	for _, b := range p.Bindings {
		condition := ""
		if b.Condition != nil {
			condition = b.Condition.Expression
		}
		out.Bindings = append(out.Bindings, binding(b.Role, b.Members, condition))
	}
	return out
}
