package subscription

import (
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/storage/armstorage"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Besides flaws the defects say what sort of account it is: "files" and "blocks" hold only those, "datalake" has folders, and
// "page-blobs" is a fast account for disks, which has no file shares.
var storageService = service{
	providers: []string{"Microsoft.Storage"},
	kinds: []world.Kind{{
		Name: "azure.storage", Sort: inSubscription, Global: true, Count: 5,
		Defects: []world.Defect{{Name: "files", Share: 0.15}, {Name: "blocks", Share: 0.15}, {Name: "datalake", Share: 0.2},
			{Name: "page-blobs", Share: 0.15},
			{Name: "plain-http", Drift: 0.15}, {Name: "old-tls", Share: 0.2}, {Name: "anonymous", Share: 0.3, Drift: 0.1},
			{Name: "public-container", Share: 0.4},
			{Name: "open-network", Share: 0.3, Drift: 0.1}, {Name: "wide-rule", Share: 0.15}, {Name: "public-off", Share: 0.25},
			{Name: "no-trusted-services", Share: 0.3},
			{Name: "no-endpoint", Share: 0.4}, {Name: "shared-key", Share: 0.6}, {Name: "keys-first", Share: 0.6}, {Name: "stale-keys", Share: 0.3},
			{Name: "no-key-policy", Share: 0.3}, {Name: "cross-tenant", Share: 0.2}, {Name: "platform-key", Share: 0.4},
			{Name: "platform-scope", Share: 0.3},
			{Name: "single-encryption", Share: 0.4}, {Name: "short-soft-delete", Share: 0.2, Drift: 0.1}, {Name: "no-versions", Share: 0.3},
			{Name: "no-share-soft-delete", Share: 0.3}, {Name: "no-shares", Share: 0.3}, {Name: "weak-smb", Share: 0.4}, {Name: "local", Share: 0.3},
			{Name: "no-lifecycle", Share: 0.3}, {Name: "deletes", Share: 0.5}, {Name: "unlocked-logs", Share: 0.4}, {Name: "short-hold", Share: 0.4}},
		Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("azure.storage.account", storageID(it)), map[string]posture.Result{
				"azure-storage-account-https-only":                failIf(it.Has("plain-http")),
				"azure-storage-account-minimum-tls-1-2":           failIf(it.Has("old-tls")),
				"azure-storage-account-anonymous-access-disabled": failIf(it.Has("anonymous")),
				"azure-storage-account-network-default-deny":      failIf(!it.Has("public-off") && (it.Has("open-network") || it.Has("wide-rule"))),
				"azure-storage-account-trusted-services-allowed":  unless(it.Has("open-network"), failIf(it.Has("no-trusted-services"))),
				"azure-storage-account-private-endpoint":          failIf(it.Has("no-endpoint")),
				"azure-storage-account-shared-key-disabled":       failIf(it.Has("shared-key")),
				"azure-storage-account-entra-auth-default":        failIf(it.Has("keys-first") && it.Has("shared-key")),
				"azure-storage-account-key-rotated": unless(!it.Has("shared-key"),
					failIf(it.Has("stale-keys") || it.Has("no-key-policy"))),
				"azure-storage-account-cross-tenant-replication-disabled": failIf(it.Has("cross-tenant")),
				"azure-storage-account-encryption-cmk":                    failIf(it.Has("platform-key") || it.Has("platform-scope") && !it.Has("files")),
				"azure-storage-account-infrastructure-encryption":         failIf(it.Has("single-encryption")),
				"azure-storage-account-blob-soft-delete":                  unless(it.Has("files"), failIf(it.Has("short-soft-delete"))),
				"azure-storage-account-blob-versioning":                   unless(it.Has("files") || it.Has("datalake"), failIf(it.Has("no-versions"))),
				"azure-storage-account-file-soft-delete":                  unless(!sharesFiles(it), failIf(it.Has("no-share-soft-delete"))),
				"azure-storage-account-smb-secure":                        unless(!sharesFiles(it) || it.Has("no-shares"), failIf(it.Has("weak-smb"))),
				"azure-storage-account-geo-redundant":                     failIf(it.Has("local") || general(it) && it.Has("page-blobs")),
				"azure-storage-account-lifecycle-policy": unless(it.Has("files") || receivesActivityLog(s, it),
					failIf(it.Has("no-lifecycle"))),
				"azure-monitor-activity-log-storage-private": unless(!receivesActivityLog(s, it), failIf(it.Has("anonymous"))),
				"azure-monitor-activity-log-storage-cmk":     unless(!receivesActivityLog(s, it), failIf(it.Has("platform-key"))),
			}
		},
		ExpectMore: func(s *world.State) map[world.Judged]posture.Result {
			out := map[world.Judged]posture.Result{}
			for _, it := range s.Items("azure.storage") {
				for _, name := range containersOf(it) {
					key := keyOf("azure.storage.container", containerID(it, name))
					out[world.Judged{Rule: "azure-storage-container-private", Resource: key}] = failIf(name == "assets" && it.Has("public-container") &&
						it.Has("anonymous"))
					out[world.Judged{Rule: "azure-monitor-activity-log-storage-immutable", Resource: key}] =
						unless(name != "insights-activity-logs" || !receivesActivityLog(s, it), failIf(it.Has("unlocked-logs")))
				}
			}
			return out
		},
	}},
	handle: handleStorage,
}

// general is an account for everything: neither for files nor for block blobs alone.
func general(it *world.Item) bool { return !it.Has("files") && !it.Has("blocks") }

// sharesFiles reports whether an account can hold file shares.
func sharesFiles(it *world.Item) bool { return it.Has("files") || general(it) && !it.Has("page-blobs") }

func storageKind(it *world.Item) armstorage.Kind {
	switch {
	case it.Has("files"):
		return armstorage.KindFileStorage
	case it.Has("blocks"):
		return armstorage.KindBlockBlobStorage
	}
	return armstorage.KindStorageV2
}

// storageName is unique in the world, and without hyphens.
func storageName(it *world.Item) string {
	return "st" + strings.ReplaceAll(it.Name(), "-", "") + it.Hex(6, "name")
}

func storageID(it *world.Item) string {
	return idOf(it, "Microsoft.Storage/storageAccounts", storageName(it))
}

func containersOf(it *world.Item) []string {
	if it.Has("files") {
		return nil
	}
	return []string{"assets", "exports", "insights-activity-logs"}
}

func containerID(it *world.Item, name string) string {
	return storageID(it) + "/blobServices/default/containers/" + name
}

func handleStorage(s *azure.Server, w *states) {
	azure.List(s, "armstorage.AccountsClient.NewListPager", func(c azure.Call) (*armstorage.AccountListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armstorage.AccountListResult{}
		for _, it := range state.Items("azure.storage") {
			out.Value = append(out.Value, storageAccount(state, it))
		}
		return out, nil
	})
	azure.Handle(s, "armstorage.BlobServicesClient.GetServiceProperties", func(c azure.Call) (*armstorage.BlobServiceProperties, error) {
		it, err := w.storage(c)
		if err != nil {
			return nil, err
		}
		return blobService(it), nil
	})
	azure.Handle(s, "armstorage.FileServicesClient.GetServiceProperties", func(c azure.Call) (*armstorage.FileServiceProperties, error) {
		it, err := w.storage(c)
		if err != nil {
			return nil, err
		}
		if !sharesFiles(it) {
			return nil, notForAccount("File")
		}
		return fileService(it), nil
	})
	azure.List(s, "armstorage.FileSharesClient.NewListPager", func(c azure.Call) (*armstorage.FileShareItems, error) {
		it, err := w.storage(c)
		if err != nil {
			return nil, err
		}
		out := &armstorage.FileShareItems{}
		if !it.Has("no-shares") {
			for _, name := range []string{"home", "scans"} {
				out.Value = append(out.Value, &armstorage.FileShareItem{
					ID: to.Ptr(storageID(it) + "/fileServices/default/shares/" + name), Name: &name,
					Type:       to.Ptr("Microsoft.Storage/storageAccounts/fileServices/shares"),
					Properties: &armstorage.FileShareProperties{ShareQuota: to.Ptr[int32](100), EnabledProtocols: to.Ptr(armstorage.EnabledProtocolsSMB)},
				})
			}
		}
		return out, nil
	})
	azure.Handle(s, "armstorage.ManagementPoliciesClient.Get", func(c azure.Call) (*armstorage.ManagementPolicy, error) {
		it, err := w.storage(c)
		if err != nil {
			return nil, err
		}
		if it.Has("no-lifecycle") {
			return nil, &azure.Error{Status: http.StatusNotFound, Code: "ManagementPolicyNotFound",
				Message: "No ManagementPolicy found for account " + storageName(it)}
		}
		return lifecycle(it), nil
	})
	azure.List(s, "armstorage.EncryptionScopesClient.NewListPager", func(c azure.Call) (*armstorage.EncryptionScopeListResult, error) {
		it, err := w.storage(c)
		if err != nil {
			return nil, err
		}
		if it.Has("files") {
			return nil, notForAccount("EncryptionScope")
		}
		out := &armstorage.EncryptionScopeListResult{Value: []*armstorage.EncryptionScope{
			scope(it, "retired", armstorage.EncryptionScopeSourceMicrosoftStorage, armstorage.EncryptionScopeStateDisabled),
			scope(it, "tenants", armstorage.EncryptionScopeSourceMicrosoftKeyVault, armstorage.EncryptionScopeStateEnabled),
		}}
		if it.Has("platform-scope") {
			out.Value = append(out.Value, scope(it, "uploads", armstorage.EncryptionScopeSourceMicrosoftStorage, armstorage.EncryptionScopeStateEnabled))
		}
		return out, nil
	})
	azure.List(s, "armstorage.BlobContainersClient.NewListPager", func(c azure.Call) (*armstorage.ListContainerItems, error) {
		it, err := w.storage(c)
		if err != nil {
			return nil, err
		}
		out := &armstorage.ListContainerItems{}
		for _, name := range containersOf(it) {
			out.Value = append(out.Value, blobContainer(it, name))
		}
		return out, nil
	})
}

// storage finds the account that a call is about.
func (w *states) storage(c azure.Call) (*world.Item, error) {
	state, err := w.at(c)
	if err != nil {
		return nil, err
	}
	for _, it := range state.Items("azure.storage") {
		if strings.EqualFold(storageName(it), c.Params["accountName"]) {
			return it, nil
		}
	}
	return nil, azure.NotFound("The storage account '" + c.Params["accountName"] + "'")
}

func notForAccount(feature string) error {
	return &azure.Error{Status: http.StatusBadRequest, Code: "FeatureNotSupportedForAccount",
		Message: feature + " is not supported for the account."}
}

func storageAccount(state *world.State, it *world.Item) *armstorage.Account {
	created := state.Long(it, 400)
	p := &armstorage.AccountProperties{
		ProvisioningState: to.Ptr(armstorage.ProvisioningStateSucceeded), CreationTime: &created, PrimaryLocation: to.Ptr(it.Account.Home()),
		StatusOfPrimary: to.Ptr(armstorage.AccountStatusAvailable), EnableHTTPSTrafficOnly: to.Ptr(!it.Has("plain-http")),
		IsHnsEnabled:  to.Ptr(it.Has("datalake")),
		IsSftpEnabled: to.Ptr(it.Has("datalake") && it.Pick(2, "sftp") == 0), IsLocalUserEnabled: to.Ptr(it.Pick(2, "local users") == 0),
		MinimumTLSVersion: to.Ptr(armstorage.MinimumTLSVersionTLS12), AllowBlobPublicAccess: to.Ptr(false), AllowSharedKeyAccess: to.Ptr(false),
		AllowCrossTenantReplication: to.Ptr(it.Has("cross-tenant")), DefaultToOAuthAuthentication: to.Ptr(!it.Has("keys-first")),
		NetworkRuleSet: &armstorage.NetworkRuleSet{
			DefaultAction: to.Ptr(armstorage.DefaultActionDeny), Bypass: to.Ptr(armstorage.Bypass("Logging, Metrics, AzureServices")),
			IPRules: []*armstorage.IPRule{{IPAddressOrRange: to.Ptr("198.51.100.0/24"), Action: to.Ptr("Allow")}},
			VirtualNetworkRules: []*armstorage.VirtualNetworkRule{{
				VirtualNetworkResourceID: to.Ptr(idOf(it, "Microsoft.Network/virtualNetworks", "vnet-app/subnets/data")), Action: to.Ptr("Allow"),
			}},
		},
		Encryption: &armstorage.Encryption{KeySource: to.Ptr(armstorage.KeySourceMicrosoftStorage),
			RequireInfrastructureEncryption: to.Ptr(!it.Has("single-encryption"))},
		KeyCreationTime: &armstorage.KeyCreationTime{
			Key1: to.Ptr(state.Since(it, 60, "first key")), Key2: to.Ptr(state.Since(it, 60, "second key")),
		},
	}
	if it.Has("old-tls") {
		p.MinimumTLSVersion = nil
	}
	if it.Has("anonymous") {
		p.AllowBlobPublicAccess = []*bool{nil, to.Ptr(true)}[it.Pick(2, "anonymous")]
	}
	if it.Has("shared-key") {
		p.AllowSharedKeyAccess = []*bool{nil, to.Ptr(true)}[it.Pick(2, "shared key")]
	}
	if it.Has("public-off") {
		p.PublicNetworkAccess = to.Ptr([]armstorage.PublicNetworkAccess{armstorage.PublicNetworkAccessDisabled,
			armstorage.PublicNetworkAccessSecuredByPerimeter}[it.Pick(2, "public")])
	}
	if it.Has("no-trusted-services") {
		p.NetworkRuleSet.Bypass = to.Ptr(armstorage.BypassNone)
	}
	switch {
	case it.Has("open-network"):
		p.NetworkRuleSet = &armstorage.NetworkRuleSet{DefaultAction: to.Ptr(armstorage.DefaultActionAllow), Bypass: p.NetworkRuleSet.Bypass}
	case it.Has("wide-rule"):
		p.NetworkRuleSet.IPRules[0].IPAddressOrRange = to.Ptr([]string{"0.0.0.0/0", "128.0.0.0/1"}[it.Pick(2, "wide")])
	}
	if !it.Has("no-endpoint") {
		p.PrivateEndpointConnections = []*armstorage.PrivateEndpointConnection{{
			ID: to.Ptr(storageID(it) + "/privateEndpointConnections/app"),
			Properties: &armstorage.PrivateEndpointConnectionProperties{PrivateLinkServiceConnectionState: &armstorage.PrivateLinkServiceConnectionState{
				Status: to.Ptr(armstorage.PrivateEndpointServiceConnectionStatusApproved),
			}},
		}}
	}
	if it.Has("stale-keys") {
		p.KeyCreationTime.Key2 = []*armstorage.KeyCreationTime{{}, {Key2: &created}}[it.Pick(2, "key times")].Key2
	}
	if !it.Has("no-key-policy") {
		p.KeyPolicy = &armstorage.KeyPolicy{KeyExpirationPeriodInDays: to.Ptr[int32](60)}
		p.SasPolicy = &armstorage.SasPolicy{SasExpirationPeriod: to.Ptr("1.00:00:00"), ExpirationAction: to.Ptr(armstorage.ExpirationActionLog)}
	}
	if !it.Has("platform-key") {
		p.Encryption.KeySource = to.Ptr(armstorage.KeySourceMicrosoftKeyvault)
		p.Encryption.KeyVaultProperties = &armstorage.KeyVaultProperties{
			KeyName: to.Ptr("storage"), KeyVaultURI: to.Ptr("https://keys-" + it.Account.ID[:8] + ".vault.azure.net/"),
		}
	}
	if it.Pick(3, "immutable") == 0 && !it.Has("files") {
		p.ImmutableStorageWithVersioning = &armstorage.ImmutableStorageAccount{Enabled: to.Ptr(true),
			ImmutabilityPolicy: &armstorage.AccountImmutabilityPolicyProperties{
				State: to.Ptr(armstorage.AccountImmutabilityPolicyStateUnlocked), ImmutabilityPeriodSinceCreationInDays: to.Ptr[int32](30),
			}}
	}
	kind, sku := storageKind(it), "Standard"
	if !general(it) || it.Has("page-blobs") {
		sku = "Premium"
	}
	switch {
	case it.Has("local") || general(it) && it.Has("page-blobs"):
		sku += "_LRS"
	case sku == "Premium":
		sku += "_ZRS"
	default:
		sku += []string{"_GRS", "_RAGRS", "_GZRS", "_RAGZRS", "_ZRS"}[it.Pick(5, "copies")]
	}
	return &armstorage.Account{
		ID: to.Ptr(storageID(it)), Name: to.Ptr(storageName(it)), Type: to.Ptr("Microsoft.Storage/storageAccounts"),
		Location: to.Ptr(it.Account.Home()), Kind: &kind,
		SKU: &armstorage.SKU{Name: to.Ptr(armstorage.SKUName(sku))}, Tags: labels("team", "data"), Properties: p,
	}
}

func blobService(it *world.Item) *armstorage.BlobServiceProperties {
	kept := &armstorage.DeleteRetentionPolicy{Enabled: to.Ptr(true), Days: to.Ptr[int32](14)}
	p := &armstorage.BlobServicePropertiesProperties{
		DeleteRetentionPolicy: kept, ContainerDeleteRetentionPolicy: kept, IsVersioningEnabled: to.Ptr(!it.Has("no-versions") && !it.Has("datalake")),
		ChangeFeed: &armstorage.ChangeFeed{Enabled: to.Ptr(it.Pick(2, "feed") == 0)},
	}
	if it.Has("short-soft-delete") {
		short := []*armstorage.DeleteRetentionPolicy{nil, {Enabled: to.Ptr(false), Days: to.Ptr[int32](14)},
			{Enabled: to.Ptr(true), Days: to.Ptr[int32](3)}}[it.Pick(3, "short")]
		if it.Pick(2, "which") == 0 {
			p.DeleteRetentionPolicy = short
		} else {
			p.ContainerDeleteRetentionPolicy = short
		}
	} else if it.Pick(2, "restore") == 0 {
		p.RestorePolicy = &armstorage.RestorePolicyProperties{Enabled: to.Ptr(true), Days: to.Ptr[int32](7)}
	}
	return &armstorage.BlobServiceProperties{
		ID: to.Ptr(storageID(it) + "/blobServices/default"), Name: to.Ptr("default"),
		Type: to.Ptr("Microsoft.Storage/storageAccounts/blobServices"), BlobServiceProperties: p,
	}
}

func fileService(it *world.Item) *armstorage.FileServiceProperties {
	smb := &armstorage.SmbSetting{Versions: to.Ptr("SMB3.1.1;"), ChannelEncryption: to.Ptr("AES-256-GCM;"),
		AuthenticationMethods: to.Ptr("Kerberos;")}
	if it.Has("weak-smb") {
		smb = []*armstorage.SmbSetting{nil, {Versions: to.Ptr("SMB3.0;SMB3.1.1;"), ChannelEncryption: to.Ptr("AES-256-GCM;")},
			{Versions: to.Ptr("SMB3.1.1;"), ChannelEncryption: to.Ptr("AES-128-CCM;AES-128-GCM;AES-256-GCM;")}}[it.Pick(3, "smb")]
	}
	return &armstorage.FileServiceProperties{
		ID: to.Ptr(storageID(it) + "/fileServices/default"), Name: to.Ptr("default"), Type: to.Ptr("Microsoft.Storage/storageAccounts/fileServices"),
		FileServiceProperties: &armstorage.FileServicePropertiesProperties{
			ProtocolSettings:           &armstorage.ProtocolSettings{Smb: smb},
			ShareDeleteRetentionPolicy: &armstorage.DeleteRetentionPolicy{Enabled: to.Ptr(!it.Has("no-share-soft-delete")), Days: to.Ptr[int32](7)},
		},
	}
}

func lifecycle(it *world.Item) *armstorage.ManagementPolicy {
	old := &armstorage.DateAfterModification{DaysAfterModificationGreaterThan: to.Ptr[float32](365)}
	action := &armstorage.ManagementPolicyBaseBlob{TierToCool: old}
	if it.Has("deletes") {
		action.Delete = old
	}
	rule := func(name string, enabled *bool) *armstorage.ManagementPolicyRule {
		return &armstorage.ManagementPolicyRule{Name: &name, Enabled: enabled, Type: to.Ptr(armstorage.RuleTypeLifecycle),
			Definition: &armstorage.ManagementPolicyDefinition{
				Actions: &armstorage.ManagementPolicyAction{BaseBlob: action},
				Filters: &armstorage.ManagementPolicyFilter{BlobTypes: []*string{to.Ptr("blockBlob")}},
			}}
	}
	return &armstorage.ManagementPolicy{
		ID: to.Ptr(storageID(it) + "/managementPolicies/default"), Name: to.Ptr("DefaultManagementPolicy"),
		Type: to.Ptr("Microsoft.Storage/storageAccounts/managementPolicies"),
		Properties: &armstorage.ManagementPolicyProperties{Policy: &armstorage.ManagementPolicySchema{
			Rules: []*armstorage.ManagementPolicyRule{rule("age", nil), rule("trial", to.Ptr(false))},
		}},
	}
}

func scope(it *world.Item, name string, source armstorage.EncryptionScopeSource,
	state armstorage.EncryptionScopeState) *armstorage.EncryptionScope {
	return &armstorage.EncryptionScope{
		ID: to.Ptr(storageID(it) + "/encryptionScopes/" + name), Name: &name, Type: to.Ptr("Microsoft.Storage/storageAccounts/encryptionScopes"),
		EncryptionScopeProperties: &armstorage.EncryptionScopeProperties{Source: &source, State: &state},
	}
}

func blobContainer(it *world.Item, name string) *armstorage.ListContainerItem {
	p := &armstorage.ContainerProperties{HasLegalHold: to.Ptr(false), HasImmutabilityPolicy: to.Ptr(false),
		LeaseState: to.Ptr(armstorage.LeaseStateAvailable)}
	switch name {
	case "assets":
		if it.Has("public-container") {
			p.PublicAccess = to.Ptr([]armstorage.PublicAccess{armstorage.PublicAccessBlob,
				armstorage.PublicAccessContainer}[it.Pick(2, "public container")])
		}
	case "exports":
		p.PublicAccess, p.HasLegalHold = to.Ptr(armstorage.PublicAccessNone), to.Ptr(it.Pick(3, "hold") == 0)
	default: // where logs are kept
		state, days := armstorage.ImmutabilityPolicyStateLocked, int32(365)
		if it.Has("unlocked-logs") {
			state = armstorage.ImmutabilityPolicyStateUnlocked
		}
		if it.Has("short-hold") {
			days = 90
		}
		p.HasImmutabilityPolicy = to.Ptr(true)
		p.ImmutabilityPolicy = &armstorage.ImmutabilityPolicyProperties{Properties: &armstorage.ImmutabilityPolicyProperty{
			State: &state, ImmutabilityPeriodSinceCreationInDays: &days,
		}}
	}
	return &armstorage.ListContainerItem{
		ID: to.Ptr(containerID(it, name)), Name: &name, Type: to.Ptr("Microsoft.Storage/storageAccounts/blobServices/containers"), Properties: p,
	}
}
