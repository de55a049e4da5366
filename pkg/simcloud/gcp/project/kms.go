package project

import (
	"path"
	"slices"

	"google.golang.org/api/cloudkms/v1"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// In each region there is a key ring with keys, and one that nobody uses any more; none in the location "global".
var kmsService = service{
	api: "cloudkms.googleapis.com",
	kinds: []world.Kind{
		{Name: "gcp.key_ring", Sort: inProject, Count: 1, Fixed: true, Defects: []world.Defect{{Name: "public", Drift: 0.2}}},
		{
			Name: "gcp.crypto_key", Sort: inProject, Count: 3,
			Defects: []world.Defect{{Name: "public", Drift: 0.15}, {Name: "not-rotated", Share: 0.3, Drift: 0.3}, {Name: "rotated-slowly", Share: 0.2},
				{Name: "signing", Share: 0.15}, {Name: "imported", Share: 0.1}, {Name: "external", Share: 0.1}, {Name: "destroyed", Share: 0.1},
				{Name: "to-be-destroyed", Drift: 0.15}, {Name: "destroyed-at-once", Share: 0.15}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				state := primaryState(it)
				rotates := state == "ENABLED" && !it.Has("imported") && !it.Has("external")
				return in(it.Region, "gcp.kms.crypto_key", keyName(it)), map[string]posture.Result{
					"gcp-kms-key-rotated":             unless(!rotates, failIf(it.Has("not-rotated") || it.Has("rotated-slowly"))),
					"gcp-kms-key-not-public":          failIf(it.Has("public") || s.Find("gcp.key_ring", it.Region, 0).Has("public") || publicAbove(s)),
					"gcp-kms-key-destruction-delayed": unless(state == "DESTROYED", failIf(it.Has("destroyed-at-once") || state == "DESTROY_SCHEDULED")),
				}
			},
		},
	},
	handle: handleKMS,
}

func ringName(it *world.Item) string {
	return "projects/" + it.Account.ID + "/locations/" + it.Region + "/keyRings/data"
}

func keyName(it *world.Item) string { return ringName(it) + "/cryptoKeys/" + it.Name() }

// primaryState is that of the version that encrypts; "" for keys that sign.
func primaryState(it *world.Item) string {
	switch {
	case it.Has("signing"):
		return ""
	case it.Has("destroyed"):
		return "DESTROYED"
	case it.Has("to-be-destroyed"):
		return "DESTROY_SCHEDULED"
	}
	return "ENABLED"
}

func handleKMS(s *gcp.Server, w *states) {
	gcp.List(s, "cloudkms.projects.locations.list", "locations", func(c gcp.Call) (*cloudkms.ListLocationsResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &cloudkms.ListLocationsResponse{}
		for _, l := range append([]string{posture.Global}, state.Account.Regions...) {
			out.Locations = append(out.Locations, &cloudkms.Location{Name: "projects/" + c.Account + "/locations/" + l, LocationId: l,
				Metadata: []byte(`{"@type":"type.googleapis.com/google.cloud.kms.v1.LocationMetadata","hsmAvailable":true}`)})
		}
		return out, nil
	})
	gcp.List(s, "cloudkms.projects.locations.keyRings.list", "keyRings", func(c gcp.Call) (*cloudkms.ListKeyRingsResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &cloudkms.ListKeyRingsResponse{}
		for _, it := range state.In("gcp.key_ring", c.Params["locationsId"]) {
			out.KeyRings = append(out.KeyRings, &cloudkms.KeyRing{Name: ringName(it), CreateTime: stamp(state.Long(it, 300))},
				&cloudkms.KeyRing{Name: path.Dir(ringName(it)) + "/trial", CreateTime: stamp(state.Long(it, 600))})
		}
		out.TotalSize = int64(len(out.KeyRings))
		return out, nil
	})
	gcp.List(s, "cloudkms.projects.locations.keyRings.cryptoKeys.list", "cryptoKeys", func(c gcp.Call) (*cloudkms.ListCryptoKeysResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &cloudkms.ListCryptoKeysResponse{}
		for _, it := range state.In("gcp.crypto_key", c.Params["locationsId"]) {
			if c.Params["keyRingsId"] == "data" {
				out.CryptoKeys = append(out.CryptoKeys, newCryptoKey(state, it))
			}
		}
		out.TotalSize = int64(len(out.CryptoKeys))
		return out, nil
	})
	gcp.Handle(s, "cloudkms.projects.locations.keyRings.getIamPolicy", func(c gcp.Call) (*cloudkms.Policy, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		ring := state.Find("gcp.key_ring", c.Params["locationsId"], 0)
		if ring == nil {
			return nil, gcp.NotFound("The key ring")
		}
		return keyPolicy("group:security@"+domain, "roles/cloudkms.viewer", ring.Has("public")), nil
	})
	gcp.Handle(s, "cloudkms.projects.locations.keyRings.cryptoKeys.getIamPolicy", func(c gcp.Call) (*cloudkms.Policy, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		keys := state.In("gcp.crypto_key", c.Params["locationsId"])
		i := slices.IndexFunc(keys, func(it *world.Item) bool { return it.Name() == c.Params["cryptoKeysId"] })
		if i < 0 {
			return nil, gcp.NotFound("The key")
		}
		return keyPolicy("serviceAccount:service-"+Number(c.Account)+"@gs-project-accounts.iam.gserviceaccount.com",
			"roles/cloudkms.cryptoKeyEncrypterDecrypter", keys[i].Has("public")), nil
	})
}

func keyPolicy(member, role string, public bool) *cloudkms.Policy {
	out := &cloudkms.Policy{Version: 1, Etag: "BwXhqDw=", Bindings: []*cloudkms.Binding{{Role: role, Members: []string{member}}}}
	if public {
		out.Bindings = append(out.Bindings, &cloudkms.Binding{Role: "roles/cloudkms.cryptoKeyDecrypter", Members: []string{"allUsers"}})
	}
	return out
}

func newCryptoKey(s *world.State, it *world.Item) *cloudkms.CryptoKey {
	made := stamp(s.Long(it, 200))
	k := &cloudkms.CryptoKey{
		Name: keyName(it), Purpose: "ENCRYPT_DECRYPT", CreateTime: made, Labels: map[string]string{"team": "security"}, DestroyScheduledDuration: "2592000s",
		VersionTemplate: &cloudkms.CryptoKeyVersionTemplate{ProtectionLevel: []string{"SOFTWARE", "HSM"}[it.Pick(2, "level")], Algorithm: "GOOGLE_SYMMETRIC_ENCRYPTION"},
		ImportOnly:      it.Has("imported"),
	}
	if it.Has("external") {
		k.VersionTemplate.ProtectionLevel, k.VersionTemplate.Algorithm = "EXTERNAL", "EXTERNAL_SYMMETRIC_ENCRYPTION"
	}
	if it.Has("destroyed-at-once") {
		k.DestroyScheduledDuration = "86400s"
	}
	if it.Has("signing") {
		k.Purpose, k.VersionTemplate.Algorithm = "ASYMMETRIC_SIGN", "EC_SIGN_P256_SHA256"
		return k
	}
	k.Primary = &cloudkms.CryptoKeyVersion{
		Name: k.Name + "/cryptoKeyVersions/1", State: primaryState(it), ProtectionLevel: k.VersionTemplate.ProtectionLevel, Algorithm: k.VersionTemplate.Algorithm,
		CreateTime: made, GenerateTime: made,
	}
	switch {
	case it.Has("imported") || it.Has("external") || it.Has("not-rotated"):
	case it.Has("rotated-slowly"):
		k.RotationPeriod, k.NextRotationTime = "31536000s", stamp(s.Since(it, 365, "rotated").AddDate(1, 0, 0))
	default:
		k.RotationPeriod, k.NextRotationTime = "7776000s", stamp(s.Since(it, 90, "rotated").AddDate(0, 0, 90))
	}
	return k
}
