package finding

import (
	"fmt"
	"slices"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// How long an exception lasts when nothing is said, and at most.
const (
	DefaultDays = 90
	MaxDays     = 365
)

// Exception accepts failing findings for a time. It never changes a result and never reaches back.
type Exception struct {
	ID           int64                  `json:"id"`
	RuleID       string                 `json:"rule_id"`
	RuleVersions []string               `json:"rule_versions"` // as of the request
	Account      string                 `json:"account"`
	Resources    []Covered              `json:"resources"` // exact; a pattern is resolved when it is requested
	Pattern      string                 `json:"pattern,omitempty"`
	Reason       string                 `json:"reason"`
	Risk         string                 `json:"risk"`
	Compensating string                 `json:"compensating_control,omitempty"`
	Requester    string                 `json:"requester"`
	Requested    time.Time              `json:"requested_at"`
	Starts       time.Time              `json:"starts_at"` // it begins then, or when it is approved if that is later
	Expires      time.Time              `json:"expires_at"`
	Decisions    []Decision             `json:"decisions"`
	Ended        posture.Opt[time.Time] `json:"ended_at"` // revoked or refused
}

// Covered is a resource that an exception is about, with what was to be accepted when it was requested.
type Covered struct {
	posture.Key
	Finding string `json:"finding"`
	Reason  string `json:"verdict_reason"` // of the failing verdict
	Content string `json:"content"`        // hex hash of the resource's content; empty: the rule is on the whole account
}

// Decision is what somebody decided about an exception. Decisions are only added.
type Decision struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	What   Verdict   `json:"what"`
	Reason string    `json:"reason,omitempty"`
}

// Verdict is approve, refuse or revoke.
type Verdict string

// The decisions.
const (
	Approve Verdict = "approve"
	Refuse  Verdict = "refuse"
	Revoke  Verdict = "revoke"
)

// Standing is where an exception is at some time.
type Standing string

// The standings.
const (
	Requested Standing = "requested" // approvals are missing
	Approved  Standing = "approved"  // begins later
	InForce   Standing = "in_force"
	Expired   Standing = "expired"
	Revoked   Standing = "revoked"
	Refused   Standing = "refused"
	Lapsed    Standing = "lapsed" // its end came before all approvals did
)

// Prepare returns the exception with the default dates where it has none, or says what a request lacks.
func (e Exception) Prepare() (Exception, error) {
	if e.Starts.IsZero() {
		e.Starts = e.Requested
	}
	if e.Expires.IsZero() {
		e.Expires = e.Starts.AddDate(0, 0, DefaultDays)
	}
	problem := ""
	switch {
	case e.Reason == "":
		problem = "say why, as its reason"
	case e.Risk == "":
		problem = "say what may happen meanwhile, as its risk"
	case e.Requester == "":
		problem = "it has no requester"
	case len(e.Resources) == 0:
		problem = "no open or acknowledged finding is meant"
	case len(e.RuleVersions) == 0:
		problem = "it names no version of the rule"
	case e.Starts.Before(e.Requested):
		problem = "it would start before it is requested: exceptions do not reach back"
	case !e.Expires.After(e.Starts):
		problem = "it would end before it starts"
	case e.Expires.After(e.Starts.AddDate(0, 0, MaxDays)):
		problem = fmt.Sprintf("it would last longer than %d days: choose an earlier end and ask again then", MaxDays)
	}
	if problem != "" {
		return e, fmt.Errorf("%w: exception to %s: %s", posture.ErrInvalid, e.RuleID, problem)
	}
	return e, nil
}

// Approvals is how many people other than the requester have to approve: one who asks for a pattern may not know what it meets.
func (e Exception) Approvals() int {
	if e.Pattern != "" {
		return 2
	}
	return 1
}

// Decide adds a decision, or says why this person cannot decide so.
func (e Exception) Decide(what Verdict, by access.Actor, reason string, at time.Time) (Exception, error) {
	problem := ""
	switch standing := e.Standing(at); {
	case what != Approve && what != Refuse && what != Revoke:
		problem = fmt.Sprintf("%q is no decision: approve, refuse or revoke it", what)
	case standing == Expired || standing == Revoked || standing == Refused || standing == Lapsed:
		problem = fmt.Sprintf("it is %s: request a new one", standing)
	case what != Revoke && standing != Requested:
		problem = fmt.Sprintf("it is %s: it can only be revoked", standing)
	case what == Revoke && standing == Requested:
		problem = "it is not approved: refuse it instead"
	case what != Approve && reason == "":
		problem = "say why, as the decision's reason"
	case what == Approve && by.ID == e.Requester:
		problem = by.ID + " requested it: another person has to approve"
	case what == Approve && slices.ContainsFunc(e.Decisions, func(d Decision) bool { return d.By == by.ID }):
		problem = by.ID + " has approved it already: a pattern needs a second approver"
	}
	if problem != "" {
		return e, fmt.Errorf("%w: exception %d: %s", posture.ErrInvalid, e.ID, problem)
	}
	e.Decisions = append(slices.Clone(e.Decisions), Decision{At: at, By: by.ID, What: what, Reason: reason})
	if what != Approve {
		e.Ended = posture.Some(at)
	}
	return e, nil
}

// AsOf is the exception as it was known at a time.
func (e Exception) AsOf(t time.Time) Exception {
	later := slices.IndexFunc(e.Decisions, func(d Decision) bool { return d.At.After(t) })
	if later < 0 {
		return e
	}
	e.Decisions = slices.Clone(e.Decisions[:later])
	if ended, ok := e.Ended.Get(); ok && ended.After(t) {
		e.Ended = posture.Opt[time.Time]{}
	}
	return e
}

// Begins returns from when on the exception accepts: its start, or its last approval if that is later; false while approvals
// are missing.
func (e Exception) Begins() (time.Time, bool) {
	missing := e.Approvals()
	for _, d := range e.Decisions {
		if d.What != Approve {
			continue
		}
		if missing--; missing > 0 {
			continue
		}
		if d.At.After(e.Starts) {
			return d.At, true
		}
		return e.Starts, true
	}
	return time.Time{}, false
}

// Ends returns until when it accepts: its expiry, or when it was revoked or refused.
func (e Exception) Ends() time.Time {
	return e.Ended.Or(e.Expires)
}

// InForce reports whether it accepts at a time.
func (e Exception) InForce(at time.Time) bool { return e.Standing(at) == InForce }

// Standing returns where it is at a time.
func (e Exception) Standing(at time.Time) Standing {
	if at.Before(e.Requested) {
		return ""
	}
	e = e.AsOf(at)
	begins, approved := e.Begins()
	_, ended := e.Ended.Get() // before it would have expired: later nothing can be decided
	switch {
	case ended && e.Decisions[len(e.Decisions)-1].What == Refuse:
		return Refused
	case ended:
		return Revoked
	case !at.Before(e.Expires) && approved:
		return Expired
	case !at.Before(e.Expires):
		return Lapsed
	case !approved:
		return Requested
	case at.Before(begins):
		return Approved
	}
	return InForce
}

// Outgrown reports whether what the rule now says of a covered resource is beyond what was approved: another version of the rule
// judged, or the resource changed and the rule says something else for it. changed tells whether settings differ from those of
// Covered.Content, leaving out what moves by itself. Both are asked for, since a change elsewhere in the resource is none of the
// exception's business, and a reason may change alone, as one that counts days does.
func (e Exception) Outgrown(resource posture.Key, ruleVersion, reason string, changed bool) bool {
	i := slices.IndexFunc(e.Resources, func(c Covered) bool { return c.Key == resource })
	return i < 0 || !slices.Contains(e.RuleVersions, ruleVersion) || changed && e.Resources[i].Reason != reason
}
