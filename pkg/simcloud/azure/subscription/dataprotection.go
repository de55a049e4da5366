package subscription

import (
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/dataprotection/armdataprotection/v3"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var dataProtectionService = service{
	providers: []string{"Microsoft.DataProtection"},
	kinds: []world.Kind{{
		Name: "azure.backupvault", Sort: inSubscription, Global: true, Count: 3, Defects: []world.Defect{{Name: "no-soft-delete", Share: 0.3, Drift: 0.2}, {Name: "mutable", Share: 0.3},
			{Name: "locked", Share: 0.3}, {Name: "local", Share: 0.4}, {Name: "empty", Share: 0.2}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("azure.dataprotection.backup_vault", backupVaultID(it)), map[string]posture.Result{
				"azure-dataprotection-backup-vault-tamper-resistant": failIf(it.Has("no-soft-delete") || it.Has("mutable") && !it.Has("locked")),
			}
		},
	}},
	handle: handleDataProtection,
}

func backupVaultID(it *world.Item) string {
	return idOf(it, "Microsoft.DataProtection/backupVaults", "bvault-"+it.Name())
}

func handleDataProtection(s *azure.Server, w *states) {
	azure.List(s, "armdataprotection.BackupVaultsClient.NewGetInSubscriptionPager", func(c azure.Call) (*armdataprotection.BackupVaultResourceList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armdataprotection.BackupVaultResourceList{}
		for _, it := range state.Items("azure.backupvault") {
			out.Value = append(out.Value, backupVault(it))
		}
		return out, nil
	})
	azure.List(s, "armdataprotection.BackupInstancesClient.NewListPager", func(c azure.Call) (*armdataprotection.BackupInstanceResourceList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		for _, it := range state.Items("azure.backupvault") {
			if !strings.EqualFold("bvault-"+it.Name(), c.Params["vaultName"]) {
				continue
			}
			out := &armdataprotection.BackupInstanceResourceList{}
			for _, name := range []string{"disk-data", "blobs", "cluster"} {
				if !it.Has("empty") {
					out.Value = append(out.Value, &armdataprotection.BackupInstanceResource{
						ID: to.Ptr(backupVaultID(it) + "/backupInstances/" + name), Name: to.Ptr(name), Type: to.Ptr("Microsoft.DataProtection/backupVaults/backupInstances"),
						Properties: &armdataprotection.BackupInstance{FriendlyName: to.Ptr(name), ObjectType: to.Ptr("BackupInstance")},
					})
				}
			}
			return out, nil
		}
		return nil, azure.NotFound("The vault " + c.Params["vaultName"])
	})
}

func backupVault(it *world.Item) *armdataprotection.BackupVaultResource {
	redundancy := armdataprotection.StorageSettingTypesGeoRedundant
	if it.Has("local") {
		redundancy = armdataprotection.StorageSettingTypesLocallyRedundant
	}
	state, immutable := []armdataprotection.SoftDeleteState{armdataprotection.SoftDeleteStateOn, armdataprotection.SoftDeleteStateAlwaysOn}[it.Pick(2, "soft")], armdataprotection.ImmutabilityStateUnlocked
	if it.Has("no-soft-delete") {
		state = armdataprotection.SoftDeleteStateOff
	}
	switch {
	case it.Has("locked"):
		immutable = armdataprotection.ImmutabilityStateLocked
	case it.Has("mutable"):
		immutable = armdataprotection.ImmutabilityStateDisabled
	}
	return &armdataprotection.BackupVaultResource{
		ID: to.Ptr(backupVaultID(it)), Name: to.Ptr("bvault-" + it.Name()), Type: to.Ptr("Microsoft.DataProtection/backupVaults"), Location: to.Ptr(it.Account.Home()),
		Tags: labels("team", "platform"), Properties: &armdataprotection.BackupVault{
			ProvisioningState: to.Ptr(armdataprotection.ProvisioningStateSucceeded),
			StorageSettings: []*armdataprotection.StorageSetting{
				{DatastoreType: to.Ptr(armdataprotection.StorageSettingStoreTypesOperationalStore), Type: to.Ptr(armdataprotection.StorageSettingTypesZoneRedundant)},
				{DatastoreType: to.Ptr(armdataprotection.StorageSettingStoreTypesVaultStore), Type: &redundancy},
			},
			SecuritySettings: &armdataprotection.SecuritySettings{
				SoftDeleteSettings:   &armdataprotection.SoftDeleteSettings{State: &state, RetentionDurationInDays: to.Ptr(14.0)},
				ImmutabilitySettings: &armdataprotection.ImmutabilitySettings{State: &immutable},
			},
			FeatureSettings: &armdataprotection.FeatureSettings{CrossRegionRestoreSettings: &armdataprotection.CrossRegionRestoreSettings{
				State: to.Ptr([]armdataprotection.CrossRegionRestoreState{armdataprotection.CrossRegionRestoreStateEnabled, armdataprotection.CrossRegionRestoreStateDisabled}[it.Pick(2, "cross")]),
			}},
		},
	}
}
