package pages

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/signin"
	"github.com/plumbline-dev/plumbline/pkg/store"
	"github.com/plumbline-dev/plumbline/rules"
)

func TestMain(m *testing.M) { plumbtest.Main(m) }

var loadRules = sync.OnceValues(rules.Load)

// today is the present of the test's history, in which days 2 and 3 were not scanned.
var today = plumbtest.Day(6).Add(3 * time.Hour)

// site is the pages on a small history.
type site struct {
	http.Handler
	db      *store.Store
	finding string // data has no versioning
	gone    string // the finding of a bucket that was removed
	alert   int64
	actor   access.Actor // who asks
	set     func() *rule.Set
	log     bytes.Buffer
}

// newSite has two accounts. In production bucket data is never versioned, old is removed on day 1, logs changes on day 4, and on day 5
// nothing may be listed. The account of oddities holds names that mean harm.
func newSite(t testing.TB) *site {
	t.Helper()
	db, _ := plumbtest.Store(t)
	set, err := loadRules()
	if err != nil {
		t.Fatal(err)
	}
	db.Types = rules.Types()
	s := &site{db: db, set: func() *rule.Set { return set }, actor: access.Actor{ID: "vera@example.com", Kind: access.Person, Roles: []access.Role{access.Viewer}}}
	pages, err := New(Options{
		Store: db, Set: s.set, Log: slog.New(slog.NewTextHandler(&s.log, nil)),
		Alerts: func() *alert.Dispatcher { return &alert.Dispatcher{Store: db, Now: db.Clock} },
		Actor:  func(*http.Request) (access.Actor, error) { return s.actor, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	pages.Routes(mux)
	s.Handler = mux

	bucket := func(id, versioning string) posture.Content {
		return plumbtest.Resource(id, map[string]any{
			"versioning": versioning, "mfa_delete": false, "policy": nil, "tags": map[string]any{"team": "payments"},
			"acl_grants": []any{map[string]any{"grantee": "owner", "permission": "FULL_CONTROL"}},
		}, posture.Unread{Path: "logging", Cause: posture.Cause{Reason: posture.ReasonDenied, Operation: "S3.GetBucketLogging", Permission: "s3:GetBucketLogging"}})
	}
	s.seal(t, 0, bucket("data", ""), bucket("logs", "Enabled"), bucket("old", "Suspended"))
	s.seal(t, 1, bucket("data", ""), bucket("logs", "Enabled"))
	s.finding = finding.ID(plumbtest.Account().String(), plumbtest.Rule, bucket("data", "").Key)
	s.gone = finding.ID(plumbtest.Account().String(), plumbtest.Rule, bucket("old", "").Key)
	s.except(t, plumbtest.Day(1).Add(2*time.Hour))
	s.seal(t, 4, bucket("data", ""), bucket("logs", "Suspended"))
	s.tell(t)
	s.denied(t, 5, bucket("data", ""), bucket("logs", "Suspended"))
	s.odd(t)
	db.Now = func() time.Time { return today }
	return s
}

// seal seals a scan of production.
func (s *site) seal(t testing.TB, day int, buckets ...posture.Content) {
	t.Helper()
	in := plumbtest.Sealing(day, buckets...)
	for i, v := range in.Verdicts {
		if bytes.Contains(buckets[i].JSON, []byte(`"versioning":"Enabled"`)) {
			continue
		}
		in.Verdicts[i] = plumbtest.Verdict(v.Resource, posture.Fail, `versioning is not "Enabled"`)
	}
	s.write(t, in)
}

// denied seals a scan of production that could not list buckets: they are carried forward, their verdicts unknown.
func (s *site) denied(t testing.TB, day int, buckets ...posture.Content) {
	t.Helper()
	in := plumbtest.Sealing(day, buckets...)
	in.Cells = []posture.Cell{plumbtest.Cell(day, posture.Denied)}
	for i := range in.Resources {
		in.Resources[i].Stale = true
		in.Verdicts[i].Result, in.Verdicts[i].Reason = posture.Unknown, "not read"
		in.Verdicts[i].Unread = []posture.Unread{{Cause: *in.Cells[0].Cause}}
	}
	s.write(t, in)
}

func (s *site) write(t testing.TB, in posture.Sealing) {
	t.Helper()
	s.db.Now = func() time.Time { return in.Snapshot.Finished.Add(time.Minute) }
	if _, err := s.db.Seal(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// except accepts the finding of data for five days and a half, from then on.
func (s *site) except(t testing.TB, at time.Time) {
	t.Helper()
	s.db.Now = func() time.Time { return at }
	asker, approver := access.Actor{ID: "omar@example.com", Kind: access.Person}, access.Actor{ID: "clara@example.com", Kind: access.Person}
	e, err := s.db.RequestException(t.Context(), asker, finding.Exception{
		Resources: []finding.Covered{{Finding: s.finding}}, Reason: "rebuilt soon", Risk: "little", Expires: plumbtest.Day(7),
	})
	if err == nil {
		_, err = s.db.DecideException(t.Context(), approver, e.ID, finding.Approve, "until the rebuild")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// tell opens an alert about logs with a message that was sent, and plans a scan.
func (s *site) tell(t testing.TB) {
	t.Helper()
	account, at := plumbtest.Account().String(), s.db.Clock()
	about := finding.ID(account, plumbtest.Rule, posture.Key{Type: plumbtest.Type, Region: plumbtest.Region, ID: "logs"})
	err := s.db.PlanAlerts(t.Context(), alert.Ask{Account: account}, func(alert.Known) ([]alert.Change, error) {
		return []alert.Change{{
			Alert: alert.Alert{
				Account: account, Class: alert.Findings, Group: "g", Title: "Versioning is off", Severity: "medium", Rules: []string{plumbtest.Rule}, Count: 1,
				Routes: []string{"page"}, Opened: at, Examples: []alert.Example{{Finding: about, Resource: posture.Key{Type: plumbtest.Type, Region: plumbtest.Region, ID: "logs"}}},
			},
			Entries:    []alert.Entry{{At: at, Kind: alert.Opened}},
			Deliveries: []alert.Delivery{{Account: account, Receiver: "oncall", Created: at, Message: alert.Message{Kind: alert.TellOpened, Title: "Versioning is off"}}},
		}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.db.Alerts(t.Context(), store.AlertFilter{})
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	s.alert = list[0].ID
	deliveries, err := s.db.Deliveries(t.Context(), s.alert, time.Time{})
	if err != nil || len(deliveries) != 1 {
		t.Fatal(deliveries, err)
	}
	if err := s.db.AddAttempt(t.Context(), deliveries[0], alert.Attempt{N: 1, At: at, State: alert.Sent, Answer: "202 taken"}); err != nil {
		t.Fatal(err)
	}
	err = s.db.InTx(t.Context(), func(tx store.Tx) error {
		_, err := s.db.PlanScan(t.Context(), tx, store.ScanRow{Account: account, RunID: "run-4", Connection: "main", State: store.ScanQueued})
		return err
	})
	if err == nil {
		_, err = s.db.StartScan(t.Context(), account, "run-4", "worker", 1)
	}
	if err == nil {
		err = s.db.EndScan(t.Context(), account, "run-4", store.ScanSealed, 3, "")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Texts that mean harm, as a cloud may hand them out.
const (
	script  = `<script>alert("x")</script>`
	breakup = `"><img src=x onerror=alert(1)>`
	turned  = "log\u202egpj.exe" // shows as logexe.jpg
	styled  = `x' style='color:red`
)

var odd = posture.Account{Provider: "aws", ID: "999988887777", Name: script + turned}

// odd seals a scan of an account whose people chose hostile names, one of them a megabyte long.
func (s *site) odd(t testing.TB) {
	t.Helper()
	huge := strings.Repeat("<b>long & ", 1<<20/10)
	in := plumbtest.Sealing(5,
		plumbtest.Resource(breakup, map[string]any{"name": breakup, "policy": huge, "versioning": script, "tags": map[string]any{script: turned, styled: "\xff\xfe broken"}}),
		plumbtest.Resource(script+turned, map[string]any{"name": turned}),
		plumbtest.Resource(styled, map[string]any{"name": huge}),
		plumbtest.Resource("javascript:alert(1)", nil),
	)
	in.Snapshot.Account, in.Snapshot.Principal = odd, script
	for i := range in.Verdicts {
		in.Verdicts[i].Result, in.Verdicts[i].Reason = posture.Fail, script+turned+huge
	}
	in.Cells = append(in.Cells, posture.Cell{
		Region: "x<i>y", Type: "aws.iam.user", State: posture.Failed, Started: plumbtest.Day(5), Finished: plumbtest.Day(5),
		Cause: &posture.Cause{Reason: posture.ReasonAPIError, Operation: script, Permission: breakup, Code: turned},
	})
	s.write(t, in)
}

// get asks for a page and returns its code, its text and its document.
func (s *site) get(t testing.TB, path string) (int, string, *html.Node) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	answer := w.Result()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]string{"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
		if got := answer.Header.Get(header); got != want {
			t.Errorf("%s: %s is %q, want %q", path, header, got, want)
		}
	}
	document, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, textOf(document), document
}

// textOf is the text of a document with single spaces.
func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
		b.WriteString(" ")
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func resourcePath(account, id string, more ...string) string {
	q := url.Values{"account": {account}, "type": {plumbtest.Type}, "region": {plumbtest.Region}, "id": {id}}
	for i := 0; i < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return "/resource?" + q.Encode()
}

// everyPage are addresses of all pages.
func (s *site) everyPage() []string {
	production, strange := url.QueryEscape(plumbtest.Account().String()), url.QueryEscape(odd.String())
	list := []string{
		"/", "/?as_of=2026-03-02", "/findings", "/findings?active=1&severity=medium&criterion=A1.2&account=" + production, "/findings/" + s.finding, "/findings/" + s.gone,
		"/verdicts", "/verdicts?result=unknown", "/rules", "/rules?q=versions", "/rules/" + plumbtest.Rule, "/criteria", "/criteria/A1.2", "/criteria/CC1.1",
		"/controls/storage-versioning", "/resources?account=" + production, "/resources?account=" + strange, "/drift?account=" + production, "/drift?from=1&to=3&account=" + production,
		"/drift?account=" + strange, "/snapshots", "/snapshots?account=" + strange, "/snapshot?account=" + production, "/snapshot?account=" + strange, "/exceptions", "/exceptions/1",
		"/alerts", fmt.Sprintf("/alerts/%d", s.alert), "/scans", "/accounts", resourcePath(plumbtest.Account().String(), "logs"),
		resourcePath(plumbtest.Account().String(), "logs", "from", "1", "to", "3"), resourcePath(plumbtest.Account().String(), "old"),
	}
	for _, id := range []string{breakup, script + turned, styled, "javascript:alert(1)"} {
		list = append(list, resourcePath(odd.String(), id), "/findings/"+finding.ID(odd.String(), plumbtest.Rule, posture.Key{Type: plumbtest.Type, Region: plumbtest.Region, ID: id}))
	}
	return list
}

func TestPages(t *testing.T) {
	s := newSite(t)
	production := plumbtest.Account().String()
	for name, test := range map[string]struct {
		path     string
		code     int // 0: 200
		has, not []string
	}{
		"the overview counts fail, unknown and pass": {path: "/", has: []string{
			"2 accounts, 6 verdicts", "✕ fail 4", "? unknown 2", "✓ pass 0", "2 verdicts unknown", "CC7.5", "S3.ListBuckets", "needs s3:ListAllMyBuckets",
			"Exception 1 ends in", "1 alert nobody has acknowledged", "not an opinion"}},
		"it says who was last read long ago, and nothing of what came later": {path: "/?as_of=2026-03-04", has: []string{
			"1 account, 2 verdicts", "was last read 2 days ago", "Looking back to 2026-03-04 23:59 UTC"}, not: []string{"9999", "nobody has acknowledged", "ListBuckets"}},
		"drift of the newest snapshots is there": {path: "/?as_of=2026-03-05T05:00:00Z", has: []string{`versioning : "Enabled" → "Suspended"`}},
		"findings are listed":                    {path: "/findings", has: []string{"data", "logs", "Buckets keep earlier versions of objects", "excepted", "unverified since 2026-03-06 04:00", "gone"}},
		"findings are chosen by state":           {path: "/findings?state=gone", has: []string{"old", "1 row on this page"}, not: []string{"logs aws.s3"}},
		"findings are chosen by criterion":       {path: "/findings?criterion=CC1.1", has: []string{"No finding is as asked for"}},
		"a finding tells its life": {path: "/findings/" + s.finding, has: []string{
			"The rule failed for the first time", "An exception was requested", "by omar@example.com", "Accepted by an exception", "The rule can no longer be judged",
			"Enable versioning under Properties", "? unknown", "rebuilt soon", "Why it matters"}},
		"a finding is as it was":                   {path: "/findings/" + s.finding + "?as_of=2026-03-01T12:00:00Z", has: []string{"✕ fail", "open"}, not: []string{"omar", "unverified"}},
		"a removed resource was not repaired":      {path: "/findings/" + s.gone, has: []string{"removed, which is not the same as repaired"}},
		"a finding that did not exist then":        {path: "/findings/" + s.finding + "?as_of=2026-02-01", code: 404, has: []string{"Not found"}},
		"a rule shows its text and what fails":     {path: "/rules/" + plumbtest.Rule, has: []string{`resource.versioning == "Enabled"`, "aws.s3.bucket.versioning", "What is unknown", "Each is run", "not read"}},
		"rules are searched by words":              {path: "/rules?q=earlier+versions+buckets", has: []string{"1 rule in all", plumbtest.Rule}},
		"criteria are by account":                  {path: "/criteria", has: []string{"A1.2", "production aws", "people attach evidence"}},
		"a criterion says what is left unproved":   {path: "/criteria/A1.2", has: []string{"Supports", "Leaves unproved", "To attach"}},
		"a control says what is left unproved":     {path: "/controls/storage-versioning", has: []string{"Leaves unproved", plumbtest.Rule}},
		"a resource shows what was not read, why":  {path: resourcePath(production, "logs"), has: []string{"logging ? not read denied: S3.GetBucketLogging needs s3:GetBucketLogging", "not seen by this scan", "absent: the cloud says", "tags.team", "acl_grants[0].grantee", "? not read not collected"}},
		"two versions are compared field by field": {path: resourcePath(production, "logs", "from", "1", "to", "3"), has: []string{`versioning "Enabled" "Suspended"`}},
		"a removed resource keeps its history":     {path: resourcePath(production, "old"), has: []string{"This snapshot does not hold it", "from snapshot 1 until 2"}},
		"a resource that was not there yet":        {path: resourcePath(production, "nowhere"), code: 404},
		"drift has causes":                         {path: "/drift?from=2&to=3&account=" + production, has: []string{"configuration 2", "versioning", "✓ pass → ✕ fail", "3 days lie between them"}},
		"a denied read is drift of coverage":       {path: "/drift?from=3&to=4&account=" + production, has: []string{"coverage 4", "configuration 0", "no longer read, or read again"}},
		"the first snapshot has nothing before it": {path: "/drift?to=1&account=" + production, has: []string{"is its first"}},
		"snapshots are listed":                     {path: "/snapshots", has: []string{"production · " + production + " / 4"}},
		"snapshots are those until then":           {path: "/snapshots?as_of=2026-03-02", has: []string{"/ 2"}, not: []string{"/ 3"}},
		"a snapshot shows its cells":               {path: "/snapshot?account=" + production, has: []string{"? denied", "denied: S3.ListBuckets needs s3:ListAllMyBuckets", "0 complete, 1 denied", "assumed-role/plumbline"}},
		"exceptions are listed":                    {path: "/exceptions", has: []string{"in force", "omar@example.com", "in 21 hours"}},
		"an exception has two people":              {path: "/exceptions/1", has: []string{"omar@example.com", "Approved by clara@example.com", "until the rebuild"}},
		"alerts are listed":                        {path: "/alerts?open=1", has: []string{"Versioning is off", "oncall"}},
		"an alert shows its messages":              {path: fmt.Sprintf("/alerts/%d", s.alert), has: []string{"oncall opened sent 1 202 taken"}},
		"scans are listed":                         {path: "/scans", has: []string{"sealed", "snapshot 3", "main"}},
		"accounts show what was not read":          {path: "/accounts", has: []string{"production", "Cells not read"}},
		"a page that is not there":                 {path: "/nothing", code: 404, has: []string{"Not found"}},
		"a snapshot that is not there yet":         {path: "/snapshot?seq=4&as_of=2026-03-02&account=" + production, code: 404},
		"the future":                               {path: "/?as_of=2026-03-08", code: 400, has: []string{"lies in the future"}},
		"no time":                                  {path: "/findings?as_of=yesterday", code: 400, has: []string{"is no time"}},
		"a time nobody can store":                  {path: "/?as_of=0001-01-01", code: 400},
		"no such state":                            {path: "/findings?state=fixed", code: 400},
		"a malformed place in a list":              {path: "/findings?after=!!", code: 400},
		"a null byte":                              {path: "/findings?rule=%00", code: 400},
		"a malformed address":                      {path: "/findings?rule=%zz", code: 400},
		"a snapshot that is no number":             {path: "/snapshot?seq=x&account=" + production, code: 400},
		"snapshots in the wrong order":             {path: "/drift?from=3&to=2&account=" + production, code: 400, has: []string{"not older"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, text, _ := s.get(t, test.path)
			if want := max(test.code, 200); code != want {
				t.Fatalf("%s: %d, want %d: %.600s\n%s", test.path, code, want, text, s.log.String())
			}
			for _, want := range test.has {
				if !strings.Contains(strings.ToLower(text), strings.ToLower(want)) {
					t.Errorf("%s lacks %q: %.6000s", test.path, want, text)
				}
			}
			for _, no := range test.not {
				if strings.Contains(text, no) {
					t.Errorf("%s has %q", test.path, no)
				}
			}
		})
	}
}

// TestMarkup: no page brings code or styles of its own, whatever names it shows, and every page can be read by a machine that reads
// aloud: one h1, labels, captions, scopes, and links that lead somewhere.
func TestMarkup(t *testing.T) {
	s := newSite(t)
	for _, path := range append(s.everyPage(), "/nothing", "/?as_of=2126-01-01") {
		code, text, document := s.get(t, path)
		if code >= 500 || code == 404 && path != "/nothing" {
			t.Fatalf("%.200s: %d %.300s %s", path, code, text, s.log.String())
		}
		ids, fragments, headings := map[string]bool{}, []string{}, 0
		for n := range document.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			switch n.Data {
			case "script", "style", "iframe", "object", "embed", "img", "b", "i":
				t.Errorf("%.200s: there is a <%s>", path, n.Data)
			case "h1":
				headings++
			case "th":
				if attr(n, "scope") == "" {
					t.Errorf("%.200s: a heading of a table has no scope: %s", path, textOf(n))
				}
			case "table":
				if first := firstElement(n); first == nil || first.Data != "caption" {
					t.Errorf("%.200s: a table has no caption", path)
				}
			case "input", "select":
				if attr(n, "type") != "hidden" && !within(n, "label") {
					t.Errorf("%.200s: a field has no label: %s", path, attr(n, "name"))
				}
			case "svg":
				if attr(n, "aria-hidden") == "" && attr(n, "role") != "img" {
					t.Errorf("%.200s: a picture says nothing", path)
				}
			}
			for _, a := range n.Attr {
				switch {
				case strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "srcdoc":
					t.Errorf("%.200s: <%s> has an attribute %s", path, n.Data, a.Key)
				case a.Key == "href" || a.Key == "action" || a.Key == "src":
					if strings.HasPrefix(a.Val, "#") {
						fragments = append(fragments, a.Val[1:])
					} else if !strings.HasPrefix(a.Val, "/") || strings.HasPrefix(a.Val, "//") {
						t.Errorf("%.200s: <%s> leads to %.100q", path, n.Data, a.Val)
					}
				case a.Key == "id":
					if ids[a.Val] {
						t.Errorf("%.200s: id %q is there twice", path, a.Val)
					}
					ids[a.Val] = true
				}
			}
		}
		if headings != 1 {
			t.Errorf("%.200s: %d first headings", path, headings)
		}
		for _, f := range fragments {
			if !ids[f] {
				t.Errorf("%.200s: #%s is nowhere", path, f)
			}
		}
		if !strings.Contains(text, "not an opinion") {
			t.Errorf("%.200s does not say that these are observations", path)
		}
		for _, r := range text {
			if hidden(r) && r != utf8.RuneError {
				t.Errorf("%.200s: U+%04X is not shown", path, r)
				break
			}
		}
	}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func firstElement(n *html.Node) *html.Node {
	for c := range n.ChildNodes() {
		if c.Type == html.ElementNode {
			return c
		}
	}
	return nil
}

func within(n *html.Node, name string) bool {
	for n = n.Parent; n != nil; n = n.Parent {
		if n.Data == name {
			return true
		}
	}
	return false
}

// TestLinks follows every link within the site, as of now and of a time before, until nothing is new.
func TestLinks(t *testing.T) {
	s := newSite(t)
	for _, start := range []string{"/", "/?as_of=2026-03-05"} {
		seen, queue := map[string]bool{start: true}, []string{start}
		for len(queue) > 0 && len(seen) < 400 {
			path := queue[0]
			queue = queue[1:]
			if strings.HasPrefix(path, "/static/") || strings.HasPrefix(path, "/findings.csv") {
				continue
			}
			code, text, document := s.get(t, path)
			if code != 200 {
				t.Fatalf("%.300s: %d %.300s", path, code, text)
			}
			rules := 0
			for n := range document.Descendants() {
				if n.Data != "a" {
					continue
				}
				to := attr(n, "href")
				if strings.HasPrefix(to, "/rules/") {
					if rules++; rules > 3 { // they are many, and alike
						continue
					}
				}
				if strings.HasPrefix(textOf(n), "Back to now") {
					continue
				}
				if strings.HasPrefix(to, "/") && !seen[to] {
					seen[to] = true
					queue = append(queue, to)
				}
				if strings.Contains(start, "as_of") && strings.HasPrefix(to, "/") && !strings.Contains(to, "as_of=2026-03-05") {
					t.Errorf("%.200s: the link to %.200s loses the time", path, to)
				}
			}
		}
		t.Logf("%d pages from %s", len(seen), start)
	}
}

// TestWhole: what is cut somewhere can be read whole.
func TestWhole(t *testing.T) {
	s := newSite(t)
	_, text, _ := s.get(t, resourcePath(odd.String(), breakup))
	if strings.Count(text, "<b>long & ") < 1<<20/10 {
		t.Error("the long policy is not there as a whole")
	}
	for _, want := range []string{script, breakup, "⟨U+202E⟩gpj.exe", styled} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/resources?account="+odd.String(), nil))
	if w.Body.Len() > 50_000 {
		t.Errorf("a list of four resources takes %d bytes", w.Body.Len())
	}
}

func TestPaging(t *testing.T) {
	s := newSite(t)
	var buckets []posture.Content
	for n := range 250 {
		buckets = append(buckets, plumbtest.Resource(fmt.Sprintf("bucket-%03d", n), map[string]any{"versioning": ""}))
	}
	s.seal(t, 6, buckets...)
	s.db.Now = func() time.Time { return today }
	seen := map[string]bool{}
	pages := 0
	for path := "/findings?state=open&rule=" + plumbtest.Rule; path != ""; pages++ {
		code, _, document := s.get(t, path)
		if code != 200 {
			t.Fatal(path, code)
		}
		path = ""
		for n := range document.Descendants() {
			if n.Data != "a" {
				continue
			}
			if to := attr(n, "href"); strings.HasPrefix(to, "/findings/F-") {
				if seen[to] {
					t.Errorf("%s is on two pages", to)
				}
				seen[to] = true
			} else if attr(n, "rel") == "next" {
				path = to
			}
		}
	}
	if len(seen) != 254 || pages != 3 { // with those of the oddities
		t.Errorf("%d findings on %d pages", len(seen), pages)
	}
}

func TestCSV(t *testing.T) {
	s := newSite(t)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "/findings.csv?rule="+plumbtest.Rule, nil))
	text := w.Body.String()
	if w.Code != 200 || strings.Count(text, "\nF-") != 7 || !strings.Contains(w.Header().Get("Content-Disposition"), "findings-2026-03-07.csv") {
		t.Errorf("%d %s\n%s", w.Code, w.Header(), text)
	}
	if w := httptest.NewRecorder(); true {
		s.ServeHTTP(w, httptest.NewRequest("GET", "/findings.csv?as_of=2099-01-01", nil))
		if w.Code != 400 || !strings.Contains(w.Body.String(), "lies in the future") {
			t.Errorf("the future: %d", w.Code)
		}
	}
	for _, formula := range []string{"=1+1", "+1", "-1", "@x", "\t=1"} {
		if got := inert(formula); got != "'"+formula {
			t.Errorf("%q stays a formula: %q", formula, got)
		}
	}
}

// TestScopes: who may see some accounts sees nothing of the others, not even that they are there.
func TestScopes(t *testing.T) {
	s := newSite(t)
	strange := finding.ID(odd.String(), plumbtest.Rule, posture.Key{Type: plumbtest.Type, Region: plumbtest.Region, ID: styled})
	s.actor.Scopes = []string{odd.String()}
	for _, path := range []string{"/", "/findings", "/verdicts", "/criteria", "/rules/" + plumbtest.Rule, "/resources", "/drift", "/snapshots", "/exceptions", "/alerts", "/scans", "/accounts"} {
		code, text, _ := s.get(t, path)
		if code != 200 || strings.Contains(text, "111122223333") || strings.Contains(text, "omar@") || strings.Contains(text, "Versioning is off") {
			t.Errorf("%s: %d %.3000s", path, code, text)
		}
	}
	for path, want := range map[string]int{
		"/findings/" + s.finding: 404, "/findings/" + strange: 200, "/exceptions/1": 404, fmt.Sprintf("/alerts/%d", s.alert): 404,
		"/snapshot?account=aws:111122223333": 404, "/drift?account=aws:111122223333": 404, "/findings?account=aws:111122223333": 404,
		resourcePath("aws:111122223333", "logs"): 404, "/snapshots?account=aws:111122223333": 404, "/alerts?account=aws:111122223333": 404, "/scans?account=aws:111122223333": 404,
	} {
		if code, _, _ := s.get(t, path); code != want {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
	s.actor = access.Actor{ID: "aud@example.com", Kind: access.Person, Roles: []access.Role{access.Auditor}, Audit: "a"}
	if code, text, _ := s.get(t, "/"); code != 403 || strings.Contains(text, "verdicts") {
		t.Errorf("an auditor: %d %s", code, text)
	}
}

func TestTrend(t *testing.T) {
	day := func(n, fail int) store.Day {
		return store.Day{Day: plumbtest.Day(n).Truncate(24 * time.Hour), Accounts: 1, Counts: posture.Counts{Fail: fail, Pass: 9}}
	}
	for name, test := range map[string]struct {
		days        []store.Day
		lines, gaps int // pieces of the line of failing verdicts
	}{
		"days without a gap are one line":             {[]store.Day{day(0, 1), day(1, 3), day(2, 2)}, 1, 0},
		"no line crosses days that were not read":     {[]store.Day{day(0, 1), day(1, 3), day(4, 2), day(5, 2)}, 2, 1},
		"nothing before the first day is a gap":       {[]store.Day{day(4, 2), day(5, 2)}, 1, 0},
		"days that are missing at the end are a gap":  {[]store.Day{day(0, 2), day(1, 2)}, 1, 1},
		"a gap that began before the last day stands": {[]store.Day{day(0, 2), day(2, 2), day(5, 1)}, 3, 2},
	} {
		t.Run(name, func(t *testing.T) {
			to := test.days[len(test.days)-1].Day
			if strings.Contains(name, "at the end") {
				to = to.AddDate(0, 0, 5)
			}
			chart := newTrend(test.days, plumbtest.Day(-10), to)
			if len(chart.lines) != 2 || len(chart.lines[0].points) != test.lines || len(chart.gaps) != test.gaps {
				t.Errorf("lines %v, gaps %v", chart.lines, chart.gaps)
			}
		})
	}
}

func TestSegments(t *testing.T) {
	for name, c := range map[string]posture.Counts{
		"one among many is seen": {Pass: 100_000, Fail: 1, Unknown: 1}, "nothing": {}, "equal parts": {Pass: 5, Fail: 5, Unknown: 5, DoesNotApply: 5}, "one part": {Unknown: 3},
	} {
		t.Run(name, func(t *testing.T) {
			end := 0.0
			for _, s := range segments(c) {
				var x, w float64
				fmt.Sscan(s.x, &x)
				fmt.Sscan(s.w, &w)
				if w < 2 || x < end-0.2 || x > end+0.2 {
					t.Errorf("%s of %v begins at %s and is %s wide, after %.1f", s.result, c, s.x, s.w, end)
				}
				end = x + w
			}
			if c.Total() > 0 && (end < barWidth-0.5 || end > barWidth+0.5) {
				t.Errorf("%v ends at %.1f", c, end)
			}
		})
	}
}

func TestText(t *testing.T) {
	for name, test := range map[string]struct{ given, brief string }{
		"a plain text stays":              {"logs", "logs"},
		"the direction of writing shows":  {turned, "log⟨U+202E⟩gpj.exe"},
		"bytes that are no text show":     {"a\xffb", "a⟨byte FF⟩b"},
		"a null shows":                    {"a\x00", "a⟨U+0000⟩"},
		"lines become one":                {"a\n b", "a b"},
		"a long one is cut":               {strings.Repeat("ä", 500), strings.Repeat("ä", shortText) + "…"},
		"what cannot be seen shows":       {"a\u200bb\u2028", "a⟨U+200B⟩b"},
		"a mark that replaced text stays": {"\ufffd", "\ufffd"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := brief(test.given); got != test.brief {
				t.Errorf("%q becomes %q", test.given, got)
			}
		})
	}
	if !slices.Equal([]string{number(1234567), number(-1234), number(12)}, []string{"1\u00a0234\u00a0567", "-1\u00a0234", "12"}) {
		t.Error(number(1234567), number(-1234))
	}
}

// TestSignin: whoever has not signed in is sent to do so, and gets the style sheet only.
func TestSignin(t *testing.T) {
	db, _ := plumbtest.Store(t)
	set, err := loadRules()
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	door, err := signin.New(signin.Options{URL: "http://plumbline.test", Lifetime: time.Hour, Store: db, Sessions: db.Sessions(), Log: log, Now: db.Clock})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := New(Options{Store: db, Set: func() *rule.Set { return set }, Signin: door, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	pages.Routes(mux)
	behind := door.Middleware(mux)
	for path, want := range map[string]int{"/": 303, "/findings?active=1": 303, "/findings.csv": 303, "/nothing": 303, stylePath: 200, iconPath: 200} {
		r := httptest.NewRequest("GET", "http://plumbline.test"+path, nil)
		r.Header.Set("Accept", "text/html")
		w := httptest.NewRecorder()
		behind.ServeHTTP(w, r)
		if to := w.Header().Get("Location"); w.Code != want || want == 303 && to != "/signin?next="+url.QueryEscape(path) {
			t.Errorf("%s: %d to %q", path, w.Code, to)
		}
	}
}
