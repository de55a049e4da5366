package schema

// CosmosAccount is one Cosmos DB account.
// Source: armcosmos DatabaseAccountsClient.NewListPager.
//
//posture:type azure.cosmosdb.account
type CosmosAccount struct {
	Resource
	Kind                           string   `json:"kind"`                  // GlobalDocumentDB, MongoDB, Parse
	PublicNetworkAccess            string   `json:"public_network_access"` // Enabled when nothing is set, Disabled, SecuredByPerimeter
	IPRules                        []string `json:"ip_rules"`              // "0.0.0.0" stands for all of Azure's data centres
	VNetFilter                     bool     `json:"vnet_filter"`
	VNetRules                      []string `json:"vnet_rules"` // subnet ids
	PrivateEndpointsApproved       int      `json:"private_endpoints_approved"`
	LocalAuthDisabled              bool     `json:"local_auth_disabled"`
	KeyBasedMetadataWritesDisabled bool     `json:"key_based_metadata_writes_disabled"`
	KeyVaultKeyURI                 string   `json:"key_vault_key_uri"`   // "": a key of Microsoft's
	MinimumTLSVersion              string   `json:"minimum_tls_version"` // Tls12 when nothing is set; Tls is 1.0
	AutomaticFailover              bool     `json:"automatic_failover"`
	RegionCount                    int      `json:"region_count"`
	ZoneRedundant                  bool     `json:"zone_redundant"` // in every region
	BackupType                     string   `json:"backup_type"`    // Periodic or Continuous
}
