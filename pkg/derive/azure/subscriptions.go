package azure

import (
	"slices"

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
