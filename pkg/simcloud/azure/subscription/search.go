package subscription

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/search/armsearch"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var searchService = service{
	providers: []string{"Microsoft.Search"},
	kinds: []world.Kind{{
		Name: "azure.search", Sort: inSubscription, Global: true, Count: 4,
		Defects: []world.Defect{{Name: "open", Share: 0.3, Drift: 0.1}, {Name: "keys", Share: 0.3}, {Name: "platform-key", Share: 0.4}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("azure.search.service", searchID(it)), map[string]posture.Result{
				"azure-search-service-secured": failIf(it.Has("open") || it.Has("keys")),
				"azure-data-services-cmk":      failIf(it.Has("platform-key")),
			}
		},
	}},
	handle: handleSearch,
}

func searchID(it *world.Item) string {
	return idOf(it, "Microsoft.Search/searchServices", "srch-"+it.Name())
}

func handleSearch(s *azure.Server, w *states) {
	azure.List(s, "armsearch.ServicesClient.NewListBySubscriptionPager", func(c azure.Call) (*armsearch.ServiceListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armsearch.ServiceListResult{}
		for _, it := range state.Items("azure.search") {
			out.Value = append(out.Value, searchOf(it))
		}
		return out, nil
	})
}

func searchOf(it *world.Item) *armsearch.Service {
	p := &armsearch.ServiceProperties{
		Status: to.Ptr(armsearch.SearchServiceStatusRunning), ProvisioningState: to.Ptr(armsearch.ProvisioningStateSucceeded), HostingMode: to.Ptr(armsearch.HostingModeDefault),
		ReplicaCount: to.Ptr(int32(1 + it.Pick(3, "replicas"))), PartitionCount: to.Ptr[int32](1), PublicNetworkAccess: to.Ptr(armsearch.PublicNetworkAccessEnabled),
		NetworkRuleSet: &armsearch.NetworkRuleSet{IPRules: []*armsearch.IPRule{}, Bypass: to.Ptr(armsearch.SearchBypassNone)}, DisableLocalAuth: to.Ptr(!it.Has("keys")),
		EncryptionWithCmk: &armsearch.EncryptionWithCmk{
			Enforcement: to.Ptr(armsearch.SearchEncryptionWithCmkEnabled), EncryptionComplianceStatus: to.Ptr(armsearch.SearchEncryptionComplianceStatusCompliant),
		},
	}
	if it.Has("platform-key") {
		p.EncryptionWithCmk = []*armsearch.EncryptionWithCmk{nil, {Enforcement: to.Ptr(armsearch.SearchEncryptionWithCmkUnspecified)},
			{Enforcement: to.Ptr(armsearch.SearchEncryptionWithCmkDisabled)}}[it.Pick(3, "key")]
	}
	if it.Has("keys") {
		p.AuthOptions = &armsearch.DataPlaneAuthOptions{AADOrAPIKey: &armsearch.DataPlaneAADOrAPIKeyAuthOption{AADAuthFailureMode: to.Ptr(armsearch.AADAuthFailureModeHttp401WithBearerChallenge)}}
	}
	if it.Has("open") {
		p.PublicNetworkAccess = []*armsearch.PublicNetworkAccess{nil, p.PublicNetworkAccess}[it.Pick(2, "open")]
	} else {
		switch it.Pick(4, "closed") {
		case 0:
			p.PublicNetworkAccess = to.Ptr(armsearch.PublicNetworkAccessDisabled)
		case 1:
			p.PublicNetworkAccess = to.Ptr(armsearch.PublicNetworkAccessSecuredByPerimeter)
		case 2:
			p.NetworkRuleSet.IPRules = append(p.NetworkRuleSet.IPRules, &armsearch.IPRule{Value: to.Ptr("198.51.100.0/24")})
		default:
			p.PrivateEndpointConnections = []*armsearch.PrivateEndpointConnection{{
				ID: to.Ptr(searchID(it) + "/privateEndpointConnections/app"), Name: to.Ptr("app"),
				Properties: &armsearch.PrivateEndpointConnectionProperties{
					PrivateLinkServiceConnectionState: &armsearch.PrivateEndpointConnectionPropertiesPrivateLinkServiceConnectionState{
						Status: to.Ptr(armsearch.PrivateLinkServiceConnectionStatusApproved),
					},
				},
			}}
		}
	}
	return &armsearch.Service{
		ID: to.Ptr(searchID(it)), Name: to.Ptr("srch-" + it.Name()), Type: to.Ptr("Microsoft.Search/searchServices"), Location: to.Ptr(it.Account.Home()),
		SKU: &armsearch.SKU{Name: to.Ptr(armsearch.SKUNameStandard)}, Tags: labels("team", "shop"), Properties: p,
	}
}
