package aws

import (
	"context"
	"fmt"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var dbSnapshots = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.DBSnapshotType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "RDS.DescribeDBSnapshots", Permission: "rds:DescribeDBSnapshots", Body: collectors.Store},
		{Name: "RDS.DescribeDBSnapshotAttributes", Permission: "rds:DescribeDBSnapshotAttributes", Body: collectors.Store},
	},
	Collect: collectDBSnapshots,
}

var dbClusterSnapshots = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.DBClusterSnapshotType, schema.DocumentClusterSnapshotType, schema.GraphClusterSnapshotType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "RDS.DescribeDBClusterSnapshots", Permission: "rds:DescribeDBClusterSnapshots", Body: collectors.Store},
		{Name: "RDS.DescribeDBClusterSnapshotAttributes", Permission: "rds:DescribeDBClusterSnapshotAttributes", Body: collectors.Store},
	},
	Collect: collectDBClusterSnapshots,
}

// manual is the kind of snapshot that can be shared.
const manual = "manual"

// collectDBSnapshots names no kind of snapshot and so is told of the account's own; asking for public ones would list those
// of everybody.
func collectDBSnapshots(ctx context.Context, c *client, emit collectors.Emit) error {
	api := rds.NewFromConfig(c.config)
	var group errgroup.Group
	group.SetLimit(8)
	list := rds.NewDescribeDBSnapshotsPaginator(api, &rds.DescribeDBSnapshotsInput{MaxRecords: sdk.Int32(100)})
	err := pages(ctx, list, func(page *rds.DescribeDBSnapshotsOutput) error {
		for _, s := range page.DBSnapshots {
			if otherService(s.Engine) {
				continue
			}
			group.Go(func() error {
				a := &answer{service: rds.ServiceID, operation: "DescribeDBSnapshots"}
				snapshot := &schema.DBSnapshot{
					Meta:         posture.Meta{Name: sdk.ToString(s.DBSnapshotIdentifier), Tags: dbTags(s.TagList), CreatedAt: posture.FromPtr(s.SnapshotCreateTime)},
					DBInstanceID: sdk.ToString(s.DBInstanceIdentifier),
					SnapshotType: sdk.ToString(s.SnapshotType),
					Status:       sdk.ToString(s.Status),
					Encrypted:    required(a, "encrypted", s.Encrypted),
				}
				if snapshot.SnapshotType == manual {
					var err error
					if snapshot.Public, snapshot.SharedAccountIDs, err = snapshotShares(ctx, api, s.DBSnapshotIdentifier); err != nil {
						a.gaps = append(a.gaps, collectors.Unread(err, "public", "shared_account_ids"))
					}
				}
				emit(sdk.ToString(s.DBSnapshotArn), snapshot, a.gaps...)
				return nil
			})
		}
		return nil
	})
	_ = group.Wait() // errors of one snapshot are its gaps
	if err != nil {
		return fmt.Errorf("list database snapshots: %w", err)
	}
	return nil
}

func snapshotShares(ctx context.Context, api *rds.Client, id *string) (public bool, accounts []string, err error) {
	answered, err := api.DescribeDBSnapshotAttributes(ctx, &rds.DescribeDBSnapshotAttributesInput{DBSnapshotIdentifier: id})
	if err != nil {
		return false, nil, err
	}
	if answered.DBSnapshotAttributesResult == nil {
		return false, nil, (&answer{service: rds.ServiceID, operation: "DescribeDBSnapshotAttributes"}).lacks("DBSnapshotAttributesResult")
	}
	for _, attribute := range answered.DBSnapshotAttributesResult.DBSnapshotAttributes {
		if sdk.ToString(attribute.AttributeName) == "restore" {
			public, accounts = shares(attribute.AttributeValues)
			return public, accounts, nil
		}
	}
	return false, nil, (&answer{service: rds.ServiceID, operation: "DescribeDBSnapshotAttributes"}).lacks("the attribute restore")
}

func collectDBClusterSnapshots(ctx context.Context, c *client, emit collectors.Emit) error {
	api := rds.NewFromConfig(c.config)
	var group errgroup.Group
	group.SetLimit(8)
	list := rds.NewDescribeDBClusterSnapshotsPaginator(api, &rds.DescribeDBClusterSnapshotsInput{MaxRecords: sdk.Int32(100)})
	err := pages(ctx, list, func(page *rds.DescribeDBClusterSnapshotsOutput) error {
		for _, s := range page.DBClusterSnapshots {
			group.Go(func() error {
				if otherService(s.Engine) {
					emitOtherClusterSnapshot(ctx, api, s, emit)
					return nil
				}
				a := &answer{service: rds.ServiceID, operation: "DescribeDBClusterSnapshots"}
				snapshot := &schema.DBClusterSnapshot{
					Meta:         posture.Meta{Name: sdk.ToString(s.DBClusterSnapshotIdentifier), Tags: dbTags(s.TagList), CreatedAt: posture.FromPtr(s.SnapshotCreateTime)},
					ClusterID:    sdk.ToString(s.DBClusterIdentifier),
					SnapshotType: sdk.ToString(s.SnapshotType),
					Status:       sdk.ToString(s.Status),
					Encrypted:    required(a, "encrypted", s.StorageEncrypted),
				}
				if snapshot.SnapshotType == manual {
					var err error
					if snapshot.Public, snapshot.SharedAccountIDs, err = clusterSnapshotShares(ctx, api, s.DBClusterSnapshotIdentifier); err != nil {
						a.gaps = append(a.gaps, collectors.Unread(err, "public", "shared_account_ids"))
					}
				}
				emit(sdk.ToString(s.DBClusterSnapshotArn), snapshot, a.gaps...)
				return nil
			})
		}
		return nil
	})
	_ = group.Wait() // errors of one snapshot are its gaps
	if err != nil {
		return fmt.Errorf("list database cluster snapshots: %w", err)
	}
	return nil
}

func clusterSnapshotShares(ctx context.Context, api *rds.Client, id *string) (public bool, accounts []string, err error) {
	answered, err := api.DescribeDBClusterSnapshotAttributes(ctx, &rds.DescribeDBClusterSnapshotAttributesInput{DBClusterSnapshotIdentifier: id})
	if err != nil {
		return false, nil, err
	}
	if answered.DBClusterSnapshotAttributesResult == nil {
		return false, nil, (&answer{service: rds.ServiceID, operation: "DescribeDBClusterSnapshotAttributes"}).lacks("DBClusterSnapshotAttributesResult")
	}
	for _, attribute := range answered.DBClusterSnapshotAttributesResult.DBClusterSnapshotAttributes {
		if sdk.ToString(attribute.AttributeName) == "restore" {
			public, accounts = shares(attribute.AttributeValues)
			return public, accounts, nil
		}
	}
	return false, nil, (&answer{service: rds.ServiceID, operation: "DescribeDBClusterSnapshotAttributes"}).lacks("the attribute restore")
}

// shares reads who may restore: "all" is everybody, anything else an account.
func shares(values []string) (public bool, accounts []string) {
	for _, v := range values {
		if v == "all" {
			public = true
		} else {
			accounts = append(accounts, v)
		}
	}
	return public, accounts
}
