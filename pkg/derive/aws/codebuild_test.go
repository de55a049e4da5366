package aws

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestBuildProjects(t *testing.T) {
	project := func() *posture.Resource {
		return resource(schema.BuildProjectType, "arn:aws:codebuild:eu-west-1:111122223333:project/release", &schema.BuildProject{SourceType: "GITHUB"})
	}
	credential := func(server, auth string, refused ...string) *posture.Resource {
		return resource(schema.SourceCredentialType, "arn:aws:codebuild:eu-west-1:111122223333:token/"+server, &schema.SourceCredential{ServerType: server, AuthType: auth}, refused...)
	}
	want := func(value string) map[string]any { return map[string]any{"source_credential_type": value} }
	check(t, map[string]derivation{
		"the credential for the same kind of server": {
			resources: []*posture.Resource{project(), credential("BITBUCKET", "BASIC_AUTH"), credential("GITHUB", "OAUTH")}, want: want("OAUTH"),
		},
		"none for it": {
			resources: []*posture.Resource{project(), credential("BITBUCKET", "BASIC_AUTH")}, want: want(""),
		},
		"one in another region does not count": {
			resources: append([]*posture.Resource{project()}, abroad(credential("GITHUB", "OAUTH"))...), want: want(""),
		},
		"credentials that could not be listed": {
			resources: []*posture.Resource{project()}, refused: []*posture.Type{schema.SourceCredentialType},
			want: want("unread: list aws.codebuild.source_credential"),
		},
		"a credential of which only the server is known": {
			resources: []*posture.Resource{project(), credential("GITHUB", "", "auth_type")}, want: want("unread: read auth_type"),
		},
	})
}
