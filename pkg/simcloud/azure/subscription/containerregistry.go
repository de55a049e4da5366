package subscription

import (
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerregistry/armcontainerregistry"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var containerRegistryService = service{
	providers: []string{"Microsoft.ContainerRegistry"},
	kinds: []world.Kind{{
		Name: "azure.registry", Sort: inSubscription, Global: true, Count: 4,
		Defects: []world.Defect{{Name: "public", Share: 0.4, Drift: 0.1}, {Name: "allowing", Share: 0.5}, {Name: "no-endpoint", Share: 0.4}, {Name: "pending-endpoint", Share: 0.3},
			{Name: "admin", Share: 0.3, Drift: 0.1}, {Name: "anonymous", Share: 0.2}, {Name: "platform-key", Share: 0.4}, {Name: "keeps-all", Share: 0.4}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("azure.containerregistry.registry", registryID(it)), map[string]posture.Result{
				"azure-containerregistry-registry-network-restricted": failIf(it.Has("public") && it.Has("allowing")),
				"azure-containerregistry-registry-private-endpoint":   failIf(it.Has("no-endpoint")),
				"azure-containerregistry-registry-no-anonymous":       failIf(it.Has("admin") || it.Has("anonymous")),
				"azure-containerregistry-registry-cmk":                failIf(it.Has("platform-key")),
			}
		},
	}},
	handle: handleContainerRegistry,
}

func registryName(it *world.Item) string { return "cr" + strings.ReplaceAll(it.Name(), "-", "") }

func registryID(it *world.Item) string {
	return idOf(it, "Microsoft.ContainerRegistry/registries", registryName(it))
}

// registryResources are what a newer API says of registries; it leaves out what is off.
func registryResources(s *world.State) []described {
	var out []described
	for _, it := range s.Items("azure.registry") {
		properties := map[string]any{"adminUserEnabled": it.Has("admin")}
		if it.Has("anonymous") || it.Index%2 == 0 {
			properties["anonymousPullEnabled"] = it.Has("anonymous")
		}
		out = append(out, described{ID: registryID(it), Type: "Microsoft.ContainerRegistry/registries", Location: it.Account.Home(), Properties: properties})
	}
	return out
}

func handleContainerRegistry(s *azure.Server, w *states) {
	azure.List(s, "armcontainerregistry.RegistriesClient.NewListPager", func(c azure.Call) (*armcontainerregistry.RegistryListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armcontainerregistry.RegistryListResult{}
		for _, it := range state.Items("azure.registry") {
			out.Value = append(out.Value, registry(state, it))
		}
		return out, nil
	})
}

func registry(s *world.State, it *world.Item) *armcontainerregistry.Registry {
	disabled, enabled := armcontainerregistry.PolicyStatusDisabled, armcontainerregistry.PolicyStatusEnabled
	p := &armcontainerregistry.RegistryProperties{
		AdminUserEnabled: to.Ptr(it.Has("admin")), CreationDate: to.Ptr(s.Long(it, 100)), LoginServer: to.Ptr(registryName(it) + ".azurecr.io"),
		PublicNetworkAccess: to.Ptr(armcontainerregistry.PublicNetworkAccessDisabled), NetworkRuleSet: &armcontainerregistry.NetworkRuleSet{DefaultAction: to.Ptr(armcontainerregistry.DefaultActionDeny)},
		Encryption:     &armcontainerregistry.EncryptionProperty{Status: to.Ptr(armcontainerregistry.EncryptionStatusEnabled)},
		ZoneRedundancy: to.Ptr(armcontainerregistry.ZoneRedundancyEnabled),
		Policies: &armcontainerregistry.Policies{
			QuarantinePolicy: &armcontainerregistry.QuarantinePolicy{Status: &disabled}, TrustPolicy: &armcontainerregistry.TrustPolicy{Status: &enabled},
			RetentionPolicy: &armcontainerregistry.RetentionPolicy{Days: to.Ptr[int32](7), Status: &enabled}, ExportPolicy: &armcontainerregistry.ExportPolicy{Status: to.Ptr(armcontainerregistry.ExportPolicyStatusDisabled)},
		},
	}
	if it.Has("public") {
		p.PublicNetworkAccess = to.Ptr(armcontainerregistry.PublicNetworkAccessEnabled)
	}
	if it.Has("allowing") {
		p.NetworkRuleSet = nil // allows all
	}
	if it.Has("platform-key") {
		p.Encryption.Status = to.Ptr(armcontainerregistry.EncryptionStatusDisabled)
	}
	if it.Has("keeps-all") {
		p.Policies.RetentionPolicy.Status = &disabled
	}
	connection := func(status armcontainerregistry.ConnectionStatus) {
		p.PrivateEndpointConnections = append(p.PrivateEndpointConnections, &armcontainerregistry.PrivateEndpointConnection{
			Properties: &armcontainerregistry.PrivateEndpointConnectionProperties{PrivateLinkServiceConnectionState: &armcontainerregistry.PrivateLinkServiceConnectionState{Status: &status}},
		})
	}
	if !it.Has("no-endpoint") {
		connection(armcontainerregistry.ConnectionStatusApproved)
	}
	if it.Has("pending-endpoint") {
		connection(armcontainerregistry.ConnectionStatusPending)
	}
	return &armcontainerregistry.Registry{
		ID: to.Ptr(registryID(it)), Name: to.Ptr(registryName(it)), Type: to.Ptr("Microsoft.ContainerRegistry/registries"), Location: to.Ptr(it.Account.Home()),
		SKU: &armcontainerregistry.SKU{Name: to.Ptr(armcontainerregistry.SKUNamePremium)}, Tags: labels("team", "platform"), Properties: p,
	}
}
