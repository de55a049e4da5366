package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// snapshotColumns are those that scanSnapshot reads, of accounts a and snapshots s.
const snapshotColumns = `a.provider, a.id, s.account_name, s.seq, s.run_id, s.trigger, s.started_at, s.finished_at, s.sealed_at, s.principal,
	s.tool, s.ruleset, s.root, s.log_index, s.resources, s.pass, s.fail, s.unknown, s.not_applicable, s.ancestors`

const selectSnapshot = `SELECT ` + snapshotColumns + ` FROM snapshots s JOIN accounts a USING (account)`

func scanSnapshot(row pgx.CollectableRow) (s posture.Snapshot, err error) {
	var root []byte
	err = row.Scan(&s.Account.Provider, &s.Account.ID, &s.Account.Name, &s.Seq, &s.RunID, &s.Trigger, &s.Started, &s.Finished,
		&s.Sealed, &s.Principal, &s.Tool, &s.Ruleset, &root, &s.LogIndex, &s.Resources, &s.Verdicts.Pass, &s.Verdicts.Fail,
		&s.Verdicts.Unknown, &s.Verdicts.DoesNotApply, &s.Ancestors)
	s.Started, s.Finished, s.Sealed = s.Started.UTC(), s.Finished.UTC(), s.Sealed.UTC()
	s.Root = hex.EncodeToString(root)
	return s, err
}

// Latest returns the account's newest snapshot.
func (s *Store) Latest(ctx context.Context, account string) (posture.Snapshot, error) {
	rows, _ := s.pool.Query(ctx, selectSnapshot+` WHERE s.account = $1 ORDER BY s.seq DESC LIMIT 1`, account)
	return readOne(rows, "newest snapshot of "+account, scanSnapshot)
}

// At returns the account's snapshot as of a time: the newest whose scan had finished by then.
func (s *Store) At(ctx context.Context, account string, t time.Time) (posture.Snapshot, error) {
	rows, _ := s.pool.Query(ctx, selectSnapshot+`
		WHERE s.account = $1 AND s.finished_at <= $2 ORDER BY s.seq DESC LIMIT 1`, account, t)
	return readOne(rows, fmt.Sprintf("snapshot of %s as of %s", account, t.UTC().Format(time.RFC3339)), scanSnapshot)
}

// Snapshot returns the account's snapshot of that number.
func (s *Store) Snapshot(ctx context.Context, account string, seq int64) (posture.Snapshot, error) {
	rows, _ := s.pool.Query(ctx, selectSnapshot+` WHERE s.account = $1 AND s.seq = $2`, account, seq)
	return readOne(rows, fmt.Sprintf("snapshot %s/%d", account, seq), scanSnapshot)
}

// Snapshots returns snapshots, newest first: of one account or, when that is empty, of all; at most limit, 0 being all.
func (s *Store) Snapshots(ctx context.Context, account string, limit int) ([]posture.Snapshot, error) {
	q := query{sql: selectSnapshot + ` WHERE true`}
	if account != "" {
		q.and(`s.account = ?`, account)
	}
	q.sql += ` ORDER BY s.log_index DESC`
	q.limit(limit)
	rows, _ := s.pool.Query(ctx, q.sql, q.args...)
	return read(rows, "snapshots", scanSnapshot)
}

// Current returns the snapshot of every account as of a time, the zero time being now: at most one of each account. account
// limits it to one when it is not empty.
func (s *Store) Current(ctx context.Context, account string, asOf time.Time) ([]posture.Snapshot, error) {
	// Each account's newest is the first of its own index; a maximum beside every snapshot would be asked for as often as there are any.
	var q query
	newest := ""
	if !asOf.IsZero() {
		q.args = []any{asOf}
		newest = ` AND n.finished_at <= $1`
	}
	q.sql = `
		SELECT ` + snapshotColumns + `
		FROM accounts a CROSS JOIN LATERAL (
			SELECT * FROM snapshots n WHERE n.account = a.account` + newest + ` ORDER BY n.seq DESC LIMIT 1) s
		WHERE true`
	if account != "" {
		q.and(`a.account = ?`, account)
	}
	q.sql += ` ORDER BY a.account`
	rows, _ := s.pool.Query(ctx, q.sql, q.args...)
	return read(rows, "current snapshots", scanSnapshot)
}

// digests are those of an account's newest snapshot; see tree.
type digests struct {
	seq                 int64
	resources, verdicts []byte
}

// lastDigests returns the zero value for an account without a snapshot.
func lastDigests(ctx context.Context, tx pgx.Tx, account string) (d digests, err error) {
	err = tx.QueryRow(ctx, `
		SELECT seq, resources_digest, verdicts_digest FROM snapshots WHERE account = $1 ORDER BY seq DESC LIMIT 1`, account).Scan(
		&d.seq, &d.resources, &d.verdicts)
	if errors.Is(err, pgx.ErrNoRows) {
		return digests{}, nil
	}
	if err != nil {
		return digests{}, fmt.Errorf("read newest snapshot: %w", err)
	}
	return d, nil
}

func addSnapshot(ctx context.Context, tx pgx.Tx, s posture.Snapshot, t tree) error {
	if _, err := tx.Exec(ctx, `
		INSERT INTO snapshots (account, seq, account_name, run_id, trigger, started_at, finished_at, sealed_at, principal, tool,
			ruleset, root, log_index, resources, pass, fail, unknown, not_applicable, resources_digest, verdicts_digest,
			ancestors)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`,
		s.Account.String(), s.Seq, s.Account.Name, s.RunID, s.Trigger, s.Started, s.Finished, s.Sealed, s.Principal, s.Tool,
		s.Ruleset, t.root[:], s.LogIndex, s.Resources, s.Verdicts.Pass, s.Verdicts.Fail, s.Verdicts.Unknown, s.Verdicts.DoesNotApply,
		t.resources, t.verdicts, s.Ancestors); err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	return nil
}
