package account

import (
	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var dynamodbService = service{
	kinds: []world.Kind{{
		Name: "dynamodb.table", Count: 3,
		Defects: []world.Defect{{Name: "no-pitr", Share: 0.15, Drift: 0.1}, {Name: "owned-key", Share: 0.3, Drift: 0.05}, {Name: "deletable", Share: 0.2, Drift: 0.1}, {Name: "public-policy", Drift: 0.1}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("aws.dynamodb.table", it, tableARN(it)), map[string]posture.Result{
				"aws-dynamodb-table-pitr-enabled":        failIf(it.Has("no-pitr")),
				"aws-dynamodb-table-kms-encrypted":       failIf(it.Has("owned-key")),
				"aws-dynamodb-table-deletion-protection": failIf(it.Has("deletable")),
				"aws-dynamodb-table-policy-not-public":   failIf(it.Has("public-policy")),
				"aws-dynamodb-table-in-backup-plan":      posture.Unknown,
				"aws-dynamodb-table-protected-by-backup": posture.Unknown,
			}
		},
	}},
	handle: handleDynamoDB,
}

func tableARN(it *world.Item) string { return it.ARN("dynamodb", it.Region, "table/"+it.Name()) }

func handleDynamoDB(s *aws.Server, w *states) {
	find := func(state *world.State, region string, id *string) (*world.Item, error) {
		for _, it := range state.In("dynamodb.table", region) {
			if it.Name() == sdk.ToString(id) || tableARN(it) == sdk.ToString(id) {
				return it, nil
			}
		}
		return nil, &types.ResourceNotFoundException{Message: sdk.String("Requested resource not found: Table: " + sdk.ToString(id) + " not found")}
	}
	aws.Handle(s, func(c aws.Call[*dynamodb.ListTablesInput]) (*dynamodb.ListTablesOutput, error) {
		out := &dynamodb.ListTablesOutput{}
		for _, it := range at(w, c).In("dynamodb.table", c.Region) {
			out.TableNames = append(out.TableNames, it.Name())
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*dynamodb.DescribeTableInput]) (*dynamodb.DescribeTableOutput, error) {
		state := at(w, c)
		it, err := find(state, c.Region, c.Input.TableName)
		if err != nil {
			return nil, err
		}
		t := &types.TableDescription{TableName: sdk.String(it.Name()), TableArn: sdk.String(tableARN(it)), TableStatus: types.TableStatusActive, CreationDateTime: sdk.Time(state.Long(it, 200)),
			DeletionProtectionEnabled: sdk.Bool(!it.Has("deletable")), KeySchema: []types.KeySchemaElement{{AttributeName: sdk.String("id"), KeyType: types.KeyTypeHash}},
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: sdk.String("id"), AttributeType: types.ScalarAttributeTypeS}}}
		if it.Index > 0 {
			t.BillingModeSummary = &types.BillingModeSummary{BillingMode: types.BillingModePayPerRequest}
			t.Replicas = []types.ReplicaDescription{{RegionName: sdk.String("eu-north-1"), ReplicaStatus: types.ReplicaStatusActive}}
		}
		if !it.Has("owned-key") {
			t.SSEDescription = &types.SSEDescription{Status: types.SSEStatusEnabled, SSEType: types.SSETypeKms, KMSMasterKeyArn: sdk.String(it.ARN("kms", c.Region, "key/tables"))}
		}
		return &dynamodb.DescribeTableOutput{Table: t}, nil
	})
	aws.Handle(s, func(c aws.Call[*dynamodb.DescribeContinuousBackupsInput]) (*dynamodb.DescribeContinuousBackupsOutput, error) {
		it, err := find(at(w, c), c.Region, c.Input.TableName)
		if err != nil {
			return nil, err
		}
		recovery := &types.PointInTimeRecoveryDescription{PointInTimeRecoveryStatus: types.PointInTimeRecoveryStatusEnabled, RecoveryPeriodInDays: sdk.Int32(35)}
		if it.Has("no-pitr") {
			recovery = &types.PointInTimeRecoveryDescription{PointInTimeRecoveryStatus: types.PointInTimeRecoveryStatusDisabled}
		}
		return &dynamodb.DescribeContinuousBackupsOutput{ContinuousBackupsDescription: &types.ContinuousBackupsDescription{
			ContinuousBackupsStatus: types.ContinuousBackupsStatusEnabled, PointInTimeRecoveryDescription: recovery}}, nil
	})
	aws.Handle(s, func(c aws.Call[*dynamodb.ListTagsOfResourceInput]) (*dynamodb.ListTagsOfResourceOutput, error) {
		it, err := find(at(w, c), c.Region, c.Input.ResourceArn)
		if err != nil {
			return nil, err
		}
		return &dynamodb.ListTagsOfResourceOutput{Tags: []types.Tag{{Key: sdk.String("team"), Value: sdk.String("platform")},
			{Key: sdk.String("data"), Value: sdk.String(it.Name())}, {Key: sdk.String("stage"), Value: sdk.String("live")}}}, nil
	})
	aws.Handle(s, func(c aws.Call[*dynamodb.GetResourcePolicyInput]) (*dynamodb.GetResourcePolicyOutput, error) {
		it, err := find(at(w, c), c.Region, c.Input.ResourceArn)
		if err != nil {
			return nil, err
		}
		principal := `{"AWS":"arn:aws:iam::999900001111:root"}`
		switch {
		case it.Has("public-policy"):
			principal = `"*"`
		case it.Index == 0:
			return nil, &types.PolicyNotFoundException{Message: sdk.String("Resource-based policy not found for the provided ResourceArn")}
		}
		return &dynamodb.GetResourcePolicyOutput{RevisionId: sdk.String("1"), Policy: sdk.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"dynamodb:GetItem","Resource":"` + tableARN(it) + `"}]}`)}, nil
	})
}
