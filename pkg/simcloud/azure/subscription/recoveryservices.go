package subscription

import (
	"fmt"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/recoveryservices/armrecoveryservices"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/recoveryservices/armrecoveryservicesbackup/v4"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Every vault that is not empty holds a file share and a database; the first also holds the machines that have a backup.
var recoveryService = service{
	providers: []string{"Microsoft.RecoveryServices"},
	kinds: []world.Kind{
		{
			Name: "azure.recoveryvault", Sort: inSubscription, Global: true, Count: 3,
			Defects: []world.Defect{{Name: "empty", Share: 0.1, Drift: 0.2}, {Name: "share-failing", Drift: 0.3}, {Name: "share-never", Share: 0.1}, {Name: "short", Share: 0.3, Drift: 0.1},
				{Name: "no-soft-delete", Share: 0.2, Drift: 0.2}, {Name: "mutable", Share: 0.4}, {Name: "guarded", Share: 0.3}, {Name: "local", Share: 0.3}, {Name: "public", Share: 0.6},
				{Name: "endpoint", Share: 0.4}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				failing := it.Has("share-failing") || it.Has("share-never")
				for _, vm := range s.Items("azure.vm") {
					failing = failing || it.Index == 0 && backupOf(s, vm) != nil && backupOf(s, vm).Has("failing")
				}
				return keyOf("azure.recoveryservices.vault", recoveryVaultID(it)), map[string]posture.Result{
					"azure-recoveryservices-vault-protected-items":  failIf(it.Has("empty") || failing),
					"azure-recoveryservices-vault-policy-retention": unless(it.Has("empty"), failIf(it.Has("short"))),
					"azure-recoveryservices-vault-tamper-resistant": failIf((it.Has("no-soft-delete") || it.Has("mutable")) && !it.Has("guarded")),
					"azure-recoveryservices-vault-geo-redundant":    failIf(it.Has("local")),
					"azure-recoveryservices-vault-private":          failIf(it.Has("public") && !it.Has("endpoint")),
				}
			},
		},
		{
			Name: "azure.backup", Sort: inSubscription, Global: true, Count: 5,
			Defects: []world.Defect{{Name: "failing", Share: 0.1, Drift: 0.2}, {Name: "just-failed", Drift: 0.2}, {Name: "stopped", Share: 0.15, Drift: 0.1}, {Name: "pending", Share: 0.1}},
		},
	},
	handle: handleRecovery,
}

func recoveryVaultName(it *world.Item) string { return "rsv-" + it.Name() }

func recoveryVaultID(it *world.Item) string {
	return idOf(it, "Microsoft.RecoveryServices/vaults", recoveryVaultName(it))
}

// backupOf is the backup of a machine, nil for none.
func backupOf(s *world.State, vm *world.Item) *world.Item {
	if s.Find("azure.recoveryvault", posture.Global, 0).Has("empty") {
		return nil
	}
	return s.Find("azure.backup", posture.Global, vm.Index)
}

// backsUp reports whether backups of a machine are made, and whether the last one succeeded.
func backsUp(s *world.State, vm *world.Item) (made, succeeded bool) {
	b := backupOf(s, vm)
	made = b != nil && !b.Has("stopped")
	return made, made && !b.Has("pending") && !b.Has("failing") && !b.Has("just-failed")
}

func handleRecovery(s *azure.Server, w *states) {
	azure.List(s, "armrecoveryservices.VaultsClient.NewListBySubscriptionIDPager", func(c azure.Call) (*armrecoveryservices.VaultList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armrecoveryservices.VaultList{}
		for _, it := range state.Items("azure.recoveryvault") {
			out.Value = append(out.Value, recoveryVault(it))
		}
		return out, nil
	})
	azure.Handle(s, "armrecoveryservicesbackup.BackupResourceVaultConfigsClient.Get", func(c azure.Call) (*armrecoveryservicesbackup.BackupResourceVaultConfigResource, error) {
		_, it, err := w.recoveryVault(c)
		if err != nil {
			return nil, err
		}
		state := []armrecoveryservicesbackup.SoftDeleteFeatureState{armrecoveryservicesbackup.SoftDeleteFeatureStateEnabled, armrecoveryservicesbackup.SoftDeleteFeatureStateAlwaysON}[it.Pick(2, "soft")]
		if it.Has("no-soft-delete") {
			state = armrecoveryservicesbackup.SoftDeleteFeatureStateDisabled
		}
		return &armrecoveryservicesbackup.BackupResourceVaultConfigResource{
			ID: to.Ptr(recoveryVaultID(it) + "/backupconfig/vaultconfig"), Name: to.Ptr("vaultconfig"), Type: to.Ptr("Microsoft.RecoveryServices/vaults/backupconfig"),
			Properties: &armrecoveryservicesbackup.BackupResourceVaultConfig{SoftDeleteFeatureState: &state, SoftDeleteRetentionPeriodInDays: to.Ptr[int32](14)},
		}, nil
	})
	azure.List(s, "armrecoveryservicesbackup.BackupProtectedItemsClient.NewListPager", func(c azure.Call) (*armrecoveryservicesbackup.ProtectedItemResourceList, error) {
		state, it, err := w.recoveryVault(c)
		if err != nil {
			return nil, err
		}
		return &armrecoveryservicesbackup.ProtectedItemResourceList{Value: protectedItems(state, it)}, nil
	})
	azure.List(s, "armrecoveryservicesbackup.BackupPoliciesClient.NewListPager", func(c azure.Call) (*armrecoveryservicesbackup.ProtectionPolicyResourceList, error) {
		_, it, err := w.recoveryVault(c)
		if err != nil {
			return nil, err
		}
		return &armrecoveryservicesbackup.ProtectionPolicyResourceList{Value: backupPolicies(it)}, nil
	})
}

// recoveryVault finds the vault that a call is about.
func (w *states) recoveryVault(c azure.Call) (*world.State, *world.Item, error) {
	state, err := w.at(c)
	if err != nil {
		return nil, nil, err
	}
	for _, it := range state.Items("azure.recoveryvault") {
		if strings.EqualFold(recoveryVaultName(it), c.Params["vaultName"]) {
			return state, it, nil
		}
	}
	return nil, nil, azure.NotFound("The vault " + c.Params["vaultName"])
}

func recoveryVault(it *world.Item) *armrecoveryservices.Vault {
	p := &armrecoveryservices.VaultProperties{
		ProvisioningState: to.Ptr("Succeeded"), PublicNetworkAccess: to.Ptr(armrecoveryservices.PublicNetworkAccessDisabled),
		RedundancySettings: &armrecoveryservices.VaultPropertiesRedundancySettings{
			StandardTierStorageRedundancy: to.Ptr([]armrecoveryservices.StandardTierStorageRedundancy{
				armrecoveryservices.StandardTierStorageRedundancyGeoRedundant, armrecoveryservices.StandardTierStorageRedundancyZoneRedundant}[it.Pick(2, "redundancy")]),
			CrossRegionRestore: to.Ptr([]armrecoveryservices.CrossRegionRestore{armrecoveryservices.CrossRegionRestoreEnabled, armrecoveryservices.CrossRegionRestoreDisabled}[it.Pick(2, "cross")]),
		},
		SecuritySettings: &armrecoveryservices.SecuritySettings{
			ImmutabilitySettings:   &armrecoveryservices.ImmutabilitySettings{State: to.Ptr([]armrecoveryservices.ImmutabilityState{armrecoveryservices.ImmutabilityStateLocked, armrecoveryservices.ImmutabilityStateUnlocked}[it.Pick(2, "immutable")])},
			MultiUserAuthorization: to.Ptr(armrecoveryservices.MultiUserAuthorizationDisabled),
		},
	}
	if it.Has("local") {
		p.RedundancySettings.StandardTierStorageRedundancy = to.Ptr(armrecoveryservices.StandardTierStorageRedundancyLocallyRedundant)
	}
	if it.Has("mutable") {
		p.SecuritySettings.ImmutabilitySettings = nil
	}
	if it.Has("guarded") {
		p.SecuritySettings.MultiUserAuthorization = to.Ptr(armrecoveryservices.MultiUserAuthorizationEnabled)
	}
	if it.Has("public") {
		p.PublicNetworkAccess = []*armrecoveryservices.PublicNetworkAccess{nil, to.Ptr(armrecoveryservices.PublicNetworkAccessEnabled)}[it.Pick(2, "public")]
	}
	status := armrecoveryservices.PrivateEndpointConnectionStatusPending
	if it.Has("endpoint") {
		status = armrecoveryservices.PrivateEndpointConnectionStatusApproved
	}
	p.PrivateEndpointConnections = []*armrecoveryservices.PrivateEndpointConnectionVaultProperties{{
		ID: to.Ptr(recoveryVaultID(it) + "/privateEndpointConnections/app"), Name: to.Ptr("app"),
		Properties: &armrecoveryservices.PrivateEndpointConnection{PrivateLinkServiceConnectionState: &armrecoveryservices.PrivateLinkServiceConnectionState{Status: &status}},
	}}
	return &armrecoveryservices.Vault{
		ID: to.Ptr(recoveryVaultID(it)), Name: to.Ptr(recoveryVaultName(it)), Type: to.Ptr("Microsoft.RecoveryServices/vaults"), Location: to.Ptr(it.Account.Home()),
		SKU: &armrecoveryservices.SKU{Name: to.Ptr(armrecoveryservices.SKUNameRS0), Tier: to.Ptr("Standard")}, Tags: labels("team", "platform"), Properties: p,
	}
}

func protectedItems(s *world.State, vault *world.Item) []*armrecoveryservicesbackup.ProtectedItemResource {
	if vault.Has("empty") {
		return nil
	}
	ago := func(hours int) *time.Time { return to.Ptr(s.Time().Add(-time.Duration(hours) * time.Hour)) }
	policy := func(name string) *string { return to.Ptr(recoveryVaultID(vault) + "/backupPolicies/" + name) }
	item := func(container, name string, p armrecoveryservicesbackup.ProtectedItemClassification) *armrecoveryservicesbackup.ProtectedItemResource {
		return &armrecoveryservicesbackup.ProtectedItemResource{
			ID: to.Ptr(recoveryVaultID(vault) + "/backupFabrics/Azure/protectionContainers/" + container + "/protectedItems/" + name), Name: &name,
			Type: to.Ptr("Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems"), Properties: p,
		}
	}
	share := &armrecoveryservicesbackup.AzureFileshareProtectedItem{
		ProtectedItemType: to.Ptr("AzureFileShareProtectedItem"), SourceResourceID: to.Ptr(storageID(s.Find("azure.storage", posture.Global, 0))),
		WorkloadType: to.Ptr(armrecoveryservicesbackup.DataSourceTypeAzureFileShare), PolicyID: policy("shares"), ProtectionState: to.Ptr(armrecoveryservicesbackup.ProtectionStateProtected),
		LastBackupStatus: to.Ptr("Healthy"), LastBackupTime: ago(8), LastRecoveryPoint: ago(8),
	}
	if vault.Has("share-failing") {
		share.LastBackupStatus, share.LastRecoveryPoint = to.Ptr("Unhealthy"), ago(100)
	}
	if vault.Has("share-never") {
		share.LastBackupStatus, share.LastRecoveryPoint = to.Ptr("Unhealthy"), nil
	}
	database := &armrecoveryservicesbackup.AzureVMWorkloadSQLDatabaseProtectedItem{
		ProtectedItemType: to.Ptr("AzureVmWorkloadSQLDatabase"), SourceResourceID: to.Ptr(idOf(vault, "Microsoft.Compute/virtualMachines", "sqlvm")),
		WorkloadType: to.Ptr(armrecoveryservicesbackup.DataSourceTypeSQLDataBase), PolicyID: policy("databases"), ProtectionState: to.Ptr(armrecoveryservicesbackup.ProtectionStateProtected),
		LastBackupStatus: to.Ptr(armrecoveryservicesbackup.LastBackupStatusHealthy), LastBackupTime: ago(3), LastRecoveryPoint: ago(3),
	}
	out := []*armrecoveryservicesbackup.ProtectedItemResource{
		item("StorageContainer;storage;"+group+";files", "AzureFileShare;home", share),
		item("VMAppContainer;Compute;"+group+";sqlvm", "SQLDataBase;mssqlserver;orders", database),
	}
	for _, vm := range s.Items("azure.vm") {
		b := backupOf(s, vm)
		if vault.Index != 0 || b == nil {
			continue
		}
		p := &armrecoveryservicesbackup.AzureIaaSComputeVMProtectedItem{
			ProtectedItemType: to.Ptr("Microsoft.Compute/virtualMachines"), SourceResourceID: to.Ptr(machineID(vm)), WorkloadType: to.Ptr(armrecoveryservicesbackup.DataSourceTypeVM),
			PolicyID: policy("machines"), ProtectionState: to.Ptr(armrecoveryservicesbackup.ProtectionStateProtected), LastBackupStatus: to.Ptr("Completed"),
			LastBackupTime: ago(6), LastRecoveryPoint: ago(6),
		}
		switch {
		case b.Has("stopped"):
			p.ProtectionState, p.PolicyID, p.LastBackupTime, p.LastRecoveryPoint = to.Ptr(armrecoveryservicesbackup.ProtectionStateProtectionStopped), nil, ago(900), ago(900)
		case b.Has("pending"):
			p.ProtectionState, p.LastBackupStatus, p.LastBackupTime, p.LastRecoveryPoint = to.Ptr(armrecoveryservicesbackup.ProtectionStateIRPending), nil, nil, nil
		case b.Has("just-failed"):
			p.LastBackupStatus, p.LastRecoveryPoint = to.Ptr("Failed"), ago(30)
		}
		if b.Has("failing") { // also before it was stopped
			p.LastBackupStatus, p.LastRecoveryPoint = to.Ptr("Failed"), ago(100)
		}
		out = append(out, item(fmt.Sprintf("IaasVMContainer;iaasvmcontainerv2;%s;vm-%s", group, vm.Name()), fmt.Sprintf("VM;iaasvmcontainerv2;%s;vm-%s", group, vm.Name()), p))
	}
	return out
}

// backupPolicies are those of a vault: one for each kind of thing in it, and one that nothing is under.
func backupPolicies(vault *world.Item) []*armrecoveryservicesbackup.ProtectionPolicyResource {
	policy := func(name string, p armrecoveryservicesbackup.ProtectionPolicyClassification) *armrecoveryservicesbackup.ProtectionPolicyResource {
		return &armrecoveryservicesbackup.ProtectionPolicyResource{
			ID: to.Ptr(recoveryVaultID(vault) + "/backupPolicies/" + name), Name: &name, Type: to.Ptr("Microsoft.RecoveryServices/vaults/backupPolicies"), Properties: p,
		}
	}
	keep := func(count int32, of armrecoveryservicesbackup.RetentionDurationType) *armrecoveryservicesbackup.RetentionDuration {
		return &armrecoveryservicesbackup.RetentionDuration{Count: &count, DurationType: &of}
	}
	daily := func(days int32) *armrecoveryservicesbackup.LongTermRetentionPolicy {
		return &armrecoveryservicesbackup.LongTermRetentionPolicy{
			RetentionPolicyType: to.Ptr("LongTermRetentionPolicy"),
			DailySchedule:       &armrecoveryservicesbackup.DailyRetentionSchedule{RetentionDuration: keep(days, armrecoveryservicesbackup.RetentionDurationTypeDays)},
			YearlySchedule:      &armrecoveryservicesbackup.YearlyRetentionSchedule{RetentionDuration: keep(7, armrecoveryservicesbackup.RetentionDurationTypeYears)},
		}
	}
	weekly := &armrecoveryservicesbackup.LongTermRetentionPolicy{
		RetentionPolicyType: to.Ptr("LongTermRetentionPolicy"),
		WeeklySchedule:      &armrecoveryservicesbackup.WeeklyRetentionSchedule{RetentionDuration: keep(6, armrecoveryservicesbackup.RetentionDurationTypeWeeks)},
	}
	shares := daily(30)
	if vault.Has("short") {
		shares = daily(7)
	}
	logs := &armrecoveryservicesbackup.SimpleRetentionPolicy{RetentionPolicyType: to.Ptr("SimpleRetentionPolicy"), RetentionDuration: keep(15, armrecoveryservicesbackup.RetentionDurationTypeDays)}
	return []*armrecoveryservicesbackup.ProtectionPolicyResource{
		policy("machines", &armrecoveryservicesbackup.AzureIaaSVMProtectionPolicy{BackupManagementType: to.Ptr("AzureIaasVM"), RetentionPolicy: daily(60)}),
		policy("shares", &armrecoveryservicesbackup.AzureFileShareProtectionPolicy{BackupManagementType: to.Ptr("AzureStorage"), RetentionPolicy: shares}),
		policy("databases", &armrecoveryservicesbackup.AzureVMWorkloadProtectionPolicy{
			BackupManagementType: to.Ptr("AzureWorkload"), SubProtectionPolicy: []*armrecoveryservicesbackup.SubProtectionPolicy{
				{PolicyType: to.Ptr(armrecoveryservicesbackup.PolicyTypeLog), RetentionPolicy: logs}, {PolicyType: to.Ptr(armrecoveryservicesbackup.PolicyTypeFull), RetentionPolicy: weekly},
			},
		}),
		policy("trial", &armrecoveryservicesbackup.AzureIaaSVMProtectionPolicy{BackupManagementType: to.Ptr("AzureIaasVM"), RetentionPolicy: daily(7)}),
	}
}
