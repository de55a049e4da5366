package account

import (
	"slices"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Each region has two build projects, the first with its source at GitHub, and at most one credential for it.
var codebuildService = service{
	kinds: []world.Kind{
		{
			Name: "codebuild.project", Count: 2,
			Defects: []world.Defect{{Name: "unlogged", Share: 0.1, Drift: 0.2}, {Name: "secret", Share: 0.1, Drift: 0.2}, {Name: "url-token", Share: 0.1, Drift: 0.1}, {Name: "public", Drift: 0.2}, {Name: "own-connection", Share: 0.3}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				credential := posture.DoesNotApply
				if it.Index == 0 {
					shared := s.Find("codebuild.source_credential", it.Region, 0)
					credential = failIf(it.Has("url-token") || !it.Has("own-connection") && (shared.Has("none") || shared.Has("token")))
				}
				return keyOf("aws.codebuild.project", it, it.ARN("codebuild", it.Region, "project/"+it.Name())), map[string]posture.Result{
					"aws-codebuild-project-logging-enabled":          failIf(it.Has("unlogged")),
					"aws-codebuild-project-no-plaintext-credentials": failIf(it.Has("secret")),
					"aws-codebuild-project-source-credentials":       credential,
					"aws-codebuild-project-not-public":               failIf(it.Has("public")),
				}
			},
		},
		{Name: "codebuild.source_credential", Count: 1, Fixed: true, Defects: []world.Defect{{Name: "none", Drift: 0.2}, {Name: "token", Share: 0.4}}},
	},
	handle: handleCodeBuild,
}

func handleCodeBuild(s *aws.Server, w *states) {
	aws.Handle(s, func(c aws.Call[*codebuild.ListProjectsInput]) (*codebuild.ListProjectsOutput, error) {
		out := &codebuild.ListProjectsOutput{Projects: []string{}}
		for _, it := range at(w, c).In("codebuild.project", c.Region) {
			out.Projects = append(out.Projects, it.Name())
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*codebuild.BatchGetProjectsInput]) (*codebuild.BatchGetProjectsOutput, error) {
		out := &codebuild.BatchGetProjectsOutput{Projects: []types.Project{}, ProjectsNotFound: []string{}}
		state := at(w, c)
		for _, it := range state.In("codebuild.project", c.Region) {
			if slices.Contains(c.Input.Names, it.Name()) {
				out.Projects = append(out.Projects, buildProject(state, it))
			}
		}
		for _, name := range c.Input.Names {
			if !slices.ContainsFunc(out.Projects, func(p types.Project) bool { return sdk.ToString(p.Name) == name }) {
				out.ProjectsNotFound = append(out.ProjectsNotFound, name)
			}
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*codebuild.ListSourceCredentialsInput]) (*codebuild.ListSourceCredentialsOutput, error) {
		out := &codebuild.ListSourceCredentialsOutput{SourceCredentialsInfos: []types.SourceCredentialsInfo{}}
		if it := at(w, c).Find("codebuild.source_credential", c.Region, 0); !it.Has("none") {
			credential := types.SourceCredentialsInfo{Arn: sdk.String(it.ARN("codebuild", c.Region, "token/github")), ServerType: types.ServerTypeGithub, AuthType: types.AuthTypeCodeconnections}
			if it.Has("token") {
				credential.AuthType = types.AuthTypePersonalAccessToken
			}
			out.SourceCredentialsInfos = append(out.SourceCredentialsInfos, credential)
		}
		return out, nil
	})
}

func buildProject(state *world.State, it *world.Item) types.Project {
	p := types.Project{Arn: sdk.String(it.ARN("codebuild", it.Region, "project/"+it.Name())), Name: sdk.String(it.Name()), Created: sdk.Time(state.Long(it, 60)), ProjectVisibility: types.ProjectVisibilityTypePrivate,
		EncryptionKey: sdk.String(it.ARN("kms", it.Region, "alias/aws/s3")), Tags: []types.Tag{{Key: sdk.String("team"), Value: sdk.String("platform")}},
		Source:    &types.ProjectSource{Type: types.SourceTypeCodecommit, Location: sdk.String("https://git-codecommit." + it.Region + ".amazonaws.com/v1/repos/" + it.Name())},
		Artifacts: &types.ProjectArtifacts{Type: types.ArtifactsTypeS3, Location: sdk.String("artifacts-" + it.Account.ID), EncryptionDisabled: sdk.Bool(false)},
		Environment: &types.ProjectEnvironment{Type: types.EnvironmentTypeLinuxContainer, Image: sdk.String("aws/codebuild/standard:7.0"), ComputeType: types.ComputeTypeBuildGeneral1Small, PrivilegedMode: sdk.Bool(it.Index == 1),
			EnvironmentVariables: []types.EnvironmentVariable{{Name: sdk.String("STAGE"), Value: sdk.String("production"), Type: types.EnvironmentVariableTypePlaintext},
				{Name: sdk.String("REGISTRY_TOKEN"), Value: sdk.String("registry:token"), Type: types.EnvironmentVariableTypeSecretsManager}}}}
	if it.Index == 0 {
		p.Source = &types.ProjectSource{Type: types.SourceTypeGithub, Location: sdk.String("https://github.com/example/" + it.Name())}
		if it.Has("url-token") {
			p.Source.Location = sdk.String("https://x-access-token:0000@github.com/example/" + it.Name())
		}
		if it.Has("own-connection") {
			p.Source.Auth = &types.SourceAuth{Type: types.SourceAuthTypeCodeconnections, Resource: sdk.String(it.ARN("codeconnections", it.Region, "connection/github"))}
		}
	}
	if it.Has("secret") {
		p.Environment.EnvironmentVariables = append(p.Environment.EnvironmentVariables, types.EnvironmentVariable{Name: sdk.String("NPM_TOKEN"), Value: sdk.String("npm_0000"), Type: types.EnvironmentVariableTypePlaintext})
	}
	if it.Has("public") {
		p.ProjectVisibility = types.ProjectVisibilityTypePublicRead
	}
	if it.Has("unlogged") {
		p.LogsConfig = &types.LogsConfig{CloudWatchLogs: &types.CloudWatchLogsConfig{Status: types.LogsConfigStatusTypeDisabled}, S3Logs: &types.S3LogsConfig{Status: types.LogsConfigStatusTypeDisabled}}
	}
	return p
}
