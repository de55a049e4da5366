package aws

import (
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// databases: what their clusters, security groups and subnets say of them.
func databases(inv *derive.Inventory) {
	groups := derive.ByID(derive.Of[schema.SecurityGroup](inv, schema.SecurityGroupType))
	subnets := derive.ByID(derive.Of[schema.Subnet](inv, schema.SubnetType))
	clusters := derive.By(derive.Of[schema.DBCluster](inv, schema.DBClusterType), func(c derive.Item[schema.DBCluster]) string { return c.V.Name })
	protected := func(c derive.Item[schema.DBCluster]) derive.Val[posture.Opt[bool]] {
		return derive.Map(derive.Read(c, "deletion_protection", c.V.DeletionProtection), posture.Some)
	}
	for _, d := range derive.Of[schema.DBInstance](inv, schema.DBInstanceType).Items {
		derive.Set(d, "cluster_deletion_protection", &d.V.ClusterDeletionProtection,
			derive.Then(derive.Read(d, "cluster_id", d.V.ClusterID), func(id string) derive.Val[posture.Opt[bool]] {
				if id == "" {
					return derive.Known(posture.Opt[bool]{})
				}
				return derive.Named(clusters.All(id).In(d.Region), "RDS.DescribeDBClusters", protected)
			}))
		open := openPorts(groups, d.Region, derive.Read(d, "security_group_ids", d.V.SecurityGroupIDs))
		derive.Set(d, "security_group_open", &d.V.SecurityGroupOpen, derive.Then(derive.Read(d, "port", d.V.Port), func(port int64) derive.Val[bool] {
			return open.Any(func(p schema.OpenPorts) bool {
				return (p.Protocol == "tcp" || p.Protocol == "all") && p.FromPort <= port && port <= p.ToPort
			})
		}))
		derive.Set(d, "subnet_public", &d.V.SubnetPublic, derive.Then(derive.Read(d, "subnet_ids", d.V.SubnetIDs), func(ids []string) derive.Val[bool] {
			var any []derive.Val[bool]
			for _, id := range ids {
				any = append(any, subnetPublic(subnets.All(id).In(d.Region)))
			}
			return derive.Or(any...)
		}))
	}
}
