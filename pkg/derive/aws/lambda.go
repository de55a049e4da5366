package aws

import (
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/derive/iampolicy"
)

// functions: who may call them, and how many zones they run in.
func functions(inv *derive.Inventory) {
	subnets := derive.ByID(derive.Of[schema.Subnet](inv, schema.SubnetType))
	zone := func(s derive.Item[schema.Subnet]) derive.Val[string] {
		return derive.Read(s, "availability_zone", s.V.AvailabilityZone)
	}
	for _, f := range derive.Of[schema.Function](inv, schema.FunctionType).Items {
		derive.Set(f, "policy_public", &f.V.PolicyPublic,
			public(derive.Read(f, "policy", f.V.Policy), "Lambda.GetPolicy", iampolicy.FunctionLimits()))
		derive.Set(f, "subnet_zone_count", &f.V.SubnetZoneCount,
			derive.Then(derive.Read(f, "subnet_ids", f.V.SubnetIDs), func(ids []string) derive.Val[int64] {
				zones := derive.Known(map[string]bool{})
				for _, id := range ids {
					zones = derive.Map2(zones, derive.Named(subnets.All(id).In(f.Region), "EC2.DescribeSubnets", zone), func(all map[string]bool, zone string) map[string]bool {
						all[zone] = true
						return all
					})
				}
				return derive.Map(zones, func(all map[string]bool) int64 { return int64(len(all)) })
			}))
	}
}
