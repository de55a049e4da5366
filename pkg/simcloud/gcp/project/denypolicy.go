package project

import (
	"net/url"
	"strings"

	iamv1 "google.golang.org/api/iam/v1"
	"google.golang.org/api/iam/v2"

	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Deny policies on projects and the organization, and the pools of people whom another provider signs in. No rule judges them.
var denyPolicyService = service{
	kinds: []world.Kind{
		{Name: "gcp.deny_policy", Sort: inProject, Global: true, Count: 2, Defects: []world.Defect{{Name: "conditioned", Share: 0.5}}},
		{Name: "gcp.organization_deny_policy", Sort: inOrganization, Global: true, Count: 3, Defects: []world.Defect{{Name: "conditioned", Share: 0.5}}},
	},
	handle: handleDenyPolicies,
}

// attachedTo is the account that a deny policy's attachment point names, "cloudresourcemanager.googleapis.com%2Fprojects%2Facme".
func attachedTo(point string) string {
	name, err := url.PathUnescape(point)
	if err != nil {
		return ""
	}
	name = strings.TrimPrefix(name, "cloudresourcemanager.googleapis.com/")
	return strings.TrimPrefix(name, "projects/")
}

func denyPolicyItems(s *world.State) []*world.Item {
	return append(s.Items("gcp.deny_policy"), s.Items("gcp.organization_deny_policy")...)
}

func denyPolicy(s *world.State, it *world.Item, point string) *iam.GoogleIamV2Policy {
	return &iam.GoogleIamV2Policy{Name: "policies/" + point + "/denypolicies/" + it.Name(), Uid: it.Hex(32, "uid"), Kind: "DenyPolicy", DisplayName: it.Name(),
		Etag: "MTc0", CreateTime: stamp(s.Long(it, 90))}
}

func handleDenyPolicies(s *gcp.Server, w *states) {
	gcp.List(s, "iam.policies.listPolicies", "policies", func(c gcp.Call) (*iam.GoogleIamV2ListPoliciesResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &iam.GoogleIamV2ListPoliciesResponse{}
		for _, it := range denyPolicyItems(state) {
			out.Policies = append(out.Policies, denyPolicy(state, it, c.Params["policiesId"]))
		}
		return out, nil
	})
	gcp.Handle(s, "iam.policies.get", func(c gcp.Call) (*iam.GoogleIamV2Policy, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		for _, it := range denyPolicyItems(state) {
			if it.Name() != c.Params["policiesId2"] {
				continue
			}
			out := denyPolicy(state, it, c.Params["policiesId"])
			rule := &iam.GoogleIamV2DenyRule{
				DeniedPrincipals: []string{"principalSet://goog/public:all"}, ExceptionPrincipals: []string{"principalSet://goog/group/platform@" + domain},
				DeniedPermissions: []string{"iam.googleapis.com/serviceAccountKeys.create"},
			}
			if it.Has("conditioned") {
				rule.DenialCondition = &iam.GoogleTypeExpr{Expression: "!resource.matchTag('123456789012/env', 'test')"}
			}
			out.Rules = []*iam.GoogleIamV2PolicyRule{{Description: "keys", DenyRule: rule}}
			return out, nil
		}
		return nil, gcp.NotFound("The policy")
	})
	gcp.List(s, "iam.locations.workforcePools.list", "workforcePools", func(c gcp.Call) (*iamv1.ListWorkforcePoolsResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &iamv1.ListWorkforcePoolsResponse{}
		for _, name := range []string{"acme-contractors", "acme-staff", "acme-support"} {
			out.WorkforcePools = append(out.WorkforcePools, &iamv1.WorkforcePool{Name: "locations/global/workforcePools/" + name, Parent: state.Account.ID,
				DisplayName: name, State: "ACTIVE", SessionDuration: "3600s", Disabled: name == "acme-support"})
		}
		return out, nil
	})
}
