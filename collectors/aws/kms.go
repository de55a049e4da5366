package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func kmsReaders() []collectors.Reader[*client] { return []collectors.Reader[*client]{keys} }

var keys = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.KMSKeyType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "KMS.ListKeys", Permission: "kms:ListKeys", Body: collectors.Store},
		{Name: "KMS.ListAliases", Permission: "kms:ListAliases", Body: collectors.Store},
		{Name: "KMS.DescribeKey", Permission: "kms:DescribeKey", Body: collectors.Store},
		{Name: "KMS.GetKeyRotationStatus", Permission: "kms:GetKeyRotationStatus", Body: collectors.Store},
		{Name: "KMS.GetKeyPolicy", Permission: "kms:GetKeyPolicy", Body: collectors.Store},
		{Name: "KMS.ListResourceTags", Permission: "kms:ListResourceTags", Body: collectors.Store},
	},
	Collect: collectKeys,
}

// collectKeys reads aliases once for the whole region, and rotation, policy and tags of customer managed keys alone.
func collectKeys(ctx context.Context, c *client, emit collectors.Emit) error {
	api := kms.NewFromConfig(c.config)
	aliases, aliasErr := keyAliases(ctx, api)
	var group errgroup.Group
	group.SetLimit(8)
	err := pages(ctx, kms.NewListKeysPaginator(api, &kms.ListKeysInput{Limit: sdk.Int32(1000)}), func(page *kms.ListKeysOutput) error {
		for _, listed := range page.Keys {
			group.Go(func() error {
				emitKey(ctx, api, listed, aliases[sdk.ToString(listed.KeyId)], aliasErr, emit)
				return nil
			})
		}
		return followed("KMS.ListKeys", page.Truncated, page.NextMarker)
	})
	_ = group.Wait() // emitKey hands its errors over as gaps
	if err != nil {
		return fmt.Errorf("list keys: %w", err)
	}
	return nil
}

// keyAliases returns the region's aliases by key id, sorted, without "alias/".
func keyAliases(ctx context.Context, api *kms.Client) (map[string][]string, error) {
	byKey := map[string][]string{}
	err := pages(ctx, kms.NewListAliasesPaginator(api, &kms.ListAliasesInput{Limit: sdk.Int32(100)}), func(page *kms.ListAliasesOutput) error {
		for _, a := range page.Aliases { // an alias that AWS reserves has no key until it is first used
			key := sdk.ToString(a.TargetKeyId)
			byKey[key] = append(byKey[key], strings.TrimPrefix(sdk.ToString(a.AliasName), "alias/"))
		}
		return followed("KMS.ListAliases", page.Truncated, page.NextMarker)
	})
	for _, names := range byKey {
		slices.Sort(names)
	}
	return byKey, err
}

func emitKey(ctx context.Context, api *kms.Client, listed types.KeyListEntry, aliases []string, aliasErr error, emit collectors.Emit) {
	key := &schema.KMSKey{Meta: posture.Meta{Name: sdk.ToString(listed.KeyId)}, Aliases: aliases}
	var gaps []collectors.Gap
	switch {
	case aliasErr != nil:
		gaps = append(gaps, collectors.Unread(aliasErr, "aliases", "name"))
	case len(aliases) > 0:
		key.Name = aliases[0]
	}
	described, err := api.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: listed.KeyId})
	if err == nil && described.KeyMetadata == nil {
		err = missing("KMS.DescribeKey", "KeyMetadata")
	}
	switch {
	case err != nil:
		gaps = append(gaps, collectors.Unread(err, append([]string{
			"created_at", "description", "manager", "state", "spec", "usage", "origin", "multi_region", "deletion_date"}, customerPaths...)...))
	default:
		gaps = append(gaps, readKey(key, described.KeyMetadata)...)
		switch described.KeyMetadata.KeyManager {
		case types.KeyManagerTypeCustomer:
			gaps = append(gaps, readCustomerKey(ctx, api, key, listed.KeyId)...)
		case "":
			gaps = append(gaps, collectors.Unread(missing("KMS.DescribeKey", "manager"), customerPaths...))
		default:
			gaps = append(gaps, collectors.NotCollected(customerPaths...))
		}
	}
	emit(sdk.ToString(listed.KeyArn), key, gaps...)
}

// customerPaths are the attributes that are read of customer managed keys alone.
var customerPaths = []string{"tags", "policy_readable", "policy", "rotation_enabled", "rotation_period_days"}

// readKey fills the key from its description; members that every description has, and this one lacks, are gaps.
func readKey(key *schema.KMSKey, m *types.KeyMetadata) []collectors.Gap {
	key.CreatedAt = posture.FromPtr(m.CreationDate)
	key.Description = sdk.ToString(m.Description)
	key.Manager = string(m.KeyManager)
	key.State = string(m.KeyState)
	key.Spec = string(m.KeySpec)
	key.Usage = string(m.KeyUsage)
	key.Origin = string(m.Origin)
	key.MultiRegion = sdk.ToBool(m.MultiRegion)
	key.DeletionDate = posture.FromPtr(m.DeletionDate)
	var gaps []collectors.Gap
	for path, value := range map[string]string{
		"manager": key.Manager, "state": key.State, "spec": key.Spec, "usage": key.Usage, "origin": key.Origin,
	} {
		if value == "" {
			gaps = append(gaps, collectors.Unread(missing("KMS.DescribeKey", path), path))
		}
	}
	return gaps
}

// readCustomerKey reads what a customer decides about a key. Each call may be refused by the key's own policy.
func readCustomerKey(ctx context.Context, api *kms.Client, key *schema.KMSKey, id *string) []collectors.Gap {
	var gaps []collectors.Gap
	symmetric := key.Spec == string(types.KeySpecSymmetricDefault) || key.Spec == ""
	ownMaterial := key.Origin == string(types.OriginTypeAwsKms) || key.Origin == ""
	if symmetric && ownMaterial { // other keys cannot rotate
		rotation, err := api.GetKeyRotationStatus(ctx, &kms.GetKeyRotationStatusInput{KeyId: id})
		switch {
		case hasCode(err, "UnsupportedOperationException"):
		case err != nil:
			gaps = append(gaps, collectors.Unread(err, "rotation_enabled", "rotation_period_days"))
		default:
			key.RotationEnabled = posture.Some(rotation.KeyRotationEnabled)
			if days := rotation.RotationPeriodInDays; days != nil {
				key.RotationPeriodDays = posture.Some(int64(*days))
			}
		}
	}

	policy, err := api.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: id, PolicyName: sdk.String("default")})
	if err == nil && sdk.ToString(policy.Policy) == "" { // every key has a policy
		err = missing("KMS.GetKeyPolicy", "Policy")
	}
	if err != nil {
		gaps = append(gaps, collectors.Unread(err, "policy_readable", "policy"))
	} else {
		key.PolicyReadable, key.Policy = true, *policy.Policy
	}

	key.Tags = map[string]string{}
	list := kms.NewListResourceTagsPaginator(api, &kms.ListResourceTagsInput{KeyId: id})
	if err := pages(ctx, list, func(page *kms.ListResourceTagsOutput) error {
		for _, t := range page.Tags {
			key.Tags[sdk.ToString(t.TagKey)] = sdk.ToString(t.TagValue)
		}
		return followed("KMS.ListResourceTags", page.Truncated, page.NextMarker)
	}); err != nil {
		gaps = append(gaps, collectors.Unread(err, "tags"))
	}
	return gaps
}
