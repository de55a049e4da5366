package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Subscription is one subscription; its id is "/subscriptions/GUID".
// Source: armsubscriptions Client.Get.
//
//posture:type azure.subscriptions.subscription
type Subscription struct {
	posture.Meta
	State    string `json:"state"` // Enabled, Warned, PastDue, Disabled, Deleted
	TenantID string `json:"tenant_id"`
	QuotaID  string `json:"quota_id"`

	ManagementGroupPath []string `json:"management_group_path" derived:"true"` // from the subscription's own group up to the root
	InUseLocations      []string `json:"in_use_locations" derived:"true"`
}
