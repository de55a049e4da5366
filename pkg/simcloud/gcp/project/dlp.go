package project

import (
	"slices"

	"google.golang.org/api/dlp/v2"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Discovery of sensitive data over the organization: one configuration is global, one lies in its first region.
var dlpService = service{
	kinds: []world.Kind{{
		Name: "gcp.discovery", Sort: inOrganization, Global: true, Count: 2, Fixed: true,
		Defects: []world.Defect{{Name: "paused", Drift: 1}, {Name: "stands-in", Drift: 0.5}},
		ExpectMore: func(s *world.State) map[world.Judged]posture.Result {
			running := slices.ContainsFunc(s.Items("gcp.discovery"), runs)
			key := keyOf("gcp.resourcemanager.organization", s.Account.ID)
			return map[world.Judged]posture.Result{{Rule: "gcp-organization-data-discovery-running", Resource: key}: failIf(!running)}
		},
	}},
	handle: handleDLP,
}

// runs: the global configuration does unless it is paused, the other one for some days only.
func runs(it *world.Item) bool {
	if it.Index == 0 {
		return !it.Has("paused")
	}
	return it.Has("stands-in")
}

func handleDLP(s *gcp.Server, w *states) {
	gcp.List(s, "dlp.organizations.locations.discoveryConfigs.list", "discoveryConfigs", func(c gcp.Call) (*dlp.GooglePrivacyDlpV2ListDiscoveryConfigsResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &dlp.GooglePrivacyDlpV2ListDiscoveryConfigsResponse{}
		for _, it := range state.Items("gcp.discovery") {
			location := []string{"global", state.Account.Home()}[it.Index]
			if location != c.Params["locationsId"] {
				continue
			}
			d := &dlp.GooglePrivacyDlpV2DiscoveryConfig{
				Name: state.Account.ID + "/locations/" + location + "/discoveryConfigs/" + it.Hex(16, "id"), DisplayName: it.Name(), Status: "RUNNING",
				CreateTime: stamp(state.Long(it, 200)), UpdateTime: stamp(state.Long(it, 100)), LastRunTime: stamp(state.Since(it, 1, "run")),
				Targets: []*dlp.GooglePrivacyDlpV2DiscoveryTarget{{BigQueryTarget: &dlp.GooglePrivacyDlpV2BigQueryDiscoveryTarget{}},
					{CloudStorageTarget: &dlp.GooglePrivacyDlpV2CloudStorageDiscoveryTarget{}}},
			}
			if !runs(it) {
				d.Status = "PAUSED"
			}
			out.DiscoveryConfigs = append(out.DiscoveryConfigs, d)
		}
		return out, nil
	})
}
