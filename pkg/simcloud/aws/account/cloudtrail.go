package account

import (
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// An account has one organization-style trail, at home in its first region.
var cloudtrailService = service{
	kinds: []world.Kind{{
		Name: "cloudtrail.trail", Global: true, Count: 1, Fixed: true,
		Defects: []world.Defect{
			{Name: "no-validation", Drift: 0.4},
			{Name: "stopped", Drift: 0.2},
			{Name: "delivery-fails", Drift: 0.2},
			{Name: "no-key", Drift: 0.2},
		},
		Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			health := failIf(it.Has("delivery-fails"))
			if it.Has("stopped") {
				health = posture.DoesNotApply
			}
			return posture.Key{Type: "aws.cloudtrail.trail", Region: it.Account.Home(), ID: trailARN(it)}, map[string]posture.Result{
				"aws-cloudtrail-trail-log-validation-enabled": failIf(it.Has("no-validation")),
				"aws-cloudtrail-trail-delivery-healthy":       health,
			}
		},
		ExpectAccount: func(s *world.State) map[string]posture.Result {
			trail := s.Items("cloudtrail.trail")[0]
			return map[string]posture.Result{
				"aws-cloudtrail-security-trail-exists": failIf(trail.Has("stopped") || trail.Has("no-validation") || trail.Has("no-key")),
			}
		},
	}},
	handle: func(s *aws.Server, w *states) {
		aws.Handle(s, func(c aws.Call[*cloudtrail.DescribeTrailsInput]) (*cloudtrail.DescribeTrailsOutput, error) {
			out := &cloudtrail.DescribeTrailsOutput{}
			for _, it := range at(w, c).Items("cloudtrail.trail") {
				if it.Account.Home() == c.Region || sdk.ToBool(c.Input.IncludeShadowTrails) {
					out.TrailList = append(out.TrailList, trail(it))
				}
			}
			return out, nil
		})
		aws.Handle(s, func(c aws.Call[*cloudtrail.GetTrailStatusInput]) (*cloudtrail.GetTrailStatusOutput, error) {
			state := at(w, c)
			it := state.Items("cloudtrail.trail")[0]
			if sdk.ToString(c.Input.Name) != trailARN(it) {
				return nil, &types.TrailNotFoundException{Message: c.Input.Name}
			}
			out := &cloudtrail.GetTrailStatusOutput{IsLogging: sdk.Bool(!it.Has("stopped"))}
			out.LatestDeliveryTime = sdk.Time(state.Time().Add(-20 * time.Minute))
			out.LatestCloudWatchLogsDeliveryTime = sdk.Time(state.Time().Add(-15 * time.Minute))
			if it.Has("delivery-fails") {
				out.LatestDeliveryError = sdk.String("AccessDenied")
			}
			return out, nil
		})
		aws.Handle(s, func(c aws.Call[*cloudtrail.GetEventSelectorsInput]) (*cloudtrail.GetEventSelectorsOutput, error) {
			it := at(w, c).Items("cloudtrail.trail")[0]
			return &cloudtrail.GetEventSelectorsOutput{TrailARN: sdk.String(trailARN(it)), EventSelectors: []types.EventSelector{{
				ReadWriteType: types.ReadWriteTypeAll, IncludeManagementEvents: sdk.Bool(true),
			}}}, nil
		})
		aws.Handle(s, func(aws.Call[*cloudtrail.GetInsightSelectorsInput]) (*cloudtrail.GetInsightSelectorsOutput, error) {
			return nil, &types.InsightNotEnabledException{Message: sdk.String("Insights are not enabled on the trail.")}
		})
	},
}

func trailARN(it *world.Item) string {
	return it.ARN("cloudtrail", it.Account.Home(), "trail/organization")
}

func trail(it *world.Item) types.Trail {
	t := types.Trail{
		Name: sdk.String("organization"), TrailARN: sdk.String(trailARN(it)), HomeRegion: sdk.String(it.Account.Home()),
		S3BucketName: sdk.String(logBucket(it.Account)), IsMultiRegionTrail: sdk.Bool(true), IncludeGlobalServiceEvents: sdk.Bool(true),
		LogFileValidationEnabled:  sdk.Bool(!it.Has("no-validation")),
		CloudWatchLogsLogGroupArn: sdk.String(it.ARN("logs", it.Account.Home(), "log-group:"+trailLogGroup+":*")),
	}
	if !it.Has("no-key") {
		t.KmsKeyId = sdk.String(it.ARN("kms", it.Account.Home(), "key/"+it.Hex(8, "key")+"-0000-4000-8000-"+it.Hex(12, "key")))
	}
	return t
}

// trailLogGroup is the log group that every trail writes to.
const trailLogGroup = "audit/organization-trail"

// logBucket is the bucket that an account's trail, recorder, flow logs and load balancers write to.
func logBucket(a world.Account) string { return "audit-logs-" + a.ID }
