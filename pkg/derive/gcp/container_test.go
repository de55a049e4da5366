package gcp

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestClusterPolicies(t *testing.T) {
	cluster := func() *posture.Resource {
		return located(zone, schema.ClusterType, "projects/acme/locations/europe-west1-b/clusters/shop", &schema.Cluster{})
	}
	policies := []*posture.Type{schema.BinaryAuthorizationPolicyType}
	check(t, map[string]derivation{
		"the project's policy": {
			resources: []*posture.Resource{cluster(), resource(schema.BinaryAuthorizationPolicyType, "projects/acme/policy",
				&schema.BinaryAuthorizationPolicy{DefaultEvaluationMode: "ALWAYS_DENY"})},
			want: map[string]any{"binary_authorization_project_policy": "ALWAYS_DENY"},
		},
		"none while the API is off": {
			off: policies, resources: []*posture.Resource{cluster()}, want: map[string]any{"binary_authorization_project_policy": ""},
		},
		"one that was refused is unread": {
			refused: policies, resources: []*posture.Resource{cluster()},
			want: map[string]any{"binary_authorization_project_policy": "unread: list gcp.binaryauthorization.policy"},
		},
	})
}
