package gcp

import (
	"slices"
	"strings"
	"unicode"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/derive/gcplogfilter"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// The calls that list what alerts are made of.
const (
	listMetrics  = "logging.projects.metrics.list"
	listPolicies = "monitoring.projects.alertPolicies.list"
)

// alertPolicies: the channels that still reach somebody, and the log-based metrics that are watched.
func alertPolicies(inv *derive.Inventory) {
	channels := channelsByNumber(derive.Of[schema.NotificationChannel](inv, schema.NotificationChannelType))
	for _, p := range derive.Of[schema.AlertPolicy](inv, schema.AlertPolicyType).Items {
		derive.Set(p, "usable_channel_count", &p.V.UsableChannelCount, derive.Then(usableChannels(p, channels), countTrue))
		metrics := derive.Then(derive.Read(p, "conditions", p.V.Conditions), func(conditions []schema.AlertCondition) derive.Val[[]string] {
			all := derive.Known([]string{})
			for _, c := range conditions {
				all = derive.Map2(all, logMetricsIn(c), func(done, more []string) []string { return slices.Concat(done, more) })
			}
			return derive.Map(all, sorted)
		})
		derive.Set(p, "metric_types", &p.V.MetricTypes, metrics)
	}
}

// countTrue counts what is true, once all of it is known.
func countTrue(each []derive.Val[bool]) derive.Val[int64] {
	count := derive.Known(int64(0))
	for _, v := range each {
		count = derive.Map2(count, v, func(n int64, b bool) int64 {
			if b {
				n++
			}
			return n
		})
	}
	return count
}

// channelsByNumber finds channels by the last part of their names, which no two share; the rest may hold the project's id or number.
func channelsByNumber(list derive.List[schema.NotificationChannel]) derive.Index[schema.NotificationChannel] {
	return derive.By(list, func(c derive.Item[schema.NotificationChannel]) string { return lastPart(c.ID) })
}

func lastPart(name string) string { return name[strings.LastIndex(name, "/")+1:] }

// usableChannels says of each channel that a policy names whether it reaches somebody.
func usableChannels(p derive.Item[schema.AlertPolicy], channels derive.Index[schema.NotificationChannel]) derive.Val[[]derive.Val[bool]] {
	return derive.Map(derive.Read(p, "notification_channels", p.V.NotificationChannels), func(named []string) []derive.Val[bool] {
		var out []derive.Val[bool]
		for _, name := range named {
			channel, found, missing := channels.Get(lastPart(name))
			switch {
			case found:
				out = append(out, derive.And(derive.Read(channel, "enabled", channel.V.Enabled),
					derive.Not(is(derive.Read(channel, "verification_status", channel.V.VerificationStatus), "UNVERIFIED"))))
			case missing != nil:
				out = append(out, derive.UnreadFor[bool](missing...))
			default: // deleted since
				out = append(out, derive.Known(false))
			}
		}
		return out
	})
}

// How log-based metrics of one's own are called: elsewhere, and in PromQL.
const (
	logMetricType   = "logging.googleapis.com/user/"
	logMetricPromQL = "logging_googleapis_com:user_"
)

// logMetricsIn lists the log-based metrics that a condition names, as it spells them.
func logMetricsIn(c schema.AlertCondition) derive.Val[[]string] {
	var found []string
	switch c.Kind {
	case "threshold", "absence": // Monitoring's filters differ from those of Logging in nothing that matters here
		f, err := gcplogfilter.Parse(c.Query)
		if err != nil {
			return derive.UnreadFor[[]string](posture.Cause{Reason: posture.ReasonParseError, Operation: listPolicies})
		}
		found = f.Equals("metric", "type")
	case "mql", "promql", "sql":
		found = words(c.Kind, c.Query)
	}
	return derive.Known(slices.DeleteFunc(found, func(name string) bool {
		return !strings.HasPrefix(name, logMetricType) && !strings.HasPrefix(name, logMetricPromQL)
	}))
}

// nameSigns are what names may hold beside letters, digits and underscores.
var nameSigns = map[string]string{"mql": "./-", "promql": ":", "sql": "."}

// words cuts a query into its names and quoted texts, without comments.
func words(kind, query string) []string {
	inName := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || strings.ContainsRune(nameSigns[kind], r)
	}
	var out []string
	for query != "" {
		name := query
		if end := strings.IndexFunc(query, func(r rune) bool { return !inName(r) }); end >= 0 {
			name = query[:end]
		}
		switch mark := query[:1]; {
		case name != "":
			out, query = append(out, name), query[len(name):]
		case mark == "#", kind == "sql" && strings.HasPrefix(query, "--"):
			_, query, _ = strings.Cut(query, "\n")
		case kind == "sql" && strings.HasPrefix(query, "/*"):
			_, query, _ = strings.Cut(query, "*/")
		case strings.Contains("\"'`", mark):
			var text string
			text, query, _ = strings.Cut(query[1:], mark)
			out = append(out, text)
		default:
			query = query[1:]
		}
	}
	return out
}

// spellings are the names under which a condition can mean a log-based metric. PromQL knows no other signs than letters and
// digits, and has several series for a metric of distributions.
func spellings(metric string) []string {
	plain := logMetricPromQL + strings.Map(func(r rune) rune {
		if r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return '_'
	}, metric)
	return []string{logMetricType + metric, plain, plain + "_count", plain + "_sum", plain + "_bucket"}
}
