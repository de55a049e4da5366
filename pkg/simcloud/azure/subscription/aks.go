package subscription

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var aksService = service{
	providers: []string{"Microsoft.ContainerService"},
	kinds: []world.Kind{{
		Name: "azure.aks", Sort: inSubscription, Global: true, Count: 4,
		Defects: []world.Defect{{Name: "public", Share: 0.5, Drift: 0.1}, {Name: "ranges", Share: 0.5}, {Name: "whole-range", Share: 0.3}, {Name: "public-off", Share: 0.2},
			{Name: "node-address", Share: 0.3}, {Name: "no-rbac", Share: 0.2}, {Name: "no-entra", Share: 0.2}, {Name: "local-accounts", Share: 0.4, Drift: 0.1}, {Name: "no-policy", Share: 0.3},
			{Name: "no-addon", Share: 0.3}, {Name: "no-defender", Share: 0.4}, {Name: "no-insights", Share: 0.4}, {Name: "no-metrics", Share: 0.4}, {Name: "old-version", Share: 0.4, Drift: 0.1},
			{Name: "long-term", Share: 0.5}, {Name: "preview-version", Share: 0.1}, {Name: "no-upgrades", Share: 0.2}, {Name: "node-os-by-hand", Share: 0.2}, {Name: "platform-key", Share: 0.4},
			{Name: "host-in-clear", Share: 0.3}, {Name: "no-kms", Share: 0.5}, {Name: "no-secrets-provider", Share: 0.4}, {Name: "no-workload-identity", Share: 0.3}, {Name: "one-zone", Share: 0.3}},
		Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			open := it.Has("public") && !it.Has("public-off") && (!it.Has("ranges") || it.Has("whole-range"))
			unsupported := it.Has("preview-version") || it.Has("old-version") && !it.Has("long-term")
			return keyOf("azure.aks.cluster", clusterID(it)), map[string]posture.Result{
				"azure-aks-cluster-private-api":       failIf(open),
				"azure-aks-cluster-private-nodes":     failIf(it.Has("node-address")),
				"azure-aks-cluster-rbac":              failIf(it.Has("no-rbac") || it.Has("no-entra") || it.Has("local-accounts")),
				"azure-aks-cluster-network-policy":    failIf(it.Has("no-policy")),
				"azure-aks-cluster-policy-addon":      failIf(it.Has("no-addon")),
				"azure-aks-cluster-defender":          failIf(it.Has("no-defender")),
				"azure-aks-cluster-monitoring":        failIf(it.Has("no-insights") && it.Has("no-metrics") || !logsOrAudits(s, clusterID(it))),
				"azure-aks-cluster-version-supported": failIf(unsupported || it.Has("no-upgrades") || it.Has("node-os-by-hand")),
				"azure-aks-cluster-disk-encryption":   failIf(it.Has("platform-key") || it.Has("host-in-clear")),
				"azure-aks-cluster-secrets-encrypted": failIf(it.Has("no-kms") && (it.Has("no-secrets-provider") || it.Has("no-workload-identity"))),
			}
		},
	}},
	handle: handleAKS,
}

func clusterID(it *world.Item) string {
	return idOf(it, "Microsoft.ContainerService/managedClusters", "aks-"+it.Name())
}

func handleAKS(s *azure.Server, w *states) {
	azure.List(s, "armcontainerservice.ManagedClustersClient.NewListPager", func(c azure.Call) (*armcontainerservice.ManagedClusterListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armcontainerservice.ManagedClusterListResult{}
		for _, it := range state.Items("azure.aks") {
			out.Value = append(out.Value, cluster(it))
		}
		return out, nil
	})
	azure.Handle(s, "armcontainerservice.ManagedClustersClient.ListKubernetesVersions", func(c azure.Call) (*armcontainerservice.KubernetesVersionListResult, error) {
		official, longTerm := to.Ptr(armcontainerservice.KubernetesSupportPlanKubernetesOfficial), to.Ptr(armcontainerservice.KubernetesSupportPlanAKSLongTermSupport)
		version := func(minor, patch string, preview bool, plans ...*armcontainerservice.KubernetesSupportPlan) *armcontainerservice.KubernetesVersion {
			return &armcontainerservice.KubernetesVersion{
				Version: &minor, IsPreview: &preview, Capabilities: &armcontainerservice.KubernetesVersionCapabilities{SupportPlan: plans},
				PatchVersions: map[string]*armcontainerservice.KubernetesPatchVersion{minor + "." + patch: {}},
			}
		}
		return &armcontainerservice.KubernetesVersionListResult{Values: []*armcontainerservice.KubernetesVersion{
			version("1.30", "14", false, longTerm), version("1.33", "5", false, official, longTerm), version("1.34", "1", false, official, longTerm), version("1.35", "0", true, official),
		}}, nil
	})
}

func cluster(it *world.Item) *armcontainerservice.ManagedCluster {
	key := to.Ptr(idOf(it, "Microsoft.Compute/diskEncryptionSets", "des"))
	if it.Has("platform-key") {
		key = nil
	}
	version, plan := "1.34.1", armcontainerservice.KubernetesSupportPlanKubernetesOfficial
	if it.Has("old-version") {
		version = "1.30.14"
	}
	if it.Has("preview-version") {
		version = "1.35.0"
	}
	if it.Has("long-term") {
		plan = armcontainerservice.KubernetesSupportPlanAKSLongTermSupport
	}
	p := &armcontainerservice.ManagedClusterProperties{
		KubernetesVersion: to.Ptr("1.30"), CurrentKubernetesVersion: &version, SupportPlan: &plan, DNSPrefix: to.Ptr("aks-" + it.Name()), DiskEncryptionSetID: key,
		DisableLocalAccounts: to.Ptr(!it.Has("local-accounts")), PublicNetworkAccess: to.Ptr(armcontainerservice.PublicNetworkAccessEnabled),
		APIServerAccessProfile: &armcontainerservice.ManagedClusterAPIServerAccessProfile{EnablePrivateCluster: to.Ptr(!it.Has("public")), DisableRunCommand: to.Ptr(it.Index == 0)},
		AADProfile:             &armcontainerservice.ManagedClusterAADProfile{Managed: to.Ptr(true), EnableAzureRBAC: to.Ptr(true)},
		NetworkProfile: &armcontainerservice.NetworkProfile{
			NetworkPlugin: to.Ptr(armcontainerservice.NetworkPluginAzure), OutboundType: to.Ptr(armcontainerservice.OutboundTypeUserDefinedRouting),
			NetworkPolicy: []*armcontainerservice.NetworkPolicy{
				to.Ptr(armcontainerservice.NetworkPolicyCilium), to.Ptr(armcontainerservice.NetworkPolicyCalico), to.Ptr(armcontainerservice.NetworkPolicyAzure),
			}[it.Pick(3, "policy")],
		},
		AutoUpgradeProfile: &armcontainerservice.ManagedClusterAutoUpgradeProfile{UpgradeChannel: []*armcontainerservice.UpgradeChannel{
			to.Ptr(armcontainerservice.UpgradeChannelStable), to.Ptr(armcontainerservice.UpgradeChannelPatch),
		}[it.Pick(2, "channel")]},
		AddonProfiles: map[string]*armcontainerservice.ManagedClusterAddonProfile{
			"azurepolicy": {Enabled: to.Ptr(!it.Has("no-addon"))}, "azureKeyvaultSecretsProvider": {Enabled: to.Ptr(!it.Has("no-secrets-provider"))},
			"omsAgent": {Enabled: to.Ptr(!it.Has("no-insights")), Config: map[string]*string{"logAnalyticsWorkspaceResourceID": to.Ptr(idOf(it, "Microsoft.OperationalInsights/workspaces", "log-app"))}},
		},
		AzureMonitorProfile: &armcontainerservice.ManagedClusterAzureMonitorProfile{Metrics: &armcontainerservice.ManagedClusterAzureMonitorProfileMetrics{Enabled: to.Ptr(!it.Has("no-metrics"))}},
		SecurityProfile: &armcontainerservice.ManagedClusterSecurityProfile{
			Defender: &armcontainerservice.ManagedClusterSecurityProfileDefender{
				SecurityMonitoring: &armcontainerservice.ManagedClusterSecurityProfileDefenderSecurityMonitoring{Enabled: to.Ptr(!it.Has("no-defender"))},
			},
			WorkloadIdentity: &armcontainerservice.ManagedClusterSecurityProfileWorkloadIdentity{Enabled: to.Ptr(!it.Has("no-workload-identity"))},
			ImageCleaner:     &armcontainerservice.ManagedClusterSecurityProfileImageCleaner{Enabled: to.Ptr(it.Index%2 == 0), IntervalHours: to.Ptr[int32](168)},
		},
		AgentPoolProfiles: []*armcontainerservice.ManagedClusterAgentPoolProfile{pool(it, "system", "1", "2", "3"), pool(it, "apps", "1", "2", "3")},
	}
	if it.Has("ranges") {
		p.APIServerAccessProfile.AuthorizedIPRanges = []*string{to.Ptr("203.0.113.0/24")}
		if it.Has("whole-range") {
			p.APIServerAccessProfile.AuthorizedIPRanges = append(p.APIServerAccessProfile.AuthorizedIPRanges, to.Ptr("0.0.0.0/0"))
		}
	}
	if it.Has("public-off") {
		p.PublicNetworkAccess = to.Ptr(armcontainerservice.PublicNetworkAccessDisabled)
	}
	if it.Has("no-rbac") {
		p.EnableRBAC = to.Ptr(false)
	}
	if it.Has("no-entra") {
		p.AADProfile = nil
	}
	if it.Has("no-policy") {
		p.NetworkProfile.NetworkPolicy = nil
	}
	if it.Has("no-upgrades") {
		p.AutoUpgradeProfile.UpgradeChannel = nil
	}
	if it.Has("node-os-by-hand") {
		p.AutoUpgradeProfile.NodeOSUpgradeChannel = to.Ptr(armcontainerservice.NodeOSUpgradeChannelUnmanaged)
	}
	if !it.Has("no-kms") {
		p.SecurityProfile.AzureKeyVaultKms = &armcontainerservice.AzureKeyVaultKms{Enabled: to.Ptr(true), KeyID: to.Ptr("https://kv-app.vault.azure.net/keys/etcd")}
	}
	last := p.AgentPoolProfiles[1]
	last.EnableNodePublicIP, last.EnableEncryptionAtHost = to.Ptr(it.Has("node-address")), to.Ptr(!it.Has("host-in-clear"))
	if it.Has("one-zone") {
		last.AvailabilityZones = nil
	}
	return &armcontainerservice.ManagedCluster{
		ID: to.Ptr(clusterID(it)), Name: to.Ptr("aks-" + it.Name()), Type: to.Ptr("Microsoft.ContainerService/ManagedClusters"), Location: to.Ptr(it.Account.Home()),
		Tags: labels("team", "app"), Properties: p,
	}
}

func pool(it *world.Item, name string, zones ...string) *armcontainerservice.ManagedClusterAgentPoolProfile {
	out := &armcontainerservice.ManagedClusterAgentPoolProfile{
		Name: &name, Count: to.Ptr(int32(2 + it.Index)), VMSize: to.Ptr("Standard_D4s_v5"), EnableEncryptionAtHost: to.Ptr(true), EnableNodePublicIP: to.Ptr(false),
	}
	for _, z := range zones {
		out.AvailabilityZones = append(out.AvailabilityZones, &z)
	}
	return out
}
