package azure

import (
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestMachineBackups(t *testing.T) {
	const id = own + "microsoft.compute/virtualmachines/web"
	last := time.Date(2026, 2, 28, 3, 0, 0, 0, time.UTC)
	machine := func(others ...*posture.Resource) []*posture.Resource {
		return append([]*posture.Resource{resource(schema.VirtualMachineType, id, &schema.VirtualMachine{})}, others...)
	}
	item := func(name, state string, refused ...string) *posture.Resource {
		return resource(schema.ProtectedItemType, name, &schema.ProtectedItem{
			SourceResourceID: id, ProtectionState: state, LastBackupStatus: "Completed", LastBackupAt: posture.Some(last),
		}, refused...)
	}
	want := func(protected, status, at any) map[string]any {
		return map[string]any{"backup_protected": protected, "last_backup_status": status, "last_backup_at": at}
	}
	items := []*posture.Type{schema.ProtectedItemType}
	list := "unread: list azure.recoveryservices.protected_item"
	check(t, map[string]derivation{
		"in no vault":          {resources: machine(), want: want(false, "", nil)},
		"protected":            {resources: machine(item("a", "Protected")), want: want(true, "Completed", "2026-02-28T03:00:00Z")},
		"waiting for a first":  {resources: machine(item("a", "IRPending")), want: want(true, "Completed", "2026-02-28T03:00:00Z")},
		"stopped":              {resources: machine(item("a", "ProtectionStopped")), want: want(false, "", nil)},
		"moved to another":     {resources: machine(item("a", "ProtectionStopped"), item("b", "Protected")), want: want(true, "Completed", "2026-02-28T03:00:00Z")},
		"items were not read":  {refused: items, resources: machine(), want: want(list, list, list)},
		"a state was not read": {resources: machine(item("a", "", "protection_state")), want: want("unread: read protection_state", "unread: read protection_state", "unread: read protection_state")},
		"one that was seen":    {refused: items, resources: machine(item("a", "Protected")), want: want(true, list, list)},
	})
}
