package aws

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"
	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
)

func TestCredentialsInSourceURLs(t *testing.T) {
	for location, want := range map[string]bool{
		"https://github.com/example/app":                      false,
		"https://x-access-token:0000@github.com/example/app":  true,
		"https://0000@github.com/example/app":                 true, // a token in the place of the user
		"ssh://git@github.com/example/app":                    false,
		"arn:aws:s3:::sources/app.zip":                        false,
		"sources/app.zip":                                     false,
		"":                                                    false,
		"https://user:secret@bitbucket.org/example/app?x=a@b": true,
	} {
		if got := hasUserInfo(location); got != want {
			t.Errorf("credentials in %q: %v, want %v", location, got, want)
		}
	}
}

func TestBuildVariablesThatNameCredentials(t *testing.T) {
	name := func(name string) *string { return &name }
	project := &schema.BuildProject{}
	readBuildVariables(project, []types.EnvironmentVariable{
		{Name: name("AWS_SECRET_ACCESS_KEY"), Type: types.EnvironmentVariableTypePlaintext},
		{Name: name("npm_token")}, // the type of a variable that says none is PLAINTEXT
		{Name: name("DB_PASSWORD"), Type: types.EnvironmentVariableTypeParameterStore},
		{Name: name("SIGNING_SECRET"), Type: types.EnvironmentVariableTypeSecretsManager},
		{Name: name("AWS_REGION"), Type: types.EnvironmentVariableTypePlaintext},
	})
	if diff := cmp.Diff([]string{"AWS_SECRET_ACCESS_KEY", "npm_token"}, project.PlaintextCredentialNames); diff != "" {
		t.Errorf("names differ (-want +got):\n%s", diff)
	}
	if len(project.Env) != 5 {
		t.Errorf("%d variables kept, want 5", len(project.Env))
	}
}
