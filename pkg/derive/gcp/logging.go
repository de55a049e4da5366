package gcp

import (
	"cmp"
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/derive/gcplogfilter"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// logFilter reads a filter that operation listed. The service took it when it was stored: one that cannot be read is beyond us.
func logFilter(source, operation string) derive.Val[gcplogfilter.Filter] {
	f, err := gcplogfilter.Parse(source)
	if err != nil {
		return derive.UnreadFor[gcplogfilter.Filter](posture.Cause{Reason: posture.ReasonParseError, Operation: operation})
	}
	return derive.Known(f)
}

// sinkOperation is the call that lists the sinks of a node.
func sinkOperation(node string) string {
	kind, _, _ := strings.Cut(node, "/")
	return "logging." + kind + ".sinks.list"
}

// passing is what gets through a sink: its filter without its exclusions.
func passing(s schema.RoutedSink) derive.Val[gcplogfilter.Filter] {
	passing := logFilter(s.Filter, sinkOperation(s.Parent))
	for _, e := range s.Exclusions {
		passing = derive.Map2(passing, logFilter(e, sinkOperation(s.Parent)), func(all, excluded gcplogfilter.Filter) gcplogfilter.Filter {
			return gcplogfilter.All(all, gcplogfilter.Not(excluded))
		})
	}
	return passing
}

// routed is a sink as the projects below see it.
func routed(s derive.Item[schema.LogSink]) derive.Val[schema.RoutedSink] {
	return derive.Map(wholly(s, "parent", "destination", "filter", "disabled", "exclusions"), func(v *schema.LogSink) schema.RoutedSink {
		out := schema.RoutedSink{Name: v.Name, Parent: v.Parent, Destination: v.Destination, Filter: v.Filter, Disabled: v.Disabled}
		out.Exclusions = []string{}
		for _, e := range v.Exclusions {
			if !e.Disabled {
				out.Exclusions = append(out.Exclusions, e.Filter)
			}
		}
		f, err := gcplogfilter.Parse(v.Filter)
		out.Everything = err == nil && f.Of(gcplogfilter.Everything(), v.Parent) == gcplogfilter.Every
		return out
	})
}

// wholly is the resource, once all of these attributes were read.
func wholly[T any](item derive.Item[T], paths ...string) derive.Val[*T] {
	read := make([]derive.Val[bool], len(paths))
	for i, path := range paths {
		read[i] = derive.Read(item, path, true)
	}
	return derive.Map(derive.And(read...), func(bool) *T { return item.V })
}

// sinkExclusions: an exclusion in force takes audit logs out.
func sinkExclusions(inv *derive.Inventory) {
	for _, s := range derive.Of[schema.LogSink](inv, schema.LogSinkType).Items {
		derive.Set(s, "drops_audit_logs", &s.V.DropsAuditLogs, derive.Then(routed(s), func(r schema.RoutedSink) derive.Val[bool] {
			var drops []derive.Val[bool]
			for _, e := range r.Exclusions {
				drops = append(drops, derive.Map(logFilter(e, sinkOperation(r.Parent)), func(f gcplogfilter.Filter) bool {
					return f.Touches(gcplogfilter.AuditLogs(), r.Parent)
				}))
			}
			return derive.Or(drops...)
		}))
	}
}

// sinkLists are the sinks that can lead into what is scanned: its own, and those of folders and organizations. Sinks of other
// projects are not known here.
func sinkLists(inv *derive.Inventory) []derive.List[schema.LogSink] {
	return []derive.List[schema.LogSink]{derive.Of[schema.LogSink](inv, schema.LogSinkType), derive.Above[schema.LogSink](inv, schema.LogSinkType)}
}

const toLogging = "logging.googleapis.com/" // how destinations within Cloud Logging begin

// logBucketSources: audit logs come into a log bucket through a sink that is on.
func logBucketSources(inv *derive.Inventory) {
	numbers := newNumbers(inv)
	type route struct {
		to     string
		brings derive.Val[bool]
	}
	var missing []posture.Cause
	brings := map[string][]derive.Val[bool]{} // audit logs, by bucket
	for _, list := range sinkLists(inv) {
		routes := derive.Gather(list, func(s derive.Item[schema.LogSink]) (derive.Val[route], derive.Val[bool]) {
			r := derive.Then(routed(s), func(r schema.RoutedSink) derive.Val[route] {
				touches := derive.Map(passing(r), func(f gcplogfilter.Filter) bool { return f.Touches(gcplogfilter.AuditLogs(), r.Parent) })
				return derive.Map(numbers.canonical(strings.TrimPrefix(r.Destination, toLogging)), func(to string) route { return route{to, touches} })
			})
			inside := derive.Map(derive.Read(s, "destination", s.V.Destination), func(d string) bool { return strings.HasPrefix(d, toLogging) })
			return r, derive.And(inside, derive.Not(derive.Read(s, "disabled", s.V.Disabled)))
		})
		missing = append(missing, routes.Missing...)
		for _, r := range routes.Known {
			brings[r.to] = append(brings[r.to], r.brings)
		}
	}
	unseen := derive.Known(false)
	if len(missing) > 0 {
		unseen = derive.UnreadFor[bool](missing...)
	}
	for _, b := range derive.Of[schema.LogBucket](inv, schema.LogBucketType).Items {
		derive.Set(b, "receives_audit_logs", &b.V.ReceivesAuditLogs, derive.Then(numbers.canonical(b.ID), func(name string) derive.Val[bool] {
			return derive.Or(append(slices.Clone(brings[name]), unseen)...)
		}))
	}
}

// projectSinks: the project's own sinks, and those above it that take the entries of what lies below them.
func projectSinks(inv *derive.Inventory) {
	p, ok := ownProject(inv)
	if !ok {
		return
	}
	type item = derive.Item[schema.LogSink]
	ownSinks, sinksAbove := derive.Of[schema.LogSink](inv, schema.LogSinkType), derive.Above[schema.LogSink](inv, schema.LogSinkType)
	own := derive.Gather(ownSinks, func(s item) (derive.Val[schema.RoutedSink], derive.Val[bool]) { return routed(s), derive.Known(true) })
	above := derive.Gather(sinksAbove, func(s item) (derive.Val[schema.RoutedSink], derive.Val[bool]) {
		return routed(s), derive.And(
			derive.Read(s, "include_children", s.V.IncludeChildren),
			derive.Map2(derive.Read(p, "ancestors", p.V.Ancestors), derive.Read(s, "parent", s.V.Parent), slices.Contains[[]string]))
	})
	all := derive.Elements[schema.RoutedSink]{Known: slices.Concat(own.Known, above.Known), Missing: slices.Concat(own.Missing, above.Missing)}
	slices.SortFunc(all.Known, func(a, b schema.RoutedSink) int {
		return cmp.Or(strings.Compare(a.Parent, b.Parent), strings.Compare(a.Name, b.Name))
	})
	derive.SetList(p, "log_sinks", &p.V.LogSinks, all)
}

// logSinks is what projectSinks found.
func logSinks(p derive.Item[schema.Project]) derive.Elements[schema.RoutedSink] {
	known := p.V.LogSinks
	if !slices.Contains(p.Derived, "log_sinks") {
		known = nil
	}
	return derive.Elements[schema.RoutedSink]{Known: known, Missing: derive.Read(p, "log_sinks", true).Causes()}
}

// projectNumbers knows projects by their numbers, since a name may hold either.
type projectNumbers struct {
	account string // id of the scanned project, or the organization
	number  derive.Val[string]
	members derive.Index[schema.Member]
}

func newNumbers(inv *derive.Inventory) projectNumbers {
	n := projectNumbers{account: inv.Account.ID, number: derive.Known(""), members: derive.ByID(derive.Of[schema.Member](inv, schema.MemberType))}
	if p, ok := ownProject(inv); ok {
		n.number = derive.Read(p, "project_number", p.V.ProjectNumber)
		n.members = derive.ByID(derive.Above[schema.Member](inv, schema.MemberType))
	}
	return n
}

// canonical is a name such as "projects/4711/locations/global/buckets/audit" with the project's id instead of its number.
func (n projectNumbers) canonical(name string) derive.Val[string] {
	kind, rest, _ := strings.Cut(name, "/")
	ref, rest, more := strings.Cut(rest, "/")
	if kind != "projects" || strings.Trim(ref, "0123456789") != "" {
		return derive.Known(name)
	}
	with := func(id string) string {
		if more {
			id += "/" + rest
		}
		return "projects/" + id
	}
	return derive.Then(n.number, func(own string) derive.Val[string] {
		if ref == own {
			return derive.Known(with(n.account))
		}
		member, found, missing := n.members.Get("projects/" + ref)
		switch {
		case found:
			return derive.Map(derive.Read(member, "project_id", member.V.ProjectID), with)
		case missing != nil:
			return derive.UnreadFor[string](missing...)
		}
		return derive.Known(name) // a project of somebody else
	})
}
