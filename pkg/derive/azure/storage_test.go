package azure

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestContainerOfAnAccount(t *testing.T) {
	const id = own + "microsoft.storage/storageaccounts/data"
	container := func(accounts ...*posture.Resource) []*posture.Resource {
		return append([]*posture.Resource{resource(schema.BlobContainerType, id+"/blobservices/default/containers/assets",
			&schema.BlobContainer{AccountID: id})}, accounts...)
	}
	account := func(allows bool, refused ...string) *posture.Resource {
		return resource(schema.StorageAccountType, id, &schema.StorageAccount{AllowBlobPublicAccess: allows}, refused...)
	}
	want := func(v any) map[string]any { return map[string]any{"account_allows_public_access": v} }
	check(t, map[string]derivation{
		"that allows public access": {resources: container(account(true)), want: want(true)},
		"that allows none":          {resources: container(account(false)), want: want(false)},
		"whose switch was not read": {resources: container(account(false, "allow_blob_public_access")),
			want: want("unread: read allow_blob_public_access")},
		"that was not listed": {refused: []*posture.Type{schema.StorageAccountType}, resources: container(),
			want: want("unread: list azure.storage.account")},
		"that went in between": {resources: container(), want: want("unread: armstorage.AccountsClient.NewListPager")},
	})
}
