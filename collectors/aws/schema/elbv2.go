package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// LoadBalancer is one application, network or gateway load balancer.
// Source: DescribeLoadBalancers, DescribeLoadBalancerAttributes, DescribeListeners.
//
//posture:type aws.elbv2.load_balancer
type LoadBalancer struct {
	posture.Meta
	LBType             string   `json:"lb_type"` // application, network or gateway
	Scheme             string   `json:"scheme"`  // internet-facing or internal
	State              string   `json:"state"`
	AvailabilityZones  []string `json:"availability_zones"`
	SecurityGroupIDs   []string `json:"security_group_ids"`
	AccessLogsEnabled  bool     `json:"access_logs_enabled"` // network load balancers log TLS listeners only
	AccessLogsBucket   string   `json:"access_logs_bucket"`
	DeletionProtection bool     `json:"deletion_protection"`
	DropInvalidHeaders bool     `json:"drop_invalid_headers"` // application load balancers only, as the next
	DesyncMode         string   `json:"desync_mode"`          // monitor, defensive or strictest
	CrossZoneEnabled   bool     `json:"cross_zone_enabled"`
	ListenerCount      int64    `json:"listener_count"`
	TLSListenerCount   int64    `json:"tls_listener_count"` // listeners with protocol HTTPS or TLS

	// WebACLARN is the web access control list in front of the load balancer; "": none.
	WebACLARN string `json:"web_acl_arn" derived:"true"`
}

// Listener is one listener of an application, network or gateway load balancer.
// Source: DescribeListeners, DescribeRules, DescribeSSLPolicies.
//
//posture:type aws.elbv2.listener
type Listener struct {
	posture.Meta
	LoadBalancerARN         string   `json:"load_balancer_arn"`
	LBType                  string   `json:"lb_type"`
	Protocol                string   `json:"protocol"`
	Port                    int64    `json:"port"`
	SSLPolicy               string   `json:"ssl_policy"`       // "" without TLS
	CertificateARNs         []string `json:"certificate_arns"` // the default certificate
	DefaultActionTypes      []string `json:"default_action_types"`
	DefaultRedirectProtocol string   `json:"default_redirect_protocol"`
	// RedirectsToHTTPS: the default action redirects to HTTPS, or every rule redirects to HTTPS or answers by itself.
	RedirectsToHTTPS bool `json:"redirects_to_https"`
	// MinimumTLS is the lowest protocol the TLS policy allows: TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3; "" without TLS.
	MinimumTLS string `json:"minimum_tls"`
}
