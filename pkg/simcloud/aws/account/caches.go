package account

import (
	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dax"
	daxtypes "github.com/aws/aws-sdk-go-v2/service/dax/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/elasticache/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Each region has two replication groups of ElastiCache and an accelerator of DynamoDB.
var cacheService = service{
	kinds: []world.Kind{
		{
			Name: "elasticache.replication_group", Count: 2,
			Defects: []world.Defect{{Name: "plaintext", Share: 0.15}, {Name: "preferred", Share: 0.1, Drift: 0.2}, {Name: "plain", Share: 0.2}, {Name: "open", Share: 0.2}, {Name: "short", Share: 0.3, Drift: 0.1}, {Name: "one-zone", Share: 0.2, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.elasticache.replication_group", it, it.ARN("elasticache", it.Region, "replicationgroup:"+it.Name())), map[string]posture.Result{
					"aws-elasticache-replication-group-tls-enabled":      failIf(it.Has("plaintext") || it.Has("preferred")),
					"aws-elasticache-replication-group-encrypted":        failIf(it.Has("plain")),
					"aws-elasticache-replication-group-auth-enabled":     failIf(it.Has("open")),
					"aws-elasticache-replication-group-backup-retention": failIf(it.Has("short")),
					"aws-elasticache-replication-group-multi-az":         failIf(it.Has("one-zone")),
				}
			},
		},
		{
			Name: "dax.cluster", Count: 1, Defects: []world.Defect{{Name: "plaintext", Share: 0.3}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.dax.cluster", it, it.ARN("dax", it.Region, "cache/"+it.Name())), map[string]posture.Result{"aws-dax-cluster-tls-enabled": failIf(it.Has("plaintext"))}
			},
		},
	},
	handle: handleCaches,
}

func handleCaches(s *aws.Server, w *states) {
	aws.Handle(s, func(c aws.Call[*elasticache.DescribeReplicationGroupsInput]) (*elasticache.DescribeReplicationGroupsOutput, error) {
		out := &elasticache.DescribeReplicationGroupsOutput{}
		state := at(w, c)
		for _, it := range state.In("elasticache.replication_group", c.Region) {
			out.ReplicationGroups = append(out.ReplicationGroups, replicationGroup(state, it))
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*dax.DescribeClustersInput]) (*dax.DescribeClustersOutput, error) {
		out := &dax.DescribeClustersOutput{Clusters: []daxtypes.Cluster{}}
		for _, it := range at(w, c).In("dax.cluster", c.Region) {
			cluster := daxtypes.Cluster{ClusterArn: sdk.String(it.ARN("dax", c.Region, "cache/"+it.Name())), ClusterName: sdk.String(it.Name()), Status: sdk.String("available"), NodeType: sdk.String("dax.r5.large"),
				SSEDescription: &daxtypes.SSEDescription{Status: daxtypes.SSEStatusEnabled}, ClusterEndpointEncryptionType: daxtypes.ClusterEndpointEncryptionTypeTls}
			if it.Has("plaintext") {
				cluster.ClusterEndpointEncryptionType = daxtypes.ClusterEndpointEncryptionTypeNone
			}
			out.Clusters = append(out.Clusters, cluster)
		}
		return out, nil
	})
}

func replicationGroup(state *world.State, it *world.Item) types.ReplicationGroup {
	g := types.ReplicationGroup{ARN: sdk.String(it.ARN("elasticache", it.Region, "replicationgroup:"+it.Name())), ReplicationGroupId: sdk.String(it.Name()), Engine: sdk.String("valkey"), Status: sdk.String("available"),
		TransitEncryptionEnabled: sdk.Bool(!it.Has("plaintext")), AtRestEncryptionEnabled: sdk.Bool(!it.Has("plain")), AuthTokenEnabled: sdk.Bool(false), AutomaticFailover: types.AutomaticFailoverStatusEnabled, MultiAZ: types.MultiAZStatusEnabled,
		SnapshotRetentionLimit: sdk.Int32(20), AutoMinorVersionUpgrade: sdk.Bool(true), ReplicationGroupCreateTime: sdk.Time(state.Long(it, 90)), Description: sdk.String("sessions"), ClusterEnabled: sdk.Bool(false)}
	if !it.Has("plaintext") {
		g.TransitEncryptionMode = types.TransitEncryptionModeRequired
		if it.Has("preferred") {
			g.TransitEncryptionMode = types.TransitEncryptionModePreferred
		}
	}
	if !it.Has("open") {
		if it.Pick(2, "token") == 0 {
			g.AuthTokenEnabled = sdk.Bool(true)
		} else {
			g.UserGroupIds = []string{"application"}
		}
	}
	if it.Has("short") {
		g.SnapshotRetentionLimit = sdk.Int32(1)
	}
	if it.Has("one-zone") {
		g.MultiAZ, g.AutomaticFailover = types.MultiAZStatusDisabled, types.AutomaticFailoverStatusDisabled
	}
	return g
}
