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
