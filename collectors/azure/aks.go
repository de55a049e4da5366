package azure

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var kubernetesClusters = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.KubernetesClusterType},
	Operations: []collectors.Operation{
		{Name: "armcontainerservice.ManagedClustersClient.NewListPager", Permission: "Microsoft.ContainerService/managedClusters/read",
			Body: collectors.Redact("adminPassword", "secret", "serverAppSecret")},
		{Name: "armcontainerservice.ManagedClustersClient.ListKubernetesVersions", Permission: "Microsoft.ContainerService/locations/kubernetesversions/read", Body: collectors.Store},
	},
	Collect: collectKubernetesClusters,
}

// collectKubernetesClusters asks for the supported versions once in each region that has a cluster.
func collectKubernetesClusters(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armcontainerservice.NewManagedClustersClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	var clusters []*armcontainerservice.ManagedCluster
	err = pages(ctx, api.NewListPager(nil), func(page armcontainerservice.ManagedClustersClientListResponse) error {
		clusters = append(clusters, page.Value...)
		return nil
	})
	versionsIn := once(func(region string) (supported, error) { return readSupported(ctx, api, region) })
	_ = parallel(clusters, func(k *armcontainerservice.ManagedCluster) string { return idOf(k.ID) }, func(k *armcontainerservice.ManagedCluster) error {
		out := newKubernetesCluster(k)
		versions, err := versionsIn(text(k.Location))
		if err != nil {
			emit(idOf(k.ID), &out, collectors.Unread(fmt.Errorf("list Kubernetes versions: %w", err), "version_supported"))
			return nil
		}
		out.VersionSupported = slices.Contains(versions[minor(out.KubernetesVersion)], out.SupportPlan)
		emit(idOf(k.ID), &out)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list Kubernetes clusters: %w", err)
	}
	return nil
}

// supported are the support plans that each minor version still has in a region; previews have none.
type supported map[string][]string

func readSupported(ctx context.Context, api *armcontainerservice.ManagedClustersClient, region string) (supported, error) {
	answer, err := api.ListKubernetesVersions(ctx, region, nil)
	if err != nil {
		return nil, err
	}
	out := supported{}
	for _, v := range answer.Values {
		if !is(v.IsPreview) {
			out[text(v.Version)] = list(value(v.Capabilities).SupportPlan)
		}
	}
	return out, nil
}

// minor is "1.32" of "1.32.6".
func minor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

func newKubernetesCluster(k *armcontainerservice.ManagedCluster) schema.KubernetesCluster {
	p := value(k.Properties)
	server, entra, upgrades, security, network := value(p.APIServerAccessProfile), value(p.AADProfile), value(p.AutoUpgradeProfile), value(p.SecurityProfile), value(p.NetworkProfile)
	addon := func(name string) bool {
		for key, a := range p.AddonProfiles { // their case varies
			if strings.EqualFold(key, name) {
				return is(value(a).Enabled)
			}
		}
		return false
	}
	out := schema.KubernetesCluster{
		Resource: resource(k.ID, k.Name, k.Location, k.Tags), KubernetesVersion: cmp.Or(text(p.CurrentKubernetesVersion), text(p.KubernetesVersion)),
		SupportPlan: cmp.Or(text(p.SupportPlan), "KubernetesOfficial"), RBACEnabled: p.EnableRBAC == nil || *p.EnableRBAC, LocalAccountsDisabled: is(p.DisableLocalAccounts),
		EntraManaged: is(entra.Managed), AzureRBAC: is(entra.EnableAzureRBAC),
		PrivateCluster: is(server.EnablePrivateCluster), PublicNetworkAccess: cmp.Or(text(p.PublicNetworkAccess), "Enabled"), AuthorizedIPRanges: list(server.AuthorizedIPRanges),
		RunCommandDisabled: is(server.DisableRunCommand), NetworkPolicy: cmp.Or(text(network.NetworkPolicy), "none"), NetworkPlugin: text(network.NetworkPlugin),
		OutboundType: text(network.OutboundType), DiskEncryptionSetID: idOf(p.DiskEncryptionSetID), EncryptionAtHostAll: true, ZonesAllPools: true,
		AutoUpgradeChannel: cmp.Or(text(upgrades.UpgradeChannel), "none"), NodeOSUpgradeChannel: cmp.Or(text(upgrades.NodeOSUpgradeChannel), "NodeImage"),
		PolicyAddon: addon("azurepolicy"), ContainerInsights: addon("omsagent"), KeyVaultSecretsProvider: addon("azureKeyvaultSecretsProvider"),
		DefenderEnabled: is(value(value(security.Defender).SecurityMonitoring).Enabled), MonitorMetrics: is(value(value(p.AzureMonitorProfile).Metrics).Enabled),
		WorkloadIdentity: is(value(security.WorkloadIdentity).Enabled), KMSEnabled: is(value(security.AzureKeyVaultKms).Enabled), ImageCleaner: is(value(security.ImageCleaner).Enabled),
	}
	for _, pool := range p.AgentPoolProfiles {
		out.NodePublicIP = out.NodePublicIP || is(pool.EnableNodePublicIP)
		out.EncryptionAtHostAll = out.EncryptionAtHostAll && is(pool.EnableEncryptionAtHost)
		out.ZonesAllPools = out.ZonesAllPools && len(pool.AvailabilityZones) > 0
	}
	return out
}
