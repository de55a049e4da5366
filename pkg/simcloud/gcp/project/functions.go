package project

import (
	"slices"
	"time"

	"google.golang.org/api/cloudfunctions/v2"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Functions of both generations. What the second grants to callers stands on its Cloud Run service.
var functionsService = service{
	api: "cloudfunctions.googleapis.com",
	kinds: []world.Kind{{
		Name: "gcp.function", Sort: inProject, Count: 4,
		Defects: []world.Defect{{Name: "first-generation", Share: 0.4}, {Name: "event", Share: 0.25}, {Name: "public", Share: 0.3, Drift: 0.3},
			{Name: "public-by-itself", Share: 0.1, Drift: 0.1}, {Name: "internal", Share: 0.25, Drift: 0.1}, {Name: "runtime-unsupported", Share: 0.2, Drift: 0.2},
			{Name: "runtime-to-end", Share: 0.4}, {Name: "plain-secret", Share: 0.2, Drift: 0.2}, {Name: "default-account", Share: 0.4},
			{Name: "google-key", Share: 0.5}, {Name: "insecure", Share: 0.3}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			open := (it.Has("public") || it.Has("public-by-itself")) && !it.Has("internal")
			return in(it.Region, "gcp.functions.function", functionName(it)), map[string]posture.Result{
				"gcp-function-not-public":        unless(it.Has("event"), failIf(open)),
				"gcp-function-runtime-supported": failIf(it.Has("runtime-unsupported")),
			}
		},
		ExpectMore: func(s *world.State) map[world.Judged]posture.Result {
			out := map[world.Judged]posture.Result{}
			for _, it := range s.Items("gcp.function") {
				if !it.Has("first-generation") {
					service := in(it.Region, "gcp.run.service", functionService(it))
					for _, rule := range []string{"gcp-run-service-not-public", "gcp-run-service-no-plaintext-secrets"} {
						out[world.Judged{Rule: rule, Resource: service}] = posture.DoesNotApply
					}
				}
			}
			return out
		},
	}},
	handle: handleFunctions,
}

func functionName(it *world.Item) string {
	return "projects/" + it.Account.ID + "/locations/" + it.Region + "/functions/" + it.Name()
}

// functionService is the Cloud Run service of a function of the second generation.
func functionService(it *world.Item) string {
	return "projects/" + it.Account.ID + "/locations/" + it.Region + "/services/on-" + it.Name()
}

func functionAccount(it *world.Item) string {
	switch {
	case !it.Has("default-account"):
		return "functions@" + it.Account.ID + ".iam.gserviceaccount.com"
	case it.Has("first-generation"):
		return it.Account.ID + "@appspot.gserviceaccount.com"
	}
	return Number(it.Account.ID) + "-compute@developer.gserviceaccount.com"
}

func functionVariables(it *world.Item) map[string]string {
	out := map[string]string{"LOG_EXECUTION_ID": "true", "BUCKET": it.Account.ID + "-media"}
	if it.Has("plain-secret") {
		out["PAYMENT_API_KEY"] = it.Hex(24, "key")
	}
	return out
}

func handleFunctions(s *gcp.Server, w *states) {
	gcp.List(s, "cloudfunctions.projects.locations.functions.list", "functions", func(c gcp.Call) (*cloudfunctions.ListFunctionsResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &cloudfunctions.ListFunctionsResponse{}
		for _, it := range state.Items("gcp.function") {
			out.Functions = append(out.Functions, newFunction(state, it))
		}
		return out, nil
	})
	gcp.Handle(s, "cloudfunctions.projects.locations.functions.getIamPolicy", func(c gcp.Call) (*cloudfunctions.Policy, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		functions := state.In("gcp.function", c.Params["locationsId"])
		i := slices.IndexFunc(functions, func(it *world.Item) bool { return it.Name() == c.Params["functionsId"] })
		if i < 0 {
			return nil, gcp.NotFound("The function")
		}
		out := &cloudfunctions.Policy{Version: 1, Etag: "BwXhqEB="}
		if it := functions[i]; it.Has("public-by-itself") || it.Has("first-generation") && it.Has("public") {
			out.Bindings = []*cloudfunctions.Binding{{Role: "roles/cloudfunctions.invoker", Members: []string{"allUsers"}}}
		}
		return out, nil
	})
	gcp.Handle(s, "cloudfunctions.projects.locations.runtimes.list", func(c gcp.Call) (*cloudfunctions.ListRuntimesResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		return &cloudfunctions.ListRuntimesResponse{Runtimes: runtimesAt(state)}, nil
	})
}

// runtimesAt are the runtimes there are: of one nothing is announced, one ends in the year to come, one has ended.
func runtimesAt(state *world.State) []*cloudfunctions.Runtime {
	var out []*cloudfunctions.Runtime
	next := int64(state.Time().Year() + 1)
	ended := state.World.Start.AddDate(0, -8, 0)
	for _, generation := range []string{"GEN_1", "GEN_2"} {
		out = append(out,
			&cloudfunctions.Runtime{Name: "go125", DisplayName: "Go 1.25", Environment: generation, Stage: "GA"},
			&cloudfunctions.Runtime{Name: "nodejs22", DisplayName: "Node.js 22", Environment: generation, Stage: "GA",
				DeprecationDate: &cloudfunctions.Date{Year: next, Month: 4, Day: 30}, DecommissionDate: &cloudfunctions.Date{Year: next, Month: 10, Day: 31}},
			&cloudfunctions.Runtime{Name: "nodejs18", DisplayName: "Node.js 18", Environment: generation, Stage: "DEPRECATED",
				DeprecationDate:  &cloudfunctions.Date{Year: int64(ended.Year()), Month: int64(ended.Month()), Day: int64(ended.Day())},
				DecommissionDate: &cloudfunctions.Date{Year: int64(ended.Year() + 1), Month: int64(ended.Month()), Day: int64(ended.Day())},
				Warnings:         []string{"This runtime is no longer supported."}},
		)
	}
	return out
}

func newFunction(state *world.State, it *world.Item) *cloudfunctions.Function {
	account := functionAccount(it)
	f := &cloudfunctions.Function{
		Name: functionName(it), Environment: "GEN_2", State: "ACTIVE", CreateTime: stamp(state.Long(it, 60)), UpdateTime: stamp(state.Long(it, 60).Add(time.Hour)),
		Labels: map[string]string{"team": "shop"}, KmsKeyName: "projects/" + it.Account.ID + "/locations/" + it.Region + "/keyRings/data/cryptoKeys/functions",
		BuildConfig: &cloudfunctions.BuildConfig{
			Runtime: "go125", EntryPoint: "Handle", DockerRegistry: "ARTIFACT_REGISTRY",
			Source: &cloudfunctions.Source{StorageSource: &cloudfunctions.StorageSource{Bucket: "gcf-v2-sources-" + Number(it.Account.ID) + "-" + it.Region,
				Object: it.Name() + "/function-source.zip"}},
		},
		ServiceConfig: &cloudfunctions.ServiceConfig{
			Service: functionService(it), Uri: "https://on-" + it.Name() + "-" + Number(it.Account.ID) + "." + it.Region + ".run.app",
			IngressSettings: "ALLOW_ALL", ServiceAccountEmail: account, AvailableMemory: "256M", TimeoutSeconds: 60, MaxInstanceCount: 20,
			EnvironmentVariables: functionVariables(it), AllTrafficOnLatestRevision: true,
		},
	}
	switch {
	case it.Has("runtime-unsupported"):
		f.BuildConfig.Runtime = "nodejs18"
	case it.Has("runtime-to-end"):
		f.BuildConfig.Runtime = "nodejs22"
	}
	if it.Has("first-generation") {
		f.Environment, f.ServiceConfig.Service, f.ServiceConfig.AllTrafficOnLatestRevision = "GEN_1", "", false
		f.ServiceConfig.VpcConnector = "projects/" + it.Account.ID + "/locations/" + it.Region + "/connectors/main"
		f.ServiceConfig.SecurityLevel = "SECURE_ALWAYS"
		if it.Has("insecure") {
			f.ServiceConfig.SecurityLevel = "SECURE_OPTIONAL"
		}
	}
	if it.Has("event") {
		f.ServiceConfig.SecurityLevel = ""
		f.EventTrigger = &cloudfunctions.EventTrigger{EventType: "google.cloud.pubsub.topic.v1.messagePublished", TriggerRegion: it.Region,
			PubsubTopic: "projects/" + it.Account.ID + "/topics/orders", RetryPolicy: "RETRY_POLICY_RETRY"}
	}
	if it.Has("internal") {
		f.ServiceConfig.IngressSettings = []string{"ALLOW_INTERNAL_ONLY", "ALLOW_INTERNAL_AND_GCLB"}[it.Pick(2, "ingress")]
	}
	if it.Has("google-key") {
		f.KmsKeyName = ""
	}
	if it.Pick(2, "secrets") == 0 {
		f.ServiceConfig.SecretEnvironmentVariables = []*cloudfunctions.SecretEnvVar{{Key: "DB_PASSWORD", ProjectId: it.Account.ID, Secret: "db-password", Version: "latest"}}
	}
	return f
}
