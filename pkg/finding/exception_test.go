package finding

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

func TestPrepare(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Exception)
		err    string
	}{
		"without dates it starts now, for 90 days": {func(e *Exception) { e.Starts, e.Expires = time.Time{}, time.Time{} }, ""},
		"365 days are allowed":                     {func(e *Exception) { e.Expires = e.Starts.AddDate(0, 0, 365) }, ""},
		"more are not":                             {func(e *Exception) { e.Expires = e.Starts.AddDate(0, 0, 366) }, "longer than 365 days"},
		"it does not reach back":                   {func(e *Exception) { e.Starts = e.Requested.Add(-time.Second) }, "do not reach back"},
		"it ends after it starts":                  {func(e *Exception) { e.Expires = e.Starts }, "end before it starts"},
		"it needs a reason":                        {func(e *Exception) { e.Reason = "" }, "say why"},
		"it needs a risk":                          {func(e *Exception) { e.Risk = "" }, "as its risk"},
		"it needs a finding":                       {func(e *Exception) { e.Resources = nil }, "no open or acknowledged finding"},
		"it needs the rule's version":              {func(e *Exception) { e.RuleVersions = nil }, "no version of the rule"},
		"it needs a requester":                     {func(e *Exception) { e.Requester = "" }, "no requester"},
	} {
		t.Run(name, func(t *testing.T) {
			e := accepting()
			test.change(&e)
			got, err := e.Prepare()
			if test.err != "" {
				if !errors.Is(err, posture.ErrInvalid) || !strings.Contains(err.Error(), test.err) {
					t.Errorf("got %v, want ErrInvalid with %q", err, test.err)
				}
				return
			}
			want := e.Expires
			if want.IsZero() {
				want = e.Requested.AddDate(0, 0, 90)
			}
			if err != nil || got.Starts != e.Requested || got.Expires != want {
				t.Errorf("from %v to %v %v", got.Starts, got.Expires, err)
			}
		})
	}
}

func TestDecide(t *testing.T) {
	undecided := func() Exception { e := accepting(); e.Decisions = nil; return e }
	pattern := func() Exception { e := undecided(); e.Pattern = "log*"; return e }
	decide := func(e Exception, what Verdict, by access.Actor, n int) Exception {
		t.Helper()
		e, err := e.Decide(what, by, "because", day(n))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for name, test := range map[string]struct {
		e      Exception
		what   Verdict
		by     access.Actor
		reason string
		n      int
		want   Standing // right after
		err    string
	}{
		"another person approves":                 {undecided(), Approve, bob, "", 2, InForce, ""},
		"the requester does not":                  {undecided(), Approve, alice, "", 2, "", "another person has to approve"},
		"the requester may withdraw":              {undecided(), Refuse, alice, "not needed", 2, Refused, ""},
		"a refusal needs a reason":                {undecided(), Refuse, bob, "", 2, "", "say why"},
		"one approval of a pattern is not enough": {pattern(), Approve, bob, "", 2, Requested, ""},
		"two are":                                    {decide(pattern(), Approve, bob, 2), Approve, carol, "", 3, InForce, ""},
		"two of the same person are not":             {decide(pattern(), Approve, bob, 2), Approve, bob, "", 3, "", "second approver"},
		"nor one of the requester":                   {decide(pattern(), Approve, bob, 2), Approve, alice, "", 3, "", "another person has to approve"},
		"the second may refuse":                      {decide(pattern(), Approve, bob, 2), Refuse, carol, "too wide", 3, Refused, ""},
		"what is in force is revoked":                {decide(undecided(), Approve, bob, 2), Revoke, carol, "over", 3, Revoked, ""},
		"with a reason":                              {decide(undecided(), Approve, bob, 2), Revoke, carol, "", 3, "", "say why"},
		"what is in force is not approved again":     {decide(undecided(), Approve, bob, 2), Approve, carol, "", 3, "", "can only be revoked"},
		"nor refused":                                {decide(undecided(), Approve, bob, 2), Refuse, carol, "x", 3, "", "can only be revoked"},
		"what is not approved is not revoked":        {undecided(), Revoke, bob, "x", 3, "", "refuse it instead"},
		"what is refused stays so":                   {decide(undecided(), Refuse, bob, 2), Approve, carol, "", 3, "", "it is refused: request a new one"},
		"what is revoked stays so":                   {decide(decide(undecided(), Approve, bob, 2), Revoke, bob, 3), Approve, carol, "", 4, "", "it is revoked"},
		"what has expired stays so":                  {decide(undecided(), Approve, bob, 2), Revoke, bob, "x", 31, "", "it is expired"},
		"after its end nobody approves":              {undecided(), Approve, bob, "", 31, "", "it is lapsed"},
		"nothing else can be decided":                {undecided(), "extend", bob, "x", 2, "", "is no decision"},
		"an approval does not reach back to a start": {undecided(), Approve, bob, "", 20, InForce, ""},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(test.e.Decisions)
			e, err := test.e.Decide(test.what, test.by, test.reason, day(test.n))
			if test.err != "" {
				if !errors.Is(err, posture.ErrInvalid) || !strings.Contains(err.Error(), test.err) || len(e.Decisions) != before {
					t.Errorf("got %v, want ErrInvalid with %q", err, test.err)
				}
				return
			}
			if err != nil || e.Standing(day(test.n)) != test.want {
				t.Errorf("it is %s %v, want %s", e.Standing(day(test.n)), err, test.want)
			}
			if e.Standing(day(test.n).Add(-time.Second)) == InForce && test.what == Approve {
				t.Error("it was in force before it was approved")
			}
			if begins, ok := e.Begins(); ok && begins.Before(e.Decisions[e.Approvals()-1].At) {
				t.Errorf("it begins at %v, before it was approved", begins)
			}
		})
	}
}

// TestStandingFollowsTime decides one exception step by step and asks where it was at every time.
func TestStandingFollowsTime(t *testing.T) {
	noon := day(31).Add(8 * time.Hour)
	e := accepting()
	e.Decisions, e.Starts, e.Expires, e.Pattern = nil, noon, day(60), "*"
	e, _ = e.Decide(Approve, bob, "", day(10))
	e, _ = e.Decide(Approve, carol, "", day(20))
	e, _ = e.Decide(Revoke, bob, "over", day(40))
	for at, want := range map[time.Time]Standing{
		day(0): "", day(1): Requested, day(10): Requested, day(20).Add(-time.Second): Requested, day(20): Approved, noon.Add(-time.Second): Approved,
		noon: InForce, day(40).Add(-time.Second): InForce, day(40): Revoked, day(70): Revoked,
	} {
		if got := e.Standing(at); got != want || e.InForce(at) != (want == InForce) {
			t.Errorf("at %s it is %q, want %q", at.Format(time.RFC3339), got, want)
		}
	}
	if diff := cmp.Diff([]int{0, 1, 2, 3}, []int{len(e.AsOf(day(5)).Decisions), len(e.AsOf(day(10)).Decisions), len(e.AsOf(day(39)).Decisions), len(e.AsOf(day(40)).Decisions)}); diff != "" {
		t.Errorf("decisions as of then differ (-want +got):\n%s", diff)
	}
	if _, ended := e.AsOf(day(39)).Ended.Get(); ended || e.Ended.Or(time.Time{}) != day(40) {
		t.Error("the revocation reaches back")
	}
}

func TestDuties(t *testing.T) {
	date := func(month time.Month, d int) time.Time { return time.Date(2026, month, d, 0, 0, 0, 0, time.UTC) }
	attached := func(id int64, from, to, uploaded time.Time, reviews ...Review) Attachment {
		return Attachment{ID: id, Control: "access-review", Slot: "sheet", From: from, To: to, Uploaded: uploaded, Uploader: alice.ID, Reviews: reviews}
	}
	accepted := func(at time.Time) Review { return Review{At: at, By: bob.ID, Accepted: true} }
	for name, test := range map[string]struct {
		frequency string
		attached  []Attachment
		since, at time.Time
		want      []string
	}{
		"the month is not over":                {"monthly", nil, date(1, 15), date(1, 31), nil},
		"a month is over":                      {"monthly", nil, date(1, 15), date(2, 1), []string{"01-01 02-01 by 02-11 due"}},
		"it is too late":                       {"monthly", nil, date(1, 15), date(2, 11), []string{"01-01 02-01 by 02-11 overdue"}},
		"attached, not reviewed":               {"monthly", []Attachment{attached(1, date(1, 1), date(2, 1), date(2, 5))}, date(1, 1), date(2, 20), []string{"01-01 02-01 by 02-11 awaiting_review [1]"}},
		"attached after the time asked about":  {"monthly", []Attachment{attached(1, date(1, 1), date(2, 1), date(2, 5))}, date(1, 1), date(2, 4), []string{"01-01 02-01 by 02-11 due"}},
		"accepted":                             {"monthly", []Attachment{attached(1, date(1, 1), date(2, 1), date(2, 5), accepted(date(2, 6)))}, date(1, 1), date(2, 20), []string{"01-01 02-01 by 02-11 met [1]"}},
		"accepted after the time asked about":  {"monthly", []Attachment{attached(1, date(1, 1), date(2, 1), date(2, 5), accepted(date(2, 6)))}, date(1, 1), date(2, 5), []string{"01-01 02-01 by 02-11 awaiting_review [1]"}},
		"returned counts for nothing":          {"monthly", []Attachment{attached(1, date(1, 1), date(2, 1), date(2, 5), Review{At: date(2, 6), By: bob.ID, Reason: "blurred"})}, date(1, 1), date(2, 20), []string{"01-01 02-01 by 02-11 overdue [1]"}},
		"a new one after a returned one":       {"monthly", []Attachment{attached(1, date(1, 1), date(2, 1), date(2, 5), Review{At: date(2, 6), By: bob.ID}), attached(2, date(1, 1), date(2, 1), date(2, 7))}, date(1, 1), date(2, 20), []string{"01-01 02-01 by 02-11 awaiting_review [1 2]"}},
		"of part of the period only":           {"monthly", []Attachment{attached(1, date(1, 1), date(1, 31), date(2, 5))}, date(1, 1), date(2, 5), []string{"01-01 02-01 by 02-11 due"}},
		"of two periods":                       {"monthly", []Attachment{attached(1, date(1, 1), date(3, 1), date(2, 5))}, date(1, 1), date(2, 6), []string{"01-01 02-01 by 02-11 awaiting_review [1]", "02-01 03-01 by 03-11 awaiting_review [1]"}},
		"weeks begin on Monday":                {"weekly", nil, date(1, 1), date(1, 12), []string{"12-29 01-05 by 01-15 due", "01-05 01-12 by 01-22 due"}},
		"quarters begin in January":            {"quarterly", nil, date(3, 3), date(7, 1), []string{"01-01 04-01 by 04-11 overdue", "04-01 07-01 by 07-11 due"}},
		"years":                                {"yearly", nil, date(3, 3), date(12, 31), nil},
		"once is due from the start":           {"once", nil, date(1, 5), date(1, 6), []string{"01-05 01-05 by 01-15 due"}},
		"once, and attached":                   {"once", []Attachment{attached(1, date(1, 7), date(1, 8), date(1, 8), accepted(date(1, 9)))}, date(1, 5), date(6, 1), []string{"01-05 01-05 by 01-15 met [1]"}},
		"an attachment of another slot is not": {"once", []Attachment{{ID: 1, Control: "access-review", Slot: "minutes", Uploaded: date(1, 6)}}, date(1, 5), date(1, 7), []string{"01-05 01-05 by 01-15 due"}},
	} {
		t.Run(name, func(t *testing.T) {
			slots := []Slot{{Control: "access-review", Name: "sheet", Frequency: test.frequency, Due: 10}}
			duties, err := Duties(slots, test.attached, test.since, test.at)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range duties {
				line := fmt.Sprintf("%s %s by %s %s", d.From.Format("01-02"), d.To.Format("01-02"), d.By.Format("01-02"), d.Standing)
				if len(d.Attachments) > 0 {
					line += fmt.Sprint(" ", d.Attachments)
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("duties differ (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := Duties([]Slot{{Frequency: "hourly"}}, nil, date(1, 1), date(2, 1)); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("hourly: %v", err)
	}
}

func TestReview(t *testing.T) {
	a := Attachment{ID: 1, Uploader: alice.ID}
	if _, err := a.Review(true, alice, "", day(1)); err == nil || !strings.Contains(err.Error(), "another person") {
		t.Errorf("reviewed by who attached it: %v", err)
	}
	token := access.Actor{ID: "token:7", Owner: alice.ID, Kind: access.Machine}
	if _, err := a.Review(true, token, "", day(1)); err == nil || !strings.Contains(err.Error(), "another person") {
		t.Errorf("reviewed with a token of who attached it: %v", err)
	}
	if _, err := a.Review(false, bob, "", day(1)); err == nil || !strings.Contains(err.Error(), "say why") {
		t.Errorf("returned without a reason: %v", err)
	}
	returned, err := a.Review(false, bob, "blurred", day(1))
	if err != nil || returned.Accepted() {
		t.Fatal(err)
	}
	accepted, err := returned.Review(true, carol, "", day(2))
	if err != nil || !accepted.Accepted() || accepted.AsOf(day(1)).Accepted() || len(accepted.AsOf(day(0)).Reviews) != 0 {
		t.Errorf("%+v %v", accepted, err)
	}
	if _, err := accepted.Review(false, bob, "after all not", day(3)); err == nil || !strings.Contains(err.Error(), "accepted already") {
		t.Errorf("returned after it was accepted: %v", err)
	}
}
