package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Subscription is one subscription; its id is "/subscriptions/GUID".
// Source: armsubscriptions Client.Get.
//
//posture:type azure.subscriptions.subscription
type Subscription struct {
	posture.Meta
	DisplayName string `json:"display_name"`
	State       string `json:"state"` // Enabled, Warned, PastDue, Disabled, Deleted
	TenantID    string `json:"tenant_id"`
	QuotaID     string `json:"quota_id"`

	ManagementGroupPath []string         `json:"management_group_path" derived:"true"` // ids, from the subscription's own group up to the root
	InUseLocations      []string         `json:"in_use_locations" derived:"true"`      // of its virtual networks
	OwnerIDs            []string         `json:"owner_ids" derived:"true"`             // enabled users who are Owner of all of it now, through groups and from above too
	LogDestinations     []LogDestination `json:"log_destinations" derived:"true"`
}

// LogDestination is a storage account or workspace of the tenant's that the subscription's Activity Log is sent to.
type LogDestination struct {
	ID     string `json:"id" key:"true"`
	Locked bool   `json:"locked"` // it cannot be deleted; not seen of one in another subscription
}

// Member is one subscription as its tenant lists it, with what the directory's users hold on it; its id is
// "/subscriptions/GUID". Of subscriptions that are neither Enabled nor Warned only the state is read.
// Source: armsubscriptions Client.NewListPager, armauthorization RoleAssignmentsClient.NewListForSubscriptionPager,
// RoleDefinitionsClient.NewListPager.
//
//posture:type azure.subscriptions.member
type Member struct {
	posture.Meta
	SubscriptionID string   `json:"subscription_id"`
	DisplayName    string   `json:"display_name"`
	State          string   `json:"state"`          // Enabled, Warned, PastDue, Disabled, Deleted
	Access         []Access `json:"access"`         // who holds a privileged role on it or above, or may sign in to machines in it
	AssignedRoles  []string `json:"assigned_roles"` // ids of the definitions of all roles that somebody holds on it, above or below

	ManagementGroupPath []string `json:"management_group_path" derived:"true"` // ids, from the subscription's own group up to the root
}

// Access is what one user or group holds on a subscription.
type Access struct {
	PrincipalID   string   `json:"principal_id" key:"true"`
	PrincipalType string   `json:"principal_type"` // User, Group
	Privileged    bool     `json:"privileged"`
	VMLoginScopes []string `json:"vm_login_scopes"`
}

// TenantPolicy says whether subscriptions may move from one tenant to another; there is one.
// Source: armsubscription PolicyClient.GetPolicyForTenant.
//
//posture:type azure.subscriptions.tenant_policy
type TenantPolicy struct {
	posture.Meta
	BlockLeaving       bool     `json:"block_leaving"`
	BlockEntering      bool     `json:"block_entering"`
	ExemptedPrincipals []string `json:"exempted_principals"` // ids of those who may all the same
}
