// Package finding is the life of a failing rule on a resource, and of the exceptions to it: states, who may move them, and what
// the engine does with each new verdict. It does no I/O.
package finding

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// State is where a finding is in its life.
type State string

// The states. Only the engine resolves, and nobody closes a finding by hand.
const (
	Open               State = "open"
	Acknowledged       State = "acknowledged"
	FixClaimed         State = "fix_claimed"
	ExceptionRequested State = "exception_requested"
	Excepted           State = "excepted"
	Disputed           State = "disputed"
	Resolved           State = "resolved"     // a later pass on the same resource
	Gone               State = "gone"         // absent from a complete list: removed, not fixed
	NotRelevant        State = "not_relevant" // a later not_applicable
	RuleWrong          State = "rule_wrong"   // the rule was at fault and has a new version
)

// Active reports whether a finding still stands.
func (s State) Active() bool {
	switch s {
	case Resolved, Gone, NotRelevant, RuleWrong:
		return false
	}
	return true
}

// Finding is the life of one rule failing on one resource. A deviation is one uninterrupted failing stretch of it.
type Finding struct {
	ID              string                 `json:"id"` // "F-" and 16 characters that follow from account, rule and resource
	Account         string                 `json:"account"`
	RuleID          string                 `json:"rule_id"`
	Resource        posture.Key            `json:"resource"`
	State           State                  `json:"state"`
	Opened          time.Time              `json:"opened_at"`        // start of the scan that first saw the present deviation
	First           time.Time              `json:"first_seen_at"`    // start of the scan that saw the first fail ever
	Changed         time.Time              `json:"changed_at"`       // of the newest event
	Ended           posture.Opt[time.Time] `json:"ended_at"`         // absent while active
	UnverifiedSince posture.Opt[time.Time] `json:"unverified_since"` // the rule has been unknown since; absent while it is read
	Recurrence      int                    `json:"recurrence"`       // how often it came back after it had ended
	Assignee        string                 `json:"assignee,omitempty"`
	Reference       string                 `json:"reference,omitempty"`          // change or ticket of a claimed fix
	Exception       int64                  `json:"exception,omitempty"`          // the exception requested or in force
	Before          State                  `json:"before,omitempty"`             // where a refused exception leads back to
	WrongVersion    string                 `json:"wrong_rule_version,omitempty"` // the rule's version that was at fault, for rule_wrong
	Events          int                    `json:"events"`                       // how many there are; the number of the newest

	// What the rule said last when it failed, and the hex hash of the resource's content then; not part of the life, but looked up.
	RuleVersion string `json:"rule_version"`
	Reason      string `json:"reason"`
	Content     string `json:"content,omitempty"`
}

// ID names the finding of a rule on a resource, for good.
func ID(account, rule string, resource posture.Key) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{account, rule, resource.Type, resource.Region, resource.ID}, "\x00")))
	return "F-" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}

// Event is one step in a finding's life. Events are only added.
type Event struct {
	Finding  string             `json:"finding"`
	N        int                `json:"n"`  // from 1
	At       time.Time          `json:"at"` // when it took effect; never before that of the event before
	Kind     Kind               `json:"kind"`
	From     State              `json:"from,omitempty"` // empty: there was no finding
	To       State              `json:"to"`
	By       access.Actor       `json:"by"`
	Account  string             `json:"account"`
	RuleID   string             `json:"rule_id"`
	Resource posture.Key        `json:"resource"`
	Seq      int64              `json:"seq,omitempty"`   // the snapshot, for the engine's events
	Cause    posture.DriftCause `json:"cause,omitempty"` // why the verdict moved; empty in an account's first snapshot
	// Exception is the one that the finding had before or has now.
	Exception int64     `json:"exception,omitempty"`
	Assignee  string    `json:"assignee,omitempty"` // after it
	Recorded  time.Time `json:"recorded_at"`        // when it was written, which the store says
	After     Finding   `json:"-"`                  // the finding right after it
	Note      string    `json:"note,omitempty"`     // what a person gave as reason or reference; the rule's reason otherwise
}

// Kind says what happened.
type Kind string

// The kinds of events. Unverified and Verified change no state.
const (
	KindOpened     Kind = "opened"
	KindReopened   Kind = "reopened"
	KindResolved   Kind = "resolved"
	KindGone       Kind = "gone"
	KindNoLonger   Kind = "not_relevant"
	KindUnverified Kind = "unverified"
	KindVerified   Kind = "verified"
	KindAcked      Kind = "acknowledged"
	KindAssigned   Kind = "assigned"
	KindClaimed    Kind = "fix_claimed"
	KindRequested  Kind = "exception_requested"
	KindExcepted   Kind = "excepted"
	KindRefused    Kind = "exception_refused"
	KindExpired    Kind = "exception_expired"
	KindRevoked    Kind = "exception_revoked"
	KindOutgrown   Kind = "exception_outgrown" // resource or rule changed beyond what was approved
	KindDisputed   Kind = "disputed"
	KindUpheld     Kind = "dispute_refused"
	KindRuleWrong  Kind = "rule_wrong"
)
