package azure

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/recoveryservices/armrecoveryservices"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/recoveryservices/armrecoveryservicesbackup/v4"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var recoveryVaults = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.RecoveryVaultType, schema.ProtectedItemType},
	Operations: []collectors.Operation{
		{Name: "armrecoveryservices.VaultsClient.NewListBySubscriptionIDPager", Permission: "Microsoft.RecoveryServices/Vaults/read", Body: collectors.Store},
		{Name: "armrecoveryservicesbackup.BackupResourceVaultConfigsClient.Get", Permission: "Microsoft.RecoveryServices/Vaults/backupconfig/read", Body: collectors.Store},
		{Name: "armrecoveryservicesbackup.BackupProtectedItemsClient.NewListPager", Permission: "Microsoft.RecoveryServices/Vaults/backupProtectedItems/read", Body: collectors.Store},
		{Name: "armrecoveryservicesbackup.BackupPoliciesClient.NewListPager", Permission: "Microsoft.RecoveryServices/Vaults/backupPolicies/read", Body: collectors.Store},
	},
	Collect: collectRecoveryVaults,
}

func collectRecoveryVaults(ctx context.Context, c *client, emit collectors.Emit) error {
	vaults, err := armrecoveryservices.NewVaultsClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	backup, err := armrecoveryservicesbackup.NewClientFactory(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	var found []*armrecoveryservices.Vault
	err = pages(ctx, vaults.NewListBySubscriptionIDPager(nil), func(page armrecoveryservices.VaultsClientListBySubscriptionIDResponse) error {
		found = append(found, page.Value...)
		return nil
	})
	lost := parallel(found, func(v *armrecoveryservices.Vault) string { return idOf(v.ID) }, func(v *armrecoveryservices.Vault) error {
		return collectors.Incomplete(schema.ProtectedItemType, emitRecoveryVault(ctx, backup, v, emit))
	})
	if err != nil {
		return fmt.Errorf("list recovery services vaults: %w", err)
	}
	return lost
}

// emitRecoveryVault emits a vault and what it protects. The error says that not all of the latter was read.
func emitRecoveryVault(ctx context.Context, api *armrecoveryservicesbackup.ClientFactory, v *armrecoveryservices.Vault, emit collectors.Emit) error {
	out := newRecoveryVault(v)
	var gaps []collectors.Gap
	config, err := api.NewBackupResourceVaultConfigsClient().Get(ctx, out.Name, out.ResourceGroup, nil)
	if err != nil {
		gaps = append(gaps, collectors.Unread(fmt.Errorf("read backup settings: %w", err), "soft_delete_state", "soft_delete_days"))
	} else {
		p := value(config.Properties)
		out.SoftDeleteState = cmp.Or(text(p.SoftDeleteFeatureState), out.SoftDeleteState)
		out.SoftDeleteDays = cmp.Or(int(value(p.SoftDeleteRetentionPeriodInDays)), out.SoftDeleteDays)
	}
	keeps, policiesErr := backupPolicies(ctx, api, out.Resource)
	var items []*armrecoveryservicesbackup.ProtectedItemResource
	itemsErr := pages(ctx, api.NewBackupProtectedItemsClient().NewListPager(out.Name, out.ResourceGroup, nil),
		func(page armrecoveryservicesbackup.BackupProtectedItemsClientListResponse) error {
			items = append(items, page.Value...)
			return nil
		})
	seen := map[string]bool{}
	for _, i := range items {
		seen[idOf(i.ID)] = true
		item, itemGaps := newProtectedItem(i, idOf(v.ID)), []collectors.Gap(nil)
		days, known := keeps[item.PolicyID]
		switch {
		case item.PolicyID == "":
		case policiesErr != nil:
			itemGaps = append(itemGaps, collectors.Unread(policiesErr, "daily_retention_days"))
		case !known: // of a kind without such a time
			itemGaps = append(itemGaps, collectors.NotCollected("daily_retention_days"))
			gaps = append(gaps, collectors.NotCollected("policies_min_daily_retention_days"))
		default:
			item.DailyRetentionDays = posture.Some(days)
			if least, ok := out.PoliciesMinDailyRetention.Get(); !ok || days < least {
				out.PoliciesMinDailyRetention = posture.Some(days)
			}
		}
		emit(idOf(i.ID), &item, itemGaps...)
	}
	out.ProtectedItemCount = len(seen)
	if itemsErr != nil {
		itemsErr = fmt.Errorf("list what %s protects: %w", out.Name, itemsErr)
		gaps = append(gaps, collectors.Unread(itemsErr, "protected_item_count", "policies_min_daily_retention_days"))
	}
	if policiesErr != nil {
		gaps = append(gaps, collectors.Unread(policiesErr, "policies_min_daily_retention_days"))
	}
	emit(idOf(v.ID), &out, gaps...)
	return itemsErr
}

func newRecoveryVault(v *armrecoveryservices.Vault) schema.RecoveryVault {
	p := value(v.Properties)
	redundancy, security, encryption := value(p.RedundancySettings), value(p.SecuritySettings), value(p.Encryption)
	softDelete := value(security.SoftDeleteSettings)
	return schema.RecoveryVault{
		Resource:           resource(v.ID, v.Name, v.Location, v.Tags),
		StorageRedundancy:  cmp.Or(text(redundancy.StandardTierStorageRedundancy), "GeoRedundant"),
		CrossRegionRestore: text(redundancy.CrossRegionRestore) == string(armrecoveryservices.CrossRegionRestoreEnabled),
		SoftDeleteState:    text(softDelete.SoftDeleteState), SoftDeleteDays: int(value(softDelete.SoftDeleteRetentionPeriodInDays)),
		ImmutabilityState:   cmp.Or(text(value(security.ImmutabilitySettings).State), "Disabled"),
		EncryptionKeyURI:    text(value(encryption.KeyVaultProperties).KeyURI),
		PublicNetworkAccess: cmp.Or(text(p.PublicNetworkAccess), "Enabled"),
		PrivateEndpointsApproved: approved(p.PrivateEndpointConnections,
			func(e *armrecoveryservices.PrivateEndpointConnectionVaultProperties) *armrecoveryservices.PrivateEndpointConnectionStatus {
				return value(value(e.Properties).PrivateLinkServiceConnectionState).Status
			}),
		MultiUserAuthorization: text(security.MultiUserAuthorization) == string(armrecoveryservices.MultiUserAuthorizationEnabled),
	}
}

func newProtectedItem(i *armrecoveryservicesbackup.ProtectedItemResource, vault string) schema.ProtectedItem {
	out := schema.ProtectedItem{VaultID: vault}
	out.Name, out.Tags = text(i.Name), tags(i.Tags)
	if i.Properties == nil {
		return out
	}
	base := i.Properties.GetProtectedItem()
	out.SourceResourceID, out.WorkloadType, out.PolicyID = idOf(base.SourceResourceID), text(base.WorkloadType), idOf(base.PolicyID)
	out.LastRecoveryPointAt = posture.FromPtr(base.LastRecoveryPoint)
	last := func(state, status string, at *time.Time) {
		out.ProtectionState, out.LastBackupStatus, out.LastBackupAt = state, status, posture.FromPtr(at)
	}
	switch p := i.Properties.(type) {
	case armrecoveryservicesbackup.AzureIaaSVMProtectedItemClassification:
		vm := p.GetAzureIaaSVMProtectedItem()
		last(text(vm.ProtectionState), text(vm.LastBackupStatus), vm.LastBackupTime)
	case armrecoveryservicesbackup.AzureVMWorkloadProtectedItemClassification:
		database := p.GetAzureVMWorkloadProtectedItem()
		last(text(database.ProtectionState), text(database.LastBackupStatus), database.LastBackupTime)
	case *armrecoveryservicesbackup.AzureFileshareProtectedItem:
		last(text(p.ProtectionState), text(p.LastBackupStatus), p.LastBackupTime)
	case *armrecoveryservicesbackup.AzureSQLProtectedItem:
		last(text(p.ProtectionState), "", nil)
	case *armrecoveryservicesbackup.MabFileFolderProtectedItem:
		last(text(p.ProtectionState), text(p.LastBackupStatus), p.LastBackupTime)
	case *armrecoveryservicesbackup.DPMProtectedItem:
		last(text(p.ProtectionState), "", nil)
	case *armrecoveryservicesbackup.GenericProtectedItem:
		last(text(p.ProtectionState), "", nil)
	}
	return out
}

// backupPolicies reads for how many days each policy of a vault keeps daily backups, by id.
func backupPolicies(ctx context.Context, api *armrecoveryservicesbackup.ClientFactory, vault schema.Resource) (map[string]int64, error) {
	out := map[string]int64{}
	list := api.NewBackupPoliciesClient().NewListPager(vault.Name, vault.ResourceGroup, nil)
	err := pages(ctx, list, func(page armrecoveryservicesbackup.BackupPoliciesClientListResponse) error {
		for _, p := range page.Value {
			if days, ok := policyDays(p.Properties); ok {
				out[idOf(p.ID)] = days
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list backup policies of %s: %w", vault.Name, err)
	}
	return out, nil
}

func policyDays(policy armrecoveryservicesbackup.ProtectionPolicyClassification) (int64, bool) {
	switch p := policy.(type) {
	case *armrecoveryservicesbackup.AzureIaaSVMProtectionPolicy:
		return retentionDays(p.RetentionPolicy)
	case *armrecoveryservicesbackup.AzureFileShareProtectionPolicy:
		if p.VaultRetentionPolicy != nil {
			return retentionDays(p.VaultRetentionPolicy.VaultRetention)
		}
		return retentionDays(p.RetentionPolicy)
	case *armrecoveryservicesbackup.AzureSQLProtectionPolicy:
		return retentionDays(p.RetentionPolicy)
	case *armrecoveryservicesbackup.MabProtectionPolicy:
		return retentionDays(p.RetentionPolicy)
	case *armrecoveryservicesbackup.AzureVMWorkloadProtectionPolicy:
		for _, sub := range p.SubProtectionPolicy { // the others add to full backups what changed since
			if text(sub.PolicyType) == string(armrecoveryservicesbackup.PolicyTypeFull) {
				return retentionDays(sub.RetentionPolicy)
			}
		}
	}
	return 0, false
}

// retentionDays is how long daily backups are kept, or where there are none, the most frequent ones.
func retentionDays(policy armrecoveryservicesbackup.RetentionPolicyClassification) (int64, bool) {
	var d *armrecoveryservicesbackup.RetentionDuration
	switch p := policy.(type) {
	case *armrecoveryservicesbackup.SimpleRetentionPolicy:
		d = p.RetentionDuration
	case *armrecoveryservicesbackup.LongTermRetentionPolicy:
		d = cmp.Or(value(p.DailySchedule).RetentionDuration, value(p.WeeklySchedule).RetentionDuration, value(p.MonthlySchedule).RetentionDuration,
			value(p.YearlySchedule).RetentionDuration)
	}
	days, known := map[string]int64{"Days": 1, "Weeks": 7, "Months": 30, "Years": 365}[text(value(d).DurationType)]
	return days * int64(value(value(d).Count)), known
}
