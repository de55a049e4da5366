package gcp

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/api/apikeys/v2"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var apiKeys = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.APIKeyType},
	Operations: []collectors.Operation{
		// The list leaves the keys' strings out today.
		{Name: "apikeys.projects.locations.keys.list", Permission: "apikeys.keys.list", Body: collectors.Redact("keyString")},
	},
	Collect: collectAPIKeys,
}

func collectAPIKeys(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := apikeys.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	err = api.Projects.Locations.Keys.List(c.node+"/locations/global").PageSize(300).Pages(ctx, func(page *apikeys.V2ListKeysResponse) error {
		for _, k := range page.Keys {
			out := newAPIKey(k)
			emit(k.Uid, &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list API keys: %w", err)
	}
	return nil
}

func newAPIKey(k *apikeys.V2Key) schema.APIKey {
	out := schema.APIKey{
		Meta:       posture.Meta{Name: k.DisplayName, CreatedAt: timestamp(k.CreateTime)},
		APITargets: []string{}, ClientRestriction: "none", ClientRestrictionValues: []string{},
	}
	r := k.Restrictions
	if r == nil {
		return out
	}
	for _, t := range r.ApiTargets {
		out.APITargets = append(out.APITargets, t.Service)
	}
	slices.Sort(out.APITargets)
	var values []string
	switch {
	case r.BrowserKeyRestrictions != nil:
		out.ClientRestriction, values = "browser", r.BrowserKeyRestrictions.AllowedReferrers
	case r.ServerKeyRestrictions != nil:
		out.ClientRestriction, values = "server", r.ServerKeyRestrictions.AllowedIps
	case r.AndroidKeyRestrictions != nil:
		out.ClientRestriction = "android"
		for _, app := range r.AndroidKeyRestrictions.AllowedApplications {
			values = append(values, app.PackageName)
		}
	case r.IosKeyRestrictions != nil:
		out.ClientRestriction, values = "ios", r.IosKeyRestrictions.AllowedBundleIds
	}
	out.ClientRestrictionValues = append(out.ClientRestrictionValues, values...)
	slices.Sort(out.ClientRestrictionValues)
	return out
}
