package aws

import (
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
)

// dataCatalogs: how many jobs their region has.
func dataCatalogs(inv *derive.Inventory) {
	jobs := derive.Of[schema.GlueJob](inv, schema.GlueJobType)
	for _, c := range derive.Of[schema.GlueStatus](inv, schema.GlueStatusType).Items {
		derive.Set(c, "job_count", &c.V.JobCount, derive.Count(jobs.In(c.Region), func(derive.Item[schema.GlueJob]) derive.Val[bool] { return derive.Known(true) }))
	}
}
