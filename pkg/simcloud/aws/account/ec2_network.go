package account

import (
	"fmt"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// A region has a default VPC, in which nothing runs, and an application VPC. Each has two subnets, the first of which is
// public, one network ACL and one internet gateway.
const defaultVPC, appVPC = 0, 1

// The security groups of the application VPC.
const groupDefault, groupWeb, groupApp, groupData, groupSpare = 0, 1, 2, 3, 4

var ec2NetworkService = service{
	kinds: []world.Kind{
		{
			Name: "ec2.vpc", Count: 2, Fixed: true,
			Defects: []world.Defect{{Name: "no-flow-log", Share: 0.2, Drift: 0.1}, {Name: "flow-log-fails", Drift: 0.1}, {Name: "all-public", Share: 0.05, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				tiers := posture.DoesNotApply // nothing runs in the default VPC
				if it.Index == appVPC {
					tiers = failIf(it.Has("all-public"))
				}
				return keyOf("aws.ec2.vpc", it, ec2ID(it, "vpc")), map[string]posture.Result{
					"aws-ec2-vpc-flow-logs-enabled":      failIf(it.Has("no-flow-log") || it.Has("flow-log-fails")),
					"aws-ec2-vpc-public-private-subnets": tiers,
				}
			},
		},
		{
			Name: "ec2.subnet", Count: 4, Fixed: true,
			Defects: []world.Defect{{Name: "auto-public", Share: 0.2, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.ec2.subnet", it, ec2ID(it, "subnet")), map[string]posture.Result{"aws-ec2-subnet-no-auto-public-ip": failIf(it.Has("auto-public"))}
			},
		},
		{
			Name: "ec2.network_acl", Count: 2, Fixed: true,
			Defects: []world.Defect{{Name: "open-ssh", Share: 0.1, Drift: 0.1}, {Name: "open-rdp", Drift: 0.1}, {Name: "open-all", Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				all := it.Index == defaultVPC || it.Has("open-all") // a default ACL lets everything in
				return keyOf("aws.ec2.network_acl", it, ec2ID(it, "acl")), map[string]posture.Result{
					"aws-ec2-network-acl-no-open-all-ports": failIf(all),
					"aws-ec2-network-acl-no-open-ssh":       failIf(all || it.Has("open-ssh")),
					"aws-ec2-network-acl-no-open-rdp":       failIf(all || it.Has("open-rdp")),
				}
			},
		},
		{
			Name: "ec2.internet_gateway", Count: 2, Fixed: true,
			Defects: []world.Defect{{Name: "detached", Drift: 0.2}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.ec2.internet_gateway", it, ec2ID(it, "igw")), map[string]posture.Result{"aws-ec2-internet-gateway-attached": failIf(detached(it))}
			},
		},
		{
			Name: "ec2.elastic_ip", Count: 1, Defects: []world.Defect{{Name: "unused", Share: 0.2, Drift: 0.2}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.ec2.elastic_ip", it, ec2ID(it, "eipalloc")), map[string]posture.Result{"aws-ec2-elastic-ip-associated": failIf(it.Has("unused"))}
			},
		},
		{
			Name: "ec2.transit_gateway", Count: 1, Fixed: true, Defects: []world.Defect{{Name: "auto-accept", Share: 0.1, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.ec2.transit_gateway", it, ec2ID(it, "tgw")), map[string]posture.Result{"aws-ec2-transit-gateway-no-auto-accept": failIf(it.Has("auto-accept"))}
			},
		},
		{
			Name: "ec2.client_vpn_endpoint", Count: 1, Fixed: true, Defects: []world.Defect{{Name: "no-logging", Share: 0.1, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.ec2.client_vpn_endpoint", it, ec2ID(it, "cvpn-endpoint")), map[string]posture.Result{
					"aws-ec2-client-vpn-connection-logging-enabled": failIf(it.Has("no-logging"))}
			},
		},
		{
			Name: "ec2.security_group", Count: 5, Fixed: true,
			Defects: []world.Defect{
				{Name: "open-ssh", Share: 0.04, Drift: 0.08}, {Name: "open-rdp", Drift: 0.06}, {Name: "open-data", Share: 0.03, Drift: 0.05}, {Name: "open-legacy", Drift: 0.04},
				{Name: "open-8080", Share: 0.04, Drift: 0.05}, {Name: "open-all", Drift: 0.05}, {Name: "wide", Share: 0.05, Drift: 0.05},
				{Name: "unused", Share: 0.3, Drift: 0.2}, {Name: "default-open", Share: 0.3, Drift: 0.2},
			},
			Expect: expectGroup,
		},
	},
	handle: handleEC2Network,
}

func keyOf(kind string, it *world.Item, id string) posture.Key {
	return posture.Key{Type: kind, Region: it.Region, ID: id}
}

// ec2ID is the id of a thing of EC2: "vpc-" and 17 digits.
func ec2ID(it *world.Item, prefix string) string { return prefix + "-" + it.Hex(17, "id") }

// detached: the gateway of the application VPC never is.
func detached(it *world.Item) bool { return it.Index == defaultVPC && it.Has("detached") }

// opened reports whether a group has an open-… defect; only groups behind the web group can.
func opened(it *world.Item, defects ...string) bool {
	for _, d := range defects {
		if it.Index >= groupApp && it.Has(d) {
			return true
		}
	}
	return false
}

// unused: the spare group is attached to the first instance or to nothing.
func unused(it *world.Item) bool { return it.Index == groupSpare && it.Has("unused") }

func expectGroup(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
	anyOpen := opened(it, "open-ssh", "open-rdp", "open-data", "open-legacy", "open-8080", "open-all")
	inUse, closed := failIf(unused(it)), posture.DoesNotApply
	if it.Index == groupDefault {
		inUse, closed = posture.DoesNotApply, failIf(it.Has("default-open"))
	}
	return keyOf("aws.ec2.security_group", it, ec2ID(it, "sg")), map[string]posture.Result{
		"aws-ec2-security-group-no-open-all-ports":       failIf(opened(it, "open-all")),
		"aws-ec2-security-group-no-open-ingress":         failIf(anyOpen && !unused(it)),
		"aws-ec2-security-group-no-open-ssh":             failIf(opened(it, "open-ssh", "open-all")),
		"aws-ec2-security-group-no-open-rdp":             failIf(opened(it, "open-rdp", "open-all")),
		"aws-ec2-security-group-no-open-data-ports":      failIf(opened(it, "open-data", "open-all")),
		"aws-ec2-security-group-no-open-legacy-ports":    failIf(opened(it, "open-legacy", "open-all")),
		"aws-ec2-security-group-no-open-high-risk-ports": failIf(opened(it, "open-ssh", "open-rdp", "open-legacy", "open-8080", "open-all")),
		"aws-ec2-security-group-no-wide-public-cidr":     failIf(it.Index >= groupApp && it.Has("wide")),
		"aws-ec2-security-group-in-use":                  inUse,
		"aws-ec2-security-group-default-closed":          closed,
	}
}

func handleEC2Network(s *aws.Server, w *states) {
	aws.Handle(s, func(c aws.Call[*ec2.DescribeVpcsInput]) (*ec2.DescribeVpcsOutput, error) {
		out := &ec2.DescribeVpcsOutput{}
		for _, it := range at(w, c).In("ec2.vpc", c.Region) {
			block := fmt.Sprintf("10.%d.0.0/16", it.Index)
			out.Vpcs = append(out.Vpcs, types.Vpc{VpcId: sdk.String(ec2ID(it, "vpc")), IsDefault: sdk.Bool(it.Index == defaultVPC), State: types.VpcStateAvailable, CidrBlock: sdk.String(block), OwnerId: sdk.String(c.Account),
				CidrBlockAssociationSet: []types.VpcCidrBlockAssociation{{AssociationId: sdk.String("vpc-cidr-assoc-" + it.Hex(17, "cidr")), CidrBlock: sdk.String(block), CidrBlockState: &types.VpcCidrBlockState{State: types.VpcCidrBlockStateCodeAssociated}}}})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*ec2.DescribeSubnetsInput]) (*ec2.DescribeSubnetsOutput, error) {
		out := &ec2.DescribeSubnetsOutput{}
		state := at(w, c)
		for _, it := range state.In("ec2.subnet", c.Region) {
			vpc := state.Find("ec2.vpc", c.Region, it.Index/2)
			out.Subnets = append(out.Subnets, types.Subnet{SubnetId: sdk.String(ec2ID(it, "subnet")), VpcId: sdk.String(ec2ID(vpc, "vpc")), AvailabilityZone: sdk.String(c.Region + string(rune('a'+it.Index%2))),
				CidrBlock: sdk.String(fmt.Sprintf("10.%d.%d.0/24", it.Index/2, it.Index%2)), MapPublicIpOnLaunch: sdk.Bool(it.Has("auto-public")), AssignIpv6AddressOnCreation: sdk.Bool(false), State: types.SubnetStateAvailable, OwnerId: sdk.String(c.Account)})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*ec2.DescribeRouteTablesInput]) (*ec2.DescribeRouteTablesOutput, error) {
		out := &ec2.DescribeRouteTablesOutput{}
		state := at(w, c)
		for _, vpc := range state.In("ec2.vpc", c.Region) {
			out.RouteTables = append(out.RouteTables, routeTables(state, vpc)...)
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*ec2.DescribeInternetGatewaysInput]) (*ec2.DescribeInternetGatewaysOutput, error) {
		out := &ec2.DescribeInternetGatewaysOutput{}
		state := at(w, c)
		for _, it := range state.In("ec2.internet_gateway", c.Region) {
			gateway := types.InternetGateway{InternetGatewayId: sdk.String(ec2ID(it, "igw")), OwnerId: sdk.String(c.Account)}
			if !detached(it) {
				gateway.Attachments = []types.InternetGatewayAttachment{{State: "available", VpcId: sdk.String(ec2ID(state.Find("ec2.vpc", c.Region, it.Index), "vpc"))}}
			}
			out.InternetGateways = append(out.InternetGateways, gateway)
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*ec2.DescribeFlowLogsInput]) (*ec2.DescribeFlowLogsOutput, error) {
		out := &ec2.DescribeFlowLogsOutput{}
		state := at(w, c)
		for _, vpc := range state.In("ec2.vpc", c.Region) {
			if vpc.Has("no-flow-log") {
				continue
			}
			status := "SUCCESS"
			if vpc.Has("flow-log-fails") {
				status = "FAILED"
			}
			out.FlowLogs = append(out.FlowLogs, types.FlowLog{FlowLogId: sdk.String(ec2ID(vpc, "fl")), ResourceId: sdk.String(ec2ID(vpc, "vpc")), FlowLogStatus: sdk.String("ACTIVE"), TrafficType: types.TrafficTypeAll,
				LogDestinationType: types.LogDestinationTypeS3, LogDestination: sdk.String("arn:aws:s3:::" + logBucket(state.Account)), DeliverLogsStatus: sdk.String(status), CreationTime: sdk.Time(state.Long(vpc, 200))})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*ec2.DescribeNetworkAclsInput]) (*ec2.DescribeNetworkAclsOutput, error) {
		out := &ec2.DescribeNetworkAclsOutput{}
		state := at(w, c)
		for _, it := range state.In("ec2.network_acl", c.Region) {
			acl := types.NetworkAcl{NetworkAclId: sdk.String(ec2ID(it, "acl")), VpcId: sdk.String(ec2ID(state.Find("ec2.vpc", c.Region, it.Index), "vpc")), IsDefault: sdk.Bool(it.Index == defaultVPC), OwnerId: sdk.String(c.Account)}
			for i := range 2 {
				acl.Associations = append(acl.Associations, types.NetworkAclAssociation{NetworkAclAssociationId: sdk.String("aclassoc-" + it.Hex(17, fmt.Sprint("assoc", i))), NetworkAclId: acl.NetworkAclId,
					SubnetId: sdk.String(ec2ID(state.Find("ec2.subnet", c.Region, it.Index*2+i), "subnet"))})
			}
			acl.Entries = aclEntries(it)
			out.NetworkAcls = append(out.NetworkAcls, acl)
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*ec2.DescribeAddressesInput]) (*ec2.DescribeAddressesOutput, error) {
		out := &ec2.DescribeAddressesOutput{}
		for _, it := range at(w, c).In("ec2.elastic_ip", c.Region) {
			address := types.Address{AllocationId: sdk.String(ec2ID(it, "eipalloc")), PublicIp: sdk.String(fmt.Sprintf("203.0.113.%d", it.Pick(250, "ip")+1)), Domain: types.DomainTypeVpc}
			if !it.Has("unused") {
				address.AssociationId, address.NetworkInterfaceId = sdk.String(ec2ID(it, "eipassoc")), sdk.String("eni-"+it.Hex(17, "nat"))
			}
			out.Addresses = append(out.Addresses, address)
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*ec2.DescribeTransitGatewaysInput]) (*ec2.DescribeTransitGatewaysOutput, error) {
		out := &ec2.DescribeTransitGatewaysOutput{}
		for _, it := range at(w, c).In("ec2.transit_gateway", c.Region) {
			accept := types.AutoAcceptSharedAttachmentsValueDisable
			if it.Has("auto-accept") {
				accept = types.AutoAcceptSharedAttachmentsValueEnable
			}
			out.TransitGateways = append(out.TransitGateways, types.TransitGateway{TransitGatewayId: sdk.String(ec2ID(it, "tgw")), OwnerId: sdk.String(c.Account), State: types.TransitGatewayStateAvailable,
				Options: &types.TransitGatewayOptions{AutoAcceptSharedAttachments: accept}})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*ec2.DescribeClientVpnEndpointsInput]) (*ec2.DescribeClientVpnEndpointsOutput, error) {
		out := &ec2.DescribeClientVpnEndpointsOutput{}
		for _, it := range at(w, c).In("ec2.client_vpn_endpoint", c.Region) {
			out.ClientVpnEndpoints = append(out.ClientVpnEndpoints, types.ClientVpnEndpoint{ClientVpnEndpointId: sdk.String(ec2ID(it, "cvpn-endpoint")), Status: &types.ClientVpnEndpointStatus{Code: types.ClientVpnEndpointStatusCodeAvailable},
				ConnectionLogOptions:  &types.ConnectionLogResponseOptions{Enabled: sdk.Bool(!it.Has("no-logging"))},
				AuthenticationOptions: []types.ClientVpnAuthentication{{Type: types.ClientVpnAuthenticationTypeFederatedAuthentication}}})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*ec2.DescribeClientVpnAuthorizationRulesInput]) (*ec2.DescribeClientVpnAuthorizationRulesOutput, error) {
		return &ec2.DescribeClientVpnAuthorizationRulesOutput{AuthorizationRules: []types.AuthorizationRule{{ClientVpnEndpointId: c.Input.ClientVpnEndpointId, DestinationCidr: sdk.String("10.1.0.0/16"),
			GroupId: sdk.String("engineers"), AccessAll: sdk.Bool(false), Status: &types.ClientVpnAuthorizationRuleStatus{Code: types.ClientVpnAuthorizationRuleStatusCodeActive}}}}, nil
	})
	aws.Handle(s, func(aws.Call[*ec2.DescribeVpnConnectionsInput]) (*ec2.DescribeVpnConnectionsOutput, error) {
		return &ec2.DescribeVpnConnectionsOutput{VpnConnections: []types.VpnConnection{}}, nil
	})
	aws.Handle(s, func(c aws.Call[*ec2.DescribeSecurityGroupsInput]) (*ec2.DescribeSecurityGroupsOutput, error) {
		out := &ec2.DescribeSecurityGroupsOutput{}
		state := at(w, c)
		for _, it := range state.In("ec2.security_group", c.Region) {
			out.SecurityGroups = append(out.SecurityGroups, securityGroup(state, it))
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*ec2.DescribeNetworkInterfacesInput]) (*ec2.DescribeNetworkInterfacesOutput, error) {
		return &ec2.DescribeNetworkInterfacesOutput{NetworkInterfaces: networkInterfaces(at(w, c), c.Region)}, nil
	})
}

// routeTables are the main table of a VPC, without a way out, and the one of its public subnets.
func routeTables(state *world.State, vpc *world.Item) []types.RouteTable {
	gateway := state.Find("ec2.internet_gateway", vpc.Region, vpc.Index)
	local := types.Route{DestinationCidrBlock: sdk.String(fmt.Sprintf("10.%d.0.0/16", vpc.Index)), GatewayId: sdk.String("local"), State: types.RouteStateActive, Origin: types.RouteOriginCreateRouteTable}
	out := types.Route{DestinationCidrBlock: sdk.String("0.0.0.0/0"), GatewayId: sdk.String(ec2ID(gateway, "igw")), State: types.RouteStateActive, Origin: types.RouteOriginCreateRoute}
	if detached(gateway) {
		out.State = types.RouteStateBlackhole
	}
	main := types.RouteTable{RouteTableId: sdk.String("rtb-" + vpc.Hex(17, "main")), VpcId: sdk.String(ec2ID(vpc, "vpc")), Routes: []types.Route{local},
		Associations: []types.RouteTableAssociation{{Main: sdk.Bool(true), RouteTableId: sdk.String("rtb-" + vpc.Hex(17, "main")), AssociationState: &types.RouteTableAssociationState{State: types.RouteTableAssociationStateCodeAssociated}}}}
	public := types.RouteTable{RouteTableId: sdk.String("rtb-" + vpc.Hex(17, "public")), VpcId: main.VpcId, Routes: []types.Route{local, out}}
	subnets := 1
	if vpc.Has("all-public") {
		subnets = 2
	}
	for i := range subnets {
		public.Associations = append(public.Associations, types.RouteTableAssociation{Main: sdk.Bool(false), RouteTableId: public.RouteTableId, SubnetId: sdk.String(ec2ID(state.Find("ec2.subnet", vpc.Region, vpc.Index*2+i), "subnet")),
			AssociationState: &types.RouteTableAssociationState{State: types.RouteTableAssociationStateCodeAssociated}})
	}
	return []types.RouteTable{main, public}
}

// aclEntries: a default ACL lets everything in; the application's lets in HTTPS and answers.
func aclEntries(it *world.Item) []types.NetworkAclEntry {
	entry := func(number int32, allow bool, protocol string, from, to int32) types.NetworkAclEntry {
		e := types.NetworkAclEntry{RuleNumber: sdk.Int32(number), RuleAction: types.RuleActionDeny, Protocol: sdk.String(protocol), CidrBlock: sdk.String("0.0.0.0/0"), Egress: sdk.Bool(false)}
		if allow {
			e.RuleAction = types.RuleActionAllow
		}
		if protocol == "6" {
			e.PortRange = &types.PortRange{From: sdk.Int32(from), To: sdk.Int32(to)}
		}
		return e
	}
	out := []types.NetworkAclEntry{{RuleNumber: sdk.Int32(100), RuleAction: types.RuleActionAllow, Protocol: sdk.String("-1"), CidrBlock: sdk.String("0.0.0.0/0"), Egress: sdk.Bool(true)}}
	if it.Index == defaultVPC || it.Has("open-all") {
		out = append(out, entry(100, true, "-1", 0, 0))
	} else {
		out = append(out, entry(110, true, "6", 443, 443), entry(120, true, "6", 32768, 65535))
		if it.Has("open-ssh") {
			out = append(out, entry(90, true, "6", 22, 22))
		}
		if it.Has("open-rdp") {
			out = append(out, entry(91, true, "6", 3389, 3389))
		}
	}
	return append(out, entry(32767, false, "-1", 0, 0))
}

func securityGroup(state *world.State, it *world.Item) types.SecurityGroup {
	names := []string{"default", "web", "app", "data", "spare"}
	group := func(index int) *string {
		return sdk.String(ec2ID(state.Find("ec2.security_group", it.Region, index), "sg"))
	}
	anywhere := func(protocol string, from, to int32) types.IpPermission {
		p := types.IpPermission{IpProtocol: sdk.String(protocol), IpRanges: []types.IpRange{{CidrIp: sdk.String("0.0.0.0/0")}}}
		if protocol != "-1" {
			p.FromPort, p.ToPort = sdk.Int32(from), sdk.Int32(to)
		}
		return p
	}
	from := func(source int, port int32) types.IpPermission {
		return types.IpPermission{IpProtocol: sdk.String("tcp"), FromPort: sdk.Int32(port), ToPort: sdk.Int32(port), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: group(source), UserId: sdk.String(it.Account.ID)}}}
	}
	out := types.SecurityGroup{GroupId: sdk.String(ec2ID(it, "sg")), GroupName: sdk.String(names[it.Index]), Description: sdk.String(names[it.Index]), OwnerId: sdk.String(it.Account.ID),
		VpcId: sdk.String(ec2ID(state.Find("ec2.vpc", it.Region, appVPC), "vpc"))}
	if it.Index != groupDefault {
		out.IpPermissionsEgress = []types.IpPermission{anywhere("-1", 0, 0)}
	}
	switch it.Index {
	case groupDefault:
		if it.Has("default-open") {
			out.IpPermissions = []types.IpPermission{{IpProtocol: sdk.String("-1"), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: out.GroupId, UserId: sdk.String(it.Account.ID)}}}}
			out.IpPermissionsEgress = []types.IpPermission{anywhere("-1", 0, 0)}
		}
	case groupWeb:
		out.IpPermissions = []types.IpPermission{anywhere("tcp", 443, 443)}
	case groupApp:
		out.IpPermissions = []types.IpPermission{from(groupWeb, 8443)}
	default:
		out.IpPermissions = []types.IpPermission{from(groupApp, 5432)}
	}
	for _, d := range []struct {
		defect string
		rule   types.IpPermission
	}{
		{"open-ssh", anywhere("tcp", 22, 22)}, {"open-rdp", anywhere("tcp", 3389, 3389)}, {"open-data", anywhere("tcp", 5432, 5432)}, {"open-legacy", anywhere("tcp", 445, 445)},
		{"open-8080", anywhere("tcp", 8080, 8080)}, {"open-all", anywhere("-1", 0, 0)},
		{"wide", types.IpPermission{IpProtocol: sdk.String("tcp"), FromPort: sdk.Int32(443), ToPort: sdk.Int32(443), IpRanges: []types.IpRange{{CidrIp: sdk.String("203.0.0.0/16")}}}},
	} {
		if opened(it, d.defect) {
			out.IpPermissions = append(out.IpPermissions, d.rule)
		}
	}
	return out
}

// networkInterfaces are those of the load balancer, of the database, and of each instance, all in the application VPC.
func networkInterfaces(state *world.State, region string) []types.NetworkInterface {
	vpc := state.Find("ec2.vpc", region, appVPC)
	make := func(id string, kind types.NetworkInterfaceType, subnet int, owner string, groups ...int) types.NetworkInterface {
		n := types.NetworkInterface{NetworkInterfaceId: sdk.String(id), InterfaceType: kind, Status: types.NetworkInterfaceStatusInUse, VpcId: sdk.String(ec2ID(vpc, "vpc")), OwnerId: sdk.String(state.Account.ID),
			SubnetId: sdk.String(ec2ID(state.Find("ec2.subnet", region, subnet), "subnet")), RequesterManaged: sdk.Bool(owner != state.Account.ID), Attachment: &types.NetworkInterfaceAttachment{InstanceOwnerId: sdk.String(owner), Status: types.AttachmentStatusAttached}}
		for _, g := range groups {
			n.Groups = append(n.Groups, types.GroupIdentifier{GroupId: sdk.String(ec2ID(state.Find("ec2.security_group", region, g), "sg")), GroupName: sdk.String("group")})
		}
		return n
	}
	out := []types.NetworkInterface{
		make("eni-"+vpc.Hex(17, "elb"), types.NetworkInterfaceTypeInterface, 2, "amazon-elb", groupWeb),
		make("eni-"+vpc.Hex(17, "rds"), types.NetworkInterfaceTypeInterface, 3, "amazon-rds", groupData),
	}
	for _, it := range state.In("ec2.instance", region) {
		n := make("eni-"+it.Hex(17, "eni"), types.NetworkInterfaceTypeInterface, instanceSubnet(it), state.Account.ID, instanceGroups(state, it)...)
		n.Attachment.InstanceId = sdk.String(ec2ID(it, "i"))
		if it.Has("public-ip") {
			n.Association = &types.NetworkInterfaceAssociation{PublicIp: sdk.String(instanceIP(it))}
		}
		out = append(out, n)
	}
	return out
}
