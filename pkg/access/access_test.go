package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// The roles in the order of the columns below.
var columns = []Role{Viewer, OnCall, Compliance, RuleAuthor, RuleLead, Admin, Auditor, Collector}

// matrix is who may do what, written down apart from the code: x may, . may not.
const matrix = `
posture.read             x x x x x x . .
finding.acknowledge      . x . . . . . .
finding.assign           . x . . . . . .
finding.claim_fix        . x . . . . . .
finding.dispute          . x . . . . . .
finding.settle_dispute   . . . . x . . .
exception.request        . x x . . . . .
exception.approve        . . x . . . . .
exception.refuse         . . x . . . . .
exception.revoke         . . x . . . . .
rule.write               . . . x . . . .
rule.release             . . . . x . . .
control.define           . . x . . . . .
audit.define             . . x . . . . .
evidence.attach          . . x . . . . .
evidence.review          . . x . . . . .
package.build            . . x . . . . .
package.download         . . x . . . x .
export                   . . x . . . x .
request.answer           . . x . . . . .
request.raise            . . . . . . x .
request.accept           . . . . . . x .
sample.draw              . . . . . . x .
audit.read               . . x . . . x .
raw.read                 . . x . . . x .
auditlog.read            . . x . . x x .
user.manage              . . . . . x . .
grant.manage             . . . . . x . .
token.create             x x x x x x . .
token.manage             . . . . . x . .
connection.manage        . . . . . x . .
schedule.manage          . . . . . x . .
scan.start               . . . . . x . .
scan.cancel              . . . . . x . .
alert.manage             . . . . . x . .
alert.acknowledge        . x . . . . . .
key.manage               . . . . . x . .
retention.manage         . . . . . x . .
snapshot.append          . . . . . . . x
`

func TestEveryActionOfEveryRole(t *testing.T) {
	seen := map[Action]bool{}
	for line := range strings.Lines(strings.TrimSpace(matrix)) {
		fields := strings.Fields(line)
		action := Action(fields[0])
		seen[action] = true
		for i, cell := range fields[1:] {
			role := columns[i]
			actor := Actor{ID: "p@example.com", Kind: Person, Roles: []Role{role}, Audit: "2026"}
			scope := ""
			if role == Auditor {
				scope = AuditScope("2026")
			}
			err := Allows(actor, action, scope)
			if may := cell == "x"; may != (err == nil) {
				t.Errorf("%s by %s: %v, want %v", action, role, err, may)
			}
			if err != nil && (!errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "p@example.com") || !strings.Contains(err.Error(), string(action)) ||
				!strings.Contains(err.Error(), string(allowed[action][0]))) {
				t.Errorf("%s by %s: %v does not say who, what and which role it takes", action, role, err)
			}
		}
		if len(fields) != 1+len(columns) {
			t.Errorf("%s has %d cells", action, len(fields)-1)
		}
	}
	for action := range allowed {
		if !seen[action] {
			t.Errorf("%s is in the table of the code alone", action)
		}
	}
	if diff := cmp.Diff(Roles, columns); diff != "" {
		t.Errorf("roles differ (-code +columns):\n%s", diff)
	}
}

func TestAllows(t *testing.T) {
	actor := func(roles ...Role) Actor { return Actor{ID: "a", Kind: Person, Roles: roles} }
	scoped := Actor{ID: "a", Kind: Person, Roles: []Role{Viewer}, Scopes: []string{"aws:1111*", "gcp:*", "azure:s"}}
	auditor := Actor{ID: "a", Kind: Person, Roles: []Role{Auditor}, Audit: "2026"}
	token := func(roles ...Role) Actor { return Actor{ID: "token:t", Kind: Token, Roles: roles, Owner: "a"} }
	for name, test := range map[string]struct {
		actor  Actor
		action Action
		scope  string
		want   string // part of the refusal; empty is allowed
	}{
		"nobody may do nothing":                         {Actor{Roles: []Role{Admin}}, ScanStart, "", "not signed in"},
		"the engine asks nobody, and may nothing":       {Engine, ScanStart, "", "admin"},
		"one of several roles suffices":                 {actor(Viewer, OnCall), FindingAssign, "", ""},
		"a thing that is no action":                     {actor(Admin), "database.drop", "", "not among"},
		"what is only recorded is nobody's to do":       {actor(Admin), SignedIn, "", "not among"},
		"a viewer sees an account in scope":             {scoped, PostureRead, "aws:111122223333", ""},
		"and a whole cloud":                             {scoped, PostureRead, "gcp:anything", ""},
		"and an account named":                          {scoped, PostureRead, "azure:s", ""},
		"but none that begins as one named":             {scoped, PostureRead, "azure:s2", "azure:s only"},
		"nor an account beside":                         {scoped, PostureRead, "aws:222233334444", "aws:1111*"},
		"nor the whole":                                 {scoped, PostureRead, "", "only"},
		"nor an audit":                                  {scoped, PostureRead, "audit/gcp:1", "only"},
		"but may make a token for itself":               {scoped, TokenCreate, Own, ""},
		"an auditor reads inside the audit":             {auditor, RawRead, "audit/2026", ""},
		"and no other":                                  {auditor, RawRead, "audit/2025", `"2026"`},
		"and nothing of the whole":                      {auditor, AuditLogRead, "", `"2026"`},
		"and no account":                                {auditor, PostureRead, "aws:1", "viewer"},
		"and does not write":                            {auditor, EvidenceAttach, "audit/2026", "compliance_manager"},
		"an auditor of no audit reads nothing":          {actor(Auditor), RawRead, "audit/", "bound"},
		"another role than auditor may count":           {Actor{ID: "a", Roles: []Role{Auditor, Admin}, Audit: "2026"}, AuditLogRead, "", ""},
		"a token acknowledges":                          {token(OnCall), FindingAcknowledge, "aws:1", ""},
		"a token approves nothing":                      {token(Compliance), ExceptionApprove, "", "no token"},
		"nor asks for what a second person must decide": {token(OnCall), ExceptionRequest, "aws:1", "no token"},
		"nor makes tokens":                              {token(Admin), TokenCreate, Own, "no token"},
		"nor gives roles":                               {token(Admin), GrantManage, "", "no token"},
		"a collector's token appends":                   {token(Collector), SnapshotAppend, "aws:1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := Allows(test.actor, test.action, test.scope)
			if test.want == "" && err != nil || test.want != "" && (!errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestOnePairOfEyes(t *testing.T) {
	person, token := Actor{ID: "a@example.com", Kind: Person}, Actor{ID: "token:t", Kind: Token, Owner: "a@example.com"}
	if person.Person() != token.Person() || Engine.Person() != "engine" {
		t.Errorf("persons are %q, %q, %q", person.Person(), token.Person(), Engine.Person())
	}
}

// Which two roles one person may hold, written down apart from the code.
func TestConflicts(t *testing.T) {
	conflicting := []string{
		"compliance_manager rule_author", "compliance_manager rule_approver", "admin compliance_manager", "compliance_manager on_call",
		"on_call rule_author", "on_call rule_approver",
		"auditor viewer", "auditor on_call", "auditor compliance_manager", "auditor rule_author", "auditor rule_approver", "admin auditor",
	}
	for i, a := range columns {
		for _, b := range columns[i:] {
			p := pair(a, b)
			want := slices.Contains(conflicting, fmt.Sprint(p[0], " ", p[1]))
			for _, roles := range [][]Role{{a, b}, {b, a}} {
				if got := len(Conflicts(roles)) == 1; got != want {
					t.Errorf("%v conflict: %v, want %v", roles, got, want)
				}
			}
		}
	}
	if got := len(Conflicts([]Role{Admin, Compliance, RuleLead, Admin})); got != 2 {
		t.Errorf("%d conflicts among three roles, want 2", got)
	}
}

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func day(n int) time.Time { return now.AddDate(0, 0, n) }

func until(t time.Time) posture.Opt[time.Time] { return posture.Some(t) }

func TestHolderAsActor(t *testing.T) {
	grant := func(role Role, change ...func(*Grant)) Grant {
		g := Grant{User: "p@example.com", Role: role, From: day(-1)}
		for _, c := range change {
			c(&g)
		}
		return g
	}
	audit := func(g *Grant) { g.Audit, g.From, g.Until = "2026", day(-1), until(day(1)) }
	waiver := WaiverOf("p@example.com", Compliance, Admin, "two of us", day(1))
	waiver.At = day(-1)
	for name, test := range map[string]struct {
		holder Holder
		mfa    bool
		at     time.Time
		want   string
	}{
		"one role":                                    {Holder{Grants: []Grant{grant(Viewer)}}, false, now, "[viewer] []"},
		"none":                                        {Holder{}, false, now, "no role"},
		"disabled":                                    {Holder{User: User{Disabled: true}, Grants: []Grant{grant(Viewer)}}, false, now, "disabled"},
		"not yet":                                     {Holder{Grants: []Grant{grant(Viewer, func(g *Grant) { g.From = day(1) })}}, false, now, "not yet"},
		"from the very instant":                       {Holder{Grants: []Grant{grant(Viewer, func(g *Grant) { g.From = now })}}, false, now, "[viewer] []"},
		"not any more":                                {Holder{Grants: []Grant{grant(Viewer, func(g *Grant) { g.Until = until(now) })}}, false, now, "any more"},
		"revoked":                                     {Holder{Grants: []Grant{grant(Viewer, func(g *Grant) { g.Revoked = until(now) })}}, false, now, "any more"},
		"revoked later":                               {Holder{Grants: []Grant{grant(Viewer, func(g *Grant) { g.Revoked = until(day(1)) })}}, false, now, "[viewer] []"},
		"groups and grants together":                  {Holder{User: User{Groups: []Role{Viewer, OnCall}}, Grants: []Grant{grant(Viewer)}}, false, now, "[on_call viewer] []"},
		"accounts of two grants":                      {Holder{Grants: []Grant{grant(Viewer, func(g *Grant) { g.Scopes = []string{"gcp:*"} }), grant(Viewer, func(g *Grant) { g.Scopes = []string{"aws:1"} })}}, false, now, "[viewer] [aws:1 gcp:*]"},
		"a grant for all accounts besides":            {Holder{Grants: []Grant{grant(Viewer, func(g *Grant) { g.Scopes = []string{"gcp:*"} }), grant(OnCall)}}, false, now, "[on_call viewer] []"},
		"a group for all accounts besides":            {Holder{User: User{Groups: []Role{Viewer}}, Grants: []Grant{grant(Viewer, func(g *Grant) { g.Scopes = []string{"gcp:*"} })}}, false, now, "[viewer] []"},
		"an auditor":                                  {Holder{Grants: []Grant{grant(Auditor, audit)}}, false, now, "[auditor] [] 2026"},
		"an auditor before the start":                 {Holder{Grants: []Grant{grant(Auditor, audit)}}, false, day(-2), "not yet"},
		"an auditor after the end":                    {Holder{Grants: []Grant{grant(Auditor, audit)}}, false, day(1), "any more"},
		"several factors asked, one given":            {Holder{Grants: []Grant{grant(Auditor, audit, func(g *Grant) { g.MFA = true })}}, false, now, "several factors"},
		"several factors asked and given":             {Holder{Grants: []Grant{grant(Auditor, audit, func(g *Grant) { g.MFA = true })}}, true, now, "[auditor] [] 2026"},
		"a conflict cancels both":                     {Holder{Grants: []Grant{grant(Compliance), grant(Admin), grant(Viewer)}}, false, now, "[viewer] []"},
		"and leaves nothing":                          {Holder{Grants: []Grant{grant(Compliance), grant(Admin)}}, false, now, "admin and compliance_manager, which conflict"},
		"unless it is waived":                         {Holder{Grants: []Grant{grant(Compliance), grant(Admin)}, Waivers: []Waiver{waiver}}, false, now, "[admin compliance_manager] []"},
		"until the waiver ends":                       {Holder{Grants: []Grant{grant(Compliance), grant(Admin)}, Waivers: []Waiver{waiver}}, false, day(1), "conflict"},
		"an auditor with another role is in no audit": {Holder{Grants: []Grant{grant(Auditor, audit), grant(Admin), grant(Compliance, func(g *Grant) { g.Until = until(day(-1)) })}}, false, now, "conflict"},
	} {
		t.Run(name, func(t *testing.T) {
			test.holder.Email = "p@example.com"
			actor, err := test.holder.Actor(test.mfa, test.at)
			got := strings.TrimSpace(fmt.Sprint(actor.Roles, " ", actor.Scopes, " ", actor.Audit))
			if err != nil {
				got = err.Error()
				if !errors.Is(err, ErrRefused) || actor.ID != "" {
					t.Errorf("got %v as %v, want ErrRefused and nobody", err, actor)
				}
			}
			if !strings.Contains(got, test.want) || err == nil && got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestCheckGrant(t *testing.T) {
	holds := func(roles ...Role) (h Holder) {
		for _, r := range roles {
			h.Grants = append(h.Grants, Grant{Role: r, From: day(-1)})
		}
		return h
	}
	auditor := Grant{Role: Auditor, Audit: "2026", From: now, Until: until(day(30))}
	past := Grant{Role: Admin, From: day(-9), Until: until(day(-1))}
	revoked := Grant{Role: Admin, From: day(-9), Revoked: until(day(-1))}
	waiver := WaiverOf("", Compliance, Admin, "x", day(1))
	waiver.At = now
	for name, test := range map[string]struct {
		holder Holder
		grant  Grant
		want   error
	}{
		"a role":                                   {holds(), Grant{Role: Viewer, From: now}, nil},
		"a viewer of some accounts":                {holds(), Grant{Role: Viewer, Scopes: []string{"aws:1", "gcp:*", "*"}, From: now}, nil},
		"accounts that are none":                   {holds(), Grant{Role: Viewer, Scopes: []string{"production"}, From: now}, posture.ErrInvalid},
		"a star in the middle":                     {holds(), Grant{Role: Viewer, Scopes: []string{"aws:*1"}, From: now}, posture.ErrInvalid},
		"a star for the cloud":                     {holds(), Grant{Role: Viewer, Scopes: []string{"a*"}, From: now}, posture.ErrInvalid},
		"somebody on call for some accounts":       {holds(), Grant{Role: OnCall, Scopes: []string{"aws:1"}, From: now}, posture.ErrInvalid},
		"no role":                                  {holds(), Grant{From: now}, posture.ErrInvalid},
		"a person as collector":                    {holds(), Grant{Role: Collector, From: now}, posture.ErrInvalid},
		"an end before the beginning":              {holds(), Grant{Role: Viewer, From: day(3), Until: until(day(2))}, posture.ErrInvalid},
		"an end that has passed":                   {holds(), Grant{Role: Viewer, From: day(-3), Until: until(day(-2))}, posture.ErrInvalid},
		"an auditor":                               {holds(), auditor, nil},
		"an auditor of nothing":                    {holds(), Grant{Role: Auditor, From: now, Until: until(day(1))}, posture.ErrInvalid},
		"an auditor for ever":                      {holds(), Grant{Role: Auditor, Audit: "2026", From: now}, posture.ErrInvalid},
		"an audit for somebody else":               {holds(), Grant{Role: Viewer, Audit: "2026", From: now}, posture.ErrInvalid},
		"a second audit at once":                   {Holder{Grants: []Grant{auditor}}, Grant{Role: Auditor, Audit: "2027", From: day(29), Until: until(day(60))}, posture.ErrInvalid},
		"a second audit after the first":           {Holder{Grants: []Grant{auditor}}, Grant{Role: Auditor, Audit: "2027", From: day(30), Until: until(day(60))}, nil},
		"an auditor with another role":             {holds(Viewer), auditor, ErrRefused},
		"a conflict":                               {holds(Compliance), Grant{Role: Admin, From: now}, ErrRefused},
		"a conflict with a role of a group":        {Holder{User: User{Groups: []Role{Compliance}}}, Grant{Role: Admin, From: now}, ErrRefused},
		"a conflict with a role that ended":        {Holder{Grants: []Grant{past}}, Grant{Role: Compliance, From: now}, nil},
		"a conflict with a role that was revoked":  {Holder{Grants: []Grant{revoked}}, Grant{Role: Compliance, From: now}, nil},
		"a conflict with a role that begins later": {Holder{Grants: []Grant{{Role: Admin, From: day(9)}}}, Grant{Role: Compliance, From: now}, ErrRefused},
		"a conflict that is over before the other": {Holder{Grants: []Grant{{Role: Admin, From: day(9)}}}, Grant{Role: Compliance, From: now, Until: until(day(9))}, nil},
		"a waived conflict":                        {Holder{Grants: holds(Compliance).Grants, Waivers: []Waiver{waiver}}, Grant{Role: Admin, From: now}, nil},
		"a waiver for another pair":                {Holder{Grants: holds(Compliance).Grants, Waivers: []Waiver{waiver}}, Grant{Role: RuleLead, From: now}, ErrRefused},
		"writing and releasing rules":              {holds(RuleAuthor), Grant{Role: RuleLead, From: now}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			test.grant.User = "p@example.com"
			if err := CheckGrant(test.holder, test.grant, now); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestCheckWaiver(t *testing.T) {
	for name, test := range map[string]struct {
		waiver Waiver
		ok     bool
	}{
		"dated, with a reason":    {WaiverOf("", Compliance, Admin, "two of us", day(365)), true},
		"longer than a year":      {WaiverOf("", Compliance, Admin, "two of us", day(366)), false},
		"without an end":          {WaiverOf("", Compliance, Admin, "two of us", time.Time{}), false},
		"that has ended":          {WaiverOf("", Compliance, Admin, "two of us", now), false},
		"without a reason":        {WaiverOf("", Compliance, Admin, " ", day(1)), false},
		"of what does not clash":  {WaiverOf("", Viewer, Admin, "two of us", day(1)), false},
		"of one role with itself": {WaiverOf("", Admin, Admin, "two of us", day(1)), false},
	} {
		if err := CheckWaiver(test.waiver, now); test.ok != (err == nil) || err != nil && !errors.Is(err, posture.ErrInvalid) {
			t.Errorf("a waiver %s: %v, want %v", name, err, test.ok)
		}
	}
}

func TestEmail(t *testing.T) {
	for text, want := range map[string]string{" Bob@Example.COM ": "bob@example.com", "bob": "", "@example.com": "", "bob@": "", "a b@example.com": "", "a@b@c": "", "a\x00@b": "", "": ""} {
		if got, err := Email(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q %v, want %q", text, got, err, want)
		}
	}
}

func TestSecrets(t *testing.T) {
	secret, digest := NewSecret()
	other, _ := NewSecret()
	if len(secret) != 47 || !strings.HasPrefix(secret, "plb_") || secret == other {
		t.Errorf("secrets are %q and %q", secret, other)
	}
	if got, err := SecretDigest(secret); got != digest || err != nil {
		t.Errorf("the digest is %x %v, want %x", got, err, digest)
	}
	for name, text := range map[string]string{"no prefix": secret[4:], "another prefix": "ghp_" + secret[4:], "cut": secret[:46], "longer": secret + "A", "nothing": "", "prefix alone": "plb_",
		"with a line end": secret + "\n", "with loose bits at the end": secret[:46] + nextLetter(secret[46])} {
		if _, err := SecretDigest(text); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v, want ErrRefused", name, err)
		}
	}
}

// nextLetter differs from a last letter in bits that stand for nothing.
func nextLetter(c byte) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(letters[strings.IndexByte(letters, c)|1])
}

func TestCheckToken(t *testing.T) {
	owner := Actor{ID: "p@example.com", Kind: Person, Roles: []Role{Viewer, OnCall}}
	scoped := Actor{ID: "p@example.com", Kind: Person, Roles: []Role{Viewer}, Scopes: []string{"aws:1111*"}}
	for name, test := range map[string]struct {
		owner  Actor
		change func(*APIToken)
		want   error
	}{
		"some of the owner's roles":             {owner, func(t *APIToken) {}, nil},
		"a role that the owner lacks":           {owner, func(t *APIToken) { t.Roles = []Role{Viewer, Admin} }, ErrRefused},
		"no role":                               {owner, func(t *APIToken) { t.Roles = nil }, posture.ErrInvalid},
		"no name":                               {owner, func(t *APIToken) { t.Name = "" }, posture.ErrInvalid},
		"a name with a line end":                {owner, func(t *APIToken) { t.Name = "a\nb" }, posture.ErrInvalid},
		"no end":                                {owner, func(t *APIToken) { t.Expires = time.Time{} }, posture.ErrInvalid},
		"a year":                                {owner, func(t *APIToken) { t.Expires = now.Add(MaxTokenLife) }, nil},
		"more than a year":                      {owner, func(t *APIToken) { t.Expires = now.Add(MaxTokenLife + 1) }, posture.ErrInvalid},
		"accounts within the owner's":           {scoped, func(t *APIToken) { t.Scopes = []string{"aws:1111*", "aws:111122*", "aws:111122223333"} }, nil},
		"accounts beyond the owner's":           {scoped, func(t *APIToken) { t.Scopes = []string{"aws:111*"} }, ErrRefused},
		"everything, of an owner who sees some": {scoped, func(t *APIToken) { t.Scopes = []string{"*"} }, ErrRefused},
		"accounts that are none":                {owner, func(t *APIToken) { t.Scopes = []string{"production"} }, posture.ErrInvalid},
		"an auditor's":                          {Actor{ID: "p", Roles: []Role{Auditor}, Audit: "2026"}, func(t *APIToken) { t.Roles = []Role{Auditor} }, ErrRefused},
		"a collector's by an administrator":     {Actor{ID: "p", Roles: []Role{Admin}}, func(t *APIToken) { t.Roles = []Role{Collector} }, nil},
		"a collector's by somebody else":        {owner, func(t *APIToken) { t.Roles = []Role{Collector} }, ErrRefused},
		"a collector's that may something else": {Actor{ID: "p", Roles: []Role{Admin}}, func(t *APIToken) { t.Roles = []Role{Collector, Admin} }, posture.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			token := APIToken{Name: "ci", Owner: test.owner.ID, Roles: []Role{Viewer}, Expires: now.Add(DefaultTokenLife)}
			test.change(&token)
			if err := CheckToken(token, test.owner, now); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestTokenNeverMayMoreThanItsOwner(t *testing.T) {
	holder := func(scopes []string, roles ...Role) Holder {
		h := Holder{User: User{Email: "p@example.com"}}
		for _, r := range roles {
			h.Grants = append(h.Grants, Grant{Role: r, From: day(-1), Scopes: scopes})
		}
		return h
	}
	for name, test := range map[string]struct {
		owner Holder
		token APIToken
		want  string
	}{
		"all accounts of the owner":               {holder(nil, Viewer), APIToken{Roles: []Role{Viewer}}, "[viewer] []"},
		"some of them":                            {holder(nil, Viewer), APIToken{Roles: []Role{Viewer}, Scopes: []string{"aws:*"}}, "[viewer] [aws:*]"},
		"those that the owner is left with":       {holder([]string{"aws:1"}, Viewer), APIToken{Roles: []Role{Viewer}}, "[viewer] [aws:1]"},
		"of its own those that the owner has":     {holder([]string{"aws:*"}, Viewer), APIToken{Roles: []Role{Viewer}, Scopes: []string{"aws:1", "gcp:2"}}, "[viewer] [aws:1]"},
		"none":                                    {holder([]string{"aws:*"}, Viewer), APIToken{Roles: []Role{Viewer}, Scopes: []string{"gcp:2"}}, "accounts"},
		"a role that the owner lost":              {holder(nil, Viewer), APIToken{Roles: []Role{Viewer, Admin}}, "[viewer] []"},
		"no role":                                 {holder(nil, Viewer), APIToken{Roles: []Role{Admin}}, "no role"},
		"a collector while its owner administers": {holder(nil, Admin), APIToken{Roles: []Role{Collector}}, "[collector] []"},
		"and no longer":                           {holder(nil, Viewer), APIToken{Roles: []Role{Collector}}, "no role"},
		"an owner with no role":                   {holder(nil), APIToken{Roles: []Role{Viewer}}, "p@example.com has no role"},
	} {
		t.Run(name, func(t *testing.T) {
			test.token.Name, test.token.Owner, test.token.Expires = "ci", "p@example.com", day(1)
			actor, err := test.token.Actor(test.owner, now)
			got := fmt.Sprint(actor.Roles, " ", actor.Scopes)
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, test.want) || err != nil && !errors.Is(err, ErrRefused) {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestPersonalActionsAreActions(t *testing.T) {
	for _, action := range personal {
		if _, known := allowed[action]; !known {
			t.Errorf("%s is no action", action)
		}
	}
}
