package gcp

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"google.golang.org/api/iam/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var serviceAccounts = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ServiceAccountType, schema.ServiceAccountKeyType},
	Operations: []collectors.Operation{
		{Name: "iam.projects.serviceAccounts.list", Permission: "iam.serviceAccounts.list", Body: collectors.Store},
		{Name: "iam.projects.serviceAccounts.getIamPolicy", Permission: "iam.serviceAccounts.getIamPolicy", Body: collectors.Store},
		{Name: "iam.projects.serviceAccounts.keys.list", Permission: "iam.serviceAccountKeys.list", Body: collectors.Store},
		searchResources,
		searchPolicies,
	},
	Collect: collectServiceAccounts,
}

func collectServiceAccounts(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := iam.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	var failed []error
	seen := map[string]bool{}
	err = api.Projects.ServiceAccounts.List(c.node).PageSize(100).Pages(ctx, func(page *iam.ListServiceAccountsResponse) error {
		for _, a := range page.Accounts {
			name := c.node + "/serviceAccounts/" + a.Email
			if seen[name] {
				continue // a page offered twice; the transport ends such a list
			}
			seen[name] = true
			out := newServiceAccount(a)
			var gaps []collectors.Gap
			ask := api.Projects.ServiceAccounts.GetIamPolicy(name).OptionsRequestedPolicyVersion(policyVersion).Context(ctx)
			var err error
			out.IAM, err = readGrants(ctx, c, ask.Do, accountGrants, "//iam.googleapis.com/"+name, "//iam.googleapis.com/"+c.node+"/serviceAccounts/"+a.UniqueId)
			if err != nil {
				gaps = append(gaps, collectors.Unread(err, "iam"))
			}
			if out.UserManagedKeyIDs, err = collectKeys(ctx, api, name, a, emit); err != nil {
				gaps = append(gaps, collectors.Unread(err, "user_managed_key_ids"))
				failed = append(failed, collectors.Incomplete(schema.ServiceAccountKeyType, err))
			}
			emit(name, &out, gaps...)
		}
		return nil
	})
	if err != nil {
		failed = append(failed, fmt.Errorf("list service accounts: %w", err))
	}
	return errors.Join(failed...)
}

// collectKeys emits the keys that users made for an account, and returns their ids.
func collectKeys(ctx context.Context, api *iam.Service, account string, a *iam.ServiceAccount, emit collectors.Emit) ([]string, error) {
	list, err := api.Projects.ServiceAccounts.Keys.List(account).KeyTypes("USER_MANAGED").Context(ctx).Do()
	if err != nil {
		return nil, fmt.Errorf("list keys of %s: %w", a.Email, err)
	}
	ids := []string{}
	for _, k := range list.Keys {
		key := newServiceAccountKey(a, k)
		ids = append(ids, key.KeyID)
		emit(account+"/keys/"+key.KeyID, &key)
	}
	slices.Sort(ids)
	return ids, nil
}

func newServiceAccount(a *iam.ServiceAccount) schema.ServiceAccount {
	return schema.ServiceAccount{
		Meta: posture.Meta{Name: a.Email}, Email: a.Email, UniqueID: a.UniqueId, DisplayName: a.DisplayName, Disabled: a.Disabled,
		Kind: accountKind(a.Email),
	}
}

// accountKind tells the accounts that Google made in the project from the project's own, by their addresses.
func accountKind(email string) string {
	name, domain, _ := strings.Cut(email, "@")
	switch {
	case domain == "developer.gserviceaccount.com" && strings.HasSuffix(name, "-compute"):
		return "compute_default"
	case domain == "appspot.gserviceaccount.com":
		return "appengine_default"
	case strings.HasSuffix(domain, ".iam.gserviceaccount.com"):
		return "user_created"
	}
	return "other_default"
}

func newServiceAccountKey(a *iam.ServiceAccount, k *iam.ServiceAccountKey) schema.ServiceAccountKey {
	id := path.Base(k.Name)
	return schema.ServiceAccountKey{
		Meta: posture.Meta{Name: id, CreatedAt: timestamp(k.ValidAfterTime)}, KeyID: id, ServiceAccountEmail: a.Email,
		KeyType: k.KeyType, KeyOrigin: k.KeyOrigin, Disabled: k.Disabled,
		ValidAfter: timestamp(k.ValidAfterTime), ValidBefore: timestamp(k.ValidBeforeTime),
	}
}

func accountGrants(p *iam.Policy) schema.Grants {
	out := schema.Grants{Bindings: []schema.Binding{}}
	for _, b := range p.Bindings {
		condition := ""
		if b.Condition != nil {
			condition = b.Condition.Expression
		}
		out.Bindings = append(out.Bindings, binding(b.Role, b.Members, condition))
	}
	return out
}

var workloadIdentityProviders = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.WorkloadIdentityProviderType},
	Operations: []collectors.Operation{
		{Name: "iam.projects.locations.workloadIdentityPools.list", Permission: "iam.workloadIdentityPools.list", Body: collectors.Store},
		{Name: "iam.projects.locations.workloadIdentityPools.providers.list", Permission: "iam.workloadIdentityPoolProviders.list", Body: collectors.Store},
	},
	Collect: collectWorkloadIdentityProviders,
}

func collectWorkloadIdentityProviders(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := iam.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	pools, location := api.Projects.Locations.WorkloadIdentityPools, c.node+"/locations/global"
	var failed []error
	seen := map[string]bool{}
	err = pools.List(location).PageSize(1000).Pages(ctx, func(page *iam.ListWorkloadIdentityPoolsResponse) error {
		for _, pool := range page.WorkloadIdentityPools {
			id := path.Base(pool.Name)
			if seen[id] {
				continue // as above
			}
			seen[id] = true
			err := pools.Providers.List(location+"/workloadIdentityPools/"+id).PageSize(100).Pages(ctx, func(page *iam.ListWorkloadIdentityPoolProvidersResponse) error {
				for _, p := range page.WorkloadIdentityPoolProviders {
					out := newWorkloadIdentityProvider(pool, p)
					emit(p.Name, &out)
				}
				return nil
			})
			if err != nil {
				failed = append(failed, fmt.Errorf("list providers of pool %s: %w", id, err))
			}
		}
		return nil
	})
	if err != nil {
		failed = append(failed, fmt.Errorf("list workload identity pools: %w", err))
	}
	return errors.Join(failed...)
}

func newWorkloadIdentityProvider(pool *iam.WorkloadIdentityPool, p *iam.WorkloadIdentityPoolProvider) schema.WorkloadIdentityProvider {
	out := schema.WorkloadIdentityProvider{
		Meta: posture.Meta{Name: path.Base(p.Name)}, PoolID: path.Base(pool.Name), PoolUsable: pool.State == "ACTIVE" && !pool.Disabled,
		State: p.State, Disabled: p.Disabled, AllowedAudiences: []string{}, AttributeCondition: p.AttributeCondition, AttributeMapping: p.AttributeMapping,
	}
	switch {
	case p.Oidc != nil:
		out.Kind, out.IssuerURI = "oidc", p.Oidc.IssuerUri
		out.AllowedAudiences = append(out.AllowedAudiences, p.Oidc.AllowedAudiences...)
		slices.Sort(out.AllowedAudiences)
	case p.Aws != nil:
		out.Kind = "aws"
	case p.Saml != nil:
		out.Kind = "saml"
	case p.X509 != nil:
		out.Kind = "x509"
	}
	return out
}
