package aws

import (
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/derive/iampolicy"
)

// repositories: who their policies let pull and push.
func repositories(inv *derive.Inventory) {
	for _, r := range derive.Of[schema.Repository](inv, schema.RepositoryType).Items {
		derive.Set(r, "policy_public", &r.V.PolicyPublic,
			public(derive.Read(r, "policy", r.V.Policy), "ECR.GetRepositoryPolicy", iampolicy.ResourceLimits()))
	}
}
