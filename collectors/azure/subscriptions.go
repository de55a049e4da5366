package azure

import (
	"context"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"

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
	Fills:      []*posture.Type{schema.SubscriptionType},
	Operations: []collectors.Operation{{Name: "armsubscriptions.Client.Get", Permission: "Microsoft.Resources/subscriptions/read", Body: collectors.Store}},
	Collect:    collectSubscription,
}

// collectSubscription emits the subscription that was seen when it was opened.
func collectSubscription(_ context.Context, c *client, emit collectors.Emit) error {
	s := c.described
	out := schema.Subscription{
		Meta:  posture.Meta{Name: text(s.DisplayName), Tags: tags(s.Tags)},
		State: text(s.State), TenantID: c.tenant,
	}
	if s.SubscriptionPolicies != nil {
		out.QuotaID = text(s.SubscriptionPolicies.QuotaID)
	}
	emit("/subscriptions/"+c.subscription, &out)
	return nil
}

// resource is what every Azure resource says of itself.
func resource(id, name, location *string, labels map[string]*string) schema.Resource {
	_, rest, _ := strings.Cut(strings.ToLower(text(id)), "/resourcegroups/")
	group, _, _ := strings.Cut(rest, "/")
	return schema.Resource{Meta: posture.Meta{Name: text(name), Tags: tags(labels)}, ResourceGroup: group, Location: text(location)}
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
