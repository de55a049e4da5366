package project

import (
	"google.golang.org/api/dataproc/v1"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Clusters, in the regions of Compute Engine.
var dataprocService = service{
	api: "dataproc.googleapis.com",
	kinds: []world.Kind{{
		Name: "gcp.dataproc_cluster", Sort: inProject, Count: 3,
		Defects: []world.Defect{{Name: "virtual", Share: 0.25}, {Name: "google-key", Share: 0.4, Drift: 0.2}, {Name: "public-addresses", Share: 0.4, Drift: 0.1},
			{Name: "no-kerberos", Share: 0.5}, {Name: "default-account", Share: 0.4}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			id := "projects/" + it.Account.ID + "/regions/" + it.Region + "/clusters/" + it.Name()
			return in(it.Region, "gcp.dataproc.cluster", id), map[string]posture.Result{
				"gcp-dataproc-cluster-cmek": unless(it.Has("virtual"), failIf(it.Has("google-key"))),
			}
		},
	}},
	handle: handleDataproc,
}

func handleDataproc(s *gcp.Server, w *states) {
	gcp.List(s, "dataproc.projects.regions.clusters.list", "clusters", func(c gcp.Call) (*dataproc.ListClustersResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &dataproc.ListClustersResponse{}
		for _, it := range state.In("gcp.dataproc_cluster", c.Params["region"]) {
			out.Clusters = append(out.Clusters, newDataprocCluster(state, it))
		}
		return out, nil
	})
}

func newDataprocCluster(state *world.State, it *world.Item) *dataproc.Cluster {
	cluster := &dataproc.Cluster{
		ProjectId: it.Account.ID, ClusterName: it.Name(), ClusterUuid: it.Hex(8, "uuid") + "-3f64-4c5a-9c1d-" + it.Hex(12, "node"),
		Labels: map[string]string{"goog-dataproc-location": it.Region, "team": "data"},
		Status: &dataproc.ClusterStatus{State: "RUNNING", StateStartTime: stamp(state.Long(it, 30))},
	}
	if it.Has("virtual") {
		cluster.VirtualClusterConfig = &dataproc.VirtualClusterConfig{StagingBucket: it.Account.ID + "-staging",
			KubernetesClusterConfig: &dataproc.KubernetesClusterConfig{KubernetesNamespace: "spark", GkeClusterConfig: &dataproc.GkeClusterConfig{
				GkeClusterTarget: "projects/" + it.Account.ID + "/locations/" + it.Region + "/clusters/main"}}}
		return cluster
	}
	cluster.Config = &dataproc.ClusterConfig{
		ConfigBucket: it.Account.ID + "-dataproc", EncryptionConfig: &dataproc.EncryptionConfig{},
		GceClusterConfig: &dataproc.GceClusterConfig{InternalIpOnly: !it.Has("public-addresses"), SubnetworkUri: "projects/" + it.Account.ID + "/regions/" + it.Region + "/subnetworks/main",
			ServiceAccount: "spark@" + it.Account.ID + ".iam.gserviceaccount.com", Metadata: map[string]string{"enable-oslogin": "true"}},
		MasterConfig:   &dataproc.InstanceGroupConfig{NumInstances: 1, InstanceNames: []string{it.Name() + "-m"}},
		WorkerConfig:   &dataproc.InstanceGroupConfig{NumInstances: 2, InstanceNames: []string{it.Name() + "-w-0", it.Name() + "-w-1"}},
		SoftwareConfig: &dataproc.SoftwareConfig{ImageVersion: "2.2.71-debian12", Properties: map[string]string{"spark:spark.executor.cores": "2"}},
	}
	if !it.Has("google-key") {
		key := "projects/" + it.Account.ID + "/locations/" + it.Region + "/keyRings/data/cryptoKeys/clusters"
		switch it.Pick(3, "key") {
		case 0:
			cluster.Config.EncryptionConfig.GcePdKmsKeyName = key
		case 1:
			cluster.Config.EncryptionConfig.KmsKey = key
		default:
			cluster.Config.EncryptionConfig.GcePdKmsKeyName, cluster.Config.EncryptionConfig.KmsKey = key, key
		}
	}
	if it.Has("default-account") {
		cluster.Config.GceClusterConfig.ServiceAccount = ""
	}
	if !it.Has("no-kerberos") {
		cluster.Config.SecurityConfig = &dataproc.SecurityConfig{KerberosConfig: &dataproc.KerberosConfig{EnableKerberos: true, Realm: "ACME.EXAMPLE"}}
	}
	return cluster
}
