package azure

import (
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// tenantWide is what the tenant holds, whether it is scanned itself or lies above the subscription that is.
func tenantWide[T any](inv *derive.Inventory, t *posture.Type) derive.List[T] {
	if strings.HasPrefix(inv.Account.ID, "tenants/") {
		return derive.Of[T](inv, t)
	}
	return derive.Above[T](inv, t)
}

const globalAdministrator = "62e90394-69f5-4237-9190-012177145e10"

// directoryRoleHolders: what the users are who hold a role, and which of them keep the tenant's emergency accounts.
func directoryRoleHolders(inv *derive.Inventory) {
	list := derive.Of[schema.DirectoryRoleAssignment](inv, schema.DirectoryRoleAssignmentType)
	if len(list.Items) == 0 {
		return
	}
	users := derive.ByID(derive.Of[schema.User](inv, schema.UserType))
	permanent := derive.Gather(list, func(a derive.Item[schema.DirectoryRoleAssignment]) (derive.Val[string], derive.Val[bool]) {
		return derive.Read(a, "principal_id", a.V.PrincipalID), isPermanentAdmin(a)
	})
	permanent.Known = sorted(permanent.Known)
	for _, a := range list.Items {
		derive.Set(a, "principal_user_type", &a.V.PrincipalUserType, ofHolder(a, users, func(u derive.Item[schema.User]) derive.Val[string] {
			return derive.Read(u, "user_type", u.V.UserType)
		}))
		derive.Set(a, "principal_enabled", &a.V.PrincipalEnabled, ofHolder(a, users, func(u derive.Item[schema.User]) derive.Val[bool] {
			return derive.Read(u, "account_enabled", u.V.AccountEnabled)
		}))
		derive.Set(a, "principal_synced", &a.V.PrincipalSynced, ofHolder(a, users, func(u derive.Item[schema.User]) derive.Val[bool] {
			return derive.Read(u, "on_premises_synced", u.V.OnPremisesSynced)
		}))
		derive.Set(a, "break_glass", &a.V.BreakGlass, derive.And(isPermanentAdmin(a),
			derive.Then(derive.Read(a, "principal_id", a.V.PrincipalID), func(id string) derive.Val[bool] { return amongFirstTwo(permanent, id) })))
	}
}

// ofHolder reads a value of the user who holds a role; absent when it is no user.
func ofHolder[V any](a derive.Item[schema.DirectoryRoleAssignment], users derive.Index[schema.User],
	read func(derive.Item[schema.User]) derive.Val[V]) derive.Val[posture.Opt[V]] {
	return derive.Then(derive.Read(a, "principal_type", a.V.PrincipalType), func(kind string) derive.Val[posture.Opt[V]] {
		if kind != "user" {
			return derive.Known(posture.Opt[V]{})
		}
		return derive.Then(derive.Read(a, "principal_id", a.V.PrincipalID), func(id string) derive.Val[posture.Opt[V]] {
			return derive.Map(derive.Named(users.All(id), "graph.users", read), posture.Some)
		})
	})
}

func isPermanentAdmin(a derive.Item[schema.DirectoryRoleAssignment]) derive.Val[bool] {
	return derive.And(isGlobalAdmin(a), derive.Map(derive.Read(a, "assignment_kind", a.V.AssignmentKind),
		func(kind string) bool { return kind == "permanent" }))
}

// isGlobalAdmin: a user is a Global Administrator, now or on activation.
func isGlobalAdmin(a derive.Item[schema.DirectoryRoleAssignment]) derive.Val[bool] {
	return derive.And(
		derive.Map(derive.Read(a, "role_template_id", a.V.RoleTemplateID), func(id string) bool { return id == globalAdministrator }),
		derive.Map(derive.Read(a, "principal_type", a.V.PrincipalType), func(kind string) bool { return kind == "user" }),
	)
}

// amongFirstTwo reports whether at most one id comes before this one; an id that is not known might.
func amongFirstTwo(ids derive.Elements[string], id string) derive.Val[bool] {
	before := 0
	for _, other := range ids.Known {
		if other < id {
			before++
		}
	}
	if before >= 2 {
		return derive.Known(false)
	}
	return derive.Map(ids.Whole(), func([]string) bool { return true })
}

// tenantAdmins: the enabled users who are Global Administrators now.
func tenantAdmins(inv *derive.Inventory) {
	for _, t := range derive.Of[schema.Tenant](inv, schema.TenantType).Items {
		admins := derive.Gather(derive.Of[schema.DirectoryRoleAssignment](inv, schema.DirectoryRoleAssignmentType),
			func(a derive.Item[schema.DirectoryRoleAssignment]) (derive.Val[string], derive.Val[bool]) {
				active := derive.Map(derive.Read(a, "assignment_kind", a.V.AssignmentKind), func(kind string) bool { return kind != "eligible" })
				enabled := derive.Map(derive.Read(a, "principal_enabled", a.V.PrincipalEnabled),
					func(on posture.Opt[bool]) bool { return on.Or(false) })
				return derive.Read(a, "principal_id", a.V.PrincipalID), derive.And(isGlobalAdmin(a), active, enabled)
			})
		admins.Known = sorted(admins.Known)
		derive.SetList(t, "global_admin_ids", &t.V.GlobalAdminIDs, admins)
	}
}

// userRoles: what each user may do in the directory, and in the tenant's subscriptions.
func userRoles(inv *derive.Inventory) {
	users := derive.Of[schema.User](inv, schema.UserType)
	if len(users.Items) == 0 {
		return
	}
	roles := derive.ByRead(derive.Of[schema.DirectoryRoleAssignment](inv, schema.DirectoryRoleAssignmentType), "principal_id",
		func(a derive.Item[schema.DirectoryRoleAssignment]) string { return a.V.PrincipalID })
	access := accessOf(inv)
	for _, u := range users.Items {
		held := roles.All(u.ID)
		names := derive.Gather(held, func(a derive.Item[schema.DirectoryRoleAssignment]) (derive.Val[string], derive.Val[bool]) {
			return derive.Read(a, "role_name", a.V.RoleName), derive.Known(true)
		})
		names.Known = sorted(names.Known)
		derive.SetList(u, "directory_roles", &u.V.DirectoryRoles, names)
		derive.Set(u, "directory_roles_privileged", &u.V.DirectoryRolesPrivileged,
			derive.Exists(held, func(a derive.Item[schema.DirectoryRoleAssignment]) derive.Val[bool] {
				return derive.Read(a, "role_privileged", a.V.RolePrivileged)
			}))
		privileged := derive.Elements[string]{Missing: access.missing}
		if access.privileged[u.ID] {
			privileged.Known = []string{u.ID}
		}
		derive.Set(u, "azure_roles_privileged", &u.V.AzureRolesPrivileged, privileged.Any(func(string) bool { return true }))
		derive.SetList(u, "vm_login_scopes", &u.V.VMLoginScopes, derive.Elements[string]{Known: sorted(access.logins[u.ID]), Missing: access.missing})
	}
}

// access is what users hold on subscriptions, by user, and why there may be more.
type access struct {
	privileged map[string]bool
	logins     map[string][]string // scopes
	missing    []posture.Cause
}

func accessOf(inv *derive.Inventory) access {
	out := access{privileged: map[string]bool{}, logins: map[string][]string{}}
	groups := derive.ByID(derive.Of[schema.Group](inv, schema.GroupType))
	members := derive.Of[schema.Member](inv, schema.MemberType)
	out.missing = slices.Clone(members.Gaps)
	for _, m := range members.Items {
		held := derive.Then(inUse(m), func(inUse bool) derive.Val[[]schema.Access] {
			if !inUse {
				return derive.Known([]schema.Access{})
			}
			return derive.Read(m, "access", m.V.Access)
		})
		list, _ := held.Get()
		out.missing = append(out.missing, held.Causes()...)
		for _, a := range list {
			holders := derive.Known([]string{a.PrincipalID})
			if a.PrincipalType == "Group" {
				holders = membersOf(groups, a.PrincipalID)
			}
			users, _ := holders.Get()
			out.missing = append(out.missing, holders.Causes()...)
			for _, id := range users {
				out.privileged[id] = out.privileged[id] || a.Privileged
				out.logins[id] = append(out.logins[id], a.VMLoginScopes...)
			}
		}
	}
	slices.SortFunc(out.missing, posture.CompareCauses)
	out.missing = slices.Compact(out.missing)
	return out
}

// inUse: resources of the subscription can be used, and are scanned.
func inUse(m derive.Item[schema.Member]) derive.Val[bool] {
	return derive.Map(derive.Read(m, "state", m.V.State), func(state string) bool { return state == "Enabled" || state == "Warned" })
}

// membersOf are the users of a group.
func membersOf(groups derive.Index[schema.Group], id string) derive.Val[[]string] {
	return derive.Named(groups.All(id), "graph.groupMembers", func(g derive.Item[schema.Group]) derive.Val[[]string] {
		return derive.Read(g, "member_ids", g.V.MemberIDs)
	})
}

// expiredCredentials: how many of an application's credentials have ended.
func expiredCredentials(inv *derive.Inventory) {
	for _, a := range derive.Of[schema.Application](inv, schema.ApplicationType).Items {
		derive.Set(a, "credentials.expired_count", &a.V.Credentials.ExpiredCount,
			derive.Map(derive.Read(a, "credentials.list", a.V.Credentials.List), func(list []schema.AppCredential) int {
				n := 0
				for _, c := range list {
					if end, ends := c.EndsAt.Get(); ends && end.Before(inv.Now) {
						n++
					}
				}
				return n
			}))
	}
}

// sorted returns the list in order, each element once.
func sorted(list []string) []string {
	list = append([]string{}, list...)
	slices.Sort(list)
	return slices.Compact(list)
}
