package aws

import (
	"context"
	"fmt"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func cloudwatchlogsReaders() []collectors.Reader[*client] {
	return []collectors.Reader[*client]{logGroups, metricFilters, logsPolicies}
}

var logGroups = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.LogGroupType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "CloudWatchLogs.DescribeLogGroups", Permission: "logs:DescribeLogGroups", Body: collectors.Store},
	},
	Collect: collectLogGroups,
}

func collectLogGroups(ctx context.Context, c *client, emit collectors.Emit) error {
	list := cloudwatchlogs.NewDescribeLogGroupsPaginator(cloudwatchlogs.NewFromConfig(c.config),
		&cloudwatchlogs.DescribeLogGroupsInput{Limit: sdk.Int32(50)})
	err := pages(ctx, list, func(page *cloudwatchlogs.DescribeLogGroupsOutput) error {
		for _, g := range page.LogGroups {
			group := &schema.LogGroup{
				Meta:                      posture.Meta{Name: sdk.ToString(g.LogGroupName), CreatedAt: fromMillis(g.CreationTime)},
				LogGroupClass:             string(g.LogGroupClass),
				KMSKeyID:                  sdk.ToString(g.KmsKeyId),
				DataProtectionStatus:      string(g.DataProtectionStatus),
				DeletionProtectionEnabled: sdk.ToBool(g.DeletionProtectionEnabled),
				StoredBytes:               sdk.ToInt64(g.StoredBytes),
			}
			if g.RetentionInDays != nil {
				group.RetentionDays = posture.Some(int64(*g.RetentionInDays))
			}
			emit(c.arn("logs", "log-group:"+group.Name), group, collectors.NotCollected("tags"))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list log groups: %w", err)
	}
	return nil
}

var metricFilters = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.MetricFilterType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "CloudWatchLogs.DescribeMetricFilters", Permission: "logs:DescribeMetricFilters", Body: collectors.Store},
	},
	Collect: collectMetricFilters,
}

func collectMetricFilters(ctx context.Context, c *client, emit collectors.Emit) error {
	list := cloudwatchlogs.NewDescribeMetricFiltersPaginator(cloudwatchlogs.NewFromConfig(c.config),
		&cloudwatchlogs.DescribeMetricFiltersInput{Limit: sdk.Int32(50)})
	err := pages(ctx, list, func(page *cloudwatchlogs.DescribeMetricFiltersOutput) error {
		for _, f := range page.MetricFilters {
			filter := &schema.MetricFilter{
				Meta:              posture.Meta{Name: sdk.ToString(f.FilterName), CreatedAt: fromMillis(f.CreationTime)},
				LogGroupName:      sdk.ToString(f.LogGroupName),
				FieldSelection:    sdk.ToString(f.FieldSelectionCriteria),
				OnTransformedLogs: f.ApplyOnTransformedLogs,
			}
			a := &answer{service: cloudwatchlogs.ServiceID, operation: "DescribeMetricFilters"}
			filter.Pattern = required(a, "pattern", f.FilterPattern) // an empty pattern, which matches everything, is there
			for _, m := range f.MetricTransformations {
				filter.MetricTransformations = append(filter.MetricTransformations,
					schema.Metric{Namespace: sdk.ToString(m.MetricNamespace), Name: sdk.ToString(m.MetricName)})
			}
			emit(filter.LogGroupName+":"+filter.Name, filter, a.gaps...)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list metric filters: %w", err)
	}
	return nil
}

var logsPolicies = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.LogsResourcePolicyType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "CloudWatchLogs.DescribeResourcePolicies", Permission: "logs:DescribeResourcePolicies", Body: collectors.Store},
	},
	Collect: collectLogsPolicies,
}

// collectLogsPolicies asks for the policies of the account and then for those of single resources. The SDK has no
// paginator for them.
func collectLogsPolicies(ctx context.Context, c *client, emit collectors.Emit) error {
	api := cloudwatchlogs.NewFromConfig(c.config)
	for _, scope := range []types.PolicyScope{types.PolicyScopeAccount, types.PolicyScopeResource} {
		input := &cloudwatchlogs.DescribeResourcePoliciesInput{PolicyScope: scope, Limit: sdk.Int32(50)}
		for {
			page, err := api.DescribeResourcePolicies(ctx, input)
			if err != nil {
				return fmt.Errorf("list resource policies of scope %s: %w", scope, err)
			}
			for _, p := range page.ResourcePolicies {
				emitLogsPolicy(scope, p, emit)
			}
			if sdk.ToString(page.NextToken) == "" {
				break
			}
			input.NextToken = page.NextToken
		}
	}
	return nil
}

func emitLogsPolicy(scope types.PolicyScope, p types.ResourcePolicy, emit collectors.Emit) {
	a := &answer{service: cloudwatchlogs.ServiceID, operation: "DescribeResourcePolicies"}
	policy := &schema.LogsResourcePolicy{
		Meta:        posture.Meta{Name: sdk.ToString(p.PolicyName)},
		PolicyScope: string(scope),
		ResourceARN: sdk.ToString(p.ResourceArn),
		Document:    required(a, "document", p.PolicyDocument),
	}
	id := policy.Name
	if scope == types.PolicyScopeResource {
		id = policy.ResourceARN
		if policy.Name == "" {
			policy.Name = id
		}
	}
	emit(id, policy, a.gaps...)
}

// fromMillis is a time told in milliseconds since 1970.
func fromMillis(ms *int64) posture.Opt[time.Time] {
	if ms == nil {
		return posture.Opt[time.Time]{}
	}
	return posture.Some(time.UnixMilli(*ms).UTC())
}
