package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// What the table of permissions reads from a request has to be an input of the operation, and every read takes as_of unless nothing
// is kept of what it tells as it was before. Huma passes over inputs that it cannot see, such as those of an embedded struct whose name
// is not exported.
func TestInputsAreThoseThatTheTableReads(t *testing.T) {
	noHistory := []string{"show-me", "list-schedules", "verify-audit-log", "download-attachment"}
	named := map[scope]string{inPath: "account", inAudit: "audit", visible: "account", ofFinding: "id", ofAlert: "id", ofException: "id"}
	api := newAPI(http.NewServeMux(), "test")
	(&server{}).register(api)
	for _, item := range api.OpenAPI().Paths {
		for _, o := range []*huma.Operation{item.Get, item.Post} {
			if o == nil {
				continue
			}
			has := func(in, name string) bool {
				return slices.ContainsFunc(o.Parameters, func(p *huma.Param) bool { return p.In == in && p.Name == name })
			}
			p := permissions[o.OperationID]
			in := "path"
			if p.scope == visible {
				in = "query"
			}
			if name := named[p.scope]; name != "" && !has(in, name) {
				t.Errorf("%s is about the %s of its %s, which it does not take", o.OperationID, name, in)
			}
			if item.Get == o && has("query", "as_of") == slices.Contains(noHistory, o.OperationID) {
				t.Errorf("%s: takes as_of: %v", o.OperationID, has("query", "as_of"))
			}
		}
	}
}

func TestRulesAreCountedAsOfTheTime(t *testing.T) {
	s := newSite(t)
	account := s.filled(t)
	c := s.person(t, "viewer", role(access.Viewer))
	counted := func(query string) (pass, fail int) {
		var r ruleText
		c.get(t, "/api/rules/aws-s3-bucket-versioning-enabled?account="+account+query, http.StatusOK, &r)
		return r.Verdicts.Pass, r.Verdicts.Fail
	}
	if pass, fail := counted("&as_of=2026-03-01T05:00:00Z"); pass != 1 || fail != 0 {
		t.Errorf("the first day: %d pass, %d fail", pass, fail)
	}
	if pass, fail := counted(""); pass != 0 || fail != 1 {
		t.Errorf("now: %d pass, %d fail", pass, fail)
	}
	c.get(t, "/api/rules?as_of=2026-03-01&account="+account, http.StatusOK, nil)
}

func TestCallsOfASnapshotArePaged(t *testing.T) {
	s := newSite(t)
	in := plumbtest.Sealing(0)
	call := in.Calls[0]
	for n := 2; n <= 5; n++ {
		call.Seq = n
		in.Calls = append(in.Calls, call)
	}
	s.db.Now = func() time.Time { return plumbtest.Day(0).Add(time.Hour) }
	if _, err := s.db.Seal(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	s.db.Now = time.Now
	c := s.person(t, "viewer", role(access.Viewer))
	path, cursor := "/api/accounts/"+in.Snapshot.Account.String()+"/calls?limit=2", ""
	var got []int
	for range 4 {
		var l list[posture.Call]
		c.get(t, path+cursor, http.StatusOK, &l)
		for _, one := range l.Items {
			got = append(got, one.Seq)
		}
		if l.Next == "" {
			break
		}
		cursor = "&cursor=" + l.Next
		if len(got) == 2 { // a later snapshot, without any, is not what the next page is of
			if _, err := s.db.Seal(t.Context(), posture.Sealing{Snapshot: plumbtest.Sealing(1).Snapshot, Cells: plumbtest.Sealing(1).Cells}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !slices.Equal(got, []int{1, 2, 3, 4, 5}) {
		t.Errorf("calls %v", got)
	}
}

func TestWhatIsExceptedFailsAllTheSame(t *testing.T) {
	s := newSite(t)
	it := s.furnished(t)
	counted := func(c *caller, query string) (r ruleText) {
		c.get(t, "/api/rules/aws-s3-bucket-versioning-enabled?account="+it.account+query, http.StatusOK, &r)
		return r
	}
	c := s.person(t, "viewer", role(access.Viewer))
	if r := counted(c, ""); r.Verdicts.Fail != 1 || r.Verdicts.Excepted != 0 {
		t.Errorf("asked for only: %+v", r.Verdicts)
	}
	before := time.Now().UTC().Format(time.RFC3339Nano)
	time.Sleep(time.Millisecond) // the decision comes after it
	if r := s.person(t, "manager", role(access.Compliance)).do("POST", "/api/exceptions/"+it.exception+"/approve", map[string]any{}); r.StatusCode != http.StatusOK {
		t.Fatal(r.StatusCode)
	}
	if r := counted(c, ""); r.Verdicts.Fail != 1 || r.Verdicts.Excepted != 1 {
		t.Errorf("approved: %+v", r.Verdicts)
	}
	if r := counted(c, "&as_of="+before); r.Verdicts.Fail != 1 || r.Verdicts.Excepted != 0 {
		t.Errorf("as of before the approval: %+v", r.Verdicts)
	}
}

func TestAnotherSchemaIsNotReady(t *testing.T) {
	s := newSite(t)
	plumbtest.Tamper(t, s.url, `INSERT INTO schema_migrations (version, name) VALUES (9999, 'of a later program')`)
	if r := (&caller{site: s}).do("GET", "/readyz", nil); r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("ready with the schema of a later program: %d", r.StatusCode)
	}
}

func TestMetricsTellHowLongScansTook(t *testing.T) {
	s := newSite(t)
	for n, query := range []string{"", `INSERT INTO scans (account, run_id, connection, schedule, state, queued_at, started_at, ended_at)
		SELECT 'aws:1', 'run-' || n, 'main', '', 'sealed', now(), now() - n * interval '1 second', now() FROM generate_series(1, 101) n`} {
		if query != "" {
			plumbtest.Tamper(t, s.url, query)
		}
		body, err := io.ReadAll((&caller{site: s}).do("GET", "/metrics", nil).Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`plumbline_scan_seconds{quantile="0.5"} 51`, `plumbline_scan_seconds{quantile="1"} 101`} {
			if strings.Contains(string(body), want) != (n == 1) {
				t.Errorf("after %d queries, %s: %v", n, want, n == 0)
			}
		}
		if !strings.Contains(string(body), "plumbline_metrics_complete 1") {
			t.Error("the database did not answer everything")
		}
	}
}

func TestARequestThatTakesTooLongIsToldSo(t *testing.T) {
	s := newSite(t)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	_, err := s.db.Accounts(ctx)
	var known huma.StatusError
	if err = s.server.problem(ctx, "list-accounts", err); !errors.As(err, &known) || known.GetStatus() != http.StatusGatewayTimeout {
		t.Errorf("got %v, want 504", err)
	}
}
