package gcp

import (
	"slices"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
)

// organizationServices: who is told, what watches, and whether sensitive data is looked for.
func organizationServices(inv *derive.Inventory) {
	for _, o := range derive.Of[schema.Organization](inv, schema.OrganizationType).Items {
		derive.SetList(o, "essential_contacts.covered_categories", &o.V.EssentialContacts.CoveredCategories, coveredCategories(inv))
		sources := derive.Gather(derive.Of[schema.SecuritySource](inv, schema.SecuritySourceType),
			func(s derive.Item[schema.SecuritySource]) (derive.Val[string], derive.Val[bool]) {
				return derive.Read(s, "display_name", s.V.DisplayName), derive.Known(true)
			})
		sources.Known = sorted(sources.Known)
		derive.SetList(o, "scc.active_source_names", &o.V.SCC.ActiveSourceNames, sources)
		derive.Set(o, "dlp_discovery_running", &o.V.DLPDiscoveryRunning,
			derive.Exists(derive.Of[schema.DiscoveryConfig](inv, schema.DiscoveryConfigType), func(c derive.Item[schema.DiscoveryConfig]) derive.Val[bool] {
				return derive.Map(derive.Read(c, "status", c.V.Status), func(status string) bool { return status == "RUNNING" })
			}))
	}
}

// categories are the kinds of notice that a contact can be named for.
var categories = []string{"BILLING", "LEGAL", "PRODUCT_UPDATES", "SECURITY", "SUSPENSION", "TECHNICAL", "TECHNICAL_INCIDENTS"}

// coveredCategories are those for which somebody is named whose address has not been found wrong.
func coveredCategories(inv *derive.Inventory) derive.Elements[string] {
	lists := derive.Gather(derive.Of[schema.Contact](inv, schema.ContactType),
		func(c derive.Item[schema.Contact]) (derive.Val[[]string], derive.Val[bool]) {
			valid := derive.Map(derive.Read(c, "validation_state", c.V.ValidationState), func(state string) bool { return state != "INVALID" })
			return derive.Read(c, "categories", c.V.Categories), valid
		})
	out := derive.Elements[string]{Known: []string{}, Missing: lists.Missing}
	for _, list := range lists.Known {
		if slices.Contains(list, "ALL") {
			list = categories
		}
		out.Known = append(out.Known, list...)
		if slices.Contains(list, "TECHNICAL") {
			out.Known = append(out.Known, "TECHNICAL_INCIDENTS")
		}
	}
	out.Known = sorted(out.Known)
	return out
}
