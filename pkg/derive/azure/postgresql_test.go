package azure

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestPostgresLogs(t *testing.T) {
	const id = own + "microsoft.dbforpostgresql/flexibleservers/psql"
	server := func(settings ...*posture.Resource) []*posture.Resource {
		return append([]*posture.Resource{resource(schema.PostgreSQLServerType, id, &schema.PostgreSQLServer{})}, settings...)
	}
	sends := func(d schema.ResourceDiagnostics, refused ...string) *posture.Resource {
		return resource(schema.ResourceDiagnosticsType, id, &d, refused...)
	}
	workspace := []string{"/subscriptions/own/workspaces/w"}
	want := func(v any) map[string]any { return map[string]any{"logs_exported": v} }
	check(t, map[string]derivation{
		"to a workspace":                       {resources: server(sends(schema.ResourceDiagnostics{LogCategories: []string{"PostgreSQLLogs"}, WorkspaceIDs: workspace})), want: want(true)},
		"to a storage account":                 {resources: server(sends(schema.ResourceDiagnostics{LogCategories: []string{"PostgreSQLLogs"}, StorageAccountIDs: workspace})), want: want(true)},
		"with all others":                      {resources: server(sends(schema.ResourceDiagnostics{LogCategories: []string{"allLogs"}, WorkspaceIDs: workspace})), want: want(true)},
		"to an event hub, where nothing stays": {resources: server(sends(schema.ResourceDiagnostics{LogCategories: []string{"PostgreSQLLogs"}, EventHubRuleIDs: workspace})), want: want(false)},
		"others are sent, these are not":       {resources: server(sends(schema.ResourceDiagnostics{LogCategories: []string{"PostgreSQLFlexSessions"}, WorkspaceIDs: workspace})), want: want(false)},
		"no setting":                           {resources: server(sends(schema.ResourceDiagnostics{})), want: want(false)},
		"which categories was not read":        {resources: server(sends(schema.ResourceDiagnostics{WorkspaceIDs: workspace}, "log_categories")), want: want("unread: read log_categories")},
		"where to was not read": {resources: server(sends(schema.ResourceDiagnostics{LogCategories: []string{"allLogs"}}, "workspace_ids", "storage_account_ids")),
			want: want("unread: read storage_account_ids, read workspace_ids")},
		"where else to does not matter":         {resources: server(sends(schema.ResourceDiagnostics{LogCategories: []string{"allLogs"}, WorkspaceIDs: workspace}, "storage_account_ids")), want: want(true)},
		"settings were not read":                {refused: []*posture.Type{schema.ResourceDiagnosticsType}, resources: server(), want: want("unread: list azure.monitor.resource_diagnostics")},
		"a server made after the inventory was": {resources: server(), want: want("unread: armresources.Client.NewListPager")},
	})
}
