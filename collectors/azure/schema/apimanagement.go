package schema

// APIManagementService is one API Management service. Of named values only what is said about them is kept.
// Source: armapimanagement ServiceClient.NewListPager, NamedValueClient and APIClient.NewListByServicePager.
//
//posture:type azure.apimanagement.service
type APIManagementService struct {
	Resource
	SKU                      string   `json:"sku"`                  // Consumption, Developer, Basic, Standard, Premium, StandardV2, …
	VirtualNetworkType       string   `json:"virtual_network_type"` // None, External, Internal
	PublicNetworkAccess      string   `json:"public_network_access"`
	PrivateEndpointsApproved int      `json:"private_endpoints_approved"`
	LegacyTLSEnabled         bool     `json:"legacy_tls_enabled"` // SSL 3.0, TLS 1.0 or 1.1, towards clients or backends
	PlatformVersion          string   `json:"platform_version"`   // stv1 is retired; stv2, stv2.1, mtv1 for Consumption
	PlaintextNamedValues     int      `json:"plaintext_named_values"`
	PlaintextSuspectNames    []string `json:"plaintext_suspect_names"` // plaintext named values that look like secrets
	HTTPAPIs                 int      `json:"http_apis"`               // current revisions that answer without TLS
	DeveloperPortal          bool     `json:"developer_portal"`
	Zones                    []string `json:"zones"`
}
