// Package posture holds the domain that every other part speaks about: accounts, resources and what could not be read of
// them, the cells of a scan, verdicts, and the errors that callers act on. It imports the standard library only.
package posture

import (
	"cmp"
	"errors"
	"strings"
	"time"
)

// Errors that callers act on; everything else is an internal failure.
var (
	ErrNotFound = errors.New("not found")
	ErrInvalid  = errors.New("invalid")
	// ErrSetup marks what the user has to mend before anything can run: credentials, settings, a missing database.
	ErrSetup = errors.New("setup")
)

// Global is the region of resources that belong to a whole account. Everywhere is the region of a cell that stands for every
// region without a cell of its own.
const (
	Global     = "global"
	Everywhere = "*"
)

// Account is one AWS account, Google project or Azure subscription; also an organization or tenant, for what lives there. The
// id of a Google organization is "organizations/123".
type Account struct {
	Provider string `json:"provider"` // "aws", "gcp" or "azure"
	ID       string `json:"id"`
	Name     string `json:"name,omitempty"`
}

func (a Account) String() string { return a.Provider + ":" + a.ID }

// CellState says how far a cell was read.
type CellState string

// A cell is not_applicable only where a switch was read, never because a call was refused.
const (
	Complete      CellState = "complete"
	Denied        CellState = "denied"
	Failed        CellState = "failed"
	NotApplicable CellState = "not_applicable"
)

// Reason says why something is unread or a verdict unknown (AUDIT model, section 3).
type Reason string

// The reasons for unread.
const (
	ReasonDenied       Reason = "denied"
	ReasonThrottled    Reason = "throttled"
	ReasonTimeout      Reason = "timeout"
	ReasonAPIError     Reason = "api_error"
	ReasonPartialPages Reason = "partial_pages"
	ReasonParseError   Reason = "parse_error"
	ReasonUnreconciled Reason = "unreconciled"
	ReasonStale        Reason = "stale"
	ReasonNotCollected Reason = "not_collected"
	ReasonRuleError    Reason = "rule_error"
)

// Cause is why something could not be read: the call that failed and the permission it needs.
type Cause struct {
	Reason     Reason `json:"reason"`
	Operation  string `json:"operation,omitempty"`  // "CloudTrail.DescribeTrails"
	Permission string `json:"permission,omitempty"` // "cloudtrail:DescribeTrails"
	Code       string `json:"code,omitempty"`       // the provider's error code
}

// String reads "denied: CloudTrail.DescribeTrails (needs cloudtrail:DescribeTrails)".
func (c Cause) String() string {
	var b strings.Builder
	b.WriteString(string(c.Reason))
	if c.Operation != "" {
		b.WriteString(": " + c.Operation)
	}
	if c.Permission != "" {
		b.WriteString(" (needs " + c.Permission + ")")
	}
	return b.String()
}

// CompareCauses orders causes so that equal sets print equally.
func CompareCauses(a, b Cause) int {
	return cmp.Or(cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Operation, b.Operation),
		cmp.Compare(a.Permission, b.Permission), cmp.Compare(a.Code, b.Code))
}

// Unread names one attribute of a resource whose value is not known. Path is written as in rules ("metadata.http_tokens").
// Within a list of objects the element's key stands in brackets ("analyzers[arn].status"); "analyzers[]" says that the list
// holds only what was seen before reading stopped.
type Unread struct {
	Path string `json:"path"`
	Cause
}

// Cell is the unit of collection and coverage: one account, region and resource type.
type Cell struct {
	Region   string    `json:"region"`
	Type     string    `json:"type"`
	State    CellState `json:"state"`
	Cause    *Cause    `json:"cause,omitempty"` // set unless complete
	Started  time.Time `json:"started_at"`
	Finished time.Time `json:"finished_at"`
	Calls    int       `json:"calls"`
	// Reconciled is what a second source says of the cell; nil where none was asked.
	Reconciled *Reconciliation `json:"reconciliation,omitempty"`
}

// Reconciliation holds a list that was read to its end against a second source of the cloud, such as its inventory.
type Reconciliation struct {
	Source string               `json:"second_source"`
	Status ReconciliationStatus `json:"status"`
	Listed int                  `json:"listed"`       // by the service itself, which stays the record
	Count  int                  `json:"second_count"` // by the second source
	ReadAt time.Time            `json:"second_read_at"`
	// Settled says that both were read again after the settle time, because they differed. What follows is what differed still.
	Settled    bool     `json:"settled"`
	OnlyFirst  []string `json:"only_in_first"`
	OnlySecond []string `json:"only_in_second"`
	Cause      *Cause   `json:"cause,omitempty"` // why the second source does not tell; single_source then
}

// ReconciliationStatus says what became of a reconciliation.
type ReconciliationStatus string

// Where no second source was asked, or it did not answer, a cell has a single source: that is never matched.
const (
	Matched      ReconciliationStatus = "matched"
	Explained    ReconciliationStatus = "explained" // a person gave a reason for each difference
	Unreconciled ReconciliationStatus = "unreconciled"
	SingleSource ReconciliationStatus = "single_source"
)

// ShowsAbsence reports whether a resource that the cell does not have is gone: the list was read to its end and, where a second source
// was asked, that agrees.
func (c Cell) ShowsAbsence() bool {
	_, gap := c.Gap()
	return !gap && (c.Reconciled == nil || c.Reconciled.Status == Matched || c.Reconciled.Status == Explained)
}

// Gap returns why the cell was not read to its end; ok is false when it was, or when there is nothing to read. A cell that
// does not say why is a gap all the same.
func (c Cell) Gap() (cause Cause, ok bool) {
	switch {
	case c.State == Complete || c.State == NotApplicable:
		return Cause{}, false
	case c.Cause == nil:
		return Cause{Reason: ReasonAPIError}, true
	}
	return *c.Cause, true
}

// CellIndex finds the cell that a resource lives in.
type CellIndex map[Key]Cell

// IndexCells indexes the cells of one scan.
func IndexCells(cells []Cell) CellIndex {
	index := make(CellIndex, len(cells))
	for _, c := range cells {
		index[Key{Type: c.Type, Region: c.Region}] = c
	}
	return index
}

// Of returns the cell of a type in a region, or else the one that stands for every region without a cell of its own.
func (x CellIndex) Of(typeName, region string) (Cell, bool) {
	c, ok := x[Key{Type: typeName, Region: region}]
	if !ok {
		c, ok = x[Key{Type: typeName, Region: Everywhere}]
	}
	return c, ok
}

// Key names a resource within an account.
type Key struct {
	Type   string `json:"type"`
	Region string `json:"region"`
	ID     string `json:"id"`
}

// Compare orders keys by type, region and id.
func (k Key) Compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Type, o.Type), cmp.Compare(k.Region, o.Region), cmp.Compare(k.ID, o.ID))
}

// Resource is one thing in an account as a scan read it.
type Resource struct {
	Key
	Attributes any      // pointer to the schema struct of Key.Type
	Unread     []Unread // paths whose value in Attributes means nothing
	Derived    []string // paths of derived attributes that were computed; the others are unread
	OnlyIn     string   // the second source, where the service's own list lacks the resource; see Unlisted
}

// Unlisted returns a resource of type t that only a second source has: nothing of it is known, also not what would be derived.
func Unlisted(t *Type, key Key, source string) *Resource {
	r := &Resource{Key: key, Attributes: t.New(), OnlyIn: source}
	for _, f := range t.Fields {
		r.Unread = append(r.Unread, Unread{Path: f.Name, Cause: Cause{Reason: ReasonUnreconciled, Code: "only in " + source}})
	}
	return r
}

// Result is what a rule says of a resource.
type Result string

// The four results.
const (
	Pass         Result = "pass"
	Fail         Result = "fail"
	Unknown      Result = "unknown"
	DoesNotApply Result = "not_applicable"
)

// Verdict is one rule judged on one resource in one snapshot.
type Verdict struct {
	RuleID      string `json:"rule_id"`
	RuleVersion string `json:"rule_version"` // digest of the rule's text and parameters
	Resource    Key    `json:"resource"`
	Result      Result `json:"result"`
	// Reason is for people: the part of the condition that decided and the values it saw, or what was not read.
	Reason string   `json:"reason"`
	Unread []Unread `json:"unread,omitempty"` // set when unknown
}
