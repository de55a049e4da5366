package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Network is one VPC network of the project, or a legacy network; its id is "projects/acme/global/networks/default". A shared
// network belongs to its host project alone.
// Source: compute networks.list.
//
//posture:type gcp.compute.network
type Network struct {
	posture.Meta
	SelfLink              string           `json:"self_link"`
	ProjectID             string           `json:"project_id"`
	Legacy                bool             `json:"legacy"` // one range for all regions, without subnetworks
	AutoCreateSubnetworks bool             `json:"auto_create_subnetworks"`
	SubnetworkCount       int64            `json:"subnetwork_count"`
	Peerings              []NetworkPeering `json:"peerings"`

	DNSLogging bool `json:"dns_logging" derived:"true"` // a DNS policy of the project logs its queries
	// HasEgressDenyAll: a rule of its own, of its global policies, or of a policy from above denies all egress to all IPv4
	// addresses. Rules that come first and allow some are not looked at.
	HasEgressDenyAll    bool     `json:"has_egress_deny_all" derived:"true"`
	FirewallPolicyNames []string `json:"firewall_policy_names" derived:"true"` // network policies with a rule on it
}

// NetworkPeering is a network's side of a peering.
type NetworkPeering struct {
	Name    string `json:"name" key:"true"`
	Network string `json:"network"` // the other one, perhaps of another project
	State   string `json:"state"`   // ACTIVE, INACTIVE: the other side is missing
}

// Subnetwork is one subnetwork; its id is "projects/acme/regions/europe-west1/subnetworks/orders".
// Source: compute subnetworks.aggregatedList.
//
//posture:type gcp.compute.subnetwork
type Subnetwork struct {
	posture.Meta
	SelfLink             string `json:"self_link"`
	Network              string `json:"network"`                // the network's id
	Purpose              string `json:"purpose"`                // PRIVATE, REGIONAL_MANAGED_PROXY, PRIVATE_SERVICE_CONNECT, PRIVATE_NAT, …
	FlowLogsEnabled      bool   `json:"flow_logs_enabled"`      // by the subnetwork's own setting
	FlowSamplingPermille int64  `json:"flow_sampling_permille"` // logged flows in a thousand; 0 while logs are off
	FlowMetadata         string `json:"flow_metadata"`          // INCLUDE_ALL_METADATA, …, or ""
	PrivateGoogleAccess  bool   `json:"private_google_access"`
}
