package evidence

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/attribution"
	"github.com/plumbline-dev/plumbline/pkg/evidence/period"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Period is what a period comes to.
type Period struct {
	period.Span
	MaxGap    int64           `json:"max_gap_s"`
	Schedule  int64           `json:"schedule_s"`
	Controls  []PeriodControl `json:"controls"`
	Instances []Instances     `json:"instances"`
	Changes   []Change        `json:"changes"`
	Rules     []RulePart      `json:"rule_versions"` // of rules that had several
	BlindSpot string          `json:"blind_spot"`
}

// PeriodControl is a control over a period.
type PeriodControl struct {
	ID         string        `json:"control"`
	Title      string        `json:"title"`
	Result     string        `json:"result"` // of all observations
	Counts     Counts        `json:"observations"`
	Population int           `json:"resources_ever"`
	Lowest     string        `json:"coverage_lowest_pct"`
	LowestAt   string        `json:"coverage_lowest_at"`
	Mean       string        `json:"coverage_mean_pct"`
	Twice      string        `json:"corroborated_mean_pct"` // observed, and the cloud's own log read whole
	Gaps       []GroupedGap  `json:"gaps"`
	Deviations DeviationSums `json:"deviations"`
}

// GroupedGap is a gap with the number of cells that have it.
type GroupedGap struct {
	period.Gap
	Cells int `json:"cells"`
}

// DeviationSums counts the deviations of a control.
type DeviationSums struct {
	Total        int `json:"total"`
	Open         int `json:"still_open"`
	OpenedBefore int `json:"opened_before_period"`
	TargetMissed int `json:"target_missed"`
	Excepted     int `json:"with_exception"`
}

// Instances are an account's runs.
type Instances struct {
	Account  string `json:"account"`
	Expected int    `json:"expected"`
	Run      int    `json:"run"`
	Complete int    `json:"complete"`
	Partial  int    `json:"partial"`
	Missed   int    `json:"missed"`
}

// Change is something about the tool or the scope that changed within the period.
type Change struct {
	Account string    `json:"account"`
	At      time.Time `json:"at"`
	What    string    `json:"what"` // tool, ruleset, principal
	Before  string    `json:"before"`
	After   string    `json:"after"`
}

// RulePart is a time under one version of a rule, from the first to the last of its snapshots.
type RulePart struct {
	Rule    string    `json:"rule_id"`
	Version string    `json:"rule_version"`
	Account string    `json:"account"`
	First   time.Time `json:"first_snapshot"`
	Last    time.Time `json:"last_snapshot"`
}

// Covered is how much of a period one rule watched one cell.
type Covered struct {
	Control  string `json:"control"`
	Rule     string `json:"rule_id"`
	Account  string `json:"account"`
	Type     string `json:"type"`
	Region   string `json:"region"`
	Observed int64  `json:"observed_s"`
	Percent  string `json:"coverage_pct"`
	// Corroborated is the part of the observed time for which the cloud's own log was read whole, too.
	Corroborated int64        `json:"corroborated_s"`
	Gaps         []period.Gap `json:"gaps"`
}

// Deviation is a stretch in which a rule failed on a resource.
type Deviation struct {
	Control      string                 `json:"control"`
	Rule         string                 `json:"rule_id"`
	Version      string                 `json:"rule_version"`
	Severity     string                 `json:"severity"`
	Account      string                 `json:"account"`
	Resource     posture.Key            `json:"resource"`
	Finding      string                 `json:"finding"`
	LastGood     posture.Opt[time.Time] `json:"last_good_before"` // absent: never seen good
	FirstSeen    time.Time              `json:"first_seen"`
	LastSeen     time.Time              `json:"last_seen"`
	Ended        posture.Opt[time.Time] `json:"ended_at"`
	EndedBy      string                 `json:"ended_by"`
	OpenedBefore bool                   `json:"opened_before_period"`
	Unknown      int                    `json:"unknown_snapshots"`
	Duration     period.Range           `json:"duration"`
	Detect       *period.Range          `json:"time_to_detect"`    // null: it is not known since when it was wrong
	Remediate    period.Range           `json:"time_to_remediate"` // from when it was seen; while open, up to the end of the period
	Target       int64                  `json:"target_s"`          // 0: none
	TargetMet    string                 `json:"target_met"`        // shown, and never a filter
	Before       string                 `json:"before"`            // what the rule said before
	After        string                 `json:"after"`             // what it said of the failure
	Exceptions   []ExceptionSpan        `json:"exceptions"`
	Assignee     string                 `json:"assignee"`
	Reference    string                 `json:"reference"`
	Acknowledged posture.Opt[time.Time] `json:"acknowledged_at"`
	AlertSent    posture.Opt[time.Time] `json:"alert_sent_at"`
	AlertAcked   posture.Opt[time.Time] `json:"alert_acknowledged_at"`
	Changed      posture.Opt[time.Time] `json:"change_time"` // when the resource was made so, where one event tells
	Who          Who                    `json:"who"`
}

// Who is who brought a deviation about, as far as the cloud's log tells: exact with one event, candidates with several, or unknown with
// a reason.
type Who struct {
	Confidence attribution.Confidence `json:"confidence"`
	Reason     string                 `json:"reason,omitempty"`
	Events     []attribution.Event    `json:"events"`
}

// ExceptionSpan is the part of a deviation that an exception accepts.
type ExceptionSpan struct {
	ID int64 `json:"exception_id"`
	period.Span
}
