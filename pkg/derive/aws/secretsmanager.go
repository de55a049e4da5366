package aws

import (
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/derive/iampolicy"
)

// secrets: which follow another region's, and who their policies let in.
func secrets(inv *derive.Inventory) {
	for _, s := range derive.Of[schema.Secret](inv, schema.SecretType).Items {
		derive.Set(s, "is_replica", &s.V.IsReplica, derive.Map(derive.Read(s, "primary_region", s.V.PrimaryRegion), func(primary string) bool {
			return primary != "" && primary != s.Region
		}))
		derive.Set(s, "policy_public", &s.V.PolicyPublic,
			public(derive.Read(s, "resource_policy", s.V.ResourcePolicy), "SecretsManager.GetResourcePolicy", iampolicy.ResourceLimits()))
	}
}
