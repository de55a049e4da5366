package gcp

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestKeyGrants(t *testing.T) {
	const ring = "projects/acme/locations/europe-west1/keyRings/data"
	members := []any{"group:staff@acme.example", "serviceAccount:app@acme.iam.gserviceaccount.com"}
	from := func(role, origin string) any {
		return map[string]any{"role": role, "members": members, "condition": "", "origin": origin}
	}
	key := func(own, shared []schema.Binding, refused ...string) *posture.Resource {
		return located("europe-west1", schema.CryptoKeyType, ring+"/cryptoKeys/orders", &schema.CryptoKey{
			IAM: schema.Grants{Bindings: own}, KeyRingIAM: schema.Grants{Bindings: shared}}, refused...)
	}
	above := []*posture.Resource{inFolder(nil), inOrganization(grant("roles/viewer"))}
	check(t, map[string]derivation{
		"key, key ring and everything above add up": {
			resources: []*posture.Resource{key(grant("roles/cloudkms.cryptoKeyDecrypter"), grant("roles/cloudkms.viewer")), ownPolicy(grant("roles/editor"))},
			above:     above,
			want: map[string]any{"effective.bindings": []any{from("roles/cloudkms.cryptoKeyDecrypter", ring+"/cryptoKeys/orders"),
				from("roles/cloudkms.viewer", ring), from("roles/editor", "projects/acme"), from("roles/viewer", "organizations/123")}},
		},
		"what the key grants stands when its ring was not read": {
			resources: []*posture.Resource{key(grant("roles/cloudkms.admin"), nil, "key_ring_iam"), ownPolicy(nil)},
			above:     []*posture.Resource{inFolder(nil), inOrganization(nil)},
			want: map[string]any{"effective.bindings": []any{from("roles/cloudkms.admin", ring+"/cryptoKeys/orders")},
				"effective.bindings[]": "unread: read key_ring_iam"},
		},
		"no grant seen is no answer while the folder was not read": {
			resources: []*posture.Resource{key(nil, nil), ownPolicy(nil)},
			above:     []*posture.Resource{inFolder(nil, "iam"), inOrganization(nil)},
			want:      map[string]any{"effective.bindings": "unread: read iam"},
		},
		"the project's grants stand when it is not known what lies above": {
			resources: []*posture.Resource{key(nil, nil), ownPolicy(grant("roles/editor"), "ancestors")}, above: above,
			want: map[string]any{"effective.bindings": []any{from("roles/editor", "projects/acme")}, "effective.bindings[]": "unread: read ancestors"},
		},
		"a key that grants nothing in a project that grants nothing": {
			resources: []*posture.Resource{key(nil, nil), ownPolicy(nil)}, above: []*posture.Resource{inFolder(nil), inOrganization(nil)},
			want: map[string]any{"effective.bindings": []any{}},
		},
	})
}
