package web

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/config"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
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
	server *server
	db     *store.Store
	url    string
	people int
	log    bytes.Buffer
}

func newSite(t testing.TB) *site {
	t.Helper()
	db, url := plumbtest.Store(t)
	set, err := rules.Load()
	if err != nil {
		t.Fatal(err)
	}
	s := &site{db: db, url: url}
	log := slog.New(slog.NewTextHandler(&s.log, nil))
	door, err := signin.New(signin.Options{URL: "http://plumbline.test", Lifetime: time.Hour, Store: db, Sessions: db.Sessions(), Log: log, Now: db.Clock})
	if err != nil {
		t.Fatal(err)
	}
	settings := &config.Config{
		Connections: []config.Connection{{Name: "main", AWS: &config.AWS{}}},
		Controls:    []config.Control{{ID: "availability-backup", Owner: "ops@example.com", Evidence: []config.Evidence{{Name: "Restore test", Frequency: "quarterly", Due: 30}}}},
	}
	s.server = newServer(Options{
		Store: db, Signin: door, Log: log, Version: "test", Set: func() *rule.Set { return set }, Settings: func() *config.Config { return settings },
		Alerts:  func() *alert.Dispatcher { return &alert.Dispatcher{Store: db, Now: db.Clock} },
		Trigger: func(context.Context, string) (string, error) { return "run", nil },
		Cancel: func(context.Context, string, string, string) ([]string, error) {
			return []string{"aws:111122223333"}, nil
		},
	})
	s.Handler = s.server.handler()
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
	return c.send(method, path, text, append([]string{"Content-Type", "application/json"}, headers...)...)
}

func (c *caller) send(method, path string, body io.Reader, headers ...string) *http.Response {
	r := httptest.NewRequest(method, "http://plumbline.test"+path, body)
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

func (c *caller) get(t testing.TB, path string, want int, into any) *http.Response {
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
func (s *site) person(t testing.TB, name string, grants ...access.Grant) *caller {
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
	s.people++
	r.RemoteAddr = fmt.Sprintf("10.0.%d.%d:1", s.people/250, s.people%250) // sign-ins are limited by address
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

// token is a program that acts for somebody with some of their roles.
func (s *site) token(t testing.TB, name string, owner string, life time.Duration, roles []access.Role, scopes ...string) *caller {
	t.Helper()
	secret, digest := access.NewSecret()
	by := access.Actor{ID: owner + "@example.com", Kind: access.Person}
	if _, err := s.db.CreateToken(t.Context(), by, access.APIToken{Name: name, Owner: by.ID, Roles: roles, Scopes: scopes, Expires: s.db.Now().Add(life)}, digest); err != nil {
		t.Fatal(err)
	}
	return &caller{site: s, token: secret}
}

// things are ids of what there is one of.
type things struct{ account, finding, exception, alert string }

// furnished has what operations are about.
func (s *site) furnished(t *testing.T) things {
	t.Helper()
	it := things{account: s.filled(t)}
	findings, err := s.db.Findings(t.Context(), store.FindingFilter{})
	if err != nil || len(findings) == 0 {
		t.Fatal("no findings", err)
	}
	it.finding = findings[0].ID
	e, err := s.db.RequestException(t.Context(), access.Actor{ID: "asker@example.com", Kind: access.Person},
		finding.Exception{Reason: "a test", Risk: "none", Resources: []finding.Covered{{Finding: it.finding}}})
	if err != nil {
		t.Fatal(err)
	}
	it.exception = fmt.Sprint(e.ID)
	at := s.db.Clock()
	if err := s.db.PlanAlerts(t.Context(), alert.Ask{Account: it.account}, func(alert.Known) ([]alert.Change, error) {
		return []alert.Change{{
			Alert:   alert.Alert{Account: it.account, Class: alert.Findings, Group: "g", Title: "A bucket is open", Severity: "high", Routes: []string{}, Opened: at},
			Entries: []alert.Entry{{At: at, Kind: alert.Opened}},
		}}, nil
	}); err != nil {
		t.Fatal(err)
	}
	alerts, err := s.db.Alerts(t.Context(), store.AlertFilter{})
	if err != nil || len(alerts) != 1 {
		t.Fatal(alerts, err)
	}
	it.alert = fmt.Sprint(alerts[0].ID)
	return it
}

// probes are a request for every operation of the API's description.
func probes(t *testing.T, it things) map[string]func(*caller) *http.Response {
	t.Helper()
	api := newAPI(http.NewServeMux(), "test")
	(&server{}).register(api)
	out := map[string]func(*caller) *http.Response{}
	for path, item := range api.OpenAPI().Paths {
		for _, o := range []*huma.Operation{item.Get, item.Post} {
			if o == nil {
				continue
			}
			id := "999999"
			switch {
			case strings.Contains(path, "/findings/"):
				id = it.finding
			case strings.Contains(path, "/exceptions/"):
				id = it.exception
			case strings.Contains(path, "/alerts/"):
				id = it.alert
			}
			address := strings.NewReplacer("{account}", url.PathEscape(it.account), "{name}", "none", "{email}", "none@example.com", "{audit}", "a-1", "{number}", "1", "{id}", id).Replace(path)
			if o.OperationID == "show-resource" {
				address += "?type=x&region=global&id=none"
			}
			out[o.OperationID] = func(c *caller) *http.Response {
				if o.Method == "GET" {
					return c.do("GET", address, nil)
				}
				if o.OperationID == "attach" {
					return c.do("POST", address, nil, "Content-Type", "multipart/form-data; boundary=x")
				}
				body := map[string]map[string]any{
					"request-exception": {"reason": "x", "risk": "y", "findings": []string{"F-none"}}, "start-scan": {"connection": "none"},
					"add-user": {"email": fmt.Sprintf("new-%d@example.com", time.Now().UnixNano()), "name": "New"}, "grant-role": {"user": "nobody@example.com", "role": "viewer"},
					"review-attachment": {"accepted": true}, "create-token": {"name": "no name", "roles": []string{"viewer"}},
				}[o.OperationID]
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
	s.server.nobodies = newLimits(1e6, 1e6)
	it := s.furnished(t)
	s.db.Now = func() time.Time { return time.Now().Add(-2 * time.Hour) }
	onCall := s.person(t, "oncall", role(access.OnCall))
	expired := s.token(t, "expired", "oncall", time.Hour, []access.Role{access.OnCall})
	s.db.Now = time.Now
	auditor := func(audit string) access.Grant {
		return access.Grant{Role: access.Auditor, Audit: audit, Until: posture.Some(time.Now().Add(24 * time.Hour))}
	}
	compliance := s.person(t, "compliance", role(access.Compliance))
	callers := []struct {
		name string
		*caller
	}{
		{"nobody", &caller{site: s}},
		{"wrong token", &caller{site: s, token: "plb_" + strings.Repeat("A", 43)}},
		{"expired token", expired},
		{"viewer", s.person(t, "viewer", role(access.Viewer))},
		{"viewer of the account", s.person(t, "here", access.Grant{Role: access.Viewer, Scopes: []string{"aws:1*"}})},
		{"viewer of another account", s.person(t, "elsewhere", access.Grant{Role: access.Viewer, Scopes: []string{"aws:999900001111"}})},
		{"on-call", onCall},
		{"on-call token for the account", s.token(t, "here", "oncall", time.Hour, []access.Role{access.OnCall}, it.account)},
		{"on-call token for another account", s.token(t, "elsewhere", "oncall", time.Hour, []access.Role{access.OnCall}, "aws:999900001111")},
		{"compliance manager", compliance},
		{"compliance manager's token", s.token(t, "compliance", "compliance", time.Hour, []access.Role{access.Compliance})},
		{"rule author", s.person(t, "author", role(access.RuleAuthor))},
		{"rule approver", s.person(t, "approver", role(access.RuleLead))},
		{"admin", s.person(t, "admin", role(access.Admin))},
		{"auditor of the audit", s.person(t, "auditor", auditor("a-1"))},
		{"auditor of another audit", s.person(t, "other", auditor("a-2"))},
	}
	all := probes(t, it)
	var table strings.Builder
	for i, c := range callers {
		fmt.Fprintf(&table, "# %-22s%s%s\n", "", strings.Repeat("| ", i), c.name)
	}
	refusals := 0
	for _, id := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&table, "%-23s", id)
		for _, c := range callers {
			r := all[id](c.caller)
			mark := "y"
			switch r.StatusCode {
			case http.StatusUnauthorized:
				mark = "-"
				refusals++
			case http.StatusForbidden:
				mark = "n"
				refusals++
			case http.StatusTooManyRequests:
				if c.token == "" {
					t.Errorf("%s as %s: limited", id, c.name)
				}
				mark = "-" // another wrong token so soon is not even looked at
			case http.StatusInternalServerError:
				t.Errorf("%s as %s failed:\n%s", id, c.name, s.log.String())
			}
			fmt.Fprintf(&table, " %s", mark)
		}
		table.WriteString("\n")
	}
	const golden = "testdata/access.golden"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if diff := cmp.Diff(string(want), table.String()); err != nil || diff != "" {
		t.Errorf("who may what differs (-want +got):\n%s %v", diff, err)
	}
	entries, err := s.db.AuditLog(t.Context(), store.AuditFilter{Outcome: access.Refused})
	if err != nil || len(entries) < refusals {
		t.Errorf("%d refusals, of which the audit log holds %d, %v", refusals, len(entries), err)
	}
}

func TestEveryOperationDeclaresItsPermission(t *testing.T) {
	all := probes(t, things{})
	for id := range all {
		if _, ok := permissions[id]; !ok {
			t.Errorf("%s is missing in the table of permissions", id)
		}
	}
	for id := range permissions {
		if all[id] == nil {
			t.Errorf("the table names %s, which is no operation", id)
		}
	}
}

// An account that a request names beside what it is about opens nothing.
func TestNamingAnotherAccountDoesNotHelp(t *testing.T) {
	s := newSite(t)
	it := s.furnished(t)
	s.person(t, "oncall", role(access.OnCall))
	elsewhere := s.token(t, "elsewhere", "oncall", time.Hour, []access.Role{access.OnCall}, "aws:999900001111")
	mine := "?account=aws:999900001111"
	for _, path := range []string{"/api/findings/" + it.finding, "/api/exceptions/" + it.exception, "/api/accounts/" + it.account + "/snapshot", "/api/attachments", "/api/schedules"} {
		if r := elsewhere.do("GET", path+mine, nil); r.StatusCode != http.StatusForbidden {
			t.Errorf("GET %s: %d", path, r.StatusCode)
		}
	}
	if r := elsewhere.do("POST", "/api/findings/"+it.finding+"/acknowledge"+mine, map[string]any{"assignee": "oncall@example.com"}); r.StatusCode != http.StatusForbidden {
		t.Errorf("acknowledged: %d", r.StatusCode)
	}
	if r := elsewhere.do("GET", "/api/findings?account=aws:999900001111&account="+it.account, nil); r.StatusCode == http.StatusOK {
		var l list[map[string]any]
		if err := json.NewDecoder(r.Body).Decode(&l); err != nil || len(l.Items) > 0 {
			t.Errorf("sees %v, %v", l.Items, err)
		}
	}
}

// Who may see some accounts gets these, and no number that counts others.
func TestScopedViewersSeeTheirAccountsOnly(t *testing.T) {
	s := newSite(t)
	account := s.filled(t)
	other := plumbtest.Sealing(0, plumbtest.Resource("other", nil))
	other.Snapshot.Account.ID = "999900001111"
	for i := range other.Verdicts {
		other.Verdicts[i].Result = posture.Fail
	}
	other.Cells = append(other.Cells, posture.Cell{Region: "eu-west-1", Type: plumbtest.Type, State: posture.Denied, Cause: &posture.Cause{Reason: posture.ReasonDenied}, Started: plumbtest.Day(0), Finished: plumbtest.Day(0)})
	if _, err := s.db.Seal(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	all := s.person(t, "viewer", role(access.Viewer))
	here := s.person(t, "here", access.Grant{Role: access.Viewer, Scopes: []string{account}})
	there := s.person(t, "there", access.Grant{Role: access.Viewer, Scopes: []string{"aws:9999*"}})
	for path, want := range map[string][3]int{ // items of all, here, there
		"/api/accounts": {2, 1, 1}, "/api/findings": {2, 1, 1}, "/api/verdicts": {2, 1, 1}, "/api/gaps": {1, 0, 1}, "/api/exceptions": {0, 0, 0}, "/api/alerts": {0, 0, 0}, "/api/scans": {0, 0, 0},
	} {
		for i, c := range []*caller{all, here, there} {
			var l list[map[string]any]
			c.get(t, path, 200, &l)
			if len(l.Items) != want[i] {
				t.Errorf("%s: %d items for caller %d, want %d", path, len(l.Items), i, want[i])
			}
		}
	}
	for i, c := range []*caller{all, here, there} {
		var r ruleText
		c.get(t, "/api/rules/"+plumbtest.Rule, 200, &r)
		if want := [3]int{2, 1, 1}[i]; r.Verdicts.Fail != want {
			t.Errorf("caller %d counts %d failing verdicts, want %d", i, r.Verdicts.Fail, want)
		}
	}
	here.get(t, "/api/findings?account=aws:999900001111", 403, nil)
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
		"/api/findings?acount=aws:1":                                               422,
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
	if r := c.do("GET", "/api/findings", nil, "If-None-Match", etag); r.StatusCode != http.StatusNotModified || r.Header.Get("ETag") != etag {
		t.Errorf("the same again: %d", r.StatusCode)
	}
	if r := c.do("GET", "/api/findings?limit=1", nil, "If-None-Match", `W/"other"`); r.StatusCode != http.StatusOK {
		t.Errorf("another: %d", r.StatusCode)
	}
}

// pages reads all pages of a list and counts what position tells apart. between runs after the second page.
func pages[T any](t *testing.T, c *caller, path string, position func(T) string, between func()) (seen map[string]int) {
	t.Helper()
	seen = map[string]int{}
	for n, next := 0, ""; n == 0 || next != ""; n++ {
		if n == 2 && between != nil {
			between()
		}
		var l list[T]
		c.get(t, path+"&cursor="+next, 200, &l)
		for _, item := range l.Items {
			seen[position(item)]++
		}
		if next = l.Next; n > 1000 {
			t.Fatalf("%s never ends", path)
		}
	}
	return seen
}

func TestPagesHaveNoHolesWhileRowsAreAdded(t *testing.T) {
	s := newSite(t)
	s.server.callers = newLimits(1e9, 1e9)
	const n = 1000
	var resources []posture.Content
	for i := range n {
		resources = append(resources, plumbtest.Resource(fmt.Sprintf("bucket-%04d", i), map[string]any{"n": i}))
	}
	seal := func(day int, more ...posture.Content) {
		t.Helper()
		in := plumbtest.Sealing(day, append(slices.Clone(resources), more...)...)
		for i := range in.Verdicts {
			in.Verdicts[i].Result = posture.Fail
		}
		s.db.Now = func() time.Time { return plumbtest.Day(day).Add(time.Hour) }
		if _, err := s.db.Seal(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		s.db.Now = time.Now
	}
	seal(0)
	account, day := plumbtest.Account().String(), 0
	c := s.person(t, "viewer", role(access.Viewer))
	grow := func() { // in front of what has been read, and behind it
		day++
		seal(day, plumbtest.Resource(fmt.Sprintf("aaa-%d", day), nil), plumbtest.Resource(fmt.Sprintf("zzz-%d", day), nil))
	}
	check := func(what string, seen map[string]int, want int) {
		t.Helper()
		for id, times := range seen {
			if times != 1 {
				t.Errorf("%s: %s %d times", what, id, times)
			}
		}
		if len(seen) != want {
			t.Errorf("%s: %d of %d", what, len(seen), want)
		}
	}
	check("resources of the snapshot that is the newest at first",
		pages(t, c, "/api/accounts/"+account+"/resources?limit=37", func(r resource) string { return r.ID }, grow), n)
	check("verdicts of what was the newest at first", pages(t, c, "/api/verdicts?limit=37", func(j store.Judged) string { return j.Resource.ID }, grow), n+2)
	seen := pages(t, c, "/api/findings?limit=37", func(f finding.Finding) string { return f.Resource.ID }, grow)
	for i := range n {
		if id := fmt.Sprintf("bucket-%04d", i); seen[id] != 1 {
			t.Errorf("finding of %s %d times", id, seen[id])
		}
	}
	check("changes", pages(t, c, "/api/accounts/"+account+"/drift?limit=1", func(c change) string {
		return fmt.Sprint(c.Kind, c.Resource.ID, c.RuleID)
	}, grow), 8)
	check("snapshots", pages(t, c, "/api/accounts/"+account+"/snapshots?limit=1", func(n posture.Snapshot) string { return n.ID() }, grow), day+1-1)
	check("rules", pages(t, c, "/api/rules?limit=50", func(r ruleText) string { return r.ID }, nil), len(s.server.Set().Programs))

	boss := s.person(t, "second", role(access.Admin))
	for range 30 {
		boss.do("POST", "/api/grants", map[string]any{"user": "nobody@example.com", "role": "auditor"})
		c.do("GET", "/api/audit-log", nil) // refused, which is an entry
	}
	before, err := s.db.AuditLog(t.Context(), store.AuditFilter{})
	if err != nil {
		t.Fatal(err)
	}
	check("audit log", pages(t, boss, "/api/audit-log?limit=7", func(e access.Entry) string { return fmt.Sprint(e.Seq) }, func() { c.do("GET", "/api/users", nil) }), len(before))
}

// A cursor is good for the list and the filters that gave it out.
func TestForeignCursorsAreRefused(t *testing.T) {
	s := newSite(t)
	in := plumbtest.Sealing(0, plumbtest.Resource("a", nil), plumbtest.Resource("b", nil))
	if _, err := s.db.Seal(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	c := s.person(t, "viewer", role(access.Viewer))
	path := "/api/accounts/" + plumbtest.Account().String() + "/resources?limit=1"
	var l list[resource]
	c.get(t, path, 200, &l)
	if l.Next == "" {
		t.Fatal("no second page")
	}
	c.get(t, path+"&cursor="+l.Next, 200, nil)
	data, _ := base64.RawURLEncoding.DecodeString(l.Next)
	for why, request := range map[string]string{
		"other filters":         path + "&type=" + plumbtest.Type + "&cursor=" + l.Next,
		"another list":          "/api/verdicts?limit=1&cursor=" + l.Next,
		"a field more":          path + "&cursor=" + base64.RawURLEncoding.EncodeToString(bytes.Replace(data, []byte(`"Seq"`), []byte(`"X":1,"Seq"`), 1)),
		"the same with a space": path + "&cursor=" + base64.RawURLEncoding.EncodeToString(append(data, ' ')),
		"not of base 64":        path + "&cursor=***",
		"null":                  path + "&cursor=bnVsbA",
	} {
		t.Run(why, func(t *testing.T) { c.get(t, request, 422, nil) })
	}
}

// What came later is neither in a resource's versions nor in a scan's state.
func TestNothingLaterIsToldAsOfATime(t *testing.T) {
	s := newSite(t)
	account := s.filled(t)
	c := s.person(t, "viewer", role(access.Viewer))
	first := "as_of=" + plumbtest.Day(0).Add(2*time.Hour).Format(time.RFC3339)
	query := "?type=" + plumbtest.Type + "&region=" + plumbtest.Region + "&id=logs"
	var shown struct{ Versions []version }
	c.get(t, "/api/accounts/"+account+"/resource"+query+"&"+first, 200, &shown)
	if len(shown.Versions) != 1 || shown.Versions[0].ToSeq != 0 || shown.Versions[0].To != nil {
		t.Errorf("as of the first day: %+v", shown.Versions)
	}
	c.get(t, "/api/accounts/"+account+"/resource"+query, 200, &shown)
	if len(shown.Versions) != 2 || shown.Versions[0].ToSeq != 2 || shown.Versions[0].To == nil {
		t.Errorf("now: %+v", shown.Versions)
	}
	c.get(t, "/api/accounts/"+account+"/snapshot?seq=2&"+first, 404, nil)
	var snapshots list[posture.Snapshot]
	c.get(t, "/api/accounts/"+account+"/snapshots?"+first, 200, &snapshots)
	if len(snapshots.Items) != 1 {
		t.Errorf("%d snapshots as of the first day", len(snapshots.Items))
	}

	day := func(n int) *time.Time { at := plumbtest.Day(n); return &at }
	row := store.ScanRow{State: store.ScanFailed, Queued: *day(0), Started: day(2), Ended: day(4), Error: "no", Attempts: 3}
	for n, want := range map[int]store.ScanState{1: store.ScanQueued, 3: store.ScanRunning, 5: store.ScanFailed} {
		if got := scanAsOf(row, *day(n)); got.State != want || (got.Error != "") != (n == 5) || got.Started != nil && got.Started.After(*day(n)) {
			t.Errorf("as of day %d: %+v", n, got)
		}
	}
}

func TestEvidenceIsUploadedReviewedAndDownloaded(t *testing.T) {
	s := newSite(t)
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	ann, ben := s.person(t, "ann", role(access.Compliance)), s.person(t, "ben", role(access.Compliance))
	send := func(slot, name string, data []byte) *http.Response {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		for k, v := range map[string]string{"control": "availability-backup", "slot": slot, "period_from": "2026-01-01", "period_to": "2026-04-01"} {
			_ = form.WriteField(k, v)
		}
		part, _ := form.CreateFormFile("file", name)
		_, _ = part.Write(data)
		form.Close()
		return ann.send("POST", "/api/attachments", &body, "Content-Type", form.FormDataContentType())
	}
	const name = "<b>Prüfung \u202e.html"
	content := bytes.Repeat([]byte("<script>alert(1)</script>"), 4000) // more than fits in memory while it is parsed
	r := send("Restore test", name, content)
	var a finding.Attachment
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil || r.StatusCode != 200 || a.Uploader != "ann@example.com" || a.Size != int64(len(content)) {
		t.Fatalf("%d %+v %v", r.StatusCode, a, err)
	}
	if r := send("No such slot", name, content); r.StatusCode != 422 {
		t.Errorf("an unknown slot: %d", r.StatusCode)
	}
	if r := send("Restore test", name, nil); r.StatusCode != 422 {
		t.Errorf("an empty file: %d", r.StatusCode)
	}
	for size, want := range map[int]int{25 << 20: 200, 25<<20 + 1: 422, 30 << 20: 413} {
		if r := send("Restore test", "large", make([]byte, size)); r.StatusCode != want {
			body, _ := io.ReadAll(r.Body)
			t.Errorf("%d bytes: %d instead of %d, %.300s", size, r.StatusCode, want, body)
		}
	}
	path := fmt.Sprintf("/api/attachments/%d", a.ID)
	if r := ann.do("POST", path+"/review", map[string]any{"accepted": true}); r.StatusCode != 422 {
		t.Errorf("one's own upload reviewed: %d", r.StatusCode)
	}
	if r := ben.do("POST", path+"/review", map[string]any{"accepted": true}); r.StatusCode != 200 {
		t.Errorf("reviewed: %d", r.StatusCode)
	}
	r = ben.get(t, path+"/file", 200, nil)
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Disposition"))
	if err != nil || params["filename"] != name || r.Header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("downloaded as %v, %v", r.Header, err)
	}
	entries, err := s.db.AuditLog(t.Context(), store.AuditFilter{Actor: "ben@example.com", Object: fmt.Sprintf("attachment/%d", a.ID)})
	if err != nil || len(entries) != 2 {
		t.Errorf("the log tells %v of a review and a download, %v", entries, err)
	}
	if left, _ := filepath.Glob(filepath.Join(temporary, "*")); len(left) > 0 {
		t.Errorf("temporary files stay: %v", left)
	}
}

func TestATokenIsToldOnceAndEndsWithItsOwner(t *testing.T) {
	s := newSite(t)
	ann, admin := s.person(t, "ann", role(access.Viewer)), s.person(t, "admin", role(access.Admin))
	var made newToken
	body, _ := io.ReadAll(ann.do("POST", "/api/me/tokens", map[string]any{"name": "ci", "roles": []string{"viewer"}}).Body)
	if err := json.Unmarshal(body, &made); err != nil || made.Secret == "" || made.Owner != "ann@example.com" {
		t.Fatalf("%s %v", body, err)
	}
	c := &caller{site: s, token: made.Secret}
	c.get(t, "/api/accounts", 200, nil)
	if r := c.do("POST", "/api/me/tokens", map[string]any{"name": "child", "roles": []string{"viewer"}}); r.StatusCode != 403 {
		t.Errorf("a token makes a token: %d", r.StatusCode)
	}
	if r := ann.do("POST", "/api/me/tokens", map[string]any{"name": "more", "roles": []string{"admin"}}); r.StatusCode != 403 {
		t.Errorf("a viewer makes an administrator: %d", r.StatusCode)
	}
	if r := admin.do("POST", "/api/me/tokens/ci/revoke", map[string]any{}); r.StatusCode != 404 {
		t.Errorf("another's token is none of the caller's: %d", r.StatusCode)
	}
	if r := admin.do("POST", "/api/users/ann@example.com/disable", map[string]any{"reason": "left"}); r.StatusCode != 200 {
		t.Fatalf("not disabled: %d", r.StatusCode)
	}
	c.get(t, "/api/accounts", 401, nil)
}

// A refusal that cannot be recorded is no answer that somebody may rely on.
func TestARefusalWithoutARecordIsAFailure(t *testing.T) {
	s := newSite(t)
	c := s.person(t, "viewer", role(access.Viewer))
	plumbtest.Tamper(t, s.url, "ALTER TABLE audit_log ADD CONSTRAINT none CHECK (outcome <> 'refused') NOT VALID")
	c.get(t, "/api/users", 500, nil)
}

func TestStrangersDoNotFillTheAuditLog(t *testing.T) {
	s := newSite(t)
	c := &caller{site: s}
	codes := map[int]int{}
	for range 3 * strangersBurst {
		codes[c.do("GET", "/api/accounts", nil).StatusCode]++
	}
	entries, err := s.db.AuditLog(t.Context(), store.AuditFilter{Outcome: access.Refused})
	if err != nil || len(entries) != codes[401] || codes[401] > 2*strangersBurst || codes[401]+codes[429] != 3*strangersBurst {
		t.Errorf("%v, and %d entries, %v", codes, len(entries), err)
	}
}

func TestAPanicIsAnAnswer(t *testing.T) {
	s := newSite(t)
	s.server.Set = func() *rule.Set { panic("no rules") }
	c := s.person(t, "viewer", role(access.Viewer))
	r := c.get(t, "/api/rules", 500, nil)
	if r.Header.Get("Content-Type") != "application/problem+json" || !strings.Contains(s.log.String(), "no rules") {
		t.Errorf("%v\n%s", r.Header, s.log.String())
	}
}

func TestTooManyRequestsAreTold(t *testing.T) {
	s := newSite(t)
	c := s.person(t, "viewer", role(access.Viewer))
	limited, began := 0, time.Now()
	for range 2*burst + 50 {
		if r := c.do("GET", "/api/me", nil); r.StatusCode == http.StatusTooManyRequests {
			limited++
			if r.Header.Get("Retry-After") == "" {
				t.Fatal("no Retry-After")
			}
		}
	}
	if allowed := burst + perSecond*time.Since(began).Seconds(); limited == 0 && 2*burst+50 > allowed+1 { // a slow machine asks too slowly
		t.Error("never limited")
	}
}

func TestHostileNamesStayText(t *testing.T) {
	s := newSite(t)
	names := map[string]string{ // by resource id; what the cloud says, and what is stored of it
		"<img src=x onerror=alert(1)>": "<script>alert(1)</script>",
		"bidi \u202e":                  "\u202egnp.exe\u2066",
		"long":                         strings.Repeat("x", 1<<20),
		"quotes \"' & \\":              "\"'&\\\u2028\x00",
		"invalid":                      "\xff\xfe<b>",
	}
	var resources []posture.Content
	for id, name := range names {
		resources = append(resources, plumbtest.Resource(id, map[string]any{"name": name}))
	}
	s.db.Now = func() time.Time { return plumbtest.Day(0).Add(time.Hour) }
	if _, err := s.db.Seal(t.Context(), plumbtest.Sealing(0, resources...)); err != nil {
		t.Fatal(err)
	}
	s.db.Now = time.Now
	c := s.person(t, "viewer", role(access.Viewer))
	path := "/api/accounts/" + plumbtest.Account().String() + "/resource?type=" + plumbtest.Type + "&region=" + plumbtest.Region + "&id="
	for id, name := range names {
		var shown struct {
			Resource struct {
				posture.Key
				Attributes map[string]any
			}
		}
		r := c.get(t, path+url.QueryEscape(id), 200, &shown)
		if shown.Resource.ID != id || shown.Resource.Attributes["name"] != ledger.Text(name) {
			t.Errorf("%q came back as %.100q of %q", name, shown.Resource.Attributes["name"], shown.Resource.ID)
		}
		h := r.Header
		if h.Get("Content-Type") != "application/json" || h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("headers %v", h)
		}
	}
	var l list[resource]
	if c.get(t, "/api/accounts/"+plumbtest.Account().String()+"/resources", 200, &l); len(l.Items) != len(names) {
		t.Errorf("%d of %d listed", len(l.Items), len(names))
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
		`plumbline_findings{state="open"}`, "plumbline_metrics_complete 1", "go_goroutines", `plumbline_unread_cells{account="` + account + `"} 0`,
		`plumbline_http_request_seconds_count{code="401",operation="show-me"} 1`,
	} {
		if !strings.Contains(string(body), want) {
			t.Errorf("%s is missing", want)
		}
	}
}
