package pack

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/attribution"
	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// TestDeviationsSayWhoAndWhoWasTold: five days of one account, scanned at 06:00; three buckets go public between 2 and 3 January. One
// event explains the first, either of two the second, and none the third. The log was read whole from 2 January 00:00 to 4 January 12:00
// in eu-west-1, and on 1 January until noon in both regions.
func TestDeviationsSayWhoAndWhoWasTold(t *testing.T) {
	w := newWorld(t)
	ctx, one := t.Context(), account("111122223333")
	seqs := map[int]int64{}
	for _, d := range days(-1, 5) {
		public := d >= 2
		s := w.read(at(d), one, reading{"eu-west-1", []thing{{id: "main", value: &trail{Meta: posture.Meta{Name: "main"}, Logging: true}}},
			[]thing{aBucket("exact", public), aBucket("either", public), aBucket("nobody", public)}}, reading{"us-east-1", []thing{}, []thing{}})
		seqs[d] = s.Seq
	}
	key := func(id string) posture.Key { return posture.Key{Type: bucketType.Name, Region: "eu-west-1", ID: id} }
	event := func(id, actor string, hour int) attribution.Event {
		return attribution.Event{ID: id, Name: "PutBucketPolicy", Source: "test.example", Time: time.Date(2026, 1, 2, hour, 0, 0, 0, time.UTC), Actor: attribution.Actor{Kind: attribution.User, Name: actor}, Address: "192.0.2.7"}
	}
	if err := w.db.WriteAttributions(ctx, one.String(), seqs[1], seqs[2], []attribution.Attribution{
		{Resource: key("exact"), Path: "public", Confidence: attribution.Exact, Events: []attribution.Event{event("e-1", "alice", 20)}},
		{Resource: key("exact"), Path: "owner", Confidence: attribution.Exact, Events: []attribution.Event{event("e-9", "mallory", 21)}}, // no rule reads it
		{Resource: key("either"), Path: "public", Confidence: attribution.Candidates, Reason: attribution.Several, Events: []attribution.Event{event("e-2", "alice", 8), event("e-3", "bob", 9)}},
		{Resource: key("nobody"), Path: "public", Confidence: attribution.Unknown, Reason: attribution.LogDenied},
	}); err != nil {
		t.Fatal(err)
	}
	for _, reads := range [][]attribution.LogRead{
		{{Region: "eu-west-1", From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}, {Region: "us-east-1", From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}},
		{{Region: "eu-west-1", From: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 1, 4, 12, 10, 0, 0, time.UTC)}, {Region: "us-east-1", To: time.Date(2026, 1, 4, 12, 10, 0, 0, time.UTC)}},
	} {
		for i := range reads {
			reads[i].ReadAt = time.Date(2026, 1, reads[0].To.Day(), 12, 15, 0, 0, time.UTC) // events come a quarter of an hour late
		}
		if err := w.db.WriteLogReads(ctx, one.String(), attribution.LogCoverage{Reads: reads}, nil); err != nil {
			t.Fatal(err)
		}
	}
	id := finding.ID(one.String(), "aws-test-bucket-private", key("exact"))
	told := at(2).Add(3 * time.Minute)
	if err := w.db.PlanAlerts(ctx, alert.Ask{Account: one.String()}, func(alert.Known) ([]alert.Change, error) {
		return []alert.Change{{
			Alert:      alert.Alert{Account: one.String(), Class: alert.Findings, Group: "g", Title: "A bucket is public", Severity: "high", Opened: told, Acknowledged: posture.Some(told.Add(time.Hour)), By: "omar@example.com"},
			Entries:    []alert.Entry{{At: told, Kind: alert.Began, Member: id, Finding: id, Event: 1, Stands: true}},
			Deliveries: []alert.Delivery{{Account: one.String(), Receiver: "team", Created: told}},
		}}, nil
	}); err != nil {
		t.Fatal(err)
	}
	alerts, err := w.db.Deliveries(ctx, 1, time.Time{})
	if err != nil || len(alerts) != 1 {
		t.Fatal(alerts, err)
	}
	for n, state := range []alert.DeliveryState{alert.Sending, alert.Failed, alert.Sending, alert.Sent} {
		if err := w.db.AddAttempt(ctx, alerts[0], alert.Attempt{N: n + 1, At: told.Add(time.Duration(n) * time.Minute), State: state}); err != nil {
			t.Fatal(err)
		}
	}
	request := w.periodRequest(w.head(at(5)))
	request.To = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	dir, _ := w.build(request)
	if code, paths := verify(t, dir, evidence.Trust{}); code != evidence.Good {
		t.Fatalf("verify: exit code %d, %v", code, paths)
	}
	p, err := evidence.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	// bucket, confidence and reason, events, when, to detect, duration, sent, acknowledged
	want := `
either candidates several_events e-2 e-3 - 0..86400 151200..237600 - -
exact exact  e-1 2026-01-02T20:00:00Z 36000..36000 187200..187200 2026-01-03T06:06:00Z 2026-01-03T07:03:00Z
nobody unknown log_denied - 0..86400 151200..237600 - -`
	dash := func(o posture.Opt[time.Time]) string { return orElse(optTime(o), "-") }
	var got []string
	for d, err := range evidence.Rows[evidence.Deviation](p, evidence.DeviationsFile) {
		if err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprint(d.Resource.ID, " ", d.Who.Confidence, " ", d.Who.Reason)
		for _, e := range d.Who.Events {
			line += " " + e.ID
		}
		got = append(got, fmt.Sprintf("%s %s %s %s %s %s", line, dash(d.Changed), rangeText(*d.Detect), rangeText(d.Duration), dash(d.AlertSent), dash(d.AlertAcked)))
	}
	if diff := cmp.Diff(strings.TrimSpace(want), strings.Join(got, "\n")); diff != "" {
		t.Errorf("deviations differ (-by hand +got):\n%s", diff)
	}
	// Of four days: in eu-west-1 half a day and two and a half, elsewhere half a day, which is all that both regions' logs tell of.
	wantCovered := map[string]int64{"eu-west-1": 259200, "us-east-1": 43200, "global": 43200}
	for c, err := range evidence.Rows[evidence.Covered](p, evidence.CoverageFile) {
		if err != nil {
			t.Fatal(err)
		}
		if c.Observed != 345600 || c.Corroborated != wantCovered[c.Region] {
			t.Errorf("%s in %s: observed %d, corroborated %d, want 345600 and %d", c.Rule, c.Region, c.Observed, c.Corroborated, wantCovered[c.Region])
		}
	}
	claimsNothing(t, dir)
	files := readAll(t, dir)
	for _, row := range append(csvRows(t, files["csv/deviations.csv"]), append(htmlRows(t, files["report.html"], "Deviations"), oscalEntries(t, files["oscal/assessment-results.json"], "Deviated: ")...)...) {
		if row["resource"] == "exact" && (row["actor"] != "alice" || row["event"] != "PutBucketPolicy e-1 at 2026-01-02T20:00:00Z from 192.0.2.7" || row["change_time"] != "2026-01-02T20:00:00Z" || row["alert_sent_at"] != "2026-01-03T06:06:00Z") {
			t.Errorf("a form tells %v", row)
		}
	}
	if strings.Contains(files[evidence.DeviationsFile], "mallory") {
		t.Error("who changed what no rule reads is named")
	}
}
