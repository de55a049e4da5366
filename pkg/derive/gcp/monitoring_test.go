package gcp

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestLogMetricsIn(t *testing.T) {
	for name, test := range map[string]struct {
		kind, query string
		want        []string
	}{
		"a threshold": {"threshold",
			`metric.type="logging.googleapis.com/user/fw" AND resource.type="gce_firewall_rule"`, []string{"logging.googleapis.com/user/fw"}},
		"side by side": {"threshold",
			`resource.type = "global" metric.type = "logging.googleapis.com/user/fw"`, []string{"logging.googleapis.com/user/fw"}},
		"a name with a slash": {"absence",
			`metric.type="logging.googleapis.com/user/net/fw"`, []string{"logging.googleapis.com/user/net/fw"}},
		"not the metric":            {"threshold", `NOT metric.type="logging.googleapis.com/user/fw"`, nil},
		"a metric of the platform":  {"threshold", `metric.type="logging.googleapis.com/log_entry_count"`, nil},
		"the name in another field": {"threshold", `metric.type="a/b" AND metric.labels.x="logging.googleapis.com/user/fw"`, nil},
		"MQL, bare": {"mql",
			"fetch gce_firewall_rule::logging.googleapis.com/user/fw\n| count", []string{"logging.googleapis.com/user/fw"}},
		"MQL, quoted": {"mql",
			`fetch global | metric 'logging.googleapis.com/user/net fw' | condition val() > 0`, []string{"logging.googleapis.com/user/net fw"}},
		"MQL, in a comment":  {"mql", "fetch a::b/c # logging.googleapis.com/user/fw\n| count", nil},
		"MQL, a longer name": {"mql", "fetch x::xlogging.googleapis.com/user/fw", nil},
		"PromQL": {"promql",
			`sum(rate(logging_googleapis_com:user_fw_changes{a="b"}[5m])) > 0`, []string{"logging_googleapis_com:user_fw_changes"}},
		"PromQL, by its own name":    {"promql", `rate({"logging.googleapis.com/user/fw"}[1m])`, []string{"logging.googleapis.com/user/fw"}},
		"PromQL, by a label":         {"promql", `{__name__="logging_googleapis_com:user_fw"}`, []string{"logging_googleapis_com:user_fw"}},
		"PromQL, in a comment":       {"promql", "up # logging_googleapis_com:user_fw", nil},
		"SQL":                        {"sql", "SELECT 1 FROM `logging.googleapis.com/user/fw`", []string{"logging.googleapis.com/user/fw"}},
		"SQL, in comments":           {"sql", "SELECT 1 /* 'logging.googleapis.com/user/fw' */ -- \"logging.googleapis.com/user/fw\"", nil},
		"an open quotation":          {"promql", `"logging.googleapis.com/user/fw`, []string{"logging.googleapis.com/user/fw"}},
		"a condition on log entries": {"log", `"logging.googleapis.com/user/fw"`, nil},
		"a filter that counts many metric": {"threshold",
			`metric.type=("logging.googleapis.com/user/a" OR "logging.googleapis.com/user/b")`, []string{"logging.googleapis.com/user/a", "logging.googleapis.com/user/b"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, known := logMetricsIn(schema.AlertCondition{Kind: test.kind, Query: test.query}).Get()
			if diff := cmp.Diff(append([]string{}, test.want...), append([]string{}, got...)); !known || diff != "" {
				t.Errorf("metrics differ, read: %t (-want +got):\n%s", known, diff)
			}
		})
	}
	if _, known := logMetricsIn(schema.AlertCondition{Kind: "threshold", Query: "("}).Get(); known {
		t.Error("a filter that cannot be read names no metric")
	}
}

func FuzzWords(f *testing.F) {
	f.Add("sql", "a.b--c\n'd' /* e */ `f`")
	f.Add("promql", `x:y{z="é"} # "`)
	f.Fuzz(func(t *testing.T, kind, query string) {
		if words := words(kind, query); len(words) > len(query) {
			t.Errorf("%d words", len(words))
		}
	})
}

// alerting is a project with a metric on changes of routes, a policy that watches it, and the channel that policy tells.
type alerting struct {
	project *schema.Project
	metric  *schema.LogMetric
	policy  *schema.AlertPolicy
	channel *schema.NotificationChannel
	more    []*posture.Resource
	refused map[string][]string // attributes not read, by type
	derivation
}

const (
	routeChanges = `resource.type="gce_route" AND protoPayload.methodName:("compute.routes.insert" OR "compute.routes.delete")`
	routeMetric  = `metric.type="logging.googleapis.com/user/route-changes"`
)

func newAlerting() alerting {
	return alerting{
		project: &schema.Project{ProjectNumber: "4711", Ancestors: []string{"organizations/1"}},
		metric:  &schema.LogMetric{Meta: posture.Meta{Name: "route-changes"}, ProjectID: "acme", Filter: routeChanges},
		policy: &schema.AlertPolicy{ProjectID: "acme", Enabled: true, Valid: true, Combiner: "OR",
			NotificationChannels: []string{"projects/acme/notificationChannels/1"},
			Conditions:           []schema.AlertCondition{{Name: "c", Kind: "threshold", Query: routeMetric}}},
		channel: &schema.NotificationChannel{Enabled: true},
		refused: map[string][]string{},
	}
}

// test is the case whose alerts on routes must be want: filters and what they find, or why they are not known.
func (a alerting) test(want any) derivation {
	d := a.derivation
	add := func(t *posture.Type, id string, v any) {
		d.resources = append(d.resources, resource(t, id, v, a.refused[t.Name]...))
	}
	add(schema.ProjectType, "acme", a.project)
	add(schema.LogMetricType, "projects/acme/metrics/route-changes", a.metric)
	add(schema.AlertPolicyType, "projects/acme/alertPolicies/5", a.policy)
	add(schema.NotificationChannelType, "projects/4711/notificationChannels/1", a.channel)
	d.resources = append(d.resources, a.more...)
	d.want = map[string]any{"log_alerts.route": want}
	return d
}

func TestAlerts(t *testing.T) {
	alerts := func(pairs ...string) []any {
		out := []any{}
		for pair := range slices.Chunk(pairs, 2) {
			out = append(out, map[string]any{"filter": pair[0], "finds": pair[1]})
		}
		return out
	}
	every, none := alerts(routeChanges, "every"), alerts()
	with := func(want any, change func(a *alerting)) derivation {
		a := newAlerting()
		change(&a)
		return a.test(want)
	}
	condition := func(kind, query string) func(a *alerting) {
		return func(a *alerting) {
			a.policy.Conditions = []schema.AlertCondition{{Name: "c", Kind: kind, Query: query}}
		}
	}
	denied := func(want any, t *posture.Type, change func(a *alerting)) derivation {
		return with(want, func(a *alerting) {
			a.derivation.refused = []*posture.Type{t}
			change(a)
		})
	}
	check(t, map[string]derivation{
		"a metric, a policy, a channel": with(every, func(*alerting) {}),
		"the metric is off":             with(none, func(a *alerting) { a.metric.Disabled = true }),
		"the policy is off":             with(none, func(a *alerting) { a.policy.Enabled = false }),
		"the policy is invalid":         with(none, func(a *alerting) { a.policy.Valid = false }),
		"the policy tells nobody":       with(none, func(a *alerting) { a.policy.NotificationChannels = nil }),
		"the channel is gone": with(none, func(a *alerting) {
			a.policy.NotificationChannels = []string{"projects/acme/notificationChannels/9"}
		}),
		"the channel is off":                        with(none, func(a *alerting) { a.channel.Enabled = false }),
		"the channel waits to be verified":          with(none, func(a *alerting) { a.channel.VerificationStatus = "UNVERIFIED" }),
		"the channel is verified":                   with(every, func(a *alerting) { a.channel.VerificationStatus = "VERIFIED" }),
		"one of two channels is there":              with(every, func(a *alerting) { a.policy.NotificationChannels = []string{"x/9", "x/1"} }),
		"the policy watches another metric":         with(none, condition("threshold", `metric.type="logging.googleapis.com/user/route-changes2"`)),
		"in MQL":                                    with(every, condition("mql", "fetch gce_route::logging.googleapis.com/user/route-changes | count")),
		"in PromQL":                                 with(every, condition("promql", "rate(logging_googleapis_com:user_route_changes[5m]) > 0")),
		"a distribution in PromQL":                  with(every, condition("promql", "logging_googleapis_com:user_route_changes_count > 0")),
		"the metric's absence says nothing":         with(none, condition("absence", routeMetric)),
		"a condition on log entries":                with(every, condition("log", routeChanges)),
		"a query over logs is for a person to read": with(alerts("SELECT 1", "unsure"), condition("sql", "SELECT 1")),
		"another condition must be met as well": with(none, func(a *alerting) {
			a.policy.Combiner = "AND"
			a.policy.Conditions = append(a.policy.Conditions, schema.AlertCondition{Name: "d", Kind: "threshold", Query: `metric.type="x"`})
		}),
		"AND of one condition": with(every, func(a *alerting) { a.policy.Combiner = "AND" }),
		"a filter for part of it": with(alerts(`protoPayload.methodName:"routes.insert"`, "some"), func(a *alerting) {
			a.metric.Filter = `protoPayload.methodName:"routes.insert"`
		}),
		"two filters for all of it": with(alerts(`protoPayload.methodName:"routes.delete"`, "every",
			`protoPayload.methodName:"routes.insert"`, "every"), func(a *alerting) {
			a.metric.Filter = `protoPayload.methodName:"routes.insert"`
			a.policy.Conditions = append(a.policy.Conditions, schema.AlertCondition{Name: "d", Kind: "log", Query: `protoPayload.methodName:"routes.delete"`})
		}),
		"a filter for something else": with(none, func(a *alerting) { a.metric.Filter = `resource.type="gce_network"` }),
		"a filter nobody can decide": with(alerts(routeChanges+` protoPayload.request.priority>5`, "unsure"), func(a *alerting) {
			a.metric.Filter += ` protoPayload.request.priority>5`
		}),
		"a filter nobody can read": with(alerts("(", "unsure"), func(a *alerting) { a.metric.Filter = "(" }),

		"metrics not read":           denied("unread: list gcp.logging.metric", schema.LogMetricType, func(a *alerting) { a.policy.Enabled = false }),
		"metrics not read to an end": denied(every, schema.LogMetricType, func(a *alerting) {}),
		"policies not read":          denied("unread: list gcp.monitoring.alert_policy", schema.AlertPolicyType, func(a *alerting) { a.policy.Enabled = false }),
		"channels not read": denied("unread: list gcp.monitoring.notification_channel", schema.NotificationChannelType, func(a *alerting) {
			a.policy.NotificationChannels[0] += "2"
		}),
		"a channel's state not read": with("unread: read verification_status", func(a *alerting) {
			a.refused[schema.NotificationChannelType.Name] = []string{"verification_status"}
		}),
		"conditions not read": with("unread: read conditions", func(a *alerting) {
			a.refused[schema.AlertPolicyType.Name] = []string{"conditions"}
		}),
		"the filter not read": with("unread: read filter", func(a *alerting) {
			a.refused[schema.LogMetricType.Name] = []string{"filter"}
		}),
		"a condition's filter nobody can read": with("unread: monitoring.projects.alertPolicies.list", condition("threshold", "(")),
		"what is not read cannot matter": with(none, func(a *alerting) {
			a.policy.Enabled = false
			a.refused[schema.NotificationChannelType.Name] = []string{"enabled"}
		}),

		"watched from another project": with("unread: monitoring.projects.alertPolicies.list", func(a *alerting) {
			a.policy.Enabled = false
			a.more = []*posture.Resource{
				resource(schema.MetricsScopeType, "a", &schema.MetricsScope{Meta: posture.Meta{Name: "4711"}, Own: true}),
				resource(schema.MetricsScopeType, "b", &schema.MetricsScope{Meta: posture.Meta{Name: "99"}}),
			}
		}),
		"watched from another project, with nothing to see": with(none, func(a *alerting) {
			a.metric.Filter = `resource.type="gce_network"`
			a.more = []*posture.Resource{resource(schema.MetricsScopeType, "b", &schema.MetricsScope{Meta: posture.Meta{Name: "99"}})}
		}),
		"alerted here and watched from another project": with(every, func(a *alerting) {
			a.more = []*posture.Resource{resource(schema.MetricsScopeType, "b", &schema.MetricsScope{Meta: posture.Meta{Name: "99"}})}
		}),
		"who watches was not read": denied("unread: list gcp.monitoring.metrics_scope", schema.MetricsScopeType, func(a *alerting) { a.policy.Enabled = false }),
	})
}

func TestAlertsOnBuckets(t *testing.T) {
	const bucket = "projects/acme/locations/global/buckets/audit"
	with := func(want any, change func(a *alerting)) derivation {
		a := newAlerting()
		a.metric.BucketName = bucket
		change(&a)
		return a.test(want)
	}
	route := func(filter string) []any { return []any{map[string]any{"filter": filter, "finds": "every"}} }
	to := func(parent, destination string, change func(*schema.LogSink)) *posture.Resource {
		return sink(parent, "to", toLogging+destination, func(s *schema.LogSink) {
			s.IncludeChildren = true
			if change != nil {
				change(s)
			}
		})
	}
	// central is the project where the organization's log bucket and the alerts on it are.
	central := func(a *alerting, s *posture.Resource) {
		a.policy.Enabled = false
		policy := newAlerting().policy
		policy.ProjectID, policy.MetricTypes = "central", []string{"logging.googleapis.com/user/all-routes"}
		policy.Conditions[0].Query = `metric.type="logging.googleapis.com/user/all-routes"`
		a.above = []*posture.Resource{
			s,
			resource(schema.LogMetricType, "projects/central/metrics/all-routes", &schema.LogMetric{Meta: posture.Meta{Name: "all-routes"}, ProjectID: "central",
				Filter: routeChanges, BucketName: "projects/central/locations/eu/buckets/all"}),
			resource(schema.AlertPolicyType, "projects/central/alertPolicies/5", policy),
			resource(schema.NotificationChannelType, "projects/central/notificationChannels/1", &schema.NotificationChannel{Enabled: true}),
			resource(schema.MemberType, "projects/815", &schema.Member{ProjectID: "central"}),
		}
	}
	const centralBucket = "projects/central/locations/eu/buckets/all"
	check(t, map[string]derivation{
		"no sink brings entries": with([]any{}, func(*alerting) {}),
		"a sink brings all": with(route(routeChanges), func(a *alerting) {
			a.more = []*posture.Resource{to("projects/acme", bucket, nil)}
		}),
		"the organization's sink does": with(route(routeChanges), func(a *alerting) {
			a.above = []*posture.Resource{to("organizations/1", bucket, nil)}
		}),
		"the sink is off": with([]any{}, func(a *alerting) {
			a.more = []*posture.Resource{to("projects/acme", bucket, func(s *schema.LogSink) { s.Disabled = true })}
		}),
		"the sink brings errors only": with([]any{}, func(a *alerting) {
			a.more = []*posture.Resource{to("projects/acme", bucket, func(s *schema.LogSink) { s.Filter = "severity>=ERROR" })}
		}),
		"the sink leaves the activity out": with([]any{}, func(a *alerting) {
			a.more = []*posture.Resource{to("projects/acme", bucket, excluding(`log_id("cloudaudit.googleapis.com/activity")`))}
		}),
		"the sink brings audit logs": with(route(`log_id("cloudaudit.googleapis.com/activity") AND `+
			`resource.type="gce_route" AND (protoPayload.methodName:"x" OR protoPayload.methodName:"routes")`), func(a *alerting) {
			a.metric.Filter = `resource.type="gce_route" (protoPayload.methodName:"x" OR protoPayload.methodName:"routes")`
			a.more = []*posture.Resource{to("projects/acme", bucket, func(s *schema.LogSink) { s.Filter = `log_id("cloudaudit.googleapis.com/activity")` })}
		}),
		"a sink that cannot be read": with([]any{map[string]any{"filter": routeChanges, "finds": "unsure"}}, func(a *alerting) {
			a.more = []*posture.Resource{to("projects/acme", bucket, func(s *schema.LogSink) { s.Filter = "(" })}
		}),
		"alerted in the central project": with(route(routeChanges), func(a *alerting) { central(a, to("organizations/1", centralBucket, nil)) }),
		"the central project goes by number": with(route(routeChanges), func(a *alerting) {
			central(a, to("organizations/1", "projects/815/locations/eu/buckets/all", nil))
		}),
		"the central sink leaves projects out": with([]any{}, func(a *alerting) {
			central(a, to("organizations/1", centralBucket, func(s *schema.LogSink) { s.IncludeChildren = false }))
		}),
		"the central sink lies in another folder": with([]any{}, func(a *alerting) { central(a, to("folders/8", centralBucket, nil)) }),
		"the central channel is off": with([]any{}, func(a *alerting) {
			central(a, to("organizations/1", centralBucket, nil))
			a.above[3].Attributes.(*schema.NotificationChannel).Enabled = false
		}),
		"the central metric is of its project": with([]any{}, func(a *alerting) {
			central(a, to("organizations/1", centralBucket, nil))
			a.above[1].Attributes.(*schema.LogMetric).BucketName = ""
		}),
		"the central policy is of another project": with([]any{}, func(a *alerting) {
			central(a, to("organizations/1", centralBucket, nil))
			a.above[2].Attributes.(*schema.AlertPolicy).ProjectID = "third"
		}),
		"its own sink leads to a project not read": with("unread: logging.projects.metrics.list", func(a *alerting) {
			a.more = []*posture.Resource{to("projects/acme", "projects/third/locations/eu/buckets/x", nil)}
		}),
		"that sink brings nothing of the kind": with([]any{}, func(a *alerting) {
			a.more = []*posture.Resource{to("projects/acme", "projects/third/locations/eu/buckets/x", func(s *schema.LogSink) { s.Filter = "severity>=ERROR" })}
		}),
		"the entries are routed by another project": with("unread: logging.projects.metrics.list", func(a *alerting) {
			central(a, to("organizations/1", "projects/central", nil))
		}),
		"sinks above not known": with("unread: read ancestors", func(a *alerting) {
			central(a, to("organizations/1", centralBucket, nil))
			a.refused[schema.ProjectType.Name] = []string{"ancestors"}
		}),
	})
}

func TestAlertingLogFilters(t *testing.T) {
	a := newAlerting()
	a.policy.Conditions = append(a.policy.Conditions,
		schema.AlertCondition{Name: "d", Kind: "log", Query: "severity=ALERT"}, schema.AlertCondition{Name: "e", Kind: "sql", Query: "SELECT 1"})
	d := a.test(nil)
	d.want = map[string]any{"alerting_log_filters": []any{routeChanges, "severity=ALERT"}}
	check(t, map[string]derivation{"filters of metrics and of log entries": d})
}

func TestAlertPolicies(t *testing.T) {
	policy := func(want map[string]any, refused []string, conditions ...schema.AlertCondition) derivation {
		return derivation{
			resources: []*posture.Resource{
				resource(schema.AlertPolicyType, "projects/acme/alertPolicies/5", &schema.AlertPolicy{
					NotificationChannels: []string{"x/1", "x/2", "x/3", "x/4"}, Conditions: conditions,
				}, refused...),
				resource(schema.NotificationChannelType, "x/1", &schema.NotificationChannel{Enabled: true}),
				resource(schema.NotificationChannelType, "x/2", &schema.NotificationChannel{}),
				resource(schema.NotificationChannelType, "x/3", &schema.NotificationChannel{Enabled: true, VerificationStatus: "UNVERIFIED"}),
			},
			want: want,
		}
	}
	check(t, map[string]derivation{
		"channels that are there, on and verified": policy(map[string]any{"usable_channel_count": int64(1)}, nil),
		"metrics of all conditions, once each": policy(map[string]any{"metric_types": []any{"logging.googleapis.com/user/a", "logging_googleapis_com:user_b"}}, nil,
			schema.AlertCondition{Kind: "absence", Query: `metric.type="logging.googleapis.com/user/a"`},
			schema.AlertCondition{Kind: "mql", Query: `fetch x::logging.googleapis.com/user/a`},
			schema.AlertCondition{Kind: "promql", Query: `logging_googleapis_com:user_b > 0`}),
		"channels not read":   policy(map[string]any{"usable_channel_count": "unread: read notification_channels"}, []string{"notification_channels"}),
		"conditions not read": policy(map[string]any{"metric_types": "unread: read conditions"}, []string{"conditions"}),
	})
}
