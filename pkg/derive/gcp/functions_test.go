package gcp

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestFunctionGrants(t *testing.T) {
	const place = "europe-west1"
	public := schema.Grants{Bindings: []schema.Binding{{Role: "roles/run.invoker", Members: []string{"allUsers"}}}}
	staff := schema.Grants{Bindings: []schema.Binding{{Role: "roles/cloudfunctions.viewer", Members: []string{"group:staff@acme.example"}}}}
	function := func(own schema.Grants, service string, refused ...string) *posture.Resource {
		return located(place, schema.FunctionType, "projects/acme/locations/europe-west1/functions/f", &schema.Function{OwnIAM: own, RunService: service}, refused...)
	}
	service := func(region string, grants schema.Grants, refused ...string) *posture.Resource {
		return located(region, schema.RunServiceType, "projects/acme/locations/"+region+"/services/f", &schema.RunService{IAM: grants}, refused...)
	}
	const name = "projects/acme/locations/europe-west1/services/f"
	bindings := func(grants ...schema.Grants) []any {
		out := []any{}
		for _, g := range grants {
			for _, b := range g.Bindings {
				members := []any{}
				for _, m := range b.Members {
					members = append(members, m)
				}
				out = append(out, map[string]any{"role": b.Role, "members": members, "condition": b.Condition})
			}
		}
		return out
	}
	run := []*posture.Type{schema.RunServiceType}
	check(t, map[string]derivation{
		"a function of the first generation has its own policy alone": {
			resources: []*posture.Resource{function(staff, "")},
			want:      map[string]any{"iam.bindings": bindings(staff)},
		},
		"the service's grants are added": {
			resources: []*posture.Resource{function(staff, name), service(place, public)},
			want:      map[string]any{"iam.bindings": bindings(staff, public)},
		},
		"the service is found by the project's number as well": {
			resources: []*posture.Resource{function(staff, "projects/4711/locations/europe-west1/services/f"), service(place, public)},
			want:      map[string]any{"iam.bindings": bindings(staff, public)},
		},
		"a service of that name elsewhere is another": {
			resources: []*posture.Resource{function(staff, name), service("us-central1", public)},
			want:      map[string]any{"iam.bindings[]": "unread: run.projects.locations.services.list"},
		},
		"an unread policy of the service leaves the list short": {
			resources: []*posture.Resource{function(staff, name), service(place, schema.Grants{}, "iam")},
			want:      map[string]any{"iam.bindings": bindings(staff), "iam.bindings[]": "unread: read iam"},
		},
		"an unread policy of the function leaves the list short": {
			resources: []*posture.Resource{function(schema.Grants{}, name, "own_iam"), service(place, public)},
			want:      map[string]any{"iam.bindings": bindings(public), "iam.bindings[]": "unread: read own_iam"},
		},
		"nothing known is unread": {
			resources: []*posture.Resource{function(schema.Grants{}, "", "own_iam")},
			want:      map[string]any{"iam.bindings": "unread: read own_iam"},
		},
		"services that were not read may grant more": {
			refused:   run,
			resources: []*posture.Resource{function(staff, name)},
			want:      map[string]any{"iam.bindings": bindings(staff), "iam.bindings[]": "unread: list gcp.run.service"},
		},
		"services of another place do not matter": {
			partly:    map[string][]*posture.Type{"us-central1": run},
			resources: []*posture.Resource{function(staff, name), service(place, public)},
			want:      map[string]any{"iam.bindings": bindings(staff, public)},
		},
		"services of its own place do": {
			partly:    map[string][]*posture.Type{place: run},
			resources: []*posture.Resource{function(staff, name)},
			want:      map[string]any{"iam.bindings[]": "unread: list gcp.run.service"},
		},
	})
}
