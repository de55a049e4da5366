package schema

// EventGridTopic is one Event Grid topic or domain.
// Source: armeventgrid TopicsClient and DomainsClient.NewListBySubscriptionPager.
//
//posture:type azure.eventgrid.topic
type EventGridTopic struct {
	Resource
	Kind                     string `json:"kind"`                  // topic, domain
	PublicNetworkAccess      string `json:"public_network_access"` // Enabled when nothing is set, Disabled
	InboundIPRules           int    `json:"inbound_ip_rules"`
	PrivateEndpointsApproved int    `json:"private_endpoints_approved"`
	LocalAuthDisabled        bool   `json:"local_auth_disabled"`
	MinimumTLSVersion        string `json:"minimum_tls_version"` // "" when nothing is set
}
