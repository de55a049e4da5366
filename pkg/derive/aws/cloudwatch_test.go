package aws

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// chain is a trail, a filter on its log group and an alarm on the filter's metric, all as they should be.
type chain struct {
	trail  schema.Trail
	filter schema.MetricFilter
	alarm  schema.Alarm
	unread map[string][]string // by type
	cells  []posture.Cell
}

func newChain() chain {
	metric := schema.Metric{Namespace: "Audit", Name: "root"}
	return chain{
		trail:  schema.Trail{LogGroupARN: "arn:aws:logs:eu-west-1:111122223333:log-group:trail:*", IsMultiRegion: true, IsLogging: true},
		filter: schema.MetricFilter{LogGroupName: "trail", Pattern: `{ $.userIdentity.type = "Root" }`, MetricTransformations: []schema.Metric{metric}},
		alarm:  schema.Alarm{ActionsEnabled: true, AlarmActions: []string{"arn:aws:sns:eu-west-1:999900001111:security"}, Metrics: []schema.Metric{metric}},
		unread: map[string][]string{},
	}
}

func (c chain) derive() *posture.Resource {
	var resources []*posture.Resource
	cells := c.cells
	add := func(kind *posture.Type, attributes any) *posture.Resource {
		r := &posture.Resource{Key: posture.Key{Type: kind.Name, Region: "eu-west-1", ID: kind.Name}, Attributes: attributes}
		for _, path := range c.unread[kind.Name] {
			r.Unread = append(r.Unread, posture.Unread{Path: path, Cause: posture.Cause{Reason: posture.ReasonDenied}})
		}
		resources = append(resources, r)
		cells = append(cells, posture.Cell{Type: kind.Name, Region: "eu-west-1", State: posture.Complete})
		return r
	}
	add(schema.TrailType, &c.trail)
	add(schema.AlarmType, &c.alarm)
	filter := add(schema.MetricFilterType, &c.filter)
	Derive(derive.New(posture.Account{Provider: "aws", ID: "111122223333"}, time.Time{}, nil, cells, resources))
	return filter
}

func TestAlarmChain(t *testing.T) {
	denied := func(region string) []posture.Cell {
		return []posture.Cell{{Type: "aws.cloudwatch.alarm", Region: region, State: posture.Denied, Cause: &posture.Cause{Reason: posture.ReasonDenied}}}
	}
	type want struct{ onTrail, notifies string } // yes, no or unread
	for name, test := range map[string]struct {
		change func(*chain)
		want   want
	}{
		"a whole chain holds":                   {func(*chain) {}, want{"yes", "yes"}},
		"a trail of one region does not do":     {func(c *chain) { c.trail.IsMultiRegion = false }, want{"no", "yes"}},
		"a trail whose logging is unread might": {func(c *chain) { c.unread["aws.cloudtrail.trail"] = []string{"is_logging"} }, want{"unread", "yes"}},
		"unless it is of one region anyway": {func(c *chain) {
			c.trail.IsMultiRegion = false
			c.unread["aws.cloudtrail.trail"] = []string{"is_logging"}
		}, want{"no", "yes"}},
		"another account's log group of the same name is none": {func(c *chain) { c.trail.LogGroupARN = "arn:aws:logs:eu-west-1:999900001111:log-group:trail:*" }, want{"no", "yes"}},
		"an alarm on another metric is none":                   {func(c *chain) { c.alarm.Metrics = []schema.Metric{{Namespace: "Audit", Name: "other"}} }, want{"yes", "no"}},
		"a muted alarm tells nobody":                           {func(c *chain) { c.alarm.ActionsEnabled = false }, want{"yes", "no"}},
		"an own topic may have no subscribers":                 {func(c *chain) { c.alarm.AlarmActions = []string{"arn:aws:sns:eu-west-1:111122223333:ops"} }, want{"yes", "unread"}},
		"one alarm found is enough though others are not read": {func(c *chain) { c.cells = denied("eu-west-1") }, want{"yes", "yes"}},
		"none found among some not read is unread":             {func(c *chain) { c.alarm.Metrics = nil; c.cells = denied("eu-west-1") }, want{"yes", "unread"}},
		"alarms of another region are not looked for":          {func(c *chain) { c.alarm.Metrics = nil; c.cells = denied("us-east-1") }, want{"yes", "no"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChain()
			test.change(&c)
			r := c.derive()
			answer := func(path string, value bool) string {
				switch {
				case slices.ContainsFunc(r.Unread, func(u posture.Unread) bool { return u.Path == path }):
					return "unread"
				case value:
					return "yes"
				default:
					return "no"
				}
			}
			f := r.Attributes.(*schema.MetricFilter)
			got := want{answer("on_trail_log_group", f.OnTrailLogGroup), answer("alarm_notifies", f.AlarmNotifies)}
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestSampleMatches(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*schema.MetricFilter)
		holds  string
		unread bool
	}{
		"a pattern matches its samples":               {func(*schema.MetricFilter) {}, "root.activity", false},
		"an empty pattern matches every event":        {func(f *schema.MetricFilter) { f.Pattern = "" }, "CreateTrail", false},
		"a pattern nobody can parse is unread":        {func(f *schema.MetricFilter) { f.Pattern = "{ $.x = " }, "", true},
		"a filter on some accounts is unread":         {func(f *schema.MetricFilter) { f.FieldSelection = "@aws.account = 1" }, "", true},
		"a filter on transformed events is unread":    {func(f *schema.MetricFilter) { f.OnTransformedLogs = true }, "", true},
		"an unread pattern is unread, whatever it is": {func(f *schema.MetricFilter) { f.Pattern = "" }, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChain()
			test.change(&c.filter)
			if name == "an unread pattern is unread, whatever it is" {
				c.unread["aws.cloudwatchlogs.metric_filter"] = []string{"pattern"}
			}
			r := c.derive()
			unread := slices.ContainsFunc(r.Unread, func(u posture.Unread) bool { return u.Path == "sample_matches" })
			matches := r.Attributes.(*schema.MetricFilter).SampleMatches
			if unread != test.unread || (test.holds != "" && !slices.Contains(matches, test.holds)) {
				t.Errorf("unread %v, matches differ (-want +got):\n%s", unread, cmp.Diff([]string{test.holds}, matches))
			}
		})
	}
}
