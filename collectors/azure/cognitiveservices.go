package azure

import (
	"cmp"
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/cognitiveservices/armcognitiveservices"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var cognitiveAccounts = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.CognitiveAccountType},
	Operations: []collectors.Operation{
		// Some kinds keep connection strings and search keys in apiProperties.
		{Name: "armcognitiveservices.AccountsClient.NewListPager", Permission: "Microsoft.CognitiveServices/accounts/read", Body: collectors.Redact("apiProperties", "migrationToken")},
	},
	Collect: collectCognitiveAccounts,
}

func collectCognitiveAccounts(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armcognitiveservices.NewAccountsClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pages(ctx, api.NewListPager(nil), func(page armcognitiveservices.AccountsClientListResponse) error {
		for _, a := range page.Value {
			out := newCognitiveAccount(a)
			emit(idOf(a.ID), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list AI services accounts: %w", err)
	}
	return nil
}

func newCognitiveAccount(a *armcognitiveservices.Account) schema.CognitiveAccount {
	p := value(a.Properties)
	return schema.CognitiveAccount{
		Resource: resource(a.ID, a.Name, a.Location, a.Tags), Kind: text(a.Kind), PublicNetworkAccess: cmp.Or(text(p.PublicNetworkAccess), "Enabled"),
		Network: schema.CognitiveNetwork{DefaultAction: cmp.Or(text(value(p.NetworkACLs).DefaultAction), "Allow")},
		PrivateEndpointsApproved: approved(p.PrivateEndpointConnections,
			func(e *armcognitiveservices.PrivateEndpointConnection) *armcognitiveservices.PrivateEndpointServiceConnectionStatus {
				return value(value(e.Properties).PrivateLinkServiceConnectionState).Status
			}),
		LocalAuthDisabled: is(p.DisableLocalAuth), EncryptionKeySource: cmp.Or(text(value(p.Encryption).KeySource), "Microsoft.CognitiveServices"),
		CustomerStorage: len(p.UserOwnedStorage) > 0, OutboundRestricted: is(p.RestrictOutboundNetworkAccess),
	}
}
