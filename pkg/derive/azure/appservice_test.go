package azure

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestSiteIdentities(t *testing.T) {
	const contributor = "/providers/microsoft.authorization/roledefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c"
	const reader = "/providers/microsoft.authorization/roledefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
	site := func(ids []string, others ...*posture.Resource) []*posture.Resource {
		return append([]*posture.Resource{resource(schema.SiteType, own+"microsoft.web/sites/shop", &schema.Site{IdentityPrincipalIDs: ids})}, others...)
	}
	holds := func(principal, role, kind string, refused ...string) *posture.Resource {
		return resource(schema.RoleAssignmentType, principal+role+kind, &schema.RoleAssignment{PrincipalID: principal, RoleDefinitionID: role, AssignmentKind: kind}, refused...)
	}
	roles := func(v any) map[string]any { return map[string]any{"identity_admin_roles": v} }
	partly := func(why string, known ...any) map[string]any {
		return map[string]any{"identity_admin_roles": known, "identity_admin_roles[]": "unread: " + why}
	}
	lists := []*posture.Type{schema.RoleAssignmentType}
	one, two := []string{"a"}, []string{"a", "b"}
	check(t, map[string]derivation{
		"a role that is no administrator's":          {resources: site(one, holds("a", reader, "permanent")), want: roles([]any{})},
		"each of its identities counts":              {resources: site(two, holds("a", reader, "permanent"), holds("b", contributor, "permanent")), want: roles([]any{"Contributor"})},
		"the same role twice is named once":          {resources: site(two, holds("a", owner, "permanent"), holds("b", owner, "time_bound")), want: roles([]any{"Owner"})},
		"two roles stand in order":                   {resources: site(one, holds("a", owner, "permanent"), holds("a", contributor, "activated")), want: roles([]any{"Contributor", "Owner"})},
		"another's role is none of its own":          {resources: site(one, holds("b", owner, "permanent")), want: roles([]any{})},
		"a role that has to be activated":            {resources: site(one, holds("a", owner, "eligible")), want: roles([]any{})},
		"without identities nobody has to ask":       {refused: lists, resources: site(nil), want: roles([]any{})},
		"assignments were not read":                  {refused: lists, resources: site(one), want: roles("unread: list azure.authorization.role_assignment")},
		"one that was read is enough":                {refused: lists, resources: site(one, holds("a", owner, "permanent")), want: partly("list azure.authorization.role_assignment", "Owner")},
		"whether it is active was not read":          {resources: site(one, holds("a", owner, "", "assignment_kind")), want: roles("unread: read assignment_kind")},
		"that does not matter of a harmless role":    {resources: site(one, holds("a", reader, "", "assignment_kind")), want: roles([]any{})},
		"which role it is was not read":              {resources: site(one, holds("a", "", "permanent", "role_definition_id")), want: roles("unread: read role_definition_id")},
		"which identities the site has was not read": {resources: []*posture.Resource{resource(schema.SiteType, "s", &schema.Site{}, "identity_principal_ids"), holds("a", owner, "permanent")}, want: roles("unread: read identity_principal_ids")},
	})
}
