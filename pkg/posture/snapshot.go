package posture

import (
	"encoding/json"
	"fmt"
	"time"
)

// Snapshot describes one sealed scan of one account. Seq counts an account's snapshots from 1.
type Snapshot struct {
	Account   Account   `json:"account"`
	Seq       int64     `json:"seq"`
	RunID     string    `json:"run_id"`
	Trigger   string    `json:"trigger"`    // "manual" or "schedule"
	Started   time.Time `json:"started_at"` // first call; ages in rules count from here
	Finished  time.Time `json:"finished_at"`
	Sealed    time.Time `json:"sealed_at"`
	Principal string    `json:"principal"` // who read, as the cloud itself reports it
	Tool      string    `json:"tool"`      // version of plumbline
	Ruleset   string    `json:"ruleset"`   // digest over all rule versions used
	Root      string    `json:"root"`      // hex Merkle root over resources, cells and verdicts
	LogIndex  int64     `json:"log_index"` // the root's leaf in the append-only log
	// Ancestors are the snapshots of the organization or tenant above that this one was judged with.
	Ancestors []Pin  `json:"ancestors,omitempty"`
	Resources int    `json:"resources"`
	Verdicts  Counts `json:"verdicts"`
}

// Pin names a sealed snapshot by number and Merkle root.
type Pin struct {
	Account string `json:"account"`
	Seq     int64  `json:"seq"`
	Root    string `json:"root"`
}

// ID names a snapshot: "aws:111122223333/17".
func (s Snapshot) ID() string { return fmt.Sprintf("%s/%d", s.Account, s.Seq) }

// Counts are verdicts by result.
type Counts struct {
	Pass         int `json:"pass"`
	Fail         int `json:"fail"`
	Unknown      int `json:"unknown"`
	DoesNotApply int `json:"not_applicable"`
}

// Add counts one more verdict.
func (c *Counts) Add(r Result) {
	switch r {
	case Pass:
		c.Pass++
	case Fail:
		c.Fail++
	case Unknown:
		c.Unknown++
	case DoesNotApply:
		c.DoesNotApply++
	}
}

// Total is the number of verdicts.
func (c Counts) Total() int { return c.Pass + c.Fail + c.Unknown + c.DoesNotApply }

// Content is one resource as a snapshot stores it. JSON is the canonical form (RFC 8785) of
// {"schema":1,"attributes":{…},"unread":[…]}; Hash is its SHA-256. Stale says that the resource was not seen by this scan,
// because its cell was not read to the end, and that the values are those of an earlier one.
type Content struct {
	Key
	Hash  [32]byte
	JSON  []byte // may be nil for a stale resource: the store holds it already
	Stale bool
}

// Call is one request to a cloud as the journal records it, one for every attempt.
type Call struct {
	Seq        int       `json:"seq"`
	Service    string    `json:"service"`
	Operation  string    `json:"operation"` // "CloudTrail.DescribeTrails"
	Region     string    `json:"region"`
	Parameters string    `json:"parameters,omitempty"` // digest of the request
	Attempt    int       `json:"attempt"`              // from 1; each retry is a call of its own
	Started    time.Time `json:"started_at"`
	Ended      time.Time `json:"ended_at"`
	Status     int       `json:"status"` // HTTP; 0 when there was no answer
	Code       string    `json:"code,omitempty"`
	Error      string    `json:"error,omitempty"` // transport failure, without addresses or secrets
	RequestID  string    `json:"request_id,omitempty"`
	ServerDate string    `json:"server_date,omitempty"`
	Received   string    `json:"received_sha256,omitempty"` // hex, body as received
	Stored     string    `json:"stored_sha256,omitempty"`   // hex, body as stored; empty when only the digest is kept
}

// Body is a stored response body, after redaction; the store keeps it once per digest, compressed.
type Body struct {
	SHA256 string // hex
	Data   []byte
}

// Sealing is everything one scan hands to the store: written whole or not at all.
type Sealing struct {
	Snapshot  Snapshot // Seq, Sealed, Root, LogIndex are set by the store
	Cells     []Cell
	Resources []Content
	Verdicts  []Verdict // for every rule and resource, the stale ones included
	Calls     []Call
	Bodies    []Body
}

// Change is one difference between two snapshots of an account.
type Change struct {
	Cause    DriftCause `json:"cause"`
	Kind     ChangeKind `json:"kind"`
	Resource Key        `json:"resource"`
	// Fields are the attribute paths that differ, for Kind changed.
	Fields []FieldChange `json:"fields,omitempty"`
	// RuleID and the results are set for Kind verdict.
	RuleID string `json:"rule_id,omitempty"`
	Before Result `json:"before,omitempty"`
	After  Result `json:"after,omitempty"`
}

// FieldChange is one attribute before and after; nil is absent, and an unread side says so instead of a value.
type FieldChange struct {
	Path         string          `json:"path"`
	Before       json.RawMessage `json:"before,omitempty"`
	After        json.RawMessage `json:"after,omitempty"`
	BeforeUnread bool            `json:"before_unread,omitempty"`
	AfterUnread  bool            `json:"after_unread,omitempty"`
}

// ChangeKind says what differs.
type ChangeKind string

// The kinds of change.
const (
	Added    ChangeKind = "added"
	Removed  ChangeKind = "removed"
	Changed  ChangeKind = "changed"
	Judgment ChangeKind = "verdict"
)

// DriftCause says why something differs.
type DriftCause string

// The causes of drift. Coverage is unread turning into a value or back, unless the last value read differs.
const (
	CauseConfiguration DriftCause = "configuration"
	CauseRuleset       DriftCause = "ruleset"
	CauseException     DriftCause = "exception"
	CauseCoverage      DriftCause = "coverage"
)
