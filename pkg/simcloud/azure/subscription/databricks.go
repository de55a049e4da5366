package subscription

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/databricks/armdatabricks"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// A workspace in a network of the customer's uses two subnets of the first network that there is. One of them has a security
// group always, the other one unless the network has the defect "bare-subnet"; the one for private endpoints has none.
var databricksService = service{
	providers: []string{"Microsoft.Databricks"},
	kinds: []world.Kind{{
		Name: "azure.databricks", Sort: inSubscription, Global: true, Count: 5,
		Defects: []world.Defect{{Name: "standard", Share: 0.3}, {Name: "public", Share: 0.2, Drift: 0.1}, {Name: "public-addresses", Share: 0.15}, {Name: "managed-network", Share: 0.2},
			{Name: "unguarded-subnet", Share: 0.2}, {Name: "platform-key", Share: 0.4}},
		Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("azure.databricks.workspace", databricksID(it)), map[string]posture.Result{
				"azure-databricks-workspace-private": failIf(it.Has("public") || it.Has("public-addresses") || it.Has("managed-network") || it.Has("unguarded-subnet") ||
					networkForDatabricks(s).Has("bare-subnet")),
				"azure-databricks-workspace-cmk": unless(it.Has("standard"), failIf(it.Has("platform-key"))),
			}
		},
	}},
	handle: handleDatabricks,
}

func databricksID(it *world.Item) string {
	return idOf(it, "Microsoft.Databricks/workspaces", "dbw-"+it.Name())
}

func networkForDatabricks(s *world.State) *world.Item {
	return s.Find("azure.network", posture.Global, 0)
}

func handleDatabricks(s *azure.Server, w *states) {
	azure.List(s, "armdatabricks.WorkspacesClient.NewListBySubscriptionPager", func(c azure.Call) (*armdatabricks.WorkspaceListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armdatabricks.WorkspaceListResult{}
		for _, it := range state.Items("azure.databricks") {
			out.Value = append(out.Value, databricks(state, it))
		}
		return out, nil
	})
}

func databricks(state *world.State, it *world.Item) *armdatabricks.Workspace {
	created := state.Long(it, 300)
	sku := "premium"
	if it.Has("standard") {
		sku = "standard"
	}
	text := func(v string) *armdatabricks.WorkspaceCustomStringParameter {
		return &armdatabricks.WorkspaceCustomStringParameter{Value: &v, Type: to.Ptr(armdatabricks.CustomParameterTypeString)}
	}
	p := &armdatabricks.WorkspaceProperties{
		ProvisioningState: to.Ptr(armdatabricks.ProvisioningStateSucceeded), CreatedDateTime: &created, WorkspaceURL: to.Ptr("adb-" + it.Hex(8, "url") + ".7.azuredatabricks.net"),
		ManagedResourceGroupID: to.Ptr("/subscriptions/" + it.Account.ID + "/resourceGroups/databricks-rg-" + it.Name()),
		PublicNetworkAccess:    to.Ptr(armdatabricks.PublicNetworkAccessDisabled),
		Parameters: &armdatabricks.WorkspaceCustomParameters{
			EnableNoPublicIP:   &armdatabricks.WorkspaceCustomBooleanParameter{Value: to.Ptr(!it.Has("public-addresses")), Type: to.Ptr(armdatabricks.CustomParameterTypeBool)},
			StorageAccountName: text("dbstorage" + it.Hex(8, "storage")),
		},
	}
	if !it.Has("managed-network") {
		p.Parameters.CustomVirtualNetworkID = text(networkID(networkForDatabricks(state)))
		p.Parameters.CustomPublicSubnetName, p.Parameters.CustomPrivateSubnetName = text("App"), text("gateways")
		if it.Has("unguarded-subnet") {
			p.Parameters.CustomPublicSubnetName = text("endpoints")
		}
	}
	endpoint := &armdatabricks.PrivateEndpointConnection{
		ID: to.Ptr(databricksID(it) + "/privateEndpointConnections/app"), Name: to.Ptr("app"),
		Properties: &armdatabricks.PrivateEndpointConnectionProperties{PrivateLinkServiceConnectionState: &armdatabricks.PrivateLinkServiceConnectionState{
			Status: to.Ptr(armdatabricks.PrivateLinkServiceConnectionStatusApproved),
		}},
	}
	switch {
	case it.Has("public"):
		p.PublicNetworkAccess = []*armdatabricks.PublicNetworkAccess{nil, to.Ptr(armdatabricks.PublicNetworkAccessEnabled)}[it.Pick(2, "public")]
	case it.Pick(2, "endpoint") == 0:
		p.PublicNetworkAccess, p.PrivateEndpointConnections = to.Ptr(armdatabricks.PublicNetworkAccessEnabled), []*armdatabricks.PrivateEndpointConnection{endpoint}
	}
	if !it.Has("standard") {
		encryptDatabricks(it, p)
	}
	return &armdatabricks.Workspace{
		ID: to.Ptr(databricksID(it)), Name: to.Ptr("dbw-" + it.Name()), Type: to.Ptr("Microsoft.Databricks/workspaces"), Location: to.Ptr(it.Account.Home()),
		SKU: &armdatabricks.SKU{Name: &sku}, Tags: labels("team", "data"), Properties: p,
	}
}

// encryptDatabricks gives a workspace the customer's key in all three places, or with the defect in two.
func encryptDatabricks(it *world.Item, p *armdatabricks.WorkspaceProperties) {
	left := -1
	if it.Has("platform-key") {
		left = it.Pick(3, "key")
	}
	vault := to.Ptr("https://keys-" + it.Account.ID[:8] + ".vault.azure.net/")
	entities := &armdatabricks.EncryptionEntitiesDefinition{}
	if left != 0 {
		entities.ManagedServices = &armdatabricks.EncryptionV2{KeySource: to.Ptr(armdatabricks.EncryptionKeySourceMicrosoftKeyvault),
			KeyVaultProperties: &armdatabricks.EncryptionV2KeyVaultProperties{KeyName: to.Ptr("databricks"), KeyVaultURI: vault, KeyVersion: to.Ptr("1")}}
	}
	if left != 1 {
		entities.ManagedDisk = &armdatabricks.ManagedDiskEncryption{KeySource: to.Ptr(armdatabricks.EncryptionKeySourceMicrosoftKeyvault),
			KeyVaultProperties: &armdatabricks.ManagedDiskEncryptionKeyVaultProperties{KeyName: to.Ptr("databricks"), KeyVaultURI: vault, KeyVersion: to.Ptr("1")}}
	}
	p.Encryption = &armdatabricks.WorkspacePropertiesEncryption{Entities: entities}
	source := armdatabricks.KeySourceMicrosoftKeyvault
	if left == 2 {
		source = armdatabricks.KeySourceDefault
	}
	p.Parameters.Encryption = &armdatabricks.WorkspaceEncryptionParameter{Value: &armdatabricks.Encryption{KeySource: &source}}
}
