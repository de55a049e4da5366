package iampolicy

// Condition keys which, fixed to values, keep an Allow for everyone from being public. They differ by service, because a
// service fills only some keys, and some only with its own.

// TrustLimits are the keys for trust policies of roles.
func TrustLimits() []string {
	return []string{"aws:PrincipalOrgID", "aws:PrincipalAccount", "aws:PrincipalArn", "aws:SourceAccount", "aws:SourceArn",
		"sts:ExternalId"}
}

// KeyLimits are the keys for KMS key policies. kms:ViaService alone is no limit: every customer calls via services.
func KeyLimits() []string {
	return []string{"kms:CallerAccount", "aws:PrincipalOrgID", "aws:PrincipalAccount", "aws:PrincipalArn",
		"aws:SourceAccount"}
}

// LogsLimits are the keys for resource policies of CloudWatch Logs.
func LogsLimits() []string {
	return []string{"aws:SourceAccount", "aws:SourceArn", "aws:SourceOrgID", "aws:PrincipalOrgID", "aws:PrincipalAccount",
		"aws:PrincipalArn"}
}

// BucketLimits are the keys S3 itself goes by ("The meaning of public", S3 user guide).
func BucketLimits() []string {
	return []string{"aws:SourceIp", "aws:SourceVpc", "aws:SourceVpce", "aws:SourceAccount", "aws:SourceArn", "aws:SourceOwner",
		"aws:SourceOrgID", "aws:SourceOrgPaths", "aws:PrincipalAccount", "aws:PrincipalArn", "aws:PrincipalOrgID",
		"aws:PrincipalOrgPaths", "aws:userid", "s3:DataAccessPointArn", "s3:DataAccessPointAccount",
		"s3:x-amz-server-side-encryption-aws-kms-key-id"}
}

// FunctionLimits are the keys for Lambda function policies.
func FunctionLimits() []string {
	return []string{"aws:SourceAccount", "aws:SourceArn", "aws:PrincipalOrgID", "aws:PrincipalAccount",
		"lambda:EventSourceToken"}
}

// MessagingLimits are the keys for SNS topics and SQS queues.
func MessagingLimits() []string {
	return []string{"aws:SourceAccount", "aws:SourceOwner", "aws:SourceArn", "aws:PrincipalOrgID", "aws:PrincipalAccount",
		"aws:PrincipalArn"}
}

// FileSystemLimits are the keys for EFS file systems.
func FileSystemLimits() []string {
	return []string{"elasticfilesystem:AccessedViaMountTarget", "elasticfilesystem:AccessPointArn", "aws:PrincipalAccount",
		"aws:PrincipalArn", "aws:SourceAccount", "aws:PrincipalOrgID", "aws:SourceVpc", "aws:SourceVpce"}
}

// SearchDomainLimits are the keys for OpenSearch domains.
func SearchDomainLimits() []string {
	return []string{"aws:SourceIp", "aws:PrincipalAccount", "aws:SourceAccount", "aws:PrincipalOrgID"}
}

// ResourceLimits are the keys for resource policies without keys of their own (secrets, repositories, tables).
func ResourceLimits() []string {
	return []string{"aws:PrincipalAccount", "aws:PrincipalArn", "aws:PrincipalOrgID", "aws:PrincipalOrgPaths",
		"aws:SourceAccount", "aws:SourceArn", "aws:SourceOrgID"}
}
