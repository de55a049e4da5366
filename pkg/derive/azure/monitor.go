package azure

import (
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

const (
	listWorkspaces   = "armoperationalinsights.WorkspacesClient.NewListPager"
	listAccounts     = "armstorage.AccountsClient.NewListPager"
	listActionGroups = "armmonitor.ActionGroupsClient.NewListBySubscriptionIDPager"
)

// activityLogExports: what becomes of the Activity Log where it is sent, and which storage accounts receive it. Destinations
// in another subscription are not seen from here, nor are exports of another one.
func activityLogExports(inv *derive.Inventory) {
	settings := derive.Of[schema.SubscriptionDiagnosticSetting](inv, schema.SubscriptionDiagnosticSettingType)
	workspaces := derive.ByID(derive.Of[schema.LogWorkspace](inv, schema.LogWorkspaceType))
	accounts := derive.ByID(derive.Of[schema.StorageAccount](inv, schema.StorageAccountType))
	containers := derive.ByRead(derive.Of[schema.BlobContainer](inv, schema.BlobContainerType), "storage_account_id",
		func(b derive.Item[schema.BlobContainer]) string { return b.V.AccountID })
	for _, s := range settings.Items {
		workspace, account := derive.Read(s, "workspace_id", s.V.WorkspaceID), derive.Read(s, "storage_account_id", s.V.StorageAccountID)
		derive.Set(s, "workspace_retention_days", &s.V.WorkspaceRetentionDays, destination(workspace, workspaces, listWorkspaces,
			func(w derive.Item[schema.LogWorkspace]) derive.Val[int] {
				return derive.Read(w, "retention_days", w.V.RetentionDays)
			}))
		derive.Set(s, "workspace_has_sentinel", &s.V.WorkspaceHasSentinel, destination(workspace, workspaces, listWorkspaces,
			func(w derive.Item[schema.LogWorkspace]) derive.Val[bool] {
				return derive.Read(w, "sentinel_enabled", w.V.SentinelEnabled)
			}))
		derive.Set(s, "storage_deletes", &s.V.StorageDeletes, destination(account, accounts, listAccounts,
			func(a derive.Item[schema.StorageAccount]) derive.Val[bool] {
				return derive.Read(a, "lifecycle.has_delete_rule", a.V.Lifecycle.HasDeleteRule)
			}))
		derive.Set(s, "storage_immutable_days", &s.V.StorageImmutableDays, destination(account, accounts, listAccounts,
			func(a derive.Item[schema.StorageAccount]) derive.Val[int] { return immutableDays(containers.All(a.ID)) }))
	}
	exports := derive.ByRead(settings, "storage_account_id",
		func(s derive.Item[schema.SubscriptionDiagnosticSetting]) string { return s.V.StorageAccountID })
	for _, a := range derive.Of[schema.StorageAccount](inv, schema.StorageAccountType).Items {
		derive.Set(a, "receives_activity_log", &a.V.ReceivesActivityLog, derive.Exists(exports.All(a.ID), whichever))
	}
}

// destination is a value of the resource that a setting sends to, the zero value when it names none.
func destination[T, V any](id derive.Val[string], among derive.Index[T], operation string, value func(derive.Item[T]) derive.Val[V]) derive.Val[V] {
	return derive.Then(id, func(id string) derive.Val[V] {
		if id == "" {
			var none V
			return derive.Known(none)
		}
		return derive.Named(among.All(id), operation, value)
	})
}

// immutableDays is for how long the container that Azure makes for the Activity Log keeps its blobs from being changed.
func immutableDays(containers derive.List[schema.BlobContainer]) derive.Val[int] {
	own := containers.Where(func(b derive.Item[schema.BlobContainer]) bool { return b.V.Name == "insights-activity-logs" })
	days := derive.Collect(own, func(b derive.Item[schema.BlobContainer]) (derive.Val[int], derive.Val[bool]) {
		return derive.Read(b, "immutability_days", b.V.ImmutabilityDays), derive.Read(b, "has_immutability_policy", b.V.HasImmutabilityPolicy)
	})
	return derive.Map(days, func(days []int) int { return slices.Max(append(days, 0)) })
}

// alertReach: whether an alert watches the whole subscription, and whether anybody hears it.
func alertReach(inv *derive.Inventory) {
	const managementGroup = "/providers/microsoft.management/managementgroups/"
	own := "/subscriptions/" + inv.Account.ID
	path := derive.Named(derive.Of[schema.Subscription](inv, schema.SubscriptionType), "armsubscriptions.Client.Get",
		func(s derive.Item[schema.Subscription]) derive.Val[[]string] {
			return derive.Read(s, "management_group_path", s.V.ManagementGroupPath)
		})
	groups := derive.ByID(derive.Of[schema.ActionGroup](inv, schema.ActionGroupType))
	for _, a := range derive.Of[schema.ActivityLogAlert](inv, schema.ActivityLogAlertType).Items {
		covers := derive.Then(derive.Read(a, "scopes", a.V.Scopes), func(scopes []string) derive.Val[bool] {
			if slices.Contains(scopes, own) || !slices.ContainsFunc(scopes, func(s string) bool { return strings.HasPrefix(s, managementGroup) }) {
				return derive.Known(slices.Contains(scopes, own))
			}
			return derive.Map(path, func(above []string) bool {
				return slices.ContainsFunc(above, func(group string) bool { return slices.Contains(scopes, group) })
			})
		})
		derive.Set(a, "covers_subscription", &a.V.CoversSubscription, covers)
		derive.Set(a, "notifies", &a.V.Notifies, derive.Then(derive.Read(a, "action_group_ids", a.V.ActionGroupIDs), func(ids []string) derive.Val[bool] {
			return anyOf(ids, func(id string) derive.Val[bool] { return reaches(groups.All(id), strings.HasPrefix(id, own+"/")) })
		}))
	}
}

// reaches reports whether an action group is on and has receivers. One of this subscription that the list lacks is gone; of
// another subscription's nothing is known.
func reaches(group derive.List[schema.ActionGroup], ours bool) derive.Val[bool] {
	g, found, missing := group.First()
	switch {
	case found:
		return derive.And(derive.Read(g, "enabled", g.V.Enabled),
			derive.Map(derive.Read(g, "receivers_count", g.V.ReceiversCount), func(n int) bool { return n > 0 }))
	case missing != nil:
		return derive.UnreadFor[bool](missing...)
	case ours:
		return derive.Known(false)
	}
	return derive.UnreadFor[bool](posture.Cause{Reason: posture.ReasonUnreconciled, Operation: listActionGroups})
}
