package azure

import (
	"slices"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
)

// postgresLogs: the server's log goes where it is kept, a workspace or a storage account.
func postgresLogs(inv *derive.Inventory) {
	settings := derive.ByID(derive.Of[schema.ResourceDiagnostics](inv, schema.ResourceDiagnosticsType))
	for _, s := range derive.Of[schema.PostgreSQLServer](inv, schema.PostgreSQLServerType).Items {
		exported := derive.Named(settings.All(s.ID), listResources, func(d derive.Item[schema.ResourceDiagnostics]) derive.Val[bool] {
			logged := derive.Map(derive.Read(d, "log_categories", d.V.LogCategories), func(categories []string) bool {
				return slices.Contains(categories, "PostgreSQLLogs") || slices.Contains(categories, "allLogs")
			})
			kept := derive.Or(someOf(derive.Read(d, "workspace_ids", d.V.WorkspaceIDs)), someOf(derive.Read(d, "storage_account_ids", d.V.StorageAccountIDs)))
			return derive.And(logged, kept)
		})
		derive.Set(s, "logs_exported", &s.V.LogsExported, exported)
	}
}

func someOf(list derive.Val[[]string]) derive.Val[bool] {
	return derive.Map(list, func(list []string) bool { return len(list) > 0 })
}
