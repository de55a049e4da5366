package account

import (
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	controltypes "github.com/aws/aws-sdk-go-v2/service/s3control/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Buckets are in the home region; the first is the one that logs are written to.
var s3Service = service{
	kinds: []world.Kind{
		{
			Name: "s3control.block", Global: true, Count: 1, Fixed: true, Defects: []world.Defect{{Name: "off", Share: 0.3, Drift: 0.3}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return posture.Key{Type: "aws.s3control.account_public_access_block", Region: posture.Global, ID: it.Account.ID}, map[string]posture.Result{
					"aws-s3-account-public-access-blocked": failIf(it.Has("off"))}
			},
		},
		{
			Name: "s3.bucket", Global: true, Count: 6,
			Defects: []world.Defect{
				{Name: "no-block", Share: 0.2, Drift: 0.15}, {Name: "acl-read", Drift: 0.15}, {Name: "acl-write", Drift: 0.1}, {Name: "policy-public", Share: 0.05, Drift: 0.15},
				{Name: "no-tls", Share: 0.2, Drift: 0.1}, {Name: "sse-s3", Share: 0.4}, {Name: "no-versioning", Share: 0.2, Drift: 0.1}, {Name: "no-lifecycle", Share: 0.4},
				{Name: "no-access-log", Share: 0.2, Drift: 0.1}, {Name: "no-lock", Share: 0.6}, {Name: "no-replication", Share: 0.6}, {Name: "no-events", Share: 0.4},
			},
			Expect: expectBucket,
		},
	},
	handle: func(s *aws.Server, w *states) {
		handleS3(s, w)
		handleS3Policies(s, w)
		handleS3Control(s, w)
	},
}

func bucketName(it *world.Item) string {
	if it.Index == 0 {
		return logBucket(it.Account)
	}
	return it.Name() + "-" + it.Account.ID
}

// open reports whether neither the bucket nor the account blocks public access.
func open(s *world.State, it *world.Item) bool {
	return it.Has("no-block") && s.Items("s3control.block")[0].Has("off")
}

// publicBucket reports whether strangers get at the bucket in any way.
func publicBucket(s *world.State, it *world.Item) bool {
	return open(s, it) && (it.Has("acl-read") || it.Has("acl-write") || it.Has("policy-public"))
}

func expectBucket(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
	log := failIf(it.Has("no-access-log"))
	if it.Index == 0 {
		log = posture.DoesNotApply
	}
	return posture.Key{Type: "aws.s3.bucket", Region: posture.Global, ID: "arn:aws:s3:::" + bucketName(it)}, map[string]posture.Result{
		"aws-s3-bucket-public-access-blocked":       failIf(open(s, it)),
		"aws-s3-bucket-not-public":                  failIf(publicBucket(s, it)),
		"aws-s3-bucket-no-public-read":              failIf(open(s, it) && (it.Has("acl-read") || it.Has("policy-public"))),
		"aws-s3-bucket-no-public-write":             failIf(open(s, it) && it.Has("acl-write")),
		"aws-s3-bucket-tls-only":                    failIf(it.Has("no-tls")),
		"aws-s3-bucket-encrypted":                   posture.Pass,
		"aws-s3-bucket-kms-encrypted":               failIf(it.Index == 0 || it.Has("sse-s3")),
		"aws-s3-bucket-versioning-enabled":          failIf(it.Has("no-versioning")),
		"aws-s3-bucket-lifecycle-configured":        failIf(it.Has("no-lifecycle")),
		"aws-s3-bucket-versioned-with-lifecycle":    failIf(it.Has("no-versioning") || it.Has("no-lifecycle")),
		"aws-s3-bucket-access-logging-enabled":      log,
		"aws-s3-bucket-object-lock-enabled":         failIf(it.Has("no-lock")),
		"aws-s3-bucket-replicated-cross-region":     failIf(it.Has("no-replication")),
		"aws-s3-bucket-event-notifications-enabled": failIf(it.Has("no-events")),
	}
}

// bucket is the bucket of that name, or S3's error for one that does not exist.
func bucket[In any](w *states, c aws.Call[In], name *string) (*world.Item, error) {
	for _, it := range at(w, c).Items("s3.bucket") {
		if bucketName(it) == sdk.ToString(name) {
			return it, nil
		}
	}
	return nil, notFound("NoSuchBucket")
}

func handleS3(s *aws.Server, w *states) {
	aws.Handle(s, func(c aws.Call[*s3.ListBucketsInput]) (*s3.ListBucketsOutput, error) {
		out := &s3.ListBucketsOutput{Owner: &types.Owner{ID: sdk.String("owner")}}
		state := at(w, c)
		for _, it := range state.Items("s3.bucket") {
			out.Buckets = append(out.Buckets, types.Bucket{Name: sdk.String(bucketName(it)), BucketRegion: sdk.String(it.Account.Home()), CreationDate: sdk.Time(state.Long(it, 300))})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*s3.HeadBucketInput]) (*s3.HeadBucketOutput, error) {
		if strings.HasPrefix(sdk.ToString(c.Input.Bucket), "replica-") { // in an account of its own, far away
			return &s3.HeadBucketOutput{BucketRegion: sdk.String("us-west-2")}, nil
		}
		if _, err := bucket(w, c, c.Input.Bucket); err != nil {
			return nil, err
		}
		return &s3.HeadBucketOutput{BucketRegion: sdk.String(at(w, c).Account.Home())}, nil
	})
	aws.Handle(s, func(c aws.Call[*s3.GetBucketEncryptionInput]) (*s3.GetBucketEncryptionOutput, error) {
		it, err := bucket(w, c, c.Input.Bucket)
		if err != nil {
			return nil, err
		}
		rule := types.ServerSideEncryptionRule{BucketKeyEnabled: sdk.Bool(true), ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAwsKms, KMSMasterKeyID: sdk.String(it.ARN("kms", it.Account.Home(), "key/s3"))}}
		if it.Index == 0 || it.Has("sse-s3") {
			rule = types.ServerSideEncryptionRule{BucketKeyEnabled: sdk.Bool(false), ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAes256}}
		}
		return &s3.GetBucketEncryptionOutput{ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{rule}}}, nil
	})
	aws.Handle(s, func(c aws.Call[*s3.GetBucketVersioningInput]) (*s3.GetBucketVersioningOutput, error) {
		it, err := bucket(w, c, c.Input.Bucket)
		if err != nil || it.Has("no-versioning") {
			return &s3.GetBucketVersioningOutput{}, err
		}
		return &s3.GetBucketVersioningOutput{Status: types.BucketVersioningStatusEnabled}, nil
	})
	aws.Handle(s, func(c aws.Call[*s3.GetBucketLoggingInput]) (*s3.GetBucketLoggingOutput, error) {
		it, err := bucket(w, c, c.Input.Bucket)
		if err != nil || it.Has("no-access-log") {
			return &s3.GetBucketLoggingOutput{}, err
		}
		target := logBucket(it.Account)
		if it.Index == 0 { // the security account keeps the log of the log
			target = "access-logs-999900001111"
		}
		return &s3.GetBucketLoggingOutput{LoggingEnabled: &types.LoggingEnabled{TargetBucket: sdk.String(target), TargetPrefix: sdk.String(bucketName(it) + "/")}}, nil
	})
	aws.Handle(s, func(c aws.Call[*s3.GetBucketLifecycleConfigurationInput]) (*s3.GetBucketLifecycleConfigurationOutput, error) {
		it, err := bucket(w, c, c.Input.Bucket)
		if err != nil {
			return nil, err
		}
		if it.Has("no-lifecycle") {
			return nil, notFound("NoSuchLifecycleConfiguration")
		}
		return &s3.GetBucketLifecycleConfigurationOutput{Rules: []types.LifecycleRule{{ID: sdk.String("expire"), Status: types.ExpirationStatusEnabled, Expiration: &types.LifecycleExpiration{Days: sdk.Int32(730)}, Filter: &types.LifecycleRuleFilter{Prefix: sdk.String("")}}}}, nil
	})
	aws.Handle(s, func(c aws.Call[*s3.GetBucketReplicationInput]) (*s3.GetBucketReplicationOutput, error) {
		it, err := bucket(w, c, c.Input.Bucket)
		if err != nil {
			return nil, err
		}
		if it.Has("no-replication") {
			return nil, notFound("ReplicationConfigurationNotFoundError")
		}
		return &s3.GetBucketReplicationOutput{ReplicationConfiguration: &types.ReplicationConfiguration{Role: sdk.String(it.ARN("iam", "", "role/replication")), Rules: []types.ReplicationRule{{
			ID: sdk.String("all"), Status: types.ReplicationRuleStatusEnabled, Priority: sdk.Int32(1), Destination: &types.Destination{Bucket: sdk.String("arn:aws:s3:::replica-" + it.Account.ID)}}}}}, nil
	})
	aws.Handle(s, func(c aws.Call[*s3.GetObjectLockConfigurationInput]) (*s3.GetObjectLockConfigurationOutput, error) {
		it, err := bucket(w, c, c.Input.Bucket)
		if err != nil {
			return nil, err
		}
		if it.Has("no-lock") {
			return nil, notFound("ObjectLockConfigurationNotFoundError")
		}
		return &s3.GetObjectLockConfigurationOutput{ObjectLockConfiguration: &types.ObjectLockConfiguration{ObjectLockEnabled: types.ObjectLockEnabledEnabled,
			Rule: &types.ObjectLockRule{DefaultRetention: &types.DefaultRetention{Mode: types.ObjectLockRetentionModeGovernance, Days: sdk.Int32(30)}}}}, nil
	})
	aws.Handle(s, func(c aws.Call[*s3.GetBucketNotificationConfigurationInput]) (*s3.GetBucketNotificationConfigurationOutput, error) {
		it, err := bucket(w, c, c.Input.Bucket)
		if err != nil || it.Has("no-events") {
			return &s3.GetBucketNotificationConfigurationOutput{}, err
		}
		return &s3.GetBucketNotificationConfigurationOutput{EventBridgeConfiguration: &types.EventBridgeConfiguration{}}, nil
	})
	aws.Handle(s, func(c aws.Call[*s3.GetBucketTaggingInput]) (*s3.GetBucketTaggingOutput, error) {
		it, err := bucket(w, c, c.Input.Bucket)
		if err != nil {
			return nil, err
		}
		if it.Pick(2, "tags") == 0 {
			return nil, notFound("NoSuchTagSet")
		}
		return &s3.GetBucketTaggingOutput{TagSet: []types.Tag{{Key: sdk.String("team"), Value: sdk.String(it.Name())}}}, nil
	})
}

func handleS3Policies(s *aws.Server, w *states) {
	aws.Handle(s, func(c aws.Call[*s3.GetPublicAccessBlockInput]) (*s3.GetPublicAccessBlockOutput, error) {
		it, err := bucket(w, c, c.Input.Bucket)
		if err != nil {
			return nil, err
		}
		if it.Has("no-block") {
			return nil, notFound("NoSuchPublicAccessBlockConfiguration")
		}
		on := sdk.Bool(true)
		return &s3.GetPublicAccessBlockOutput{PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{BlockPublicAcls: on, IgnorePublicAcls: on, BlockPublicPolicy: on, RestrictPublicBuckets: on}}, nil
	})
	aws.Handle(s, func(c aws.Call[*s3.GetBucketPolicyInput]) (*s3.GetBucketPolicyOutput, error) {
		it, err := bucket(w, c, c.Input.Bucket)
		if err != nil {
			return nil, err
		}
		var statements []string
		arn := "arn:aws:s3:::" + bucketName(it)
		if !it.Has("no-tls") {
			statements = append(statements, `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["`+arn+`","`+arn+`/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}`)
		}
		if it.Has("policy-public") {
			statements = append(statements, `{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"`+arn+`/*"}`)
		}
		if statements == nil {
			return nil, notFound("NoSuchBucketPolicy")
		}
		return &s3.GetBucketPolicyOutput{Policy: sdk.String(`{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`)}, nil
	})
	aws.Handle(s, func(c aws.Call[*s3.GetBucketPolicyStatusInput]) (*s3.GetBucketPolicyStatusOutput, error) {
		it, err := bucket(w, c, c.Input.Bucket)
		if err != nil {
			return nil, err
		}
		if it.Has("no-tls") && !it.Has("policy-public") {
			return nil, notFound("NoSuchBucketPolicy")
		}
		return &s3.GetBucketPolicyStatusOutput{PolicyStatus: &types.PolicyStatus{IsPublic: sdk.Bool(it.Has("policy-public"))}}, nil
	})
	aws.Handle(s, func(c aws.Call[*s3.GetBucketAclInput]) (*s3.GetBucketAclOutput, error) {
		it, err := bucket(w, c, c.Input.Bucket)
		if err != nil {
			return nil, err
		}
		everyone := &types.Grantee{Type: types.TypeGroup, URI: sdk.String("http://acs.amazonaws.com/groups/global/AllUsers")}
		out := &s3.GetBucketAclOutput{Owner: &types.Owner{ID: sdk.String("owner")}, Grants: []types.Grant{{Grantee: &types.Grantee{Type: types.TypeCanonicalUser, ID: sdk.String("owner")}, Permission: types.PermissionFullControl}}}
		if it.Has("acl-read") {
			out.Grants = append(out.Grants, types.Grant{Grantee: everyone, Permission: types.PermissionRead})
		}
		if it.Has("acl-write") {
			out.Grants = append(out.Grants, types.Grant{Grantee: everyone, Permission: types.PermissionWrite})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*s3.GetBucketOwnershipControlsInput]) (*s3.GetBucketOwnershipControlsOutput, error) {
		it, err := bucket(w, c, c.Input.Bucket)
		if err != nil {
			return nil, err
		}
		ownership := types.ObjectOwnershipBucketOwnerEnforced
		if it.Has("acl-read") || it.Has("acl-write") {
			ownership = types.ObjectOwnershipObjectWriter
		}
		return &s3.GetBucketOwnershipControlsOutput{OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: ownership}}}}, nil
	})
}

func handleS3Control(s *aws.Server, w *states) {
	aws.Handle(s, func(c aws.Call[*s3control.GetPublicAccessBlockInput]) (*s3control.GetPublicAccessBlockOutput, error) {
		if at(w, c).Items("s3control.block")[0].Has("off") {
			return nil, notFound("NoSuchPublicAccessBlockConfiguration")
		}
		on := sdk.Bool(true)
		return &s3control.GetPublicAccessBlockOutput{PublicAccessBlockConfiguration: &controltypes.PublicAccessBlockConfiguration{BlockPublicAcls: on, IgnorePublicAcls: on, BlockPublicPolicy: on, RestrictPublicBuckets: on}}, nil
	})
	point := func(state *world.State, region string) *world.Item {
		if it := state.Items("s3.bucket")[0]; it.Account.Home() == region {
			return it
		}
		return nil
	}
	aws.Handle(s, func(c aws.Call[*s3control.ListAccessPointsInput]) (*s3control.ListAccessPointsOutput, error) {
		out := &s3control.ListAccessPointsOutput{AccessPointList: []controltypes.AccessPoint{}}
		if it := point(at(w, c), c.Region); it != nil {
			out.AccessPointList = []controltypes.AccessPoint{{Name: sdk.String("analysts"), Bucket: sdk.String(bucketName(it)), NetworkOrigin: controltypes.NetworkOriginInternet, AccessPointArn: sdk.String(it.ARN("s3", c.Region, "accesspoint/analysts"))}}
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*s3control.GetAccessPointInput]) (*s3control.GetAccessPointOutput, error) {
		it := point(at(w, c), c.Region)
		if it == nil {
			return nil, notFound("NoSuchAccessPoint")
		}
		on := sdk.Bool(true)
		return &s3control.GetAccessPointOutput{Name: sdk.String("analysts"), Bucket: sdk.String(bucketName(it)), NetworkOrigin: controltypes.NetworkOriginInternet, CreationDate: sdk.Time(at(w, c).Long(it, 50)),
			PublicAccessBlockConfiguration: &controltypes.PublicAccessBlockConfiguration{BlockPublicAcls: on, IgnorePublicAcls: on, BlockPublicPolicy: on, RestrictPublicBuckets: on}}, nil
	})
}
