package fault

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// cloud takes an operation from the path, an account from the query, and answers with its name.
type cloud struct{}

func (cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if Takes(r.Context(), MissingPage) {
		w.WriteHeader(http.StatusBadRequest)
	}
	w.Header().Set("X-Served", "yes")
	_, _ = io.WriteString(w, strings.TrimPrefix(r.URL.Path, "/"))
}

func (cloud) Identify(r *http.Request) Call {
	return Call{Cloud: "toy", Account: r.URL.Query().Get("account"), Operation: strings.TrimPrefix(r.URL.Path, "/")}
}

func (cloud) Refuse(w http.ResponseWriter, _ *http.Request, rule Rule) {
	http.Error(w, string(rule.Kind), http.StatusTeapot)
}

// get returns status and body, or the error, of one call.
func get(client *http.Client, base, path string) (int, string, error) {
	response, err := client.Get(base + path)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

func TestRulesChooseCalls(t *testing.T) {
	for name, test := range map[string]struct {
		rules []Rule
		want  []Kind // of: /list?account=1, /list?account=2, /list?account=1, /get?account=1
	}{
		"no rule, no fault":                  {nil, []Kind{"", "", "", ""}},
		"an empty rule hits every call":      {[]Rule{{Kind: Denied}}, []Kind{Denied, Denied, Denied, Denied}},
		"an operation":                       {[]Rule{{Call: Call{Operation: "get"}, Kind: Gone}}, []Kind{"", "", "", Gone}},
		"an account":                         {[]Rule{{Call: Call{Account: "2"}, Kind: Throttled}}, []Kind{"", Throttled, "", ""}},
		"another cloud":                      {[]Rule{{Call: Call{Cloud: "other"}, Kind: Denied}}, []Kind{"", "", "", ""}},
		"the second call counts by its name": {[]Rule{{Nth: 2, Kind: Throttled}}, []Kind{"", "", Throttled, ""}},
		"the first rule that matches": {[]Rule{{Call: Call{Operation: "list"}, Nth: 1, Kind: Denied}, {Kind: Gone}},
			[]Kind{Denied, Denied, Gone, Gone}},
	} {
		t.Run(name, func(t *testing.T) {
			injector := &Injector{Rules: test.rules}
			client := &http.Client{Transport: InMemory(injector.Wrap(cloud{}))}
			var got []Kind
			for _, path := range []string{"/list?account=1", "/list?account=2", "/list?account=1", "/get?account=1"} {
				status, body, err := get(client, "http://toy", path)
				if err != nil {
					t.Fatal(err)
				}
				kind := Kind("")
				if status == http.StatusTeapot {
					kind = Kind(strings.TrimSpace(body))
				}
				got = append(got, kind)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("faults differ (-want +got):\n%s", diff)
			}
			var logged []Kind
			for _, entry := range injector.Log() {
				logged = append(logged, entry.Injected)
			}
			if diff := cmp.Diff(test.want, logged); diff != "" {
				t.Errorf("log differs (-want +got):\n%s", diff)
			}
		})
	}
}

// Each kind looks the same to a client in memory and on a socket.
func TestKindsOverEitherTransport(t *testing.T) {
	wait := func(context.Context, time.Duration) error { return nil }
	giveUp := func(context.Context, time.Duration) error { return context.DeadlineExceeded }
	for name, test := range map[string]struct {
		kind   Kind
		wait   func(context.Context, time.Duration) error
		path   string
		status int
		body   string
		err    error
	}{
		"an untouched call":                 {"", wait, "/list", 200, "list", nil},
		"a denied call":                     {Denied, wait, "/list", 418, "denied\n", nil},
		"a slow call is answered":           {Slow, wait, "/list", 200, "list", nil},
		"a slow call given up":              {Slow, giveUp, "/list", 0, "", io.EOF},
		"half a body, then the end":         {CutBody, wait, "/list", 200, "li", io.ErrUnexpectedEOF},
		"an empty body cut is no answer":    {CutBody, wait, "/", 0, "", io.EOF},
		"a garbled body has status 200":     {GarbledBody, wait, "/list", 200, garbage, nil},
		"a missing page is the cloud's job": {MissingPage, wait, "/list", 400, "list", nil},
		"a page fault the cloud leaves":     {RepeatedToken, wait, "/list", 200, "list", nil},
	} {
		t.Run(name, func(t *testing.T) {
			injector := &Injector{Wait: test.wait}
			if test.kind != "" {
				injector.Rules = []Rule{{Kind: test.kind}}
			}
			h := injector.Wrap(cloud{})
			server := httptest.NewServer(h)
			defer server.Close()
			for where, reach := range map[string]struct {
				client *http.Client
				base   string
			}{
				"in memory":   {&http.Client{Transport: InMemory(h)}, "http://toy"},
				"on a socket": {server.Client(), server.URL},
			} {
				status, body, err := get(reach.client, reach.base, test.path)
				if status != test.status || body != test.body || !errors.Is(err, test.err) {
					t.Errorf("%s: status %d, body %q, error %v", where, status, body, err)
				}
			}
		})
	}
}

func TestPageFaultIsLoggedWhenItHappens(t *testing.T) {
	injector := &Injector{Rules: []Rule{{Kind: MissingPage, Nth: 1}, {Kind: RepeatedToken, Nth: 2}}}
	client := &http.Client{Transport: InMemory(injector.Wrap(cloud{}))}
	for range 2 {
		if _, _, err := get(client, "http://toy", "/list"); err != nil {
			t.Fatal(err)
		}
	}
	log := injector.Log()
	if log[0].Injected != MissingPage || log[1].Injected != "" {
		t.Errorf("log is %v", log)
	}
}

func TestSlowWaitsForTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := new(Injector).wait(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := new(Injector).wait(t.Context(), time.Nanosecond); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestInMemoryLetsOtherPanicsThrough(t *testing.T) {
	defer func() {
		if reason := recover(); reason != "a mistake" {
			t.Errorf("recovered %v", reason)
		}
	}()
	h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a mistake") })
	_, _, _ = get(&http.Client{Transport: InMemory(h)}, "http://toy", "/") // the panic is the result
}
