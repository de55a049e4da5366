package azure

import (
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
)

// blobContainers: whether the account lets a container be public at all.
func blobContainers(inv *derive.Inventory) {
	accounts := derive.ByID(derive.Of[schema.StorageAccount](inv, schema.StorageAccountType))
	for _, b := range derive.Of[schema.BlobContainer](inv, schema.BlobContainerType).Items {
		allowed := derive.Then(derive.Read(b, "storage_account_id", b.V.AccountID), func(id string) derive.Val[bool] {
			return derive.Named(accounts.All(id), "armstorage.AccountsClient.NewListPager", func(a derive.Item[schema.StorageAccount]) derive.Val[bool] {
				return derive.Read(a, "allow_blob_public_access", a.V.AllowBlobPublicAccess)
			})
		})
		derive.Set(b, "account_allows_public_access", &b.V.AccountAllowsPublicAccess, allowed)
	}
}
