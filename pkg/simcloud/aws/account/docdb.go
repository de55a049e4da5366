package account

import (
	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// docdbKinds are the clusters and snapshots of DocumentDB and Neptune, which RDS lists among its own.
func docdbKinds() []world.Kind {
	return []world.Kind{
		{
			Name: "docdb.cluster", Count: 1, Defects: []world.Defect{{Name: "plain", Share: 0.2}, {Name: "short", Share: 0.3, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.docdb.cluster", it, otherClusterARN(it)), map[string]posture.Result{
					"aws-docdb-cluster-encrypted":        failIf(it.Has("plain")),
					"aws-docdb-cluster-backup-retention": failIf(it.Has("short")),
				}
			},
		},
		{
			Name: "neptune.cluster", Count: 1, Defects: []world.Defect{{Name: "plain", Share: 0.2}, {Name: "no-tag-copy", Share: 0.3, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.neptune.cluster", it, otherClusterARN(it)), map[string]posture.Result{
					"aws-neptune-cluster-encrypted":              failIf(it.Has("plain")),
					"aws-neptune-cluster-copy-tags-to-snapshots": failIf(it.Has("no-tag-copy")),
				}
			},
		},
		{
			Name: "docdb.cluster_snapshot", Count: 2, Defects: []world.Defect{{Name: "public", Drift: 0.2}, {Name: "shared", Share: 0.3}, {Name: "automated", Share: 0.3}, {Name: "plain", Share: 0.2}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.docdb.cluster_snapshot", it, otherSnapshotARN(it)), map[string]posture.Result{"aws-docdb-cluster-snapshot-not-public": sharedWithAll(it)}
			},
		},
		{
			Name: "neptune.cluster_snapshot", Count: 2, Defects: []world.Defect{{Name: "public", Drift: 0.2}, {Name: "automated", Share: 0.3}, {Name: "plain", Share: 0.2}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.neptune.cluster_snapshot", it, otherSnapshotARN(it)), map[string]posture.Result{
					"aws-neptune-cluster-snapshot-not-public": sharedWithAll(it),
					"aws-neptune-cluster-snapshot-encrypted":  failIf(it.Has("plain")),
				}
			},
		},
	}
}

func sharedWithAll(it *world.Item) posture.Result {
	if automated(it) {
		return posture.DoesNotApply
	}
	return failIf(it.Has("public"))
}

// otherName is unique among everything that RDS lists in a region.
func otherName(it *world.Item) string { return otherEngine(it) + "-" + it.Name() }

func otherEngine(it *world.Item) string {
	if it.Kind == "docdb.cluster" || it.Kind == "docdb.cluster_snapshot" {
		return "docdb"
	}
	return "neptune"
}

func otherClusterARN(it *world.Item) string {
	return it.ARN("rds", it.Region, "cluster:"+otherName(it))
}
func otherSnapshotARN(it *world.Item) string {
	return it.ARN("rds", it.Region, "cluster-snapshot:"+otherName(it))
}

func otherClusters(state *world.State, region string) []types.DBCluster {
	var out []types.DBCluster
	for _, kind := range []string{"docdb.cluster", "neptune.cluster"} {
		for _, it := range state.In(kind, region) {
			cluster := types.DBCluster{DBClusterIdentifier: sdk.String(otherName(it)), DBClusterArn: sdk.String(otherClusterARN(it)), Engine: sdk.String(otherEngine(it)), EngineVersion: sdk.String("5.0.0"), Status: sdk.String("available"),
				StorageEncrypted: sdk.Bool(!it.Has("plain")), BackupRetentionPeriod: sdk.Int32(14), DeletionProtection: sdk.Bool(true), MultiAZ: sdk.Bool(true), CopyTagsToSnapshot: sdk.Bool(!it.Has("no-tag-copy")),
				IAMDatabaseAuthenticationEnabled: sdk.Bool(true), EnabledCloudwatchLogsExports: []string{"audit"}, ClusterCreateTime: sdk.Time(state.Long(it, 80))}
			if it.Has("short") {
				cluster.BackupRetentionPeriod = sdk.Int32(1)
			}
			out = append(out, cluster)
		}
	}
	return out
}

func otherSnapshots(state *world.State, region string) []types.DBClusterSnapshot {
	var out []types.DBClusterSnapshot
	for _, kind := range []string{"docdb.cluster_snapshot", "neptune.cluster_snapshot"} {
		for _, it := range state.In(kind, region) {
			out = append(out, types.DBClusterSnapshot{DBClusterSnapshotIdentifier: sdk.String(otherName(it)), DBClusterSnapshotArn: sdk.String(otherSnapshotARN(it)), DBClusterIdentifier: sdk.String("catalog"), Engine: sdk.String(otherEngine(it)),
				SnapshotType: snapshotType(it), Status: sdk.String("available"), StorageEncrypted: sdk.Bool(!it.Has("plain")), SnapshotCreateTime: sdk.Time(state.Long(it, 20))})
		}
	}
	return out
}

// clusterSnapshotNamed finds a snapshot of RDS, or of the other two.
func clusterSnapshotNamed(state *world.State, region string, id *string) *world.Item {
	for _, kind := range []string{"docdb.cluster_snapshot", "neptune.cluster_snapshot"} {
		for _, it := range state.In(kind, region) {
			if otherName(it) == sdk.ToString(id) {
				return it
			}
		}
	}
	return snapshotNamed(state.In("rds.cluster_snapshot", region), id)
}
