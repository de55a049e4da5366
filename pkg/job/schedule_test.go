package job

import (
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/store"
)

func TestNextDueTimes(t *testing.T) {
	at := func(text string) time.Time {
		v, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for name, test := range map[string]struct {
		cron, zone      string
		due, now        string // due "": never set
		last, following string
		missed          int
	}{
		"the first time is the next one":                 {"0 6 * * *", "", "", "2026-03-01T07:00:00Z", "", "2026-03-02T06:00:00Z", 0},
		"taken in time nothing is missed":                {"0 6 * * *", "", "2026-03-01T06:00:00Z", "2026-03-01T06:00:03Z", "2026-03-01T06:00:00Z", "2026-03-02T06:00:00Z", 0},
		"after an outage the last one is caught up":      {"0 6 * * *", "", "2026-03-01T06:00:00Z", "2026-03-10T12:00:00Z", "2026-03-10T06:00:00Z", "2026-03-11T06:00:00Z", 9},
		"a zone keeps its hour over the change of clock": {"0 6 * * *", "Europe/Berlin", "2026-03-28T05:00:00Z", "2026-03-28T05:00:01Z", "2026-03-28T05:00:00Z", "2026-03-29T04:00:00Z", 0},
		"an hour that the clock skips is not run twice":  {"30 2 * * *", "Europe/Berlin", "2026-03-28T01:30:00Z", "2026-03-30T12:00:00Z", "2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := store.Schedule{Name: "s", Cron: test.cron, TimeZone: test.zone}
			if test.due != "" {
				s.NextDue = at(test.due)
			}
			last, following, missed, err := next(s, at(test.now))
			if err != nil {
				t.Fatal(err)
			}
			if test.last != "" && !last.Equal(at(test.last)) || !following.Equal(at(test.following)) || missed != test.missed {
				t.Errorf("last %v, following %v, missed %d; want %s, %s, %d", last, following, missed, test.last, test.following, test.missed)
			}
		})
	}
	for name, s := range map[string]store.Schedule{
		"a cron expression that is none":       {Name: "s", Cron: "every now and then"},
		"a zone that is none":                  {Name: "s", Cron: "@daily", TimeZone: "Mars/Olympus"},
		"a day that never comes after the due": {Name: "s", Cron: "0 0 30 2 *", NextDue: at("2026-01-01T00:00:00Z")},
	} {
		if _, _, _, err := next(s, at("2026-03-01T00:00:00Z")); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
