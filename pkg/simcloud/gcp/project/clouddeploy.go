package project

import (
	"google.golang.org/api/clouddeploy/v1"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Each target that is not an early one ends a pipeline of its own, which leads through the early ones.
var deployService = service{
	api: "clouddeploy.googleapis.com",
	kinds: []world.Kind{{
		Name: "gcp.deploy_target", Sort: inProject, Count: 4,
		Defects: []world.Defect{{Name: "early", Share: 0.4}, {Name: "not-approved", Share: 0.3, Drift: 0.3}, {Name: "several", Share: 0.2}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return in(it.Region, "gcp.clouddeploy.target", targetName(it)), map[string]posture.Result{
				"gcp-deploy-target-approval-required": unless(it.Has("early"), failIf(it.Has("not-approved"))),
			}
		},
	}},
	handle: handleDeploy,
}

func targetName(it *world.Item) string {
	return "projects/" + it.Account.ID + "/locations/" + it.Region + "/targets/" + it.Name()
}

func handleDeploy(s *gcp.Server, w *states) {
	gcp.List(s, "clouddeploy.projects.locations.list", "locations", func(c gcp.Call) (*clouddeploy.ListLocationsResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &clouddeploy.ListLocationsResponse{}
		for _, l := range append([]string{emptyLocation}, state.Account.Regions...) {
			out.Locations = append(out.Locations, &clouddeploy.Location{Name: "projects/" + c.Account + "/locations/" + l, LocationId: l})
		}
		return out, nil
	})
	gcp.List(s, "clouddeploy.projects.locations.targets.list", "targets", func(c gcp.Call) (*clouddeploy.ListTargetsResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &clouddeploy.ListTargetsResponse{}
		for _, it := range state.In("gcp.deploy_target", c.Params["locationsId"]) {
			t := &clouddeploy.Target{Name: targetName(it), TargetId: it.Name(), Uid: it.Hex(32, "uid"), CreateTime: stamp(state.Long(it, 60)),
				Labels: map[string]string{"team": "platform"}, RequireApproval: !it.Has("not-approved"), DeployParameters: map[string]string{"replicas": "3"}}
			if it.Has("several") {
				t.MultiTarget = &clouddeploy.MultiTarget{TargetIds: []string{"eu", "us"}}
			} else {
				t.Run = &clouddeploy.CloudRunLocation{Location: "projects/" + it.Account.ID + "/locations/" + it.Region}
			}
			out.Targets = append(out.Targets, t)
		}
		return out, nil
	})
	gcp.List(s, "clouddeploy.projects.locations.deliveryPipelines.list", "deliveryPipelines", func(c gcp.Call) (*clouddeploy.ListDeliveryPipelinesResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		var early []*clouddeploy.Stage
		for _, it := range state.In("gcp.deploy_target", c.Params["locationsId"]) {
			if it.Has("early") {
				early = append(early, &clouddeploy.Stage{TargetId: it.Name()})
			}
		}
		out := &clouddeploy.ListDeliveryPipelinesResponse{}
		for _, it := range state.In("gcp.deploy_target", c.Params["locationsId"]) {
			if !it.Has("early") {
				stages := append(early[:len(early):len(early)], &clouddeploy.Stage{TargetId: it.Name(), Profiles: []string{"production"}})
				out.DeliveryPipelines = append(out.DeliveryPipelines, &clouddeploy.DeliveryPipeline{
					Name: "projects/" + c.Account + "/locations/" + it.Region + "/deliveryPipelines/to-" + it.Name(), Uid: it.Hex(32, "pipeline"),
					SerialPipeline: &clouddeploy.SerialPipeline{Stages: stages},
				})
			}
		}
		return out, nil
	})
}
