package subscription

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armsubscriptions"

	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var subscriptionService = service{
	kinds:  []world.Kind{{Name: "azure.subscription", Sort: inSubscription, Global: true, Count: 1, Fixed: true}},
	handle: handleSubscriptions,
}

func handleSubscriptions(s *azure.Server, w *states) {
	azure.Handle(s, "armsubscriptions.Client.Get", func(c azure.Call) (*armsubscriptions.Subscription, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		a := state.Account
		return &armsubscriptions.Subscription{
			ID: to.Ptr("/subscriptions/" + a.ID), SubscriptionID: &a.ID, DisplayName: &a.Name, TenantID: to.Ptr(tenantOf(a)),
			State:                to.Ptr(armsubscriptions.SubscriptionStateEnabled),
			SubscriptionPolicies: &armsubscriptions.SubscriptionPolicies{QuotaID: to.Ptr("EnterpriseAgreement_2014-09-01"), SpendingLimit: to.Ptr(armsubscriptions.SpendingLimitOff)},
			Tags:                 labels("team", "platform"),
		}, nil
	})
	azure.List(s, "armresources.ProvidersClient.NewListPager", func(c azure.Call) (*armresources.ProviderListResult, error) {
		if _, err := w.at(c); err != nil {
			return nil, err
		}
		out := &armresources.ProviderListResult{}
		for _, name := range w.providers {
			out.Value = append(out.Value, &armresources.Provider{
				ID: to.Ptr("/subscriptions/" + c.Account + "/providers/" + name), Namespace: to.Ptr(name), RegistrationState: to.Ptr("Registered"),
			})
		}
		out.Value = append(out.Value, &armresources.Provider{Namespace: to.Ptr("Microsoft.Quantum"), RegistrationState: to.Ptr("NotRegistered")})
		return out, nil
	})
}
