package gcp

import (
	"context"
	"fmt"

	"google.golang.org/api/compute/v1"
	"google.golang.org/api/dataproc/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var dataprocClusters = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.DataprocClusterType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		{Name: "compute.regions.list", Permission: "compute.regions.list", Body: collectors.Store},
		// Metadata of machines and properties of software hold what people put there.
		{Name: "dataproc.projects.regions.clusters.list", Permission: "dataproc.clusters.list", Body: collectors.Redact("metadata", "properties")},
		searchResources,
	},
	Collect: collectDataprocClusters,
}

// collectDataprocClusters lists the clusters one region at a time. Dataproc lists no regions of its own: they are Compute
// Engine's.
func collectDataprocClusters(ctx context.Context, c *client, emit collectors.Emit) error {
	places, err := compute.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	api, err := dataproc.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	regions := func(add func(string)) error {
		return places.Regions.List(c.project).MaxResults(largestPage).Pages(ctx, func(page *compute.RegionList) error {
			for _, r := range page.Items {
				add(r.Name)
			}
			if code := warned(page.Warning); leavesOut(code) {
				return unreachable("compute.regions.list", code)
			}
			return nil
		})
	}
	return c.inEachLocation(ctx, schema.DataprocClusterType, clusterAsset, regions, func(region string) error {
		err := api.Projects.Regions.Clusters.List(c.project, region).PageSize(1000).Pages(ctx, func(page *dataproc.ListClustersResponse) error {
			for _, cluster := range page.Clusters {
				id := c.node + "/regions/" + region + "/clusters/" + cluster.ClusterName
				emit(id, collectors.In(region, newDataprocCluster(cluster)))
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("list clusters: %w", err)
		}
		return nil
	})
}

func newDataprocCluster(cluster *dataproc.Cluster) *schema.DataprocCluster {
	out := &schema.DataprocCluster{
		Meta: posture.Meta{Name: cluster.ClusterName, Tags: cluster.Labels}, Virtual: cluster.VirtualClusterConfig != nil,
	}
	config := cluster.Config
	if config == nil {
		return out
	}
	if e := config.EncryptionConfig; e != nil {
		out.DiskKMSKey, out.KMSKey = e.GcePdKmsKeyName, e.KmsKey
	}
	if g := config.GceClusterConfig; g != nil {
		out.InternalIPOnly, out.ServiceAccount = g.InternalIpOnly, g.ServiceAccount
	}
	if s := config.SecurityConfig; s != nil && s.KerberosConfig != nil {
		out.Kerberos = s.KerberosConfig.EnableKerberos
	}
	return out
}
