package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// CryptoKey is one Cloud KMS key with what its key ring grants; its id is its full name, its region the location. Keys cannot
// be deleted: those without a usable version stay in the list.
// Source: cloudkms projects.locations.keyRings.cryptoKeys.list, and getIamPolicy of the key and of its key ring.
//
//posture:type gcp.kms.crypto_key
type CryptoKey struct {
	posture.Meta
	Purpose                 string                 `json:"purpose"`                            // ENCRYPT_DECRYPT, ASYMMETRIC_SIGN, ASYMMETRIC_DECRYPT, MAC, …
	PrimaryState            string                 `json:"primary_state"`                      // ENABLED, DESTROY_SCHEDULED, DESTROYED, …; "": no primary version
	ProtectionLevel         string                 `json:"protection_level"`                   // SOFTWARE, HSM, HSM_SINGLE_TENANT, EXTERNAL, EXTERNAL_VPC
	RotationSeconds         int64                  `json:"rotation_seconds"`                   // 0: never by itself
	NextRotationTime        posture.Opt[time.Time] `json:"next_rotation_time" volatile:"true"` // absent: none is planned
	ImportOnly              bool                   `json:"import_only"`                        // versions come from outside only
	DestroyScheduledSeconds int64                  `json:"destroy_scheduled_seconds"`          // between the order to destroy a version and its end
	IAM                     Grants                 `json:"iam"`
	KeyRingIAM              Grants                 `json:"key_ring_iam"`

	Effective EffectiveGrants `json:"effective" derived:"true"`
}

// EffectiveGrants is what the policies of a resource and of everything that holds it add up to.
type EffectiveGrants struct {
	Bindings []EffectiveBinding `json:"bindings"`
}
