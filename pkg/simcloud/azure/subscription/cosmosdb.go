package subscription

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/cosmos/armcosmos/v3"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Accounts hold documents, or speak MongoDB with "mongo"; those with "one-region" have no second one to fail over to.
var cosmosService = service{
	providers: []string{"Microsoft.DocumentDB"},
	kinds: []world.Kind{{
		Name: "azure.cosmosdb", Sort: inSubscription, Global: true, Count: 4,
		Defects: []world.Defect{{Name: "mongo", Share: 0.3}, {Name: "public-off", Share: 0.3}, {Name: "no-filter", Share: 0.3, Drift: 0.1},
			{Name: "all-azure", Share: 0.2}, {Name: "all-addresses", Drift: 0.2},
			{Name: "subnets", Share: 0.4}, {Name: "no-endpoint", Share: 0.4}, {Name: "local-auth", Share: 0.5}, {Name: "platform-key", Share: 0.5},
			{Name: "periodic", Share: 0.3},
			{Name: "no-failover", Share: 0.3}, {Name: "one-region", Share: 0.4}, {Name: "old-tls", Share: 0.3}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			unfiltered := it.Has("no-filter") && !it.Has("subnets") && !it.Has("all-azure") && !it.Has("all-addresses")
			return keyOf("azure.cosmosdb.account", cosmosID(it)), map[string]posture.Result{
				"azure-cosmosdb-account-network-restricted": failIf(!it.Has("public-off") &&
					(unfiltered || it.Has("all-azure") || it.Has("all-addresses"))),
				"azure-cosmosdb-account-private-endpoint":    failIf(it.Has("no-endpoint")),
				"azure-cosmosdb-account-local-auth-disabled": unless(it.Has("mongo"), failIf(it.Has("local-auth"))),
				"azure-cosmosdb-account-cmk":                 failIf(it.Has("platform-key")),
				"azure-cosmosdb-account-resilient":           failIf(it.Has("periodic") || it.Has("no-failover") && !it.Has("one-region")),
				"azure-cosmosdb-account-minimum-tls-1-2":     failIf(it.Has("old-tls")),
			}
		},
	}},
	handle: handleCosmos,
}

func cosmosID(it *world.Item) string {
	return idOf(it, "Microsoft.DocumentDB/databaseAccounts", "cosmos-"+it.Name())
}

func handleCosmos(s *azure.Server, w *states) {
	// Azure answers with all of them at once.
	azure.Handle(s, "armcosmos.DatabaseAccountsClient.NewListPager", func(c azure.Call) (*armcosmos.DatabaseAccountsListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armcosmos.DatabaseAccountsListResult{}
		for _, it := range state.Items("azure.cosmosdb") {
			out.Value = append(out.Value, cosmosAccount(state, it))
		}
		return out, nil
	})
}

func cosmosAccount(state *world.State, it *world.Item) *armcosmos.DatabaseAccountGetResults {
	kind := armcosmos.DatabaseAccountKindGlobalDocumentDB
	if it.Has("mongo") {
		kind = armcosmos.DatabaseAccountKindMongoDB
	}
	p := &armcosmos.DatabaseAccountGetProperties{
		DatabaseAccountOfferType: to.Ptr("Standard"), ProvisioningState: to.Ptr("Succeeded"),
		DocumentEndpoint:              to.Ptr("https://cosmos-" + it.Name() + ".documents.azure.com:443/"),
		IsVirtualNetworkFilterEnabled: to.Ptr(it.Has("subnets")), DisableLocalAuth: to.Ptr(!it.Has("local-auth")),
		EnableAutomaticFailover:            to.Ptr(!it.Has("no-failover")),
		DisableKeyBasedMetadataWriteAccess: to.Ptr(it.Pick(2, "metadata") == 0),
		MinimalTLSVersion:                  []*armcosmos.MinimalTLSVersion{nil, to.Ptr(armcosmos.MinimalTLSVersionTls12)}[it.Pick(2, "tls")],
		Locations: []*armcosmos.Location{{LocationName: to.Ptr("West Europe"), FailoverPriority: to.Ptr[int32](0),
			IsZoneRedundant: to.Ptr(it.Pick(2, "zones") == 0)}},
		BackupPolicy: &armcosmos.ContinuousModeBackupPolicy{Type: to.Ptr(armcosmos.BackupPolicyTypeContinuous),
			ContinuousModeProperties: &armcosmos.ContinuousModeProperties{Tier: to.Ptr(armcosmos.ContinuousTierContinuous30Days)}},
	}
	if it.Has("public-off") {
		p.PublicNetworkAccess = to.Ptr([]armcosmos.PublicNetworkAccess{armcosmos.PublicNetworkAccessDisabled,
			armcosmos.PublicNetworkAccessSecuredByPerimeter}[it.Pick(2, "public")])
	}
	rule := func(address string) {
		p.IPRules = append(p.IPRules, &armcosmos.IPAddressOrRange{IPAddressOrRange: &address})
	}
	if !it.Has("no-filter") {
		rule("198.51.100.0/24")
	}
	if it.Has("all-azure") {
		rule("0.0.0.0")
	}
	if it.Has("all-addresses") {
		rule("0.0.0.0/0")
	}
	if it.Has("subnets") {
		p.VirtualNetworkRules = []*armcosmos.VirtualNetworkRule{{ID: to.Ptr(idOf(it, "Microsoft.Network/virtualNetworks", "vnet-app/subnets/data"))}}
	}
	if !it.Has("no-endpoint") {
		p.PrivateEndpointConnections = []*armcosmos.PrivateEndpointConnection{{Properties: &armcosmos.PrivateEndpointConnectionProperties{
			PrivateLinkServiceConnectionState: &armcosmos.PrivateLinkServiceConnectionStateProperty{Status: to.Ptr("Approved")},
		}}}
	}
	if !it.Has("platform-key") {
		p.KeyVaultKeyURI = to.Ptr("https://keys-" + it.Account.ID[:8] + ".vault.azure.net/keys/cosmos")
	}
	if it.Has("periodic") {
		p.BackupPolicy = &armcosmos.PeriodicModeBackupPolicy{Type: to.Ptr(armcosmos.BackupPolicyTypePeriodic),
			PeriodicModeProperties: &armcosmos.PeriodicModeProperties{BackupIntervalInMinutes: to.Ptr[int32](240),
				BackupRetentionIntervalInHours: to.Ptr[int32](8)}}
	}
	if !it.Has("one-region") {
		p.Locations = append(p.Locations, &armcosmos.Location{LocationName: to.Ptr("North Europe"), FailoverPriority: to.Ptr[int32](1),
			IsZoneRedundant: to.Ptr(true)})
	}
	if it.Has("old-tls") {
		p.MinimalTLSVersion = to.Ptr([]armcosmos.MinimalTLSVersion{armcosmos.MinimalTLSVersionTLS,
			armcosmos.MinimalTLSVersionTls11}[it.Pick(2, "old tls")])
	}
	return &armcosmos.DatabaseAccountGetResults{
		ID: to.Ptr(cosmosID(it)), Name: to.Ptr("cosmos-" + it.Name()), Type: to.Ptr("Microsoft.DocumentDB/databaseAccounts"), Kind: &kind,
		Location: to.Ptr(it.Account.Home()),
		Tags:     labels("team", "data"), SystemData: &armcosmos.SystemData{CreatedAt: to.Ptr(state.Long(it, 60))}, Properties: p,
	}
}
