package aws

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestReplicationTasks(t *testing.T) {
	const enough, coarse = "LOGGER_SEVERITY_DEFAULT", "LOGGER_SEVERITY_ERROR"
	task := func(enabled bool, capture string, refused ...string) []*posture.Resource {
		return []*posture.Resource{resource(schema.ReplicationTaskType, "arn:aws:dms:eu-west-1:111122223333:task:1", &schema.ReplicationTask{
			LoggingEnabled: enabled,
			LogComponents:  []schema.ReplicationLogger{{ID: "SOURCE_CAPTURE", Severity: capture}, {ID: "SOURCE_UNLOAD", Severity: enough}, {ID: "TARGET_LOAD", Severity: enough}},
		}, refused...)}
	}
	check(t, map[string]derivation{
		"both parts of the source in default severity": {
			resources: task(true, enough), want: map[string]any{"source_logging_ok": true},
		},
		"detail is more than enough": {
			resources: task(true, "LOGGER_SEVERITY_DETAILED_DEBUG"), want: map[string]any{"source_logging_ok": true},
		},
		"one part logs errors alone": {
			resources: task(true, coarse), want: map[string]any{"source_logging_ok": false},
		},
		"a part that the settings leave out": {
			resources: task(true, enough), want: map[string]any{"target_logging_ok": false},
		},
		"logging is off whatever the parts say": {
			resources: task(false, enough, "log_components"), want: map[string]any{"source_logging_ok": false},
		},
		"parts that could not be read": {
			resources: task(true, enough, "log_components"), want: map[string]any{"source_logging_ok": "unread: read log_components"},
		},
	})
}
