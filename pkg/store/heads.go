package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// SignHead signs the log as it is now and keeps the checkpoint. A head of that size that was signed before is returned instead, so that
// there never are two. A log without records is posture.ErrNotFound.
func (s *Store) SignHead(ctx context.Context, sign func(ledger.Checkpoint) ([]byte, error)) (head ledger.Head, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := lock(ctx, tx, lockLog, ""); err != nil {
			return err
		}
		log := logTable{tx}
		size, err := log.Size(ctx)
		if err == nil && size == 0 {
			err = fmt.Errorf("the log has no records: %w", posture.ErrNotFound)
		}
		if err != nil {
			return err
		}
		q := query{sql: selectHeads}
		q.and(`size = ?`, size)
		rows, _ := tx.Query(ctx, q.sql, q.args...)
		signed, err := read(rows, "signed heads", scanHead)
		if err != nil {
			return err
		}
		if len(signed) > 0 {
			head = signed[0]
			return nil
		}
		head = ledger.Head{Size: size, Signed: s.now()}
		if head.Root, err = ledger.TreeHead(ctx, log, size); err != nil {
			return err
		}
		note, err := sign(ledger.Checkpoint{Size: size, Root: head.Root, At: head.Signed})
		if err != nil {
			return err
		}
		head.Note = string(note)
		_, err = tx.Exec(ctx, `INSERT INTO log_heads (size, root, signed_at, note) VALUES ($1, $2, $3, $4)`, size, head.Root[:], head.Signed, head.Note)
		return err
	})
	if err != nil {
		return ledger.Head{}, fmt.Errorf("sign head of log: %w", err)
	}
	return head, nil
}

const selectHeads = `SELECT size, root, signed_at, note FROM log_heads WHERE true`

func scanHead(row pgx.CollectableRow) (h ledger.Head, err error) {
	var root []byte
	if err := row.Scan(&h.Size, &root, &h.Signed, &h.Note); err != nil {
		return h, err
	}
	h.Root, h.Signed = tlog.Hash(root), h.Signed.UTC()
	return h, nil
}

// Heads returns the signed heads of the log up to a size, smallest first; 0 returns all.
func (s *Store) Heads(ctx context.Context, size int64) ([]ledger.Head, error) {
	q := query{sql: selectHeads}
	if size > 0 {
		q.and(`size <= ?`, size)
	}
	q.sql += ` ORDER BY size`
	rows, _ := s.pool.Query(ctx, q.sql, q.args...)
	return read(rows, "signed heads", scanHead)
}

// HeadSince returns the first head that was signed at a time or later, or posture.ErrNotFound.
func (s *Store) HeadSince(ctx context.Context, t time.Time) (ledger.Head, error) {
	q := query{sql: selectHeads}
	q.and(`signed_at >= ?`, t)
	q.sql += ` ORDER BY size LIMIT 1`
	rows, _ := s.pool.Query(ctx, q.sql, q.args...)
	return readOne(rows, "signed head since "+t.UTC().Format(time.RFC3339), scanHead)
}

// Published writes that a head was sent to a receiver, and what went wrong; an empty problem says that it arrived.
func (s *Store) Published(ctx context.Context, size int64, receiver, problem string) error {
	if _, err := s.pool.Exec(ctx, `INSERT INTO log_publications (size, receiver, published_at, error) VALUES ($1, $2, $3, $4)`,
		size, ledger.Text(receiver), s.now(), ledger.Text(problem)); err != nil {
		return fmt.Errorf("write publication of head %d: %w", size, err)
	}
	return nil
}

// Publication is one attempt to send a head to a receiver.
type Publication struct {
	Size     int64     `json:"size"`
	Receiver string    `json:"receiver"`
	At       time.Time `json:"published_at"`
	Error    string    `json:"error,omitempty"`
}

// Publications returns where heads were sent, oldest first.
func (s *Store) Publications(ctx context.Context) ([]Publication, error) {
	rows, _ := s.pool.Query(ctx, `SELECT size, receiver, published_at, error FROM log_publications ORDER BY published_at, receiver`)
	return read(rows, "publications", func(row pgx.CollectableRow) (p Publication, err error) {
		err = row.Scan(&p.Size, &p.Receiver, &p.At, &p.Error)
		p.At = p.At.UTC()
		return p, err
	})
}
