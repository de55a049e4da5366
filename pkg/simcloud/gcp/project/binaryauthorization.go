package project

import (
	"google.golang.org/api/binaryauthorization/v1"

	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var binaryAuthorizationService = service{
	api: "binaryauthorization.googleapis.com",
	kinds: []world.Kind{{
		Name: "gcp.binary-authorization", Sort: inProject, Global: true, Count: 1, Fixed: true,
		Defects: []world.Defect{{Name: "allow-all", Share: 0.3, Drift: 0.6}},
	}},
	handle: func(s *gcp.Server, w *states) {
		gcp.Handle(s, "binaryauthorization.projects.getPolicy", func(c gcp.Call) (*binaryauthorization.Policy, error) {
			state, err := w.at(c)
			if err != nil {
				return nil, err
			}
			it := state.Items("gcp.binary-authorization")[0]
			rule := &binaryauthorization.AdmissionRule{EvaluationMode: "ALWAYS_ALLOW",
				EnforcementMode: []string{"ENFORCED_BLOCK_AND_AUDIT_LOG", "DRYRUN_AUDIT_LOG_ONLY"}[it.Pick(2, "enforced")]}
			if !it.Has("allow-all") {
				rule.EvaluationMode = "REQUIRE_ATTESTATION"
				rule.RequireAttestationsBy = []string{"projects/" + c.Account + "/attestors/built-by-us"}
			}
			return &binaryauthorization.Policy{
				Name: "projects/" + c.Account + "/policy", GlobalPolicyEvaluationMode: "ENABLE", DefaultAdmissionRule: rule,
				UpdateTime: stamp(state.Long(it, 90)),
			}, nil
		})
	},
}
