package subscription

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/eventgrid/armeventgrid/v2"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Every second one is a domain.
var eventGridService = service{
	providers: []string{"Microsoft.EventGrid"},
	kinds: []world.Kind{{
		Name: "azure.eventgrid", Sort: inSubscription, Global: true, Count: 6,
		Defects: []world.Defect{{Name: "open", Share: 0.3, Drift: 0.1}, {Name: "keys", Share: 0.3}, {Name: "by-address", Share: 0.4}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("azure.eventgrid.topic", eventGridID(it)), map[string]posture.Result{
				"azure-eventgrid-topic-secured": failIf(it.Has("open") || it.Has("keys")),
			}
		},
	}},
	handle: handleEventGrid,
}

func isDomain(it *world.Item) bool { return it.Index%2 == 1 }

func eventGridID(it *world.Item) string {
	if isDomain(it) {
		return idOf(it, "Microsoft.EventGrid/domains", "evgd-"+it.Name())
	}
	return idOf(it, "Microsoft.EventGrid/topics", "evgt-"+it.Name())
}

func handleEventGrid(s *azure.Server, w *states) {
	azure.List(s, "armeventgrid.TopicsClient.NewListBySubscriptionPager", func(c azure.Call) (*armeventgrid.TopicsListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armeventgrid.TopicsListResult{}
		for _, it := range state.Items("azure.eventgrid") {
			if isDomain(it) {
				continue
			}
			access, rules := eventGridDoors(it)
			out.Value = append(out.Value, &armeventgrid.Topic{
				ID: to.Ptr(eventGridID(it)), Name: to.Ptr("evgt-" + it.Name()), Type: to.Ptr("Microsoft.EventGrid/topics"), Location: to.Ptr(it.Account.Home()), Tags: labels("team", "orders"),
				Properties: &armeventgrid.TopicProperties{
					ProvisioningState: to.Ptr(armeventgrid.TopicProvisioningStateSucceeded), InputSchema: to.Ptr(armeventgrid.InputSchemaCloudEventSchemaV10),
					Endpoint: to.Ptr("https://evgt-" + it.Name() + ".westeurope-1.eventgrid.azure.net/api/events"), PublicNetworkAccess: access, InboundIPRules: rules,
					DisableLocalAuth: to.Ptr(!it.Has("keys")), MinimumTLSVersionAllowed: eventGridTLS(it), PrivateEndpointConnections: eventGridEndpoints(it),
				},
			})
		}
		return out, nil
	})
	azure.List(s, "armeventgrid.DomainsClient.NewListBySubscriptionPager", func(c azure.Call) (*armeventgrid.DomainsListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armeventgrid.DomainsListResult{}
		for _, it := range state.Items("azure.eventgrid") {
			if !isDomain(it) {
				continue
			}
			access, rules := eventGridDoors(it)
			out.Value = append(out.Value, &armeventgrid.Domain{
				ID: to.Ptr(eventGridID(it)), Name: to.Ptr("evgd-" + it.Name()), Type: to.Ptr("Microsoft.EventGrid/domains"), Location: to.Ptr(it.Account.Home()), Tags: labels("team", "orders"),
				Properties: &armeventgrid.DomainProperties{
					ProvisioningState: to.Ptr(armeventgrid.DomainProvisioningStateSucceeded), PublicNetworkAccess: access, InboundIPRules: rules,
					DisableLocalAuth: to.Ptr(!it.Has("keys")), MinimumTLSVersionAllowed: eventGridTLS(it), PrivateEndpointConnections: eventGridEndpoints(it),
				},
			})
		}
		return out, nil
	})
}

func eventGridDoors(it *world.Item) (*armeventgrid.PublicNetworkAccess, []*armeventgrid.InboundIPRule) {
	switch {
	case it.Has("open"):
		return []*armeventgrid.PublicNetworkAccess{nil, to.Ptr(armeventgrid.PublicNetworkAccessEnabled)}[it.Pick(2, "open")], nil
	case it.Has("by-address"):
		return to.Ptr(armeventgrid.PublicNetworkAccessEnabled), []*armeventgrid.InboundIPRule{{IPMask: to.Ptr("198.51.100.0/24"), Action: to.Ptr(armeventgrid.IPActionTypeAllow)}}
	}
	return to.Ptr(armeventgrid.PublicNetworkAccessDisabled), nil
}

func eventGridTLS(it *world.Item) *armeventgrid.TLSVersion {
	return []*armeventgrid.TLSVersion{nil, to.Ptr(armeventgrid.TLSVersionOne2)}[it.Pick(2, "tls")]
}

func eventGridEndpoints(it *world.Item) []*armeventgrid.PrivateEndpointConnection {
	if it.Has("open") {
		return nil
	}
	return []*armeventgrid.PrivateEndpointConnection{{
		ID: to.Ptr(eventGridID(it) + "/privateEndpointConnections/app"), Name: to.Ptr("app"),
		Properties: &armeventgrid.PrivateEndpointConnectionProperties{
			PrivateLinkServiceConnectionState: &armeventgrid.ConnectionState{Status: to.Ptr(armeventgrid.PersistedConnectionStatusApproved)},
		},
	}}
}
