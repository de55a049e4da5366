package azure

import (
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// rolePrincipals: what the directory says of those who hold Azure roles. That somebody exists was asked in the same scan; users
// are described in the tenant's.
func rolePrincipals(inv *derive.Inventory) {
	list := derive.Of[schema.RoleAssignment](inv, schema.RoleAssignmentType)
	if len(list.Items) == 0 {
		return
	}
	principals := derive.ByID(derive.Of[schema.Principal](inv, schema.PrincipalType))
	users := derive.ByID(tenantWide[schema.User](inv, schema.UserType))
	for _, a := range list.Items {
		h := holder{kind: derive.Read(a, "principal_type", a.V.PrincipalType), id: derive.Read(a, "principal_id", a.V.PrincipalID)}
		h.found = derive.Then(h.id, func(id string) derive.Val[*derive.Item[schema.Principal]] {
			p, found, missing := principals.Get(id)
			switch {
			case found:
				return derive.Known(&p)
			case missing != nil:
				return derive.UnreadFor[*derive.Item[schema.Principal]](missing...)
			}
			return derive.Known[*derive.Item[schema.Principal]](nil)
		})
		out := &a.V.Principal
		derive.Set(a, "principal.exists", &out.Exists, h.exists())
		derive.Set(a, "principal.user_type", &out.UserType, h.userType(users))
		derive.Set(a, "principal.enabled", &out.Enabled, h.enabled(users))
		derive.Set(a, "principal.is_managed_identity", &out.IsManagedIdentity, h.managed())
	}
}

// holder is who holds a role, as the assignment names it and as the directory knows it; found is nil when it does not.
type holder struct {
	kind, id derive.Val[string]
	found    derive.Val[*derive.Item[schema.Principal]]
}

// exists is not known of groups of another tenant, which this directory does not have.
func (h holder) exists() derive.Val[bool] {
	return derive.Then(h.kind, func(kind string) derive.Val[bool] {
		if kind == "ForeignGroup" {
			return derive.UnreadFor[bool]()
		}
		return derive.Map(h.found, func(p *derive.Item[schema.Principal]) bool { return p != nil })
	})
}

func (h holder) userType(users derive.Index[schema.User]) derive.Val[string] {
	return derive.Then(h.kind, func(kind string) derive.Val[string] {
		if kind != "User" {
			return derive.Known("")
		}
		return derive.Then(h.found, func(p *derive.Item[schema.Principal]) derive.Val[string] {
			if p == nil {
				return derive.Known("")
			}
			return derive.Named(users.All(p.ID), "graph.users", func(u derive.Item[schema.User]) derive.Val[string] {
				return derive.Read(u, "user_type", u.V.UserType)
			})
		})
	})
}

func (h holder) enabled(users derive.Index[schema.User]) derive.Val[bool] {
	return derive.Then(h.kind, func(kind string) derive.Val[bool] {
		if kind == "ForeignGroup" {
			return derive.UnreadFor[bool]()
		}
		return derive.Then(h.found, func(p *derive.Item[schema.Principal]) derive.Val[bool] {
			switch {
			case p == nil:
				return derive.Known(false)
			case kind == "User":
				return derive.Named(users.All(p.ID), "graph.users", accountEnabled)
			case kind != "ServicePrincipal":
				return derive.Known(true)
			}
			return derive.Then(derive.Read(*p, "enabled", p.V.Enabled), func(on posture.Opt[bool]) derive.Val[bool] {
				if b, told := on.Get(); told {
					return derive.Known(b)
				}
				return derive.UnreadFor[bool]()
			})
		})
	})
}

func (h holder) managed() derive.Val[bool] {
	return derive.Then(h.found, func(p *derive.Item[schema.Principal]) derive.Val[bool] {
		if p == nil {
			return derive.Known(false)
		}
		return derive.Read(*p, "managed_identity", p.V.ManagedIdentity)
	})
}

func accountEnabled(u derive.Item[schema.User]) derive.Val[bool] {
	return derive.Read(u, "account_enabled", u.V.AccountEnabled)
}

const owner = "/providers/microsoft.authorization/roledefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"

// subscriptionOwners: the enabled users who own all of a subscription now.
func subscriptionOwners(inv *derive.Inventory) {
	subscriptions := derive.Of[schema.Subscription](inv, schema.SubscriptionType)
	if len(subscriptions.Items) == 0 {
		return
	}
	users := derive.ByID(derive.Above[schema.User](inv, schema.UserType))
	groups := derive.ByID(derive.Above[schema.Group](inv, schema.GroupType))
	holders := derive.Gather(derive.Of[schema.RoleAssignment](inv, schema.RoleAssignmentType),
		func(a derive.Item[schema.RoleAssignment]) (derive.Val[[]string], derive.Val[bool]) {
			return ownersBy(a, groups), ownsAll(a)
		})
	out := derive.Elements[string]{Missing: holders.Missing}
	for _, id := range sorted(slices.Concat(holders.Known...)) {
		enabled := derive.Named(users.All(id), "graph.users", accountEnabled)
		if on, known := enabled.Get(); !known {
			out.Missing = append(out.Missing, enabled.Causes()...)
		} else if on {
			out.Known = append(out.Known, id)
		}
	}
	for _, s := range subscriptions.Items {
		derive.SetList(s, "owner_ids", &s.V.OwnerIDs, derive.Elements[string]{Known: append([]string{}, out.Known...), Missing: out.Missing})
	}
}

// ownsAll: the assignment makes somebody the owner of the whole subscription, without waiting to be activated. One to a user
// whom the directory does not know makes nobody anything.
func ownsAll(a derive.Item[schema.RoleAssignment]) derive.Val[bool] {
	return derive.And(
		derive.Map(derive.Read(a, "role_definition_id", a.V.RoleDefinitionID), func(id string) bool { return id == owner }),
		derive.Map(derive.Read(a, "scope_level", a.V.ScopeLevel), func(level string) bool {
			return slices.Contains([]string{"root", "management_group", "subscription"}, level)
		}),
		derive.Map(derive.Read(a, "assignment_kind", a.V.AssignmentKind), func(kind string) bool { return kind != "eligible" }),
		derive.Map(derive.Read(a, "principal_type", a.V.PrincipalType), func(kind string) bool { return kind == "User" || kind == "Group" }),
		derive.Read(a, "principal.exists", a.V.Principal.Exists),
	)
}

// ownersBy are the users to whom an assignment gives its role.
func ownersBy(a derive.Item[schema.RoleAssignment], groups derive.Index[schema.Group]) derive.Val[[]string] {
	return derive.Then(derive.Read(a, "principal_type", a.V.PrincipalType), func(kind string) derive.Val[[]string] {
		return derive.Then(derive.Read(a, "principal_id", a.V.PrincipalID), func(id string) derive.Val[[]string] {
			if kind == "Group" {
				return membersOf(groups, id)
			}
			return derive.Known([]string{id})
		})
	})
}

// rolesElsewhere: whether a custom role is in use on another subscription than this one.
func rolesElsewhere(inv *derive.Inventory) {
	own := "/subscriptions/" + inv.Account.ID
	members := derive.Above[schema.Member](inv, schema.MemberType).Where(func(m derive.Item[schema.Member]) bool { return m.ID != own })
	for _, d := range derive.Of[schema.RoleDefinition](inv, schema.RoleDefinitionType).Items {
		wide := derive.Map2(derive.Read(d, "role_type", d.V.RoleType), derive.Read(d, "assignable_scopes", d.V.AssignableScopes),
			func(kind string, scopes []string) bool {
				return kind == "CustomRole" && slices.ContainsFunc(scopes, func(s string) bool { return s != own && !strings.HasPrefix(s, own+"/") })
			})
		derive.Set(d, "assigned_elsewhere", &d.V.AssignedElsewhere,
			derive.And(wide, derive.Exists(members, func(m derive.Item[schema.Member]) derive.Val[bool] {
				return derive.And(inUse(m), derive.Map(derive.Read(m, "assigned_roles", m.V.AssignedRoles),
					func(roles []string) bool { return slices.Contains(roles, d.ID) }))
			})))
	}
}
