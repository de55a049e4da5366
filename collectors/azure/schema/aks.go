package schema

// KubernetesCluster is one AKS cluster.
// Source: armcontainerservice ManagedClustersClient.NewListPager, ManagedClustersClient.ListKubernetesVersions.
//
//posture:type azure.aks.cluster
type KubernetesCluster struct {
	Resource
	KubernetesVersion       string   `json:"kubernetes_version"` // that it runs: "1.32.6"
	VersionSupported        bool     `json:"version_supported"`  // by the cluster's support plan, in its region
	SupportPlan             string   `json:"support_plan"`       // KubernetesOfficial, AKSLongTermSupport
	RBACEnabled             bool     `json:"rbac_enabled"`       // true when nothing is set
	LocalAccountsDisabled   bool     `json:"local_accounts_disabled"`
	EntraManaged            bool     `json:"entra_managed"`
	AzureRBAC               bool     `json:"azure_rbac"`
	PrivateCluster          bool     `json:"private_cluster"`
	PublicNetworkAccess     string   `json:"public_network_access"` // Enabled when nothing is set
	AuthorizedIPRanges      []string `json:"authorized_ip_ranges"`
	RunCommandDisabled      bool     `json:"run_command_disabled"`
	NetworkPolicy           string   `json:"network_policy"` // none when nothing is set, azure, calico, cilium
	NetworkPlugin           string   `json:"network_plugin"` // azure, kubenet, none
	OutboundType            string   `json:"outbound_type"`  // loadBalancer, userDefinedRouting, managedNATGateway, …
	NodePublicIP            bool     `json:"node_public_ip"` // of some pool
	DiskEncryptionSetID     string   `json:"disk_encryption_set_id"`
	EncryptionAtHostAll     bool     `json:"encryption_at_host_all_pools"`
	AutoUpgradeChannel      string   `json:"auto_upgrade_channel"`    // none when nothing is set, patch, stable, rapid, node-image
	NodeOSUpgradeChannel    string   `json:"node_os_upgrade_channel"` // NodeImage when nothing is set, SecurityPatch, Unmanaged, None
	PolicyAddon             bool     `json:"policy_addon"`
	DefenderEnabled         bool     `json:"defender_enabled"`
	MonitorMetrics          bool     `json:"monitor_metrics"` // managed Prometheus
	ContainerInsights       bool     `json:"container_insights"`
	KeyVaultSecretsProvider bool     `json:"key_vault_secrets_provider"`
	WorkloadIdentity        bool     `json:"workload_identity"`
	KMSEnabled              bool     `json:"kms_enabled"` // etcd is encrypted with a key in Key Vault
	ImageCleaner            bool     `json:"image_cleaner"`
	ZonesAllPools           bool     `json:"zones_all_pools"`

	LogCategories []string `json:"log_categories" derived:"true"` // that its diagnostic settings send somewhere; groups by their name
}
