package azure

import (
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// managementPaths: the management groups above each subscription.
func managementPaths(inv *derive.Inventory) {
	groups := tenantWide[schema.ManagementGroup](inv, schema.ManagementGroupType)
	tree := hierarchy{
		of: derive.ByEach(groups, "child_subscription_ids", func(g derive.Item[schema.ManagementGroup]) []string { return g.V.ChildSubscriptionIDs }),
		by: derive.ByID(groups), empty: len(groups.Items) == 0 && len(groups.Gaps) == 0,
	}
	for _, s := range derive.Of[schema.Subscription](inv, schema.SubscriptionType).Items {
		derive.Set(s, "management_group_path", &s.V.ManagementGroupPath, tree.path(s.ID))
	}
	for _, m := range derive.Of[schema.Member](inv, schema.MemberType).Items {
		derive.Set(m, "management_group_path", &m.V.ManagementGroupPath, tree.path(m.ID))
	}
}

// hierarchy finds management groups by the subscriptions in them, and by id.
type hierarchy struct {
	of, by derive.Index[schema.ManagementGroup]
	empty  bool // the tenant has no management groups
}

const descendants = "armmanagementgroups.Client.NewGetDescendantsPager"

func (h hierarchy) path(subscription string) derive.Val[[]string] {
	if h.empty {
		return derive.Known([]string{})
	}
	return derive.Named(h.of.All(subscription), descendants, func(g derive.Item[schema.ManagementGroup]) derive.Val[[]string] {
		return h.up(g, nil)
	})
}

// up is the path from a group to the root, behind the groups below it.
func (h hierarchy) up(g derive.Item[schema.ManagementGroup], below []string) derive.Val[[]string] {
	path := append(slices.Clone(below), g.ID)
	return derive.Then(derive.Read(g, "parent_id", g.V.ParentID), func(parent string) derive.Val[[]string] {
		switch {
		case parent == "":
			return derive.Known(path)
		case slices.Contains(path, parent): // no group lies in itself
			return derive.UnreadFor[[]string](posture.Cause{Reason: posture.ReasonUnreconciled, Operation: descendants})
		}
		return derive.Named(h.by.All(parent), descendants, func(g derive.Item[schema.ManagementGroup]) derive.Val[[]string] { return h.up(g, path) })
	})
}

// usedLocations: where a subscription has networks.
func usedLocations(inv *derive.Inventory) {
	for _, s := range derive.Of[schema.Subscription](inv, schema.SubscriptionType).Items {
		locations := derive.Gather(derive.Of[schema.VirtualNetwork](inv, schema.VirtualNetworkType),
			func(v derive.Item[schema.VirtualNetwork]) (derive.Val[string], derive.Val[bool]) {
				return derive.Read(v, "location", v.V.Location), derive.Known(true)
			})
		locations.Known = sorted(locations.Known)
		derive.SetList(s, "in_use_locations", &s.V.InUseLocations, locations)
	}
}

// logDestinations: where a subscription's Activity Log goes within the tenant, and whether that can be deleted.
func logDestinations(inv *derive.Inventory) {
	locks := derive.ByRead(derive.Of[schema.Lock](inv, schema.LockType), "scope", func(l derive.Item[schema.Lock]) string { return l.V.Scope })
	members := derive.ByID(derive.Above[schema.Member](inv, schema.MemberType))
	for _, s := range derive.Of[schema.Subscription](inv, schema.SubscriptionType).Items {
		lists := derive.Gather(derive.Of[schema.SubscriptionDiagnosticSetting](inv, schema.SubscriptionDiagnosticSettingType),
			func(d derive.Item[schema.SubscriptionDiagnosticSetting]) (derive.Val[[]string], derive.Val[bool]) {
				return derive.Map2(derive.Read(d, "storage_account_id", d.V.StorageAccountID), derive.Read(d, "workspace_id", d.V.WorkspaceID),
					func(account, workspace string) []string { return []string{account, workspace} }), derive.Known(true)
			})
		out := derive.Elements[schema.LogDestination]{Known: []schema.LogDestination{}, Missing: lists.Missing}
		protected := map[string]derive.Val[bool]{}
		for _, id := range sorted(slices.Concat(lists.Known...)) {
			at, _, _ := strings.Cut(id, "/resourcegroups/")
			_, ours, missing := members.Get(at)
			switch {
			case id == "":
				continue
			case at == s.ID:
				protected[id] = locked(locks, id)
			case ours:
				protected[id] = derive.UnreadFor[bool]()
			default: // another tenant's, unless one of this tenant's subscriptions was not listed
				out.Missing = append(out.Missing, missing...)
				continue
			}
			out.Known = append(out.Known, schema.LogDestination{ID: id})
		}
		derive.SetList(s, "log_destinations", &s.V.LogDestinations, out)
		for i, d := range out.Known {
			derive.Set(s, "log_destinations["+d.ID+"].locked", &s.V.LogDestinations[i].Locked, protected[d.ID])
		}
	}
}
