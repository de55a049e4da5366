package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Activity is when a service account or a key of one was last used; its id is that of the account or key. What was not used
// within the period may be missing.
// Source: policyanalyzer projects.locations.activityTypes.activities.query.
//
//posture:type gcp.policyanalyzer.activity
type Activity struct {
	posture.Meta
	ActivityType      string                 `json:"activity_type"`                      // serviceAccountLastAuthentication, serviceAccountKeyLastAuthentication
	FullResourceName  string                 `json:"full_resource_name"`                 // "//iam.googleapis.com/projects/acme/serviceAccounts/…"
	LastAuthenticated posture.Opt[time.Time] `json:"last_authenticated" volatile:"true"` // to the day; absent: not within the period
	ObservationStart  posture.Opt[time.Time] `json:"observation_start" volatile:"true"`
	ObservationEnd    posture.Opt[time.Time] `json:"observation_end" volatile:"true"`
}
