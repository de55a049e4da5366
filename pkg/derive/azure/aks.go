package azure

import (
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
)

// clusterLogging: what the diagnostic settings of clusters send.
func clusterLogging(inv *derive.Inventory) {
	logging := derive.ByID(derive.Of[schema.ResourceDiagnostics](inv, schema.ResourceDiagnosticsType))
	for _, k := range derive.Of[schema.KubernetesCluster](inv, schema.KubernetesClusterType).Items {
		derive.Set(k, "log_categories", &k.V.LogCategories, derive.Named(logging.All(k.ID), listResources, func(d derive.Item[schema.ResourceDiagnostics]) derive.Val[[]string] {
			return derive.Read(d, "log_categories", d.V.LogCategories)
		}))
	}
}
