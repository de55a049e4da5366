package gcp

import (
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
)

// clusterPolicies: what the project's own policy says of images, for the clusters that ask it.
func clusterPolicies(inv *derive.Inventory) {
	policy := orNone(derive.Of[schema.BinaryAuthorizationPolicy](inv, schema.BinaryAuthorizationPolicyType),
		func(p derive.Item[schema.BinaryAuthorizationPolicy]) derive.Val[string] {
			return derive.Read(p, "default_evaluation_mode", p.V.DefaultEvaluationMode)
		})
	for _, k := range derive.Of[schema.Cluster](inv, schema.ClusterType).Items {
		derive.Set(k, "binary_authorization_project_policy", &k.V.BinaryAuthorizationProjectPolicy, policy)
	}
}
