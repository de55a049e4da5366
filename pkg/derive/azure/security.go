package azure

import (
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
)

// justInTime: which machines open their management ports on request only.
func justInTime(inv *derive.Inventory) {
	policies := derive.ByEach(derive.Of[schema.JITPolicy](inv, schema.JITPolicyType), "vm_ids",
		func(p derive.Item[schema.JITPolicy]) []string { return p.V.VMIDs })
	for _, m := range derive.Of[schema.VirtualMachine](inv, schema.VirtualMachineType).Items {
		derive.Set(m, "jit_protected", &m.V.JITProtected, derive.Exists(policies.All(m.ID), whichever))
	}
}

// watchedHubs: which IoT hubs an enabled security solution watches.
func watchedHubs(inv *derive.Inventory) {
	solutions := derive.ByEach(derive.Of[schema.IoTSolution](inv, schema.IoTSolutionType), "iot_hub_ids",
		func(s derive.Item[schema.IoTSolution]) []string { return s.V.IoTHubIDs })
	for _, r := range derive.Of[schema.InventoryItem](inv, schema.InventoryItemType).Items {
		watched := derive.Then(derive.Read(r, "type", r.V.Type), func(kind string) derive.Val[bool] {
			if kind != "microsoft.devices/iothubs" {
				return derive.Known(false)
			}
			return derive.Exists(solutions.All(r.ID), func(s derive.Item[schema.IoTSolution]) derive.Val[bool] {
				return is(derive.Read(s, "status", s.V.Status), "Enabled")
			})
		})
		derive.Set(r, "in_iot_solution", &r.V.InIoTSolution, watched)
	}
}
