package azure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/keyvault/armkeyvault"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/secretscan"
)

// vaultNotes are what people write on a key, secret or certificate, and sometimes what belongs inside it.
var vaultNotes = collectors.Redact("tags")

// Certificates are the one thing that only the vault itself tells; all else comes from Resource Manager, which no vault's firewall
// keeps out and which hands out no values.
var keyVaults = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.KeyVaultType, schema.VaultKeyType, schema.VaultSecretType, schema.VaultCertificateType},
	Operations: []collectors.Operation{
		{Name: "armkeyvault.VaultsClient.NewListBySubscriptionPager", Permission: "Microsoft.KeyVault/vaults/read", Body: collectors.Store},
		{Name: "armkeyvault.KeysClient.NewListPager", Permission: "Microsoft.KeyVault/vaults/keys/read", Body: vaultNotes},
		{Name: "armkeyvault.KeysClient.Get", Permission: "Microsoft.KeyVault/vaults/keys/read", Body: vaultNotes},
		{Name: "armkeyvault.SecretsClient.NewListPager", Permission: "Microsoft.KeyVault/vaults/secrets/read", Body: vaultNotes},
		{Name: "azcertificates.Client.NewListCertificatePropertiesPager", Permission: certificateRead, Body: vaultNotes},
		{Name: "azcertificates.Client.GetCertificatePolicy", Permission: certificateRead, Body: collectors.Store},
	},
	Collect: collectKeyVaults,
}

// certificateRead is a permission on data, which only the role Key Vault Reader or an access policy gives.
const certificateRead = "Data: Microsoft.KeyVault/vaults/certificates/read"

func collectKeyVaults(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armkeyvault.NewClientFactory(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	var found []*armkeyvault.Vault
	err = pages(ctx, api.NewVaultsClient().NewListBySubscriptionPager(nil), func(page armkeyvault.VaultsClientListBySubscriptionResponse) error {
		found = append(found, page.Value...)
		return nil
	})
	var mu sync.Mutex // of what the vaults hold
	var keys []*armkeyvault.Key
	var certificates []*vaultCertificate
	lost := parallel(found, func(v *armkeyvault.Vault) string { return idOf(v.ID) }, func(v *armkeyvault.Vault) error {
		out := newKeyVault(v)
		emit(idOf(v.ID), &out)
		listed, keysErr := vaultKeys(ctx, api, out.Resource)
		issued, certificatesErr := c.listCertificates(ctx, v, out.Resource)
		mu.Lock()
		keys, certificates = append(keys, listed...), append(certificates, issued...)
		mu.Unlock()
		return errors.Join(
			collectors.Incomplete(schema.VaultKeyType, keysErr),
			collectors.Incomplete(schema.VaultSecretType, emitVaultSecrets(ctx, api, v, out.Resource, emit)),
			collectors.Incomplete(schema.VaultCertificateType, certificatesErr))
	})
	_ = parallel(keys, func(k *armkeyvault.Key) string { return idOf(k.ID) }, func(k *armkeyvault.Key) error {
		emitVaultKey(ctx, api, k, emit)
		return nil
	})
	_ = parallel(certificates, func(o *vaultCertificate) string { return o.id }, func(o *vaultCertificate) error {
		o.emit(ctx, emit)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list vaults: %w", err)
	}
	return lost
}

func newKeyVault(v *armkeyvault.Vault) schema.KeyVault {
	p := value(v.Properties)
	network := value(p.NetworkACLs)
	out := schema.KeyVault{
		Resource: resource(v.ID, v.Name, v.Location, v.Tags), RBACEnabled: is(p.EnableRbacAuthorization),
		SoftDelete: p.EnableSoftDelete == nil || *p.EnableSoftDelete, SoftDeleteDays: cmp.Or(int(value(p.SoftDeleteRetentionInDays)), 90),
		PurgeProtection: is(p.EnablePurgeProtection), PublicNetworkAccess: cmp.Or(text(p.PublicNetworkAccess), "Enabled"),
		Network: schema.KeyVaultNetwork{DefaultAction: cmp.Or(text(network.DefaultAction), "Allow"),
			Bypass: cmp.Or(text(network.Bypass), "AzureServices")},
		PrivateEndpointsApproved: approved(p.PrivateEndpointConnections,
			func(e *armkeyvault.PrivateEndpointConnectionItem) *armkeyvault.PrivateEndpointServiceConnectionStatus {
				return value(value(e.Properties).PrivateLinkServiceConnectionState).Status
			}),
		AccessPolicyCount: len(p.AccessPolicies), EnabledForDeployment: is(p.EnabledForDeployment),
		EnabledForTemplateDeployment: is(p.EnabledForTemplateDeployment),
	}
	out.CreatedAt = posture.FromPtr(value(v.SystemData).CreatedAt)
	return out
}

// guarded withholds tags that look like secrets.
func guarded(r schema.Resource) schema.Resource {
	for name, note := range r.Tags {
		if secretscan.Suspect(name, note) {
			r.Tags[name] = "(withheld)"
		}
	}
	return r
}

func vaultKeys(ctx context.Context, api *armkeyvault.ClientFactory, vault schema.Resource) ([]*armkeyvault.Key, error) {
	var found []*armkeyvault.Key
	err := pages(ctx, api.NewKeysClient().NewListPager(vault.ResourceGroup, vault.Name, nil), func(page armkeyvault.KeysClientListResponse) error {
		found = append(found, page.Value...)
		return nil
	})
	if err != nil {
		err = fmt.Errorf("list keys of %s: %w", vault.Name, err)
	}
	return found, err
}

// emitVaultKey adds to what the list tells of a key the kind of key and when it rotates.
func emitVaultKey(ctx context.Context, api *armkeyvault.ClientFactory, k *armkeyvault.Key, emit collectors.Emit) {
	vault, _, _ := strings.Cut(idOf(k.ID), "/keys/")
	at := value(value(k.Properties).Attributes)
	out := schema.VaultKey{
		Resource: guarded(resource(k.ID, k.Name, k.Location, k.Tags)), VaultID: vault, Enabled: is(at.Enabled), UpdatedAt: since1970(at.Updated),
		ExpiresAt: since1970(at.Expires),
	}
	out.CreatedAt = since1970(at.Created)
	answer, err := api.NewKeysClient().Get(ctx, out.ResourceGroup, vault[strings.LastIndex(vault, "/")+1:], out.Name, nil)
	if err != nil {
		emit(idOf(k.ID), &out, collectors.Unread(fmt.Errorf("read key: %w", err), "key_type", "key_size", "curve", "rotation"))
		return
	}
	p := value(answer.Properties)
	out.KeyType, out.KeySize, out.Curve = text(p.Kty), int(value(p.KeySize)), text(p.CurveName)
	for _, a := range value(p.RotationPolicy).LifetimeActions {
		if !strings.EqualFold(text(value(a.Action).Type), string(armkeyvault.KeyRotationPolicyActionTypeRotate)) {
			continue
		}
		out.Rotation.Automatic = true
		if when := value(a.Trigger); text(when.TimeAfterCreate) != "" {
			out.Rotation.Interval = text(when.TimeAfterCreate)
		} else if text(when.TimeBeforeExpiry) != "" {
			out.Rotation.Interval = "-" + text(when.TimeBeforeExpiry)
		}
	}
	emit(idOf(k.ID), &out)
}

// since1970 reads seconds.
func since1970(seconds *int64) posture.Opt[time.Time] {
	if seconds == nil {
		return posture.Opt[time.Time]{}
	}
	return posture.Some(time.Unix(*seconds, 0).UTC())
}

func emitVaultSecrets(ctx context.Context, api *armkeyvault.ClientFactory, v *armkeyvault.Vault, vault schema.Resource,
	emit collectors.Emit) error {
	err := pages(ctx, api.NewSecretsClient().NewListPager(vault.ResourceGroup, vault.Name, nil),
		func(page armkeyvault.SecretsClientListResponse) error {
			for _, s := range page.Value {
				p := value(s.Properties)
				at := value(p.Attributes)
				out := schema.VaultSecret{
					Resource: guarded(resource(s.ID, s.Name, s.Location, s.Tags)), VaultID: idOf(v.ID), Enabled: is(at.Enabled), UpdatedAt: posture.FromPtr(at.Updated),
					ExpiresAt: posture.FromPtr(at.Expires), ContentType: text(p.ContentType),
					Managed: slices.Contains([]string{"application/x-pkcs12", "application/x-pem-file"}, text(p.ContentType)),
				}
				out.CreatedAt = posture.FromPtr(at.Created)
				emit(idOf(s.ID), &out)
			}
			return nil
		})
	if err != nil {
		return fmt.Errorf("list secrets of %s: %w", vault.Name, err)
	}
	return nil
}

// vaultCertificate is a certificate of a list, and what asks its vault for more.
type vaultCertificate struct {
	api *azcertificates.Client
	id  string
	schema.VaultCertificate
}

// listCertificates asks the vault itself, which takes the vault's own permission and a way through its firewall.
func (c *client) listCertificates(ctx context.Context, v *armkeyvault.Vault, vault schema.Resource) ([]*vaultCertificate, error) {
	api, err := azcertificates.NewClient(text(value(v.Properties).VaultURI), c.credential,
		&azcertificates.ClientOptions{ClientOptions: c.options.ClientOptions})
	if err != nil {
		return nil, err
	}
	var found []*vaultCertificate
	err = pages(ctx, api.NewListCertificatePropertiesPager(nil), func(page azcertificates.ListCertificatePropertiesResponse) error {
		for _, p := range page.Value {
			_, name, ok := strings.Cut(text(p.ID), "/certificates/")
			if !ok {
				return fmt.Errorf("unmarshalling type %T: id %q", p, text(p.ID))
			}
			name, _, _ = strings.Cut(name, "/")
			at := value(p.Attributes)
			one := &vaultCertificate{api: api, id: idOf(v.ID) + "/certificates/" + strings.ToLower(name)}
			one.Resource, one.VaultID, one.Enabled, one.ExpiresAt = vault, idOf(v.ID), is(at.Enabled), posture.FromPtr(at.Expires)
			one.Name, one.Tags, one.CreatedAt = name, tags(p.Tags), posture.FromPtr(at.Created)
			one.Resource = guarded(one.Resource)
			found = append(found, one)
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("list certificates of %s: %w", vault.Name, err)
	}
	return found, err
}

// emit adds the policy by which a certificate is renewed.
func (o *vaultCertificate) emit(ctx context.Context, emit collectors.Emit) {
	answer, err := o.api.GetCertificatePolicy(ctx, o.Name, nil)
	if err != nil {
		emit(o.id, &o.VaultCertificate, collectors.Unread(fmt.Errorf("read certificate policy: %w", err), "validity_months", "issuer", "auto_renew"))
		return
	}
	if months := value(answer.X509CertificateProperties).ValidityInMonths; months != nil {
		o.ValidityMonths = posture.Some(int(*months))
	}
	o.Issuer = text(value(answer.IssuerParameters).Name)
	for _, a := range answer.LifetimeActions {
		o.AutoRenew = o.AutoRenew || text(value(a.Action).ActionType) == string(azcertificates.CertificatePolicyActionAutoRenew)
	}
	emit(o.id, &o.VaultCertificate)
}

var managedHSMs = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ManagedHSMType},
	Operations: []collectors.Operation{
		{Name: "armkeyvault.ManagedHsmsClient.NewListBySubscriptionPager", Permission: "Microsoft.KeyVault/managedHSMs/read", Body: collectors.Store},
	},
	Collect: collectManagedHSMs,
}

func collectManagedHSMs(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armkeyvault.NewManagedHsmsClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pages(ctx, api.NewListBySubscriptionPager(nil), func(page armkeyvault.ManagedHsmsClientListBySubscriptionResponse) error {
		for _, h := range page.Value {
			p := value(h.Properties)
			out := schema.ManagedHSM{
				Resource: resource(h.ID, h.Name, h.Location, h.Tags), PurgeProtection: is(p.EnablePurgeProtection),
				SoftDeleteDays: cmp.Or(int(value(p.SoftDeleteRetentionInDays)), 90), PublicNetworkAccess: cmp.Or(text(p.PublicNetworkAccess), "Enabled"),
				PrivateEndpointsApproved: approved(p.PrivateEndpointConnections,
					func(e *armkeyvault.MHSMPrivateEndpointConnectionItem) *armkeyvault.PrivateEndpointServiceConnectionStatus {
						return value(value(e.Properties).PrivateLinkServiceConnectionState).Status
					}),
			}
			out.CreatedAt = posture.FromPtr(value(h.SystemData).CreatedAt)
			emit(idOf(h.ID), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list managed HSMs: %w", err)
	}
	return nil
}
