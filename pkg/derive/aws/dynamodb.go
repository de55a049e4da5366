package aws

import (
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/derive/iampolicy"
)

// tables: who the policy of a table lets in.
func tables(inv *derive.Inventory) {
	for _, t := range derive.Of[schema.Table](inv, schema.TableType).Items {
		derive.Set(t, "policy_public", &t.V.PolicyPublic,
			public(derive.Read(t, "resource_policy", t.V.ResourcePolicy), "DynamoDB.GetResourcePolicy", iampolicy.ResourceLimits()))
	}
}
