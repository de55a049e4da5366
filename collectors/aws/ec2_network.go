package aws

import (
	"context"
	"slices"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
)

func collectSecurityGroups(ctx context.Context, c *client, emit collectors.Emit) error {
	list := ec2.NewDescribeSecurityGroupsPaginator(ec2.NewFromConfig(c.config), &ec2.DescribeSecurityGroupsInput{MaxResults: sdk.Int32(1000)})
	return listed("security groups", pages(ctx, list, func(page *ec2.DescribeSecurityGroupsOutput) error {
		for _, g := range page.SecurityGroups {
			group := &schema.SecurityGroup{
				Meta:      ec2Meta(g.GroupId, g.Tags),
				GroupID:   sdk.ToString(g.GroupId),
				VPCID:     sdk.ToString(g.VpcId),
				IsDefault: sdk.ToString(g.GroupName) == "default", // no other group may be called so
			}
			if name := sdk.ToString(g.GroupName); name != "" {
				group.Name = name
			}
			for _, p := range g.IpPermissions {
				protocol := protocolName(p.IpProtocol)
				from, to := portRange(protocol, p.FromPort, p.ToPort)
				for _, end := range ends(p) {
					group.Ingress = append(group.Ingress, schema.IngressRule{
						Protocol: protocol, FromPort: from, ToPort: to,
						CIDR: end.cidr, SourceGroupID: end.group, PrefixListID: end.prefixList,
					})
				}
			}
			for _, p := range g.IpPermissionsEgress {
				protocol := protocolName(p.IpProtocol)
				from, to := portRange(protocol, p.FromPort, p.ToPort)
				for _, end := range ends(p) {
					group.Egress = append(group.Egress, schema.EgressRule{
						Protocol: protocol, FromPort: from, ToPort: to,
						CIDR: end.cidr, DestinationGroupID: end.group, PrefixListID: end.prefixList,
					})
				}
			}
			emit(group.GroupID, group)
		}
		return nil
	}))
}

// end is the far end of a rule: the source of ingress, the destination of egress.
type end struct{ cidr, group, prefixList string }

func ends(p types.IpPermission) []end {
	var out []end
	for _, r := range p.IpRanges {
		out = append(out, end{cidr: sdk.ToString(r.CidrIp)})
	}
	for _, r := range p.Ipv6Ranges {
		out = append(out, end{cidr: sdk.ToString(r.CidrIpv6)})
	}
	for _, g := range p.UserIdGroupPairs {
		out = append(out, end{group: sdk.ToString(g.GroupId)})
	}
	for _, l := range p.PrefixListIds {
		out = append(out, end{prefixList: sdk.ToString(l.PrefixListId)})
	}
	return out
}

// protocolName gives the protocols that rules speak of their names: EC2 uses numbers in ACLs and names in groups.
func protocolName(protocol *string) string {
	switch p := sdk.ToString(protocol); p {
	case "-1":
		return "all"
	case "1":
		return "icmp"
	case "6":
		return "tcp"
	case "17":
		return "udp"
	case "58":
		return "icmpv6"
	default:
		return p
	}
}

// portRange is the ports that a rule covers; -1 and -1, which no port matches, for protocols that have none. EC2 heeds
// ports for TCP and UDP only: any other protocol is let through whole.
func portRange(protocol string, from, to *int32) (int64, int64) {
	switch protocol {
	case "tcp", "udp":
		if from != nil && *from >= 0 && to != nil && *to >= 0 {
			return int64(*from), int64(*to)
		}
		return 0, 65535
	case "all", "33", "132", "136": // DCCP, SCTP and UDP-Lite have ports as well
		return 0, 65535
	default:
		return -1, -1
	}
}

func collectInterfaces(ctx context.Context, c *client, emit collectors.Emit) error {
	list := ec2.NewDescribeNetworkInterfacesPaginator(ec2.NewFromConfig(c.config), &ec2.DescribeNetworkInterfacesInput{
		MaxResults: sdk.Int32(1000), IncludeManagedResources: sdk.Bool(true),
	})
	return listed("network interfaces", pages(ctx, list, func(page *ec2.DescribeNetworkInterfacesOutput) error {
		for _, n := range page.NetworkInterfaces {
			a := ec2Answer("DescribeNetworkInterfaces")
			attachment := orZero(n.Attachment)
			i := &schema.NetworkInterface{
				Meta:             ec2Meta(n.NetworkInterfaceId, n.TagSet),
				InterfaceType:    stated(a, "interface_type", n.InterfaceType),
				Status:           stated(a, "status", n.Status),
				SubnetID:         sdk.ToString(n.SubnetId),
				PublicIP:         sdk.ToString(orZero(n.Association).PublicIp),
				SecurityGroupIDs: groupIDs(n.Groups),
				InstanceID:       sdk.ToString(attachment.InstanceId),
				InstanceOwnerID:  sdk.ToString(attachment.InstanceOwnerId),
				RequesterManaged: required(a, "requester_managed", n.RequesterManaged),
			}
			for _, address := range n.PrivateIpAddresses {
				if i.PublicIP == "" {
					i.PublicIP = sdk.ToString(orZero(address.Association).PublicIp)
				}
			}
			emit(sdk.ToString(n.NetworkInterfaceId), i, a.gaps...)
		}
		return nil
	}))
}

func collectNetworkACLs(ctx context.Context, c *client, emit collectors.Emit) error {
	list := ec2.NewDescribeNetworkAclsPaginator(ec2.NewFromConfig(c.config), &ec2.DescribeNetworkAclsInput{MaxResults: sdk.Int32(1000)})
	return listed("network ACLs", pages(ctx, list, func(page *ec2.DescribeNetworkAclsOutput) error {
		for _, l := range page.NetworkAcls {
			a := ec2Answer("DescribeNetworkAcls")
			acl := &schema.NetworkACL{
				Meta:      ec2Meta(l.NetworkAclId, l.Tags),
				VPCID:     sdk.ToString(l.VpcId),
				IsDefault: required(a, "is_default", l.IsDefault),
			}
			for _, association := range l.Associations {
				acl.SubnetIDs = append(acl.SubnetIDs, sdk.ToString(association.SubnetId))
			}
			acl.SubnetIDs = sortedUnique(acl.SubnetIDs)
			for _, e := range l.Entries {
				protocol, ports := protocolName(e.Protocol), orZero(e.PortRange)
				from, to := portRange(protocol, ports.From, ports.To)
				entry := schema.NetworkACLEntry{
					Egress:     required(a, "entries", e.Egress),
					RuleNumber: int64(required(a, "entries", e.RuleNumber)),
					Action:     stated(a, "entries", e.RuleAction),
					Protocol:   stated(a, "entries", protocol),
					FromPort:   from, ToPort: to,
					CIDR: sdk.ToString(e.CidrBlock),
				}
				if entry.CIDR == "" {
					entry.CIDR = required(a, "entries", e.Ipv6CidrBlock)
				}
				acl.Entries = append(acl.Entries, entry)
			}
			emit(sdk.ToString(l.NetworkAclId), acl, a.gaps...)
		}
		return nil
	}))
}

func collectSubnets(ctx context.Context, c *client, emit collectors.Emit) error {
	list := ec2.NewDescribeSubnetsPaginator(ec2.NewFromConfig(c.config), &ec2.DescribeSubnetsInput{MaxResults: sdk.Int32(1000)})
	return listed("subnets", pages(ctx, list, func(page *ec2.DescribeSubnetsOutput) error {
		for _, s := range page.Subnets {
			a := ec2Answer("DescribeSubnets")
			emit(sdk.ToString(s.SubnetId), &schema.Subnet{
				Meta:                 ec2Meta(s.SubnetId, s.Tags),
				VPCID:                sdk.ToString(s.VpcId),
				AvailabilityZone:     required(a, "availability_zone", s.AvailabilityZone),
				MapPublicIPOnLaunch:  required(a, "map_public_ip_on_launch", s.MapPublicIpOnLaunch),
				AssignIPv6OnCreation: required(a, "assign_ipv6_on_creation", s.AssignIpv6AddressOnCreation),
			}, a.gaps...)
		}
		return nil
	}))
}

func collectRouteTables(ctx context.Context, c *client, emit collectors.Emit) error {
	list := ec2.NewDescribeRouteTablesPaginator(ec2.NewFromConfig(c.config), &ec2.DescribeRouteTablesInput{MaxResults: sdk.Int32(100)})
	return listed("route tables", pages(ctx, list, func(page *ec2.DescribeRouteTablesOutput) error {
		for _, t := range page.RouteTables {
			table := &schema.RouteTable{Meta: ec2Meta(t.RouteTableId, t.Tags), VPCID: sdk.ToString(t.VpcId)}
			for _, association := range t.Associations {
				switch orZero(association.AssociationState).State {
				case types.RouteTableAssociationStateCodeDisassociated, types.RouteTableAssociationStateCodeFailed:
					continue
				}
				table.IsMain = table.IsMain || sdk.ToBool(association.Main)
				if id := sdk.ToString(association.SubnetId); id != "" {
					table.SubnetIDs = append(table.SubnetIDs, id)
				}
			}
			table.SubnetIDs = sortedUnique(table.SubnetIDs)
			for _, r := range t.Routes {
				table.Routes = append(table.Routes, route(r))
			}
			emit(sdk.ToString(t.RouteTableId), table)
		}
		return nil
	}))
}

func route(r types.Route) schema.Route {
	out := schema.Route{State: string(r.State), TargetType: "other"}
	for _, destination := range []*string{r.DestinationCidrBlock, r.DestinationIpv6CidrBlock, r.DestinationPrefixListId} {
		if out.Destination == "" {
			out.Destination = sdk.ToString(destination)
		}
	}
	gateway := sdk.ToString(r.GatewayId) // names gateways of several kinds, told apart by the prefix
	for _, target := range []struct{ kind, id string }{
		{"nat_gateway", sdk.ToString(r.NatGatewayId)},
		{"transit_gateway", sdk.ToString(r.TransitGatewayId)},
		{"peering", sdk.ToString(r.VpcPeeringConnectionId)},
		{"egress_only_internet_gateway", sdk.ToString(r.EgressOnlyInternetGatewayId)},
		{"carrier_gateway", sdk.ToString(r.CarrierGatewayId)},
		{"local_gateway", sdk.ToString(r.LocalGatewayId)},
		{"core_network", sdk.ToString(r.CoreNetworkArn)},
		{"odb_network", sdk.ToString(r.OdbNetworkArn)},
		{"network_interface", sdk.ToString(r.NetworkInterfaceId)},
		{gatewayKind(gateway), gateway},
	} {
		if target.id != "" {
			out.TargetType, out.TargetID = target.kind, target.id
			break
		}
	}
	return out
}

func gatewayKind(id string) string {
	for _, kind := range []struct{ prefix, name string }{
		{"local", "local"}, {"igw-", "internet_gateway"}, {"vgw-", "vpn_gateway"}, {"vpce-", "vpc_endpoint"},
	} {
		if len(id) >= len(kind.prefix) && id[:len(kind.prefix)] == kind.prefix {
			return kind.name
		}
	}
	return "other"
}

func collectVPCs(ctx context.Context, c *client, emit collectors.Emit) error {
	list := ec2.NewDescribeVpcsPaginator(ec2.NewFromConfig(c.config), &ec2.DescribeVpcsInput{MaxResults: sdk.Int32(1000)})
	return listed("VPCs", pages(ctx, list, func(page *ec2.DescribeVpcsOutput) error {
		for _, v := range page.Vpcs {
			a := ec2Answer("DescribeVpcs")
			vpc := &schema.VPC{Meta: ec2Meta(v.VpcId, v.Tags), IsDefault: required(a, "is_default", v.IsDefault)}
			associated := func(state *types.VpcCidrBlockState, block *string) {
				if cidr := sdk.ToString(block); cidr != "" && orZero(state).State == types.VpcCidrBlockStateCodeAssociated {
					vpc.CIDRBlocks = append(vpc.CIDRBlocks, cidr)
				}
			}
			for _, b := range v.CidrBlockAssociationSet {
				associated(b.CidrBlockState, b.CidrBlock)
			}
			for _, b := range v.Ipv6CidrBlockAssociationSet {
				associated(b.Ipv6CidrBlockState, b.Ipv6CidrBlock)
			}
			slices.Sort(vpc.CIDRBlocks)
			emit(sdk.ToString(v.VpcId), vpc, a.gaps...)
		}
		return nil
	}))
}
