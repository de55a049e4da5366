package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// RoleAssignment is one assignment of an Azure role, active or eligible; its id is the Resource Manager id in lower case. A
// subscription has those of its own and all that it inherits, a tenant those at the root and on management groups.
// Source: armauthorization RoleAssignmentsClient.NewListForSubscriptionPager and NewListForScopePager,
// RoleAssignmentScheduleInstancesClient and RoleEligibilityScheduleInstancesClient.NewListForScopePager.
//
//posture:type azure.authorization.role_assignment
type RoleAssignment struct {
	posture.Meta
	RoleDefinitionID string                 `json:"role_definition_id"` // without the scope it was listed at, lower case
	RoleName         string                 `json:"role_name"`
	RolePrivileged   bool                   `json:"role_privileged"` // Owner, Contributor, one that grants roles, or a custom one as strong
	RoleWrites       bool                   `json:"role_writes"`     // some action of it writes or deletes, settings or data
	PrincipalID      string                 `json:"principal_id"`
	PrincipalType    string                 `json:"principal_type"` // User, Group, ServicePrincipal, ForeignGroup, Device
	Scope            string                 `json:"scope"`          // lower case
	ScopeLevel       string                 `json:"scope_level"`    // root, management_group, subscription, resource_group, resource
	Condition        string                 `json:"condition"`
	AssignmentKind   string                 `json:"assignment_kind"` // permanent, time_bound, activated, eligible
	EndsAt           posture.Opt[time.Time] `json:"ends_at"`

	Principal RolePrincipal `json:"principal" derived:"true"`
}

// RolePrincipal is what the directory says of who holds a role.
type RolePrincipal struct {
	UserType          string `json:"user_type"` // Member, Guest; "" for no user
	Enabled           bool   `json:"enabled"`   // true for groups, which have no such switch
	Exists            bool   `json:"exists"`
	IsManagedIdentity bool   `json:"is_managed_identity"`
}

// RoleDefinition is one Azure role: every custom one that can be assigned in the subscription, and the built-in ones that are.
// Its id is "/providers/microsoft.authorization/roledefinitions/GUID".
// Source: armauthorization RoleDefinitionsClient.NewListPager.
//
//posture:type azure.authorization.role_definition
type RoleDefinition struct {
	posture.Meta
	RoleType         string   `json:"role_type"` // BuiltInRole, CustomRole
	Actions          []string `json:"actions"`
	NotActions       []string `json:"not_actions"`
	DataActions      []string `json:"data_actions"`
	NotDataActions   []string `json:"not_data_actions"`
	AssignableScopes []string `json:"assignable_scopes"` // lower case
	AssignmentCount  int      `json:"assignment_count"`  // active ones, on the subscription, above and below

	AssignedElsewhere bool `json:"assigned_elsewhere" derived:"true"` // on another subscription in which it can be assigned
}

// RoleManagementPolicy is what it takes to activate an eligible role; its id is the Resource Manager id in lower case. A tenant
// without Entra ID P2 has none.
// Source: armauthorization RoleManagementPolicyAssignmentsClient.NewListForScopePager.
//
//posture:type azure.authorization.role_management_policy
type RoleManagementPolicy struct {
	posture.Meta
	RoleName   string         `json:"role_name"`
	Scope      string         `json:"scope"`
	ScopeLevel string         `json:"scope_level"` // root, management_group, subscription, resource_group, resource
	Activation RoleActivation `json:"activation"`
	Assignment RoleGranting   `json:"assignment"`
}

// RoleActivation is what holds when a user activates the role.
type RoleActivation struct {
	RequiresMFA           bool `json:"requires_mfa"`
	RequiresAuthContext   bool `json:"requires_auth_context"` // what Conditional Access asks of that context
	RequiresApproval      bool `json:"requires_approval"`
	RequiresJustification bool `json:"requires_justification"`
	MaxHours              int  `json:"max_hours"` // rounded up
}

// RoleGranting is what holds when an administrator assigns the role.
type RoleGranting struct {
	PermanentActiveAllowed bool `json:"permanent_active_allowed"`
}
