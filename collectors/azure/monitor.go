package azure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/monitor/armmonitor"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var listDiagnosticSettings = collectors.Operation{
	Name: "armmonitor.DiagnosticSettingsClient.NewListPager", Permission: "Microsoft.Insights/diagnosticSettings/read", Body: collectors.Store,
}

var subscriptionDiagnosticSettings = collectors.Reader[*client]{
	Fills:      []*posture.Type{schema.SubscriptionDiagnosticSettingType},
	Operations: []collectors.Operation{listDiagnosticSettings},
	Collect:    collectSubscriptionDiagnosticSettings,
}

// activityCategories are the categories of the Activity Log, which the group allLogs stands for.
var activityCategories = []string{"Administrative", "Alert", "Autoscale", "Policy", "Recommendation", "ResourceHealth", "Security", "ServiceHealth"}

func collectSubscriptionDiagnosticSettings(ctx context.Context, c *client, emit collectors.Emit) error {
	found, err := c.diagnosticSettings(ctx, "subscriptions/"+c.subscription)
	for _, s := range found {
		p := value(s.Properties)
		out := schema.SubscriptionDiagnosticSetting{
			Meta: posture.Meta{Name: text(s.Name)}, LogCategories: enabledLogs(p.Logs), StorageAccountID: idOf(p.StorageAccountID),
			WorkspaceID: idOf(p.WorkspaceID), EventHubRuleID: idOf(p.EventHubAuthorizationRuleID), PartnerID: idOf(p.MarketplacePartnerID),
		}
		if slices.Contains(out.LogCategories, "allLogs") {
			out.LogCategories = activityCategories
		}
		emit(idOf(s.ID), &out)
	}
	if err != nil {
		return fmt.Errorf("list diagnostic settings of the subscription: %w", err)
	}
	return nil
}

func (c *client) diagnosticSettings(ctx context.Context, id string) ([]*armmonitor.DiagnosticSettingsResource, error) {
	api, err := armmonitor.NewDiagnosticSettingsClient(c.credential, c.options)
	if err != nil {
		return nil, err
	}
	var out []*armmonitor.DiagnosticSettingsResource
	err = pages(ctx, api.NewListPager(strings.TrimPrefix(id, "/"), nil), func(page armmonitor.DiagnosticSettingsClientListResponse) error {
		out = append(out, page.Value...)
		return nil
	})
	return out, err
}

// enabledLogs are the categories, and groups of categories, that a setting sends on, sorted.
func enabledLogs(logs []*armmonitor.LogSettings) []string {
	var out []string
	for _, l := range logs {
		if is(l.Enabled) {
			out = append(out, cmp.Or(text(l.Category), text(l.CategoryGroup)))
		}
	}
	return named(out)
}

// inventory lists every resource once, for what exists and for whose diagnostic settings to ask: they are one call each.
var inventory = collectors.Reader[*client]{
	Fills:      []*posture.Type{schema.InventoryItemType, schema.ResourceDiagnosticsType},
	Operations: []collectors.Operation{listResources, listDiagnosticSettings},
	Collect:    collectInventory,
}

// logTypes are the types of resources whose logs some rule asks for.
var logTypes = map[string]bool{
	"microsoft.apimanagement/service":              true,
	"microsoft.batch/batchaccounts":                true,
	"microsoft.cdn/profiles":                       true,
	"microsoft.containerregistry/registries":       true,
	"microsoft.containerservice/managedclusters":   true,
	"microsoft.databricks/workspaces":              true,
	"microsoft.dbforpostgresql/flexibleservers":    true,
	"microsoft.devices/iothubs":                    true,
	"microsoft.eventhub/namespaces":                true,
	"microsoft.keyvault/managedhsms":               true,
	"microsoft.keyvault/vaults":                    true,
	"microsoft.logic/workflows":                    true,
	"microsoft.machinelearningservices/workspaces": true,
	"microsoft.network/applicationgateways":        true,
	"microsoft.network/azurefirewalls":             true,
	"microsoft.network/dnsresolverpolicies":        true,
	"microsoft.network/frontdoors":                 true,
	"microsoft.network/networksecuritygroups":      true,
	"microsoft.search/searchservices":              true,
	"microsoft.servicebus/namespaces":              true,
	"microsoft.storage/storageaccounts":            true,
	"microsoft.streamanalytics/streamingjobs":      true,
	"microsoft.web/sites":                          true,
}

func collectInventory(ctx context.Context, c *client, emit collectors.Emit) error {
	all, err := c.allResources(ctx)
	var logging []*armresources.GenericResourceExpanded
	for _, r := range all {
		kind := strings.ToLower(text(r.Type))
		out := schema.InventoryItem{
			Resource: resource(r.ID, r.Name, r.Location, r.Tags), Type: kind, SubscriptionID: c.subscription, Kind: text(r.Kind),
		}
		out.CreatedAt = posture.FromPtr(r.CreatedTime)
		emit(idOf(r.ID), &out)
		if logTypes[kind] && !(kind == "microsoft.storage/storageaccounts" && text(r.Kind) == "FileStorage") {
			logging = append(logging, r)
		}
	}
	_ = parallel(logging, func(r *armresources.GenericResourceExpanded) string { return idOf(r.ID) }, func(r *armresources.GenericResourceExpanded) error {
		c.emitDiagnostics(ctx, r, emit)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list resources: %w", err)
	}
	return nil
}

func (c *client) emitDiagnostics(ctx context.Context, r *armresources.GenericResourceExpanded, emit collectors.Emit) {
	out := schema.ResourceDiagnostics{
		Resource: resource(r.ID, r.Name, r.Location, r.Tags), ResourceID: idOf(r.ID),
		ResourceType: strings.ToLower(text(r.Type)), ResourceKind: text(r.Kind),
		LogCategories: []string{}, WorkspaceIDs: []string{}, StorageAccountIDs: []string{}, EventHubRuleIDs: []string{},
	}
	if out.ResourceType == "microsoft.storage/storageaccounts" { // what is read and written is logged by the services of an account
		out.ResourceID += "/blobservices/default"
		out.ResourceType += "/blobservices"
	}
	var found []*armmonitor.DiagnosticSettingsResource
	var err error
	if !c.lacks("microsoft.insights") {
		found, err = c.diagnosticSettings(ctx, out.ResourceID)
	}
	if err != nil && !hasCode(err, "ResourceTypeNotSupported") {
		emit(out.ResourceID, &out, collectors.Unread(fmt.Errorf("list diagnostic settings: %w", err),
			"log_categories", "workspace_ids", "storage_account_ids", "event_hub_rule_ids", "settings_count", "storage_retention_days"))
		return
	}
	if err == nil {
		out.SettingsCount = posture.Some(int64(len(found)))
	}
	for _, s := range found {
		addSetting(&out, value(s.Properties))
	}
	for _, list := range []*[]string{&out.LogCategories, &out.WorkspaceIDs, &out.StorageAccountIDs, &out.EventHubRuleIDs} {
		*list = named(*list)
	}
	emit(out.ResourceID, &out)
}

// addSetting adds what one setting sends, and where. One that names no destination sends nothing.
func addSetting(out *schema.ResourceDiagnostics, p armmonitor.DiagnosticSettings) {
	if cmp.Or(text(p.WorkspaceID), text(p.StorageAccountID), text(p.EventHubAuthorizationRuleID), text(p.MarketplacePartnerID),
		text(p.ServiceBusRuleID)) == "" {
		return
	}
	out.LogCategories = append(out.LogCategories, enabledLogs(p.Logs)...)
	out.WorkspaceIDs = append(out.WorkspaceIDs, idOf(p.WorkspaceID))
	out.StorageAccountIDs = append(out.StorageAccountIDs, idOf(p.StorageAccountID))
	out.EventHubRuleIDs = append(out.EventHubRuleIDs, idOf(p.EventHubAuthorizationRuleID))
	for _, l := range p.Logs {
		keep := value(l.RetentionPolicy)
		days := int(value(keep.Days))
		if is(l.Enabled) && is(keep.Enabled) && days > 0 && (out.StorageRetentionDays == 0 || days < out.StorageRetentionDays) {
			out.StorageRetentionDays = days
		}
	}
}

var activityLogAlerts = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ActivityLogAlertType},
	Operations: []collectors.Operation{
		{Name: "armmonitor.ActivityLogAlertsClient.NewListBySubscriptionIDPager", Permission: "Microsoft.Insights/activityLogAlerts/read",
			Body: collectors.Redact("webhookProperties", "actionProperties")},
	},
	Collect: collectActivityLogAlerts,
}

func collectActivityLogAlerts(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armmonitor.NewActivityLogAlertsClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pages(ctx, api.NewListBySubscriptionIDPager(nil), func(page armmonitor.ActivityLogAlertsClientListBySubscriptionIDResponse) error {
		for _, a := range page.Value {
			out := newActivityLogAlert(a)
			emit(idOf(a.ID), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list activity log alerts: %w", err)
	}
	return nil
}

func newActivityLogAlert(a *armmonitor.ActivityLogAlertResource) schema.ActivityLogAlert {
	p := value(a.Properties)
	out := schema.ActivityLogAlert{
		Resource: resource(a.ID, a.Name, a.Location, a.Tags), Enabled: p.Enabled == nil || *p.Enabled, Scopes: []string{},
		NarrowedBy: []string{}, ActionGroupIDs: []string{},
	}
	for _, s := range p.Scopes {
		out.Scopes = append(out.Scopes, strings.TrimSuffix(idOf(s), "/"))
	}
	for _, g := range value(p.Actions).ActionGroups {
		out.ActionGroupIDs = append(out.ActionGroupIDs, idOf(g.ActionGroupID))
	}
	fields := map[string][]string{} // the values that conditions ask for
	for _, condition := range value(p.Condition).AllOf {
		leaves := condition.AnyOf
		if len(leaves) == 0 {
			leaves = []*armmonitor.AlertRuleLeafCondition{{Field: condition.Field, Equals: condition.Equals, ContainsAny: condition.ContainsAny}}
		}
		selects := false
		for _, leaf := range leaves {
			field := strings.ToLower(text(leaf.Field))
			selects = selects || field == "category" || field == "operationname"
			fields[field] = append(fields[field], append(lower(leaf.ContainsAny), strings.ToLower(text(leaf.Equals)))...)
		}
		if !selects {
			for _, leaf := range leaves {
				out.NarrowedBy = append(out.NarrowedBy, strings.ToLower(text(leaf.Field)))
			}
		}
	}
	for field, list := range map[string]*[]string{
		"category": &out.Categories, "operationname": &out.OperationNames, "status": &out.Statuses, "level": &out.Levels,
		"properties.incidenttype": &out.IncidentTypes,
	} {
		*list = named(fields[field])
	}
	out.NarrowedBy = slices.DeleteFunc(named(out.NarrowedBy), func(field string) bool { return harmless(field, fields[field], out.OperationNames) })
	return out
}

// harmless reports whether a condition lets everything through that the operations stand for: of the statuses that every
// operation begins or ends with, and the provider or type that the operations belong to.
func harmless(field string, values, operations []string) bool {
	switch field {
	case "status":
		return slices.ContainsFunc(values, func(s string) bool { return s == "started" || s == "accepted" || s == "succeeded" })
	case "resourceprovider", "resourcetype":
		return len(operations) > 0 && !slices.ContainsFunc(operations, func(operation string) bool {
			return !slices.ContainsFunc(values, func(v string) bool { return strings.HasPrefix(operation, v+"/") })
		})
	}
	return false
}

// lower is a list of pointers as a list of strings in lower case.
func lower(in []*string) []string {
	out := list(in)
	for i := range out {
		out[i] = strings.ToLower(out[i])
	}
	return out
}

var actionGroups = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ActionGroupType},
	Operations: []collectors.Operation{
		{Name: "armmonitor.ActionGroupsClient.NewListBySubscriptionIDPager", Permission: "Microsoft.Insights/actionGroups/read", Body: collectors.Redact(
			"emailAddress", "phoneNumber", "serviceUri", "identifierUri", "callbackUrl", "httpTriggerUrl", "ticketConfiguration", "connection")},
	},
	Collect: collectActionGroups,
}

func collectActionGroups(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armmonitor.NewActionGroupsClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pages(ctx, api.NewListBySubscriptionIDPager(nil), func(page armmonitor.ActionGroupsClientListBySubscriptionIDResponse) error {
		for _, g := range page.Value {
			p := value(g.Properties)
			out := schema.ActionGroup{
				Resource: resource(g.ID, g.Name, g.Location, g.Tags), Enabled: is(p.Enabled),
				EmailReceivers: len(p.EmailReceivers), WebhookReceivers: len(p.WebhookReceivers), ITSMReceivers: len(p.ItsmReceivers),
			}
			out.ReceiversCount = out.EmailReceivers + out.WebhookReceivers + out.ITSMReceivers + len(p.ArmRoleReceivers) + len(p.AutomationRunbookReceivers) +
				len(p.AzureAppPushReceivers) + len(p.AzureFunctionReceivers) + len(p.EventHubReceivers) + len(p.IncidentReceivers) + len(p.LogicAppReceivers) +
				len(p.SmsReceivers) + len(p.VoiceReceivers)
			emit(idOf(g.ID), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list action groups: %w", err)
	}
	return nil
}

var autoscaleSettings = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.AutoscaleSettingType},
	Operations: []collectors.Operation{
		{Name: "armmonitor.AutoscaleSettingsClient.NewListBySubscriptionPager", Permission: "Microsoft.Insights/autoscaleSettings/read",
			Body: collectors.Redact("customEmails", "serviceUri")},
	},
	Collect: collectAutoscaleSettings,
}

func collectAutoscaleSettings(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armmonitor.NewAutoscaleSettingsClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pages(ctx, api.NewListBySubscriptionPager(nil), func(page armmonitor.AutoscaleSettingsClientListBySubscriptionResponse) error {
		for _, s := range page.Value {
			out, err := newAutoscaleSetting(s)
			if err != nil {
				emit(idOf(s.ID), &out, collectors.Unread(err, "minimum", "maximum"))
				continue
			}
			emit(idOf(s.ID), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list autoscale settings: %w", err)
	}
	return nil
}

func newAutoscaleSetting(s *armmonitor.AutoscaleSettingResource) (schema.AutoscaleSetting, error) {
	p := value(s.Properties)
	out := schema.AutoscaleSetting{
		Resource: resource(s.ID, s.Name, s.Location, s.Tags), Enabled: is(p.Enabled), TargetResourceID: idOf(p.TargetResourceURI),
	}
	var errs []error
	for i, profile := range p.Profiles {
		capacity := value(profile.Capacity)
		least, lowErr := strconv.Atoi(text(capacity.Minimum))
		most, highErr := strconv.Atoi(text(capacity.Maximum))
		errs = append(errs, lowErr, highErr)
		if i == 0 || least < out.Minimum {
			out.Minimum = least
		}
		out.Maximum = max(out.Maximum, most)
		out.MetricRuleCount += len(profile.Rules)
	}
	return out, errors.Join(errs...)
}
