package gcp

import (
	"context"
	"fmt"

	"google.golang.org/api/orgpolicy/v2"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var orgPolicies = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.OrgPolicyType},
	Operations: []collectors.Operation{
		{Name: "orgpolicy.projects.policies.getEffectivePolicy", Permission: "orgpolicy.policy.get", Body: collectors.Store},
	},
	Collect: collectOrgPolicies,
}

// constraints are those that rules and derived attributes ask about, in their older and their managed form: either will do.
var constraints = []string{
	"compute.managed.requireOsLogin",
	"compute.requireOsLogin",
	"iam.allowedPolicyMemberDomains",
	"iam.disableServiceAccountKeyCreation",
	"iam.disableServiceAccountKeyUpload",
	"iam.managed.allowedPolicyMembers",
	"iam.managed.disableServiceAccountKeyCreation",
	"iam.managed.disableServiceAccountKeyUpload",
	"storage.publicAccessPrevention",
}

// collectOrgPolicies asks what each constraint comes to. Every constraint comes to something, so one that cannot be read is
// there all the same.
func collectOrgPolicies(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := orgpolicy.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	for _, name := range constraints {
		out := schema.OrgPolicy{Meta: posture.Meta{Name: name}, Node: c.node, Constraint: name}
		policy, err := api.Projects.Policies.GetEffectivePolicy(c.node + "/policies/" + name).Context(ctx).Do()
		if err != nil {
			emit(name, &out, collectors.Unread(fmt.Errorf("read policy of %s: %w", name, err), "spec", "dry_run"))
			continue
		}
		out.Spec = policySpec(policy.Spec)
		out.DryRun = policy.Spec == nil && policy.DryRunSpec != nil
		emit(name, &out)
	}
	return nil
}

func policySpec(s *orgpolicy.GoogleCloudOrgpolicyV2PolicySpec) schema.OrgPolicySpec {
	out := schema.OrgPolicySpec{Rules: []schema.OrgPolicyRule{}}
	if s == nil {
		return out
	}
	out.InheritFromParent, out.Reset = s.InheritFromParent, s.Reset
	for _, r := range s.Rules {
		rule := schema.OrgPolicyRule{Enforce: r.Enforce, AllowAll: r.AllowAll, DenyAll: r.DenyAll, AllowedValues: []string{}, DeniedValues: []string{}}
		if r.Values != nil {
			rule.AllowedValues = append(rule.AllowedValues, r.Values.AllowedValues...)
			rule.DeniedValues = append(rule.DeniedValues, r.Values.DeniedValues...)
		}
		if r.Condition != nil {
			rule.Condition = r.Condition.Expression
		}
		out.Rules = append(out.Rules, rule)
	}
	return out
}
