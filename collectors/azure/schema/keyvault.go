package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// KeyVault is one key vault.
// Source: armkeyvault VaultsClient.NewListBySubscriptionPager.
//
//posture:type azure.keyvault.vault
type KeyVault struct {
	Resource
	RBACEnabled                  bool            `json:"rbac_enabled"`     // false: access policies decide
	SoftDelete                   bool            `json:"soft_delete"`      // true when nothing is set: it can no longer be left out
	SoftDeleteDays               int             `json:"soft_delete_days"` // 90 when nothing is set
	PurgeProtection              bool            `json:"purge_protection"`
	PublicNetworkAccess          string          `json:"public_network_access"` // Enabled when nothing is set
	Network                      KeyVaultNetwork `json:"network"`
	PrivateEndpointsApproved     int             `json:"private_endpoints_approved"`
	AccessPolicyCount            int             `json:"access_policy_count"`
	EnabledForDeployment         bool            `json:"enabled_for_deployment"` // virtual machines may fetch certificates
	EnabledForTemplateDeployment bool            `json:"enabled_for_template_deployment"`

	DeleteLock bool `json:"delete_lock" derived:"true"`
}

// KeyVaultNetwork is the vault's firewall.
type KeyVaultNetwork struct {
	DefaultAction string `json:"default_action"` // Allow when nothing is set
	Bypass        string `json:"bypass"`         // AzureServices or None
}

// VaultKey is the current version of one key.
// Source: armkeyvault KeysClient.NewListPager, KeysClient.Get.
//
//posture:type azure.keyvault.key
type VaultKey struct {
	Resource
	VaultID   string                 `json:"vault_id"`
	Enabled   bool                   `json:"enabled"`
	UpdatedAt posture.Opt[time.Time] `json:"updated_at"`
	ExpiresAt posture.Opt[time.Time] `json:"expires_at"` // absent: never
	KeyType   string                 `json:"key_type"`   // RSA, EC, oct; with -HSM when kept in hardware
	KeySize   int                    `json:"key_size"`   // bits; 0 for elliptic curves
	Curve     string                 `json:"curve"`      // "P-256"; "" for RSA
	Rotation  KeyRotation            `json:"rotation"`

	VaultRBAC bool `json:"vault_rbac" derived:"true"`
	Managed   bool `json:"managed" derived:"true"` // belongs to a certificate: a secret of the same name holds it
}

// KeyRotation is the rotation policy of a key.
type KeyRotation struct {
	Automatic bool   `json:"automatic"`
	Interval  string `json:"interval"` // ISO 8601, "P18M": after creation, or "-P30D": before expiry; "": not automatic
}

// VaultSecret is the current version of one secret, never its value.
// Source: armkeyvault SecretsClient.NewListPager.
//
//posture:type azure.keyvault.secret
type VaultSecret struct {
	Resource
	VaultID     string                 `json:"vault_id"`
	Enabled     bool                   `json:"enabled"`
	UpdatedAt   posture.Opt[time.Time] `json:"updated_at"`
	ExpiresAt   posture.Opt[time.Time] `json:"expires_at"` // absent: never
	ContentType string                 `json:"content_type"`
	Managed     bool                   `json:"managed"` // belongs to a certificate, as the content type tells

	VaultRBAC bool `json:"vault_rbac" derived:"true"`
}

// VaultCertificate is the current version of one certificate; its id is that of the vault and "/certificates/NAME".
// Source: azcertificates Client.NewListCertificatePropertiesPager, Client.GetCertificatePolicy, from the vault itself.
//
//posture:type azure.keyvault.certificate
type VaultCertificate struct {
	Resource
	VaultID        string                 `json:"vault_id"`
	Enabled        bool                   `json:"enabled"`
	ExpiresAt      posture.Opt[time.Time] `json:"expires_at"`
	ValidityMonths posture.Opt[int]       `json:"validity_months"` // of what the policy orders next; absent: the policy does not say
	Issuer         string                 `json:"issuer"`          // Self, Unknown (imported), or an issuer's name
	AutoRenew      bool                   `json:"auto_renew"`
}

// ManagedHSM is one pool of hardware security modules.
// Source: armkeyvault ManagedHsmsClient.NewListBySubscriptionPager.
//
//posture:type azure.keyvault.managed_hsm
type ManagedHSM struct {
	Resource
	PurgeProtection          bool   `json:"purge_protection"`
	SoftDeleteDays           int    `json:"soft_delete_days"`      // 90 when nothing is set
	PublicNetworkAccess      string `json:"public_network_access"` // Enabled when nothing is set
	PrivateEndpointsApproved int    `json:"private_endpoints_approved"`
}
