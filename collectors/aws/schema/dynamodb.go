package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Table is one DynamoDB table.
// Source: ListTables, DescribeTable, DescribeContinuousBackups, ListTagsOfResource, GetResourcePolicy.
//
//posture:type aws.dynamodb.table
type Table struct {
	posture.Meta
	Status             string             `json:"status"`
	BillingMode        string             `json:"billing_mode"` // PROVISIONED or PAY_PER_REQUEST
	DeletionProtection bool               `json:"deletion_protection"`
	SSE                TableSSE           `json:"sse"`
	PITRStatus         string             `json:"pitr_status"`        // ENABLED or DISABLED
	PITRRecoveryDays   posture.Opt[int64] `json:"pitr_recovery_days"` // absent: point-in-time recovery is off
	ReplicaRegions     []string           `json:"replica_regions"`
	ResourcePolicy     string             `json:"resource_policy"` // "": none

	Backup Backup `json:"backup" derived:"true"`
	// PolicyPublic: an Allow for everyone has no condition that fixes account, principal or organization.
	PolicyPublic bool `json:"policy_public" derived:"true"`
}

// TableSSE is the encryption of a table; all empty under the key that AWS owns.
type TableSSE struct {
	Type      string `json:"type"` // KMS, whoever manages the key
	Status    string `json:"status"`
	KMSKeyARN string `json:"kms_key_arn"`
}
