package azure

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestVaultKey(t *testing.T) {
	const vault = own + "microsoft.keyvault/vaults/v"
	key := func(others ...*posture.Resource) []*posture.Resource {
		return append([]*posture.Resource{resource(schema.VaultKeyType, vault+"/keys/web", &schema.VaultKey{VaultID: vault})}, others...)
	}
	secret := func(name string, managed bool, refused ...string) *posture.Resource {
		return resource(schema.VaultSecretType, vault+"/secrets/"+name, &schema.VaultSecret{VaultID: vault, Managed: managed}, refused...)
	}
	roles := func(on bool, refused ...string) *posture.Resource {
		return resource(schema.KeyVaultType, vault, &schema.KeyVault{RBACEnabled: on}, refused...)
	}
	managed := func(v any) map[string]any { return map[string]any{"managed": v} }
	rbac := func(v any) map[string]any { return map[string]any{"vault_rbac": v} }
	secrets := []*posture.Type{schema.VaultSecretType}
	check(t, map[string]derivation{
		"a certificate's secret has its name":       {resources: key(secret("web", true)), want: managed(true)},
		"a secret of its own has its name":          {resources: key(secret("web", false)), want: managed(false)},
		"a certificate's secret has another name":   {resources: key(secret("api", true)), want: managed(false)},
		"there is no secret":                        {resources: key(), want: managed(false)},
		"secrets were not read":                     {refused: secrets, resources: key(), want: managed("unread: list azure.keyvault.secret")},
		"the secret's content type was not read":    {resources: key(secret("web", false, "managed")), want: managed("unread: read managed")},
		"its vault decides by roles":                {resources: key(roles(true)), want: rbac(true)},
		"its vault decides by access policies":      {resources: key(roles(false)), want: rbac(false)},
		"how its vault decides was not read":        {resources: key(roles(false, "rbac_enabled")), want: rbac("unread: read rbac_enabled")},
		"its vault went before keys were asked for": {resources: key(), want: rbac("unread: armkeyvault.VaultsClient.NewListBySubscriptionPager")},
		"vaults were not read": {refused: []*posture.Type{schema.KeyVaultType}, resources: key(),
			want: rbac("unread: list azure.keyvault.vault")},
		"a secret is decided on like a key": {resources: []*posture.Resource{secret("web", false), roles(true)}, want: rbac(true)},
		"whose secret it is stands in the secret's id": {resources: key(resource(schema.VaultSecretType,
			own+"microsoft.keyvault/vaults/other/secrets/web", &schema.VaultSecret{Managed: true})), want: managed(false)},
	})
}
