package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// ManagementGroup is one management group; its id is the Resource Manager id in lower case. The name of the root group is the
// tenant's id.
// Source: armmanagementgroups Client.NewListPager, Client.NewGetDescendantsPager, HierarchySettingsClient.List.
//
//posture:type azure.managementgroups.management_group
type ManagementGroup struct {
	posture.Meta
	DisplayName          string            `json:"display_name"`
	ParentID             string            `json:"parent_id"` // "" for the root
	IsRoot               bool              `json:"is_root"`
	ChildSubscriptionIDs []string          `json:"child_subscription_ids"` // "/subscriptions/GUID"; without those of groups below
	Hierarchy            HierarchySettings `json:"hierarchy"`              // the tenant's, of the root group only
}

// HierarchySettings say where new subscriptions go and who may make management groups.
type HierarchySettings struct {
	DefaultManagementGroup          string `json:"default_management_group"` // id; that of the root when nothing is set
	RequireAuthorizationForCreation bool   `json:"require_authorization_for_creation"`
}
