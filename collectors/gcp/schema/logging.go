package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// LogSink routes the log entries of a project, folder or organization somewhere; its id is its parent, "/sinks/" and its name.
// Source: logging projects.sinks.list, folders.sinks.list, organizations.sinks.list.
//
//posture:type gcp.logging.sink
type LogSink struct {
	posture.Meta
	Parent            string         `json:"parent"`             // "projects/acme", "folders/7", "organizations/123"
	Destination       string         `json:"destination"`        // its service's host, "/" and its name: "storage.googleapis.com/logs-of-acme"
	DestinationBucket string         `json:"destination_bucket"` // the Cloud Storage bucket, or ""
	Filter            string         `json:"filter"`             // "": every entry
	Disabled          bool           `json:"disabled"`
	IncludeChildren   bool           `json:"include_children"`   // takes the entries of all that lies below, too
	InterceptChildren bool           `json:"intercept_children"` // and keeps them from the sinks below
	Exclusions        []LogExclusion `json:"exclusions"`
	IsSystem          bool           `json:"is_system"` // _Required or _Default, which are there from the start

	DropsAuditLogs bool `json:"drops_audit_logs" derived:"true"` // an exclusion in force is for audit logs
}

// LogExclusion is what a sink leaves out in spite of its filter.
type LogExclusion struct {
	Name     string `json:"name" key:"true"`
	Filter   string `json:"filter"`
	Disabled bool   `json:"disabled"`
}

// LogBucket stores log entries; its id is its full name, its region the location.
// Source: logging projects.locations.buckets.list, folders.locations.buckets.list, organizations.locations.buckets.list.
//
//posture:type gcp.logging.bucket
type LogBucket struct {
	posture.Meta
	Parent         string `json:"parent"`
	BucketID       string `json:"bucket_id"` // _Required, _Default, or one of one's own
	Location       string `json:"location"`
	RetentionDays  int64  `json:"retention_days"` // 400 for good in _Required
	Locked         bool   `json:"locked"`
	LifecycleState string `json:"lifecycle_state"` // ACTIVE, DELETE_REQUESTED, UPDATING, CREATING, FAILED
	KMSKeyName     string `json:"kms_key_name"`    // "": a key of Google's

	// ReceivesAuditLogs: a sink of its own parent, or of a folder or organization, brings audit logs here.
	ReceivesAuditLogs bool `json:"receives_audit_logs" derived:"true"`
}

// LogMetric counts log entries; its id is "projects/acme/metrics/" and its name.
// Source: logging projects.metrics.list.
//
//posture:type gcp.logging.metric
type LogMetric struct {
	posture.Meta
	ProjectID  string `json:"project_id"`
	Filter     string `json:"filter"`
	Disabled   bool   `json:"disabled"`
	BucketName string `json:"bucket_name"` // the log bucket whose entries count, whoever wrote them; "": the project's own entries
}
