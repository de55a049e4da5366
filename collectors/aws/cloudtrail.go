package aws

import (
	"context"
	"fmt"
	"slices"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var trails = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.TrailType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "CloudTrail.DescribeTrails", Permission: "cloudtrail:DescribeTrails", Body: collectors.Store},
		{Name: "CloudTrail.GetTrailStatus", Permission: "cloudtrail:GetTrailStatus", Body: collectors.Store},
		{Name: "CloudTrail.GetEventSelectors", Permission: "cloudtrail:GetEventSelectors", Body: collectors.Store},
		{Name: "CloudTrail.GetInsightSelectors", Permission: "cloudtrail:GetInsightSelectors", Body: collectors.Store},
	},
	Collect: collectTrails,
}

// collectTrails asks every region for its trails, shadows included: a member account sees its organization's trail only as
// a shadow. Each trail is reported once, from its home region, or from the first region read when its home is not among them.
// While nobody knows which regions there are, home may be one of those left unread, and the trail is left to it.
func collectTrails(ctx context.Context, c *client, emit collectors.Emit) error {
	api := cloudtrail.NewFromConfig(c.config)
	list, err := api.DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{IncludeShadowTrails: sdk.Bool(true)})
	if err != nil {
		return fmt.Errorf("list trails: %w", err)
	}
	for _, t := range list.TrailList {
		home := sdk.ToString(t.HomeRegion)
		if home != c.region && (c.opened.err != nil || slices.Contains(c.regions, home) || c.region != c.regions[0]) {
			continue
		}
		emitTrail(ctx, c.in(home), t, emit)
	}
	return nil
}

func emitTrail(ctx context.Context, c *client, t types.Trail, emit collectors.Emit) {
	api := cloudtrail.NewFromConfig(c.config)
	name := sdk.ToString(t.TrailARN)
	trail := &schema.Trail{
		Meta:                       posture.Meta{Name: sdk.ToString(t.Name)},
		HomeRegion:                 sdk.ToString(t.HomeRegion),
		IsMultiRegion:              sdk.ToBool(t.IsMultiRegionTrail),
		IsOrganizationTrail:        sdk.ToBool(t.IsOrganizationTrail),
		OwnedByThisAccount:         accountOf(name) == c.account,
		IncludeGlobalServiceEvents: sdk.ToBool(t.IncludeGlobalServiceEvents),
		LogFileValidationEnabled:   sdk.ToBool(t.LogFileValidationEnabled),
		KMSKeyID:                   sdk.ToString(t.KmsKeyId),
		S3BucketName:               sdk.ToString(t.S3BucketName),
		LogGroupARN:                sdk.ToString(t.CloudWatchLogsLogGroupArn),
	}
	gaps := []collectors.Gap{collectors.NotCollected("tags")}

	if status, err := api.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: t.TrailARN}); err != nil {
		gaps = append(gaps, collectors.Unread(err, "is_logging", "latest_delivery_at", "latest_delivery_error",
			"latest_cloudwatch_delivery_at", "latest_cloudwatch_delivery_error"))
	} else {
		trail.IsLogging = sdk.ToBool(status.IsLogging)
		trail.LatestDeliveryAt = posture.FromPtr(status.LatestDeliveryTime)
		trail.LatestDeliveryError = sdk.ToString(status.LatestDeliveryError)
		trail.LatestCloudWatchDeliveryAt = posture.FromPtr(status.LatestCloudWatchLogsDeliveryTime)
		trail.LatestCloudWatchDeliveryError = sdk.ToString(status.LatestCloudWatchLogsDeliveryError)
	}

	if selectors, err := api.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: t.TrailARN}); err != nil {
		gaps = append(gaps, collectors.Unread(err, "management_events", "excluded_management_sources", "s3_data_events",
			"lambda_data_events", "bedrock_events"))
	} else {
		readSelectors(trail, selectors)
	}

	insights, err := api.GetInsightSelectors(ctx, &cloudtrail.GetInsightSelectorsInput{TrailName: t.TrailARN})
	switch {
	case hasCode(err, "InsightNotEnabledException"):
	case err != nil:
		gaps = append(gaps, collectors.Unread(err, "insights"))
	default:
		for _, s := range insights.InsightSelectors {
			trail.Insights = append(trail.Insights, string(s.InsightType))
		}
	}
	emit(name, trail, gaps...)
}

// readSelectors brings the classic and the advanced form of event selectors to the same attributes.
func readSelectors(trail *schema.Trail, answer *cloudtrail.GetEventSelectorsOutput) {
	read, write, excluded := false, false, map[string]bool{}
	management := func(readWrite types.ReadWriteType) {
		read = read || readWrite != types.ReadWriteTypeWriteOnly
		write = write || readWrite != types.ReadWriteTypeReadOnly
	}
	if len(answer.EventSelectors)+len(answer.AdvancedEventSelectors) == 0 {
		management(types.ReadWriteTypeAll) // a trail without selectors records all management events
	}
	for _, s := range answer.EventSelectors {
		if s.IncludeManagementEvents == nil || *s.IncludeManagementEvents {
			management(s.ReadWriteType)
			for _, source := range s.ExcludeManagementEventSources {
				excluded[source] = true
			}
		}
		for _, data := range s.DataResources {
			switch sdk.ToString(data.Type) {
			case "AWS::S3::Object":
				if slices.ContainsFunc(data.Values, allBuckets) {
					trail.S3DataEvents.ReadAllBuckets = trail.S3DataEvents.ReadAllBuckets || s.ReadWriteType != types.ReadWriteTypeWriteOnly
					trail.S3DataEvents.WriteAllBuckets = trail.S3DataEvents.WriteAllBuckets || s.ReadWriteType != types.ReadWriteTypeReadOnly
				}
			case "AWS::Lambda::Function":
				trail.LambdaDataEvents = trail.LambdaDataEvents || slices.ContainsFunc(data.Values, func(v string) bool { return arnParts(v, 3) == "lambda" && arnParts(v, 4) == "" })
			}
		}
	}
	for _, s := range answer.AdvancedEventSelectors {
		readAdvanced(trail, s, management, excluded)
	}
	switch {
	case read && write:
		trail.ManagementEvents = "All"
	case read:
		trail.ManagementEvents = "ReadOnly"
	case write:
		trail.ManagementEvents = "WriteOnly"
	default:
		trail.ManagementEvents = "NONE"
	}
	for source := range excluded {
		trail.ExcludedManagementSources = append(trail.ExcludedManagementSources, source)
	}
	slices.Sort(trail.ExcludedManagementSources)
	if trail.ManagementEvents != "NONE" && !excluded["bedrock.amazonaws.com"] {
		trail.BedrockEvents = true
	}
}

func readAdvanced(trail *schema.Trail, s types.AdvancedEventSelector, management func(types.ReadWriteType), excluded map[string]bool) {
	readWrite, narrowed := types.ReadWriteTypeAll, false
	var category string
	var resourceTypes, left []string
	for _, f := range s.FieldSelectors {
		switch field := sdk.ToString(f.Field); field {
		case "eventCategory":
			if len(f.Equals) > 0 {
				category = f.Equals[0]
			}
		case "readOnly":
			if slices.Contains(f.Equals, "true") {
				readWrite = types.ReadWriteTypeReadOnly
			} else if slices.Contains(f.Equals, "false") {
				readWrite = types.ReadWriteTypeWriteOnly
			}
		case "resources.type":
			resourceTypes = f.Equals
		case "eventSource":
			left = append(left, f.NotEquals...)
			narrowed = narrowed || len(f.Equals)+len(f.StartsWith)+len(f.EndsWith)+len(f.NotStartsWith)+len(f.NotEndsWith) > 0
		default:
			narrowed = true
		}
	}
	switch category {
	case "Management":
		if !narrowed { // a selector for some event names or sources does not record the others
			management(readWrite)
			for _, source := range left {
				excluded[source] = true
			}
		}
	case "Data":
		narrowed = narrowed || len(left) > 0
		for _, t := range resourceTypes {
			switch {
			case t == "AWS::S3::Object" && !narrowed:
				trail.S3DataEvents.ReadAllBuckets = trail.S3DataEvents.ReadAllBuckets || readWrite != types.ReadWriteTypeWriteOnly
				trail.S3DataEvents.WriteAllBuckets = trail.S3DataEvents.WriteAllBuckets || readWrite != types.ReadWriteTypeReadOnly
			case t == "AWS::Lambda::Function" && !narrowed:
				trail.LambdaDataEvents = true
			case len(t) > 14 && t[:14] == "AWS::Bedrock::":
				trail.BedrockEvents = true
			}
		}
	}
}

// allBuckets reports whether a classic data resource names every bucket: "arn:aws:s3" or "arn:aws:s3:::".
func allBuckets(value string) bool {
	return arnParts(value, 3) == "s3" && (arnParts(value, 6) == "" || arnParts(value, 6) == "*")
}
