package subscription

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/redis/armredis/v3"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var redisService = service{
	providers: []string{"Microsoft.Cache"},
	kinds: []world.Kind{{
		Name: "azure.redis", Sort: inSubscription, Global: true, Count: 3,
		Defects: []world.Defect{{Name: "plain-port", Drift: 0.2}, {Name: "old-tls", Share: 0.2}, {Name: "public", Share: 0.2, Drift: 0.1},
			{Name: "keys", Share: 0.4}, {Name: "endpoint", Share: 0.3}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("azure.redis.cache", cacheID(it)), map[string]posture.Result{
				"azure-redis-cache-tls-only":             failIf(it.Has("plain-port") || it.Has("old-tls")),
				"azure-redis-cache-private":              failIf(it.Has("public") && !it.Has("endpoint")),
				"azure-redis-cache-entra-authentication": failIf(it.Has("keys")),
			}
		},
	}},
	handle: handleRedis,
}

func cacheID(it *world.Item) string { return idOf(it, "Microsoft.Cache/Redis", "redis-"+it.Name()) }

func handleRedis(s *azure.Server, w *states) {
	azure.List(s, "armredis.Client.NewListBySubscriptionPager", func(c azure.Call) (*armredis.ListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armredis.ListResult{}
		for _, it := range state.Items("azure.redis") {
			out.Value = append(out.Value, cache(it))
		}
		return out, nil
	})
}

func cache(it *world.Item) *armredis.ResourceInfo {
	p := &armredis.Properties{
		SKU:      &armredis.SKU{Name: to.Ptr(armredis.SKUNamePremium), Family: to.Ptr(armredis.SKUFamilyP), Capacity: to.Ptr[int32](1)},
		HostName: to.Ptr(it.Name() + ".redis.cache.windows.net"), Port: to.Ptr[int32](6379), SSLPort: to.Ptr[int32](6380), RedisVersion: to.Ptr("6.0"),
		ProvisioningState: to.Ptr(armredis.ProvisioningStateSucceeded), EnableNonSSLPort: to.Ptr(it.Has("plain-port")), MinimumTLSVersion: to.Ptr(armredis.TLSVersionOne2),
		PublicNetworkAccess: to.Ptr(armredis.PublicNetworkAccessDisabled), DisableAccessKeyAuthentication: to.Ptr(!it.Has("keys")),
		RedisConfiguration: &armredis.CommonPropertiesRedisConfiguration{AADEnabled: to.Ptr("True")},
	}
	if it.Has("old-tls") {
		p.MinimumTLSVersion = nil
	}
	if it.Has("public") {
		p.PublicNetworkAccess = to.Ptr(armredis.PublicNetworkAccessEnabled)
	}
	if it.Has("endpoint") {
		p.PrivateEndpointConnections = []*armredis.PrivateEndpointConnection{{
			ID: to.Ptr(cacheID(it) + "/privateEndpointConnections/app"),
			Properties: &armredis.PrivateEndpointConnectionProperties{PrivateLinkServiceConnectionState: &armredis.PrivateLinkServiceConnectionState{
				Status: to.Ptr(armredis.PrivateEndpointServiceConnectionStatusApproved),
			}},
		}}
	}
	return &armredis.ResourceInfo{
		ID: to.Ptr(cacheID(it)), Name: to.Ptr("redis-" + it.Name()), Type: to.Ptr("Microsoft.Cache/Redis"), Location: to.Ptr(it.Account.Home()),
		Zones: []*string{to.Ptr("1"), to.Ptr("2")}, Tags: labels("team", "data"), Properties: p,
	}
}
