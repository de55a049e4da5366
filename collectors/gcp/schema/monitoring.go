package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// AlertPolicy tells somebody when its conditions are met; its id is "projects/acme/alertPolicies/1234". Its name is the display
// name, its tags the user labels.
// Source: monitoring projects.alertPolicies.list.
//
//posture:type gcp.monitoring.alert_policy
type AlertPolicy struct {
	posture.Meta
	ProjectID            string           `json:"project_id"`
	Enabled              bool             `json:"enabled"`
	Valid                bool             `json:"valid"`    // an invalid one never opens an incident
	Combiner             string           `json:"combiner"` // OR, AND, AND_WITH_MATCHING_RESOURCE
	NotificationChannels []string         `json:"notification_channels"`
	Conditions           []AlertCondition `json:"conditions"`
	LogFilters           []string         `json:"log_filters"` // of conditions that wait for a log entry

	UsableChannelCount int64    `json:"usable_channel_count" derived:"true"` // that exist, are on, and are not waiting to be verified
	MetricTypes        []string `json:"metric_types" derived:"true"`         // log-based ones, as the conditions spell them
}

// AlertCondition is one condition of an alert policy.
type AlertCondition struct {
	Name  string `json:"name" key:"true"` // "projects/acme/alertPolicies/1234/conditions/5678"
	Kind  string `json:"kind"`            // threshold, absence, log, mql, promql, sql, other
	Query string `json:"query"`           // filter or query, in the language of the kind
}

// NotificationChannel is a way to tell somebody; its id is "projects/acme/notificationChannels/1234". Where it leads is in its
// labels, which hold addresses and tokens and are not kept.
// Source: monitoring projects.notificationChannels.list.
//
//posture:type gcp.monitoring.notification_channel
type NotificationChannel struct {
	posture.Meta
	ChannelType        string `json:"channel_type"` // email, sms, pagerduty, slack, pubsub, webhook_tokenauth, …
	Enabled            bool   `json:"enabled"`
	VerificationStatus string `json:"verification_status"` // VERIFIED, UNVERIFIED, or "" where none is asked for
}

// MetricsScope is a project that watches the scanned project's metrics, as each watches its own: alerts on them may be there.
// Its id is "locations/global/metricsScopes/4711", with the number of the project that watches.
// Source: monitoring locations.global.metricsScopes.listMetricsScopesByMonitoredProject.
//
//posture:type gcp.monitoring.metrics_scope
type MetricsScope struct {
	posture.Meta
	ScopingProject string `json:"scoping_project"` // its number
	Own            bool   `json:"own"`             // the scanned project's
}
