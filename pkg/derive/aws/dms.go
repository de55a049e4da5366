package aws

import (
	"slices"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
)

// replicationTasks: whether tasks log both their sides in enough detail.
func replicationTasks(inv *derive.Inventory) {
	for _, t := range derive.Of[schema.ReplicationTask](inv, schema.ReplicationTaskType).Items {
		logs := func(components ...string) derive.Val[bool] {
			return derive.And(derive.Read(t, "logging_enabled", t.V.LoggingEnabled),
				derive.Map(derive.Read(t, "log_components", t.V.LogComponents), func(loggers []schema.ReplicationLogger) bool {
					return !slices.ContainsFunc(components, func(id string) bool { return !logsEnough(loggers, id) })
				}))
		}
		derive.Set(t, "source_logging_ok", &t.V.SourceLoggingOK, logs("SOURCE_CAPTURE", "SOURCE_UNLOAD"))
		derive.Set(t, "target_logging_ok", &t.V.TargetLoggingOK, logs("TARGET_APPLY", "TARGET_LOAD"))
	}
}

func logsEnough(loggers []schema.ReplicationLogger, id string) bool {
	return slices.ContainsFunc(loggers, func(l schema.ReplicationLogger) bool {
		return l.ID == id && slices.Contains([]string{"LOGGER_SEVERITY_DEFAULT", "LOGGER_SEVERITY_DEBUG", "LOGGER_SEVERITY_DETAILED_DEBUG"}, l.Severity)
	})
}
