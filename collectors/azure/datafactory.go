package azure

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/datafactory/armdatafactory/v7"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var dataFactories = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.DataFactoryType},
	Operations: []collectors.Operation{
		{Name: "armdatafactory.FactoriesClient.NewListPager", Permission: "Microsoft.DataFactory/factories/read", Body: collectors.Redact("globalParameters", "clientSecret")},
		// What is in typeProperties sets machines up: scripts, catalogs, passwords.
		{Name: "armdatafactory.IntegrationRuntimesClient.NewListByFactoryPager", Permission: "Microsoft.DataFactory/factories/integrationRuntimes/read", Body: collectors.Redact("typeProperties")},
	},
	Collect: collectDataFactories,
}

func collectDataFactories(ctx context.Context, c *client, emit collectors.Emit) error {
	factory, err := armdatafactory.NewClientFactory(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	var found []*armdatafactory.Factory
	err = pages(ctx, factory.NewFactoriesClient().NewListPager(nil), func(page armdatafactory.FactoriesClientListResponse) error {
		found = append(found, page.Value...)
		return nil
	})
	_ = parallel(found, func(f *armdatafactory.Factory) string { return idOf(f.ID) }, func(f *armdatafactory.Factory) error {
		out := newDataFactory(f)
		var gaps []collectors.Gap
		runtimes := factory.NewIntegrationRuntimesClient().NewListByFactoryPager(out.ResourceGroup, out.Name, nil)
		err := pages(ctx, runtimes, func(page armdatafactory.IntegrationRuntimesClientListByFactoryResponse) error {
			for _, r := range page.Value {
				if managed, ok := r.Properties.(*armdatafactory.ManagedIntegrationRuntime); ok && managed.ManagedVirtualNetwork != nil {
					out.ManagedVNetRuntime = true
				}
			}
			return nil
		})
		if err != nil {
			gaps = append(gaps, collectors.Unread(fmt.Errorf("list integration runtimes: %w", err), "managed_vnet_runtime"))
		}
		emit(idOf(f.ID), &out, gaps...)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list data factories: %w", err)
	}
	return nil
}

func newDataFactory(f *armdatafactory.Factory) schema.DataFactory {
	p := value(f.Properties)
	out := schema.DataFactory{
		Resource: resource(f.ID, f.Name, f.Location, f.Tags), PublicNetworkAccess: cmp.Or(text(p.PublicNetworkAccess), "Enabled"),
		IdentityType: text(value(f.Identity).Type), GitConfigured: p.RepoConfiguration != nil,
	}
	out.CreatedAt = posture.FromPtr(p.CreateTime)
	if key := value(p.Encryption); text(key.KeyName) != "" {
		out.KeyVaultKeyURI = strings.TrimSuffix(text(key.VaultBaseURL), "/") + "/keys/" + text(key.KeyName)
	}
	out.CustomerManagedKey = out.KeyVaultKeyURI != ""
	return out
}
