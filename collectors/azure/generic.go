package azure

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"

	"github.com/plumbline-dev/plumbline/collectors"
)

// What services' own packages lack is read from Resource Manager: which resources of a type there are, and a resource as a
// given version of its API describes it.
var (
	listResources = collectors.Operation{Name: "armresources.Client.NewListPager", Permission: "Microsoft.Resources/subscriptions/resources/read", Body: collectors.Store}
	resourceByID  = collectors.Operation{Name: "armresources.Client.GetByID", Permission: strings.Join([]string{
		"Microsoft.ContainerRegistry/registries/read",
		"Microsoft.Network/dnsResolverPolicies/virtualNetworkLinks/read",
		"Microsoft.Network/frontDoors/read",
		"Microsoft.Network/frontDoorWebApplicationFirewallPolicies/read",
		"Microsoft.ServiceBus/namespaces/read",
		"Microsoft.Sql/servers/sqlVulnerabilityAssessments/read",
	}, ", "), Body: collectors.Store}
)

// allResources lists the subscription's resources, each as Resource Manager itself knows it.
func (c *client) allResources(ctx context.Context) ([]*armresources.GenericResourceExpanded, error) {
	if c.resourceGraph != nil {
		return c.resourceGraph.list(ctx)
	}
	return c.listAll(ctx)
}

func (c *client) listAll(ctx context.Context) ([]*armresources.GenericResourceExpanded, error) {
	api, err := armresources.NewClient(c.subscription, c.credential, c.options)
	if err != nil {
		return nil, err
	}
	var out []*armresources.GenericResourceExpanded
	list := api.NewListPager(&armresources.ClientListOptions{Expand: to.Ptr("createdTime")})
	err = pages(ctx, list, func(page armresources.ClientListResponse) error {
		out = append(out, page.Value...)
		return nil
	})
	return out, err
}

// resourcesOf lists the ids of the subscription's resources of a type, sorted.
func (c *client) resourcesOf(ctx context.Context, kind string) ([]string, error) {
	var ids []string
	if c.resourceGraph != nil {
		if all, err := c.allResources(ctx); err == nil {
			for _, r := range all {
				if strings.EqualFold(text(r.Type), kind) {
					ids = append(ids, idOf(r.ID))
				}
			}
			slices.Sort(ids)
			return slices.Compact(ids), nil
		}
	}
	api, err := armresources.NewClient(c.subscription, c.credential, c.options)
	if err != nil {
		return nil, err
	}
	list := api.NewListPager(&armresources.ClientListOptions{Filter: to.Ptr("resourceType eq '" + kind + "'")})
	err = pages(ctx, list, func(page armresources.ClientListResponse) error {
		for _, r := range page.Value {
			ids = append(ids, idOf(r.ID))
		}
		return nil
	})
	slices.Sort(ids)
	return slices.Compact(ids), err
}

// properties reads the properties of a resource into out.
func (c *client) properties(ctx context.Context, id, version string, out any) error {
	_, err := c.describe(ctx, id, version, out)
	return err
}

// describe reads a resource, and its properties into out.
func (c *client) describe(ctx context.Context, id, version string, out any) (armresources.GenericResource, error) {
	api, err := armresources.NewClient(c.subscription, c.credential, c.options)
	if err != nil {
		return armresources.GenericResource{}, err
	}
	answer, err := api.GetByID(ctx, strings.TrimPrefix(id, "/"), version, nil)
	if err != nil {
		return armresources.GenericResource{}, err
	}
	raw, err := json.Marshal(answer.Properties)
	if err == nil {
		err = json.Unmarshal(raw, out)
	}
	if err != nil {
		return armresources.GenericResource{}, fmt.Errorf("read %s: %w", id, err)
	}
	return answer.GenericResource, nil
}

// once reads each id one time, however often it is asked for: the same request twice looks like paging in a circle.
func once[V any](read func(id string) (V, error)) func(id string) (V, error) {
	var mu sync.Mutex
	reads := map[string]func() (V, error){}
	return func(id string) (V, error) {
		mu.Lock()
		one := reads[id]
		if one == nil {
			one = sync.OnceValues(func() (V, error) { return read(id) })
			reads[id] = one
		}
		mu.Unlock()
		return one()
	}
}

// indexes are the positions in a list.
func indexes[T any](list []T) []int {
	out := make([]int, len(list))
	for i := range out {
		out[i] = i
	}
	return out
}
