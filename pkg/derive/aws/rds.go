package aws

import (
	"slices"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// databases: what their clusters, security groups and subnets say of them.
func databases(inv *derive.Inventory) {
	groups := derive.ByID(derive.Of[schema.SecurityGroup](inv, schema.SecurityGroupType))
	subnets := derive.ByID(derive.Of[schema.Subnet](inv, schema.SubnetType))
	clusters := derive.By(derive.Of[schema.DBCluster](inv, schema.DBClusterType), func(c derive.Item[schema.DBCluster]) string { return c.Region + "/" + c.V.Name })
	for _, d := range derive.Of[schema.DBInstance](inv, schema.DBInstanceType).Items {
		derive.Set(d, "cluster_deletion_protection", &d.V.ClusterDeletionProtection,
			derive.Then(derive.Read(d, "cluster_id", d.V.ClusterID), func(id string) derive.Val[posture.Opt[bool]] {
				if id == "" {
					return derive.Known(posture.Opt[bool]{})
				}
				cluster, found, missing := clusters.Get(d.Region + "/" + id)
				if !found {
					return derive.UnreadFor[posture.Opt[bool]](missing...) // a member whose cluster was not listed
				}
				return derive.Map(derive.Read(cluster, "deletion_protection", cluster.V.DeletionProtection), posture.Some[bool])
			}))
		open := derive.Then(derive.Read(d, "security_group_ids", d.V.SecurityGroupIDs), func(ids []string) derive.Val[[]schema.OpenPorts] { return openPorts(groups, ids) })
		derive.Set(d, "security_group_open", &d.V.SecurityGroupOpen, derive.Map2(open, derive.Read(d, "port", d.V.Port), func(open []schema.OpenPorts, port int64) bool {
			return slices.ContainsFunc(open, func(p schema.OpenPorts) bool {
				return (p.Protocol == "tcp" || p.Protocol == "all") && p.FromPort <= port && port <= p.ToPort
			})
		}))
		derive.Set(d, "subnet_public", &d.V.SubnetPublic, derive.Then(derive.Read(d, "subnet_ids", d.V.SubnetIDs), func(ids []string) derive.Val[bool] {
			var any []derive.Val[bool]
			for _, id := range ids {
				any = append(any, derive.Exists(subnets.All(id), func(s derive.Item[schema.Subnet]) derive.Val[bool] { return derive.Read(s, "public", s.V.Public) }))
			}
			return derive.Or(any...)
		}))
	}
}
