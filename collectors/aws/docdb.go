package aws

import (
	"context"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// DocumentDB and Neptune share the endpoint, the operations and the permissions of RDS, whose lists hold their clusters and
// snapshots too: they are read from there, with no call of their own.

// emitOtherCluster emits a cluster that RDS lists and that is of another service.
func emitOtherCluster(d types.DBCluster, emit collectors.Emit) {
	a := &answer{service: rds.ServiceID, operation: "DescribeDBClusters"}
	meta := posture.Meta{Name: sdk.ToString(d.DBClusterIdentifier), Tags: dbTags(d.TagList), CreatedAt: posture.FromPtr(d.ClusterCreateTime)}
	encrypted := required(a, "storage_encrypted", d.StorageEncrypted)
	retention := int64(required(a, "backup_retention_days", d.BackupRetentionPeriod))
	protected := sdk.ToBool(d.DeletionProtection)
	zones := required(a, "multi_az", d.MultiAZ)
	if sdk.ToString(d.Engine) == "docdb" {
		emit(sdk.ToString(d.DBClusterArn), &schema.DocumentCluster{
			Meta: meta, EngineVersion: sdk.ToString(d.EngineVersion), StorageEncrypted: encrypted, KMSKeyID: sdk.ToString(d.KmsKeyId),
			BackupRetentionDays: retention, DeletionProtection: protected, EnabledLogExports: d.EnabledCloudwatchLogsExports, MultiAZ: zones,
		}, a.gaps...)
		return
	}
	emit(sdk.ToString(d.DBClusterArn), &schema.GraphCluster{
		Meta: meta, StorageEncrypted: encrypted, BackupRetentionDays: retention, DeletionProtection: protected, MultiAZ: zones,
		CopyTagsToSnapshot: required(a, "copy_tags_to_snapshot", d.CopyTagsToSnapshot),
		IAMAuthEnabled:     sdk.ToBool(d.IAMDatabaseAuthenticationEnabled), EnabledLogExports: d.EnabledCloudwatchLogsExports,
	}, a.gaps...)
}

// emitOtherClusterSnapshot does so for a snapshot, and asks with whom a manual one is shared.
func emitOtherClusterSnapshot(ctx context.Context, api *rds.Client, s types.DBClusterSnapshot, emit collectors.Emit) {
	a := &answer{service: rds.ServiceID, operation: "DescribeDBClusterSnapshots"}
	document := sdk.ToString(s.Engine) == "docdb"
	snapshot := schema.DocumentClusterSnapshot{
		Meta:             posture.Meta{Name: sdk.ToString(s.DBClusterSnapshotIdentifier), Tags: dbTags(s.TagList), CreatedAt: posture.FromPtr(s.SnapshotCreateTime)},
		SnapshotType:     sdk.ToString(s.SnapshotType),
		StorageEncrypted: required(a, "storage_encrypted", s.StorageEncrypted),
	}
	if snapshot.SnapshotType == manual {
		var err error
		snapshot.Public, snapshot.SharedAccountIDs, err = clusterSnapshotShares(ctx, api, s.DBClusterSnapshotIdentifier)
		if err != nil {
			a.gaps = append(a.gaps, collectors.Unread(err, "public"))
		}
		if err != nil && document {
			a.gaps = append(a.gaps, collectors.Unread(err, "shared_account_ids"))
		}
	}
	if document {
		emit(sdk.ToString(s.DBClusterSnapshotArn), &snapshot, a.gaps...)
		return
	}
	emit(sdk.ToString(s.DBClusterSnapshotArn), &schema.GraphClusterSnapshot{
		Meta: snapshot.Meta, SnapshotType: snapshot.SnapshotType, StorageEncrypted: snapshot.StorageEncrypted, Public: snapshot.Public,
	}, a.gaps...)
}
