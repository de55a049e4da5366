package account

import (
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// watched is what each alarm of the trail's log group watches: the end of its rule's id, and a pattern.
var watched = []struct{ rule, pattern string }{
	{"unauthorized-api-calls", `{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }`},
	{"console-signin-without-mfa", `{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") }`},
	{"root-usage", `{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }`},
	{"console-authentication-failures", `{ ($.eventName = ConsoleLogin) && ($.errorMessage = "Failed authentication") }`},
	{"iam-policy-changes", named("DeleteGroupPolicy DeleteRolePolicy DeleteUserPolicy PutGroupPolicy PutRolePolicy PutUserPolicy CreatePolicy DeletePolicy CreatePolicyVersion DeletePolicyVersion AttachRolePolicy DetachRolePolicy AttachUserPolicy DetachUserPolicy AttachGroupPolicy DetachGroupPolicy")},
	{"cloudtrail-changes", named("CreateTrail UpdateTrail DeleteTrail StartLogging StopLogging")},
	{"kms-key-disable-or-delete", named("DisableKey ScheduleKeyDeletion")},
	{"s3-bucket-policy-changes", named("PutBucketAcl PutBucketPolicy PutBucketCors PutBucketLifecycle PutBucketReplication DeleteBucketPolicy DeleteBucketCors DeleteBucketLifecycle DeleteBucketReplication")},
	{"config-changes", named("StopConfigurationRecorder DeleteDeliveryChannel PutDeliveryChannel PutConfigurationRecorder")},
	{"security-group-changes", named("AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress RevokeSecurityGroupIngress RevokeSecurityGroupEgress CreateSecurityGroup DeleteSecurityGroup")},
	{"network-acl-changes", named("CreateNetworkAcl CreateNetworkAclEntry DeleteNetworkAcl DeleteNetworkAclEntry ReplaceNetworkAclEntry ReplaceNetworkAclAssociation")},
	{"network-gateway-changes", named("CreateCustomerGateway DeleteCustomerGateway AttachInternetGateway CreateInternetGateway DeleteInternetGateway DetachInternetGateway")},
	{"route-table-changes", named("CreateRoute CreateRouteTable ReplaceRoute ReplaceRouteTableAssociation DeleteRouteTable DeleteRoute DisassociateRouteTable")},
	{"vpc-changes", named("CreateVpc DeleteVpc ModifyVpcAttribute AcceptVpcPeeringConnection CreateVpcPeeringConnection DeleteVpcPeeringConnection RejectVpcPeeringConnection")},
	{"organizations-changes", `{ ($.eventSource = "organizations.amazonaws.com") && (($.eventName = "*Account*") || ($.eventName = "*Policy*") || ($.eventName = "*Organization*") || ($.eventName = "AcceptHandshake")) }`},
}

func named(events string) string {
	var parts []string
	for _, e := range strings.Fields(events) {
		parts = append(parts, "($.eventName = "+e+")")
	}
	return "{ " + strings.Join(parts, " || ") + " }"
}

// metricNamespace holds the metrics of the trail's filters.
const metricNamespace = "Audit"

var cloudwatchService = service{
	kinds: []world.Kind{
		{
			Name: "cloudwatch.alarm", Global: true, Count: len(watched), Fixed: true,
			Defects: []world.Defect{{Name: "no-action", Share: 0.05, Drift: 0.1}, {Name: "muted", Share: 0.03, Drift: 0.1}, {Name: "narrow-pattern", Share: 0.08, Drift: 0.05}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				enabled := failIf(it.Has("muted"))
				if it.Has("no-action") {
					enabled = posture.DoesNotApply
				}
				return posture.Key{Type: "aws.cloudwatch.alarm", Region: it.Account.Home(), ID: alarmARN(it)}, map[string]posture.Result{
					"aws-cloudwatch-alarm-has-action":      failIf(it.Has("no-action")),
					"aws-cloudwatch-alarm-actions-enabled": enabled,
				}
			},
			ExpectAccount: func(s *world.State) map[string]posture.Result {
				out := map[string]posture.Result{}
				trail := s.Items("cloudtrail.trail")[0]
				deaf := trail.Has("stopped") || trail.Has("one-region")
				for _, it := range s.Items("cloudwatch.alarm") {
					out["aws-cloudwatch-alarm-"+watched[it.Index].rule] = failIf(deaf || it.Has("no-action") || it.Has("muted") || it.Has("narrow-pattern") ||
						toOwnTopic(it) && alarmTopic(s).Has("unheard"))
				}
				return out
			},
		},
		{
			Name: "cloudwatchlogs.log_group", Count: 3,
			Defects: []world.Defect{{Name: "short-retention", Share: 0.25, Drift: 0.15}, {Name: "no-key", Share: 0.3}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return posture.Key{Type: "aws.cloudwatchlogs.log_group", Region: it.Region, ID: it.ARN("logs", it.Region, "log-group:"+logGroupName(it))}, map[string]posture.Result{
					"aws-cloudwatchlogs-log-group-retention-minimum": failIf(it.Has("short-retention")),
					"aws-cloudwatchlogs-log-group-kms-encrypted":     failIf(it.Has("no-key")),
				}
			},
		},
		{
			Name: "cloudwatchlogs.resource_policy", Count: 1, Fixed: true,
			Defects: []world.Defect{{Name: "public", Drift: 0.15}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return posture.Key{Type: "aws.cloudwatchlogs.resource_policy", Region: it.Region, ID: "delivery"}, map[string]posture.Result{
					"aws-cloudwatchlogs-resource-policy-not-public": failIf(it.Has("public")),
				}
			},
		},
	},
	handle: func(s *aws.Server, w *states) {
		aws.Handle(s, func(c aws.Call[*cloudwatch.DescribeAlarmsInput]) (*cloudwatch.DescribeAlarmsOutput, error) {
			out := &cloudwatch.DescribeAlarmsOutput{}
			for _, it := range at(w, c).Items("cloudwatch.alarm") {
				if it.Account.Home() != c.Region {
					continue
				}
				alarm := cwtypes.MetricAlarm{
					AlarmName: sdk.String(watched[it.Index].rule), AlarmArn: sdk.String(alarmARN(it)), ActionsEnabled: sdk.Bool(!it.Has("muted")),
					Namespace: sdk.String(metricNamespace), MetricName: sdk.String(watched[it.Index].rule), StateValue: cwtypes.StateValueOk,
					Threshold: sdk.Float64(1), EvaluationPeriods: sdk.Int32(1), Period: sdk.Int32(300), Statistic: cwtypes.StatisticSum,
					ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanOrEqualToThreshold,
				}
				switch {
				case it.Has("no-action"):
				case toOwnTopic(it):
					alarm.AlarmActions = []string{topicARN(alarmTopic(at(w, c)))}
				default: // the security account's topic
					alarm.AlarmActions = []string{"arn:aws:sns:" + c.Region + ":999900001111:security-alerts"}
				}
				out.MetricAlarms = append(out.MetricAlarms, alarm)
			}
			return out, nil
		})
		aws.Handle(s, func(c aws.Call[*cloudwatchlogs.DescribeLogGroupsInput]) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
			out := &cloudwatchlogs.DescribeLogGroupsOutput{}
			state := at(w, c)
			for _, it := range state.In("cloudwatchlogs.log_group", c.Region) {
				group := logtypes.LogGroup{
					LogGroupName: sdk.String(logGroupName(it)), LogGroupArn: sdk.String(it.ARN("logs", it.Region, "log-group:"+logGroupName(it))),
					Arn:           sdk.String(it.ARN("logs", it.Region, "log-group:"+logGroupName(it)+":*")),
					LogGroupClass: logtypes.LogGroupClassStandard, StoredBytes: sdk.Int64(int64(it.Pick(1_000_000, "bytes"))), CreationTime: sdk.Int64(state.Long(it, 100).UnixMilli()),
				}
				if it.Has("short-retention") {
					group.RetentionInDays = sdk.Int32(30)
				} else if it.Pick(2, "retention") == 0 {
					group.RetentionInDays = sdk.Int32(400)
				}
				if !it.Has("no-key") {
					group.KmsKeyId = sdk.String(it.ARN("kms", it.Region, "key/logs"))
				}
				out.LogGroups = append(out.LogGroups, group)
			}
			return out, nil
		})
		aws.Handle(s, func(c aws.Call[*cloudwatchlogs.DescribeMetricFiltersInput]) (*cloudwatchlogs.DescribeMetricFiltersOutput, error) {
			out := &cloudwatchlogs.DescribeMetricFiltersOutput{}
			for _, it := range at(w, c).Items("cloudwatch.alarm") {
				if it.Account.Home() != c.Region {
					continue
				}
				pattern := watched[it.Index].pattern
				if it.Has("narrow-pattern") {
					pattern = `{ $.eventName = "NobodyDoesThis" }`
				}
				out.MetricFilters = append(out.MetricFilters, logtypes.MetricFilter{
					FilterName: sdk.String(watched[it.Index].rule), LogGroupName: sdk.String(trailLogGroup), FilterPattern: sdk.String(pattern),
					MetricTransformations: []logtypes.MetricTransformation{{MetricNamespace: sdk.String(metricNamespace), MetricName: sdk.String(watched[it.Index].rule), MetricValue: sdk.String("1")}},
				})
			}
			return out, nil
		})
		aws.Handle(s, func(c aws.Call[*cloudwatchlogs.DescribeResourcePoliciesInput]) (*cloudwatchlogs.DescribeResourcePoliciesOutput, error) {
			out := &cloudwatchlogs.DescribeResourcePoliciesOutput{}
			if c.Input.PolicyScope == logtypes.PolicyScopeResource {
				return out, nil
			}
			for _, it := range at(w, c).In("cloudwatchlogs.resource_policy", c.Region) {
				condition := `,"Condition":{"StringEquals":{"aws:SourceAccount":"` + c.Account + `"}}`
				if it.Has("public") {
					condition = ""
				}
				out.ResourcePolicies = append(out.ResourcePolicies, logtypes.ResourcePolicy{
					PolicyName: sdk.String("delivery"), PolicyScope: logtypes.PolicyScopeAccount,
					PolicyDocument: sdk.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["logs:PutLogEvents"],"Resource":"*"` + condition + `}]}`),
				})
			}
			return out, nil
		})
	},
}

func alarmARN(it *world.Item) string {
	return it.ARN("cloudwatch", it.Account.Home(), "alarm:"+watched[it.Index].rule)
}

// logGroupName: the first group of the home region is the trail's.
func logGroupName(it *world.Item) string {
	if it.Index == 0 && it.Region == it.Account.Home() {
		return trailLogGroup
	}
	return "app/" + it.Name()
}
