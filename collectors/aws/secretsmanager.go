package aws

import (
	"context"
	"fmt"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func secretsmanagerReaders() []collectors.Reader[*client] {
	return []collectors.Reader[*client]{secrets}
}

var secrets = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.SecretType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "SecretsManager.ListSecrets", Permission: "secretsmanager:ListSecrets", Body: collectors.Store},
		{Name: "SecretsManager.GetResourcePolicy", Permission: "secretsmanager:GetResourcePolicy", Body: collectors.Store},
	},
	Collect: collectSecrets,
}

func collectSecrets(ctx context.Context, c *client, emit collectors.Emit) error {
	api := secretsmanager.NewFromConfig(c.config)
	var group errgroup.Group
	group.SetLimit(8)
	list := secretsmanager.NewListSecretsPaginator(api, &secretsmanager.ListSecretsInput{
		MaxResults: sdk.Int32(100), IncludePlannedDeletion: sdk.Bool(false),
	})
	err := pages(ctx, list, func(page *secretsmanager.ListSecretsOutput) error {
		for _, s := range page.SecretList {
			group.Go(func() error {
				secret := newSecret(s)
				var gaps []collectors.Gap
				policy, err := api.GetResourcePolicy(ctx, &secretsmanager.GetResourcePolicyInput{SecretId: s.ARN})
				switch {
				case err != nil:
					gaps = append(gaps, collectors.Unread(err, "resource_policy"))
				case policy.ARN == nil: // a secret without policy is answered with its name alone
					gaps = append(gaps, collectors.Unread(missing("SecretsManager.GetResourcePolicy", "ARN"), "resource_policy"))
				default:
					secret.ResourcePolicy = sdk.ToString(policy.ResourcePolicy)
				}
				emit(sdk.ToString(s.ARN), secret, gaps...)
				return nil
			})
		}
		return nil
	})
	_ = group.Wait() // refused policies are gaps
	if err != nil {
		return fmt.Errorf("list secrets: %w", err)
	}
	return nil
}

func newSecret(s types.SecretListEntry) *schema.Secret {
	secret := &schema.Secret{
		Meta:            posture.Meta{Name: sdk.ToString(s.Name), CreatedAt: posture.FromPtr(s.CreatedDate), Tags: map[string]string{}},
		RotationEnabled: sdk.ToBool(s.RotationEnabled), // left out of secrets that never rotated
		LastRotatedAt:   posture.FromPtr(s.LastRotatedDate),
		LastChangedAt:   posture.FromPtr(s.LastChangedDate),
		LastAccessedAt:  posture.FromPtr(s.LastAccessedDate),
		NextRotationAt:  posture.FromPtr(s.NextRotationDate),
		DeletedAt:       posture.FromPtr(s.DeletedDate),
		KMSKeyID:        sdk.ToString(s.KmsKeyId),
		OwningService:   sdk.ToString(s.OwningService),
		PrimaryRegion:   sdk.ToString(s.PrimaryRegion),
	}
	if rules := s.RotationRules; rules != nil {
		secret.RotationIntervalDays = posture.FromPtr(rules.AutomaticallyAfterDays)
		secret.RotationSchedule = sdk.ToString(rules.ScheduleExpression)
	}
	for _, t := range s.Tags {
		secret.Tags[sdk.ToString(t.Key)] = sdk.ToString(t.Value)
	}
	return secret
}
