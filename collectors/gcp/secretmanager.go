package gcp

import (
	"context"
	"fmt"
	"path"
	"slices"

	"google.golang.org/api/secretmanager/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var secrets = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.SecretType},
	Operations: []collectors.Operation{
		{Name: "secretmanager.projects.secrets.list", Permission: "secretmanager.secrets.list", Body: collectors.Redact("annotations")},
		{Name: "secretmanager.projects.secrets.getIamPolicy", Permission: "secretmanager.secrets.getIamPolicy", Body: collectors.Store},
		searchResources,
		searchPolicies,
	},
	Collect: collectSecrets,
}

func collectSecrets(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := secretmanager.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	err = api.Projects.Secrets.List(c.node).PageSize(25000).Pages(ctx, func(page *secretmanager.ListSecretsResponse) error {
		for _, s := range page.Secrets {
			out, gaps := newSecret(s)
			ask := api.Projects.Secrets.GetIamPolicy(s.Name).OptionsRequestedPolicyVersion(policyVersion).Context(ctx)
			var err error
			if out.IAM, err = readGrants(ctx, c, ask.Do, secretGrants, "//secretmanager.googleapis.com/"+s.Name); err != nil {
				gaps = append(gaps, collectors.Unread(err, "iam"))
			}
			emit(s.Name, &out, gaps...)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list secrets: %w", err)
	}
	return nil
}

func newSecret(s *secretmanager.Secret) (schema.Secret, []collectors.Gap) {
	out := schema.Secret{
		Meta:       posture.Meta{Name: path.Base(s.Name), Tags: s.Labels, CreatedAt: timestamp(s.CreateTime)},
		ExpireTime: timestamp(s.ExpireTime), KMSKeyNames: []string{},
	}
	encrypted := func(with *secretmanager.CustomerManagedEncryption) {
		if with != nil {
			out.KMSKeyNames = append(out.KMSKeyNames, with.KmsKeyName)
		}
	}
	encrypted(s.CustomerManagedEncryption)
	if r := s.Replication; r != nil && r.Automatic != nil {
		encrypted(r.Automatic.CustomerManagedEncryption)
	} else if r != nil && r.UserManaged != nil {
		for _, replica := range r.UserManaged.Replicas {
			encrypted(replica.CustomerManagedEncryption)
		}
	}
	slices.Sort(out.KMSKeyNames)
	if s.Rotation == nil {
		return out, nil
	}
	out.NextRotationTime = timestamp(s.Rotation.NextRotationTime)
	var err error
	if out.RotationSeconds, err = seconds(s.Rotation.RotationPeriod); err != nil {
		return out, []collectors.Gap{collectors.Unread(err, "rotation_seconds")}
	}
	return out, nil
}

func secretGrants(p *secretmanager.Policy) schema.Grants {
	out := schema.Grants{Bindings: []schema.Binding{}}
	for _, b := range p.Bindings {
		condition := ""
		if b.Condition != nil {
			condition = b.Condition.Expression
		}
		out.Bindings = append(out.Bindings, binding(b.Role, b.Members, condition))
	}
	return out
}
