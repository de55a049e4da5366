package project

import (
	"google.golang.org/api/alloydb/v1"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var alloyService = service{
	api: "alloydb.googleapis.com",
	kinds: []world.Kind{
		{
			Name: "gcp.alloydb.cluster", Sort: inProject, Count: 3,
			Defects: []world.Defect{{Name: "secondary", Share: 0.2}, {Name: "stopped", Share: 0.15}, {Name: "google-key", Share: 0.4, Drift: 0.1},
				{Name: "no-continuous-backups", Share: 0.4, Drift: 0.1}, {Name: "no-scheduled-backups", Share: 0.5, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return in(it.Region, "gcp.alloydb.cluster", alloyCluster(it)), map[string]posture.Result{
					"gcp-alloydb-cluster-cmek": failIf(it.Has("google-key")),
					"gcp-alloydb-cluster-backed-up": unless(it.Has("secondary") || it.Has("stopped"),
						failIf(it.Has("no-continuous-backups") && it.Has("no-scheduled-backups"))),
				}
			},
		},
		{
			Name: "gcp.alloydb.instance", Sort: inProject, Count: 4,
			Defects: []world.Defect{{Name: "errors-drowned", Share: 0.3, Drift: 0.1}, {Name: "plain-connections", Share: 0.2, Drift: 0.1},
				{Name: "public-address", Share: 0.4, Drift: 0.1}, {Name: "open-network", Share: 0.4, Drift: 0.1}},
			Expect: func(state *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return in(it.Region, "gcp.alloydb.instance", alloyInstance(state, it)), map[string]posture.Result{
					"gcp-alloydb-log-errors":           failIf(it.Has("errors-drowned")),
					"gcp-alloydb-instance-tls-private": failIf(it.Has("plain-connections") || it.Has("public-address") && it.Has("open-network")),
				}
			},
		},
	},
	handle: handleAlloy,
}

func alloyCluster(it *world.Item) string {
	return "projects/" + it.Account.ID + "/locations/" + it.Region + "/clusters/" + it.Name()
}

// alloyInstance names an instance of the region's first cluster, which is always there.
func alloyInstance(state *world.State, it *world.Item) string {
	return alloyCluster(state.Find("gcp.alloydb.cluster", it.Region, 0)) + "/instances/" + it.Name()
}

func handleAlloy(s *gcp.Server, w *states) {
	gcp.List(s, "alloydb.projects.locations.clusters.list", "clusters", func(c gcp.Call) (*alloydb.ListClustersResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &alloydb.ListClustersResponse{}
		for _, it := range state.Items("gcp.alloydb.cluster") {
			out.Clusters = append(out.Clusters, describedCluster(state, it))
		}
		return out, nil
	})
	gcp.List(s, "alloydb.projects.locations.clusters.instances.list", "instances", func(c gcp.Call) (*alloydb.ListInstancesResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &alloydb.ListInstancesResponse{}
		for _, it := range state.Items("gcp.alloydb.instance") {
			out.Instances = append(out.Instances, describedInstance(state, it))
		}
		return out, nil
	})
}

func describedCluster(state *world.State, it *world.Item) *alloydb.Cluster {
	network := "projects/" + it.Account.ID + "/global/networks/main"
	c := &alloydb.Cluster{
		Name: alloyCluster(it), Uid: it.Hex(32, "uid"), DisplayName: it.Name(), CreateTime: stamp(state.Long(it, 60)), State: "READY",
		ClusterType: "PRIMARY", DatabaseVersion: "POSTGRES_17", SubscriptionType: "STANDARD", Labels: map[string]string{"team": "data"},
		Network: network, NetworkConfig: &alloydb.NetworkConfig{Network: network},
		EncryptionInfo:         &alloydb.EncryptionInfo{EncryptionType: "GOOGLE_DEFAULT_ENCRYPTION"},
		AutomatedBackupPolicy:  &alloydb.AutomatedBackupPolicy{Enabled: !it.Has("no-scheduled-backups"), BackupWindow: "3600s", Location: it.Region},
		ContinuousBackupConfig: &alloydb.ContinuousBackupConfig{},
	}
	if it.Has("secondary") {
		c.ClusterType = "SECONDARY"
	}
	if it.Has("stopped") {
		c.State = "STOPPED"
	}
	if !it.Has("google-key") {
		key := "projects/" + it.Account.ID + "/locations/" + it.Region + "/keyRings/data/cryptoKeys/databases"
		c.EncryptionInfo.EncryptionType, c.EncryptionInfo.KmsKeyVersions = "CUSTOMER_MANAGED_ENCRYPTION", []string{key + "/cryptoKeyVersions/1"}
		if it.Pick(2, "key") == 0 { // restored clusters tell the version alone
			c.EncryptionConfig = &alloydb.EncryptionConfig{KmsKeyName: key}
		}
	}
	switch {
	case it.Has("no-continuous-backups"):
	case it.Pick(3, "backups") == 0: // nothing is said of the service's default
		c.ContinuousBackupConfig = nil
	default:
		c.ContinuousBackupConfig = &alloydb.ContinuousBackupConfig{Enabled: true, RecoveryWindowDays: int64(14 + it.Pick(20, "window"))}
	}
	return c
}

func describedInstance(state *world.State, it *world.Item) *alloydb.Instance {
	i := &alloydb.Instance{
		Name: alloyInstance(state, it), Uid: it.Hex(32, "uid"), DisplayName: it.Name(), CreateTime: stamp(state.Long(it, 60)), State: "READY",
		InstanceType: "PRIMARY", AvailabilityType: []string{"REGIONAL", "ZONAL"}[it.Pick(2, "zones")], Labels: map[string]string{"team": "data"},
		IpAddress: "10.30.0.7", MachineConfig: &alloydb.MachineConfig{CpuCount: 4}, DatabaseFlags: map[string]string{"log_min_messages": "warning"},
		NetworkConfig: &alloydb.InstanceNetworkConfig{EnablePublicIp: it.Has("public-address"),
			AuthorizedExternalNetworks: []*alloydb.AuthorizedNetwork{{CidrRange: "192.0.2.0/24"}}},
		ClientConnectionConfig: &alloydb.ClientConnectionConfig{
			RequireConnectors: it.Pick(2, "connectors") == 0, SslConfig: &alloydb.SslConfig{SslMode: "ENCRYPTED_ONLY"}},
	}
	if it.Index > 0 {
		i.InstanceType, i.AvailabilityType, i.ReadPoolConfig = "READ_POOL", "", &alloydb.ReadPoolConfig{NodeCount: 2}
	}
	if it.Has("errors-drowned") {
		i.DatabaseFlags = map[string]string{"log_error_verbosity": "verbose"}
	}
	if it.Has("public-address") {
		i.PublicIpAddress = "203.0.113.30"
	}
	if it.Has("open-network") {
		i.NetworkConfig.AuthorizedExternalNetworks[0].CidrRange = "0.0.0.0/0"
	}
	switch {
	case it.Has("plain-connections"):
		i.ClientConnectionConfig.SslConfig.SslMode = "ALLOW_UNENCRYPTED_AND_ENCRYPTED"
	case it.Pick(3, "tls") == 0:
		i.ClientConnectionConfig = nil
	}
	return i
}
