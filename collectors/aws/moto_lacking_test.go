package aws_test

import "strings"

// lacking is what moto 5.2.5 leaves unread, by operation: the whole list of a type, or attributes. It was recorded from a
// scan, and each entry then confirmed by asking moto with another client than ours. All else must be read to the last
// attribute.
func lacking() map[string][]string {
	return map[string][]string{
		// not known to moto
		"Account.GetContactInformation":               {"aws.account.contact primary_contact_complete: parse_error"},
		"CloudWatch.DescribeAlarms":                   {"aws.cloudwatch.alarm: parse_error"}, // not in the protocol the SDK speaks
		"CodeBuild.ListSourceCredentials":             {"aws.codebuild.source_credential: parse_error"},
		"ConfigService.DescribeDeliveryChannelStatus": {"aws.configservice.region_status delivery_last_status: parse_error"},
		"EC2.DescribeClientVpnEndpoints":              {"aws.ec2.client_vpn_endpoint: api_error"},
		"EC2.DescribeVpcBlockPublicAccessOptions":     {"aws.ec2.region_settings vpc_block_public_access_mode: api_error"},
		"EC2.GetEbsDefaultKmsKeyId":                   {"aws.ec2.region_settings ebs_default_kms_key_id: api_error"},
		"EC2.GetImageBlockPublicAccessState":          {"aws.ec2.region_settings image_block_public_access: api_error"},
		"EC2.GetInstanceMetadataDefaults": {
			"aws.ec2.region_settings imds_default_http_tokens: api_error",
			"aws.ec2.region_settings imds_http_tokens_enforced: api_error",
		},
		"EC2.GetSnapshotBlockPublicAccessState":    {"aws.ec2.region_settings snapshot_block_public_access: api_error"},
		"GuardDuty.GetFindingsStatistics":          {"aws.guardduty.region_status open_findings: parse_error"},
		"GuardDuty.ListFindings":                   {"aws.guardduty.region_status oldest_open_finding_at: parse_error"},
		"KafkaConnect.ListConnectors":              {"aws.kafkaconnect.connector: parse_error"},
		"Lambda.ListFunctionUrlConfigs":            {"aws.lambda.function url_auth_types: parse_error"},
		"SSM.DescribeInstanceInformation":          {"aws.ssm.managed_instance: parse_error"},
		"SecurityHub.GetEnabledStandards":          {"aws.securityhub.region_status enabled_standards: parse_error"},
		"SecurityHub.ListEnabledProductsForImport": {"aws.securityhub.region_status enabled_products: parse_error"},

		// answered, but without what AWS always says: encryption of an image's disks, enclave options, the attributes a load
		// balancer has from the start, whether root has a password, root's line of the report, cluster members' exposure
		"EC2.DescribeImages":    {"aws.ec2.image encrypted_all: api_error"},
		"EC2.DescribeInstances": {"aws.ec2.instance enclaves_enabled: api_error"},
		"ElasticLoadBalancingv2.DescribeLoadBalancerAttributes": {"aws.elbv2.load_balancer desync_mode: api_error"},
		"IAM.GetAccountSummary":                                 {"aws.iam.root password_present: api_error"},
		"IAM.GetCredentialReport":                               {"aws.iam.root created_at: unreconciled", "aws.iam.root last_used_at: unreconciled"},
		"RDS.DescribeDBInstances":                               {"aws.rds.instance publicly_accessible: api_error"},

		// moto does not find the default group that it gave the cluster itself
		"RDS.DescribeDBClusterParameters": {"aws.rds.instance tls_forced: api_error"},
	}
}

// oneSided says why rules of the services that the builders cover have no passing or no failing thing in the tables.
func oneSided() map[string]string {
	out := map[string]string{}
	for why, ids := range map[string]string{
		"moto speaks no protocol in which the SDK asks for alarms": `
			aws-cloudwatch-alarm-actions-enabled aws-cloudwatch-alarm-cloudtrail-changes aws-cloudwatch-alarm-config-changes
			aws-cloudwatch-alarm-console-authentication-failures aws-cloudwatch-alarm-console-signin-without-mfa
			aws-cloudwatch-alarm-has-action aws-cloudwatch-alarm-iam-policy-changes aws-cloudwatch-alarm-kms-key-disable-or-delete
			aws-cloudwatch-alarm-network-acl-changes aws-cloudwatch-alarm-network-gateway-changes
			aws-cloudwatch-alarm-organizations-changes aws-cloudwatch-alarm-root-usage aws-cloudwatch-alarm-route-table-changes
			aws-cloudwatch-alarm-s3-bucket-policy-changes aws-cloudwatch-alarm-security-group-changes
			aws-cloudwatch-alarm-unauthorized-api-calls aws-cloudwatch-alarm-vpc-changes`,
		"moto does not know the operation": `
			aws-ec2-client-vpn-connection-logging-enabled aws-ec2-region-snapshot-public-access-blocked
			aws-ec2-instance-ssm-managed aws-guardduty-findings-triaged aws-guardduty-no-open-high-findings aws-lambda-function-url-authenticated
			aws-securityhub-enabled aws-sns-alarm-topic-subscribed aws-ssm-managed-instance-association-compliant
			aws-ssm-managed-instance-patch-compliant`,
		"moto leaves out what the rule needs": `
			aws-cloudtrail-trail-cloudwatch-delivery aws-ec2-enclave-host-no-open-ingress aws-ec2-enclave-host-not-public
			aws-ec2-enclave-host-running aws-iam-root-hardware-mfa-enabled aws-iam-root-mfa-enabled aws-iam-root-not-used-recently`,
		"moto forgets the setting, or has it with more than we build": `
			aws-acm-certificate-key-strength aws-acm-certificate-not-expiring aws-cloudfront-distribution-s3-origin-access-control
			aws-lambda-function-in-vpc aws-secretsmanager-secret-rotated-on-schedule aws-secretsmanager-secret-rotation-enabled`,
		"only the account nobody looks after has functions": "aws-cloudtrail-lambda-data-events",
		"moto does not heed RestorableByUserIds":            "aws-ec2-snapshot-not-public",
		"the API cannot make the other side":                "aws-iam-root-no-access-keys aws-ec2-instance-in-vpc",
		"switched off until it has parameters":              "aws-iam-policy-attached-to-role aws-kms-enclave-key-approved-measurements",
		"no reader fills what it rests on": `
			aws-dynamodb-table-in-backup-plan aws-dynamodb-table-protected-by-backup aws-ec2-instance-protected-by-backup
			aws-ec2-volume-has-recent-snapshot aws-ec2-volume-in-backup-plan aws-ec2-volume-protected-by-backup
			aws-elbv2-load-balancer-waf-associated aws-iam-workforce-federated aws-rds-cluster-protected-by-backup
			aws-rds-instance-in-backup-plan aws-rds-instance-protected-by-backup`,
	} {
		for _, id := range strings.Fields(ids) {
			out[id] = why
		}
	}
	return out
}
