package azure

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func subscription() *posture.Resource {
	return resource(schema.SubscriptionType, "/subscriptions/"+ownSubscription, &schema.Subscription{State: "Enabled"})
}

func TestManagementPaths(t *testing.T) {
	group := func(id, parent string, children []string, refused ...string) *posture.Resource {
		return resource(schema.ManagementGroupType, id, &schema.ManagementGroup{ParentID: parent, ChildSubscriptionIDs: children}, refused...)
	}
	own := []string{"/subscriptions/" + ownSubscription}
	check(t, map[string]derivation{
		"from the own group up to the root": {
			resources: []*posture.Resource{subscription()},
			above:     []*posture.Resource{group("root", "", nil), group("platform", "root", nil), group("workloads", "platform", own)},
			want:      map[string]any{"management_group_path": []any{"workloads", "platform", "root"}},
		},
		"a tenant without management groups": {
			resources: []*posture.Resource{subscription()}, above: []*posture.Resource{},
			want: map[string]any{"management_group_path": []any{}},
		},
		"a tenant that was never scanned": {
			resources: []*posture.Resource{subscription()},
			want:      map[string]any{"management_group_path": "unread: not_collected"},
		},
		"the tenant's own view of a subscription": {
			tenant: true,
			resources: []*posture.Resource{resource(schema.MemberType, "/subscriptions/s", &schema.Member{}),
				group("root", "", []string{"/subscriptions/s"})},
			want: map[string]any{"management_group_path": []any{"root"}},
		},
		"a tenant read to the end without any group": {
			tenant: true, resources: []*posture.Resource{resource(schema.MemberType, "/subscriptions/s", &schema.Member{})},
			want: map[string]any{"management_group_path": []any{}},
		},
		"in no group that is shown": {
			resources: []*posture.Resource{subscription()}, above: []*posture.Resource{group("root", "", nil)},
			want: map[string]any{"management_group_path": "unread: " + descendants},
		},
		"groups were not listed": {
			resources: []*posture.Resource{subscription()}, above: []*posture.Resource{}, refusedAbove: []*posture.Type{schema.ManagementGroupType},
			want: map[string]any{"management_group_path": "unread: list azure.managementgroups.management_group"},
		},
		"what a group holds was not read": {
			resources: []*posture.Resource{subscription()}, above: []*posture.Resource{group("root", "", nil, "child_subscription_ids")},
			want: map[string]any{"management_group_path": "unread: read child_subscription_ids"},
		},
		"a parent was not read": {
			resources: []*posture.Resource{subscription()}, above: []*posture.Resource{group("workloads", "", own, "parent_id")},
			want: map[string]any{"management_group_path": "unread: read parent_id"},
		},
		"a parent that is not shown": {
			resources: []*posture.Resource{subscription()}, above: []*posture.Resource{group("workloads", "platform", own)},
			want: map[string]any{"management_group_path": "unread: " + descendants},
		},
		"groups that lie in each other end somewhere": {
			resources: []*posture.Resource{subscription()}, above: []*posture.Resource{group("a", "b", own), group("b", "a", nil)},
			want: map[string]any{"management_group_path": "unread: " + descendants},
		},
	})
}

func TestRolePrincipals(t *testing.T) {
	assignment := func(kind string, refused ...string) *posture.Resource {
		return resource(schema.RoleAssignmentType, "a", &schema.RoleAssignment{PrincipalID: "p", PrincipalType: kind}, refused...)
	}
	principal := func(change func(*schema.Principal), refused ...string) *posture.Resource {
		p := &schema.Principal{}
		if change != nil {
			change(p)
		}
		return resource(schema.PrincipalType, "p", p, refused...)
	}
	all := func(exists, enabled any, kind any, managed any) map[string]any {
		return map[string]any{"principal.exists": exists, "principal.enabled": enabled, "principal.user_type": kind,
			"principal.is_managed_identity": managed}
	}
	check(t, map[string]derivation{
		"a user of the tenant": {
			resources: []*posture.Resource{assignment("User"), principal(nil)},
			above:     []*posture.Resource{user("p", func(u *schema.User) { u.UserType, u.AccountEnabled = "Guest", false })},
			want:      all(true, false, "Guest", false),
		},
		"a user who was made since the tenant was scanned": {
			resources: []*posture.Resource{assignment("User"), principal(nil)}, above: []*posture.Resource{user("q", nil)},
			want: all(true, "unread: graph.users", "unread: graph.users", false),
		},
		"a user whom the directory has forgotten": {
			resources: []*posture.Resource{assignment("User")}, above: []*posture.Resource{user("p", nil)},
			want: all(false, false, "", false),
		},
		"the directory was not asked": {
			resources: []*posture.Resource{assignment("User")}, refused: []*posture.Type{schema.PrincipalType},
			above: []*posture.Resource{user("p", nil)},
			want: all("unread: list azure.entra.principal", "unread: list azure.entra.principal", "unread: list azure.entra.principal",
				"unread: list azure.entra.principal"),
		},
		"the tenant was never scanned": {
			resources: []*posture.Resource{assignment("User"), principal(nil)},
			want:      all(true, "unread: not_collected", "unread: not_collected", false),
		},
		"a managed identity": {
			resources: []*posture.Resource{assignment("ServicePrincipal"),
				principal(func(p *schema.Principal) { p.Enabled, p.ManagedIdentity = posture.Some(true), true })},
			want: all(true, true, "", true),
		},
		"a program that is switched off": {
			resources: []*posture.Resource{assignment("ServicePrincipal"), principal(func(p *schema.Principal) { p.Enabled = posture.Some(false) })},
			want:      all(true, false, "", false),
		},
		"a program that the directory says too little of": {
			resources: []*posture.Resource{assignment("ServicePrincipal"), principal(nil)},
			want:      all(true, "unread: not_collected", "", false),
		},
		"a group cannot be switched off": {
			resources: []*posture.Resource{assignment("Group"), principal(nil)},
			want:      all(true, true, "", false),
		},
		"a group of another tenant": {
			resources: []*posture.Resource{assignment("ForeignGroup")},
			want:      all("unread: not_collected", "unread: not_collected", "", false),
		},
	})
}

func TestSubscriptionOwners(t *testing.T) {
	holds := func(id, kind string, change func(*schema.RoleAssignment), refused ...string) *posture.Resource {
		a := &schema.RoleAssignment{RoleDefinitionID: owner, ScopeLevel: "subscription", PrincipalID: id, PrincipalType: kind,
			AssignmentKind: "permanent"}
		if change != nil {
			change(a)
		}
		return resource(schema.RoleAssignmentType, "r-"+id, a, refused...)
	}
	exists := func(ids ...string) []*posture.Resource {
		var out []*posture.Resource
		for _, id := range ids {
			out = append(out, resource(schema.PrincipalType, id, &schema.Principal{}))
		}
		return out
	}
	people := []*posture.Resource{user("a", nil), user("b", nil), user("c", func(u *schema.User) { u.AccountEnabled = false }),
		resource(schema.GroupType, "g", &schema.Group{MemberIDs: []string{"a", "b", "c"}})}
	check(t, map[string]derivation{
		"users and members of groups, once each, if enabled": {
			resources: append([]*posture.Resource{subscription(), holds("a", "User", nil), holds("g", "Group", nil)}, exists("a", "g")...),
			above:     people,
			want:      map[string]any{"owner_ids": []any{"a", "b"}},
		},
		"from above too, but not from below": {
			resources: append([]*posture.Resource{subscription(),
				holds("a", "User", func(a *schema.RoleAssignment) { a.ScopeLevel = "management_group" }),
				holds("b", "User", func(a *schema.RoleAssignment) { a.ScopeLevel = "resource_group" })}, exists("a", "b")...), above: people,
			want: map[string]any{"owner_ids": []any{"a"}},
		},
		"other roles, programs and the eligible do not own": {
			resources: append([]*posture.Resource{subscription(),
				holds("a", "User", func(a *schema.RoleAssignment) { a.RoleDefinitionID = "contributor" }),
				holds("p", "ServicePrincipal", nil), holds("b", "User", func(a *schema.RoleAssignment) { a.AssignmentKind = "eligible" })},
				exists("a", "b", "p")...), above: people,
			want: map[string]any{"owner_ids": []any{}},
		},
		"somebody deleted owns nothing": {
			resources: []*posture.Resource{subscription(), holds("z", "User", nil)}, above: people,
			want: map[string]any{"owner_ids": []any{}},
		},
		"how one holds the role was not read": {
			resources: append([]*posture.Resource{subscription(), holds("a", "User", nil), holds("b", "User", nil, "assignment_kind")},
				exists("a", "b")...), above: people,
			want: map[string]any{"owner_ids": []any{"a"}, "owner_ids[]": "unread: read assignment_kind"},
		},
		"a group whose members nobody read": {
			resources: append([]*posture.Resource{subscription(), holds("a", "User", nil), holds("h", "Group", nil)}, exists("a", "h")...),
			above:     people,
			want:      map[string]any{"owner_ids": []any{"a"}, "owner_ids[]": "unread: graph.groupMembers"},
		},
		"assignments were not listed": {
			resources: []*posture.Resource{subscription()}, refused: []*posture.Type{schema.RoleAssignmentType}, above: people,
			want: map[string]any{"owner_ids": "unread: list azure.authorization.role_assignment"},
		},
	})
}

func TestRolesElsewhere(t *testing.T) {
	const id = "/providers/microsoft.authorization/roledefinitions/r1"
	role := func(kind string, scopes ...string) *posture.Resource {
		return resource(schema.RoleDefinitionType, id, &schema.RoleDefinition{RoleType: kind, AssignableScopes: scopes})
	}
	other := func(state string, roles []string, refused ...string) *posture.Resource {
		return resource(schema.MemberType, "/subscriptions/other", &schema.Member{State: state, AssignedRoles: roles}, refused...)
	}
	const own = "/subscriptions/" + ownSubscription
	check(t, map[string]derivation{
		"held in another subscription": {
			resources: []*posture.Resource{role("CustomRole", "/providers/microsoft.management/managementgroups/root")},
			above:     []*posture.Resource{other("Enabled", []string{id})},
			want:      map[string]any{"assigned_elsewhere": true},
		},
		"held nowhere": {
			resources: []*posture.Resource{role("CustomRole", own, "/subscriptions/other")}, above: []*posture.Resource{other("Enabled", nil)},
			want: map[string]any{"assigned_elsewhere": false},
		},
		"of this subscription alone": {
			resources: []*posture.Resource{role("CustomRole", own, own+"/resourcegroups/rg-app")},
			want:      map[string]any{"assigned_elsewhere": false},
		},
		"a subscription with a longer id is another one": {
			resources: []*posture.Resource{role("CustomRole", own+"0")}, above: []*posture.Resource{other("Enabled", []string{id})},
			want: map[string]any{"assigned_elsewhere": true},
		},
		"a built-in role is not asked about": {
			resources: []*posture.Resource{role("BuiltInRole", "/")},
			want:      map[string]any{"assigned_elsewhere": false},
		},
		"another subscription was not read": {
			resources: []*posture.Resource{role("CustomRole", "/subscriptions/other")},
			above:     []*posture.Resource{other("Enabled", nil, "assigned_roles")},
			want:      map[string]any{"assigned_elsewhere": "unread: read assigned_roles"},
		},
		"nor need one be that nobody can use": {
			resources: []*posture.Resource{role("CustomRole", "/subscriptions/other")},
			above:     []*posture.Resource{other("Disabled", nil, "assigned_roles")},
			want:      map[string]any{"assigned_elsewhere": false},
		},
		"the tenant was never scanned": {
			resources: []*posture.Resource{role("CustomRole", "/subscriptions/other")},
			want:      map[string]any{"assigned_elsewhere": "unread: not_collected"},
		},
	})
}

func TestUsedLocations(t *testing.T) {
	network := func(id, location string, refused ...string) *posture.Resource {
		return resource(schema.VirtualNetworkType, id, &schema.VirtualNetwork{Resource: schema.Resource{Location: location}}, refused...)
	}
	check(t, map[string]derivation{
		"each once": {
			resources: []*posture.Resource{subscription(), network("a", "westeurope"), network("b", "northeurope"), network("c", "westeurope")},
			want:      map[string]any{"in_use_locations": []any{"northeurope", "westeurope"}},
		},
		"networks were not listed": {
			resources: []*posture.Resource{subscription()}, refused: []*posture.Type{schema.VirtualNetworkType},
			want: map[string]any{"in_use_locations": "unread: list azure.network.virtual_network"},
		},
	})
}

func TestLogDestinations(t *testing.T) {
	const account = own + "microsoft.storage/storageaccounts/logs"
	const workspace = "/subscriptions/other/resourcegroups/rg/providers/microsoft.operationalinsights/workspaces/central"
	export := func(account, workspace string, refused ...string) *posture.Resource {
		return resource(schema.SubscriptionDiagnosticSettingType, "export",
			&schema.SubscriptionDiagnosticSetting{StorageAccountID: account, WorkspaceID: workspace}, refused...)
	}
	lock := func(scope string) *posture.Resource {
		return resource(schema.LockType, "lock", &schema.Lock{Scope: scope})
	}
	at := func(locked bool) []any { return []any{map[string]any{"id": account, "locked": locked}} }
	noMembers := []*posture.Resource{}
	other := resource(schema.MemberType, "/subscriptions/other", &schema.Member{})
	check(t, map[string]derivation{
		"a lock on it": {
			resources: []*posture.Resource{subscription(), export(account, ""), lock(account)}, above: noMembers,
			want: map[string]any{"log_destinations": at(true)},
		},
		"a lock on its resource group": {
			resources: []*posture.Resource{subscription(), export(account, ""), lock("/subscriptions/own/resourcegroups/rg")}, above: noMembers,
			want: map[string]any{"log_destinations": at(true)},
		},
		"a lock on something else": {
			resources: []*posture.Resource{subscription(), export(account, ""), lock("/subscriptions/own/resourcegroups/rg2")}, above: noMembers,
			want: map[string]any{"log_destinations": at(false)},
		},
		"no export, or one to an event hub": {
			resources: []*posture.Resource{subscription(), export("", "")}, above: noMembers,
			want: map[string]any{"log_destinations": []any{}},
		},
		"locks were not listed": {
			resources: []*posture.Resource{subscription(), export(account, "")}, refused: []*posture.Type{schema.LockType}, above: noMembers,
			want: map[string]any{"log_destinations[" + account + "].locked": "unread: list azure.locks.lock"},
		},
		"another subscription of the tenant": {
			resources: []*posture.Resource{subscription(), export("", workspace)}, above: []*posture.Resource{other},
			want: map[string]any{"log_destinations[" + workspace + "].locked": "unread: not_collected"},
		},
		"another tenant": {
			resources: []*posture.Resource{subscription(), export(account, workspace), lock(account)}, above: noMembers,
			want: map[string]any{"log_destinations": at(true)},
		},
		"perhaps another tenant": {
			resources: []*posture.Resource{subscription(), export(account, workspace), lock(account)}, above: noMembers,
			refusedAbove: []*posture.Type{schema.MemberType},
			want:         map[string]any{"log_destinations": at(true), "log_destinations[]": "unread: list azure.subscriptions.member"},
		},
		"exports were not listed": {
			resources: []*posture.Resource{subscription()}, refused: []*posture.Type{schema.SubscriptionDiagnosticSettingType}, above: noMembers,
			want: map[string]any{"log_destinations": "unread: list azure.monitor.subscription_diagnostic_setting"},
		},
		"where one goes was not read": {
			resources: []*posture.Resource{subscription(), export(account, "", "workspace_id")}, above: noMembers,
			want: map[string]any{"log_destinations": "unread: read workspace_id"},
		},
	})
}
