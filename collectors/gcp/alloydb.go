package gcp

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"google.golang.org/api/alloydb/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var alloyClusters = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.AlloyDBClusterType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		{Name: "alloydb.projects.locations.clusters.list", Permission: "alloydb.clusters.list", Body: collectors.Redact("password")},
	},
	Collect: collectAlloyClusters,
}

func collectAlloyClusters(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := alloydb.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	missing := omissions{operation: "alloydb.projects.locations.clusters.list", of: schema.AlloyDBClusterType}
	list := api.Projects.Locations.Clusters.List(c.node + "/locations/-").PageSize(1000)
	err = list.Pages(ctx, func(page *alloydb.ListClustersResponse) error {
		for _, place := range page.Unreachable {
			missing.place(locationOf(place))
		}
		for _, cluster := range page.Clusters {
			emit(cluster.Name, collectors.In(locationOf(cluster.Name), newAlloyCluster(cluster)))
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("list clusters: %w", err)
	}
	return errors.Join(missing.err(), err)
}

// newAlloyCluster takes backups of which nothing is said for those the service makes by default.
func newAlloyCluster(cluster *alloydb.Cluster) *schema.AlloyDBCluster {
	out := &schema.AlloyDBCluster{
		Meta:        posture.Meta{Name: path.Base(cluster.Name), Tags: cluster.Labels, CreatedAt: timestamp(cluster.CreateTime)},
		ClusterType: cluster.ClusterType, State: cluster.State,
		ContinuousBackupEnabled: cluster.ContinuousBackupConfig == nil || cluster.ContinuousBackupConfig.Enabled,
		AutomatedBackupEnabled:  cluster.AutomatedBackupPolicy == nil || cluster.AutomatedBackupPolicy.Enabled,
	}
	if out.ContinuousBackupEnabled {
		out.ContinuousBackupDays = 14
		if own := cluster.ContinuousBackupConfig; own != nil && own.RecoveryWindowDays > 0 {
			out.ContinuousBackupDays = own.RecoveryWindowDays
		}
	}
	if cluster.EncryptionConfig != nil {
		out.KMSKeyName = cluster.EncryptionConfig.KmsKeyName
	}
	if in := cluster.EncryptionInfo; out.KMSKeyName == "" && in != nil && len(in.KmsKeyVersions) > 0 { // only keys of customers have any
		out.KMSKeyName, _, _ = strings.Cut(in.KmsKeyVersions[0], "/cryptoKeyVersions/")
	}
	return out
}

var alloyInstances = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.AlloyDBInstanceType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		{Name: "alloydb.projects.locations.clusters.instances.list", Permission: "alloydb.instances.list", Body: collectors.Store},
	},
	Collect: collectAlloyInstances,
}

func collectAlloyInstances(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := alloydb.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	missing := omissions{operation: "alloydb.projects.locations.clusters.instances.list", of: schema.AlloyDBInstanceType}
	list := api.Projects.Locations.Clusters.Instances.List(c.node + "/locations/-/clusters/-").PageSize(1000)
	err = list.Pages(ctx, func(page *alloydb.ListInstancesResponse) error {
		for _, place := range page.Unreachable {
			missing.place(locationOf(place))
		}
		for _, i := range page.Instances {
			emit(i.Name, collectors.In(locationOf(i.Name), newAlloyInstance(i)))
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("list instances: %w", err)
	}
	return errors.Join(missing.err(), err)
}

func newAlloyInstance(i *alloydb.Instance) *schema.AlloyDBInstance {
	cluster, _, _ := strings.Cut(i.Name, "/instances/")
	out := &schema.AlloyDBInstance{
		Meta:    posture.Meta{Name: path.Base(i.Name), Tags: i.Labels, CreatedAt: timestamp(i.CreateTime)},
		Cluster: cluster, InstanceType: i.InstanceType, AvailabilityType: i.AvailabilityType, Flags: i.DatabaseFlags,
		AuthorizedExternalNetworks: []string{},
	}
	if client := i.ClientConnectionConfig; client != nil {
		out.RequireConnectors = client.RequireConnectors
		if client.SslConfig != nil {
			out.SSLMode = client.SslConfig.SslMode
		}
	}
	if network := i.NetworkConfig; network != nil {
		out.PublicIPEnabled = network.EnablePublicIp
		for _, n := range network.AuthorizedExternalNetworks {
			out.AuthorizedExternalNetworks = append(out.AuthorizedExternalNetworks, n.CidrRange)
		}
	}
	return out
}

// locationOf finds the location in a name such as "projects/acme/locations/europe-west1/clusters/orders"; a name without any
// is one itself.
func locationOf(name string) string {
	if _, after, found := strings.Cut(name, "/locations/"); found {
		name = after
	}
	location, _, _ := strings.Cut(name, "/")
	return location
}
