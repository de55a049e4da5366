package subscription

import (
	"slices"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Conditional Access, app registrations, access reviews, and where the directory's logs go.
var entraAccessService = service{
	kinds: []world.Kind{
		{
			Name: "azure.conditional_access", Sort: inTenant, Global: true, Count: 8, Fixed: true,
			Defects: []world.Defect{{Name: "off", Drift: 0.4}, {Name: "report-only", Drift: 0.4}, {Name: "some-users", Drift: 0.4},
				{Name: "weak", Drift: 0.5},
				{Name: "narrow", Drift: 0.3}, {Name: "crowded", Drift: 0.5}, {Name: "roles-out", Drift: 0.3}, {Name: "half", Drift: 0.3},
				{Name: "any-factor", Drift: 0.3},
				{Name: "without-azure", Drift: 0.4}},
		},
		{Name: "azure.location", Sort: inTenant, Global: true, Count: 3,
			Defects: []world.Defect{{Name: "untrusted", Drift: 0.9}, {Name: "everywhere", Drift: 0.3}, {Name: "empty", Drift: 0.3}}},
		{
			Name: "azure.application", Sort: inTenant, Global: true, Count: 6,
			Defects: []world.Defect{{Name: "soon", Share: 0.1, Drift: 0.3}, {Name: "expired", Share: 0.1, Drift: 0.2},
				{Name: "long", Share: 0.2, Drift: 0.2},
				{Name: "certificate", Share: 0.3}, {Name: "none", Share: 0.15}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("azure.entra.application", objectID(it, "")), map[string]posture.Result{
					"azure-entra-application-credential-valid":    failIf(!it.Has("none") && (it.Has("soon") || it.Has("expired"))),
					"azure-entra-application-credential-lifetime": unless(it.Has("none"), failIf(it.Has("long"))),
				}
			},
		},
		{Name: "azure.review", Sort: inTenant, Global: true, Count: 5,
			Defects: []world.Defect{{Name: "seldom", Drift: 0.9}, {Name: "once", Drift: 0.5}, {Name: "over", Drift: 0.3},
				{Name: "waiting", Drift: 0.3}}},
		{Name: "azure.entra_export", Sort: inTenant, Global: true, Count: 2,
			Defects: []world.Defect{{Name: "no-sign-ins", Share: 0.3, Drift: 0.9}, {Name: "no-audit", Drift: 0.3}, {Name: "nowhere", Drift: 0.3}}},
	},
	handle: handleEntraAccess,
}

// The policies of Conditional Access, by what they are for.
const (
	mfaForAll = iota
	legacyBlock
	adminStrength
	riskySignIn
	deviceCode
	deviceJoin
	mfaForAzure
	mfaForPortals
)

// inForce reports whether a policy is there and acts. Security defaults exclude all of them.
func inForce(s *world.State, policy int) bool {
	return hasP1(s) && !tenantItem(s).Has("defaults") && !policyHas(s, policy, "off") && !policyHas(s, policy, "report-only")
}

func policyHas(s *world.State, policy int, defect string) bool {
	return s.Items("azure.conditional_access")[policy].Has(defect)
}

// asks reports whether a policy in force asks for a second factor at every sign-in that it is for.
func asks(s *world.State, policy int) bool {
	return inForce(s, policy) && !policyHas(s, policy, "weak") && !policyHas(s, policy, "narrow")
}

func everybodyTwice(s *world.State) bool {
	return asks(s, mfaForAll) && !policyHas(s, mfaForAll, "some-users")
}

func managementTwice(s *world.State) bool {
	return everybodyTwice(s) && !policyHas(s, mfaForAll, "without-azure") || asks(s, mfaForAzure) && !policyHas(s, mfaForAzure, "some-users")
}

// portalsTwice: the policy for the portals names every privileged role, or only one of those that are held.
func portalsTwice(s *world.State) bool {
	return everybodyTwice(s) || asks(s, mfaForPortals) && !policyHas(s, mfaForPortals, "some-users")
}

func isIPLocation(it *world.Item) bool { return it.Index != 1 }

func trustedLocation(it *world.Item) bool {
	return isIPLocation(it) && !it.Has("untrusted") && !it.Has("everywhere") && !it.Has("empty")
}

// reviewed is what a review is of, by index.
var reviewed = []string{"guests", "directory_role", "azure_role", "group", "application"}

func reviewsRoles(it *world.Item) bool {
	return (it.Index == 1 || it.Index == 2) && !it.Has("seldom") && !it.Has("once")
}

func guestsReviewed(s *world.State) bool {
	runs := hasP2(s) && slices.ContainsFunc(s.Items("azure.review"), func(it *world.Item) bool {
		return it.Index == 0 && !it.Has("seldom") && !it.Has("once") && !it.Has("over") && !it.Has("waiting")
	})
	return runs || !slices.ContainsFunc(s.Items("azure.user"),
		func(it *world.Item) bool { return isGuest(it) && !it.Has("disabled") && !it.Has("new") })
}

func exportsBoth(it *world.Item) bool {
	return !it.Has("no-sign-ins") && !it.Has("no-audit") && !it.Has("nowhere")
}

func handleEntraAccess(s *azure.Server, w *states) {
	graphList(s, w, "graph.conditionalAccessPolicies", func(_ azure.Call, state *world.State) ([]object, error) {
		if !hasP1(state) {
			return nil, unlicensed("Authentication_RequestFromNonPremiumTenantOrB2CTenant")
		}
		var out []object
		for _, it := range state.Items("azure.conditional_access") {
			out = append(out, conditionalAccessPolicy(state, it))
		}
		return out, nil
	})
	graphList(s, w, "graph.namedLocations", func(_ azure.Call, state *world.State) ([]object, error) {
		if !hasP1(state) {
			return nil, nil // some reads answer with nothing instead of refusing
		}
		var out []object
		for _, it := range state.Items("azure.location") {
			out = append(out, namedLocation(state, it))
		}
		return out, nil
	})
	graphList(s, w, "graph.applications", func(_ azure.Call, state *world.State) ([]object, error) {
		var out []object
		for _, it := range state.Items("azure.application") {
			out = append(out, application(state, it))
		}
		return out, nil
	})
	graphList(s, w, "graph.accessReviews", func(_ azure.Call, state *world.State) ([]object, error) {
		if !hasP2(state) {
			return nil, unlicensed("NoLicense")
		}
		var out []object
		for _, it := range state.Items("azure.review") {
			out = append(out, accessReview(state, it))
		}
		return out, nil
	})
	azure.List(s, "arm.aadiam.diagnosticSettings", func(c azure.Call) (*object, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := []object{}
		for _, it := range state.Items("azure.entra_export") {
			out = append(out, entraExport(it))
		}
		return &object{"value": out}, nil
	})
}

// conditionalAccessPolicy is the policy with that index as Graph writes it.
func conditionalAccessPolicy(s *world.State, it *world.Item) object {
	names := []string{"MFA for everybody", "Block legacy authentication", "Passkeys for administrators", "Stop risky sign-ins", "Block device codes",
		"MFA to join devices", "MFA for Azure", "MFA for admin portals"}
	users := object{"includeUsers": []string{"All"}, "excludeUsers": []string{objectID(it, "emergency")}, "includeGroups": []string{},
		"excludeGroups": []string{},
		"includeRoles":  []string{}, "excludeRoles": []string{}, "includeGuestsOrExternalUsers": nil, "excludeGuestsOrExternalUsers": nil}
	applications := object{"includeApplications": []string{"All"}, "excludeApplications": []string{}, "includeUserActions": []string{}}
	conditions := object{"users": users, "applications": applications, "clientAppTypes": []string{"all"}, "signInRiskLevels": []string{},
		"userRiskLevels": []string{},
		"platforms":      nil, "locations": object{"includeLocations": []string{"All"}, "excludeLocations": []string{"AllTrusted"}},
		"authenticationFlows": nil, "devices": nil}
	grant := object{"operator": "OR", "builtInControls": []string{"mfa"}, "customAuthenticationFactors": []string{}, "termsOfUse": []string{},
		"authenticationStrength": nil}
	session := any(nil)
	if it.Has("weak") {
		grant["builtInControls"] = []string{"mfa", "compliantDevice"}
	}
	switch it.Index {
	case mfaForAll:
		session = object{"signInFrequency": object{"isEnabled": true, "value": 7, "type": "days", "frequencyInterval": "timeBased",
			"authenticationType": "primaryAndSecondaryAuthentication"}}
	case legacyBlock:
		conditions["clientAppTypes"] = []string{"exchangeActiveSync", "other"}
		grant["builtInControls"] = []string{"block"}
		if it.Has("half") {
			conditions["clientAppTypes"] = []string{"other"}
		}
	case adminStrength:
		users["includeUsers"], users["includeRoles"] = []string{}, []string{globalAdmin.id, userAdmin.id}
		strength := "00000000-0000-0000-0000-000000000004"
		if it.Has("any-factor") {
			strength = "00000000-0000-0000-0000-000000000002"
		}
		grant["builtInControls"], grant["authenticationStrength"] = []string{}, object{"id": strength}
		if it.Has("weak") {
			grant["builtInControls"] = []string{"compliantDevice"}
		}
		session = object{"signInFrequency": object{"isEnabled": true, "value": nil, "type": nil, "frequencyInterval": "everyTime"}}
	case riskySignIn:
		conditions["signInRiskLevels"] = []string{"high", "medium"}
		grant["builtInControls"] = []string{"block"}
		if it.Has("half") {
			conditions["signInRiskLevels"] = []string{"medium"}
		}
	case deviceCode:
		conditions["authenticationFlows"] = object{"transferMethods": "deviceCodeFlow,authenticationTransfer"}
		grant["builtInControls"] = []string{"block"}
		if it.Has("weak") {
			grant["builtInControls"] = []string{"mfa"}
		}
	case deviceJoin:
		applications["includeApplications"], applications["includeUserActions"] = []string{}, []string{"urn:user:registerdevice"}
	case mfaForAzure:
		applications["includeApplications"] = []string{"797f4846-ba00-4fd7-ba43-dac1f8f63013"}
	case mfaForPortals:
		applications["includeApplications"] = []string{"MicrosoftAdminPortals"}
		users["includeUsers"], users["includeRoles"] = []string{}, []string{globalAdmin.id, userAdmin.id, securityAdmin.id, appAdmin.id}
	}
	if it.Has("some-users") {
		users["includeUsers"] = []string{objectID(it, "pilot")}
		users["includeRoles"] = []string{}
		if it.Index == adminStrength || it.Index == mfaForPortals {
			users["includeUsers"], users["includeRoles"] = []string{}, []string{globalAdmin.id}
		}
	}
	if it.Has("narrow") {
		conditions["platforms"] = object{"includePlatforms": []string{"windows"}, "excludePlatforms": []string{}}
	}
	if it.Has("crowded") {
		users["excludeGroups"] = []string{objectID(it, "g1"), objectID(it, "g2"), objectID(it, "g3"), objectID(it, "g4"), objectID(it, "g5")}
	}
	if it.Has("roles-out") {
		users["excludeRoles"] = []string{"d29b2b05-8046-44ba-8758-1e26182fcf32"}
	}
	if it.Has("without-azure") {
		applications["excludeApplications"] = []string{"797f4846-ba00-4fd7-ba43-dac1f8f63013"}
	}
	state := "enabled"
	switch {
	case it.Has("off") || tenantItem(s).Has("defaults"):
		state = "disabled"
	case it.Has("report-only"):
		state = "enabledForReportingButNotEnforced"
	}
	return object{"id": objectID(it, ""), "displayName": names[it.Index], "state": state, "createdDateTime": s.Long(it, 30), "conditions": conditions,
		"grantControls": grant, "sessionControls": session}
}

func namedLocation(s *world.State, it *world.Item) object {
	if !isIPLocation(it) {
		return object{"@odata.type": "#microsoft.graph.countryNamedLocation", "id": objectID(it, ""), "displayName": "Where we work",
			"createdDateTime":     s.Long(it, 30),
			"countriesAndRegions": []string{"DE", "NL"}, "includeUnknownCountriesAndRegions": false}
	}
	ranges := []object{{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "203.0.113.0/24"}}
	if it.Has("everywhere") {
		ranges = append(ranges, object{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "0.0.0.0/0"})
	}
	if it.Has("empty") {
		ranges = []object{}
	}
	return object{"@odata.type": "#microsoft.graph.ipNamedLocation", "id": objectID(it, ""), "displayName": "Office " + it.Name(),
		"createdDateTime": s.Long(it, 30),
		"isTrusted":       !it.Has("untrusted"), "ipRanges": ranges}
}

func application(s *world.State, it *world.Item) object {
	life := 180
	if it.Has("certificate") {
		life = 700
	}
	if it.Has("long") {
		life = 1000
	}
	start := s.Since(it, 90, "credential")
	end := start.AddDate(0, 0, life)
	if it.Has("soon") {
		end = s.Time().AddDate(0, 0, 10)
	}
	if it.Has("expired") {
		end = s.Time().AddDate(0, 0, -20)
	}
	start = end.Add(-time.Duration(life) * 24 * time.Hour)
	passwords, certificates := []object{}, []object{}
	credential := object{"keyId": objectID(it, "key"), "displayName": "deployment", "startDateTime": start, "endDateTime": end}
	switch {
	case it.Has("none"):
	case it.Has("certificate"):
		credential["type"], credential["usage"], credential["key"] = "AsymmetricX509Cert", "Verify", nil
		certificates = append(certificates, credential)
	default:
		credential["hint"], credential["secretText"] = it.Hex(3, "hint"), nil
		passwords = append(passwords, credential)
	}
	return object{"id": objectID(it, ""), "appId": objectID(it, "app"), "displayName": it.Name(), "signInAudience": "AzureADMyOrg",
		"createdDateTime":     s.Long(it, 100),
		"passwordCredentials": passwords, "keyCredentials": certificates}
}

func accessReview(s *world.State, it *world.Item) object {
	query := func(q string) object {
		return object{"@odata.type": "#microsoft.graph.accessReviewQueryScope", "query": q, "queryType": "MicrosoftGraph"}
	}
	both := func(principals, resources string) object {
		return object{"@odata.type": "#microsoft.graph.principalResourceMembershipsScope", "principalScopes": []object{query(principals)},
			"resourceScopes": []object{query(resources)}}
	}
	scope := []object{
		query("/groups/" + groupID(s, owners) + "/transitiveMembers/microsoft.graph.user/?$count=true&$filter=(userType eq 'Guest')"),
		both("/users", "/roleManagement/directory/roleDefinitions/"+globalAdmin.id),
		both("/users", "/subscriptions/aaaaaaaa-0000-4000-8000-000000000001/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"),
		query("/groups/" + groupID(s, operators) + "/transitiveMembers"),
		query("/servicePrincipals/" + programID(s, 0) + "/appRoleAssignedTo"),
	}[it.Index]
	pattern := object{"type": "absoluteMonthly", "interval": 3, "month": 0, "dayOfMonth": 0, "daysOfWeek": []string{}}
	if it.Index == 3 {
		pattern["type"], pattern["interval"] = "weekly", 1
	}
	if it.Has("seldom") {
		pattern["type"], pattern["interval"] = "absoluteYearly", 1
	}
	settings := object{"autoApplyDecisionsEnabled": it.Index%2 == 0, "instanceDurationInDays": 14,
		"recurrence": object{"pattern": pattern, "range": object{"type": "noEnd", "startDate": "2025-01-01"}}}
	if it.Has("once") {
		settings["recurrence"] = nil
	}
	status := "InProgress"
	switch {
	case it.Has("over"):
		status = "Completed"
	case it.Has("waiting"):
		status = "NotStarted"
	}
	return object{"id": objectID(it, ""), "displayName": "Review of " + reviewed[it.Index], "status": status,
		"createdDateTime": s.Long(it, 30), "scope": scope, "settings": settings}
}

func entraExport(it *world.Item) object {
	name := "to-siem-" + it.Name()
	log := func(category string, on bool) object {
		return object{"category": category, "enabled": on, "retentionPolicy": object{"enabled": false, "days": 0}}
	}
	properties := object{"logs": []object{
		log("AuditLogs", !it.Has("no-audit")), log("SignInLogs", !it.Has("no-sign-ins")), log("NonInteractiveUserSignInLogs", true),
		log("ProvisioningLogs", false),
	}}
	base := "/subscriptions/aaaaaaaa-0000-4000-8000-000000000001/resourceGroups/rg-logs/providers/"
	switch {
	case it.Has("nowhere"):
	case it.Index == 0:
		properties["workspaceId"] = base + "Microsoft.OperationalInsights/workspaces/log-central"
	case it.Pick(2, "to") == 0:
		properties["storageAccountId"] = base + "Microsoft.Storage/storageAccounts/stlogs"
	default:
		properties["eventHubAuthorizationRuleId"] = base + "Microsoft.EventHub/namespaces/ehns-logs/authorizationRules/RootManageSharedAccessKey"
	}
	return object{"id": "/providers/microsoft.aadiam/diagnosticSettings/" + name, "name": name, "type": "microsoft.aadiam/diagnosticSettings",
		"properties": properties}
}
