package project

import (
	"strings"

	"google.golang.org/api/orgpolicy/v2"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// What organization policies come to in a project.
var orgPolicyService = service{
	kinds: []world.Kind{{
		Name: "gcp.org_policies", Sort: inProject, Global: true, Count: 1, Fixed: true,
		Defects: []world.Defect{{Name: "keys", Drift: 0.6}, {Name: "uploads", Drift: 0.5}, {Name: "managed", Share: 0.3, Drift: 0.4},
			{Name: "open-sharing", Drift: 0.7}, {Name: "private-storage", Share: 0.1, Drift: 1}, {Name: "os-login", Share: 0.2, Drift: 0.8}},
		Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("gcp.resourcemanager.project", s.Account.ID), map[string]posture.Result{
				"gcp-org-policy-service-account-keys-blocked":    failIf(it.Has("keys") || it.Has("uploads")),
				"gcp-org-policy-domain-restricted-sharing":       failIf(it.Has("open-sharing")),
				"gcp-org-policy-storage-public-access-prevented": failIf(!enforces(s, "storage.publicAccessPrevention")),
			}
		},
	}},
	handle: handleOrgPolicy,
}

// enforces reports whether a constraint that is on or off is on in the project.
func enforces(s *world.State, constraint string) bool {
	it := s.Items("gcp.org_policies")[0]
	_, managed := strings.CutPrefix(constraint, "iam.managed.")
	switch constraint {
	case "iam.disableServiceAccountKeyCreation", "iam.managed.disableServiceAccountKeyCreation":
		return !it.Has("keys") && managed == it.Has("managed")
	case "iam.disableServiceAccountKeyUpload", "iam.managed.disableServiceAccountKeyUpload":
		return !it.Has("uploads") && managed == it.Has("managed")
	case "iam.managed.allowedPolicyMembers":
		return !it.Has("open-sharing") && it.Has("managed")
	case "storage.publicAccessPrevention":
		return it.Has("private-storage")
	case "compute.requireOsLogin":
		return it.Has("os-login")
	}
	return false
}

func handleOrgPolicy(s *gcp.Server, w *states) {
	gcp.Handle(s, "orgpolicy.projects.policies.getEffectivePolicy", func(c gcp.Call) (*orgpolicy.GoogleCloudOrgpolicyV2Policy, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		name := c.Params["policiesId"]
		rule := &orgpolicy.GoogleCloudOrgpolicyV2PolicySpecPolicyRule{Enforce: enforces(state, name)}
		if name == "iam.allowedPolicyMemberDomains" {
			it := state.Items("gcp.org_policies")[0]
			if rule.AllowAll = it.Has("open-sharing") || it.Has("managed"); !rule.AllowAll {
				rule.Values = &orgpolicy.GoogleCloudOrgpolicyV2PolicySpecPolicyRuleStringValues{AllowedValues: []string{directoryID}}
			}
		}
		return &orgpolicy.GoogleCloudOrgpolicyV2Policy{
			Name: "projects/" + Number(state.Account.ID) + "/policies/" + name,
			Spec: &orgpolicy.GoogleCloudOrgpolicyV2PolicySpec{Rules: []*orgpolicy.GoogleCloudOrgpolicyV2PolicySpecPolicyRule{rule}},
		}, nil
	})
}
