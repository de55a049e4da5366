package project

import (
	"fmt"
	"path"
	"slices"
	"time"

	crm "google.golang.org/api/cloudresourcemanager/v3"
	"google.golang.org/api/iam/v1"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Service accounts of the project's own, the one that Compute Engine made, the keys of the former, and who may come in from
// outside.
var iamService = service{
	api: "iam.googleapis.com",
	kinds: []world.Kind{
		{
			Name: "gcp.service_account", Sort: inProject, Global: true, Count: accountCount,
			Defects: []world.Defect{{Name: "admin", Share: 0.15, Drift: 0.25}, {Name: "admin-above", Drift: 0.25}, {Name: "disabled", Share: 0.1},
				{Name: "unused", Share: 0.2, Drift: 0.1}, {Name: "public", Drift: 0.1}, {Name: "outsider", Drift: 0.15}, {Name: "whole-pool", Drift: 0.15}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				keys := false
				for _, key := range keysOf(s, it) {
					keys = keys || !idle(key)
				}
				return keyOf("gcp.iam.service_account", accountName(it)), map[string]posture.Result{
					"gcp-service-account-no-admin-roles":            unless(it.Has("disabled"), failIf(it.Has("admin") || it.Has("admin-above"))),
					"gcp-service-account-no-user-managed-keys":      failIf(keys),
					"gcp-service-account-used-recently":             unless(it.Has("disabled"), failIf(it.Has("unused") && !watchedBriefly(s))),
					"gcp-service-account-not-publicly-impersonable": failIf(it.Has("public") || it.Has("outsider") || it.Has("whole-pool")),
				}
			},
		},
		{
			Name: "gcp.default_service_account", Sort: inProject, Global: true, Count: 1, Fixed: true,
			Defects: []world.Defect{{Name: "admin", Share: 0.4, Drift: 0.3}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("gcp.iam.service_account", accountName(it)), map[string]posture.Result{
					"gcp-service-account-no-admin-roles":            failIf(it.Has("admin")),
					"gcp-service-account-no-user-managed-keys":      posture.Pass,
					"gcp-service-account-used-recently":             posture.DoesNotApply,
					"gcp-service-account-not-publicly-impersonable": posture.Pass,
				}
			},
		},
		{
			Name: "gcp.service_account_key", Sort: inProject, Global: true, Count: 4,
			Defects: []world.Defect{{Name: "old", Share: 0.3, Drift: 0.1}, {Name: "unused", Share: 0.2}, {Name: "disabled", Share: 0.15}, {Name: "expired", Share: 0.1}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				account := accountOfKey(s, it)
				if account == nil {
					return posture.Key{}, nil
				}
				return keyOf("gcp.iam.service_account_key", accountName(account)+"/keys/"+keyID(s, it)), map[string]posture.Result{
					"gcp-service-account-key-rotated":       unless(idle(it), failIf(it.Has("old") || it.Has("unused"))),
					"gcp-service-account-key-used-recently": unless(idle(it), failIf(it.Has("unused"))),
				}
			},
		},
		{
			Name: "gcp.workload_identity_provider", Sort: inProject, Global: true, Count: 6,
			Defects: []world.Defect{{Name: "unconditioned", Share: 0.5, Drift: 0.3}, {Name: "own-issuer", Share: 0.3}, {Name: "aws", Share: 0.15}, {Name: "saml", Share: 0.15},
				{Name: "disabled", Share: 0.1}, {Name: "pool-disabled", Share: 0.1}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				shared := !it.Has("saml") && (it.Has("aws") || !it.Has("own-issuer"))
				return keyOf("gcp.iam.workload_identity_provider", providerName(it)), map[string]posture.Result{
					"gcp-workload-identity-provider-conditioned": unless(it.Has("disabled") || it.Has("pool-disabled"), failIf(it.Has("unconditioned") && shared)),
				}
			},
		},
	},
	handle: handleIAM,
}

// accountCount is how many accounts there are at most; their keys are spread over them.
const accountCount = 5

func accountEmail(it *world.Item) string {
	if it.Kind == "gcp.default_service_account" {
		return Number(it.Account.ID) + "-compute@developer.gserviceaccount.com"
	}
	return it.Name() + "@" + it.Account.ID + ".iam.gserviceaccount.com"
}

func accountName(it *world.Item) string {
	return "projects/" + it.Account.ID + "/serviceAccounts/" + accountEmail(it)
}

// accounts are all service accounts of a project.
func accounts(s *world.State) []*world.Item {
	return slices.Concat(s.Items("gcp.default_service_account"), s.Items("gcp.service_account"))
}

// accountOfKey is whose key it is; nil when that account is gone, and the key with it.
func accountOfKey(s *world.State, key *world.Item) *world.Item {
	return s.Find("gcp.service_account", posture.Global, key.Index%accountCount)
}

func keysOf(s *world.State, account *world.Item) []*world.Item {
	var out []*world.Item
	for _, key := range s.Items("gcp.service_account_key") {
		if accountOfKey(s, key) == account {
			out = append(out, key)
		}
	}
	return out
}

// idle: nobody can sign in with the key.
func idle(key *world.Item) bool { return key.Has("disabled") || key.Has("expired") }

// keyMade is when a key was made. A key is replaced by one with another id.
func keyMade(s *world.State, it *world.Item) time.Time {
	if it.Has("old") || it.Has("unused") || it.Has("expired") {
		return s.Long(it, 100)
	}
	return s.Since(it, 60, "made")
}

func keyID(s *world.State, it *world.Item) string { return it.Hex(40, stamp(keyMade(s, it))) }

func poolName(it *world.Item) string {
	return "projects/" + Number(it.Account.ID) + "/locations/global/workloadIdentityPools/" + it.Name()
}

func providerName(it *world.Item) string { return poolName(it) + "/providers/sign-in" }

// accountRoles are the grants to a project's service accounts on the project itself.
func accountRoles(s *world.State) []*crm.Binding {
	var out []*crm.Binding
	for _, it := range accounts(s) {
		member := []string{"serviceAccount:" + accountEmail(it)}
		out = append(out, &crm.Binding{Role: "roles/storage.objectViewer", Members: member})
		if it.Has("admin") {
			out = append(out, &crm.Binding{Role: []string{"roles/editor", "roles/storage.admin", "roles/iam.roleAdmin"}[it.Index%3], Members: member})
		}
	}
	return out
}

// accountRolesAbove are the grants to the service accounts of all projects on their organization.
func accountRolesAbove(organization *world.State) []*crm.Binding {
	out := &crm.Binding{Role: "roles/compute.networkAdmin"}
	for _, a := range organization.World.Accounts {
		if len(a.Above) == 0 || a.Above[len(a.Above)-1] != organization.Account.ID {
			continue
		}
		state, _ := organization.World.State(a.ID, organization.Time())
		for _, it := range state.Items("gcp.service_account") {
			if it.Has("admin-above") {
				out.Members = append(out.Members, "serviceAccount:"+accountEmail(it))
			}
		}
	}
	if len(out.Members) == 0 {
		return nil
	}
	return []*crm.Binding{out}
}

func handleIAM(s *gcp.Server, w *states) {
	gcp.List(s, "iam.projects.serviceAccounts.list", "accounts", func(c gcp.Call) (*iam.ListServiceAccountsResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &iam.ListServiceAccountsResponse{}
		for _, it := range accounts(state) {
			out.Accounts = append(out.Accounts, &iam.ServiceAccount{
				Name: accountName(it), ProjectId: c.Account, UniqueId: uniqueID(it), Oauth2ClientId: uniqueID(it), Email: accountEmail(it),
				DisplayName: it.Name(), Disabled: it.Has("disabled"), Etag: "MDEwMjE5MjA=",
			})
		}
		return out, nil
	})
	gcp.Handle(s, "iam.projects.serviceAccounts.getIamPolicy", func(c gcp.Call) (*iam.Policy, error) {
		_, it, err := w.account(c)
		if err != nil {
			return nil, err
		}
		return accountPolicy(it), nil
	})
	gcp.Handle(s, "iam.projects.serviceAccounts.keys.list", func(c gcp.Call) (*iam.ListServiceAccountKeysResponse, error) {
		state, it, err := w.account(c)
		if err != nil {
			return nil, err
		}
		out := &iam.ListServiceAccountKeysResponse{}
		for _, key := range keysOf(state, it) {
			out.Keys = append(out.Keys, newKey(state, it, key))
		}
		return out, nil
	})
	gcp.List(s, "iam.projects.locations.workloadIdentityPools.list", "workloadIdentityPools", func(c gcp.Call) (*iam.ListWorkloadIdentityPoolsResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &iam.ListWorkloadIdentityPoolsResponse{}
		for _, it := range state.Items("gcp.workload_identity_provider") {
			out.WorkloadIdentityPools = append(out.WorkloadIdentityPools, &iam.WorkloadIdentityPool{
				Name: poolName(it), DisplayName: it.Name(), State: "ACTIVE", Disabled: it.Has("pool-disabled"), Mode: "FEDERATION_ONLY",
			})
		}
		return out, nil
	})
	gcp.List(s, "iam.projects.locations.workloadIdentityPools.providers.list", "workloadIdentityPoolProviders",
		func(c gcp.Call) (*iam.ListWorkloadIdentityPoolProvidersResponse, error) {
			state, err := w.at(c)
			if err != nil {
				return nil, err
			}
			out := &iam.ListWorkloadIdentityPoolProvidersResponse{}
			for _, it := range state.Items("gcp.workload_identity_provider") {
				if path.Base(poolName(it)) == c.Params["workloadIdentityPoolsId"] {
					out.WorkloadIdentityPoolProviders = append(out.WorkloadIdentityPoolProviders, newProvider(it))
				}
			}
			return out, nil
		})
}

// account finds the service account that a call is about.
func (w *states) account(c gcp.Call) (*world.State, *world.Item, error) {
	state, err := w.at(c)
	if err != nil {
		return nil, nil, err
	}
	for _, it := range accounts(state) {
		if accountEmail(it) == c.Params["serviceAccountsId"] {
			return state, it, nil
		}
	}
	return nil, nil, gcp.NotFound("Service account " + c.Params["serviceAccountsId"])
}

// uniqueID is the number of an account, 21 digits.
func uniqueID(it *world.Item) string {
	return fmt.Sprintf("1%020d", it.Pick(1_000_000_000_000_000, "id"))
}

func accountPolicy(it *world.Item) *iam.Policy {
	pool := "principalSet://iam.googleapis.com/projects/" + Number(it.Account.ID) + "/locations/global/workloadIdentityPools/ci/"
	out := &iam.Policy{Version: 1, Etag: "BwXhqDv=", Bindings: []*iam.Binding{
		{Role: "roles/iam.serviceAccountUser", Members: []string{"group:platform@" + domain}},
		{Role: "roles/iam.workloadIdentityUser", Members: []string{pool + "attribute.repository/acme/" + it.Name()}},
	}}
	if it.Pick(2, "office") == 0 {
		out.Version = 3
		out.Bindings[0].Condition = &iam.Expr{Title: "office hours", Expression: "request.time.getHours('Europe/Berlin') < 18"}
	}
	var impersonators []string
	if it.Has("public") {
		impersonators = append(impersonators, "allAuthenticatedUsers")
	}
	if it.Has("outsider") {
		impersonators = append(impersonators, "user:"+it.Name()+"@agency.example")
	}
	if it.Has("whole-pool") {
		impersonators = append(impersonators, pool+"*")
	}
	if impersonators != nil {
		out.Bindings = append(out.Bindings, &iam.Binding{Role: "roles/iam.serviceAccountTokenCreator", Members: impersonators})
	}
	return out
}

func newKey(s *world.State, account, it *world.Item) *iam.ServiceAccountKey {
	out := &iam.ServiceAccountKey{
		Name: accountName(account) + "/keys/" + keyID(s, it), KeyType: "USER_MANAGED", KeyOrigin: "GOOGLE_PROVIDED", KeyAlgorithm: "KEY_ALG_RSA_2048",
		Disabled: it.Has("disabled"), ValidAfterTime: stamp(keyMade(s, it)), ValidBeforeTime: "9999-12-31T23:59:59Z",
	}
	if it.Pick(4, "origin") == 0 {
		out.KeyOrigin = "USER_PROVIDED"
	}
	if it.Has("disabled") {
		out.DisableReason = "SERVICE_ACCOUNT_KEY_DISABLE_REASON_USER_INITIATED"
	}
	if it.Has("expired") {
		out.ValidBeforeTime = stamp(s.Long(it, 5))
	}
	return out
}

func newProvider(it *world.Item) *iam.WorkloadIdentityPoolProvider {
	out := &iam.WorkloadIdentityPoolProvider{
		Name: providerName(it), DisplayName: it.Name(), State: "ACTIVE", Disabled: it.Has("disabled"),
		AttributeMapping: map[string]string{"google.subject": "assertion.sub", "attribute.repository": "assertion.repository"},
	}
	condition := "assertion.repository_owner == 'acme'"
	switch {
	case it.Has("saml"):
		out.Saml = &iam.Saml{IdpMetadataXml: `<EntityDescriptor entityID="https://login.acme.example/saml"/>`}
		out.AttributeMapping = map[string]string{"google.subject": "assertion.subject"}
		condition = "'engineering' in assertion.attributes.groups"
	case it.Has("aws"):
		out.Aws = &iam.Aws{AccountId: "111122223333"}
		out.AttributeMapping = map[string]string{"google.subject": "assertion.arn"}
		condition = "assertion.arn.startsWith('arn:aws:sts::111122223333:assumed-role/deploy/')"
	case it.Has("own-issuer"):
		out.Oidc = &iam.Oidc{IssuerUri: "https://login.acme.example", AllowedAudiences: []string{"google"}}
	default:
		out.Oidc = &iam.Oidc{IssuerUri: []string{"https://token.actions.githubusercontent.com", "https://gitlab.com"}[it.Pick(2, "issuer")]}
	}
	if !it.Has("unconditioned") {
		out.AttributeCondition = condition
	}
	return out
}
