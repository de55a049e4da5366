package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// DenyPolicy takes permissions away whatever is granted; its id is that of the policy on the project or organization.
// Source: iam policies.listPolicies, policies.get.
//
//posture:type gcp.iam.deny_policy
type DenyPolicy struct {
	posture.Meta
	AttachmentPoint string     `json:"attachment_point"` // "projects/acme", "organizations/123"
	Rules           []DenyRule `json:"rules"`
}

// DenyRule denies permissions to principals, with exceptions.
type DenyRule struct {
	DeniedPrincipals     []string `json:"denied_principals"` // "principalSet://goog/public:all"
	ExceptionPrincipals  []string `json:"exception_principals"`
	DeniedPermissions    []string `json:"denied_permissions"` // "iam.googleapis.com/serviceAccountKeys.create"
	ExceptionPermissions []string `json:"exception_permissions"`
	Condition            string   `json:"condition"` // CEL over the resource's tags; "": always
}

// WorkforcePool holds people whom another identity provider signs in; its id is the last part of its name. Names of pools
// are unique in the world and do not tell whose they are.
// Source: iam locations.workforcePools.list.
//
//posture:type gcp.iam.workforce_pool
type WorkforcePool struct {
	posture.Meta
	State    string `json:"state"` // ACTIVE, DELETED
	Disabled bool   `json:"disabled"`
}
