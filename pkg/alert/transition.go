package alert

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Transition is one thing that began or ended to stand, as Plan takes it.
type Transition struct {
	Class    Class
	Account  string // that it concerns; empty: none in particular
	Member   string // what it is about: a finding's id, "gap …", "exception 12", "scan aws:…", "schedule nightly"
	Began    bool
	What     string // "opened", "gone"
	At       time.Time
	Finding  string // with Event: the finding's event that this is
	Event    int
	Late     bool // newer events of the finding were told before
	Group    string
	Title    string // of its alert; empty: made from the rule and how many findings there are
	Severity string // besides that of its rules
	Rules    []string
	Cause    posture.DriftCause
	Tags     map[string]string
	Count    int // what it adds to the alert's
	Examples []Example
}

// Event is a finding's event with what is known around it.
type Event struct {
	finding.Event
	Tags   map[string]string // of the resource
	Unread []posture.Unread  // of the verdict
	Origin string            // the attributes whose change moved the verdict; empty: not known
	Late   bool              // newer events of the finding were told before
}

// told says of which events alerts tell, in which class, and whether the finding begins or ends to count there.
var told = map[finding.Kind]struct {
	class Class
	began bool
}{
	finding.KindOpened:     {Findings, true},
	finding.KindReopened:   {Findings, true},
	finding.KindExpired:    {Findings, true},
	finding.KindRevoked:    {Findings, true},
	finding.KindOutgrown:   {Findings, true},
	finding.KindResolved:   {Findings, false},
	finding.KindGone:       {Findings, false},
	finding.KindNoLonger:   {Findings, false},
	finding.KindRuleWrong:  {Findings, false},
	finding.KindExcepted:   {Findings, false},
	finding.KindUnverified: {Coverage, true},
	finding.KindVerified:   {Coverage, false},
}

// Kinds are the kinds of events that alerts tell of.
func Kinds() []finding.Kind {
	out := make([]finding.Kind, 0, len(told))
	for kind := range told {
		out = append(out, kind)
	}
	slices.Sort(out)
	return out
}

// firstScan is the title of what fails when an account is seen for the first time, as far as it goes without numbers.
const firstScan = "The account's first scan"

// name is what messages call the member.
func (t Transition) name() string {
	if len(t.Examples) > 0 && t.Examples[0].Resource.ID != "" {
		return t.Examples[0].Resource.Type + " " + t.Examples[0].Resource.ID
	}
	return t.Member
}

// transitions of a finding's event: its own, and, as a verdict was read, the end of the finding's being unverified.
func (e Event) transitions() []Transition {
	tell, ok := told[e.Kind]
	if !ok {
		return nil
	}
	t := Transition{
		Class: tell.class, Account: e.Account, Member: e.Finding, Began: tell.began, What: string(e.Kind), At: e.At, Finding: e.Finding,
		Event: e.N, Late: e.Late, Rules: []string{e.RuleID}, Cause: e.Cause, Tags: e.Tags, Count: 1,
		Examples: []Example{{Finding: e.Finding, Resource: e.Resource, Note: e.Note}},
	}
	if tell.class == Coverage {
		t.Group = "rule " + e.RuleID
		t.Title = "Findings of " + e.RuleID + " are no longer verified"
		if len(e.Unread) > 0 {
			cause := slices.MinFunc(e.Unread, func(a, b posture.Unread) int { return posture.CompareCauses(a.Cause, b.Cause) }).Cause
			t.Group, t.Title, t.Count = gapGroup(cause), gapTitle(cause), 0 // the gap counts it
		}
		return []Transition{t}
	}
	switch {
	case e.Seq == 0 && e.Exception != 0:
		t.Group = fmt.Sprintf("%s %d", e.Kind, e.Exception)
	case e.Seq == 0:
		t.Group = fmt.Sprintf("%s %s %s", e.Kind, e.RuleID, e.At.UTC().Format(time.DateOnly))
	case e.Cause == "": // nothing changed: the account is seen for the first time
		t.Group, t.Title = fmt.Sprintf("first scan %d", e.Seq), firstScan
	default:
		t.Group = strings.TrimSpace(fmt.Sprintf("%d %s %s %s", e.Seq, e.Cause, e.RuleID, e.Origin))
	}
	if e.Exception != 0 {
		t.Cause = posture.CauseException
	}
	if e.Seq == 0 || e.Late {
		return []Transition{t}
	}
	return []Transition{t, {Class: Coverage, Account: e.Account, Member: e.Finding, What: string(finding.KindVerified), At: e.At}}
}

// Gap is a reason for which parts of an account's newest snapshot were not read.
type Gap struct {
	posture.Cause
	Verdicts int // that are unknown
	Cells    int // that were not read to the end
	Rules    []string
	Examples []posture.Key
}

func gapGroup(c posture.Cause) string { return "gap " + c.String() }
func gapTitle(c posture.Cause) string { return "Not read: " + c.String() }

// gapTransitions compares the gaps of the newest snapshot with what open alerts tell of.
func gapTransitions(account string, gaps []Gap, open []Alert, at time.Time) []Transition {
	var out []Transition
	stand := map[string]bool{}
	for _, g := range gaps {
		member := gapGroup(g.Cause)
		stand[member] = true
		if stands(open, Coverage, member) {
			continue
		}
		t := Transition{
			Class: Coverage, Account: account, Member: member, Began: true, What: "gap", At: at, Group: member, Title: gapTitle(g.Cause),
			Rules: g.Rules, Cause: posture.CauseCoverage, Count: g.Verdicts + g.Cells,
		}
		for _, key := range g.Examples {
			t.Examples = append(t.Examples, Example{Resource: key})
		}
		out = append(out, t)
	}
	return append(out, ends(open, Coverage, account, "read again", at, func(member string) bool {
		return !strings.HasPrefix(member, "gap ") || stand[member]
	})...)
}

// ends are the ends of members of a class that no longer stand.
func ends(open []Alert, class Class, account, what string, at time.Time, still func(member string) bool) []Transition {
	var out []Transition
	for _, a := range open {
		for member, m := range a.Members {
			if a.Class == class && m.Stands && !still(member) {
				out = append(out, Transition{Class: class, Account: account, Member: member, What: what, At: at})
			}
		}
	}
	slices.SortFunc(out, func(a, b Transition) int { return cmp.Compare(a.Member, b.Member) })
	return out
}

// stands reports whether a member stands in an open alert.
func stands(open []Alert, class Class, member string) bool {
	return slices.ContainsFunc(open, func(a Alert) bool { return a.Class == class && a.Members[member].Stands })
}

// warning is how long before its end an exception is told of.
const warning = 14 * 24 * time.Hour

// expiryTransitions compares the exceptions of an account with what open alerts tell of.
func expiryTransitions(account string, exceptions []finding.Exception, open []Alert, now time.Time) []Transition {
	var out []Transition
	stand := map[string]bool{}
	for _, e := range exceptions {
		if e.Standing(now) != finding.InForce || e.Expires.Sub(now) > warning {
			continue
		}
		member := fmt.Sprintf("exception %d", e.ID)
		stand[member] = true
		if stands(open, Expiry, member) {
			continue
		}
		t := Transition{
			Class: Expiry, Account: account, Member: member, Began: true, What: "expiring", At: now, Group: member, Rules: []string{e.RuleID},
			Title: fmt.Sprintf("Exception %d to %s ends on %s", e.ID, e.RuleID, e.Expires.UTC().Format("2006-01-02 15:04 UTC")),
			Cause: posture.CauseException, Count: len(e.Resources),
		}
		for _, covered := range e.Resources {
			t.Examples = append(t.Examples, Example{Finding: covered.Finding, Resource: covered.Key})
		}
		out = append(out, t)
	}
	return append(out, ends(open, Expiry, account, "no longer in force", now, func(member string) bool { return stand[member] })...)
}

// Failure is a scan that made no snapshot.
type Failure struct {
	Account string
	Problem string // without secrets
}

// particular is what differs between two failures of one cause: ids of requests, accounts, resources.
var particular = regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9A-F]{16,}|[0-9]{6,}`)

// transition groups failures by their problem, as far as it is the same in every account.
func (f Failure) transition(at time.Time) Transition {
	_, id, _ := strings.Cut(f.Account, ":")
	problem := particular.ReplaceAllString(f.Problem, "…")
	if id != "" {
		problem = strings.ReplaceAll(problem, id, "…")
	}
	problem = Clean(problem)
	return Transition{
		Class: Monitoring, Account: f.Account, Member: "scan " + f.Account, Began: true, What: "failed", At: at, Severity: "high", Count: 1,
		Group: "scans " + problem, Title: "Scans fail: " + problem, Examples: []Example{{Note: f.Account + ": " + f.Problem}},
	}
}

func scanned(account string, at time.Time) Transition {
	return Transition{Class: Monitoring, Account: account, Member: "scan " + account, What: "scanned", At: at}
}

func missed(schedule string, due, at time.Time) Transition {
	return Transition{
		Class: Monitoring, Member: "schedule " + schedule, Began: true, What: "missed " + due.UTC().Format(time.RFC3339), At: at, Severity: "high",
		Count: 1, Group: "schedule " + schedule,
		Title: fmt.Sprintf("Schedule %s missed its run of %s", schedule, due.UTC().Format("2006-01-02 15:04 UTC")),
	}
}

func ran(schedule string, at time.Time) Transition {
	return Transition{Class: Monitoring, Member: "schedule " + schedule, What: "ran", At: at}
}
