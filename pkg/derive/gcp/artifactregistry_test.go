package gcp

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestRepositoryScanning(t *testing.T) {
	on := func(name string) *posture.Resource {
		return resource(schema.ServiceType, name, &schema.Service{State: "ENABLED"})
	}
	repository := func(services ...*posture.Resource) []*posture.Resource {
		const id = "projects/acme/locations/europe-west1/repositories/images"
		return append([]*posture.Resource{located("europe-west1", schema.RepositoryType, id, &schema.Repository{})}, services...)
	}
	const path = "project_scanning_enabled"
	services := []*posture.Type{schema.ServiceType}
	check(t, map[string]derivation{
		"switched on":                      {resources: repository(on("containerscanning.googleapis.com")), want: map[string]any{path: true}},
		"switched off":                     {resources: repository(on("run.googleapis.com")), want: map[string]any{path: false}},
		"services were not read":           {refused: services, resources: repository(), want: map[string]any{path: "unread: list gcp.serviceusage.service"}},
		"one that was seen is switched on": {refused: services, resources: repository(on("containerscanning.googleapis.com")), want: map[string]any{path: true}},
	})
}
