package aws

import (
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/derive/reachability"
)

// securityGroups: what they let in, and what they hang on.
func securityGroups(inv *derive.Inventory) {
	groups := derive.Of[schema.SecurityGroup](inv, schema.SecurityGroupType)
	interfaces := derive.ByEach(derive.Of[schema.NetworkInterface](inv, schema.NetworkInterfaceType), "security_group_ids",
		func(i derive.Item[schema.NetworkInterface]) []string { return i.V.SecurityGroupIDs })
	sources := derive.ByEach(groups, "ingress", func(g derive.Item[schema.SecurityGroup]) (others []string) {
		for _, r := range g.V.Ingress {
			if r.SourceGroupID != g.ID {
				others = append(others, r.SourceGroupID)
			}
		}
		return others
	})
	destinations := derive.ByEach(groups, "egress", func(g derive.Item[schema.SecurityGroup]) (others []string) {
		for _, r := range g.V.Egress {
			if r.DestinationGroupID != g.ID {
				others = append(others, r.DestinationGroupID)
			}
		}
		return others
	})
	for _, g := range groups.Items {
		ingress := derive.Read(g, "ingress", g.V.Ingress)
		public := derive.Map(ingress, publicRules)
		derive.Set(g, "public_ingress", &g.V.PublicIngress, public)
		derive.Set(g, "wide_public_cidrs", &g.V.WidePublicCIDRs, derive.Map2(ingress, derive.Read(g, "egress", g.V.Egress), wideCIDRs))

		attached := interfaces.All(g.ID).In(g.Region)
		attachment := func(i derive.Item[schema.NetworkInterface]) (derive.Val[schema.GroupAttachment], derive.Val[bool]) {
			return derive.Map2(derive.Read(i, "interface_type", i.V.InterfaceType), derive.Read(i, "instance_owner_id", i.V.InstanceOwnerID),
				func(kind, owner string) schema.GroupAttachment {
					return schema.GroupAttachment{InterfaceID: i.ID, InterfaceType: kind, InstanceOwnerID: owner}
				}), whichever(i)
		}
		derive.SetList(g, "attachments", &g.V.Attachments, derive.Gather(attached, attachment))
		onInterface := derive.Exists(attached, whichever)
		derive.Set(g, "in_use", &g.V.InUse, derive.Or(onInterface,
			derive.Exists(sources.All(g.ID).In(g.Region), whichever), derive.Exists(destinations.All(g.ID).In(g.Region), whichever)))
		derive.Set(g, "exposed", &g.V.Exposed, derive.And(onInterface, derive.Map(public, func(p []schema.PublicRule) bool { return len(p) > 0 })))
	}
}

// whichever fits every resource: for lists that hold nothing else.
func whichever[T any](derive.Item[T]) derive.Val[bool] { return derive.Known(true) }

func publicRules(rules []schema.IngressRule) []schema.PublicRule {
	out := []schema.PublicRule{}
	for _, r := range rules {
		if reachability.AnySource(r.CIDR) {
			out = append(out, schema.PublicRule{Protocol: r.Protocol, FromPort: r.FromPort, ToPort: r.ToPort, CIDR: r.CIDR})
		}
	}
	return out
}

func wideCIDRs(in []schema.IngressRule, out []schema.EgressRule) []string {
	seen := map[string]bool{}
	for _, r := range in {
		seen[r.CIDR] = reachability.WidePublic(r.CIDR)
	}
	for _, r := range out {
		seen[r.CIDR] = reachability.WidePublic(r.CIDR)
	}
	return sortedTrue(seen)
}

func networkACLs(inv *derive.Inventory) {
	for _, acl := range derive.Of[schema.NetworkACL](inv, schema.NetworkACLType).Items {
		derive.Set(acl, "effective_public_ingress", &acl.V.EffectivePublicIngress, derive.Map(derive.Read(acl, "entries", acl.V.Entries), func(list []schema.NetworkACLEntry) []schema.OpenPorts {
			var entries []reachability.Entry
			for _, e := range list {
				if !e.Egress {
					entries = append(entries, reachability.Entry{Number: e.RuleNumber, Allow: e.Action == "allow", CIDR: e.CIDR,
						Ports: reachability.Ports{Protocol: e.Protocol, From: e.FromPort, To: e.ToPort}})
				}
			}
			out := []schema.OpenPorts{}
			for _, p := range reachability.FromAnywhere(entries) {
				out = append(out, schema.OpenPorts{Protocol: p.Protocol, FromPort: p.From, ToPort: p.To})
			}
			return out
		}))
	}
}

// subnets: public by their own route table, or by the main one of their VPC when they have none.
func subnets(inv *derive.Inventory) {
	tables := derive.Of[schema.RouteTable](inv, schema.RouteTableType)
	own := derive.ByEach(tables, "subnet_ids", func(t derive.Item[schema.RouteTable]) []string { return t.V.SubnetIDs })
	main := derive.ByRead(tables.WhereRead("is_main").Where(func(t derive.Item[schema.RouteTable]) bool { return t.V.IsMain }), "vpc_id",
		func(t derive.Item[schema.RouteTable]) string { return t.V.VPCID })
	routed := func(t derive.Item[schema.RouteTable]) derive.Val[bool] {
		return derive.Map(derive.Read(t, "routes", t.V.Routes), func(routes []schema.Route) bool {
			for _, r := range routes {
				if (r.Destination == "0.0.0.0/0" || r.Destination == "::/0") && r.TargetType == "internet_gateway" && r.State == "active" {
					return true
				}
			}
			return false
		})
	}
	for _, s := range derive.Of[schema.Subnet](inv, schema.SubnetType).Items {
		table, found, missing := own.All(s.ID).In(s.Region).First()
		public := derive.UnreadFor[bool](missing...)
		switch {
		case found:
			public = routed(table)
		case missing == nil: // every VPC has a main table: one not listed is not ours to see
			public = derive.Then(derive.Read(s, "vpc_id", s.V.VPCID), func(id string) derive.Val[bool] {
				return derive.Named(main.All(id).In(s.Region), "EC2.DescribeRouteTables", routed)
			})
		}
		derive.Set(s, "public", &s.V.Public, public)
	}
}

// subnetPublic: whether the subnet that a resource names is public.
func subnetPublic(named derive.List[schema.Subnet]) derive.Val[bool] {
	return derive.Named(named, "EC2.DescribeSubnets", func(s derive.Item[schema.Subnet]) derive.Val[bool] {
		return derive.Read(s, "public", s.V.Public)
	})
}

// vpcs: what their subnets add up to, and whether their traffic is logged.
func vpcs(inv *derive.Inventory) {
	subnets := derive.ByRead(derive.Of[schema.Subnet](inv, schema.SubnetType), "vpc_id", func(s derive.Item[schema.Subnet]) string { return s.V.VPCID })
	interfaces := derive.ByRead(derive.Of[schema.NetworkInterface](inv, schema.NetworkInterfaceType), "subnet_id",
		func(i derive.Item[schema.NetworkInterface]) string { return i.V.SubnetID })
	logs := derive.ByRead(derive.Of[schema.FlowLog](inv, schema.FlowLogType), "resource_id", func(l derive.Item[schema.FlowLog]) string { return l.V.ResourceID })
	logged := func(logs derive.List[schema.FlowLog]) derive.Val[bool] {
		return derive.Exists(logs, func(l derive.Item[schema.FlowLog]) derive.Val[bool] {
			return derive.And(
				is(derive.Read(l, "status", l.V.Status), "ACTIVE"),
				derive.Not(is(derive.Read(l, "delivery_status", l.V.DeliveryStatus), "FAILED")),
				derive.Map(derive.Read(l, "traffic_type", l.V.TrafficType), func(t string) bool { return t == "ALL" || t == "REJECT" }))
		})
	}
	for _, v := range derive.Of[schema.VPC](inv, schema.VPCType).Items {
		mine := subnets.All(v.ID).In(v.Region)
		zones := derive.Collect(mine, func(s derive.Item[schema.Subnet]) (derive.Val[string], derive.Val[bool]) {
			return derive.Read(s, "availability_zone", s.V.AvailabilityZone), whichever(s)
		})
		derive.Set(v, "in_use", &v.V.InUse, derive.Exists(mine, func(s derive.Item[schema.Subnet]) derive.Val[bool] {
			return derive.Exists(interfaces.All(s.ID).In(v.Region), whichever)
		}))
		derive.Set(v, "subnet_count", &v.V.SubnetCount, derive.Count(mine, whichever))
		derive.Set(v, "public_subnet_count", &v.V.PublicSubnetCount, derive.Count(mine, func(s derive.Item[schema.Subnet]) derive.Val[bool] {
			return derive.Read(s, "public", s.V.Public)
		}))
		derive.Set(v, "availability_zone_count", &v.V.AvailabilityZoneCount, derive.Map(zones, func(list []string) int64 {
			distinct := map[string]bool{}
			for _, z := range list {
				distinct[z] = true
			}
			return int64(len(distinct))
		}))
		derive.Set(v, "flow_log_active", &v.V.FlowLogActive, derive.Or(
			logged(logs.All(v.ID).In(v.Region)),
			derive.And(derive.Exists(mine, whichever), derive.Every(mine, func(s derive.Item[schema.Subnet]) derive.Val[bool] {
				return logged(logs.All(s.ID).In(v.Region))
			}))))
	}
}

// launchTemplates: whether a version in use attaches an interface that has a public address.
func launchTemplates(inv *derive.Inventory) {
	interfaces := derive.ByID(derive.Of[schema.NetworkInterface](inv, schema.NetworkInterfaceType))
	for _, t := range derive.Of[schema.LaunchTemplate](inv, schema.LaunchTemplateType).Items {
		derive.Set(t, "references_public_interface", &t.V.ReferencesPublicInterface,
			derive.Then(derive.Read(t, "versions", t.V.Versions), func(versions []schema.LaunchTemplateVersion) derive.Val[bool] {
				var any []derive.Val[bool]
				for _, v := range versions {
					if !v.IsDefault && !v.IsLatest {
						continue
					}
					for _, id := range v.NetworkInterfaceIDs {
						any = append(any, derive.Exists(interfaces.All(id).In(t.Region), func(i derive.Item[schema.NetworkInterface]) derive.Val[bool] {
							return derive.Map(derive.Read(i, "public_ip", i.V.PublicIP), func(ip string) bool { return ip != "" })
						}))
					}
				}
				return derive.Or(any...)
			}))
	}
}

// sortedTrue lists the keys that hold, without the empty one.
func sortedTrue(set map[string]bool) []string {
	out := []string{}
	for k, holds := range set {
		if holds && strings.TrimSpace(k) != "" {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}
