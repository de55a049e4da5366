package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestRawAnswersGoWithTwoPeopleAndLeaveAMark(t *testing.T) {
	s, url := plumbtest.Store(t)
	ctx, conn := t.Context(), connect(t, url)
	admin := func(name string) access.Actor {
		return access.Actor{ID: name + "@example.com", Kind: access.Person, Roles: []access.Role{access.Admin}}
	}
	sample := func(seq int) posture.Sealing { return plumbtest.Sealing(seq, buckets(2)...) }
	old := sample(0)
	old.Snapshot.Started = old.Snapshot.Started.AddDate(-3, 0, 0)
	old.Snapshot.Finished = old.Snapshot.Finished.AddDate(-3, 0, 0)
	seal(t, s, old)
	var kept string
	if err := conn.QueryRow(ctx, `SELECT encode(sha256, 'hex') FROM bodies LIMIT 1`).Scan(&kept); err != nil {
		t.Fatal(err)
	}
	records := func() (n int64) {
		if err := conn.QueryRow(ctx, `SELECT count(*) FROM log_records`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	size := records()
	head, err := ledger.TreeHead(ctx, s.Log(), size)
	if err != nil {
		t.Fatal(err)
	}
	const keep = 762 * 24 * time.Hour
	if _, err := s.RequestRemoval(ctx, admin("ann"), "", s.Now(), keep, "tidy"); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("bodies that have to be kept: %v", err)
	}
	id, err := s.RequestRemoval(ctx, admin("ann"), "", s.Now().AddDate(-2, -2, 0), keep, "past their time")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Remove(ctx, admin("ann"), id); err == nil || !strings.Contains(err.Error(), "not approved") {
		t.Errorf("carried out without approval: %v", err)
	}
	if err := s.DecideRemoval(ctx, admin("ann"), id, true, ""); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("approved by who asked: %v", err)
	}
	if _, err := conn.Exec(ctx, `INSERT INTO retention_decisions (request, approved, person, at, reason) VALUES ($1, true, 'ann@example.com', now(), '')`, id); err == nil {
		t.Error("the database took an approval by who asked")
	}
	if err := s.DecideRemoval(ctx, admin("bob"), id, true, ""); err != nil {
		t.Fatal(err)
	}
	hold, err := s.AddHold(ctx, admin("ann"), old.Snapshot.Account.String(), "a dispute")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.Remove(ctx, admin("bob"), id); err != nil || n != 0 {
		t.Errorf("%d removed under a hold, %v", n, err)
	}
	if err := s.EndHold(ctx, admin("ann"), hold, "settled"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, `DELETE FROM bodies`); err == nil {
		t.Error("bodies were deleted without a mark")
	}
	n, err := s.Remove(ctx, admin("bob"), id)
	if err != nil || n != len(old.Bodies) || n == 0 {
		t.Fatalf("%d removed, %v: want %d", n, err, len(old.Bodies))
	}
	if _, err := s.Body(ctx, old.Snapshot.Account.String(), kept); !errors.Is(err, posture.ErrNotFound) {
		t.Errorf("the body is still there: %v", err)
	}
	r, err := s.Removal(ctx, id)
	if err != nil || r.Bodies != int64(n) || r.Bytes == 0 {
		t.Errorf("%+v, %v", r, err)
	}
	seal(t, s, sample(1)) // a new answer like an old one is kept again
	if _, err := s.Body(ctx, old.Snapshot.Account.String(), kept); err != nil {
		t.Errorf("collected again: %v", err)
	}
	if n, err := s.Remove(ctx, admin("bob"), id); err != nil || n != 0 {
		t.Errorf("%d younger ones removed, %v", n, err)
	}
	if again, err := ledger.TreeHead(ctx, s.Log(), size); err != nil || again != head || records() <= size {
		t.Errorf("the log's head at %d was %v and is %v, %v", size, head, again, err)
	}
	if check, err := s.VerifyAudit(ctx); err != nil || check.Problem != "" {
		t.Errorf("audit log: %+v, %v", check, err)
	}
}
