package aws_test

import (
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trail "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// CloudWatch answers in a protocol that moto does not speak: no alarm is readable. A metric filter on the trail's log group
// that watches the right events therefore leaves its rule open; without such a filter there is nothing to be alarmed by.
func monitoringVerdicts() map[string]verdicts {
	return map[string]verdicts{
		"aws-cloudtrail-multi-region-trail-logging":    {pass: "tended", fail: "neglected"},
		"aws-cloudtrail-security-trail-exists":         {pass: "tended", fail: "neglected"},
		"aws-cloudtrail-s3-read-data-events":           {pass: "tended", fail: "neglected"},
		"aws-cloudtrail-s3-write-data-events":          {pass: "tended", fail: "neglected"},
		"aws-cloudtrail-bedrock-events":                {pass: "tended", fail: "neglected"},
		"aws-cloudtrail-region-covered":                {pass: "region:tended:east region:tended:west region:neglected:east", fail: "region:neglected:west", exempt: "region:closed"},
		"aws-cloudtrail-trail-log-validation-enabled":  {pass: "main-trail", fail: "second-trail neglected-trail"},
		"aws-cloudtrail-trail-kms-encrypted":           {pass: "main-trail", fail: "second-trail neglected-trail"},
		"aws-cloudtrail-trail-cloudwatch-delivery":     {fail: "main-trail neglected-trail", exempt: "second-trail"},
		"aws-cloudtrail-trail-delivery-healthy":        {pass: "main-trail", fail: "neglected-trail", exempt: "second-trail"},
		"aws-cloudtrail-bucket-access-logging-enabled": {pass: "main-trail", fail: "second-trail neglected-trail", exempt: "foreign-trail"},
		"aws-cloudtrail-bucket-not-public":             {pass: "main-trail second-trail", fail: "neglected-trail", exempt: "foreign-trail"},

		"aws-cloudwatch-alarm-actions-enabled":                 {unknown: "alarms"},
		"aws-cloudwatch-alarm-has-action":                      {unknown: "alarms"},
		"aws-cloudwatch-alarm-unauthorized-api-calls":          {unknown: "tended", fail: "neglected"},
		"aws-cloudwatch-alarm-console-signin-without-mfa":      {unknown: "tended", fail: "neglected"},
		"aws-cloudwatch-alarm-root-usage":                      {unknown: "tended", fail: "neglected"},
		"aws-cloudwatch-alarm-iam-policy-changes":              {unknown: "tended", fail: "neglected"},
		"aws-cloudwatch-alarm-cloudtrail-changes":              {unknown: "tended", fail: "neglected"},
		"aws-cloudwatch-alarm-console-authentication-failures": {unknown: "tended", fail: "neglected"},
		"aws-cloudwatch-alarm-kms-key-disable-or-delete":       {unknown: "tended", fail: "neglected"},
		"aws-cloudwatch-alarm-s3-bucket-policy-changes":        {unknown: "tended", fail: "neglected"},
		"aws-cloudwatch-alarm-config-changes":                  {unknown: "tended", fail: "neglected"},
		"aws-cloudwatch-alarm-security-group-changes":          {unknown: "tended", fail: "neglected"},
		"aws-cloudwatch-alarm-network-acl-changes":             {unknown: "tended", fail: "neglected"},
		"aws-cloudwatch-alarm-network-gateway-changes":         {unknown: "tended", fail: "neglected"},
		"aws-cloudwatch-alarm-route-table-changes":             {unknown: "tended", fail: "neglected"},
		"aws-cloudwatch-alarm-vpc-changes":                     {fail: "tended neglected"}, // its filter forgets that rejecting is an event as well
		"aws-cloudwatch-alarm-organizations-changes":           {fail: "tended neglected"}, // its filter is on another log group
		"aws-cloudwatch-cross-account-sharing-disabled":        {pass: "tended", fail: "neglected"},

		"aws-cloudwatchlogs-log-group-kms-encrypted":     {pass: "trail-logs", fail: "short-logs endless-logs"},
		"aws-cloudwatchlogs-log-group-retention-minimum": {pass: "trail-logs endless-logs", fail: "short-logs"},
		"aws-cloudwatchlogs-resource-policy-not-public":  {pass: "dns-logs", fail: "open-logs"},
	}
}

// filters are patterns over the trail's events, by the name of what they watch.
func filters() map[string]string {
	return map[string]string{
		"denials":     `{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }`,
		"no-mfa":      `{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") && ($.userIdentity.type = "IAMUser") && ($.responseElements.ConsoleLogin = "Success") }`,
		"root":        `{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }`,
		"iam":         events("DeleteGroupPolicy DeleteRolePolicy DeleteUserPolicy PutGroupPolicy PutRolePolicy PutUserPolicy CreatePolicy DeletePolicy CreatePolicyVersion DeletePolicyVersion AttachRolePolicy DetachRolePolicy AttachUserPolicy DetachUserPolicy AttachGroupPolicy DetachGroupPolicy"),
		"trails":      events("CreateTrail UpdateTrail DeleteTrail StartLogging StopLogging"),
		"failures":    `{ ($.eventName = ConsoleLogin) && ($.errorMessage = "Failed authentication") }`,
		"keys":        `{ ($.eventSource = kms.amazonaws.com) && (($.eventName = DisableKey) || ($.eventName = ScheduleKeyDeletion)) }`,
		"buckets":     `{ ($.eventSource = s3.amazonaws.com) && ` + strings.Trim(events("PutBucketAcl PutBucketPolicy PutBucketCors PutBucketLifecycle PutBucketReplication DeleteBucketPolicy DeleteBucketCors DeleteBucketLifecycle DeleteBucketReplication"), "{}") + `}`,
		"recorders":   `{ ($.eventSource = config.amazonaws.com) && ` + strings.Trim(events("StopConfigurationRecorder DeleteDeliveryChannel PutDeliveryChannel PutConfigurationRecorder"), "{}") + `}`,
		"groups":      events("AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress RevokeSecurityGroupIngress RevokeSecurityGroupEgress CreateSecurityGroup DeleteSecurityGroup"),
		"acls":        events("CreateNetworkAcl CreateNetworkAclEntry DeleteNetworkAcl DeleteNetworkAclEntry ReplaceNetworkAclEntry ReplaceNetworkAclAssociation"),
		"gateways":    events("CreateCustomerGateway DeleteCustomerGateway AttachInternetGateway CreateInternetGateway DeleteInternetGateway DetachInternetGateway"),
		"routes":      `{ ($.eventSource = ec2.amazonaws.com) && ` + strings.Trim(events("CreateRoute CreateRouteTable ReplaceRoute ReplaceRouteTableAssociation DeleteRouteTable DeleteRoute DisassociateRouteTable"), "{}") + `}`,
		"vpcs":        events("CreateVpc DeleteVpc ModifyVpcAttribute AcceptVpcPeeringConnection CreateVpcPeeringConnection DeleteVpcPeeringConnection"),
		"not-a-trail": `{ $.eventSource = organizations.amazonaws.com }`,
	}
}

// events is a pattern for any of the names.
func events(names string) string {
	var any []string
	for _, name := range strings.Fields(names) {
		any = append(any, "($.eventName = "+name+")")
	}
	return "{ (" + strings.Join(any, " || ") + ") }"
}

func buildMonitoring(b *builder) {
	buildLogs(b)
	buildTrails(b)
	for _, account := range []string{tended, neglected} {
		label := map[string]string{tended: "tended", neglected: "neglected"}[account]
		b.name("region:"+label+":east", account, "global", east)
		b.name("region:"+label+":west", account, "global", west)
	}
	b.name("region:closed", tended, "global", "me-south-1")
	b.things["alarms"] = thing{tended, east, ""} // the list, of which nothing was seen
}

func buildLogs(b *builder) {
	api := cloudwatchlogs.NewFromConfig(b.config(tended, east))
	for _, group := range []struct {
		name string
		days int32
		key  *string
	}{
		{"trail-logs", 400, sdk.String("arn:aws:kms:us-east-1:" + tended + ":key/0c1d2e3f-0000-4000-8000-000000000001")},
		{"short-logs", 30, nil},
		{"endless-logs", 0, nil},
	} {
		do(b, api.CreateLogGroup, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group.name, KmsKeyId: group.key})
		if group.days > 0 {
			do(b, api.PutRetentionPolicy, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: &group.name, RetentionInDays: &group.days})
		}
		b.name(group.name, tended, east, "arn:aws:logs:us-east-1:"+tended+":log-group:"+group.name)
	}
	for name, pattern := range filters() {
		group := "trail-logs"
		if name == "not-a-trail" {
			group = "short-logs"
		}
		do(b, api.PutMetricFilter, &cloudwatchlogs.PutMetricFilterInput{
			LogGroupName: &group, FilterName: &name, FilterPattern: &pattern,
			MetricTransformations: []logs.MetricTransformation{{
				MetricNamespace: sdk.String("watch"), MetricName: &name, MetricValue: sdk.String("1"),
			}},
		})
	}
	for name, principal := range map[string]string{
		"open-logs": `"*"`, "dns-logs": `{"Service":"route53.amazonaws.com"}`,
	} {
		document := `{"Version":"2012-10-17","Statement":[{"Sid":"write","Effect":"Allow","Principal":` + principal + `,
			"Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"arn:aws:logs:us-east-1:` + tended + `:log-group:*"}]}`
		do(b, api.PutResourcePolicy, &cloudwatchlogs.PutResourcePolicyInput{PolicyName: &name, PolicyDocument: &document})
		b.name(name, tended, east, name)
	}
}

func buildTrails(b *builder) {
	yes, no := sdk.Bool(true), sdk.Bool(false)
	api := cloudtrail.NewFromConfig(b.config(tended, east))
	main := do(b, api.CreateTrail, &cloudtrail.CreateTrailInput{
		Name: sdk.String("main-trail"), S3BucketName: sdk.String("trail-data"), IsMultiRegionTrail: yes, IncludeGlobalServiceEvents: yes,
		EnableLogFileValidation: yes, KmsKeyId: sdk.String("arn:aws:kms:us-east-1:" + tended + ":key/0c1d2e3f-0000-4000-8000-000000000001"),
		CloudWatchLogsLogGroupArn: sdk.String("arn:aws:logs:us-east-1:" + tended + ":log-group:trail-logs:*"),
		CloudWatchLogsRoleArn:     sdk.String("arn:aws:iam::" + tended + ":role/trail"),
	})
	do(b, api.PutEventSelectors, &cloudtrail.PutEventSelectorsInput{
		TrailName: main.TrailARN, EventSelectors: []trail.EventSelector{{
			ReadWriteType: trail.ReadWriteTypeAll, IncludeManagementEvents: yes,
			DataResources: []trail.DataResource{{Type: sdk.String("AWS::S3::Object"), Values: []string{"arn:aws:s3"}}},
		}},
	})
	do(b, api.StartLogging, &cloudtrail.StartLoggingInput{Name: main.TrailARN})
	b.name("main-trail", tended, east, *main.TrailARN)

	foreign := do(b, api.CreateTrail, &cloudtrail.CreateTrailInput{Name: sdk.String("foreign-trail"), S3BucketName: sdk.String("shut")})
	b.name("foreign-trail", tended, east, *foreign.TrailARN)

	far := cloudtrail.NewFromConfig(b.config(tended, west))
	second := do(b, far.CreateTrail, &cloudtrail.CreateTrailInput{Name: sdk.String("second-trail"), S3BucketName: sdk.String("logs")})
	do(b, far.StartLogging, &cloudtrail.StartLoggingInput{Name: second.TrailARN})
	do(b, far.StopLogging, &cloudtrail.StopLoggingInput{Name: second.TrailARN})
	b.name("second-trail", tended, west, *second.TrailARN)

	// Its advanced selectors record changes of objects, and no management events.
	poor := cloudtrail.NewFromConfig(b.config(neglected, east))
	lone := do(b, poor.CreateTrail, &cloudtrail.CreateTrailInput{
		Name: sdk.String("neglected-trail"), S3BucketName: sdk.String("readable"), IsMultiRegionTrail: no,
	})
	do(b, poor.PutEventSelectors, &cloudtrail.PutEventSelectorsInput{
		TrailName: lone.TrailARN, AdvancedEventSelectors: []trail.AdvancedEventSelector{{
			Name: sdk.String("one bucket"), FieldSelectors: []trail.AdvancedFieldSelector{
				{Field: sdk.String("eventCategory"), Equals: []string{"Data"}},
				{Field: sdk.String("resources.type"), Equals: []string{"AWS::S3::Object"}},
				{Field: sdk.String("resources.ARN"), StartsWith: []string{"arn:aws:s3:::readable/"}},
			},
		}},
	})
	do(b, poor.StartLogging, &cloudtrail.StartLoggingInput{Name: lone.TrailARN})
	b.name("neglected-trail", neglected, east, *lone.TrailARN)
}
