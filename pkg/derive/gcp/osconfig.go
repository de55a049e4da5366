package gcp

import (
	"time"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// instancePatching: what VM Manager last reported of each instance, and the worst that is known of what it found.
func instancePatching(inv *derive.Inventory) {
	inventories := derive.ByRead(derive.Of[schema.OSInventory](inv, schema.OSInventoryType), "instance",
		func(i derive.Item[schema.OSInventory]) string { return i.V.Instance })
	reports := derive.ByRead(derive.Of[schema.VulnerabilityReport](inv, schema.VulnerabilityReportType), "instance",
		func(r derive.Item[schema.VulnerabilityReport]) string { return r.V.Instance })
	for _, i := range derive.Of[schema.Instance](inv, schema.InstanceType).Items {
		number := derive.Read(i, "number", i.V.Number)
		derive.Set(i, "os_inventory_time", &i.V.OSInventoryTime, derive.Then(number, func(number string) derive.Val[posture.Opt[time.Time]] {
			return orNone(inventories.All(number).In(i.Region), func(o derive.Item[schema.OSInventory]) derive.Val[posture.Opt[time.Time]] {
				return derive.Read(o, "update_time", o.V.UpdateTime)
			})
		}))
		derive.Set(i, "os_highest_cve_severity", &i.V.OSHighestCVESeverity, derive.Then(number, func(number string) derive.Val[string] {
			return orNone(reports.All(number).In(i.Region), func(r derive.Item[schema.VulnerabilityReport]) derive.Val[string] {
				return derive.Read(r, "highest_upgradable_cve_severity", r.V.HighestUpgradableCVESeverity)
			})
		}))
	}
}

// orNone is a value of the only item of l, the zero value when there is none.
func orNone[T, V any](l derive.List[T], value func(derive.Item[T]) derive.Val[V]) derive.Val[V] {
	item, found, missing := l.First()
	switch {
	case found:
		return value(item)
	case missing != nil:
		return derive.UnreadFor[V](missing...)
	}
	var none V
	return derive.Known(none)
}
