package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// AccountRule are the verdicts of a rule in one account's snapshot.
type AccountRule struct {
	Account string `json:"account"`
	RuleCounts
}

// CountsOf returns the verdicts of each rule in each of these snapshots, from sums that sealing wrote.
func (s *Store) CountsOf(ctx context.Context, snapshots []posture.Snapshot) ([]AccountRule, error) {
	accounts, seqs := named(snapshots)
	rows, _ := s.pool.Query(ctx, `
		SELECT c.account, c.rule_id, c.pass, c.fail, c.unknown, c.not_applicable
		FROM unnest($1::text[], $2::bigint[]) AS n(account, seq)
		JOIN verdict_counts c ON c.account = n.account COLLATE "C" AND c.seq = n.seq
		ORDER BY c.account, c.rule_id`, accounts, seqs)
	return read(rows, "verdict counts by account", func(row pgx.CollectableRow) (c AccountRule, err error) {
		return c, row.Scan(&c.Account, &c.Rule, &c.Pass, &c.Fail, &c.Unknown, &c.DoesNotApply)
	})
}

func named(snapshots []posture.Snapshot) (accounts []string, seqs []int64) {
	accounts, seqs = make([]string, len(snapshots)), make([]int64, len(snapshots))
	for i, snapshot := range snapshots {
		accounts[i], seqs[i] = snapshot.Account.String(), snapshot.Seq
	}
	return accounts, seqs
}

// Gap is a cell that a snapshot did not read to its end.
type Gap struct {
	Account string `json:"account"`
	Seq     int64  `json:"seq"`
	posture.Cell
}

// Gaps returns the cells that these snapshots did not read to the end, by account, type and region; at most limit, 0 being all.
func (s *Store) Gaps(ctx context.Context, snapshots []posture.Snapshot, limit int) ([]Gap, error) {
	accounts, seqs := named(snapshots)
	q := query{args: []any{accounts, seqs}, sql: `
		SELECT c.account, c.seq, c.region, c.type, c.state, c.cause, c.started_at, c.finished_at, c.calls
		FROM unnest($1::text[], $2::bigint[]) AS n(account, seq)
		JOIN cells c ON c.account = n.account COLLATE "C" AND c.seq = n.seq
		WHERE c.state NOT IN ('complete', 'not_applicable')
		ORDER BY c.account, c.type, c.region`}
	q.limit(limit)
	rows, _ := s.pool.Query(ctx, q.sql, q.args...)
	return read(rows, "gaps", func(row pgx.CollectableRow) (g Gap, err error) {
		err = row.Scan(&g.Account, &g.Seq, &g.Region, &g.Type, &g.State, &g.Cause, &g.Started, &g.Finished, &g.Calls)
		g.Started, g.Finished = g.Started.UTC(), g.Finished.UTC()
		return g, err
	})
}

// Day are the verdicts of a day: of each account read on it the day's last snapshot.
type Day struct {
	Day      time.Time `json:"day"` // its beginning, UTC
	Accounts int       `json:"accounts"`
	posture.Counts
}

// Days returns the verdicts of the days from one time to another, of these accounts or, when they are nil, of all. A day on which
// nothing was read is not in the answer.
func (s *Store) Days(ctx context.Context, accounts []string, from, to time.Time) ([]Day, error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT n.day::timestamp AT TIME ZONE 'UTC', count(*), sum(n.pass), sum(n.fail), sum(n.unknown), sum(n.not_applicable)
		FROM (SELECT DISTINCT ON (account, (finished_at AT TIME ZONE 'UTC')::date) (finished_at AT TIME ZONE 'UTC')::date AS day,
				pass, fail, unknown, not_applicable
			FROM snapshots
			WHERE finished_at >= $1 AND finished_at <= $2 AND ($3::text[] IS NULL OR account = ANY($3))
			ORDER BY account, (finished_at AT TIME ZONE 'UTC')::date, seq DESC) n
		GROUP BY 1 ORDER BY 1`, from, to, accounts)
	return read(rows, "verdicts by day", func(row pgx.CollectableRow) (d Day, err error) {
		err = row.Scan(&d.Day, &d.Accounts, &d.Pass, &d.Fail, &d.Unknown, &d.DoesNotApply)
		d.Day = d.Day.UTC()
		return d, err
	})
}

// SnapshotFilter chooses snapshots; empty fields choose all.
type SnapshotFilter struct {
	Accounts []string  // of these, when it is not nil
	AsOf     time.Time // finished by then; zero: now
	Before   int64     // log index of the last one of the page before
	Limit    int       // 0: no limit
}

// SnapshotsOf returns snapshots, newest first.
func (s *Store) SnapshotsOf(ctx context.Context, f SnapshotFilter) ([]posture.Snapshot, error) {
	q := query{sql: selectSnapshot + ` WHERE true`}
	if f.Accounts != nil {
		q.and(`s.account = ANY(?)`, f.Accounts)
	}
	if !f.AsOf.IsZero() {
		q.and(`s.finished_at <= ?`, f.AsOf)
	}
	if f.Before > 0 {
		q.and(`s.log_index < ?`, f.Before)
	}
	q.sql += ` ORDER BY s.log_index DESC`
	q.limit(f.Limit)
	rows, _ := s.pool.Query(ctx, q.sql, q.args...)
	return read(rows, "snapshots", scanSnapshot)
}
