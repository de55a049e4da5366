package azure

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/eventgrid/armeventgrid/v2"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var eventGridTopics = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.EventGridTopicType},
	Operations: []collectors.Operation{
		{Name: "armeventgrid.TopicsClient.NewListBySubscriptionPager", Permission: "Microsoft.EventGrid/topics/read", Body: collectors.Store},
		{Name: "armeventgrid.DomainsClient.NewListBySubscriptionPager", Permission: "Microsoft.EventGrid/domains/read", Body: collectors.Store},
		queryResources, listResources,
	},
	Collect: collectEventGrid,
}

func collectEventGrid(ctx context.Context, c *client, emit collectors.Emit) error {
	factory, err := armeventgrid.NewClientFactory(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	topics := pagesOf(ctx, c, "microsoft.eventgrid/topics", "", factory.NewTopicsClient().NewListBySubscriptionPager(nil), func(page armeventgrid.TopicsClientListBySubscriptionResponse) error {
		for _, t := range page.Value {
			p := value(t.Properties)
			emit(idOf(t.ID), &schema.EventGridTopic{
				Resource: resource(t.ID, t.Name, t.Location, t.Tags), Kind: "topic", PublicNetworkAccess: cmp.Or(text(p.PublicNetworkAccess), "Enabled"),
				InboundIPRules: len(p.InboundIPRules), PrivateEndpointsApproved: approved(p.PrivateEndpointConnections, eventGridEndpoint),
				LocalAuthDisabled: is(p.DisableLocalAuth), MinimumTLSVersion: text(p.MinimumTLSVersionAllowed),
			})
		}
		return nil
	})
	if topics != nil {
		topics = fmt.Errorf("list topics: %w", topics)
	}
	domains := pagesOf(ctx, c, "microsoft.eventgrid/domains", "", factory.NewDomainsClient().NewListBySubscriptionPager(nil), func(page armeventgrid.DomainsClientListBySubscriptionResponse) error {
		for _, d := range page.Value {
			p := value(d.Properties)
			emit(idOf(d.ID), &schema.EventGridTopic{
				Resource: resource(d.ID, d.Name, d.Location, d.Tags), Kind: "domain", PublicNetworkAccess: cmp.Or(text(p.PublicNetworkAccess), "Enabled"),
				InboundIPRules: len(p.InboundIPRules), PrivateEndpointsApproved: approved(p.PrivateEndpointConnections, eventGridEndpoint),
				LocalAuthDisabled: is(p.DisableLocalAuth), MinimumTLSVersion: text(p.MinimumTLSVersionAllowed),
			})
		}
		return nil
	})
	if domains != nil {
		domains = fmt.Errorf("list domains: %w", domains)
	}
	return errors.Join(topics, domains)
}

func eventGridEndpoint(e *armeventgrid.PrivateEndpointConnection) *armeventgrid.PersistedConnectionStatus {
	return value(value(e.Properties).PrivateLinkServiceConnectionState).Status
}
