package azure

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/storage/armstorage"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var storageAccounts = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.StorageAccountType, schema.BlobContainerType},
	Operations: []collectors.Operation{
		{Name: "armstorage.AccountsClient.NewListPager", Permission: "Microsoft.Storage/storageAccounts/read", Body: collectors.Store},
		{Name: "armstorage.BlobServicesClient.GetServiceProperties", Permission: "Microsoft.Storage/storageAccounts/blobServices/read",
			Body: collectors.Store},
		{Name: "armstorage.FileServicesClient.GetServiceProperties", Permission: "Microsoft.Storage/storageAccounts/fileServices/read",
			Body: collectors.Store},
		{Name: "armstorage.FileSharesClient.NewListPager", Permission: "Microsoft.Storage/storageAccounts/fileServices/shares/read",
			Body: collectors.Redact("metadata")},
		{Name: "armstorage.ManagementPoliciesClient.Get", Permission: "Microsoft.Storage/storageAccounts/managementPolicies/read",
			Body: collectors.Store},
		{Name: "armstorage.EncryptionScopesClient.NewListPager", Permission: "Microsoft.Storage/storageAccounts/encryptionScopes/read",
			Body: collectors.Store},
		{Name: "armstorage.BlobContainersClient.NewListPager", Permission: "Microsoft.Storage/storageAccounts/blobServices/containers/read",
			Body: collectors.Redact("metadata")},
	},
	Collect: collectStorageAccounts,
}

func collectStorageAccounts(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armstorage.NewClientFactory(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	var found []*armstorage.Account
	err = pages(ctx, api.NewAccountsClient().NewListPager(nil), func(page armstorage.AccountsClientListResponse) error {
		found = append(found, page.Value...)
		return nil
	})
	lost := parallel(found, func(a *armstorage.Account) string { return idOf(a.ID) }, func(a *armstorage.Account) error {
		out := newStorageAccount(a)
		gaps := storageDetails(ctx, api, &out)
		emit(idOf(a.ID), &out, gaps...)
		return collectors.Incomplete(schema.BlobContainerType, emitContainers(ctx, api, a, out, emit))
	})
	if err != nil {
		return fmt.Errorf("list storage accounts: %w", err)
	}
	return lost
}

// When the platform's own answer to a setting that nobody made changed for new accounts.
var crossTenantDefault = time.Date(2023, 12, 15, 0, 0, 0, 0, time.UTC)

func newStorageAccount(a *armstorage.Account) schema.StorageAccount {
	p := value(a.Properties)
	network, keys, encryption := value(p.NetworkRuleSet), value(p.KeyCreationTime), value(p.Encryption)
	out := schema.StorageAccount{
		Resource: resource(a.ID, a.Name, a.Location, a.Tags), Kind: text(a.Kind), SKU: text(value(a.SKU).Name),
		HierarchicalNamespace: is(p.IsHnsEnabled), HTTPSOnly: is(p.EnableHTTPSTrafficOnly),
		MinimumTLSVersion:     cmp.Or(text(p.MinimumTLSVersion), "TLS1_0"),
		AllowBlobPublicAccess: p.AllowBlobPublicAccess == nil || *p.AllowBlobPublicAccess,
		PublicNetworkAccess:   cmp.Or(text(p.PublicNetworkAccess), "Enabled"),
		Network: schema.StorageNetwork{
			DefaultAction: cmp.Or(text(network.DefaultAction), "Allow"), Bypass: listed(text(network.Bypass), ","), IPRules: []string{},
			VNetRules: []string{},
		},
		PrivateEndpointsApproved: approved(p.PrivateEndpointConnections,
			func(e *armstorage.PrivateEndpointConnection) *armstorage.PrivateEndpointServiceConnectionStatus {
				return value(value(e.Properties).PrivateLinkServiceConnectionState).Status
			}),
		SharedKeyAccess:        p.AllowSharedKeyAccess == nil || *p.AllowSharedKeyAccess,
		DefaultToEntraAuth:     is(p.DefaultToOAuthAuthentication),
		CrossTenantReplication: is(p.AllowCrossTenantReplication),
		LocalUsersEnabled:      is(p.IsLocalUserEnabled), SFTPEnabled: is(p.IsSftpEnabled),
		KeyExpirationDays:   int(value(value(p.KeyPolicy).KeyExpirationPeriodInDays)),
		SASExpirationPeriod: text(value(p.SasPolicy).SasExpirationPeriod),
		Encryption: schema.StorageEncryption{
			KeySource: cmp.Or(text(encryption.KeySource), "Microsoft.Storage"), Infrastructure: is(encryption.RequireInfrastructureEncryption),
		},
		Immutability: schema.StorageImmutability{AccountPolicyState: text(value(value(p.ImmutableStorageWithVersioning).ImmutabilityPolicy).State)},
	}
	out.CreatedAt = posture.FromPtr(p.CreationTime)
	if p.AllowCrossTenantReplication == nil {
		out.CrossTenantReplication = p.CreationTime == nil || p.CreationTime.Before(crossTenantDefault)
	}
	for _, r := range network.IPRules {
		out.Network.IPRules = append(out.Network.IPRules, text(r.IPAddressOrRange))
	}
	for _, r := range network.VirtualNetworkRules {
		out.Network.VNetRules = append(out.Network.VNetRules, idOf(r.VirtualNetworkResourceID))
	}
	if keys.Key1 != nil && keys.Key2 != nil {
		older := *keys.Key1
		if keys.Key2.Before(older) {
			older = *keys.Key2
		}
		out.KeyCreatedAt = posture.Some(older)
	}
	if key := value(encryption.KeyVaultProperties); text(key.KeyVaultURI) != "" {
		out.Encryption.KeyVaultKeyURI = strings.TrimSuffix(text(key.KeyVaultURI), "/") + "/keys/" + text(key.KeyName)
	}
	return out
}

// storageDetails reads what the list of accounts does not tell, and returns what could not be read of it.
func storageDetails(ctx context.Context, api *armstorage.ClientFactory, out *schema.StorageAccount) []collectors.Gap {
	var gaps []collectors.Gap
	read := func(path string, fill func(ctx context.Context, api *armstorage.ClientFactory, out *schema.StorageAccount) error) {
		if err := fill(ctx, api, out); err != nil {
			gaps = append(gaps, collectors.Unread(err, path))
		}
	}
	out.File.SMBVersions, out.File.SMBChannelEncryption, out.File.SMBAuthentication = []string{}, []string{}, []string{}
	if holdsBlobs(out.Kind) {
		read("blob", readBlobService)
		read("lifecycle", readLifecycle)
	}
	if out.Kind != string(armstorage.KindBlockBlobStorage) && out.Kind != string(armstorage.KindBlobStorage) {
		read("file", readFileService)
		if out.File.Supported {
			read("file.has_shares", readShares)
		}
	}
	if out.Encryption.KeySource == string(armstorage.KeySourceMicrosoftKeyvault) {
		read("encryption.scopes_with_platform_keys", readScopes)
	}
	return gaps
}

func holdsBlobs(kind string) bool { return kind != string(armstorage.KindFileStorage) }

// unsupported reports whether err says that this sort of account does not have what was asked for.
func unsupported(err error) bool { return hasCode(err, "FeatureNotSupportedForAccount") }

func readBlobService(ctx context.Context, api *armstorage.ClientFactory, out *schema.StorageAccount) error {
	answer, err := api.NewBlobServicesClient().GetServiceProperties(ctx, out.ResourceGroup, out.Name, nil)
	if unsupported(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read blob service: %w", err)
	}
	p := value(answer.BlobServiceProperties.BlobServiceProperties)
	out.Blob = schema.BlobService{
		Supported: true, SoftDeleteDays: retained(p.DeleteRetentionPolicy), ContainerSoftDeleteDays: retained(p.ContainerDeleteRetentionPolicy),
		Versioning: is(p.IsVersioningEnabled), ChangeFeed: is(value(p.ChangeFeed).Enabled),
	}
	if restore := value(p.RestorePolicy); is(restore.Enabled) {
		out.Blob.RestorePolicyDays = int(value(restore.Days))
	}
	return nil
}

// retained is for how many days deleted things can be brought back.
func retained(p *armstorage.DeleteRetentionPolicy) int {
	if !is(value(p).Enabled) {
		return 0
	}
	return int(value(p.Days))
}

func readFileService(ctx context.Context, api *armstorage.ClientFactory, out *schema.StorageAccount) error {
	answer, err := api.NewFileServicesClient().GetServiceProperties(ctx, out.ResourceGroup, out.Name, nil)
	if unsupported(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read file service: %w", err)
	}
	p := value(answer.FileServiceProperties.FileServiceProperties)
	smb := value(value(p.ProtocolSettings).Smb)
	out.File = schema.FileService{
		Supported: true, SoftDeleteDays: retained(p.ShareDeleteRetentionPolicy), SMBVersions: listed(text(smb.Versions), ";"),
		SMBChannelEncryption: listed(text(smb.ChannelEncryption), ";"), SMBAuthentication: listed(text(smb.AuthenticationMethods), ";"),
	}
	return nil
}

// readShares reads only as far as the first share.
func readShares(ctx context.Context, api *armstorage.ClientFactory, out *schema.StorageAccount) error {
	pager := api.NewFileSharesClient().NewListPager(out.ResourceGroup, out.Name, nil)
	for pager.More() && !out.File.HasShares {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list file shares: %w", err)
		}
		out.File.HasShares = len(page.Value) > 0
	}
	return nil
}

func readLifecycle(ctx context.Context, api *armstorage.ClientFactory, out *schema.StorageAccount) error {
	answer, err := api.NewManagementPoliciesClient().Get(ctx, out.ResourceGroup, out.Name, armstorage.ManagementPolicyNameDefault, nil)
	if unsupported(err) || hasCode(err, "ManagementPolicyNotFound") {
		return nil // nobody made one
	}
	if err != nil {
		return fmt.Errorf("read lifecycle policy: %w", err)
	}
	for _, r := range value(value(answer.Properties).Policy).Rules {
		if r.Enabled != nil && !*r.Enabled {
			continue
		}
		out.Lifecycle.EnabledRules++
		do := value(value(r.Definition).Actions)
		if value(do.BaseBlob).Delete != nil || value(do.Snapshot).Delete != nil || value(do.Version).Delete != nil {
			out.Lifecycle.HasDeleteRule = true
		}
	}
	return nil
}

func readScopes(ctx context.Context, api *armstorage.ClientFactory, out *schema.StorageAccount) error {
	platform := map[string]bool{}
	err := pages(ctx, api.NewEncryptionScopesClient().NewListPager(out.ResourceGroup, out.Name, nil),
		func(page armstorage.EncryptionScopesClientListResponse) error {
			for _, s := range page.Value {
				p := value(s.EncryptionScopeProperties)
				if text(p.Source) == string(armstorage.EncryptionScopeSourceMicrosoftStorage) &&
					text(p.State) != string(armstorage.EncryptionScopeStateDisabled) {
					platform[text(s.Name)] = true
				}
			}
			return nil
		})
	if err != nil && !unsupported(err) {
		return fmt.Errorf("list encryption scopes: %w", err)
	}
	out.Encryption.ScopesWithPlatformKeys = len(platform)
	return nil
}

// emitContainers reads the containers of every account that can hold blobs, public or not: an account that is closed to the
// public must not look as if its containers had gone.
func emitContainers(ctx context.Context, api *armstorage.ClientFactory, a *armstorage.Account, account schema.StorageAccount,
	emit collectors.Emit) error {
	if !holdsBlobs(account.Kind) {
		return nil
	}
	err := pages(ctx, api.NewBlobContainersClient().NewListPager(account.ResourceGroup, account.Name, nil),
		func(page armstorage.BlobContainersClientListResponse) error {
			for _, b := range page.Value {
				out := newContainer(b, a)
				emit(idOf(b.ID), &out)
			}
			return nil
		})
	if unsupported(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list containers of %s: %w", account.Name, err)
	}
	return nil
}

func newContainer(b *armstorage.ListContainerItem, a *armstorage.Account) schema.BlobContainer {
	p := value(b.Properties)
	immutability := value(value(p.ImmutabilityPolicy).Properties)
	return schema.BlobContainer{
		Resource: resource(b.ID, b.Name, a.Location, nil), AccountID: idOf(a.ID), PublicAccess: cmp.Or(text(p.PublicAccess), "None"),
		HasImmutabilityPolicy: is(p.HasImmutabilityPolicy), HasLegalHold: is(p.HasLegalHold),
		ImmutabilityLocked: text(immutability.State) == string(armstorage.ImmutabilityPolicyStateLocked),
		ImmutabilityDays:   int(value(immutability.ImmutabilityPeriodSinceCreationInDays)),
	}
}
