package audit

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func day(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }

// half is an audit of January.
func half(change ...func(*Audit)) Audit {
	a := Audit{ID: "2026-h1", Type: Type2, From: day(1), To: day(32), Zone: "UTC", Firm: "Ledger & Co", Schedule: 86400, MaxGap: 129600, Opened: day(33),
		Scopes: []Scope{{Version: 1, At: day(33), Accounts: []string{"aws:1", "aws:2"}, Categories: []string{"security"}, Criteria: []string{"CC6.1"}, Controls: []string{"access", "logging"}}}}
	for _, c := range change {
		c(&a)
	}
	return a
}

func closed(a *Audit) { a.Closing = &Closing{At: day(40), By: "clara@example.com", Reason: "done"} }

func TestCheck(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Audit)
		want   string // part of the problem; empty is none
	}{
		"a half year":                         {func(a *Audit) {}, ""},
		"a day":                               {func(a *Audit) { a.Type, a.To = Type1, day(2) }, ""},
		"a day on which clocks went back":     {func(a *Audit) { a.Type, a.To = Type1, day(2).Add(time.Hour) }, ""},
		"two days as of one":                  {func(a *Audit) { a.Type, a.To = Type1, day(3) }, "one day"},
		"an id with a slash":                  {func(a *Audit) { a.ID = "a/b" }, "small letters"},
		"no id":                               {func(a *Audit) { a.ID = "" }, "small letters"},
		"another type":                        {func(a *Audit) { a.Type = "type3" }, "want type1"},
		"a zone that is none":                 {func(a *Audit) { a.Zone = "Mars" }, "time zone"},
		"this machine's zone":                 {func(a *Audit) { a.Zone = "Local" }, "time zone"},
		"an end before the beginning":         {func(a *Audit) { a.To = a.From }, "before it begins"},
		"three years":                         {func(a *Audit) { a.To = a.From.AddDate(3, 0, 0) }, "two years"},
		"nobody to audit":                     {func(a *Audit) { a.Firm = " " }, "firm"},
		"a gap shorter than the schedule":     {func(a *Audit) { a.MaxGap = 1 }, "at least as long"},
		"a target for a severity there is":    {func(a *Audit) { a.Targets = map[string]int64{"high": 60} }, ""},
		"a target for a severity there isn't": {func(a *Audit) { a.Targets = map[string]int64{"urgent": 60} }, "urgent"},
	} {
		err := half(test.change).Check()
		if test.want == "" && err != nil || test.want != "" && (!errors.Is(err, posture.ErrInvalid) || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

func TestDaysAreThoseOfTheZone(t *testing.T) {
	from, to, err := Days("2026-03-29", "2026-03-29", "Europe/Berlin") // the day with 23 hours
	if err != nil || from.UTC().Format(time.RFC3339) != "2026-03-28T23:00:00Z" || to.Sub(from) != 23*time.Hour {
		t.Errorf("%s to %s, %v", from, to, err)
	}
	for _, bad := range [][3]string{{"2026-02-30", "2026-03-01", "UTC"}, {"2026-03-01", "", "UTC"}, {"2026-03-01", "2026-03-01", ""}, {"2026-03-01", "2026-03-01", "Local"}} {
		if _, _, err := Days(bad[0], bad[1], bad[2]); !errors.Is(err, posture.ErrInvalid) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestRescope(t *testing.T) {
	narrow := func(change func(*Scope)) Scope {
		s := half().Scope()
		s.Reason = "aws:2 was sold"
		change(&s)
		return s
	}
	for name, test := range map[string]struct {
		audit    Audit
		next     Scope
		want     string // changes, or part of the problem
		narrower bool
	}{
		"an account left out":     {half(), narrow(func(s *Scope) { s.Accounts = []string{"aws:1"} }), "accounts: left out aws:2", true},
		"one exchanged":           {half(), narrow(func(s *Scope) { s.Accounts = []string{"aws:3", "aws:1"} }), "accounts: added aws:3; left out aws:2", true},
		"all from now on":         {half(), narrow(func(s *Scope) { s.Accounts = nil }), "accounts: added all; left out aws:1, aws:2", false},
		"a control left out":      {half(), narrow(func(s *Scope) { s.Controls = []string{"access"} }), "controls: left out logging", true},
		"a category more":         {half(), narrow(func(s *Scope) { s.Categories = []string{"security", "privacy"} }), "categories: added privacy", false},
		"nothing":                 {half(), narrow(func(s *Scope) {}), "is that already", false},
		"the same, another order": {half(), narrow(func(s *Scope) { s.Accounts = []string{"aws:2", "aws:1", "aws:2"} }), "is that already", false},
		"without a reason":        {half(), narrow(func(s *Scope) { s.Accounts, s.Reason = nil, " " }), "say why", false},
		"to no control":           {half(), narrow(func(s *Scope) { s.Controls = nil }), "no controls", false},
		"to what is no account":   {half(), narrow(func(s *Scope) { s.Accounts = []string{"production"} }), "want such as", false},
		"of a closed audit":       {half(closed), narrow(func(s *Scope) { s.Accounts = nil }), "closed", false},
	} {
		after, err := test.audit.Rescope(test.next)
		if err != nil {
			if !errors.Is(err, posture.ErrInvalid) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v, want %q", name, err, test.want)
			}
			continue
		}
		var got []string
		for _, c := range after.Scopes[0].Changes(after.Scope()) {
			got = append(got, c.String())
		}
		if strings.Join(got, " | ") != test.want || after.Scopes[0].Narrower(after.Scope()) != test.narrower || after.Scope().Version != 2 || len(test.audit.Scopes) != 1 {
			t.Errorf("%s: %v, narrower %v, want %q, %v", name, got, !test.narrower, test.want, test.narrower)
		}
	}
}

func TestClosing(t *testing.T) {
	if _, err := half().Close("clara", " ", day(40)); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("without a reason: %v", err)
	}
	a, err := half().Close("clara", "report issued", day(40))
	if err != nil || a.Open() {
		t.Errorf("%+v, %v", a.Closing, err)
	}
	if _, err := a.Close("clara", "again", day(41)); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("twice: %v", err)
	}
	if before, ok := a.AsOf(day(39)); !ok || !before.Open() || !a.Opened.Equal(day(33)) {
		t.Error("it was closed before it was closed")
	}
	if _, ok := a.AsOf(day(32)); ok {
		t.Error("it was there before it was opened")
	}
}

func TestRequestsMove(t *testing.T) {
	auditor := access.Actor{ID: "eve@firm.example", Kind: access.Person, Roles: []access.Role{access.Auditor}, Audit: "2026-h1"}
	other := access.Actor{ID: "max@firm.example", Kind: access.Person, Roles: []access.Role{access.Auditor}, Audit: "2025-h1"}
	clara := access.Actor{ID: "clara@example.com", Kind: access.Person, Roles: []access.Role{access.Compliance}}
	files := []Answer{{Package: "P-1", SHA256: "aa"}}
	// From every state to every other, by everybody: what may be.
	may := map[string]bool{
		"open provided clara": true, "returned provided clara": true, "provided returned eve": true, "provided accepted eve": true,
		"open withdrawn eve": true, "provided withdrawn eve": true, "returned withdrawn eve": true,
	}
	all := []State{Open, Provided, Returned, Accepted, Withdrawn}
	for _, before := range all {
		for _, after := range all {
			for _, by := range []access.Actor{auditor, other, clara} {
				r, err := Request{Audit: "2026-h1", N: 1, State: before}.Move(half(), Step{At: day(34), State: after, Note: "see there", Answers: files}, by)
				name, _, _ := strings.Cut(by.ID, "@")
				what := fmt.Sprintf("%s %s %s", before, after, name)
				if may[what] != (err == nil) || err != nil && !errors.Is(err, posture.ErrInvalid) {
					t.Errorf("%s: %v", what, err)
				}
				if err == nil && (r.State != after || r.Steps[0].By != by.ID) {
					t.Errorf("%s: %+v", what, r)
				}
			}
		}
	}
	for name, test := range map[string]struct {
		audit Audit
		state State
		step  Step
		by    access.Actor
		want  string
	}{
		"an answer without files or words": {half(), Open, Step{State: Provided, Note: " "}, clara, "in words"},
		"an answer in words alone":         {half(), Open, Step{State: Provided, Note: "there were none"}, clara, ""},
		"returned without a word":          {half(), Provided, Step{State: Returned}, auditor, "lacks"},
		"accepted without a word":          {half(), Provided, Step{State: Accepted}, auditor, ""},
		"anything of a closed audit":       {half(closed), Provided, Step{State: Accepted}, auditor, "closed"},
	} {
		_, err := Request{Audit: "2026-h1", N: 1, State: test.state}.Move(test.audit, test.step, test.by)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	if err := half().CheckRaise(auditor, "More", "This."); err != nil {
		t.Errorf("raise: %v", err)
	}
	for _, err := range []error{half().CheckRaise(clara, "More", "This."), half().CheckRaise(other, "More", "This."), half().CheckRaise(auditor, "", "This."), half(closed).CheckRaise(auditor, "More", "This.")} {
		if !errors.Is(err, posture.ErrInvalid) {
			t.Errorf("raise: %v", err)
		}
	}
}

func TestRequestsOfATime(t *testing.T) {
	r := Request{State: Accepted, Steps: []Step{
		{At: day(2), State: Provided, Answers: []Answer{{SHA256: "aa"}}}, {At: day(3), State: Returned}, {At: day(4), State: Provided, Answers: []Answer{{SHA256: "bb"}}}, {At: day(5), State: Accepted},
	}}
	for at, want := range map[int]string{1: "open []", 2: "provided [aa]", 3: "returned [aa]", 4: "provided [bb]", 5: "accepted [bb]"} {
		then, sums := r.AsOf(day(at)), []string{}
		for _, a := range then.Answers() {
			sums = append(sums, a.SHA256)
		}
		if got := fmt.Sprint(then.State, " ", sums); got != want {
			t.Errorf("on day %d: %s, want %s", at, got, want)
		}
	}
}

func TestSeedsAreTheCallersOwn(t *testing.T) {
	a, b := Seeds(), Seeds()
	a[0].Title = "changed"
	if len(a) != 15 || b[0].Title == "changed" {
		t.Errorf("%d requests", len(a))
	}
	titles := map[string]bool{}
	for i, r := range b {
		if r.N != i+1 || r.State != Open || r.Asks == "" || r.Answer == "" || titles[r.Title] {
			t.Errorf("request %d: %+v", i, r)
		}
		titles[r.Title] = true
	}
	if diff := cmp.Diff([]Step{}, b[0].Steps); diff != "" {
		t.Error(diff)
	}
}
