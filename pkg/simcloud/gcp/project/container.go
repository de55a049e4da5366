package project

import (
	"slices"
	"strconv"

	"google.golang.org/api/container/v1"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// clusterCount is how many clusters there are in a region: the first in the region as a whole, the other in one zone. Node pools
// go to them by turns.
const clusterCount = 2

var containerService = service{
	api: "container.googleapis.com",
	kinds: []world.Kind{
		{
			Name: "gcp.cluster", Sort: inProject, Count: clusterCount,
			Defects: []world.Defect{
				{Name: "autopilot", Share: 0.2}, {Name: "no-channel", Share: 0.2}, {Name: "public-nodes", Share: 0.3},
				{Name: "public-endpoint", Share: 0.6}, {Name: "unrestricted", Share: 0.3}, {Name: "any-network", Share: 0.2, Drift: 0.3},
				{Name: "abac", Share: 0.1}, {Name: "password", Share: 0.1}, {Name: "certificate", Share: 0.1, Drift: 0.1},
				{Name: "no-workload-pool", Share: 0.2}, {Name: "decrypted", Share: 0.4}, {Name: "no-policy", Share: 0.4},
				{Name: "unchecked", Share: 0.4},
				{Name: "no-system-logs", Share: 0.1}, {Name: "no-workload-logs", Share: 0.1, Drift: 0.2}, {Name: "no-metrics", Share: 0.1},
				{Name: "no-logs", Share: 0.1},
			},
			Expect: expectCluster,
		},
		{
			Name: "gcp.node-pool", Sort: inProject, Count: 2 * clusterCount,
			Defects: []world.Defect{
				{Name: "public", Share: 0.2, Drift: 0.1}, {Name: "node-metadata", Share: 0.2}, {Name: "no-upgrade", Share: 0.2},
				{Name: "no-repair", Share: 0.2}, {Name: "default-account", Share: 0.4}, {Name: "ubuntu", Share: 0.2}, {Name: "unwatched", Share: 0.2},
				{Name: "old-endpoints", Share: 0.2, Drift: 0.2},
			},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				cluster := clusterOf(s, it)
				if cluster == nil {
					return posture.Key{}, nil
				}
				autopilot := cluster.Has("autopilot")
				left := it.Has("no-upgrade") || it.Has("no-repair") || cluster.Has("no-channel")
				soft := it.Has("ubuntu") || it.Has("unwatched") || it.Has("old-endpoints")
				return in(clusterPlace(cluster), "gcp.container.node_pool", clusterName(cluster)+"/nodePools/"+it.Name()), map[string]posture.Result{
					"gcp-gke-auto-upgraded":                       failIf(left && !autopilot),
					"gcp-gke-node-pool-hardened":                  failIf(soft && !autopilot),
					"gcp-gke-node-pool-dedicated-service-account": failIf(it.Has("default-account")),
				}
			},
		},
	},
	handle: func(s *gcp.Server, w *states) {
		gcp.Handle(s, "container.projects.locations.clusters.list", func(c gcp.Call) (*container.ListClustersResponse, error) {
			state, err := w.at(c)
			if err != nil {
				return nil, err
			}
			out := &container.ListClustersResponse{}
			for _, it := range state.Items("gcp.cluster") {
				if place := c.Params["locationsId"]; place == "-" || place == clusterPlace(it) {
					out.Clusters = append(out.Clusters, newCluster(state, it))
				}
			}
			return out, nil
		})
	},
}

func expectCluster(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
	some := func(defect string) bool {
		return slices.ContainsFunc(poolsOf(s, it), func(pool *world.Item) bool { return pool.Has(defect) })
	}
	allowsAll := s.Items("gcp.binary-authorization")[0].Has("allow-all")
	return in(clusterPlace(it), "gcp.container.cluster", clusterName(it)), map[string]posture.Result{
		"gcp-gke-private-nodes":            failIf(it.Has("public-nodes") || some("public")),
		"gcp-gke-control-plane-restricted": failIf(it.Has("public-endpoint") && (it.Has("unrestricted") || it.Has("any-network"))),
		"gcp-gke-legacy-auth-disabled":     failIf(it.Has("abac") || it.Has("password") || it.Has("certificate")),
		"gcp-gke-workload-identity":        failIf(!it.Has("autopilot") && (it.Has("no-workload-pool") || some("node-metadata"))),
		"gcp-gke-secrets-encrypted":        failIf(it.Has("decrypted")),
		"gcp-gke-network-policy":           failIf(!it.Has("autopilot") && it.Has("no-policy")),
		"gcp-gke-logging-and-monitoring":   failIf(it.Has("no-system-logs") || it.Has("no-workload-logs") || it.Has("no-metrics") || it.Has("no-logs")),
		"gcp-gke-binary-authorization":     failIf(it.Has("unchecked") || allowsAll),
	}
}

func clusterPlace(it *world.Item) string {
	if it.Index == 0 {
		return it.Region
	}
	return it.Region + "-b"
}

func clusterName(it *world.Item) string {
	return "projects/" + it.Account.ID + "/locations/" + clusterPlace(it) + "/clusters/" + it.Name()
}

func clusterOf(s *world.State, pool *world.Item) *world.Item {
	return s.Find("gcp.cluster", pool.Region, pool.Index%clusterCount)
}

func poolsOf(s *world.State, cluster *world.Item) []*world.Item {
	return slices.DeleteFunc(slices.Clone(s.In("gcp.node-pool", cluster.Region)),
		func(pool *world.Item) bool { return pool.Index%clusterCount != cluster.Index })
}

func newCluster(state *world.State, it *world.Item) *container.Cluster {
	account := it.Account.ID
	pick := func(choices ...string) string { return choices[it.Pick(len(choices), choices[0])] }
	out := &container.Cluster{
		Id: it.Hex(64, "id"), Name: it.Name(), Location: clusterPlace(it), SelfLink: "https://container.googleapis.com/v1/" + clusterName(it),
		Status: pick("RUNNING", "RECONCILING"), CreateTime: stamp(state.Long(it, 90)), ResourceLabels: map[string]string{"team": "shop"},
		CurrentMasterVersion: pick("1.34.1-gke.1829001", "1.33.5-gke.1201000"), EnableKubernetesAlpha: it.Pick(4, "alpha") == 0,
		Network: "main", Subnetwork: "main",
		NetworkConfig: &container.NetworkConfig{
			Network: "projects/" + account + "/global/networks/main", EnableIntraNodeVisibility: it.Pick(2, "intranode") == 0,
		},
		Autopilot: &container.Autopilot{Enabled: it.Has("autopilot")}, ReleaseChannel: &container.ReleaseChannel{Channel: pick("REGULAR", "STABLE")},
		MasterAuth: &container.MasterAuth{
			ClusterCaCertificate:    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
			ClientCertificateConfig: &container.ClientCertificateConfig{IssueClientCertificate: it.Has("certificate")},
		},
		LegacyAbac: &container.LegacyAbac{Enabled: it.Has("abac")}, ShieldedNodes: &container.ShieldedNodes{Enabled: it.Pick(3, "shielded") > 0},
		LoggingService: "logging.googleapis.com/kubernetes", MonitoringService: "monitoring.googleapis.com/kubernetes",
		LoggingConfig:      &container.LoggingConfig{ComponentConfig: &container.LoggingComponentConfig{}},
		MonitoringConfig:   &container.MonitoringConfig{ComponentConfig: &container.MonitoringComponentConfig{}},
		DatabaseEncryption: &container.DatabaseEncryption{State: "DECRYPTED"}, BinaryAuthorization: &container.BinaryAuthorization{},
		SecurityPostureConfig: &container.SecurityPostureConfig{Mode: pick("DISABLED", "BASIC")},
	}
	if it.Has("no-channel") {
		out.ReleaseChannel.Channel = "UNSPECIFIED"
	}
	if it.Has("password") {
		out.MasterAuth.Username, out.MasterAuth.Password = "admin", Planted
	}
	if it.Has("certificate") {
		out.MasterAuth.ClientCertificate, out.MasterAuth.ClientKey = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t", Planted
	}
	if !it.Has("no-workload-pool") {
		out.WorkloadIdentityConfig = &container.WorkloadIdentityConfig{WorkloadPool: account + ".svc.id.goog"}
	}
	if !it.Has("decrypted") {
		out.DatabaseEncryption.State = []string{"ENCRYPTED", "ALL_OBJECTS_ENCRYPTION_ENABLED"}[it.Pick(2, "encryption")]
		out.DatabaseEncryption.KeyName = "projects/" + account + "/locations/" + it.Region + "/keyRings/data/cryptoKeys/clusters"
	}
	if !it.Has("no-policy") {
		if it.Pick(2, "dataplane") == 0 {
			out.NetworkConfig.DatapathProvider = "ADVANCED_DATAPATH"
		} else {
			out.NetworkPolicy = &container.NetworkPolicy{Enabled: true, Provider: "CALICO"}
		}
	}
	if it.Pick(2, "groups") == 0 {
		out.AuthenticatorGroupsConfig = &container.AuthenticatorGroupsConfig{Enabled: true, SecurityGroup: "gke-security-groups@" + domain}
	}
	logs, metrics := &out.LoggingConfig.ComponentConfig.EnableComponents, &out.MonitoringConfig.ComponentConfig.EnableComponents
	if !it.Has("no-system-logs") {
		*logs = append(*logs, "SYSTEM_COMPONENTS")
	}
	if !it.Has("no-workload-logs") {
		*logs = append(*logs, "WORKLOADS")
	}
	if !it.Has("no-metrics") {
		*metrics = append(*metrics, "SYSTEM_COMPONENTS")
	}
	if it.Has("no-logs") {
		out.LoggingService = "none"
	}
	switch {
	case it.Has("unchecked"):
		out.BinaryAuthorization.EvaluationMode = []string{"DISABLED", "EVALUATION_MODE_UNSPECIFIED", ""}[it.Pick(3, "mode")]
	case it.Pick(3, "earlier") == 0:
		out.BinaryAuthorization.Enabled = true
	default:
		out.BinaryAuthorization.EvaluationMode = "PROJECT_SINGLETON_POLICY_ENFORCE"
	}
	controlPlane(it, out)
	for _, pool := range poolsOf(state, it) {
		out.NodePools = append(out.NodePools, newNodePool(pool))
	}
	return out
}

// controlPlane says who reaches the API server, and which addresses nodes get, in the settings of today or those of earlier years.
func controlPlane(it *world.Item, out *container.Cluster) {
	allowed := &container.MasterAuthorizedNetworksConfig{
		Enabled: !it.Has("unrestricted"), CidrBlocks: []*container.CidrBlock{{DisplayName: "office", CidrBlock: "192.0.2.0/24"}},
	}
	if it.Has("any-network") {
		allowed.CidrBlocks = append(allowed.CidrBlocks, &container.CidrBlock{CidrBlock: []string{"0.0.0.0/0", "::/0"}[it.Pick(2, "any")]})
	}
	if it.Pick(2, "settings") == 0 {
		out.PrivateClusterConfig = &container.PrivateClusterConfig{
			EnablePrivateNodes: !it.Has("public-nodes"), EnablePrivateEndpoint: !it.Has("public-endpoint"),
		}
		out.MasterAuthorizedNetworksConfig = allowed
		return
	}
	out.NetworkConfig.DefaultEnablePrivateNodes = !it.Has("public-nodes")
	out.ControlPlaneEndpointsConfig = &container.ControlPlaneEndpointsConfig{
		DnsEndpointConfig: &container.DNSEndpointConfig{
			Endpoint: "gke-" + it.Hex(12, "dns") + "." + it.Region + ".gke.goog", AllowExternalTraffic: it.Pick(2, "dns") == 0,
		},
		IpEndpointsConfig: &container.IPEndpointsConfig{
			Enabled: it.Has("public-endpoint") || it.Pick(2, "ip") == 0, EnablePublicEndpoint: it.Has("public-endpoint"), AuthorizedNetworksConfig: allowed,
		},
	}
}

func newNodePool(it *world.Item) *container.NodePool {
	config := &container.NodeConfig{
		MachineType: "n2d-standard-4", DiskSizeGb: 100, ImageType: "COS_CONTAINERD",
		ServiceAccount: "nodes@" + it.Account.ID + ".iam.gserviceaccount.com",
		OauthScopes:    []string{"https://www.googleapis.com/auth/cloud-platform"}, ResourceLabels: map[string]string{"team": "shop"},
		Metadata: map[string]string{"app-token": Planted},
		ShieldedInstanceConfig: &container.ShieldedInstanceConfig{
			EnableIntegrityMonitoring: !it.Has("unwatched"), EnableSecureBoot: it.Pick(2, "boot") == 0,
		},
		LinuxNodeConfig: &container.LinuxNodeConfig{CustomNodeInit: &container.CustomNodeInit{
			InitScript: &container.InitScript{GcsUri: "gs://acme-init/start.sh", Args: []string{"--key", Planted}},
		}},
	}
	if it.Has("ubuntu") {
		config.ImageType = "UBUNTU_CONTAINERD"
	}
	if it.Has("default-account") {
		config.ServiceAccount = []string{"default", "", Number(it.Account.ID) + "-compute@developer.gserviceaccount.com"}[it.Pick(3, "account")]
	}
	if it.Has("old-endpoints") {
		config.Metadata["disable-legacy-endpoints"] = "false"
	} else if it.Pick(3, "endpoints") > 0 {
		config.Metadata["disable-legacy-endpoints"] = "true"
	}
	switch {
	case !it.Has("node-metadata"):
		config.WorkloadMetadataConfig = &container.WorkloadMetadataConfig{Mode: "GKE_METADATA"}
	case it.Pick(2, "mode") == 0:
		config.WorkloadMetadataConfig = &container.WorkloadMetadataConfig{Mode: "GCE_METADATA"}
	}
	if it.Pick(2, "key") == 0 {
		config.BootDiskKmsKey = "projects/" + it.Account.ID + "/locations/" + it.Region + "/keyRings/data/cryptoKeys/nodes"
	}
	out := &container.NodePool{
		Name: it.Name(), Status: "RUNNING", Version: "1.34.1-gke.1829001", InitialNodeCount: 1 + int64(it.Pick(3, "nodes")), Config: config,
		Management:    &container.NodeManagement{AutoUpgrade: !it.Has("no-upgrade"), AutoRepair: !it.Has("no-repair")},
		NetworkConfig: &container.NodeNetworkConfig{PodRange: "pods-" + strconv.Itoa(it.Index)},
	}
	switch {
	case it.Has("public"): // said aloud, where most leave it to the cluster
		out.NetworkConfig.ForceSendFields = []string{"EnablePrivateNodes"}
	case it.Pick(2, "private") == 0:
		out.NetworkConfig.EnablePrivateNodes = true
	}
	return out
}
