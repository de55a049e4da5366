package aws

import (
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/derive/iampolicy"
	"github.com/plumbline-dev/plumbline/pkg/derive/logfilter"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// alarms: going into alarm reaches somebody when an action is not a topic of this account, or one to which somebody subscribed.
func alarms(inv *derive.Inventory) {
	topics := derive.ByID(derive.Of[schema.Topic](inv, schema.TopicType))
	heard := func(t derive.Item[schema.Topic]) derive.Val[bool] {
		return derive.Map(derive.Read(t, "confirmed_subscriptions", t.V.ConfirmedSubscriptions), func(n int64) bool { return n > 0 })
	}
	for _, a := range derive.Of[schema.Alarm](inv, schema.AlarmType).Items {
		reaches := derive.Then(derive.Read(a, "alarm_actions", a.V.AlarmActions), func(actions []string) derive.Val[bool] {
			var any []derive.Val[bool]
			for _, action := range actions {
				if parts := strings.Split(action, ":"); len(parts) > 5 && parts[2] == "sns" && parts[4] == inv.Account.ID {
					any = append(any, derive.Exists(topics.All(action).In(parts[3]), heard)) // one that was deleted reaches nobody
				} else {
					any = append(any, derive.Known(true))
				}
			}
			return derive.Or(any...)
		})
		derive.Set(a, "notifies", &a.V.Notifies, derive.And(derive.Read(a, "actions_enabled", a.V.ActionsEnabled), reaches))
	}
}

// unparsed is why nobody knows what a filter matches.
var unparsed = posture.Cause{Reason: posture.ReasonParseError, Operation: "CloudWatchLogs.DescribeMetricFilters"}

// metricFilters: from the trail's log group over the pattern to an alarm that notifies.
func metricFilters(inv *derive.Inventory) {
	trails := derive.Of[schema.Trail](inv, schema.TrailType)
	alarms := derive.Of[schema.Alarm](inv, schema.AlarmType)
	for _, f := range derive.Of[schema.MetricFilter](inv, schema.MetricFilterType).Items {
		derive.Set(f, "on_trail_log_group", &f.V.OnTrailLogGroup, derive.Exists(trails, func(t derive.Item[schema.Trail]) derive.Val[bool] {
			return derive.And(
				derive.Map2(derive.Read(t, "log_group_arn", t.V.LogGroupARN), derive.Read(f, "log_group_name", f.V.LogGroupName), func(arn, name string) bool {
					parts := strings.SplitN(arn, ":", 7)
					return len(parts) == 7 && parts[3] == f.Region && parts[4] == inv.Account.ID && strings.TrimSuffix(parts[6], ":*") == name
				}),
				derive.Read(t, "is_multi_region", t.V.IsMultiRegion), derive.Read(t, "is_logging", t.V.IsLogging))
		}))
		narrowed := derive.Or(
			derive.Not(is(derive.Read(f, "field_selection", f.V.FieldSelection), "")),
			derive.Read(f, "on_transformed_logs", f.V.OnTransformedLogs))
		derive.Set(f, "sample_matches", &f.V.SampleMatches, derive.Then(narrowed, func(narrowed bool) derive.Val[[]string] {
			if narrowed { // no pattern of the grammar we evaluate says what such a filter matches
				return derive.UnreadFor[[]string](unparsed)
			}
			return derive.Then(derive.Read(f, "pattern", f.V.Pattern), func(pattern string) derive.Val[[]string] {
				matches, err := logfilter.SampleMatches(pattern)
				if err != nil {
					return derive.UnreadFor[[]string](unparsed)
				}
				return derive.Known(append([]string{}, matches...))
			})
		}))
		watching := func(a derive.Item[schema.Alarm]) derive.Val[bool] {
			return derive.Map2(derive.Read(a, "metrics", a.V.Metrics), derive.Read(f, "metric_transformations", f.V.MetricTransformations),
				func(watched, made []schema.Metric) bool {
					return slices.ContainsFunc(made, func(m schema.Metric) bool { return slices.Contains(watched, m) })
				})
		}
		here := alarms.In(f.Region)
		arns := derive.Gather(here, func(a derive.Item[schema.Alarm]) (derive.Val[string], derive.Val[bool]) {
			return derive.Known(a.ID), watching(a)
		})
		slices.Sort(arns.Known)
		derive.SetList(f, "alarm_arns", &f.V.AlarmARNs, arns)
		derive.Set(f, "alarm_notifies", &f.V.AlarmNotifies, derive.Exists(here, func(a derive.Item[schema.Alarm]) derive.Val[bool] {
			return derive.And(watching(a), derive.Read(a, "notifies", a.V.Notifies))
		}))
	}
}

// logsPolicies: public when everyone is allowed something without a condition that fixes who.
func logsPolicies(inv *derive.Inventory) {
	for _, p := range derive.Of[schema.LogsResourcePolicy](inv, schema.LogsResourcePolicyType).Items {
		document := policyOf(derive.Read(p, "document", p.V.Document), "CloudWatchLogs.DescribeResourcePolicies")
		derive.Set(p, "public", &p.V.Public, derive.Map(document, func(d iampolicy.Document) bool { return d.PublicWithin(iampolicy.LogsLimits()...) }))
	}
}
