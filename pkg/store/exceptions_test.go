package store_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// clocked is a store on which buckets 0 to 3 of 5 fail since day 0, and its clock.
func clocked(t testing.TB) (s *store.Store, url string, now *time.Time) {
	t.Helper()
	s, url = plumbtest.Store(t)
	now = new(time.Time)
	*now = plumbtest.Day(0).Add(2 * time.Minute)
	s.Now = func() time.Time { return *now }
	seal(t, s, failing(0, buckets(5), "bucket-000", "bucket-001", "bucket-002", "bucket-003"))
	return s, url, now
}

// wanting is a request for some buckets.
func wanting(ids ...string) finding.Exception {
	e := finding.Exception{Account: account, RuleID: plumbtest.Rule, Reason: "a public site", Risk: "none", Compensating: "a proxy before it"}
	for _, id := range ids {
		e.Resources = append(e.Resources, finding.Covered{Key: bucketKey(id)})
	}
	return e
}

func request(t testing.TB, s *store.Store, e finding.Exception) finding.Exception {
	t.Helper()
	e, err := s.RequestException(context.Background(), oncall, e)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func decide(t testing.TB, s *store.Store, by access.Actor, id int64, what finding.Verdict) {
	t.Helper()
	if _, err := s.DecideException(context.Background(), by, id, what, "because"); err != nil {
		t.Fatal(err)
	}
}

func stateOf(t testing.TB, s *store.Store, bucket string, asOf time.Time) finding.State {
	t.Helper()
	f, err := s.Finding(context.Background(), findingID(bucket), asOf)
	if err != nil {
		t.Fatal(err)
	}
	if has := f.Exception != 0; has != (f.State == finding.Excepted || f.State == finding.ExceptionRequested) {
		t.Errorf("%s has exception %d", f.State, f.Exception)
	}
	return f.State
}

// An exception that begins on day 31 at noon is in force neither at the scan of that morning nor a second before noon.
func TestExceptionBeginsAtNoon(t *testing.T) {
	s, url, now := clocked(t)
	noon := time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC) // of day 31
	*now = plumbtest.Day(20)
	asked := wanting("bucket-000", "bucket-001")
	asked.Starts = noon
	e := request(t, s, asked)
	*now = plumbtest.Day(21)
	decide(t, s, manager, e.ID, finding.Approve)
	same := func(day int) posture.Snapshot {
		*now = plumbtest.Day(day).Add(2 * time.Minute)
		return seal(t, s, failing(day, buckets(5), "bucket-000", "bucket-001", "bucket-002", "bucket-003"))
	}
	same(31)
	for i, at := range []time.Time{noon.Add(-time.Second), noon, noon.Add(time.Second)} {
		n, err := s.ExpireExceptions(t.Context(), at)
		if want := []int{0, 2, 0}[i]; n != want || err != nil {
			t.Errorf("at %s %d findings moved %v, want %d", at, n, err, want)
		}
	}
	same(32)
	*now = e.Expires.Add(time.Hour)
	if n, err := s.ExpireExceptions(t.Context(), *now); n != 2 || err != nil {
		t.Errorf("%d findings moved %v at the end", n, err)
	}
	after := plumbtest.Sealing(130, buckets(5)...)
	seal(t, s, after) // all pass
	for at, want := range map[time.Time]finding.State{
		plumbtest.Day(1): finding.Open, plumbtest.Day(20): finding.ExceptionRequested, plumbtest.Day(25): finding.ExceptionRequested,
		plumbtest.Day(31).Add(time.Hour): finding.ExceptionRequested, noon.Add(-time.Microsecond): finding.ExceptionRequested, noon: finding.Excepted,
		e.Expires.Add(-time.Microsecond): finding.Excepted, e.Expires: finding.Open, plumbtest.Day(200): finding.Resolved,
	} {
		if got := stateOf(t, s, "bucket-000", at); got != want {
			t.Errorf("at %s it is %s, want %s", at, got, want)
		}
		if got := stateOf(t, s, "bucket-002", at); got != finding.Open && got != finding.Resolved {
			t.Errorf("at %s another finding is %s", at, got)
		}
	}
	verdicts, err := s.Verdicts(t.Context(), store.VerdictFilter{AsOf: noon.Add(24 * time.Hour), ID: "bucket-000"})
	if err != nil || len(verdicts) != 1 || verdicts[0].Result != posture.Fail {
		t.Errorf("while it was accepted the verdict was %+v %v", verdicts, err)
	}
	checkProjection(t, url)
	if e.Expires != noon.AddDate(0, 0, 90) || e.Requester != oncall.ID || !cmp.Equal(e.RuleVersions, []string{"v1"}) || len(e.Resources) != 2 || e.Resources[0].Reason != "versioning is Suspended" || e.Resources[0].Content == "" {
		t.Errorf("request %+v", e)
	}
	for at, want := range map[time.Time]finding.Standing{
		plumbtest.Day(20): finding.Requested, plumbtest.Day(21): finding.Approved, noon: finding.InForce, e.Expires: finding.Expired,
	} {
		then, err := s.Exception(t.Context(), e.ID, at)
		if err != nil || then.Standing(at) != want {
			t.Errorf("at %s the exception is %s %v, want %s", at, then.Standing(at), err, want)
		}
	}
	if list, err := s.Exceptions(t.Context(), store.ExceptionFilter{AsOf: plumbtest.Day(19)}); len(list) != 0 || err != nil {
		t.Errorf("before it was requested: %+v %v", list, err)
	}
	if list, err := s.Exceptions(t.Context(), store.ExceptionFilter{AsOf: plumbtest.Day(20), Account: account, Rule: plumbtest.Rule}); err != nil || len(list) != 1 || len(list[0].Decisions) != 0 {
		t.Errorf("before it was decided: %+v %v", list, err)
	}
}

// Noticed by a scan alone, it began and ended when it should.
func TestSealingSettlesExceptions(t *testing.T) {
	s, _, now := clocked(t)
	asked := wanting("bucket-000")
	asked.Starts, asked.Expires = plumbtest.Day(2), plumbtest.Day(4)
	*now = plumbtest.Day(1)
	e := request(t, s, asked)
	decide(t, s, manager, e.ID, finding.Approve)
	seal(t, s, failing(3, buckets(5), "bucket-000", "bucket-001", "bucket-002", "bucket-003"))
	seal(t, s, failing(9, buckets(5), "bucket-000", "bucket-001", "bucket-002", "bucket-003"))
	if diff := cmp.Diff([]string{
		"03-01 04:01 opened→open engine 1", "03-02 04:00 exception_requested→exception_requested alice@example.com 0",
		"03-03 04:00 excepted→excepted engine 0 exception", "03-05 04:00 exception_expired→open engine 0 exception",
	}, story(t, s, "bucket-000")); diff != "" {
		t.Errorf("events differ (-want +got):\n%s", diff)
	}
}

func TestExceptionDecisions(t *testing.T) {
	s, url, now := clocked(t)
	*now = plumbtest.Day(1)
	if _, err := s.MoveFinding(t.Context(), oncall, findingID("bucket-001"), finding.Act{Kind: finding.KindAcked, Assignee: oncall.ID}); err != nil {
		t.Fatal(err)
	}
	refused := request(t, s, wanting("bucket-000", "bucket-001"))
	decide(t, s, manager, refused.ID, finding.Refuse)
	if a, b := stateOf(t, s, "bucket-000", time.Time{}), stateOf(t, s, "bucket-001", time.Time{}); a != finding.Open || b != finding.Acknowledged {
		t.Errorf("after a refusal they are %s and %s, not what they were", a, b)
	}
	e := request(t, s, wanting("bucket-000"))
	for name, test := range map[string]struct {
		by   access.Actor
		id   int64
		what finding.Verdict
		want string
	}{
		"one's own approval":         {oncall, e.ID, finding.Approve, "another person has to approve"},
		"what is not approved":       {manager, e.ID, finding.Revoke, "refuse it instead"},
		"what is refused already":    {manager, refused.ID, finding.Approve, "it is refused"},
		"something that is no verb":  {manager, e.ID, "extend", "is no decision"},
		"an exception that is not":   {manager, 99, finding.Approve, "not found"},
		"an exception to an unknown": {manager, 0, finding.Approve, "not found"},
	} {
		if _, err := s.DecideException(t.Context(), test.by, test.id, test.what, "x"); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	decide(t, s, manager, e.ID, finding.Approve)
	if got := stateOf(t, s, "bucket-000", time.Time{}); got != finding.Excepted {
		t.Errorf("approved, it is %s", got)
	}
	*now = plumbtest.Day(2)
	decide(t, s, lead, e.ID, finding.Revoke)
	if got := stateOf(t, s, "bucket-000", time.Time{}); got != finding.Open {
		t.Errorf("revoked, it is %s", got)
	}
	if got := stateOf(t, s, "bucket-000", plumbtest.Day(1).Add(time.Hour)); got != finding.Excepted {
		t.Errorf("before it was revoked it was %s", got)
	}
	checkProjection(t, url)

	for name, test := range map[string]struct {
		change func(*finding.Exception)
		want   string
	}{
		"without a reason":              {func(e *finding.Exception) { e.Reason = "" }, "say why"},
		"for two years":                 {func(e *finding.Exception) { e.Expires = plumbtest.Day(730) }, "longer than 365 days"},
		"reaching back":                 {func(e *finding.Exception) { e.Starts = plumbtest.Day(0) }, "do not reach back"},
		"to what passes":                {func(e *finding.Exception) { e.Resources[0].Key = bucketKey("bucket-004") }, "is no finding"},
		"to what is of another rule":    {func(e *finding.Exception) { e.RuleID = "other" }, "is no finding"},
		"to nothing":                    {func(e *finding.Exception) { e.Resources = nil }, "no open or acknowledged finding"},
		"by a pattern that fits none":   {func(e *finding.Exception) { e.Resources, e.Pattern = nil, "nothing-*" }, "no open or acknowledged finding"},
		"by a pattern and a resource":   {func(e *finding.Exception) { e.Pattern = "*" }, "not both"},
		"to what is claimed to be done": {func(e *finding.Exception) { e.Resources[0].Key = bucketKey("bucket-002") }, "it is fix_claimed"},
	} {
		if _, err := s.MoveFinding(t.Context(), oncall, findingID("bucket-002"), finding.Act{Kind: finding.KindClaimed, Reference: "x"}); err != nil && !strings.Contains(err.Error(), "it is fix_claimed") {
			t.Fatal(err)
		}
		asked := wanting("bucket-000")
		test.change(&asked)
		if _, err := s.RequestException(t.Context(), oncall, asked); !errors.Is(err, posture.ErrInvalid) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	if list, err := s.Exceptions(t.Context(), store.ExceptionFilter{}); err != nil || len(list) != 2 {
		t.Errorf("%d exceptions %v, want 2: what was refused at once is none", len(list), err)
	}
	rows, err := connect(t, url).Query(t.Context(), `SELECT count(*) FILTER (WHERE outcome = 'done'), count(*) FILTER (WHERE outcome = 'refused') FROM audit_log WHERE action LIKE 'exception.%'`)
	if err != nil {
		t.Fatal(err)
	}
	logged, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[struct{ Done, Refused int }])
	if err != nil || logged.Done != 5 || logged.Refused != 12 {
		t.Errorf("the audit log has %+v %v", logged, err)
	}
}

func TestPatternNeedsTwoApprovers(t *testing.T) {
	s, url, now := clocked(t)
	*now = plumbtest.Day(1)
	asked := wanting()
	asked.Pattern = "bucket-00*"
	e := request(t, s, asked)
	if len(e.Resources) != 4 {
		t.Fatalf("it covers %+v", e.Resources)
	}
	decide(t, s, manager, e.ID, finding.Approve)
	if got := stateOf(t, s, "bucket-003", time.Time{}); got != finding.ExceptionRequested {
		t.Errorf("after one approval it is %s", got)
	}
	*now = plumbtest.Day(2)
	seal(t, s, failing(2, append(buckets(5), plumbtest.Resource("bucket-00x", nil)), "bucket-000", "bucket-001", "bucket-002", "bucket-003", "bucket-00x"))
	*now = plumbtest.Day(3)
	decide(t, s, lead, e.ID, finding.Approve)
	if a, b := stateOf(t, s, "bucket-003", time.Time{}), stateOf(t, s, "bucket-00x", time.Time{}); a != finding.Excepted || b != finding.Open {
		t.Errorf("after two approvals it is %s, and what came later is %s", a, b)
	}
	// a pattern's other signs stand for themselves
	*now = plumbtest.Day(4)
	asked.Pattern = "bucket_00%"
	if _, err := s.RequestException(t.Context(), oncall, asked); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("%q fits something: %v", asked.Pattern, err)
	}
	// the database refuses what the program would
	for _, by := range []string{oncall.ID, manager.ID} {
		_, err := connect(t, url).Exec(t.Context(), `INSERT INTO exception_decisions VALUES ($1, $2, 9, now(), $3, 'approve', '')`, account, e.ID, by)
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != "42501" {
			t.Errorf("a forged approval by %s: %v", by, err)
		}
	}
}

func TestConcurrentApprovals(t *testing.T) {
	for name, test := range map[string]struct {
		pattern string
		works   int // of ten approvals by ten people
	}{
		"one is enough for a resource": {"", 1},
		"a pattern takes two":          {"bucket-00*", 2},
	} {
		t.Run(name, func(t *testing.T) {
			s, url, now := clocked(t)
			*now = plumbtest.Day(1)
			asked := wanting("bucket-000")
			if asked.Pattern = test.pattern; test.pattern != "" {
				asked.Resources = nil
			}
			e := request(t, s, asked)
			var wait sync.WaitGroup
			results := make(chan error, 10)
			for i := range 10 {
				wait.Go(func() {
					_, err := s.DecideException(context.Background(), access.Actor{ID: fmt.Sprintf("person-%d@example.com", i), Kind: access.Person}, e.ID, finding.Approve, "")
					results <- err
				})
			}
			wait.Wait()
			close(results)
			worked := 0
			for err := range results {
				if err == nil {
					worked++
				} else if !strings.Contains(err.Error(), "it is in_force: it can only be revoked") {
					t.Error(err)
				}
			}
			decided, err := s.Exception(t.Context(), e.ID, time.Time{})
			if worked != test.works || err != nil || len(decided.Decisions) != test.works {
				t.Errorf("%d approvals went through, want %d: %+v %v", worked, test.works, decided.Decisions, err)
			}
			if got := stateOf(t, s, "bucket-000", time.Time{}); got != finding.Excepted {
				t.Errorf("it is %s", got)
			}
			checkProjection(t, url)
		})
	}
}

// What was accepted is what the rule said then of the resource as it was.
func TestExceptionIsOutgrown(t *testing.T) {
	types := []*posture.Type{posture.NewType[struct {
		posture.Meta
		Versioning string `json:"versioning"`
		Logging    string `json:"logging"`
		LastUsed   int    `json:"last_used" volatile:"true"`
	}](plumbtest.Type, nil)}
	bucket := func(versioning, logging string, used int64) posture.Content {
		return plumbtest.Resource("bucket-000", map[string]any{"versioning": versioning, "logging": logging, "last_used": used})
	}
	for name, test := range map[string]struct {
		now     posture.Content
		reason  string
		version string
		want    finding.State
	}{
		"nothing changed":                       {bucket("Suspended", "on", 1), "versioning is Suspended", "v1", finding.Excepted},
		"another attribute changed":             {bucket("Suspended", "off", 1), "versioning is Suspended", "v1", finding.Excepted},
		"the attribute changed":                 {bucket("Disabled", "on", 1), "versioning is Disabled", "v1", finding.Open},
		"days were counted":                     {bucket("Suspended", "on", 2), "versioning is Suspended for 2 days", "v1", finding.Excepted},
		"the rule changed":                      {bucket("Suspended", "on", 1), "versioning is Suspended", "v2", finding.Open},
		"the attribute changed, and it is used": {bucket("Disabled", "on", 9), "versioning is Disabled", "v1", finding.Open},
	} {
		for _, early := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, approved before: %v", name, early), func(t *testing.T) {
				s, _ := plumbtest.Store(t)
				now := plumbtest.Day(0).Add(time.Hour)
				s.Now, s.Types = func() time.Time { return now }, types
				seal(t, s, failing(0, []posture.Content{bucket("Suspended", "on", 1)}, "bucket-000"))
				e := request(t, s, wanting("bucket-000"))
				if early {
					decide(t, s, manager, e.ID, finding.Approve)
				}
				in := failing(1, []posture.Content{test.now}, "bucket-000")
				in.Verdicts[0].Reason, in.Verdicts[0].RuleVersion = test.reason, test.version
				seal(t, s, in)
				if now = plumbtest.Day(1).Add(time.Hour); !early {
					decide(t, s, manager, e.ID, finding.Approve)
				}
				if got := stateOf(t, s, "bucket-000", time.Time{}); got != test.want {
					t.Errorf("it is %s, want %s:\n%s", got, test.want, strings.Join(story(t, s, "bucket-000"), "\n"))
				}
			})
		}
	}
}

func TestAttachments(t *testing.T) {
	s, url := plumbtest.Store(t)
	now := time.Date(2026, 2, 3, 9, 0, 0, 0, time.UTC)
	s.Now = func() time.Time { return now }
	date := func(month time.Month, d int) time.Time { return time.Date(2026, month, d, 0, 0, 0, 0, time.UTC) }
	sheet := finding.Attachment{Control: "access-review", Slot: "sheet", Name: "january.csv", Media: "text/csv", From: date(1, 1), To: date(2, 1), Uploaded: date(1, 1), Uploader: "nobody"}
	data := []byte("name,role\nalice,admin\n")
	first, err := s.Attach(t.Context(), oncall, sheet, data)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	if first.Uploaded != now || first.Uploader != oncall.ID || first.SHA256 != hex.EncodeToString(sum[:]) || first.Size != int64(len(data)) || first.ID == 0 {
		t.Errorf("attached as %+v", first)
	}
	if got, err := s.AttachmentData(t.Context(), first.ID); !bytes.Equal(got, data) || err != nil {
		t.Errorf("read back as %q %v", got, err)
	}
	largest, err := s.Attach(t.Context(), oncall, sheet, make([]byte, finding.MaxAttachment))
	if err != nil {
		t.Errorf("25 MB: %v", err)
	}
	for want, data := range map[string][]byte{"larger than 25 MB": make([]byte, finding.MaxAttachment+1), "it is empty": nil} {
		if _, err := s.Attach(t.Context(), oncall, sheet, data); !errors.Is(err, posture.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	now = date(2, 4)
	if _, err := s.ReviewAttachment(t.Context(), oncall, first.ID, true, ""); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("reviewed by who attached it: %v", err)
	}
	if _, err := s.ReviewAttachment(t.Context(), manager, 99, true, ""); !errors.Is(err, posture.ErrNotFound) {
		t.Errorf("a review of nothing: %v", err)
	}
	if _, err := s.ReviewAttachment(t.Context(), manager, largest.ID, false, "empty pages"); err != nil {
		t.Error(err)
	}
	now = date(2, 5)
	reviewed, err := s.ReviewAttachment(t.Context(), manager, first.ID, true, "")
	if err != nil || !reviewed.Accepted() {
		t.Errorf("%+v %v", reviewed, err)
	}
	if got, err := s.Attachment(t.Context(), first.ID, time.Time{}); !cmp.Equal(reviewed, got) || err != nil {
		t.Errorf("stored: %v %s", err, cmp.Diff(reviewed, got))
	}
	slots := []finding.Slot{{Control: "access-review", Name: "sheet", Frequency: "monthly", Due: 10}}
	for at, want := range map[time.Time]finding.DutyStanding{
		date(2, 2): finding.DutyDue, date(2, 4): finding.DutyAwaiting, date(2, 5): finding.DutyMet, {}: finding.DutyMet,
	} {
		duties, err := s.Duties(t.Context(), slots, date(1, 1), at)
		if err != nil || len(duties) != 1 || duties[0].Standing != want {
			t.Errorf("at %s: %+v %v, want %s", at, duties, err, want)
		}
	}
	if list, err := s.Attachments(t.Context(), "other", time.Time{}); len(list) != 0 || err != nil {
		t.Errorf("of another control: %+v %v", list, err)
	}
	// a file that is not what was attached is not handed out
	conn := connect(t, url)
	for _, sql := range []string{`ALTER TABLE attachments DISABLE TRIGGER USER`, `UPDATE attachments SET data = 'forged' WHERE id = 1`} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.AttachmentData(t.Context(), first.ID); err == nil || !strings.Contains(err.Error(), "digest differs") {
		t.Errorf("a forged file: %v", err)
	}
}
