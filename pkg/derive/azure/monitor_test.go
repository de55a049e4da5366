package azure

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestAlertReach(t *testing.T) {
	const onCall = own + "microsoft.insights/actiongroups/on-call"
	alert := func(scopes, groups []string) *posture.Resource {
		return resource(schema.ActivityLogAlertType, own+"microsoft.insights/activitylogalerts/a", &schema.ActivityLogAlert{Scopes: scopes, ActionGroupIDs: groups})
	}
	group := func(enabled bool, receivers int, refused ...string) *posture.Resource {
		return resource(schema.ActionGroupType, onCall, &schema.ActionGroup{Enabled: enabled, ReceiversCount: receivers}, refused...)
	}
	scoped := func(scopes ...string) []*posture.Resource {
		return []*posture.Resource{alert(scopes, nil), resource(schema.SubscriptionType, "/subscriptions/own", &schema.Subscription{})}
	}
	const groups = "/providers/microsoft.management/managementgroups/"
	tree := []*posture.Resource{
		resource(schema.ManagementGroupType, groups+"root", &schema.ManagementGroup{IsRoot: true}),
		resource(schema.ManagementGroupType, groups+"apps", &schema.ManagementGroup{ParentID: groups + "root", ChildSubscriptionIDs: []string{"/subscriptions/own"}}),
	}
	covers := func(v any) map[string]any { return map[string]any{"covers_subscription": v} }
	check(t, map[string]derivation{
		"the subscription itself":                    {resources: scoped("/subscriptions/own"), want: covers(true)},
		"one of several scopes":                      {resources: scoped("/subscriptions/other", "/subscriptions/own"), want: covers(true)},
		"a resource group is not the whole":          {resources: scoped("/subscriptions/own/resourcegroups/rg"), want: covers(false)},
		"another subscription":                       {resources: scoped("/subscriptions/other"), want: covers(false)},
		"a management group above":                   {resources: scoped(groups + "root"), above: tree, want: covers(true)},
		"a management group beside":                  {resources: scoped(groups + "labs"), above: tree, want: covers(false)},
		"which groups are above was never read":      {resources: scoped(groups + "root"), want: covers("unread: not_collected")},
		"groups do not matter beside the whole":      {resources: scoped(groups+"root", "/subscriptions/own"), want: covers(true)},
		"management groups were not read":            {resources: scoped(groups + "root"), above: tree, refusedAbove: []*posture.Type{schema.ManagementGroupType}, want: covers(true)},
		"a missing group may be the one that counts": {resources: scoped(groups + "labs"), above: tree[:0:0], refusedAbove: []*posture.Type{schema.ManagementGroupType}, want: covers("unread: list azure.managementgroups.management_group")},
	})
	calling := func(ids []string, others ...*posture.Resource) []*posture.Resource {
		return append([]*posture.Resource{alert(nil, ids)}, others...)
	}
	notifies := func(v any) map[string]any { return map[string]any{"notifies": v} }
	actionGroups := []*posture.Type{schema.ActionGroupType}
	check(t, map[string]derivation{
		"nobody is called":                     {resources: calling(nil), want: notifies(false)},
		"a group with receivers":               {resources: calling([]string{onCall}, group(true, 1)), want: notifies(true)},
		"a group without receivers":            {resources: calling([]string{onCall}, group(true, 0)), want: notifies(false)},
		"a group that is off":                  {resources: calling([]string{onCall}, group(false, 1)), want: notifies(false)},
		"a group that was deleted":             {resources: calling([]string{onCall}), want: notifies(false)},
		"groups were not read":                 {refused: actionGroups, resources: calling([]string{onCall}), want: notifies("unread: list azure.monitor.action_group")},
		"its receivers were not read":          {resources: calling([]string{onCall}, group(true, 0, "receivers_count")), want: notifies("unread: read receivers_count")},
		"a group of another subscription":      {resources: calling([]string{"/subscriptions/other/x"}), want: notifies("unread: " + listActionGroups)},
		"one that is heard is enough":          {resources: calling([]string{"/subscriptions/other/x", onCall}, group(true, 1)), want: notifies(true)},
		"one that is seen though others hide":  {refused: actionGroups, resources: calling([]string{onCall}, group(true, 1)), want: notifies(true)},
		"one off, another one not to be known": {resources: calling([]string{"/subscriptions/other/x", onCall}, group(false, 1)), want: notifies("unread: " + listActionGroups)},
	})
}

func TestActivityLogExports(t *testing.T) {
	const logs, account = own + "microsoft.operationalinsights/workspaces/logs", own + "microsoft.storage/storageaccounts/logs"
	setting := func(workspace, storage string) *posture.Resource {
		return resource(schema.SubscriptionDiagnosticSettingType, "/subscriptions/own/providers/microsoft.insights/diagnosticsettings/all",
			&schema.SubscriptionDiagnosticSetting{WorkspaceID: workspace, StorageAccountID: storage})
	}
	workspace := resource(schema.LogWorkspaceType, logs, &schema.LogWorkspace{RetentionDays: 90, SentinelEnabled: true})
	storage := func(deletes bool, refused ...string) *posture.Resource {
		return resource(schema.StorageAccountType, account, &schema.StorageAccount{Lifecycle: schema.StorageLifecycle{HasDeleteRule: deletes}}, refused...)
	}
	container := func(name string, immutable bool, days int) *posture.Resource {
		return resource(schema.BlobContainerType, account+"/containers/"+name, &schema.BlobContainer{
			Resource: schema.Resource{Meta: posture.Meta{Name: name}}, AccountID: account, HasImmutabilityPolicy: immutable, ImmutabilityDays: days,
		})
	}
	to := func(days, sentinel any) map[string]any {
		return map[string]any{"workspace_retention_days": days, "workspace_has_sentinel": sentinel}
	}
	kept := func(deletes, days any) map[string]any {
		return map[string]any{"storage_deletes": deletes, "storage_immutable_days": days}
	}
	check(t, map[string]derivation{
		"no workspace":                        {resources: []*posture.Resource{setting("", account)}, want: to(int64(0), false)},
		"a workspace of this subscription":    {resources: []*posture.Resource{setting(logs, ""), workspace}, want: to(int64(90), true)},
		"a workspace of another subscription": {resources: []*posture.Resource{setting("/subscriptions/other/logs", ""), workspace}, want: to("unread: "+listWorkspaces, "unread: "+listWorkspaces)},
		"workspaces were not read": {refused: []*posture.Type{schema.LogWorkspaceType}, resources: []*posture.Resource{setting(logs, "")},
			want: to("unread: list azure.operationalinsights.workspace", "unread: list azure.operationalinsights.workspace")},
		"no account":                             {resources: []*posture.Resource{setting(logs, "")}, want: kept(false, int64(0))},
		"an account that deletes":                {resources: []*posture.Resource{setting("", account), storage(true)}, want: kept(true, int64(0))},
		"an account that keeps":                  {resources: []*posture.Resource{setting("", account), storage(false)}, want: kept(false, int64(0))},
		"rules were not read":                    {resources: []*posture.Resource{setting("", account), storage(false, "lifecycle")}, want: kept("unread: read lifecycle", int64(0))},
		"the log's container is immutable":       {resources: []*posture.Resource{setting("", account), storage(true), container("insights-activity-logs", true, 400)}, want: kept(true, int64(400))},
		"another container is":                   {resources: []*posture.Resource{setting("", account), storage(true), container("exports", true, 400)}, want: kept(true, int64(0))},
		"a policy that is none":                  {resources: []*posture.Resource{setting("", account), storage(true), container("insights-activity-logs", false, 400)}, want: kept(true, int64(0))},
		"containers were not read":               {refused: []*posture.Type{schema.BlobContainerType}, resources: []*posture.Resource{setting("", account), storage(true)}, want: kept(true, "unread: list azure.storage.container")},
		"an account of another subscription too": {resources: []*posture.Resource{setting("", "/subscriptions/other/a")}, want: kept("unread: "+listAccounts, "unread: "+listAccounts)},
	})
	receives := func(v any) map[string]any { return map[string]any{"receives_activity_log": v} }
	settings := []*posture.Type{schema.SubscriptionDiagnosticSettingType}
	check(t, map[string]derivation{
		"an export goes into the account": {resources: []*posture.Resource{storage(false), setting("", account)}, want: receives(true)},
		"no export does":                  {resources: []*posture.Resource{storage(false), setting(logs, "")}, want: receives(false)},
		"exports were not read":           {refused: settings, resources: []*posture.Resource{storage(false)}, want: receives("unread: list azure.monitor.subscription_diagnostic_setting")},
		"one that was seen goes into it":  {refused: settings, resources: []*posture.Resource{storage(false), setting("", account)}, want: receives(true)},
		"an export into another account":  {resources: []*posture.Resource{storage(false), setting("", account+"2")}, want: receives(false)},
	})
}
