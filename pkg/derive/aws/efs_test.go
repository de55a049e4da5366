package aws

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestFileSystems(t *testing.T) {
	const id = "arn:aws:elasticfilesystem:eu-west-1:111122223333:file-system/fs-1"
	system := func(policy string, refused ...string) []*posture.Resource {
		return []*posture.Resource{resource(schema.FileSystemType, id, &schema.FileSystem{Policy: policy}, refused...)}
	}
	check(t, map[string]derivation{
		"no policy":                     {resources: system(""), want: map[string]any{"policy_public": false, "policy_requires_tls": false}},
		"everyone may mount":            {resources: system(openToAll), want: map[string]any{"policy_public": true}},
		"everyone at the mount targets": {resources: system(within("elasticfilesystem:AccessedViaMountTarget", "true")), want: map[string]any{"policy_public": false}},
		"clients without TLS are denied": {
			resources: system(`{"Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`),
			want:      map[string]any{"policy_public": false, "policy_requires_tls": true},
		},
		"the policy was refused": {
			resources: system("", "policy"), want: map[string]any{"policy_public": "unread: read policy", "policy_requires_tls": "unread: read policy"},
		},
	})
}

func TestRepositories(t *testing.T) {
	repository := func(policy string, refused ...string) []*posture.Resource {
		return []*posture.Resource{resource(schema.RepositoryType, "repository", &schema.Repository{Policy: policy}, refused...)}
	}
	check(t, map[string]derivation{
		"no policy":              {resources: repository(""), want: map[string]any{"policy_public": false}},
		"everyone may pull":      {resources: repository(openToAll), want: map[string]any{"policy_public": true}},
		"the organization may":   {resources: repository(within("aws:PrincipalOrgID", "o-1")), want: map[string]any{"policy_public": false}},
		"the policy was refused": {resources: repository("", "policy"), want: map[string]any{"policy_public": "unread: read policy"}},
	})
}
