package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Distribution is one CloudFront distribution.
// Source: ListDistributions, GetDistributionConfig, CloudWatch Logs DescribeDeliverySources and DescribeDeliveries.
//
//posture:type aws.cloudfront.distribution
type Distribution struct {
	posture.Meta
	DomainName             string              `json:"domain_name"`
	Enabled                bool                `json:"enabled"`
	WebACLID               string              `json:"web_acl_id"` // "": none
	DefaultRootObject      string              `json:"default_root_object"`
	Logging                DistributionLogging `json:"logging"`
	FieldLevelEncryptionID string              `json:"field_level_encryption_id"` // of the default behaviour
	ViewerProtocolPolicies []string            `json:"viewer_protocol_policies"`  // of all behaviours, each once
	ViewerCertificate      ViewerCertificate   `json:"viewer_certificate"`
	Origins                []Origin            `json:"origins"`
}

// DistributionLogging is where the requests of a distribution are logged.
type DistributionLogging struct {
	StandardBucket    string `json:"standard_bucket"` // "": standard logging to S3 is off
	RealtimeConfigARN string `json:"realtime_config_arn"`
	V2Delivery        bool   `json:"v2_delivery"` // CloudWatch Logs delivers its access log somewhere
	// Enabled: at least one of the three.
	Enabled bool `json:"enabled" derived:"true"`
}

// ViewerCertificate is what viewers negotiate TLS with.
type ViewerCertificate struct {
	Default                bool   `json:"default"` // that of *.cloudfront.net
	MinimumProtocolVersion string `json:"minimum_protocol_version"`
	SSLSupportMethod       string `json:"ssl_support_method"`
}

// Origin is where a distribution fetches content.
type Origin struct {
	ID                    string   `json:"id" key:"true"`
	DomainName            string   `json:"domain_name"`
	S3Origin              bool     `json:"s3_origin"` // a bucket's REST endpoint; a website endpoint is none
	OriginAccessControlID string   `json:"origin_access_control_id"`
	OriginAccessIdentity  string   `json:"origin_access_identity"`
	ProtocolPolicy        string   `json:"protocol_policy"` // "" for buckets
	SSLProtocols          []string `json:"ssl_protocols"`
}
