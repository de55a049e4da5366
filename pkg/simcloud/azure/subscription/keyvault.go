package subscription

import (
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/keyvault/armkeyvault"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var keyVaultService = service{
	providers: []string{"Microsoft.KeyVault"},
	kinds: []world.Kind{
		{
			Name: "azure.keyvault", Sort: inSubscription, Global: true, Count: 3,
			Defects: []world.Defect{{Name: "purgeable", Share: 0.2, Drift: 0.1}, {Name: "no-soft-delete", Share: 0.1},
				{Name: "access-policies", Share: 0.4},
				{Name: "open", Share: 0.3, Drift: 0.15}, {Name: "public-off", Share: 0.3}, {Name: "no-endpoint", Share: 0.4}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("azure.keyvault.vault", vaultID(it)), map[string]posture.Result{
					"azure-keyvault-vault-recoverable":        failIf(it.Has("purgeable") || it.Has("no-soft-delete")),
					"azure-keyvault-vault-rbac":               failIf(it.Has("access-policies")),
					"azure-keyvault-vault-network-restricted": failIf(it.Has("open") && !it.Has("public-off")),
					"azure-keyvault-vault-private-endpoint":   failIf(it.Has("no-endpoint")),
				}
			},
		},
		{
			Name: "azure.keyvault.key", Sort: inSubscription, Global: true, Count: 5,
			Defects: []world.Defect{{Name: "disabled", Share: 0.2}, {Name: "no-expiry", Share: 0.2}, {Name: "expired", Share: 0.2},
				{Name: "no-rotation", Share: 0.3, Drift: 0.1},
				{Name: "weak", Share: 0.2}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("azure.keyvault.key", vaultKeyID(s, it)), map[string]posture.Result{
					"azure-keyvault-key-expiration-set":   unless(it.Has("disabled"), failIf(it.Has("no-expiry") || it.Has("expired"))),
					"azure-keyvault-key-rotation-enabled": unless(it.Has("disabled"), failIf(it.Has("no-rotation"))),
					"azure-keyvault-key-strength":         unless(it.Has("disabled"), failIf(it.Has("weak"))),
				}
			},
		},
		{
			Name: "azure.keyvault.secret", Sort: inSubscription, Global: true, Count: 5,
			Defects: []world.Defect{{Name: "disabled", Share: 0.2}, {Name: "no-expiry", Share: 0.3, Drift: 0.1}, {Name: "expired", Share: 0.2}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("azure.keyvault.secret", vaultSecretID(s, it)), map[string]posture.Result{
					"azure-keyvault-secret-expiration-set": unless(it.Has("disabled"), failIf(it.Has("no-expiry") || it.Has("expired"))),
				}
			},
		},
		{
			Name: "azure.keyvault.certificate", Sort: inSubscription, Global: true, Count: 4,
			Defects: []world.Defect{{Name: "disabled", Share: 0.2}, {Name: "long-lived", Share: 0.3}, {Name: "expiring", Share: 0.4, Drift: 0.2},
				{Name: "expired", Share: 0.1},
				{Name: "by-hand", Share: 0.5}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("azure.keyvault.certificate", certificateID(s, it)), map[string]posture.Result{
					"azure-keyvault-certificate-validity":     unless(it.Has("disabled"), failIf(it.Has("long-lived"))),
					"azure-keyvault-certificate-not-expiring": unless(it.Has("disabled"), failIf(it.Has("expired") || it.Has("expiring") && it.Has("by-hand"))),
				}
			},
			// Each certificate has a key and a secret of its name.
			ExpectMore: func(s *world.State) map[world.Judged]posture.Result {
				out := map[world.Judged]posture.Result{}
				for _, it := range s.Items("azure.keyvault.certificate") {
					key := keyOf("azure.keyvault.key", certificatePart(s, it, "keys"))
					secret := keyOf("azure.keyvault.secret", certificatePart(s, it, "secrets"))
					out[world.Judged{Rule: "azure-keyvault-key-expiration-set", Resource: key}] = posture.DoesNotApply
					out[world.Judged{Rule: "azure-keyvault-key-rotation-enabled", Resource: key}] = posture.DoesNotApply
					out[world.Judged{Rule: "azure-keyvault-key-strength", Resource: key}] = unless(it.Has("disabled"), posture.Pass)
					out[world.Judged{Rule: "azure-keyvault-secret-expiration-set", Resource: secret}] = posture.DoesNotApply
				}
				return out
			},
		},
		{
			Name: "azure.keyvault.hsm", Sort: inSubscription, Global: true, Count: 2,
			Defects: []world.Defect{{Name: "purgeable", Share: 0.3, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("azure.keyvault.managed_hsm", hsmID(it)), map[string]posture.Result{
					"azure-keyvault-managed-hsm-purge-protection": failIf(it.Has("purgeable")),
				}
			},
		},
	},
	handle: handleKeyVault,
}

// vaultName ends like its subscription's id: names of vaults are unique in the world, and a request to a vault names only it.
func vaultName(it *world.Item) string { return it.Name() + "-" + ending(it.Account.ID) }

func ending(subscription string) string { return subscription[max(0, len(subscription)-12):] }

// vaultOwner is the subscription of a vault, by its host.
func (w *states) vaultOwner(host string) string {
	name, _, _ := strings.Cut(host, ".")
	for _, a := range w.world.Accounts {
		if a.Provider == "azure" && a.Sort == "" && strings.HasSuffix(name, "-"+ending(a.ID)) {
			return a.ID
		}
	}
	return ""
}

func vaultID(it *world.Item) string { return idOf(it, "Microsoft.KeyVault/vaults", vaultName(it)) }

// vaultOf is the vault that a key, secret or certificate lies in: the first is always there.
func vaultOf(s *world.State, it *world.Item) *world.Item {
	if v := s.Find("azure.keyvault", posture.Global, it.Index%3); v != nil {
		return v
	}
	return s.Find("azure.keyvault", posture.Global, 0)
}

func vaultKeyID(s *world.State, it *world.Item) string {
	return vaultID(vaultOf(s, it)) + "/keys/key-" + it.Name()
}

func vaultSecretID(s *world.State, it *world.Item) string {
	return vaultID(vaultOf(s, it)) + "/secrets/secret-" + it.Name()
}

func certificateName(it *world.Item) string { return "TLS-" + it.Name() }

func certificateID(s *world.State, it *world.Item) string {
	return certificatePart(s, it, "certificates")
}

func certificatePart(s *world.State, it *world.Item, part string) string {
	return vaultID(vaultOf(s, it)) + "/" + part + "/" + certificateName(it)
}

func hsmID(it *world.Item) string {
	return idOf(it, "Microsoft.KeyVault/managedHSMs", "hsm-"+it.Name())
}

func handleKeyVault(s *azure.Server, w *states) {
	azure.List(s, "armkeyvault.VaultsClient.NewListBySubscriptionPager", func(c azure.Call) (*armkeyvault.VaultListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armkeyvault.VaultListResult{}
		for _, it := range state.Items("azure.keyvault") {
			out.Value = append(out.Value, vault(state, it))
		}
		return out, nil
	})
	azure.List(s, "armkeyvault.KeysClient.NewListPager", func(c azure.Call) (*armkeyvault.KeyListResult, error) {
		keys, err := w.vaultKeys(c)
		if err != nil {
			return nil, err
		}
		for _, k := range keys { // the list does not tell what kind of key it is
			k.Properties = &armkeyvault.KeyProperties{Attributes: k.Properties.Attributes, KeyURI: k.Properties.KeyURI}
		}
		return &armkeyvault.KeyListResult{Value: keys}, nil
	})
	azure.Handle(s, "armkeyvault.KeysClient.Get", func(c azure.Call) (*armkeyvault.Key, error) {
		keys, err := w.vaultKeys(c)
		if err != nil {
			return nil, err
		}
		for _, k := range keys {
			if strings.EqualFold(*k.Name, c.Params["keyName"]) {
				return k, nil
			}
		}
		return nil, azure.NotFound("The key '" + c.Params["keyName"] + "'")
	})
	azure.List(s, "armkeyvault.SecretsClient.NewListPager", func(c azure.Call) (*armkeyvault.SecretListResult, error) {
		state, v, err := w.vault(c, c.Params["vaultName"])
		if err != nil {
			return nil, err
		}
		out := &armkeyvault.SecretListResult{}
		for _, it := range inVault(state, v, "azure.keyvault.secret") {
			out.Value = append(out.Value, vaultSecret(state, it))
		}
		for _, it := range inVault(state, v, "azure.keyvault.certificate") {
			at := &armkeyvault.SecretAttributes{Enabled: to.Ptr(!it.Has("disabled")), Expires: certificateExpiry(state, it),
				Created: to.Ptr(state.Long(it, 100))}
			out.Value = append(out.Value, &armkeyvault.Secret{
				ID: to.Ptr(certificatePart(state, it, "secrets")), Name: to.Ptr(certificateName(it)), Type: to.Ptr("Microsoft.KeyVault/vaults/secrets"),
				Location: to.Ptr(it.Account.Home()), Properties: &armkeyvault.SecretProperties{Attributes: at,
					ContentType: to.Ptr([]string{"application/x-pkcs12", "application/x-pem-file"}[it.Pick(2, "form")])},
			})
		}
		return out, nil
	})
	azure.List(s, "azcertificates.Client.NewListCertificatePropertiesPager",
		func(c azure.Call) (*azcertificates.CertificatePropertiesListResult, error) {
			state, v, err := w.vaultAt(c)
			if err != nil {
				return nil, err
			}
			out := &azcertificates.CertificatePropertiesListResult{}
			for _, it := range inVault(state, v, "azure.keyvault.certificate") {
				out.Value = append(out.Value, &azcertificates.CertificateProperties{
					ID: to.Ptr(azcertificates.ID("https://" + c.Host + "/certificates/" + certificateName(it))), Tags: labels("team", "web"),
					Attributes: &azcertificates.CertificateAttributes{Enabled: to.Ptr(!it.Has("disabled")), Expires: certificateExpiry(state, it),
						Created: to.Ptr(state.Long(it, 100))},
				})
			}
			return out, nil
		})
	azure.Handle(s, "azcertificates.Client.GetCertificatePolicy", func(c azure.Call) (*azcertificates.CertificatePolicy, error) {
		state, v, err := w.vaultAt(c)
		if err != nil {
			return nil, err
		}
		for _, it := range inVault(state, v, "azure.keyvault.certificate") {
			if certificateName(it) == c.Params["certificate-name"] {
				return certificatePolicy(it), nil
			}
		}
		return nil, azure.NotFound("The certificate")
	})
	azure.List(s, "armkeyvault.ManagedHsmsClient.NewListBySubscriptionPager", func(c azure.Call) (*armkeyvault.ManagedHsmListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armkeyvault.ManagedHsmListResult{}
		for _, it := range state.Items("azure.keyvault.hsm") {
			out.Value = append(out.Value, hsm(it))
		}
		return out, nil
	})
}

// vault finds the vault of that name.
func (w *states) vault(c azure.Call, name string) (*world.State, *world.Item, error) {
	state, err := w.at(c)
	if err != nil {
		return nil, nil, err
	}
	for _, it := range state.Items("azure.keyvault") {
		if strings.EqualFold(vaultName(it), name) {
			return state, it, nil
		}
	}
	return nil, nil, azure.NotFound("The vault '" + name + "'")
}

// vaultAt finds the vault that a request was sent to.
func (w *states) vaultAt(c azure.Call) (*world.State, *world.Item, error) {
	name, _, _ := strings.Cut(c.Host, ".")
	return w.vault(c, name)
}

func inVault(s *world.State, v *world.Item, kind string) []*world.Item {
	return slices.DeleteFunc(slices.Clone(s.Items(kind)), func(it *world.Item) bool { return vaultOf(s, it) != v })
}

func vault(state *world.State, it *world.Item) *armkeyvault.Vault {
	p := &armkeyvault.VaultProperties{
		SKU:      &armkeyvault.SKU{Family: to.Ptr(armkeyvault.SKUFamilyA), Name: to.Ptr(armkeyvault.SKUNamePremium)},
		TenantID: to.Ptr(tenantOf(it.Account)),
		VaultURI: to.Ptr("https://" + vaultName(it) + ".vault.azure.net/"), ProvisioningState: to.Ptr(armkeyvault.VaultProvisioningStateSucceeded),
		EnableSoftDelete: []*bool{nil, to.Ptr(true)}[it.Pick(2, "soft delete")], SoftDeleteRetentionInDays: to.Ptr(int32(30 + it.Pick(60, "days"))),
		EnablePurgeProtection: to.Ptr(true), EnableRbacAuthorization: to.Ptr(true), EnabledForDeployment: to.Ptr(it.Pick(3, "deployment") == 0),
		EnabledForTemplateDeployment: to.Ptr(it.Pick(3, "templates") == 0),
		NetworkACLs: &armkeyvault.NetworkRuleSet{Bypass: to.Ptr([]armkeyvault.NetworkRuleBypassOptions{armkeyvault.NetworkRuleBypassOptionsAzureServices,
			armkeyvault.NetworkRuleBypassOptionsNone}[it.Pick(2, "bypass")]), DefaultAction: to.Ptr(armkeyvault.NetworkRuleActionDeny)},
	}
	if it.Has("purgeable") {
		p.EnablePurgeProtection = nil
	}
	if it.Has("no-soft-delete") {
		p.EnableSoftDelete = to.Ptr(false)
	}
	if it.Has("access-policies") {
		p.EnableRbacAuthorization = nil
		p.AccessPolicies = []*armkeyvault.AccessPolicyEntry{{TenantID: p.TenantID, ObjectID: to.Ptr("bbbbbbbb-0000-4000-8000-" + it.Hex(12, "reader")),
			Permissions: &armkeyvault.Permissions{Secrets: []*armkeyvault.SecretPermissions{to.Ptr(armkeyvault.SecretPermissionsGet)}}}}
	}
	if it.Has("open") {
		p.NetworkACLs = nil
	}
	if it.Has("public-off") {
		p.PublicNetworkAccess = to.Ptr("Disabled")
	}
	if !it.Has("no-endpoint") {
		p.PrivateEndpointConnections = []*armkeyvault.PrivateEndpointConnectionItem{{
			ID: to.Ptr(vaultID(it) + "/privateEndpointConnections/app"),
			Properties: &armkeyvault.PrivateEndpointConnectionProperties{PrivateLinkServiceConnectionState: &armkeyvault.PrivateLinkServiceConnectionState{
				Status: to.Ptr(armkeyvault.PrivateEndpointServiceConnectionStatusApproved),
			}},
		}}
	}
	return &armkeyvault.Vault{
		ID: to.Ptr(vaultID(it)), Name: to.Ptr(vaultName(it)), Type: to.Ptr("Microsoft.KeyVault/vaults"), Location: to.Ptr(it.Account.Home()),
		Tags:       labels("team", "platform"),
		SystemData: &armkeyvault.SystemData{CreatedAt: to.Ptr(state.Long(it, 200))}, Properties: p,
	}
}

// vaultKeys are the keys of the vault that a call is about, those of its certificates among them.
func (w *states) vaultKeys(c azure.Call) ([]*armkeyvault.Key, error) {
	state, v, err := w.vault(c, c.Params["vaultName"])
	if err != nil {
		return nil, err
	}
	var out []*armkeyvault.Key
	for _, it := range inVault(state, v, "azure.keyvault.key") {
		out = append(out, vaultKey(state, it))
	}
	for _, it := range inVault(state, v, "azure.keyvault.certificate") {
		created := state.Long(it, 100).Unix()
		at := &armkeyvault.KeyAttributes{Enabled: to.Ptr(!it.Has("disabled")), Expires: to.Ptr(certificateExpiry(state, it).Unix()),
			Created: &created, Updated: &created}
		out = append(out, &armkeyvault.Key{
			ID: to.Ptr(certificatePart(state, it, "keys")), Name: to.Ptr(certificateName(it)), Type: to.Ptr("Microsoft.KeyVault/vaults/keys"),
			Location:   to.Ptr(it.Account.Home()),
			Properties: &armkeyvault.KeyProperties{Attributes: at, Kty: to.Ptr(armkeyvault.JSONWebKeyTypeRSA), KeySize: to.Ptr[int32](2048)},
		})
	}
	return out, nil
}

func vaultKey(state *world.State, it *world.Item) *armkeyvault.Key {
	created := state.Since(it, 60, "version").Unix()
	p := &armkeyvault.KeyProperties{
		Attributes: &armkeyvault.KeyAttributes{Enabled: to.Ptr(!it.Has("disabled")), Created: &created, Updated: &created,
			Expires: to.Ptr(created + 150*86400)},
		KeyURI: to.Ptr("https://" + vaultName(vaultOf(state, it)) + ".vault.azure.net/keys/key-" + it.Name()),
	}
	switch it.Pick(3, "sort") {
	case 0:
		p.Kty, p.CurveName = to.Ptr(armkeyvault.JSONWebKeyTypeECHSM), to.Ptr(armkeyvault.JSONWebKeyCurveNameP256)
	case 1:
		p.Kty, p.KeySize = to.Ptr(armkeyvault.JSONWebKeyTypeRSA), to.Ptr[int32](3072)
	default:
		p.Kty, p.KeySize = to.Ptr(armkeyvault.JSONWebKeyType("oct-HSM")), to.Ptr[int32](256)
	}
	if it.Has("weak") {
		p.Kty, p.CurveName, p.KeySize = to.Ptr(armkeyvault.JSONWebKeyTypeRSA), nil, to.Ptr[int32](1024)
	}
	switch {
	case it.Has("no-expiry"):
		p.Attributes.Expires = nil
	case it.Has("expired"):
		p.Attributes.Expires = to.Ptr(state.Long(it, 10).Unix())
	}
	notify := &armkeyvault.LifetimeAction{Action: &armkeyvault.Action{Type: to.Ptr(armkeyvault.KeyRotationPolicyActionTypeNotify)},
		Trigger: &armkeyvault.Trigger{TimeBeforeExpiry: to.Ptr("P30D")}}
	p.RotationPolicy = &armkeyvault.RotationPolicy{LifetimeActions: []*armkeyvault.LifetimeAction{notify}}
	if !it.Has("no-rotation") {
		when := []*armkeyvault.Trigger{{TimeAfterCreate: to.Ptr("P60D")}, {TimeBeforeExpiry: to.Ptr("P14D")}}[it.Pick(2, "when")]
		p.RotationPolicy.LifetimeActions = append(p.RotationPolicy.LifetimeActions,
			&armkeyvault.LifetimeAction{Action: &armkeyvault.Action{Type: to.Ptr(armkeyvault.KeyRotationPolicyActionTypeRotate)}, Trigger: when})
	} else if it.Pick(2, "policy") == 0 {
		p.RotationPolicy = nil
	}
	return &armkeyvault.Key{
		ID: to.Ptr(vaultKeyID(state, it)), Name: to.Ptr("key-" + it.Name()), Type: to.Ptr("Microsoft.KeyVault/vaults/keys"),
		Location: to.Ptr(it.Account.Home()),
		Tags:     labels("team", "data"), Properties: p,
	}
}

func vaultSecret(state *world.State, it *world.Item) *armkeyvault.Secret {
	created := state.Since(it, 60, "version")
	at := &armkeyvault.SecretAttributes{Enabled: to.Ptr(!it.Has("disabled")), Created: &created, Updated: &created,
		Expires: to.Ptr(created.AddDate(0, 0, 120))}
	switch {
	case it.Has("no-expiry"):
		at.Expires = nil
	case it.Has("expired"):
		at.Expires = to.Ptr(state.Long(it, 10))
	}
	return &armkeyvault.Secret{
		ID: to.Ptr(vaultSecretID(state, it)), Name: to.Ptr("secret-" + it.Name()), Type: to.Ptr("Microsoft.KeyVault/vaults/secrets"),
		Location: to.Ptr(it.Account.Home()),
		Tags:     labels("team", "data"), Properties: &armkeyvault.SecretProperties{Attributes: at, ContentType: to.Ptr("text/plain")},
	}
}

func certificateExpiry(state *world.State, it *world.Item) *time.Time {
	switch {
	case it.Has("expired"):
		return to.Ptr(state.Long(it, 10))
	case it.Has("expiring"):
		return to.Ptr(state.Since(it, 20, "issued").AddDate(0, 0, 25))
	}
	return to.Ptr(state.Since(it, 60, "issued").AddDate(0, 0, 120))
}

func certificatePolicy(it *world.Item) *azcertificates.CertificatePolicy {
	action, months := azcertificates.CertificatePolicyActionAutoRenew, int32(12)
	if it.Has("by-hand") {
		action = azcertificates.CertificatePolicyActionEmailContacts
	}
	if it.Has("long-lived") {
		months = 24
	}
	return &azcertificates.CertificatePolicy{
		IssuerParameters: &azcertificates.IssuerParameters{Name: to.Ptr([]string{"Self", "Unknown", "DigiCert"}[it.Pick(3, "issuer")])},
		X509CertificateProperties: &azcertificates.X509CertificateProperties{Subject: to.Ptr("CN=" + it.Name() + ".acme.example"),
			ValidityInMonths: &months},
		LifetimeActions: []*azcertificates.LifetimeAction{{
			Action:  &azcertificates.LifetimeActionType{ActionType: &action},
			Trigger: &azcertificates.LifetimeActionTrigger{LifetimePercentage: to.Ptr[int32](80)},
		}},
	}
}

func hsm(it *world.Item) *armkeyvault.ManagedHsm {
	p := &armkeyvault.ManagedHsmProperties{
		TenantID: to.Ptr(tenantOf(it.Account)), HsmURI: to.Ptr("https://hsm-" + it.Name() + ".managedhsm.azure.net/"), EnableSoftDelete: to.Ptr(true),
		SoftDeleteRetentionInDays: to.Ptr(int32(7 + it.Pick(84, "days"))), EnablePurgeProtection: to.Ptr(!it.Has("purgeable")),
		PublicNetworkAccess: to.Ptr([]armkeyvault.PublicNetworkAccess{armkeyvault.PublicNetworkAccessEnabled,
			armkeyvault.PublicNetworkAccessDisabled}[it.Pick(2, "public")]),
	}
	if it.Pick(2, "endpoint") == 0 {
		p.PrivateEndpointConnections = []*armkeyvault.MHSMPrivateEndpointConnectionItem{{
			Properties: &armkeyvault.MHSMPrivateEndpointConnectionProperties{PrivateLinkServiceConnectionState: &armkeyvault.MHSMPrivateLinkServiceConnectionState{
				Status: to.Ptr([]armkeyvault.PrivateEndpointServiceConnectionStatus{armkeyvault.PrivateEndpointServiceConnectionStatusApproved,
					armkeyvault.PrivateEndpointServiceConnectionStatusPending}[it.Pick(2, "approved")]),
			}},
		}}
	}
	return &armkeyvault.ManagedHsm{
		ID: to.Ptr(hsmID(it)), Name: to.Ptr("hsm-" + it.Name()), Type: to.Ptr("Microsoft.KeyVault/managedHSMs"), Location: to.Ptr(it.Account.Home()),
		SKU: &armkeyvault.ManagedHsmSKU{Family: to.Ptr(armkeyvault.ManagedHsmSKUFamilyB),
			Name: to.Ptr(armkeyvault.ManagedHsmSKUNameStandardB1)}, Tags: labels("team", "platform"), Properties: p,
	}
}
