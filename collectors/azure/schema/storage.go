package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// StorageAccount is one storage account.
// Source: armstorage AccountsClient.NewListPager, BlobServicesClient and FileServicesClient.GetServiceProperties,
// FileSharesClient.NewListPager, ManagementPoliciesClient.Get, EncryptionScopesClient.NewListPager.
//
//posture:type azure.storage.account
type StorageAccount struct {
	Resource
	Kind                     string                 `json:"kind"` // StorageV2, BlockBlobStorage, FileStorage; Storage and BlobStorage are older
	SKU                      string                 `json:"sku"`  // "Standard_GRS"
	HierarchicalNamespace    bool                   `json:"hierarchical_namespace"`
	HTTPSOnly                bool                   `json:"https_only"`
	MinimumTLSVersion        string                 `json:"minimum_tls_version"`      // TLS1_0 when nothing is set
	AllowBlobPublicAccess    bool                   `json:"allow_blob_public_access"` // true when nothing is set, as in accounts made before late 2023
	PublicNetworkAccess      string                 `json:"public_network_access"`    // Enabled when nothing is set, Disabled, SecuredByPerimeter
	Network                  StorageNetwork         `json:"network"`
	PrivateEndpointsApproved int                    `json:"private_endpoints_approved"`
	SharedKeyAccess          bool                   `json:"shared_key_access"` // true when nothing is set
	DefaultToEntraAuth       bool                   `json:"default_to_entra_auth"`
	CrossTenantReplication   bool                   `json:"cross_tenant_replication"` // when nothing is set, true in accounts made before 15 December 2023
	LocalUsersEnabled        bool                   `json:"local_users_enabled"`
	SFTPEnabled              bool                   `json:"sftp_enabled"`
	KeyExpirationDays        int                    `json:"key_expiration_days"`   // 0: no policy
	KeyCreatedAt             posture.Opt[time.Time] `json:"key_created_at"`        // of the older key; absent: never rotated since Azure began to note it
	SASExpirationPeriod      string                 `json:"sas_expiration_period"` // "1.12:00:00", days and time; "": no policy
	Encryption               StorageEncryption      `json:"encryption"`
	Blob                     BlobService            `json:"blob"`
	File                     FileService            `json:"file"`
	Lifecycle                StorageLifecycle       `json:"lifecycle"`
	Immutability             StorageImmutability    `json:"immutability"`

	DeleteLock          bool `json:"delete_lock" derived:"true"`
	ReceivesActivityLog bool `json:"receives_activity_log" derived:"true"`
}

// StorageNetwork is the account's firewall.
type StorageNetwork struct {
	DefaultAction string   `json:"default_action"` // Allow when nothing is set
	Bypass        []string `json:"bypass"`         // AzureServices, Logging, Metrics or None
	IPRules       []string `json:"ip_rules"`
	VNetRules     []string `json:"vnet_rules"` // subnet ids
}

// StorageEncryption says whose keys encrypt the account.
type StorageEncryption struct {
	KeySource              string `json:"key_source"`                // Microsoft.Storage or Microsoft.Keyvault
	KeyVaultKeyURI         string `json:"key_vault_key_uri"`         // without version; "": a key of Microsoft's
	Infrastructure         bool   `json:"infrastructure"`            // encrypted a second time, with another algorithm
	ScopesWithPlatformKeys int    `json:"scopes_with_platform_keys"` // enabled encryption scopes; 0 where the account's own key is Microsoft's
}

// BlobService is the settings of blobs.
type BlobService struct {
	Supported               bool `json:"supported"`        // false: the account holds no blobs, all else is zero
	SoftDeleteDays          int  `json:"soft_delete_days"` // 0: off
	ContainerSoftDeleteDays int  `json:"container_soft_delete_days"`
	Versioning              bool `json:"versioning"`
	ChangeFeed              bool `json:"change_feed"`
	RestorePolicyDays       int  `json:"restore_policy_days"` // 0: off
}

// FileService is the settings of file shares. An empty list of versions or algorithms allows all of them.
type FileService struct {
	Supported            bool     `json:"supported"`        // false: the account holds no file shares, all else is zero
	HasShares            bool     `json:"has_shares"`       // there is at least one
	SoftDeleteDays       int      `json:"soft_delete_days"` // 0: off
	SMBVersions          []string `json:"smb_versions"`     // "SMB3.1.1"
	SMBChannelEncryption []string `json:"smb_channel_encryption"`
	SMBAuthentication    []string `json:"smb_authentication"`
}

// StorageLifecycle counts the rules that move or delete blobs by age.
type StorageLifecycle struct {
	EnabledRules  int  `json:"enabled_rules"`
	HasDeleteRule bool `json:"has_delete_rule"` // an enabled rule deletes blobs, versions or snapshots
}

// StorageImmutability is the default retention of blob versions.
type StorageImmutability struct {
	AccountPolicyState string `json:"account_policy_state"` // Disabled, Unlocked, Locked; "": no policy
}

// BlobContainer is one container of a storage account.
// Source: armstorage BlobContainersClient.NewListPager.
//
//posture:type azure.storage.container
type BlobContainer struct {
	Resource
	AccountID             string `json:"storage_account_id"`
	PublicAccess          string `json:"public_access"` // None, Blob or Container
	HasImmutabilityPolicy bool   `json:"has_immutability_policy"`
	ImmutabilityLocked    bool   `json:"immutability_locked"`
	ImmutabilityDays      int    `json:"immutability_days"`
	HasLegalHold          bool   `json:"has_legal_hold"`

	AccountAllowsPublicAccess bool `json:"account_allows_public_access" derived:"true"`
}
