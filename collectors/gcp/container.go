package gcp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/api/container/v1"
	"google.golang.org/api/googleapi"
	htransport "google.golang.org/api/transport/http"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

const listClusters = "container.projects.locations.clusters.list"

var clusters = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ClusterType, schema.NodePoolType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{{
		Name: listClusters, Permission: "container.clusters.list",
		Body: collectors.Redact("password", "clientKey", "metadata", "args"), // of basic authentication, a certificate, nodes, their start scripts
	}},
	Collect: collectClusters,
}

// clusterList is the answer with what the SDK's own struct cannot hold: whether a node pool says no or nothing.
type clusterList struct {
	Clusters []struct {
		container.Cluster
		NodePools []nodePool `json:"nodePools"`
	} `json:"clusters"`
	MissingZones []string `json:"missingZones"`
}

type nodePool struct {
	container.NodePool
	NetworkConfig struct {
		EnablePrivateNodes *bool `json:"enablePrivateNodes"` // nil: as the cluster
	} `json:"networkConfig"`
}

func collectClusters(ctx context.Context, c *client, emit collectors.Emit) error {
	list, err := readClusters(ctx, c)
	if err != nil {
		return fmt.Errorf("list clusters: %w", err)
	}
	for _, k := range list.Clusters {
		id := c.node + "/locations/" + k.Location + "/clusters/" + k.Name
		out := newCluster(&k.Cluster)
		for _, p := range k.NodePools {
			pool := newNodePool(id, &out, p)
			if pool.PrivateNodes == "false" {
				out.PublicNodePoolCount++
			}
			if pool.WorkloadMetadataMode != "GKE_METADATA" {
				out.PoolsWithoutGKEMetadata++
			}
			emit(id+"/nodePools/"+p.Name, collectors.In(k.Location, &pool))
		}
		emit(id, collectors.In(k.Location, &out))
	}
	var errs []error
	for _, zone := range list.MissingZones {
		places := []string{zone}
		if end := strings.LastIndex(zone, "-"); end > 0 && !isRegion(zone) {
			places = append(places, zone[:end]) // clusters of the region may have their control plane there
		}
		for _, place := range places {
			for _, t := range []*posture.Type{schema.ClusterType, schema.NodePoolType} {
				errs = append(errs, collectors.IncompleteIn(place, t, unreachable(listClusters, zone)))
			}
		}
	}
	return errors.Join(errs...)
}

// readClusters asks as the SDK would, in one call for all locations that has no pages.
func readClusters(ctx context.Context, c *client) (clusterList, error) {
	api, err := container.NewService(ctx, c.options...)
	if err != nil {
		return clusterList{}, err
	}
	sender, _, err := htransport.NewClient(ctx, c.options...)
	if err != nil {
		return clusterList{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, api.BasePath+"v1/"+c.node+"/locations/-/clusters?alt=json&prettyPrint=false", nil)
	if err != nil {
		return clusterList{}, err
	}
	resp, err := sender.Do(req)
	if err != nil {
		return clusterList{}, err
	}
	defer resp.Body.Close()
	if err := googleapi.CheckResponse(resp); err != nil {
		return clusterList{}, err
	}
	var list clusterList
	err = json.NewDecoder(resp.Body).Decode(&list)
	return list, err
}

// isRegion tells "europe-west1" from "europe-west1-b".
func isRegion(location string) bool { return strings.Count(location, "-") == 1 }

func newCluster(k *container.Cluster) schema.Cluster {
	out := schema.Cluster{
		Meta:     posture.Meta{Name: k.Name, Tags: k.ResourceLabels, CreatedAt: timestamp(k.CreateTime)},
		Location: k.Location, Regional: isRegion(k.Location), Status: k.Status, MasterVersion: k.CurrentMasterVersion,
		Autopilot: k.Autopilot != nil && k.Autopilot.Enabled, LegacyABAC: k.LegacyAbac != nil && k.LegacyAbac.Enabled,
		SecretsEncryption: "DECRYPTED", ShieldedNodes: k.ShieldedNodes != nil && k.ShieldedNodes.Enabled, Alpha: k.EnableKubernetesAlpha,
		LoggingComponents: []string{}, MonitoringComponents: []string{}, LoggingService: k.LoggingService, Network: k.Network,
		AuthorizedNetworks: []string{}, PublicEndpointEnabled: true, NetworkPolicyEnabled: k.NetworkPolicy != nil && k.NetworkPolicy.Enabled,
	}
	if k.ReleaseChannel != nil && k.ReleaseChannel.Channel != "UNSPECIFIED" {
		out.ReleaseChannel = k.ReleaseChannel.Channel
	}
	if private := k.PrivateClusterConfig; private != nil {
		out.PrivateNodes, out.PublicEndpointEnabled = private.EnablePrivateNodes, !private.EnablePrivateEndpoint
	}
	if n := k.NetworkConfig; n != nil {
		out.PrivateNodes = out.PrivateNodes || n.DefaultEnablePrivateNodes
		out.NetworkPolicyEnabled = out.NetworkPolicyEnabled || n.DatapathProvider == "ADVANCED_DATAPATH"
		out.IntranodeVisibility, out.Network = n.EnableIntraNodeVisibility, cmp.Or(n.Network, k.Network)
	}
	allowed := k.MasterAuthorizedNetworksConfig
	if endpoints := k.ControlPlaneEndpointsConfig; endpoints != nil {
		if ip := endpoints.IpEndpointsConfig; ip != nil {
			out.PublicEndpointEnabled = ip.Enabled && ip.EnablePublicEndpoint
			allowed = cmp.Or(ip.AuthorizedNetworksConfig, allowed)
		}
		out.DNSEndpointExternal = endpoints.DnsEndpointConfig != nil && endpoints.DnsEndpointConfig.AllowExternalTraffic
	}
	if allowed != nil {
		out.AuthorizedNetworksEnabled = allowed.Enabled
		for _, block := range allowed.CidrBlocks {
			out.AuthorizedNetworks = append(out.AuthorizedNetworks, block.CidrBlock)
		}
		slices.Sort(out.AuthorizedNetworks)
	}
	if auth := k.MasterAuth; auth != nil {
		out.BasicAuth = auth.Username != ""
		out.ClientCertificate = auth.ClientCertificateConfig != nil && auth.ClientCertificateConfig.IssueClientCertificate
	}
	if k.WorkloadIdentityConfig != nil {
		out.WorkloadPool = k.WorkloadIdentityConfig.WorkloadPool
	}
	if k.DatabaseEncryption != nil {
		out.SecretsEncryption = cmp.Or(k.DatabaseEncryption.State, out.SecretsEncryption)
	}
	if k.LoggingConfig != nil && k.LoggingConfig.ComponentConfig != nil {
		out.LoggingComponents = append(out.LoggingComponents, k.LoggingConfig.ComponentConfig.EnableComponents...)
	}
	if k.MonitoringConfig != nil && k.MonitoringConfig.ComponentConfig != nil {
		out.MonitoringComponents = append(out.MonitoringComponents, k.MonitoringConfig.ComponentConfig.EnableComponents...)
	}
	slices.Sort(out.LoggingComponents)
	slices.Sort(out.MonitoringComponents)
	if b := k.BinaryAuthorization; b != nil {
		out.BinaryAuthorizationMode = b.EvaluationMode
		if b.Enabled && (b.EvaluationMode == "" || b.EvaluationMode == "EVALUATION_MODE_UNSPECIFIED") { // how it was switched on in earlier years
			out.BinaryAuthorizationMode = "PROJECT_SINGLETON_POLICY_ENFORCE"
		}
	}
	if k.SecurityPostureConfig != nil {
		out.SecurityPostureMode = k.SecurityPostureConfig.Mode
	}
	if g := k.AuthenticatorGroupsConfig; g != nil && g.Enabled {
		out.RBACGoogleGroup = g.SecurityGroup
	}
	return out
}

func newNodePool(cluster string, k *schema.Cluster, p nodePool) schema.NodePool {
	out := schema.NodePool{Meta: posture.Meta{Name: p.Name}, Cluster: cluster, Autopilot: k.Autopilot, ReleaseChannel: k.ReleaseChannel,
		OAuthScopes: []string{}}
	if m := p.Management; m != nil {
		out.AutoUpgrade, out.AutoRepair = m.AutoUpgrade, m.AutoRepair
	}
	if private := p.NetworkConfig.EnablePrivateNodes; private != nil {
		out.PrivateNodes = fmt.Sprint(*private)
	}
	config := p.Config
	if config == nil {
		return out
	}
	out.Tags, out.ImageType = config.ResourceLabels, config.ImageType
	out.ServiceAccount, out.BootDiskKMSKey = config.ServiceAccount, config.BootDiskKmsKey
	out.OAuthScopes = append(out.OAuthScopes, config.OauthScopes...)
	slices.Sort(out.OAuthScopes)
	out.LegacyEndpointsDisabled = flag(config.Metadata["disable-legacy-endpoints"])
	if config.WorkloadMetadataConfig != nil && config.WorkloadMetadataConfig.Mode != "MODE_UNSPECIFIED" {
		out.WorkloadMetadataMode = config.WorkloadMetadataConfig.Mode
	}
	if s := config.ShieldedInstanceConfig; s != nil {
		out.SecureBoot, out.IntegrityMonitoring = s.EnableSecureBoot, s.EnableIntegrityMonitoring
	}
	return out
}
