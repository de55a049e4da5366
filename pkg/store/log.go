package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/plumbline-dev/plumbline/pkg/ledger"
)

// Log returns the log of snapshots and of the audit log for reading: heads and proofs. Only sealing and writeAudit append to it.
func (s *Store) Log() ledger.Storage { return readOnlyLog{logTable{s.pool}} }

// LogRecords returns at most limit records of the log, the first being record number from.
func (s *Store) LogRecords(ctx context.Context, from int64, limit int) ([][]byte, error) {
	rows, _ := s.pool.Query(ctx, `SELECT record FROM log_records WHERE index >= $1 ORDER BY index LIMIT $2`, from, limit)
	return read(rows, "log records", pgx.RowTo[[]byte])
}

type readOnlyLog struct{ logTable }

func (readOnlyLog) Append(context.Context, int64, []byte, int64, []tlog.Hash) error {
	return errors.ErrUnsupported
}

// logTable keeps the log in its two tables. Appending needs lockLog.
type logTable struct {
	db interface {
		querier
		Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	}
}

func (l logTable) Size(ctx context.Context) (int64, error) {
	rows, _ := l.db.Query(ctx, `SELECT coalesce(max(index) + 1, 0) FROM log_records`)
	return readOne(rows, "size of log", pgx.RowTo[int64])
}

func (l logTable) Hashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	rows, _ := l.db.Query(ctx, `
		SELECT h.hash FROM unnest($1::bigint[]) WITH ORDINALITY AS i(index, n) JOIN log_hashes h USING (index) ORDER BY i.n`, indexes)
	hashes, err := read(rows, "hashes of log", func(row pgx.CollectableRow) (tlog.Hash, error) {
		var hash []byte
		if err := row.Scan(&hash); err != nil {
			return tlog.Hash{}, err
		}
		return tlog.Hash(hash), nil
	})
	if err == nil && len(hashes) != len(indexes) {
		err = fmt.Errorf("read hashes of log: %d of %d are missing", len(indexes)-len(hashes), len(indexes))
	}
	return hashes, err
}

func (l logTable) Append(ctx context.Context, index int64, record []byte, firstHash int64, hashes []tlog.Hash) error {
	if _, err := l.db.Exec(ctx, `INSERT INTO log_records (index, record) VALUES ($1, $2)`, index, record); err != nil {
		return err
	}
	data := make([][]byte, len(hashes))
	for i := range hashes {
		data[i] = hashes[i][:]
	}
	_, err := l.db.Exec(ctx, `
		INSERT INTO log_hashes (index, hash) SELECT $1 + n - 1, hash FROM unnest($2::bytea[]) WITH ORDINALITY AS h(hash, n)`, firstHash, data)
	return err
}
