package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Backup is what AWS Backup does for a resource.
type Backup struct {
	InPlan bool `json:"in_plan"` // some backup selection of the account and region selects it
	// LastRecoveryPointAt is absent when AWS Backup has never backed it up.
	LastRecoveryPointAt posture.Opt[time.Time] `json:"last_recovery_point_at" volatile:"true"`
}
