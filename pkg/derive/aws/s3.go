package aws

import (
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/derive/iampolicy"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// blockFlags are the switches of S3 Block Public Access.
var blockFlags = []struct {
	name string
	of   func(*schema.PublicAccessBlock) *bool
}{
	{"block_public_acls", func(b *schema.PublicAccessBlock) *bool { return &b.BlockPublicACLs }},
	{"ignore_public_acls", func(b *schema.PublicAccessBlock) *bool { return &b.IgnorePublicACLs }},
	{"block_public_policy", func(b *schema.PublicAccessBlock) *bool { return &b.BlockPublicPolicy }},
	{"restrict_public_buckets", func(b *schema.PublicAccessBlock) *bool { return &b.RestrictPublicBuckets }},
}

// bucketAccess says who can reach a bucket: its ACL and its policy, after the blocks of bucket and account.
func bucketAccess(inv *derive.Inventory) {
	account, found, missing := derive.ByID(derive.Of[schema.AccountPublicAccessBlock](inv, schema.AccountPublicAccessBlockType)).Get(inv.Account.ID)
	for _, b := range derive.Of[schema.Bucket](inv, schema.BucketType).Items {
		blocked := map[string]derive.Val[bool]{}
		for _, flag := range blockFlags {
			onAccount := derive.UnreadFor[bool](missing...)
			if found {
				onAccount = derive.Read(account, flag.name, *flag.of(&account.V.PublicAccessBlock))
			}
			onBucket := derive.Read(b, "public_access_block."+flag.name, *flag.of(&b.V.PublicAccessBlock))
			blocked[flag.name] = derive.Or(onBucket, onAccount)
			derive.Set(b, "effective_block."+flag.name, flag.of(&b.V.EffectiveBlock), blocked[flag.name])
		}

		aclsOn := derive.Map(derive.Read(b, "object_ownership", b.V.ObjectOwnership), func(o string) bool { return o != "BucketOwnerEnforced" })
		granted := func(permissions ...string) derive.Val[bool] {
			return derive.And(aclsOn, derive.Map(derive.Read(b, "acl_grants", b.V.ACLGrants), func(grants []schema.ACLGrant) bool {
				return slices.ContainsFunc(grants, func(g schema.ACLGrant) bool {
					return publicGroup(g.Grantee) && slices.Contains(permissions, g.Permission)
				})
			}))
		}
		aclRead, aclWrite := granted("READ", "READ_ACP", "FULL_CONTROL"), granted("WRITE", "WRITE_ACP", "FULL_CONTROL")
		derive.Set(b, "acl_public_read", &b.V.ACLPublicRead, aclRead)
		derive.Set(b, "acl_public_write", &b.V.ACLPublicWrite, aclWrite)

		policy := policyOf(derive.Read(b, "policy", b.V.Policy), "S3.GetBucketPolicy")
		public := derive.Read(b, "policy_status_public", b.V.PolicyStatusPublic)
		derive.Set(b, "policy_public_read", &b.V.PolicyPublicRead, derive.And(public, derive.Map(policy, iampolicy.Document.PublicRead)))
		derive.Set(b, "policy_public_write", &b.V.PolicyPublicWrite, derive.And(public, derive.Map(policy, iampolicy.Document.PublicWrite)))
		derive.Set(b, "effective_public", &b.V.EffectivePublic, derive.Or(
			derive.And(derive.Or(aclRead, aclWrite), derive.Not(blocked["ignore_public_acls"])),
			derive.And(public, derive.Not(blocked["restrict_public_buckets"])),
		))
		derive.Set(b, "tls_only", &b.V.TLSOnly, derive.Map(policy, func(d iampolicy.Document) bool { return d.TLSOnly(b.ID) }))
		derive.Set(b, "policy_external_accounts", &b.V.PolicyExternalAccounts,
			derive.Map(policy, func(d iampolicy.Document) []string { return d.ExternalAccounts(inv.Account.ID, inv.Trusted) }))
	}
}

// publicGroup reports whether an ACL's grantee is everyone, or everyone with an AWS account.
func publicGroup(grantee string) bool {
	return strings.HasSuffix(grantee, "/groups/global/AllUsers") || strings.HasSuffix(grantee, "/groups/global/AuthenticatedUsers")
}

// bucketReplication: some enabled rule copies to another region.
func bucketReplication(inv *derive.Inventory) {
	for _, b := range derive.Of[schema.Bucket](inv, schema.BucketType).Items {
		rules := derive.Read(b, "replication_rules[]", b.V.ReplicationRules) // the list; a rule's region is read below
		derive.Set(b, "replicates_cross_region", &b.V.ReplicatesCrossRegion, derive.Then(rules, func(rules []schema.ReplicationRule) derive.Val[bool] {
			var crosses []derive.Val[bool]
			for _, r := range rules {
				crosses = append(crosses, derive.And(derive.Known(r.Enabled), derive.Map2(
					derive.Read(b, "location", b.V.Location),
					derive.Read(b, "replication_rules["+r.ID+"].destination_region", r.DestinationRegion),
					func(from, to string) bool { return from != to },
				)))
			}
			return derive.Or(crosses...)
		}))
	}
}

// logBuckets marks the buckets that trails, access logs of buckets and load balancers, flow logs or Config write to.
func logBuckets(inv *derive.Inventory) {
	all := derive.Of[schema.Bucket](inv, schema.BucketType)
	written := destinations{names: map[string]bool{}}
	addDestinations(&written, derive.Of[schema.Trail](inv, schema.TrailType), func(t derive.Item[schema.Trail]) derive.Val[string] {
		return derive.Read(t, "s3_bucket_name", t.V.S3BucketName)
	})
	addDestinations(&written, all, func(b derive.Item[schema.Bucket]) derive.Val[string] {
		return derive.Read(b, "logging.target_bucket", b.V.Logging.TargetBucket)
	})
	addDestinations(&written, derive.Of[schema.LoadBalancer](inv, schema.LoadBalancerType), func(l derive.Item[schema.LoadBalancer]) derive.Val[string] {
		return derive.Map2(derive.Read(l, "access_logs_enabled", l.V.AccessLogsEnabled), derive.Read(l, "access_logs_bucket", l.V.AccessLogsBucket),
			func(enabled bool, bucket string) string {
				if !enabled { // the bucket of former logs stays set
					return ""
				}
				return bucket
			})
	})
	addDestinations(&written, derive.Of[schema.FlowLog](inv, schema.FlowLogType), func(f derive.Item[schema.FlowLog]) derive.Val[string] {
		return derive.Map(derive.Read(f, "destination", f.V.Destination), bucketOf)
	})
	addDestinations(&written, derive.Of[schema.ConfigStatus](inv, schema.ConfigStatusType), func(c derive.Item[schema.ConfigStatus]) derive.Val[string] {
		return derive.Read(c, "delivery_bucket", c.V.DeliveryBucket)
	})
	for _, b := range all.Items {
		derive.Set(b, "is_log_bucket", &b.V.IsLogBucket, written.hold(b.V.Name))
	}
}

// destinations are the buckets that something is known to write to, and why there may be others.
type destinations struct {
	names  map[string]bool
	causes []posture.Cause
}

func addDestinations[T any](d *destinations, list derive.List[T], bucket func(derive.Item[T]) derive.Val[string]) {
	causes := list.Gaps
	for _, item := range list.Items {
		v := bucket(item)
		if name, known := v.Get(); known {
			d.names[name] = true
		} else {
			causes = append(causes[:len(causes):len(causes)], v.Causes()...)
		}
	}
	for _, c := range causes {
		if !slices.Contains(d.causes, c) {
			d.causes = append(d.causes, c)
		}
	}
}

func (d destinations) hold(name string) derive.Val[bool] {
	if !d.names[name] && len(d.causes) > 0 {
		return derive.UnreadFor[bool](d.causes...)
	}
	return derive.Known(d.names[name])
}

// bucketOf returns the bucket in an ARN of a bucket or of a folder in it, "" for other ARNs.
func bucketOf(arn string) string {
	_, path, isBucket := strings.Cut(arn, ":s3:::")
	if !isBucket {
		return ""
	}
	name, _, _ := strings.Cut(path, "/")
	return name
}

// policyOf parses a policy document that operation returned.
func policyOf(text derive.Val[string], operation string) derive.Val[iampolicy.Document] {
	return derive.Then(text, func(text string) derive.Val[iampolicy.Document] {
		document, err := iampolicy.Parse(text)
		if err != nil {
			return derive.UnreadFor[iampolicy.Document](posture.Cause{Reason: posture.ReasonParseError, Operation: operation})
		}
		return derive.Known(document)
	})
}
