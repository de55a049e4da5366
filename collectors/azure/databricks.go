package azure

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/databricks/armdatabricks"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var databricksWorkspaces = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.DatabricksWorkspaceType},
	Operations: []collectors.Operation{
		{Name: "armdatabricks.WorkspacesClient.NewListBySubscriptionPager", Permission: "Microsoft.Databricks/workspaces/read", Body: collectors.Store},
		queryResources, listResources,
	},
	Collect: collectDatabricks,
}

func collectDatabricks(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armdatabricks.NewWorkspacesClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pagesOf(ctx, c, "microsoft.databricks/workspaces", "", api.NewListBySubscriptionPager(nil), func(page armdatabricks.WorkspacesClientListBySubscriptionResponse) error {
		for _, w := range page.Value {
			out := newDatabricksWorkspace(w)
			emit(idOf(w.ID), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list workspaces: %w", err)
	}
	return nil
}

func newDatabricksWorkspace(w *armdatabricks.Workspace) schema.DatabricksWorkspace {
	p := value(w.Properties)
	given, keys := value(p.Parameters), value(value(p.Encryption).Entities)
	out := schema.DatabricksWorkspace{
		Resource: resource(w.ID, w.Name, w.Location, w.Tags), SKU: strings.ToLower(text(value(w.SKU).Name)),
		PublicNetworkAccess: cmp.Or(text(p.PublicNetworkAccess), "Enabled"), NoPublicIP: is(value(given.EnableNoPublicIP).Value),
		CustomVNetID: idOf(value(given.CustomVirtualNetworkID).Value), SubnetIDs: []string{},
		PrivateEndpointsApproved: approved(p.PrivateEndpointConnections,
			func(e *armdatabricks.PrivateEndpointConnection) *armdatabricks.PrivateLinkServiceConnectionStatus {
				return value(value(e.Properties).PrivateLinkServiceConnectionState).Status
			}),
		ManagedServicesCMK: inVault(value(keys.ManagedServices).KeySource), ManagedDiskCMK: inVault(value(keys.ManagedDisk).KeySource),
		RootStorageCMK: inVault(value(value(given.Encryption).Value).KeySource),
	}
	out.CreatedAt = posture.FromPtr(p.CreatedDateTime)
	if out.CustomVNetID != "" {
		for _, name := range []*string{value(given.CustomPublicSubnetName).Value, value(given.CustomPrivateSubnetName).Value} {
			out.SubnetIDs = append(out.SubnetIDs, out.CustomVNetID+"/subnets/"+idOf(name))
		}
	}
	return out
}

// inVault reports whether a key comes from a key vault. Services do not agree on how to write that.
func inVault[S ~string](source *S) bool { return strings.EqualFold(text(source), "Microsoft.Keyvault") }
