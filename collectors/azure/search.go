package azure

import (
	"cmp"
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/search/armsearch"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var searchServices = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.SearchServiceType},
	Operations: []collectors.Operation{
		{Name: "armsearch.ServicesClient.NewListBySubscriptionPager", Permission: "Microsoft.Search/searchServices/read", Body: collectors.Store},
		queryResources, listResources,
	},
	Collect: collectSearch,
}

func collectSearch(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armsearch.NewServicesClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pagesOf(ctx, c, "microsoft.search/searchservices", "", api.NewListBySubscriptionPager(nil, nil), func(page armsearch.ServicesClientListBySubscriptionResponse) error {
		for _, s := range page.Value {
			out := newSearchService(s)
			emit(idOf(s.ID), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list search services: %w", err)
	}
	return nil
}

func newSearchService(s *armsearch.Service) schema.SearchService {
	p := value(s.Properties)
	out := schema.SearchService{
		Resource: resource(s.ID, s.Name, s.Location, s.Tags), SKU: text(value(s.SKU).Name), PublicNetworkAccess: cmp.Or(text(p.PublicNetworkAccess), "enabled"),
		IPRules: len(value(p.NetworkRuleSet).IPRules), LocalAuthDisabled: is(p.DisableLocalAuth),
		CMKEnforcement: cmp.Or(text(value(p.EncryptionWithCmk).Enforcement), "Unspecified"), ReplicaCount: int(value(p.ReplicaCount)),
		PrivateEndpointsApproved: approved(p.PrivateEndpointConnections, func(e *armsearch.PrivateEndpointConnection) *armsearch.PrivateLinkServiceConnectionStatus {
			return value(value(e.Properties).PrivateLinkServiceConnectionState).Status
		}),
	}
	out.CustomerManagedKey = out.CMKEnforcement == string(armsearch.SearchEncryptionWithCmkEnabled)
	return out
}
