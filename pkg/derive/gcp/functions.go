package gcp

import (
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
)

// functionGrants adds up what a function grants and, for the second generation, what its Cloud Run service does.
func functionGrants(inv *derive.Inventory) {
	services := derive.By(derive.Of[schema.RunService](inv, schema.RunServiceType), func(s derive.Item[schema.RunService]) string { return inLocation(s.ID) })
	for _, f := range derive.Of[schema.Function](inv, schema.FunctionType).Items {
		below := derive.Then(derive.Read(f, "run_service", f.V.RunService), func(name string) derive.Val[[]schema.Binding] {
			if name == "" {
				return derive.Known([]schema.Binding{})
			}
			return derive.Named(services.All(inLocation(name)).In(f.Region), "run.projects.locations.services.list",
				func(s derive.Item[schema.RunService]) derive.Val[[]schema.Binding] {
					return derive.Read(s, "iam.bindings", s.V.IAM.Bindings)
				})
		})
		sum := derive.Elements[schema.Binding]{Known: []schema.Binding{}}
		for _, policy := range []derive.Val[[]schema.Binding]{derive.Read(f, "own_iam.bindings", f.V.OwnIAM.Bindings), below} {
			bindings, _ := policy.Get()
			sum.Known, sum.Missing = append(sum.Known, bindings...), append(sum.Missing, policy.Causes()...)
		}
		derive.SetList(f, "iam.bindings", &f.V.IAM.Bindings, sum)
	}
}

// inLocation is a full name without the project, which some names give by its id and some by its number.
func inLocation(name string) string {
	_, rest, _ := strings.Cut(name, "/locations/")
	return rest
}
