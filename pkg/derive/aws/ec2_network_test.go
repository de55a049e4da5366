package aws

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func secGroup(id string, g schema.SecurityGroup, refused ...string) *posture.Resource {
	g.GroupID = id
	return resource(schema.SecurityGroupType, id, &g, refused...)
}

// from is an ingress rule of one TCP port.
func from(cidr string, port int64) schema.IngressRule {
	return schema.IngressRule{Protocol: "tcp", FromPort: port, ToPort: port, CIDR: cidr}
}

// eni is a network interface with those security groups.
func eni(id string, groups []string, refused ...string) *posture.Resource {
	return resource(schema.NetworkInterfaceType, id, &schema.NetworkInterface{
		InterfaceType: "interface", InstanceOwnerID: account, SecurityGroupIDs: groups,
	}, refused...)
}

func TestSecurityGroups(t *testing.T) {
	ssh := schema.SecurityGroup{Ingress: []schema.IngressRule{from("0.0.0.0/0", 22), from("192.0.2.1/32", 443)}}
	inner := schema.SecurityGroup{Ingress: []schema.IngressRule{from("10.0.0.0/8", 443)}}
	refers := schema.SecurityGroup{Ingress: []schema.IngressRule{{Protocol: "tcp", FromPort: 1, ToPort: 9, SourceGroupID: "sg-1"}}}
	leads := schema.SecurityGroup{Egress: []schema.EgressRule{{Protocol: "tcp", FromPort: 1, ToPort: 9, DestinationGroupID: "sg-1"}}}
	mine := []string{"sg-0", "sg-1"}
	attachment := func(id string) any {
		return map[string]any{"interface_id": id, "interface_type": "interface", "instance_owner_id": account}
	}
	interfaces := []*posture.Type{schema.NetworkInterfaceType}
	check(t, map[string]derivation{
		"a rule for any source is public, one for an address is not": {
			resources: []*posture.Resource{secGroup("sg-1", ssh)},
			want: map[string]any{"public_ingress": []any{
				map[string]any{"protocol": "tcp", "from_port": int64(22), "to_port": int64(22), "cidr": "0.0.0.0/0"},
			}},
		},
		"refused ingress rules leave open what is public, and whether the group lets anybody in": {
			resources: []*posture.Resource{secGroup("sg-1", ssh, "ingress"), eni("eni-1", mine)},
			want: map[string]any{
				"public_ingress": "unread: read ingress", "wide_public_cidrs": "unread: read ingress", "exposed": "unread: read ingress",
			},
		},
		"wide ranges count in both directions": {
			resources: []*posture.Resource{secGroup("sg-1", schema.SecurityGroup{
				Ingress: []schema.IngressRule{from("52.0.0.0/12", 443), from("10.0.0.0/8", 443)},
				Egress:  []schema.EgressRule{{Protocol: "all", CIDR: "18.0.0.0/16"}, {Protocol: "all", CIDR: "0.0.0.0/0"}},
			})},
			want: map[string]any{"wide_public_cidrs": []any{"18.0.0.0/16", "52.0.0.0/12"}},
		},
		"refused egress rules leave open only what they matter to": {
			resources: []*posture.Resource{secGroup("sg-1", inner, "egress")},
			want:      map[string]any{"wide_public_cidrs": "unread: read egress", "public_ingress": []any{}},
		},
		"an interface that has the group is attached": {
			resources: []*posture.Resource{secGroup("sg-1", ssh), eni("eni-1", mine), eni("eni-2", []string{"sg-2"})},
			want:      map[string]any{"attachments": []any{attachment("eni-1")}, "attachments[]": nil, "in_use": true, "exposed": true},
		},
		"a group of private rules exposes nothing": {
			resources: []*posture.Resource{secGroup("sg-1", inner), eni("eni-1", mine)},
			want:      map[string]any{"in_use": true, "exposed": false},
		},
		"a group on nothing is unused": {
			resources: []*posture.Resource{secGroup("sg-1", ssh), eni("eni-2", []string{"sg-2"})},
			want:      map[string]any{"attachments": []any{}, "in_use": false, "exposed": false},
		},
		"interfaces that were not listed may have it": {
			refused:   interfaces,
			resources: []*posture.Resource{secGroup("sg-1", ssh)},
			want: map[string]any{
				"attachments": "unread: list aws.ec2.network_interface", "in_use": "unread: list aws.ec2.network_interface",
				"exposed": "unread: list aws.ec2.network_interface",
			},
		},
		"but expose nothing where nothing is public": {
			refused:   interfaces,
			resources: []*posture.Resource{secGroup("sg-1", inner)},
			want:      map[string]any{"exposed": false},
		},
		"interfaces that were not listed in another region have no group of this one": {
			abroad:    interfaces,
			resources: []*posture.Resource{secGroup("sg-1", ssh)},
			want:      map[string]any{"attachments": []any{}, "in_use": false, "exposed": false},
		},
		"one interface seen before the list broke off is an attachment among others": {
			refused:   interfaces,
			resources: []*posture.Resource{secGroup("sg-1", ssh), eni("eni-1", mine)},
			want: map[string]any{
				"attachments": []any{attachment("eni-1")}, "attachments[]": "unread: list aws.ec2.network_interface",
				"in_use": true, "exposed": true,
			},
		},
		"an interface whose groups were refused may have it": {
			resources: []*posture.Resource{secGroup("sg-1", ssh), eni("eni-1", mine, "security_group_ids")},
			want:      map[string]any{"attachments": "unread: read security_group_ids", "in_use": "unread: read security_group_ids"},
		},
		"beside one that has it": {
			resources: []*posture.Resource{secGroup("sg-1", ssh), eni("eni-1", mine), eni("eni-2", nil, "security_group_ids")},
			want: map[string]any{
				"attachments": []any{attachment("eni-1")}, "attachments[]": "unread: read security_group_ids", "in_use": true,
			},
		},
		"but not one of another region": {
			resources: append([]*posture.Resource{secGroup("sg-1", ssh)}, abroad(eni("eni-1", mine, "security_group_ids"))...),
			want:      map[string]any{"attachments": []any{}, "in_use": false},
		},
		"an interface of a refused type attaches it all the same": {
			resources: []*posture.Resource{secGroup("sg-1", ssh), eni("eni-1", mine, "interface_type")},
			want:      map[string]any{"attachments": "unread: read interface_type", "in_use": true, "exposed": true},
		},
		"the ingress rule of another group uses it": {
			resources: []*posture.Resource{secGroup("sg-1", ssh), secGroup("sg-2", refers)},
			want:      map[string]any{"in_use": true, "exposed": false},
		},
		"so does its egress rule": {
			resources: []*posture.Resource{secGroup("sg-1", ssh), secGroup("sg-2", leads)},
			want:      map[string]any{"in_use": true},
		},
		"a rule of its own does not": {
			resources: []*posture.Resource{secGroup("sg-1", refers)},
			want:      map[string]any{"in_use": false},
		},
		"refused rules of another group may": {
			resources: []*posture.Resource{secGroup("sg-1", ssh), secGroup("sg-2", refers, "ingress")},
			want:      map[string]any{"in_use": "unread: read ingress"},
		},
		"a group that was not listed may": {
			refused:   []*posture.Type{schema.SecurityGroupType},
			resources: []*posture.Resource{secGroup("sg-1", ssh)},
			want:      map[string]any{"in_use": "unread: list aws.ec2.security_group", "exposed": false},
		},
		"one of another region may not": {
			abroad:    []*posture.Type{schema.SecurityGroupType},
			resources: []*posture.Resource{secGroup("sg-1", ssh)},
			want:      map[string]any{"in_use": false},
		},
	})
}

func TestNetworkACLs(t *testing.T) {
	acl := func(entries []schema.NetworkACLEntry, refused ...string) []*posture.Resource {
		return []*posture.Resource{resource(schema.NetworkACLType, "acl-1", &schema.NetworkACL{Entries: entries}, refused...)}
	}
	entry := func(number int64, action, protocol string, from, to int64) schema.NetworkACLEntry {
		return schema.NetworkACLEntry{RuleNumber: number, Action: action, Protocol: protocol, FromPort: from, ToPort: to, CIDR: "0.0.0.0/0"}
	}
	outward := entry(100, "allow", "tcp", 22, 22)
	outward.Egress = true
	open := func(from, to int64) any {
		return map[string]any{"protocol": "tcp", "from_port": from, "to_port": to}
	}
	check(t, map[string]derivation{
		"what an entry allows everyone is open": {
			resources: acl([]schema.NetworkACLEntry{entry(100, "allow", "tcp", 22, 23)}),
			want:      map[string]any{"effective_public_ingress": []any{open(22, 23)}},
		},
		"what an earlier entry denies is not": {
			resources: acl([]schema.NetworkACLEntry{entry(100, "allow", "tcp", 20, 30), entry(90, "deny", "tcp", 22, 22)}),
			want:      map[string]any{"effective_public_ingress": []any{open(20, 21), open(23, 30)}},
		},
		"egress entries let nobody in": {
			resources: acl([]schema.NetworkACLEntry{outward}), want: map[string]any{"effective_public_ingress": []any{}},
		},
		"refused entries leave it open": {
			resources: acl(nil, "entries"), want: map[string]any{"effective_public_ingress": "unread: read entries"},
		},
	})
}

func subnet(id string, s schema.Subnet, refused ...string) *posture.Resource {
	return resource(schema.SubnetType, id, &s, refused...)
}

// routes is a route table of vpc-1 with a default route to that kind of target.
func routes(id, target string, change func(*schema.RouteTable), refused ...string) *posture.Resource {
	table := &schema.RouteTable{VPCID: "vpc-1", Routes: []schema.Route{
		{Destination: "10.0.0.0/16", TargetType: "local", State: "active"}, {Destination: "0.0.0.0/0", TargetType: target, State: "active"},
	}}
	change(table)
	return resource(schema.RouteTableType, id, table, refused...)
}

func isMain(t *schema.RouteTable)   { t.IsMain = true }
func ofSubnet(t *schema.RouteTable) { t.SubnetIDs = []string{"subnet-0", "subnet-1"} }

func TestSubnets(t *testing.T) {
	const internet, nat = "internet_gateway", "nat_gateway"
	mine := func(refused ...string) *posture.Resource {
		return subnet("subnet-1", schema.Subnet{VPCID: "vpc-1"}, refused...)
	}
	tables := []*posture.Type{schema.RouteTableType}
	check(t, map[string]derivation{
		"a subnet routed to the internet by its own table is public": {
			resources: []*posture.Resource{mine(), routes("rtb-1", internet, ofSubnet), routes("rtb-2", nat, isMain)},
			want:      map[string]any{"public": true},
		},
		"a route for IPv6 is enough": {
			resources: []*posture.Resource{mine(), routes("rtb-1", internet, func(t *schema.RouteTable) { ofSubnet(t); t.Routes[1].Destination = "::/0" })},
			want:      map[string]any{"public": true},
		},
		"a route that leads nowhere is not": {
			resources: []*posture.Resource{mine(), routes("rtb-1", internet, func(t *schema.RouteTable) { ofSubnet(t); t.Routes[1].State = "blackhole" })},
			want:      map[string]any{"public": false},
		},
		"its own table counts, not the main one": {
			resources: []*posture.Resource{mine(), routes("rtb-1", nat, ofSubnet), routes("rtb-2", internet, isMain)},
			want:      map[string]any{"public": false},
		},
		"without its own the main one counts": {
			resources: []*posture.Resource{mine(), routes("rtb-1", nat, func(*schema.RouteTable) {}), routes("rtb-2", internet, isMain)},
			want:      map[string]any{"public": true},
		},
		"the main table of another VPC does not": {
			resources: []*posture.Resource{mine(), routes("rtb-1", nat, isMain), routes("rtb-2", internet, func(t *schema.RouteTable) { isMain(t); t.VPCID = "vpc-2" })},
			want:      map[string]any{"public": false},
		},
		"a VPC whose main table was not listed is not ours to see": {
			resources: []*posture.Resource{mine()}, want: map[string]any{"public": "unread: EC2.DescribeRouteTables"},
		},
		"a table that was not listed may be its own": {
			refused:   tables,
			resources: []*posture.Resource{mine(), routes("rtb-2", internet, isMain)},
			want:      map[string]any{"public": "unread: list aws.ec2.route_table"},
		},
		"but its own, once seen, is the only one": {
			refused:   tables,
			resources: []*posture.Resource{mine(), routes("rtb-1", nat, ofSubnet)},
			want:      map[string]any{"public": false},
		},
		"a table that was not listed in another region is not": {
			abroad:    tables,
			resources: []*posture.Resource{mine(), routes("rtb-2", internet, isMain)},
			want:      map[string]any{"public": true},
		},
		"nor the main one": {
			abroad:    tables,
			resources: []*posture.Resource{mine()},
			want:      map[string]any{"public": "unread: EC2.DescribeRouteTables"},
		},
		"a table whose subnets were refused may be its own": {
			resources: []*posture.Resource{mine(), routes("rtb-1", nat, ofSubnet, "subnet_ids"), routes("rtb-2", internet, isMain)},
			want:      map[string]any{"public": "unread: read subnet_ids"},
		},
		"a table of which it was refused whether it is the main one does not matter to a subnet with its own": {
			resources: []*posture.Resource{mine(), routes("rtb-1", nat, ofSubnet, "is_main")},
			want:      map[string]any{"public": false},
		},
		"and may be the main one of others": {
			resources: []*posture.Resource{mine(), routes("rtb-2", internet, isMain, "is_main")},
			want:      map[string]any{"public": "unread: read is_main"},
		},
		"refused routes leave it open": {
			resources: []*posture.Resource{mine(), routes("rtb-1", internet, ofSubnet, "routes")},
			want:      map[string]any{"public": "unread: read routes"},
		},
		"a subnet whose VPC was refused has an unknown main table": {
			resources: []*posture.Resource{mine("vpc_id"), routes("rtb-2", internet, isMain)},
			want:      map[string]any{"public": "unread: read vpc_id"},
		},
	})
}

func TestVPCs(t *testing.T) {
	vpc := func() *posture.Resource { return resource(schema.VPCType, "vpc-1", &schema.VPC{}) }
	in := func(id, zone string, refused ...string) *posture.Resource {
		return subnet(id, schema.Subnet{VPCID: "vpc-1", AvailabilityZone: zone}, refused...)
	}
	// logs is a flow log that works, as change leaves it.
	logs := func(id string, change func(*schema.FlowLog), refused ...string) *posture.Resource {
		l := &schema.FlowLog{ResourceID: id, Status: "ACTIVE", TrafficType: "ALL", DeliveryStatus: "SUCCESS"}
		if change != nil {
			change(l)
		}
		return resource(schema.FlowLogType, "fl-"+id, l, refused...)
	}
	main := routes("rtb-1", "nat_gateway", isMain)
	card := func(subnet string, refused ...string) *posture.Resource {
		return resource(schema.NetworkInterfaceType, "eni-1", &schema.NetworkInterface{SubnetID: subnet}, refused...)
	}
	check(t, map[string]derivation{
		"a VPC without subnets is unused and unlogged": {
			resources: []*posture.Resource{vpc(), subnet("subnet-9", schema.Subnet{VPCID: "vpc-2"}), logs("vpc-2", nil), card("subnet-9")},
			want: map[string]any{
				"in_use": false, "flow_log_active": false, "subnet_count": int64(0), "public_subnet_count": int64(0), "availability_zone_count": int64(0),
			},
		},
		"its subnets are counted": {
			resources: []*posture.Resource{vpc(), in("subnet-0", "a"), in("subnet-2", "a"), in("subnet-3", "b"), routes("rtb-0", "internet_gateway", ofSubnet), main},
			want:      map[string]any{"subnet_count": int64(3), "public_subnet_count": int64(1), "availability_zone_count": int64(2)},
		},
		"subnets that were not listed may be more, or logged": {
			refused:   []*posture.Type{schema.SubnetType},
			resources: []*posture.Resource{vpc(), in("subnet-2", "a"), logs("subnet-2", nil), main},
			want: map[string]any{
				"in_use": "unread: list aws.ec2.subnet", "flow_log_active": "unread: list aws.ec2.subnet", "subnet_count": "unread: list aws.ec2.subnet",
				"public_subnet_count": "unread: list aws.ec2.subnet", "availability_zone_count": "unread: list aws.ec2.subnet",
			},
		},
		"those of another region are none of its": {
			abroad:    []*posture.Type{schema.SubnetType},
			resources: []*posture.Resource{vpc(), in("subnet-2", "a"), main},
			want:      map[string]any{"subnet_count": int64(1), "public_subnet_count": int64(0), "in_use": false},
		},
		"a refused zone leaves only the zones open": {
			resources: []*posture.Resource{vpc(), in("subnet-2", "a", "availability_zone"), main},
			want:      map[string]any{"subnet_count": int64(1), "availability_zone_count": "unread: read availability_zone"},
		},
		"an interface in a subnet uses it": {
			resources: []*posture.Resource{vpc(), in("subnet-2", "a"), card("subnet-2")},
			want:      map[string]any{"in_use": true},
		},
		"an interface whose subnet was refused may": {
			resources: []*posture.Resource{vpc(), in("subnet-2", "a"), card("subnet-2", "subnet_id")},
			want:      map[string]any{"in_use": "unread: read subnet_id"},
		},
		"interfaces that were not listed may": {
			refused:   []*posture.Type{schema.NetworkInterfaceType},
			resources: []*posture.Resource{vpc(), in("subnet-2", "a")},
			want:      map[string]any{"in_use": "unread: list aws.ec2.network_interface"},
		},
		"those of another region may not": {
			abroad:    []*posture.Type{schema.NetworkInterfaceType},
			resources: []*posture.Resource{vpc(), in("subnet-2", "a")},
			want:      map[string]any{"in_use": false},
		},
		"a flow log of the VPC is enough, whatever was not listed": {
			refused:   []*posture.Type{schema.SubnetType, schema.FlowLogType},
			resources: []*posture.Resource{vpc(), logs("vpc-1", nil)},
			want:      map[string]any{"flow_log_active": true},
		},
		"a flow log of each subnet is enough": {
			resources: []*posture.Resource{vpc(), in("subnet-2", "a"), in("subnet-3", "b"), logs("subnet-2", nil), logs("subnet-3", nil)},
			want:      map[string]any{"flow_log_active": true},
		},
		"of one of two is not": {
			resources: []*posture.Resource{vpc(), in("subnet-2", "a"), in("subnet-3", "b"), logs("subnet-2", nil)},
			want:      map[string]any{"flow_log_active": false},
		},
		"a flow log that was not listed may be missing": {
			refused:   []*posture.Type{schema.FlowLogType},
			resources: []*posture.Resource{vpc(), in("subnet-2", "a")},
			want:      map[string]any{"flow_log_active": "unread: list aws.ec2.flow_log"},
		},
		"not one of another region": {
			abroad:    []*posture.Type{schema.FlowLogType},
			resources: []*posture.Resource{vpc(), in("subnet-2", "a")},
			want:      map[string]any{"flow_log_active": false},
		},
		"a flow log that loses its records does not work": {
			resources: []*posture.Resource{vpc(), logs("vpc-1", func(l *schema.FlowLog) { l.DeliveryStatus = "FAILED" })},
			want:      map[string]any{"flow_log_active": false},
		},
		"one of accepted traffic alone does not do": {
			resources: []*posture.Resource{vpc(), logs("vpc-1", func(l *schema.FlowLog) { l.TrafficType = "ACCEPT" }, "status")},
			want:      map[string]any{"flow_log_active": false},
		},
		"a refused status leaves it open": {
			resources: []*posture.Resource{vpc(), logs("vpc-1", nil, "status")},
			want:      map[string]any{"flow_log_active": "unread: read status"},
		},
	})
}

func TestLaunchTemplates(t *testing.T) {
	template := func(v schema.LaunchTemplateVersion, refused ...string) *posture.Resource {
		v.NetworkInterfaceIDs = []string{"eni-1"}
		return resource(schema.LaunchTemplateType, "lt-1", &schema.LaunchTemplate{Versions: []schema.LaunchTemplateVersion{v}}, refused...)
	}
	latest := schema.LaunchTemplateVersion{IsLatest: true}
	card := func(address string, refused ...string) *posture.Resource {
		return resource(schema.NetworkInterfaceType, "eni-1", &schema.NetworkInterface{PublicIP: address}, refused...)
	}
	check(t, map[string]derivation{
		"an interface with a public address": {
			resources: []*posture.Resource{template(latest), card("192.0.2.1")}, want: map[string]any{"references_public_interface": true},
		},
		"one without": {
			resources: []*posture.Resource{template(latest), card("")}, want: map[string]any{"references_public_interface": false},
		},
		"one that is gone": {
			resources: []*posture.Resource{template(latest)}, want: map[string]any{"references_public_interface": false},
		},
		"one of a version that is not in use": {
			resources: []*posture.Resource{template(schema.LaunchTemplateVersion{}), card("192.0.2.1")}, want: map[string]any{"references_public_interface": false},
		},
		"one whose address was refused": {
			resources: []*posture.Resource{template(latest), card("", "public_ip")}, want: map[string]any{"references_public_interface": "unread: read public_ip"},
		},
		"one that was not listed": {
			refused:   []*posture.Type{schema.NetworkInterfaceType},
			resources: []*posture.Resource{template(latest)}, want: map[string]any{"references_public_interface": "unread: list aws.ec2.network_interface"},
		},
		"none is found in another region": {
			abroad:    []*posture.Type{schema.NetworkInterfaceType},
			resources: []*posture.Resource{template(latest)}, want: map[string]any{"references_public_interface": false},
		},
		"refused versions": {
			resources: []*posture.Resource{template(latest, "versions"), card("192.0.2.1")}, want: map[string]any{"references_public_interface": "unread: read versions"},
		},
	})
}
