package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func s3Readers() []collectors.Reader[*client] { return []collectors.Reader[*client]{buckets} }

var buckets = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.BucketType},
	Scope: collectors.Global,
	Operations: []collectors.Operation{
		{Name: "S3.ListBuckets", Permission: "s3:ListAllMyBuckets", Body: collectors.Redact("DisplayName")},
		// HeadBucket needs no permission here: S3 names the bucket's region even when it refuses the call.
		{Name: "S3.HeadBucket", Body: collectors.Store},
		{Name: "S3.GetPublicAccessBlock", Permission: "s3:GetBucketPublicAccessBlock", Body: collectors.Store},
		{Name: "S3.GetBucketPolicy", Permission: "s3:GetBucketPolicy", Body: collectors.Store},
		{Name: "S3.GetBucketPolicyStatus", Permission: "s3:GetBucketPolicyStatus", Body: collectors.Store},
		{Name: "S3.GetBucketAcl", Permission: "s3:GetBucketAcl", Body: collectors.Redact("DisplayName", "EmailAddress")},
		{Name: "S3.GetBucketOwnershipControls", Permission: "s3:GetBucketOwnershipControls", Body: collectors.Store},
		{Name: "S3.GetBucketEncryption", Permission: "s3:GetEncryptionConfiguration", Body: collectors.Store},
		{Name: "S3.GetBucketVersioning", Permission: "s3:GetBucketVersioning", Body: collectors.Store},
		{Name: "S3.GetBucketLogging", Permission: "s3:GetBucketLogging", Body: collectors.Redact("DisplayName", "EmailAddress")},
		{Name: "S3.GetBucketLifecycleConfiguration", Permission: "s3:GetLifecycleConfiguration", Body: collectors.Store},
		{Name: "S3.GetBucketReplication", Permission: "s3:GetReplicationConfiguration", Body: collectors.Store},
		{Name: "S3.GetObjectLockConfiguration", Permission: "s3:GetBucketObjectLockConfiguration", Body: collectors.Store},
		{Name: "S3.GetBucketNotificationConfiguration", Permission: "s3:GetBucketNotification", Body: collectors.Store},
		{Name: "S3.GetBucketTagging", Permission: "s3:GetBucketTagging", Body: collectors.Store},
	},
	Collect: collectBuckets,
}

// collectBuckets lists the account's buckets, which come from all regions, and asks each bucket's own region for its
// settings.
func collectBuckets(ctx context.Context, c *client, emit collectors.Emit) error {
	regions := newBucketRegions(c)
	list := s3.NewListBucketsPaginator(regions.client(c.region), &s3.ListBucketsInput{MaxBuckets: sdk.Int32(1000)})
	var found []types.Bucket
	seen := map[string]bool{}
	listErr := pages(ctx, list, func(page *s3.ListBucketsOutput) error {
		for _, b := range page.Buckets {
			if seen[sdk.ToString(b.Name)] {
				continue // a page offered twice; the transport ends such a list
			}
			seen[sdk.ToString(b.Name)] = true
			found = append(found, b)
			if region := sdk.ToString(b.BucketRegion); region != "" {
				regions.located[sdk.ToString(b.Name)] = location{region: region}
			}
		}
		return nil
	})
	var group errgroup.Group
	group.SetLimit(8)
	for _, b := range found {
		group.Go(func() error {
			emitBucket(ctx, regions, b, emit)
			return nil
		})
	}
	_ = group.Wait() // emitBucket hands its errors over as gaps
	if listErr != nil {
		return fmt.Errorf("list buckets: %w", listErr)
	}
	return nil
}

func emitBucket(ctx context.Context, regions *bucketRegions, listed types.Bucket, emit collectors.Emit) {
	name := sdk.ToString(listed.Name)
	b := &bucketReader{
		regions: regions, name: listed.Name, region: regions.c.region,
		bucket: &schema.Bucket{Meta: posture.Meta{Name: name, CreatedAt: posture.FromPtr(listed.CreationDate)}},
	}
	region, locationErr := regions.of(ctx, name)
	if locationErr == nil {
		b.region = region
	}
	for _, part := range []struct {
		read  func(context.Context) error
		paths []string
	}{
		{b.readPublicAccessBlock, []string{"public_access_block"}},
		{b.readPolicy, []string{"policy"}},
		{b.readPolicyStatus, []string{"policy_status_public"}},
		{b.readACL, []string{"acl_grants"}},
		{b.readOwnership, []string{"object_ownership"}},
		{b.readEncryption, []string{"encryption"}},
		{b.readVersioning, []string{"versioning", "mfa_delete"}},
		{b.readLogging, []string{"logging"}},
		{b.readLifecycle, []string{"lifecycle_rules"}},
		{b.readReplication, []string{"replication_rules"}},
		{b.readObjectLock, []string{"object_lock"}},
		{b.readNotifications, []string{"notification_targets", "event_bridge_enabled"}},
		{b.readTags, []string{"tags"}},
	} {
		if err := part.read(ctx); err != nil {
			b.gaps = append(b.gaps, collectors.Unread(err, part.paths...))
		}
	}
	if locationErr == nil || b.redirected {
		b.bucket.Location = b.region
	} else {
		b.gaps = append(b.gaps, collectors.Unread(locationErr, "location"))
	}
	emit("arn:"+regions.c.partition+":s3:::"+name, b.bucket, b.gaps...)
}

// bucketReader fills one bucket, one call after the other.
type bucketReader struct {
	regions    *bucketRegions
	name       *string
	region     string // asked first
	redirected bool   // S3 named the region itself
	bucket     *schema.Bucket
	gaps       []collectors.Gap
}

// askBucket calls the bucket's region and, when S3 says that the bucket lies in another one, that region, once.
func askBucket[I, O any](ctx context.Context, b *bucketReader, call func(*s3.Client, context.Context, *I, ...func(*s3.Options)) (*O, error), input *I) (*O, error) {
	answer, err := call(b.regions.client(b.region), ctx, input)
	if region := regionInAnswer(err); region != "" && region != b.region &&
		hasCode(err, "PermanentRedirect", "AuthorizationHeaderMalformed") {
		b.region, b.redirected = region, true
		return call(b.regions.client(region), ctx, input)
	}
	return answer, err
}

func (b *bucketReader) readPublicAccessBlock(ctx context.Context) error {
	answer, err := askBucket(ctx, b, (*s3.Client).GetPublicAccessBlock, &s3.GetPublicAccessBlockInput{Bucket: b.name})
	switch {
	case hasCode(err, "NoSuchPublicAccessBlockConfiguration"):
		return nil
	case err != nil:
		return err
	case answer.PublicAccessBlockConfiguration == nil:
		return missing("S3.GetPublicAccessBlock", "PublicAccessBlockConfiguration")
	}
	p := answer.PublicAccessBlockConfiguration
	b.bucket.PublicAccessBlock = schema.PublicAccessBlock{
		BlockPublicACLs: sdk.ToBool(p.BlockPublicAcls), IgnorePublicACLs: sdk.ToBool(p.IgnorePublicAcls),
		BlockPublicPolicy: sdk.ToBool(p.BlockPublicPolicy), RestrictPublicBuckets: sdk.ToBool(p.RestrictPublicBuckets),
	}
	return nil
}

func (b *bucketReader) readPolicy(ctx context.Context) error {
	answer, err := askBucket(ctx, b, (*s3.Client).GetBucketPolicy, &s3.GetBucketPolicyInput{Bucket: b.name})
	switch {
	case hasCode(err, "NoSuchBucketPolicy"):
		return nil
	case err != nil:
		return err
	case sdk.ToString(answer.Policy) == "":
		return missing("S3.GetBucketPolicy", "the policy")
	}
	b.bucket.Policy = *answer.Policy
	return nil
}

func (b *bucketReader) readPolicyStatus(ctx context.Context) error {
	answer, err := askBucket(ctx, b, (*s3.Client).GetBucketPolicyStatus, &s3.GetBucketPolicyStatusInput{Bucket: b.name})
	switch {
	case hasCode(err, "NoSuchBucketPolicy"):
		return nil
	case err != nil:
		return err
	case answer.PolicyStatus == nil || answer.PolicyStatus.IsPublic == nil:
		return missing("S3.GetBucketPolicyStatus", "IsPublic")
	}
	b.bucket.PolicyStatusPublic = *answer.PolicyStatus.IsPublic
	return nil
}

// readACL keeps groups by URI and accounts by canonical id; names and addresses are dropped.
func (b *bucketReader) readACL(ctx context.Context) error {
	answer, err := askBucket(ctx, b, (*s3.Client).GetBucketAcl, &s3.GetBucketAclInput{Bucket: b.name})
	if err != nil {
		return err
	}
	if answer.Owner == nil && answer.Grants == nil { // an ACL may be empty, but it has an owner
		return missing("S3.GetBucketAcl", "AccessControlList")
	}
	for _, g := range answer.Grants {
		if g.Grantee == nil {
			return missing("S3.GetBucketAcl", "Grantee")
		}
		b.bucket.ACLGrants = append(b.bucket.ACLGrants, schema.ACLGrant{
			Grantee:    cmp.Or(sdk.ToString(g.Grantee.URI), sdk.ToString(g.Grantee.ID), string(g.Grantee.Type)),
			Permission: string(g.Permission),
		})
	}
	return nil
}

func (b *bucketReader) readOwnership(ctx context.Context) error {
	answer, err := askBucket(ctx, b, (*s3.Client).GetBucketOwnershipControls, &s3.GetBucketOwnershipControlsInput{Bucket: b.name})
	switch {
	case hasCode(err, "OwnershipControlsNotFoundError"):
		return nil
	case err != nil:
		return err
	case answer.OwnershipControls == nil || len(answer.OwnershipControls.Rules) == 0:
		return missing("S3.GetBucketOwnershipControls", "Rule")
	}
	b.bucket.ObjectOwnership = string(answer.OwnershipControls.Rules[0].ObjectOwnership)
	return nil
}

func (b *bucketReader) readEncryption(ctx context.Context) error {
	answer, err := askBucket(ctx, b, (*s3.Client).GetBucketEncryption, &s3.GetBucketEncryptionInput{Bucket: b.name})
	switch {
	case hasCode(err, "ServerSideEncryptionConfigurationNotFoundError"):
		return nil
	case err != nil:
		return err
	case answer.ServerSideEncryptionConfiguration == nil || len(answer.ServerSideEncryptionConfiguration.Rules) == 0:
		return missing("S3.GetBucketEncryption", "Rule")
	}
	for _, r := range answer.ServerSideEncryptionConfiguration.Rules {
		if byDefault := r.ApplyServerSideEncryptionByDefault; byDefault != nil {
			b.bucket.Encryption = schema.BucketEncryption{
				Algorithm:        string(byDefault.SSEAlgorithm),
				KMSKeyID:         sdk.ToString(byDefault.KMSMasterKeyID),
				BucketKeyEnabled: sdk.ToBool(r.BucketKeyEnabled),
			}
		}
	}
	return nil
}

func (b *bucketReader) readVersioning(ctx context.Context) error {
	answer, err := askBucket(ctx, b, (*s3.Client).GetBucketVersioning, &s3.GetBucketVersioningInput{Bucket: b.name})
	if err != nil {
		return err
	}
	b.bucket.Versioning = string(answer.Status)
	b.bucket.MFADelete = answer.MFADelete == types.MFADeleteStatusEnabled
	return nil
}

func (b *bucketReader) readLogging(ctx context.Context) error {
	answer, err := askBucket(ctx, b, (*s3.Client).GetBucketLogging, &s3.GetBucketLoggingInput{Bucket: b.name})
	if err != nil {
		return err
	}
	if to := answer.LoggingEnabled; to != nil { // absent: logging is off
		b.bucket.Logging = schema.BucketLogging{TargetBucket: sdk.ToString(to.TargetBucket), TargetPrefix: sdk.ToString(to.TargetPrefix)}
	}
	return nil
}

func (b *bucketReader) readLifecycle(ctx context.Context) error {
	answer, err := askBucket(ctx, b, (*s3.Client).GetBucketLifecycleConfiguration, &s3.GetBucketLifecycleConfigurationInput{Bucket: b.name})
	switch {
	case hasCode(err, "NoSuchLifecycleConfiguration"):
		return nil
	case err != nil:
		return err
	case len(answer.Rules) == 0:
		return missing("S3.GetBucketLifecycleConfiguration", "Rule")
	}
	for _, r := range answer.Rules {
		b.bucket.LifecycleRules = append(b.bucket.LifecycleRules, schema.LifecycleRule{
			ID:      sdk.ToString(r.ID),
			Enabled: r.Status == types.ExpirationStatusEnabled,
			// An expiration that only removes delete markers expires nothing.
			ExpiresCurrent:    r.Expiration != nil && (sdk.ToInt32(r.Expiration.Days) > 0 || r.Expiration.Date != nil),
			ExpiresNoncurrent: r.NoncurrentVersionExpiration != nil,
		})
	}
	return nil
}

// readReplication looks up the region of each destination: buckets of other accounts are in no list.
func (b *bucketReader) readReplication(ctx context.Context) error {
	answer, err := askBucket(ctx, b, (*s3.Client).GetBucketReplication, &s3.GetBucketReplicationInput{Bucket: b.name})
	switch {
	case hasCode(err, "ReplicationConfigurationNotFoundError"):
		return nil
	case err != nil:
		return err
	case answer.ReplicationConfiguration == nil || len(answer.ReplicationConfiguration.Rules) == 0:
		return missing("S3.GetBucketReplication", "Rule")
	}
	for _, r := range answer.ReplicationConfiguration.Rules {
		if r.Destination == nil {
			return missing("S3.GetBucketReplication", "Destination")
		}
		rule := schema.ReplicationRule{
			ID:                   sdk.ToString(r.ID),
			Enabled:              r.Status == types.ReplicationRuleStatusEnabled,
			DestinationBucketARN: sdk.ToString(r.Destination.Bucket),
		}
		if rule.DestinationRegion, err = b.regions.of(ctx, arnParts(rule.DestinationBucketARN, 6)); err != nil {
			b.gaps = append(b.gaps, collectors.Unread(err, "replication_rules["+rule.ID+"].destination_region"))
		}
		b.bucket.ReplicationRules = append(b.bucket.ReplicationRules, rule)
	}
	return nil
}

func (b *bucketReader) readObjectLock(ctx context.Context) error {
	answer, err := askBucket(ctx, b, (*s3.Client).GetObjectLockConfiguration, &s3.GetObjectLockConfigurationInput{Bucket: b.name})
	switch {
	case hasCode(err, "ObjectLockConfigurationNotFoundError"):
		return nil
	case err != nil:
		return err
	case answer.ObjectLockConfiguration == nil:
		return missing("S3.GetObjectLockConfiguration", "ObjectLockConfiguration")
	}
	lock := &b.bucket.ObjectLock
	lock.Enabled = answer.ObjectLockConfiguration.ObjectLockEnabled == types.ObjectLockEnabledEnabled
	if rule := answer.ObjectLockConfiguration.Rule; rule != nil && rule.DefaultRetention != nil {
		lock.DefaultMode = string(rule.DefaultRetention.Mode)
		switch { // a period is in days or in years, never both
		case rule.DefaultRetention.Days != nil:
			lock.DefaultRetentionDays = posture.Some(int64(*rule.DefaultRetention.Days))
		case rule.DefaultRetention.Years != nil:
			lock.DefaultRetentionDays = posture.Some(365 * int64(*rule.DefaultRetention.Years))
		}
	}
	return nil
}

func (b *bucketReader) readNotifications(ctx context.Context) error {
	answer, err := askBucket(ctx, b, (*s3.Client).GetBucketNotificationConfiguration, &s3.GetBucketNotificationConfigurationInput{Bucket: b.name})
	if err != nil {
		return err
	}
	b.bucket.NotificationTargets = int64(len(answer.TopicConfigurations) + len(answer.QueueConfigurations) + len(answer.LambdaFunctionConfigurations))
	b.bucket.EventBridgeEnabled = answer.EventBridgeConfiguration != nil
	return nil
}

func (b *bucketReader) readTags(ctx context.Context) error {
	answer, err := askBucket(ctx, b, (*s3.Client).GetBucketTagging, &s3.GetBucketTaggingInput{Bucket: b.name})
	if hasCode(err, "NoSuchTagSet") {
		return nil
	}
	if err != nil {
		return err
	}
	b.bucket.Tags = map[string]string{}
	for _, t := range answer.TagSet {
		b.bucket.Tags[sdk.ToString(t.Key)] = sdk.ToString(t.Value)
	}
	return nil
}

// bucketRegions keeps one client per region, and what is known of where buckets lie.
type bucketRegions struct {
	c *client

	mu      sync.Mutex // guards clients
	clients map[string]*s3.Client

	asking  sync.Mutex // guards located, and lets each bucket be asked for once
	located map[string]location
}

type location struct {
	region string
	err    error
}

func newBucketRegions(c *client) *bucketRegions {
	return &bucketRegions{c: c, clients: map[string]*s3.Client{}, located: map[string]location{}}
}

func (r *bucketRegions) client(region string) *s3.Client {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.clients[region] == nil {
		r.clients[region] = s3.NewFromConfig(r.c.in(region).config)
	}
	return r.clients[region]
}

// of returns the region of a bucket, of this account or another: from the list, else from the answer to a HeadBucket,
// which names it even when the call is refused or was sent to the wrong region.
func (r *bucketRegions) of(ctx context.Context, bucket string) (string, error) {
	r.asking.Lock()
	defer r.asking.Unlock()
	known, found := r.located[bucket]
	if !found {
		answer, err := r.client(r.c.region).HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket})
		switch region := regionInAnswer(err); {
		case err == nil && sdk.ToString(answer.BucketRegion) != "":
			known.region = *answer.BucketRegion
		case err == nil:
			known.err = missing("S3.HeadBucket", "x-amz-bucket-region")
		case region != "" && !hasCode(err, "NotFound"):
			known.region = region
		default:
			known.err = err
		}
		r.located[bucket] = known
	}
	return known.region, known.err
}

// regionInAnswer returns the bucket region that S3 names in the header of a refusal, "" when it names none.
func regionInAnswer(err error) string {
	var answered *smithyhttp.ResponseError
	if !errors.As(err, &answered) || answered.Response == nil {
		return ""
	}
	return strings.TrimSpace(answered.Response.Header.Get("X-Amz-Bucket-Region"))
}
