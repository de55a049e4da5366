package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// ScanState is how far a run is with an account.
type ScanState string

// The states. A skipped account was left out on purpose, or its cloud says that it is not in use; Error says why.
const (
	ScanQueued  ScanState = "queued"
	ScanRunning ScanState = "running"
	ScanSealed  ScanState = "sealed"
	ScanFailed  ScanState = "failed"
	ScanSkipped ScanState = "skipped"
)

// ScanRow is what one run does about one account.
type ScanRow struct {
	Account    string     `json:"account"`
	RunID      string     `json:"run_id"`
	Connection string     `json:"connection"`
	Schedule   string     `json:"schedule,omitempty"`
	State      ScanState  `json:"state"`
	Worker     string     `json:"worker,omitempty"`
	Attempts   int        `json:"attempts"`
	Queued     time.Time  `json:"queued_at"`
	Started    *time.Time `json:"started_at,omitempty"`
	Ended      *time.Time `json:"ended_at,omitempty"`
	Done       int        `json:"tasks_done"`
	Total      int        `json:"tasks_total"`
	Seq        int64      `json:"seq,omitempty"`
	Error      string     `json:"error,omitempty"`
}

// ScanFilter chooses scans; empty fields choose all.
type ScanFilter struct {
	Account, RunID, Connection string
	State                      ScanState
	Before                     time.Time    // queued before; zero: no bound
	After                      ScanPosition // the last one of the page before
	Limit                      int          // 0: no limit
}

// ScanPosition is where a scan stands in the order in which they are read.
type ScanPosition struct {
	Queued         time.Time
	Account, RunID string
}

// Scans returns scans, newest first.
func (s *Store) Scans(ctx context.Context, f ScanFilter) ([]ScanRow, error) {
	q := query{sql: `
		SELECT account, run_id, connection, schedule, state, worker, attempts, queued_at, started_at, ended_at, tasks_done, tasks_total, coalesce(seq, 0), error
		FROM scans WHERE true`}
	for _, part := range []struct{ column, value string }{
		{"account", f.Account}, {"run_id", f.RunID}, {"connection", f.Connection}, {"state", string(f.State)},
	} {
		if part.value != "" {
			q.and(part.column+` = ?`, part.value)
		}
	}
	if !f.Before.IsZero() {
		q.and(`queued_at < ?`, f.Before)
	}
	if after := f.After; after != (ScanPosition{}) {
		q.and(`(queued_at, account, run_id) < (?, ?, ?)`, after.Queued, after.Account, after.RunID)
	}
	q.sql += ` ORDER BY queued_at DESC, account DESC, run_id DESC`
	q.limit(f.Limit)
	rows, _ := s.pool.Query(ctx, q.sql, q.args...)
	return read(rows, "scans", func(row pgx.CollectableRow) (r ScanRow, err error) {
		err = row.Scan(&r.Account, &r.RunID, &r.Connection, &r.Schedule, &r.State, &r.Worker, &r.Attempts, &r.Queued, &r.Started, &r.Ended,
			&r.Done, &r.Total, &r.Seq, &r.Error)
		return r, err
	})
}

// PlanScan records in tx that a run is to scan an account, or leaves it out for a reason. It reports false when the run knows
// the account already.
func (s *Store) PlanScan(ctx context.Context, tx Tx, r ScanRow) (bool, error) {
	tag, err := tx.Exec(ctx, `
		INSERT INTO scans (account, run_id, connection, schedule, state, queued_at, ended_at, error) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT DO NOTHING`, r.Account, r.RunID, r.Connection, r.Schedule, r.State, s.Now(), r.Ended, ledger.Text(r.Error))
	if err != nil {
		return false, fmt.Errorf("plan scan of %s: %w", r.Account, err)
	}
	return tag.RowsAffected() == 1, nil
}

// StartScan notes that a worker began an attempt. It reports false for a scan that somebody canceled.
func (s *Store) StartScan(ctx context.Context, account, run, worker string, job int64) (bool, error) {
	tag, err := s.pool.Exec(ctx, `
		UPDATE scans SET state = 'running', worker = $3, job_id = $4, attempts = attempts + 1, started_at = coalesce(started_at, $5), error = ''
		WHERE account = $1 AND run_id = $2 AND state IN ('queued', 'running')`, account, run, worker, job, s.Now())
	if err != nil {
		return false, fmt.Errorf("note scan of %s: %w", account, err)
	}
	return tag.RowsAffected() == 1, nil
}

// CancelScans ends what a run has neither sealed nor given up: the scan of one account, or for account "" all of them. It returns the
// accounts, and the jobs that are to be told.
func (s *Store) CancelScans(ctx context.Context, run, account, why string) (accounts []string, jobs []int64, err error) {
	err = s.InTx(ctx, func(tx Tx) error {
		rows, _ := tx.Query(ctx, `
			UPDATE scans SET state = 'failed', error = $3, ended_at = $4
			WHERE run_id = $1 AND ($2 = '' OR account = $2) AND state IN ('queued', 'running') RETURNING account`, run, account, ledger.Text(why), s.Now())
		if accounts, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return err
		}
		rows, _ = tx.Query(ctx, `
			SELECT id FROM river_job WHERE args->>'run' = $1 AND finalized_at IS NULL AND (kind = 'scan' AND args->>'account' = ANY($2) OR kind = 'plan' AND $3 = '')`,
			run, accounts, account)
		jobs, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("cancel scans of run %s: %w", run, err)
	}
	return accounts, jobs, nil
}

// ScanProgress notes how many tasks are done.
func (s *Store) ScanProgress(ctx context.Context, account, run string, done, total int) error {
	return s.updateScan(ctx, account, run, `tasks_done = $3, tasks_total = $4`, done, total)
}

// EndScan notes how a scan ended: sealed with its snapshot, failed for good, or queued again after a failed attempt.
func (s *Store) EndScan(ctx context.Context, account, run string, state ScanState, seq int64, problem string) error {
	var ended *time.Time
	if state != ScanQueued {
		now := s.Now()
		ended = &now
	}
	return s.updateScan(ctx, account, run, `state = $3, seq = nullif($4::bigint, 0), error = $5, ended_at = $6`, state, seq, ledger.Text(problem), ended)
}

func (s *Store) updateScan(ctx context.Context, account, run, set string, values ...any) error {
	if _, err := s.pool.Exec(ctx, `UPDATE scans SET `+set+` WHERE account = $1 AND run_id = $2`, append([]any{account, run}, values...)...); err != nil {
		return fmt.Errorf("note scan of %s: %w", account, err)
	}
	return nil
}

// SnapshotOfRun returns the snapshot that a run sealed of an account, or posture.ErrNotFound.
func (s *Store) SnapshotOfRun(ctx context.Context, account, run string) (posture.Snapshot, error) {
	var seq int64
	err := s.pool.QueryRow(ctx, `SELECT seq FROM snapshots WHERE account = $1 AND run_id = $2 ORDER BY seq DESC LIMIT 1`, account, run).Scan(&seq)
	if errors.Is(err, pgx.ErrNoRows) {
		return posture.Snapshot{}, posture.ErrNotFound
	}
	if err != nil {
		return posture.Snapshot{}, fmt.Errorf("read snapshot of run %s: %w", run, err)
	}
	return s.Snapshot(ctx, account, seq)
}

// LastScanTime is how long the account's newest snapshot took to read; zero when there is none.
func (s *Store) LastScanTime(ctx context.Context, account string) (time.Duration, error) {
	var took time.Duration
	err := s.pool.QueryRow(ctx, `SELECT finished_at - started_at FROM snapshots WHERE account = $1 ORDER BY seq DESC LIMIT 1`, account).Scan(&took)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("read duration of the last scan: %w", err)
	}
	return took, nil
}

// Clock is what the store takes for now.
func (s *Store) Clock() time.Time { return s.Now().UTC() }
