package subscription

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/servicebus/armservicebus"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var serviceBusService = service{
	providers: []string{"Microsoft.ServiceBus"},
	kinds: []world.Kind{{
		Name: "azure.servicebus", Sort: inSubscription, Global: true, Count: 4,
		Defects: []world.Defect{{Name: "standard", Share: 0.4}, {Name: "keys", Share: 0.5}, {Name: "no-extra-rules", Share: 0.4, Drift: 0.1}, {Name: "old-tls", Share: 0.2},
			{Name: "open", Share: 0.3, Drift: 0.1}, {Name: "platform-key", Share: 0.4}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("azure.servicebus.namespace", serviceBusID(it)), map[string]posture.Result{
				"azure-servicebus-namespace-local-auth-disabled": failIf(it.Has("keys") && !it.Has("no-extra-rules")),
				"azure-servicebus-namespace-network-restricted":  failIf(it.Has("open") || it.Has("old-tls")),
				"azure-servicebus-namespace-cmk":                 unless(it.Has("standard"), failIf(it.Has("platform-key"))),
			}
		},
	}},
	handle: handleServiceBus,
}

func serviceBusName(it *world.Item) string { return "sb-" + it.Name() }

func serviceBusID(it *world.Item) string {
	return idOf(it, "Microsoft.ServiceBus/namespaces", serviceBusName(it))
}

func handleServiceBus(s *azure.Server, w *states) {
	azure.List(s, "armservicebus.NamespacesClient.NewListPager", func(c azure.Call) (*armservicebus.SBNamespaceListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armservicebus.SBNamespaceListResult{}
		for _, it := range state.Items("azure.servicebus") {
			out.Value = append(out.Value, serviceBusNamespace(state, it))
		}
		return out, nil
	})
	azure.Handle(s, "armservicebus.NamespacesClient.GetNetworkRuleSet", func(c azure.Call) (*armservicebus.NetworkRuleSet, error) {
		it, err := w.item(c, "azure.servicebus", "namespaceName", serviceBusName)
		if err != nil {
			return nil, err
		}
		p := &armservicebus.NetworkRuleSetProperties{
			DefaultAction: to.Ptr(armservicebus.DefaultActionAllow), PublicNetworkAccess: to.Ptr(armservicebus.PublicNetworkAccessFlagEnabled),
			IPRules: []*armservicebus.NWRuleSetIPRules{}, VirtualNetworkRules: []*armservicebus.NWRuleSetVirtualNetworkRules{},
		}
		if !it.Has("open") {
			switch it.Pick(3, "closed") {
			case 0:
				p.PublicNetworkAccess = to.Ptr(armservicebus.PublicNetworkAccessFlagDisabled)
			case 1:
				p.PublicNetworkAccess = to.Ptr(armservicebus.PublicNetworkAccessFlag("SecuredByPerimeter"))
			default:
				p.DefaultAction = to.Ptr(armservicebus.DefaultActionDeny)
				p.IPRules = append(p.IPRules, &armservicebus.NWRuleSetIPRules{IPMask: to.Ptr("198.51.100.0/24"), Action: to.Ptr(armservicebus.NetworkRuleIPActionAllow)})
			}
		}
		return &armservicebus.NetworkRuleSet{
			ID: to.Ptr(serviceBusID(it) + "/networkRuleSets/default"), Name: to.Ptr("default"), Type: to.Ptr("Microsoft.ServiceBus/Namespaces/NetworkRuleSets"), Properties: p,
		}, nil
	})
	azure.List(s, "armservicebus.NamespacesClient.NewListAuthorizationRulesPager", func(c azure.Call) (*armservicebus.SBAuthorizationRuleListResult, error) {
		it, err := w.item(c, "azure.servicebus", "namespaceName", serviceBusName)
		if err != nil {
			return nil, err
		}
		out := &armservicebus.SBAuthorizationRuleListResult{}
		rule := func(name string, rights ...armservicebus.AccessRights) {
			r := &armservicebus.SBAuthorizationRule{
				ID: to.Ptr(serviceBusID(it) + "/AuthorizationRules/" + name), Name: &name, Type: to.Ptr("Microsoft.ServiceBus/Namespaces/AuthorizationRules"),
				Properties: &armservicebus.SBAuthorizationRuleProperties{},
			}
			for _, right := range rights {
				r.Properties.Rights = append(r.Properties.Rights, &right)
			}
			out.Value = append(out.Value, r)
		}
		rule("RootManageSharedAccessKey", armservicebus.AccessRightsManage, armservicebus.AccessRightsSend, armservicebus.AccessRightsListen)
		if !it.Has("no-extra-rules") {
			rule("orders", armservicebus.AccessRightsSend)
			rule("billing", armservicebus.AccessRightsListen)
		}
		return out, nil
	})
}

func serviceBusNamespace(state *world.State, it *world.Item) *armservicebus.SBNamespace {
	created := state.Long(it, 400)
	sku, tier := armservicebus.SKUNamePremium, armservicebus.SKUTierPremium
	if it.Has("standard") {
		sku, tier = armservicebus.SKUNameStandard, armservicebus.SKUTierStandard
	}
	p := &armservicebus.SBNamespaceProperties{
		Status: to.Ptr("Active"), ProvisioningState: to.Ptr("Succeeded"), CreatedAt: &created, UpdatedAt: &created, DisableLocalAuth: to.Ptr(!it.Has("keys")),
		ZoneRedundant: to.Ptr(!it.Has("standard")), ServiceBusEndpoint: to.Ptr("https://" + serviceBusName(it) + ".servicebus.windows.net:443/"),
	}
	if !it.Has("standard") && !it.Has("platform-key") {
		p.Encryption = &armservicebus.Encryption{KeySource: to.Ptr("Microsoft.KeyVault"), KeyVaultProperties: []*armservicebus.KeyVaultProperties{{
			KeyName: to.Ptr("messages"), KeyVaultURI: to.Ptr("https://keys-" + it.Account.ID[:8] + ".vault.azure.net/"),
		}}}
	}
	if it.Pick(2, "endpoint") == 0 {
		p.PrivateEndpointConnections = []*armservicebus.PrivateEndpointConnection{{
			ID: to.Ptr(serviceBusID(it) + "/privateEndpointConnections/app"), Name: to.Ptr("app"),
			Properties: &armservicebus.PrivateEndpointConnectionProperties{
				PrivateLinkServiceConnectionState: &armservicebus.ConnectionState{Status: to.Ptr(armservicebus.PrivateLinkConnectionStatusApproved)},
			},
		}}
	}
	return &armservicebus.SBNamespace{
		ID: to.Ptr(serviceBusID(it)), Name: to.Ptr(serviceBusName(it)), Type: to.Ptr("Microsoft.ServiceBus/Namespaces"), Location: to.Ptr(it.Account.Home()),
		SKU: &armservicebus.SBSKU{Name: &sku, Tier: &tier}, Tags: labels("team", "orders"), Properties: p,
	}
}

// serviceBusResources are the namespaces as newer versions of the API tell of them.
func serviceBusResources(s *world.State) []described {
	var out []described
	for _, it := range s.Items("azure.servicebus") {
		properties := map[string]any{"status": "Active", "publicNetworkAccess": "Enabled"}
		switch {
		case it.Has("old-tls"):
			properties["minimumTlsVersion"] = []string{"1.0", "1.1"}[it.Pick(2, "tls")]
		case it.Pick(3, "tls") > 0: // else what everybody gets who says nothing
			properties["minimumTlsVersion"] = []string{"1.2", "1.3"}[it.Pick(2, "good tls")]
		}
		out = append(out, described{
			ID: serviceBusID(it), Type: "Microsoft.ServiceBus/Namespaces", Location: it.Account.Home(), Tags: labels("team", "orders"), Properties: properties,
		})
	}
	return out
}
