package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Function is one Lambda function, as its newest code runs; replicas for CloudFront in other regions are left out.
// Source: ListFunctions, GetPolicy, GetFunctionConcurrency, ListFunctionUrlConfigs, GetFunctionEventInvokeConfig.
//
//posture:type aws.lambda.function
type Function struct {
	posture.Meta
	Runtime                 string             `json:"runtime"` // "" for container images
	PackageType             string             `json:"package_type"`
	RoleARN                 string             `json:"role_arn"`
	VPCID                   string             `json:"vpc_id"` // "": runs outside the account's networks
	SubnetIDs               []string           `json:"subnet_ids"`
	DeadLetterTargetARN     string             `json:"dead_letter_target_arn"`
	OnFailureDestinationARN string             `json:"on_failure_destination_arn"`
	ReservedConcurrency     posture.Opt[int64] `json:"reserved_concurrency"` // absent: shares the account's pool
	KMSKeyARN               string             `json:"kms_key_arn"`          // "": variables under the key AWS manages
	EnvNames                []string           `json:"env_names"`
	SuspiciousEnvNames      []string           `json:"suspicious_env_names"` // name or value looks like a credential
	Policy                  string             `json:"policy"`               // "": none
	URLAuthTypes            []string           `json:"url_auth_types"`       // of the function's URLs: AWS_IAM or NONE
	LogGroup                string             `json:"log_group"`
	TracingMode             string             `json:"tracing_mode"`

	// PolicyPublic: the policy lets everyone in, whatever account or event source they come from.
	PolicyPublic bool `json:"policy_public" derived:"true"`
	// SubnetZoneCount counts the availability zones of SubnetIDs.
	SubnetZoneCount int64 `json:"subnet_zone_count" derived:"true"`
}
