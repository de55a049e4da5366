package azure

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/storage/armstorage"
	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// TestStorageAccountDefaults reads accounts on which little was set: what is left out has the platform's default.
func TestStorageAccountDefaults(t *testing.T) {
	first := time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		properties string
		want       func(*schema.StorageAccount)
	}{
		"nothing is set": {`{}`, func(*schema.StorageAccount) {}},
		"an old account replicates to other tenants": {`{"creationTime":"2023-12-14T23:59:59Z"}`, func(a *schema.StorageAccount) {
			a.CreatedAt = posture.Some(time.Date(2023, 12, 14, 23, 59, 59, 0, time.UTC))
		}},
		"a newer one does not": {`{"creationTime":"2023-12-15T00:00:00Z"}`, func(a *schema.StorageAccount) {
			a.CreatedAt, a.CrossTenantReplication = posture.Some(time.Date(2023, 12, 15, 0, 0, 0, 0, time.UTC)), false
		}},
		"switches that are off": {`{"allowBlobPublicAccess":false,"allowSharedKeyAccess":false,"allowCrossTenantReplication":false}`, func(a *schema.StorageAccount) {
			a.AllowBlobPublicAccess, a.SharedKeyAccess, a.CrossTenantReplication = false, false, false
		}},
		"the older key counts": {`{"keyCreationTime":{"key1":"2026-01-01T00:00:00Z","key2":"2025-02-01T00:00:00Z"}}`, func(a *schema.StorageAccount) {
			a.KeyCreatedAt = posture.Some(first)
		}},
		"a key without a time is older than any": {`{"keyCreationTime":{"key2":"2025-02-01T00:00:00Z"}}`, func(*schema.StorageAccount) {}},
		"exceptions come in one text": {`{"networkAcls":{"defaultAction":"Deny","bypass":"Logging, AzureServices","virtualNetworkRules":[{"id":"/subscriptions/S/Subnets/A"}]}}`,
			func(a *schema.StorageAccount) {
				a.Network = schema.StorageNetwork{DefaultAction: "Deny", Bypass: []string{"Logging", "AzureServices"}, IPRules: []string{}, VNetRules: []string{"/subscriptions/s/subnets/a"}}
			}},
		"only approved endpoints count": {`{"privateEndpointConnections":[{"properties":{"privateLinkServiceConnectionState":{"status":"Pending"}}},{"properties":{}},
			{"properties":{"privateLinkServiceConnectionState":{"status":"Approved"}}}]}`, func(a *schema.StorageAccount) { a.PrivateEndpointsApproved = 1 }},
		"a key in a vault": {`{"encryption":{"keySource":"Microsoft.Keyvault","keyvaultproperties":{"keyname":"data","keyvaulturi":"https://acme.vault.azure.net/"}}}`, func(a *schema.StorageAccount) {
			a.Encryption = schema.StorageEncryption{KeySource: "Microsoft.Keyvault", KeyVaultKeyURI: "https://acme.vault.azure.net/keys/data"}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var account armstorage.Account
			const id = "/subscriptions/S/resourceGroups/RG/providers/Microsoft.Storage/storageAccounts/data"
			if err := json.Unmarshal([]byte(`{"id":"`+id+`","name":"data","kind":"StorageV2","properties":`+test.properties+`}`), &account); err != nil {
				t.Fatal(err)
			}
			want := schema.StorageAccount{
				Resource: schema.Resource{Meta: posture.Meta{Name: "data"}, ResourceGroup: "rg"}, Kind: "StorageV2", MinimumTLSVersion: "TLS1_0",
				AllowBlobPublicAccess: true, PublicNetworkAccess: "Enabled", SharedKeyAccess: true, CrossTenantReplication: true,
				Network:    schema.StorageNetwork{DefaultAction: "Allow", Bypass: []string{}, IPRules: []string{}, VNetRules: []string{}},
				Encryption: schema.StorageEncryption{KeySource: "Microsoft.Storage"},
			}
			test.want(&want)
			if diff := cmp.Diff(want, newStorageAccount(&account)); diff != "" {
				t.Errorf("the account differs (-want +got):\n%s", diff)
			}
		})
	}
}
