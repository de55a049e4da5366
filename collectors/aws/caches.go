package aws

import (
	"cmp"
	"context"
	"fmt"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dax"
	daxtypes "github.com/aws/aws-sdk-go-v2/service/dax/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// cacheReaders are those of ElastiCache and of the accelerator of DynamoDB.
func cacheReaders() []collectors.Reader[*client] {
	return []collectors.Reader[*client]{replicationGroups, daxClusters}
}

var replicationGroups = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.CacheReplicationGroupType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "ElastiCache.DescribeReplicationGroups", Permission: "elasticache:DescribeReplicationGroups", Body: collectors.Store},
	},
	Collect: collectReplicationGroups,
}

var daxClusters = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.DAXClusterType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "DAX.DescribeClusters", Permission: "dax:DescribeClusters", Body: collectors.Store},
	},
	Collect: collectDAXClusters,
}

func collectReplicationGroups(ctx context.Context, c *client, emit collectors.Emit) error {
	api := elasticache.NewFromConfig(c.config)
	list := elasticache.NewDescribeReplicationGroupsPaginator(api, &elasticache.DescribeReplicationGroupsInput{MaxRecords: sdk.Int32(100)})
	err := pages(ctx, list, func(page *elasticache.DescribeReplicationGroupsOutput) error {
		for _, g := range page.ReplicationGroups {
			a := &answer{service: elasticache.ServiceID, operation: "DescribeReplicationGroups", gaps: []collectors.Gap{collectors.NotCollected("tags")}}
			group := &schema.CacheReplicationGroup{
				Meta:                     posture.Meta{Name: sdk.ToString(g.ReplicationGroupId), CreatedAt: posture.FromPtr(g.ReplicationGroupCreateTime)},
				Engine:                   sdk.ToString(g.Engine),
				TransitEncryptionEnabled: required(a, "transit_encryption_enabled", g.TransitEncryptionEnabled),
				TransitEncryptionMode:    string(g.TransitEncryptionMode),
				AtRestEncryptionEnabled:  required(a, "at_rest_encryption_enabled", g.AtRestEncryptionEnabled),
				KMSKeyID:                 sdk.ToString(g.KmsKeyId),
				AuthTokenEnabled:         sdk.ToBool(g.AuthTokenEnabled),
				UserGroupIDs:             g.UserGroupIds,
				AutomaticFailover:        told(a, "automatic_failover", g.AutomaticFailover),
				MultiAZ:                  told(a, "multi_az", g.MultiAZ),
				SnapshotRetentionDays:    int64(required(a, "snapshot_retention_days", g.SnapshotRetentionLimit)),
				AutoMinorVersionUpgrade:  sdk.ToBool(g.AutoMinorVersionUpgrade),
			}
			emit(sdk.ToString(g.ARN), group, a.gaps...)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list replication groups: %w", err)
	}
	return nil
}

// collectDAXClusters follows the tokens itself: the SDK has no paginator for them.
func collectDAXClusters(ctx context.Context, c *client, emit collectors.Emit) error {
	api := dax.NewFromConfig(c.config)
	input := &dax.DescribeClustersInput{MaxResults: sdk.Int32(100)}
	for {
		page, err := api.DescribeClusters(ctx, input)
		if err != nil {
			return fmt.Errorf("list DAX clusters: %w", err)
		}
		for _, d := range page.Clusters {
			a := &answer{service: dax.ServiceID, operation: "DescribeClusters", gaps: []collectors.Gap{collectors.NotCollected("tags", "created_at")}}
			emit(sdk.ToString(d.ClusterArn), &schema.DAXCluster{
				Meta:               posture.Meta{Name: sdk.ToString(d.ClusterName)},
				EndpointEncryption: string(cmp.Or(d.ClusterEndpointEncryptionType, daxtypes.ClusterEndpointEncryptionTypeNone)),
				SSEStatus:          string(required(a, "sse_status", d.SSEDescription).Status),
			}, a.gaps...)
		}
		if sdk.ToString(page.NextToken) == "" {
			return nil
		}
		input.NextToken = page.NextToken
	}
}
