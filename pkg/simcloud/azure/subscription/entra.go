package subscription

import (
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// The directory itself, with the settings that hold for everybody in it.
var entraService = service{
	kinds: []world.Kind{{
		Name: "azure.tenant", Sort: inTenant, Global: true, Count: 1, Fixed: true,
		Defects: []world.Defect{{Name: "no-p1", Drift: 0.4}, {Name: "p2-lapsed", Drift: 1}, {Name: "defaults", Drift: 0.8},
			{Name: "all-invite", Drift: 0.5}, {Name: "guests-see", Drift: 0.6}, {Name: "guests-unset", Drift: 0.2},
			{Name: "apps", Drift: 0.5}, {Name: "tenants", Drift: 1},
			{Name: "security-groups", Drift: 0.5}, {Name: "teams", Drift: 0.7}, {Name: "consent", Drift: 0.6}, {Name: "any-consent", Drift: 0.6},
			{Name: "many-guesses", Drift: 1}, {Name: "short-lockout", Drift: 0.7}, {Name: "no-banned-words", Drift: 0.6},
			{Name: "no-settings", Drift: 0.6},
			{Name: "text-messages", Drift: 0.6}, {Name: "no-strong-method", Drift: 0.5}, {Name: "no-campaign", Drift: 0.4},
			{Name: "devices-open", Share: 0.5, Drift: 1},
			{Name: "groups-open", Drift: 0.7}, {Name: "may-leave", Drift: 0.6}, {Name: "may-enter", Drift: 0.6}},
		Expect: expectTenant,
	}},
	handle: handleEntra,
}

func expectTenant(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
	settings, defaults, free := !it.Has("no-settings"), it.Has("defaults"), it.Has("no-p1")
	// lacks: the policy is not in force, or has one of the defects.
	lacks := func(policy int, defects ...string) bool {
		return !inForce(s, policy) || slices.ContainsFunc(defects, func(d string) bool { return policyHas(s, policy, d) })
	}
	none := func(kind string, good func(*world.Item) bool) bool { return !slices.ContainsFunc(s.Items(kind), good) }
	return tenantKey(s), map[string]posture.Result{
		"azure-entra-guest-invitations-restricted":          failIf(it.Has("all-invite")),
		"azure-entra-guest-access-restricted":               failIf(it.Has("guests-see") || it.Has("guests-unset")),
		"azure-entra-guest-access-reviewed":                 failIf(!guestsReviewed(s)),
		"azure-entra-users-cannot-register-apps":            failIf(it.Has("apps")),
		"azure-entra-users-cannot-create-tenants":           failIf(it.Has("tenants")),
		"azure-entra-users-cannot-create-security-groups":   failIf(it.Has("security-groups")),
		"azure-entra-users-cannot-create-m365-groups":       failIf(it.Has("teams") || !settings),
		"azure-entra-user-consent-verified-publishers-only": failIf(it.Has("any-consent")),
		"azure-entra-user-consent-disabled":                 failIf(it.Has("any-consent") || it.Has("consent")),
		"azure-entra-smart-lockout-configured":              failIf(settings && (it.Has("many-guesses") || it.Has("short-lockout"))),
		"azure-entra-banned-passwords-enforced":             unless(free, failIf(it.Has("no-banned-words") || !settings)),
		"azure-entra-strong-authentication-methods":         failIf(it.Has("text-messages") || it.Has("no-strong-method") || it.Has("no-campaign")),
		"azure-entra-trusted-named-location-defined":        unless(free, failIf(none("azure.location", trustedLocation))),
		"azure-entra-privileged-roles-reviewed":             unless(!hasP2(s), failIf(none("azure.review", reviewsRoles))),
		"azure-entra-logs-exported":                         failIf(none("azure.entra_export", exportsBoth)),
		"azure-entra-global-admin-count":                    failIf(len(activeAdmins(s)) < 2 || len(activeAdmins(s)) > 4),

		"azure-entra-baseline-mfa-enforced": failIf(!defaults && !everybodyTwice(s)),
		"azure-entra-conditional-access-mfa-all-users": unless(free,
			failIf(!everybodyTwice(s) || lacks(mfaForAll, "crowded", "roles-out"))),
		"azure-entra-conditional-access-mfa-azure-management":      failIf(!defaults && !managementTwice(s)),
		"azure-entra-conditional-access-mfa-admin-portals":         failIf(!defaults && !portalsTwice(s)),
		"azure-entra-conditional-access-legacy-auth-blocked":       failIf(!defaults && lacks(legacyBlock, "some-users", "half")),
		"azure-entra-conditional-access-admins-phishing-resistant": unless(free, failIf(lacks(adminStrength, "weak", "any-factor", "narrow"))),
		"azure-entra-conditional-access-device-code-blocked":       unless(free, failIf(lacks(deviceCode, "some-users", "weak"))),
		"azure-entra-conditional-access-risky-sign-in":             unless(!hasP2(s), failIf(lacks(riskySignIn, "some-users", "half"))),
		"azure-entra-device-join-requires-mfa":                     failIf(it.Has("devices-open") && lacks(deviceJoin, "weak")),
	}
}

// tenantItem is the tenant's own thing, which has the defects of its settings.
func tenantItem(s *world.State) *world.Item { return s.Items("azure.tenant")[0] }

func hasP1(s *world.State) bool { return !tenantItem(s).Has("no-p1") }
func hasP2(s *world.State) bool { return hasP1(s) && !tenantItem(s).Has("p2-lapsed") }

// tenantState is the tenant above a subscription at the same time; a tenant's own state is that itself.
func tenantState(s *world.State) *world.State {
	if len(s.Account.Above) == 0 {
		return s
	}
	above, _ := s.World.State(s.Account.Above[len(s.Account.Above)-1], s.Time())
	return above
}

// objectID is an id that stays with a thing; salt tells several of one thing apart.
func objectID(it *world.Item, salt string) string {
	h := it.Hex(32, "guid"+salt)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:]
}

// unlicensed is how Graph refuses a tenant that lacks a plan of Entra ID.
func unlicensed(code string) error {
	return &azure.Error{Status: 403, Code: code, Message: "The tenant needs to have a Microsoft Entra ID Premium license."}
}

// object is an answer of Microsoft Graph, which has no structs of its own here.
type object = map[string]any

// graph registers what answers for a single object, graphList for a list of them.
func graph(s *azure.Server, w *states, id string, answer func(azure.Call, *world.State) (object, error)) {
	azure.Handle(s, id, func(c azure.Call) (*object, error) { return answered(w, c, answer) })
}

func graphList(s *azure.Server, w *states, id string, list func(azure.Call, *world.State) ([]object, error)) {
	azure.List(s, id, func(c azure.Call) (*object, error) {
		return answered(w, c, func(c azure.Call, state *world.State) (object, error) {
			found, err := list(c, state)
			return object{"@odata.context": "https://graph.microsoft.com" + c.Path, "value": append([]object{}, found...)}, err
		})
	})
}

func answered(w *states, c azure.Call, answer func(azure.Call, *world.State) (object, error)) (*object, error) {
	state, err := w.at(c)
	if err != nil {
		return nil, err
	}
	out, err := answer(c, state)
	return &out, err
}

func handleEntra(s *azure.Server, w *states) {
	graph(s, w, "graph.organization", func(_ azure.Call, state *world.State) (object, error) {
		return object{"value": []object{{"id": strings.TrimPrefix(state.Account.ID, "tenants/"), "displayName": "Acme", "tenantType": "AAD"}}}, nil
	})
	graphList(s, w, "graph.domains", func(azure.Call, *world.State) ([]object, error) {
		return []object{{"id": "acme.example", "isVerified": true, "isDefault": true},
			{"id": "acme.onmicrosoft.com", "isVerified": true, "isInitial": true}, {"id": "new.acme.example", "isVerified": false}}, nil
	})
	graphList(s, w, "graph.subscribedSkus", subscribedSkus)
	graphList(s, w, "graph.groupSettings", groupSettings)
	graph(s, w, "graph.authorizationPolicy", authorizationPolicy)
	graph(s, w, "graph.securityDefaultsPolicy", func(_ azure.Call, state *world.State) (object, error) {
		return object{"id": "00000000-0000-0000-0000-000000000005", "displayName": "Security Defaults",
			"isEnabled": tenantItem(state).Has("defaults")}, nil
	})
	graph(s, w, "graph.authenticationMethodsPolicy", authenticationMethods)
	graph(s, w, "graph.deviceRegistrationPolicy", func(_ azure.Call, state *world.State) (object, error) {
		mfa := "required"
		if tenantItem(state).Has("devices-open") {
			mfa = "notRequired"
		}
		return object{"id": "deviceRegistrationPolicy", "displayName": "Device Registration Policy", "userDeviceQuota": 50,
			"multiFactorAuthConfiguration": mfa}, nil
	})
}

func subscribedSkus(_ azure.Call, state *world.State) ([]object, error) {
	sku := func(name, status, plan string) object {
		it := tenantItem(state)
		return object{"skuId": objectID(it, name), "skuPartNumber": name, "capabilityStatus": status, "servicePlans": []object{
			{"servicePlanId": objectID(it, plan), "servicePlanName": plan, "provisioningStatus": "Success", "appliesTo": "User"},
		}}
	}
	out := []object{sku("O365_BUSINESS_ESSENTIALS", "Enabled", "EXCHANGE_S_STANDARD")}
	if hasP1(state) {
		out = append(out, sku("AAD_PREMIUM", "Enabled", "AAD_PREMIUM"))
	}
	status := "Enabled"
	if !hasP2(state) {
		status = "Suspended" // as it is when nobody paid
	}
	return append(out, sku("AAD_PREMIUM_P2", status, "AAD_PREMIUM_P2")), nil
}

func groupSettings(_ azure.Call, state *world.State) ([]object, error) {
	it := tenantItem(state)
	if it.Has("no-settings") {
		return nil, nil
	}
	text := map[bool]string{true: "true", false: "false"}
	value := func(name, v string) object { return object{"name": name, "value": v} }
	guesses, seconds := "5", "120"
	if it.Has("many-guesses") {
		guesses = "20"
	}
	if it.Has("short-lockout") {
		seconds = "30"
	}
	return []object{
		{"id": objectID(it, "unified"), "displayName": "Group.Unified", "templateId": "62375ab9-6b52-47ed-826b-58e47e0e304b", "values": []object{
			value("EnableGroupCreation", text[it.Has("teams")]), value("GroupCreationAllowedGroupId", groupID(state, admins)),
			value("AllowGuestsToBeGroupOwner", "false"),
		}},
		{"id": objectID(it, "passwords"), "displayName": "Password Rule Settings", "templateId": "5cf42378-d67d-4f36-ba46-e8b86229381d",
			"values": []object{
				value("LockoutThreshold", guesses), value("LockoutDurationInSeconds", seconds),
				value("EnableBannedPasswordCheck", text[!it.Has("no-banned-words")]),
				value("BannedPasswordCheckOnPremisesMode", "Audit"), value("BannedPasswordList", "acme\ttimbuktu"),
			}},
	}, nil
}

func authorizationPolicy(_ azure.Call, state *world.State) (object, error) {
	it := tenantItem(state)
	consent := []string{"ManagePermissionGrantsForOwnedResource.microsoft-dynamically-managed-permissions-for-team"}
	switch {
	case it.Has("any-consent"):
		consent = append(consent, "ManagePermissionGrantsForSelf.microsoft-user-default-legacy")
	case it.Has("consent"):
		consent = append(consent, "ManagePermissionGrantsForSelf.microsoft-user-default-low")
	}
	out := object{
		"id": "authorizationPolicy", "displayName": "Authorization Policy", "allowInvitesFrom": "adminsAndGuestInviters",
		"guestUserRoleId": "2af84b1e-32c8-42b7-82bc-daa82404023b", "blockMsolPowerShell": false,
		"defaultUserRolePermissions": object{
			"allowedToCreateApps": it.Has("apps"), "allowedToCreateSecurityGroups": it.Has("security-groups"),
			"allowedToReadOtherUsers": true, "allowedToCreateTenants": it.Has("tenants"), "permissionGrantPoliciesAssigned": consent,
		},
	}
	if it.Has("all-invite") {
		out["allowInvitesFrom"] = "everyone"
	}
	switch {
	case it.Has("guests-unset"):
		out["guestUserRoleId"] = "10dae51f-b6af-4016-8d66-8c2a99b929b3"
	case it.Has("guests-see"):
		out["guestUserRoleId"] = "a0b1b346-4d3e-4e8b-98f8-753987be4970"
	}
	return out, nil
}

func authenticationMethods(_ azure.Call, state *world.State) (object, error) {
	it := tenantItem(state)
	method := func(id string, on bool) object {
		kind := "#microsoft.graph." + strings.ToLower(id[:1]) + id[1:] + "AuthenticationMethodConfiguration"
		return object{"@odata.type": kind, "id": id, "state": map[bool]string{true: "enabled", false: "disabled"}[on]}
	}
	campaign := "default"
	if it.Has("no-campaign") {
		campaign = "disabled"
	}
	return object{
		"id": "authenticationMethodsPolicy", "displayName": "Authentication Methods Policy", "policyMigrationState": "migrationComplete",
		"registrationEnforcement": object{"authenticationMethodsRegistrationCampaign": object{"snoozeDurationInDays": 1, "state": campaign}},
		"authenticationMethodConfigurations": []object{
			method("Fido2", !it.Has("no-strong-method")), method("MicrosoftAuthenticator", !it.Has("no-strong-method")),
			method("Sms", it.Has("text-messages")),
			method("TemporaryAccessPass", true), method("Voice", false), method("X509Certificate", false),
		},
	}, nil
}
