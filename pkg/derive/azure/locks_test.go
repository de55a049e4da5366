package azure

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestDeleteLocks(t *testing.T) {
	const id = own + "microsoft.storage/storageaccounts/data"
	account := func(locks ...*posture.Resource) []*posture.Resource {
		return append([]*posture.Resource{resource(schema.StorageAccountType, id, &schema.StorageAccount{})}, locks...)
	}
	lock := func(scope string, refused ...string) *posture.Resource {
		return resource(schema.LockType, scope+"/locks/keep", &schema.Lock{Level: "CanNotDelete", Scope: scope}, refused...)
	}
	want := func(v any) map[string]any { return map[string]any{"delete_lock": v} }
	locks := []*posture.Type{schema.LockType}
	check(t, map[string]derivation{
		"on the account itself":              {resources: account(lock(id)), want: want(true)},
		"on its resource group":              {resources: account(lock("/subscriptions/own/resourcegroups/rg")), want: want(true)},
		"on the subscription":                {resources: account(lock("/subscriptions/own")), want: want(true)},
		"on another account":                 {resources: account(lock(id + "2")), want: want(false)},
		"on a group whose name begins alike": {resources: account(lock("/subscriptions/own/resourcegroups/rg2")), want: want(false)},
		"locks were not read":                {refused: locks, resources: account(), want: want("unread: list azure.locks.lock")},
		"one that was read is enough":        {refused: locks, resources: account(lock("/subscriptions/own")), want: want(true)},
		"what a lock lies on was not read":   {resources: account(lock(id, "scope")), want: want("unread: read scope")},
		"vaults are kept in the same way": {resources: []*posture.Resource{resource(schema.KeyVaultType,
			own+"microsoft.keyvault/vaults/v", &schema.KeyVault{}), lock("/subscriptions/own")}, want: want(true)},
		"a vault without a lock can be removed": {resources: []*posture.Resource{resource(schema.KeyVaultType,
			own+"microsoft.keyvault/vaults/v", &schema.KeyVault{})}, want: want(false)},
	})
}
