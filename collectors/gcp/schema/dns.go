package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// ManagedZone is one zone of Cloud DNS; its id is "projects/acme/managedZones/example-org".
// Source: dns managedZones.list.
//
//posture:type gcp.dns.managed_zone
type ManagedZone struct {
	posture.Meta
	DNSName      string `json:"dns_name"`      // "example.org."
	Visibility   string `json:"visibility"`    // public, private
	DNSSECState  string `json:"dnssec_state"`  // on, off, transfer
	KSKAlgorithm string `json:"ksk_algorithm"` // of key signing keys made next: "ecdsap256sha256"; "": the default
	ZSKAlgorithm string `json:"zsk_algorithm"` // of zone signing keys, likewise
	QueryLogging bool   `json:"query_logging"` // of public zones
}

// DNSPolicy is one server policy of Cloud DNS; its id is "projects/acme/policies/logging".
// Source: dns policies.list.
//
//posture:type gcp.dns.policy
type DNSPolicy struct {
	posture.Meta
	EnableLogging     bool     `json:"enable_logging"`
	Networks          []string `json:"networks"` // ids of the VPC networks it is bound to
	InboundForwarding bool     `json:"inbound_forwarding"`
}
