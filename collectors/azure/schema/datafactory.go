package schema

// DataFactory is one data factory.
// Source: armdatafactory FactoriesClient.NewListPager, IntegrationRuntimesClient.NewListByFactoryPager.
//
//posture:type azure.datafactory.factory
type DataFactory struct {
	Resource
	PublicNetworkAccess string `json:"public_network_access"` // Enabled when nothing is set
	KeyVaultKeyURI      string `json:"key_vault_key_uri"`     // without version; "": Microsoft's own keys
	CustomerManagedKey  bool   `json:"customer_managed_key"`
	IdentityType        string `json:"identity_type"` // "": none
	GitConfigured       bool   `json:"git_configured"`
	ManagedVNetRuntime  bool   `json:"managed_vnet_runtime"` // an integration runtime works inside a managed virtual network
}
