package azure

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armsubscriptions"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/subscription/armsubscription"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// registered is which resource providers a subscription has registered.
type registered struct {
	on  map[string]bool // "microsoft.storage"
	err error           // why that is not known
}

// readRegistered asks before anything else is read.
func readRegistered(ctx context.Context, c *client) registered {
	out := registered{on: map[string]bool{}}
	api, err := armresources.NewProvidersClient(c.subscription, c.credential, c.options)
	if err == nil {
		err = pages(ctx, api.NewListPager(nil), func(page armresources.ProvidersClientListResponse) error {
			for _, p := range page.Value {
				if text(p.RegistrationState) == "Registered" {
					out.on[strings.ToLower(text(p.Namespace))] = true
				}
			}
			return nil
		})
	}
	if err != nil {
		out.err = fmt.Errorf("list resource providers: %w", err)
	}
	return out
}

// pages reads a list to its end; a page that fails ends it with an error. Pages that run in a circle are the transport's to
// notice.
func pages[T any](ctx context.Context, pager *runtime.Pager[T], each func(T) error) error {
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return err
		}
		if err := each(page); err != nil {
			return err
		}
	}
	return nil
}

var subscription = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.SubscriptionType},
	Operations: []collectors.Operation{{Name: "armsubscriptions.Client.Get", Permission: "Microsoft.Resources/subscriptions/read",
		Body: collectors.Store}},
	Collect: collectSubscription,
}

// collectSubscription emits the subscription that was seen when it was opened.
func collectSubscription(_ context.Context, c *client, emit collectors.Emit) error {
	s := c.described
	out := schema.Subscription{
		Meta:        posture.Meta{Name: text(s.DisplayName), Tags: tags(s.Tags)},
		DisplayName: text(s.DisplayName), State: text(s.State), TenantID: c.tenant,
	}
	if s.SubscriptionPolicies != nil {
		out.QuotaID = text(s.SubscriptionPolicies.QuotaID)
	}
	emit("/subscriptions/"+c.subscription, &out)
	return nil
}

var members = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.MemberType, schema.GroupType},
	Operations: []collectors.Operation{
		{Name: "armsubscriptions.Client.NewListPager", Permission: "Microsoft.Resources/subscriptions/read", Body: collectors.Store},
		{Name: "armauthorization.RoleAssignmentsClient.NewListForSubscriptionPager",
			Permission: "Microsoft.Authorization/roleAssignments/read", Body: collectors.Store},
		{Name: "armauthorization.RoleDefinitionsClient.NewListPager", Permission: "Microsoft.Authorization/roleDefinitions/read",
			Body: collectors.Store},
		{Name: "graph.groupMembers", Permission: "Graph: Directory.Read.All", Body: collectors.Digest},
	},
	Collect: collectMembers,
}

// collectMembers lists the tenant's subscriptions with what users and groups hold on each, and then who is in those groups: the
// directory has to know what its users may do, and each subscription who is in a group.
func collectMembers(ctx context.Context, c *client, emit collectors.Emit) error {
	var found []*armsubscriptions.Subscription
	api, err := armsubscriptions.NewClient(c.credential, c.options)
	if err != nil {
		return err
	}
	err = pages(ctx, api.NewListPager(nil), func(page armsubscriptions.ClientListResponse) error {
		for _, s := range page.Value {
			if s.TenantID == nil || strings.EqualFold(*s.TenantID, c.tenant) { // others are only managed from here
				found = append(found, s)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list subscriptions: %w", err)
	}
	var mu sync.Mutex
	groups := map[string]bool{}
	idOfMember := func(s *armsubscriptions.Subscription) string { return text(s.SubscriptionID) }
	unread := parallel(found, idOfMember, func(s *armsubscriptions.Subscription) error {
		id := strings.ToLower(text(s.SubscriptionID))
		out := schema.Member{
			Meta:           posture.Meta{Name: text(s.DisplayName), Tags: tags(s.Tags)},
			SubscriptionID: id, DisplayName: text(s.DisplayName), State: text(s.State),
		}
		if out.State != "Enabled" && out.State != "Warned" {
			emit("/subscriptions/"+id, &out, collectors.NotCollected("access", "assigned_roles"))
			return nil
		}
		var errs [2]error
		out.Access, out.AssignedRoles, errs = subscriptionAccess(ctx, c, id)
		var gaps []collectors.Gap
		for i, path := range []string{"access", "assigned_roles"} {
			if errs[i] != nil {
				gaps = append(gaps, collectors.Unread(errs[i], path))
			}
		}
		emit("/subscriptions/"+id, &out, gaps...)
		mu.Lock()
		defer mu.Unlock()
		for _, a := range out.Access {
			if a.PrincipalType == "Group" {
				groups[a.PrincipalID] = true
			}
		}
		return errs[0]
	})
	for _, id := range slices.Sorted(maps.Keys(groups)) {
		out := schema.Group{}
		if out.MemberIDs, err = groupMembers(ctx, c.graph, id); err != nil {
			emit(id, &out, collectors.Unread(err, "member_ids"))
			continue
		}
		emit(id, &out)
	}
	return collectors.Incomplete(schema.GroupType, unread)
}

// The built-in roles that let their holders sign in to virtual machines.
const (
	vmAdminLogin = "/providers/microsoft.authorization/roledefinitions/1c0163c0-47e6-4577-8991-ea5c82e286e4"
	vmUserLogin  = "/providers/microsoft.authorization/roledefinitions/fb879df8-f326-4884-b1cf-06f3ad86be52"
)

// subscriptionAccess is what users and groups hold on a subscription, and the ids of all roles held on it; errs says why either
// is not known.
func subscriptionAccess(ctx context.Context, c *client, subscription string) (access []schema.Access, assigned []string, errs [2]error) {
	access, assigned = []schema.Access{}, []string{}
	list, err := subscriptionAssignments(ctx, c, subscription)
	if err != nil {
		return access, assigned, [2]error{err, err}
	}
	custom, err := roleDefinitions(ctx, c, "subscriptions/"+subscription, to.Ptr("type eq 'CustomRole'"))
	byPrincipal := map[string]*schema.Access{}
	for _, a := range list {
		p := a.Properties
		if p == nil {
			continue
		}
		role, scope := roleID(p.RoleDefinitionID), scopeOf(p.Scope)
		assigned = append(assigned, role)
		level := scopeLevel(scope)
		privileged := (strong(role) || custom[role].privileged) && level != "resource_group" && level != "resource"
		login := role == vmAdminLogin || role == vmUserLogin
		if kind := text(p.PrincipalType); !privileged && !login || kind != "User" && kind != "Group" {
			continue
		}
		held := byPrincipal[idOf(p.PrincipalID)]
		if held == nil {
			held = &schema.Access{PrincipalID: idOf(p.PrincipalID), PrincipalType: text(p.PrincipalType), VMLoginScopes: []string{}}
			byPrincipal[held.PrincipalID] = held
		}
		held.Privileged = held.Privileged || privileged
		if login && !slices.Contains(held.VMLoginScopes, scope) {
			held.VMLoginScopes = append(held.VMLoginScopes, scope)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(byPrincipal)) {
		slices.Sort(byPrincipal[id].VMLoginScopes)
		access = append(access, *byPrincipal[id])
	}
	slices.Sort(assigned)
	return access, slices.Compact(assigned), [2]error{err, nil}
}

var tenantPolicy = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.TenantPolicyType},
	Operations: []collectors.Operation{
		{Name: "armsubscription.PolicyClient.GetPolicyForTenant", Permission: "Microsoft.Subscription/policies/default/read", Body: collectors.Store},
	},
	Collect: collectTenantPolicy,
}

func collectTenantPolicy(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armsubscription.NewPolicyClient(c.credential, c.options)
	if err != nil {
		return err
	}
	policy, err := api.GetPolicyForTenant(ctx, nil)
	if err != nil {
		return fmt.Errorf("read policy on moving subscriptions: %w", err)
	}
	out := schema.TenantPolicy{Meta: posture.Meta{Name: text(policy.Name)}, ExemptedPrincipals: []string{}}
	if p := policy.Properties; p != nil {
		out.BlockLeaving, out.BlockEntering = is(p.BlockSubscriptionsLeavingTenant), is(p.BlockSubscriptionsIntoTenant)
		out.ExemptedPrincipals = list(p.ExemptedPrincipals)
	}
	emit("/providers/microsoft.subscription/policies/default", &out)
	return nil
}

// resource is what every Azure resource says of itself.
func resource(id, name, location *string, labels map[string]*string) schema.Resource {
	_, rest, _ := strings.Cut(strings.ToLower(text(id)), "/resourcegroups/")
	group, _, _ := strings.Cut(rest, "/")
	return schema.Resource{Meta: posture.Meta{Name: text(name), Tags: tags(labels)}, ResourceGroup: group, Location: place(location)}
}

// place is a region by its id: some services write its name, "West Europe".
func place(location *string) string {
	return strings.ReplaceAll(strings.ToLower(text(location)), " ", "")
}

// idOf is a resource's id as everything here writes it: services disagree on case.
func idOf(id *string) string { return strings.ToLower(text(id)) }

func tags(list map[string]*string) map[string]string {
	if list == nil {
		return nil
	}
	out := map[string]string{}
	for k, v := range list {
		out[k] = text(v)
	}
	return out
}

// is reports whether a switch is on; absent is off.
func is(p *bool) bool { return p != nil && *p }

// list is a list of pointers as a list of strings.
func list[S ~string](in []*S) []string {
	out := []string{}
	for _, s := range in {
		out = append(out, text(s))
	}
	return out
}
