package azure

import (
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
)

// vaultContents: who decides on access to a key or secret, and which keys belong to certificates.
func vaultContents(inv *derive.Inventory) {
	vaults := derive.ByID(derive.Of[schema.KeyVault](inv, schema.KeyVaultType))
	rbac := func(vaultID derive.Val[string]) derive.Val[bool] {
		return derive.Then(vaultID, func(id string) derive.Val[bool] {
			return derive.Named(vaults.All(id), "armkeyvault.VaultsClient.NewListBySubscriptionPager", func(v derive.Item[schema.KeyVault]) derive.Val[bool] {
				return derive.Read(v, "rbac_enabled", v.V.RBACEnabled)
			})
		})
	}
	list := derive.Of[schema.VaultSecret](inv, schema.VaultSecretType)
	for _, s := range list.Items {
		derive.Set(s, "vault_rbac", &s.V.VaultRBAC, rbac(derive.Read(s, "vault_id", s.V.VaultID)))
	}
	secrets := derive.ByID(list)
	for _, k := range derive.Of[schema.VaultKey](inv, schema.VaultKeyType).Items {
		derive.Set(k, "vault_rbac", &k.V.VaultRBAC, rbac(derive.Read(k, "vault_id", k.V.VaultID)))
		twin := secrets.All(strings.Replace(k.ID, "/keys/", "/secrets/", 1))
		derive.Set(k, "managed", &k.V.Managed, derive.Exists(twin, func(s derive.Item[schema.VaultSecret]) derive.Val[bool] {
			return derive.Read(s, "managed", s.V.Managed)
		}))
	}
}
