package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// FirewallRule is one rule of a packet filter, whatever holds it. The id of a VPC rule is
// "projects/acme/global/firewalls/allow-ssh"; that of a policy's rule is the policy's with "/rules/" and the priority, which no
// two rules of a policy share. Rules of hierarchical policies belong to the organization.
// Source: compute firewalls.list, networkFirewallPolicies.aggregatedList, networkFirewallPolicies.get,
// regionNetworkFirewallPolicies.get, firewallPolicies.list, firewallPolicies.get.
//
//posture:type gcp.compute.firewall_rule
type FirewallRule struct {
	posture.Meta
	Source   string   `json:"source"`   // vpc, network_policy, hierarchical_policy
	Policy   string   `json:"policy"`   // the policy that holds it: "projects/acme/global/firewallPolicies/web"; "" of a VPC rule
	Networks []string `json:"networks"` // ids of the networks it works on; none: its policy is associated with none
	Nodes    []string `json:"nodes"`    // of a hierarchical rule, what its policy is associated with: "folders/7"

	Direction string `json:"direction"` // INGRESS, EGRESS
	Action    string `json:"action"`    // allow, deny, goto_next, apply_security_profile_group
	Priority  int64  `json:"priority"`  // the lowest comes first
	Disabled  bool   `json:"disabled"`

	SourceRanges          []string `json:"source_ranges"`
	SourceTags            []string `json:"source_tags"` // of VPC rules; of policies the secure ones, "tagValues/7"
	SourceServiceAccounts []string `json:"source_service_accounts"`
	SourceObjects         []string `json:"source_objects"`      // address groups, host names, countries, threat lists, networks
	SourceNetworkType     string   `json:"source_network_type"` // narrows the sources: INTERNET, NON_INTERNET, VPC_NETWORKS, INTRA_VPC, or ""

	DestinationRanges      []string `json:"destination_ranges"`
	DestinationObjects     []string `json:"destination_objects"`
	DestinationNetworkType string   `json:"destination_network_type"`

	Targets    []string        `json:"targets"` // tags, service accounts, networks or forwarding rules; none: everything
	Layer4     []ProtocolPorts `json:"layer4"`
	LogEnabled bool            `json:"log_enabled"`

	// InternetOpen: the rule is in force and lets in traffic from every public IPv4 or IPv6 address. Rules that come before it
	// and deny some are not looked at.
	InternetOpen bool        `json:"internet_open" derived:"true"`
	OpenTCPPorts []PortRange `json:"open_tcp_ports" derived:"true"` // whatever the direction and the action
	OpenUDPPorts []PortRange `json:"open_udp_ports" derived:"true"`
}

// ProtocolPorts is a protocol and the ports of it.
type ProtocolPorts struct {
	Protocol string   `json:"protocol"` // "tcp", "all", or a number
	Ports    []string `json:"ports"`    // "22", "8000-8099"; none: all
}

// PortRange is a range of ports, both ends included.
type PortRange struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}
