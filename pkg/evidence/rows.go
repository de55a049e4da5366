// Package evidence is what an auditor takes away: the files of a package, how they are bound together and signed, and how anyone checks
// them, judges the recorded settings again and follows a result back to the call it rests on. It needs neither the service nor its
// database nor a network.
package evidence

import (
	"encoding/json"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/audit"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Schema names the form of a package.
const Schema = "plumbline/package/1"

// The files of every package. Rows of JSON lines are canonical JSON (RFC 8785), one a line.
const (
	ManifestFile    = "manifest.json"
	EnvelopeFile    = "manifest.dsse.json"
	KeysFile        = "keys.json" // []ledger.Key: the published keys of the installation
	KeyFile         = "key.pem"   // the one that signed
	ScopeFile       = "scope.json"
	SystemFile      = "system.json"
	SnapshotsFile   = "snapshots.jsonl"
	CollectorsFile  = "collectors.jsonl"
	CellsFile       = "cells.jsonl"
	CallsFile       = "calls.jsonl"
	ResourcesFile   = "resources.jsonl"
	ResultsFile     = "results.jsonl"
	FindingsFile    = "findings.jsonl"
	ExceptionsFile  = "exceptions.jsonl"
	GapsFile        = "gaps.jsonl"
	ReconciledFile  = "reconciliation.json"
	ControlsFile    = "controls.json"
	RulesFile       = "rules/index.jsonl"
	TypesFile       = "rules/types.json" // []Type: the attributes that rules may speak of
	SOC2File        = "rules/soc2.yaml"
	AuditFile       = "auditlog.jsonl"
	CheckpointFile  = "log/checkpoint"
	ProofsFile      = "log/proofs.jsonl"
	ConsistencyFile = "log/consistency.jsonl"
	ManualFile      = "manual/index.jsonl"
	PeriodFile      = "period.json"
	CoverageFile    = "coverage.jsonl"
	DeviationsFile  = "deviations.jsonl"
	RequestsFile    = "requests.jsonl" // []audit.Request
	RawDir          = "raw/"
)

// Snapshots are the numbers of the first and the last snapshot of the package that a row holds for, both included.
type Snapshots [2]int64

// Holds reports whether the row holds for a snapshot.
func (s Snapshots) Holds(seq int64) bool { return s[0] <= seq && seq <= s[1] }

// Snapshot is a sealed scan that the package uses.
type Snapshot struct {
	posture.Snapshot
	// Use is "judged"; "above" for the snapshot of an organization or tenant that others were judged with; or "anchor" for one just
	// outside a period, which bounds what was observed at its edges.
	Use string `json:"use"`
}

// The uses of snapshots.
const (
	UseJudged = "judged"
	UseAbove  = "above"
	UseAnchor = "anchor"
)

// Collector is who read, of one snapshot.
type Collector struct {
	Account   string   `json:"account"`
	Snapshot  int64    `json:"snapshot"`
	Principal string   `json:"principal"`
	Tool      string   `json:"tool"`
	Ruleset   string   `json:"ruleset"`
	RunID     string   `json:"run_id"`
	Trigger   string   `json:"trigger"`
	Calls     int      `json:"calls"`
	Refused   int      `json:"calls_refused"` // answered with 401 or 403
	Needed    []string `json:"permissions_needed"`
	Missing   []string `json:"permissions_missing"` // needed by a call that was refused
	ReadLog   string   `json:"read_log"`            // whether the cloud's own log shows these reads
	// ClockOffset is the largest distance, in milliseconds, between our clock and the date in an answer; answers tell whole seconds.
	ClockOffset int64 `json:"clock_offset_ms"`
}

// Cell is one account, region and resource type of a snapshot, with the calls that read it.
type Cell struct {
	Account  string `json:"account"`
	Snapshot int64  `json:"snapshot"`
	posture.Cell
	Operations []string   `json:"operations"`
	CallSeq    [][2]int64 `json:"call_seq"` // ranges of the numbers of its calls, both ends included
}

// Call is one request to a cloud.
type Call struct {
	Account  string `json:"account"`
	Snapshot int64  `json:"snapshot"`
	posture.Call
}

// Resource is one version of a resource.
type Resource struct {
	Account   string          `json:"account"`
	Snapshots Snapshots       `json:"snapshots"`
	Type      string          `json:"type"`
	Region    string          `json:"region"`
	ID        string          `json:"id"`
	SHA256    string          `json:"sha256"` // of document
	Stale     bool            `json:"stale"`  // not seen by this scan: the values are earlier ones
	Document  json.RawMessage `json:"document"`
}

// Key names the resource.
func (r Resource) Key() posture.Key {
	return posture.Key{Type: r.Type, Region: r.Region, ID: r.ID}
}

// Result is a verdict: of one rule on one resource, as long as it stayed the same. Its calls are those of the cell of its resource,
// and of the cells of the rule's inputs.
type Result struct {
	Account   string    `json:"account"`
	Snapshots Snapshots `json:"snapshots"`
	posture.Verdict
	Inputs        map[string]json.RawMessage `json:"inputs,omitempty"` // the attributes of the resource that the rule reads
	Observed      time.Time                  `json:"observed_at"`      // start of the first of the scans
	Evaluated     time.Time                  `json:"evaluated_at"`
	Retrospective bool                       `json:"retrospective"`
	Exception     int64                      `json:"exception_id,omitempty"`
	Finding       string                     `json:"finding,omitempty"`
}

// Finding is a finding as of the end of the package, with its life.
type Finding struct {
	finding.Finding
	Life []finding.Event `json:"life"`
}

// Exception is an exception with where it stands at the end of the package.
type Exception struct {
	finding.Exception
	Standing finding.Standing `json:"standing"`
}

// Gap is something that was not read, or not looked at on purpose.
type Gap struct {
	Kind     string         `json:"kind"` // cell, attribute, stale, reconciliation, rule_off, boundary, rule_text, above
	Account  string         `json:"account,omitempty"`
	Snapshot int64          `json:"snapshot,omitempty"`
	Type     string         `json:"type,omitempty"`
	Region   string         `json:"region,omitempty"`
	ID       string         `json:"id,omitempty"`
	Path     string         `json:"path,omitempty"`
	Rule     string         `json:"rule_id,omitempty"`
	State    string         `json:"state,omitempty"`
	Cause    *posture.Cause `json:"cause,omitempty"`
	Count    int            `json:"count,omitempty"` // of resources, for attributes; which ones is in resources.jsonl
	Reason   string         `json:"reason,omitempty"`
	Actor    string         `json:"actor,omitempty"`
}

// Count is how many rows the list of a cell returned, and what a second source says.
type Count struct {
	Account      string                       `json:"account"`
	Snapshot     int64                        `json:"snapshot"`
	Type         string                       `json:"type"`
	Region       string                       `json:"region"`
	Listed       int                          `json:"listed"`
	ListedAt     time.Time                    `json:"listed_at"`
	Complete     bool                         `json:"complete"` // the list was read to its end
	SecondSource string                       `json:"second_source"`
	SecondCount  *int                         `json:"second_count"`
	SecondAt     *time.Time                   `json:"second_read_at"`
	Settled      bool                         `json:"settled"` // both were read again, because they differed
	OnlyFirst    []string                     `json:"only_in_first"`
	OnlySecond   []string                     `json:"only_in_second"`
	Status       posture.ReconciliationStatus `json:"status"`
	Cause        *posture.Cause               `json:"cause,omitempty"` // why the second source did not tell
}

// CountOf is the count of a cell of which listed resources are in the package.
func CountOf(c Cell, listed int) Count {
	out := Count{Account: c.Account, Snapshot: c.Snapshot, Type: c.Type, Region: c.Region, Listed: listed, ListedAt: c.Started,
		Complete: c.State == posture.Complete, Status: posture.SingleSource, OnlyFirst: []string{}, OnlySecond: []string{}}
	if r := c.Reconciled; r != nil {
		out.SecondSource, out.Settled, out.OnlyFirst, out.OnlySecond, out.Status, out.Cause = r.Source, r.Settled, r.OnlyFirst, r.OnlySecond, r.Status, r.Cause
		if out.SecondAt = &r.ReadAt; r.Cause == nil {
			out.SecondCount = &r.Count
		}
	}
	return out
}

// Rule is a rule in a version that judged.
type Rule struct {
	ID       string         `json:"rule_id"`
	Version  string         `json:"rule_version"`
	File     string         `json:"file"` // path in the package; empty: the text of this version is not held
	Title    string         `json:"title"`
	Resource string         `json:"resource"`
	Severity string         `json:"severity"`
	Control  string         `json:"control"`
	Params   map[string]any `json:"params"`
	Fields   []string       `json:"fields"`
	Calls    []string       `json:"operations"` // the calls that fill what it reads
	Reading  string         `json:"reading"`    // of the condition, for people
}

// Control is a control with what it rests on and what its results come to.
type Control struct {
	ID        string          `json:"id"`
	Title     string          `json:"title"`
	Statement string          `json:"statement"`
	Owner     string          `json:"owner"`
	Frequency string          `json:"frequency"`
	Nature    string          `json:"nature"`
	Criteria  []CriterionLink `json:"criteria"`
	Rules     []string        `json:"rules"`
	Slots     []finding.Slot  `json:"manual_evidence"`
	Result    string          `json:"result"` // fail, unknown, pass, not_applicable, no_occurrence, awaiting_manual
	Counts    Counts          `json:"counts"`
}

// CriterionLink is what a control supports of a criterion, and what it leaves unproved.
type CriterionLink struct {
	ID       string `json:"id"`
	Supports string `json:"supports"`
	Leaves   string `json:"leaves_unproved"`
}

// Counts are results; Excepted are those of the failed ones that an exception accepts.
type Counts struct {
	posture.Counts
	Excepted int `json:"fail_excepted"`
	Total    int `json:"total"`
}

// Add adds a result.
func (c *Counts) Add(r posture.Result, excepted bool) {
	c.Counts.Add(r)
	c.Total++
	if excepted && r == posture.Fail {
		c.Excepted++
	}
}

// Proof binds a record of the installation's log to the checkpoint of the package.
type Proof struct {
	Index  int64    `json:"index"`
	Record string   `json:"record"` // as it is in the log
	Proof  []string `json:"proof"`  // RFC 9162 inclusion proof, base64
}

// Consistency shows that the log at the package's checkpoint begins with the log as it was at an earlier size.
type Consistency struct {
	Size  int64    `json:"size"`
	Root  string   `json:"root"`
	Proof []string `json:"proof"` // RFC 9162 consistency proof, base64
}

// AuditEntry is an entry of the tool's own audit log. Entries about other accounts are there by digest alone.
type AuditEntry struct {
	Seq    int64           `json:"seq"`
	Index  int64           `json:"log_index"`
	SHA256 string          `json:"sha256"`
	Entry  json.RawMessage `json:"entry,omitempty"`
}

// Manual is something that a person attached.
type Manual struct {
	finding.Attachment
	File string `json:"file"`
}

// Scope is what the package is about, and what it leaves out.
type Scope struct {
	In       []Boundary      `json:"in"`
	Out      []Boundary      `json:"out"`
	Regions  []string        `json:"regions"`
	Types    []string        `json:"types"`
	Criteria []string        `json:"criteria"`
	Controls []string        `json:"controls"`
	Changes  []ScopeChange   `json:"changes"`
	Waivers  []access.Waiver `json:"role_waivers"`
	Audit    *audit.Audit    `json:"audit,omitempty"` // with every version of its scope; null: for no audit
	Auditors []access.Grant  `json:"auditors,omitempty"`
	// Boundaries are held against what the organizations of the package list.
	Boundaries []BoundaryList `json:"boundaries"`
}

// BoundaryList is what an organization or tenant lists below it, and where each is in the scope: every one is somewhere.
type BoundaryList struct {
	Organization string   `json:"organization"`
	Snapshot     int64    `json:"snapshot"`
	Complete     bool     `json:"complete"` // its list was read to the end
	Listed       int      `json:"listed"`
	In           []string `json:"in"`
	Out          []string `json:"out"`  // for a reason that is in the scope
	Gaps         []string `json:"gaps"` // nothing was read of them
}

// Boundary is an account, project or subscription.
type Boundary struct {
	Account string `json:"account"`
	Name    string `json:"name,omitempty"`
	Reason  string `json:"reason,omitempty"`
	By      string `json:"by,omitempty"`
}

// ScopeChange is a change of the scope since the audit opened.
type ScopeChange struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Change string    `json:"change"`
	Reason string    `json:"reason"`
}

// Type is a resource type as rules see it.
type Type struct {
	Name   string  `json:"name"`
	Fields []Field `json:"fields"`
}

// Field is an attribute.
type Field struct {
	Name     string  `json:"name"`
	Kind     string  `json:"kind"`
	Optional bool    `json:"optional,omitempty"`
	Derived  bool    `json:"derived,omitempty"`
	Key      bool    `json:"key,omitempty"`
	Volatile bool    `json:"volatile,omitempty"`
	Object   string  `json:"object,omitempty"`
	Of       []Field `json:"of,omitempty"`
}

var kinds = []string{
	posture.Bool: "bool", posture.String: "string", posture.Int: "int", posture.Time: "time", posture.Strings: "strings",
	posture.StringMap: "string_map", posture.Object: "object", posture.Objects: "objects",
}
