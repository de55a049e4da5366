package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func rdsReaders() []collectors.Reader[*client] {
	return []collectors.Reader[*client]{databases, dbSnapshots, dbClusterSnapshots}
}

var databases = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.DBInstanceType, schema.DBClusterType, schema.DocumentClusterType, schema.GraphClusterType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "RDS.DescribeDBClusters", Permission: "rds:DescribeDBClusters", Body: collectors.Redact("MasterUserPassword")},
		{Name: "RDS.DescribeDBInstances", Permission: "rds:DescribeDBInstances", Body: collectors.Redact("MasterUserPassword")},
		{Name: "RDS.DescribeDBParameters", Permission: "rds:DescribeDBParameters", Body: collectors.Store},
		{Name: "RDS.DescribeDBClusterParameters", Permission: "rds:DescribeDBClusterParameters", Body: collectors.Store},
	},
	Collect: collectDatabases,
}

// collectDatabases reads clusters first: the parameters of an instance in a cluster are the cluster's. The endpoint also
// tells of DocumentDB and Neptune, which are other services.
func collectDatabases(ctx context.Context, c *client, emit collectors.Emit) error {
	api := rds.NewFromConfig(c.config)
	clusters := map[string]types.DBCluster{}
	clusterErr := pages(ctx, rds.NewDescribeDBClustersPaginator(api, &rds.DescribeDBClustersInput{MaxRecords: sdk.Int32(100)}),
		func(page *rds.DescribeDBClustersOutput) error {
			for _, d := range page.DBClusters {
				if otherService(d.Engine) {
					emitOtherCluster(d, emit)
					continue
				}
				clusters[sdk.ToString(d.DBClusterIdentifier)] = d
				emitDBCluster(d, emit)
			}
			return nil
		})
	if clusterErr != nil {
		clusterErr = fmt.Errorf("list database clusters: %w", clusterErr)
	}

	groups := parameterGroups{api: api, clusters: clusters, clusterErr: clusterErr, read: map[string]parameter{}}
	err := pages(ctx, rds.NewDescribeDBInstancesPaginator(api, &rds.DescribeDBInstancesInput{MaxRecords: sdk.Int32(100)}),
		func(page *rds.DescribeDBInstancesOutput) error {
			for _, i := range page.DBInstances {
				status := sdk.ToString(i.DBInstanceStatus)
				if !otherService(i.Engine) && status != "creating" && status != "deleting" {
					emitDBInstance(ctx, groups, i, emit)
				}
			}
			return nil
		})
	if err != nil {
		err = collectors.Incomplete(schema.DBInstanceType, fmt.Errorf("list database instances: %w", err))
	}
	for _, t := range []*posture.Type{schema.DBClusterType, schema.DocumentClusterType, schema.GraphClusterType} {
		err = errors.Join(err, collectors.Incomplete(t, clusterErr))
	}
	return err
}

func otherService(engine *string) bool {
	return slices.Contains([]string{"docdb", "neptune"}, sdk.ToString(engine))
}

func emitDBCluster(d types.DBCluster, emit collectors.Emit) {
	a := &answer{service: rds.ServiceID, operation: "DescribeDBClusters"}
	cluster := &schema.DBCluster{
		Meta:                    posture.Meta{Name: sdk.ToString(d.DBClusterIdentifier), Tags: dbTags(d.TagList), CreatedAt: posture.FromPtr(d.ClusterCreateTime)},
		Engine:                  sdk.ToString(d.Engine),
		EngineMode:              sdk.ToString(d.EngineMode),
		Status:                  sdk.ToString(d.Status),
		StorageEncrypted:        required(a, "storage_encrypted", d.StorageEncrypted),
		KMSKeyID:                sdk.ToString(d.KmsKeyId),
		BackupRetentionDays:     int64(required(a, "backup_retention_days", d.BackupRetentionPeriod)),
		DeletionProtection:      required(a, "deletion_protection", d.DeletionProtection),
		MultiAZ:                 required(a, "multi_az", d.MultiAZ),
		MemberCount:             int64(len(d.DBClusterMembers)),
		EnabledLogExports:       d.EnabledCloudwatchLogsExports,
		CopyTagsToSnapshot:      sdk.ToBool(d.CopyTagsToSnapshot),
		IAMAuthEnabled:          sdk.ToBool(d.IAMDatabaseAuthenticationEnabled),
		AutoMinorVersionUpgrade: sdk.ToBool(d.AutoMinorVersionUpgrade),
		PubliclyAccessible:      sdk.ToBool(d.PubliclyAccessible),
	}
	emit(sdk.ToString(d.DBClusterArn), cluster, a.gaps...)
}

func emitDBInstance(ctx context.Context, groups parameterGroups, i types.DBInstance, emit collectors.Emit) {
	a := &answer{service: rds.ServiceID, operation: "DescribeDBInstances"}
	instance := &schema.DBInstance{
		Meta:                    posture.Meta{Name: sdk.ToString(i.DBInstanceIdentifier), Tags: dbTags(i.TagList), CreatedAt: posture.FromPtr(i.InstanceCreateTime)},
		Engine:                  sdk.ToString(i.Engine),
		EngineVersion:           sdk.ToString(i.EngineVersion),
		Status:                  sdk.ToString(i.DBInstanceStatus),
		ClusterID:               sdk.ToString(i.DBClusterIdentifier),
		StorageEncrypted:        required(a, "storage_encrypted", i.StorageEncrypted),
		KMSKeyID:                sdk.ToString(i.KmsKeyId),
		PubliclyAccessible:      required(a, "publicly_accessible", i.PubliclyAccessible),
		BackupRetentionDays:     int64(required(a, "backup_retention_days", i.BackupRetentionPeriod)),
		DeletionProtection:      required(a, "deletion_protection", i.DeletionProtection),
		MultiAZ:                 required(a, "multi_az", i.MultiAZ),
		EnabledLogExports:       i.EnabledCloudwatchLogsExports,
		CopyTagsToSnapshot:      required(a, "copy_tags_to_snapshot", i.CopyTagsToSnapshot),
		IAMAuthEnabled:          required(a, "iam_auth_enabled", i.IAMDatabaseAuthenticationEnabled),
		AutoMinorVersionUpgrade: required(a, "auto_minor_version_upgrade", i.AutoMinorVersionUpgrade),
		MonitoringInterval:      int64(sdk.ToInt32(i.MonitoringInterval)),
		MasterSecretManaged:     i.MasterUserSecret != nil,
		ReadReplicaSource:       sdk.ToString(i.ReadReplicaSourceDBInstanceIdentifier),
		EngineFamily:            engineFamily(sdk.ToString(i.Engine)),
	}
	if instance.ReadReplicaSource == "" {
		instance.ReadReplicaSource = sdk.ToString(i.ReadReplicaSourceDBClusterIdentifier)
	}
	instance.IAMAuthSupported = instance.EngineFamily == "mysql" || instance.EngineFamily == "postgres"
	for _, g := range i.VpcSecurityGroups {
		instance.SecurityGroupIDs = append(instance.SecurityGroupIDs, sdk.ToString(g.VpcSecurityGroupId))
	}
	if i.DBSubnetGroup != nil { // the default VPC's instances have one too; only long-retired networking has none
		for _, s := range i.DBSubnetGroup.Subnets {
			instance.SubnetIDs = append(instance.SubnetIDs, sdk.ToString(s.SubnetIdentifier))
		}
	}
	if i.Endpoint != nil {
		instance.Port = int64(sdk.ToInt32(i.Endpoint.Port))
	}
	if i.CertificateDetails != nil {
		instance.CACertificateValidTill = posture.FromPtr(i.CertificateDetails.ValidTill)
	}
	if len(i.DBParameterGroups) > 0 {
		instance.ParameterGroupName = sdk.ToString(i.DBParameterGroups[0].DBParameterGroupName)
	}
	forced, err := groups.tlsForced(ctx, instance.EngineFamily, i)
	instance.TLSForced = forced
	if err != nil {
		a.gaps = append(a.gaps, collectors.Unread(err, "tls_forced"))
	}
	emit(sdk.ToString(i.DBInstanceArn), instance, a.gaps...)
}

// engineFamily groups the engines, custom ones included, by the product they run.
func engineFamily(engine string) string {
	engine = strings.TrimPrefix(engine, "custom-")
	switch {
	case engine == "mysql", engine == "mariadb", engine == "aurora", engine == "aurora-mysql":
		return "mysql"
	case engine == "postgres", engine == "aurora-postgresql":
		return "postgres"
	case strings.HasPrefix(engine, "oracle"):
		return "oracle"
	case strings.HasPrefix(engine, "sqlserver"):
		return "sqlserver"
	case strings.HasPrefix(engine, "db2"):
		return "db2"
	}
	return ""
}

func dbTags(list []types.Tag) map[string]string {
	tags := map[string]string{}
	for _, t := range list {
		tags[sdk.ToString(t.Key)] = sdk.ToString(t.Value)
	}
	return tags
}
