package gcp

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// sink is a sink of its parent; change makes it what a case needs.
func sink(parent, name, destination string, change func(*schema.LogSink), refused ...string) *posture.Resource {
	s := &schema.LogSink{Meta: posture.Meta{Name: name}, Parent: parent, Destination: destination, Exclusions: []schema.LogExclusion{}}
	if change != nil {
		change(s)
	}
	return resource(schema.LogSinkType, parent+"/sinks/"+name, s, refused...)
}

func excluding(filter string) func(*schema.LogSink) {
	return func(s *schema.LogSink) { s.Exclusions = []schema.LogExclusion{{Name: "less", Filter: filter}} }
}

func TestSinkExclusions(t *testing.T) {
	const path = "drops_audit_logs"
	with := func(change func(*schema.LogSink), want any, refused ...string) derivation {
		return derivation{
			resources: []*posture.Resource{sink("projects/acme", "all", "storage.googleapis.com/logs", change, refused...)},
			want:      map[string]any{path: want},
		}
	}
	check(t, map[string]derivation{
		"nothing is excluded":                    with(nil, false),
		"another log is":                         with(excluding(`log_id("syslog")`), false),
		"a resource without audit logs is":       with(excluding(`resource.type="http_load_balancer"`), false),
		"an audit log is":                        with(excluding(`log_id("cloudaudit.googleapis.com/data_access")`), true),
		"an audit log of one resource is":        with(excluding(`logName:"cloudaudit.googleapis.com" AND resource.type="gke_cluster"`), true),
		"everything but an audit log is":         with(excluding(`NOT logName:"cloudaudit.googleapis.com"`), false),
		"the exclusion is off":                   with(func(s *schema.LogSink) { excluding("")(s); s.Exclusions[0].Disabled = true }, false),
		"the exclusion cannot be read":           with(excluding(`(`), "unread: logging.projects.sinks.list"),
		"one of two is for audit logs, one none": with(func(s *schema.LogSink) { s.Exclusions = []schema.LogExclusion{{Name: "a", Filter: "("}, {Name: "b"}} }, true),
		"exclusions were not read":               with(excluding(""), "unread: read exclusions", "exclusions"),
	})
}

func TestLogBucketSources(t *testing.T) {
	const name = "projects/acme/locations/global/buckets/audit"
	bucket := resource(schema.LogBucketType, name, &schema.LogBucket{})
	project := resource(schema.ProjectType, "acme", &schema.Project{ProjectNumber: "4711"})
	with := func(want any, sinks ...*posture.Resource) derivation {
		return derivation{resources: append([]*posture.Resource{clone(bucket), clone(project)}, sinks...), want: map[string]any{"receives_audit_logs": want}}
	}
	refused := with("unread: list gcp.logging.sink")
	refused.refused = []*posture.Type{schema.LogSinkType}
	fedThough := with(true, sink("projects/acme", "all", toLogging+name, nil))
	fedThough.refused = refused.refused
	central := with(true)
	central.above = []*posture.Resource{sink("organizations/1", "all", toLogging+name, func(s *schema.LogSink) { s.IncludeChildren = true })}
	byNumber := with(true, sink("projects/acme", "all", toLogging+"projects/4711/locations/global/buckets/audit", nil))
	check(t, map[string]derivation{
		"no sink leads there": with(false),
		"one leads elsewhere": with(false, sink("projects/acme", "all", toLogging+name+"2", nil)),
		"one for everything":  with(true, sink("projects/acme", "all", toLogging+name, nil)),
		"one for audit logs": with(true,
			sink("projects/acme", "all", toLogging+name, func(s *schema.LogSink) { s.Filter = `logName:"cloudaudit.googleapis.com"` })),
		"one for something else": with(false,
			sink("projects/acme", "all", toLogging+name, func(s *schema.LogSink) { s.Filter = `resource.type="k8s_container"` })),
		"one that leaves audit logs out": with(false, sink("projects/acme", "all", toLogging+name, excluding(`logName:"cloudaudit.googleapis.com"`))),
		"one that is off":                with(false, sink("projects/acme", "all", toLogging+name, func(s *schema.LogSink) { s.Disabled = true })),
		"one by the project's number":    byNumber,
		"one of the organization":        central,
		"one that cannot be read": with("unread: logging.projects.sinks.list",
			sink("projects/acme", "all", toLogging+name, func(s *schema.LogSink) { s.Filter = "(" })),
		"one leads nobody knows where":    with("unread: read destination", sink("projects/acme", "all", "", nil, "destination")),
		"the sinks were not read":         refused,
		"one is known, others may not be": fedThough,
	})
}

// clone keeps cases from sharing what deriving adds.
func clone(r *posture.Resource) *posture.Resource {
	out := *r
	switch v := r.Attributes.(type) {
	case *schema.Project:
		c := *v
		out.Attributes = &c
	case *schema.LogBucket:
		c := *v
		out.Attributes = &c
	}
	return &out
}

func TestProjectSinks(t *testing.T) {
	project := func() *posture.Resource {
		return resource(schema.ProjectType, "acme", &schema.Project{Ancestors: []string{"folders/7", "organizations/1"}})
	}
	children := func(s *schema.LogSink) { s.IncludeChildren = true }
	element := func(parent, name, filter string, everything bool, exclusions ...any) map[string]any {
		return map[string]any{"name": name, "parent": parent, "destination": "storage.googleapis.com/logs", "filter": filter, "disabled": false,
			"exclusions": append([]any{}, exclusions...), "everything": everything}
	}
	own := func() *posture.Resource { return sink("projects/acme", "own", "storage.googleapis.com/logs", nil) }
	check(t, map[string]derivation{
		"its own, and those above for all below": {
			resources: []*posture.Resource{project(), own()},
			above: []*posture.Resource{
				sink("organizations/1", "all", "storage.googleapis.com/logs", children),
				sink("organizations/1", "itself", "storage.googleapis.com/logs", nil),
				sink("folders/7", "some", "storage.googleapis.com/logs", func(s *schema.LogSink) { children(s); s.Filter = "severity>=ERROR" }),
				sink("folders/8", "beside", "storage.googleapis.com/logs", children),
			},
			want: map[string]any{"log_sinks": []any{
				element("folders/7", "some", "severity>=ERROR", false),
				element("organizations/1", "all", "", true),
				element("projects/acme", "own", "", true),
			}},
		},
		"only exclusions in force count": {
			resources: []*posture.Resource{project(), sink("projects/acme", "own", "storage.googleapis.com/logs", func(s *schema.LogSink) {
				s.Filter = "logName:*"
				s.Exclusions = []schema.LogExclusion{{Name: "a", Filter: "x"}, {Name: "b", Filter: "y", Disabled: true}}
			})},
			want: map[string]any{"log_sinks": []any{element("projects/acme", "own", "logName:*", true, "x")}},
		},
		"what was read stands where more may be missing": {
			refused:   []*posture.Type{schema.LogSinkType},
			resources: []*posture.Resource{project(), own()},
			want: map[string]any{
				"log_sinks":   []any{element("projects/acme", "own", "", true)},
				"log_sinks[]": "unread: list gcp.logging.sink",
			},
		},
		"nothing read is unread": {
			refused:   []*posture.Type{schema.LogSinkType},
			resources: []*posture.Resource{project()},
			want:      map[string]any{"log_sinks": "unread: list gcp.logging.sink"},
		},
	})
}

func TestBucketSinks(t *testing.T) {
	with := func(want any, sinks ...*posture.Resource) derivation {
		return derivation{resources: append([]*posture.Resource{resource(schema.BucketType, "logs", &schema.Bucket{})}, sinks...), want: map[string]any{"is_log_sink_target": want}}
	}
	to := func(bucket string, refused ...string) *posture.Resource {
		return sink("projects/acme", "all", "storage.googleapis.com/"+bucket, func(s *schema.LogSink) { s.DestinationBucket = bucket }, refused...)
	}
	refused := with("unread: list gcp.logging.sink")
	refused.refused = []*posture.Type{schema.LogSinkType}
	above := with(true)
	above.above = []*posture.Resource{to("logs")}
	check(t, map[string]derivation{
		"no sink":                     with(false),
		"a sink to another bucket":    with(false, to("logs2")),
		"a sink to it":                with(true, to("logs")),
		"a sink from above":           above,
		"a sink to who knows":         with("unread: read destination_bucket", to("logs", "destination_bucket")),
		"sinks not read":              refused,
		"a sink to it and one unread": with(true, to("logs"), to("x", "destination_bucket")),
	})
}
