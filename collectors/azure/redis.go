package azure

import (
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/redis/armredis/v3"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var caches = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.CacheType},
	Operations: []collectors.Operation{
		{Name: "armredis.Client.NewListBySubscriptionPager", Permission: "Microsoft.Cache/redis/read", Body: collectors.Redact("primaryKey", "secondaryKey")},
		queryResources, listResources,
	},
	Collect: collectCaches,
}

func collectCaches(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armredis.NewClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pagesOf(ctx, c, "microsoft.cache/redis", "", api.NewListBySubscriptionPager(nil), func(page armredis.ClientListBySubscriptionResponse) error {
		for _, r := range page.Value {
			out := newCache(r)
			emit(idOf(r.ID), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list caches: %w", err)
	}
	return nil
}

func newCache(r *armredis.ResourceInfo) schema.Cache {
	out := schema.Cache{Resource: resource(r.ID, r.Name, r.Location, r.Tags), Zones: list(r.Zones), PublicNetworkAccess: "Enabled", MinimumTLSVersion: "1.0"}
	p := r.Properties
	if p == nil {
		return out
	}
	if p.SKU != nil {
		out.SKU = text(p.SKU.Name)
	}
	if p.MinimumTLSVersion != nil {
		out.MinimumTLSVersion = text(p.MinimumTLSVersion)
	}
	if p.PublicNetworkAccess != nil {
		out.PublicNetworkAccess = text(p.PublicNetworkAccess)
	}
	out.NonSSLPort, out.AccessKeysDisabled, out.SubnetID = is(p.EnableNonSSLPort), is(p.DisableAccessKeyAuthentication), idOf(p.SubnetID)
	if p.RedisConfiguration != nil {
		out.EntraAuth = text(p.RedisConfiguration.AADEnabled) == "True" || text(p.RedisConfiguration.AADEnabled) == "true"
	}
	for _, e := range p.PrivateEndpointConnections {
		if e.Properties != nil && e.Properties.PrivateLinkServiceConnectionState != nil &&
			text(e.Properties.PrivateLinkServiceConnectionState.Status) == "Approved" {
			out.PrivateEndpointsApproved++
		}
	}
	return out
}
