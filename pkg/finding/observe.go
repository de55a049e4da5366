package finding

import (
	"fmt"
	"slices"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Observation is what a new snapshot says of a rule and a resource.
type Observation struct {
	Account     string
	RuleID      string
	Resource    posture.Key
	Gone        bool           // the resource is absent from a cell that was read to its end
	Result      posture.Result // empty: the rule is no longer judged on a resource that is there
	RuleVersion string
	Reason      string
	Since       time.Time // start of the scan since which the result has been the same
	At          time.Time // end of the scan that says so
	Seq         int64
	Cause       posture.DriftCause
	Exception   Exception // the finding's own, when it is excepted
	Changed     bool      // see Exception.Outgrown
}

// Observe returns the finding after an observation, and what happened. A zero finding is none. Only a pass, not_applicable and a
// resource that is gone end one; an unknown, and a rule that is not judged, leave it as it is and say that it is unverified.
func Observe(f Finding, o Observation) (Finding, []Event) {
	m := move{Finding: f, at: o.At, by: access.Engine, seq: o.Seq, cause: o.Cause}
	standing := f.Events > 0 && f.State.Active()
	switch {
	case !o.Gone && o.Result == posture.Fail:
		m.fails(o)
	case !standing:
	case o.Gone:
		m.end(Gone, KindGone, o.Since, "the resource is no longer there")
	case o.Result == posture.Pass:
		m.end(Resolved, KindResolved, o.Since, o.Reason)
	case o.Result == posture.DoesNotApply:
		m.end(NotRelevant, KindNoLonger, o.Since, o.Reason)
	case m.UnverifiedSince == (posture.Opt[time.Time]{}):
		m.UnverifiedSince = posture.Some(o.Since)
		note := o.Reason
		if o.Result == "" {
			note = "the rule is no longer judged"
		}
		m.add(KindUnverified, m.State, note)
	}
	return m.Finding, m.events
}

func (m *move) fails(o Observation) {
	before := m.Finding
	if before.Events > 0 && before.State == RuleWrong && before.WrongVersion == o.RuleVersion {
		return // the version at fault still says the same
	}
	m.RuleVersion, m.Reason = o.RuleVersion, o.Reason
	switch {
	case before.Events == 0:
		m.ID, m.Account, m.RuleID, m.Resource = ID(o.Account, o.RuleID, o.Resource), o.Account, o.RuleID, o.Resource
		m.Opened, m.First = o.Since, o.Since
		m.add(KindOpened, Open, o.Reason)
	case !before.State.Active():
		m.Opened, m.Ended, m.WrongVersion = o.Since, posture.Opt[time.Time]{}, ""
		m.Recurrence++
		m.add(KindReopened, Open, o.Reason)
	default:
		if _, unverified := m.UnverifiedSince.Get(); unverified {
			m.UnverifiedSince = posture.Opt[time.Time]{}
			m.add(KindVerified, m.State, o.Reason)
		}
		if m.State == Excepted && o.Exception.Outgrown(o.Resource, o.RuleVersion, o.Reason, o.Changed) {
			m.cause = posture.CauseConfiguration
			if !slices.Contains(o.Exception.RuleVersions, o.RuleVersion) {
				m.cause = posture.CauseRuleset
			}
			m.add(KindOutgrown, Open, o.Reason)
		}
	}
}

// Settle returns the finding after what its exception has come to by now: it begins, ends, or lapses, each at its own time. by is
// who decided just now; the engine when only time went by. changed is for Exception.Outgrown, held against the newest fail.
func Settle(f Finding, e Exception, changed bool, by access.Actor, now time.Time) (Finding, []Event) {
	m := move{Finding: f, by: by, cause: posture.CauseException}
	if f.Exception != e.ID {
		return f, nil
	}
	begins, approved := e.Begins()
	if m.State == ExceptionRequested && approved && !begins.After(now) && begins.Before(e.Ends()) {
		m.at = begins
		if e.Outgrown(f.Resource, f.RuleVersion, f.Reason, changed) {
			m.add(KindOutgrown, Open, "rule or resource changed after the request")
		} else {
			m.add(KindExcepted, Excepted, e.Reason)
		}
	}
	if m.State != Excepted && m.State != ExceptionRequested || e.Ends().After(now) {
		return m.Finding, m.events
	}
	m.at = e.Ends()
	to := m.Before // of an exception that never began
	if m.State == Excepted || to == "" {
		to = Open
	}
	switch standing := e.Standing(now); standing {
	case Revoked:
		m.add(KindRevoked, to, e.Decisions[len(e.Decisions)-1].Reason)
	case Refused:
		m.add(KindRefused, to, e.Decisions[len(e.Decisions)-1].Reason)
	default:
		m.by = access.Engine
		m.add(KindExpired, to, fmt.Sprintf("exception %d %s", e.ID, standing))
	}
	return m.Finding, m.events
}

// move is a finding on its way, and the events so far.
type move struct {
	Finding
	events []Event
	at     time.Time
	by     access.Actor
	seq    int64
	cause  posture.DriftCause
}

func (m *move) end(to State, kind Kind, at time.Time, note string) {
	m.Ended, m.UnverifiedSince, m.Reference = posture.Some(at), posture.Opt[time.Time]{}, ""
	m.add(kind, to, note)
}

// add adds an event that leads to a state. What belongs to the state before is dropped.
func (m *move) add(kind Kind, to State, note string) {
	if m.at.Before(m.Changed) {
		m.at = m.Changed // somebody acted while the scan was running
	}
	event := Event{
		Finding: m.ID, N: m.Events + 1, At: m.at, Kind: kind, To: to, By: m.by, Account: m.Account, RuleID: m.RuleID, Resource: m.Resource,
		Seq: m.seq, Cause: m.cause, Exception: m.Exception, Assignee: m.Assignee, Note: note,
	}
	if m.Events > 0 {
		event.From = m.State
	}
	if to != ExceptionRequested && to != Excepted {
		m.Exception = 0
	}
	if to != ExceptionRequested {
		m.Before = ""
	}
	m.State, m.Changed, m.Events = to, m.at, m.Events+1
	event.After = m.Finding
	m.events = append(m.events, event)
}
