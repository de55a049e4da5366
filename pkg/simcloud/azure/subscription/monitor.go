package subscription

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/monitor/armmonitor"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Of an export, "elsewhere" sends to a workspace of another subscription, "to-storage" to a storage account. Of an alert,
// "foreign-group" calls upon an action group of another subscription, "every-operation" names none. Profiles are ways to set up
// diagnostic settings; each resource has one of them.
var monitorService = service{
	providers: []string{"Microsoft.Insights"},
	kinds: []world.Kind{
		{
			Name: "azure.export", Sort: inSubscription, Global: true, Count: 2,
			Defects: []world.Defect{{Name: "nowhere", Drift: 0.5}, {Name: "elsewhere", Share: 0.2, Drift: 0.2}, {Name: "to-storage", Share: 0.4, Drift: 0.2},
				{Name: "partial", Share: 0.3, Drift: 0.2}, {Name: "grouped", Share: 0.3}},
			ExpectMore: expectExports,
		},
		{
			Name: "azure.alert", Sort: inSubscription, Global: true, Count: 8,
			Defects: []world.Defect{{Name: "off", Drift: 0.2}, {Name: "narrow-scope", Share: 0.1, Drift: 0.1}, {Name: "errors-only", Share: 0.1}, {Name: "half", Share: 0.2, Drift: 0.1},
				{Name: "foreign-group", Share: 0.15}, {Name: "every-operation", Drift: 0.1}, {Name: "maintenance-only", Share: 0.3}, {Name: "either", Share: 0.4},
				{Name: "succeeded", Share: 0.3}, {Name: "of-type", Share: 0.3}},
			ExpectMore: expectAlerts,
		},
		{Name: "azure.actiongroup", Sort: inSubscription, Global: true, Count: 3, Defects: []world.Defect{{Name: "off", Drift: 0.2}, {Name: "empty", Share: 0.1, Drift: 0.1}}},
		{
			Name: "azure.logprofile", Sort: inSubscription, Global: true, Count: 16, Fixed: true,
			Defects: []world.Defect{{Name: "none", Share: 0.1, Drift: 0.2}, {Name: "metrics", Share: 0.15}, {Name: "all", Share: 0.15}, {Name: "audit", Share: 0.15},
				{Name: "partial", Share: 0.3, Drift: 0.1}, {Name: "split", Share: 0.3}, {Name: "older", Share: 0.3}},
			ExpectMore: expectResourceLogs,
		},
		{
			Name: "azure.autoscale", Sort: inSubscription, Global: true, Count: 4,
			Defects: []world.Defect{{Name: "off", Drift: 0.3}, {Name: "rigid", Share: 0.2}, {Name: "by-clock", Share: 0.2}},
			ExpectMore: func(s *world.State) map[world.Judged]posture.Result {
				out := map[world.Judged]posture.Result{}
				for _, set := range s.Items("azure.vmss") {
					out[world.Judged{Rule: "azure-monitor-autoscale-configured", Resource: keyOf("azure.compute.scale_set", scaleSetID(set))}] = failIf(!autoscales(s, set))
				}
				return out
			},
		},
	},
	handle: handleMonitor,
}

// exportAccount is the storage account that an export writes into, nil for none.
func exportAccount(s *world.State, e *world.Item) *world.Item {
	if !e.Has("to-storage") || e.Has("nowhere") {
		return nil
	}
	for _, it := range s.Items("azure.storage") {
		if !it.Has("files") {
			return it
		}
	}
	return nil
}

// receivesActivityLog reports whether an export writes into a storage account.
func receivesActivityLog(s *world.State, it *world.Item) bool {
	return slices.ContainsFunc(s.Items("azure.export"), func(e *world.Item) bool { return exportAccount(s, e) == it })
}

// exportWorkspace is the workspace of this subscription that an export writes into, nil for none.
func exportWorkspace(s *world.State, e *world.Item) *world.Item {
	if e.Has("nowhere") || e.Has("elsewhere") || exportAccount(s, e) != nil {
		return nil
	}
	if w := s.Find("azure.workspace", posture.Global, e.Index+1); w != nil {
		return w
	}
	return s.Find("azure.workspace", posture.Global, 0)
}

func expectExports(s *world.State) map[world.Judged]posture.Result {
	exported, complete, retained, sentinel := posture.Fail, posture.Fail, posture.Fail, posture.Fail
	better := func(r *posture.Result, to posture.Result) {
		if *r == posture.Fail || to == posture.Pass {
			*r = to
		}
	}
	for _, w := range s.Items("azure.workspace") {
		if w.Has("sentinel") {
			sentinel = posture.Pass
		}
	}
	for _, e := range s.Items("azure.export") {
		if e.Has("nowhere") {
			continue
		}
		exported = posture.Pass
		if !e.Has("partial") || e.Has("grouped") {
			complete = posture.Pass
		}
		account, workspace := exportAccount(s, e), exportWorkspace(s, e)
		switch {
		case account != nil:
			better(&retained, failIf(!account.Has("no-lifecycle") && account.Has("deletes") && account.Has("short-hold")))
		case workspace != nil:
			better(&retained, failIf(!workspace.Has("long")))
		default: // in another subscription
			better(&retained, posture.Unknown)
			better(&sentinel, posture.Unknown)
		}
	}
	key := subscriptionKey(s)
	return map[world.Judged]posture.Result{
		{Rule: "azure-monitor-activity-log-exported", Resource: key}:            exported,
		{Rule: "azure-monitor-activity-log-categories-complete", Resource: key}: complete,
		{Rule: "azure-monitor-activity-log-retained", Resource: key}:            retained,
		{Rule: "azure-operationalinsights-sentinel-enabled", Resource: key}:     sentinel,
	}
}

// topic is what an alert is about: the rule that asks for it, and the operations it names.
type topic struct{ rule, first, second string }

// topics are those of the alerts, by index. The last one is about the health of services.
var topics = []topic{
	{"azure-monitor-alert-policy-assignment-changes", "Microsoft.Authorization/policyAssignments/write", "Microsoft.Authorization/policyAssignments/delete"},
	{"azure-monitor-alert-network-security-group-changes", "Microsoft.Network/networkSecurityGroups/write", "Microsoft.Network/networkSecurityGroups/delete"},
	{"azure-monitor-alert-security-solution-changes", "Microsoft.Security/securitySolutions/write", "Microsoft.Security/securitySolutions/delete"},
	{"azure-monitor-alert-sql-firewall-rule-changes", "Microsoft.Sql/servers/firewallRules/write", "Microsoft.Sql/servers/firewallRules/delete"},
	{"azure-monitor-alert-public-ip-changes", "Microsoft.Network/publicIPAddresses/write", "Microsoft.Network/publicIPAddresses/delete"},
	{"azure-monitor-alert-role-assignment-changes", "Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/delete"},
	{"azure-monitor-alert-diagnostic-setting-removal", "Microsoft.Insights/diagnosticSettings/delete", "Microsoft.KeyVault/vaults/delete"},
	{"azure-monitor-alert-service-health", "", ""},
}

// heard says whether an alert that is on reaches anybody, and for the whole subscription.
func heard(s *world.State, a *world.Item) posture.Result {
	group := s.Find("azure.actiongroup", posture.Global, a.Index%3)
	switch {
	case a.Has("off"), a.Has("narrow-scope"):
		return posture.Fail
	case a.Has("foreign-group"):
		return posture.Unknown
	}
	return failIf(group == nil || group.Has("off") || group.Has("empty"))
}

func expectAlerts(s *world.State) map[world.Judged]posture.Result {
	out := map[world.Judged]posture.Result{}
	health := len(topics) - 1
	for index, t := range topics {
		first, second := posture.Fail, posture.Fail
		note := func(r *posture.Result, found posture.Result) {
			if *r == posture.Fail || found == posture.Pass {
				*r = found
			}
		}
		for _, a := range s.Items("azure.alert") {
			about := a.Index % len(topics)
			switch {
			case about == health && index == health && !a.Has("maintenance-only"),
				about != health && index != health && a.Has("every-operation") && !a.Has("errors-only"):
				note(&first, heard(s, a))
				note(&second, heard(s, a))
			case about == index && index != health && !a.Has("errors-only"):
				note(&first, heard(s, a))
				if !a.Has("half") {
					note(&second, heard(s, a))
				}
			}
		}
		both := posture.Pass
		for _, r := range []posture.Result{first, second} {
			if r == posture.Fail || r == posture.Unknown && both == posture.Pass {
				both = r
			}
		}
		out[world.Judged{Rule: t.rule, Resource: subscriptionKey(s)}] = both
	}
	return out
}

// loggable are the categories of logs that resources have, by type; the first is the one that matters most.
var loggable = map[string][]string{
	"microsoft.apimanagement/service":              {"GatewayLogs", "WebSocketConnectionLogs"},
	"microsoft.batch/batchaccounts":                {"ServiceLog", "AuditLog"},
	"microsoft.cdn/profiles":                       {"FrontDoorWebApplicationFirewallLog", "FrontDoorAccessLog"},
	"microsoft.containerregistry/registries":       {"ContainerRegistryLoginEvents", "ContainerRegistryRepositoryEvents"},
	"microsoft.containerservice/managedclusters":   {"kube-audit", "kube-apiserver"},
	"microsoft.databricks/workspaces":              {"accounts", "clusters"},
	"microsoft.dbforpostgresql/flexibleservers":    {"PostgreSQLLogs"},
	"microsoft.devices/iothubs":                    {"Connections", "DeviceTelemetry"},
	"microsoft.eventhub/namespaces":                {"RuntimeAuditLogs", "OperationalLogs"},
	"microsoft.keyvault/managedhsms":               {"AuditEvent"},
	"microsoft.keyvault/vaults":                    {"AuditEvent", "AzurePolicyEvaluationDetails"},
	"microsoft.logic/workflows":                    {"WorkflowRuntime"},
	"microsoft.machinelearningservices/workspaces": {"AmlComputeClusterEvent", "AmlRunStatusChangedEvent"},
	"microsoft.network/applicationgateways":        {"ApplicationGatewayAccessLog", "ApplicationGatewayFirewallLog"},
	"microsoft.network/azurefirewalls":             {"AZFWNetworkRule", "AZFWApplicationRule"},
	"microsoft.network/dnsresolverpolicies":        {"DnsResponse"},
	"microsoft.network/frontdoors":                 {"FrontdoorAccessLog", "FrontdoorWebApplicationFirewallLog"},
	"microsoft.network/networksecuritygroups":      {"NetworkSecurityGroupEvent", "NetworkSecurityGroupRuleCounter"},
	"microsoft.search/searchservices":              {"OperationLogs"},
	"microsoft.servicebus/namespaces":              {"RuntimeAuditLogs", "OperationalLogs"},
	"microsoft.storage/storageaccounts":            {"StorageRead", "StorageWrite", "StorageDelete"},
	"microsoft.streamanalytics/streamingjobs":      {"Execution", "Authoring"},
	"microsoft.web/sites":                          {"AppServiceHTTPLogs", "AppServiceConsoleLogs"},
}

// categoriesOf are the categories of one resource. Function apps have their own; older firewalls older names.
func categoriesOf(d described, profile *world.Item) []string {
	kind := strings.ToLower(d.Type)
	switch {
	case kind == "microsoft.web/sites" && strings.Contains(d.Kind, "functionapp"):
		return []string{"FunctionAppLogs", "AppServiceHTTPLogs"}
	case kind == "microsoft.network/azurefirewalls" && profile.Has("older"):
		return []string{"AzureFirewallNetworkRule", "AzureFirewallApplicationRule"}
	}
	return loggable[kind]
}

// logProfile is how the diagnostic settings of a resource are set up.
func logProfile(s *world.State, id string) *world.Item {
	profiles, h := s.Items("azure.logprofile"), fnv.New32a()
	_, _ = h.Write([]byte(strings.ToLower(id))) // a hash never fails
	return profiles[int(h.Sum32())%len(profiles)]
}

// How much of what it could log a resource sends somewhere.
type logging int

const (
	logsNothing logging = iota
	logsLess            // all but the first category
	logsAudit           // the group audit
	logsEach            // every category by name
	logsAll             // the group allLogs
)

func loggingOf(s *world.State, id string) logging {
	switch p := logProfile(s, id); {
	case p.Has("none"), p.Has("metrics"):
		return logsNothing
	case p.Has("all"):
		return logsAll
	case p.Has("audit"):
		return logsAudit
	case p.Has("partial"):
		return logsLess
	}
	return logsEach
}

// logsIts reports whether a resource sends its most important category somewhere, by name or in the group allLogs.
func logsIts(s *world.State, id string) bool {
	l := loggingOf(s, id)
	return l == logsEach || l == logsAll
}

// logsOrAudits is logsIts for resources whose most important category is in the group audit as well.
func logsOrAudits(s *world.State, id string) bool {
	return logsIts(s, id) || loggingOf(s, id) == logsAudit
}

// unloggable reports whether a resource's type has no diagnostic settings.
func unloggable(s *world.State, id string) bool {
	return slices.ContainsFunc(s.Items("azure.resource"), func(it *world.Item) bool { return it.Has("unsupported") && strings.EqualFold(otherID(it), id) })
}

func expectResourceLogs(s *world.State) map[world.Judged]posture.Result {
	out := map[world.Judged]posture.Result{}
	for _, d := range everything(s) {
		kind := strings.ToLower(d.Type)
		if loggable[kind] == nil || d.Kind == "FileStorage" {
			continue
		}
		verdicts := map[string]posture.Result{
			"azure-monitor-resource-logs-enabled": posture.DoesNotApply, "azure-monitor-edge-access-logs": posture.DoesNotApply,
			"azure-storage-account-read-logging": posture.DoesNotApply, "azure-keyvault-vault-logging": posture.DoesNotApply, "azure-appservice-site-http-logs": posture.DoesNotApply,
		}
		id := d.ID
		switch kind {
		case "microsoft.storage/storageaccounts":
			id += "/blobServices/default"
			verdicts["azure-storage-account-read-logging"] = failIf(!logsOrAudits(s, d.ID))
		case "microsoft.keyvault/vaults":
			verdicts["azure-keyvault-vault-logging"] = failIf(!logsOrAudits(s, d.ID))
		case "microsoft.web/sites":
			verdicts["azure-appservice-site-http-logs"] = failIf(!logsIts(s, d.ID))
		case "microsoft.cdn/profiles", "microsoft.network/applicationgateways", "microsoft.network/azurefirewalls", "microsoft.network/frontdoors":
			verdicts["azure-monitor-edge-access-logs"] = failIf(!logsIts(s, d.ID))
		case "microsoft.dbforpostgresql/flexibleservers", "microsoft.network/dnsresolverpolicies":
		default:
			l := loggingOf(s, d.ID)
			verdicts["azure-monitor-resource-logs-enabled"] = unless(unloggable(s, d.ID), failIf(l == logsNothing || l == logsLess && len(loggable[kind]) == 1))
		}
		for rule, result := range verdicts {
			out[world.Judged{Rule: rule, Resource: keyOf("azure.monitor.resource_diagnostics", id)}] = result
		}
	}
	return out
}

func handleMonitor(s *azure.Server, w *states) {
	azure.List(s, "armmonitor.DiagnosticSettingsClient.NewListPager", func(c azure.Call) (*armmonitor.DiagnosticSettingsResourceCollection, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armmonitor.DiagnosticSettingsResourceCollection{}
		if c.Params["resourceUri"] == "subscriptions/"+state.Account.ID {
			for _, e := range state.Items("azure.export") {
				out.Value = append(out.Value, export(state, e))
			}
			return out, nil
		}
		id := strings.TrimSuffix(strings.ToLower("/"+c.Params["resourceUri"]), "/blobservices/default")
		for _, d := range w.everything(state) {
			if strings.ToLower(d.ID) == id {
				if unloggable(state, id) {
					return nil, &azure.Error{Status: http.StatusNotFound, Code: "ResourceTypeNotSupported", Message: "The resource type '" + d.Type + "' does not support diagnostic settings."}
				}
				out.Value = diagnosticSettings(state, d)
				return out, nil
			}
		}
		return nil, azure.NotFound("The resource '" + id + "'")
	})
	azure.List(s, "armmonitor.ActivityLogAlertsClient.NewListBySubscriptionIDPager", func(c azure.Call) (*armmonitor.AlertRuleList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armmonitor.AlertRuleList{}
		for _, a := range state.Items("azure.alert") {
			out.Value = append(out.Value, activityLogAlert(a))
		}
		return out, nil
	})
	azure.List(s, "armmonitor.ActionGroupsClient.NewListBySubscriptionIDPager", func(c azure.Call) (*armmonitor.ActionGroupList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armmonitor.ActionGroupList{}
		for _, it := range state.Items("azure.actiongroup") {
			out.Value = append(out.Value, actionGroup(it))
		}
		return out, nil
	})
	azure.List(s, "armmonitor.AutoscaleSettingsClient.NewListBySubscriptionPager", func(c azure.Call) (*armmonitor.AutoscaleSettingResourceCollection, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armmonitor.AutoscaleSettingResourceCollection{}
		for _, it := range state.Items("azure.autoscale") {
			out.Value = append(out.Value, autoscaleSetting(state, it))
		}
		return out, nil
	})
}

func logSettings(enabled bool, categories ...string) []*armmonitor.LogSettings {
	var out []*armmonitor.LogSettings
	for _, c := range categories {
		out = append(out, &armmonitor.LogSettings{Category: to.Ptr(c), Enabled: &enabled})
	}
	return out
}

func export(s *world.State, e *world.Item) *armmonitor.DiagnosticSettingsResource {
	categories := []string{"Administrative", "Security", "ServiceHealth", "Alert", "Recommendation", "Autoscale", "ResourceHealth"}
	if !e.Has("partial") {
		categories = append(categories, "Policy")
	}
	p := &armmonitor.DiagnosticSettings{Logs: append(logSettings(true, categories...), logSettings(false, "Other")...)}
	if e.Has("grouped") {
		p.Logs = []*armmonitor.LogSettings{{CategoryGroup: to.Ptr("allLogs"), Enabled: to.Ptr(true)}}
	}
	switch account, workspace := exportAccount(s, e), exportWorkspace(s, e); {
	case account != nil:
		p.StorageAccountID = to.Ptr(storageID(account))
	case workspace != nil:
		p.WorkspaceID = to.Ptr(workspaceID(workspace))
	case !e.Has("nowhere"):
		p.WorkspaceID = to.Ptr("/subscriptions/" + elsewhere + "/resourceGroups/rg-security/providers/Microsoft.OperationalInsights/workspaces/central")
	}
	return &armmonitor.DiagnosticSettingsResource{
		ID:   to.Ptr("/subscriptions/" + e.Account.ID + "/providers/microsoft.insights/diagnosticSettings/" + e.Name()),
		Name: to.Ptr(e.Name()), Type: to.Ptr("Microsoft.Insights/diagnosticSettings"), Properties: p,
	}
}

// elsewhere is a subscription that nobody scans.
const elsewhere = "eeeeeeee-0000-4000-8000-000000000009"

func diagnosticSettings(s *world.State, d described) []*armmonitor.DiagnosticSettingsResource {
	profile := logProfile(s, d.ID)
	if profile.Has("none") {
		return nil
	}
	categories := categoriesOf(d, profile)
	var logs []*armmonitor.LogSettings
	switch loggingOf(s, d.ID) {
	case logsAll:
		logs = []*armmonitor.LogSettings{{CategoryGroup: to.Ptr("allLogs"), Enabled: to.Ptr(true)}, {CategoryGroup: to.Ptr("audit"), Enabled: to.Ptr(false)}}
	case logsAudit:
		logs = []*armmonitor.LogSettings{{CategoryGroup: to.Ptr("audit"), Enabled: to.Ptr(true)}}
	case logsEach:
		logs = logSettings(true, categories...)
	case logsLess:
		logs = append(logSettings(false, categories[0]), logSettings(true, categories[1:]...)...)
	}
	setting := func(name string, logs []*armmonitor.LogSettings, p armmonitor.DiagnosticSettings) *armmonitor.DiagnosticSettingsResource {
		p.Logs, p.Metrics = logs, []*armmonitor.MetricSettings{{Category: to.Ptr("AllMetrics"), Enabled: to.Ptr(true)}}
		return &armmonitor.DiagnosticSettingsResource{
			ID: to.Ptr(strings.ToLower(d.ID) + "/providers/microsoft.insights/diagnosticSettings/" + name), Name: &name, Type: to.Ptr("Microsoft.Insights/diagnosticSettings"), Properties: &p,
		}
	}
	workspace := armmonitor.DiagnosticSettings{WorkspaceID: to.Ptr(workspaceID(s.Find("azure.workspace", posture.Global, 0)))}
	if !profile.Has("split") || len(logs) < 2 {
		return []*armmonitor.DiagnosticSettingsResource{setting("logs", logs, workspace)}
	}
	account := armmonitor.DiagnosticSettings{StorageAccountID: to.Ptr(storageID(s.Find("azure.storage", posture.Global, 0)))}
	for _, l := range logs[1:] {
		l.RetentionPolicy = &armmonitor.RetentionPolicy{Enabled: to.Ptr(true), Days: to.Ptr[int32](90)}
	}
	nowhere := setting("left-over", logSettings(true, "AuditEvent", "StorageRead", "allLogs"), armmonitor.DiagnosticSettings{})
	return []*armmonitor.DiagnosticSettingsResource{setting("first", logs[:1], workspace), setting("rest", logs[1:], account), nowhere}
}

func activityLogAlert(a *world.Item) *armmonitor.ActivityLogAlertResource {
	equals := func(field, value string) *armmonitor.AlertRuleAnyOfOrLeafCondition {
		return &armmonitor.AlertRuleAnyOfOrLeafCondition{Field: &field, Equals: &value}
	}
	t := topics[a.Index%len(topics)]
	var conditions []*armmonitor.AlertRuleAnyOfOrLeafCondition
	switch {
	case t.first == "":
		conditions = append(conditions, equals("category", "ServiceHealth"))
		if a.Has("maintenance-only") {
			conditions = append(conditions, &armmonitor.AlertRuleAnyOfOrLeafCondition{AnyOf: []*armmonitor.AlertRuleLeafCondition{
				{Field: to.Ptr("properties.incidentType"), Equals: to.Ptr("Maintenance")}, {Field: to.Ptr("properties.incidentType"), Equals: to.Ptr("Informational")},
			}})
		}
	case a.Has("every-operation"):
		conditions = append(conditions, equals("category", "Administrative"))
	case a.Has("half"):
		conditions = append(conditions, equals("category", "Administrative"), equals("operationName", t.first))
	case a.Has("either"):
		conditions = append(conditions, equals("category", "Administrative"), &armmonitor.AlertRuleAnyOfOrLeafCondition{AnyOf: []*armmonitor.AlertRuleLeafCondition{
			{Field: to.Ptr("operationName"), Equals: &t.first}, {Field: to.Ptr("operationName"), Equals: &t.second},
		}})
	default:
		conditions = append(conditions, &armmonitor.AlertRuleAnyOfOrLeafCondition{Field: to.Ptr("operationName"), ContainsAny: []*string{&t.first, &t.second}})
	}
	if a.Has("errors-only") {
		conditions = append(conditions, equals("level", "Error"))
	}
	if a.Has("succeeded") {
		conditions = append(conditions, equals("status", "Succeeded"))
	}
	if provider, _, _ := strings.Cut(t.first, "/"); a.Has("of-type") && provider != "" && !a.Has("every-operation") && !strings.HasSuffix(t.second, "vaults/delete") {
		conditions = append(conditions, equals("resourceProvider", provider))
	}
	groupID := idOf(a, "Microsoft.Insights/actionGroups", actionGroupName(a.Index%3))
	if a.Has("foreign-group") {
		groupID = strings.Replace(groupID, a.Account.ID, elsewhere, 1)
	}
	scope := "/subscriptions/" + a.Account.ID
	if a.Has("narrow-scope") {
		scope += "/resourceGroups/" + group
	}
	p := &armmonitor.AlertRuleProperties{
		Scopes: []*string{&scope}, Condition: &armmonitor.AlertRuleAllOfCondition{AllOf: conditions},
		Actions: &armmonitor.ActionList{ActionGroups: []*armmonitor.ActivityLogAlertActionGroup{{ActionGroupID: &groupID}}},
	}
	if a.Has("off") {
		p.Enabled = to.Ptr(false)
	} else if a.Index%2 == 0 {
		p.Enabled = to.Ptr(true)
	}
	return &armmonitor.ActivityLogAlertResource{
		ID: to.Ptr(idOf(a, "Microsoft.Insights/activityLogAlerts", "alert-"+a.Name())), Name: to.Ptr("alert-" + a.Name()), Type: to.Ptr("Microsoft.Insights/ActivityLogAlerts"),
		Location: to.Ptr("global"), Properties: p,
	}
}

func actionGroupName(index int) string { return fmt.Sprintf("ag-%02d", index) }

func actionGroup(it *world.Item) *armmonitor.ActionGroupResource {
	name := actionGroupName(it.Index)
	p := &armmonitor.ActionGroup{GroupShortName: &name, Enabled: to.Ptr(!it.Has("off"))}
	if !it.Has("empty") {
		switch it.Index % 3 {
		case 0:
			p.EmailReceivers = []*armmonitor.EmailReceiver{{Name: to.Ptr("mail"), EmailAddress: to.Ptr("on-call@acme.example"), UseCommonAlertSchema: to.Ptr(true)}}
			p.WebhookReceivers = []*armmonitor.WebhookReceiver{{Name: to.Ptr("pager"), ServiceURI: to.Ptr("https://pager.example/hook/1f2e")}}
		case 1:
			p.ArmRoleReceivers = []*armmonitor.ArmRoleReceiver{{Name: to.Ptr("owners"), RoleID: to.Ptr("8e3af657-a8ff-443c-a75c-2fe8c4bcb635")}}
		default:
			p.ItsmReceivers = []*armmonitor.ItsmReceiver{{Name: to.Ptr("tickets"), WorkspaceID: to.Ptr("w"), ConnectionID: to.Ptr("c"), TicketConfiguration: to.Ptr("{}"), Region: to.Ptr("westeurope")}}
		}
	}
	return &armmonitor.ActionGroupResource{
		ID: to.Ptr(idOf(it, "Microsoft.Insights/actionGroups", name)), Name: &name, Type: to.Ptr("Microsoft.Insights/ActionGroups"), Location: to.Ptr("Global"), Properties: p,
	}
}

// autoscales reports whether a scale set's number of instances follows a metric.
func autoscales(s *world.State, set *world.Item) bool {
	it := s.Find("azure.autoscale", posture.Global, set.Index)
	return it != nil && !it.Has("off") && !it.Has("rigid") && !it.Has("by-clock")
}

func autoscaleSetting(s *world.State, it *world.Item) *armmonitor.AutoscaleSettingResource {
	target := idOf(it, "Microsoft.Web/serverfarms", "plan-"+it.Name())
	if set := s.Find("azure.vmss", posture.Global, it.Index); set != nil {
		target = scaleSetID(set)
	}
	usual := &armmonitor.AutoscaleProfile{Name: to.Ptr("usual"), Capacity: &armmonitor.ScaleCapacity{Minimum: to.Ptr("2"), Maximum: to.Ptr("8"), Default: to.Ptr("2")}}
	if it.Has("rigid") {
		usual.Capacity.Maximum = to.Ptr("2")
	}
	if !it.Has("by-clock") {
		usual.Rules = []*armmonitor.ScaleRule{{
			MetricTrigger: &armmonitor.MetricTrigger{MetricName: to.Ptr("Percentage CPU"), MetricResourceURI: &target, Threshold: to.Ptr(70.0)},
			ScaleAction:   &armmonitor.ScaleAction{Direction: to.Ptr(armmonitor.ScaleDirectionIncrease), Type: to.Ptr(armmonitor.ScaleTypeChangeCount), Value: to.Ptr("1")},
		}}
	}
	return &armmonitor.AutoscaleSettingResource{
		ID: to.Ptr(idOf(it, "Microsoft.Insights/autoscalesettings", "scale-"+it.Name())), Name: to.Ptr("scale-" + it.Name()), Type: to.Ptr("Microsoft.Insights/autoscaleSettings"),
		Location: to.Ptr(it.Account.Home()), Properties: &armmonitor.AutoscaleSetting{
			Name: to.Ptr("scale-" + it.Name()), Enabled: to.Ptr(!it.Has("off")), TargetResourceURI: &target, Profiles: []*armmonitor.AutoscaleProfile{usual},
		},
	}
}
