package gcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/cloudfunctions/v2"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/secretscan"
)

var functions = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.FunctionType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		// The address of an upload lets its bearer in for a while.
		{Name: "cloudfunctions.projects.locations.functions.list", Permission: "cloudfunctions.functions.list",
			Body: collectors.Redact("environmentVariables", "sourceUploadUrl", "sourceToken")},
		{Name: "cloudfunctions.projects.locations.functions.getIamPolicy", Permission: "cloudfunctions.functions.getIamPolicy", Body: collectors.Store},
		{Name: "cloudfunctions.projects.locations.runtimes.list", Permission: "cloudfunctions.runtimes.list", Body: collectors.Store},
		searchResources,
		searchPolicies,
	},
	Collect: collectFunctions,
}

// collectFunctions reads the functions of both generations in all locations, and the runtimes of those that have some.
func collectFunctions(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := cloudfunctions.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	known := map[string]runtimes{}
	list := api.Projects.Locations.Functions
	var missing []error
	err = list.List(c.node+"/locations/-").PageSize(1000).Pages(ctx, func(page *cloudfunctions.ListFunctionsResponse) error {
		for _, place := range page.Unreachable {
			missing = append(missing, collectors.IncompleteIn(locationOf(place), schema.FunctionType,
				unreachable("cloudfunctions.projects.locations.functions.list", place)))
		}
		for _, f := range page.Functions {
			location := locationOf(f.Name)
			out := newFunction(c, f)
			var gaps []collectors.Gap
			ask := list.GetIamPolicy(f.Name).OptionsRequestedPolicyVersion(policyVersion).Context(ctx)
			var err error
			if out.OwnIAM, err = readGrants(ctx, c, ask.Do, functionGrants, "//cloudfunctions.googleapis.com/"+f.Name); err != nil {
				gaps = append(gaps, collectors.Unread(err, "own_iam"))
			}
			if _, asked := known[location]; !asked {
				known[location] = readRuntimes(ctx, c, api, location)
			}
			out.RuntimeDeprecationDate, out.RuntimeDecommissionDate, err = known[location].dates(out.Runtime, out.Generation)
			if err != nil {
				gaps = append(gaps, collectors.Unread(err, "runtime_deprecation_date", "runtime_decommission_date"))
			}
			emit(f.Name, collectors.In(location, &out), gaps...)
		}
		return nil
	})
	if err != nil {
		missing = append(missing, fmt.Errorf("list functions: %w", err))
	}
	return errors.Join(missing...)
}

func newFunction(c *client, f *cloudfunctions.Function) schema.Function {
	build, service := cmp.Or(f.BuildConfig, &cloudfunctions.BuildConfig{}), cmp.Or(f.ServiceConfig, &cloudfunctions.ServiceConfig{})
	suspects := append(secretscan.Names(maps.All(build.EnvironmentVariables)), secretscan.Names(maps.All(service.EnvironmentVariables))...)
	slices.Sort(suspects)
	out := schema.Function{
		Meta:     posture.Meta{Name: path.Base(f.Name), Tags: f.Labels, CreatedAt: timestamp(f.CreateTime)},
		Location: locationOf(f.Name), Generation: f.Environment, State: f.State, Runtime: build.Runtime, HTTPTrigger: f.EventTrigger == nil,
		Ingress: service.IngressSettings, SecurityLevel: service.SecurityLevel, VPCConnector: service.VpcConnector,
		ServiceAccount: service.ServiceAccountEmail, ServiceAccountIsDefault: c.defaultAccount(service.ServiceAccountEmail),
		EnvSuspectNames: slices.Compact(suspects), SecretEnvCount: len(service.SecretEnvironmentVariables), KMSKeyName: f.KmsKeyName,
	}
	if f.Environment == "GEN_2" {
		out.RunService = service.Service
	}
	return out
}

// defaultAccount reports whether code runs as an account that Google made in the project, App Engine's or Compute Engine's; ""
// is one of them too. The address of App Engine's turns the domain of old project ids round: "shop.acme.example@…".
func (c *client) defaultAccount(email string) bool {
	id := c.project
	if domain, name, old := strings.Cut(id, ":"); old {
		id = name + "." + domain
	}
	return email == "" || email == id+"@appspot.gserviceaccount.com" || email == c.number+"-compute@developer.gserviceaccount.com"
}

// runtimes are those of one location, and why they are not known.
type runtimes struct {
	list []*cloudfunctions.Runtime
	err  error
}

const listRuntimes = "cloudfunctions.projects.locations.runtimes.list"

func readRuntimes(ctx context.Context, c *client, api *cloudfunctions.Service, location string) runtimes {
	answer, err := api.Projects.Locations.Runtimes.List(c.node + "/locations/" + location).Context(ctx).Do()
	if err != nil {
		return runtimes{err: fmt.Errorf("list runtimes in %s: %w", location, err)}
	}
	return runtimes{list: answer.Runtimes}
}

// dates says from when on a runtime of a generation gets no more support, and from when on it may stop; absent where nothing is
// announced. A runtime that is not in the list, or past support without a date, has an unread one.
func (r runtimes) dates(name, generation string) (deprecated, decommissioned posture.Opt[time.Time], err error) {
	if r.err != nil {
		return deprecated, decommissioned, r.err
	}
	for _, known := range r.list {
		if known.Name != name || known.Environment != generation {
			continue
		}
		deprecated, decommissioned = day(known.DeprecationDate), day(known.DecommissionDate)
		if _, announced := deprecated.Get(); !announced && (known.Stage == "DEPRECATED" || known.Stage == "DECOMMISSIONED") {
			break
		}
		return deprecated, decommissioned, nil
	}
	return deprecated, decommissioned, &partialError{listRuntimes, "dates of " + name}
}

// day reads a date; one without month or day begins with the year or month.
func day(d *cloudfunctions.Date) posture.Opt[time.Time] {
	if d == nil || d.Year == 0 {
		return posture.Opt[time.Time]{}
	}
	return posture.Some(time.Date(int(d.Year), time.Month(max(1, d.Month)), int(max(1, d.Day)), 0, 0, 0, 0, time.UTC))
}

func functionGrants(p *cloudfunctions.Policy) schema.Grants {
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
