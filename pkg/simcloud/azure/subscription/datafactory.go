package subscription

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/datafactory/armdatafactory/v7"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var dataFactoryService = service{
	providers: []string{"Microsoft.DataFactory"},
	kinds: []world.Kind{{
		Name: "azure.datafactory", Sort: inSubscription, Global: true, Count: 4,
		Defects: []world.Defect{{Name: "public", Share: 0.4, Drift: 0.1}, {Name: "no-identity", Share: 0.2}, {Name: "no-repository", Share: 0.4}, {Name: "deployed", Share: 0.45},
			{Name: "platform-key", Share: 0.4}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("azure.datafactory.factory", dataFactoryID(it)), map[string]posture.Result{
				"azure-datafactory-factory-secured":           failIf(it.Has("public") || it.Has("no-identity")),
				"azure-datafactory-factory-source-controlled": unless(it.Has("deployed"), failIf(it.Has("no-repository"))),
				"azure-data-services-cmk":                     failIf(it.Has("platform-key")),
			}
		},
	}},
	handle: handleDataFactory,
}

func dataFactoryName(it *world.Item) string { return "adf-" + it.Name() }

func dataFactoryID(it *world.Item) string {
	return idOf(it, "Microsoft.DataFactory/factories", dataFactoryName(it))
}

func handleDataFactory(s *azure.Server, w *states) {
	azure.List(s, "armdatafactory.FactoriesClient.NewListPager", func(c azure.Call) (*armdatafactory.FactoryListResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armdatafactory.FactoryListResponse{}
		for _, it := range state.Items("azure.datafactory") {
			out.Value = append(out.Value, dataFactory(state, it))
		}
		return out, nil
	})
	azure.List(s, "armdatafactory.IntegrationRuntimesClient.NewListByFactoryPager", func(c azure.Call) (*armdatafactory.IntegrationRuntimeListResponse, error) {
		it, err := w.item(c, "azure.datafactory", "factoryName", dataFactoryName)
		if err != nil {
			return nil, err
		}
		managed := &armdatafactory.ManagedIntegrationRuntime{
			Type: to.Ptr(armdatafactory.IntegrationRuntimeTypeManaged), State: to.Ptr(armdatafactory.IntegrationRuntimeStateOnline),
			TypeProperties: &armdatafactory.ManagedIntegrationRuntimeTypeProperties{ComputeProperties: &armdatafactory.IntegrationRuntimeComputeProperties{Location: to.Ptr("AutoResolve")}},
		}
		if it.Pick(2, "managed network") == 0 {
			managed.ManagedVirtualNetwork = &armdatafactory.ManagedVirtualNetworkReference{
				ReferenceName: to.Ptr("default"), Type: to.Ptr(armdatafactory.ManagedVirtualNetworkReferenceTypeManagedVirtualNetworkReference),
			}
		}
		out := &armdatafactory.IntegrationRuntimeListResponse{}
		runtime := func(name string, properties armdatafactory.IntegrationRuntimeClassification) {
			out.Value = append(out.Value, &armdatafactory.IntegrationRuntimeResource{
				ID: to.Ptr(dataFactoryID(it) + "/integrationruntimes/" + name), Name: &name, Type: to.Ptr("Microsoft.DataFactory/factories/integrationruntimes"), Properties: properties,
			})
		}
		runtime("azure", managed)
		runtime("hall", &armdatafactory.SelfHostedIntegrationRuntime{Type: to.Ptr(armdatafactory.IntegrationRuntimeTypeSelfHosted), Description: to.Ptr("warehouse hall")})
		return out, nil
	})
}

func dataFactory(state *world.State, it *world.Item) *armdatafactory.Factory {
	created := state.Long(it, 600)
	p := &armdatafactory.FactoryProperties{
		ProvisioningState: to.Ptr("Succeeded"), CreateTime: &created, Version: to.Ptr("2018-06-01"), PublicNetworkAccess: to.Ptr(armdatafactory.PublicNetworkAccessDisabled),
	}
	if it.Has("public") {
		p.PublicNetworkAccess = []*armdatafactory.PublicNetworkAccess{nil, to.Ptr(armdatafactory.PublicNetworkAccessEnabled)}[it.Pick(2, "public")]
	}
	if !it.Has("no-repository") && !it.Has("deployed") {
		p.RepoConfiguration = &armdatafactory.FactoryGitHubConfiguration{
			Type: to.Ptr("FactoryGitHubConfiguration"), AccountName: to.Ptr("acme"), RepositoryName: to.Ptr("pipelines"), CollaborationBranch: to.Ptr("main"), RootFolder: to.Ptr("/"),
		}
	}
	if !it.Has("platform-key") {
		p.Encryption = &armdatafactory.EncryptionConfiguration{VaultBaseURL: to.Ptr("https://keys-" + it.Account.ID[:8] + ".vault.azure.net"), KeyName: to.Ptr("pipelines")}
	}
	out := &armdatafactory.Factory{
		ID: to.Ptr(dataFactoryID(it)), Name: to.Ptr(dataFactoryName(it)), Type: to.Ptr("Microsoft.DataFactory/factories"), Location: to.Ptr(it.Account.Home()),
		ETag: to.Ptr(`"` + it.Hex(8, "etag") + `"`), Tags: labels("team", "data"), Properties: p,
	}
	if !it.Has("no-identity") {
		out.Identity = &armdatafactory.FactoryIdentity{Type: to.Ptr(armdatafactory.FactoryIdentityTypeSystemAssigned), PrincipalID: to.Ptr(objectID(it, "own"))}
	}
	if it.Has("deployed") {
		out.Tags["deployed"] = to.Ptr("release pipeline")
	}
	return out
}
