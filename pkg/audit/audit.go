// Package audit is what an auditor is to look at and asks for: audits, the versions of their scope, and requests for information with
// who may move them. It only computes.
package audit

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// The types of audits.
const (
	Type1 = "type1" // as of a day
	Type2 = "type2" // of a period
)

// Audit is one engagement of an auditor. What it is about is fixed when it opens; only its scope gets new versions.
type Audit struct {
	ID       string           `json:"id"` // chosen by people: "soc2-2026-h1"
	Type     string           `json:"type"`
	From     time.Time        `json:"from"` // the day, or the period
	To       time.Time        `json:"to"`   // exclusive
	Zone     string           `json:"time_zone"`
	Firm     string           `json:"firm"`
	Schedule int64            `json:"schedule_s"` // of periods: how far apart scans should be
	MaxGap   int64            `json:"max_gap_s"`  // and may be, for the time between to count as observed
	Targets  map[string]int64 `json:"targets_s"`  // within which failures are to be repaired, by severity
	Opened   time.Time        `json:"opened_at"`
	OpenedBy string           `json:"opened_by"`
	Scopes   []Scope          `json:"scopes"` // oldest first
	Closing  *Closing         `json:"closing"`
}

// Closing is the end of an audit.
type Closing struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
}

// Scope is one version of what an audit looks at.
type Scope struct {
	Version    int       `json:"version"`
	At         time.Time `json:"at"`
	By         string    `json:"by"`
	Reason     string    `json:"reason"`
	Accounts   []string  `json:"accounts"` // empty: all
	Categories []string  `json:"categories"`
	Criteria   []string  `json:"criteria"`
	Controls   []string  `json:"controls"`
}

// Scope is the version in force.
func (a Audit) Scope() Scope { return a.Scopes[len(a.Scopes)-1] }

// Open reports whether the audit is not closed.
func (a Audit) Open() bool { return a.Closing == nil }

var (
	names      = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
	severities = []string{"critical", "high", "medium", "low"}
)

// Check says what is wrong with an audit about to be opened. Its scope is checked apart.
func (a Audit) Check() error {
	problem := ""
	_, zone := time.LoadLocation(a.Zone)
	switch {
	case !names.MatchString(a.ID):
		problem = "its id takes small letters, digits, dots, dashes and underscores, 63 at most"
	case a.Type != Type1 && a.Type != Type2:
		problem = fmt.Sprintf("type %q: want type1 or type2", a.Type)
	case zone != nil || a.Zone == "" || a.Zone == "Local":
		problem = fmt.Sprintf("time zone %q: want an IANA name such as Europe/Berlin", a.Zone)
	case !a.To.After(a.From):
		problem = "it ends before it begins"
	case a.To.Sub(a.From) > 2*366*24*time.Hour:
		problem = "its period is longer than two years"
	case a.Type == Type1 && a.To.Sub(a.From) > 25*time.Hour:
		problem = "type1 is about one day"
	case strings.TrimSpace(a.Firm) == "":
		problem = "say which firm audits"
	case a.Schedule <= 0 || a.MaxGap < a.Schedule:
		problem = "scans need a schedule, and a gap between them that is at least as long"
	}
	for severity, seconds := range a.Targets {
		if !slices.Contains(severities, severity) || seconds <= 0 {
			problem = fmt.Sprintf("target %s of %d seconds: want a severity and a time above zero", severity, seconds)
		}
	}
	if problem != "" {
		return fmt.Errorf("%w: audit %q: %s", posture.ErrInvalid, a.ID, problem)
	}
	return nil
}

// Days is the time from the beginning of one day to the end of another in a time zone; to is exclusive.
func Days(first, last, zone string) (from, to time.Time, err error) {
	z, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "Local" {
		return from, to, fmt.Errorf("%w: time zone %q: want an IANA name such as Europe/Berlin", posture.ErrInvalid, zone)
	}
	if from, err = time.ParseInLocation(time.DateOnly, first, z); err == nil {
		to, err = time.ParseInLocation(time.DateOnly, last, z)
	}
	if err != nil {
		return from, to, fmt.Errorf("%w: days %q to %q: want such as 2026-03-31", posture.ErrInvalid, first, last)
	}
	return from, to.AddDate(0, 0, 1), nil
}

// Rescope adds a version of the scope. It takes a reason, and has to differ.
func (a Audit) Rescope(next Scope) (Audit, error) {
	next.Version = len(a.Scopes) + 1
	slices.Sort(next.Accounts)
	next.Accounts = slices.Compact(next.Accounts)
	problem := ""
	switch {
	case !a.Open():
		problem = "it is closed"
	case len(next.Controls) == 0 || len(next.Criteria) == 0:
		problem = "its scope has no controls"
	case len(a.Scopes) > 0 && strings.TrimSpace(next.Reason) == "":
		problem = "say why its scope changes"
	case len(a.Scopes) > 0 && len(a.Scope().Changes(next)) == 0:
		problem = "its scope is that already"
	}
	for _, account := range next.Accounts {
		if provider, id, found := strings.Cut(account, ":"); !found || provider == "" || id == "" {
			problem = fmt.Sprintf("account %q: want such as aws:111122223333", account)
		}
	}
	if problem != "" {
		return a, fmt.Errorf("%w: audit %s: %s", posture.ErrInvalid, a.ID, problem)
	}
	a.Scopes = append(a.Scopes[:len(a.Scopes):len(a.Scopes)], next)
	return a, nil
}

// Close ends an audit.
func (a Audit) Close(by, reason string, at time.Time) (Audit, error) {
	if !a.Open() {
		return a, fmt.Errorf("%w: audit %s was closed by %s", posture.ErrInvalid, a.ID, a.Closing.By)
	}
	if strings.TrimSpace(reason) == "" {
		return a, fmt.Errorf("%w: audit %s: say why it closes", posture.ErrInvalid, a.ID)
	}
	a.Closing = &Closing{at, by, reason}
	return a, nil
}

// Change is how a later version of a scope differs in one respect. All stands for every account.
type Change struct {
	What  string   `json:"what"` // accounts, categories, criteria, controls
	Added []string `json:"added"`
	Left  []string `json:"left_out"`
}

// All is what the accounts of a change are called when every one was or is in scope.
const All = "all"

// String is the change for people.
func (c Change) String() string {
	var parts []string
	for word, list := range map[string][]string{"added": c.Added, "left out": c.Left} {
		if len(list) > 0 {
			parts = append(parts, word+" "+strings.Join(list, ", "))
		}
	}
	slices.Sort(parts)
	return c.What + ": " + strings.Join(parts, "; ")
}

// Changes says how a later version differs.
func (s Scope) Changes(later Scope) []Change {
	var out []Change
	for _, x := range []struct {
		what        string
		then, after []string
	}{
		{"accounts", orAll(s.Accounts), orAll(later.Accounts)}, {"categories", s.Categories, later.Categories},
		{"criteria", s.Criteria, later.Criteria}, {"controls", s.Controls, later.Controls},
	} {
		c := Change{x.what, without(x.after, x.then), without(x.then, x.after)}
		if len(c.Added)+len(c.Left) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// Narrower reports whether a later version leaves something out.
func (s Scope) Narrower(later Scope) bool {
	return slices.ContainsFunc(s.Changes(later), func(c Change) bool {
		return len(c.Left) > 0 && !(c.What == "accounts" && len(later.Accounts) == 0) // all of them now
	})
}

func orAll(accounts []string) []string {
	if len(accounts) == 0 {
		return []string{All}
	}
	return accounts
}

func without(list, those []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(x string) bool { return slices.Contains(those, x) })
}

// AsOf is the audit as it was known at a time; false when it was not open yet.
func (a Audit) AsOf(t time.Time) (Audit, bool) {
	if a.Opened.After(t) {
		return a, false
	}
	n := slices.IndexFunc(a.Scopes, func(s Scope) bool { return s.At.After(t) })
	if n >= 0 {
		a.Scopes = a.Scopes[:n]
	}
	if a.Closing != nil && a.Closing.At.After(t) {
		a.Closing = nil
	}
	return a, true
}
