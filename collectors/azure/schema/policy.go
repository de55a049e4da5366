package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// PolicyAssignment is one assignment of an Azure Policy definition or initiative at the subscription or above; its id is the
// Resource Manager id in lower case.
// Source: armpolicy AssignmentsClient.NewListPager.
//
//posture:type azure.policy.assignment
type PolicyAssignment struct {
	posture.Meta
	DisplayName        string   `json:"display_name"`
	PolicyDefinitionID string   `json:"policy_definition_id"` // lower case
	IsInitiative       bool     `json:"is_initiative"`
	EnforcementMode    string   `json:"enforcement_mode"` // Default, DoNotEnforce, Enroll; Default when nothing is set
	Scope              string   `json:"scope"`            // lower case
	ScopeLevel         string   `json:"scope_level"`      // root, management_group, subscription
	NotScopes          []string `json:"not_scopes"`       // lower case
	DefinitionVersion  string   `json:"definition_version"`
}

// ComplianceSummary is how many resources comply with one policy assignment; its id is that of the assignment.
// Source: armpolicyinsights PolicyStatesClient.SummarizeForSubscription.
//
//posture:type azure.policy.compliance_summary
type ComplianceSummary struct {
	posture.Meta
	AssignmentID          string `json:"assignment_id"`
	NoncompliantResources int    `json:"noncompliant_resources"`
	NoncompliantPolicies  int    `json:"noncompliant_policies"`
	TotalResources        int    `json:"total_resources"`
}

// PolicyState is what one policy last found about one resource, for the policies that look into machines and clusters; its id
// is made of the ids of resource, assignment and definition.
// Source: armpolicyinsights PolicyStatesClient.NewListQueryResultsForSubscriptionPager.
//
//posture:type azure.policy.state
type PolicyState struct {
	posture.Meta
	PolicyDefinitionName string                 `json:"policy_definition_name"` // GUID of a built-in definition
	PolicySetName        string                 `json:"policy_set_name"`        // "" for a definition assigned by itself
	AssignmentID         string                 `json:"assignment_id"`
	ResourceID           string                 `json:"resource_id"`
	Baseline             string                 `json:"baseline"`         // guest: inside a machine; kubernetes: inside a cluster
	ComplianceState      string                 `json:"compliance_state"` // Compliant, NonCompliant, Exempt, Conflict, Unknown
	EvaluatedAt          posture.Opt[time.Time] `json:"evaluated_at" volatile:"true"`
}
