package gcp

import (
	"context"
	"fmt"
	"path"

	"google.golang.org/api/clouddeploy/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var deployTargets = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.DeployTargetType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		{Name: "clouddeploy.projects.locations.list", Permission: "clouddeploy.locations.list", Body: collectors.Store},
		// What is put into manifests and tasks may be secret.
		{Name: "clouddeploy.projects.locations.targets.list", Permission: "clouddeploy.targets.list", Body: collectors.Redact("annotations", "deployParameters")},
		{Name: "clouddeploy.projects.locations.deliveryPipelines.list", Permission: "clouddeploy.deliveryPipelines.list",
			Body: collectors.Redact("annotations", "deployParameters", "env", "args", "command")},
		searchResources,
	},
	Collect: collectDeployTargets,
}

// collectDeployTargets lists the targets one location at a time, and the pipelines where there are targets.
func collectDeployTargets(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := clouddeploy.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	locations := func(add func(string)) error {
		return api.Projects.Locations.List(c.node).PageSize(1000).Pages(ctx, func(page *clouddeploy.ListLocationsResponse) error {
			for _, l := range page.Locations {
				add(l.LocationId)
			}
			return nil
		})
	}
	return c.inEachLocation(ctx, schema.DeployTargetType, targetAsset, locations, func(location string) error {
		return collectTargetsIn(ctx, api, c.node+"/locations/"+location, emit)
	})
}

func collectTargetsIn(ctx context.Context, api *clouddeploy.Service, parent string, emit collectors.Emit) error {
	var targets []*clouddeploy.Target
	var missing error
	err := api.Projects.Locations.Targets.List(parent).PageSize(1000).Pages(ctx, func(page *clouddeploy.ListTargetsResponse) error {
		targets = append(targets, page.Targets...)
		for _, place := range page.Unreachable {
			missing = unreachable("clouddeploy.projects.locations.targets.list", place)
		}
		return nil
	})
	if err != nil {
		missing = fmt.Errorf("list targets: %w", err)
	}
	if len(targets) == 0 {
		return missing
	}
	last, err := lastStages(ctx, api, parent)
	for _, t := range targets {
		out := schema.DeployTarget{
			Meta:     posture.Meta{Name: path.Base(t.Name), Tags: t.Labels, CreatedAt: timestamp(t.CreateTime)},
			Location: locationOf(t.Name), RequireApproval: t.RequireApproval, FinalStage: last[path.Base(t.Name)],
		}
		if err != nil && !out.FinalStage { // a pipeline that is missing can only add to them
			emit(t.Name, collectors.In(out.Location, &out), collectors.Unread(err, "final_stage"))
			continue
		}
		emit(t.Name, collectors.In(out.Location, &out))
	}
	return missing
}

// lastStages are the targets with which the pipelines of a location end: those of the pipelines that were read before an error.
// Of a target that stands for several the stage names only the one that stands for them, as does the approval.
func lastStages(ctx context.Context, api *clouddeploy.Service, parent string) (map[string]bool, error) {
	last := map[string]bool{}
	var missing error
	err := api.Projects.Locations.DeliveryPipelines.List(parent).PageSize(1000).Pages(ctx, func(page *clouddeploy.ListDeliveryPipelinesResponse) error {
		for _, p := range page.DeliveryPipelines {
			if p.SerialPipeline != nil && len(p.SerialPipeline.Stages) > 0 {
				last[p.SerialPipeline.Stages[len(p.SerialPipeline.Stages)-1].TargetId] = true
			}
		}
		for _, place := range page.Unreachable {
			missing = unreachable("clouddeploy.projects.locations.deliveryPipelines.list", place)
		}
		return nil
	})
	if err != nil {
		missing = fmt.Errorf("list delivery pipelines: %w", err)
	}
	return last, missing
}
