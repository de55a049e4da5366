package schema

// NetworkSecurityGroup is one network security group.
// Source: armnetwork SecurityGroupsClient.NewListAllPager.
//
//posture:type azure.network.security_group
type NetworkSecurityGroup struct {
	Resource
	Rules             []SecurityRule `json:"rules"` // its own, without the default ones
	AttachedSubnetIDs []string       `json:"attached_subnet_ids"`
	AttachedNICIDs    []string       `json:"attached_nic_ids"`

	// What reaches through from any address on the internet, after the denials that come first.
	OpenTCPPorts  []PortRange `json:"open_tcp_ports" derived:"true"`
	OpenUDPPorts  []PortRange `json:"open_udp_ports" derived:"true"`
	OpensAllPorts bool        `json:"opens_all_ports" derived:"true"` // one rule allows every TCP port, and no denial before it takes them all
	FrontsGateway bool        `json:"fronts_gateway" derived:"true"`  // an application gateway or API Management stands in a subnet of it
}

// SecurityRule is one rule. Single and plural members of the service are one list; "*" is any.
type SecurityRule struct {
	Name             string   `json:"name" key:"true"`
	Direction        string   `json:"direction"` // Inbound, Outbound
	Access           string   `json:"access"`    // Allow, Deny
	Protocol         string   `json:"protocol"`  // Tcp, Udp, Icmp, Esp, Ah, *
	Priority         int      `json:"priority"`  // lower numbers first
	Sources          []string `json:"sources"`   // CIDRs, service tags, ids of application security groups
	SourcePorts      []string `json:"source_ports"`
	Destinations     []string `json:"destinations"`
	DestinationPorts []string `json:"destination_ports"` // "22", "8000-8099"
}

// PortRange is a range of ports, both ends included.
type PortRange struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// VirtualNetwork is one virtual network.
// Source: armnetwork VirtualNetworksClient.NewListAllPager.
//
//posture:type azure.network.virtual_network
type VirtualNetwork struct {
	Resource
	AddressSpace      []string  `json:"address_space"`
	DDoSProtection    bool      `json:"ddos_protection"`
	DDoSPlanID        string    `json:"ddos_plan_id"`
	EncryptionEnabled bool      `json:"encryption_enabled"`
	DNSServers        []string  `json:"dns_servers"`   // empty: Azure's own
	DNSPolicyID       string    `json:"dns_policy_id"` // DNS security policy; "": none is linked
	Peerings          []Peering `json:"peerings"`

	FlowLog               NetworkFlowLog `json:"flow_log"`
	PeeringsCrossTenant   int            `json:"peerings_cross_tenant" derived:"true"`
	DNSPolicyLogs         []string       `json:"dns_policy_log_categories" derived:"true"` // that its diagnostic settings send anywhere
	DNSThroughFirewall    bool           `json:"dns_through_firewall" derived:"true"`      // every DNS server is a firewall that answers for DNS
	HasMachines           bool           `json:"has_machines" derived:"true"`
	BastionReachable      bool           `json:"bastion_reachable" derived:"true"` // a Bastion host stands in it or in a network peered with it
	PublicIPIDs           []string       `json:"public_ip_ids" derived:"true"`     // of what stands in it
	PublicIPsWithoutGuard []string       `json:"public_ips_without_ddos_protection" derived:"true"`
}

// Peering leads to another virtual network.
type Peering struct {
	Name            string `json:"name" key:"true"`
	RemoteNetworkID string `json:"remote_network_id"`
	State           string `json:"state"` // Connected, Initiated, Disconnected
}

// NetworkFlowLog is how a network's traffic is logged: by a flow log of its own, or by those of all its subnets or their
// security groups.
type NetworkFlowLog struct {
	Enabled       bool   `json:"enabled" derived:"true"`
	WorkspaceID   string `json:"workspace_id" derived:"true"`   // traffic analytics; "": none
	RetentionDays int    `json:"retention_days" derived:"true"` // 0: for ever; the shortest where there are several
	StorageID     string `json:"storage_id" derived:"true"`
}

// Subnet is one subnet; location and resource group are those of its network.
// Source: armnetwork VirtualNetworksClient.NewListAllPager.
//
//posture:type azure.network.subnet
type Subnet struct {
	Resource
	VirtualNetworkID               string   `json:"virtual_network_id"`
	NSGID                          string   `json:"nsg_id"`
	RouteTableID                   string   `json:"route_table_id"`
	NATGatewayID                   string   `json:"nat_gateway_id"`
	DefaultOutboundAccess          bool     `json:"default_outbound_access"` // true when nothing is set
	Delegations                    []string `json:"delegations"`             // "Microsoft.Web/serverFarms"
	PrivateEndpointNetworkPolicies string   `json:"private_endpoint_network_policies"`
	HoldsApplicationGateway        bool     `json:"holds_application_gateway"`
	HoldsAPIManagement             bool     `json:"holds_api_management"` // as far as the subnet itself says so
	HoldsScaleSet                  bool     `json:"holds_scale_set"`      // an instance of a scale set has an interface in it
	HoldsOtherThings               bool     `json:"holds_other_things"`   // load balancers, gateways, services: all but network interfaces
	HoldsPrivateEndpoints          bool     `json:"holds_private_endpoints"`

	PrivateEndpointsOnly       bool `json:"private_endpoints_only" derived:"true"`
	HasMachines                bool `json:"has_machines" derived:"true"`                   // a virtual machine or an instance of a scale set
	HasDefaultRouteToAppliance bool `json:"has_default_route_to_appliance" derived:"true"` // 0.0.0.0/0 leads to an appliance or gateway, or nowhere
}

// RouteTable is one route table.
// Source: armnetwork RouteTablesClient.NewListAllPager.
//
//posture:type azure.network.route_table
type RouteTable struct {
	Resource
	Routes []Route `json:"routes"`
}

// Route is one user-defined route.
type Route struct {
	Name        string `json:"name" key:"true"`
	Destination string `json:"destination"`   // CIDR or service tag
	NextHopType string `json:"next_hop_type"` // VirtualAppliance, VirtualNetworkGateway, VnetLocal, Internet, None
	NextHopIP   string `json:"next_hop_ip"`
}

// NetworkInterface is one network interface. Those of scale sets in uniform orchestration are not listed.
// Source: armnetwork InterfacesClient.NewListAllPager.
//
//posture:type azure.network.interface
type NetworkInterface struct {
	Resource
	VMID              string   `json:"vm_id"`
	NSGID             string   `json:"nsg_id"`
	IPForwarding      bool     `json:"ip_forwarding"`
	PublicIPIDs       []string `json:"public_ip_ids"`
	SubnetIDs         []string `json:"subnet_ids"`
	LoadBalancerIDs   []string `json:"load_balancer_ids"` // that send traffic to it
	PrivateEndpointID string   `json:"private_endpoint_id"`

	VMTags map[string]string `json:"vm_tags" derived:"true"` // of the machine it belongs to
}

// PublicIP is one public address.
// Source: armnetwork PublicIPAddressesClient.NewListAllPager.
//
//posture:type azure.network.public_ip
type PublicIP struct {
	Resource
	IPAddress            string   `json:"ip_address"`             // "" while none is assigned
	SKU                  string   `json:"sku"`                    // Basic, Standard
	AssociatedResourceID string   `json:"associated_resource_id"` // the interface, load balancer, gateway, … that has it
	DDoSProtectionMode   string   `json:"ddos_protection_mode"`   // VirtualNetworkInherited when nothing is set, Enabled, Disabled
	Zones                []string `json:"zones"`
}

// NetworkWatcher is the Network Watcher of one region.
// Source: armnetwork WatchersClient.NewListAllPager.
//
//posture:type azure.network.watcher
type NetworkWatcher struct {
	Resource
	ProvisioningState string `json:"provisioning_state"`
}

// FlowLog is one flow log.
// Source: armnetwork FlowLogsClient.NewListPager.
//
//posture:type azure.network.flow_log
type FlowLog struct {
	Resource
	WatcherID               string `json:"watcher_id"`
	TargetResourceID        string `json:"target_resource_id"`
	TargetKind              string `json:"target_kind"` // virtual_network, subnet, network_interface or security_group
	Enabled                 bool   `json:"enabled"`
	RetentionDays           int    `json:"retention_days"` // 0: for ever
	StorageID               string `json:"storage_id"`
	TrafficAnalyticsEnabled bool   `json:"traffic_analytics_enabled"`
	WorkspaceID             string `json:"workspace_id"`
	Version                 int    `json:"version"`
}

// BastionHost is one Bastion host.
// Source: armnetwork BastionHostsClient.NewListPager.
//
//posture:type azure.network.bastion_host
type BastionHost struct {
	Resource
	SKU              string `json:"sku"`
	VirtualNetworkID string `json:"virtual_network_id"`
}

// ApplicationGateway is one application gateway.
// Source: armnetwork ApplicationGatewaysClient.NewListAllPager.
//
//posture:type azure.network.application_gateway
type ApplicationGateway struct {
	Resource
	SKUTier                     string   `json:"sku_tier"`    // Standard_v2, WAF_v2, Basic; Standard and WAF are the first version
	WAFEnabled                  bool     `json:"waf_enabled"` // by the gateway's own settings, which came before policies
	WAFMode                     string   `json:"waf_mode"`    // Detection, Prevention; "": no such settings
	WAFPolicyID                 string   `json:"waf_policy_id"`
	SSLMinProtocol              string   `json:"ssl_min_protocol"` // the lowest that any listener takes: TLSv1_0, TLSv1_1, TLSv1_2, TLSv1_3
	SSLPolicyName               string   `json:"ssl_policy_name"`  // "": a policy of its own
	HTTPListenerWithoutRedirect int      `json:"http_listener_without_redirect"`
	PublicFrontend              bool     `json:"public_frontend"` // a listener answers on a public address
	HTTP2Enabled                bool     `json:"http2_enabled"`
	Zones                       []string `json:"zones"`
	SubnetIDs                   []string `json:"subnet_ids"`

	WAFPolicyEnabled bool   `json:"waf_policy_enabled" derived:"true"`
	WAFPolicyMode    string `json:"waf_policy_mode" derived:"true"`
	RequestBodyCheck bool   `json:"request_body_check" derived:"true"`
	BotRulesEnabled  bool   `json:"bot_rules_enabled" derived:"true"`
}

// WAFPolicy is one firewall policy for application gateways.
// Source: armnetwork WebApplicationFirewallPoliciesClient.NewListAllPager.
//
//posture:type azure.network.waf_policy
type WAFPolicy struct {
	Resource
	Enabled               bool     `json:"enabled"` // true when nothing is set
	Mode                  string   `json:"mode"`    // Prevention, Detection
	RequestBodyCheck      bool     `json:"request_body_check"`
	ManagedRuleSets       []string `json:"managed_rule_sets"` // "Microsoft_DefaultRuleSet_2.1"
	BotRulesEnabled       bool     `json:"bot_rules_enabled"`
	ApplicationGatewayIDs []string `json:"application_gateway_ids"`
}

// VPNGateway is one virtual network gateway, for VPN or ExpressRoute.
// Source: armnetwork VirtualNetworkGatewaysClient.NewListPager.
//
//posture:type azure.network.vpn_gateway
type VPNGateway struct {
	Resource
	GatewayType      string   `json:"gateway_type"` // Vpn, ExpressRoute
	SKU              string   `json:"sku"`
	ClientAuthTypes  []string `json:"client_auth_types"` // AAD, Certificate, Radius
	PointToSite      bool     `json:"point_to_site"`     // single clients may dial in
	ActiveActive     bool     `json:"active_active"`
	VirtualNetworkID string   `json:"virtual_network_id"`
}

// Firewall is one Azure Firewall, with what its policy says.
// Source: armnetwork AzureFirewallsClient.NewListAllPager, FirewallPoliciesClient.NewListAllPager.
//
//posture:type azure.network.firewall
type Firewall struct {
	Resource
	SKUTier          string   `json:"sku_tier"` // Basic, Standard, Premium
	PolicyID         string   `json:"policy_id"`
	ThreatIntelMode  string   `json:"threat_intel_mode"` // Off, Alert, Deny
	IDPSMode         string   `json:"idps_mode"`         // Off, Alert, Deny; Off below Premium
	DNSProxy         bool     `json:"dns_proxy"`
	PrivateIP        string   `json:"private_ip"`
	Zones            []string `json:"zones"`
	VirtualNetworkID string   `json:"virtual_network_id"` // "": stands in a virtual hub
}
