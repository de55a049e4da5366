package subscription

import (
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/managementgroups/armmanagementgroups"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armsubscriptions"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/subscription/armsubscription"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var subscriptionService = service{
	kinds: []world.Kind{
		{Name: "azure.subscription", Sort: inSubscription, Global: true, Count: 1, Fixed: true},
		{
			Name: "azure.hierarchy", Sort: inTenant, Global: true, Count: 1, Fixed: true,
			ExpectMore: func(s *world.State) map[world.Judged]posture.Result {
				t := tenantItem(s)
				out := map[world.Judged]posture.Result{
					{Rule: "azure-subscriptions-tenant-transfer-blocked",
						Resource: keyOf("azure.subscriptions.tenant_policy",
							"/providers/Microsoft.Subscription/policies/default")}: failIf(t.Has("may-leave") || t.Has("may-enter")),
				}
				for _, g := range managementGroups(s) {
					out[world.Judged{Rule: "azure-managementgroups-creation-requires-authorization",
						Resource: keyOf("azure.managementgroups.management_group", g.id)}] =
						unless(g.parent != "", failIf(t.Has("groups-open")))
				}
				return out
			},
		},
	},
	handle: handleSubscriptions,
}

// managementGroup is one group of the tenant's hierarchy, with the subscriptions that lie right in it.
type managementGroup struct {
	id, name, display, parent string
	subscriptions             []string
}

// retired is a subscription that the tenant lists and nobody can use any more.
const retired = "aaaaaaaa-0000-4000-8000-0000000000ff"

func groupPath(name string) string { return "/providers/Microsoft.Management/managementGroups/" + name }

// managementGroups are the root, one group in it and one in that. The tenant's subscriptions lie in the lower two by turns.
func managementGroups(s *world.State) []managementGroup {
	root := tenantOf(s.Account)
	out := []managementGroup{
		{id: groupPath(root), name: root, display: "Tenant Root Group", subscriptions: []string{retired}},
		{id: groupPath("Platform"), name: "Platform", display: "Platform", parent: groupPath(root)},
		{id: groupPath("Workloads"), name: "Workloads", display: "Workloads", parent: groupPath("Platform")},
	}
	for i, a := range membersOf(s.World, "tenants/"+root) {
		g := &out[2-i%2]
		g.subscriptions = append(g.subscriptions, a.ID)
	}
	return out
}

// above are the ids of the management groups over a subscription, the nearest first.
func above(s *world.State, subscription string) []string {
	groups := managementGroups(s)
	at := ""
	for _, g := range groups {
		if slices.Contains(g.subscriptions, subscription) {
			at = g.id
		}
	}
	var out []string
	for at != "" {
		out = append(out, at)
		i := slices.IndexFunc(groups, func(g managementGroup) bool { return g.id == at })
		at = groups[i].parent
	}
	return out
}

func handleSubscriptions(s *azure.Server, w *states) {
	azure.Handle(s, "armsubscriptions.Client.Get", func(c azure.Call) (*armsubscriptions.Subscription, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		return listedSubscription(state.Account.ID, state.Account.Name, tenantOf(state.Account), armsubscriptions.SubscriptionStateEnabled), nil
	})
	azure.List(s, "armsubscriptions.Client.NewListPager", func(c azure.Call) (*armsubscriptions.SubscriptionListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armsubscriptions.SubscriptionListResult{Value: []*armsubscriptions.Subscription{
			listedSubscription(retired, "retired", tenantOf(state.Account), armsubscriptions.SubscriptionStateDisabled),
			listedSubscription("bbbbbbbb-0000-4000-8000-000000000001", "a customer's", "99999999-2222-4333-8444-555555555555",
				armsubscriptions.SubscriptionStateEnabled),
		}}
		for _, a := range membersOf(w.world, state.Account.ID) {
			out.Value = append(out.Value, listedSubscription(a.ID, a.Name, tenantOf(a), armsubscriptions.SubscriptionStateEnabled))
		}
		return out, nil
	})
	azure.List(s, "armmanagementgroups.Client.NewListPager", func(c azure.Call) (*armmanagementgroups.ManagementGroupListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armmanagementgroups.ManagementGroupListResult{}
		for _, g := range managementGroups(state) {
			out.Value = append(out.Value, &armmanagementgroups.ManagementGroupInfo{
				ID: &g.id, Name: &g.name, Type: to.Ptr("Microsoft.Management/managementGroups"),
				Properties: &armmanagementgroups.ManagementGroupInfoProperties{DisplayName: &g.display, TenantID: to.Ptr(tenantOf(state.Account))},
			})
		}
		return out, nil
	})
	azure.List(s, "armmanagementgroups.Client.NewGetDescendantsPager", func(c azure.Call) (*armmanagementgroups.DescendantListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armmanagementgroups.DescendantListResult{}
		add := func(id, name, kind, display, parent string) {
			out.Value = append(out.Value, &armmanagementgroups.DescendantInfo{
				ID: &id, Name: &name, Type: &kind,
				Properties: &armmanagementgroups.DescendantInfoProperties{DisplayName: &display,
					Parent: &armmanagementgroups.DescendantParentGroupInfo{ID: &parent}},
			})
		}
		for _, g := range managementGroups(state) {
			if g.parent != "" {
				add(g.id, g.name, "Microsoft.Management/managementGroups", g.display, g.parent)
			}
			for _, id := range g.subscriptions {
				add("/subscriptions/"+id, id, "/subscriptions", "", g.id)
			}
		}
		return out, nil
	})
	azure.Handle(s, "armmanagementgroups.HierarchySettingsClient.List", func(c azure.Call) (*armmanagementgroups.HierarchySettingsList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		if tenantItem(state).Has("groups-open") {
			return nil, azure.NotFound("The hierarchy settings") // never changed
		}
		root := groupPath(c.Params["groupId"])
		return &armmanagementgroups.HierarchySettingsList{Value: []*armmanagementgroups.HierarchySettingsInfo{{
			ID: to.Ptr(root + "/settings/default"), Name: to.Ptr("default"), Type: to.Ptr("Microsoft.Management/managementGroups/settings"),
			Properties: &armmanagementgroups.HierarchySettingsProperties{
				TenantID: to.Ptr(tenantOf(state.Account)), RequireAuthorizationForGroupCreation: to.Ptr(true),
				DefaultManagementGroup: to.Ptr(groupPath("Platform")),
			},
		}}}, nil
	})
	azure.Handle(s, "armsubscription.PolicyClient.GetPolicyForTenant", func(c azure.Call) (*armsubscription.GetTenantPolicyResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		t := tenantItem(state)
		return &armsubscription.GetTenantPolicyResponse{
			ID: to.Ptr("/providers/Microsoft.Subscription/policies/default"), Name: to.Ptr("default"),
			Type: to.Ptr("providers/Microsoft.Subscription/policies"),
			Properties: &armsubscription.TenantPolicy{
				PolicyID: to.Ptr(objectID(t, "policy")), BlockSubscriptionsLeavingTenant: to.Ptr(!t.Has("may-leave")),
				BlockSubscriptionsIntoTenant: to.Ptr(!t.Has("may-enter")),
				ExemptedPrincipals:           []*string{to.Ptr(objectID(t, "exempted"))},
			},
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

func listedSubscription(id, name, tenant string, state armsubscriptions.SubscriptionState) *armsubscriptions.Subscription {
	return &armsubscriptions.Subscription{
		ID: to.Ptr("/subscriptions/" + id), SubscriptionID: &id, DisplayName: &name, TenantID: &tenant, State: &state,
		SubscriptionPolicies: &armsubscriptions.SubscriptionPolicies{QuotaID: to.Ptr("EnterpriseAgreement_2014-09-01"),
			SpendingLimit: to.Ptr(armsubscriptions.SpendingLimitOff)},
		Tags: labels("team", "platform"),
	}
}
