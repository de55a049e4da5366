package alert

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/config"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

const account = "aws:111122223333"

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// settings send high and critical findings to oncall, gaps and expiries to desk, and escalate to boss after an hour.
func settings() Settings {
	return Settings{
		Alerts: config.Alerts{
			Receivers: []config.Receiver{{Name: "oncall", PagerDuty: &config.PagerDuty{}}, {Name: "desk", Slack: &config.Slack{}}, {Name: "boss", Email: &config.Email{}}},
			Routes: []config.Route{
				{Name: "page", Severities: []string{"critical", "high"}, Receivers: []string{"oncall"}},
				{Name: "quiet", Classes: []string{"coverage", "expiry"}, Receivers: []string{"desk"}},
			},
			Damping:  config.Damping{Flips: 4, Window: 24 * time.Hour},
			Escalate: []config.Escalate{{Severities: []string{"critical", "high"}, After: time.Hour, Receivers: []string{"boss"}}},
		},
		Rules: map[string]Rule{
			"public": {Message: "The bucket is public.", Severity: "high", Control: "data-exposure", Criteria: []string{"CC6.1", "CC6.6"}},
			"tagged": {Message: "The bucket has no owner.", Severity: "low", Control: "inventory-owner", Criteria: []string{"CC2.1"}},
		},
	}
}

// event is one of a bucket's finding; n is how many it has had.
func event(kind finding.Kind, bucket string, n int, seq int64) Event {
	return Event{Event: finding.Event{
		Finding: "F-" + bucket, N: n, At: noon, Kind: kind, Account: account, RuleID: "public", Seq: seq, Cause: posture.CauseConfiguration,
		Resource: posture.Key{Type: "aws.s3.bucket", Region: "eu-central-1", ID: bucket}, Note: "policy allows *",
	}}
}

// book keeps alerts as the store does.
type book struct {
	account string
	s       Settings
	alerts  []Alert
	entries map[int64][]Entry
	sent    []Delivery
}

func newBook(s Settings) *book { return &book{account: account, s: s, entries: map[int64][]Entry{}} }

func (b *book) open() []Alert {
	return slices.DeleteFunc(slices.Clone(b.alerts), func(a Alert) bool { return a.Status() == "resolved" })
}

func (b *book) flips(now time.Time) map[string]int {
	out := map[string]int{}
	for _, a := range b.alerts {
		for _, e := range b.entries[a.ID] {
			if (e.Kind == Began || e.Kind == Ended || e.Kind == Damped) && e.At.After(now.Add(-b.s.Damping.Window)) {
				out[Subject(a.Class, e.Member)]++
			}
		}
	}
	return out
}

func (b *book) write(changes []Change) (told []string) {
	for _, c := range changes {
		if c.Alert.ID == 0 {
			c.Alert.ID = int64(len(b.alerts) + 1)
			b.alerts = append(b.alerts, Alert{})
		}
		b.alerts[c.Alert.ID-1] = c.Alert
		b.entries[c.Alert.ID] = append(b.entries[c.Alert.ID], c.Entries...)
		for _, d := range c.Deliveries {
			d.Alert = c.Alert.ID
			b.sent = append(b.sent, d)
			told = append(told, fmt.Sprintf("%d %s %s", d.Alert, d.Message.Kind, d.Receiver))
		}
	}
	return told
}

func (b *book) plan(now time.Time, events ...Event) []string {
	var list []Transition
	for _, e := range events {
		list = append(list, e.transitions()...)
	}
	return b.transit(now, list...)
}

func (b *book) transit(now time.Time, list ...Transition) []string {
	return b.write(Plan(b.s, b.account, list, b.open(), b.flips(now), now))
}

func (b *book) tick(now time.Time) []string {
	return b.write(Tick(b.s, b.account, b.open(), now))
}

func want(t *testing.T, what string, got []string, wanted ...string) {
	t.Helper()
	if diff := cmp.Diff(wanted, got); diff != "" && len(wanted)+len(got) > 0 {
		t.Errorf("%s told (-want +got):\n%s", what, diff)
	}
}

func TestGrouping(t *testing.T) {
	other := event(finding.KindOpened, "b", 1, 2)
	other.Origin = "policy"
	rule := event(finding.KindOpened, "b", 1, 2)
	rule.RuleID, rule.Finding = "tagged", "F-b2"
	ruleset := event(finding.KindOpened, "b", 1, 2)
	ruleset.Cause = posture.CauseRuleset
	initial := func(bucket string) Event {
		e := event(finding.KindOpened, bucket, 1, 1)
		e.Cause = ""
		return e
	}
	for name, test := range map[string]struct {
		events []Event
		titles []string
	}{
		"one rule and one cause are one alert":            {[]Event{event(finding.KindOpened, "a", 1, 2), event(finding.KindOpened, "b", 1, 2)}, []string{"The bucket is public, on 2 resources"}},
		"a finding alone names its resource":              {[]Event{event(finding.KindOpened, "a", 1, 2)}, []string{"The bucket is public, on a"}},
		"another changed attribute is another cause":      {[]Event{event(finding.KindOpened, "a", 1, 2), other}, []string{"The bucket is public, on a", "The bucket is public, on b"}},
		"another rule is another alert":                   {[]Event{event(finding.KindOpened, "a", 1, 2), rule}, []string{"The bucket is public, on a", "The bucket has no owner, on b"}},
		"another cause of drift is another alert":         {[]Event{event(finding.KindOpened, "a", 1, 2), ruleset}, []string{"The bucket is public, on a", "The bucket is public, on b"}},
		"an account's first scan is one alert":            {[]Event{initial("a"), initial("b")}, []string{"The account's first scan found 2 failing, by 1 rules"}},
		"what a person does to a finding is no alert":     {[]Event{event(finding.KindAcked, "a", 2, 0), event(finding.KindAssigned, "a", 3, 0)}, nil},
		"the end of what was never told is only recorded": {[]Event{event(finding.KindResolved, "a", 2, 2)}, []string{"The bucket is public, on a"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBook(settings())
			b.plan(noon, test.events...)
			var titles []string
			for _, a := range b.alerts {
				titles = append(titles, a.Title)
			}
			if diff := cmp.Diff(test.titles, titles); diff != "" {
				t.Errorf("alerts differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMassChange(t *testing.T) {
	b := newBook(settings())
	var opened, resolved []Event
	for i := range 400 {
		opened = append(opened, event(finding.KindOpened, fmt.Sprint("b", i), 1, 2))
		resolved = append(resolved, event(finding.KindResolved, fmt.Sprint("b", i), 2, 3))
	}
	want(t, "the change", b.plan(noon, opened...), "1 opened oncall")
	m := b.sent[0].Message
	if m.Count != 400 || len(m.Examples) != maxExamples || m.Severity != "high" || !slices.Contains(m.Criteria, "CC6.6") {
		t.Errorf("the message says %+v", m)
	}
	want(t, "399 repairs", b.plan(noon.Add(time.Hour), resolved[1:]...))
	want(t, "the last repair", b.plan(noon.Add(2*time.Hour), resolved[0]), "1 resolved oncall")
	if n := len(b.entries[1]); n != 802 { // opened, 400 each, resolved
		t.Errorf("%d entries in the history", n)
	}
}

func TestFindings(t *testing.T) {
	excepted, expired := event(finding.KindExcepted, "a", 2, 0), event(finding.KindExpired, "a", 3, 0)
	excepted.Exception, expired.Exception = 7, 7
	late := event(finding.KindOpened, "a", 1, 2)
	late.Late = true
	for name, test := range map[string]struct {
		steps [][]Event
		told  []string
	}{
		"a finding that comes back is told again": {
			[][]Event{{event(finding.KindOpened, "a", 1, 2)}, {event(finding.KindResolved, "a", 2, 3)}, {event(finding.KindReopened, "a", 3, 4)}},
			[]string{"1 opened oncall", "1 resolved oncall", "2 opened oncall"}},
		"an exception ends the alert, its end begins one": {
			[][]Event{{event(finding.KindOpened, "a", 1, 2)}, {excepted}, {expired}},
			[]string{"1 opened oncall", "1 resolved oncall", "2 opened oncall"}},
		"what was over before it was told is not told": {[][]Event{{late}}, nil},
		"the end of what nobody heard of is not told":  {[][]Event{{event(finding.KindGone, "a", 2, 2)}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBook(settings())
			var told []string
			for i, events := range test.steps {
				told = append(told, b.plan(noon.Add(time.Duration(i)*time.Hour), events...)...)
			}
			want(t, "steps", told, test.told...)
			n := 0
			for _, entries := range b.entries {
				for _, e := range entries {
					if e.Finding != "" {
						n++
					}
				}
			}
			if n != len(test.steps) {
				t.Errorf("%d events are in histories, want %d", n, len(test.steps))
			}
		})
	}
}

func TestRoutes(t *testing.T) {
	low := event(finding.KindOpened, "a", 1, 2)
	low.RuleID = "tagged"
	tagged := event(finding.KindOpened, "a", 1, 2)
	tagged.Tags = map[string]string{"team": "pay", "env": "prod"}
	for name, test := range map[string]struct {
		route config.Route
		event Event
		told  bool
	}{
		"an empty route takes findings":        {config.Route{}, low, true},
		"a severity that is named":             {config.Route{Severities: []string{"low"}}, low, true},
		"a severity that is not named":         {config.Route{Severities: []string{"critical"}}, low, false},
		"a control":                            {config.Route{Controls: []string{"inventory-owner"}}, low, true},
		"a criterion":                          {config.Route{Criteria: []string{"CC6.1", "CC2.1"}}, low, true},
		"another criterion":                    {config.Route{Criteria: []string{"CC6.1"}}, low, false},
		"a cloud":                              {config.Route{Accounts: []string{"aws:*"}}, low, true},
		"another account":                      {config.Route{Accounts: []string{"aws:444455556666", "gcp:*"}}, low, false},
		"every tag of the resource":            {config.Route{Tags: map[string]string{"team": "pay", "env": "prod"}}, tagged, true},
		"a tag with another value":             {config.Route{Tags: map[string]string{"team": "pay", "env": "test"}}, tagged, false},
		"a resource without tags":              {config.Route{Tags: map[string]string{"team": "pay"}}, low, false},
		"a class that is not named":            {config.Route{Classes: []string{"coverage"}}, low, false},
		"an empty route does not hear of gaps": {config.Route{}, unverified("a"), false},
		"a route for coverage hears of gaps":   {config.Route{Classes: []string{"coverage"}}, unverified("a"), true},
		"every matcher has to match":           {config.Route{Severities: []string{"low"}, Controls: []string{"data-exposure"}}, low, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := settings()
			test.route.Name, test.route.Receivers = "r", []string{"desk"}
			s.Routes = []config.Route{test.route}
			b := newBook(s)
			if told := b.plan(noon, test.event); (len(told) == 1) != test.told {
				t.Errorf("told %v", told)
			}
			if len(b.alerts) != 1 || (len(b.alerts[0].Routes) == 1) != test.told {
				t.Errorf("an alert is recorded whoever hears of it; got %+v", b.alerts)
			}
		})
	}
	t.Run("the first that matches, and those after it while continue is set", func(t *testing.T) {
		s := settings()
		s.Routes = []config.Route{
			{Name: "no", Severities: []string{"low"}, Receivers: []string{"x"}}, {Name: "1", Receivers: []string{"a", "b"}, Continue: true},
			{Name: "2", Receivers: []string{"b", "c"}}, {Name: "3", Receivers: []string{"d"}},
		}
		want(t, "routes", newBook(s).plan(noon, event(finding.KindOpened, "a", 1, 2)), "1 opened a", "1 opened b", "1 opened c")
	})
}

func TestEscalation(t *testing.T) {
	b := newBook(settings())
	b.plan(noon, event(finding.KindOpened, "a", 1, 2))
	want(t, "before the delay", b.tick(noon.Add(59*time.Minute)))
	want(t, "after the delay", b.tick(noon.Add(time.Hour)), "1 escalated boss")
	want(t, "later", b.tick(noon.Add(9*time.Hour)))
	want(t, "the end", b.plan(noon.Add(10*time.Hour), event(finding.KindResolved, "a", 2, 3)), "1 resolved oncall", "1 resolved boss")

	b = newBook(settings())
	b.plan(noon, event(finding.KindOpened, "a", 1, 2))
	c, err := Acknowledge(b.s, b.alerts[0], "dana@example.com", "on it", noon.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "acknowledgement", b.write([]Change{c}), "1 acknowledged oncall")
	want(t, "after an acknowledgement", b.tick(noon.Add(9*time.Hour)))
	if _, err := Acknowledge(b.s, b.alerts[0], "li@example.com", "", noon); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("acknowledged twice: %v", err)
	}
	want(t, "the end", b.plan(noon.Add(10*time.Hour), event(finding.KindResolved, "a", 2, 3)), "1 resolved oncall")
	if _, err := Acknowledge(b.s, b.alerts[0], "li@example.com", "", noon); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("acknowledged after its end: %v", err)
	}

	b = newBook(settings())
	low := event(finding.KindOpened, "a", 1, 2)
	low.RuleID = "tagged"
	b.plan(noon, low, unverified("b"))
	want(t, "what nobody was told of, and gaps, are not escalated", b.tick(noon.Add(9*time.Hour)))
}

func TestDamping(t *testing.T) {
	b := newBook(settings())
	hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	flip := func(n int) []string {
		kind := finding.KindResolved
		if n%2 == 1 {
			kind = finding.KindReopened
		}
		return b.plan(hour(n), event(kind, "a", n, int64(n+1)))
	}
	for n, told := range [][]string{1: {"1 opened oncall"}, 2: {"1 resolved oncall"}, 3: {"2 opened oncall"}, 4: {"2 resolved oncall"},
		5: {"3 flapping oncall"}, 6: nil, 7: nil, 8: nil} {
		if n > 0 {
			want(t, fmt.Sprint("change ", n), flip(n), told...)
		}
	}
	if got := b.alerts[2].Status(); got != "held_back" {
		t.Errorf("the alert is %s", got)
	}
	want(t, "before it has been quiet for the window", b.tick(hour(8+23)))
	want(t, "once it has been quiet, resolved", b.tick(hour(8+24)), "3 resolved oncall")
	want(t, "a change after that", flip(41), "4 opened oncall")

	b = newBook(settings())
	for n := 1; n <= 7; n++ {
		flip(n)
	}
	want(t, "once it has been quiet, failing", b.tick(hour(31)), "3 settled oncall")
	want(t, "then nobody acknowledges", b.tick(hour(32)), "3 escalated boss")
	want(t, "its end", flip(50), "3 resolved oncall", "3 resolved boss")

	t.Run("one of a group is held back, the others are not", func(t *testing.T) {
		b = newBook(settings())
		b.plan(hour(0), event(finding.KindOpened, "b", 1, 1), event(finding.KindOpened, "a", 1, 1))
		var told []string
		for n := 2; n <= 6; n++ {
			told = append(told, flip(n)...)
		}
		want(t, "flips", told, "2 opened oncall", "2 resolved oncall", "3 flapping oncall")
		want(t, "the other's end", b.plan(hour(7), event(finding.KindResolved, "b", 2, 8)), "1 resolved oncall")
	})
}

// unverified is a finding that can no longer be read, as a permission is missing.
func unverified(bucket string) Event {
	e := event(finding.KindUnverified, bucket, 2, 3)
	e.Cause, e.Unread = posture.CauseCoverage, []posture.Unread{{Path: "policy", Cause: denied}}
	return e
}

var denied = posture.Cause{Reason: posture.ReasonDenied, Operation: "S3.GetBucketPolicy", Permission: "s3:GetBucketPolicy"}

func TestCoverage(t *testing.T) {
	b := newBook(settings())
	gap := Gap{Cause: denied, Verdicts: 3000, Cells: 2, Rules: []string{"public"}, Examples: []posture.Key{{Type: "aws.s3.bucket", ID: "a"}}}
	gaps := func(now time.Time, gaps []Gap, events ...Event) []string {
		list := gapTransitions(account, gaps, b.open(), now)
		for _, e := range events {
			list = append(list, e.transitions()...)
		}
		return b.transit(now, list...)
	}
	want(t, "a lost permission", gaps(noon, []Gap{gap}, unverified("a"), unverified("b")), "1 opened desk")
	a := b.alerts[0]
	if a.Title != "Not read: denied: S3.GetBucketPolicy (needs s3:GetBucketPolicy)" || a.Count != 3002 || a.Severity != "high" {
		t.Errorf("the alert says %+v", a)
	}
	want(t, "the days after", gaps(noon.Add(24*time.Hour), []Gap{gap}))
	want(t, "more that it leaves unread", gaps(noon.Add(48*time.Hour), []Gap{gap}, unverified("c")))
	other := Gap{Cause: posture.Cause{Reason: posture.ReasonThrottled, Operation: "EC2.DescribeVolumes"}, Cells: 1}
	want(t, "another cause", gaps(noon.Add(72*time.Hour), []Gap{gap, other}), "2 opened desk")
	want(t, "half of the end", gaps(noon.Add(96*time.Hour), nil, event(finding.KindVerified, "a", 3, 5), event(finding.KindResolved, "b", 3, 5)), "2 resolved desk")
	want(t, "the end", gaps(noon.Add(120*time.Hour), nil, event(finding.KindVerified, "c", 3, 6)), "1 resolved desk")
	if n := len(b.alerts); n != 3 { // the third records that b was resolved, which was never told to fail
		t.Errorf("%d alerts", n)
	}
}

func TestMonitoring(t *testing.T) {
	b := newBook(settings())
	fail := func(account, problem string) Transition { return Failure{account, problem}.transition(noon) }
	want(t, "one problem in two accounts", b.transit(noon,
		fail("aws:111122223333", "assume role in 111122223333: timeout, request 6f0c4a52-91f0-4a07-9a3c-5f6f0a8f6d11"),
		fail("aws:444455556666", "assume role in 444455556666: timeout, request 0d9ab1b8-3c46-4f0e-8d5c-0d5be8b0c3aa")), "1 opened oncall")
	want(t, "one more account", b.transit(noon, fail("aws:777788889999", "assume role in 777788889999: timeout, request 7a7b2f10-0f4e-4b0a-8e55-1f7b0c9d2e33")))
	want(t, "the same again", b.transit(noon, fail("aws:777788889999", "assume role in 777788889999: timeout, request 7a7b2f10-0f4e-4b0a-8e55-1f7b0c9d2e34")))
	want(t, "another problem", b.transit(noon, fail("gcp:acme-data", "project acme-data: permission denied")), "2 opened oncall")
	want(t, "most scans work again", b.transit(noon, scanned("aws:111122223333", noon), scanned("aws:444455556666", noon), scanned("aws:9", noon)))
	want(t, "all scans work again", b.transit(noon, scanned("aws:777788889999", noon)), "1 resolved oncall")
	want(t, "a missed schedule", b.transit(noon, missed("nightly", noon, noon)), "3 opened oncall")
	want(t, "missed again", b.transit(noon, missed("nightly", noon.Add(time.Hour), noon)))
	want(t, "ran", b.transit(noon, ran("nightly", noon)), "3 resolved oncall")
	want(t, "ran again", b.transit(noon, ran("nightly", noon)))
}

func TestExpiry(t *testing.T) {
	b := newBook(settings())
	e := finding.Exception{
		ID: 7, RuleID: "public", Account: account, Requester: "li@example.com", Requested: noon, Starts: noon, Expires: noon.AddDate(0, 0, 30),
		Resources: []finding.Covered{{Key: posture.Key{Type: "aws.s3.bucket", ID: "a"}}},
		Decisions: []finding.Decision{{At: noon, By: "dana@example.com", What: finding.Approve}},
	}
	at := func(days int) []string {
		now := noon.AddDate(0, 0, days)
		return b.transit(now, expiryTransitions(account, []finding.Exception{e}, b.open(), now)...)
	}
	want(t, "far from the end", at(10))
	want(t, "two weeks before", at(16), "1 opened desk")
	want(t, "a day later", at(17))
	want(t, "the end", at(30), "1 resolved desk")
	want(t, "afterwards", at(31))
}

func TestDigest(t *testing.T) {
	b := newBook(settings())
	b.plan(noon, event(finding.KindOpened, "a", 1, 2), unverified("b"))
	list := MakeDigest(config.Digest{Name: "daily", Receivers: []string{"desk", "boss"}}, News{Since: noon.Add(-24 * time.Hour), Opened: b.alerts}, noon)
	if len(list) != 2 || list[0].Receiver != "desk" || list[0].Key == list[1].Key {
		t.Fatalf("deliveries: %+v", list)
	}
	text := strings.Join(list[0].Message.Body(), "\n")
	for _, part := range []string{"New and reopened findings: 1", "- [high] The bucket is public, on a (" + account + "), open", "New gaps: 1", "denied: S3.GetBucketPolicy"} {
		if !strings.Contains(text, part) {
			t.Errorf("the digest lacks %q:\n%s", part, text)
		}
	}
	if nothing := MakeDigest(config.Digest{Name: "daily", Receivers: []string{"desk"}}, News{}, noon); len(nothing) != 1 || !strings.Contains(nothing[0].Message.Title, "0 new alerts") {
		t.Errorf("a digest without news: %+v", nothing)
	}
}

func TestClean(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"plain text stays":                 {"bücket-1 (prod) 日本", "bücket-1 (prod) 日本"},
		"lines become one":                 {"a\r\nb\u2028c\td", "a  b c d"},
		"direction and invisible marks go": {"a\u202eb\u2066c\u200bd\u00ade", "a\ufffdb\ufffdc\ufffdd\ufffde"},
		"terminal control goes":            {"a\x1b[31mb\x00", "a\ufffd[31mb\ufffd"},
		"what is no text is replaced":      {"a\xffb", "a\ufffdb"},
		"a megabyte is cut":                {strings.Repeat("x", 1<<20), strings.Repeat("x", maxText-1) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Clean(test.text)
			if got != test.want || Clean(got) != got {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
