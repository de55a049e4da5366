package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// SecurityGroup is one security group.
// Source: DescribeSecurityGroups.
//
//posture:type aws.ec2.security_group
type SecurityGroup struct {
	posture.Meta
	GroupID   string        `json:"group_id"`
	VPCID     string        `json:"vpc_id"`
	IsDefault bool          `json:"is_default"` // the group that every VPC has
	Ingress   []IngressRule `json:"ingress"`
	Egress    []EgressRule  `json:"egress"`

	// PublicIngress are the ingress rules for any source: 0.0.0.0/0, ::/0, and prefixes nearly as wide.
	PublicIngress []PublicRule `json:"public_ingress" derived:"true"`
	// WidePublicCIDRs are IPv4 ranges of length 1 to 23, in either direction, that hold public addresses.
	WidePublicCIDRs []string `json:"wide_public_cidrs" derived:"true"`
	// Attachments are the network interfaces that have the group.
	Attachments []GroupAttachment `json:"attachments" derived:"true"`
	// InUse: an interface has the group, or a rule of another group names it.
	InUse bool `json:"in_use" derived:"true"`
	// Exposed: an interface has the group, and the group lets any source in.
	Exposed bool `json:"exposed" derived:"true"`
}

// IngressRule lets one source in. Of cidr, source_group_id and prefix_list_id one is set.
type IngressRule struct {
	Protocol      string `json:"protocol"`  // tcp, udp, icmp, icmpv6, a number, or all
	FromPort      int64  `json:"from_port"` // -1 for protocols without ports
	ToPort        int64  `json:"to_port"`   // the range's last port
	CIDR          string `json:"cidr"`
	SourceGroupID string `json:"source_group_id"`
	PrefixListID  string `json:"prefix_list_id"`
}

// EgressRule lets traffic out to one destination. Of cidr, destination_group_id and prefix_list_id one is set.
type EgressRule struct {
	Protocol           string `json:"protocol"`  // tcp, udp, icmp, icmpv6, a number, or all
	FromPort           int64  `json:"from_port"` // -1 for protocols without ports
	ToPort             int64  `json:"to_port"`   // the range's last port
	CIDR               string `json:"cidr"`
	DestinationGroupID string `json:"destination_group_id"`
	PrefixListID       string `json:"prefix_list_id"`
}

// PublicRule is an ingress rule whose source is any.
type PublicRule struct {
	Protocol string `json:"protocol"`
	FromPort int64  `json:"from_port"`
	ToPort   int64  `json:"to_port"`
	CIDR     string `json:"cidr"`
}

// GroupAttachment is a network interface that has a security group.
type GroupAttachment struct {
	InterfaceID     string `json:"interface_id" key:"true"`
	InterfaceType   string `json:"interface_type"`
	InstanceOwnerID string `json:"instance_owner_id"` // account or service it is attached for; "" when unattached
}

// NetworkInterface is one elastic network interface.
// Source: DescribeNetworkInterfaces.
//
//posture:type aws.ec2.network_interface
type NetworkInterface struct {
	posture.Meta
	InterfaceType    string   `json:"interface_type"`
	Status           string   `json:"status"`
	SubnetID         string   `json:"subnet_id"`
	PublicIP         string   `json:"public_ip"` // public IPv4 address of its primary or a secondary private address
	SecurityGroupIDs []string `json:"security_group_ids"`
	InstanceID       string   `json:"instance_id"`
	InstanceOwnerID  string   `json:"instance_owner_id"` // account or service it is attached for; "" when unattached
	RequesterManaged bool     `json:"requester_managed"`
}

// NetworkACL is one network ACL.
// Source: DescribeNetworkAcls.
//
//posture:type aws.ec2.network_acl
type NetworkACL struct {
	posture.Meta
	VPCID     string            `json:"vpc_id"`
	IsDefault bool              `json:"is_default"`
	SubnetIDs []string          `json:"subnet_ids"`
	Entries   []NetworkACLEntry `json:"entries"`

	// EffectivePublicIngress is what any source can reach after all ingress entries are applied in order.
	EffectivePublicIngress []OpenPorts `json:"effective_public_ingress" derived:"true"`
}

// NetworkACLEntry is one rule of a network ACL. EC2 applies rules by ascending number; 32767 and 32768 are the implicit denials.
type NetworkACLEntry struct {
	Egress     bool   `json:"egress"`
	RuleNumber int64  `json:"rule_number"`
	Action     string `json:"action"`    // allow or deny
	Protocol   string `json:"protocol"`  // tcp, udp, icmp, icmpv6, a number, or all
	FromPort   int64  `json:"from_port"` // -1 for protocols without ports
	ToPort     int64  `json:"to_port"`   // the range's last port
	CIDR       string `json:"cidr"`
}

// Subnet is one subnet.
// Source: DescribeSubnets.
//
//posture:type aws.ec2.subnet
type Subnet struct {
	posture.Meta
	VPCID                string `json:"vpc_id"`
	AvailabilityZone     string `json:"availability_zone"`
	MapPublicIPOnLaunch  bool   `json:"map_public_ip_on_launch"`
	AssignIPv6OnCreation bool   `json:"assign_ipv6_on_creation"`
	// Public: its route table, or the main one of its VPC, has an active default route to an internet gateway.
	Public bool `json:"public" derived:"true"`
}

// RouteTable is one route table.
// Source: DescribeRouteTables.
//
//posture:type aws.ec2.route_table
type RouteTable struct {
	posture.Meta
	VPCID     string   `json:"vpc_id"`
	IsMain    bool     `json:"is_main"`    // serves the subnets of the VPC that have no table of their own
	SubnetIDs []string `json:"subnet_ids"` // subnets that have this table of their own
	Routes    []Route  `json:"routes"`
}

// Route is one route of a route table.
type Route struct {
	Destination string `json:"destination"` // CIDR or prefix list
	// TargetType is internet_gateway, nat_gateway, transit_gateway, peering, network_interface, vpc_endpoint,
	// egress_only_internet_gateway, vpn_gateway, carrier_gateway, local_gateway, core_network, odb_network, local or other.
	TargetType string `json:"target_type"`
	TargetID   string `json:"target_id"`
	State      string `json:"state"` // active, blackhole or filtered
}

// VPC is one virtual private cloud.
// Source: DescribeVpcs.
//
//posture:type aws.ec2.vpc
type VPC struct {
	posture.Meta
	IsDefault  bool     `json:"is_default"`
	CIDRBlocks []string `json:"cidr_blocks"` // IPv4 and IPv6, those associated

	// InUse: one of its subnets holds a network interface.
	InUse bool `json:"in_use" derived:"true"`
	// FlowLogActive: the VPC, or each of its subnets, has a working flow log of all or of rejected traffic.
	FlowLogActive         bool  `json:"flow_log_active" derived:"true"`
	SubnetCount           int64 `json:"subnet_count" derived:"true"`
	PublicSubnetCount     int64 `json:"public_subnet_count" derived:"true"`
	AvailabilityZoneCount int64 `json:"availability_zone_count" derived:"true"`
	// DNSQueryLogging: the resolver logs the queries made in the VPC.
	DNSQueryLogging bool `json:"dns_query_logging" derived:"true"`
}

// FlowLog is one flow log of a VPC, subnet, interface or transit gateway.
// Source: DescribeFlowLogs.
//
//posture:type aws.ec2.flow_log
type FlowLog struct {
	posture.Meta
	ResourceID      string `json:"resource_id"`
	Status          string `json:"status"`
	TrafficType     string `json:"traffic_type"`     // ACCEPT, REJECT or ALL; "" for transit gateways
	DestinationType string `json:"destination_type"` // cloud-watch-logs, s3 or kinesis-data-firehose
	Destination     string `json:"destination"`      // ARN; the name of the log group for logs made without one
	DeliveryStatus  string `json:"delivery_status"`  // SUCCESS; FAILED: records are being lost; "": none delivered yet
}

// InternetGateway is one internet gateway.
// Source: DescribeInternetGateways.
//
//posture:type aws.ec2.internet_gateway
type InternetGateway struct {
	posture.Meta
	AttachedVPCIDs []string `json:"attached_vpc_ids"`
}

// ElasticIP is one public address that the account holds.
// Source: DescribeAddresses.
//
//posture:type aws.ec2.elastic_ip
type ElasticIP struct {
	posture.Meta
	PublicIP           string `json:"public_ip"`
	AssociationID      string `json:"association_id"` // "": unused
	InstanceID         string `json:"instance_id"`
	NetworkInterfaceID string `json:"network_interface_id"`
}

// TransitGateway is one transit gateway, of this account or shared with it; deleted ones are left out.
// Source: DescribeTransitGateways.
//
//posture:type aws.ec2.transit_gateway
type TransitGateway struct {
	posture.Meta
	OwnerID                     string `json:"owner_id"`
	State                       string `json:"state"`
	AutoAcceptSharedAttachments bool   `json:"auto_accept_shared_attachments"`
}

// ClientVPNEndpoint is one endpoint that people connect to; deleted ones are left out.
// Source: DescribeClientVpnEndpoints, DescribeClientVpnAuthorizationRules.
//
//posture:type aws.ec2.client_vpn_endpoint
type ClientVPNEndpoint struct {
	posture.Meta
	Status                   string   `json:"status"`
	ConnectionLoggingEnabled bool     `json:"connection_logging_enabled"`
	AuthenticationTypes      []string `json:"authentication_types"`
	AuthorizeAllGroups       bool     `json:"authorize_all_groups"` // everybody who signs in may reach every destination
}

// VPNConnection is one site-to-site connection; deleted ones are left out. Its configuration, which holds keys, is never stored.
// Source: DescribeVpnConnections.
//
//posture:type aws.ec2.vpn_connection
type VPNConnection struct {
	posture.Meta
	State       string `json:"state"`
	TunnelsUp   int64  `json:"tunnels_up"`
	TunnelCount int64  `json:"tunnel_count"`
}
