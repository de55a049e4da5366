package aws_test

import (
	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	control "github.com/aws/aws-sdk-go-v2/service/s3control/types"
)

// The buckets of the tended account lie behind the account's own block; those of the neglected one do not.
func s3Verdicts() map[string]verdicts {
	return map[string]verdicts{
		"aws-s3-account-public-access-blocked":      {pass: "tended", fail: "neglected"},
		"aws-s3-bucket-access-logging-enabled":      {pass: "guarded near paused", fail: "plain locked bare shut half", exempt: "logs"},
		"aws-s3-bucket-encrypted":                   {pass: "guarded sealed", fail: "plain bare"}, // moto sets no default, as S3 did before 2023
		"aws-s3-bucket-event-notifications-enabled": {pass: "guarded", fail: "plain bare"},
		"aws-s3-bucket-kms-encrypted":               {pass: "guarded", fail: "sealed plain"},
		"aws-s3-bucket-lifecycle-configured":        {pass: "guarded paused", fail: "plain near bare"},
		"aws-s3-bucket-no-public-read":              {pass: "guarded bare shut writable narrow behind-block", fail: "readable listed members"},
		"aws-s3-bucket-no-public-write":             {pass: "guarded bare shut readable listed narrow", fail: "writable written"},
		"aws-s3-bucket-not-public":                  {pass: "guarded plain bare shut half narrow enforced behind-block", fail: "readable writable listed written members"},
		"aws-s3-bucket-object-lock-enabled":         {pass: "locked", fail: "guarded plain bare"},
		"aws-s3-bucket-public-access-blocked":       {pass: "guarded plain behind-block shut", fail: "bare half readable"},
		"aws-s3-bucket-replicated-cross-region":     {pass: "guarded", fail: "near paused plain bare"},
		"aws-s3-bucket-tls-only":                    {pass: "guarded", fail: "plain bare readable partly-tls"},
		"aws-s3-bucket-versioned-with-lifecycle":    {pass: "guarded", fail: "paused near plain bare"},
		"aws-s3-bucket-versioning-enabled":          {pass: "guarded near locked", fail: "paused plain bare"},
	}
}

// buckets makes buckets and applies settings to them.
type buckets struct {
	*builder
	account string
	east    *s3.Client
	west    *s3.Client
}

func buildBuckets(b *builder) {
	tend := buckets{b, tended, s3.NewFromConfig(b.config(tended, east)), s3.NewFromConfig(b.config(tended, west))}
	open := buckets{b, neglected, s3.NewFromConfig(b.config(neglected, east)), nil}
	on := sdk.Bool(true)

	do(b, s3control.NewFromConfig(b.config(tended, east)).PutPublicAccessBlock, &s3control.PutPublicAccessBlockInput{
		AccountId: sdk.String(tended), PublicAccessBlockConfiguration: &control.PublicAccessBlockConfiguration{
			BlockPublicAcls: on, IgnorePublicAcls: on, BlockPublicPolicy: on, RestrictPublicBuckets: on,
		},
	})

	tend.make(tend.east, "logs", false)
	tend.make(tend.west, "replica", false)
	tend.versioning(tend.west, "replica", "Enabled")
	tend.make(tend.east, "twin", false)
	tend.versioning(tend.east, "twin", "Enabled")

	tend.make(tend.east, "guarded", false)
	tend.versioning(tend.east, "guarded", "Enabled")
	tend.logging("guarded", "logs")
	tend.lifecycle("guarded", types.ExpirationStatusEnabled)
	tend.replicate("guarded", "replica", types.ReplicationRuleStatusEnabled)
	tend.policy("guarded", deny(`"Bool":{"aws:SecureTransport":"false"}`, "guarded"))
	tend.encrypt("guarded", types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAwsKms, KMSMasterKeyID: sdk.String("alias/data")})
	do(b, tend.east.PutBucketNotificationConfiguration, &s3.PutBucketNotificationConfigurationInput{
		Bucket: sdk.String("guarded"), SkipDestinationValidation: on, NotificationConfiguration: &types.NotificationConfiguration{
			QueueConfigurations: []types.QueueConfiguration{{
				QueueArn: sdk.String("arn:aws:sqs:us-east-1:" + tended + ":changes"), Events: []types.Event{types.EventS3ObjectCreated},
			}},
		},
	})

	tend.make(tend.east, "trail-data", false)
	tend.logging("trail-data", "logs")
	tend.make(tend.east, "plain", false)
	tend.make(tend.east, "sealed", false)
	tend.encrypt("sealed", types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAes256})
	tend.make(tend.east, "locked", true)

	tend.make(tend.east, "near", false)
	tend.versioning(tend.east, "near", "Enabled")
	tend.logging("near", "logs")
	tend.lifecycle("near", types.ExpirationStatusDisabled)
	tend.replicate("near", "twin", types.ReplicationRuleStatusEnabled)
	tend.make(tend.east, "paused", false)
	tend.versioning(tend.east, "paused", "Enabled") // replication asks for it
	tend.replicate("paused", "replica", types.ReplicationRuleStatusDisabled)
	tend.versioning(tend.east, "paused", "Suspended")
	tend.logging("paused", "logs")
	tend.lifecycle("paused", types.ExpirationStatusEnabled)

	tend.make(tend.east, "behind-block", false)
	tend.policy("behind-block", allow("*", "s3:GetObject", "behind-block", ""))

	tend.make(tend.east, "partly-tls", false) // only reading is refused without TLS
	tend.policy("partly-tls", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:GetObject",
		"Resource":"arn:aws:s3:::partly-tls/*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`)

	open.make(open.east, "bare", false)
	open.make(open.east, "shut", false)
	open.block("shut", on)
	open.make(open.east, "half", false)
	open.block("half", sdk.Bool(false))
	for _, name := range []string{"readable", "writable", "narrow", "listed", "members", "written", "enforced"} {
		open.make(open.east, name, false)
	}
	open.policy("readable", allow("*", "s3:GetObject", "readable", ""))
	open.policy("writable", allow("*", "s3:PutObject", "writable", ""))
	open.policy("narrow", allow("*", "s3:GetObject", "narrow", `"StringEquals":{"aws:SourceVpc":"vpc-0123456789abcdef0"}`))
	open.acl("listed", types.ObjectOwnershipBucketOwnerPreferred, "AllUsers", types.PermissionRead)
	open.acl("members", types.ObjectOwnershipObjectWriter, "AuthenticatedUsers", types.PermissionRead) // anybody with an AWS account
	open.acl("written", types.ObjectOwnershipObjectWriter, "AllUsers", types.PermissionWrite)
	open.acl("enforced", types.ObjectOwnershipBucketOwnerEnforced, "AllUsers", types.PermissionRead)
}

func (b buckets) make(api *s3.Client, name string, lock bool) {
	input := &s3.CreateBucketInput{Bucket: &name, ObjectLockEnabledForBucket: &lock}
	if api == b.west {
		input.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: west}
	}
	do(b.builder, api.CreateBucket, input)
	b.name(name, b.account, "global", "arn:aws:s3:::"+name)
}

func (b buckets) versioning(api *s3.Client, name string, status types.BucketVersioningStatus) {
	do(b.builder, api.PutBucketVersioning, &s3.PutBucketVersioningInput{
		Bucket: &name, VersioningConfiguration: &types.VersioningConfiguration{Status: status},
	})
}

func (b buckets) logging(name, target string) {
	do(b.builder, b.east.PutBucketAcl, &s3.PutBucketAclInput{Bucket: &target, ACL: types.BucketCannedACL("log-delivery-write")})
	do(b.builder, b.east.PutBucketLogging, &s3.PutBucketLoggingInput{
		Bucket: &name, BucketLoggingStatus: &types.BucketLoggingStatus{
			LoggingEnabled: &types.LoggingEnabled{TargetBucket: &target, TargetPrefix: sdk.String(name + "/")},
		},
	})
}

func (b buckets) encrypt(name string, how types.ServerSideEncryptionByDefault) {
	do(b.builder, b.east.PutBucketEncryption, &s3.PutBucketEncryptionInput{
		Bucket: &name, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
			Rules: []types.ServerSideEncryptionRule{{ApplyServerSideEncryptionByDefault: &how}},
		},
	})
}

func (b buckets) lifecycle(name string, status types.ExpirationStatus) {
	do(b.builder, b.east.PutBucketLifecycleConfiguration, &s3.PutBucketLifecycleConfigurationInput{
		Bucket: &name, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{{
			ID: sdk.String("old"), Status: status, Filter: &types.LifecycleRuleFilter{Prefix: sdk.String("")},
			Expiration: &types.LifecycleExpiration{Days: sdk.Int32(400)},
		}}},
	})
}

func (b buckets) replicate(name, to string, status types.ReplicationRuleStatus) {
	do(b.builder, b.east.PutBucketReplication, &s3.PutBucketReplicationInput{
		Bucket: &name, ReplicationConfiguration: &types.ReplicationConfiguration{
			Role: sdk.String("arn:aws:iam::" + b.account + ":role/replication"),
			Rules: []types.ReplicationRule{{
				ID: sdk.String("all"), Status: status, Priority: sdk.Int32(1), Filter: &types.ReplicationRuleFilter{Prefix: sdk.String("")},
				DeleteMarkerReplication: &types.DeleteMarkerReplication{Status: types.DeleteMarkerReplicationStatusDisabled},
				Destination:             &types.Destination{Bucket: sdk.String("arn:aws:s3:::" + to)},
			}},
		},
	})
}

func (b buckets) policy(name, document string) {
	do(b.builder, b.east.PutBucketPolicy, &s3.PutBucketPolicyInput{Bucket: &name, Policy: &document})
}

// block sets the bucket's own block: ACLs always, policies as told.
func (b buckets) block(name string, policies *bool) {
	on := sdk.Bool(true)
	do(b.builder, b.east.PutPublicAccessBlock, &s3.PutPublicAccessBlockInput{
		Bucket: &name, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
			BlockPublicAcls: on, IgnorePublicAcls: on, BlockPublicPolicy: policies, RestrictPublicBuckets: policies,
		},
	})
}

// acl grants a group of S3 a permission and then sets who owns objects, which decides whether ACLs count.
func (b buckets) acl(name string, ownership types.ObjectOwnership, group string, permission types.Permission) {
	do(b.builder, b.east.PutBucketAcl, &s3.PutBucketAclInput{
		Bucket: &name, AccessControlPolicy: &types.AccessControlPolicy{
			Owner: &types.Owner{ID: sdk.String("75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a")},
			Grants: []types.Grant{{
				Grantee:    &types.Grantee{Type: types.TypeGroup, URI: sdk.String("http://acs.amazonaws.com/groups/global/" + group)},
				Permission: permission,
			}},
		},
	})
	do(b.builder, b.east.PutBucketOwnershipControls, &s3.PutBucketOwnershipControlsInput{
		Bucket: &name, OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: ownership}}},
	})
}

func allow(principal, action, bucket, condition string) string {
	if condition != "" {
		condition = `,"Condition":{` + condition + `}`
	}
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"` + principal + `","Action":"` + action +
		`","Resource":"arn:aws:s3:::` + bucket + `/*"` + condition + `}]}`
}

func deny(condition, bucket string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*",
		"Resource":["arn:aws:s3:::` + bucket + `","arn:aws:s3:::` + bucket + `/*"],"Condition":{` + condition + `}}]}`
}
