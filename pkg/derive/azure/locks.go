package azure

import (
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
)

// deleteLocks: a lock keeps storage accounts and vaults from being deleted. Either level does.
func deleteLocks(inv *derive.Inventory) {
	locks := derive.ByRead(derive.Of[schema.Lock](inv, schema.LockType), "scope", func(l derive.Item[schema.Lock]) string { return l.V.Scope })
	for _, a := range derive.Of[schema.StorageAccount](inv, schema.StorageAccountType).Items {
		derive.Set(a, "delete_lock", &a.V.DeleteLock, locked(locks, a.ID))
	}
	for _, v := range derive.Of[schema.KeyVault](inv, schema.KeyVaultType).Items {
		derive.Set(v, "delete_lock", &v.V.DeleteLock, locked(locks, v.ID))
	}
}

// locked: a lock lies on a resource, on its group or on the subscription.
func locked(locks derive.Index[schema.Lock], id string) derive.Val[bool] {
	group, _, _ := strings.Cut(id, "/providers/")
	subscription, _, _ := strings.Cut(id, "/resourcegroups/")
	return derive.Or(derive.Exists(locks.All(id), whichever), derive.Exists(locks.All(group), whichever), derive.Exists(locks.All(subscription), whichever))
}
