package schema

// AutomationAccount is one Automation account. Of variables only what is said about them is kept.
// Source: armautomation AccountClient.NewListPager, AccountClient.Get, VariableClient.NewListByAutomationAccountPager.
//
//posture:type azure.automation.account
type AutomationAccount struct {
	Resource
	PublicNetworkAccess     bool     `json:"public_network_access"` // true when nothing is set
	LocalAuthDisabled       bool     `json:"local_auth_disabled"`
	KeySource               string   `json:"key_source"` // Microsoft.Automation when nothing is set, Microsoft.Keyvault
	CustomerManagedKey      bool     `json:"customer_managed_key"`
	IdentityType            string   `json:"identity_type"` // "": none
	UnencryptedVariables    int      `json:"unencrypted_variables"`
	UnencryptedSuspectNames []string `json:"unencrypted_suspect_names"` // unencrypted variables that look like secrets
}
