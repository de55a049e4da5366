package azure

import (
	"time"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// machineBackups: which machines some vault of this subscription backs up, and how the last time went.
func machineBackups(inv *derive.Inventory) {
	items := derive.ByRead(derive.Of[schema.ProtectedItem](inv, schema.ProtectedItemType), "source_resource_id",
		func(i derive.Item[schema.ProtectedItem]) string { return i.V.SourceResourceID })
	for _, m := range derive.Of[schema.VirtualMachine](inv, schema.VirtualMachineType).Items {
		backups := items.All(m.ID)
		derive.Set(m, "backup_protected", &m.V.BackupProtected, derive.Exists(backups, protected))
		derive.Set(m, "last_backup_status", &m.V.LastBackupStatus, ofBackup(backups, func(i derive.Item[schema.ProtectedItem]) derive.Val[string] {
			return derive.Read(i, "last_backup_status", i.V.LastBackupStatus)
		}))
		derive.Set(m, "last_backup_at", &m.V.LastBackupAt, ofBackup(backups, func(i derive.Item[schema.ProtectedItem]) derive.Val[posture.Opt[time.Time]] {
			return derive.Read(i, "last_backup_at", i.V.LastBackupAt)
		}))
	}
}

// protected: backups are made, or the first is on its way. A machine whose protection was stopped keeps its item.
func protected(i derive.Item[schema.ProtectedItem]) derive.Val[bool] {
	return derive.Map(derive.Read(i, "protection_state", i.V.ProtectionState), func(state string) bool {
		return state == "Protected" || state == "IRPending"
	})
}

// ofBackup is a value of the item that protects a machine, the zero value without one. A machine is in one vault at a time.
func ofBackup[V any](backups derive.List[schema.ProtectedItem], value func(derive.Item[schema.ProtectedItem]) derive.Val[V]) derive.Val[V] {
	found := derive.Collect(backups, func(i derive.Item[schema.ProtectedItem]) (derive.Val[V], derive.Val[bool]) {
		return value(i), protected(i)
	})
	return derive.Map(found, func(values []V) V {
		var none V
		return append(values, none)[0]
	})
}
