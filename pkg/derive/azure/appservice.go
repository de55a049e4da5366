package azure

import (
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
)

// adminRoles are the built-in roles with which an application could do anything, or let itself do it.
var adminRoles = map[string]string{
	owner: "Owner",
	"/providers/microsoft.authorization/roledefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
	"/providers/microsoft.authorization/roledefinitions/18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
	"/providers/microsoft.authorization/roledefinitions/f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
}

// siteIdentities: which admin roles the identities of a site hold without having to activate them.
func siteIdentities(inv *derive.Inventory) {
	held := derive.ByRead(derive.Of[schema.RoleAssignment](inv, schema.RoleAssignmentType), "principal_id",
		func(a derive.Item[schema.RoleAssignment]) string { return a.V.PrincipalID })
	for _, s := range derive.Of[schema.Site](inv, schema.SiteType).Items {
		ids := derive.Read(s, "identity_principal_ids", s.V.IdentityPrincipalIDs)
		list, _ := ids.Get()
		roles := derive.Elements[string]{Missing: ids.Causes()}
		for _, id := range list {
			found := derive.Gather(held.All(id), adminRole)
			roles.Known, roles.Missing = append(roles.Known, found.Known...), append(roles.Missing, found.Missing...)
		}
		roles.Known = sorted(roles.Known)
		derive.SetList(s, "identity_admin_roles", &s.V.IdentityAdminRoles, roles)
	}
}

func adminRole(a derive.Item[schema.RoleAssignment]) (name derive.Val[string], active derive.Val[bool]) {
	name = derive.Map(derive.Read(a, "role_definition_id", a.V.RoleDefinitionID), func(id string) string { return adminRoles[id] })
	active = derive.Map(derive.Read(a, "assignment_kind", a.V.AssignmentKind), func(kind string) bool { return kind != "eligible" })
	return name, derive.And(active, derive.Not(is(name, "")))
}
