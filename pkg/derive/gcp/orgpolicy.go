package gcp

import (
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
)

// projectPolicies: what organization policies come to in the project. A constraint that could not be read leaves the others
// as they are: only what it comes to is unread.
func projectPolicies(inv *derive.Inventory) {
	p, ok := ownProject(inv)
	if !ok {
		return
	}
	policies := derive.Of[schema.OrgPolicy](inv, schema.OrgPolicyType)
	list := make([]schema.OrgConstraint, len(policies.Items))
	for i, policy := range policies.Items {
		list[i].Constraint = policy.ID
	}
	derive.SetList(p, "effective_org_policies", &p.V.EffectiveOrgPolicies, derive.Elements[schema.OrgConstraint]{Known: list, Missing: policies.Gaps})
	for i, policy := range policies.Items {
		c := inForce(policy)
		element, path := &list[i], "effective_org_policies["+policy.ID+"]."
		derive.Set(p, path+"enforced", &element.Enforced, derive.Map(c, func(c schema.OrgConstraint) bool { return c.Enforced }))
		derive.Set(p, path+"allow_all", &element.AllowAll, derive.Map(c, func(c schema.OrgConstraint) bool { return c.AllowAll }))
		derive.Set(p, path+"deny_all", &element.DenyAll, derive.Map(c, func(c schema.OrgConstraint) bool { return c.DenyAll }))
		derive.Set(p, path+"allowed_values", &element.AllowedValues, derive.Map(c, func(c schema.OrgConstraint) []string { return c.AllowedValues }))
		derive.Set(p, path+"denied_values", &element.DeniedValues, derive.Map(c, func(c schema.OrgConstraint) []string { return c.DeniedValues }))
	}
}

// constraint is what one organization policy constraint comes to in the scanned project.
func constraint(inv *derive.Inventory, name string) derive.Val[schema.OrgConstraint] {
	policy, found, missing := derive.ByID(derive.Of[schema.OrgPolicy](inv, schema.OrgPolicyType)).Get(name)
	if !found {
		return derive.UnreadFor[schema.OrgConstraint](missing...)
	}
	return inForce(policy)
}

// inForce is what a policy comes to for the whole project: a rule that holds for some tags alone enforces nothing, and may
// lift what another enforces.
func inForce(policy derive.Item[schema.OrgPolicy]) derive.Val[schema.OrgConstraint] {
	rules := derive.Read(policy, "spec.rules", policy.V.Spec.Rules)
	return derive.Map2(rules, derive.Read(policy, "dry_run", policy.V.DryRun), func(rules []schema.OrgPolicyRule, dryRun bool) schema.OrgConstraint {
		out := schema.OrgConstraint{Constraint: policy.ID, AllowedValues: []string{}, DeniedValues: []string{}}
		if dryRun {
			return out
		}
		lifted := false
		for _, r := range rules {
			always := r.Condition == ""
			out.Enforced = out.Enforced || always && r.Enforce
			lifted = lifted || !always && !r.Enforce
			out.DenyAll = out.DenyAll || always && r.DenyAll
			out.AllowAll = out.AllowAll || r.AllowAll
			out.AllowedValues = append(out.AllowedValues, r.AllowedValues...)
			out.DeniedValues = append(out.DeniedValues, r.DeniedValues...)
		}
		out.Enforced = out.Enforced && !lifted
		out.DenyAll = out.DenyAll && !out.AllowAll
		return out
	})
}
