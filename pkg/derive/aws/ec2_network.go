package aws

import (
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/derive/reachability"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// securityGroups: what they let in, and what they hang on.
func securityGroups(inv *derive.Inventory) {
	groups := derive.Of[schema.SecurityGroup](inv, schema.SecurityGroupType)
	interfaces := derive.Of[schema.NetworkInterface](inv, schema.NetworkInterfaceType)
	attached := map[string][]derive.Item[schema.NetworkInterface]{}
	for _, i := range interfaces.Items {
		for _, id := range i.V.SecurityGroupIDs { // looked at through Read below; here it only finds candidates
			attached[id] = append(attached[id], i)
		}
	}
	named := map[string]bool{}
	for _, g := range groups.Items {
		for _, r := range g.V.Ingress {
			named[r.SourceGroupID] = named[r.SourceGroupID] || r.SourceGroupID != g.ID
		}
		for _, r := range g.V.Egress {
			named[r.DestinationGroupID] = named[r.DestinationGroupID] || r.DestinationGroupID != g.ID
		}
	}
	// An interface whose groups are unread may have any group.
	unread := interfaces.Where(func(i derive.Item[schema.NetworkInterface]) bool {
		_, known := derive.Read(i, "security_group_ids", i.V.SecurityGroupIDs).Get()
		return !known
	})
	for _, g := range groups.Items {
		ingress := derive.Read(g, "ingress", g.V.Ingress)
		public := derive.Map(ingress, publicRules)
		derive.Set(g, "public_ingress", &g.V.PublicIngress, public)
		derive.Set(g, "wide_public_cidrs", &g.V.WidePublicCIDRs, derive.Map2(ingress, derive.Read(g, "egress", g.V.Egress), wideCIDRs))

		mine := derive.List[schema.NetworkInterface]{Items: append(attached[g.ID], unread.Items...), Gaps: interfaces.Gaps}
		has := func(i derive.Item[schema.NetworkInterface]) derive.Val[bool] {
			return has(derive.Read(i, "security_group_ids", i.V.SecurityGroupIDs), g.ID)
		}
		attachments := derive.Collect(mine, func(i derive.Item[schema.NetworkInterface]) (derive.Val[schema.GroupAttachment], derive.Val[bool]) {
			return derive.Map2(derive.Read(i, "interface_type", i.V.InterfaceType), derive.Read(i, "instance_owner_id", i.V.InstanceOwnerID),
				func(kind, owner string) schema.GroupAttachment {
					return schema.GroupAttachment{InterfaceID: i.ID, InterfaceType: kind, InstanceOwnerID: owner}
				}), has(i)
		})
		derive.Set(g, "attachments", &g.V.Attachments, attachments)
		onInterface := derive.Exists(mine, has)
		inRule := derive.Exists(groups.Where(func(o derive.Item[schema.SecurityGroup]) bool { return o.ID == g.ID }), func(derive.Item[schema.SecurityGroup]) derive.Val[bool] {
			return derive.Known(named[g.ID])
		})
		derive.Set(g, "in_use", &g.V.InUse, derive.Or(onInterface, inRule))
		derive.Set(g, "exposed", &g.V.Exposed, derive.And(onInterface, derive.Map(public, func(p []schema.PublicRule) bool { return len(p) > 0 })))
	}
}

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
	for _, path := range []string{"is_main", "vpc_id", "subnet_ids"} { // a table of which one is unread may serve any subnet
		tables = tables.WhereRead(path)
	}
	own := map[string][]derive.Item[schema.RouteTable]{}
	main := derive.By(tables.Where(func(t derive.Item[schema.RouteTable]) bool { return t.V.IsMain }),
		func(t derive.Item[schema.RouteTable]) string { return t.V.VPCID })
	for _, t := range tables.Items {
		for _, id := range t.V.SubnetIDs {
			own[id] = append(own[id], t)
		}
	}
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
		public := derive.UnreadFor[bool](tables.Gaps...)
		switch list := own[s.ID]; {
		case len(list) > 0:
			public = routed(list[0])
		case len(tables.Gaps) == 0:
			public = derive.Then(derive.Read(s, "vpc_id", s.V.VPCID), func(id string) derive.Val[bool] {
				table, found, _ := main.Get(id)
				if !found { // every VPC has a main table: this one is not ours to see
					return derive.UnreadFor[bool](posture.Cause{Reason: posture.ReasonUnreconciled, Operation: "EC2.DescribeRouteTables"})
				}
				return routed(table)
			})
		}
		derive.Set(s, "public", &s.V.Public, public)
	}
}

// vpcs: what their subnets add up to, and whether their traffic is logged.
func vpcs(inv *derive.Inventory) {
	subnets := derive.ByRead(derive.Of[schema.Subnet](inv, schema.SubnetType), "vpc_id", func(s derive.Item[schema.Subnet]) string { return s.V.VPCID })
	interfaces := derive.ByRead(derive.Of[schema.NetworkInterface](inv, schema.NetworkInterfaceType), "subnet_id",
		func(i derive.Item[schema.NetworkInterface]) string { return i.V.SubnetID })
	logs := derive.ByRead(derive.Of[schema.FlowLog](inv, schema.FlowLogType), "resource_id", func(l derive.Item[schema.FlowLog]) string { return l.V.ResourceID })
	logged := func(id string) derive.Val[bool] {
		return derive.Exists(logs.All(id), func(l derive.Item[schema.FlowLog]) derive.Val[bool] {
			return derive.And(
				is(derive.Read(l, "status", l.V.Status), "ACTIVE"),
				derive.Not(is(derive.Read(l, "delivery_status", l.V.DeliveryStatus), "FAILED")),
				derive.Map(derive.Read(l, "traffic_type", l.V.TrafficType), func(t string) bool { return t == "ALL" || t == "REJECT" }))
		})
	}
	for _, v := range derive.Of[schema.VPC](inv, schema.VPCType).Items {
		mine := subnets.All(v.ID)
		every := func(derive.Item[schema.Subnet]) derive.Val[bool] { return derive.Known(true) }
		zones := derive.Collect(mine, func(s derive.Item[schema.Subnet]) (derive.Val[string], derive.Val[bool]) {
			return derive.Read(s, "availability_zone", s.V.AvailabilityZone), derive.Known(true)
		})
		public := derive.Collect(mine, func(s derive.Item[schema.Subnet]) (derive.Val[bool], derive.Val[bool]) {
			return derive.Known(true), derive.Read(s, "public", s.V.Public)
		})
		derive.Set(v, "in_use", &v.V.InUse, derive.Exists(mine, func(s derive.Item[schema.Subnet]) derive.Val[bool] {
			return derive.Exists(interfaces.All(s.ID), func(derive.Item[schema.NetworkInterface]) derive.Val[bool] { return derive.Known(true) })
		}))
		derive.Set(v, "subnet_count", &v.V.SubnetCount, derive.Map(derive.Collect(mine, func(s derive.Item[schema.Subnet]) (derive.Val[bool], derive.Val[bool]) {
			return derive.Known(true), every(s)
		}), func(l []bool) int64 { return int64(len(l)) }))
		derive.Set(v, "public_subnet_count", &v.V.PublicSubnetCount, derive.Map(public, func(l []bool) int64 { return int64(len(l)) }))
		derive.Set(v, "availability_zone_count", &v.V.AvailabilityZoneCount, derive.Map(zones, func(list []string) int64 {
			distinct := map[string]bool{}
			for _, z := range list {
				distinct[z] = true
			}
			return int64(len(distinct))
		}))
		some := derive.Exists(mine, every)
		derive.Set(v, "flow_log_active", &v.V.FlowLogActive, derive.Or(logged(v.ID), derive.And(some,
			derive.Every(mine, func(s derive.Item[schema.Subnet]) derive.Val[bool] { return logged(s.ID) }))))
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
						any = append(any, derive.Exists(interfaces.All(id), func(i derive.Item[schema.NetworkInterface]) derive.Val[bool] {
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
	return sorted(out)
}
