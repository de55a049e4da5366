package schema

// CognitiveAccount is one account of Azure AI services, Azure OpenAI and AI Foundry among them.
// Source: armcognitiveservices AccountsClient.NewListPager.
//
//posture:type azure.cognitiveservices.account
type CognitiveAccount struct {
	Resource
	Kind                     string           `json:"kind"`                  // OpenAI, AIServices, FormRecognizer, …
	PublicNetworkAccess      string           `json:"public_network_access"` // Enabled when nothing is set
	Network                  CognitiveNetwork `json:"network"`
	PrivateEndpointsApproved int              `json:"private_endpoints_approved"`
	LocalAuthDisabled        bool             `json:"local_auth_disabled"`
	EncryptionKeySource      string           `json:"encryption_key_source"` // Microsoft.CognitiveServices when nothing is set, Microsoft.KeyVault
	CustomerStorage          bool             `json:"customer_storage"`      // what it keeps lies in a storage account of the customer's
	OutboundRestricted       bool             `json:"outbound_restricted"`
}

// CognitiveNetwork is the account's firewall.
type CognitiveNetwork struct {
	DefaultAction string `json:"default_action"` // Allow when nothing is set
}
