package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Alarm is one CloudWatch alarm.
// Source: DescribeAlarms, for all three kinds of alarm.
//
//posture:type aws.cloudwatch.alarm
type Alarm struct {
	posture.Meta
	AlarmType               string   `json:"alarm_type"`  // MetricAlarm, CompositeAlarm or LogAlarm
	Namespace               string   `json:"namespace"`   // "" unless the alarm watches one metric directly
	MetricName              string   `json:"metric_name"` // "" unless the alarm watches one metric directly
	ActionsEnabled          bool     `json:"actions_enabled"`
	AlarmActions            []string `json:"alarm_actions"`
	OKActions               []string `json:"ok_actions"`
	InsufficientDataActions []string `json:"insufficient_data_actions"`
	State                   string   `json:"state" volatile:"true"` // OK, ALARM or INSUFFICIENT_DATA
	// Metrics are all metrics of this account that the alarm watches, those inside a metric-math expression too.
	Metrics []Metric `json:"metrics"`
	// ActionCount counts the actions for all three states.
	ActionCount int64 `json:"action_count"`
	// Notifies: actions are enabled, and going into alarm reaches somebody or something.
	Notifies bool `json:"notifies" derived:"true"`
}

// Metric names a CloudWatch metric.
type Metric struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}
