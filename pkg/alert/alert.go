// Package alert decides who hears of what. Alerts tell of transitions, never of states: what began, and later that it ended. Plan
// groups transitions by cause, routes them and holds back what flaps; Tick escalates what nobody acknowledged. Both only compute;
// Dispatcher does the rest through a store and the channels of pkg/alert/channel.
package alert

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Class is what kind of thing an alert tells of. Routes hear of expiry and coverage only when they name them.
type Class string

// The classes.
const (
	Findings   Class = "finding"
	Expiry     Class = "expiry"     // an exception is about to end
	Coverage   Class = "coverage"   // something is no longer read
	Monitoring Class = "monitoring" // a scan failed or was missed
)

// Alert is what has one cause: a policy that fails 400 buckets, a permission whose loss makes 3,000 verdicts unknown. It stands
// while one of its members does, or is held back.
type Alert struct {
	ID           int64                  `json:"id"`      // 0: not stored yet
	Account      string                 `json:"account"` // empty: the installation
	Class        Class                  `json:"class"`
	Group        string                 `json:"group"` // names the cause; one standing alert of a class for each
	Title        string                 `json:"title"`
	Severity     string                 `json:"severity"` // the worst of its rules
	Rules        []string               `json:"rules,omitempty"`
	Controls     []string               `json:"controls,omitempty"`
	Criteria     []string               `json:"criteria,omitempty"`
	Cause        posture.DriftCause     `json:"cause,omitempty"`
	Count        int                    `json:"count"`            // members when it was opened, or verdicts without an answer
	Examples     []Example              `json:"examples"`         // the first few
	Routes       []string               `json:"routes,omitempty"` // that matched; none: nobody is told
	Told         []string               `json:"told,omitempty"`   // receivers of its messages so far
	Opened       time.Time              `json:"opened_at"`
	Acknowledged posture.Opt[time.Time] `json:"acknowledged_at"`
	By           string                 `json:"acknowledged_by,omitempty"`
	Resolved     posture.Opt[time.Time] `json:"resolved_at"`
	// Members are how things stand in an alert that is not resolved, and Escalated the delays of the steps taken.
	Members   map[string]Standing `json:"-"`
	Escalated []string            `json:"-"`
}

// Example is one member as messages show it.
type Example struct {
	Finding  string      `json:"finding,omitempty"`
	Resource posture.Key `json:"resource"`
	Note     string      `json:"note,omitempty"`
}

// Standing is how one member stands.
type Standing struct {
	Stands bool      `json:"stands"`
	Held   bool      `json:"held"` // it flaps: its transitions are recorded and not told
	Since  time.Time `json:"since"`
}

// Status is open, acknowledged, held_back (all that stands flaps) or resolved.
func (a Alert) Status() string {
	if _, resolved := a.Resolved.Get(); resolved {
		return "resolved"
	}
	standing, held := 0, 0
	for _, m := range a.Members {
		switch {
		case m.Held:
			held++
		case m.Stands:
			standing++
		}
	}
	_, acknowledged := a.Acknowledged.Get()
	switch {
	case held > 0 && standing == 0:
		return "held_back"
	case acknowledged:
		return "acknowledged"
	}
	return "open"
}

// over reports whether nothing of it stands or is held back.
func (a Alert) over() bool {
	for _, m := range a.Members {
		if m.Stands || m.Held {
			return false
		}
	}
	return true
}

// Entry is one line of an alert's history. Entries are only added.
type Entry struct {
	N       int       `json:"n"` // from 1; set by the store
	At      time.Time `json:"at"`
	Kind    EntryKind `json:"kind"`
	Member  string    `json:"member,omitempty"`
	Finding string    `json:"finding,omitempty"` // with Event: the finding's event that it tells of
	Event   int       `json:"event,omitempty"`
	Stands  bool      `json:"stands,omitempty"` // the member, from now on
	By      string    `json:"by,omitempty"`
	Note    string    `json:"note,omitempty"`
}

// EntryKind says what an entry records.
type EntryKind string

// Began, Ended, Damped and Settled are about a member, the others about the alert.
const (
	Began        EntryKind = "began"
	Ended        EntryKind = "ended"
	Damped       EntryKind = "damped"  // a transition of what flaps, not told
	Settled      EntryKind = "settled" // it was quiet for the window
	Opened       EntryKind = "opened"
	Notified     EntryKind = "notified"
	Acknowledged EntryKind = "acknowledged"
	Escalated    EntryKind = "escalated"
	Resolved     EntryKind = "resolved"
)

// Delivery is one message to one receiver.
type Delivery struct {
	ID       int64     `json:"id"` // 0: not stored yet
	Account  string    `json:"account"`
	Alert    int64     `json:"alert,omitempty"` // 0: a digest
	Receiver string    `json:"receiver"`
	Key      string    `json:"key"` // a second delivery with the key of another is not made
	Created  time.Time `json:"created_at"`
	Message  Message   `json:"message"`
	Attempts []Attempt `json:"attempts"`
}

// Attempt is one step in sending a delivery. Attempts are only added: sending says that one began.
type Attempt struct {
	N      int           `json:"n"`
	At     time.Time     `json:"at"`
	State  DeliveryState `json:"state"`
	Answer string        `json:"answer,omitempty"` // of the channel, or why it failed
}

// DeliveryState is how far a delivery is.
type DeliveryState string

// The states. Failed is tried again, given_up is not.
const (
	Queued  DeliveryState = "queued"
	Sending DeliveryState = "sending"
	Sent    DeliveryState = "sent"
	Failed  DeliveryState = "failed"
	GivenUp DeliveryState = "given_up"
)

// State is that of the newest attempt.
func (d Delivery) State() DeliveryState {
	if len(d.Attempts) == 0 {
		return Queued
	}
	return d.Attempts[len(d.Attempts)-1].State
}

// Done reports whether nothing more is sent.
func (d Delivery) Done() bool { return d.State() == Sent || d.State() == GivenUp }

// Change is a new or changed alert with what has to be written for it.
type Change struct {
	Alert      Alert
	Entries    []Entry
	Deliveries []Delivery
}
