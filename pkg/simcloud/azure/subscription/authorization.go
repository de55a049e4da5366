package subscription

import (
	"cmp"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Azure roles: custom ones, who holds which where, and what it takes to activate one.
var authorizationService = service{
	kinds: []world.Kind{
		{Name: "azure.custom_role", Sort: inTenant, Global: true, Count: 5, Fixed: true, Defects: []world.Defect{{Name: "star", Share: 0.2, Drift: 0.2},
			{Name: "provider-wide", Share: 0.2, Drift: 0.2}, {Name: "grants", Drift: 0.3}, {Name: "in-group", Share: 0.3}}},
		{
			Name: "azure.upper_assignment", Sort: inTenant, Global: true, Count: 5, Fixed: true,
			Defects:    []world.Defect{{Name: "elevated", Drift: 0.9}, {Name: "eligible", Share: 0.2, Drift: 0.2}, {Name: "timed", Share: 0.2}},
			ExpectMore: func(s *world.State) map[world.Judged]posture.Result { return expectAssignments(s, upperAssignments(s)) },
		},
		{
			Name: "azure.assignment", Sort: inSubscription, Global: true, Count: 12,
			Defects: []world.Defect{{Name: "ghost", Share: 0.05, Drift: 0.2}, {Name: "eligible", Share: 0.2, Drift: 0.3}, {Name: "timed", Share: 0.1}, {Name: "active", Share: 0.1},
				{Name: "owner", Drift: 0.6}, {Name: "conditioned", Share: 0.3, Drift: 0.3}},
			ExpectMore: func(s *world.State) map[world.Judged]posture.Result { return expectAssignments(s, assignmentsIn(s)) },
		},
		{
			Name: "azure.activation", Sort: inSubscription, Global: true, Count: 4, Fixed: true,
			Defects: []world.Defect{{Name: "no-mfa", Share: 0.2, Drift: 0.3}, {Name: "no-reason", Share: 0.2, Drift: 0.2}, {Name: "long", Share: 0.2, Drift: 0.2},
				{Name: "context", Share: 0.3}, {Name: "approval", Share: 0.5}},
			ExpectMore: expectActivation,
		},
		{Name: "azure.roles", Sort: inSubscription, Global: true, Count: 1, Fixed: true, ExpectMore: expectRoles},
	},
	handle: handleAuthorization,
}

// azureRole is a role that can be assigned.
type azureRole struct {
	id, name             string
	actions, dataActions []string
	scopes               []string // "/" for a built-in one
	custom               *world.Item
}

func (r azureRole) privileged() bool {
	if r.custom != nil {
		return r.custom.Index != lockKeeper && (r.custom.Has("star") || r.custom.Has("grants"))
	}
	return slices.Contains([]string{"Owner", "Contributor", "User Access Administrator", "Role Based Access Control Administrator"}, r.name)
}

// writes: every custom role does, and of the built-in ones all but the reader and those for signing in.
func (r azureRole) writes() bool {
	return r.custom != nil || !slices.Contains([]string{"Reader", "Virtual Machine Administrator Login", "Virtual Machine User Login"}, r.name)
}

var builtInRoles = []azureRole{
	{id: "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", name: "Owner", actions: []string{"*"}},
	{id: "b24988ac-6180-42a0-ab88-20f7382dd24c", name: "Contributor", actions: []string{"*"}},
	{id: "acdd72a7-3385-48ef-bd42-f606fba81ae7", name: "Reader", actions: []string{"*/read"}},
	{id: "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", name: "User Access Administrator", actions: []string{"*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"}},
	{id: "f58310d9-a9f6-439a-9e8d-f62e7b41a168", name: "Role Based Access Control Administrator", actions: []string{"Microsoft.Authorization/roleAssignments/write", "*/read"}},
	{id: "1c0163c0-47e6-4577-8991-ea5c82e286e4", name: "Virtual Machine Administrator Login", actions: []string{"Microsoft.Compute/virtualMachines/*/read"},
		dataActions: []string{"Microsoft.Compute/virtualMachines/login/action", "Microsoft.Compute/virtualMachines/loginAsAdmin/action"}},
	{id: "fb879df8-f326-4884-b1cf-06f3ad86be52", name: "Virtual Machine User Login", actions: []string{"Microsoft.Compute/virtualMachines/*/read"},
		dataActions: []string{"Microsoft.Compute/virtualMachines/login/action"}},
	{id: "ba92f5b4-2d11-453d-a403-e96b0029c9fe", name: "Storage Blob Data Contributor", actions: []string{"Microsoft.Storage/storageAccounts/blobServices/containers/read"},
		dataActions: []string{"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"}},
}

func builtIn(name string) azureRole {
	return builtInRoles[slices.IndexFunc(builtInRoles, func(r azureRole) bool { return r.name == name })]
}

// lockKeeper is the custom role for locks.
const lockKeeper = 0

// customRole is a role of the tenant's own. The even ones can be assigned everywhere, the odd ones in one subscription.
func customRole(s *world.State, index int) azureRole {
	tenant := tenantState(s)
	it := tenant.Items("azure.custom_role")[index]
	r := azureRole{id: objectID(it, ""), name: "Acme " + it.Name(), custom: it, actions: []string{"Microsoft.Compute/virtualMachines/write", "Microsoft.Authorization/*/read"}}
	if index == lockKeeper {
		r.actions = []string{"Microsoft.Authorization/locks/*"}
	} else {
		if it.Has("provider-wide") {
			r.actions = append(r.actions, "Microsoft.Compute/*")
		}
		if it.Has("grants") {
			r.actions = append(r.actions, "Microsoft.Authorization/roleAssignments/write")
		}
		if it.Has("star") {
			r.actions = []string{"*"}
		}
	}
	scope := groupPath(strings.TrimPrefix(tenant.Account.ID, "tenants/"))
	if index%2 == 1 {
		accounts := membersOf(s.World, tenant.Account.ID)
		scope = "/subscriptions/" + accounts[index/2%len(accounts)].ID
		if it.Has("in-group") {
			scope += "/resourceGroups/" + group
		}
	}
	r.scopes = []string{scope}
	return r
}

// rolesAt are the roles that can be assigned in an account: a subscription's own, or those for all.
func rolesAt(s *world.State) []azureRole {
	out := slices.Clone(builtInRoles)
	for i := range tenantState(s).Items("azure.custom_role") {
		if r := customRole(s, i); i%2 == 0 || strings.HasPrefix(r.scopes[0]+"/", "/subscriptions/"+s.Account.ID+"/") {
			out = append(out, r)
		}
	}
	return out
}

// assignment is who holds a role where, and how.
type assignment struct {
	id        string
	role      azureRole
	kind      string // permanent, time_bound, activated, eligible
	scope     string
	condition string
	// One of these holds it; none of them: somebody who has been deleted.
	user          *world.Item
	group         int // -1 for none
	program       *world.Item
	principalID   string
	principalType armauthorization.PrincipalType
	it            *world.Item
}

func (a *assignment) to(s *world.State, user *world.Item) {
	a.user, a.group, a.principalType, a.principalID = user, -1, armauthorization.PrincipalTypeUser, objectID(a.it, "deleted")
	if user != nil {
		a.principalID = userID(user)
	}
}

func (a *assignment) toGroup(s *world.State, index int) {
	a.user, a.group, a.principalType, a.principalID = nil, index, armauthorization.PrincipalTypeGroup, groupID(tenantState(s), index)
}

func (a *assignment) toProgram(s *world.State, index int) {
	a.user, a.group, a.principalType, a.principalID = nil, -1, armauthorization.PrincipalTypeServicePrincipal, programID(tenantState(s), index)
	a.program = tenantState(s).Items("azure.program")[index]
}

func (a *assignment) upper() bool {
	return !strings.Contains(strings.ToLower(a.scope), "/resourcegroups/")
}

func kindOf(s *world.State, it *world.Item) string {
	switch {
	case !hasP2(tenantState(s)):
		return "permanent"
	case it.Has("eligible"):
		return "eligible"
	case it.Has("timed"):
		return "time_bound"
	case it.Has("active"):
		return "activated"
	}
	return "permanent"
}

// assignmentsIn are a subscription's own assignments.
func assignmentsIn(s *world.State) []*assignment {
	tenant := tenantState(s)
	base := "/subscriptions/" + s.Account.ID
	var out []*assignment
	for _, it := range s.Items("azure.assignment") {
		a := &assignment{it: it, id: base + "/providers/Microsoft.Authorization/roleAssignments/" + objectID(it, "assignment"), kind: kindOf(s, it), scope: base}
		if it.Has("conditioned") {
			a.condition = "@Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringEqualsIgnoreCase 'Group'"
		}
		a.to(s, userAt(tenant, it.Index))
		switch it.Index {
		case 0:
			a.role = builtIn("Owner")
		case 1:
			a.role = builtIn("Owner")
			a.toGroup(s, owners)
		case 2:
			a.role = builtIn("Contributor")
		case 3:
			a.role = builtIn("Reader")
		case 4:
			a.role, a.scope = builtIn("Virtual Machine Administrator Login"), base+"/resourceGroups/"+group
			a.toGroup(s, operators)
		case 5:
			a.role = builtIn("Contributor")
			if it.Has("owner") {
				a.role = builtIn("Owner")
			}
			a.toProgram(s, 0)
		case 6:
			a.role, a.scope = builtIn("Virtual Machine User Login"), base+"/resourceGroups/"+group+"/providers/Microsoft.Compute/virtualMachines/vm-jump"
		case 7:
			a.role = customRole(s, lockKeeper)
			a.toGroup(s, admins)
		case 8:
			a.role, a.scope = builtIn("Storage Blob Data Contributor"), base+"/resourceGroups/"+group
			a.toProgram(s, 1)
		case 9:
			a.role = customRole(s, 2)
		case 10:
			a.role = builtIn("User Access Administrator")
		case 11:
			roles := rolesAt(s)
			a.role = roles[len(roles)-1]
		}
		if it.Has("ghost") && a.principalType == armauthorization.PrincipalTypeUser {
			a.to(s, nil)
		}
		out = append(out, a)
	}
	return out
}

// upperAssignments are those at the root and on management groups.
func upperAssignments(s *world.State) []*assignment {
	groups := managementGroups(s)
	var out []*assignment
	for _, it := range tenantState(s).Items("azure.upper_assignment") {
		a := &assignment{it: it, kind: kindOf(s, it), scope: groups[0].id}
		a.to(s, userAt(tenantState(s), it.Index))
		switch it.Index {
		case 0:
			a.role = builtIn("Owner")
		case 1:
			a.role, a.scope, a.kind = builtIn("User Access Administrator"), "/", "permanent"
			if !it.Has("elevated") {
				continue
			}
		case 2:
			a.role, a.scope = builtIn("Reader"), groups[1].id
		case 3:
			a.role, a.scope = builtIn("Contributor"), groups[2].id
			a.toGroup(s, owners)
		case 4:
			a.role, a.scope = builtIn("Role Based Access Control Administrator"), groups[1].id
			a.toProgram(s, 1)
		}
		a.id = strings.TrimSuffix(a.scope, "/") + "/providers/Microsoft.Authorization/roleAssignments/" + objectID(it, "assignment")
		out = append(out, a)
	}
	return out
}

// inherited are the upper assignments that reach a subscription, or a management group with those above it.
func inherited(s *world.State, scopes []string) []*assignment {
	return slices.DeleteFunc(upperAssignments(s), func(a *assignment) bool { return a.scope != "/" && !slices.Contains(scopes, a.scope) })
}

// allAt are all assignments that a subscription shows.
func allAt(s *world.State) []*assignment {
	return append(assignmentsIn(s), inherited(s, above(s, s.Account.ID))...)
}

// userAccess is what a user holds in the tenant's subscriptions.
type userAccess struct{ privileged, login bool }

func accessTo(s *world.State, u *world.Item) userAccess {
	var out userAccess
	for _, account := range membersOf(s.World, tenantState(s).Account.ID) {
		below, _ := s.World.State(account.ID, s.Time())
		for _, a := range allAt(below) {
			if a.kind == "eligible" || a.user != nil && a.user.Index != u.Index || a.user == nil && a.group < 0 {
				continue
			}
			if a.group >= 0 && !slices.ContainsFunc(inGroup(tenantState(s), a.group), func(m *world.Item) bool { return m.Index == u.Index }) {
				continue
			}
			out.privileged = out.privileged || a.role.privileged() && a.upper()
			out.login = out.login || strings.HasSuffix(a.role.name, "Login")
		}
	}
	return out
}

// expectAssignments is what the rules must say of assignments.
func expectAssignments(s *world.State, list []*assignment) map[world.Judged]posture.Result {
	out := map[world.Judged]posture.Result{}
	for _, a := range list {
		key := keyOf("azure.authorization.role_assignment", a.id)
		isUser := a.principalType == armauthorization.PrincipalTypeUser
		guest := a.user != nil && isGuest(a.user)
		strong := a.role.name == "Owner" || a.role.name == "User Access Administrator"
		closed := isUser && (a.user == nil || a.user.Has("disabled")) || a.program != nil && a.program.Has("disabled")
		byName := isUser && (a.kind == "permanent" || a.kind == "time_bound")
		for rule, result := range map[string]posture.Result{
			"azure-authorization-no-root-scope-access-administrator": unless(!strong, failIf(a.scope == "/")),
			"azure-authorization-no-guest-privileged-assignments":    unless(!isUser || !a.role.privileged() && !a.role.writes(), failIf(guest)),
			"azure-authorization-no-guest-read-assignments":          unless(!isUser || !a.upper() || a.role.privileged() || a.role.writes(), failIf(guest)),
			"azure-authorization-no-disabled-principals":             failIf(closed),
			"azure-authorization-no-service-principal-owners":        unless(a.program == nil, failIf(strong && a.condition == "" && a.upper())),
			"azure-authorization-privileged-roles-through-groups":    unless(!a.role.privileged() || !a.upper() || a.scope == "/" || a.program != nil, failIf(byName)),
		} {
			out[world.Judged{Rule: rule, Resource: key}] = result
		}
	}
	return out
}

// expectRoles is what the rules must say of the roles in a subscription, of those it inherits, and of its owners.
func expectRoles(s *world.State) map[world.Judged]posture.Result {
	all := allAt(s)
	out := expectAssignments(s, inherited(s, above(s, s.Account.ID)))
	enabled := map[string]bool{}
	own := func(u *world.Item) {
		if u != nil && !u.Has("disabled") {
			enabled[userID(u)] = true
		}
	}
	locksKept := false
	held := map[string]bool{}
	for _, a := range all {
		if a.role.name == "Owner" && a.upper() && a.kind != "eligible" {
			own(a.user)
			if a.group >= 0 {
				for _, u := range inGroup(tenantState(s), a.group) {
					own(u)
				}
			}
		}
		locksKept = locksKept || a.role.custom != nil && a.role.custom.Index == lockKeeper && a.program == nil
	}
	for _, account := range membersOf(s.World, tenantState(s).Account.ID) {
		other, _ := s.World.State(account.ID, s.Time())
		for _, a := range allAt(other) {
			if a.kind != "eligible" {
				held[a.role.id] = true
			}
		}
	}
	out[world.Judged{Rule: "azure-authorization-subscription-owner-count", Resource: subscriptionKey(s)}] = failIf(len(enabled) < 2 || len(enabled) > 3)
	out[world.Judged{Rule: "azure-authorization-lock-administration-delegated", Resource: subscriptionKey(s)}] = failIf(!locksKept)
	for _, r := range rolesAt(s) {
		assigned := slices.ContainsFunc(all, func(a *assignment) bool { return a.role.id == r.id && a.kind != "eligible" })
		if r.custom == nil && !assigned {
			continue
		}
		key := keyOf("azure.authorization.role_definition", "/providers/Microsoft.Authorization/roleDefinitions/"+r.id)
		keeper := r.custom != nil && r.custom.Index == lockKeeper
		star := r.custom != nil && !keeper && r.custom.Has("star")
		wide := r.custom != nil && (keeper || star || r.custom.Has("provider-wide") || r.custom.Has("grants"))
		narrow := r.custom != nil && r.custom.Index%2 == 1 && r.custom.Has("in-group")
		out[world.Judged{Rule: "azure-authorization-custom-role-no-owner-equivalent", Resource: key}] = unless(r.custom == nil, failIf(star && !narrow))
		out[world.Judged{Rule: "azure-authorization-custom-role-least-privilege", Resource: key}] = unless(r.custom == nil, failIf(wide || !held[r.id]))
	}
	return out
}

func activationID(it *world.Item) string {
	return "/subscriptions/" + it.Account.ID + "/providers/Microsoft.Authorization/roleManagementPolicyAssignments/" + objectID(it, "policy") + "_" + activated(it).id
}

// activated is the role whose activation is meant.
func activated(it *world.Item) azureRole {
	return builtIn([]string{"Owner", "Contributor", "User Access Administrator", "Role Based Access Control Administrator"}[it.Index])
}

func expectActivation(s *world.State) map[world.Judged]posture.Result {
	out := map[world.Judged]posture.Result{}
	for _, it := range s.Items("azure.activation") {
		if hasP2(tenantState(s)) {
			key := world.Judged{Rule: "azure-authorization-owner-activation-hardened", Resource: keyOf("azure.authorization.role_management_policy", activationID(it))}
			out[key] = unless(it.Index == 1, failIf(it.Has("no-mfa") && !it.Has("context") || it.Has("no-reason") || it.Has("long")))
		}
	}
	return out
}

func handleAuthorization(s *azure.Server, w *states) {
	azure.List(s, "armauthorization.RoleAssignmentsClient.NewListForSubscriptionPager", func(c azure.Call) (*armauthorization.RoleAssignmentListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		return activeRows(state, allAt(state)), nil
	})
	azure.List(s, "armauthorization.RoleAssignmentsClient.NewListForScopePager", func(c azure.Call) (*armauthorization.RoleAssignmentListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		return activeRows(state, assignmentsAt(state, c)), nil
	})
	azure.List(s, "armauthorization.RoleDefinitionsClient.NewListPager", func(c azure.Call) (*armauthorization.RoleDefinitionListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armauthorization.RoleDefinitionListResult{}
		for _, r := range rolesAt(state) {
			if r.custom != nil || c.Query.Get("$filter") != "type eq 'CustomRole'" {
				out.Value = append(out.Value, definition(r, c.Params["scope"]))
			}
		}
		return out, nil
	})
	azure.List(s, "armauthorization.RoleEligibilityScheduleInstancesClient.NewListForScopePager", func(c azure.Call) (*armauthorization.RoleEligibilityScheduleInstanceListResult, error) {
		state, err := w.licensed(c)
		if err != nil {
			return nil, err
		}
		out := &armauthorization.RoleEligibilityScheduleInstanceListResult{}
		for _, a := range assignmentsAt(state, c) {
			if a.kind == "eligible" {
				out.Value = append(out.Value, &armauthorization.RoleEligibilityScheduleInstance{
					ID: &a.id, Name: to.Ptr(path.Base(a.id)), Type: to.Ptr("Microsoft.Authorization/roleEligibilityScheduleInstances"),
					Properties: &armauthorization.RoleEligibilityScheduleInstanceProperties{
						PrincipalID: &a.principalID, PrincipalType: &a.principalType, RoleDefinitionID: to.Ptr(definitionID(a)), Scope: &a.scope, Condition: conditionOf(a),
						MemberType: to.Ptr(armauthorization.MemberTypeDirect), StartDateTime: to.Ptr(state.Long(a.it, 30)), EndDateTime: to.Ptr(state.Time().AddDate(0, 6, 0)),
						CreatedOn: to.Ptr(state.Long(a.it, 30)), Status: to.Ptr(armauthorization.StatusProvisioned),
					},
				})
			}
		}
		return out, nil
	})
	azure.List(s, "armauthorization.RoleAssignmentScheduleInstancesClient.NewListForScopePager", func(c azure.Call) (*armauthorization.RoleAssignmentScheduleInstanceListResult, error) {
		state, err := w.licensed(c)
		if err != nil {
			return nil, err
		}
		out := &armauthorization.RoleAssignmentScheduleInstanceListResult{}
		for _, a := range assignmentsAt(state, c) {
			if a.kind == "eligible" {
				continue
			}
			p := &armauthorization.RoleAssignmentScheduleInstanceProperties{
				OriginRoleAssignmentID: &a.id, PrincipalID: &a.principalID, PrincipalType: &a.principalType, RoleDefinitionID: to.Ptr(definitionID(a)), Scope: &a.scope,
				AssignmentType: to.Ptr(armauthorization.AssignmentTypeAssigned), MemberType: to.Ptr(armauthorization.MemberTypeDirect),
			}
			switch a.kind {
			case "time_bound":
				p.EndDateTime = to.Ptr(state.Time().AddDate(0, 1, 0))
			case "activated":
				p.AssignmentType, p.EndDateTime = to.Ptr(armauthorization.AssignmentTypeActivated), to.Ptr(state.Time().Add(3*time.Hour))
			}
			out.Value = append(out.Value, &armauthorization.RoleAssignmentScheduleInstance{ID: to.Ptr(a.id + "/instance"), Properties: p})
		}
		return out, nil
	})
	azure.List(s, "armauthorization.RoleManagementPolicyAssignmentsClient.NewListForScopePager", func(c azure.Call) (*armauthorization.RoleManagementPolicyAssignmentListResult, error) {
		state, err := w.licensed(c)
		if err != nil {
			return nil, err
		}
		out := &armauthorization.RoleManagementPolicyAssignmentListResult{}
		for _, it := range state.Items("azure.activation") {
			out.Value = append(out.Value, activationPolicy(it))
		}
		reader := activationPolicy(state.Items("azure.activation")[1]) // every role has a policy
		reader.ID, reader.Properties.RoleDefinitionID = to.Ptr(*reader.ID+"_reader"), to.Ptr("/subscriptions/"+state.Account.ID+"/providers/Microsoft.Authorization/roleDefinitions/"+builtIn("Reader").id)
		out.Value = append(out.Value, reader)
		return out, nil
	})
	graph(s, w, "graph.getByIds", directoryObjects)
}

// licensed is at, for what needs Entra ID P2.
func (w *states) licensed(c azure.Call) (*world.State, error) {
	state, err := w.at(c)
	if err == nil && !hasP2(tenantState(state)) {
		err = &azure.Error{Status: 400, Code: "AadPremiumLicenseRequired", Message: "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license."}
	}
	return state, err
}

// assignmentsAt are those that a call asks for by its scope: a subscription, or a management group and what is above it.
func assignmentsAt(s *world.State, c azure.Call) []*assignment {
	if len(s.Account.Above) > 0 {
		return allAt(s)
	}
	var scopes []string
	for at := "/" + c.Params["scope"]; at != ""; {
		i := slices.IndexFunc(managementGroups(s), func(g managementGroup) bool { return strings.EqualFold(g.id, at) })
		if i < 0 {
			break
		}
		g := managementGroups(s)[i]
		scopes, at = append(scopes, g.id), g.parent
	}
	return inherited(s, scopes)
}

func definitionID(a *assignment) string {
	scope := a.scope
	if at := strings.Index(scope, "/resourceGroups/"); at > 0 {
		scope = scope[:at]
	}
	return strings.TrimSuffix(scope, "/") + "/providers/Microsoft.Authorization/roleDefinitions/" + a.role.id
}

func conditionOf(a *assignment) *string {
	if a.condition == "" {
		return nil
	}
	return &a.condition
}

func activeRows(s *world.State, list []*assignment) *armauthorization.RoleAssignmentListResult {
	out := &armauthorization.RoleAssignmentListResult{}
	for _, a := range list {
		if a.kind == "eligible" {
			continue
		}
		out.Value = append(out.Value, &armauthorization.RoleAssignment{
			ID: &a.id, Name: to.Ptr(path.Base(a.id)), Type: to.Ptr("Microsoft.Authorization/roleAssignments"),
			Properties: &armauthorization.RoleAssignmentProperties{
				PrincipalID: &a.principalID, PrincipalType: &a.principalType, RoleDefinitionID: to.Ptr(definitionID(a)), Scope: &a.scope, Condition: conditionOf(a),
				CreatedOn: to.Ptr(s.Long(a.it, 30)), UpdatedOn: to.Ptr(s.Long(a.it, 30)),
			},
		})
	}
	return out
}

func definition(r azureRole, scope string) *armauthorization.RoleDefinition {
	kind, scopes := "BuiltInRole", []*string{to.Ptr("/")}
	id := "/providers/Microsoft.Authorization/roleDefinitions/" + r.id
	if strings.HasPrefix(scope, "subscriptions/") {
		id = "/" + scope + id
	}
	if r.custom != nil {
		kind, scopes = "CustomRole", pointers(r.scopes)
	}
	return &armauthorization.RoleDefinition{
		ID: &id, Name: &r.id, Type: to.Ptr("Microsoft.Authorization/roleDefinitions"),
		Properties: &armauthorization.RoleDefinitionProperties{
			RoleName: &r.name, RoleType: &kind, Description: to.Ptr(r.name + "."), AssignableScopes: scopes,
			Permissions: []*armauthorization.Permission{{Actions: pointers(r.actions), NotActions: pointers(nil), DataActions: pointers(r.dataActions), NotDataActions: pointers(nil)}},
		},
	}
}

func pointers(list []string) []*string {
	out := []*string{}
	for i := range list {
		out = append(out, &list[i])
	}
	return out
}

func activationPolicy(it *world.Item) *armauthorization.RoleManagementPolicyAssignment {
	target := func(caller string) *armauthorization.RoleManagementPolicyRuleTarget {
		return &armauthorization.RoleManagementPolicyRuleTarget{Caller: &caller, Level: to.Ptr("Assignment"), Operations: []*string{to.Ptr("All")}}
	}
	enabled := []*armauthorization.EnablementRules{}
	if !it.Has("no-mfa") && !it.Has("context") {
		enabled = append(enabled, to.Ptr(armauthorization.EnablementRulesMultiFactorAuthentication))
	}
	if !it.Has("no-reason") {
		enabled = append(enabled, to.Ptr(armauthorization.EnablementRulesJustification))
	}
	longest := "PT8H"
	if it.Has("long") {
		longest = "P1D"
	}
	scope := "/subscriptions/" + it.Account.ID
	role := activated(it)
	context := it.Has("context")
	return &armauthorization.RoleManagementPolicyAssignment{
		ID: to.Ptr(activationID(it)), Name: to.Ptr(path.Base(activationID(it))), Type: to.Ptr("Microsoft.Authorization/roleManagementPolicyAssignments"),
		Properties: &armauthorization.RoleManagementPolicyAssignmentProperties{
			Scope: &scope, RoleDefinitionID: to.Ptr(scope + "/providers/Microsoft.Authorization/roleDefinitions/" + role.id),
			PolicyID: to.Ptr(scope + "/providers/Microsoft.Authorization/roleManagementPolicies/" + objectID(it, "policy")),
			PolicyAssignmentProperties: &armauthorization.PolicyAssignmentProperties{
				RoleDefinition: &armauthorization.PolicyAssignmentPropertiesRoleDefinition{ID: &role.id, DisplayName: &role.name, Type: to.Ptr("BuiltInRole")},
			},
			EffectiveRules: []armauthorization.RoleManagementPolicyRuleClassification{
				&armauthorization.RoleManagementPolicyEnablementRule{
					ID: to.Ptr("Enablement_EndUser_Assignment"), RuleType: to.Ptr(armauthorization.RoleManagementPolicyRuleTypeRoleManagementPolicyEnablementRule), Target: target("EndUser"), EnabledRules: enabled,
				},
				&armauthorization.RoleManagementPolicyExpirationRule{
					ID: to.Ptr("Expiration_EndUser_Assignment"), RuleType: to.Ptr(armauthorization.RoleManagementPolicyRuleTypeRoleManagementPolicyExpirationRule), Target: target("EndUser"),
					IsExpirationRequired: to.Ptr(true), MaximumDuration: &longest,
				},
				&armauthorization.RoleManagementPolicyExpirationRule{
					ID: to.Ptr("Expiration_Admin_Assignment"), RuleType: to.Ptr(armauthorization.RoleManagementPolicyRuleTypeRoleManagementPolicyExpirationRule), Target: target("Admin"),
					IsExpirationRequired: to.Ptr(it.Has("approval")), MaximumDuration: to.Ptr("P180D"),
				},
				&armauthorization.RoleManagementPolicyApprovalRule{
					ID: to.Ptr("Approval_EndUser_Assignment"), RuleType: to.Ptr(armauthorization.RoleManagementPolicyRuleTypeRoleManagementPolicyApprovalRule), Target: target("EndUser"),
					Setting: &armauthorization.ApprovalSettings{IsApprovalRequired: to.Ptr(it.Has("approval")), IsRequestorJustificationRequired: to.Ptr(true)},
				},
				&armauthorization.RoleManagementPolicyAuthenticationContextRule{
					ID: to.Ptr("AuthenticationContext_EndUser_Assignment"), RuleType: to.Ptr(armauthorization.RoleManagementPolicyRuleTypeRoleManagementPolicyAuthenticationContextRule), Target: target("EndUser"),
					IsEnabled: &context, ClaimValue: to.Ptr(map[bool]string{true: "c1"}[context]),
				},
			},
		},
	}
}

// directoryObjects answers for the ids in the request that the directory knows. Of users it tells little by itself.
func directoryObjects(c azure.Call, s *world.State) (object, error) {
	var asked struct {
		IDs []string `json:"ids"`
	}
	if err := json.Unmarshal(c.Body, &asked); err != nil || len(asked.IDs) == 0 || len(asked.IDs) > 1000 {
		return nil, &azure.Error{Status: 400, Code: "Request_BadRequest", Message: cmp.Or(c.Path, "ids") + " needs 1 to 1000 ids."}
	}
	out := []object{}
	for _, it := range s.Items("azure.user") {
		if slices.Contains(asked.IDs, userID(it)) {
			out = append(out, object{"@odata.type": "#microsoft.graph.user", "id": userID(it), "displayName": it.Name(), "userPrincipalName": it.Name() + "@acme.example"})
		}
	}
	for index, it := range s.Items("azure.group") {
		if slices.Contains(asked.IDs, groupID(s, index)) {
			out = append(out, object{"@odata.type": "#microsoft.graph.group", "id": groupID(s, index), "displayName": "grp-" + it.Name(), "securityEnabled": true})
		}
	}
	for index, it := range s.Items("azure.program") {
		if slices.Contains(asked.IDs, programID(s, index)) {
			out = append(out, object{"@odata.type": "#microsoft.graph.servicePrincipal", "id": programID(s, index), "displayName": it.Name(),
				"accountEnabled": !it.Has("disabled"), "servicePrincipalType": []string{"Application", "ManagedIdentity"}[index]})
		}
	}
	return object{"value": out}, nil
}
