package pages

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func person(id string, roles ...access.Role) access.Actor {
	return access.Actor{ID: id + "@example.com", Kind: access.Person, Roles: roles, Session: "of " + id}
}

var (
	omar  = person("omar", access.OnCall)
	clara = person("clara", access.Compliance)
	vera  = person("vera", access.Viewer)
)

// post sends what the form with that address on the page holds, with some fields filled in, as a browser does.
func (s *site) post(t testing.TB, as access.Actor, page, action string, fill url.Values) (code int, to, text string) {
	t.Helper()
	s.actor = as
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", page, nil))
	document, err := html.Parse(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	values := url.Values{}
	found := false
	for n := range document.Descendants() {
		if n.Data == "form" && attr(n, "method") == "post" && strings.HasPrefix(attr(n, "action"), action) {
			found = true
			action = attr(n, "action")
			for in := range n.Descendants() {
				if in.Data == "input" && attr(in, "type") != "checkbox" {
					values.Set(attr(in, "name"), attr(in, "value"))
				}
			}
		}
	}
	if !found {
		t.Fatalf("%s has no form to %s", page, action)
	}
	for name, value := range fill {
		values[name] = value
	}
	return s.send(t, as, action, values, w.Result().Cookies()...)
}

func (s *site) send(t testing.TB, as access.Actor, action string, values url.Values, cookies ...*http.Cookie) (code int, to, text string) {
	t.Helper()
	s.actor = as
	r := httptest.NewRequest("POST", action, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	body, _ := io.ReadAll(w.Body)
	document, err := html.Parse(strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	for n := range document.Descendants() { // what fields hold is text too
		if n.Data == "input" && attr(n, "type") != "hidden" {
			text += attr(n, "value") + " "
		}
	}
	return w.Code, w.Header().Get("Location"), text + textOf(document)
}

// openFinding is that of a bucket which failed when it was read last.
func (s *site) openFinding() string {
	return finding.ID(odd.String(), plumbtest.Rule, posture.Key{Type: plumbtest.Type, Region: plumbtest.Region, ID: styled})
}

func (s *site) state(t testing.TB, id string) finding.Finding {
	t.Helper()
	f, err := s.db.Finding(t.Context(), id, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestActs: on-call takes a finding and asks for an exception, the compliance manager approves it and takes that back.
func TestActs(t *testing.T) {
	s := newSite(t)
	id := s.openFinding()
	page := "/findings/" + id
	step := func(as access.Actor, page, form string, fill url.Values, want finding.State) {
		t.Helper()
		code, to, text := s.post(t, as, page, page+"/"+form, fill)
		if code != 303 || to != page+"?done="+form {
			t.Fatalf("%s: %d to %q %.800s", form, code, to, text)
		}
		if f := s.state(t, id); f.State != want {
			t.Fatalf("%s: the finding is %s, want %s", form, f.State, want)
		}
		if _, text, _ := s.get(t, to); !strings.Contains(text, doneText(form)) {
			t.Errorf("%s: the page does not say %q", form, doneText(form))
		}
	}
	step(omar, page, "acknowledge", url.Values{"reason": {"on it"}}, finding.Acknowledged)
	if f := s.state(t, id); f.Assignee != omar.ID {
		t.Errorf("it is %q's", f.Assignee)
	}
	step(omar, page, "assign", url.Values{"assignee": {"dora@example.com"}}, finding.Acknowledged)
	step(omar, page, "request-exception", url.Values{"reason": {"migration"}, "risk": {"little"}}, finding.ExceptionRequested)
	list, err := s.db.Exceptions(t.Context(), store.ExceptionFilter{Account: odd.String()})
	if err != nil || len(list) != 1 || !list[0].Expires.Equal(today.Truncate(24*time.Hour).AddDate(0, 0, finding.DefaultDays+1)) {
		t.Fatal(list, err)
	}
	exception := "/exceptions/" + seq(list[0].ID)
	step(clara, exception, "approve", nil, finding.Excepted)
	step(clara, exception, "revoke", url.Values{"reason": {"too long"}}, finding.Open)
	step(omar, page, "claim-fix", url.Values{"reference": {"CHG-7"}}, finding.FixClaimed)
	s.seal(t, 6, plumbtest.Resource("data", map[string]any{"versioning": ""}))
	s.db.Now = func() time.Time { return today.Add(time.Hour) }
	logs := finding.ID(plumbtest.Account().String(), plumbtest.Rule, posture.Key{Type: plumbtest.Type, Region: plumbtest.Region, ID: "data"})
	if f := s.state(t, logs); f.State != finding.Excepted {
		t.Fatal("data is", f.State)
	}
	if code, _, text := s.post(t, clara, "/exceptions/1", "/exceptions/1/revoke", url.Values{"reason": {"enough"}}); code != 303 {
		t.Fatal(code, text)
	}
	id, page = logs, "/findings/"+logs
	step(omar, page, "dispute", url.Values{"reason": {"it is a scratch bucket"}}, finding.Disputed)
	step(person("rita", access.RuleLead), page, "uphold", url.Values{"reason": {"it is not"}}, finding.Open)
	if code, to, text := s.post(t, omar, fmt.Sprintf("/alerts/%d", s.alert), fmt.Sprintf("/alerts/%d/acknowledge", s.alert), nil); code != 303 {
		t.Fatal(code, to, text)
	}
	if a, err := s.db.Alert(t.Context(), s.alert, time.Time{}); err != nil || a.By != omar.ID {
		t.Errorf("the alert is acknowledged by %q, %v", a.By, err)
	}
}

// TestActsRefused: what may not be, or cannot be, changes nothing; refusals are in the audit log; what was typed stays.
func TestActsRefused(t *testing.T) {
	s := newSite(t)
	open := s.openFinding()
	page := "/findings/" + open
	if code, _, text := s.post(t, omar, page, page+"/request-exception", url.Values{"reason": {"because " + script}, "risk": {"some"}, "expires": {"2036-01-01"}}); code != 422 ||
		!strings.Contains(text, "longer than 365 days") || strings.Count(text, "because "+script) != 1 || !strings.Contains(text, "2036-01-01") {
		t.Errorf("an exception of ten years: %d %s", code, text)
	}
	for name, test := range map[string]struct {
		form string
		fill url.Values
		want string
	}{
		"no assignee":           {"acknowledge", url.Values{"assignee": {" "}}, "Who takes care of it: fill this in"},
		"no reference of a fix": {"claim-fix", nil, "Change or ticket: fill this in"},
		"too long a reason":     {"dispute", url.Values{"reason": {strings.Repeat("x", 4001)}}, "at most 4000 characters, these are 4001"},
		"no day":                {"request-exception", url.Values{"reason": {"a"}, "risk": {"b"}, "expires": {"soon"}}, `"soon" is no day`},
		"an end in the past":    {"request-exception", url.Values{"reason": {"a"}, "risk": {"b"}, "expires": {"2026-03-01"}}, "end before it starts"},
	} {
		t.Run(name, func(t *testing.T) {
			if code, _, text := s.post(t, omar, page, page+"/"+test.form, test.fill); code != 422 || !strings.Contains(text, test.want) {
				t.Errorf("%d, want %q in %.3000s", code, test.want, text)
			}
		})
	}
	for name, test := range map[string]struct {
		as      access.Actor
		action  string
		forge   bool
		code    int
		audited string
	}{
		"a viewer acknowledges nothing":                {as: vera, action: page + "/acknowledge", code: 403, audited: "vera@example.com may not finding.acknowledge"},
		"on-call approves nothing":                     {as: omar, action: "/exceptions/1/revoke", code: 403, audited: "omar@example.com may not exception.revoke"},
		"a compliance manager acknowledges no alert":   {as: clara, action: fmt.Sprintf("/alerts/%d/acknowledge", s.alert), code: 403, audited: "clara@example.com may not alert.acknowledge"},
		"a form without its token":                     {as: omar, action: page + "/acknowledge", forge: true, code: 403, audited: "not one made for you"},
		"what the actor may not see is not there":      {as: access.Actor{ID: "omar@example.com", Kind: access.Person, Roles: omar.Roles, Scopes: []string{"aws:1"}}, action: page + "/acknowledge", code: 404},
		"a finding that is not there":                  {as: omar, action: "/findings/F-x/acknowledge", code: 404},
		"an exception that is no number":               {as: clara, action: "/exceptions/x/approve", code: 404},
		"an act that does not exist":                   {as: omar, action: page + "/resolve", code: 404},
		"one of those chosen is not for this person":   {as: vera, action: "/findings/acknowledge-chosen", code: 403, audited: "vera@example.com may not"},
		"a finding whose state does not allow the act": {as: person("rita", access.RuleLead), action: page + "/uphold", code: 422, audited: "can be upheld while it is disputed"},
	} {
		t.Run(name, func(t *testing.T) {
			before := s.state(t, open)
			token := tokenOf("secret", test.as)
			if test.forge {
				token = tokenOf("another", test.as)
			}
			code, _, text := s.send(t, test.as, test.action, url.Values{
				"token": {token}, "reason": {"r"}, "assignee": {"a"}, "finding": {open},
			}, &http.Cookie{Name: formCookie, Value: "secret"})
			if code != test.code {
				t.Errorf("%d, want %d: %.1000s", code, test.code, text)
			}
			if after := s.state(t, open); after.Events != before.Events {
				t.Errorf("the finding moved to %s", after.State)
			}
			log, err := s.db.AuditLog(t.Context(), store.AuditFilter{})
			if err != nil {
				t.Fatal(err)
			}
			last := log[len(log)-1]
			for _, e := range log {
				if e.Seq > last.Seq {
					last = e
				}
			}
			if test.audited != "" && (last.Outcome != access.Refused || !strings.Contains(last.Reason, test.audited)) {
				t.Errorf("the audit log ends with %+v", last)
			}
		})
	}
}

// TestOwnRequest: who asked for an exception is not offered to approve it, and cannot.
func TestOwnRequest(t *testing.T) {
	s := newSite(t)
	page := "/findings/" + s.openFinding()
	if code, _, text := s.post(t, clara, page, page+"/request-exception", url.Values{"reason": {"a"}, "risk": {"b"}}); code != 303 {
		t.Fatal(code, text)
	}
	if _, text, _ := s.get(t, "/exceptions/2"); !strings.Contains(text, "another person has to approve") || strings.Contains(text, "You vouch") {
		t.Errorf("%.2000s", text)
	}
	code, _, text := s.send(t, clara, "/exceptions/2/approve", url.Values{"token": {tokenOf("s", clara)}}, &http.Cookie{Name: formCookie, Value: "s"})
	if code != 422 || !strings.Contains(text, "another person has to approve") {
		t.Errorf("%d %.1000s", code, text)
	}
}

// TestAcknowledgeMany: findings are chosen in the list; what cannot be acknowledged any more is told, the rest is done.
func TestAcknowledgeMany(t *testing.T) {
	s := newSite(t)
	of := func(id string) string {
		return finding.ID(odd.String(), plumbtest.Rule, posture.Key{Type: plumbtest.Type, Region: plumbtest.Region, ID: id})
	}
	one, two, three := of(styled), of(breakup), of("javascript:alert(1)")
	list := "/findings?state=open"
	code, to, text := s.post(t, omar, list, "/findings/acknowledge-chosen", url.Values{"finding": {one, two}})
	if code != 303 || !strings.Contains(to, "state=open") || s.state(t, one).State != finding.Acknowledged || s.state(t, two).State != finding.Acknowledged {
		t.Fatalf("%d %s %s", code, to, text)
	}
	code, _, text = s.post(t, omar, list, "/findings/acknowledge-chosen", url.Values{"finding": {one, three}})
	if code != 422 || !strings.Contains(text, "1 of 2 were acknowledged") || s.state(t, three).State != finding.Acknowledged {
		t.Errorf("%d %.2000s", code, text)
	}
	if code, _, text = s.post(t, omar, list, "/findings/acknowledge-chosen", nil); code != 422 || !strings.Contains(text, "choose 1 to 500") {
		t.Errorf("none chosen: %d %.1000s", code, text)
	}
}

// TestNoForms: there are none as of the past, for viewers, and where nobody signs in.
func TestNoForms(t *testing.T) {
	s := newSite(t)
	forms := func(h http.Handler, path string) (n int) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return strings.Count(w.Body.String(), `method="post"`)
	}
	page := "/findings/" + s.openFinding()
	s.actor = omar
	if n := forms(s, page); n != 5 {
		t.Errorf("%d forms for on-call", n)
	}
	if n := forms(s, page+"?as_of=2026-03-06"); n != 0 {
		t.Errorf("%d forms as of the past", n)
	}
	s.actor = vera
	if n := forms(s, page) + forms(s, "/findings"); n != 0 {
		t.Errorf("%d forms for a viewer", n)
	}
	demo, err := New(Options{Store: s.db, Set: s.set})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	demo.Routes(mux)
	for _, path := range []string{page, "/findings", "/exceptions/1", fmt.Sprintf("/alerts/%d", s.alert)} {
		if n := forms(mux, path); n != 0 {
			t.Errorf("%s: %d forms without sign-in", path, n)
		}
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("POST", page+"/acknowledge", nil))
	if w.Code != 404 {
		t.Errorf("an act without sign-in: %d", w.Code)
	}
}
