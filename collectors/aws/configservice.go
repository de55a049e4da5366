package aws

import (
	"context"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	"github.com/aws/aws-sdk-go-v2/service/configservice/types"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func configserviceReaders() []collectors.Reader[*client] {
	return []collectors.Reader[*client]{configStatus}
}

var configStatus = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ConfigStatusType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "ConfigService.DescribeConfigurationRecorders", Permission: "config:DescribeConfigurationRecorders", Body: collectors.Store},
		{Name: "ConfigService.DescribeConfigurationRecorderStatus", Permission: "config:DescribeConfigurationRecorderStatus", Body: collectors.Store},
		{Name: "ConfigService.DescribeDeliveryChannels", Permission: "config:DescribeDeliveryChannels", Body: collectors.Store},
		{Name: "ConfigService.DescribeDeliveryChannelStatus", Permission: "config:DescribeDeliveryChannelStatus", Body: collectors.Store},
	},
	Collect: collectConfigStatus,
}

// collectConfigStatus reads the one recorder and the one delivery channel a region can have. Empty lists say that there
// is none.
func collectConfigStatus(ctx context.Context, c *client, emit collectors.Emit) error {
	api := configservice.NewFromConfig(c.config)
	status := &schema.ConfigStatus{Meta: posture.Meta{Name: c.region}}
	gaps := readRecorder(ctx, api, status)
	gaps = append(gaps, readRecorderStatus(ctx, api, status)...)
	gaps = append(gaps, readDeliveryChannel(ctx, api, status)...)
	emit(c.region, status, append(gaps, collectors.NotCollected("tags"))...)
	return nil
}

func readRecorder(ctx context.Context, api *configservice.Client, status *schema.ConfigStatus) []collectors.Gap {
	list, err := api.DescribeConfigurationRecorders(ctx, &configservice.DescribeConfigurationRecordersInput{})
	if err != nil {
		return []collectors.Gap{collectors.Unread(err, "recorder_present", "role_arn", "recorder_uses_service_role", "recording_strategy",
			"all_supported", "include_global_types", "excluded_types", "recorded_type_count")}
	}
	a := &answer{service: configservice.ServiceID, operation: "DescribeConfigurationRecorders"}
	for _, r := range list.ConfigurationRecorders {
		if sdk.ToString(r.ServicePrincipal) != "" {
			continue
		}
		status.RecorderPresent = true
		status.RoleARN = sdk.ToString(r.RoleARN)
		status.RecorderUsesServiceRole = strings.HasSuffix(status.RoleARN, ":role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig")
		group := r.RecordingGroup
		if group == nil {
			a.gaps = append(a.gaps, collectors.Unread(a.lacks("recordingGroup"), "recording_strategy", "all_supported",
				"include_global_types", "excluded_types", "recorded_type_count"))
			continue
		}
		status.AllSupported = group.AllSupported
		status.IncludeGlobalTypes = group.IncludeGlobalResourceTypes
		status.RecordedTypeCount = int64(len(group.ResourceTypes))
		if group.RecordingStrategy != nil {
			status.RecordingStrategy = string(group.RecordingStrategy.UseOnly)
		}
		if group.ExclusionByResourceTypes != nil {
			for _, t := range group.ExclusionByResourceTypes.ResourceTypes {
				status.ExcludedTypes = append(status.ExcludedTypes, string(t))
			}
		}
	}
	return a.gaps
}

func readRecorderStatus(ctx context.Context, api *configservice.Client, status *schema.ConfigStatus) []collectors.Gap {
	paths := []string{"recording", "last_status", "last_error_code"}
	list, err := api.DescribeConfigurationRecorderStatus(ctx, &configservice.DescribeConfigurationRecorderStatusInput{})
	if err != nil {
		return []collectors.Gap{collectors.Unread(err, paths...)}
	}
	for _, r := range list.ConfigurationRecordersStatus {
		if sdk.ToString(r.ServicePrincipal) != "" {
			continue
		}
		status.Recording = r.Recording
		status.LastErrorCode = sdk.ToString(r.LastErrorCode)
		status.LastStatus = string(r.LastStatus)
		for _, known := range r.LastStatus.Values() { // the service does not keep to the documented spelling
			if strings.EqualFold(string(known), string(r.LastStatus)) {
				status.LastStatus = string(known)
			}
		}
		return nil
	}
	if status.RecorderPresent {
		a := &answer{service: configservice.ServiceID, operation: "DescribeConfigurationRecorderStatus"}
		return []collectors.Gap{collectors.Unread(a.lacks("the recorder"), paths...)}
	}
	return nil
}

func readDeliveryChannel(ctx context.Context, api *configservice.Client, status *schema.ConfigStatus) []collectors.Gap {
	var gaps []collectors.Gap
	if list, err := api.DescribeDeliveryChannels(ctx, &configservice.DescribeDeliveryChannelsInput{}); err != nil {
		gaps = append(gaps, collectors.Unread(err, "delivery_channel_present", "delivery_bucket"))
	} else if len(list.DeliveryChannels) > 0 {
		status.DeliveryChannelPresent = true
		status.DeliveryBucket = sdk.ToString(list.DeliveryChannels[0].S3BucketName)
	}
	list, err := api.DescribeDeliveryChannelStatus(ctx, &configservice.DescribeDeliveryChannelStatusInput{})
	switch {
	case err != nil:
		gaps = append(gaps, collectors.Unread(err, "delivery_last_status"))
	case len(list.DeliveryChannelsStatus) > 0:
		status.DeliveryLastStatus = deliveryStatus(list.DeliveryChannelsStatus[0])
	case status.DeliveryChannelPresent:
		a := &answer{service: configservice.ServiceID, operation: "DescribeDeliveryChannelStatus"}
		gaps = append(gaps, collectors.Unread(a.lacks("the delivery channel"), "delivery_last_status"))
	}
	return gaps
}

// deliveryStatus is the worst of the three kinds of delivery, in capitals.
func deliveryStatus(s types.DeliveryChannelStatus) string {
	told := map[string]bool{}
	if s.ConfigHistoryDeliveryInfo != nil {
		told[strings.ToUpper(string(s.ConfigHistoryDeliveryInfo.LastStatus))] = true
	}
	if s.ConfigSnapshotDeliveryInfo != nil {
		told[strings.ToUpper(string(s.ConfigSnapshotDeliveryInfo.LastStatus))] = true
	}
	if s.ConfigStreamDeliveryInfo != nil {
		told[strings.ToUpper(string(s.ConfigStreamDeliveryInfo.LastStatus))] = true
	}
	for _, status := range []string{"FAILURE", "SUCCESS", "NOT_APPLICABLE"} {
		if told[status] {
			return status
		}
	}
	return ""
}
