package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Repository is one private image repository of ECR.
// Source: DescribeRepositories, BatchGetRepositoryScanningConfiguration, GetRepositoryPolicy, GetLifecyclePolicy.
//
//posture:type aws.ecr.repository
type Repository struct {
	posture.Meta
	TagMutability          string `json:"tag_mutability"` // MUTABLE, IMMUTABLE, or either with exclusions
	ScanOnPush             bool   `json:"scan_on_push"`   // as the registry's rules have it in the end
	ScanFrequency          string `json:"scan_frequency"` // SCAN_ON_PUSH, CONTINUOUS_SCAN or MANUAL
	EncryptionType         string `json:"encryption_type"`
	KMSKey                 string `json:"kms_key"` // "" with a key of S3
	Policy                 string `json:"policy"`  // "": none
	LifecyclePolicyPresent bool   `json:"lifecycle_policy_present"`

	// PolicyPublic: an Allow for everyone has no condition that fixes account, principal or organization.
	PolicyPublic bool `json:"policy_public" derived:"true"`
}
