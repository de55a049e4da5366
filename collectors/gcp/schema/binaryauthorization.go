package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// BinaryAuthorizationPolicy says which container images a project's clusters may run; its id is "projects/acme/policy". Every
// project that has the API switched on has one.
// Source: binaryauthorization projects.getPolicy.
//
//posture:type gcp.binaryauthorization.policy
type BinaryAuthorizationPolicy struct {
	posture.Meta
	ProjectID              string `json:"project_id"`
	DefaultEvaluationMode  string `json:"default_evaluation_mode"`  // ALWAYS_ALLOW, REQUIRE_ATTESTATION, ALWAYS_DENY
	DefaultEnforcementMode string `json:"default_enforcement_mode"` // ENFORCED_BLOCK_AND_AUDIT_LOG, DRYRUN_AUDIT_LOG_ONLY
}
