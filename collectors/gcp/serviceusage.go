package gcp

import (
	"context"
	"fmt"
	"path"

	"google.golang.org/api/serviceusage/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// enabled is which services of a project are switched on.
type enabled struct {
	on  map[string]bool // "compute.googleapis.com"
	err error           // why that is not known
}

// readEnabled asks before anything else is read.
func readEnabled(ctx context.Context, c *client) enabled {
	out := enabled{on: map[string]bool{}}
	api, err := serviceusage.NewService(ctx, c.options...)
	if err == nil {
		err = api.Services.List(c.node).Filter("state:ENABLED").PageSize(200).Pages(ctx, func(page *serviceusage.ListServicesResponse) error {
			for _, s := range page.Services {
				out.on[path.Base(s.Name)] = true
			}
			return nil
		})
	}
	if err != nil {
		out.err = fmt.Errorf("list services: %w", err)
	}
	return out
}

var services = collectors.Reader[*client]{
	Fills:      []*posture.Type{schema.ServiceType},
	Operations: []collectors.Operation{{Name: "serviceusage.services.list", Permission: "serviceusage.services.list", Body: collectors.Store}},
	Collect:    collectServices,
}

// collectServices emits what was read when the project was opened.
func collectServices(_ context.Context, c *client, emit collectors.Emit) error {
	if c.services.err != nil {
		return c.services.err
	}
	for name := range c.services.on {
		emit(name, &schema.Service{Meta: posture.Meta{Name: name}, State: "ENABLED"})
	}
	return nil
}
