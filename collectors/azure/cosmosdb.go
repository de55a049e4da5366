package azure

import (
	"cmp"
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/cosmos/armcosmos/v3"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var cosmosAccounts = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.CosmosAccountType},
	Operations: []collectors.Operation{
		{Name: "armcosmos.DatabaseAccountsClient.NewListPager", Permission: "Microsoft.DocumentDB/databaseAccounts/read", Body: collectors.Store},
	},
	Collect: collectCosmosAccounts,
}

func collectCosmosAccounts(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armcosmos.NewDatabaseAccountsClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pages(ctx, api.NewListPager(nil), func(page armcosmos.DatabaseAccountsClientListResponse) error {
		for _, a := range page.Value {
			out := newCosmosAccount(a)
			emit(idOf(a.ID), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list Cosmos DB accounts: %w", err)
	}
	return nil
}

func newCosmosAccount(a *armcosmos.DatabaseAccountGetResults) schema.CosmosAccount {
	p := value(a.Properties)
	out := schema.CosmosAccount{
		Resource: resource(a.ID, a.Name, a.Location, a.Tags), Kind: cmp.Or(text(a.Kind), "GlobalDocumentDB"),
		PublicNetworkAccess: cmp.Or(text(p.PublicNetworkAccess), "Enabled"),
		IPRules:             []string{}, VNetFilter: is(p.IsVirtualNetworkFilterEnabled), VNetRules: []string{},
		PrivateEndpointsApproved: approved(p.PrivateEndpointConnections, func(e *armcosmos.PrivateEndpointConnection) *string {
			return value(value(e.Properties).PrivateLinkServiceConnectionState).Status
		}),
		LocalAuthDisabled: is(p.DisableLocalAuth), KeyBasedMetadataWritesDisabled: is(p.DisableKeyBasedMetadataWriteAccess),
		KeyVaultKeyURI:    text(p.KeyVaultKeyURI),
		MinimumTLSVersion: cmp.Or(text(p.MinimalTLSVersion), "Tls12"), AutomaticFailover: is(p.EnableAutomaticFailover), RegionCount: len(p.Locations),
		ZoneRedundant: len(p.Locations) > 0, BackupType: "Periodic",
	}
	out.CreatedAt = posture.FromPtr(value(a.SystemData).CreatedAt)
	for _, r := range p.IPRules {
		out.IPRules = append(out.IPRules, text(r.IPAddressOrRange))
	}
	for _, r := range p.VirtualNetworkRules {
		out.VNetRules = append(out.VNetRules, idOf(r.ID))
	}
	for _, l := range p.Locations {
		out.ZoneRedundant = out.ZoneRedundant && is(l.IsZoneRedundant)
	}
	if p.BackupPolicy != nil {
		out.BackupType = cmp.Or(text(value(p.BackupPolicy.GetBackupPolicy()).Type), "Periodic")
	}
	return out
}
