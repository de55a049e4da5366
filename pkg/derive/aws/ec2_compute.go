package aws

import (
	"slices"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// regionSettings: whether the defaults of a region concern anything there.
func regionSettings(inv *derive.Inventory) {
	instances := derive.Of[schema.EC2Instance](inv, schema.EC2InstanceType)
	for _, s := range derive.Of[schema.EC2Settings](inv, schema.EC2SettingsType).Items {
		derive.Set(s, "has_instances", &s.V.HasInstances, derive.Exists(instances.In(s.Region), func(i derive.Item[schema.EC2Instance]) derive.Val[bool] {
			return derive.Not(is(derive.Read(i, "state", i.V.State), "terminated"))
		}))
	}
}

// unoptimized are the previous-generation families for which EBS optimization is a setting or does not exist. All others
// are always optimized. Source: EC2 user guide, "EBS optimization by default", as of November 2026.
var unoptimized = []string{"c1", "c3", "cc2", "cr1", "g2", "hs1", "i2", "m1", "m2", "m3", "r3", "t1", "t2"}

// instances: what reaches them.
func instances(inv *derive.Inventory) {
	groups := derive.ByID(derive.Of[schema.SecurityGroup](inv, schema.SecurityGroupType))
	subnets := derive.ByID(derive.Of[schema.Subnet](inv, schema.SubnetType))
	interfaces := derive.ByRead(derive.Of[schema.NetworkInterface](inv, schema.NetworkInterfaceType), "instance_id",
		func(i derive.Item[schema.NetworkInterface]) string { return i.V.InstanceID })
	for _, i := range derive.Of[schema.EC2Instance](inv, schema.EC2InstanceType).Items {
		derive.Set(i, "live", &i.V.Live, derive.Map(derive.Read(i, "state", i.V.State), func(s string) bool {
			return s != "shutting-down" && s != "terminated"
		}))
		derive.Set(i, "ebs_optimized_effective", &i.V.EBSOptimizedEffective, derive.Or(
			derive.Read(i, "ebs_optimized", i.V.EBSOptimized),
			derive.Map(derive.Read(i, "instance_type", i.V.InstanceType), func(kind string) bool {
				family, _, _ := strings.Cut(kind, ".")
				return !slices.Contains(unoptimized, family)
			})))
		inPublicSubnet := derive.Then(derive.Read(i, "subnet_id", i.V.SubnetID), func(id string) derive.Val[bool] {
			if id == "" {
				return derive.Known(false)
			}
			return subnetPublic(subnets.All(id).In(i.Region))
		})
		derive.Set(i, "subnet_public", &i.V.SubnetPublic, inPublicSubnet)
		derive.Set(i, "public_address", &i.V.PublicAddress, derive.Or(
			derive.Map(derive.Read(i, "public_ip", i.V.PublicIP), func(ip string) bool { return ip != "" }),
			derive.Exists(interfaces.All(i.ID).In(i.Region), func(n derive.Item[schema.NetworkInterface]) derive.Val[bool] {
				return derive.Map(derive.Read(n, "public_ip", n.V.PublicIP), func(ip string) bool { return ip != "" })
			}),
			derive.And(inPublicSubnet, derive.Map(derive.Read(i, "ipv6_addresses", i.V.IPv6Addresses), func(l []string) bool { return len(l) > 0 }))))

		ids := derive.Read(i, "security_group_ids", i.V.SecurityGroupIDs)
		derive.SetList(i, "public_ingress", &i.V.PublicIngress, openPorts(groups, i.Region, ids))
		derive.Set(i, "security_groups_complete", &i.V.SecurityGroupsComplete, derive.Then(ids, func(ids []string) derive.Val[bool] {
			var all []derive.Val[bool]
			for _, id := range ids {
				all = append(all, derive.Exists(groups.All(id).In(i.Region), whichever))
			}
			return derive.And(all...)
		}))
	}
}

// openPorts is what the security groups with those ids let in from any source. Of a group that was not listed, as one of a
// shared VPC or one made during the scan, nobody knows.
func openPorts(groups derive.Index[schema.SecurityGroup], region string, ids derive.Val[[]string]) derive.Elements[schema.OpenPorts] {
	public := func(g derive.Item[schema.SecurityGroup]) derive.Val[[]schema.PublicRule] {
		return derive.Read(g, "public_ingress", g.V.PublicIngress)
	}
	list, _ := ids.Get()
	out := derive.Elements[schema.OpenPorts]{Missing: ids.Causes()}
	for _, id := range list {
		rules := derive.Named(groups.All(id).In(region), "EC2.DescribeSecurityGroups", public)
		out.Missing = slices.Concat(out.Missing, rules.Causes())
		known, _ := rules.Get()
		for _, r := range known {
			if p := (schema.OpenPorts{Protocol: r.Protocol, FromPort: r.FromPort, ToPort: r.ToPort}); !slices.Contains(out.Known, p) {
				out.Known = append(out.Known, p)
			}
		}
	}
	return out
}

// volumes: the newest snapshot of each.
func volumes(inv *derive.Inventory) {
	snapshots := derive.ByRead(derive.Of[schema.EBSSnapshot](inv, schema.EBSSnapshotType), "volume_id", func(s derive.Item[schema.EBSSnapshot]) string { return s.V.VolumeID })
	for _, v := range derive.Of[schema.EBSVolume](inv, schema.EBSVolumeType).Items {
		starts := derive.Collect(snapshots.All(v.ID).In(v.Region), func(s derive.Item[schema.EBSSnapshot]) (derive.Val[time.Time], derive.Val[bool]) {
			return derive.Read(s, "started_at", s.V.StartedAt), is(derive.Read(s, "state", s.V.State), "completed")
		})
		derive.Set(v, "last_snapshot_at", &v.V.LastSnapshotAt, derive.Map(starts, func(list []time.Time) posture.Opt[time.Time] {
			if len(list) == 0 {
				return posture.Opt[time.Time]{}
			}
			return posture.Some(slices.MaxFunc(list, time.Time.Compare))
		}))
	}
}
