package audit

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Request is something that an auditor asks for.
type Request struct {
	Audit    string    `json:"audit"`
	N        int       `json:"number"`
	Title    string    `json:"title"`
	Asks     string    `json:"asks"`
	Answer   string    `json:"answered_by"` // what of a package answers it, and what people have to add
	RaisedBy string    `json:"raised_by"`
	Raised   time.Time `json:"raised_at"`
	State    State     `json:"state"`
	Steps    []Step    `json:"steps"` // oldest first
}

// State is how far a request has come.
type State string

// The states. Accepted and withdrawn ones stay so.
const (
	Open      State = "open"
	Provided  State = "provided"
	Returned  State = "returned"
	Accepted  State = "accepted"
	Withdrawn State = "withdrawn"
)

// Step is what somebody did to a request.
type Step struct {
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	State   State     `json:"state"`
	Note    string    `json:"note"`
	Answers []Answer  `json:"answers"`
}

// Answer is a file that answers a request, as it was when it was provided.
type Answer struct {
	Package    string `json:"package,omitempty"`
	Path       string `json:"path,omitempty"` // in the package; empty: all of it
	Attachment int64  `json:"attachment,omitempty"`
	SHA256     string `json:"sha256"` // of the file; of a whole package its root
}

// from says in which states a request can be moved to another.
var from = map[State][]State{
	Provided: {Open, Returned}, Returned: {Provided}, Accepted: {Provided}, Withdrawn: {Open, Provided, Returned},
}

// CheckRaise says what speaks against raising a request.
func (a Audit) CheckRaise(by access.Actor, title, asks string) error {
	problem := ""
	switch {
	case !a.Open():
		problem = "the audit is closed"
	case !auditor(by, a.ID):
		problem = by.ID + " is not an auditor of it"
	case strings.TrimSpace(title) == "" || strings.TrimSpace(asks) == "":
		problem = "a request needs a title, and says what it asks for"
	}
	if problem != "" {
		return fmt.Errorf("%w: audit %s: %s", posture.ErrInvalid, a.ID, problem)
	}
	return nil
}

// Move takes a request to another state, or says what has to be different for it: the organization provides, an auditor of the audit
// does all else.
func (r Request) Move(a Audit, s Step, by access.Actor) (Request, error) {
	problem := ""
	switch {
	case !a.Open():
		problem = "its audit is closed"
	case !slices.Contains(from[s.State], r.State):
		problem = fmt.Sprintf("it is %s, and cannot become %s", r.State, s.State)
	case s.State == Provided && slices.Contains(by.Roles, access.Auditor):
		problem = "the organization answers it, no auditor"
	case s.State == Provided && len(s.Answers) == 0 && strings.TrimSpace(s.Note) == "":
		problem = "an answer names files, or says in words what there is to say"
	case s.State != Provided && !auditor(by, a.ID):
		problem = fmt.Sprintf("only an auditor of the audit makes it %s", s.State)
	case s.State == Returned && strings.TrimSpace(s.Note) == "":
		problem = "say what the answer lacks"
	}
	if problem != "" {
		return r, fmt.Errorf("%w: request %d of audit %s: %s", posture.ErrInvalid, r.N, r.Audit, problem)
	}
	s.By = by.Person()
	if s.Answers == nil {
		s.Answers = []Answer{}
	}
	r.Steps, r.State = append(r.Steps[:len(r.Steps):len(r.Steps)], s), s.State
	return r, nil
}

func auditor(by access.Actor, audit string) bool {
	return slices.Contains(by.Roles, access.Auditor) && by.Audit == audit
}

// AsOf is the request as it was known at a time.
func (r Request) AsOf(t time.Time) Request {
	r.State = Open
	for i, s := range r.Steps {
		if s.At.After(t) {
			r.Steps = r.Steps[:i]
			break
		}
		r.State = s.State
	}
	return r
}

// Answers are those in force: those of the newest step that provided any.
func (r Request) Answers() []Answer {
	for _, s := range slices.Backward(r.Steps) {
		if s.State == Provided {
			return s.Answers
		}
	}
	return nil
}
