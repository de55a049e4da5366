package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// plain is a protocol whose operation is the path, and whose bodies are whole when they end in ".".
type plain struct{}

func (plain) Identify(r *http.Request) Target {
	return Target{Operation: "Test." + strings.Trim(r.URL.Path, "/"), Region: "here"}
}

func (plain) Inspect(_ Target, resp *http.Response, body []byte) (Outcome, string, string) {
	switch {
	case resp.StatusCode == 429:
		return Throttled, "Throttling", "id"
	case resp.StatusCode >= 500:
		return Transient, "Broken", "id"
	case resp.StatusCode < 300 && !strings.HasSuffix(string(body), "."):
		return Malformed, "", "id"
	}
	return Accepted, "", "id"
}

func (plain) Normalize(_ Target, body []byte) []byte { return body }

// server answers with one element of script after the other, the last one for ever.
type server struct {
	script []answer
	asked  int
}

type answer struct {
	status int
	body   string
	header string // Retry-After
	err    error
}

func (s *server) Do(r *http.Request) (*http.Response, error) {
	a := s.script[min(s.asked, len(s.script)-1)]
	s.asked++
	if a.err != nil {
		return nil, a.err
	}
	header := http.Header{}
	if a.header != "" {
		header.Set("Retry-After", a.header)
	}
	return &http.Response{StatusCode: a.status, Header: header, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

// clock stands still and adds up what was waited for.
type clock struct{ waited time.Duration }

func (c *clock) Now() time.Time { return time.Unix(0, 0) }
func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.waited += d
	return ctx.Err()
}

func ask(t *testing.T, tr *Transport, ctx context.Context, path string) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://example.com/"+path, strings.NewReader("question"))
	if err != nil {
		t.Fatal(err)
	}
	return tr.Do(r)
}

func TestTransport(t *testing.T) {
	good := answer{status: 200, body: "good."}
	for name, test := range map[string]struct {
		script []answer
		asked  int
		reason posture.Reason // of the error; "" when there is none
		status int
	}{
		"a whole answer is handed on":             {[]answer{good}, 1, "", 200},
		"a refusal is final":                      {[]answer{{status: 403, body: "no"}}, 1, "", 403},
		"throttling ends in an answer":            {[]answer{{status: 429}, {status: 429}, good}, 3, "", 200},
		"throttled for ever is handed on at last": {[]answer{{status: 429}}, 3, "", 429},
		"half an answer is asked for again":       {[]answer{{status: 200, body: "ha"}, good}, 2, "", 200},
		"never whole is an error":                 {[]answer{{status: 200, body: "ha"}}, 3, posture.ReasonParseError, 0},
		"a cut connection is tried again":         {[]answer{{err: io.ErrUnexpectedEOF}, good}, 2, "", 200},
		"cut for ever is an error":                {[]answer{{err: io.ErrUnexpectedEOF}}, 3, posture.ReasonParseError, 0},
		"never answered is a timeout":             {[]answer{{err: context.DeadlineExceeded}}, 3, posture.ReasonTimeout, 0},
		"no connection is the network's error":    {[]answer{{err: errors.New("refused")}}, 3, posture.ReasonAPIError, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := &server{script: test.script}
			journal := NewJournal()
			tr := New(s, plain{}, Options{Operations: []collectors.Operation{{Name: "Test.List"}}, Clock: &clock{}, Attempts: 3, Journal: journal})
			resp, err := ask(t, tr, t.Context(), "List")
			var failure *Error
			switch {
			case test.reason == "" && (err != nil || resp.StatusCode != test.status):
				t.Errorf("got %v %v, want status %d", resp, err, test.status)
			case test.reason != "" && (!errors.As(err, &failure) || failure.Reason != test.reason || failure.Operation != "Test.List"):
				t.Errorf("got %v, want reason %s", err, test.reason)
			}
			if s.asked != test.asked || len(journal.Calls()) != test.asked {
				t.Errorf("asked %d times and journalled %d, want %d", s.asked, len(journal.Calls()), test.asked)
			}
		})
	}
}

func TestTransportRefusesWhatNoReaderDeclares(t *testing.T) {
	s := &server{script: []answer{{status: 200, body: "."}}}
	tr := New(s, plain{}, Options{Clock: &clock{}})
	if _, err := ask(t, tr, t.Context(), "DeleteEverything"); err == nil || s.asked != 0 {
		t.Errorf("error %v after %d requests", err, s.asked)
	}
}

func TestTransportNoticesPagesThatRunInACircle(t *testing.T) {
	operations := []collectors.Operation{{Name: "Test.List"}, {Name: "Test.Poll", Polled: true}}
	tr := New(&server{script: []answer{{status: 200, body: "."}}}, plain{}, Options{Operations: operations, Clock: &clock{}})
	cell, counter := WithCell(t.Context())
	other, _ := WithCell(t.Context())
	for _, step := range []struct {
		ctx  context.Context
		path string
		want error
	}{
		{cell, "List", nil}, {cell, "List?page=2", nil}, {cell, "List", nil}, {cell, "List", collectors.ErrRepeatedPage}, {other, "List", nil}, {cell, "Poll", nil}, {cell, "Poll", nil},
	} {
		if _, err := ask(t, tr, step.ctx, step.path); !errors.Is(err, step.want) {
			t.Errorf("%s: %v, want %v", step.path, err, step.want)
		}
	}
	if counter.Calls() != 6 {
		t.Errorf("%d calls counted", counter.Calls())
	}
}

func TestTransportWaits(t *testing.T) {
	c := &clock{}
	tr := New(&server{script: []answer{{status: 429, header: "7"}, {status: 200, body: "."}}}, plain{}, Options{Operations: []collectors.Operation{{Name: "Test.List"}}, Clock: c})
	if _, err := ask(t, tr, t.Context(), "List"); err != nil || c.waited != 7*time.Second {
		t.Errorf("waited %v (%v), want what Retry-After asks for", c.waited, err)
	}
	c = &clock{}
	tr = New(&server{script: []answer{{status: 200, body: "."}}}, plain{}, Options{Operations: []collectors.Operation{{Name: "Test.List"}}, Clock: c, Rate: func(string) rate.Limit { return 2 }})
	for range 6 {
		if _, err := ask(t, tr, t.Context(), "List"); err != nil {
			t.Fatal(err)
		}
	}
	if c.waited < 2*time.Second { // two at once, then one each half second: the clock stands still, so the waits add up
		t.Errorf("six requests at two a second waited %v in all", c.waited)
	}
}

func TestRedact(t *testing.T) {
	key := []byte("key")
	for name, test := range map[string]struct{ body, want string }{
		"an element":                {`<a><userData>c2VjcmV0</userData><b>kept</b></a>`, `<a><userData>` + keyed([]byte("c2VjcmV0"), key) + `</userData><b>kept</b></a>`},
		"an element with others":    {`<a><userData><v>x</v></userData></a>`, `<a><userData>` + keyed([]byte("<v>x</v>"), key) + `</userData></a>`},
		"a member":                  {`{"userData":"c2VjcmV0","b":1}`, `{"b":1,"userData":"` + keyed([]byte(`"c2VjcmV0"`), key) + `"}`},
		"an object stays one":       {`{"userData":{"password":"x"}}`, `{"userData":{"password":"` + keyed([]byte(`"x"`), key) + `"}}`},
		"a list keeps its length":   {`{"userData":["a",{"b":1}]}`, `{"userData":["` + keyed([]byte(`"a"`), key) + `",{"b":"` + keyed([]byte("1"), key) + `"}]}`},
		"nothing stays nothing":     {`{"userData":null}`, `{"userData":null}`},
		"what cannot be read whole": {`<a><userData>secret`, ""},
		"nothing to redact":         {`<a><b>kept</b></a>`, `<a><b>kept</b></a>`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := string(redact([]byte(test.body), []string{"userData"}, key)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
