package project

import (
	"time"

	"google.golang.org/api/apikeys/v2"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var apiKeysService = service{
	kinds: []world.Kind{{
		Name: "gcp.api_key", Sort: inProject, Global: true, Count: 4,
		Defects: []world.Defect{{Name: "for-every-api", Share: 0.15, Drift: 0.1}, {Name: "for-every-client", Share: 0.15}, {Name: "for-wildcard-client", Drift: 0.15},
			{Name: "old", Share: 0.3, Drift: 0.1}},
		Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("gcp.apikeys.key", apiKeyUID(s, it)), map[string]posture.Result{
				"gcp-api-key-restricted": failIf(it.Has("for-every-api") || it.Has("for-every-client") || it.Has("for-wildcard-client")),
				"gcp-api-key-rotated":    failIf(it.Has("old")),
			}
		},
	}},
	handle: handleAPIKeys,
}

func apiKeyMade(s *world.State, it *world.Item) time.Time {
	if it.Has("old") {
		return s.Long(it, 100)
	}
	return s.Since(it, 80, "made")
}

// apiKeyUID changes when the key is replaced.
func apiKeyUID(s *world.State, it *world.Item) string {
	h := it.Hex(32, stamp(apiKeyMade(s, it)))
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

func handleAPIKeys(s *gcp.Server, w *states) {
	gcp.List(s, "apikeys.projects.locations.keys.list", "keys", func(c gcp.Call) (*apikeys.V2ListKeysResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &apikeys.V2ListKeysResponse{}
		for _, it := range state.Items("gcp.api_key") {
			uid := apiKeyUID(state, it)
			out.Keys = append(out.Keys, &apikeys.V2Key{
				Name: "projects/" + Number(c.Account) + "/locations/global/keys/" + uid, Uid: uid, DisplayName: it.Name(), Etag: `W/"p6Qz"`,
				CreateTime: stamp(apiKeyMade(state, it)), UpdateTime: stamp(apiKeyMade(state, it)), Restrictions: apiKeyRestrictions(it),
			})
		}
		return out, nil
	})
}

func apiKeyRestrictions(it *world.Item) *apikeys.V2Restrictions {
	out := &apikeys.V2Restrictions{ApiTargets: []*apikeys.V2ApiTarget{{Service: "maps-backend.googleapis.com"}, {Service: "geocoding-backend.googleapis.com"}}}
	if it.Has("for-every-api") {
		out.ApiTargets = nil
		if it.Pick(2, "umbrella") == 0 {
			out.ApiTargets = []*apikeys.V2ApiTarget{{Service: "cloudapis.googleapis.com"}}
		}
	}
	wildcard := it.Has("for-wildcard-client")
	switch {
	case it.Has("for-every-client"):
	case it.Index%4 == 0, wildcard && it.Index%2 == 0:
		out.BrowserKeyRestrictions = &apikeys.V2BrowserKeyRestrictions{AllowedReferrers: []string{"https://www.acme.example/*", "*.shop.acme.example/*"}}
		if wildcard {
			out.BrowserKeyRestrictions.AllowedReferrers = append(out.BrowserKeyRestrictions.AllowedReferrers, "*.com")
		}
	case it.Index%4 == 1, wildcard:
		out.ServerKeyRestrictions = &apikeys.V2ServerKeyRestrictions{AllowedIps: []string{"192.0.2.7", "2001:db8::/64"}}
		if wildcard {
			out.ServerKeyRestrictions.AllowedIps = append(out.ServerKeyRestrictions.AllowedIps, "::/0")
		}
	case it.Index%4 == 2:
		out.AndroidKeyRestrictions = &apikeys.V2AndroidKeyRestrictions{AllowedApplications: []*apikeys.V2AndroidApplication{
			{PackageName: "example.acme.shop", Sha1Fingerprint: "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"}}}
	default:
		out.IosKeyRestrictions = &apikeys.V2IosKeyRestrictions{AllowedBundleIds: []string{"example.acme.Shop"}}
	}
	return out
}
