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
	type places = schema.ResourceDiagnostics
	sends := func(category string, to places, refused ...string) *posture.Resource {
		to.LogCategories = []string{category}
		return resource(schema.ResourceDiagnosticsType, id, &to, refused...)
	}
	there := []string{"/subscriptions/own/somewhere"}
	workspace := places{WorkspaceIDs: there}
	settings := []*posture.Type{schema.ResourceDiagnosticsType}
	want := func(v any) map[string]any { return map[string]any{"logs_exported": v} }
	check(t, map[string]derivation{
		"to a workspace":                        {resources: server(sends("PostgreSQLLogs", workspace)), want: want(true)},
		"to a storage account":                  {resources: server(sends("PostgreSQLLogs", places{StorageAccountIDs: there})), want: want(true)},
		"with all others":                       {resources: server(sends("allLogs", workspace)), want: want(true)},
		"to an event hub, where nothing stays":  {resources: server(sends("PostgreSQLLogs", places{EventHubRuleIDs: there})), want: want(false)},
		"others are sent, these are not":        {resources: server(sends("PostgreSQLFlexSessions", workspace)), want: want(false)},
		"no setting":                            {resources: server(resource(schema.ResourceDiagnosticsType, id, &places{})), want: want(false)},
		"which categories was not read":         {resources: server(sends("", workspace, "log_categories")), want: want("unread: read log_categories")},
		"where to was not read":                 {resources: server(sends("allLogs", places{}, "workspace_ids")), want: want("unread: read workspace_ids")},
		"where else to does not matter":         {resources: server(sends("allLogs", workspace, "storage_account_ids")), want: want(true)},
		"settings were not read":                {refused: settings, resources: server(), want: want("unread: list azure.monitor.resource_diagnostics")},
		"a server made after the inventory was": {resources: server(), want: want("unread: armresources.Client.NewListPager")},
	})
}
