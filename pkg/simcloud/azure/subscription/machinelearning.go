package subscription

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var machineLearningService = service{
	providers: []string{"Microsoft.MachineLearningServices"},
	kinds: []world.Kind{{
		Name: "azure.machinelearning", Sort: inSubscription, Global: true, Count: 4,
		Defects: []world.Defect{{Name: "open", Share: 0.3, Drift: 0.1}, {Name: "local-users", Share: 0.25}, {Name: "public-machines", Share: 0.25}, {Name: "platform-key", Share: 0.5}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("azure.machinelearning.workspace", machineLearningID(it)), map[string]posture.Result{
				"azure-machinelearning-workspace-secured": failIf(it.Has("open") || it.Has("local-users") || it.Has("public-machines")),
				"azure-machinelearning-workspace-cmk":     failIf(it.Has("platform-key")),
			}
		},
	}},
	handle: handleMachineLearning,
}

func machineLearningName(it *world.Item) string { return "mlw-" + it.Name() }

func machineLearningID(it *world.Item) string {
	return idOf(it, "Microsoft.MachineLearningServices/workspaces", machineLearningName(it))
}

func handleMachineLearning(s *azure.Server, w *states) {
	azure.List(s, "armmachinelearning.WorkspacesClient.NewListBySubscriptionPager", func(c azure.Call) (*armmachinelearning.WorkspaceListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armmachinelearning.WorkspaceListResult{}
		for _, it := range state.Items("azure.machinelearning") {
			out.Value = append(out.Value, machineLearning(it))
		}
		return out, nil
	})
	azure.List(s, "armmachinelearning.ComputeClient.NewListPager", func(c azure.Call) (*armmachinelearning.PaginatedComputeResourcesList, error) {
		it, err := w.item(c, "azure.machinelearning", "workspaceName", machineLearningName)
		if err != nil {
			return nil, err
		}
		return &armmachinelearning.PaginatedComputeResourcesList{Value: computesOf(it)}, nil
	})
}

func computesOf(it *world.Item) []*armmachinelearning.ComputeResource {
	compute := func(name string, properties armmachinelearning.ComputeClassification) *armmachinelearning.ComputeResource {
		return &armmachinelearning.ComputeResource{
			ID: to.Ptr(machineLearningID(it) + "/computes/" + name), Name: &name, Type: to.Ptr("Microsoft.MachineLearningServices/workspaces/computes"),
			Location: to.Ptr(it.Account.Home()), Properties: properties,
		}
	}
	cluster := &armmachinelearning.AmlCompute{
		ComputeType: to.Ptr(armmachinelearning.ComputeTypeAmlCompute), DisableLocalAuth: to.Ptr(true), ProvisioningState: to.Ptr(armmachinelearning.ProvisioningStateSucceeded),
		Properties: &armmachinelearning.AmlComputeProperties{VMSize: to.Ptr("Standard_NC6s_v3"), EnableNodePublicIP: to.Ptr(false), CurrentNodeCount: to.Ptr[int32](0)},
	}
	instance := &armmachinelearning.ComputeInstance{
		ComputeType: to.Ptr(armmachinelearning.ComputeTypeComputeInstance), DisableLocalAuth: to.Ptr(true), ProvisioningState: to.Ptr(armmachinelearning.ProvisioningStateSucceeded),
		Properties: &armmachinelearning.ComputeInstanceProperties{VMSize: to.Ptr("Standard_DS3_v2"), EnableNodePublicIP: to.Ptr(false)},
	}
	if it.Has("local-users") {
		switch it.Pick(2, "users") {
		case 0:
			cluster.DisableLocalAuth = to.Ptr(false)
		default:
			instance.DisableLocalAuth = nil
		}
	}
	if it.Has("public-machines") {
		switch it.Pick(2, "public machines") {
		case 0:
			cluster.Properties.EnableNodePublicIP = nil
		default:
			instance.Properties.EnableNodePublicIP = to.Ptr(true)
		}
	}
	attached := &armmachinelearning.Kubernetes{ComputeType: to.Ptr(armmachinelearning.ComputeTypeKubernetes), IsAttachedCompute: to.Ptr(true)}
	return []*armmachinelearning.ComputeResource{compute("cpu-cluster", cluster), compute("notebooks", instance), compute("aks-inference", attached)}
}

func machineLearning(it *world.Item) *armmachinelearning.Workspace {
	kind := []string{"Default", "Hub"}[it.Pick(2, "kind")]
	p := &armmachinelearning.WorkspaceProperties{
		ProvisioningState: to.Ptr(armmachinelearning.ProvisioningStateSucceeded), FriendlyName: to.Ptr(machineLearningName(it)), WorkspaceID: to.Ptr(objectID(it, "workspace")),
		KeyVault: to.Ptr(idOf(it, "Microsoft.KeyVault/vaults", "kv-ml")), StorageAccount: to.Ptr(idOf(it, "Microsoft.Storage/storageAccounts", "stml")),
		HbiWorkspace: to.Ptr(it.Pick(2, "hbi") == 0), PublicNetworkAccess: to.Ptr(armmachinelearning.PublicNetworkAccessEnabled),
	}
	switch {
	case it.Has("open") && it.Pick(2, "open") == 0:
		p.PublicNetworkAccess = nil
	case it.Has("open"):
		p.ManagedNetwork = &armmachinelearning.ManagedNetworkSettings{IsolationMode: to.Ptr(armmachinelearning.IsolationModeDisabled)}
	default:
		switch it.Pick(3, "closed") {
		case 0:
			p.PublicNetworkAccess = to.Ptr(armmachinelearning.PublicNetworkAccessDisabled)
			p.PrivateEndpointConnections = []*armmachinelearning.PrivateEndpointConnection{{
				ID: to.Ptr(machineLearningID(it) + "/privateEndpointConnections/app"), Name: to.Ptr("app"),
				Properties: &armmachinelearning.PrivateEndpointConnectionProperties{PrivateLinkServiceConnectionState: &armmachinelearning.PrivateLinkServiceConnectionState{
					Status: to.Ptr(armmachinelearning.PrivateEndpointServiceConnectionStatusApproved),
				}},
			}}
		case 1:
			p.ManagedNetwork = &armmachinelearning.ManagedNetworkSettings{IsolationMode: to.Ptr(armmachinelearning.IsolationModeAllowInternetOutbound)}
		default:
			p.ManagedNetwork = &armmachinelearning.ManagedNetworkSettings{IsolationMode: to.Ptr(armmachinelearning.IsolationModeAllowOnlyApprovedOutbound)}
		}
	}
	if !it.Has("platform-key") {
		p.Encryption = &armmachinelearning.EncryptionProperty{Status: to.Ptr(armmachinelearning.EncryptionStatusEnabled), KeyVaultProperties: &armmachinelearning.EncryptionKeyVaultProperties{
			KeyIdentifier: to.Ptr("https://keys-" + it.Account.ID[:8] + ".vault.azure.net/keys/models"), KeyVaultArmID: to.Ptr(idOf(it, "Microsoft.KeyVault/vaults", "kv-ml")),
		}}
	} else if it.Pick(2, "key") == 0 {
		p.Encryption = &armmachinelearning.EncryptionProperty{Status: to.Ptr(armmachinelearning.EncryptionStatusDisabled)}
	}
	return &armmachinelearning.Workspace{
		ID: to.Ptr(machineLearningID(it)), Name: to.Ptr(machineLearningName(it)), Type: to.Ptr("Microsoft.MachineLearningServices/workspaces"), Location: to.Ptr(it.Account.Home()),
		Kind: &kind, SKU: &armmachinelearning.SKU{Name: to.Ptr("Basic")}, Tags: labels("team", "science"), Properties: p,
	}
}
