package channel

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/config"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

const secret = "s3cr3t-T0ken-0123456789"

// hostile is a name that an attacker gave a resource.
const hostile = "<!channel> <https://evil.example|log in> & `code` <script>alert(1)</script>\u202egnp.exe\r\nBcc: all@example.com\x00"

func message(kind alert.MessageKind) alert.Message {
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	m := alert.Message{
		Delivery: "D-12", Alert: "A-7", Key: "plumbline.example.com/A-7", Kind: kind, Class: alert.Findings, Severity: "high",
		Title: "The bucket is public, on " + hostile, Account: "aws:111122223333", Rules: []string{"aws-s3-bucket-not-public"},
		Controls: []string{"data-exposure"}, Criteria: []string{"CC6.1"}, Cause: "configuration", Count: 400,
		Examples: []alert.Example{{Resource: posture.Key{Type: "aws.s3.bucket", Region: "eu-central-1", ID: hostile}, Note: strings.Repeat("x", 1<<20)}},
		Began:    began, URL: "https://plumbline.example.com/alerts/7",
	}
	if kind == alert.TellResolved {
		m.Ended = began.Add(time.Hour)
	}
	return m
}

// request is what a server was sent.
type request struct {
	path   string
	header http.Header
	body   []byte
}

// serve answers every request in the same way and records it.
func serve(t *testing.T, status int, header http.Header, answer string) (address string, got *[]request) {
	got = new([]request)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*got = append(*got, request{r.URL.Path, r.Header, body})
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

func receiver(t *testing.T, r config.Receiver) alert.Channel {
	t.Helper()
	r.Name = "r"
	channels, err := New([]config.Receiver{r})
	if err != nil {
		t.Fatal(err)
	}
	return channels["r"]
}

// sent sends a message and returns the one request, decoded into out, where fields that the API does not document are refused.
func sent(t *testing.T, c alert.Channel, got *[]request, m alert.Message, out any) request {
	t.Helper()
	*got = nil
	if _, err := c.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if len(*got) != 1 {
		t.Fatalf("%d requests", len(*got))
	}
	r := (*got)[0]
	if r.header.Get("Content-Type") != "application/json" || len(r.body) > 128<<10 {
		t.Errorf("%d bytes of %s", len(r.body), r.header.Get("Content-Type"))
	}
	d := json.NewDecoder(strings.NewReader(string(r.body)))
	d.DisallowUnknownFields()
	if err := d.Decode(out); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
	return r
}

func TestReceiverWithoutChannel(t *testing.T) {
	if _, err := New([]config.Receiver{{Name: "r"}}); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("error %v", err)
	}
}

func TestSlack(t *testing.T) {
	address, got := serve(t, 200, nil, "ok")
	c := receiver(t, config.Receiver{Slack: &config.Slack{URL: config.Secret(address + "/services/T/B/" + secret)}})
	for _, kind := range []alert.MessageKind{alert.TellOpened, alert.TellResolved, alert.TellDigest, alert.TellTest} {
		m := message(kind)
		for range 4 {
			m.Sections = append(m.Sections, alert.Section{Title: "New gaps", Lines: slices.Repeat([]string{strings.Repeat("&", 400)}, 20)})
		}
		var out struct {
			Text   string `json:"text"`
			Links  bool   `json:"unfurl_links"`
			Media  bool   `json:"unfurl_media"`
			Blocks []struct {
				Type string `json:"type"`
				Text struct {
					Type     string `json:"type"`
					Text     string `json:"text"`
					Verbatim bool   `json:"verbatim"`
				} `json:"text"`
			} `json:"blocks"`
		}
		sent(t, c, got, m, &out)
		all := out.Text
		for _, b := range out.Blocks {
			if b.Type != "section" || b.Text.Type != "mrkdwn" || !b.Text.Verbatim || len(b.Text.Text) > 3000 || b.Text.Text == "" {
				t.Errorf("%s: block %+v", kind, b)
			}
			all += "\n" + b.Text.Text
		}
		if len(out.Blocks) > 50 || out.Text == "" || len(out.Text) > 4000 {
			t.Errorf("%s: %d blocks, text %q", kind, len(out.Blocks), out.Text)
		}
		all = strings.Replace(all, "<https://plumbline.example.com/alerts/7|Open in Plumbline>", "", 1)
		if strings.ContainsAny(all, "<>`\u202e\x00\r") || regexp.MustCompile(`&(amp|lt|gt);`).ReplaceAllString(all, "") != strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "").Replace(all) {
			t.Errorf("%s: not escaped: %q", kind, all)
		}
		if strings.Contains(strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "").Replace(all), "&") {
			t.Errorf("%s: a bare ampersand in %q", kind, all)
		}
		if !strings.Contains(all, "&lt;!channel&gt;") || !strings.Contains(all, "D-12") {
			t.Errorf("%s: the message lacks its text: %q", kind, all)
		}
	}
}

func TestPagerDuty(t *testing.T) {
	address, got := serve(t, 202, nil, `{"status":"success","message":"Event processed","dedup_key":"k"}`)
	c := receiver(t, config.Receiver{PagerDuty: &config.PagerDuty{URL: address, RoutingKey: secret}})
	type event struct {
		RoutingKey  string                            `json:"routing_key"`
		EventAction string                            `json:"event_action"`
		DedupKey    string                            `json:"dedup_key"`
		Client      string                            `json:"client"`
		ClientURL   string                            `json:"client_url"`
		Links       []struct{ Href, Text string }     `json:"links"`
		Images      []struct{ Src, Href, Alt string } `json:"images"`
		Payload     *struct {
			Summary, Source, Severity, Timestamp, Component, Group, Class string
			Details                                                       map[string]any `json:"custom_details"`
		} `json:"payload"`
	}
	for kind, action := range map[alert.MessageKind]string{
		alert.TellOpened: "trigger", alert.TellEscalated: "trigger", alert.TellFlapping: "trigger", alert.TellAcknowledged: "acknowledge", alert.TellResolved: "resolve",
	} {
		var out event
		r := sent(t, c, got, message(kind), &out)
		if r.path != "/v2/enqueue" || out.RoutingKey != secret || out.EventAction != action || out.DedupKey != "plumbline.example.com/A-7" {
			t.Errorf("%s: %s %s", kind, r.path, r.body)
		}
		if action != "trigger" {
			continue
		}
		p := out.Payload
		if p == nil || p.Summary == "" || len([]rune(p.Summary)) > 1024 || p.Source != "aws:111122223333" || p.Severity != "error" {
			t.Fatalf("%s: payload %+v", kind, p)
		}
		if _, err := time.Parse(time.RFC3339, p.Timestamp); err != nil || strings.ContainsAny(p.Summary, "\u202e\r\n\x00") {
			t.Errorf("%s: payload %+v", kind, p)
		}
	}
	*got = nil
	if _, err := c.Send(t.Context(), message(alert.TellTest)); err != nil || len(*got) != 2 {
		t.Fatalf("a test: %v, %d requests", err, len(*got))
	}
	var first, second event
	_ = json.Unmarshal((*got)[0].body, &first)
	_ = json.Unmarshal((*got)[1].body, &second)
	if first.EventAction != "trigger" || second.EventAction != "resolve" || first.DedupKey != second.DedupKey || first.DedupKey == "plumbline.example.com/A-7" ||
		!strings.Contains(first.Payload.Summary, "TEST") {
		t.Errorf("a test leaves an incident, or takes that of an alert: %+v, %+v", first, second)
	}
	if _, err := c.Send(t.Context(), message(alert.TellDigest)); !errors.Is(err, alert.ErrPermanent) {
		t.Errorf("a digest: %v", err)
	}
}

func TestAlertmanager(t *testing.T) {
	address, got := serve(t, 200, nil, "")
	c := receiver(t, config.Receiver{Alertmanager: &config.Alertmanager{URL: address + "/", Token: secret}})
	names := map[alert.MessageKind]string{}
	for _, kind := range []alert.MessageKind{alert.TellOpened, alert.TellEscalated, alert.TellResolved} {
		var out []struct {
			Labels       map[string]string `json:"labels"`
			Annotations  map[string]string `json:"annotations"`
			StartsAt     time.Time         `json:"startsAt"`
			EndsAt       time.Time         `json:"endsAt"`
			GeneratorURL string            `json:"generatorURL"`
		}
		m := message(kind)
		m.Count = len(kind) // what changes is no label
		r := sent(t, c, got, m, &out)
		if r.path != "/api/v2/alerts" || r.header.Get("Authorization") != "Bearer "+secret || len(out) != 1 {
			t.Fatalf("%s: %s %s", kind, r.path, r.body)
		}
		a := out[0]
		if u, err := url.ParseRequestURI(a.GeneratorURL); err != nil || u.Host != "plumbline.example.com" {
			t.Errorf("%s: generatorURL %q", kind, a.GeneratorURL)
		}
		if !a.StartsAt.Equal(m.Began) || kind == alert.TellResolved && !a.EndsAt.Equal(m.Ended) || kind != alert.TellResolved && a.EndsAt.Before(time.Now().AddDate(1, 0, 0)) {
			t.Errorf("%s: from %v to %v", kind, a.StartsAt, a.EndsAt)
		}
		for name, value := range a.Labels {
			if !regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`).MatchString(name) || value == "" {
				t.Errorf("%s: label %q=%q", kind, name, value)
			}
		}
		for name := range a.Annotations {
			if !regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`).MatchString(name) {
				t.Errorf("%s: annotation %q", kind, name)
			}
		}
		if a.Labels["alertname"] == "" {
			t.Errorf("%s: no alertname", kind)
		}
		names[kind] = fmt.Sprint(a.Labels)
	}
	if names[alert.TellOpened] != names[alert.TellResolved] || names[alert.TellOpened] != names[alert.TellEscalated] {
		t.Errorf("labels of one alert differ: %v", names)
	}
}

func TestWebhook(t *testing.T) {
	address, got := serve(t, 204, nil, "")
	c := receiver(t, config.Receiver{Webhook: &config.Webhook{URL: address + "/hook", Secret: secret}})
	var out alert.Message
	r := sent(t, c, got, message(alert.TellOpened), &out)
	stamp := r.header.Get("Plumbline-Timestamp")
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%s.%s", stamp, r.body)
	if want := "v1=" + hex.EncodeToString(mac.Sum(nil)); r.header.Get("Plumbline-Signature") != want || stamp == "" {
		t.Errorf("signature %q over timestamp %q, want %q", r.header.Get("Plumbline-Signature"), stamp, want)
	}
	if r.header.Get("Plumbline-Delivery") != "D-12" || out.Delivery != "D-12" || out.Kind != alert.TellOpened || out.Examples[0].Resource.Region != "eu-central-1" {
		t.Errorf("got %+v with %v", out, r.header)
	}
}

func TestOutcomes(t *testing.T) {
	for name, test := range map[string]struct {
		status    int
		header    http.Header
		permanent bool
		after     time.Duration // at least; -1: not said
	}{
		"a bad request is refused for good":           {400, nil, true, 0},
		"a missing endpoint is refused for good":      {404, nil, true, 0},
		"a redirect is refused for good":              {302, http.Header{"Location": {"http://127.0.0.1:1/"}}, true, 0},
		"too many requests come again when asked to":  {429, http.Header{"Retry-After": {"90"}}, false, 90 * time.Second},
		"a busy server may name a date":               {503, http.Header{"Retry-After": {time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)}}, false, 59 * time.Minute},
		"a delay of years is cut":                     {503, http.Header{"Retry-After": {"2000000000"}}, false, 24 * time.Hour},
		"a delay that is none":                        {503, http.Header{"Retry-After": {"-5"}}, false, -1},
		"a broken server is tried again":              {500, nil, false, -1},
		"a request that took too long is tried again": {408, nil, false, -1},
	} {
		t.Run(name, func(t *testing.T) {
			address, _ := serve(t, test.status, test.header, strings.Repeat("y", 1<<20))
			c := receiver(t, config.Receiver{Webhook: &config.Webhook{URL: address, Secret: secret}})
			_, err := c.Send(t.Context(), message(alert.TellOpened))
			var later *alert.Later
			switch {
			case err == nil || errors.Is(err, alert.ErrPermanent) != test.permanent || len(err.Error()) > 1000:
				t.Errorf("error %v", err)
			case test.after > 0 && (!errors.As(err, &later) || later.After < test.after || later.After > test.after+time.Minute):
				t.Errorf("error %v, want one that waits %v", err, test.after)
			case test.after < 0 && errors.As(err, &later):
				t.Errorf("error %v waits", err)
			}
		})
	}
	t.Run("a server that is away is tried again", func(t *testing.T) {
		c := receiver(t, config.Receiver{Webhook: &config.Webhook{URL: "http://127.0.0.1:1", Secret: secret}})
		if _, err := c.Send(t.Context(), message(alert.TellOpened)); err == nil || errors.Is(err, alert.ErrPermanent) {
			t.Errorf("error %v", err)
		}
	})
}

// TestNoSecrets: whatever goes wrong, and whatever the other side repeats, no error and no answer shows a secret.
func TestNoSecrets(t *testing.T) {
	receivers := func(base string) map[string]config.Receiver {
		host := strings.TrimPrefix(base, "http://")
		return map[string]config.Receiver{
			"slack":        {Slack: &config.Slack{URL: config.Secret(base + "/services/T/B/" + secret)}},
			"pagerduty":    {PagerDuty: &config.PagerDuty{URL: base, RoutingKey: secret}},
			"alertmanager": {Alertmanager: &config.Alertmanager{URL: base, Token: secret}},
			"email":        {Email: &config.Email{Server: host, TLS: "none", Username: "u", Password: secret, From: "a@example.com", To: []string{"b@example.com"}}},
			"webhook":      {Webhook: &config.Webhook{URL: base + "/" + secret, Secret: secret}},
		}
	}
	echo := func(status int) string {
		address, _ := serve(t, status, http.Header{"Location": {"https://evil.example/" + secret}}, "you said "+secret)
		return address
	}
	t.Run("email, a server that repeats what it is told", func(t *testing.T) {
		r := receivers("http://" + parrot(t))["email"]
		_, err := receiver(t, r).Send(t.Context(), message(alert.TellOpened))
		if err == nil || !strings.Contains(err.Error(), "you said AUTH PLAIN [hidden]") {
			t.Errorf("error %v", err)
		}
	})
	cases := map[string]string{
		"an answer that repeats it": echo(200), "an error that repeats it": echo(400), "an outage that repeats it": echo(503), "a redirect that repeats it": echo(307),
		"nobody there": "http://127.0.0.1:1", "no such host": "http://no.such.host.invalid:80", "no address": "http://%zz", "another protocol": "gopher://127.0.0.1",
	}
	for name, base := range cases {
		for kind, r := range receivers(base) {
			if kind == "email" && strings.Contains(name, "repeats") {
				continue // it waits for a greeting; see above
			}
			t.Run(kind+", "+name, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				answer, err := receiver(t, r).Send(ctx, message(alert.TellOpened))
				if text := fmt.Sprintf("%s %v %+v %#v", answer, err, err, err); strings.Contains(text, secret) {
					t.Errorf("shows the secret: %s", text)
				}
			})
		}
	}
}

// parrot is a mail server that refuses every command after the greeting, in its own words.
func parrot(t *testing.T) (address string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { listener.Close(); <-done })
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "220 parrot\r\n")
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "EHLO") {
				fmt.Fprint(conn, "250-parrot\r\n250 AUTH PLAIN\r\n")
				continue
			}
			fmt.Fprintf(conn, "535 you said %s\r\n", lines.Text())
		}
	}()
	return listener.Addr().String()
}
