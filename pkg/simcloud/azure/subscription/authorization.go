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
		{Name: "azure.custom_role", Sort: inTenant, Global: true, Count: 5, Fixed: true,
			Defects: []world.Defect{{Name: "star", Share: 0.2, Drift: 0.2},
				{Name: "provider-wide", Share: 0.2, Drift: 0.2}, {Name: "grants", Drift: 0.3}, {Name: "in-group", Share: 0.3}}},
		{
			Name: "azure.upper_assignment", Sort: inTenant, Global: true, Count: 5, Fixed: true,
			Defects:    []world.Defect{{Name: "elevated", Drift: 0.9}, {Name: "eligible", Share: 0.2, Drift: 0.2}, {Name: "timed", Share: 0.2}},
			ExpectMore: func(s *world.State) map[world.Judged]posture.Result { return expectAssignments(placeOf(s).upper()) },
		},
		{
			Name: "azure.assignment", Sort: inSubscription, Global: true, Count: 12,
			Defects: []world.Defect{{Name: "ghost", Share: 0.05, Drift: 0.2}, {Name: "eligible", Share: 0.2, Drift: 0.3},
				{Name: "timed", Share: 0.1}, {Name: "active", Share: 0.1},
				{Name: "owner", Drift: 0.8}, {Name: "to-program", Drift: 0.8}, {Name: "conditioned", Share: 0.3, Drift: 0.3}},
			ExpectMore: func(s *world.State) map[world.Judged]posture.Result { return expectAssignments(placeOf(s).own()) },
		},
		{
			Name: "azure.activation", Sort: inSubscription, Global: true, Count: 4, Fixed: true,
			Defects: []world.Defect{{Name: "no-mfa", Share: 0.2, Drift: 0.3}, {Name: "no-reason", Share: 0.2, Drift: 0.2},
				{Name: "long", Share: 0.2, Drift: 0.2},
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
	{id: "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", name: "User Access Administrator",
		actions: []string{"*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"}},
	{id: "f58310d9-a9f6-439a-9e8d-f62e7b41a168", name: "Role Based Access Control Administrator",
		actions: []string{"Microsoft.Authorization/roleAssignments/write", "*/read"}},
	{id: "1c0163c0-47e6-4577-8991-ea5c82e286e4", name: "Virtual Machine Administrator Login",
		actions:     []string{"Microsoft.Compute/virtualMachines/*/read"},
		dataActions: []string{"Microsoft.Compute/virtualMachines/login/action", "Microsoft.Compute/virtualMachines/loginAsAdmin/action"}},
	{id: "fb879df8-f326-4884-b1cf-06f3ad86be52", name: "Virtual Machine User Login", actions: []string{"Microsoft.Compute/virtualMachines/*/read"},
		dataActions: []string{"Microsoft.Compute/virtualMachines/login/action"}},
	{id: "ba92f5b4-2d11-453d-a403-e96b0029c9fe", name: "Storage Blob Data Contributor",
		actions:     []string{"Microsoft.Storage/storageAccounts/blobServices/containers/read"},
		dataActions: []string{"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"}},
}

func builtIn(name string) azureRole {
	return builtInRoles[slices.IndexFunc(builtInRoles, func(r azureRole) bool { return r.name == name })]
}

// lockKeeper is the custom role for locks.
const lockKeeper = 0

// place is a subscription together with the tenant above it, or a tenant with itself.
type place struct {
	*world.State
	tenant *world.State
}

func placeOf(s *world.State) place { return place{s, tenantState(s)} }

// place is where a call is about.
func (w *states) place(c azure.Call) (place, error) {
	state, err := w.at(c)
	if err != nil {
		return place{}, err
	}
	tenant, err := w.get("tenants/"+tenantOf(state.Account), c.Now)
	return place{state, tenant}, err
}

// customRole is a role of the tenant's own. The even ones can be assigned everywhere, the odd ones in one subscription.
func (p place) customRole(index int) azureRole {
	it := p.tenant.Items("azure.custom_role")[index]
	r := azureRole{id: objectID(it, ""), name: "Acme " + it.Name(), custom: it,
		actions: []string{"Microsoft.Compute/virtualMachines/write", "Microsoft.Authorization/*/read"}}
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
	scope := groupPath(tenantOf(p.Account))
	if index%2 == 1 {
		accounts := membersOf(p.World, p.tenant.Account.ID)
		scope = "/subscriptions/" + accounts[index/2%len(accounts)].ID
		if it.Has("in-group") {
			scope += "/resourceGroups/" + group
		}
	}
	r.scopes = []string{scope}
	return r
}

// rolesAt are the roles that can be assigned in an account: a subscription's own, or those for all.
func (p place) roles() []azureRole {
	out := slices.Clone(builtInRoles)
	for i := range p.tenant.Items("azure.custom_role") {
		if r := p.customRole(i); i%2 == 0 || strings.HasPrefix(r.scopes[0]+"/", "/subscriptions/"+p.Account.ID+"/") {
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

func (a *assignment) to(user *world.Item) {
	a.user, a.group, a.principalType, a.principalID = user, -1, armauthorization.PrincipalTypeUser, objectID(a.it, "deleted")
	if user != nil {
		a.principalID = userID(user)
	}
}

func (a *assignment) toGroup(tenant *world.State, index int) {
	a.user, a.group, a.principalType, a.principalID = nil, index, armauthorization.PrincipalTypeGroup, groupID(tenant, index)
}

func (a *assignment) toProgram(tenant *world.State, index int) {
	a.user, a.group, a.principalType, a.principalID = nil, -1, armauthorization.PrincipalTypeServicePrincipal, programID(tenant, index)
	a.program = tenant.Items("azure.program")[index]
}

func (a *assignment) upper() bool {
	return !strings.Contains(strings.ToLower(a.scope), "/resourcegroups/")
}

func (p place) kind(it *world.Item) string {
	switch {
	case !hasP2(p.tenant):
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

// own are a subscription's own assignments.
func (p place) own() []*assignment {
	base := "/subscriptions/" + p.Account.ID
	var out []*assignment
	for _, it := range p.Items("azure.assignment") {
		a := &assignment{it: it, id: base + "/providers/Microsoft.Authorization/roleAssignments/" + objectID(it, "assignment"),
			kind: p.kind(it), scope: base}
		if it.Has("conditioned") {
			a.condition = "@Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringEqualsIgnoreCase 'Group'"
		}
		a.to(userAt(p.tenant, it.Index))
		switch it.Index {
		case 0:
			a.role = builtIn("Owner")
		case 1:
			a.role = builtIn("Owner")
			a.toGroup(p.tenant, owners)
		case 2:
			a.role = builtIn("Contributor")
		case 3:
			a.role = builtIn("Reader")
		case 4:
			a.role, a.scope = builtIn("Virtual Machine Administrator Login"), base+"/resourceGroups/"+group
			a.toGroup(p.tenant, operators)
		case 5:
			a.role = builtIn("Contributor")
			if it.Has("owner") {
				a.role = builtIn("Owner")
			}
			a.toProgram(p.tenant, 0)
		case 6:
			a.role, a.scope = builtIn("Virtual Machine User Login"),
				base+"/resourceGroups/"+group+"/providers/Microsoft.Compute/virtualMachines/vm-jump"
		case 7:
			a.role = p.customRole(lockKeeper)
			a.toGroup(p.tenant, admins)
			if it.Has("to-program") {
				a.toProgram(p.tenant, 0)
			}
		case 8:
			a.role, a.scope = builtIn("Storage Blob Data Contributor"), base+"/resourceGroups/"+group
			a.toProgram(p.tenant, 1)
		case 9:
			a.role = p.customRole(2)
		case 10:
			a.role = builtIn("User Access Administrator")
		case 11:
			roles := p.roles()
			a.role = roles[len(roles)-1]
		}
		if it.Has("ghost") && a.principalType == armauthorization.PrincipalTypeUser {
			a.to(nil)
		}
		out = append(out, a)
	}
	return out
}

// upper are those at the root and on management groups.
func (p place) upper() []*assignment {
	groups := managementGroups(p.State)
	var out []*assignment
	for _, it := range p.tenant.Items("azure.upper_assignment") {
		a := &assignment{it: it, kind: p.kind(it), scope: groups[0].id}
		a.to(userAt(p.tenant, it.Index))
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
			a.toGroup(p.tenant, owners)
		case 4:
			a.role, a.scope = builtIn("Role Based Access Control Administrator"), groups[1].id
			a.toProgram(p.tenant, 1)
		}
		a.id = strings.TrimSuffix(a.scope, "/") + "/providers/Microsoft.Authorization/roleAssignments/" + objectID(it, "assignment")
		out = append(out, a)
	}
	return out
}

// inherited are the upper assignments that reach a subscription, or a management group with those above it.
func (p place) inherited(scopes []string) []*assignment {
	return slices.DeleteFunc(p.upper(), func(a *assignment) bool { return a.scope != "/" && !slices.Contains(scopes, a.scope) })
}

// all are the assignments that a subscription shows.
func (p place) all() []*assignment {
	return append(p.own(), p.inherited(above(p.State, p.Account.ID))...)
}

// allAt is all, of a subscription's state.
func allAt(s *world.State) []*assignment { return placeOf(s).all() }

// members are the tenant's subscriptions at the same time.
func (p place) members() []place {
	var out []place
	for _, account := range membersOf(p.World, p.tenant.Account.ID) {
		s, _ := p.World.State(account.ID, p.Time())
		out = append(out, place{s, p.tenant})
	}
	return out
}

// userAccess is what a user holds in the tenant's subscriptions.
type userAccess struct{ privileged, login bool }

// accessOf is that of every user, by id.
func (p place) accessOf() map[string]userAccess {
	out := map[string]userAccess{}
	for _, below := range p.members() {
		for _, a := range below.all() {
			users := []*world.Item{a.user}
			if a.group >= 0 {
				users = inGroup(p.tenant, a.group)
			}
			for _, u := range users {
				if u != nil && a.kind != "eligible" {
					held := out[userID(u)]
					held.privileged = held.privileged || a.role.privileged() && a.upper()
					held.login = held.login || strings.HasSuffix(a.role.name, "Login")
					out[userID(u)] = held
				}
			}
		}
	}
	return out
}

// expectAssignments is what the rules must say of assignments.
func expectAssignments(list []*assignment) map[world.Judged]posture.Result {
	out := map[world.Judged]posture.Result{}
	for _, a := range list {
		key := keyOf("azure.authorization.role_assignment", a.id)
		isUser := a.principalType == armauthorization.PrincipalTypeUser
		guest := a.user != nil && isGuest(a.user)
		strong := a.role.name == "Owner" || a.role.name == "User Access Administrator"
		closed := isUser && (a.user == nil || a.user.Has("disabled")) || a.program != nil && a.program.Has("disabled")
		byName := isUser && (a.kind == "permanent" || a.kind == "time_bound")
		changes := a.role.privileged() || a.role.writes()
		standing := a.role.privileged() && a.upper() && a.scope != "/"
		for rule, result := range map[string]posture.Result{
			"azure-authorization-no-root-scope-access-administrator": unless(!strong, failIf(a.scope == "/")),
			"azure-authorization-no-guest-privileged-assignments":    unless(!isUser || !changes, failIf(guest)),
			"azure-authorization-no-guest-read-assignments":          unless(!isUser || !a.upper() || changes, failIf(guest)),
			"azure-authorization-no-disabled-principals":             failIf(closed),
			"azure-authorization-no-service-principal-owners":        unless(a.program == nil, failIf(strong && a.condition == "" && a.upper())),
			"azure-authorization-privileged-roles-through-groups":    unless(!standing || a.program != nil, failIf(byName)),
		} {
			out[world.Judged{Rule: rule, Resource: key}] = result
		}
	}
	return out
}

// expectRoles is what the rules must say of the roles in a subscription, of those it inherits, and of its owners.
func expectRoles(s *world.State) map[world.Judged]posture.Result {
	p := placeOf(s)
	all := p.all()
	out := expectAssignments(p.inherited(above(s, s.Account.ID)))
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
				for _, u := range inGroup(p.tenant, a.group) {
					own(u)
				}
			}
		}
		locksKept = locksKept || a.role.custom != nil && a.role.custom.Index == lockKeeper && a.program == nil
	}
	for _, other := range p.members() {
		for _, a := range other.all() {
			if a.kind != "eligible" {
				held[a.role.id] = true
			}
		}
	}
	owned := len(enabled) >= 2 && len(enabled) <= 3
	out[world.Judged{Rule: "azure-authorization-subscription-owner-count", Resource: subscriptionKey(s)}] = failIf(!owned)
	out[world.Judged{Rule: "azure-authorization-lock-administration-delegated", Resource: subscriptionKey(s)}] = failIf(!locksKept)
	for _, r := range p.roles() {
		assigned := slices.ContainsFunc(all, func(a *assignment) bool { return a.role.id == r.id && a.kind != "eligible" })
		if r.custom == nil && !assigned {
			continue
		}
		key := keyOf("azure.authorization.role_definition", "/providers/Microsoft.Authorization/roleDefinitions/"+r.id)
		keeper := r.custom != nil && r.custom.Index == lockKeeper
		star := r.custom != nil && !keeper && r.custom.Has("star")
		wide := r.custom != nil && (keeper || star || r.custom.Has("provider-wide") || r.custom.Has("grants"))
		narrow := r.custom != nil && r.custom.Index%2 == 1 && r.custom.Has("in-group")
		out[world.Judged{Rule: "azure-authorization-custom-role-no-owner-equivalent", Resource: key}] = unless(r.custom == nil,
			failIf(star && !narrow))
		out[world.Judged{Rule: "azure-authorization-custom-role-least-privilege", Resource: key}] = unless(r.custom == nil,
			failIf(wide || !held[r.id]))
	}
	return out
}

func activationID(it *world.Item) string {
	provider := "/subscriptions/" + it.Account.ID + "/providers/Microsoft.Authorization/"
	return provider + "roleManagementPolicyAssignments/" + objectID(it, "policy") + "_" + activated(it).id
}

// activated is the role whose activation is meant.
func activated(it *world.Item) azureRole {
	return builtIn([]string{"Owner", "Contributor", "User Access Administrator", "Role Based Access Control Administrator"}[it.Index])
}

func expectActivation(s *world.State) map[world.Judged]posture.Result {
	out := map[world.Judged]posture.Result{}
	if !hasP2(tenantState(s)) {
		return out
	}
	for _, it := range s.Items("azure.activation") {
		key := world.Judged{Rule: "azure-authorization-owner-activation-hardened",
			Resource: keyOf("azure.authorization.role_management_policy", activationID(it))}
		out[key] = unless(it.Index == 1, failIf(it.Has("no-mfa") && !it.Has("context") || it.Has("no-reason") || it.Has("long")))
	}
	return out
}

func handleAuthorization(s *azure.Server, w *states) {
	azure.List(s, "armauthorization.RoleAssignmentsClient.NewListForSubscriptionPager",
		func(c azure.Call) (*armauthorization.RoleAssignmentListResult, error) {
			p, err := w.place(c)
			if err != nil {
				return nil, err
			}
			return p.activeRows(p.all()), nil
		})
	azure.List(s, "armauthorization.RoleAssignmentsClient.NewListForScopePager",
		func(c azure.Call) (*armauthorization.RoleAssignmentListResult, error) {
			p, err := w.place(c)
			if err != nil {
				return nil, err
			}
			return p.activeRows(p.askedFor(c)), nil
		})
	azure.List(s, "armauthorization.RoleDefinitionsClient.NewListPager", func(c azure.Call) (*armauthorization.RoleDefinitionListResult, error) {
		p, err := w.place(c)
		if err != nil {
			return nil, err
		}
		out := &armauthorization.RoleDefinitionListResult{}
		for _, r := range p.roles() {
			if r.custom != nil || c.Query.Get("$filter") != "type eq 'CustomRole'" {
				out.Value = append(out.Value, definition(r, c.Params["scope"]))
			}
		}
		return out, nil
	})
	azure.List(s, "armauthorization.RoleEligibilityScheduleInstancesClient.NewListForScopePager",
		func(c azure.Call) (*armauthorization.RoleEligibilityScheduleInstanceListResult, error) {
			p, err := w.licensed(c)
			if err != nil {
				return nil, err
			}
			out := &armauthorization.RoleEligibilityScheduleInstanceListResult{}
			for _, a := range p.askedFor(c) {
				if a.kind == "eligible" {
					out.Value = append(out.Value, &armauthorization.RoleEligibilityScheduleInstance{
						ID: &a.id, Name: to.Ptr(path.Base(a.id)), Type: to.Ptr("Microsoft.Authorization/roleEligibilityScheduleInstances"),
						Properties: &armauthorization.RoleEligibilityScheduleInstanceProperties{
							PrincipalID: &a.principalID, PrincipalType: &a.principalType, RoleDefinitionID: to.Ptr(definitionID(a)),
							Scope: &a.scope, Condition: conditionOf(a),
							MemberType: to.Ptr(armauthorization.MemberTypeDirect), StartDateTime: to.Ptr(p.Long(a.it, 30)),
							EndDateTime: to.Ptr(p.Time().AddDate(0, 6, 0)),
							CreatedOn:   to.Ptr(p.Long(a.it, 30)), Status: to.Ptr(armauthorization.StatusProvisioned),
						},
					})
				}
			}
			return out, nil
		})
	azure.List(s, "armauthorization.RoleAssignmentScheduleInstancesClient.NewListForScopePager",
		func(c azure.Call) (*armauthorization.RoleAssignmentScheduleInstanceListResult, error) {
			p, err := w.licensed(c)
			if err != nil {
				return nil, err
			}
			out := &armauthorization.RoleAssignmentScheduleInstanceListResult{}
			for _, a := range p.askedFor(c) {
				if a.kind == "eligible" {
					continue
				}
				row := &armauthorization.RoleAssignmentScheduleInstanceProperties{
					OriginRoleAssignmentID: &a.id, PrincipalID: &a.principalID, PrincipalType: &a.principalType,
					RoleDefinitionID: to.Ptr(definitionID(a)), Scope: &a.scope,
					AssignmentType: to.Ptr(armauthorization.AssignmentTypeAssigned), MemberType: to.Ptr(armauthorization.MemberTypeDirect),
				}
				switch a.kind {
				case "time_bound":
					row.EndDateTime = to.Ptr(p.Time().AddDate(0, 1, 0))
				case "activated":
					row.AssignmentType, row.EndDateTime = to.Ptr(armauthorization.AssignmentTypeActivated), to.Ptr(p.Time().Add(3*time.Hour))
				}
				out.Value = append(out.Value, &armauthorization.RoleAssignmentScheduleInstance{ID: to.Ptr(a.id + "/instance"), Properties: row})
			}
			return out, nil
		})
	azure.List(s, "armauthorization.RoleManagementPolicyAssignmentsClient.NewListForScopePager",
		func(c azure.Call) (*armauthorization.RoleManagementPolicyAssignmentListResult, error) {
			p, err := w.licensed(c)
			if err != nil {
				return nil, err
			}
			out := &armauthorization.RoleManagementPolicyAssignmentListResult{}
			for _, it := range p.Items("azure.activation") {
				out.Value = append(out.Value, activationPolicy(it))
			}
			reader := activationPolicy(p.Items("azure.activation")[1]) // every role has a policy
			reader.ID, reader.Properties.RoleDefinitionID = to.Ptr(*reader.ID+"_reader"),
				to.Ptr("/subscriptions/"+p.Account.ID+"/providers/Microsoft.Authorization/roleDefinitions/"+builtIn("Reader").id)
			out.Value = append(out.Value, reader)
			return out, nil
		})
	graph(s, w, "graph.getByIds", directoryObjects)
}

// licensed is place, for what needs Entra ID P2.
func (w *states) licensed(c azure.Call) (place, error) {
	p, err := w.place(c)
	if err == nil && !hasP2(p.tenant) {
		err = &azure.Error{Status: 400, Code: "AadPremiumLicenseRequired",
			Message: "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license."}
	}
	return p, err
}

// askedFor are the assignments that a call asks for by its scope: a subscription, or a management group and what is above it.
func (p place) askedFor(c azure.Call) []*assignment {
	if len(p.Account.Above) > 0 {
		return p.all()
	}
	groups := managementGroups(p.State)
	var scopes []string
	for at := "/" + c.Params["scope"]; at != ""; {
		i := slices.IndexFunc(groups, func(g managementGroup) bool { return strings.EqualFold(g.id, at) })
		if i < 0 {
			break
		}
		scopes, at = append(scopes, groups[i].id), groups[i].parent
	}
	return p.inherited(scopes)
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

func (p place) activeRows(list []*assignment) *armauthorization.RoleAssignmentListResult {
	out := &armauthorization.RoleAssignmentListResult{}
	for _, a := range list {
		if a.kind == "eligible" {
			continue
		}
		out.Value = append(out.Value, &armauthorization.RoleAssignment{
			ID: &a.id, Name: to.Ptr(path.Base(a.id)), Type: to.Ptr("Microsoft.Authorization/roleAssignments"),
			Properties: &armauthorization.RoleAssignmentProperties{
				PrincipalID: &a.principalID, PrincipalType: &a.principalType, RoleDefinitionID: to.Ptr(definitionID(a)), Scope: &a.scope,
				Condition: conditionOf(a),
				CreatedOn: to.Ptr(p.Long(a.it, 30)), UpdatedOn: to.Ptr(p.Long(a.it, 30)),
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
			Permissions: []*armauthorization.Permission{{Actions: pointers(r.actions), NotActions: pointers(nil),
				DataActions: pointers(r.dataActions), NotDataActions: pointers(nil)}},
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
		ID: to.Ptr(activationID(it)), Name: to.Ptr(path.Base(activationID(it))),
		Type: to.Ptr("Microsoft.Authorization/roleManagementPolicyAssignments"),
		Properties: &armauthorization.RoleManagementPolicyAssignmentProperties{
			Scope: &scope, RoleDefinitionID: to.Ptr(scope + "/providers/Microsoft.Authorization/roleDefinitions/" + role.id),
			PolicyID: to.Ptr(scope + "/providers/Microsoft.Authorization/roleManagementPolicies/" + objectID(it, "policy")),
			PolicyAssignmentProperties: &armauthorization.PolicyAssignmentProperties{
				RoleDefinition: &armauthorization.PolicyAssignmentPropertiesRoleDefinition{ID: &role.id, DisplayName: &role.name,
					Type: to.Ptr("BuiltInRole")},
			},
			EffectiveRules: []armauthorization.RoleManagementPolicyRuleClassification{
				&armauthorization.RoleManagementPolicyEnablementRule{
					ID:       to.Ptr("Enablement_EndUser_Assignment"),
					RuleType: to.Ptr(armauthorization.RoleManagementPolicyRuleTypeRoleManagementPolicyEnablementRule),
					Target:   target("EndUser"), EnabledRules: enabled,
				},
				&armauthorization.RoleManagementPolicyExpirationRule{
					ID:       to.Ptr("Expiration_EndUser_Assignment"),
					RuleType: to.Ptr(armauthorization.RoleManagementPolicyRuleTypeRoleManagementPolicyExpirationRule), Target: target("EndUser"),
					IsExpirationRequired: to.Ptr(true), MaximumDuration: &longest,
				},
				&armauthorization.RoleManagementPolicyExpirationRule{
					ID:       to.Ptr("Expiration_Admin_Assignment"),
					RuleType: to.Ptr(armauthorization.RoleManagementPolicyRuleTypeRoleManagementPolicyExpirationRule), Target: target("Admin"),
					IsExpirationRequired: to.Ptr(it.Has("approval")), MaximumDuration: to.Ptr("P180D"),
				},
				&armauthorization.RoleManagementPolicyApprovalRule{
					ID:       to.Ptr("Approval_EndUser_Assignment"),
					RuleType: to.Ptr(armauthorization.RoleManagementPolicyRuleTypeRoleManagementPolicyApprovalRule), Target: target("EndUser"),
					Setting: &armauthorization.ApprovalSettings{IsApprovalRequired: to.Ptr(it.Has("approval")),
						IsRequestorJustificationRequired: to.Ptr(true)},
				},
				&armauthorization.RoleManagementPolicyAuthenticationContextRule{
					ID:        to.Ptr("AuthenticationContext_EndUser_Assignment"),
					RuleType:  to.Ptr(armauthorization.RoleManagementPolicyRuleTypeRoleManagementPolicyAuthenticationContextRule),
					Target:    target("EndUser"),
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
			out = append(out, object{"@odata.type": "#microsoft.graph.user", "id": userID(it), "displayName": it.Name(),
				"userPrincipalName": it.Name() + "@acme.example"})
		}
	}
	for index, it := range s.Items("azure.group") {
		if slices.Contains(asked.IDs, groupID(s, index)) {
			out = append(out, object{"@odata.type": "#microsoft.graph.group", "id": groupID(s, index), "displayName": "grp-" + it.Name(),
				"securityEnabled": true})
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
