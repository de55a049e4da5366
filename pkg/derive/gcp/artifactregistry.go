package gcp

import (
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
)

// repositoryScanning: the project has the API switched on that scans what is pushed to its repositories.
func repositoryScanning(inv *derive.Inventory) {
	on := derive.Exists(derive.Of[schema.Service](inv, schema.ServiceType), func(s derive.Item[schema.Service]) derive.Val[bool] {
		return derive.Known(s.ID == "containerscanning.googleapis.com")
	})
	for _, r := range derive.Of[schema.Repository](inv, schema.RepositoryType).Items {
		derive.Set(r, "project_scanning_enabled", &r.V.ProjectScanningEnabled, on)
	}
}
