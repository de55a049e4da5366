package subscription

import (
	"slices"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// The people in the directory, the groups they are in, the programs beside them, and the roles that these hold.
var entraPeopleService = service{
	kinds: []world.Kind{
		{
			Name: "azure.user", Sort: inTenant, Global: true, Count: 12,
			Defects: []world.Defect{{Name: "guest", Share: 0.2, Drift: 0.2}, {Name: "disabled", Share: 0.1, Drift: 0.2},
				{Name: "no-mfa", Share: 0.2, Drift: 0.2},
				{Name: "idle", Share: 0.2}, {Name: "never-came", Share: 0.15}, {Name: "new", Share: 0.3},
				{Name: "synced", Share: 0.3, Drift: 0.1}, {Name: "untyped", Share: 0.1}},
			ExpectMore: expectUsers,
		},
		{Name: "azure.group", Sort: inTenant, Global: true, Count: 3, Fixed: true, Defects: []world.Defect{{Name: "crowded", Drift: 0.9}}},
		{Name: "azure.program", Sort: inTenant, Global: true, Count: 2, Fixed: true, Defects: []world.Defect{{Name: "disabled", Drift: 0.5}}},
		{
			Name: "azure.directory_role", Sort: inTenant, Global: true, Count: 10, Fixed: true,
			Defects: []world.Defect{{Name: "standing", Share: 0.2, Drift: 0.4}, {Name: "timed", Share: 0.2},
				{Name: "active", Share: 0.2, Drift: 0.3}},
			ExpectMore: expectDirectoryRoles,
		},
	},
	handle: handleEntraPeople,
}

// The groups of the directory.
const (
	admins    = iota // holds a directory role
	owners           // owns a subscription
	operators        // may sign in to machines
)

func userID(it *world.Item) string { return objectID(it, "") }

func groupID(s *world.State, index int) string { return objectID(s.Items("azure.group")[index], "") }

func programID(s *world.State, index int) string {
	return objectID(s.Items("azure.program")[index], "")
}

func isGuest(u *world.Item) bool { return u.Has("guest") }

// userAt is the user with that index, nil when there is none now.
func userAt(s *world.State, index int) *world.Item {
	return s.Find("azure.user", posture.Global, index)
}

// inGroup are the users in a group.
func inGroup(s *world.State, index int) []*world.Item {
	members := map[int][]int{admins: {4, 5}, owners: {6, 7}, operators: {8, 9}}[index]
	if s.Items("azure.group")[index].Has("crowded") {
		members = append(members, 2, 10)
	}
	var out []*world.Item
	for _, i := range members {
		if u := userAt(s, i); u != nil {
			out = append(out, u)
		}
	}
	return out
}

func expectUsers(s *world.State) map[world.Judged]posture.Result {
	out := map[world.Judged]posture.Result{}
	access := placeOf(s).accessOf()
	for _, it := range s.Items("azure.user") {
		held, privileged := false, access[userID(it)].privileged
		for _, r := range s.Items("azure.directory_role") {
			if there(s, r) && slices.Contains(holders(s, r), it) {
				held, privileged = true, privileged || roleOf(r).privileged
			}
		}
		capable := failIf(it.Has("no-mfa"))
		if !hasP1(s) {
			capable = posture.Unknown // there is no report
		}
		stale := it.Has("idle")
		if it.Has("never-came") {
			stale = !it.Has("new")
		}
		for rule, result := range map[string]posture.Result{
			"azure-entra-user-privileged-mfa-capable": unless(it.Has("disabled") || !privileged, capable),
			"azure-entra-user-mfa-capable":            unless(it.Has("disabled") || isGuest(it) || held, capable),
			"azure-entra-user-vm-login-mfa-capable":   unless(it.Has("disabled") || !access[userID(it)].login, capable),
			"azure-entra-user-inactive-disabled":      unless(it.Has("disabled") || !hasP1(s), failIf(stale)),
		} {
			out[world.Judged{Rule: rule, Resource: keyOf("azure.entra.user", userID(it))}] = result
		}
	}
	return out
}

// directoryRole is one of the directory's roles.
type directoryRole struct {
	id, name   string
	privileged bool
}

var (
	globalAdmin    = directoryRole{"62e90394-69f5-4237-9190-012177145e10", "Global Administrator", true}
	userAdmin      = directoryRole{"fe930be7-5e62-47db-91af-98c3a49a38b1", "User Administrator", true}
	securityAdmin  = directoryRole{"194ae4cb-b126-40b2-bd5b-6091b380977d", "Security Administrator", true}
	appAdmin       = directoryRole{"9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", "Application Administrator", true}
	reportsReader  = directoryRole{"4a5d8f65-41da-4de4-8968-e035b65339cf", "Reports Reader", false}
	directoryRoles = []directoryRole{globalAdmin, userAdmin, securityAdmin, appAdmin, reportsReader}
)

// roleOf is the role that an assignment gives: to users 0 to 7, then to a group and to a program.
func roleOf(r *world.Item) directoryRole {
	byIndex := []directoryRole{globalAdmin, globalAdmin, globalAdmin, userAdmin, reportsReader, securityAdmin, globalAdmin, globalAdmin,
		securityAdmin, appAdmin}
	return byIndex[r.Index]
}

// assignedAs is the sort of an assignment. Without Entra ID P2 there is but one.
func assignedAs(s *world.State, r *world.Item) string {
	switch {
	case r.Index < 2 || r.Index >= 8 || r.Has("standing"):
		return "permanent"
	case r.Has("timed") && hasP2(s):
		return "time_bound"
	case r.Has("active") && hasP2(s):
		return "activated"
	case r.Has("timed") || r.Has("active"):
		return "permanent"
	}
	return "eligible"
}

// there reports whether an assignment exists: those of deleted users do not, nor does eligibility without a licence.
func there(s *world.State, r *world.Item) bool {
	return (r.Index >= 8 || userAt(s, r.Index) != nil) && (hasP2(s) || assignedAs(s, r) != "eligible")
}

// holders are the users who hold a role by an assignment.
func holders(s *world.State, r *world.Item) []*world.Item {
	switch r.Index {
	case 8:
		return inGroup(s, admins)
	case 9:
		return nil
	}
	return []*world.Item{userAt(s, r.Index)}
}

// activeAdmins are the ids of enabled Global Administrators.
func activeAdmins(s *world.State) []string {
	var out []string
	for _, r := range s.Items("azure.directory_role") {
		if there(s, r) && roleOf(r) == globalAdmin && assignedAs(s, r) != "eligible" && !userAt(s, r.Index).Has("disabled") {
			out = append(out, userID(userAt(s, r.Index)))
		}
	}
	return out
}

func roleAssignmentID(r *world.Item) string {
	return strings.ToUpper(r.Hex(6, "assignment")) + "-" + r.Hex(24, "assignment") + "-1"
}

func expectDirectoryRoles(s *world.State) map[world.Judged]posture.Result {
	var emergency []string
	for _, r := range s.Items("azure.directory_role") {
		if there(s, r) && roleOf(r) == globalAdmin && assignedAs(s, r) == "permanent" {
			emergency = append(emergency, userID(userAt(s, r.Index)))
		}
	}
	slices.Sort(emergency)
	emergency = emergency[:min(2, len(emergency))]
	out := map[world.Judged]posture.Result{}
	for _, r := range s.Items("azure.directory_role") {
		if !there(s, r) {
			continue
		}
		expect := func(id string, u *world.Item) {
			key := posture.Key{Type: "azure.entra.directory_role_assignment", Region: posture.Global, ID: id}
			other := u == nil || !roleOf(r).privileged
			standing := assignedAs(s, r) == "permanent" && !(roleOf(r) == globalAdmin && u != nil && slices.Contains(emergency, userID(u)))
			out[world.Judged{Rule: "azure-entra-privileged-roles-no-guests", Resource: key}] = unless(other, failIf(u != nil && isGuest(u)))
			out[world.Judged{Rule: "azure-entra-privileged-roles-no-synced-users", Resource: key}] = unless(other,
				failIf(u != nil && u.Has("synced")))
			out[world.Judged{Rule: "azure-entra-privileged-roles-just-in-time", Resource: key}] = unless(other || !hasP2(s), failIf(standing))
		}
		if r.Index < 8 {
			expect(roleAssignmentID(r), userAt(s, r.Index))
			continue
		}
		expect(roleAssignmentID(r), nil)
		for _, u := range holders(s, r) {
			expect(roleAssignmentID(r)+"/"+userID(u), u)
		}
	}
	return out
}

func handleEntraPeople(s *azure.Server, w *states) {
	graphList(s, w, "graph.users", func(c azure.Call, state *world.State) ([]object, error) {
		activity := strings.Contains(c.Query.Get("$select"), "signInActivity")
		if activity && !hasP1(state) {
			return nil, unlicensed("Authentication_RequestFromNonPremiumTenantOrB2CTenant")
		}
		var out []object
		for _, it := range state.Items("azure.user") {
			out = append(out, graphUser(state, it, activity))
		}
		return out, nil
	})
	graphList(s, w, "graph.userRegistrationDetails", func(_ azure.Call, state *world.State) ([]object, error) {
		if !hasP1(state) {
			return nil, unlicensed("Authentication_RequestFromNonPremiumTenantOrB2CTenant")
		}
		var out []object
		for _, it := range state.Items("azure.user") {
			if it.Has("no-mfa") && it.Index%2 == 1 {
				continue // the report knows nothing of some
			}
			methods := []string{"microsoftAuthenticatorPush", "passKeyDeviceBound"}
			if it.Has("no-mfa") {
				methods = []string{"email"}
			}
			out = append(out, object{"id": userID(it), "userPrincipalName": it.Name() + "@acme.example", "isMfaCapable": !it.Has("no-mfa"),
				"isMfaRegistered": !it.Has("no-mfa"), "methodsRegistered": methods, "userType": strings.ToLower(userType(it))})
		}
		return out, nil
	})
	graphList(s, w, "graph.roleDefinitions", func(azure.Call, *world.State) ([]object, error) {
		var out []object
		for _, r := range directoryRoles {
			out = append(out, object{"id": r.id, "templateId": r.id, "displayName": r.name, "isBuiltIn": true, "isEnabled": true})
		}
		return out, nil
	})
	graphList(s, w, "graph.roleAssignments", func(_ azure.Call, state *world.State) ([]object, error) {
		return roleRows(state, func(kind string) bool { return kind != "eligible" }), nil
	})
	graphList(s, w, "graph.roleEligibilityScheduleInstances", func(_ azure.Call, state *world.State) ([]object, error) {
		if !hasP2(state) {
			return nil, unlicensed("AadPremiumLicenseRequired")
		}
		return roleRows(state, func(kind string) bool { return kind == "eligible" }), nil
	})
	graphList(s, w, "graph.roleAssignmentScheduleInstances", func(_ azure.Call, state *world.State) ([]object, error) {
		if !hasP2(state) {
			return nil, unlicensed("AadPremiumLicenseRequired")
		}
		var out []object
		for _, r := range state.Items("azure.directory_role") {
			kind := assignedAs(state, r)
			if !there(state, r) || kind == "eligible" {
				continue
			}
			row := object{"id": r.Hex(24, "instance"), "roleAssignmentOriginId": roleAssignmentID(r), "roleDefinitionId": roleOf(r).id,
				"directoryScopeId": "/",
				"assignmentType":   "Assigned", "memberType": "Direct", "endDateTime": nil}
			switch kind {
			case "activated":
				row["assignmentType"], row["endDateTime"] = "Activated", state.Time().Add(4*time.Hour)
			case "time_bound":
				row["endDateTime"] = state.Time().AddDate(0, 1, 0)
			}
			out = append(out, row)
		}
		return out, nil
	})
	graphList(s, w, "graph.groupMembers", func(c azure.Call, state *world.State) ([]object, error) {
		for index := range state.Items("azure.group") {
			if groupID(state, index) != c.Params["id"] {
				continue
			}
			out := []object{{"@odata.type": "#microsoft.graph.group", "id": objectID(state.Items("azure.group")[index], "nested")}}
			for _, u := range inGroup(state, index) {
				out = append(out, object{"@odata.type": "#microsoft.graph.user", "id": userID(u)})
			}
			return out, nil
		}
		return nil, &azure.Error{Status: 404, Code: "Request_ResourceNotFound", Message: "Resource '" + c.Params["id"] + "' does not exist."}
	})
}

func userType(it *world.Item) string {
	if isGuest(it) {
		return "Guest"
	}
	return "Member"
}

func graphUser(s *world.State, it *world.Item, activity bool) object {
	created := s.Long(it, 200)
	if it.Has("new") {
		created = s.Since(it, 30, "created")
	}
	out := object{
		"id": userID(it), "userPrincipalName": it.Name() + "@acme.example", "accountEnabled": !it.Has("disabled"), "userType": userType(it),
		"externalUserState": nil, "createdDateTime": created, "onPremisesSyncEnabled": nil,
	}
	if isGuest(it) {
		out["userPrincipalName"], out["externalUserState"] = it.Name()+"_partner.example#EXT#@acme.onmicrosoft.com", "Accepted"
	} else if it.Has("untyped") {
		out["userType"] = nil
	}
	if it.Has("synced") {
		out["onPremisesSyncEnabled"] = true
	}
	switch {
	case !activity || it.Has("never-came"):
	case it.Has("idle"):
		out["signInActivity"] = object{"lastSignInDateTime": s.Long(it, 200), "lastNonInteractiveSignInDateTime": s.Long(it, 150),
			"lastSuccessfulSignInDateTime": nil}
	default:
		out["signInActivity"] = object{"lastSignInDateTime": s.Long(it, 200), "lastNonInteractiveSignInDateTime": s.Since(it, 10, "sign-in"),
			"lastSuccessfulSignInDateTime": s.Since(it, 20, "sign-in")}
	}
	return out
}

// roleRows are the assignments of the sorts wanted, with who holds them.
func roleRows(s *world.State, wanted func(kind string) bool) []object {
	var out []object
	for _, r := range s.Items("azure.directory_role") {
		if !there(s, r) || !wanted(assignedAs(s, r)) {
			continue
		}
		id, kind := "", "user"
		switch r.Index {
		case 8:
			id, kind = groupID(s, admins), "group"
		case 9:
			id, kind = programID(s, 0), "servicePrincipal"
		default:
			id = userID(userAt(s, r.Index))
		}
		row := object{"id": roleAssignmentID(r), "principalId": id, "roleDefinitionId": roleOf(r).id, "directoryScopeId": "/",
			"principal": object{"@odata.type": "#microsoft.graph." + kind, "id": id}}
		if assignedAs(s, r) == "eligible" {
			row["memberType"], row["endDateTime"] = "Direct", s.Time().AddDate(1, 0, 0)
		}
		out = append(out, row)
	}
	return out
}
