package azure

import (
	"cmp"
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/dataprotection/armdataprotection/v3"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var backupVaults = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.BackupVaultType},
	Operations: []collectors.Operation{
		{Name: "armdataprotection.BackupVaultsClient.NewGetInSubscriptionPager", Permission: "Microsoft.DataProtection/backupVaults/read", Body: collectors.Store},
		{Name: "armdataprotection.BackupInstancesClient.NewListPager", Permission: "Microsoft.DataProtection/backupVaults/backupInstances/read", Body: collectors.Store},
	},
	Collect: collectBackupVaults,
}

func collectBackupVaults(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armdataprotection.NewClientFactory(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	var found []*armdataprotection.BackupVaultResource
	err = pages(ctx, api.NewBackupVaultsClient().NewGetInSubscriptionPager(nil), func(page armdataprotection.BackupVaultsClientGetInSubscriptionResponse) error {
		found = append(found, page.Value...)
		return nil
	})
	_ = parallel(found, func(v *armdataprotection.BackupVaultResource) string { return idOf(v.ID) }, func(v *armdataprotection.BackupVaultResource) error {
		out := newBackupVault(v)
		instances := map[string]bool{}
		list := api.NewBackupInstancesClient().NewListPager(out.ResourceGroup, out.Name, nil)
		err := pages(ctx, list, func(page armdataprotection.BackupInstancesClientListResponse) error {
			for _, i := range page.Value {
				instances[idOf(i.ID)] = true
			}
			return nil
		})
		out.InstanceCount = len(instances)
		if err != nil {
			emit(idOf(v.ID), &out, collectors.Unread(fmt.Errorf("list backup instances: %w", err), "instance_count"))
			return nil
		}
		emit(idOf(v.ID), &out)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list backup vaults: %w", err)
	}
	return nil
}

func newBackupVault(v *armdataprotection.BackupVaultResource) schema.BackupVault {
	p := value(v.Properties)
	security := value(p.SecuritySettings)
	softDelete := value(security.SoftDeleteSettings)
	out := schema.BackupVault{
		Resource: resource(v.ID, v.Name, v.Location, v.Tags), SoftDeleteState: text(softDelete.State),
		SoftDeleteDays:     int(value(softDelete.RetentionDurationInDays)),
		ImmutabilityState:  cmp.Or(text(value(security.ImmutabilitySettings).State), "Disabled"),
		CrossRegionRestore: text(value(value(p.FeatureSettings).CrossRegionRestoreSettings).State) == string(armdataprotection.CrossRegionRestoreStateEnabled),
		EncryptionKeyURI:   text(value(value(security.EncryptionSettings).KeyVaultProperties).KeyURI),
	}
	for _, s := range p.StorageSettings {
		if out.StorageRedundancy == "" || text(s.DatastoreType) == string(armdataprotection.StorageSettingStoreTypesVaultStore) {
			out.StorageRedundancy = text(s.Type)
		}
	}
	return out
}
