package schema

// MachineLearningWorkspace is one Azure Machine Learning workspace, hub or project.
// Source: armmachinelearning WorkspacesClient.NewListBySubscriptionPager, ComputeClient.NewListPager.
//
//posture:type azure.machinelearning.workspace
type MachineLearningWorkspace struct {
	Resource
	Kind                     string `json:"kind"`                  // Default, Hub, Project, FeatureStore
	PublicNetworkAccess      string `json:"public_network_access"` // Enabled when nothing is set
	PrivateEndpointsApproved int    `json:"private_endpoints_approved"`
	ManagedNetworkIsolation  string `json:"managed_network_isolation"` // Disabled when nothing is set, AllowInternetOutbound, AllowOnlyApprovedOutbound
	EncryptionStatus         string `json:"encryption_status"`         // Enabled: a key of the customer's; Disabled when nothing is set
	HBI                      bool   `json:"hbi"`                       // marked as holding sensitive data
	// Clusters and compute instances of the workspace that take local users, or have public addresses.
	ComputeLocalAuthEnabled int `json:"compute_local_auth_enabled"`
	ComputePublicIP         int `json:"compute_public_ip"`
}
