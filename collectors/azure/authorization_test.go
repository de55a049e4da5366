package azure

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
)

func TestWhatActionsAllow(t *testing.T) {
	for action, want := range map[string]bool{
		"*": true, "Microsoft.Compute/*": true, "Microsoft.Compute/virtualMachines/write": true, "Microsoft.Compute/disks/Delete": true,
		"*/read": false, "Microsoft.Compute/virtualMachines/*/read": false, "Microsoft.Compute/virtualMachines/login/action": false,
	} {
		if got := writes(action); got != want {
			t.Errorf("%s writes: %t, want %t", action, got, want)
		}
	}
	const assign = "Microsoft.Authorization/roleAssignments/write"
	for pattern, want := range map[string]bool{
		"*": true, "*/write": true, "Microsoft.Authorization/*": true, "microsoft.authorization/*/Write": true, assign: true,
		"Microsoft.Authorization/roleAssignments/*": true, "*/read": false, "Microsoft.Authorization/locks/*": false,
		"Microsoft.AuthorizationX/*": false,
	} {
		if got := matches(pattern, assign); got != want {
			t.Errorf("%s allows the assigning of roles: %t, want %t", pattern, got, want)
		}
	}
}

func TestScopeLevels(t *testing.T) {
	for scope, want := range map[string]string{
		"/": "root", "/providers/microsoft.management/managementgroups/acme": "management_group", "/subscriptions/s": "subscription",
		"/subscriptions/s/resourcegroups/rg":                                                "resource_group",
		"/subscriptions/s/resourcegroups/rg/providers/microsoft.compute/virtualmachines/vm": "resource",
	} {
		if got := scopeLevel(scope); got != want {
			t.Errorf("%s is a %s, want %s", scope, got, want)
		}
	}
}

func TestHours(t *testing.T) {
	for text, want := range map[string]int{"PT8H": 8, "PT30M": 1, "PT1H30M": 2, "P1D": 24, "P1DT2H": 26} {
		if got, ok := hoursOf(text); !ok || got != want {
			t.Errorf("%s is %d hours, want %d", text, got, want)
		}
	}
	if _, ok := hoursOf("a working day"); ok {
		t.Error("what is no duration was read as one")
	}
}

func TestRolesWithoutALicence(t *testing.T) {
	const assigned = `{"value":[{"id":"/subscriptions/OWN/providers/Microsoft.Authorization/roleAssignments/A1",
		"properties":{"principalId":"P1","principalType":"User","scope":"/subscriptions/OWN",
		"roleDefinitionId":"/subscriptions/own/providers/Microsoft.Authorization/roleDefinitions/8E3AF657-a8ff-443c-a75c-2fe8c4bcb635"}}]}`
	const definitions = `{"value":[{"id":"/subscriptions/own/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635","properties":{"roleName":"Owner","type":"BuiltInRole","permissions":[{"actions":["*"]}]}},
		{"id":"/subscriptions/own/providers/Microsoft.Authorization/roleDefinitions/unused","properties":{"roleName":"Reader","type":"BuiltInRole"}}]}`
	const timed = `{"value":[{"id":"i","properties":{"originRoleAssignmentId":"/subscriptions/own/providers/Microsoft.Authorization/roleAssignments/a1","assignmentType":"Assigned","endDateTime":"2026-05-01T00:00:00Z"}}]}`
	const id = "/subscriptions/own/providers/microsoft.authorization/roleassignments/a1"
	const instances, eligibles = "armauthorization.RoleAssignmentScheduleInstancesClient.NewListForScopePager",
		"armauthorization.RoleEligibilityScheduleInstancesClient.NewListForScopePager"
	script := func(schedules, eligible string) map[string]string {
		return map[string]string{
			"armauthorization.RoleAssignmentsClient.NewListForSubscriptionPager": assigned,
			"armauthorization.RoleDefinitionsClient.NewListPager":                definitions,
			instances: schedules, eligibles: eligible, "graph.getByIds": `{"value":[{"@odata.type":"#microsoft.graph.user","id":"p1",
				"displayName":"Ada"}]}`,
		}
	}
	const none = `{"value":[]}`
	for name, test := range map[string]struct {
		answers map[string]string
		kind    string
		unread  map[string]string
		err     string
	}{
		"an assignment that ends":          {script(timed, none), "time_bound", map[string]string{}, ""},
		"an assignment without a schedule": {script(none, none), "permanent", map[string]string{}, ""},
		"without Entra P2 nothing ends":    {script(noPIM, noPIM), "permanent", map[string]string{}, ""},
		"schedules that may not be read": {script("403 AuthorizationFailed", none), "",
			map[string]string{"assignment_kind": "AuthorizationFailed", "ends_at": "AuthorizationFailed"}, ""},
		"eligible roles that may not be read":    {script(none, "403 AuthorizationFailed"), "permanent", map[string]string{}, "AuthorizationFailed"},
		"eligible roles, refused for the length": {script(none, "400 BadRequest"), "permanent", map[string]string{}, "BadRequest"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readScripted(t, collectRoles, test.answers)
			if code := codeOfError(err); code != test.err {
				t.Errorf("got error %q, want %q", code, test.err)
			}
			a := got[id].attributes.(*schema.RoleAssignment)
			if a.AssignmentKind != test.kind || a.RoleName != "Owner" || !a.RolePrivileged || a.ScopeLevel != "subscription" || a.PrincipalID != "p1" {
				t.Errorf("the assignment is %+v", a)
			}
			if diff := cmp.Diff(test.unread, got[id].unread); diff != "" {
				t.Errorf("unread attributes differ (-want +got):\n%s", diff)
			}
			if p := got["p1"].attributes.(*schema.Principal); p.Name != "" {
				t.Errorf("a person's name was kept: %s", p.Name)
			}
			if _, kept := got[roleID(&[]string{"unused"}[0])]; kept || got[owner].attributes.(*schema.RoleDefinition).AssignmentCount != 1 {
				t.Error("of the built-in roles only those assigned are kept, with how often they are")
			}
		})
	}
}

// TestPolicyStates: the second page is asked for with POST, as the first.
func TestPolicyStates(t *testing.T) {
	state := func(resource string) string {
		return `{"resourceId":"/subscriptions/Own/VM-` + resource + `","policyAssignmentId":"/pa",
			"policyDefinitionName":"fc9b3da7-8347-4380-8e70-0a0361d8dedd","complianceState":"NonCompliant"}`
	}
	next := `"@odata.nextLink":"https://management.azure.com/subscriptions/own/providers/Microsoft.PolicyInsights/policyStates/latest/queryResults?api-version=2024-10-01&$skiptoken=t2"`
	for name, test := range map[string]struct {
		first string
		found int
		fails bool
	}{
		"two pages":                   {`{"value":[` + state("1") + `],` + next + `}` + "\n---\n" + `{"value":[` + state("2") + `]}`, 2, false},
		"a link that leads nowhere":   {`{"value":[` + state("1") + `],"@odata.nextLink":"https://management.azure.com/x"}`, 1, true},
		"nothing has been assigned":   {`{"value":[]}`, 0, false},
		"a second page that is gone":  {`{"value":[` + state("1") + `],` + next + `}` + "\n---\n" + `404 NotFound`, 1, true},
		"policies that are forbidden": {`403 AuthorizationFailed`, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readScripted(t, collectPolicyStates, map[string]string{policyStateQuery: test.first})
			if len(got) != test.found || (err != nil) != test.fails {
				t.Errorf("got %d states and error %v", len(got), err)
			}
			for id, e := range got {
				if s := e.attributes.(*schema.PolicyState); s.Baseline != "guest" || s.ComplianceState != "NonCompliant" {
					t.Errorf("%s is %+v", id, s)
				}
			}
		})
	}
}
