package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// RecoveryVault is one Recovery Services vault.
// Source: armrecoveryservices VaultsClient.NewListBySubscriptionIDPager, armrecoveryservicesbackup
// BackupResourceVaultConfigsClient.Get, BackupProtectedItemsClient.NewListPager, BackupPoliciesClient.NewListPager.
//
//posture:type azure.recoveryservices.vault
type RecoveryVault struct {
	Resource
	StorageRedundancy         string             `json:"storage_redundancy"` // GeoRedundant when nothing is set, ZoneRedundant, LocallyRedundant
	CrossRegionRestore        bool               `json:"cross_region_restore"`
	SoftDeleteState           string             `json:"soft_delete_state"` // Enabled, AlwaysON, Disabled
	SoftDeleteDays            int                `json:"soft_delete_days"`
	ImmutabilityState         string             `json:"immutability_state"` // Disabled when nothing is set, Unlocked, Locked
	EncryptionKeyURI          string             `json:"encryption_key_uri"` // "": a key of Microsoft's
	PublicNetworkAccess       string             `json:"public_network_access"`
	PrivateEndpointsApproved  int                `json:"private_endpoints_approved"`
	MultiUserAuthorization    bool               `json:"multi_user_authorization"`
	ProtectedItemCount        int                `json:"protected_item_count"`
	PoliciesMinDailyRetention posture.Opt[int64] `json:"policies_min_daily_retention_days"` // of the policies in use; absent: none is
}

// ProtectedItem is one thing that a Recovery Services vault backs up.
// Source: armrecoveryservicesbackup BackupProtectedItemsClient.NewListPager, BackupPoliciesClient.NewListPager.
//
//posture:type azure.recoveryservices.protected_item
type ProtectedItem struct {
	posture.Meta
	VaultID             string                 `json:"vault_id"`
	SourceResourceID    string                 `json:"source_resource_id"`
	WorkloadType        string                 `json:"workload_type"`    // VM, AzureFileShare, SQLDataBase, …
	ProtectionState     string                 `json:"protection_state"` // Protected, IRPending, ProtectionStopped, ProtectionError, …
	LastBackupAt        posture.Opt[time.Time] `json:"last_backup_at" volatile:"true"`
	LastBackupStatus    string                 `json:"last_backup_status"`                     // Completed or Failed; Healthy or Unhealthy for databases and shares
	LastRecoveryPointAt posture.Opt[time.Time] `json:"last_recovery_point_at" volatile:"true"` // absent: nothing to restore from
	PolicyID            string                 `json:"policy_id"`
	DailyRetentionDays  posture.Opt[int64]     `json:"daily_retention_days"` // absent: no policy; of one without daily backups, what it keeps for the shortest time
}
