package subscription

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/eventhub/armeventhub"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var eventHubService = service{
	providers: []string{"Microsoft.EventHub"},
	kinds: []world.Kind{{
		Name: "azure.eventhub", Sort: inSubscription, Global: true, Count: 4,
		Defects: []world.Defect{{Name: "standard", Share: 0.5}, {Name: "dedicated", Share: 0.5}, {Name: "keys", Share: 0.5}, {Name: "no-extra-rules", Share: 0.4},
			{Name: "old-tls", Share: 0.2}, {Name: "open", Share: 0.3, Drift: 0.15}, {Name: "microsofts-key", Share: 0.3}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("azure.eventhub.namespace", eventHubID(it)), map[string]posture.Result{
				"azure-eventhub-namespace-local-auth-disabled": failIf(it.Has("keys") && !it.Has("no-extra-rules")),
				"azure-eventhub-namespace-network-restricted":  failIf(it.Has("open") || it.Has("old-tls")),
				"azure-eventhub-namespace-cmk":                 unless(it.Has("standard") && !it.Has("dedicated"), failIf(it.Has("microsofts-key"))),
			}
		},
	}},
	handle: handleEventHub,
}

func eventHubName(it *world.Item) string { return "evh-" + it.Name() }

func eventHubID(it *world.Item) string {
	return idOf(it, "Microsoft.EventHub/namespaces", eventHubName(it))
}

func handleEventHub(s *azure.Server, w *states) {
	azure.List(s, "armeventhub.NamespacesClient.NewListPager", func(c azure.Call) (*armeventhub.EHNamespaceListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armeventhub.EHNamespaceListResult{}
		for _, it := range state.Items("azure.eventhub") {
			out.Value = append(out.Value, eventHubNamespace(state, it))
		}
		return out, nil
	})
	azure.Handle(s, "armeventhub.NamespacesClient.GetNetworkRuleSet", func(c azure.Call) (*armeventhub.NetworkRuleSet, error) {
		it, err := w.item(c, "azure.eventhub", "namespaceName", eventHubName)
		if err != nil {
			return nil, err
		}
		p := &armeventhub.NetworkRuleSetProperties{
			DefaultAction: to.Ptr(armeventhub.DefaultActionAllow), TrustedServiceAccessEnabled: to.Ptr(true),
			PublicNetworkAccess: to.Ptr(armeventhub.PublicNetworkAccessFlag(*eventHubAccess(it))),
		}
		if filtered(it) {
			p.DefaultAction = to.Ptr(armeventhub.DefaultActionDeny)
			p.IPRules = []*armeventhub.NWRuleSetIPRules{{IPMask: to.Ptr("198.51.100.0/24"), Action: to.Ptr(armeventhub.NetworkRuleIPActionAllow)}}
		}
		return &armeventhub.NetworkRuleSet{
			ID: to.Ptr(eventHubID(it) + "/networkRuleSets/default"), Name: to.Ptr("default"), Type: to.Ptr("Microsoft.EventHub/Namespaces/NetworkRuleSets"), Properties: p,
		}, nil
	})
	azure.List(s, "armeventhub.NamespacesClient.NewListAuthorizationRulesPager", func(c azure.Call) (*armeventhub.AuthorizationRuleListResult, error) {
		it, err := w.item(c, "azure.eventhub", "namespaceName", eventHubName)
		if err != nil {
			return nil, err
		}
		names := []string{"RootManageSharedAccessKey", "agents", "siem"}
		if it.Has("no-extra-rules") {
			names = names[:1]
		}
		out := &armeventhub.AuthorizationRuleListResult{}
		for _, name := range names {
			out.Value = append(out.Value, &armeventhub.AuthorizationRule{
				ID: to.Ptr(eventHubID(it) + "/AuthorizationRules/" + name), Name: &name, Type: to.Ptr("Microsoft.EventHub/Namespaces/AuthorizationRules"),
				Properties: &armeventhub.AuthorizationRuleProperties{Rights: []*armeventhub.AccessRights{to.Ptr(armeventhub.AccessRightsListen), to.Ptr(armeventhub.AccessRightsSend)}},
			})
		}
		return out, nil
	})
}

// filtered: a firewall stands before the namespace; where there is none it is closed altogether, or open.
func filtered(it *world.Item) bool { return !it.Has("open") && it.Pick(3, "closed") == 0 }

func eventHubAccess(it *world.Item) *armeventhub.PublicNetworkAccess {
	switch {
	case it.Has("open") || filtered(it):
		return to.Ptr(armeventhub.PublicNetworkAccessEnabled)
	case it.Pick(2, "perimeter") == 0:
		return to.Ptr(armeventhub.PublicNetworkAccessSecuredByPerimeter)
	}
	return to.Ptr(armeventhub.PublicNetworkAccessDisabled)
}

func eventHubNamespace(state *world.State, it *world.Item) *armeventhub.EHNamespace {
	created := state.Long(it, 400)
	sku := armeventhub.SKUNamePremium
	if it.Has("standard") {
		sku = armeventhub.SKUNameStandard
	}
	p := &armeventhub.EHNamespaceProperties{
		Status: to.Ptr("Active"), ProvisioningState: to.Ptr("Succeeded"), CreatedAt: &created, UpdatedAt: &created, DisableLocalAuth: to.Ptr(!it.Has("keys")),
		MinimumTLSVersion: to.Ptr(armeventhub.TLSVersionOne2), PublicNetworkAccess: eventHubAccess(it), ZoneRedundant: to.Ptr(it.Pick(2, "zones") == 0), KafkaEnabled: to.Ptr(true),
	}
	if *p.PublicNetworkAccess == armeventhub.PublicNetworkAccessEnabled && it.Pick(2, "unsaid") == 0 {
		p.PublicNetworkAccess = nil
	}
	if it.Has("old-tls") {
		p.MinimumTLSVersion = []*armeventhub.TLSVersion{nil, to.Ptr(armeventhub.TLSVersionOne1)}[it.Pick(2, "tls")]
	}
	if it.Has("dedicated") {
		p.ClusterArmID = to.Ptr(idOf(it, "Microsoft.EventHub/clusters", "streams"))
	}
	if !it.Has("microsofts-key") && (!it.Has("standard") || it.Has("dedicated")) {
		p.Encryption = &armeventhub.Encryption{KeySource: to.Ptr("Microsoft.KeyVault"), KeyVaultProperties: []*armeventhub.KeyVaultProperties{{
			KeyName: to.Ptr("events"), KeyVaultURI: to.Ptr("https://keys-" + it.Account.ID[:8] + ".vault.azure.net/"),
		}}}
	}
	if it.Pick(2, "endpoint") == 0 {
		p.PrivateEndpointConnections = []*armeventhub.PrivateEndpointConnection{{
			ID: to.Ptr(eventHubID(it) + "/privateEndpointConnections/app"), Name: to.Ptr("app"),
			Properties: &armeventhub.PrivateEndpointConnectionProperties{
				PrivateLinkServiceConnectionState: &armeventhub.ConnectionState{Status: to.Ptr(armeventhub.PrivateLinkConnectionStatusApproved)},
			},
		}}
	}
	return &armeventhub.EHNamespace{
		ID: to.Ptr(eventHubID(it)), Name: to.Ptr(eventHubName(it)), Type: to.Ptr("Microsoft.EventHub/Namespaces"), Location: to.Ptr(it.Account.Home()),
		SKU: &armeventhub.SKU{Name: &sku, Tier: to.Ptr(armeventhub.SKUTier(sku)), Capacity: to.Ptr[int32](1)}, Tags: labels("team", "data"), Properties: p,
	}
}
