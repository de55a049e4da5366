package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Lock is one management lock at the subscription or below; its id is the Resource Manager id in lower case. It holds for all
// that lies in its scope.
// Source: armlocks ManagementLocksClient.NewListAtSubscriptionLevelPager.
//
//posture:type azure.locks.lock
type Lock struct {
	posture.Meta
	Level string `json:"level"` // CanNotDelete, ReadOnly
	Scope string `json:"scope"` // id of the subscription, resource group or resource, lower case
	Notes string `json:"notes"`
}
