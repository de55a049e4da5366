package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Identity proves which account a snapshot is of, and who read it.
// Source: GetCallerIdentity. One per account.
//
//posture:type aws.sts.identity
type Identity struct {
	posture.Meta
	Partition    string `json:"partition"` // aws, aws-us-gov or aws-cn
	PrincipalARN string `json:"principal_arn"`

	PrincipalIsRoot bool `json:"principal_is_root" derived:"true"`
}
