package pack

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestReadiness(t *testing.T) {
	w, head := history(t)
	dir, _ := w.build(w.periodRequest(head))
	p, err := evidence.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	r, err := p.Readiness(85)
	if err != nil {
		t.Fatal(err)
	}
	want := []evidence.ReadyCriterion{
		{ID: "CC6.1", Title: "Access", State: "partly", Controls: []string{"access"}, Open: 1, Gaps: []evidence.ReadyGap{
			{Kind: "operation", Control: "access", Rule: "aws-test-bucket-private", What: "1 of 5 results fail, 0 of them excepted", Owner: "ada@example.com", Fix: "Close it."},
			{Kind: "evidence", Control: "access", What: "nothing accepted is attached to access review (quarterly)", Owner: "ada@example.com"},
			{Kind: "period", Control: "access", What: "81.11 % of the time was observed at the least (aws:111122223333 eu-west-1 aws-test-bucket-private)", Owner: "ada@example.com",
				Fix: "Keep scans running and their reads permitted."},
		}},
		// Nothing of it ever failed: clean from the first day.
		{ID: "CC7.2", Title: "Watching", State: "partly", Controls: []string{"logging"}, CleanSince: posture.Some(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), Gaps: []evidence.ReadyGap{
			{Kind: "period", Control: "logging", What: "81.11 % of the time was observed at the least (aws:111122223333 eu-west-1 aws-test-bucket-logged)", Fix: "Keep scans running and their reads permitted."},
		}},
	}
	if diff := cmp.Diff(want, r.Criteria); diff != "" {
		t.Errorf("criteria differ (-want +got):\n%s", diff)
	}
	if r, err = p.Readiness(81); err != nil || r.Criteria[1].State != "covered" {
		t.Errorf("with less coverage asked for: %v %+v", err, r.Criteria[1])
	}
	// A day tells nothing about time.
	day, _ := w.build(w.request(-1, head))
	q, err := evidence.Open(day)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if r, err = q.Readiness(85); err != nil || r.Criteria[0].CleanSince != (posture.Opt[time.Time]{}) || r.Note != evidence.ReadinessNote {
		t.Errorf("of a day: %v %+v", err, r)
	}
}
