package gcp

import (
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// ownProject returns the project that is scanned; ok is false for an organization.
func ownProject(inv *derive.Inventory) (derive.Item[schema.Project], bool) {
	list := derive.Of[schema.Project](inv, schema.ProjectType)
	if len(list.Items) == 0 {
		return derive.Item[schema.Project]{}, false
	}
	return list.Items[0], true
}

// projectServices: which APIs are switched on.
func projectServices(inv *derive.Inventory) {
	p, ok := ownProject(inv)
	if !ok {
		return
	}
	derive.Set(p, "enabled_services", &p.V.EnabledServices, derive.Map(
		derive.Collect(derive.Of[schema.Service](inv, schema.ServiceType), func(s derive.Item[schema.Service]) (derive.Val[string], derive.Val[bool]) {
			return derive.Known(s.ID), derive.Known(true)
		}), sorted))
}

// level is one node of the chain from a project up to its organization.
type level struct {
	name string
	iam  derive.Val[schema.IAM]
}

// chain is the project, its folders and its organization, nearest first; unread when it is not known what lies above.
func chain(inv *derive.Inventory, p derive.Item[schema.Project]) derive.Val[[]level] {
	own := level{"projects/" + inv.Account.ID, derive.Read(p, "iam", p.V.IAM)}
	folders := derive.ByID(derive.Above[schema.Folder](inv, schema.FolderType))
	organizations := derive.ByID(derive.Above[schema.Organization](inv, schema.OrganizationType))
	return derive.Map(derive.Read(p, "ancestors", p.V.Ancestors), func(ancestors []string) []level {
		out := []level{own}
		for _, name := range ancestors {
			above := level{name: name}
			if folder, found, missing := folders.Get(name); found {
				above.iam = derive.Read(folder, "iam", folder.V.IAM)
			} else if organization, found, gaps := organizations.Get(name); found {
				above.iam = derive.Read(organization, "iam", organization.V.IAM)
			} else {
				above.iam = derive.UnreadFor[schema.IAM](append(slices.Clone(missing), gaps...)...)
			}
			out = append(out, above)
		}
		return out
	})
}

// projectIAM adds up what the project, its folders and its organization grant and log.
func projectIAM(inv *derive.Inventory) {
	p, ok := ownProject(inv)
	if !ok {
		return
	}
	levels := chain(inv, p)
	all := derive.Then(levels, func(levels []level) derive.Val[[]schema.IAM] {
		sum := derive.Known([]schema.IAM{})
		for _, l := range levels {
			sum = derive.Map2(sum, l.iam, func(done []schema.IAM, next schema.IAM) []schema.IAM { return append(slices.Clone(done), next) })
		}
		return sum
	})
	derive.Set(p, "effective.bindings", &p.V.Effective.Bindings, derive.Map2(levels, all, func(levels []level, policies []schema.IAM) []schema.EffectiveBinding {
		out := []schema.EffectiveBinding{}
		for i, policy := range policies {
			for _, b := range policy.Bindings {
				out = append(out, schema.EffectiveBinding{Role: b.Role, Members: b.Members, Condition: b.Condition, Origin: levels[i].name})
			}
		}
		return out
	}))
	derive.Set(p, "effective.audit_log_types", &p.V.Effective.AuditLogTypes, derive.Map(all, func(policies []schema.IAM) []schema.ServiceLogTypes {
		byService := map[string][]string{}
		for _, policy := range policies {
			for _, a := range policy.AuditConfigs {
				byService[a.Service] = append(byService[a.Service], a.LogTypes...)
			}
		}
		out := []schema.ServiceLogTypes{}
		for service, types := range byService {
			out = append(out, schema.ServiceLogTypes{Service: service, LogTypes: sorted(types)})
		}
		slices.SortFunc(out, func(a, b schema.ServiceLogTypes) int { return strings.Compare(a.Service, b.Service) })
		return out
	}))
	derive.Set(p, "effective.audit_exempted_members", &p.V.Effective.AuditExemptedMembers, derive.Map(all, func(policies []schema.IAM) []string {
		members := []string{}
		for _, policy := range policies {
			for _, a := range policy.AuditConfigs {
				members = append(members, a.ExemptedMembers...)
			}
		}
		return sorted(members)
	}))
}

// constraint is what one organization policy constraint comes to in the scanned project.
func constraint(inv *derive.Inventory, name string) derive.Val[schema.OrgConstraint] {
	p, ok := ownProject(inv)
	if !ok {
		return derive.UnreadFor[schema.OrgConstraint](posture.Cause{Reason: posture.ReasonNotCollected})
	}
	if !slices.Contains(p.Derived, "effective_org_policies") {
		return derive.UnreadFor[schema.OrgConstraint](derive.Read(p, "effective_org_policies", true).Causes()...)
	}
	return derive.Map(derive.Read(p, "effective_org_policies", p.V.EffectiveOrgPolicies), func(list []schema.OrgConstraint) schema.OrgConstraint {
		for _, c := range list {
			if c.Constraint == name {
				return c
			}
		}
		return schema.OrgConstraint{Constraint: name}
	})
}

// sorted returns the list in order, each element once.
func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}
