package aws

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

const everyone = "http://acs.amazonaws.com/groups/global/AllUsers"

// bucket is the bucket "data" in eu-west-1 as change leaves it; refused names what could not be read of it.
func bucket(change func(*schema.Bucket), refused ...string) *posture.Resource {
	b := &schema.Bucket{Meta: posture.Meta{Name: "data"}, Location: "eu-west-1", ObjectOwnership: "BucketOwnerEnforced"}
	if change != nil {
		change(b)
	}
	return resource(schema.BucketType, "arn:aws:s3:::"+b.Name, b, refused...)
}

func accountBlock(block schema.PublicAccessBlock, refused ...string) *posture.Resource {
	return resource(schema.AccountPublicAccessBlockType, account, &schema.AccountPublicAccessBlock{PublicAccessBlock: block}, refused...)
}

func TestBucketAccess(t *testing.T) {
	grants := func(permission string) func(*schema.Bucket) {
		return func(b *schema.Bucket) {
			b.ObjectOwnership = "ObjectWriter"
			b.ACLGrants = []schema.ACLGrant{{Grantee: "b1c2", Permission: "FULL_CONTROL"}, {Grantee: everyone, Permission: permission}}
		}
	}
	policy := func(public bool, statements string) func(*schema.Bucket) {
		return func(b *schema.Bucket) {
			b.PolicyStatusPublic = public
			b.Policy = `{"Version":"2012-10-17","Statement":[` + statements + `]}`
		}
	}
	open := accountBlock(schema.PublicAccessBlock{})
	const readers = `{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::data/*"}`
	check(t, map[string]derivation{
		"a flag on the bucket alone is in effect": {
			resources: []*posture.Resource{bucket(func(b *schema.Bucket) { b.PublicAccessBlock.BlockPublicPolicy = true }), open},
			want:      map[string]any{"effective_block.block_public_policy": true, "effective_block.block_public_acls": false},
		},
		"a flag on the account is in effect whatever the bucket's refused block says": {
			resources: []*posture.Resource{bucket(nil, "public_access_block"), accountBlock(schema.PublicAccessBlock{IgnorePublicACLs: true})},
			want: map[string]any{
				"effective_block.ignore_public_acls": true,
				"effective_block.block_public_acls":  "unread: read public_access_block",
			},
		},
		"the account's refused block matters only to flags the bucket has not set": {
			resources: []*posture.Resource{
				bucket(func(b *schema.Bucket) { b.PublicAccessBlock.IgnorePublicACLs = true }),
				accountBlock(schema.PublicAccessBlock{}, "ignore_public_acls", "block_public_acls"),
			},
			want: map[string]any{
				"effective_block.ignore_public_acls": true,
				"effective_block.block_public_acls":  "unread: read block_public_acls",
			},
		},
		"an account whose block is in no list leaves the flags unread": {
			refused:   []*posture.Type{schema.AccountPublicAccessBlockType},
			resources: []*posture.Resource{bucket(nil)},
			want: map[string]any{
				"effective_block.block_public_acls": "unread: list aws.s3control.account_public_access_block",
				"effective_public":                  false, // ACLs are off and there is no policy: no block could change that
			},
		},
		"a grant to everyone is public while ACLs are on": {
			resources: []*posture.Resource{bucket(grants("READ")), open},
			want:      map[string]any{"acl_public_read": true, "acl_public_write": false, "effective_public": true},
		},
		"a grant of WRITE_ACP lets everyone write": {
			resources: []*posture.Resource{bucket(grants("WRITE_ACP")), open},
			want:      map[string]any{"acl_public_read": false, "acl_public_write": true, "effective_public": true},
		},
		"a grant to everyone means nothing where ACLs are off": {
			resources: []*posture.Resource{bucket(func(b *schema.Bucket) {
				grants("FULL_CONTROL")(b)
				b.ObjectOwnership = "BucketOwnerEnforced"
			}), open},
			want: map[string]any{"acl_public_read": false, "acl_public_write": false, "effective_public": false},
		},
		"a refused ACL does not matter where ACLs are off": {
			resources: []*posture.Resource{bucket(nil, "acl_grants"), open},
			want:      map[string]any{"acl_public_read": false, "effective_public": false},
		},
		"a refused ACL matters where ACLs are on": {
			resources: []*posture.Resource{bucket(func(b *schema.Bucket) { b.ObjectOwnership = "ObjectWriter" }, "acl_grants"), open},
			want:      map[string]any{"acl_public_read": "unread: read acl_grants", "effective_public": "unread: read acl_grants"},
		},
		"ignored ACLs make a public grant harmless": {
			resources: []*posture.Resource{bucket(grants("READ")), accountBlock(schema.PublicAccessBlock{IgnorePublicACLs: true})},
			want:      map[string]any{"acl_public_read": true, "effective_public": false},
		},
		"a public policy is public": {
			resources: []*posture.Resource{bucket(policy(true, readers)), open},
			want:      map[string]any{"policy_public_read": true, "policy_public_write": false, "effective_public": true},
		},
		"a restricted public policy is not": {
			resources: []*posture.Resource{bucket(policy(true, readers)), accountBlock(schema.PublicAccessBlock{RestrictPublicBuckets: true})},
			want:      map[string]any{"policy_public_read": true, "effective_public": false},
		},
		"a policy that S3 does not call public is not, even when its text is refused": {
			resources: []*posture.Resource{bucket(nil, "policy"), open},
			want:      map[string]any{"policy_public_read": false, "effective_public": false, "tls_only": "unread: read policy"},
		},
		"a policy status that is refused matters to a text open to everyone": {
			resources: []*posture.Resource{bucket(policy(false, readers), "policy_status_public"), open},
			want: map[string]any{
				"policy_public_read":  "unread: read policy_status_public",
				"policy_public_write": false,
				"effective_public":    "unread: read policy_status_public",
			},
		},
		"a policy that cannot be parsed names the call that returned it": {
			resources: []*posture.Resource{bucket(func(b *schema.Bucket) { b.Policy = `{"Statement":` }), open},
			want:      map[string]any{"tls_only": "unread: S3.GetBucketPolicy", "policy_external_accounts": "unread: S3.GetBucketPolicy"},
		},
		"a bucket without a policy takes requests without TLS": {
			resources: []*posture.Resource{bucket(nil), open},
			want:      map[string]any{"tls_only": false, "policy_external_accounts": []any{}},
		},
		"a Deny without TLS must cover the objects of this bucket": {
			resources: []*posture.Resource{bucket(policy(false, `{"Effect":"Deny","Principal":"*","Action":"s3:*",
				"Resource":["arn:aws:s3:::data","arn:aws:s3:::data/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}`)), open},
			want: map[string]any{"tls_only": true},
		},
		"a Deny without TLS on another bucket does not count": {
			resources: []*posture.Resource{bucket(policy(false, `{"Effect":"Deny","Principal":"*","Action":"s3:*",
				"Resource":["arn:aws:s3:::other","arn:aws:s3:::other/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}`)), open},
			want: map[string]any{"tls_only": false},
		},
		"accounts that are neither this one nor trusted are external": {
			resources: []*posture.Resource{bucket(policy(false, `{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:root",
				"arn:aws:iam::444455556666:root","arn:aws:iam::777788889999:role/x"]},"Action":"s3:GetObject","Resource":"arn:aws:s3:::data/*"}`)), open},
			want: map[string]any{"policy_external_accounts": []any{"777788889999"}},
		},
	})
}

func TestBucketReplication(t *testing.T) {
	rules := func(rules ...schema.ReplicationRule) func(*schema.Bucket) {
		return func(b *schema.Bucket) { b.ReplicationRules = rules }
	}
	far := schema.ReplicationRule{ID: "far", Enabled: true, DestinationRegion: "us-east-1"}
	near := schema.ReplicationRule{ID: "near", Enabled: true, DestinationRegion: "eu-west-1"}
	lost := schema.ReplicationRule{ID: "lost", Enabled: true}
	paused := schema.ReplicationRule{ID: "paused", DestinationRegion: "us-east-1"}
	const lostRegion = "replication_rules[lost].destination_region"
	check(t, map[string]derivation{
		"no rule":           {resources: []*posture.Resource{bucket(nil)}, want: map[string]any{"replicates_cross_region": false}},
		"the same region":   {resources: []*posture.Resource{bucket(rules(near))}, want: map[string]any{"replicates_cross_region": false}},
		"another region":    {resources: []*posture.Resource{bucket(rules(near, far))}, want: map[string]any{"replicates_cross_region": true}},
		"a disabled rule":   {resources: []*posture.Resource{bucket(rules(paused))}, want: map[string]any{"replicates_cross_region": false}},
		"refused rules":     {resources: []*posture.Resource{bucket(nil, "replication_rules")}, want: map[string]any{"replicates_cross_region": "unread: read replication_rules"}},
		"a lost replica":    {resources: []*posture.Resource{bucket(rules(near, lost), lostRegion)}, want: map[string]any{"replicates_cross_region": "unread: read " + lostRegion}},
		"a lost one of two": {resources: []*posture.Resource{bucket(rules(lost, far), lostRegion)}, want: map[string]any{"replicates_cross_region": true}},
		"an unknown home":   {resources: []*posture.Resource{bucket(rules(far), "location")}, want: map[string]any{"replicates_cross_region": "unread: read location"}},
	})
}

func TestLogBuckets(t *testing.T) {
	other := func(change func(*schema.Bucket), refused ...string) *posture.Resource {
		return bucket(func(b *schema.Bucket) {
			b.Name = "other"
			change(b)
		}, refused...)
	}
	balancer := func(enabled bool, refused ...string) *posture.Resource {
		return resource(schema.LoadBalancerType, "lb", &schema.LoadBalancer{AccessLogsEnabled: enabled, AccessLogsBucket: "data"}, refused...)
	}
	flowLog := func(destination string) *posture.Resource {
		return resource(schema.FlowLogType, "fl-1", &schema.FlowLog{Destination: destination})
	}
	trail := resource(schema.TrailType, "trail", &schema.Trail{S3BucketName: "data"})
	is := func(want any) map[string]any { return map[string]any{"is_log_bucket": want} }
	check(t, map[string]derivation{
		"nothing writes here":      {resources: []*posture.Resource{bucket(nil)}, want: is(false)},
		"a trail writes here":      {resources: []*posture.Resource{bucket(nil), trail}, want: is(true)},
		"a bucket logs here":       {resources: []*posture.Resource{bucket(nil), other(func(b *schema.Bucket) { b.Logging.TargetBucket = "data" })}, want: is(true)},
		"a load balancer":          {resources: []*posture.Resource{bucket(nil), balancer(true)}, want: is(true)},
		"its former logs":          {resources: []*posture.Resource{bucket(nil), balancer(false)}, want: is(false)},
		"flow logs into a folder":  {resources: []*posture.Resource{bucket(nil), flowLog("arn:aws:s3:::data/vpc/")}, want: is(true)},
		"flow logs to a log group": {resources: []*posture.Resource{bucket(nil), flowLog("arn:aws:logs:eu-west-1:111122223333:log-group:data")}, want: is(false)},
		"Config delivers here": {
			resources: []*posture.Resource{bucket(nil), resource(schema.ConfigStatusType, "eu-west-1", &schema.ConfigStatus{DeliveryBucket: "data"})},
			want:      is(true),
		},
		"a refused list may hold a writer": {
			refused:   []*posture.Type{schema.FlowLogType},
			resources: []*posture.Resource{bucket(nil)},
			want:      is("unread: list aws.ec2.flow_log"),
		},
		"a refused list does not matter once a writer is known": {
			refused:   []*posture.Type{schema.FlowLogType},
			resources: []*posture.Resource{bucket(nil), trail},
			want:      is(true),
		},
		"another bucket's refused logging may point here": {
			resources: []*posture.Resource{bucket(nil), other(func(*schema.Bucket) {}, "logging")},
			want:      is("unread: read logging"),
		},
	})
}
