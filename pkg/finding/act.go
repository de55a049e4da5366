package finding

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Act is what a person does to a finding. Nobody closes one: it ends when the rule passes, no longer applies or is found at
// fault, or when the resource is gone.
type Act struct {
	Kind        Kind
	Assignee    string // whose it is from now on
	Reference   string // change or ticket of a claimed fix
	Reason      string
	RuleVersion string // the corrected version, for a rule at fault
	Exception   int64  // the one that was requested
}

// acts says from which states an act leads where; an empty state is the present one.
var acts = map[Kind]struct {
	verb string
	from []State
	to   State
}{
	KindAssigned:  {"assigned", []State{Open, Acknowledged, FixClaimed, ExceptionRequested, Excepted, Disputed}, ""},
	KindAcked:     {"acknowledged", []State{Open}, Acknowledged},
	KindClaimed:   {"claimed to be fixed", []State{Open, Acknowledged}, FixClaimed},
	KindRequested: {"excepted", []State{Open, Acknowledged}, ExceptionRequested},
	KindDisputed:  {"disputed", []State{Open, Acknowledged}, Disputed},
	KindUpheld:    {"upheld", []State{Disputed}, Open},
	KindRuleWrong: {"closed as a fault of the rule", []State{Disputed}, RuleWrong},
}

// Move returns the finding after a person's act, or says what has to be different for it. A claimed fix stops no clock.
func Move(f Finding, a Act, by access.Actor, at time.Time) (Finding, []Event, error) {
	act, known := acts[a.Kind]
	if !known {
		return f, nil, fmt.Errorf("%w: nobody makes a finding %s by hand: scans do", posture.ErrInvalid, a.Kind)
	}
	m := move{Finding: f, at: at, by: by}
	note, problem := a.Reason, ""
	if a.Assignee != "" {
		m.Assignee = a.Assignee
	}
	lead := slices.Contains(by.Roles, access.RuleLead)
	switch {
	case !slices.Contains(act.from, f.State):
		states := make([]string, len(act.from))
		for i, state := range act.from {
			states[i] = string(state)
		}
		problem = fmt.Sprintf("it is %s, and can be %s while it is %s", f.State, act.verb, strings.Join(states, " or "))
	case a.Kind == KindAcked && m.Assignee == "":
		problem = "say whose it is: it needs an assignee to be acknowledged"
	case a.Kind == KindAssigned && a.Assignee == "":
		problem = "say to whom it is assigned"
	case a.Kind == KindClaimed && a.Reference == "":
		problem = "name the change or ticket of the fix"
	case a.Kind == KindRequested && a.Exception == 0:
		problem = "an exception has to be requested for it first"
	case a.Kind == KindDisputed && a.Reason == "":
		problem = "say what is wrong with the rule, as the reason"
	case (a.Kind == KindUpheld || a.Kind == KindRuleWrong) && !lead:
		problem = fmt.Sprintf("a dispute is settled by somebody with the role %s, which %s has not", access.RuleLead, by.ID)
	case a.Kind == KindUpheld && a.Reason == "":
		problem = "say why the rule is right, as the reason"
	case a.Kind == KindRuleWrong && (a.RuleVersion == "" || a.RuleVersion == f.RuleVersion):
		problem = "release a corrected version of the rule first, and name it"
	}
	if problem != "" {
		return f, nil, fmt.Errorf("%w: finding %s: %s", posture.ErrInvalid, f.ID, problem)
	}
	to := act.to
	switch a.Kind {
	case KindAssigned:
		to = f.State
	case KindClaimed:
		m.Reference = a.Reference
		note = strings.TrimSpace(a.Reference + " " + note)
	case KindRequested:
		m.Exception, m.Before = a.Exception, f.State
	case KindRuleWrong:
		m.WrongVersion, note = f.RuleVersion, strings.TrimSpace("corrected by "+a.RuleVersion+" "+note)
		m.Ended, m.UnverifiedSince = posture.Some(at), posture.Opt[time.Time]{}
	}
	m.add(a.Kind, to, note)
	return m.Finding, m.events, nil
}
