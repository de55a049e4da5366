package azure

import (
	"cmp"
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/servicebus/armservicebus"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// ownRule is the authorization rule that every messaging namespace has and that nobody can remove.
const ownRule = "RootManageSharedAccessKey"

// serviceBusVersion is the version of the API that tells the minimum TLS version; the SDK's own is older.
const serviceBusVersion = "2024-01-01"

var serviceBusNamespaces = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ServiceBusNamespaceType},
	Operations: []collectors.Operation{
		{Name: "armservicebus.NamespacesClient.NewListPager", Permission: "Microsoft.ServiceBus/namespaces/read", Body: collectors.Store},
		{Name: "armservicebus.NamespacesClient.GetNetworkRuleSet", Permission: "Microsoft.ServiceBus/namespaces/networkRuleSets/read", Body: collectors.Store},
		{Name: "armservicebus.NamespacesClient.NewListAuthorizationRulesPager", Permission: "Microsoft.ServiceBus/namespaces/authorizationRules/read", Body: collectors.Store},
		queryResources, listResources, resourceByID,
	},
	Collect: collectServiceBus,
}

func collectServiceBus(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armservicebus.NewNamespacesClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	var found []*armservicebus.SBNamespace
	err = pagesOf(ctx, c, "microsoft.servicebus/namespaces", "", api.NewListPager(nil), func(page armservicebus.NamespacesClientListResponse) error {
		found = append(found, page.Value...)
		return nil
	})
	_ = parallel(found, func(n *armservicebus.SBNamespace) string { return idOf(n.ID) }, func(n *armservicebus.SBNamespace) error {
		out := newServiceBusNamespace(n)
		var gaps []collectors.Gap
		read := func(err error, paths ...string) {
			if err != nil {
				gaps = append(gaps, collectors.Unread(err, paths...))
			}
		}
		read(readServiceBusNetwork(ctx, api, &out), "public_network_access", "network")
		read(readServiceBusRules(ctx, api, &out), "extra_authorization_rules")
		read(c.member(ctx, text(n.ID), serviceBusVersion, "minimumTlsVersion", &out.MinimumTLSVersion), "minimum_tls_version")
		out.MinimumTLSVersion = cmp.Or(out.MinimumTLSVersion, "1.2")
		emit(idOf(n.ID), &out, gaps...)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list namespaces: %w", err)
	}
	return nil
}

func newServiceBusNamespace(n *armservicebus.SBNamespace) schema.ServiceBusNamespace {
	p := value(n.Properties)
	out := schema.ServiceBusNamespace{
		Resource: resource(n.ID, n.Name, n.Location, n.Tags), SKU: text(value(n.SKU).Name), LocalAuthDisabled: is(p.DisableLocalAuth),
		EncryptionKeySource: text(value(p.Encryption).KeySource), ZoneRedundant: is(p.ZoneRedundant),
		PrivateEndpointsApproved: approved(p.PrivateEndpointConnections, func(e *armservicebus.PrivateEndpointConnection) *armservicebus.PrivateLinkConnectionStatus {
			return value(value(e.Properties).PrivateLinkServiceConnectionState).Status
		}),
	}
	out.CreatedAt = posture.FromPtr(p.CreatedAt)
	return out
}

func readServiceBusNetwork(ctx context.Context, api *armservicebus.NamespacesClient, out *schema.ServiceBusNamespace) error {
	answer, err := api.GetNetworkRuleSet(ctx, out.ResourceGroup, out.Name, nil)
	if err != nil {
		return fmt.Errorf("read network rules: %w", err)
	}
	p := value(answer.Properties)
	out.PublicNetworkAccess = cmp.Or(text(p.PublicNetworkAccess), "Enabled")
	out.Network.DefaultAction = cmp.Or(text(p.DefaultAction), "Allow")
	return nil
}

func readServiceBusRules(ctx context.Context, api *armservicebus.NamespacesClient, out *schema.ServiceBusNamespace) error {
	pager := api.NewListAuthorizationRulesPager(out.ResourceGroup, out.Name, nil)
	err := pages(ctx, pager, func(page armservicebus.NamespacesClientListAuthorizationRulesResponse) error {
		for _, r := range page.Value {
			if text(r.Name) != ownRule {
				out.ExtraAuthorizationRules++
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list authorization rules: %w", err)
	}
	return nil
}
