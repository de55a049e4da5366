package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// BackendService is what a load balancer sends traffic to; its id is "projects/acme/global/backendServices/web", or with
// "regions/europe-west1" for "global".
// Source: compute backendServices.aggregatedList, networkEndpointGroups.aggregatedList.
//
//posture:type gcp.compute.backend_service
type BackendService struct {
	posture.Meta
	SelfLink            string   `json:"self_link"`
	Location            string   `json:"location"`              // "global" or a region
	LoadBalancingScheme string   `json:"load_balancing_scheme"` // EXTERNAL, EXTERNAL_MANAGED, INTERNAL, …
	Protocol            string   `json:"protocol"`              // HTTP, HTTPS, HTTP2, H2C, GRPC, SSL, TCP, UDP, UNSPECIFIED
	External            bool     `json:"external"`              // by its scheme
	SupportsLogging     bool     `json:"supports_logging"`
	LogEnabled          bool     `json:"log_enabled"`
	LogSamplePermille   int64    `json:"log_sample_permille"`  // logged requests in a thousand; 0 while logs are off
	SecurityPolicy      string   `json:"security_policy"`      // Cloud Armor policy, or ""
	EdgeSecurityPolicy  string   `json:"edge_security_policy"` // Cloud Armor policy before the cache, or ""
	IAPEnabled          bool     `json:"iap_enabled"`
	HealthCheckCount    int64    `json:"health_check_count"`
	BackendKinds        []string `json:"backend_kinds"` // instance_group, zonal_neg, serverless_neg, internet_neg, psc_neg, portmap_neg
	UsedBy              []string `json:"used_by"`       // what refers to it, as far as the service itself tells

	InUse bool `json:"in_use" derived:"true"` // by a URL map, target proxy or forwarding rule of the project, or by what used_by names
}

// TargetProxy is where a load balancer ends connections; its id is "projects/acme/global/targetHttpsProxies/web".
// Source: compute targetHttpsProxies.aggregatedList, targetHttpProxies.aggregatedList, targetSslProxies.list,
// targetTcpProxies.aggregatedList.
//
//posture:type gcp.compute.target_proxy
type TargetProxy struct {
	posture.Meta
	Kind             string   `json:"kind"` // https, http, ssl, tcp
	Location         string   `json:"location"`
	SSLPolicy        string   `json:"ssl_policy"`        // id of the policy; "": the platform's default
	URLMap           string   `json:"url_map"`           // id, of https and http
	BackendService   string   `json:"backend_service"`   // id, of ssl and tcp
	CertificateNames []string `json:"certificate_names"` // ids, also of Certificate Manager; not looked at when there is a map
	CertificateMap   string   `json:"certificate_map"`   // of Certificate Manager, or ""

	// What the policy, or without one the default, comes to; "" of kinds without TLS.
	SSLPolicyMinTLS   string   `json:"ssl_policy_min_tls" derived:"true"`  // TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3
	SSLPolicyProfile  string   `json:"ssl_policy_profile" derived:"true"`  // COMPATIBLE, MODERN, RESTRICTED, FIPS_202205, CUSTOM
	SSLPolicyFeatures []string `json:"ssl_policy_features" derived:"true"` // cipher suites that a policy of the profile CUSTOM enables
	RedirectsToHTTPS  bool     `json:"redirects_to_https" derived:"true"`  // of kind http: whatever is asked for
	External          bool     `json:"external" derived:"true"`            // a forwarding rule of an external scheme leads here
}

// SSLPolicy says which TLS versions and cipher suites load balancers speak; its id is "projects/acme/global/sslPolicies/modern".
// Source: compute sslPolicies.aggregatedList.
//
//posture:type gcp.compute.ssl_policy
type SSLPolicy struct {
	posture.Meta
	SelfLink        string   `json:"self_link"`
	MinTLSVersion   string   `json:"min_tls_version"`
	Profile         string   `json:"profile"`
	EnabledFeatures []string `json:"enabled_features"`
}

// URLMap says which backend answers which host and path; its id is "projects/acme/global/urlMaps/web".
// Source: compute urlMaps.aggregatedList.
//
//posture:type gcp.compute.url_map
type URLMap struct {
	posture.Meta
	SelfLink                 string   `json:"self_link"`
	DefaultHTTPSRedirect     bool     `json:"default_https_redirect"`
	AllMatchersHTTPSRedirect bool     `json:"all_matchers_https_redirect"` // the default and each rule of every path matcher
	BackendServices          []string `json:"backend_services"`            // ids, buckets among them
}

// ForwardingRule is an address and where its traffic goes; its id is "projects/acme/global/forwardingRules/web".
// Source: compute forwardingRules.aggregatedList.
//
//posture:type gcp.compute.forwarding_rule
type ForwardingRule struct {
	posture.Meta
	Location            string `json:"location"`
	LoadBalancingScheme string `json:"load_balancing_scheme"` // "" of Private Service Connect
	IPAddress           string `json:"ip_address"`
	Target              string `json:"target"`          // id of a proxy, gateway, pool or service attachment, a bundle of APIs, or ""
	BackendService      string `json:"backend_service"` // id, or ""
	PortRange           string `json:"port_range"`      // "443-443"; "" when it names ports one by one, or all
}

// SSLCertificate is a classic certificate of load balancers, not one of Certificate Manager; its id is
// "projects/acme/global/sslCertificates/www".
// Source: compute sslCertificates.aggregatedList.
//
//posture:type gcp.compute.ssl_certificate
type SSLCertificate struct {
	posture.Meta
	Location      string                 `json:"location"`
	CertType      string                 `json:"cert_type"`      // MANAGED, SELF_MANAGED
	ExpireTime    posture.Opt[time.Time] `json:"expire_time"`    // absent while a managed one is being provisioned
	ManagedStatus string                 `json:"managed_status"` // ACTIVE, PROVISIONING, RENEWAL_FAILED, …; "" when self-managed

	InUse bool `json:"in_use" derived:"true"` // by a target proxy
}
