package schema

// BackupVault is one Backup vault, which backs up disks, blobs, databases and clusters.
// Source: armdataprotection BackupVaultsClient.NewGetInSubscriptionPager, BackupInstancesClient.NewListPager.
//
//posture:type azure.dataprotection.backup_vault
type BackupVault struct {
	Resource
	StorageRedundancy  string `json:"storage_redundancy"` // of the vault store
	SoftDeleteState    string `json:"soft_delete_state"`  // On, AlwaysOn, Off; "": not told
	SoftDeleteDays     int    `json:"soft_delete_days"`
	ImmutabilityState  string `json:"immutability_state"` // Disabled when nothing is set, Unlocked, Locked
	CrossRegionRestore bool   `json:"cross_region_restore"`
	EncryptionKeyURI   string `json:"encryption_key_uri"` // "": a key of Microsoft's
	InstanceCount      int    `json:"instance_count"`
}
