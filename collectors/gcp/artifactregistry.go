package gcp

import (
	"context"
	"fmt"
	"path"

	"google.golang.org/api/artifactregistry/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var repositories = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.RepositoryType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		{Name: "artifactregistry.projects.locations.list", Permission: "artifactregistry.locations.list", Body: collectors.Store},
		{Name: "artifactregistry.projects.locations.repositories.list", Permission: "artifactregistry.repositories.list", Body: collectors.Store},
		{Name: "artifactregistry.projects.locations.repositories.getIamPolicy", Permission: "artifactregistry.repositories.getIamPolicy", Body: collectors.Store},
		searchResources,
		searchPolicies,
	},
	Collect: collectRepositories,
}

// collectRepositories lists the repositories one location at a time.
func collectRepositories(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := artifactregistry.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	locations := func(add func(string)) error {
		return api.Projects.Locations.List(c.node).PageSize(1000).Pages(ctx, func(page *artifactregistry.ListLocationsResponse) error {
			for _, l := range page.Locations {
				add(l.LocationId)
			}
			return nil
		})
	}
	return c.inEachLocation(ctx, schema.RepositoryType, repositoryAsset, locations, func(location string) error {
		return collectRepositoriesIn(ctx, c, api, c.node+"/locations/"+location, emit)
	})
}

func collectRepositoriesIn(ctx context.Context, c *client, api *artifactregistry.Service, parent string, emit collectors.Emit) error {
	list := api.Projects.Locations.Repositories
	err := list.List(parent).PageSize(1000).Pages(ctx, func(page *artifactregistry.ListRepositoriesResponse) error {
		for _, r := range page.Repositories {
			out := newRepository(r)
			ask := list.GetIamPolicy(r.Name).OptionsRequestedPolicyVersion(policyVersion).Context(ctx)
			var err error
			if out.IAM, err = readGrants(ctx, c, ask.Do, repositoryGrants, "//artifactregistry.googleapis.com/"+r.Name); err != nil {
				emit(r.Name, collectors.In(out.Location, &out), collectors.Unread(err, "iam"))
				continue
			}
			emit(r.Name, collectors.In(out.Location, &out))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list repositories: %w", err)
	}
	return nil
}

func newRepository(r *artifactregistry.Repository) schema.Repository {
	out := schema.Repository{
		Meta:     posture.Meta{Name: path.Base(r.Name), Tags: r.Labels, CreatedAt: timestamp(r.CreateTime)},
		Location: locationOf(r.Name), Format: r.Format, Mode: r.Mode, KMSKeyName: r.KmsKeyName,
		ImmutableTags: r.DockerConfig != nil && r.DockerConfig.ImmutableTags,
	}
	if scanning := r.VulnerabilityScanningConfig; scanning != nil {
		out.ScanningState, out.ScanningConfig = scanning.EnablementState, scanning.EnablementConfig
		if out.ScanningState == "ENABLEMENT_STATE_UNSPECIFIED" {
			out.ScanningState = ""
		}
		if out.ScanningConfig == "ENABLEMENT_CONFIG_UNSPECIFIED" {
			out.ScanningConfig = ""
		}
	}
	return out
}

func repositoryGrants(p *artifactregistry.Policy) schema.Grants {
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
