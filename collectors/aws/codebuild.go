package aws

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func codebuildReaders() []collectors.Reader[*client] {
	return []collectors.Reader[*client]{buildProjects, sourceCredentials}
}

var buildProjects = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.BuildProjectType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "CodeBuild.ListProjects", Permission: "codebuild:ListProjects", Body: collectors.Store},
		// Variables have a value, sources a location with perhaps a token in it, and a buildspec may hold either.
		{Name: "CodeBuild.BatchGetProjects", Permission: "codebuild:BatchGetProjects", Body: collectors.Redact("value", "location", "buildspec")},
	},
	Collect: collectBuildProjects,
}

var sourceCredentials = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.SourceCredentialType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "CodeBuild.ListSourceCredentials", Permission: "codebuild:ListSourceCredentials", Body: collectors.Store},
	},
	Collect: collectSourceCredentials,
}

func collectBuildProjects(ctx context.Context, c *client, emit collectors.Emit) error {
	api := codebuild.NewFromConfig(c.config)
	var names []string
	err := pages(ctx, codebuild.NewListProjectsPaginator(api, &codebuild.ListProjectsInput{}), func(page *codebuild.ListProjectsOutput) error {
		names = append(names, page.Projects...)
		return nil
	})
	if err != nil {
		err = fmt.Errorf("list build projects: %w", err)
	}
	for some := range slices.Chunk(names, 100) { // as many as one call takes
		got, detailErr := api.BatchGetProjects(ctx, &codebuild.BatchGetProjectsInput{Names: some})
		if detailErr != nil {
			err = errors.Join(err, fmt.Errorf("describe build projects: %w", detailErr))
			continue
		}
		for _, p := range got.Projects {
			emitBuildProject(p, emit)
		}
		if len(got.Projects)+len(got.ProjectsNotFound) < len(some) {
			a := &answer{service: codebuild.ServiceID, operation: "BatchGetProjects"}
			err = errors.Join(err, a.lacks("some of the projects"))
		}
	}
	return err
}

// credentialName tells variables that hold a credential by their name.
var credentialName = regexp.MustCompile(`(?i)^AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)$|PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_KEY`)

func emitBuildProject(p types.Project, emit collectors.Emit) {
	a := &answer{service: codebuild.ServiceID, operation: "BatchGetProjects"}
	project := &schema.BuildProject{
		Meta:          posture.Meta{Name: sdk.ToString(p.Name), Tags: map[string]string{}, CreatedAt: posture.FromPtr(p.Created)},
		Visibility:    string(p.ProjectVisibility),
		EncryptionKey: sdk.ToString(p.EncryptionKey),
		Logs:          schema.BuildLogs{CloudWatchStatus: string(types.LogsConfigStatusTypeEnabled), S3Status: string(types.LogsConfigStatusTypeDisabled)},
	}
	for _, t := range p.Tags {
		project.Tags[sdk.ToString(t.Key)] = sdk.ToString(t.Value)
	}
	source := required(a, "source_type", p.Source)
	project.SourceType = string(source.Type)
	if source.Auth != nil {
		project.SourceAuthType = string(source.Auth.Type)
	}
	for _, s := range append([]types.ProjectSource{source}, p.SecondarySources...) {
		project.SourceURLHasCredentials = project.SourceURLHasCredentials || hasUserInfo(sdk.ToString(s.Location))
	}
	if p.Source == nil && !project.SourceURLHasCredentials {
		a.gaps = append(a.gaps, collectors.Unread(a.lacks("source"), "source_url_has_credentials", "source_auth_type"))
	}
	if p.Environment == nil {
		a.gaps = append(a.gaps, collectors.Unread(a.lacks("environment"), "env", "privileged_mode", "plaintext_credential_names"))
	} else {
		project.PrivilegedMode = sdk.ToBool(p.Environment.PrivilegedMode)
		readBuildVariables(project, p.Environment.EnvironmentVariables)
	}
	if l := p.LogsConfig; l != nil && l.CloudWatchLogs != nil {
		project.Logs.CloudWatchStatus = string(l.CloudWatchLogs.Status)
	}
	if l := p.LogsConfig; l != nil && l.S3Logs != nil {
		project.Logs.S3Status, project.Logs.S3EncryptionDisabled = string(l.S3Logs.Status), sdk.ToBool(l.S3Logs.EncryptionDisabled)
	}
	primary := required(a, "artifacts", p.Artifacts)
	primary.ArtifactIdentifier = nil
	for _, artifact := range append([]types.ProjectArtifacts{primary}, p.SecondaryArtifacts...) {
		project.Artifacts = append(project.Artifacts, schema.BuildArtifact{
			ID: sdk.ToString(artifact.ArtifactIdentifier), Type: string(artifact.Type), EncryptionDisabled: sdk.ToBool(artifact.EncryptionDisabled),
		})
	}
	emit(sdk.ToString(p.Arn), project, a.gaps...)
}

func readBuildVariables(project *schema.BuildProject, variables []types.EnvironmentVariable) {
	for _, v := range variables {
		name, kind := sdk.ToString(v.Name), v.Type
		if kind == "" { // as the service takes it
			kind = types.EnvironmentVariableTypePlaintext
		}
		project.Env = append(project.Env, schema.BuildVariable{Name: name, Type: string(kind)})
		if kind == types.EnvironmentVariableTypePlaintext && credentialName.MatchString(name) {
			project.PlaintextCredentialNames = append(project.PlaintextCredentialNames, name)
		}
	}
}

// hasUserInfo reports whether a URL carries a password, or a token in the place of the user.
func hasUserInfo(location string) bool {
	u, err := url.Parse(location)
	return err == nil && u.Scheme != "" && u.User.String() != "" && u.User.String() != "git"
}

func collectSourceCredentials(ctx context.Context, c *client, emit collectors.Emit) error {
	list, err := codebuild.NewFromConfig(c.config).ListSourceCredentials(ctx, &codebuild.ListSourceCredentialsInput{})
	if err != nil {
		return fmt.Errorf("list source credentials: %w", err)
	}
	for _, s := range list.SourceCredentialsInfos {
		a := &answer{service: codebuild.ServiceID, operation: "ListSourceCredentials", gaps: []collectors.Gap{collectors.NotCollected("tags", "created_at")}}
		emit(sdk.ToString(s.Arn), &schema.SourceCredential{
			Meta: posture.Meta{Name: string(s.ServerType)}, AuthType: told(a, "auth_type", s.AuthType), ServerType: told(a, "server_type", s.ServerType),
		}, a.gaps...)
	}
	return nil
}
