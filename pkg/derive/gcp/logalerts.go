package gcp

import (
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/derive/gcplogfilter"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// projectAlerts: the filters by which log entries of the project lead to a message to somebody, and the changes they find.
//
// A change is alerted when such filters surely select every one of its log entries. Where that cannot be decided it counts as
// not alerted. Nothing is unread then, for the filter was read; and an alert of which nobody can say that it goes off is none
// to rely on. The filter stands in log_alerts as unsure, where the reason of the verdict shows it to a person.
func projectAlerts(inv *derive.Inventory) {
	p, ok := ownProject(inv)
	if !ok {
		return
	}
	numbers := newNumbers(inv)
	out := routesOf(logSinks(p), numbers)
	own := alertPlace{
		policies: derive.Of[schema.AlertPolicy](inv, schema.AlertPolicyType),
		metrics:  derive.Of[schema.LogMetric](inv, schema.LogMetricType),
		channels: channelsByNumber(derive.Of[schema.NotificationChannel](inv, schema.NotificationChannelType)),
		routes:   out.Known, numbers: numbers, own: true,
	}
	found := own.filters()
	found.Missing = append(found.Missing, out.Missing...)
	blind := own.otherScopes(derive.Of[schema.MetricsScope](inv, schema.MetricsScopeType))

	collected := centralProjects(inv, numbers)
	found.Missing = append(found.Missing, collected.Missing...)
	central := alertPlace{numbers: numbers}
	for _, r := range out.Known {
		switch project, bucket := r.destination(); {
		case project == inv.Account.ID || project == "":
		case bucket && slices.Contains(collected.Known, project):
			central.routes = append(central.routes, r)
		default:
			blind = append(blind, blindSpot{r.passing, unseen(listMetrics, project)})
		}
	}
	if len(central.routes) > 0 {
		central.policies = derive.Above[schema.AlertPolicy](inv, schema.AlertPolicyType)
		central.metrics = derive.Above[schema.LogMetric](inv, schema.LogMetricType)
		central.channels = channelsByNumber(derive.Above[schema.NotificationChannel](inv, schema.NotificationChannelType))
		more := central.filters()
		found.Known, found.Missing = append(found.Known, more.Known...), append(found.Missing, more.Missing...)
	}
	setAlerts(p, "projects/"+inv.Account.ID, found, blind)
}

// readable is a filter, or the fact that we cannot read it.
type readable struct {
	filter gcplogfilter.Filter
	ok     bool
}

func read(v derive.Val[gcplogfilter.Filter]) readable {
	f, ok := v.Get() // else the empty filter
	return readable{f, ok}
}

// of is how much of a class the filter selects.
func (r readable) of(class gcplogfilter.Class, node string) gcplogfilter.Coverage {
	if !r.ok {
		return gcplogfilter.Unsure
	}
	return r.filter.Of(class, node)
}

// alertFilter selects log entries of which somebody is told.
type alertFilter struct {
	readable
	text string
	sql  bool // a query over logs, in no language that is analysed here
}

// blindSpot is where there may be alerts on the entries that a filter selects, and nothing is read.
type blindSpot struct {
	readable
	cause posture.Cause
}

// unseen is why what another project holds is not known.
func unseen(operation, project string) posture.Cause {
	return posture.Cause{Reason: posture.ReasonNotCollected, Operation: operation, Code: "projects/" + project}
}

// logRoute is a sink that is on and leads to another place within Cloud Logging.
type logRoute struct {
	to      string // "projects/acme/locations/global/buckets/audit", "projects/acme"
	passing readable
}

// destination is the project that a route leads into; bucket says that it ends in a log bucket.
func (r logRoute) destination() (project string, bucket bool) {
	parts := strings.Split(r.to, "/")
	if parts[0] != "projects" || len(parts) < 2 {
		return "", false
	}
	return parts[1], len(parts) > 2
}

func routesOf(sinks derive.Elements[schema.RoutedSink], numbers projectNumbers) derive.Elements[logRoute] {
	out := derive.Elements[logRoute]{Missing: sinks.Missing}
	for _, s := range sinks.Known {
		to, inside := strings.CutPrefix(s.Destination, toLogging)
		if s.Disabled || !inside {
			continue
		}
		name := numbers.canonical(to)
		if to, known := name.Get(); known {
			out.Known = append(out.Known, logRoute{to, read(passing(s))})
		}
		out.Missing = append(out.Missing, name.Causes()...)
	}
	return out
}

// centralProjects are those whose alerts the organization's scan reads: where its sinks lead, on or off.
func centralProjects(inv *derive.Inventory, numbers projectNumbers) derive.Elements[string] {
	sinks := derive.Above[schema.LogSink](inv, schema.LogSinkType)
	return derive.Gather(sinks, func(s derive.Item[schema.LogSink]) (derive.Val[string], derive.Val[bool]) {
		destination := derive.Read(s, "destination", s.V.Destination)
		project := derive.Then(destination, func(d string) derive.Val[string] {
			return derive.Map(numbers.canonical(strings.TrimPrefix(d, toLogging)), func(to string) string {
				project, _ := logRoute{to: to}.destination()
				return project
			})
		})
		return project, derive.Map(destination, func(d string) bool { return strings.HasPrefix(d, toLogging) })
	})
}

// alertPlace is a project, or several, with metrics and what watches them. Of another project's entries it sees those that
// routes bring into its log buckets.
type alertPlace struct {
	policies derive.List[schema.AlertPolicy]
	metrics  derive.List[schema.LogMetric]
	channels derive.Index[schema.NotificationChannel]
	routes   []logRoute
	numbers  projectNumbers
	own      bool // the place is the project whose entries count
}

// filters lists what the place alerts on.
func (a alertPlace) filters() derive.Elements[alertFilter] {
	watching := derive.ByEach(a.policies.WhereRead("project_id"), "metric_types", func(p derive.Item[schema.AlertPolicy]) []string {
		keys := make([]string, len(p.V.MetricTypes))
		for i, name := range p.V.MetricTypes {
			keys[i] = p.V.ProjectID + " " + name
		}
		return keys
	})
	watched := func(m derive.Item[schema.LogMetric]) derive.Val[bool] {
		return derive.Then(derive.Read(m, "project_id", m.V.ProjectID), func(project string) derive.Val[bool] {
			var by []derive.Val[bool]
			for _, name := range spellings(m.V.Name) {
				by = append(by, derive.Exists(watching.All(project+" "+name), func(p derive.Item[schema.AlertPolicy]) derive.Val[bool] {
					return derive.And(a.tells(p), risesWith(p, name))
				}))
			}
			return derive.Or(by...)
		})
	}
	out := derive.Gather(a.metrics, func(m derive.Item[schema.LogMetric]) (derive.Val[alertFilter], derive.Val[bool]) {
		filter, counts := a.metricFilter(m)
		return filter, derive.And(counts, derive.Not(derive.Read(m, "disabled", m.V.Disabled)), watched(m))
	})
	conditions := derive.Gather(a.policies, func(p derive.Item[schema.AlertPolicy]) (derive.Val[[]alertFilter], derive.Val[bool]) {
		filters := a.conditionFilters(p)
		return filters, derive.And(derive.Map(filters, func(f []alertFilter) bool { return len(f) > 0 }), a.tells(p))
	})
	out.Known = append(out.Known, slices.Concat(conditions.Known...)...)
	out.Missing = append(out.Missing, conditions.Missing...)
	return out
}

// tells reports whether somebody hears of the policy's incidents.
func (a alertPlace) tells(p derive.Item[schema.AlertPolicy]) derive.Val[bool] {
	return derive.And(derive.Read(p, "enabled", p.V.Enabled), derive.Read(p, "valid", p.V.Valid),
		derive.Then(usableChannels(p, a.channels), func(usable []derive.Val[bool]) derive.Val[bool] { return derive.Or(usable...) }))
}

// alone reports whether each condition by itself opens an incident.
func alone(p derive.Item[schema.AlertPolicy]) derive.Val[bool] {
	return derive.Map(wholly(p, "combiner", "conditions"), func(p *schema.AlertPolicy) bool {
		return !strings.HasPrefix(p.Combiner, "AND") || len(p.Conditions) < 2
	})
}

// risesWith reports whether a policy that names a metric opens an incident when it counts something. A condition that waits
// for the metric's absence does so when nothing happens.
func risesWith(p derive.Item[schema.AlertPolicy], metric string) derive.Val[bool] {
	return derive.And(alone(p), derive.Map(derive.Read(p, "conditions", p.V.Conditions), func(conditions []schema.AlertCondition) bool {
		return slices.ContainsFunc(conditions, func(c schema.AlertCondition) bool {
			named, _ := logMetricsIn(c).Get()
			return c.Kind != "absence" && slices.Contains(named, metric)
		})
	}))
}

// metricFilter is what a metric counts of the project's entries, and whether it counts any: those of the project itself, or
// those that come into the metric's log bucket.
func (a alertPlace) metricFilter(m derive.Item[schema.LogMetric]) (derive.Val[alertFilter], derive.Val[bool]) {
	sources := derive.Then(derive.Read(m, "bucket_name", m.V.BucketName), func(bucket string) derive.Val[[]readable] {
		if bucket == "" && a.own {
			return derive.Known([]readable{{ok: true}})
		}
		return derive.Map(a.numbers.canonical(bucket), func(bucket string) []readable {
			var into []readable
			for _, r := range a.routes {
				if r.to == bucket {
					into = append(into, r.passing)
				}
			}
			return into
		})
	})
	filter := derive.Map2(sources, derive.Read(m, "filter", m.V.Filter), func(sources []readable, source string) alertFilter {
		out := alertFilter{text: source, readable: read(logFilter(source, listMetrics))}
		var each []gcplogfilter.Filter
		for _, s := range sources {
			each = append(each, gcplogfilter.All(s.filter, out.filter))
			out.ok = out.ok && s.ok
		}
		if whole := out.filter.String(); out.ok && len(each) > 0 {
			if out.filter = gcplogfilter.Any(each...); out.filter.String() != whole {
				out.text = out.filter.String()
			}
		}
		return out
	})
	return filter, derive.Map(sources, func(s []readable) bool { return len(s) > 0 })
}

// conditionFilters are those of a policy's own conditions on log entries. Those that wait for an entry see the policy's own
// project only; a query sees whatever it names.
func (a alertPlace) conditionFilters(p derive.Item[schema.AlertPolicy]) derive.Val[[]alertFilter] {
	return derive.Map2(alone(p), derive.Read(p, "conditions", p.V.Conditions), func(alone bool, conditions []schema.AlertCondition) []alertFilter {
		var out []alertFilter
		for _, c := range conditions {
			switch {
			case !alone:
			case c.Kind == "log" && a.own:
				out = append(out, alertFilter{text: c.Query, readable: read(logFilter(c.Query, listPolicies))})
			case c.Kind == "sql":
				out = append(out, alertFilter{text: c.Query, sql: true})
			}
		}
		return out
	})
}

// otherScopes: other projects can watch this one's metrics, and their alert policies are not read.
func (a alertPlace) otherScopes(scopes derive.List[schema.MetricsScope]) []blindSpot {
	causes := slices.Clone(scopes.Gaps)
	for _, s := range scopes.Items {
		switch own, known := derive.Read(s, "own", s.V.Own).Get(); {
		case !known:
			causes = append(causes, derive.Read(s, "own", true).Causes()...)
		case !own:
			causes = append(causes, unseen(listPolicies, s.V.Name))
		}
	}
	var out []blindSpot
	for _, m := range a.metrics.Items {
		filter, counts := a.metricFilter(m)
		f, known := filter.Get()
		if n, decided := derive.And(counts, derive.Not(derive.Read(m, "disabled", m.V.Disabled))).Get(); decided && !n {
			continue
		}
		for _, cause := range causes {
			hidden := blindSpot{cause: cause}
			if known && f.ok {
				hidden.readable = f.readable
			}
			out = append(out, hidden)
		}
	}
	return out
}

// setAlerts sets what the filters come to, in the project that node names.
func setAlerts(p derive.Item[schema.Project], node string, found derive.Elements[alertFilter], blind []blindSpot) {
	slices.SortFunc(found.Known, func(a, b alertFilter) int { return strings.Compare(a.text, b.text) })
	found.Known = slices.CompactFunc(found.Known, func(a, b alertFilter) bool { return a.text == b.text })

	texts := derive.Elements[string]{Missing: found.Missing}
	if len(found.Missing) == 0 {
		for _, b := range blind {
			texts.Missing = append(texts.Missing, b.cause)
		}
	}
	for _, f := range found.Known {
		if !f.sql {
			texts.Known = append(texts.Known, f.text)
		}
	}
	derive.SetList(p, "alerting_log_filters", &p.V.AlertingLogFilters, texts)

	alerts := &p.V.LogAlerts
	fields := map[string]*[]schema.LogAlert{
		"project_ownership": &alerts.ProjectOwnership, "audit_config": &alerts.AuditConfig, "custom_role": &alerts.CustomRole,
		"firewall": &alerts.Firewall, "network": &alerts.Network, "route": &alerts.Route,
		"bucket_iam": &alerts.BucketIAM, "sql_instance": &alerts.SQLInstance,
	}
	for _, class := range gcplogfilter.Changes() {
		missing := found.Missing
		if len(missing) == 0 { // what failed to be read is the better reason
			missing = hidden(class, node, found.Known, blind)
		}
		derive.SetList(p, "log_alerts."+class.Name, fields[class.Name], finds(class, node, found.Known, missing))
	}
}

// hidden says why a change may be alerted where nothing is read: the most that can be hidden are alerts on all that reaches such
// places. Where even those and the filters that are known do not find every entry, there is nothing to wait for.
func hidden(class gcplogfilter.Class, node string, known []alertFilter, blind []blindSpot) []posture.Cause {
	var causes []posture.Cause
	var most []gcplogfilter.Filter
	for _, f := range known {
		if f.ok {
			most = append(most, f.filter)
		}
	}
	for _, b := range blind {
		if b.of(class, node) != gcplogfilter.None {
			causes = append(causes, b.cause)
			most = append(most, b.filter) // one that cannot be read is taken for everything
		}
	}
	if len(causes) > 0 && gcplogfilter.Any(most...).Of(class, node) != gcplogfilter.Every {
		return nil
	}
	return causes
}

// finds says of each filter what it finds of a class. While something is missing, only what is found for certain stands: a
// filter that is not read yet may complete another.
func finds(class gcplogfilter.Class, node string, filters []alertFilter, missing []posture.Cause) derive.Elements[schema.LogAlert] {
	out := derive.Elements[schema.LogAlert]{Known: []schema.LogAlert{}, Missing: missing}
	var all []gcplogfilter.Filter
	for _, f := range filters {
		if f.ok {
			all = append(all, f.filter)
		}
	}
	together := len(all) > 0 && gcplogfilter.Any(all...).Of(class, node) == gcplogfilter.Every
	for _, f := range filters {
		alert := schema.LogAlert{Filter: f.text, Finds: "unsure"}
		switch f.of(class, node) {
		case gcplogfilter.None:
			continue
		case gcplogfilter.Every:
			alert.Finds = "every"
		case gcplogfilter.Part:
			alert.Finds = "some"
			if together {
				alert.Finds = "every"
			}
		}
		if alert.Finds == "every" || len(missing) == 0 {
			out.Known = append(out.Known, alert)
		}
	}
	return out
}
