package project

import (
	"cmp"
	"slices"

	runv1 "google.golang.org/api/run/v1"
	"google.golang.org/api/run/v2"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Services of functions of the second generation stand beside those that were deployed as such; see functions.go.
var runService = service{
	api: "run.googleapis.com",
	kinds: []world.Kind{{
		Name: "gcp.run_service", Sort: inProject, Count: 4,
		Defects: []world.Defect{{Name: "public", Share: 0.3, Drift: 0.3}, {Name: "no-invoker-check", Share: 0.2, Drift: 0.1}, {Name: "proxied", Share: 0.2},
			{Name: "internal", Share: 0.2, Drift: 0.1}, {Name: "plain-secret", Share: 0.1, Drift: 0.3}, {Name: "google-key", Share: 0.5},
			{Name: "unsigned-images", Share: 0.5}, {Name: "default-account", Share: 0.3}, {Name: "no-network", Share: 0.4}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			reached := it.Has("public") || it.Has("no-invoker-check")
			return in(it.Region, "gcp.run.service", runName(it)), map[string]posture.Result{
				"gcp-run-service-not-public":           failIf(reached && !it.Has("proxied") && !it.Has("internal")),
				"gcp-run-service-no-plaintext-secrets": failIf(it.Has("plain-secret")),
			}
		},
	}},
	handle: handleRun,
}

func runName(it *world.Item) string {
	return "projects/" + it.Account.ID + "/locations/" + it.Region + "/services/" + it.Name()
}

func handleRun(s *gcp.Server, w *states) {
	gcp.List(s, "run.projects.locations.list", "locations", func(c gcp.Call) (*runv1.ListLocationsResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &runv1.ListLocationsResponse{}
		for _, l := range append([]string{emptyLocation}, state.Account.Regions...) {
			out.Locations = append(out.Locations, &runv1.Location{Name: "projects/" + c.Account + "/locations/" + l, LocationId: l, DisplayName: l,
				Labels: map[string]string{"cloud.googleapis.com/region": l}})
		}
		return out, nil
	})
	gcp.List(s, "run.projects.locations.services.list", "services", func(c gcp.Call) (*run.GoogleCloudRunV2ListServicesResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &run.GoogleCloudRunV2ListServicesResponse{}
		for _, it := range state.In("gcp.run_service", c.Params["locationsId"]) {
			out.Services = append(out.Services, newRunService(state, it))
		}
		for _, it := range state.In("gcp.function", c.Params["locationsId"]) {
			if !it.Has("first-generation") {
				out.Services = append(out.Services, serviceOfFunction(state, it))
			}
		}
		return out, nil
	})
	gcp.Handle(s, "run.projects.locations.services.getIamPolicy", func(c gcp.Call) (*run.GoogleIamV1Policy, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		name := "projects/" + c.Account + "/locations/" + c.Params["locationsId"] + "/services/" + c.Params["servicesId"]
		named := func(nameOf func(*world.Item) string) func(*world.Item) bool {
			return func(it *world.Item) bool { return nameOf(it) == name }
		}
		public := false
		if own := state.Items("gcp.run_service"); slices.ContainsFunc(own, named(runName)) {
			public = own[slices.IndexFunc(own, named(runName))].Has("public")
		} else if functions := state.Items("gcp.function"); slices.ContainsFunc(functions, named(functionService)) {
			public = functions[slices.IndexFunc(functions, named(functionService))].Has("public")
		} else {
			return nil, gcp.NotFound("The service")
		}
		out := &run.GoogleIamV1Policy{Version: 1, Etag: "BwXhqEA=", Bindings: []*run.GoogleIamV1Binding{
			{Role: "roles/run.invoker", Members: []string{"serviceAccount:web@" + c.Account + ".iam.gserviceaccount.com"}},
		}}
		if public {
			out.Bindings[0].Members = append(out.Bindings[0].Members, "allUsers")
		}
		return out, nil
	})
}

// emptyLocation is one in which nobody has anything.
const emptyLocation = "northamerica-south1"

func newRunService(state *world.State, it *world.Item) *run.GoogleCloudRunV2Service {
	name := runName(it)
	made := stamp(state.Long(it, 60))
	revision := it.Name() + "-00007-" + it.Hex(3, "revision")
	s := &run.GoogleCloudRunV2Service{
		Name: name, Uid: it.Hex(8, "uid") + "-3f64-4c5a-9c1d-" + it.Hex(12, "node"), Generation: 7, ObservedGeneration: 7, Labels: map[string]string{"team": "shop"},
		CreateTime: made, UpdateTime: made, Creator: "deploy@" + it.Account.ID + ".iam.gserviceaccount.com", Client: "gcloud", Etag: `"CKLgoMEGENjVrQI"`,
		Ingress: "INGRESS_TRAFFIC_ALL", LaunchStage: "GA", InvokerIamDisabled: it.Has("no-invoker-check"), IapEnabled: it.Has("proxied"),
		BinaryAuthorization: &run.GoogleCloudRunV2BinaryAuthorization{UseDefault: !it.Has("unsigned-images")},
		Template: &run.GoogleCloudRunV2RevisionTemplate{
			Containers: []*run.GoogleCloudRunV2Container{{
				Name: "app", Image: it.Region + "-docker.pkg.dev/" + it.Account.ID + "/images/" + it.Name() + "@sha256:" + it.Hex(64, "image"),
				Env: []*run.GoogleCloudRunV2EnvVar{
					{Name: "LOG_LEVEL", Value: "info"},
					{Name: "DB_HOST", Value: "10.30.0.7"},
					{Name: "DB_PASSWORD", ValueSource: &run.GoogleCloudRunV2EnvVarSource{
						SecretKeyRef: &run.GoogleCloudRunV2SecretKeySelector{Secret: "db-password", Version: "latest"}}},
				},
				Ports: []*run.GoogleCloudRunV2ContainerPort{{Name: "http1", ContainerPort: 8080}},
			}},
			ServiceAccount: "orders@" + it.Account.ID + ".iam.gserviceaccount.com", Timeout: "300s", MaxInstanceRequestConcurrency: 80,
			EncryptionKey: "projects/" + it.Account.ID + "/locations/" + it.Region + "/keyRings/data/cryptoKeys/services",
			VpcAccess: &run.GoogleCloudRunV2VpcAccess{Egress: []string{"ALL_TRAFFIC", "PRIVATE_RANGES_ONLY"}[it.Pick(2, "egress")],
				NetworkInterfaces: []*run.GoogleCloudRunV2NetworkInterface{{Network: "main", Subnetwork: "main"}}},
		},
		Uri: "https://" + it.Name() + "-" + Number(it.Account.ID) + "." + it.Region + ".run.app", LatestReadyRevision: name + "/revisions/" + revision,
		Traffic:           []*run.GoogleCloudRunV2TrafficTarget{{Type: "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", Percent: 100}},
		TerminalCondition: &run.GoogleCloudRunV2Condition{Type: "Ready", State: "CONDITION_SUCCEEDED", LastTransitionTime: made},
	}
	if it.Has("internal") {
		s.Ingress = []string{"INGRESS_TRAFFIC_INTERNAL_ONLY", "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"}[it.Pick(2, "ingress")]
	}
	if it.Has("google-key") {
		s.Template.EncryptionKey = ""
	}
	if it.Has("default-account") {
		s.Template.ServiceAccount = ""
	}
	if it.Has("no-network") {
		s.Template.VpcAccess = nil
	}
	if it.Has("plain-secret") {
		leaking := &s.Template.Containers[0]
		if it.Pick(2, "container") == 0 { // a second container's variables count as well
			s.Template.Containers = append(s.Template.Containers, &run.GoogleCloudRunV2Container{Name: "sidecar", Image: "europe-docker.pkg.dev/acme/tools/proxy:2"})
			leaking = &s.Template.Containers[1]
		}
		v := &run.GoogleCloudRunV2EnvVar{Name: "SMTP_PASSWORD", Value: it.Hex(12, "password")}
		if it.Pick(2, "form") == 0 {
			v = &run.GoogleCloudRunV2EnvVar{Name: "BACKEND", Value: "postgres://orders:" + it.Hex(12, "password") + "@10.30.0.7/orders"}
		}
		(*leaking).Env = append((*leaking).Env, v)
	}
	return s
}

// serviceOfFunction is what the second generation of functions runs as.
func serviceOfFunction(state *world.State, it *world.Item) *run.GoogleCloudRunV2Service {
	made := stamp(state.Long(it, 60))
	s := &run.GoogleCloudRunV2Service{
		Name: functionService(it), Uid: it.Hex(8, "uid") + "-3f64-4c5a-9c1d-" + it.Hex(12, "node"), Generation: 3, CreateTime: made, UpdateTime: made,
		Labels: map[string]string{"goog-managed-by": "cloudfunctions", "team": "shop"}, Ingress: "INGRESS_TRAFFIC_ALL", LaunchStage: "GA", Client: "cloudfunctions",
		Template: &run.GoogleCloudRunV2RevisionTemplate{
			Containers:     []*run.GoogleCloudRunV2Container{{Name: "worker", Image: it.Region + "-docker.pkg.dev/" + it.Account.ID + "/gcf-artifacts/" + it.Name() + ":version_3"}},
			ServiceAccount: functionAccount(it),
		},
	}
	for name, value := range functionVariables(it) {
		s.Template.Containers[0].Env = append(s.Template.Containers[0].Env, &run.GoogleCloudRunV2EnvVar{Name: name, Value: value})
	}
	slices.SortFunc(s.Template.Containers[0].Env, func(a, b *run.GoogleCloudRunV2EnvVar) int { return cmp.Compare(a.Name, b.Name) })
	if it.Has("internal") {
		s.Ingress = "INGRESS_TRAFFIC_INTERNAL_ONLY"
	}
	return s
}
