package account

import (
	"net/http"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	configtypes "github.com/aws/aws-sdk-go-v2/service/configservice/types"
	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	gdtypes "github.com/aws/aws-sdk-go-v2/service/guardduty/types"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	hubtypes "github.com/aws/aws-sdk-go-v2/service/securityhub/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Config, GuardDuty and Security Hub have one set of settings in each region.
var detectionService = service{
	kinds: []world.Kind{
		{
			Name: "configservice.recorder", Count: 1, Fixed: true,
			Defects: []world.Defect{{Name: "absent-recorder", Share: 0.1}, {Name: "stopped", Drift: 0.2}, {Name: "failing", Drift: 0.2}, {Name: "some-types", Share: 0.15, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				types := failIf(it.Has("some-types"))
				if it.Has("absent-recorder") {
					types = posture.DoesNotApply
				}
				return regional("aws.configservice.region_status", it), map[string]posture.Result{
					"aws-configservice-recorder-active":    failIf(it.Has("absent-recorder") || it.Has("stopped") || it.Has("failing")),
					"aws-configservice-recorder-all-types": types,
				}
			},
		},
		{
			Name: "guardduty.detector", Count: 1, Fixed: true,
			Defects: []world.Defect{{Name: "absent-detector", Share: 0.1, Drift: 0.05}, {Name: "disabled", Drift: 0.1}, {Name: "high-finding", Drift: 0.3}, {Name: "old-finding", Share: 0.1, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				off := it.Has("absent-detector") || it.Has("disabled")
				whenOn := func(defect bool) posture.Result {
					if off {
						return posture.DoesNotApply
					}
					return failIf(defect)
				}
				return regional("aws.guardduty.region_status", it), map[string]posture.Result{
					"aws-guardduty-detector-enabled":      failIf(off),
					"aws-guardduty-no-open-high-findings": whenOn(it.Has("high-finding")),
					"aws-guardduty-findings-triaged":      whenOn(it.Has("old-finding")),
				}
			},
		},
		{
			Name: "securityhub.hub", Count: 1, Fixed: true,
			Defects: []world.Defect{{Name: "off", Share: 0.2, Drift: 0.1}, {Name: "empty", Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return regional("aws.securityhub.region_status", it), map[string]posture.Result{"aws-securityhub-enabled": failIf(it.Has("off") || it.Has("empty"))}
			},
		},
	},
	handle: func(s *aws.Server, w *states) {
		handleConfig(s, w)
		handleGuardDuty(s, w)
		handleSecurityHub(s, w)
	},
}

func regional(kind string, it *world.Item) posture.Key {
	return posture.Key{Type: kind, Region: it.Region, ID: it.Region}
}

func handleConfig(s *aws.Server, w *states) {
	recorder := func(state *world.State, region string) *world.Item {
		it := state.Find("configservice.recorder", region, 0)
		if it.Has("absent-recorder") {
			return nil
		}
		return it
	}
	aws.Handle(s, func(c aws.Call[*configservice.DescribeConfigurationRecordersInput]) (*configservice.DescribeConfigurationRecordersOutput, error) {
		out := &configservice.DescribeConfigurationRecordersOutput{}
		if it := recorder(at(w, c), c.Region); it != nil {
			group := &configtypes.RecordingGroup{AllSupported: true, IncludeGlobalResourceTypes: it.Region == it.Account.Home(),
				RecordingStrategy: &configtypes.RecordingStrategy{UseOnly: configtypes.RecordingStrategyTypeAllSupportedResourceTypes}}
			if it.Has("some-types") {
				group = &configtypes.RecordingGroup{ResourceTypes: []configtypes.ResourceType{configtypes.ResourceTypeInstance},
					RecordingStrategy: &configtypes.RecordingStrategy{UseOnly: configtypes.RecordingStrategyTypeInclusionByResourceTypes}}
			}
			out.ConfigurationRecorders = []configtypes.ConfigurationRecorder{{Name: sdk.String("default"), RecordingGroup: group,
				RoleARN: sdk.String("arn:aws:iam::" + c.Account + ":role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig")}}
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*configservice.DescribeConfigurationRecorderStatusInput]) (*configservice.DescribeConfigurationRecorderStatusOutput, error) {
		out := &configservice.DescribeConfigurationRecorderStatusOutput{}
		if it := recorder(at(w, c), c.Region); it != nil {
			status := configtypes.ConfigurationRecorderStatus{Name: sdk.String("default"), Recording: !it.Has("stopped"), LastStatus: configtypes.RecorderStatusSuccess}
			if it.Has("failing") {
				status.LastStatus, status.LastErrorCode = configtypes.RecorderStatusFailure, sdk.String("AccessDenied")
			}
			out.ConfigurationRecordersStatus = []configtypes.ConfigurationRecorderStatus{status}
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*configservice.DescribeDeliveryChannelsInput]) (*configservice.DescribeDeliveryChannelsOutput, error) {
		out := &configservice.DescribeDeliveryChannelsOutput{}
		state := at(w, c)
		if it := recorder(state, c.Region); it != nil {
			out.DeliveryChannels = []configtypes.DeliveryChannel{{Name: sdk.String("default"), S3BucketName: sdk.String(logBucket(state.Account))}}
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*configservice.DescribeDeliveryChannelStatusInput]) (*configservice.DescribeDeliveryChannelStatusOutput, error) {
		out := &configservice.DescribeDeliveryChannelStatusOutput{}
		if it := recorder(at(w, c), c.Region); it != nil {
			out.DeliveryChannelsStatus = []configtypes.DeliveryChannelStatus{{Name: sdk.String("default"),
				ConfigHistoryDeliveryInfo: &configtypes.ConfigExportDeliveryInfo{LastStatus: configtypes.DeliveryStatusSuccess}}}
		}
		return out, nil
	})
}

func handleGuardDuty(s *aws.Server, w *states) {
	id := func(it *world.Item) string { return it.Hex(32, "detector") }
	aws.Handle(s, func(c aws.Call[*guardduty.ListDetectorsInput]) (*guardduty.ListDetectorsOutput, error) {
		out := &guardduty.ListDetectorsOutput{DetectorIds: []string{}}
		if it := at(w, c).Find("guardduty.detector", c.Region, 0); !it.Has("absent-detector") {
			out.DetectorIds = []string{id(it)}
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*guardduty.GetDetectorInput]) (*guardduty.GetDetectorOutput, error) {
		state := at(w, c)
		it := state.Find("guardduty.detector", c.Region, 0)
		if sdk.ToString(c.Input.DetectorId) != id(it) {
			return nil, &gdtypes.BadRequestException{Message: sdk.String("The request is rejected because the input detectorId is not owned by the current account.")}
		}
		status := gdtypes.DetectorStatusEnabled
		if it.Has("disabled") {
			status = gdtypes.DetectorStatusDisabled
		}
		return &guardduty.GetDetectorOutput{Status: status, ServiceRole: sdk.String("arn:aws:iam::" + c.Account + ":role/aws-service-role/guardduty.amazonaws.com/AWSServiceRoleForAmazonGuardDuty"),
			FindingPublishingFrequency: gdtypes.FindingPublishingFrequencySixHours, CreatedAt: sdk.String(state.Long(it, 300).Format(time.RFC3339)),
			Features: []gdtypes.DetectorFeatureConfigurationResult{{Name: gdtypes.DetectorFeatureResultS3DataEvents, Status: gdtypes.FeatureStatusEnabled}}}, nil
	})
	aws.Handle(s, func(aws.Call[*guardduty.GetAdministratorAccountInput]) (*guardduty.GetAdministratorAccountOutput, error) {
		return &guardduty.GetAdministratorAccountOutput{Administrator: &gdtypes.Administrator{AccountId: sdk.String("999900001111")}}, nil
	})
	aws.Handle(s, func(c aws.Call[*guardduty.GetFindingsStatisticsInput]) (*guardduty.GetFindingsStatisticsOutput, error) {
		it := at(w, c).Find("guardduty.detector", c.Region, 0)
		bySeverity := []gdtypes.SeverityStatistics{}
		if it.Has("high-finding") {
			bySeverity = append(bySeverity, gdtypes.SeverityStatistics{Severity: sdk.Float64(8), TotalFindings: sdk.Int32(2)})
		}
		if it.Has("old-finding") {
			bySeverity = append(bySeverity, gdtypes.SeverityStatistics{Severity: sdk.Float64(2), TotalFindings: sdk.Int32(1)})
		}
		return &guardduty.GetFindingsStatisticsOutput{FindingStatistics: &gdtypes.FindingStatistics{GroupedBySeverity: bySeverity}}, nil
	})
	aws.Handle(s, func(c aws.Call[*guardduty.ListFindingsInput]) (*guardduty.ListFindingsOutput, error) {
		it := at(w, c).Find("guardduty.detector", c.Region, 0)
		out := &guardduty.ListFindingsOutput{FindingIds: []string{}}
		if it.Has("old-finding") || it.Has("high-finding") {
			out.FindingIds = []string{it.Hex(32, "finding")}
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*guardduty.GetFindingsInput]) (*guardduty.GetFindingsOutput, error) {
		state := at(w, c)
		it := state.Find("guardduty.detector", c.Region, 0)
		created := state.Since(it, 20, "finding")
		if it.Has("old-finding") {
			created = state.Long(it, 40)
		}
		at := sdk.String(created.Format(time.RFC3339))
		return &guardduty.GetFindingsOutput{Findings: []gdtypes.Finding{{
			Id: sdk.String(it.Hex(32, "finding")), AccountId: sdk.String(c.Account), Arn: sdk.String(it.ARN("guardduty", it.Region, "detector/finding")), CreatedAt: at, UpdatedAt: at,
			Region: sdk.String(it.Region), Resource: &gdtypes.Resource{ResourceType: sdk.String("AccessKey")}, SchemaVersion: sdk.String("2.0"), Severity: sdk.Float64(8), Type: sdk.String("UnauthorizedAccess:IAMUser/ConsoleLogin"),
		}}}, nil
	})
}

func handleSecurityHub(s *aws.Server, w *states) {
	off := func(state *world.State, region string) error {
		if state.Find("securityhub.hub", region, 0).Has("off") {
			return &aws.Error{Code: "InvalidAccessException", Message: "Account " + state.Account.ID + " is not subscribed to AWS Security Hub", Status: http.StatusUnauthorized}
		}
		return nil
	}
	aws.Handle(s, func(c aws.Call[*securityhub.DescribeHubInput]) (*securityhub.DescribeHubOutput, error) {
		state := at(w, c)
		if err := off(state, c.Region); err != nil {
			return nil, err
		}
		it := state.Find("securityhub.hub", c.Region, 0)
		return &securityhub.DescribeHubOutput{HubArn: sdk.String(it.ARN("securityhub", c.Region, "hub/default")), AutoEnableControls: sdk.Bool(true),
			SubscribedAt: sdk.String(state.Long(it, 200).Format(time.RFC3339))}, nil
	})
	aws.Handle(s, func(c aws.Call[*securityhub.GetEnabledStandardsInput]) (*securityhub.GetEnabledStandardsOutput, error) {
		state := at(w, c)
		if err := off(state, c.Region); err != nil {
			return nil, err
		}
		out := &securityhub.GetEnabledStandardsOutput{}
		if it := state.Find("securityhub.hub", c.Region, 0); !it.Has("empty") {
			standard := "arn:aws:securityhub:" + c.Region + "::standards/aws-foundational-security-best-practices/v/1.0.0"
			out.StandardsSubscriptions = []hubtypes.StandardsSubscription{{StandardsArn: sdk.String(standard), StandardsStatus: hubtypes.StandardsStatusReady,
				StandardsInput: map[string]string{}, StandardsSubscriptionArn: sdk.String(it.ARN("securityhub", c.Region, "subscription/fsbp"))}}
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*securityhub.ListEnabledProductsForImportInput]) (*securityhub.ListEnabledProductsForImportOutput, error) {
		if err := off(at(w, c), c.Region); err != nil {
			return nil, err
		}
		return &securityhub.ListEnabledProductsForImportOutput{ProductSubscriptions: []string{}}, nil
	})
}
