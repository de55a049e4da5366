package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/config"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/signin"
	"github.com/plumbline-dev/plumbline/pkg/store"
	"github.com/plumbline-dev/plumbline/rules"
)

func TestMain(m *testing.M) { plumbtest.Main(m) }

// site is a server on a database of its own.
type site struct {
	http.Handler
	db  *store.Store
	log bytes.Buffer
}

func newSite(t *testing.T) *site {
	t.Helper()
	db, _ := plumbtest.Store(t)
	set, err := rules.Load()
	if err != nil {
		t.Fatal(err)
	}
	s := &site{db: db}
	log := slog.New(slog.NewTextHandler(&s.log, nil))
	door, err := signin.New(signin.Options{URL: "http://plumbline.test", Lifetime: time.Hour, Store: db, Sessions: db.Sessions(), Log: log, Now: db.Clock})
	if err != nil {
		t.Fatal(err)
	}
	settings := &config.Config{
		Connections: []config.Connection{{Name: "main", AWS: &config.AWS{}}},
		Controls:    []config.Control{{ID: "availability-backup", Owner: "ops@example.com", Evidence: []config.Evidence{{Name: "Restore test", Frequency: "quarterly", Due: 30}}}},
	}
	s.Handler = New(Options{
		Store: db, Signin: door, Log: log, Version: "test", Set: func() *rule.Set { return set }, Settings: func() *config.Config { return settings },
		Alerts:  func() *alert.Dispatcher { return &alert.Dispatcher{Store: db, Now: db.Clock} },
		Trigger: func(context.Context, string) (string, error) { return "run", nil },
	})
	return s
}

// caller sends requests with a cookie or a token.
type caller struct {
	site   *site
	cookie *http.Cookie
	token  string
}

func (c *caller) do(method, path string, body any, headers ...string) *http.Response {
	var text io.Reader
	if body != nil {
		data, _ := json.Marshal(body)
		text = bytes.NewReader(data)
	}
	r := httptest.NewRequest(method, "http://plumbline.test"+path, text)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if c.cookie != nil {
		r.AddCookie(c.cookie)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	w := httptest.NewRecorder()
	c.site.ServeHTTP(w, r)
	return w.Result()
}

func (c *caller) get(t *testing.T, path string, want int, into any) *http.Response {
	t.Helper()
	r := c.do("GET", path, nil)
	body, _ := io.ReadAll(r.Body)
	if r.StatusCode != want {
		t.Fatalf("GET %s: %d %.500s, want %d", path, r.StatusCode, body, want)
	}
	if into != nil {
		if err := json.Unmarshal(body, into); err != nil {
			t.Fatalf("GET %s: %v in %.500s", path, err, body)
		}
	}
	return r
}

var boss = access.Actor{ID: "boss@example.com", Kind: access.Person, Roles: []access.Role{access.Admin}}

// person signs somebody in through a link that works once.
func (s *site) person(t *testing.T, name string, grants ...access.Grant) *caller {
	t.Helper()
	ctx, email := t.Context(), name+"@example.com"
	if err := s.db.AddUser(ctx, boss, email, name); err != nil {
		t.Fatal(err)
	}
	for _, g := range grants {
		g.User = email
		if _, err := s.db.GrantRole(ctx, boss, g); err != nil {
			t.Fatal(err)
		}
	}
	secret, digest := access.NewSecret()
	if err := s.db.AddLink(ctx, boss, digest, email, s.db.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "http://plumbline.test/signin/link", strings.NewReader(url.Values{"token": {secret}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	for _, cookie := range w.Result().Cookies() {
		if cookie.Name == "plumbline" {
			return &caller{site: s, cookie: cookie}
		}
	}
	t.Fatalf("not signed in: %d %s", w.Code, w.Body)
	return nil
}

func role(r access.Role) access.Grant { return access.Grant{Role: r} }

// filled has two snapshots of a day apart; in the second a bucket fails.
func (s *site) filled(t *testing.T) (account string) {
	t.Helper()
	for day := range 2 {
		in := plumbtest.Sealing(day, plumbtest.Resource("logs", map[string]any{"name": "logs", "day": day}))
		if day == 1 {
			for i := range in.Verdicts {
				in.Verdicts[i].Result, in.Verdicts[i].Reason = posture.Fail, "open to the world"
			}
		}
		s.db.Now = func() time.Time { return plumbtest.Day(day).Add(time.Hour) }
		if _, err := s.db.Seal(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	s.db.Now = time.Now
	return plumbtest.Account().String()
}

// probes are a request for every operation, with ids that are not there: who may not is refused before that is noticed.
func probes(t *testing.T, account string) map[string]func(*caller) *http.Response {
	t.Helper()
	api := newAPI(http.NewServeMux(), "test")
	(&server{}).register(api)
	out := map[string]func(*caller) *http.Response{}
	for path, item := range api.OpenAPI().Paths {
		for _, o := range []*huma.Operation{item.Get, item.Post} {
			if o == nil {
				continue
			}
			address := strings.NewReplacer("{account}", url.PathEscape(account), "{name}", "none").Replace(path)
			if strings.Contains(path, "findings/") {
				address = strings.ReplaceAll(address, "{id}", "F-none")
			}
			address = strings.ReplaceAll(address, "{id}", "999999")
			switch o.OperationID {
			case "show-resource":
				address += "?type=x&region=global&id=none"
			}
			out[o.OperationID] = func(c *caller) *http.Response {
				if o.Method == "GET" {
					return c.do("GET", address, nil)
				}
				body := map[string]map[string]any{
					"request-exception": {"reason": "x", "risk": "y", "findings": []string{"F-none"}}, "start-scan": {"connection": "none"},
					"add-user": {"email": fmt.Sprintf("new-%d@example.com", time.Now().UnixNano()), "name": "New"}, "grant-role": {"user": "nobody@example.com", "role": "viewer"},
					"review-attachment": {"accepted": true},
				}[o.OperationID]
				if o.OperationID == "attach" {
					r := c.do("POST", address, nil, "Content-Type", "multipart/form-data; boundary=x")
					return r
				}
				if body == nil {
					body = map[string]any{}
				}
				return c.do("POST", address, body)
			}
		}
	}
	return out
}

// TestWhoMayWhat calls every operation as everybody. testdata/access.golden was compared by hand with the roles of the audit model: y
// is allowed (whatever then comes of it), n is refused, - is not signed in.
func TestWhoMayWhat(t *testing.T) {
	s := newSite(t)
	account := s.filled(t)
	callers := []struct {
		name string
		*caller
	}{
		{"nobody", &caller{site: s}},
		{"wrong-token", &caller{site: s, token: "plb_" + strings.Repeat("A", 43)}},
		{"viewer", s.person(t, "viewer", role(access.Viewer))},
		{"viewer-elsewhere", s.person(t, "elsewhere", access.Grant{Role: access.Viewer, Scopes: []string{"aws:999900001111"}})},
		{"on-call", s.person(t, "oncall", role(access.OnCall))},
		{"compliance", s.person(t, "compliance", role(access.Compliance))},
		{"rule-author", s.person(t, "author", role(access.RuleAuthor))},
		{"rule-approver", s.person(t, "approver", role(access.RuleLead))},
		{"admin", s.person(t, "admin", role(access.Admin))},
		{"auditor", s.person(t, "auditor", access.Grant{Role: access.Auditor, Audit: "a-1", Until: posture.Some(time.Now().Add(24 * time.Hour))})},
	}
	all := probes(t, account)
	var ids []string
	for id := range all {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var table strings.Builder
	refusals := 0
	for _, id := range ids {
		fmt.Fprintf(&table, "%-22s", id)
		for _, c := range callers {
			r := all[id](c.caller)
			body, _ := io.ReadAll(r.Body)
			mark := "y"
			switch r.StatusCode {
			case 429: // too many wrong tokens
				mark = "-"
			case 401:
				mark = "-"
				refusals++
			case 403:
				mark = "n"
				refusals++
				if !strings.Contains(string(body), "refused") {
					mark = "y" // allowed, and then a guard said no
				}
			case 500:
				t.Errorf("%s as %s: %s\n%s", id, c.name, body, s.log.String())
			}
			fmt.Fprintf(&table, " %s", mark)
		}
		table.WriteString("\n")
	}
	var head strings.Builder
	for i, c := range callers {
		fmt.Fprintf(&head, "# column %d: %s\n", i+1, c.name)
	}
	got := head.String() + table.String()
	const golden = "testdata/access.golden"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || string(want) != got {
		t.Errorf("who may what differs from %s (%v); got:\n%s", golden, err, got)
	}
	entries, err := s.db.AuditLog(t.Context(), store.AuditFilter{Outcome: access.Refused})
	if err != nil || len(entries) < refusals {
		t.Errorf("%d refusals, of which the audit log holds %d, %v", refusals, len(entries), err)
	}
}

func TestReadsAnswerAsOfTheTime(t *testing.T) {
	s := newSite(t)
	account := s.filled(t)
	c := s.person(t, "viewer", role(access.Viewer))
	first, second := plumbtest.Day(0).Add(2*time.Hour).Format(time.RFC3339), plumbtest.Day(1).Add(2*time.Hour).Format(time.RFC3339)
	var accounts list[posture.Snapshot]
	c.get(t, "/api/accounts?as_of="+first, 200, &accounts)
	if len(accounts.Items) != 1 || accounts.Items[0].Seq != 1 {
		t.Errorf("accounts as of the first day: %+v", accounts)
	}
	c.get(t, "/api/accounts?as_of=2001-01-01", 200, &accounts)
	if len(accounts.Items) != 0 {
		t.Errorf("accounts before anything was read: %+v", accounts)
	}
	results := func(asOf string) (out []posture.Result) {
		var l list[store.Judged]
		c.get(t, "/api/verdicts?account="+account+"&as_of="+asOf, 200, &l)
		for _, v := range l.Items {
			out = append(out, v.Result)
		}
		return out
	}
	if a, b := results(first), results(second); slices.Contains(a, posture.Fail) || !slices.Contains(b, posture.Fail) {
		t.Errorf("verdicts %v, then %v", a, b)
	}
	var findings list[map[string]any]
	c.get(t, "/api/findings?as_of="+first, 200, &findings)
	if len(findings.Items) != 0 {
		t.Errorf("findings as of the first day: %v", findings.Items)
	}
	c.get(t, "/api/findings", 200, &findings)
	if len(findings.Items) == 0 {
		t.Error("no findings now")
	}
	var changes list[posture.Change]
	c.get(t, "/api/accounts/"+account+"/drift", 200, &changes)
	if len(changes.Items) == 0 {
		t.Error("no drift between the two")
	}
	for path, want := range map[string]int{
		"/api/accounts?as_of=yesterday":                                            422,
		"/api/accounts?as_of=2999-01-01":                                           422,
		"/api/accounts/aws:000000000000/snapshot":                                  404,
		"/api/accounts/" + account + "/resource?type=a&region=b":                   422,
		"/api/findings?cursor=%00":                                                 422,
		"/api/findings?cursor=W10":                                                 422,
		"/api/findings?limit=501":                                                  422,
		"/api/nothing":                                                             404,
		"/api/accounts/" + account + "/drift?from=2&to=1":                          422,
		"/api/accounts/" + account + "/snapshot?seq=2":                             200,
		"/api/accounts/" + account + "/resource?type=x&region=global&id=%3Cscript": 404,
	} {
		c.get(t, path, want, nil)
	}
}

func TestAnUnchangedAnswerIsNotSentAgain(t *testing.T) {
	s := newSite(t)
	s.filled(t)
	c := s.person(t, "viewer", role(access.Viewer))
	r := c.get(t, "/api/findings", 200, nil)
	etag := r.Header.Get("ETag")
	if etag == "" {
		t.Fatal("no ETag")
	}
	if r := c.do("GET", "/api/findings", nil, "If-None-Match", etag); r.StatusCode != http.StatusNotModified {
		t.Errorf("the same again: %d", r.StatusCode)
	}
	if r := c.do("GET", "/api/findings?limit=1", nil, "If-None-Match", `W/"other"`); r.StatusCode != http.StatusOK {
		t.Errorf("another: %d", r.StatusCode)
	}
}

func TestPagesHaveNoHolesWhileRowsAreAdded(t *testing.T) {
	s := newSite(t)
	var resources []posture.Content
	for i := range 300 {
		resources = append(resources, plumbtest.Resource(fmt.Sprintf("bucket-%03d", i), map[string]any{"name": i}))
	}
	in := plumbtest.Sealing(0, resources...)
	s.db.Now = func() time.Time { return plumbtest.Day(0).Add(time.Hour) }
	if _, err := s.db.Seal(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	s.db.Now = time.Now
	c := s.person(t, "viewer", role(access.Viewer))
	seen, cursor, account := map[string]bool{}, "", plumbtest.Account().String()
	for n := 0; ; n++ {
		var l list[resource]
		c.get(t, "/api/accounts/"+account+"/resources?limit=17&seq=1&cursor="+cursor, 200, &l)
		for _, r := range l.Items {
			if seen[r.ID] {
				t.Errorf("%s twice", r.ID)
			}
			seen[r.ID] = true
		}
		if cursor = l.Next; cursor == "" {
			break
		}
		if n == 3 { // a later snapshot with more does not disturb the page of this one
			more := plumbtest.Sealing(1, append(resources, plumbtest.Resource("aaa", map[string]any{"name": "a"}))...)
			if _, err := s.db.Seal(t.Context(), more); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(seen) != 300 {
		t.Errorf("%d of 300 seen", len(seen))
	}
}

func TestTooManyRequestsAreTold(t *testing.T) {
	s := newSite(t)
	c := s.person(t, "viewer", role(access.Viewer))
	limited := 0
	for range burst + 50 {
		if r := c.do("GET", "/api/me", nil); r.StatusCode == http.StatusTooManyRequests {
			limited++
			if r.Header.Get("Retry-After") == "" {
				t.Fatal("no Retry-After")
			}
		}
	}
	if limited == 0 {
		t.Error("never limited")
	}
}

func TestHostileNamesStayText(t *testing.T) {
	s := newSite(t)
	hostile := "<script>alert(1)</script>\u202e" + strings.Repeat("x", 1<<20)
	in := plumbtest.Sealing(0, plumbtest.Resource("<img src=x onerror=alert(1)>", map[string]any{"name": hostile}))
	s.db.Now = func() time.Time { return plumbtest.Day(0).Add(time.Hour) }
	if _, err := s.db.Seal(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	s.db.Now = time.Now
	c := s.person(t, "viewer", role(access.Viewer))
	var l list[struct {
		ID         string         `json:"id"`
		Attributes map[string]any `json:"attributes"`
	}]
	r := c.get(t, "/api/accounts/"+plumbtest.Account().String()+"/resources", 200, &l)
	if len(l.Items) != 1 || l.Items[0].Attributes["name"] != hostile || !strings.HasPrefix(l.Items[0].ID, "<img") {
		t.Error("the names changed on their way")
	}
	if r.Header.Get("Content-Type") != "application/json" || r.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(r.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("headers %v", r.Header)
	}
}

func TestHealthAndMetrics(t *testing.T) {
	s := newSite(t)
	account := s.filled(t)
	c := &caller{site: s}
	for path, want := range map[string]int{"/healthz": 204, "/readyz": 204} {
		if r := c.do("GET", path, nil); r.StatusCode != want {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	c.do("GET", "/api/me", nil)
	body, _ := io.ReadAll(c.do("GET", "/metrics", nil).Body)
	for _, want := range []string{
		`plumbline_snapshot_age_seconds{account="` + account + `"}`, `plumbline_verdicts{account="` + account + `",result="fail"}`,
		`plumbline_findings{state="open"}`, "plumbline_metrics_complete 1", "go_goroutines", "plumbline_http_request_seconds_count",
	} {
		if !strings.Contains(string(body), want) {
			t.Errorf("%s is missing", want)
		}
	}
}
