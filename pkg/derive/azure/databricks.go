package azure

import (
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
)

// databricksSubnets: whether a security group stands before both subnets that a workspace's clusters run in.
func databricksSubnets(inv *derive.Inventory) {
	subnets := derive.ByID(derive.Of[schema.Subnet](inv, schema.SubnetType))
	for _, w := range derive.Of[schema.DatabricksWorkspace](inv, schema.DatabricksWorkspaceType).Items {
		guarded := derive.Then(derive.Read(w, "subnet_ids", w.V.SubnetIDs), func(ids []string) derive.Val[bool] {
			if len(ids) == 0 {
				return derive.Known(false)
			}
			return derive.Not(anyOf(ids, func(id string) derive.Val[bool] {
				return derive.Named(subnets.All(id), listNetworks, func(s derive.Item[schema.Subnet]) derive.Val[bool] {
					return is(derive.Read(s, "nsg_id", s.V.NSGID), "")
				})
			}))
		})
		derive.Set(w, "subnets_have_nsg", &w.V.SubnetsHaveNSG, guarded)
	}
}
