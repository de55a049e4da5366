package project

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"google.golang.org/api/logging/v2"
	monitoringv1 "google.golang.org/api/monitoring/v1"
	"google.golang.org/api/monitoring/v3"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Who is told of which changes. Each project has an alert of its own for every kind of change; its organization has some in
// the project that log entries are brought together in.
var monitoringService = service{
	api: "monitoring.googleapis.com",
	kinds: []world.Kind{
		{
			Name: "gcp.log.alert", Sort: inProject, Global: true, Count: len(changes), Fixed: true,
			Defects: []world.Defect{
				{Name: "nothing", Share: 0.05}, {Name: "metric-off", Drift: 0.1}, {Name: "narrow", Drift: 0.1},
				{Name: "undecidable", Drift: 0.1},
				{Name: "policy-off", Share: 0.1, Drift: 0.2}, {Name: "invalid", Drift: 0.1}, {Name: "silent", Drift: 0.1}, {Name: "channel-off", Drift: 0.1},
				{Name: "channel-gone", Drift: 0.1}, {Name: "unverified", Drift: 0.1}, {Name: "absence", Share: 0.05}, {Name: "combined", Share: 0.05},
			},
			ExpectMore: expectAlerts,
		},
		{
			Name: "gcp.log.central-alert", Sort: inOrganization, Global: true, Count: len(changes), Fixed: true,
			Defects: []world.Defect{{Name: "nothing", Share: 0.6}, {Name: "policy-off", Drift: 0.3}, {Name: "narrow", Share: 0.2}},
		},
		{Name: "gcp.metrics.scope", Sort: inProject, Global: true, Count: 1, Fixed: true, Defects: []world.Defect{{Name: "watched", Drift: 0.5}}},
	},
	handle: handleMonitoring,
}

// changes are the kinds of change that alerts are about, with the filter that finds them.
var changes = []struct{ rule, filter string }{
	{"project-ownership-changes", `(protoPayload.serviceName="cloudresourcemanager.googleapis.com")
AND (ProjectOwnership OR projectOwnerInvitee)
OR (protoPayload.serviceData.policyDelta.bindingDeltas.action="REMOVE" AND protoPayload.serviceData.policyDelta.bindingDeltas.role="roles/owner")
OR (protoPayload.serviceData.policyDelta.bindingDeltas.action="ADD" AND protoPayload.serviceData.policyDelta.bindingDeltas.role="roles/owner")`},
	{"audit-config-changes", `protoPayload.methodName="SetIamPolicy" AND protoPayload.serviceData.policyDelta.auditConfigDeltas:*`},
	{"custom-role-changes", `resource.type="iam_role"
AND protoPayload.methodName=("google.iam.admin.v1.CreateRole" OR "google.iam.admin.v1.DeleteRole" OR "google.iam.admin.v1.UpdateRole")`},
	{"firewall-changes", `resource.type="gce_firewall_rule"
AND protoPayload.methodName:("compute.firewalls.insert" OR "compute.firewalls.patch" OR "compute.firewalls.delete")`},
	{"network-changes", `resource.type=gce_network
protoPayload.methodName=~"compute\.networks\.(insert|patch|delete|addPeering|removePeering)$"`},
	{"route-changes", `resource.type="gce_route"
(protoPayload.methodName:"compute.routes.delete" OR protoPayload.methodName:"compute.routes.insert")`},
	{"bucket-permission-changes", `resource.type="gcs_bucket" AND protoPayload.methodName="storage.setIamPermissions"`},
	{"sql-instance-changes", `protoPayload.methodName="cloudsql.instances.update" OR protoPayload.methodName="cloudsql.instances.create"`},
}

// form is how an alert watches: a condition on log entries, or a metric, of the project or of its log bucket, in one of the
// languages that conditions are written in.
func form(it *world.Item) string {
	if it.Has("absence") {
		return "absence"
	}
	return []string{"log", "threshold", "mql", "promql", "bucket"}[it.Pick(5, "form")]
}

// expectAlerts: a change is alerted by the project's own alert or by the organization's. Where it is not, nobody knows what
// others watch that entries or metrics reach.
func expectAlerts(s *world.State) map[world.Judged]posture.Result {
	watched := s.Find("gcp.metrics.scope", posture.Global, 0).Has("watched")
	partner := s.Find("gcp.log.sink", posture.Global, 2)
	abroad := brings(partner) && partner.Has("abroad")
	fed := brings(s.Find("gcp.log.sink", posture.Global, 1))
	central, ok := s.World.State(organizationOf(s.Account), s.Time())
	collected := false
	if ok {
		it := central.Find("gcp.organization.log.sink", posture.Global, 1)
		collected = brings(it) && !it.Has("only-itself")
	}
	out := map[world.Judged]posture.Result{}
	for _, it := range s.Items("gcp.log.alert") {
		missed := slices.ContainsFunc([]string{"nothing", "narrow", "undecidable", "policy-off", "invalid", "silent", "channel-off",
			"channel-gone", "unverified", "absence", "combined"}, it.Has)
		counts := !it.Has("nothing") && form(it) != "log" && !it.Has("metric-off") && (form(it) != "bucket" || fed)
		result := failIf(missed || !counts && form(it) != "log")
		complete := counts && !it.Has("narrow") && !it.Has("undecidable") // found by a metric, if only somebody watches it
		if collected {
			common := central.Find("gcp.log.central-alert", posture.Global, it.Index)
			if !common.Has("nothing") && !common.Has("policy-off") && !common.Has("narrow") {
				result = posture.Pass
			}
			complete = complete || isCentral(s) && !common.Has("nothing") && !common.Has("narrow")
		}
		if result == posture.Fail && (abroad || watched && complete) {
			result = posture.Unknown
		}
		out[world.Judged{Rule: "gcp-alert-" + changes[it.Index].rule, Resource: keyOf("gcp.resourcemanager.project", s.Account.ID)}] = result
	}
	return out
}

// alert is one item of the kinds above, in the project where it stands.
type alert struct {
	*world.Item
	project string
}

// alertsOf lists the alerts that a project has, those of its organization included where it is the central one.
func alertsOf(s *world.State) []alert {
	var out []alert
	for _, it := range s.Items("gcp.log.alert") {
		out = append(out, alert{it, s.Account.ID})
	}
	if central, ok := s.World.State(organizationOf(s.Account), s.Time()); ok && isCentral(s) {
		for _, it := range central.Items("gcp.log.central-alert") {
			out = append(out, alert{it, s.Account.ID})
		}
	}
	return slices.DeleteFunc(out, func(a alert) bool { return a.Has("nothing") })
}

func (a alert) central() bool { return a.Kind == "gcp.log.central-alert" }

func (a alert) form() string {
	if a.central() {
		return "bucket"
	}
	return form(a.Item)
}

// name is the metric's.
func (a alert) name() string {
	if a.central() {
		return "all/" + changes[a.Index].rule
	}
	return changes[a.Index].rule
}

func (a alert) filter() string {
	filter := changes[a.Index].filter
	if a.Has("narrow") {
		filter = "(" + filter + `) AND protoPayload.authenticationInfo.principalEmail!="terraform@` + a.project + `.iam.gserviceaccount.com"`
	}
	if a.Has("undecidable") {
		filter = "(" + filter + `) AND protoPayload.request.validateOnly!=true -- dry runs do not count`
	}
	return filter
}

// logMetricsOf lists the log-based metrics of a project.
func logMetricsOf(s *world.State) []*logging.LogMetric {
	var out []*logging.LogMetric
	for _, a := range alertsOf(s) {
		if a.form() == "log" {
			continue
		}
		m := &logging.LogMetric{
			Name: a.name(), ResourceName: "projects/" + a.project + "/metrics/" + strings.ReplaceAll(a.name(), "/", "%2F"),
			Description: "changes that somebody must hear of", Filter: a.filter(), Disabled: a.Has("metric-off"), Version: "V2",
			CreateTime: stamp(s.Long(a.Item, 90)), UpdateTime: stamp(s.Long(a.Item, 40)),
			MetricDescriptor: &logging.MetricDescriptor{
				MetricKind: "DELTA", ValueType: "INT64", Unit: "1", Type: "logging.googleapis.com/user/" + a.name(),
				Name: "projects/" + a.project + "/metricDescriptors/logging.googleapis.com/user/" + a.name(),
			},
		}
		switch {
		case a.central():
			m.BucketName = "projects/" + a.project + "/locations/europe-west1/buckets/all"
		case a.form() == "bucket":
			m.BucketName = "projects/" + a.project + "/locations/europe-west1/buckets/audit"
		}
		out = append(out, m)
	}
	return out
}

func (a alert) policyName() string {
	return "projects/" + a.project + "/alertPolicies/" + fmt.Sprint(1000+a.Pick(1_000_000, "policy"))
}

// channelName: policies name the project by its id, lists by its number.
func (a alert) channelName(project string) string {
	return "projects/" + project + "/notificationChannels/" + fmt.Sprint(1000+a.Pick(1_000_000, "channel"))
}

func (a alert) policy(s *world.State) *monitoring.AlertPolicy {
	name := a.policyName()
	metric := `metric.type="logging.googleapis.com/user/` + a.name() + `"`
	condition := &monitoring.Condition{Name: name + "/conditions/1", DisplayName: "it happened"}
	switch a.form() {
	case "log":
		condition.ConditionMatchedLog = &monitoring.LogMatch{Filter: a.filter()}
	case "absence":
		condition.ConditionAbsent = &monitoring.MetricAbsence{Filter: metric + ` AND resource.type="global"`, Duration: "86400s"}
	case "mql":
		condition.ConditionMonitoringQueryLanguage = &monitoring.MonitoringQueryLanguageCondition{
			Query: "fetch global\n| metric 'logging.googleapis.com/user/" + a.name() + "' # any at all\n| condition val() > 0", Duration: "0s"}
	case "promql":
		condition.ConditionPrometheusQueryLanguage = &monitoring.PrometheusQueryLanguageCondition{
			Query:    "increase(logging_googleapis_com:user_" + strings.ReplaceAll(a.name(), "-", "_") + "[5m]) > 0",
			Duration: "0s", EvaluationInterval: "30s"}
	default:
		condition.ConditionThreshold = &monitoring.MetricThreshold{
			Filter: metric + ` AND resource.type="global"`, Comparison: "COMPARISON_GT", Duration: "0s",
		}
	}
	p := &monitoring.AlertPolicy{
		Name: name, DisplayName: a.name(), Combiner: "OR", Enabled: !a.Has("policy-off"), Conditions: []*monitoring.Condition{condition},
		NotificationChannels: []string{a.channelName(a.project)}, UserLabels: map[string]string{"team": "security"},
		CreationRecord: &monitoring.MutationRecord{MutateTime: stamp(s.Long(a.Item, 90)), MutatedBy: "ada@" + domain},
		MutationRecord: &monitoring.MutationRecord{MutateTime: stamp(s.Long(a.Item, 40)), MutatedBy: "ada@" + domain},
	}
	if a.Has("invalid") {
		p.Validity = &monitoring.Status{Code: 3, Message: "The metric descriptor does not exist."}
	}
	if a.Has("silent") {
		p.NotificationChannels = nil
	}
	if a.Has("combined") {
		p.Combiner = "AND"
		down := &monitoring.MetricThreshold{
			Filter:     `metric.type="compute.googleapis.com/instance/uptime" AND resource.type="gce_instance"`,
			Comparison: "COMPARISON_LT", ThresholdValue: 0.5, Duration: "60s",
		}
		p.Conditions = append(p.Conditions, &monitoring.Condition{Name: name + "/conditions/2", DisplayName: "it is down", ConditionThreshold: down})
	}
	return p
}

func (a alert) channel(s *world.State) *monitoring.NotificationChannel {
	n := &monitoring.NotificationChannel{
		Name: a.channelName(Number(a.project)), Type: "email", DisplayName: "on duty", Enabled: !a.Has("channel-off"),
		Labels:         map[string]string{"email_address": "oncall-" + a.Hex(4, "address") + "@" + domain},
		CreationRecord: &monitoring.MutationRecord{MutateTime: stamp(s.Long(a.Item, 90)), MutatedBy: "ada@" + domain},
	}
	if a.Pick(2, "channel type") == 0 || a.Has("unverified") {
		n.Type, n.Labels, n.VerificationStatus = "sms", map[string]string{"number": "+3265550100"}, "VERIFIED"
	}
	if a.Has("unverified") {
		n.VerificationStatus = "UNVERIFIED"
	}
	return n
}

func handleMonitoring(s *gcp.Server, w *states) {
	gcp.List(s, "monitoring.projects.alertPolicies.list", "alertPolicies", func(c gcp.Call) (*monitoring.ListAlertPoliciesResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &monitoring.ListAlertPoliciesResponse{}
		for _, a := range alertsOf(state) {
			out.AlertPolicies = append(out.AlertPolicies, a.policy(state))
		}
		return out, nil
	})
	const channels = "monitoring.projects.notificationChannels.list"
	gcp.List(s, channels, "notificationChannels", func(c gcp.Call) (*monitoring.ListNotificationChannelsResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &monitoring.ListNotificationChannelsResponse{}
		for _, a := range alertsOf(state) {
			if !a.Has("channel-gone") {
				out.NotificationChannels = append(out.NotificationChannels, a.channel(state))
			}
		}
		return out, nil
	})
	const scopes = "monitoring.locations.global.metricsScopes.listMetricsScopesByMonitoredProject"
	gcp.Handle(s, scopes, func(c gcp.Call) (*monitoringv1.ListMetricsScopesByMonitoredProjectResponse, error) {
		state, err := w.get(path.Base(c.Query.Get("monitoredResourceContainer")), c.Now)
		if err != nil {
			return nil, err
		}
		scope := func(project string) *monitoringv1.MetricsScope {
			return &monitoringv1.MetricsScope{Name: "locations/global/metricsScopes/" + Number(project), CreateTime: stamp(state.World.Start.AddDate(-2, 0, 0))}
		}
		out := &monitoringv1.ListMetricsScopesByMonitoredProjectResponse{MetricsScopes: []*monitoringv1.MetricsScope{scope(state.Account.ID)}}
		if state.Find("gcp.metrics.scope", posture.Global, 0).Has("watched") {
			out.MetricsScopes = append(out.MetricsScopes, scope("acme-operations"))
		}
		return out, nil
	})
}
