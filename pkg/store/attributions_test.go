package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plumbline-dev/plumbline/pkg/attribution"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestAttributions(t *testing.T) {
	s, _ := plumbtest.Store(t)
	for day := range 3 {
		seal(t, s, failing(day, buckets(2)))
	}
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	s.Now = func() time.Time { return now }
	logs, other := bucketKey("bucket-000"), bucketKey("bucket-001")
	event := attribution.Event{
		ID: "e-1", Name: "PutBucketPolicy", Source: "s3.amazonaws.com", Time: now.Add(-time.Hour), Region: "eu-west-1", Address: "198.51.100.7",
		Actor: attribution.Actor{Kind: attribution.Session, Name: "deploy/ci\x00", Behind: "arn:aws:iam::111122223333:role/deploy", Person: "alice@acme.example"},
	}
	waiting := attribution.Attribution{Resource: logs, Path: "policy", Confidence: attribution.Unknown, Reason: attribution.Unsettled}
	never := attribution.Attribution{Resource: other, Confidence: attribution.Unknown, Reason: attribution.NoEvent, Settled: true}
	exact := attribution.Attribution{Resource: logs, Path: "policy", Confidence: attribution.Exact, Events: []attribution.Event{event}, Settled: true}
	write := func(from, to int64, list ...attribution.Attribution) {
		t.Helper()
		if err := s.WriteAttributions(t.Context(), account, from, to, list); err != nil {
			t.Fatal(err)
		}
	}
	known := func(after, to int64, asOf time.Time) map[string]int { // revision by confidence
		t.Helper()
		list, err := s.Attributions(t.Context(), account, after, to, asOf)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]int{}
		for _, a := range list {
			out[a.Resource.ID+" "+string(a.Confidence)] = a.Revision
		}
		return out
	}
	open := func(since time.Time) [][2]int64 {
		t.Helper()
		list, err := s.OpenAttributions(t.Context(), account, since)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}

	write(1, 2, waiting, never)
	if diff := cmp.Diff([][2]int64{{1, 2}}, open(time.Time{})); diff != "" {
		t.Errorf("open (-want +got):\n%s", diff)
	}
	if list := open(now.AddDate(1, 0, 0)); len(list) > 0 {
		t.Errorf("open though too old: %v", list)
	}
	first := now
	now = now.Add(time.Hour)
	write(1, 2, exact, never)
	if diff := cmp.Diff(map[string]int{"bucket-000 exact": 2, "bucket-001 unknown": 1}, known(0, 3, time.Time{})); diff != "" {
		t.Errorf("a late event supersedes, what says nothing new is left out (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"bucket-000 unknown": 1, "bucket-001 unknown": 1}, known(0, 3, first)); diff != "" {
		t.Errorf("as of before (-want +got):\n%s", diff)
	}
	if list := open(time.Time{}); len(list) > 0 {
		t.Errorf("still open: %v", list)
	}
	write(1, 2, waiting)
	if diff := cmp.Diff(map[string]int{"bucket-000 exact": 2, "bucket-001 unknown": 1}, known(0, 3, time.Time{})); diff != "" {
		t.Errorf("exact stays exact (-want +got):\n%s", diff)
	}
	if got := known(2, 3, time.Time{}); len(got) > 0 {
		t.Errorf("of other snapshots: %v", got)
	}

	list, err := s.Attributions(t.Context(), account, 1, 2, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	event.Actor.Name = list[0].Events[0].Actor.Name // the zero byte cannot be stored
	want := exact
	want.Events = []attribution.Event{event}
	if diff := cmp.Diff(want, list[0].Attribution, cmpopts.EquateEmpty()); diff != "" || list[0].From != 1 || list[0].To != 2 || !list[0].Written.Equal(now) {
		t.Errorf("read back as %+v (-want +got):\n%s", list[0], diff)
	}
}

func TestLogReadsTellTheirCalls(t *testing.T) {
	s, url := plumbtest.Store(t)
	seal(t, s, failing(0, buckets(1)))
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	log := attribution.LogCoverage{Reads: []attribution.LogRead{
		{Region: "eu-west-1", From: now.Add(-time.Hour), To: now, ReadAt: now},
		{Region: "us-east-1", To: now, ReadAt: now, Cause: &posture.Cause{Reason: posture.ReasonDenied, Permission: "cloudtrail:LookupEvents"}},
	}}
	calls := []posture.Call{{Operation: "CloudTrail.LookupEvents", Region: "eu-west-1", Status: 200}, {Operation: "CloudTrail.LookupEvents", Region: "us-east-1", Status: 400, Code: "AccessDenied\x00"}}
	if err := s.WriteLogReads(t.Context(), account, log, calls); err != nil {
		t.Fatal(err)
	}
	var whole, denied int
	if err := connect(t, url).QueryRow(t.Context(), `
		SELECT count(*) FILTER (WHERE from_at IS NOT NULL AND cause IS NULL AND calls @> '[{"region": "eu-west-1", "status": 200}]' AND jsonb_array_length(calls) = 1),
			count(*) FILTER (WHERE from_at IS NULL AND cause->>'permission' = 'cloudtrail:LookupEvents' AND calls @> '[{"status": 400}]')
		FROM change_log_reads`).Scan(&whole, &denied); err != nil || whole != 1 || denied != 1 {
		t.Errorf("%d read whole, %d denied, %v", whole, denied, err)
	}
}
