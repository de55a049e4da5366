package azure

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func user(id string, change func(*schema.User), refused ...string) *posture.Resource {
	u := &schema.User{UserType: "Member", AccountEnabled: true}
	if change != nil {
		change(u)
	}
	return resource(schema.UserType, id, u, refused...)
}

// admin is a permanent Global Administrator.
func admin(id string, change func(*schema.DirectoryRoleAssignment), refused ...string) *posture.Resource {
	a := &schema.DirectoryRoleAssignment{
		RoleName: "Global Administrator", RoleTemplateID: globalAdministrator, RolePrivileged: true, PrincipalID: id, PrincipalType: "user",
		AssignmentKind: "permanent",
	}
	if change != nil {
		change(a)
	}
	return resource(schema.DirectoryRoleAssignmentType, "r-"+id, a, refused...)
}

func TestDirectoryRoleHolders(t *testing.T) {
	guest := user("b", func(u *schema.User) { u.UserType, u.AccountEnabled, u.OnPremisesSynced = "Guest", false, true })
	check(t, map[string]derivation{
		"a user is described as the list of users describes him": {
			tenant: true, resources: []*posture.Resource{admin("b", nil), guest},
			want: map[string]any{"principal_user_type": "Guest", "principal_enabled": false, "principal_synced": true},
		},
		"a program is no user": {
			tenant: true, resources: []*posture.Resource{admin("p",
				func(a *schema.DirectoryRoleAssignment) { a.PrincipalType = "servicePrincipal" })},
			want: map[string]any{"principal_user_type": nil, "principal_enabled": nil, "principal_synced": nil, "break_glass": false},
		},
		"a user whom the list of users lacks is not known": {
			tenant: true, resources: []*posture.Resource{admin("x", nil), guest},
			want: map[string]any{"principal_user_type": "unread: graph.users", "principal_enabled": "unread: graph.users"},
		},
		"users were not listed": {
			tenant: true, refused: []*posture.Type{schema.UserType}, resources: []*posture.Resource{admin("b", nil)},
			want: map[string]any{"principal_user_type": "unread: list azure.entra.user"},
		},
		"the first two for good are kept for emergencies": {
			tenant: true, resources: []*posture.Resource{admin("b", nil), admin("a", nil), admin("c", nil), guest},
			want: map[string]any{"break_glass": true},
		},
		"the third is not": {
			tenant: true, resources: []*posture.Resource{admin("c", nil), admin("b", nil), admin("a", nil)},
			want: map[string]any{"break_glass": false},
		},
		"one who is eligible does not count before the others": {
			tenant: true, resources: []*posture.Resource{admin("c", nil), admin("b", nil),
				admin("a", func(a *schema.DirectoryRoleAssignment) { a.AssignmentKind = "eligible" })},
			want: map[string]any{"break_glass": true},
		},
		"another role is not meant": {
			tenant: true, resources: []*posture.Resource{admin("a", func(a *schema.DirectoryRoleAssignment) { a.RoleTemplateID = "other" })},
			want: map[string]any{"break_glass": false},
		},
		"somebody whose sort was not read may come before": {
			tenant: true, resources: []*posture.Resource{admin("b", nil), admin("a", nil, "assignment_kind")},
			want: map[string]any{"break_glass": "unread: read assignment_kind"},
		},
		"with two before it, it does not matter who else may": {
			tenant: true, refused: []*posture.Type{schema.DirectoryRoleAssignmentType},
			resources: []*posture.Resource{admin("c", nil), admin("b", nil), admin("a", nil)},
			want:      map[string]any{"break_glass": false},
		},
	})
}

func TestTenantAdmins(t *testing.T) {
	acme := func() *posture.Resource { return resource(schema.TenantType, ownTenant, &schema.Tenant{}) }
	group := admin("g", func(a *schema.DirectoryRoleAssignment) { a.PrincipalType = "group" })
	through := admin("c", func(a *schema.DirectoryRoleAssignment) { a.ViaGroupID = "g" })
	users := []*posture.Resource{user("a", nil), user("b", func(u *schema.User) { u.AccountEnabled = false }), user("c", nil), user("d", nil)}
	check(t, map[string]derivation{
		"enabled users count once, those in groups too": {
			tenant: true, resources: append([]*posture.Resource{acme(), admin("a", nil), admin("b", nil), group, through,
				admin("c", nil), admin("d", func(a *schema.DirectoryRoleAssignment) { a.AssignmentKind = "eligible" })}, users...),
			want: map[string]any{"global_admin_ids": []any{"a", "c"}},
		},
		"whether one is enabled was not read": {
			tenant: true, resources: []*posture.Resource{acme(), admin("a", nil), admin("e", nil), user("a", nil), user("e", nil, "account_enabled")},
			want: map[string]any{"global_admin_ids": []any{"a"}, "global_admin_ids[]": "unread: read account_enabled"},
		},
		"nothing is known": {
			tenant: true, refused: []*posture.Type{schema.DirectoryRoleAssignmentType}, resources: []*posture.Resource{acme()},
			want: map[string]any{"global_admin_ids": "unread: list azure.entra.directory_role_assignment"},
		},
	})
}

func TestUserRoles(t *testing.T) {
	reader := admin("a", func(a *schema.DirectoryRoleAssignment) { a.RoleName, a.RolePrivileged = "Reports Reader", false })
	member := func(access []schema.Access, refused ...string) *posture.Resource {
		return resource(schema.MemberType, "/subscriptions/s", &schema.Member{State: "Enabled", Access: access}, refused...)
	}
	group := resource(schema.GroupType, "g", &schema.Group{MemberIDs: []string{"a", "b"}})
	login := []schema.Access{{PrincipalID: "g", PrincipalType: "Group", VMLoginScopes: []string{"/subscriptions/s"}}}
	check(t, map[string]derivation{
		"no role": {
			tenant: true, resources: []*posture.Resource{user("a", nil), admin("b", nil), member(nil)},
			want: map[string]any{"directory_roles": []any{}, "directory_roles_privileged": false, "azure_roles_privileged": false,
				"vm_login_scopes": []any{}},
		},
		"a harmless role": {
			tenant: true, resources: []*posture.Resource{user("a", nil), reader},
			want: map[string]any{"directory_roles": []any{"Reports Reader"}, "directory_roles_privileged": false},
		},
		"a privileged role": {
			tenant: true, resources: []*posture.Resource{user("a", nil), reader, admin("a", nil)},
			want: map[string]any{"directory_roles": []any{"Global Administrator", "Reports Reader"}, "directory_roles_privileged": true},
		},
		"what the role is was not read": {
			tenant: true, resources: []*posture.Resource{user("a", nil), admin("a", nil, "role_name", "role_privileged")},
			want: map[string]any{"directory_roles": "unread: read role_name", "directory_roles_privileged": "unread: read role_privileged"},
		},
		"a role in Azure": {
			tenant: true, resources: []*posture.Resource{user("a", nil),
				member([]schema.Access{{PrincipalID: "a", PrincipalType: "User", Privileged: true}})},
			want: map[string]any{"azure_roles_privileged": true, "vm_login_scopes": []any{}},
		},
		"what a group holds its members hold": {
			tenant: true, resources: []*posture.Resource{user("a", nil), member(login), group},
			want: map[string]any{"azure_roles_privileged": false, "vm_login_scopes": []any{"/subscriptions/s"}},
		},
		"a group that was not listed": {
			tenant: true, resources: []*posture.Resource{user("a", nil), member(login)},
			want: map[string]any{"azure_roles_privileged": "unread: graph.groupMembers", "vm_login_scopes": "unread: graph.groupMembers"},
		},
		"one subscription was read and another not": {
			tenant: true, resources: []*posture.Resource{user("a", nil),
				member([]schema.Access{{PrincipalID: "a", PrincipalType: "User", Privileged: true, VMLoginScopes: []string{"/subscriptions/s"}}}),
				resource(schema.MemberType, "/subscriptions/t", &schema.Member{State: "Warned"}, "access")},
			want: map[string]any{"azure_roles_privileged": true, "vm_login_scopes": []any{"/subscriptions/s"},
				"vm_login_scopes[]": "unread: read access"},
		},
		"a subscription that cannot be used does not count": {
			tenant: true, resources: []*posture.Resource{user("a", nil),
				resource(schema.MemberType, "/subscriptions/t", &schema.Member{State: "Disabled"}, "access")},
			want: map[string]any{"azure_roles_privileged": false, "vm_login_scopes": []any{}},
		},
		"subscriptions were not listed": {
			tenant: true, refused: []*posture.Type{schema.MemberType}, resources: []*posture.Resource{user("a", nil)},
			want: map[string]any{"azure_roles_privileged": "unread: list azure.subscriptions.member"},
		},
	})
}

func TestExpiredCredentials(t *testing.T) {
	application := func(refused ...string) *posture.Resource {
		ends := func(days int) schema.AppCredential {
			return schema.AppCredential{EndsAt: posture.Some(now.AddDate(0, 0, days))}
		}
		list := []schema.AppCredential{ends(-1), ends(1), {}, ends(-400)}
		return resource(schema.ApplicationType, "a", &schema.Application{Credentials: schema.AppCredentials{List: list}}, refused...)
	}
	check(t, map[string]derivation{
		"those that ended before the scan": {tenant: true, resources: []*posture.Resource{application()},
			want: map[string]any{"credentials.expired_count": int64(2)}},
		"not read": {tenant: true, resources: []*posture.Resource{application("credentials.list")},
			want: map[string]any{"credentials.expired_count": "unread: read credentials.list"}},
	})
}
