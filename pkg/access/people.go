package access

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// User is a person who may sign in, named by e-mail in lower case.
type User struct {
	Email    string    `json:"email"`
	Name     string    `json:"name,omitempty"`
	Subject  string    `json:"subject,omitempty"`     // issuer and subject of the identity provider, from the first sign-in on
	Groups   []Role    `json:"group_roles,omitempty"` // roles that the groups of the newest sign-in stand for
	Disabled bool      `json:"disabled"`
	Since    time.Time `json:"since"` // when this was last changed
}

// Grant gives one person one role.
type Grant struct {
	ID      int64                  `json:"id"`
	User    string                 `json:"user"` // e-mail
	Role    Role                   `json:"role"`
	Scopes  []string               `json:"scopes,omitempty"` // accounts of a viewer; empty: all
	Audit   string                 `json:"audit,omitempty"`  // the one audit of an auditor
	From    time.Time              `json:"from"`
	Until   posture.Opt[time.Time] `json:"until"` // an auditor has one always
	MFA     bool                   `json:"mfa"`   // good only for a sign-in with several factors
	At      time.Time              `json:"at"`
	By      string                 `json:"by"`
	Reason  string                 `json:"reason,omitempty"`
	Revoked posture.Opt[time.Time] `json:"revoked_at"`
}

// InForce reports whether the grant is good at that time.
func (g Grant) InForce(at time.Time) bool {
	until, limited := g.Until.Get()
	revoked, ended := g.Revoked.Get()
	return !at.Before(g.From) && !(limited && !at.Before(until)) && !(ended && !at.Before(revoked))
}

// Waiver lets one person hold two conflicting roles for a time. Every package prints those in force.
type Waiver struct {
	ID     int64     `json:"id"`
	User   string    `json:"user"`
	Roles  [2]Role   `json:"roles"` // sorted
	Reason string    `json:"reason"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Until  time.Time `json:"until"`
}

// InForce reports whether the waiver is good at that time.
func (w Waiver) InForce(at time.Time) bool { return !at.Before(w.At) && at.Before(w.Until) }

// MaxWaiver is the longest that conflicting roles may be waived at once.
const MaxWaiver = 365 * 24 * time.Hour

// Holder is a user with everything that decides on the roles.
type Holder struct {
	User
	Grants  []Grant  `json:"grants"`
	Waivers []Waiver `json:"waivers"`
}

// conflicts are, for each role, those that may not be held with it: one may not do what the other may. Writing and releasing a
// rule is not among them: that takes two people for each version, whatever their roles.
var conflicts = map[Role][]Role{
	Compliance: {RuleAuthor, RuleLead, Admin, OnCall},
	OnCall:     {RuleAuthor, RuleLead},
	Auditor:    {Viewer, OnCall, Compliance, RuleAuthor, RuleLead, Admin},
}

func conflict(p [2]Role) bool {
	return slices.Contains(conflicts[p[0]], p[1]) || slices.Contains(conflicts[p[1]], p[0])
}

func pair(a, b Role) [2]Role { return [2]Role{min(a, b), max(a, b)} }

// Conflicts returns the pairs among roles that one person holds only with a waiver.
func Conflicts(roles []Role) (found [][2]Role) {
	for i, a := range roles {
		for _, b := range roles[i+1:] {
			if p := pair(a, b); conflict(p) && !slices.Contains(found, p) {
				found = append(found, p)
			}
		}
	}
	return found
}

// unwaived are the conflicts that no waiver covers at that time.
func unwaived(roles []Role, waivers []Waiver, at time.Time) [][2]Role {
	return slices.DeleteFunc(Conflicts(roles), func(p [2]Role) bool {
		return slices.ContainsFunc(waivers, func(w Waiver) bool { return w.Roles == p && w.InForce(at) })
	})
}

// Actor is the holder as somebody who acts at that time, mfa telling whether the sign-in took several factors. Of two
// conflicting roles without a waiver neither counts. ErrRefused says why somebody has no role.
func (h Holder) Actor(mfa bool, at time.Time) (Actor, error) {
	actor := Actor{ID: h.Email, Kind: Person}
	if h.Disabled {
		return Actor{}, fmt.Errorf("%w: %s is disabled", ErrRefused, h.Email)
	}
	why := "has no role"
	actor.Roles = slices.Clone(h.Groups)
	scoped := len(h.Groups) == 0
	var scopes []string
	for _, g := range h.Grants {
		switch {
		case !g.InForce(at):
			why = "has no role any more, or not yet"
			continue
		case g.MFA && !mfa:
			why = "has a role that takes a sign-in with several factors"
			continue
		}
		actor.Roles = append(actor.Roles, g.Role)
		if g.Role == Auditor {
			actor.Audit = g.Audit
			continue
		}
		scoped = scoped && len(g.Scopes) > 0
		scopes = append(scopes, g.Scopes...)
	}
	slices.Sort(actor.Roles)
	actor.Roles = slices.Compact(actor.Roles)
	bad := unwaived(actor.Roles, h.Waivers, at)
	for _, p := range bad {
		why = fmt.Sprintf("holds %s, which conflict and are not waived", list(p[:], " and "))
		actor.Roles = slices.DeleteFunc(actor.Roles, func(r Role) bool { return r == p[0] || r == p[1] })
	}
	if len(actor.Roles) == 0 {
		return Actor{}, fmt.Errorf("%w: %s %s", ErrRefused, h.Email, why)
	}
	if !slices.Contains(actor.Roles, Auditor) {
		actor.Audit = ""
	}
	if scoped {
		slices.Sort(scopes)
		actor.Scopes = slices.Compact(scopes)
	}
	return actor, nil
}

// CheckGrant reports what speaks against giving the holder g: posture.ErrInvalid for a grant that cannot be, ErrRefused for a
// conflict without waiver. The holder's waivers include one given at the same time.
func CheckGrant(h Holder, g Grant, now time.Time) error {
	until, limited := g.Until.Get()
	invalid := func(text string, args ...any) error {
		return fmt.Errorf("%w: role %s for %s: %s", posture.ErrInvalid, g.Role, g.User, fmt.Sprintf(text, args...))
	}
	switch {
	case !slices.Contains(Roles, g.Role):
		return invalid("want %s", list(Roles, ", "))
	case g.Role == Collector:
		return invalid("a machine holds it, through a token")
	case limited && !(until.After(g.From) && until.After(now)):
		return invalid("it would end at %s, before it begins", until.Format(time.RFC3339))
	case g.Role == Auditor && (g.Audit == "" || !limited):
		return invalid("an auditor needs an audit, and a time when access ends")
	case g.Role != Auditor && g.Audit != "":
		return invalid("only auditors are bound to an audit")
	case g.Role != Viewer && len(g.Scopes) > 0:
		return invalid("only viewers are bound to accounts")
	}
	if err := checkScopes(g.Scopes); err != nil {
		return err
	}
	roles := append(slices.Clone(h.Groups), g.Role)
	for _, old := range h.Grants {
		_, revoked := old.Revoked.Get()
		if end, ends := old.Until.Get(); revoked || ends && !end.After(g.From) || limited && !until.After(old.From) {
			continue // they never meet
		}
		if old.Role == Auditor && g.Role == Auditor {
			return invalid("already an auditor of audit %q; one person sees one audit at a time", old.Audit)
		}
		roles = append(roles, old.Role)
	}
	if bad := unwaived(roles, h.Waivers, now); len(bad) > 0 {
		return fmt.Errorf("%w: role %s for %s conflicts with a role held: %s; it takes a waiver", ErrRefused, g.Role, g.User, list(bad[0][:], " and "))
	}
	return nil
}

// CheckWaiver reports what is wrong with a waiver about to be given, as posture.ErrInvalid.
func CheckWaiver(w Waiver, now time.Time) error {
	switch {
	case !conflict(w.Roles):
		return fmt.Errorf("%w: waiver: %s do not conflict", posture.ErrInvalid, list(w.Roles[:], " and "))
	case strings.TrimSpace(w.Reason) == "":
		return fmt.Errorf("%w: waiver: a reason is needed", posture.ErrInvalid)
	case !w.Until.After(now) || w.Until.Sub(now) > MaxWaiver:
		return fmt.Errorf("%w: waiver until %s: want a time within the next 365 days", posture.ErrInvalid, w.Until.Format(time.RFC3339))
	}
	return nil
}

// WaiverOf is the waiver of two roles, in the order in which it is kept.
func WaiverOf(user string, a, b Role, reason string, until time.Time) Waiver {
	return Waiver{User: user, Roles: pair(a, b), Reason: reason, Until: until}
}

// Email returns an e-mail address as users are named by it: in lower case.
func Email(text string) (string, error) {
	email := strings.ToLower(strings.TrimSpace(text))
	name, domain, found := strings.Cut(email, "@")
	if !found || name == "" || domain == "" || strings.ContainsFunc(email, func(r rune) bool { return r <= ' ' || r == 0x7f }) || strings.Contains(domain, "@") {
		return "", fmt.Errorf("%w: %q is no e-mail address", posture.ErrInvalid, text)
	}
	return email, nil
}

func checkScopes(scopes []string) error {
	for _, s := range scopes {
		prefix, _ := strings.CutSuffix(s, "*")
		if provider, _, found := strings.Cut(prefix, ":"); s != "*" && (!found || provider == "") || strings.Contains(prefix, "*") {
			return fmt.Errorf("%w: accounts %q: want an account such as aws:111122223333, or aws:*", posture.ErrInvalid, s)
		}
	}
	return nil
}

// SignIn is what is known of somebody who signs in.
type SignIn struct {
	Email, Name string
	Subject     string // issuer and subject at the identity provider; empty for a sign-in link
	Groups      []Role // roles that the groups of the subject stand for
	MFA         bool
	Session     string // names the session in the audit log
	Address     string
	Request     string
}
