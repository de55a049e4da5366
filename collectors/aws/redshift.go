package aws

import (
	"context"
	"fmt"
	"strings"
	"sync"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshift/types"
	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func redshiftReaders() []collectors.Reader[*client] {
	return []collectors.Reader[*client]{redshiftClusters}
}

var redshiftClusters = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.RedshiftClusterType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "Redshift.DescribeClusters", Permission: "redshift:DescribeClusters", Body: collectors.Redact("MasterUserPassword")},
		{Name: "Redshift.DescribeLoggingStatus", Permission: "redshift:DescribeLoggingStatus", Body: collectors.Store},
		{Name: "Redshift.DescribeClusterParameters", Permission: "redshift:DescribeClusterParameters", Body: collectors.Store},
	},
	Collect: collectRedshiftClusters,
}

func collectRedshiftClusters(ctx context.Context, c *client, emit collectors.Emit) error {
	api := redshift.NewFromConfig(c.config)
	groups := redshiftGroups{api: api, read: map[string]func() (bool, error){}}
	var group errgroup.Group
	group.SetLimit(8)
	list := redshift.NewDescribeClustersPaginator(api, &redshift.DescribeClustersInput{MaxRecords: sdk.Int32(100)})
	err := pages(ctx, list, func(page *redshift.DescribeClustersOutput) error {
		for _, d := range page.Clusters {
			group.Go(func() error {
				emitRedshiftCluster(ctx, c, &groups, d, emit)
				return nil
			})
		}
		return nil
	})
	_ = group.Wait() // errors of one cluster are its gaps
	if err != nil {
		return fmt.Errorf("list Redshift clusters: %w", err)
	}
	return nil
}

func emitRedshiftCluster(ctx context.Context, c *client, groups *redshiftGroups, d types.Cluster, emit collectors.Emit) {
	a := &answer{service: redshift.ServiceID, operation: "DescribeClusters"}
	name := sdk.ToString(d.ClusterIdentifier)
	cluster := &schema.RedshiftCluster{
		Meta:                           posture.Meta{Name: name, Tags: map[string]string{}, CreatedAt: posture.FromPtr(d.ClusterCreateTime)},
		Status:                         sdk.ToString(d.ClusterStatus),
		Encrypted:                      required(a, "encrypted", d.Encrypted),
		KMSKeyID:                       sdk.ToString(d.KmsKeyId),
		PubliclyAccessible:             required(a, "publicly_accessible", d.PubliclyAccessible),
		EnhancedVPCRouting:             sdk.ToBool(d.EnhancedVpcRouting),
		AutomatedSnapshotRetentionDays: int64(required(a, "automated_snapshot_retention_days", d.AutomatedSnapshotRetentionPeriod)),
		AllowVersionUpgrade:            required(a, "allow_version_upgrade", d.AllowVersionUpgrade),
		MultiAZ:                        sdk.ToString(d.MultiAZ),
		MasterUsername:                 sdk.ToString(d.MasterUsername),
	}
	for _, t := range d.Tags {
		cluster.Tags[sdk.ToString(t.Key)] = sdk.ToString(t.Value)
	}

	logging, err := groups.api.DescribeLoggingStatus(ctx, &redshift.DescribeLoggingStatusInput{ClusterIdentifier: d.ClusterIdentifier})
	if err == nil && logging.LoggingEnabled == nil {
		err = (&answer{service: redshift.ServiceID, operation: "DescribeLoggingStatus"}).lacks("LoggingEnabled")
	}
	if err != nil {
		a.gaps = append(a.gaps, collectors.Unread(err, "audit_logging_enabled", "audit_log_destination", "audit_log_exports"))
	} else {
		cluster.AuditLoggingEnabled = *logging.LoggingEnabled
		cluster.AuditLogDestination = string(logging.LogDestinationType)
		cluster.AuditLogExports = logging.LogExports
	}

	if len(d.ClusterParameterGroups) == 0 { // every cluster has one
		a.gaps = append(a.gaps, collectors.Unread(a.lacks("ClusterParameterGroups"), "require_ssl"))
	} else if cluster.RequireSSL, err = groups.requireSSL(ctx, d.ClusterParameterGroups); err != nil {
		a.gaps = append(a.gaps, collectors.Unread(err, "require_ssl"))
	}
	emit(c.arn("redshift", "cluster:"+name), cluster, a.gaps...)
}

// redshiftGroups reads each parameter group once, however many clusters use it.
type redshiftGroups struct {
	api  *redshift.Client
	mu   sync.Mutex
	read map[string]func() (bool, error)
}

// requireSSL: a group that does not ask for TLS decides, even when another could not be read.
func (g *redshiftGroups) requireSSL(ctx context.Context, groups []types.ClusterParameterGroupStatus) (bool, error) {
	var unread error
	for _, group := range groups {
		required, err := g.group(ctx, sdk.ToString(group.ParameterGroupName))()
		switch {
		case err != nil:
			unread = err
		case !required:
			return false, nil
		}
	}
	return unread == nil, unread
}

func (g *redshiftGroups) group(ctx context.Context, name string) func() (bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.read[name] == nil {
		g.read[name] = sync.OnceValues(func() (required bool, err error) {
			list := redshift.NewDescribeClusterParametersPaginator(g.api, &redshift.DescribeClusterParametersInput{
				ParameterGroupName: &name, MaxRecords: sdk.Int32(100),
			})
			err = pages(ctx, list, func(page *redshift.DescribeClusterParametersOutput) error {
				for _, p := range page.Parameters {
					if sdk.ToString(p.ParameterName) == "require_ssl" {
						required = strings.EqualFold(sdk.ToString(p.ParameterValue), "true")
					}
				}
				return nil
			})
			return required, err
		})
	}
	return g.read[name]
}
