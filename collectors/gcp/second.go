package gcp

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/api/cloudasset/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// second are the types that Cloud Asset Inventory is asked for as well: those whose names there are the readers' ids behind the host.
// Functions of the first generation have an asset type of their own that lags, service accounts go by a number there.
var second = map[string]*posture.Type{
	"artifactregistry.googleapis.com/Repository": schema.RepositoryType,
	"clouddeploy.googleapis.com/Target":          schema.DeployTargetType,
	"cloudkms.googleapis.com/CryptoKey":          schema.CryptoKeyType,
	"compute.googleapis.com/Network":             schema.NetworkType,
	"pubsub.googleapis.com/Topic":                schema.TopicType,
	"run.googleapis.com/Service":                 schema.RunServiceType,
	"secretmanager.googleapis.com/Secret":        schema.SecretType,
	"storage.googleapis.com/Bucket":              schema.BucketType,
}

// secondSource is the inventory as a list of what a project holds.
func (c *client) secondSource() *collectors.SecondSource {
	out := &collectors.SecondSource{Name: "Cloud Asset Inventory", Read: c.readSecond, Form: c.idForm}
	for _, kind := range slices.Sorted(maps.Keys(second)) {
		out.Types = append(out.Types, second[kind])
	}
	return out
}

// idForm is an id with the project's id in place of its number.
func (c *client) idForm(id string) string {
	if rest, ok := strings.CutPrefix(id, "projects/"+c.number+"/"); ok {
		return c.node + "/" + rest
	}
	return id
}

func (c *client) readSecond(ctx context.Context) (map[string]map[string]string, error) {
	api, err := cloudasset.NewService(ctx, c.options...)
	if err != nil {
		return nil, err
	}
	out := map[string]map[string]string{}
	search := api.V1.SearchAllResources(c.node).AssetTypes(slices.Sorted(maps.Keys(second))...).ReadMask("name,assetType").PageSize(500)
	err = search.Pages(ctx, func(page *cloudasset.SearchAllResourcesResponse) error {
		for _, r := range page.Results {
			t := second[r.AssetType]
			_, id, ok := strings.Cut(strings.TrimPrefix(r.Name, "//"), "/")
			if t == nil || !ok {
				return fmt.Errorf("search resources: %w: %s of type %s", posture.ErrInvalid, r.Name, r.AssetType)
			}
			region := cmp.Or(locationIn(r.Name), posture.Global)
			if out[t.Name] == nil {
				out[t.Name] = map[string]string{}
			}
			out[t.Name][id] = region
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("search resources: %w", err)
	}
	return out, nil
}
