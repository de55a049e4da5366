package aws

import (
	"context"
	"fmt"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func dynamodbReaders() []collectors.Reader[*client] { return []collectors.Reader[*client]{tables} }

var tables = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.TableType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "DynamoDB.ListTables", Permission: "dynamodb:ListTables", Body: collectors.Store},
		{Name: "DynamoDB.DescribeTable", Permission: "dynamodb:DescribeTable", Body: collectors.Store},
		{Name: "DynamoDB.DescribeContinuousBackups", Permission: "dynamodb:DescribeContinuousBackups", Body: collectors.Store},
		{Name: "DynamoDB.ListTagsOfResource", Permission: "dynamodb:ListTagsOfResource", Body: collectors.Store},
		{Name: "DynamoDB.GetResourcePolicy", Permission: "dynamodb:GetResourcePolicy", Body: collectors.Store},
	},
	Collect: collectTables,
}

func collectTables(ctx context.Context, c *client, emit collectors.Emit) error {
	api := dynamodb.NewFromConfig(c.config)
	var group errgroup.Group
	group.SetLimit(8)
	list := dynamodb.NewListTablesPaginator(api, &dynamodb.ListTablesInput{Limit: sdk.Int32(100)})
	err := pages(ctx, list, func(page *dynamodb.ListTablesOutput) error {
		for _, name := range page.TableNames {
			group.Go(func() error {
				id := c.arn("dynamodb", "table/"+name)
				table := &schema.Table{Meta: posture.Meta{Name: name}}
				gaps := describeTable(ctx, api, table)
				gaps = append(gaps, readTableBackups(ctx, api, table)...)
				emit(id, table, append(gaps, readTableAccess(ctx, api, id, table)...)...)
				return nil
			})
		}
		return nil
	})
	_ = group.Wait() // errors of single tables are gaps
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	return nil
}

func describeTable(ctx context.Context, api *dynamodb.Client, table *schema.Table) []collectors.Gap {
	described, err := api.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table.Name})
	if err == nil && described.Table == nil {
		err = missing("DynamoDB.DescribeTable", "Table")
	}
	if err != nil {
		return []collectors.Gap{collectors.Unread(err, "created_at", "status", "billing_mode", "deletion_protection", "sse", "replica_regions")}
	}
	t := described.Table
	a := &answer{service: dynamodb.ServiceID, operation: "DescribeTable"}
	table.CreatedAt = posture.FromPtr(t.CreationDateTime)
	table.Status = string(t.TableStatus)
	table.BillingMode = string(types.BillingModeProvisioned)
	if t.BillingModeSummary != nil {
		table.BillingMode = string(t.BillingModeSummary.BillingMode)
	}
	table.DeletionProtection = required(a, "deletion_protection", t.DeletionProtectionEnabled)
	if s := t.SSEDescription; s != nil {
		table.SSE = schema.TableSSE{Type: string(s.SSEType), Status: string(s.Status), KMSKeyARN: sdk.ToString(s.KMSMasterKeyArn)}
	}
	for _, r := range t.Replicas {
		table.ReplicaRegions = append(table.ReplicaRegions, sdk.ToString(r.RegionName))
	}
	return a.gaps
}

func readTableBackups(ctx context.Context, api *dynamodb.Client, table *schema.Table) []collectors.Gap {
	backups, err := api.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &table.Name})
	if err == nil && (backups.ContinuousBackupsDescription == nil || backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription == nil) {
		err = missing("DynamoDB.DescribeContinuousBackups", "PointInTimeRecoveryDescription")
	}
	if err != nil {
		return []collectors.Gap{collectors.Unread(err, "pitr_status", "pitr_recovery_days")}
	}
	recovery := backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription
	table.PITRStatus = string(recovery.PointInTimeRecoveryStatus)
	if recovery.RecoveryPeriodInDays != nil {
		table.PITRRecoveryDays = posture.Some(int64(*recovery.RecoveryPeriodInDays))
	}
	return nil
}

func readTableAccess(ctx context.Context, api *dynamodb.Client, id string, table *schema.Table) []collectors.Gap {
	var gaps []collectors.Gap
	table.Tags = map[string]string{}
	tags := dynamodb.ListTagsOfResourceInput{ResourceArn: &id}
	for {
		page, err := api.ListTagsOfResource(ctx, &tags) // the SDK has no paginator for it
		if err != nil {
			gaps = append(gaps, collectors.Unread(err, "tags"))
			break
		}
		for _, t := range page.Tags {
			table.Tags[sdk.ToString(t.Key)] = sdk.ToString(t.Value)
		}
		if tags.NextToken = page.NextToken; sdk.ToString(tags.NextToken) == "" {
			break
		}
	}
	policy, err := api.GetResourcePolicy(ctx, &dynamodb.GetResourcePolicyInput{ResourceArn: &id})
	if err == nil && sdk.ToString(policy.Policy) == "" {
		err = missing("DynamoDB.GetResourcePolicy", "Policy")
	}
	switch {
	case hasCode(err, "PolicyNotFoundException"):
	case err != nil:
		gaps = append(gaps, collectors.Unread(err, "resource_policy"))
	default:
		table.ResourcePolicy = *policy.Policy
	}
	return gaps
}
