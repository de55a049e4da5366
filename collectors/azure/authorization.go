package azure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/managementgroups/armmanagementgroups"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// roleOperations are the calls that tell, for one scope, who holds which role; how active ones are listed is not among them.
var roleOperations = []collectors.Operation{
	{Name: "armauthorization.RoleDefinitionsClient.NewListPager", Permission: "Microsoft.Authorization/roleDefinitions/read", Body: collectors.Store},
	{Name: "armauthorization.RoleAssignmentScheduleInstancesClient.NewListForScopePager",
		Permission: "Microsoft.Authorization/roleAssignmentScheduleInstances/read", Body: collectors.Digest},
	{Name: "armauthorization.RoleEligibilityScheduleInstancesClient.NewListForScopePager",
		Permission: "Microsoft.Authorization/roleEligibilityScheduleInstances/read", Body: collectors.Digest},
	{Name: "graph.getByIds", Permission: "Graph: Directory.Read.All", Body: collectors.Digest},
}

var roles = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.RoleAssignmentType, schema.RoleDefinitionType, schema.PrincipalType},
	Operations: append([]collectors.Operation{
		{Name: "armauthorization.RoleAssignmentsClient.NewListForSubscriptionPager",
			Permission: "Microsoft.Authorization/roleAssignments/read", Body: collectors.Store},
	}, roleOperations...),
	Collect: collectRoles,
}

// collectRoles reads the subscription's own assignments and those it inherits.
func collectRoles(ctx context.Context, c *client, emit collectors.Emit) error {
	r := readRoles(ctx, c, "subscriptions/"+c.subscription, "")
	r.active, r.err = subscriptionAssignments(ctx, c, c.subscription)
	var failed []error
	failed = append(failed, collectors.Incomplete(schema.RoleAssignmentType, errors.Join(r.err, r.eligibleErr)),
		collectors.Incomplete(schema.RoleDefinitionType, errors.Join(r.definitionErr, r.err)))
	r.emit(emit, func(string) bool { return true })
	count := map[string]int{}
	for _, a := range r.active {
		if a.Properties != nil {
			count[roleID(a.Properties.RoleDefinitionID)]++
		}
	}
	for id, d := range r.definitions {
		if d.RoleType != "CustomRole" && count[id] == 0 {
			continue
		}
		out := d.RoleDefinition
		out.AssignmentCount = count[id]
		if r.err != nil {
			emit(id, &out, collectors.Unread(r.err, "assignment_count"))
		} else {
			emit(id, &out)
		}
	}
	err := emitPrincipals(ctx, c, r.principals(), emit)
	return errors.Join(append(failed, collectors.Incomplete(schema.PrincipalType, errors.Join(r.err, r.eligibleErr, err)))...)
}

var upperRoles = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.RoleAssignmentType, schema.PrincipalType},
	Operations: append([]collectors.Operation{
		{Name: "armmanagementgroups.Client.NewListPager", Permission: "Microsoft.Management/managementGroups/read", Body: collectors.Store},
		{Name: "armauthorization.RoleAssignmentsClient.NewListForScopePager", Permission: "Microsoft.Authorization/roleAssignments/read",
			Body: collectors.Store},
	}, roleOperations...),
	Collect: collectUpperRoles,
}

// atScope asks for what is assigned at a scope or above, and not below.
const atScope = "atScope()"

// collectUpperRoles reads the assignments at the management groups and, as each group inherits them, at the root.
func collectUpperRoles(ctx context.Context, c *client, emit collectors.Emit) error {
	groups, err := listManagementGroups(ctx, c)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	seen, holders := map[string]bool{}, map[string]bool{}
	first := func(id string) bool { // groups inherit each other's
		mu.Lock()
		defer mu.Unlock()
		was := seen[id]
		seen[id] = true
		return !was
	}
	type group = *armmanagementgroups.ManagementGroupInfo
	err = parallel(groups, func(g group) string { return idOf(g.ID) }, func(g group) error {
		scope := strings.TrimPrefix(text(g.ID), "/")
		r := readRoles(ctx, c, scope, atScope)
		r.active, r.err = scopeAssignments(ctx, c, scope)
		r.emit(emit, first)
		mu.Lock()
		defer mu.Unlock()
		maps.Copy(holders, r.principals())
		return errors.Join(r.err, r.eligibleErr)
	})
	principals := emitPrincipals(ctx, c, holders, emit)
	return errors.Join(collectors.Incomplete(schema.RoleAssignmentType, err),
		collectors.Incomplete(schema.PrincipalType, errors.Join(err, principals)))
}

// roleReading is what the calls said of one scope.
type roleReading struct {
	active        []*armauthorization.RoleAssignment
	err           error
	eligible      []*armauthorization.RoleEligibilityScheduleInstance
	eligibleErr   error
	definitions   map[string]roleDefinition // by id
	definitionErr error
	schedules     map[string]*armauthorization.RoleAssignmentScheduleInstanceProperties // by assignment
	scheduleErr   error
}

// roleDefinition is a role and what follows from its permissions.
type roleDefinition struct {
	schema.RoleDefinition
	privileged, writes bool
}

// readRoles reads what goes with the assignments at a scope. Without Entra ID P2 nothing is eligible and nothing ends.
func readRoles(ctx context.Context, c *client, scope, filter string) *roleReading {
	r := &roleReading{}
	r.definitions, r.definitionErr = roleDefinitions(ctx, c, scope, nil)
	var only *string
	if filter != "" {
		only = &filter
	}
	api, err := armauthorization.NewRoleEligibilityScheduleInstancesClient(c.credential, c.options)
	if err == nil {
		err = pages(ctx, api.NewListForScopePager(scope, &armauthorization.RoleEligibilityScheduleInstancesClientListForScopeOptions{Filter: only}),
			func(page armauthorization.RoleEligibilityScheduleInstancesClientListForScopeResponse) error {
				r.eligible = append(r.eligible, page.Value...)
				return nil
			})
	}
	if err != nil && !unlicensed(err) {
		r.eligibleErr = fmt.Errorf("list eligible roles of %s: %w", scope, err)
	}
	r.schedules = map[string]*armauthorization.RoleAssignmentScheduleInstanceProperties{}
	instances, err := armauthorization.NewRoleAssignmentScheduleInstancesClient(c.credential, c.options)
	if err == nil {
		err = pages(ctx, instances.NewListForScopePager(scope,
			&armauthorization.RoleAssignmentScheduleInstancesClientListForScopeOptions{Filter: only}),
			func(page armauthorization.RoleAssignmentScheduleInstancesClientListForScopeResponse) error {
				for _, s := range page.Value {
					if s.Properties != nil {
						r.schedules[idOf(s.Properties.OriginRoleAssignmentID)] = s.Properties
					}
				}
				return nil
			})
	}
	if err != nil && !unlicensed(err) {
		r.scheduleErr = fmt.Errorf("list role schedules of %s: %w", scope, err)
	}
	return r
}

func subscriptionAssignments(ctx context.Context, c *client, subscription string) ([]*armauthorization.RoleAssignment, error) {
	api, err := armauthorization.NewRoleAssignmentsClient(subscription, c.credential, c.options)
	if err != nil {
		return nil, err
	}
	var out []*armauthorization.RoleAssignment
	err = pages(ctx, api.NewListForSubscriptionPager(nil), func(page armauthorization.RoleAssignmentsClientListForSubscriptionResponse) error {
		out = append(out, page.Value...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list role assignments of %s: %w", subscription, err)
	}
	return out, nil
}

func scopeAssignments(ctx context.Context, c *client, scope string) ([]*armauthorization.RoleAssignment, error) {
	api, err := armauthorization.NewRoleAssignmentsClient("", c.credential, c.options)
	if err != nil {
		return nil, err
	}
	var out []*armauthorization.RoleAssignment
	options := &armauthorization.RoleAssignmentsClientListForScopeOptions{Filter: to.Ptr(atScope)}
	err = pages(ctx, api.NewListForScopePager(scope, options), func(page armauthorization.RoleAssignmentsClientListForScopeResponse) error {
		out = append(out, page.Value...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list role assignments of %s: %w", scope, err)
	}
	return out, nil
}

// roleDefinitions are the roles that can be assigned at a scope, by id; only may narrow them to custom ones.
func roleDefinitions(ctx context.Context, c *client, scope string, only *string) (map[string]roleDefinition, error) {
	api, err := armauthorization.NewRoleDefinitionsClient(c.credential, c.options)
	if err != nil {
		return nil, err
	}
	out := map[string]roleDefinition{}
	pager := api.NewListPager(scope, &armauthorization.RoleDefinitionsClientListOptions{Filter: only})
	err = pages(ctx, pager, func(page armauthorization.RoleDefinitionsClientListResponse) error {
		for _, d := range page.Value {
			out[roleID(d.ID)] = newRoleDefinition(d)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list role definitions of %s: %w", scope, err)
	}
	return out, nil
}

// roleID is a role definition's id without the scope that it was listed at.
func roleID(id *string) string {
	return "/providers/microsoft.authorization/roledefinitions/" + path.Base(idOf(id))
}

// The built-in roles that can do everything, or hand out what they have.
const (
	owner       = "/providers/microsoft.authorization/roledefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	contributor = "/providers/microsoft.authorization/roledefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c"
	accessAdmin = "/providers/microsoft.authorization/roledefinitions/18d7d88d-d35e-4fb5-a5c3-7773c20a72d9" // User Access Administrator
	rbacAdmin   = "/providers/microsoft.authorization/roledefinitions/f58310d9-a9f6-439a-9e8d-f62e7b41a168" // Role Based Access Control Administrator
)

func strong(role string) bool {
	return slices.Contains([]string{owner, contributor, accessAdmin, rbacAdmin}, role)
}

func newRoleDefinition(d *armauthorization.RoleDefinition) roleDefinition {
	out := roleDefinition{RoleDefinition: schema.RoleDefinition{
		Actions: []string{}, NotActions: []string{}, DataActions: []string{}, NotDataActions: []string{}, AssignableScopes: []string{},
	}}
	p := d.Properties
	if p == nil {
		return out
	}
	out.Name, out.RoleType = text(p.RoleName), text(p.RoleType)
	for _, s := range p.AssignableScopes {
		out.AssignableScopes = append(out.AssignableScopes, idOf(s))
	}
	for _, permission := range p.Permissions {
		out.Actions = append(out.Actions, list(permission.Actions)...)
		out.NotActions = append(out.NotActions, list(permission.NotActions)...)
		out.DataActions = append(out.DataActions, list(permission.DataActions)...)
		out.NotDataActions = append(out.NotDataActions, list(permission.NotDataActions)...)
	}
	out.writes = slices.ContainsFunc(slices.Concat(out.Actions, out.DataActions), writes)
	out.privileged = strong(roleID(d.ID)) || out.RoleType == "CustomRole" && slices.ContainsFunc(out.Actions, func(action string) bool {
		return action == "*" || matches(action, "Microsoft.Authorization/roleAssignments/write") ||
			matches(action, "Microsoft.Authorization/roleDefinitions/write")
	})
	return out
}

// writes reports whether an action changes or deletes something: the last word of it says so, or is open.
func writes(action string) bool {
	return slices.Contains([]string{"*", "write", "delete"}, path.Base(strings.ToLower(action)))
}

// matches reports whether a pattern, in which * stands for any text, allows the action.
func matches(pattern, action string) bool {
	parts := strings.Split(strings.ToLower(pattern), "*")
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	ok, _ := regexp.MatchString("^"+strings.Join(parts, ".*")+"$", strings.ToLower(action)) // quoted, so it compiles
	return ok
}

// emit hands over the assignments of the scope, as far as first wants them.
func (r *roleReading) emit(emit collectors.Emit, first func(id string) bool) {
	for _, a := range r.active {
		p := a.Properties
		id := idOf(a.ID)
		if p == nil || !first(id) {
			continue
		}
		out := schema.RoleAssignment{
			Meta: posture.Meta{CreatedAt: moment(p.CreatedOn)}, PrincipalID: idOf(p.PrincipalID), PrincipalType: text(p.PrincipalType),
			Scope: scopeOf(p.Scope), Condition: text(p.Condition),
		}
		gaps := r.role(&out, p.RoleDefinitionID)
		switch s := r.schedules[id]; {
		case r.scheduleErr != nil:
			gaps = append(gaps, collectors.Unread(r.scheduleErr, "assignment_kind", "ends_at"))
		case s == nil:
			out.AssignmentKind = "permanent"
		default:
			out.AssignmentKind, out.EndsAt = schedule{Type: text(s.AssignmentType), Ends: s.EndDateTime}.kind(), moment(s.EndDateTime)
		}
		emit(id, &out, gaps...)
	}
	for _, e := range r.eligible {
		p := e.Properties
		id := idOf(e.ID)
		if p == nil || p.MemberType != nil && *p.MemberType == armauthorization.MemberTypeGroup || !first(id) {
			continue // what groups hand down repeats the group's own
		}
		out := schema.RoleAssignment{
			Meta: posture.Meta{CreatedAt: moment(p.CreatedOn)}, PrincipalID: idOf(p.PrincipalID), PrincipalType: text(p.PrincipalType),
			Scope: scopeOf(p.Scope), Condition: text(p.Condition), AssignmentKind: "eligible", EndsAt: moment(p.EndDateTime),
		}
		emit(id, &out, r.role(&out, p.RoleDefinitionID)...)
	}
}

// role fills in what the assigned role is.
func (r *roleReading) role(out *schema.RoleAssignment, definition *string) []collectors.Gap {
	out.RoleDefinitionID, out.ScopeLevel = roleID(definition), scopeLevel(out.Scope)
	d, found := r.definitions[out.RoleDefinitionID]
	out.Name, out.RoleName, out.RolePrivileged, out.RoleWrites = d.Name, d.Name, d.privileged, d.writes
	switch {
	case found:
		return nil
	case r.definitionErr != nil:
		return []collectors.Gap{collectors.Unread(r.definitionErr, "role_name", "role_privileged", "role_writes")}
	}
	err := leftOut("armauthorization.RoleDefinitionsClient.NewListPager", out.RoleDefinitionID)
	return []collectors.Gap{collectors.Unread(err, "role_name", "role_privileged", "role_writes")}
}

// principals are the ids of all who hold a role.
func (r *roleReading) principals() map[string]bool {
	out := map[string]bool{}
	for _, a := range r.active {
		if a.Properties != nil && text(a.Properties.PrincipalType) != string(armauthorization.PrincipalTypeForeignGroup) {
			out[idOf(a.Properties.PrincipalID)] = true
		}
	}
	for _, e := range r.eligible {
		if e.Properties != nil {
			out[idOf(e.Properties.PrincipalID)] = true
		}
	}
	delete(out, "")
	return out
}

// leftOut says that a list which was read to its end lacks what another answer names.
func leftOut(operation, what string) error {
	return &transport.Error{Operation: operation, Reason: posture.ReasonUnreconciled, Err: fmt.Errorf("%s is not in the list", what)}
}

// scopeOf is a scope in lower case; the root is "/".
func scopeOf(scope *string) string { return cmp.Or(strings.TrimSuffix(idOf(scope), "/"), "/") }

// scopeLevel says how high a scope lies.
func scopeLevel(scope string) string {
	switch parts := strings.Split(strings.Trim(scope, "/"), "/"); {
	case scope == "/":
		return "root"
	case strings.HasPrefix(scope, "/providers/microsoft.management/managementgroups/"):
		return "management_group"
	case parts[0] == "subscriptions" && len(parts) == 2:
		return "subscription"
	case parts[0] == "subscriptions" && len(parts) == 4:
		return "resource_group"
	}
	return "resource"
}

// manyIDs is how many objects the directory tells of in one answer.
const manyIDs = 1000

// emitPrincipals asks the directory about the holders of roles. It answers with those that exist.
func emitPrincipals(ctx context.Context, c *client, holders map[string]bool, emit collectors.Emit) error {
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(holders)), manyIDs) {
		var answer struct {
			Value []struct {
				directory
				Name    string `json:"displayName"`
				Enabled *bool  `json:"accountEnabled"`
				Kind    string `json:"servicePrincipalType"`
			} `json:"value"`
		}
		address := c.graph.endpoint + "/v1.0/directoryObjects/getByIds"
		if err := c.graph.send(ctx, http.MethodPost, address, map[string][]string{"ids": ids}, &answer); err != nil {
			return fmt.Errorf("look up principals: %w", err)
		}
		for _, p := range answer.Value {
			out := schema.Principal{PrincipalType: p.kind(), ManagedIdentity: p.Kind == "ManagedIdentity"}
			if out.PrincipalType != "user" { // people are described elsewhere
				out.Name = p.Name
			}
			if out.PrincipalType == "servicePrincipal" {
				out.Enabled = posture.FromPtr(p.Enabled)
			}
			emit(strings.ToLower(p.ID), &out)
		}
	}
	return nil
}

var roleManagementPolicies = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.RoleManagementPolicyType},
	Operations: []collectors.Operation{
		{Name: "armauthorization.RoleManagementPolicyAssignmentsClient.NewListForScopePager",
			Permission: "Microsoft.Authorization/roleManagementPolicyAssignments/read", Body: collectors.Digest},
	},
	Collect: collectRoleManagementPolicies,
}

// collectRoleManagementPolicies reads the policies of the roles that can do everything or hand out roles: every one of some
// hundred roles has a policy, whether anybody holds it or not.
func collectRoleManagementPolicies(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armauthorization.NewRoleManagementPolicyAssignmentsClient(c.credential, c.options)
	if err != nil {
		return err
	}
	type page = armauthorization.RoleManagementPolicyAssignmentsClientListForScopeResponse
	err = pages(ctx, api.NewListForScopePager("subscriptions/"+c.subscription, nil), func(page page) error {
		for _, a := range page.Value {
			if p := a.Properties; p != nil && strong(roleID(p.RoleDefinitionID)) {
				out, gaps := newRoleManagementPolicy(p)
				emit(idOf(a.ID), &out, gaps...)
			}
		}
		return nil
	})
	if err != nil && !unlicensed(err) {
		return fmt.Errorf("list role management policies: %w", err)
	}
	return nil
}

func newRoleManagementPolicy(p *armauthorization.RoleManagementPolicyAssignmentProperties) (schema.RoleManagementPolicy, []collectors.Gap) {
	out := schema.RoleManagementPolicy{Scope: scopeOf(p.Scope)}
	out.ScopeLevel = scopeLevel(out.Scope)
	if p.PolicyAssignmentProperties != nil && p.PolicyAssignmentProperties.RoleDefinition != nil {
		out.Name = text(p.PolicyAssignmentProperties.RoleDefinition.DisplayName)
		out.RoleName = out.Name
	}
	known := map[string]bool{}
	for _, rule := range p.EffectiveRules {
		base := rule.GetRoleManagementPolicyRule()
		known[text(base.ID)] = true
		switch rule := rule.(type) {
		case *armauthorization.RoleManagementPolicyEnablementRule:
			if text(base.ID) == "Enablement_EndUser_Assignment" {
				enabled := list(rule.EnabledRules)
				out.Activation.RequiresMFA = slices.Contains(enabled, string(armauthorization.EnablementRulesMultiFactorAuthentication))
				out.Activation.RequiresJustification = slices.Contains(enabled, string(armauthorization.EnablementRulesJustification))
			}
		case *armauthorization.RoleManagementPolicyAuthenticationContextRule:
			if text(base.ID) == "AuthenticationContext_EndUser_Assignment" {
				out.Activation.RequiresAuthContext = is(rule.IsEnabled) && text(rule.ClaimValue) != ""
			}
		case *armauthorization.RoleManagementPolicyApprovalRule:
			if text(base.ID) == "Approval_EndUser_Assignment" {
				out.Activation.RequiresApproval = rule.Setting != nil && is(rule.Setting.IsApprovalRequired)
			}
		case *armauthorization.RoleManagementPolicyExpirationRule:
			switch text(base.ID) {
			case "Expiration_EndUser_Assignment":
				hours, ok := hoursOf(text(rule.MaximumDuration))
				out.Activation.MaxHours, known[text(base.ID)] = hours, ok
			case "Expiration_Admin_Assignment":
				out.Assignment.PermanentActiveAllowed = !is(rule.IsExpirationRequired)
			}
		}
	}
	var gaps []collectors.Gap
	for rule, paths := range map[string][]string{
		"Enablement_EndUser_Assignment": {"activation.requires_mfa", "activation.requires_justification"},
		"Expiration_EndUser_Assignment": {"activation.max_hours"},
		"Expiration_Admin_Assignment":   {"assignment.permanent_active_allowed"},
	} {
		if !known[rule] {
			err := leftOut("armauthorization.RoleManagementPolicyAssignmentsClient.NewListForScopePager", rule)
			gaps = append(gaps, collectors.Unread(err, paths...))
		}
	}
	return out, gaps
}

var duration = regexp.MustCompile(`^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?$`)

// hoursOf is an ISO 8601 duration ("PT8H", "P1D") in hours, rounded up.
func hoursOf(s string) (int, bool) {
	found := duration.FindStringSubmatch(s)
	if found == nil {
		return 0, false
	}
	var n [3]int
	for i := range n {
		n[i], _ = strconv.Atoi(found[i+1]) // "" is 0
	}
	return n[0]*24 + n[1] + (n[2]+59)/60, true
}
