package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// SecuritySource is one detector of Security Command Center; its id is "sources/" and its number. An organization in which
// the product was never switched on has none.
// Source: securitycenter organizations.sources.list.
//
//posture:type gcp.securitycenter.source
type SecuritySource struct {
	posture.Meta
	DisplayName string `json:"display_name"` // "Security Health Analytics"
}

// SecurityFinding is one open finding of Security Command Center that is critical or high and not muted; its id is
// "sources/5678/findings/" and its own. Its name is the category.
// Source: securitycenter organizations.sources.findings.list, over all sources.
//
//posture:type gcp.securitycenter.finding
type SecurityFinding struct {
	posture.Meta
	Category     string                 `json:"category"`      // "PUBLIC_BUCKET_ACL"
	ResourceName string                 `json:"resource_name"` // "//storage.googleapis.com/orders"
	State        string                 `json:"state"`         // ACTIVE
	Severity     string                 `json:"severity"`      // CRITICAL, HIGH
	Mute         string                 `json:"mute"`          // UNMUTED, UNDEFINED
	FindingClass string                 `json:"finding_class"` // THREAT, VULNERABILITY, MISCONFIGURATION, …
	CreateTime   posture.Opt[time.Time] `json:"create_time"`
	EventTime    posture.Opt[time.Time] `json:"event_time" volatile:"true"` // when it was last seen to be so
}
