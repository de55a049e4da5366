package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
)

func TestAlertCommands(t *testing.T) {
	db, url := plumbtest.Store(t)
	on := func(args ...string) []string { return append(args, "--database-url", url) }
	now := time.Now().UTC().Truncate(time.Second)
	err := db.PlanAlerts(t.Context(), alert.Ask{Account: "aws:111122223333"}, func(alert.Known) ([]alert.Change, error) {
		return []alert.Change{{
			Alert: alert.Alert{
				Account: "aws:111122223333", Class: alert.Findings, Group: "g", Title: "The bucket is public\x1b[31m, on logs", Severity: "high", Opened: now,
				Routes: []string{"page"}, Members: map[string]alert.Standing{"F-1": {Stands: true}},
			},
			Entries:    []alert.Entry{{At: now, Kind: alert.Opened}, {At: now, Kind: alert.Began, Member: "F-1", Stands: true, Note: "opened"}},
			Deliveries: []alert.Delivery{{Receiver: "oncall", Created: now, Message: alert.Message{Kind: alert.TellOpened}}},
		}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	code, out, errs := command(t, on("alerts", "list")...)
	if code != 0 || !strings.Contains(out, "A-1") || !strings.Contains(out, "open") || !strings.Contains(out, "oncall") || strings.Contains(out, "\x1b") {
		t.Errorf("list: exit code %d: %s%s", code, out, errs)
	}
	if code, out, errs = command(t, on("alerts", "show", "A-1")...); code != 0 || !strings.Contains(out, "F-1") || !strings.Contains(out, "queued") {
		t.Errorf("show: exit code %d: %s%s", code, out, errs)
	}
	if code, _, errs = command(t, on("alerts", "ack", "1", "--reason", "on it")...); code != 0 {
		t.Errorf("ack: exit code %d: %s", code, errs)
	}
	code, out, _ = command(t, on("alerts", "show", "A-1", "--output", "json")...)
	var shown struct {
		Status     string
		By         string `json:"acknowledged_by"`
		History    []alert.Entry
		Deliveries []alert.Delivery
	}
	if err := json.Unmarshal([]byte(out), &shown); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v: %s", code, err, out)
	}
	if shown.Status != "acknowledged" || shown.By != operator().ID || len(shown.History) != 3 || shown.History[2].Note != "on it" || len(shown.Deliveries) != 1 {
		t.Errorf("shown: %+v", shown)
	}
	for name, args := range map[string][]string{
		"acknowledged twice": {"alerts", "ack", "A-1"}, "no such alert": {"alerts", "show", "A-9"}, "no number": {"alerts", "show", "first"}, "no such class": {"alerts", "list", "--class", "bad"},
	} {
		if code, _, errs := command(t, on(args...)...); code != exitSetup {
			t.Errorf("%s: exit code %d: %s", name, code, errs)
		}
	}
}

func TestAlertsTest(t *testing.T) {
	var calls atomic.Int32
	status := http.StatusNoContent
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m alert.Message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil || m.Kind != alert.TellTest || !strings.HasPrefix(m.Headline(), "TEST") {
			t.Errorf("sent %+v, error %v", m, err)
		}
		calls.Add(1)
		w.WriteHeader(status)
	}))
	defer server.Close()
	file := write(t, "plumbline.yaml", `
alerts:
  receivers:
    - {name: hook, webhook: {url: "`+server.URL+`", secret: do-not-show}}
    - {name: other, webhook: {url: "`+server.URL+`", secret: do-not-show}}
  routes:
    - {name: page, receivers: [hook, other]}
`)
	if code, out, errs := command(t, "alerts", "test", "page", "--config", file); code != 0 || calls.Load() != 2 || !strings.Contains(out, "204 No Content") {
		t.Errorf("exit code %d after %d calls: %s%s", code, calls.Load(), out, errs)
	}
	status = http.StatusNotFound
	code, out, errs := command(t, "alerts", "test", "page", "--config", file)
	if code != exitSetup || !strings.Contains(out, "not sent") || !strings.Contains(out, "404 Not Found") || strings.Contains(out+errs, "do-not-show") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	if code, _, errs := command(t, "alerts", "test", "nowhere", "--config", file); code != exitSetup || !strings.Contains(errs, "not found") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}
