package aws

import (
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// machine is a running instance in subnet-1 with groups sg-1 and sg-2, as change leaves it.
func machine(change func(*schema.EC2Instance), refused ...string) *posture.Resource {
	i := &schema.EC2Instance{State: "running", InstanceType: "m7g.large", SubnetID: "subnet-1", SecurityGroupIDs: []string{"sg-1", "sg-2"}}
	if change != nil {
		change(i)
	}
	return resource(schema.EC2InstanceType, "i-1", i, refused...)
}

// opens is a security group that lets everybody reach a port.
func opens(id string, port int64, refused ...string) *posture.Resource {
	return secGroup(id, schema.SecurityGroup{Ingress: []schema.IngressRule{from("0.0.0.0/0", port), from("::/0", port)}}, refused...)
}

func closed(id string) *posture.Resource { return secGroup(id, schema.SecurityGroup{}) }

func openPort(port int64) any {
	return map[string]any{"protocol": "tcp", "from_port": port, "to_port": port}
}

func TestRegionSettings(t *testing.T) {
	settings := func() *posture.Resource { return resource(schema.EC2SettingsType, account, &schema.EC2Settings{}) }
	gone := func(i *schema.EC2Instance) { i.State = "terminated" }
	check(t, map[string]derivation{
		"a region with an instance": {
			resources: []*posture.Resource{settings(), machine(nil)}, want: map[string]any{"has_instances": true},
		},
		"a terminated one is none": {
			resources: []*posture.Resource{settings(), machine(gone)}, want: map[string]any{"has_instances": false},
		},
		"one of another region is none": {
			resources: append([]*posture.Resource{settings()}, abroad(machine(nil))...), want: map[string]any{"has_instances": false},
		},
		"one whose state was refused may be": {
			resources: []*posture.Resource{settings(), machine(gone, "state")}, want: map[string]any{"has_instances": "unread: read state"},
		},
		"instances that were not listed may be": {
			refused:   []*posture.Type{schema.EC2InstanceType},
			resources: []*posture.Resource{settings(), machine(gone)}, want: map[string]any{"has_instances": "unread: list aws.ec2.instance"},
		},
		"those of another region may not": {
			abroad:    []*posture.Type{schema.EC2InstanceType},
			resources: []*posture.Resource{settings(), machine(gone)}, want: map[string]any{"has_instances": false},
		},
	})
}

func TestInstances(t *testing.T) {
	in := func(change func(*schema.EC2Instance), refused ...string) []*posture.Resource {
		return []*posture.Resource{machine(change, refused...)}
	}
	check(t, map[string]derivation{
		"a running instance lives": {
			resources: in(nil), want: map[string]any{"live": true},
		},
		"one that shuts down does not": {
			resources: in(func(i *schema.EC2Instance) { i.State = "shutting-down" }), want: map[string]any{"live": false},
		},
		"a refused state leaves it open": {
			resources: in(nil, "state"), want: map[string]any{"live": "unread: read state"},
		},
		"a family of today is EBS-optimized whatever its setting, refused or not": {
			resources: in(nil, "ebs_optimized"), want: map[string]any{"ebs_optimized_effective": true},
		},
		"an old family is by its setting": {
			resources: in(func(i *schema.EC2Instance) { i.InstanceType, i.EBSOptimized = "m3.large", true }), want: map[string]any{"ebs_optimized_effective": true},
		},
		"or not": {
			resources: in(func(i *schema.EC2Instance) { i.InstanceType = "m3.large" }), want: map[string]any{"ebs_optimized_effective": false},
		},
		"a refused setting matters to an old family": {
			resources: in(func(i *schema.EC2Instance) { i.InstanceType = "m3.large" }, "ebs_optimized"),
			want:      map[string]any{"ebs_optimized_effective": "unread: read ebs_optimized"},
		},
	})
}

func TestInstanceAddresses(t *testing.T) {
	public := func() []*posture.Resource {
		return []*posture.Resource{subnet("subnet-1", schema.Subnet{VPCID: "vpc-1"}), routes("rtb-1", "internet_gateway", ofSubnet)}
	}
	private := func() []*posture.Resource {
		return []*posture.Resource{subnet("subnet-1", schema.Subnet{VPCID: "vpc-1"}), routes("rtb-1", "nat_gateway", ofSubnet)}
	}
	card := func(address string, refused ...string) *posture.Resource {
		return resource(schema.NetworkInterfaceType, "eni-1", &schema.NetworkInterface{InstanceID: "i-1", PublicIP: address}, refused...)
	}
	with := func(first *posture.Resource, rest ...*posture.Resource) []*posture.Resource {
		return append([]*posture.Resource{first}, rest...)
	}
	ipv6 := func(i *schema.EC2Instance) { i.IPv6Addresses = []string{"2001:db8::1"} }
	subnets, interfaces := []*posture.Type{schema.SubnetType}, []*posture.Type{schema.NetworkInterfaceType}
	check(t, map[string]derivation{
		"an instance in a public subnet": {
			resources: with(machine(nil), public()...), want: map[string]any{"subnet_public": true, "public_address": false},
		},
		"one in a private subnet": {
			resources: with(machine(nil), private()...), want: map[string]any{"subnet_public": false, "public_address": false},
		},
		"one without a subnet": {
			resources: with(machine(func(i *schema.EC2Instance) { i.SubnetID = "" })), want: map[string]any{"subnet_public": false},
		},
		"one in a subnet that no list has": {
			resources: with(machine(nil)), want: map[string]any{"subnet_public": "unread: EC2.DescribeSubnets", "public_address": false},
		},
		"one in a subnet that was not listed": {
			refused:   subnets,
			resources: with(machine(nil)), want: map[string]any{"subnet_public": "unread: list aws.ec2.subnet"},
		},
		"one whose subnet was listed, though others were not": {
			refused:   subnets,
			resources: with(machine(nil), public()...), want: map[string]any{"subnet_public": true},
		},
		"subnets of another region do not matter": {
			abroad:    []*posture.Type{schema.SubnetType, schema.RouteTableType},
			resources: with(machine(nil), private()...), want: map[string]any{"subnet_public": false},
		},
		"nor when its subnet is in no list": {
			abroad:    subnets,
			resources: with(machine(nil)), want: map[string]any{"subnet_public": "unread: EC2.DescribeSubnets"},
		},
		"a refused subnet leaves it open": {
			resources: with(machine(nil, "subnet_id"), public()...), want: map[string]any{"subnet_public": "unread: read subnet_id"},
		},
		"an IPv4 address is public": {
			refused:   interfaces,
			resources: with(machine(func(i *schema.EC2Instance) { i.PublicIP = "192.0.2.1" })), want: map[string]any{"public_address": true},
		},
		"so is that of another interface": {
			resources: with(machine(nil, "public_ip"), card("192.0.2.1")), want: map[string]any{"public_address": true},
		},
		"an interface of which the address was refused may have one": {
			resources: with(machine(nil), card("", "public_ip")), want: map[string]any{"public_address": "unread: read public_ip"},
		},
		"one whose instance was refused may be another of its interfaces": {
			resources: with(machine(nil), card("192.0.2.1", "instance_id")), want: map[string]any{"public_address": "unread: read instance_id"},
		},
		"interfaces that were not listed may have one": {
			refused:   interfaces,
			resources: with(machine(nil), card("")), want: map[string]any{"public_address": "unread: list aws.ec2.network_interface"},
		},
		"those of another region may not": {
			abroad:    interfaces,
			resources: with(machine(nil), card("")), want: map[string]any{"public_address": false},
		},
		"an IPv6 address is public in a public subnet": {
			resources: with(machine(ipv6), public()...), want: map[string]any{"public_address": true},
		},
		"and not in a private one": {
			resources: with(machine(ipv6), private()...), want: map[string]any{"public_address": false},
		},
		"a subnet that was not listed matters to an IPv6 address": {
			refused:   subnets,
			resources: with(machine(ipv6)), want: map[string]any{"public_address": "unread: list aws.ec2.subnet"},
		},
	})
}

func TestInstanceIngress(t *testing.T) {
	groups := []*posture.Type{schema.SecurityGroupType}
	check(t, map[string]derivation{
		"what any of its groups lets in is open, each range once": {
			resources: []*posture.Resource{machine(nil), opens("sg-1", 22), opens("sg-2", 22), opens("sg-3", 3389)},
			want:      map[string]any{"public_ingress": []any{openPort(22)}, "public_ingress[]": nil, "security_groups_complete": true},
		},
		"groups that let nobody in": {
			resources: []*posture.Resource{machine(nil), closed("sg-1"), closed("sg-2")},
			want:      map[string]any{"public_ingress": []any{}, "security_groups_complete": true},
		},
		"an instance without groups": {
			resources: []*posture.Resource{machine(func(i *schema.EC2Instance) { i.SecurityGroupIDs = nil })},
			want:      map[string]any{"public_ingress": []any{}, "security_groups_complete": true},
		},
		"a group that was not listed may open more": {
			refused:   groups,
			resources: []*posture.Resource{machine(nil), opens("sg-1", 22)},
			want: map[string]any{
				"public_ingress": []any{openPort(22)}, "public_ingress[]": "unread: list aws.ec2.security_group",
				"security_groups_complete": "unread: list aws.ec2.security_group",
			},
		},
		"beside one that opens nothing all is open to question": {
			refused:   groups,
			resources: []*posture.Resource{machine(nil), closed("sg-1")},
			want:      map[string]any{"public_ingress": "unread: list aws.ec2.security_group"},
		},
		"groups not listed do not matter when its own were": {
			refused:   groups,
			resources: []*posture.Resource{machine(nil), opens("sg-1", 22), closed("sg-2")},
			want:      map[string]any{"public_ingress": []any{openPort(22)}, "public_ingress[]": nil, "security_groups_complete": true},
		},
		"a group that no list has": {
			resources: []*posture.Resource{machine(nil), opens("sg-1", 22)},
			want: map[string]any{
				"public_ingress": []any{openPort(22)}, "public_ingress[]": "unread: EC2.DescribeSecurityGroups", "security_groups_complete": false,
			},
		},
		"a group of the region that was read, whatever another lacks": {
			abroad:    groups,
			resources: []*posture.Resource{machine(nil), closed("sg-1")},
			want:      map[string]any{"public_ingress": "unread: EC2.DescribeSecurityGroups", "security_groups_complete": false},
		},
		"refused rules of one group": {
			resources: []*posture.Resource{machine(nil), opens("sg-1", 22), opens("sg-2", 443, "ingress")},
			want: map[string]any{
				"public_ingress": []any{openPort(22)}, "public_ingress[]": "unread: read ingress", "security_groups_complete": true,
			},
		},
		"refused groups leave all open": {
			resources: []*posture.Resource{machine(nil, "security_group_ids"), opens("sg-1", 22), closed("sg-2")},
			want:      map[string]any{"public_ingress": "unread: read security_group_ids", "security_groups_complete": "unread: read security_group_ids"},
		},
	})
}

func TestVolumes(t *testing.T) {
	volume := func() *posture.Resource { return resource(schema.EBSVolumeType, "vol-1", &schema.EBSVolume{}) }
	// copied is a snapshot of vol-1 made on that day of January.
	copied := func(day int, change func(*schema.EBSSnapshot), refused ...string) *posture.Resource {
		s := &schema.EBSSnapshot{State: "completed", VolumeID: "vol-1", StartedAt: time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC)}
		if change != nil {
			change(s)
		}
		return resource(schema.EBSSnapshotType, "snap-"+s.StartedAt.Format("02"), s, refused...)
	}
	snapshots := []*posture.Type{schema.EBSSnapshotType}
	check(t, map[string]derivation{
		"the newest snapshot counts": {
			resources: []*posture.Resource{volume(), copied(7, nil), copied(9, nil), copied(8, nil)},
			want:      map[string]any{"last_snapshot_at": "2026-01-09T00:00:00Z"},
		},
		"of this volume": {
			resources: []*posture.Resource{volume(), copied(7, func(s *schema.EBSSnapshot) { s.VolumeID = "vol-2" })},
			want:      map[string]any{"last_snapshot_at": nil},
		},
		"once it is complete": {
			resources: []*posture.Resource{volume(), copied(7, nil), copied(9, func(s *schema.EBSSnapshot) { s.State = "pending" }, "started_at")},
			want:      map[string]any{"last_snapshot_at": "2026-01-07T00:00:00Z"},
		},
		"a snapshot whose state was refused may be newer": {
			resources: []*posture.Resource{volume(), copied(7, nil), copied(9, nil, "state")},
			want:      map[string]any{"last_snapshot_at": "unread: read state"},
		},
		"so may one whose volume was refused": {
			resources: []*posture.Resource{volume(), copied(7, nil), copied(9, nil, "volume_id")},
			want:      map[string]any{"last_snapshot_at": "unread: read volume_id"},
		},
		"a refused date leaves it open": {
			resources: []*posture.Resource{volume(), copied(7, nil), copied(9, nil, "started_at")},
			want:      map[string]any{"last_snapshot_at": "unread: read started_at"},
		},
		"snapshots that were not listed may be newer": {
			refused:   snapshots,
			resources: []*posture.Resource{volume(), copied(7, nil)},
			want:      map[string]any{"last_snapshot_at": "unread: list aws.ec2.snapshot"},
		},
		"those of another region are not of it": {
			abroad:    snapshots,
			resources: []*posture.Resource{volume(), copied(7, nil)},
			want:      map[string]any{"last_snapshot_at": "2026-01-07T00:00:00Z"},
		},
	})
}
