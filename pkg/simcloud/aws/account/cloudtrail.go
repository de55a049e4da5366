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

// An account has one trail for all regions, at home in its first region.
var cloudtrailService = service{
	kinds: []world.Kind{{
		Name: "cloudtrail.trail", Global: true, Count: 1, Fixed: true,
		Defects: []world.Defect{
			{Name: "no-validation", Drift: 0.4},
			{Name: "stopped", Drift: 0.2},
			{Name: "delivery-fails", Drift: 0.2},
			{Name: "no-key", Drift: 0.3},
			{Name: "one-region", Drift: 0.1},
			{Name: "excludes-kms", Drift: 0.2},
			{Name: "no-read-data-events", Share: 0.5},
			{Name: "no-write-data-events", Share: 0.3, Drift: 0.3},
			{Name: "no-invocations", Share: 0.4, Drift: 0.2},
		},
		Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			whileLogging := func(r posture.Result) posture.Result {
				if it.Has("stopped") {
					return posture.DoesNotApply
				}
				return r
			}
			bucket := s.Items("s3.bucket")[0] // the log bucket
			return posture.Key{Type: "aws.cloudtrail.trail", Region: it.Account.Home(), ID: trailARN(it)}, map[string]posture.Result{
				"aws-cloudtrail-trail-log-validation-enabled":  failIf(it.Has("no-validation")),
				"aws-cloudtrail-trail-kms-encrypted":           failIf(it.Has("no-key")),
				"aws-cloudtrail-trail-delivery-healthy":        whileLogging(failIf(it.Has("delivery-fails"))),
				"aws-cloudtrail-trail-cloudwatch-delivery":     whileLogging(posture.Pass),
				"aws-cloudtrail-bucket-not-public":             failIf(publicBucket(s, bucket)),
				"aws-cloudtrail-bucket-access-logging-enabled": failIf(bucket.Has("no-access-log")),
			}
		},
		ExpectAccount: func(s *world.State) map[string]posture.Result {
			t := s.Items("cloudtrail.trail")[0]
			off := t.Has("stopped")
			return map[string]posture.Result{
				"aws-cloudtrail-multi-region-trail-logging": failIf(off || t.Has("one-region")),
				"aws-cloudtrail-security-trail-exists":      failIf(off || t.Has("one-region") || t.Has("no-validation") || t.Has("no-key") || t.Has("excludes-kms")),
				"aws-cloudtrail-s3-read-data-events":        failIf(off || t.Has("no-read-data-events")),
				"aws-cloudtrail-s3-write-data-events":       failIf(off || t.Has("no-write-data-events")),
				"aws-cloudtrail-bedrock-events":             failIf(off),
				"aws-cloudtrail-lambda-data-events":         failIf(off || t.Has("no-invocations")),
			}
		},
		ExpectMore: func(s *world.State) map[world.Judged]posture.Result {
			t := s.Items("cloudtrail.trail")[0]
			out := map[world.Judged]posture.Result{}
			covered := func(region string, r posture.Result) {
				out[world.Judged{Rule: "aws-cloudtrail-region-covered", Resource: posture.Key{Type: "aws.account.region", Region: posture.Global, ID: region}}] = r
			}
			for i, region := range s.Account.Regions {
				covered(region, failIf(t.Has("stopped") || t.Has("one-region") && i > 0))
			}
			for _, region := range s.Account.Closed {
				covered(region, posture.DoesNotApply)
			}
			return out
		},
	}},
	handle: func(s *aws.Server, w *states) {
		aws.Handle(s, func(c aws.Call[*cloudtrail.DescribeTrailsInput]) (*cloudtrail.DescribeTrailsOutput, error) {
			out := &cloudtrail.DescribeTrailsOutput{}
			for _, it := range at(w, c).Items("cloudtrail.trail") {
				if it.Account.Home() == c.Region || sdk.ToBool(c.Input.IncludeShadowTrails) && !it.Has("one-region") {
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
			management := types.EventSelector{ReadWriteType: types.ReadWriteTypeAll, IncludeManagementEvents: sdk.Bool(true)}
			if it.Has("excludes-kms") {
				management.ExcludeManagementEventSources = []string{"kms.amazonaws.com"}
			}
			out := &cloudtrail.GetEventSelectorsOutput{TrailARN: sdk.String(trailARN(it)), EventSelectors: []types.EventSelector{management}}
			objects := []types.DataResource{{Type: sdk.String("AWS::S3::Object"), Values: []string{"arn:aws:s3"}}}
			if !it.Has("no-read-data-events") {
				out.EventSelectors = append(out.EventSelectors, types.EventSelector{ReadWriteType: types.ReadWriteTypeReadOnly, IncludeManagementEvents: sdk.Bool(false), DataResources: objects})
			}
			if !it.Has("no-write-data-events") {
				out.EventSelectors = append(out.EventSelectors, types.EventSelector{ReadWriteType: types.ReadWriteTypeWriteOnly, IncludeManagementEvents: sdk.Bool(false), DataResources: objects})
			}
			if !it.Has("no-invocations") {
				invocations := []types.DataResource{{Type: sdk.String("AWS::Lambda::Function"), Values: []string{"arn:aws:lambda"}}}
				out.EventSelectors = append(out.EventSelectors, types.EventSelector{ReadWriteType: types.ReadWriteTypeAll, IncludeManagementEvents: sdk.Bool(false), DataResources: invocations})
			}
			return out, nil
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
		S3BucketName: sdk.String(logBucket(it.Account)), IsMultiRegionTrail: sdk.Bool(!it.Has("one-region")), IncludeGlobalServiceEvents: sdk.Bool(true),
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
