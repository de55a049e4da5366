package gcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"google.golang.org/api/cloudkms/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var cryptoKeys = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.CryptoKeyType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		{Name: "cloudkms.projects.locations.list", Permission: "cloudkms.locations.list", Body: collectors.Store},
		{Name: "cloudkms.projects.locations.keyRings.list", Permission: "cloudkms.keyRings.list", Body: collectors.Store},
		{Name: "cloudkms.projects.locations.keyRings.getIamPolicy", Permission: "cloudkms.keyRings.getIamPolicy", Body: collectors.Store},
		{Name: "cloudkms.projects.locations.keyRings.cryptoKeys.list", Permission: "cloudkms.cryptoKeys.list", Body: collectors.Store},
		{Name: "cloudkms.projects.locations.keyRings.cryptoKeys.getIamPolicy", Permission: "cloudkms.cryptoKeys.getIamPolicy", Body: collectors.Store},
		searchResources,
		searchPolicies,
	},
	Collect: collectCryptoKeys,
}

// collectCryptoKeys walks locations, key rings and keys: key rings are listed one location at a time.
func collectCryptoKeys(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := cloudkms.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	locations := func(add func(string)) error {
		return api.Projects.Locations.List(c.node).PageSize(1000).Pages(ctx, func(page *cloudkms.ListLocationsResponse) error {
			for _, l := range page.Locations {
				add(l.LocationId)
			}
			return nil
		})
	}
	return c.inEachLocation(ctx, schema.CryptoKeyType, keyRingAsset, locations, func(location string) error {
		return collectKeysIn(ctx, c, api, location, emit)
	})
}

func collectKeysIn(ctx context.Context, c *client, api *cloudkms.Service, location string, emit collectors.Emit) error {
	parent := c.node + "/locations/" + location
	var failed []error
	seen := map[string]bool{}
	err := api.Projects.Locations.KeyRings.List(parent).PageSize(1000).Pages(ctx, func(page *cloudkms.ListKeyRingsResponse) error {
		for _, r := range page.KeyRings {
			ring := parent + "/keyRings/" + path.Base(r.Name)
			if seen[ring] {
				continue // a page offered twice; the transport ends such a list
			}
			seen[ring] = true
			if err := collectKeyRing(ctx, c, api, ring, location, emit); err != nil {
				failed = append(failed, fmt.Errorf("list keys of %s: %w", ring, err))
			}
		}
		return nil
	})
	if err != nil {
		failed = append(failed, fmt.Errorf("list key rings: %w", err))
	}
	return errors.Join(failed...)
}

func collectKeyRing(ctx context.Context, c *client, api *cloudkms.Service, ring, location string, emit collectors.Emit) error {
	rings := api.Projects.Locations.KeyRings
	var keys []*cloudkms.CryptoKey
	listErr := rings.CryptoKeys.List(ring).PageSize(1000).Pages(ctx, func(page *cloudkms.ListCryptoKeysResponse) error {
		keys = append(keys, page.CryptoKeys...)
		return nil
	})
	if len(keys) == 0 { // old rings stay for ever
		return listErr
	}
	ask := rings.GetIamPolicy(ring).OptionsRequestedPolicyVersion(policyVersion).Context(ctx)
	shared, sharedErr := readGrants(ctx, c, ask.Do, keyGrants, "//cloudkms.googleapis.com/"+ring)
	for _, k := range keys {
		out, gaps := newCryptoKey(k)
		if out.KeyRingIAM = shared; sharedErr != nil {
			gaps = append(gaps, collectors.Unread(fmt.Errorf("of key ring: %w", sharedErr), "key_ring_iam"))
		}
		ask := rings.CryptoKeys.GetIamPolicy(k.Name).OptionsRequestedPolicyVersion(policyVersion).Context(ctx)
		var err error
		if out.IAM, err = readGrants(ctx, c, ask.Do, keyGrants, "//cloudkms.googleapis.com/"+k.Name); err != nil {
			gaps = append(gaps, collectors.Unread(err, "iam"))
		}
		emit(k.Name, collectors.In(location, &out), gaps...)
	}
	return listErr
}

func newCryptoKey(k *cloudkms.CryptoKey) (schema.CryptoKey, []collectors.Gap) {
	out := schema.CryptoKey{
		Meta:    posture.Meta{Name: path.Base(k.Name), Tags: k.Labels, CreatedAt: timestamp(k.CreateTime)},
		Purpose: k.Purpose, NextRotationTime: timestamp(k.NextRotationTime), ImportOnly: k.ImportOnly,
	}
	if k.VersionTemplate != nil {
		out.ProtectionLevel = k.VersionTemplate.ProtectionLevel
	}
	if k.Primary != nil {
		out.PrimaryState = k.Primary.State
	}
	var gaps []collectors.Gap
	var err error
	if out.RotationSeconds, err = seconds(k.RotationPeriod); err != nil {
		gaps = append(gaps, collectors.Unread(err, "rotation_seconds"))
	}
	if out.DestroyScheduledSeconds, err = seconds(cmp.Or(k.DestroyScheduledDuration, "2592000s")); err != nil { // 30 days unless the key says otherwise
		gaps = append(gaps, collectors.Unread(err, "destroy_scheduled_seconds"))
	}
	return out, gaps
}

// seconds reads Google's durations, "7776000s", without fractions; "" is 0.
func seconds(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	return int64(d / time.Second), err
}

func keyGrants(p *cloudkms.Policy) schema.Grants {
	out := schema.Grants{Bindings: []schema.Binding{}}
	for _, b := range p.Bindings {
		condition := ""
		if b.Condition != nil {
			condition = b.Condition.Expression
		}
		out.Bindings = append(out.Bindings, binding(b.Role, b.Members, condition))
	}
	return out
}
