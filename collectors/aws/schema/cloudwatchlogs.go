package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// LogGroup is one log group of CloudWatch Logs.
// Source: DescribeLogGroups.
//
//posture:type aws.cloudwatchlogs.log_group
type LogGroup struct {
	posture.Meta
	LogGroupClass             string             `json:"log_group_class"`        // STANDARD, INFREQUENT_ACCESS or DELIVERY
	RetentionDays             posture.Opt[int64] `json:"retention_days"`         // absent: never expire
	KMSKeyID                  string             `json:"kms_key_id"`             // "": encrypted with a key of the service
	DataProtectionStatus      string             `json:"data_protection_status"` // "": never set
	DeletionProtectionEnabled bool               `json:"deletion_protection_enabled"`
	StoredBytes               int64              `json:"stored_bytes" volatile:"true"`
}

// MetricFilter turns the events of one log group that match a pattern into metrics.
// Source: DescribeMetricFilters. The id is log group, colon, filter name.
//
//posture:type aws.cloudwatchlogs.metric_filter
type MetricFilter struct {
	posture.Meta
	LogGroupName          string   `json:"log_group_name"`
	Pattern               string   `json:"pattern"`
	MetricTransformations []Metric `json:"metric_transformations"`
	// FieldSelection limits the filter to events of some accounts or regions; "": none.
	FieldSelection string `json:"field_selection"`
	// OnTransformedLogs: the pattern looks at events as the log group's transformer leaves them.
	OnTransformedLogs bool `json:"on_transformed_logs"`

	// OnTrailLogGroup: a multi-region trail that is logging delivers to the log group.
	OnTrailLogGroup bool `json:"on_trail_log_group" derived:"true"`
	// SampleMatches are the built-in sample CloudTrail events that the pattern matches.
	SampleMatches []string `json:"sample_matches" derived:"true"`
	// AlarmARNs are the alarms of the region that watch one of the filter's metrics.
	AlarmARNs []string `json:"alarm_arns" derived:"true"`
	// AlarmNotifies: one of those alarms notifies.
	AlarmNotifies bool `json:"alarm_notifies" derived:"true"`
}

// LogsResourcePolicy lets other services or accounts use CloudWatch Logs, or one of its resources.
// Source: DescribeResourcePolicies, for both scopes. The id is the policy's name, or the resource's ARN.
//
//posture:type aws.cloudwatchlogs.resource_policy
type LogsResourcePolicy struct {
	posture.Meta
	PolicyScope string `json:"policy_scope"` // ACCOUNT or RESOURCE
	ResourceARN string `json:"resource_arn"` // "" for scope ACCOUNT
	Document    string `json:"document"`

	// Public: everyone is allowed something, and no condition fixes who.
	Public bool `json:"public" derived:"true"`
}
