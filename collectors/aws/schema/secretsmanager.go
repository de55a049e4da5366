package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Secret is one secret of Secrets Manager; its value is never asked for.
// Source: ListSecrets, GetResourcePolicy.
//
//posture:type aws.secretsmanager.secret
type Secret struct {
	posture.Meta
	RotationEnabled      bool                   `json:"rotation_enabled"`
	RotationIntervalDays posture.Opt[int64]     `json:"rotation_interval_days"` // absent: a schedule expression, or no rotation
	RotationSchedule     string                 `json:"rotation_schedule"`      // rate() or cron()
	LastRotatedAt        posture.Opt[time.Time] `json:"last_rotated_at"`
	LastChangedAt        posture.Opt[time.Time] `json:"last_changed_at"`
	LastAccessedAt       posture.Opt[time.Time] `json:"last_accessed_at" volatile:"true"` // the day
	NextRotationAt       posture.Opt[time.Time] `json:"next_rotation_at" volatile:"true"`
	DeletedAt            posture.Opt[time.Time] `json:"deleted_at"`
	KMSKeyID             string                 `json:"kms_key_id"`      // "": the key that AWS manages for the account
	OwningService        string                 `json:"owning_service"`  // the service that made it and rotates it
	PrimaryRegion        string                 `json:"primary_region"`  // "": not replicated
	ResourcePolicy       string                 `json:"resource_policy"` // "": none

	// IsReplica: the secret follows one in another region.
	IsReplica bool `json:"is_replica" derived:"true"`
	// PolicyPublic: an Allow for everyone has no condition that fixes account, principal or organization.
	PolicyPublic bool `json:"policy_public" derived:"true"`
}
