package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// SubscriptionDiagnosticSetting is one export of the subscription's Activity Log.
// Source: armmonitor DiagnosticSettingsClient.NewListPager on the subscription.
//
//posture:type azure.monitor.subscription_diagnostic_setting
type SubscriptionDiagnosticSetting struct {
	posture.Meta
	LogCategories    []string `json:"log_categories"` // enabled ones; the group allLogs stands here as all eight
	StorageAccountID string   `json:"storage_account_id"`
	WorkspaceID      string   `json:"workspace_id"`
	EventHubRuleID   string   `json:"event_hub_rule_id"`
	PartnerID        string   `json:"partner_id"`

	// What is known of a destination in this subscription; unread when it lies in another.
	WorkspaceRetentionDays int  `json:"workspace_retention_days" derived:"true"` // 0: no workspace
	WorkspaceHasSentinel   bool `json:"workspace_has_sentinel" derived:"true"`
	StorageDeletes         bool `json:"storage_deletes" derived:"true"`        // a lifecycle rule of the storage account deletes
	StorageImmutableDays   int  `json:"storage_immutable_days" derived:"true"` // of the container that takes the Activity Log; 0: not immutable
}

// ResourceDiagnostics is what the diagnostic settings of one resource do together. Its id is the resource's own; for a storage
// account it is that of the blob service. There is one for every resource of a type whose logs some rule asks for, without any
// settings too.
// Source: armmonitor DiagnosticSettingsClient.NewListPager.
//
//posture:type azure.monitor.resource_diagnostics
type ResourceDiagnostics struct {
	Resource
	ResourceID           string             `json:"resource_id"`
	ResourceType         string             `json:"resource_type"`  // lower case: "microsoft.keyvault/vaults"
	ResourceKind         string             `json:"resource_kind"`  // "functionapp,linux"
	LogCategories        []string           `json:"log_categories"` // enabled and sent somewhere; groups by their name, audit or allLogs
	WorkspaceIDs         []string           `json:"workspace_ids"`
	StorageAccountIDs    []string           `json:"storage_account_ids"`
	EventHubRuleIDs      []string           `json:"event_hub_rule_ids"`
	SettingsCount        posture.Opt[int64] `json:"settings_count"`         // absent: the type has no diagnostic settings
	StorageRetentionDays int                `json:"storage_retention_days"` // the shortest that a setting still asks of its storage account; 0: none does
}

// ActivityLogAlert is one alert on events of the Activity Log.
// Source: armmonitor ActivityLogAlertsClient.NewListBySubscriptionIDPager.
//
//posture:type azure.monitor.activity_log_alert
type ActivityLogAlert struct {
	Resource
	Enabled        bool     `json:"enabled"`
	Scopes         []string `json:"scopes"`
	Categories     []string `json:"categories"`      // lower case; empty: any
	OperationNames []string `json:"operation_names"` // lower case; empty: any
	Statuses       []string `json:"statuses"`        // lower case; empty: any
	Levels         []string `json:"levels"`          // lower case; empty: any
	IncidentTypes  []string `json:"incident_types"`  // lower case; of service health events; empty: any
	NarrowedBy     []string `json:"narrowed_by"`     // fields of further conditions, lower case, that keep some of these events out
	ActionGroupIDs []string `json:"action_group_ids"`

	CoversSubscription bool `json:"covers_subscription" derived:"true"` // the whole of it, or a management group above
	Notifies           bool `json:"notifies" derived:"true"`            // an action group is enabled and has receivers
}

// ActionGroup is whom alerts reach. Addresses and hooks are counted and never kept.
// Source: armmonitor ActionGroupsClient.NewListBySubscriptionIDPager.
//
//posture:type azure.monitor.action_group
type ActionGroup struct {
	Resource
	Enabled          bool `json:"enabled"`
	ReceiversCount   int  `json:"receivers_count"` // of every kind
	EmailReceivers   int  `json:"email_receivers"`
	WebhookReceivers int  `json:"webhook_receivers"`
	ITSMReceivers    int  `json:"itsm_receivers"`
}

// AutoscaleSetting decides how many instances something has.
// Source: armmonitor AutoscaleSettingsClient.NewListBySubscriptionPager.
//
//posture:type azure.monitor.autoscale_setting
type AutoscaleSetting struct {
	Resource
	Enabled          bool   `json:"enabled"`
	TargetResourceID string `json:"target_resource_id"`
	Minimum          int    `json:"minimum"` // the lowest of all profiles
	Maximum          int    `json:"maximum"` // the highest of all profiles
	MetricRuleCount  int    `json:"metric_rule_count"`
}
