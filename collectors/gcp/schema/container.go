package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Cluster is one GKE cluster; its id is "projects/acme/locations/europe-west1/clusters/orders". Its tags are the labels.
// Source: container projects.locations.clusters.list.
//
//posture:type gcp.container.cluster
type Cluster struct {
	posture.Meta
	Location                  string   `json:"location"`
	Regional                  bool     `json:"regional"` // the control plane runs in several zones
	Status                    string   `json:"status"`
	Autopilot                 bool     `json:"autopilot"`
	ReleaseChannel            string   `json:"release_channel"` // RAPID, REGULAR, STABLE, EXTENDED; "" when in none
	MasterVersion             string   `json:"master_version"`
	PrivateNodes              bool     `json:"private_nodes"` // where node pools do not say otherwise
	PublicEndpointEnabled     bool     `json:"public_endpoint_enabled"`
	DNSEndpointExternal       bool     `json:"dns_endpoint_external"` // reachable from outside Google Cloud, by IAM permission
	AuthorizedNetworksEnabled bool     `json:"authorized_networks_enabled"`
	AuthorizedNetworks        []string `json:"authorized_networks"`
	LegacyABAC                bool     `json:"legacy_abac"`
	BasicAuth                 bool     `json:"basic_auth"`
	ClientCertificate         bool     `json:"client_certificate"`
	WorkloadPool              string   `json:"workload_pool"`      // "" when workload identity is off
	SecretsEncryption         string   `json:"secrets_encryption"` // ENCRYPTED, ALL_OBJECTS_ENCRYPTION_ENABLED or DECRYPTED, beyond Google's own
	NetworkPolicyEnabled      bool     `json:"network_policy_enabled"`
	IntranodeVisibility       bool     `json:"intranode_visibility"`
	ShieldedNodes             bool     `json:"shielded_nodes"`
	LoggingComponents         []string `json:"logging_components"` // SYSTEM_COMPONENTS, WORKLOADS, APISERVER, …
	MonitoringComponents      []string `json:"monitoring_components"`
	LoggingService            string   `json:"logging_service"`           // older switch; "none": off
	BinaryAuthorizationMode   string   `json:"binary_authorization_mode"` // DISABLED, PROJECT_SINGLETON_POLICY_ENFORCE, …; "" when not set
	SecurityPostureMode       string   `json:"security_posture_mode"`     // DISABLED, BASIC, ENTERPRISE; "" when not set
	RBACGoogleGroup           string   `json:"rbac_google_group"`
	Network                   string   `json:"network"` // the network's id
	Alpha                     bool     `json:"alpha"`
	PublicNodePoolCount       int      `json:"public_node_pool_count"`     // pools that ask for public addresses themselves
	PoolsWithoutGKEMetadata   int      `json:"pools_without_gke_metadata"` // pools whose workloads reach the node's own metadata server

	// BinaryAuthorizationProjectPolicy is what the project's policy does by default; "": there is none.
	BinaryAuthorizationProjectPolicy string `json:"binary_authorization_project_policy" derived:"true"`
}

// NodePool is one group of like nodes of a cluster; its id is the cluster's and "/nodePools/default". Its tags are the labels.
// Source: container projects.locations.clusters.list.
//
//posture:type gcp.container.node_pool
type NodePool struct {
	posture.Meta
	Cluster                 string   `json:"cluster"`         // the cluster's id
	Autopilot               bool     `json:"autopilot"`       // the cluster's
	ReleaseChannel          string   `json:"release_channel"` // the cluster's
	ImageType               string   `json:"image_type"`      // "COS_CONTAINERD"
	AutoUpgrade             bool     `json:"auto_upgrade"`
	AutoRepair              bool     `json:"auto_repair"`
	ServiceAccount          string   `json:"service_account"` // "default" or "": Compute Engine's default account
	OAuthScopes             []string `json:"oauth_scopes"`
	WorkloadMetadataMode    string   `json:"workload_metadata_mode"`    // GKE_METADATA, GCE_METADATA or ""
	LegacyEndpointsDisabled string   `json:"legacy_endpoints_disabled"` // "true", "false" or "" when not set
	SecureBoot              bool     `json:"secure_boot"`
	IntegrityMonitoring     bool     `json:"integrity_monitoring"`
	BootDiskKMSKey          string   `json:"boot_disk_kms_key"` // "": a key of Google's
	PrivateNodes            string   `json:"private_nodes"`     // "true", "false", or "" for the cluster's setting
}
