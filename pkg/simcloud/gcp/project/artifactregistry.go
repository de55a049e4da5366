package project

import (
	"slices"

	"google.golang.org/api/artifactregistry/v1"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var artifactService = service{
	api: "artifactregistry.googleapis.com",
	kinds: []world.Kind{{
		Name: "gcp.repository", Sort: inProject, Count: 4,
		Defects: []world.Defect{{Name: "packages", Share: 0.2}, {Name: "virtual", Share: 0.15}, {Name: "remote", Share: 0.2}, {Name: "not-scanned", Share: 0.2, Drift: 0.3},
			{Name: "says-nothing", Share: 0.4}, {Name: "google-key", Share: 0.5}, {Name: "movable-tags", Share: 0.5}, {Name: "public", Drift: 0.2}},
		Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return in(it.Region, "gcp.artifactregistry.repository", repositoryName(it)), map[string]posture.Result{
				"gcp-artifact-repository-scanned": unless(it.Has("packages") || it.Has("virtual"), failIf(it.Has("not-scanned") || !projectScans(s))),
			}
		},
	}},
	handle: handleArtifacts,
}

// projectScans reports whether the project has switched on what scans the repositories that are not exempt.
func projectScans(s *world.State) bool { return !s.Items("gcp.project")[0].Has("no-scanning") }

func repositoryName(it *world.Item) string {
	return "projects/" + it.Account.ID + "/locations/" + it.Region + "/repositories/" + it.Name()
}

func handleArtifacts(s *gcp.Server, w *states) {
	gcp.List(s, "artifactregistry.projects.locations.list", "locations", func(c gcp.Call) (*artifactregistry.ListLocationsResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &artifactregistry.ListLocationsResponse{}
		for _, l := range append([]string{"europe"}, state.Account.Regions...) {
			out.Locations = append(out.Locations, &artifactregistry.Location{Name: "projects/" + c.Account + "/locations/" + l, LocationId: l, DisplayName: l})
		}
		return out, nil
	})
	gcp.List(s, "artifactregistry.projects.locations.repositories.list", "repositories", func(c gcp.Call) (*artifactregistry.ListRepositoriesResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &artifactregistry.ListRepositoriesResponse{}
		for _, it := range state.In("gcp.repository", c.Params["locationsId"]) {
			out.Repositories = append(out.Repositories, newRepository(state, it))
		}
		return out, nil
	})
	gcp.Handle(s, "artifactregistry.projects.locations.repositories.getIamPolicy", func(c gcp.Call) (*artifactregistry.Policy, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		repositories := state.In("gcp.repository", c.Params["locationsId"])
		i := slices.IndexFunc(repositories, func(it *world.Item) bool { return it.Name() == c.Params["repositoriesId"] })
		if i < 0 {
			return nil, gcp.NotFound("The repository")
		}
		out := &artifactregistry.Policy{Version: 1, Etag: "BwXhqED=", Bindings: []*artifactregistry.Binding{
			{Role: "roles/artifactregistry.writer", Members: []string{"serviceAccount:build@" + c.Account + ".iam.gserviceaccount.com"}},
		}}
		if repositories[i].Has("public") {
			out.Bindings = append(out.Bindings, &artifactregistry.Binding{Role: "roles/artifactregistry.reader", Members: []string{"allUsers"}})
		}
		return out, nil
	})
}

func newRepository(state *world.State, it *world.Item) *artifactregistry.Repository {
	r := &artifactregistry.Repository{
		Name: repositoryName(it), Format: "DOCKER", Mode: "STANDARD_REPOSITORY", Labels: map[string]string{"team": "platform"}, SizeBytes: 73_400_320,
		CreateTime: stamp(state.Long(it, 60)), UpdateTime: stamp(state.Long(it, 60)), RegistryUri: it.Region + "-docker.pkg.dev/" + it.Account.ID + "/" + it.Name(),
		DockerConfig:                &artifactregistry.DockerRepositoryConfig{ImmutableTags: !it.Has("movable-tags")},
		VulnerabilityScanningConfig: &artifactregistry.VulnerabilityScanningConfig{EnablementConfig: "INHERITED", EnablementState: "SCANNING_ACTIVE"},
	}
	switch scanning := r.VulnerabilityScanningConfig; {
	case it.Has("not-scanned") && it.Has("says-nothing"):
		scanning.EnablementConfig, scanning.EnablementState = "DISABLED", ""
	case it.Has("not-scanned"):
		scanning.EnablementConfig, scanning.EnablementState = "DISABLED", "SCANNING_DISABLED"
		scanning.EnablementStateReason = "Scanning is switched off for the repository."
	case it.Has("says-nothing") && it.Pick(2, "old") == 0:
		r.VulnerabilityScanningConfig = nil
	case it.Has("says-nothing"):
		scanning.EnablementState = "ENABLEMENT_STATE_UNSPECIFIED"
	case !projectScans(state):
		scanning.EnablementState, scanning.EnablementStateReason = "SCANNING_DISABLED", "Scanning is switched off in the project."
	}
	switch {
	case it.Has("packages"):
		r.Format, r.DockerConfig = []string{"MAVEN", "NPM", "PYTHON"}[it.Pick(3, "format")], nil
		r.VulnerabilityScanningConfig = &artifactregistry.VulnerabilityScanningConfig{EnablementConfig: "DISABLED", EnablementState: "SCANNING_UNSUPPORTED"}
	case it.Has("virtual"):
		r.Mode, r.DockerConfig = "VIRTUAL_REPOSITORY", nil
		r.VirtualRepositoryConfig = &artifactregistry.VirtualRepositoryConfig{UpstreamPolicies: []*artifactregistry.UpstreamPolicy{{Id: "own", Priority: 10}}}
	case it.Has("remote"):
		r.Mode, r.DockerConfig = "REMOTE_REPOSITORY", nil
		r.RemoteRepositoryConfig = &artifactregistry.RemoteRepositoryConfig{DockerRepository: &artifactregistry.DockerRepository{PublicRepository: "DOCKER_HUB"}}
	}
	if !it.Has("google-key") {
		r.KmsKeyName = "projects/" + it.Account.ID + "/locations/" + it.Region + "/keyRings/data/cryptoKeys/images"
	}
	return r
}
