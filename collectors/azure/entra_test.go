package azure

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// The licences of tenants, and how Graph refuses those that lack one.
const (
	noPremium = `{"value":[{"capabilityStatus":"Enabled","servicePlans":[{"servicePlanName":"EXCHANGE_S_STANDARD"}]},
		{"capabilityStatus":"Suspended","servicePlans":[{"servicePlanName":"AAD_PREMIUM_P2"}]}]}`
	premium   = `{"value":[{"capabilityStatus":"Enabled","servicePlans":[{"servicePlanName":"AAD_PREMIUM_P2"}]}]}`
	freeUser  = "403 Authentication_RequestFromNonPremiumTenantOrB2CTenant"
	noPIM     = "400 AadPremiumLicenseRequired"
	noConsent = "403 Authorization_RequestDenied"
)

func TestUsersOfTenantsThatLackALicence(t *testing.T) {
	const list = `{"value":[{"id":"u1","userPrincipalName":"ada@acme.example","accountEnabled":true,"userType":null}]}`
	const registered = `{"value":[{"id":"u1","isMfaCapable":true,"isMfaRegistered":true,"methodsRegistered":["fido2"]}]}`
	const p1 = "needs AAD_PREMIUM: Authentication_RequestFromNonPremiumTenantOrB2CTenant"
	for name, test := range map[string]struct {
		answers map[string]string
		unread  map[string]string
		err     string
	}{
		"all is answered": {map[string]string{"graph.users": list, "graph.userRegistrationDetails": registered}, map[string]string{}, ""},
		"the tenant has no Entra P1": {map[string]string{"graph.users": freeUser + "\n---\n" + list,
			"graph.userRegistrationDetails": freeUser, "graph.subscribedSkus": noPremium},
			map[string]string{"last_sign_in_at": p1, "mfa.capable": p1, "mfa.registered": p1, "mfa.methods": p1}, ""},
		"consent to the logs lacks": {map[string]string{"graph.users": noConsent + "\n---\n" + list,
			"graph.userRegistrationDetails": noConsent}, map[string]string{"last_sign_in_at": "Authorization_RequestDenied",
			"sign_in_activity_available": "Authorization_RequestDenied", "mfa": "Authorization_RequestDenied"}, ""},
		"Graph mistakes a P2 tenant": {map[string]string{"graph.users": freeUser + "\n---\n" + list,
			"graph.userRegistrationDetails": registered, "graph.subscribedSkus": premium},
			map[string]string{"last_sign_in_at": freeUser[4:], "sign_in_activity_available": freeUser[4:]}, ""},
		"the licences were not read": {map[string]string{"graph.users": freeUser + "\n---\n" + list,
			"graph.userRegistrationDetails": registered, "graph.subscribedSkus": noConsent},
			map[string]string{"last_sign_in_at": "Authorization_RequestDenied", "sign_in_activity_available": "Authorization_RequestDenied"}, ""},
		"users cannot be read at all": {map[string]string{"graph.users": noConsent, "graph.userRegistrationDetails": registered}, nil,
			"Authorization_RequestDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readScripted(t, collectUsers, test.answers)
			if code := codeOfError(err); code != test.err {
				t.Fatalf("got error %q, want %q", code, test.err)
			}
			if diff := cmp.Diff(test.unread, got["u1"].unread); diff != "" {
				t.Errorf("unread attributes differ (-want +got):\n%s", diff)
			}
			if u, ok := got["u1"].attributes.(*schema.User); ok && u.UserType != "Member" {
				t.Errorf("a user without a type is a %s, want a Member", u.UserType)
			}
		})
	}
}

func TestWhatOnlyLicensedTenantsHave(t *testing.T) {
	const review = `{"value":[{"id":"r","displayName":"Guests","status":"InProgress",
		"scope":{"query":"/groups/g/transitiveMembers/microsoft.graph.user/?$filter=(userType eq 'Guest')"},"settings":{"recurrence":{"pattern":{"type":"absoluteMonthly","interval":3}}}}]}`
	for name, test := range map[string]struct {
		reviews, skus string
		found         int
		err           string
	}{
		"a review":                            {review, "", 1, ""},
		"no licence means none":               {"403 NoLicense", noPremium, 0, ""},
		"missing consent means unread":        {noConsent, noPremium, 0, "Authorization_RequestDenied"},
		"a refusal without a code of its own": {"403 Forbidden", noPremium, 0, "Forbidden"},
		"a licence that is there after all":   {"403 NoLicense", premium, 0, "NoLicense"},
		"licences that were not read":         {"403 NoLicense", noConsent, 0, "Authorization_RequestDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readScripted(t, collectAccessReviews,
				map[string]string{"graph.accessReviews": test.reviews, "graph.subscribedSkus": test.skus})
			if code := codeOfError(err); code != test.err || len(got) != test.found {
				t.Errorf("got %d and error %q, want %d and %q", len(got), code, test.found, test.err)
			}
		})
	}
}

func TestDirectoryRolesWithAndWithoutSchedules(t *testing.T) {
	const active = `{"value":[{"id":"a1","principalId":"u1","roleDefinitionId":"62e90394-69f5-4237-9190-012177145e10","directoryScopeId":"/",
		"principal":{"@odata.type":"#microsoft.graph.user","id":"u1"}},
		{"id":"a2","principalId":"g1","roleDefinitionId":"custom","directoryScopeId":"/","principal":{"@odata.type":"#microsoft.graph.group","id":"g1"}}]}`
	const roles = `{"value":[{"id":"62e90394-69f5-4237-9190-012177145e10","templateId":"62e90394-69f5-4237-9190-012177145e10",
		"displayName":"Global Administrator"},
		{"id":"custom","templateId":"custom","displayName":"Acme Support","isPrivileged":true}]}`
	const members = `{"value":[{"@odata.type":"#microsoft.graph.user","id":"u2"},{"@odata.type":"#microsoft.graph.device","id":"d1"}]}`
	const schedules = `{"value":[{"roleAssignmentOriginId":"a1","assignmentType":"Activated","endDateTime":"2026-03-01T12:00:00Z"},
		{"roleAssignmentOriginId":"a2","assignmentType":"Assigned","endDateTime":"2026-05-01T00:00:00Z"}]}`
	const eligible = `{"value":[{"id":"e1","principalId":"u3","roleDefinitionId":"62e90394-69f5-4237-9190-012177145e10",
		"directoryScopeId":"/","memberType":"Direct","principal":{"@odata.type":"#microsoft.graph.user","id":"u3"}},
		{"id":"e2","principalId":"u4","roleDefinitionId":"custom","directoryScopeId":"/","memberType":"Group","principal":{"@odata.type":"#microsoft.graph.user","id":"u4"}}]}`
	script := func(change map[string]string) map[string]string {
		out := map[string]string{"graph.roleAssignments": active, "graph.roleDefinitions": roles, "graph.groupMembers": members,
			"graph.roleAssignmentScheduleInstances":  schedules,
			"graph.roleEligibilityScheduleInstances": eligible, "graph.subscribedSkus": premium}
		for k, v := range change {
			out[k] = v
		}
		return out
	}
	unread := func(code string, paths ...string) map[string]string {
		out := map[string]string{}
		for _, p := range paths {
			out[p] = code
		}
		return out
	}
	for name, test := range map[string]struct {
		answers map[string]string
		kinds   map[string]string // by id
		unread  map[string]string // of a1
		err     string
	}{
		"all is answered": {script(nil), map[string]string{"a1": "activated", "a2": "time_bound", "a2/u2": "time_bound", "e1": "eligible"},
			map[string]string{}, ""},
		"without Entra P2 every assignment is permanent": {script(map[string]string{"graph.roleAssignmentScheduleInstances": noPIM,
			"graph.roleEligibilityScheduleInstances": noPIM, "graph.subscribedSkus": noPremium}),
			map[string]string{"a1": "permanent", "a2": "permanent", "a2/u2": "permanent"}, map[string]string{}, ""},
		"schedules without consent": {script(map[string]string{"graph.roleAssignmentScheduleInstances": noConsent}),
			map[string]string{"a1": "permanent", "a2": "permanent", "a2/u2": "permanent", "e1": "eligible"},
			unread("Authorization_RequestDenied", "assignment_kind", "ends_at"), ""},
		"eligibility without consent leaves the list open": {script(map[string]string{"graph.roleEligibilityScheduleInstances": noConsent}),
			map[string]string{"a1": "activated", "a2": "time_bound", "a2/u2": "time_bound"}, map[string]string{}, "Authorization_RequestDenied"},
		"members that were not read leave the list open": {script(map[string]string{"graph.groupMembers": noConsent}),
			map[string]string{"a1": "activated", "a2": "time_bound", "e1": "eligible"}, map[string]string{}, "Authorization_RequestDenied"},
		"definitions that were not read": {script(map[string]string{"graph.roleDefinitions": noConsent}),
			map[string]string{"a1": "activated", "a2": "time_bound", "a2/u2": "time_bound", "e1": "eligible"},
			unread("Authorization_RequestDenied", "role_name", "role_template_id", "role_privileged"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readScripted(t, collectDirectoryRoles, test.answers)
			if code := codeOfError(err); code != test.err {
				t.Errorf("got error %q, want %q", code, test.err)
			}
			kinds := map[string]string{}
			for id, e := range got {
				kinds[id] = e.attributes.(*schema.DirectoryRoleAssignment).AssignmentKind
			}
			if diff := cmp.Diff(test.kinds, kinds); diff != "" {
				t.Errorf("assignments differ (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.unread, got["a1"].unread); diff != "" {
				t.Errorf("unread attributes differ (-want +got):\n%s", diff)
			}
			if a := got["a2"].attributes.(*schema.DirectoryRoleAssignment); test.answers["graph.roleDefinitions"] == roles && !a.RolePrivileged {
				t.Error("a role of the tenant's own that is marked as privileged is not")
			}
		})
	}
}

func TestConditionalAccess(t *testing.T) {
	for name, test := range map[string]struct {
		conditions, grant     string
		requiresMFA, narrowed bool
	}{
		"multifactor authentication of all":        {`{"clientAppTypes":["all"]}`, `{"operator":"OR","builtInControls":["mfa"]}`, true, false},
		"a strength":                               {`{"clientAppTypes":["all"]}`, `{"operator":"OR","authenticationStrength":{"id":"s"}}`, true, false},
		"or a compliant device":                    {`{"clientAppTypes":["all"]}`, `{"operator":"OR","builtInControls":["mfa","compliantDevice"]}`, false, false},
		"and a compliant device":                   {`{"clientAppTypes":["all"]}`, `{"operator":"AND","builtInControls":["mfa","compliantDevice"]}`, true, false},
		"or terms of use":                          {`{"clientAppTypes":["all"]}`, `{"operator":"OR","builtInControls":["mfa"],"termsOfUse":["t"]}`, false, false},
		"a block":                                  {`{"clientAppTypes":["all"]}`, `{"operator":"OR","builtInControls":["block"]}`, false, false},
		"nothing asked for":                        {`{"clientAppTypes":["all"]}`, `null`, false, false},
		"browsers and applications are everything": {`{"clientAppTypes":["browser","mobileAppsAndDesktopClients"]}`, `null`, false, false},
		"browsers only":                            {`{"clientAppTypes":["browser"]}`, `null`, false, true},
		"every location": {`{"locations":{"includeLocations":["All"],
			"excludeLocations":["AllTrusted"]}}`, `null`, false, false},
		"one location":          {`{"locations":{"includeLocations":["abroad"]}}`, `null`, false, true},
		"every platform":        {`{"platforms":{"includePlatforms":["all"]}}`, `null`, false, false},
		"one platform":          {`{"platforms":{"includePlatforms":["android"]}}`, `null`, false, true},
		"all platforms but one": {`{"platforms":{"includePlatforms":["all"],"excludePlatforms":["linux"]}}`, `null`, false, true},
		"risky sign-ins":        {`{"signInRiskLevels":["high"]}`, `null`, false, true},
		"risky users":           {`{"userRiskLevels":["high"]}`, `null`, false, true},
		"device codes":          {`{"authenticationFlows":{"transferMethods":"deviceCodeFlow"}}`, `null`, false, true},
		"some devices": {`{"devices":{"deviceFilter":{"mode":"exclude",
			"rule":"device.isCompliant -eq True"}}}`, `null`, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readScripted(t, collectConditionalAccess, map[string]string{
				"graph.conditionalAccessPolicies": `{"value":[{"id":"p","state":"enabled",
					"conditions":` + test.conditions + `,"grantControls":` + test.grant + `}]}`,
			})
			if err != nil {
				t.Fatal(err)
			}
			p := got["p"].attributes.(*schema.ConditionalAccessPolicy)
			if p.RequiresMFA != test.requiresMFA || p.Narrowed != test.narrowed {
				t.Errorf("requires_mfa is %t and narrowed %t, want %t and %t", p.RequiresMFA, p.Narrowed, test.requiresMFA, test.narrowed)
			}
		})
	}
}

func TestAccessReviews(t *testing.T) {
	for query, want := range map[string]string{
		"/groups/g/transitiveMembers/microsoft.graph.user/?$count=true&$filter=(userType eq 'Guest')": "guests",
		"/users ; /roleManagement/directory/roleDefinitions/r":                                        "directory_role",
		"/users ; /subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/r":               "azure_role",
		"/groups/g/transitiveMembers":                                        "group",
		"/servicePrincipals/p/appRoleAssignedTo":                             "application",
		"/identityGovernance/entitlementManagement/accessPackageAssignments": "",
	} {
		if got := reviewTarget(query); got != want {
			t.Errorf("%s is a review of %q, want %q", query, got, want)
		}
	}
	for name, test := range map[string]struct {
		pattern  string
		interval int
		want     posture.Opt[int]
	}{
		"every week":    {"weekly", 1, posture.Some(7)},
		"every quarter": {"absoluteMonthly", 3, posture.Some(92)},
		"every month":   {"relativeMonthly", 1, posture.Some(31)},
		"every year":    {"absoluteYearly", 1, posture.Some(366)},
		"no interval":   {"daily", 0, posture.Some(1)},
		"once":          {"", 0, posture.Opt[int]{}},
	} {
		if got := recurrenceDays(test.pattern, test.interval); !got.Equal(test.want) {
			t.Errorf("%s is %v days, want %v", name, got, test.want)
		}
	}
}
