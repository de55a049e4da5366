package aws_test

import (
	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func ec2Verdicts() map[string]verdicts {
	return map[string]verdicts{
		"aws-ec2-security-group-no-open-ssh":             {pass: "closed web rdp data quic pair office", fail: "ssh all half-internet"},
		"aws-ec2-security-group-no-open-rdp":             {pass: "closed web ssh data", fail: "rdp all"},
		"aws-ec2-security-group-no-open-all-ports":       {pass: "closed web ssh wide ping", fail: "all every-tcp"},
		"aws-ec2-security-group-no-open-data-ports":      {pass: "closed web ssh quic", fail: "data cache all every-tcp"},
		"aws-ec2-security-group-no-open-high-risk-ports": {pass: "closed web data ping", fail: "ssh rdp all every-tcp"},
		"aws-ec2-security-group-no-open-legacy-ports":    {pass: "closed web ssh rdp", fail: "telnet all"},
		"aws-ec2-security-group-no-wide-public-cidr":     {pass: "closed web ssh pair office", fail: "wide half-internet"},
		"aws-ec2-security-group-no-open-ingress":         {pass: "closed pair web", fail: "ssh data"}, // web hangs on nothing
		"aws-ec2-security-group-default-closed":          {pass: "quiet-default", fail: "main-default", exempt: "closed ssh"},
		"aws-ec2-security-group-in-use":                  {pass: "closed ssh data pair", fail: "web rdp", exempt: "main-default"},

		"aws-ec2-instance-no-exposed-admin-ports":  {pass: "hardened", fail: "exposed"},
		"aws-ec2-instance-no-exposed-data-ports":   {pass: "hardened", fail: "exposed"},
		"aws-ec2-instance-no-exposed-legacy-ports": {pass: "hardened exposed", fail: "telnet-host"},
		"aws-ec2-instance-no-public-ip":            {pass: "hardened", fail: "exposed"},
		"aws-ec2-instance-imdsv2-required":         {pass: "hardened unasked", fail: "exposed"},
		"aws-ec2-instance-detailed-monitoring":     {pass: "hardened", fail: "exposed", exempt: "stopped"},
		"aws-ec2-instance-ebs-optimized":           {pass: "hardened", fail: "exposed"},
		"aws-ec2-instance-in-vpc":                  {pass: "hardened exposed"},
		"aws-ec2-enclave-host-not-public":          {unknown: "hardened exposed"}, // moto does not say whether a host runs enclaves
		"aws-ec2-enclave-host-no-open-ingress":     {unknown: "exposed"},
		"aws-ec2-enclave-host-running":             {unknown: "stopped"},
		"aws-ec2-elastic-ip-associated":            {pass: "used-address", fail: "idle-address"},

		"aws-ec2-volume-encrypted":                      {pass: "sealed-volume", fail: "bare-volume"},
		"aws-ec2-volume-has-recent-snapshot":            {pass: "hardened-root", exempt: "sealed-volume"},
		"aws-ec2-snapshot-encrypted":                    {pass: "sealed-snapshot", fail: "bare-snapshot"},
		"aws-ec2-snapshot-not-public":                   {fail: "bare-snapshot"}, // moto lists every snapshot as one that all may restore
		"aws-ec2-image-not-public":                      {pass: "own-image", fail: "public-image"},
		"aws-ec2-launch-template-no-public-ip":          {pass: "private-template repaired-template", fail: "public-template half-template"},
		"aws-ec2-region-ebs-encryption-default":         {pass: "tended:east", fail: "tended:west neglected:east"},
		"aws-ec2-region-snapshot-public-access-blocked": {unknown: "tended:east"},

		"aws-ec2-internet-gateway-attached":             {pass: "gateway", fail: "loose-gateway"},
		"aws-ec2-subnet-no-auto-public-ip":              {pass: "private", fail: "public"},
		"aws-ec2-vpc-flow-logs-enabled":                 {pass: "main", fail: "quiet flat"},
		"aws-ec2-vpc-public-private-subnets":            {pass: "main", fail: "flat", exempt: "quiet"},
		"aws-ec2-network-acl-no-open-ssh":               {pass: "acl-web", fail: "acl-default acl-ssh acl-not-rdp", exempt: "acl-idle"},
		"aws-ec2-network-acl-no-open-rdp":               {pass: "acl-web acl-ssh acl-not-rdp", fail: "acl-default", exempt: "acl-idle"},
		"aws-ec2-network-acl-no-open-all-ports":         {pass: "acl-web acl-ssh", fail: "acl-default", exempt: "acl-idle"},
		"aws-ec2-transit-gateway-no-auto-accept":        {pass: "careful-transit", fail: "open-transit"},
		"aws-ec2-client-vpn-connection-logging-enabled": {unknown: "vpns"},
	}
}

// network makes things in the east of the tended account.
type network struct {
	*builder
	api *ec2.Client
}

// id gives a thing made its label.
func (n network) id(label string, id *string) *string {
	n.t.Helper()
	n.name(label, tended, east, sdk.ToString(id))
	return id
}

func buildEC2(b *builder) {
	n := network{b, ec2.NewFromConfig(b.config(tended, east))}
	do(b, n.api.EnableEbsEncryptionByDefault, &ec2.EnableEbsEncryptionByDefaultInput{})
	b.things["vpns"] = thing{tended, east, ""}

	main := n.vpc("main", "10.1.0.0/16")
	quiet := n.vpc("quiet", "10.2.0.0/16")
	flat := n.vpc("flat", "10.3.0.0/16")
	public, private := n.subnet("public", main, "10.1.1.0/24"), n.subnet("private", main, "10.1.2.0/24")
	denied, opened := n.subnet("denied", main, "10.1.3.0/24"), n.subnet("opened", main, "10.1.4.0/24")
	alone := n.subnet("alone", flat, "10.3.1.0/24")
	do(b, n.api.ModifySubnetAttribute, &ec2.ModifySubnetAttributeInput{
		SubnetId: public, MapPublicIpOnLaunch: &types.AttributeBooleanValue{Value: sdk.Bool(true)},
	})
	n.route("gateway", main, public)
	n.route("flat-gateway", flat, alone)
	n.id("loose-gateway", do(b, n.api.CreateInternetGateway, &ec2.CreateInternetGatewayInput{}).InternetGateway.InternetGatewayId)
	n.flowLog(main, types.TrafficTypeAll)
	n.flowLog(flat, types.TrafficTypeAccept) // attempts that were refused leave no trace

	n.acl("acl-web", main, private, 100, "6", types.RuleActionAllow, 443, 443)
	n.acl("acl-ssh", main, denied, 100, "6", types.RuleActionAllow, 22, 22)
	n.entry(n.acl("acl-not-rdp", main, opened, 90, "6", types.RuleActionDeny, 3389, 3389), 100, "-1", types.RuleActionAllow, 0, 0)
	n.acl("acl-idle", main, nil, 100, "-1", types.RuleActionAllow, 0, 0)
	for _, acl := range do(b, n.api.DescribeNetworkAcls, &ec2.DescribeNetworkAclsInput{Filters: filter("vpc-id", *main)}).NetworkAcls {
		if *acl.IsDefault {
			n.id("acl-default", acl.NetworkAclId)
		}
	}

	n.groups(main, quiet)
	n.machines(public, private, alone)
	n.storage()
	n.templates()

	for label, accept := range map[string]types.AutoAcceptSharedAttachmentsValue{
		"careful-transit": types.AutoAcceptSharedAttachmentsValueDisable, "open-transit": types.AutoAcceptSharedAttachmentsValueEnable,
	} {
		n.id(label, do(b, n.api.CreateTransitGateway, &ec2.CreateTransitGatewayInput{
			Options: &types.TransitGatewayRequestOptions{AutoAcceptSharedAttachments: accept},
		}).TransitGateway.TransitGatewayId)
	}
}

func filter(name string, values ...string) []types.Filter {
	return []types.Filter{{Name: &name, Values: values}}
}

func (n network) vpc(label, block string) *string {
	return n.id(label, do(n.builder, n.api.CreateVpc, &ec2.CreateVpcInput{CidrBlock: &block}).Vpc.VpcId)
}

func (n network) subnet(label string, vpc *string, block string) *string {
	return n.id(label, do(n.builder, n.api.CreateSubnet, &ec2.CreateSubnetInput{VpcId: vpc, CidrBlock: &block}).Subnet.SubnetId)
}

// route makes a subnet public: a gateway, and a table that leads to it.
func (n network) route(gateway string, vpc, subnet *string) {
	made := n.id(gateway, do(n.builder, n.api.CreateInternetGateway, &ec2.CreateInternetGatewayInput{}).InternetGateway.InternetGatewayId)
	do(n.builder, n.api.AttachInternetGateway, &ec2.AttachInternetGatewayInput{InternetGatewayId: made, VpcId: vpc})
	table := do(n.builder, n.api.CreateRouteTable, &ec2.CreateRouteTableInput{VpcId: vpc}).RouteTable.RouteTableId
	do(n.builder, n.api.CreateRoute, &ec2.CreateRouteInput{RouteTableId: table, GatewayId: made, DestinationCidrBlock: sdk.String("0.0.0.0/0")})
	do(n.builder, n.api.AssociateRouteTable, &ec2.AssociateRouteTableInput{RouteTableId: table, SubnetId: subnet})
}

func (n network) flowLog(vpc *string, traffic types.TrafficType) {
	do(n.builder, n.api.CreateFlowLogs, &ec2.CreateFlowLogsInput{
		ResourceIds: []string{*vpc}, ResourceType: types.FlowLogsResourceTypeVpc, TrafficType: traffic,
		LogDestinationType: types.LogDestinationTypeS3, LogDestination: sdk.String("arn:aws:s3:::logs"),
	})
}

// acl makes an ACL with one entry and puts it on the subnet.
func (n network) acl(label string, vpc, subnet *string, number int32, protocol string, action types.RuleAction, from, to int32) *string {
	made := n.id(label, do(n.builder, n.api.CreateNetworkAcl, &ec2.CreateNetworkAclInput{VpcId: vpc}).NetworkAcl.NetworkAclId)
	n.entry(made, number, protocol, action, from, to)
	if subnet != nil {
		now := do(n.builder, n.api.DescribeNetworkAcls, &ec2.DescribeNetworkAclsInput{Filters: filter("association.subnet-id", *subnet)})
		for _, association := range now.NetworkAcls[0].Associations {
			if *association.SubnetId == *subnet {
				do(n.builder, n.api.ReplaceNetworkAclAssociation, &ec2.ReplaceNetworkAclAssociationInput{
					AssociationId: association.NetworkAclAssociationId, NetworkAclId: made,
				})
			}
		}
	}
	return made
}

func (n network) entry(acl *string, number int32, protocol string, action types.RuleAction, from, to int32) {
	entry := &ec2.CreateNetworkAclEntryInput{
		NetworkAclId: acl, RuleNumber: &number, Protocol: &protocol, RuleAction: action, Egress: sdk.Bool(false), CidrBlock: sdk.String("0.0.0.0/0"),
	}
	if protocol != "-1" {
		entry.PortRange = &types.PortRange{From: &from, To: &to}
	}
	do(n.builder, n.api.CreateNetworkAclEntry, entry)
}

func (n network) groups(main, quiet *string) {
	for _, group := range []struct {
		label, protocol string
		from, to        int32
		source          string
	}{
		{"closed", "tcp", 443, 443, "10.0.0.0/8"},
		{"web", "tcp", 443, 443, "0.0.0.0/0"},
		{"ssh", "tcp", 22, 22, "0.0.0.0/0"},
		{"rdp", "tcp", 3380, 3390, "::/0"},
		{"data", "tcp", 5432, 5432, "0.0.0.0/0"},
		{"cache", "udp", 11211, 11211, "0.0.0.0/0"},
		{"telnet", "tcp", 23, 23, "0.0.0.0/0"},
		{"quic", "udp", 22, 22, "0.0.0.0/0"}, // SSH is TCP
		{"every-tcp", "tcp", 0, 65535, "0.0.0.0/0"},
		{"ping", "icmp", -1, -1, "0.0.0.0/0"},
		{"all", "-1", -1, -1, "0.0.0.0/0"},
		{"wide", "tcp", 443, 443, "54.0.0.0/8"},
		{"half-internet", "tcp", 22, 22, "0.0.0.0/1"},
		{"office", "tcp", 22, 22, "203.0.113.0/24"},
	} {
		made := n.group(group.label, main)
		allow := types.IpPermission{IpProtocol: &group.protocol, FromPort: &group.from, ToPort: &group.to}
		if group.source == "::/0" {
			allow.Ipv6Ranges = []types.Ipv6Range{{CidrIpv6: &group.source}}
		} else {
			allow.IpRanges = []types.IpRange{{CidrIp: &group.source}}
		}
		do(n.builder, n.api.AuthorizeSecurityGroupIngress, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: made, IpPermissions: []types.IpPermission{allow}})
	}
	pair := n.group("pair", main) // lets in what carries the group "closed", and is named by it
	do(n.builder, n.api.AuthorizeSecurityGroupIngress, &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: sdk.String(n.things["closed"].id), IpPermissions: []types.IpPermission{{
			IpProtocol: sdk.String("tcp"), FromPort: sdk.Int32(22), ToPort: sdk.Int32(22), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: pair}},
		}},
	})

	for label, vpc := range map[string]*string{"main-default": main, "quiet-default": quiet} {
		byDefault := do(n.builder, n.api.DescribeSecurityGroups, &ec2.DescribeSecurityGroupsInput{
			Filters: append(filter("vpc-id", *vpc), filter("group-name", "default")...),
		}).SecurityGroups[0]
		n.id(label, byDefault.GroupId)
		if vpc == quiet && len(byDefault.IpPermissions) > 0 {
			do(n.builder, n.api.RevokeSecurityGroupIngress, &ec2.RevokeSecurityGroupIngressInput{GroupId: byDefault.GroupId, IpPermissions: byDefault.IpPermissions})
		}
		if vpc == quiet {
			do(n.builder, n.api.RevokeSecurityGroupEgress, &ec2.RevokeSecurityGroupEgressInput{GroupId: byDefault.GroupId, IpPermissions: byDefault.IpPermissionsEgress})
		}
	}
}

func (n network) group(label string, vpc *string) *string {
	return n.id(label, do(n.builder, n.api.CreateSecurityGroup, &ec2.CreateSecurityGroupInput{
		GroupName: &label, Description: sdk.String("of the test"), VpcId: vpc,
	}).GroupId)
}

func (n network) machines(public, private, alone *string) {
	n.id("own-image", do(n.builder, n.api.RegisterImage, &ec2.RegisterImageInput{Name: sdk.String("own")}).ImageId)
	shared := n.id("public-image", do(n.builder, n.api.RegisterImage, &ec2.RegisterImageInput{Name: sdk.String("shared")}).ImageId)
	do(n.builder, n.api.ModifyImageAttribute, &ec2.ModifyImageAttributeInput{
		ImageId: shared, LaunchPermission: &types.LaunchPermissionModifications{Add: []types.LaunchPermission{{Group: types.PermissionGroupAll}}},
	})

	tokens := func(state types.HttpTokensState, endpoint types.InstanceMetadataEndpointState) *types.InstanceMetadataOptionsRequest {
		return &types.InstanceMetadataOptionsRequest{HttpTokens: state, HttpEndpoint: endpoint, HttpPutResponseHopLimit: sdk.Int32(1)}
	}
	required := tokens(types.HttpTokensStateRequired, types.InstanceMetadataEndpointStateEnabled)
	optional := tokens(types.HttpTokensStateOptional, types.InstanceMetadataEndpointStateEnabled)
	hardened := n.machine("hardened", types.InstanceTypeM5Large, private, true, required, "closed")
	n.machine("exposed", types.InstanceTypeT2Micro, public, false, optional, "ssh", "data")
	n.machine("telnet-host", types.InstanceTypeT3Micro, private, false, required, "telnet")
	n.machine("unasked", types.InstanceTypeT3Micro, private, false, tokens(types.HttpTokensStateOptional, types.InstanceMetadataEndpointStateDisabled), "closed")
	stopped := n.machine("stopped", types.InstanceTypeT3Micro, private, false, required, "closed")
	do(n.builder, n.api.StopInstances, &ec2.StopInstancesInput{InstanceIds: []string{*stopped}})
	n.machine("flat-host", types.InstanceTypeT3Micro, alone, false, required)

	used := do(n.builder, n.api.AllocateAddress, &ec2.AllocateAddressInput{Domain: types.DomainTypeVpc})
	n.id("used-address", used.AllocationId)
	do(n.builder, n.api.AssociateAddress, &ec2.AssociateAddressInput{AllocationId: used.AllocationId, InstanceId: stopped})
	n.id("idle-address", do(n.builder, n.api.AllocateAddress, &ec2.AllocateAddressInput{Domain: types.DomainTypeVpc}).AllocationId)

	disks := do(n.builder, n.api.DescribeVolumes, &ec2.DescribeVolumesInput{Filters: filter("attachment.instance-id", *hardened)})
	root := n.id("hardened-root", disks.Volumes[0].VolumeId)
	do(n.builder, n.api.CreateSnapshot, &ec2.CreateSnapshotInput{VolumeId: root})
}

func (n network) machine(label string, kind types.InstanceType, subnet *string, watched bool, metadata *types.InstanceMetadataOptionsRequest, groups ...string) *string {
	var ids []string
	for _, group := range groups {
		ids = append(ids, n.things[group].id)
	}
	return n.id(label, do(n.builder, n.api.RunInstances, &ec2.RunInstancesInput{
		ImageId: sdk.String(n.things["own-image"].id), InstanceType: kind, MinCount: sdk.Int32(1), MaxCount: sdk.Int32(1),
		SubnetId: subnet, SecurityGroupIds: ids, MetadataOptions: metadata,
		Monitoring: &types.RunInstancesMonitoringEnabled{Enabled: &watched},
	}).Instances[0].InstanceId)
}

func (n network) storage() {
	for label, encrypted := range map[string]bool{"sealed": true, "bare": false} {
		if !encrypted { // the region would encrypt it
			do(n.builder, n.api.DisableEbsEncryptionByDefault, &ec2.DisableEbsEncryptionByDefaultInput{})
		}
		volume := n.id(label+"-volume", do(n.builder, n.api.CreateVolume, &ec2.CreateVolumeInput{
			AvailabilityZone: sdk.String("us-east-1a"), Size: sdk.Int32(8), Encrypted: &encrypted,
		}).VolumeId)
		do(n.builder, n.api.EnableEbsEncryptionByDefault, &ec2.EnableEbsEncryptionByDefaultInput{})
		snapshot := n.id(label+"-snapshot", do(n.builder, n.api.CreateSnapshot, &ec2.CreateSnapshotInput{VolumeId: volume}).SnapshotId)
		if !encrypted { // EC2 lets nobody make an encrypted one public
			do(n.builder, n.api.ModifySnapshotAttribute, &ec2.ModifySnapshotAttributeInput{
				SnapshotId: snapshot, Attribute: types.SnapshotAttributeNameCreateVolumePermission, OperationType: types.OperationTypeAdd, GroupNames: []string{"all"},
			})
		}
	}
}

// templates: the default version and the latest decide, no other.
func (n network) templates() {
	for label, versions := range map[string][]bool{
		"private-template": {false}, "public-template": {true}, "half-template": {true, false}, "repaired-template": {false, true, false},
	} {
		var id *string
		for i, public := range versions {
			data := &types.RequestLaunchTemplateData{NetworkInterfaces: []types.LaunchTemplateInstanceNetworkInterfaceSpecificationRequest{{
				DeviceIndex: sdk.Int32(0), AssociatePublicIpAddress: &public,
			}}}
			if i == 0 {
				id = n.id(label, do(n.builder, n.api.CreateLaunchTemplate, &ec2.CreateLaunchTemplateInput{
					LaunchTemplateName: &label, LaunchTemplateData: data,
				}).LaunchTemplate.LaunchTemplateId)
			} else {
				do(n.builder, n.api.CreateLaunchTemplateVersion, &ec2.CreateLaunchTemplateVersionInput{LaunchTemplateId: id, LaunchTemplateData: data})
			}
		}
	}
}
