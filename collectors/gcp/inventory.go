package gcp

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"google.golang.org/api/cloudasset/v1"
	"google.golang.org/api/googleapi"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
)

// Asset types of what is listed in one location at a time.
const (
	clusterAsset    = "dataproc.googleapis.com/Cluster"
	keyRingAsset    = "cloudkms.googleapis.com/KeyRing"
	repositoryAsset = "artifactregistry.googleapis.com/Repository"
	serviceAsset    = "run.googleapis.com/Service"
	targetAsset     = "clouddeploy.googleapis.com/Target"
)

var (
	// granted are the asset types whose policies are searched for. They are named, because a search over all types passes in
	// silence over those it does not know. First generation functions have a type of their own that lags, and is left out.
	granted = []string{
		"cloudfunctions.googleapis.com/Function", "cloudkms.googleapis.com/CryptoKey", "iam.googleapis.com/ServiceAccount",
		"pubsub.googleapis.com/Topic", "secretmanager.googleapis.com/Secret", "storage.googleapis.com/Bucket",
		keyRingAsset, repositoryAsset, serviceAsset,
	}
	inventoried = append([]string{clusterAsset, targetAsset}, granted...)

	searchPolicies = collectors.Operation{
		Name: "cloudasset.searchAllIamPolicies", Permission: "cloudasset.assets.searchAllIamPolicies", Body: collectors.Store,
	}
	searchResources = collectors.Operation{
		Name: "cloudasset.searchAllResources", Permission: "cloudasset.assets.searchAllResources", Body: collectors.Store,
	}
)

// inventory is what Cloud Asset Inventory says of a whole project, asked for when the first reader needs it. A search that fails
// is no reader's error: it leaves nothing known, and readers ask the services themselves.
type inventory struct {
	client    *client
	once      sync.Once
	resources map[string]bool             // by name, see nameOf; nil: not known
	locations map[string][]string         // of the resources of an asset type
	policies  map[string][]schema.Binding // by name; nil: not known
}

// readGrants reads the policy of a resource that goes by one or several full names: from the inventory where that is used and
// knows the resource, else by the service's own method.
func readGrants[P any](ctx context.Context, c *client, ask func(...googleapi.CallOption) (*P, error), grants func(*P) schema.Grants, names ...string) (schema.Grants, error) {
	out, known := c.inventory.grants(ctx, names)
	if !known {
		policy, err := ask()
		if err != nil {
			return schema.Grants{}, fmt.Errorf("read policy: %w", err)
		}
		out = grants(policy)
	}
	slices.SortStableFunc(out.Bindings, func(a, b schema.Binding) int { // the two have orders of their own
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Condition, b.Condition))
	})
	return out, nil
}

// grants returns the policy of a resource that the inventory knows; one that has none there has no bindings. That a resource is
// not known proves nothing: the inventory hears of new ones minutes late.
func (i *inventory) grants(ctx context.Context, names []string) (schema.Grants, bool) {
	if !i.read(ctx) || i.policies == nil {
		return schema.Grants{}, false
	}
	out, known := schema.Grants{Bindings: []schema.Binding{}}, false
	for _, name := range names {
		name = i.nameOf(name)
		known = known || i.resources[name]
		if len(out.Bindings) == 0 {
			out.Bindings = append(out.Bindings, i.policies[name]...)
		}
	}
	return out, known
}

// inUse returns the locations that hold resources of an asset type.
func (i *inventory) inUse(ctx context.Context, assetType string) ([]string, bool) {
	if !i.read(ctx) || slices.Contains(i.locations[assetType], "") {
		return nil, false
	}
	return i.locations[assetType], true
}

// nameOf is the form in which names are compared: with the project's id in place of its number, and buckets without project.
func (i *inventory) nameOf(full string) string {
	full = strings.Replace(full, "/projects/"+i.client.number+"/", "/"+i.client.node+"/", 1)
	return strings.Replace(full, "//storage.googleapis.com/projects/_/buckets/", "//storage.googleapis.com/", 1)
}

// locationIn is where a resource lies by its full name, "//run.googleapis.com/projects/acme/locations/europe-west1/services/web"; ""
// if the name does not say.
func locationIn(full string) string {
	parts := strings.Split(full, "/")
	if len(parts) > 6 && (parts[5] == "locations" || parts[5] == "regions") {
		return parts[6]
	}
	return ""
}

// read searches, the first time, and reports whether resources are known. They come first, so that a policy that appears between
// the searches is not missing from a known resource.
func (i *inventory) read(ctx context.Context) bool {
	if i == nil {
		return false
	}
	i.once.Do(func() {
		api, err := cloudasset.NewService(ctx, i.client.options...)
		if err != nil {
			return
		}
		resources, locations := map[string]bool{}, map[string][]string{}
		search := api.V1.SearchAllResources(i.client.node).AssetTypes(inventoried...).ReadMask("name,assetType").PageSize(500)
		err = search.Pages(ctx, func(page *cloudasset.SearchAllResourcesResponse) error {
			for _, r := range page.Results {
				resources[i.nameOf(r.Name)] = true
				if place := locationIn(r.Name); !slices.Contains(locations[r.AssetType], place) {
					locations[r.AssetType] = append(locations[r.AssetType], place)
				}
			}
			return nil
		})
		if err != nil {
			return
		}
		i.resources, i.locations = resources, locations
		policies := map[string][]schema.Binding{}
		err = api.V1.SearchAllIamPolicies(i.client.node).AssetTypes(granted...).PageSize(500).Pages(ctx, func(page *cloudasset.SearchAllIamPoliciesResponse) error {
			for _, r := range page.Results {
				policies[i.nameOf(r.Resource)] = matched(r)
			}
			return nil
		})
		if err == nil {
			i.policies = policies
		}
	})
	return i.resources != nil
}
