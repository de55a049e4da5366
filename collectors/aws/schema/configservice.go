package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// ConfigStatus says how AWS Config is set up in a region. Recorders that belong to another AWS service do not count.
// Source: DescribeConfigurationRecorders, DescribeConfigurationRecorderStatus, DescribeDeliveryChannels,
// DescribeDeliveryChannelStatus. One per region.
//
//posture:type aws.configservice.region_status
type ConfigStatus struct {
	posture.Meta
	RecorderPresent        bool     `json:"recorder_present"`
	Recording              bool     `json:"recording"`
	LastStatus             string   `json:"last_status"` // Pending, Success, Failure or NotApplicable
	LastErrorCode          string   `json:"last_error_code"`
	RoleARN                string   `json:"role_arn"`
	RecordingStrategy      string   `json:"recording_strategy"` // "": the recorder was set up before strategies existed
	AllSupported           bool     `json:"all_supported"`
	IncludeGlobalTypes     bool     `json:"include_global_types"`
	ExcludedTypes          []string `json:"excluded_types"`
	RecordedTypeCount      int64    `json:"recorded_type_count"` // types listed one by one; 0 when all are recorded
	DeliveryChannelPresent bool     `json:"delivery_channel_present"`
	DeliveryBucket         string   `json:"delivery_bucket"`
	// DeliveryLastStatus is FAILURE when the last delivery of history, snapshot or stream failed, SUCCESS when one succeeded
	// and none failed, NOT_APPLICABLE when none is wanted, and "" before the first.
	DeliveryLastStatus      string `json:"delivery_last_status"`
	RecorderUsesServiceRole bool   `json:"recorder_uses_service_role"` // the service-linked role of AWS Config
}
