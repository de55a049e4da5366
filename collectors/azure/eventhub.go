package azure

import (
	"cmp"
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/eventhub/armeventhub"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var eventHubNamespaces = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.EventHubNamespaceType},
	Operations: []collectors.Operation{
		{Name: "armeventhub.NamespacesClient.NewListPager", Permission: "Microsoft.EventHub/namespaces/read", Body: collectors.Store},
		{Name: "armeventhub.NamespacesClient.GetNetworkRuleSet", Permission: "Microsoft.EventHub/namespaces/networkRuleSets/read", Body: collectors.Store},
		{Name: "armeventhub.NamespacesClient.NewListAuthorizationRulesPager", Permission: "Microsoft.EventHub/namespaces/authorizationRules/read", Body: collectors.Store},
		queryResources, listResources,
	},
	Collect: collectEventHubs,
}

func collectEventHubs(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armeventhub.NewNamespacesClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	var found []*armeventhub.EHNamespace
	err = pagesOf(ctx, c, "microsoft.eventhub/namespaces", "", api.NewListPager(nil), func(page armeventhub.NamespacesClientListResponse) error {
		found = append(found, page.Value...)
		return nil
	})
	_ = parallel(found, func(n *armeventhub.EHNamespace) string { return idOf(n.ID) }, func(n *armeventhub.EHNamespace) error {
		out := newEventHubNamespace(n)
		var gaps []collectors.Gap
		answer, err := api.GetNetworkRuleSet(ctx, out.ResourceGroup, out.Name, nil)
		if err != nil {
			gaps = append(gaps, collectors.Unread(fmt.Errorf("read network rules: %w", err), "network"))
		}
		out.Network.DefaultAction = cmp.Or(text(value(answer.Properties).DefaultAction), "Allow")
		err = pages(ctx, api.NewListAuthorizationRulesPager(out.ResourceGroup, out.Name, nil), func(page armeventhub.NamespacesClientListAuthorizationRulesResponse) error {
			for _, r := range page.Value {
				if text(r.Name) != ownRule {
					out.ExtraAuthorizationRules++
				}
			}
			return nil
		})
		if err != nil {
			gaps = append(gaps, collectors.Unread(fmt.Errorf("list authorization rules: %w", err), "extra_authorization_rules"))
		}
		emit(idOf(n.ID), &out, gaps...)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list namespaces: %w", err)
	}
	return nil
}

func newEventHubNamespace(n *armeventhub.EHNamespace) schema.EventHubNamespace {
	p := value(n.Properties)
	out := schema.EventHubNamespace{
		Resource: resource(n.ID, n.Name, n.Location, n.Tags), SKU: text(value(n.SKU).Name), ClusterID: idOf(p.ClusterArmID),
		LocalAuthDisabled: is(p.DisableLocalAuth), MinimumTLSVersion: cmp.Or(text(p.MinimumTLSVersion), "1.0"),
		PublicNetworkAccess: cmp.Or(text(p.PublicNetworkAccess), "Enabled"), EncryptionKeySource: text(value(p.Encryption).KeySource), ZoneRedundant: is(p.ZoneRedundant),
		PrivateEndpointsApproved: approved(p.PrivateEndpointConnections, func(e *armeventhub.PrivateEndpointConnection) *armeventhub.PrivateLinkConnectionStatus {
			return value(value(e.Properties).PrivateLinkServiceConnectionState).Status
		}),
	}
	out.CreatedAt = posture.FromPtr(p.CreatedAt)
	return out
}
