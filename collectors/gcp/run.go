package gcp

import (
	"context"
	"fmt"
	"iter"
	"path"

	runv1 "google.golang.org/api/run/v1"
	"google.golang.org/api/run/v2"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/secretscan"
)

var runServices = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.RunServiceType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		{Name: "run.projects.locations.list", Permission: "run.locations.list", Body: collectors.Store},
		// Variables and headers have a "value"; the others may hold secrets as well: flags, build settings, inline source code.
		{Name: "run.projects.locations.services.list", Permission: "run.services.list",
			Body: collectors.Redact("value", "args", "command", "annotations", "environmentVariables", "content")},
		{Name: "run.projects.locations.services.getIamPolicy", Permission: "run.services.getIamPolicy", Body: collectors.Store},
		searchResources,
		searchPolicies,
	},
	Collect: collectRunServices,
}

// collectRunServices lists the services one location at a time. Only the API's first version lists locations, only its second
// describes services in a form of their own.
func collectRunServices(ctx context.Context, c *client, emit collectors.Emit) error {
	older, err := runv1.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	api, err := run.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	locations := func(add func(string)) error {
		return older.Projects.Locations.List(c.node).PageSize(1000).Pages(ctx, func(page *runv1.ListLocationsResponse) error {
			for _, l := range page.Locations {
				add(l.LocationId)
			}
			return nil
		})
	}
	return c.inEachLocation(ctx, schema.RunServiceType, serviceAsset, locations, func(location string) error {
		return collectRunServicesIn(ctx, c, api, c.node+"/locations/"+location, emit)
	})
}

func collectRunServicesIn(ctx context.Context, c *client, api *run.Service, parent string, emit collectors.Emit) error {
	list := api.Projects.Locations.Services
	var missing error
	err := list.List(parent).PageSize(1000).Pages(ctx, func(page *run.GoogleCloudRunV2ListServicesResponse) error {
		for _, place := range page.Unreachable {
			missing = unreachable("run.projects.locations.services.list", place)
		}
		for _, s := range page.Services {
			out := newRunService(s)
			ask := list.GetIamPolicy(s.Name).OptionsRequestedPolicyVersion(policyVersion).Context(ctx)
			var err error
			if out.IAM, err = readGrants(ctx, c, ask.Do, runGrants, "//run.googleapis.com/"+s.Name); err != nil {
				emit(s.Name, collectors.In(out.Location, &out), collectors.Unread(err, "iam"))
				continue
			}
			emit(s.Name, collectors.In(out.Location, &out))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list services: %w", err)
	}
	return missing
}

func newRunService(s *run.GoogleCloudRunV2Service) schema.RunService {
	out := schema.RunService{
		Meta:     posture.Meta{Name: path.Base(s.Name), Tags: s.Labels, CreatedAt: timestamp(s.CreateTime)},
		Location: locationOf(s.Name), Ingress: s.Ingress, InvokerIAMDisabled: s.InvokerIamDisabled, IAPEnabled: s.IapEnabled,
		EnvSuspectNames: []string{}, FromFunctions: s.Labels["goog-managed-by"] == "cloudfunctions",
	}
	if b := s.BinaryAuthorization; b != nil {
		out.BinaryAuthorization = b.UseDefault || b.Policy != ""
	}
	if t := s.Template; t != nil {
		out.ServiceAccount, out.KMSKeyName = t.ServiceAccount, t.EncryptionKey
		out.EnvSuspectNames = secretscan.Names(plainVariables(t))
		if t.VpcAccess != nil {
			out.VPCEgress = t.VpcAccess.Egress
		}
	}
	return out
}

// plainVariables are the variables of all containers that Secret Manager does not fill.
func plainVariables(t *run.GoogleCloudRunV2RevisionTemplate) iter.Seq2[string, string] {
	lists := [][]*run.GoogleCloudRunV2EnvVar{}
	for _, container := range t.Containers {
		lists = append(lists, container.Env)
	}
	if t.Sandboxes != nil {
		for _, sandbox := range t.Sandboxes.Templates {
			lists = append(lists, sandbox.Env)
		}
	}
	return func(yield func(name, value string) bool) {
		for _, list := range lists {
			for _, v := range list {
				if v.ValueSource == nil && !yield(v.Name, v.Value) {
					return
				}
			}
		}
	}
}

func runGrants(p *run.GoogleIamV1Policy) schema.Grants {
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
