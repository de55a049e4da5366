package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// OrgPolicy is what one organization policy constraint comes to in the project, inheritance and defaults included; its id is
// the constraint's name. Only constraints that something here asks about are read.
// Source: orgpolicy projects.policies.getEffectivePolicy.
//
//posture:type gcp.orgpolicy.policy
type OrgPolicy struct {
	posture.Meta
	Node       string        `json:"node"`       // "projects/acme"
	Constraint string        `json:"constraint"` // "iam.disableServiceAccountKeyCreation"
	Spec       OrgPolicySpec `json:"spec"`
	DryRun     bool          `json:"dry_run"` // only tried out: what it forbids is logged and happens all the same
}

// OrgPolicySpec is the policy in force.
type OrgPolicySpec struct {
	Rules             []OrgPolicyRule `json:"rules"`
	InheritFromParent bool            `json:"inherit_from_parent"`
	Reset             bool            `json:"reset"` // back to the constraint's default
}

// OrgPolicyRule is one rule: enforce for constraints that are on or off, the others for those that list values.
type OrgPolicyRule struct {
	Enforce       bool     `json:"enforce"`
	AllowAll      bool     `json:"allow_all"`
	DenyAll       bool     `json:"deny_all"`
	AllowedValues []string `json:"allowed_values"`
	DeniedValues  []string `json:"denied_values"`
	Condition     string   `json:"condition"` // CEL over the resource's tags; "": always
}
