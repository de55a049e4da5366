package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// KMSKey is one KMS key. Of keys that AWS manages only the description and the aliases are read: their policy and rotation
// are not the customer's.
// Source: ListKeys, DescribeKey, GetKeyRotationStatus, GetKeyPolicy, ListAliases, ListResourceTags.
//
//posture:type aws.kms.key
type KMSKey struct {
	posture.Meta
	Description  string                 `json:"description"`
	Manager      string                 `json:"manager"` // CUSTOMER or AWS
	State        string                 `json:"state"`
	Spec         string                 `json:"spec"`
	Usage        string                 `json:"usage"`
	Origin       string                 `json:"origin"`
	MultiRegion  bool                   `json:"multi_region"`
	DeletionDate posture.Opt[time.Time] `json:"deletion_date"` // absent: not pending deletion
	// RotationEnabled is absent for keys that cannot rotate: asymmetric, HMAC, imported and custom-store keys.
	RotationEnabled    posture.Opt[bool]  `json:"rotation_enabled"`
	RotationPeriodDays posture.Opt[int64] `json:"rotation_period_days"` // absent: does not rotate
	Aliases            []string           `json:"aliases"`              // without "alias/"
	// PolicyReadable is true once the policy was read; a refused policy leaves it unread, with the call that was refused.
	PolicyReadable bool   `json:"policy_readable"`
	Policy         string `json:"policy"` // the document as KMS returns it

	// PolicyStatements are the statements of Policy.
	PolicyStatements []PolicyStatement `json:"policy_statements" derived:"true"`
	// Rotatable: an enabled symmetric encryption key with material made by KMS for this account.
	Rotatable bool `json:"rotatable" derived:"true"`
	// PolicyPublic: an Allow for everyone has no condition that fixes the calling account, principal or organization.
	PolicyPublic bool `json:"policy_public" derived:"true"`
	// PolicyMixedDuties are principals, account roots apart, that may both administer and use the key.
	PolicyMixedDuties []string `json:"policy_mixed_duties" derived:"true"`
	// EnclaveKey: a tag, an alias, the description or a condition of the policy says that the key serves a Nitro enclave.
	EnclaveKey bool       `json:"enclave_key" derived:"true"`
	Enclave    KMSEnclave `json:"enclave" derived:"true"`
}

// PolicyStatement is one statement of a resource policy.
type PolicyStatement struct {
	Effect         string   `json:"effect"`
	Principals     []string `json:"principals"` // "*", or with their kind: "AWS:arn:…", "Service:…"; "not " before NotPrincipal
	Actions        []string `json:"actions"`    // lower case; "not " before NotAction
	ConditionsJSON string   `json:"conditions_json"`
}

// KMSEnclave is what a key policy says of the attestation of Nitro enclaves.
type KMSEnclave struct {
	// UnattestedAllows counts Allow statements over key use that require no measurement.
	UnattestedAllows int64 `json:"unattested_allows"`
	// BypassPaths counts those, the delegation to the account included, that no Deny takes back.
	BypassPaths int64 `json:"bypass_paths"`
	// DeploymentBound: every Allow over key use also fixes the role, instance, signer, account or organization.
	DeploymentBound bool `json:"deployment_bound"`
	// PCRValues maps a PCR to the comma-joined hex values the policy refers to.
	PCRValues map[string]string `json:"pcr_values"`
	// PCRMismatches counts values that are not on the deployment's approved list.
	PCRMismatches int64 `json:"pcr_mismatches"`
}
