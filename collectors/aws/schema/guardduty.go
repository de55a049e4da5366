package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// GuardDutyStatus says how GuardDuty is set up in a region and what it has found.
// Source: ListDetectors, GetDetector, GetFindingsStatistics, GetAdministratorAccount, ListFindings, GetFindings. One per region.
//
//posture:type aws.guardduty.region_status
type GuardDutyStatus struct {
	posture.Meta
	DetectorID                 string             `json:"detector_id"`     // "": no detector
	DetectorStatus             string             `json:"detector_status"` // ENABLED, DISABLED, or "" without a detector
	FindingPublishingFrequency string             `json:"finding_publishing_frequency"`
	Features                   []GuardDutyFeature `json:"features"`
	AdministratorAccountID     string             `json:"administrator_account_id"` // "": none, or this account is it
	// OpenFindings counts the findings that are not archived.
	OpenFindings        GuardDutyFindings      `json:"open_findings" volatile:"true"`
	OldestOpenFindingAt posture.Opt[time.Time] `json:"oldest_open_finding_at" volatile:"true"` // absent: no open finding
}

// GuardDutyFeature is one protection plan or data source of a detector.
type GuardDutyFeature struct {
	Name   string `json:"name" key:"true"`
	Status string `json:"status"` // ENABLED or DISABLED
}

// GuardDutyFindings are counts by severity: 9 and above, 7 to 8.9, 4 to 6.9, and below.
type GuardDutyFindings struct {
	Critical int64 `json:"critical"`
	High     int64 `json:"high"`
	Medium   int64 `json:"medium"`
	Low      int64 `json:"low"`
}
