package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// RunService is one Cloud Run service, never the values of its environment; its id is its full name, its region the location.
// Services that belong to functions of the second generation are among them.
// Source: run projects.locations.services.list, projects.locations.services.getIamPolicy.
//
//posture:type gcp.run.service
type RunService struct {
	posture.Meta
	Location            string   `json:"location"`
	Ingress             string   `json:"ingress"`              // INGRESS_TRAFFIC_ALL, …_INTERNAL_ONLY, …_INTERNAL_LOAD_BALANCER, …_NONE
	InvokerIAMDisabled  bool     `json:"invoker_iam_disabled"` // callers are not asked who they are
	IAPEnabled          bool     `json:"iap_enabled"`
	IAM                 Grants   `json:"iam"`
	ServiceAccount      string   `json:"service_account"` // "": Compute Engine's default account
	KMSKeyName          string   `json:"kms_key_name"`    // "": a key of Google's
	BinaryAuthorization bool     `json:"binary_authorization"`
	EnvSuspectNames     []string `json:"env_suspect_names"` // of plain variables that look like secrets
	VPCEgress           string   `json:"vpc_egress"`        // ALL_TRAFFIC, PRIVATE_RANGES_ONLY, "": no way into a network
	FromFunctions       bool     `json:"from_functions"`    // a function's service
}
