package attribution

import (
	"maps"
	"slices"
	"strings"
)

// Templates of ids. IAM's requests name things without their path, which "~" stands for.
const (
	bucketID      = "arn:{partition}:s3:::{request.bucketName}"
	userID        = "arn:{partition}:iam::{account}:user/~{request.userName}"
	iamGroupID    = "arn:{partition}:iam::{account}:group/~{request.groupName}"
	roleID        = "arn:{partition}:iam::{account}:role/~{request.roleName}"
	policyID      = "{request.policyArn}"
	accountID     = "{account}"
	rdsID         = "arn:{partition}:rds:{region}:{account}:"
	dbInstanceID  = rdsID + "db:{request.dBInstanceIdentifier}"
	dbClusterID   = rdsID + "cluster:{request.dBClusterIdentifier}"
	dbSnapshotID  = rdsID + "snapshot:{request.dBSnapshotIdentifier}"
	dbClusterCopy = rdsID + "cluster-snapshot:{request.dBClusterSnapshotIdentifier}"
)

// What requests name in several ways.
var (
	trailIDs = []string{
		"{request.name?arn:}", "arn:{partition}:cloudtrail:{region}:{account}:trail/{request.name}",
		"{request.trailName?arn:}", "arn:{partition}:cloudtrail:{region}:{account}:trail/{request.trailName}",
	}
	keyIDs = []string{"{resources.ARN?:key/}", "{request.keyId?:key/}", "arn:{partition}:kms:{region}:{account}:key/{request.keyId}"}
)

func sets(on, id string, fields ...string) known {
	return known{on: on, ids: []string{id}, fields: fields}
}
func creates(on, id string) known { return known{on: on, ids: []string{id}, act: Creates} }
func deletes(on, id string) known { return known{on: on, ids: []string{id}, act: Deletes} }

// puts makes a resource, or sets everything of it.
func puts(on, id string) known { return known{on: on, ids: []string{id}, act: Puts, every: true} }

// by is for requests that set only what they name.
func by(on, id string, params map[string]string) known {
	return known{on: on, ids: []string{id}, params: params}
}

// cloudTrail says what an event does, by service and name. Names that are not here have effects that nobody looked up.
var cloudTrail = func() map[string][]known {
	const (
		bucket, block, point  = "aws.s3.bucket", "aws.s3control.account_public_access_block", "aws.s3control.access_point"
		group, acl            = "aws.ec2.security_group", "aws.ec2.network_acl"
		trail, key            = "aws.cloudtrail.trail", "aws.kms.key"
		user, iamGroup, role  = "aws.iam.user", "aws.iam.group", "aws.iam.role"
		policy, inline        = "aws.iam.policy", "aws.iam.inline_policy"
		passwords, federation = "aws.iam.password_policy", "aws.iam.federation"
		certificate           = "aws.iam.server_certificate"
		instance, cluster     = "aws.rds.instance", "aws.rds.cluster"
		dbCopy, clusterCopy   = "aws.rds.snapshot", "aws.rds.cluster_snapshot"
	)
	out := map[string][]known{}
	add := func(service, names string, list ...known) {
		for _, name := range strings.Fields(names) {
			out[service+":"+name] = append(out[service+":"+name], list...)
		}
	}

	// S3
	add("s3", "CreateBucket", creates(bucket, bucketID))
	add("s3", "DeleteBucket", deletes(bucket, bucketID))
	for names, fields := range map[string][]string{
		"PutBucketPolicy DeleteBucketPolicy": {"policy", "policy_status_public"},
		"PutBucketAcl":                       {"acl_grants"},
		"PutBucketPublicAccessBlock DeleteBucketPublicAccessBlock": {"public_access_block", "policy_status_public"},
		"PutBucketOwnershipControls DeleteBucketOwnershipControls": {"object_ownership"},
		"PutBucketEncryption DeleteBucketEncryption":               {"encryption"},
		"PutBucketVersioning": {"versioning", "mfa_delete"},
		"PutBucketLogging":    {"logging"},
		"PutBucketLifecycle PutBucketLifecycleConfiguration":                  {"lifecycle_rules"},
		"DeleteBucketLifecycle":                                               {"lifecycle_rules"},
		"PutBucketReplication DeleteBucketReplication":                        {"replication_rules"},
		"PutBucketObjectLockConfiguration PutObjectLockConfiguration":         {"object_lock"},
		"PutBucketNotification PutBucketNotificationConfiguration":            {"notification_targets", "event_bridge_enabled"},
		"PutBucketTagging DeleteBucketTagging":                                {"tags"},
		"PutBucketAccelerateConfiguration PutAccelerateConfiguration":         {},
		"PutBucketCors DeleteBucketCors PutBucketWebsite DeleteBucketWebsite": {},
		"PutBucketRequestPayment PutBucketMetricsConfiguration":               {},
		"PutBucketInventoryConfiguration PutBucketAnalyticsConfiguration":     {},
		"DeleteBucketInventoryConfiguration DeleteBucketMetricsConfiguration": {},
		"PutBucketIntelligentTieringConfiguration":                            {},
		"DeleteBucketAnalyticsConfiguration":                                  {},
		"DeleteBucketIntelligentTieringConfiguration":                         {},
	} {
		add("s3", names, sets(bucket, bucketID, fields...))
	}
	add("s3", "PutAccountPublicAccessBlock DeleteAccountPublicAccessBlock", known{on: block, ids: []string{accountID}, every: true})
	add("s3", "CreateAccessPoint", creates(point, "arn:{partition}:s3:{region}:{account}:accesspoint/{request.name}"))
	add("s3", "DeleteAccessPoint", deletes(point, "arn:{partition}:s3:{region}:{account}:accesspoint/{request.name}"))

	// EC2 security groups and network ACLs. A group named without its id may be any.
	add("ec2", "CreateSecurityGroup", creates(group, "{response.groupId}"))
	add("ec2", "DeleteSecurityGroup", deletes(group, "{request.groupId}"))
	add("ec2", "AuthorizeSecurityGroupIngress RevokeSecurityGroupIngress UpdateSecurityGroupRuleDescriptionsIngress", sets(group, "{request.groupId}", "ingress"))
	add("ec2", "AuthorizeSecurityGroupEgress RevokeSecurityGroupEgress UpdateSecurityGroupRuleDescriptionsEgress", sets(group, "{request.groupId}", "egress"))
	add("ec2", "ModifySecurityGroupRules", known{on: group, ids: []string{"{request.ModifySecurityGroupRulesRequest.GroupId}", "{request.groupId}"}, fields: []string{"ingress", "egress"}})
	add("ec2", "CreateNetworkAcl", creates(acl, "{response.networkAcl.networkAclId}"))
	add("ec2", "DeleteNetworkAcl", deletes(acl, "{request.networkAclId}"))
	add("ec2", "CreateNetworkAclEntry DeleteNetworkAclEntry ReplaceNetworkAclEntry", sets(acl, "{request.networkAclId}", "entries"))
	add("ec2", "ReplaceNetworkAclAssociation", sets(acl, "", "subnet_ids"))
	for _, on := range []string{group, acl} {
		add("ec2", "CreateTags DeleteTags", sets(on, "{request.resourcesSet.items.resourceId}", "tags", "name"))
	}

	// CloudTrail
	add("cloudtrail", "CreateTrail", known{on: trail, act: Creates, ids: append([]string{"{response.trailARN}"}, trailIDs...)})
	add("cloudtrail", "DeleteTrail", known{on: trail, act: Deletes, ids: trailIDs})
	add("cloudtrail", "UpdateTrail", known{on: trail, ids: trailIDs, params: map[string]string{
		"name": "", "s3KeyPrefix": "", "snsTopicName": "", "cloudWatchLogsRoleArn": "",
		"s3BucketName": "s3_bucket_name", "includeGlobalServiceEvents": "include_global_service_events", "isMultiRegionTrail": "is_multi_region",
		"enableLogFileValidation": "log_file_validation_enabled", "cloudWatchLogsLogGroupArn": "log_group_arn", "kmsKeyId": "kms_key_id",
		"isOrganizationTrail": "is_organization_trail",
	}})
	add("cloudtrail", "StartLogging StopLogging", known{on: trail, ids: trailIDs, fields: []string{"is_logging"}})
	add("cloudtrail", "PutEventSelectors", known{on: trail, ids: trailIDs, fields: []string{"management_events", "excluded_management_sources", "s3_data_events", "lambda_data_events", "bedrock_events"}})
	add("cloudtrail", "PutInsightSelectors", known{on: trail, ids: trailIDs, fields: []string{"insights"}})
	add("cloudtrail", "AddTags RemoveTags", sets(trail, "{request.resourceId}", "tags"))

	// KMS
	add("kms", "CreateKey", known{on: key, act: Creates, ids: []string{"{response.keyMetadata.arn}", "{resources.ARN?:key/}"}})
	add("kms", "DeleteKey", known{on: key, act: Deletes, ids: keyIDs})
	for names, fields := range map[string][]string{
		"EnableKeyRotation DisableKeyRotation":  {"rotation_enabled", "rotation_period_days"},
		"PutKeyPolicy":                          {"policy", "policy_readable"},
		"ScheduleKeyDeletion CancelKeyDeletion": {"state", "deletion_date"},
		"EnableKey DisableKey":                  {"state"},
		"ImportKeyMaterial":                     {"state", "spec", "origin"},
		"DeleteImportedKeyMaterial":             {"state"},
		"UpdateKeyDescription":                  {"description"},
		"CreateAlias DeleteAlias":               {"aliases", "name"},
		"TagResource UntagResource":             {"tags"},
		"ReplicateKey UpdatePrimaryRegion":      {"multi_region"},
		"RotateKey RotateKeyOnDemand":           {},
		"CreateGrant RetireGrant RevokeGrant":   {},
	} {
		add("kms", names, known{on: key, ids: keyIDs, fields: fields})
	}
	add("kms", "UpdateAlias", known{on: key, fields: []string{"aliases", "name"}}) // also of the key that had the alias before

	// IAM
	for service, owner := range map[string]struct{ on, id, made string }{
		"User":  {user, userID, "{response.user.arn}"},
		"Role":  {role, roleID, "{response.role.arn}"},
		"Group": {iamGroup, iamGroupID, "{response.group.arn}"},
	} {
		add("iam", "Create"+service, known{on: owner.on, act: Creates, ids: []string{owner.made, owner.id}})
		add("iam", "Delete"+service, deletes(owner.on, owner.id))
		add("iam", "Attach"+service+"Policy Detach"+service+"Policy", sets(owner.on, owner.id, "attached_policy_arns"), sets(policy, policyID, "attachment_count"))
		add("iam", "Put"+service+"Policy", sets(owner.on, owner.id, "inline_policy_names"), puts(inline, owner.id+"/inline-policy/{request.policyName}"))
		add("iam", "Delete"+service+"Policy", sets(owner.on, owner.id, "inline_policy_names"), deletes(inline, owner.id+"/inline-policy/{request.policyName}"))
		if service != "Group" {
			add("iam", "Put"+service+"PermissionsBoundary Delete"+service+"PermissionsBoundary", sets(owner.on, owner.id, "permissions_boundary_arn"))
			add("iam", "Tag"+service+" Untag"+service, sets(owner.on, owner.id, "tags"))
		}
	}
	// A change of name or path is one resource less and another more.
	add("iam", "UpdateUser", deletes(user, userID), known{on: user, act: Puts, every: true, ids: []string{"arn:{partition}:iam::{account}:user/~{request.newUserName}", userID}})
	add("iam", "UpdateGroup", deletes(iamGroup, iamGroupID), known{on: iamGroup, act: Puts, every: true, ids: []string{"arn:{partition}:iam::{account}:group/~{request.newGroupName}", iamGroupID}})
	add("iam", "AddUserToGroup RemoveUserFromGroup", sets(user, userID, "group_names"), sets(iamGroup, iamGroupID, "member_count"))
	self := []string{userID, "{userIdentity.arn?:user/}"} // who names no user means their own
	add("iam", "CreateAccessKey DeleteAccessKey UpdateAccessKey", known{on: user, ids: self, fields: []string{"access_keys"}})
	add("iam", "CreateLoginProfile DeleteLoginProfile UpdateLoginProfile ChangePassword", known{on: user, ids: self, fields: []string{"password_enabled", "password_changed_at"}})
	add("iam", "EnableMFADevice DeactivateMFADevice", known{on: user, ids: self, fields: []string{"mfa_active"}})
	add("iam", "ResyncMFADevice CreateVirtualMFADevice DeleteVirtualMFADevice CreateInstanceProfile DeleteInstanceProfile", known{})
	add("iam", "CreateServiceLinkedRole", creates(role, "{response.role.arn}"))
	add("iam", "DeleteServiceLinkedRole", deletes(role, roleID))
	add("iam", "UpdateAssumeRolePolicy", sets(role, roleID, "trust_statements"))
	add("iam", "UpdateRole UpdateRoleDescription", sets(role, roleID))
	add("iam", "AddRoleToInstanceProfile RemoveRoleFromInstanceProfile", sets(role, roleID, "instance_profile_arns"))
	add("iam", "CreatePolicy", creates(policy, "{response.policy.arn}"))
	add("iam", "DeletePolicy", deletes(policy, policyID))
	add("iam", "CreatePolicyVersion SetDefaultPolicyVersion", sets(policy, policyID, "default_version_id", "statements"))
	add("iam", "DeletePolicyVersion", sets(policy, policyID))
	add("iam", "TagPolicy UntagPolicy", sets(policy, policyID, "tags"))
	add("iam", "UpdateAccountPasswordPolicy DeleteAccountPasswordPolicy", known{on: passwords, ids: []string{accountID}, every: true})
	add("iam", "CreateSAMLProvider DeleteSAMLProvider", sets(federation, accountID, "saml_provider_count"))
	add("iam", "CreateOpenIDConnectProvider DeleteOpenIDConnectProvider", sets(federation, accountID, "oidc_provider_urls"))
	add("iam", "UploadServerCertificate", creates(certificate, "{response.serverCertificateMetadata.arn}"))
	add("iam", "DeleteServerCertificate", deletes(certificate, "arn:{partition}:iam::{account}:server-certificate/~{request.serverCertificateName}"))

	// RDS. What a request does not apply at once happens later, in an interval that holds no event.
	common := map[string]string{
		"dBInstanceIdentifier": "", "dBClusterIdentifier": "", "applyImmediately": "", "masterUserPassword": "", "allowMajorVersionUpgrade": "",
		"backupRetentionPeriod": "backup_retention_days", "deletionProtection": "deletion_protection", "copyTagsToSnapshot": "copy_tags_to_snapshot",
		"enableIAMDatabaseAuthentication": "iam_auth_enabled", "cloudwatchLogsExportConfiguration": "enabled_log_exports",
		"autoMinorVersionUpgrade": "auto_minor_version_upgrade", "preferredBackupWindow": "", "preferredMaintenanceWindow": "",
	}
	single := maps.Clone(common)
	maps.Copy(single, map[string]string{
		"publiclyAccessible": "publicly_accessible", "multiAZ": "multi_az", "monitoringInterval": "monitoring_interval", "monitoringRoleArn": "",
		"vpcSecurityGroupIds": "security_group_ids", "dBSubnetGroupName": "subnet_ids", "dBPortNumber": "port", "manageMasterUserPassword": "master_secret_managed",
		"cACertificateIdentifier": "ca_certificate_valid_till", "allocatedStorage": "", "maxAllocatedStorage": "", "storageType": "", "iops": "",
		"enablePerformanceInsights": "", "performanceInsightsRetentionPeriod": "",
	})
	add("rds", "CreateDBInstance CreateDBInstanceReadReplica", creates(instance, dbInstanceID))
	add("rds", "DeleteDBInstance", deletes(instance, dbInstanceID))
	add("rds", "ModifyDBInstance", by(instance, dbInstanceID, single))
	add("rds", "RebootDBInstance StartDBInstance StopDBInstance", sets(instance, dbInstanceID, "status", "tls_forced"))
	add("rds", "PromoteReadReplica", sets(instance, dbInstanceID, "read_replica_source", "backup_retention_days", "status"))
	add("rds", "CreateDBCluster", creates(cluster, dbClusterID))
	add("rds", "DeleteDBCluster", deletes(cluster, dbClusterID))
	add("rds", "ModifyDBCluster", by(cluster, dbClusterID, common))
	add("rds", "RebootDBCluster StartDBCluster StopDBCluster", sets(cluster, dbClusterID, "status"))
	add("rds", "CreateDBSnapshot", creates(dbCopy, dbSnapshotID))
	add("rds", "DeleteDBSnapshot", deletes(dbCopy, dbSnapshotID))
	add("rds", "ModifyDBSnapshotAttribute", sets(dbCopy, dbSnapshotID, "public", "shared_account_ids"))
	add("rds", "CreateDBClusterSnapshot", creates(clusterCopy, dbClusterCopy))
	add("rds", "DeleteDBClusterSnapshot", deletes(clusterCopy, dbClusterCopy))
	add("rds", "ModifyDBClusterSnapshotAttribute", sets(clusterCopy, dbClusterCopy, "public", "shared_account_ids"))
	for _, on := range []string{instance, cluster, dbCopy, clusterCopy} {
		add("rds", "AddTagsToResource RemoveTagsFromResource", sets(on, "{request.resourceName}", "tags"))
	}

	for name, list := range out { // names that touch nothing a scan reads
		out[name] = slices.DeleteFunc(list, func(k known) bool { return k.on == "" })
	}
	return out
}()
