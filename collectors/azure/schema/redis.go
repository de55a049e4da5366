package schema

// Cache is one Azure Cache for Redis.
// Source: armredis Client.NewListBySubscriptionPager.
//
//posture:type azure.redis.cache
type Cache struct {
	Resource
	SKU                      string   `json:"sku"`
	NonSSLPort               bool     `json:"non_ssl_port"`
	MinimumTLSVersion        string   `json:"minimum_tls_version"`   // "1.0" when nothing is set
	PublicNetworkAccess      string   `json:"public_network_access"` // Enabled when nothing is set
	PrivateEndpointsApproved int      `json:"private_endpoints_approved"`
	AccessKeysDisabled       bool     `json:"access_keys_disabled"`
	EntraAuth                bool     `json:"entra_auth"`
	SubnetID                 string   `json:"subnet_id"`
	Zones                    []string `json:"zones"`
}
