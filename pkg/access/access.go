// Package access is who may do what: roles and their separation, sign-in, API tokens, and the tool's own audit log.
package access

import "time"

// Actor is who does something: a person, a token, or a part of the service itself.
type Actor struct {
	ID      string   `json:"id"` // e-mail of a person, "token:NAME", "engine", "worker:HOST"
	Kind    Kind     `json:"kind"`
	Owner   string   `json:"owner,omitempty"` // e-mail of the person whose token it is
	Roles   []Role   `json:"roles,omitempty"`
	Scopes  []string `json:"scopes,omitempty"`  // the accounts that the roles are good for ("aws:*"); empty: all
	Audit   string   `json:"audit,omitempty"`   // the one audit an auditor is bound to
	Session string   `json:"session,omitempty"` // names the sign-in in the audit log, never the secret itself
	Address string   `json:"address,omitempty"`
}

// Person is the e-mail of who answers for what the actor does, and the actor's ID for a machine. Two actors with one Person are
// one pair of eyes.
func (a Actor) Person() string {
	if a.Owner != "" {
		return a.Owner
	}
	return a.ID
}

// Kind says what an actor is.
type Kind string

// The kinds.
const (
	Person  Kind = "person"
	Token   Kind = "token"
	Machine Kind = "machine"
)

// Engine is the service acting by itself.
var Engine = Actor{ID: "engine", Kind: Machine}

// Role is a set of permissions of the audit model.
type Role string

// The roles.
const (
	Viewer     Role = "viewer"
	OnCall     Role = "on_call"
	Compliance Role = "compliance_manager"
	RuleAuthor Role = "rule_author"
	RuleLead   Role = "rule_approver"
	Admin      Role = "admin"
	Auditor    Role = "auditor"
	Collector  Role = "collector"
)

// Roles are all of them.
var Roles = []Role{Viewer, OnCall, Compliance, RuleAuthor, RuleLead, Admin, Auditor, Collector}

// Action is one thing that a role may or may not do, such as "finding.acknowledge". Actions are listed in actions.go.
type Action string

// Entry is one line of the tool's own audit log. Seq, At and Previous are set where it is written.
type Entry struct {
	Seq      int64     `json:"seq"`
	At       time.Time `json:"at"`
	Previous string    `json:"previous"` // digest of the entry before, empty for the first
	Actor    Actor     `json:"actor"`
	Action   Action    `json:"action"`
	Object   string    `json:"object"`           // "finding/F-…", "exception/12", "account/aws:111122223333"
	Before   string    `json:"before,omitempty"` // hex SHA-256 of the object's canonical JSON
	After    string    `json:"after,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Request  string    `json:"request_id,omitempty"`
	Outcome  Outcome   `json:"outcome"`
}

// Outcome is how an attempt ended. Refused attempts are entries too.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused"
	Failed  Outcome = "failed"
)
