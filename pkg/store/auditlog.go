package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
)

// writeAudit appends an entry to the audit log within the transaction of the act that it tells of: both are written or neither.
// It is the last statement of an act, because the lock that keeps entries in one chain is held to the end of the transaction.
// An empty outcome is done.
func (s *Store) writeAudit(ctx context.Context, tx pgx.Tx, e access.Entry) error {
	if err := s.addAudit(ctx, tx, e); err != nil {
		return fmt.Errorf("write audit log: %w", err)
	}
	return nil
}

func (s *Store) addAudit(ctx context.Context, tx pgx.Tx, e access.Entry) error {
	if err := lock(ctx, tx, lockLog, ""); err != nil {
		return err
	}
	var last int64
	var previous []byte
	err := tx.QueryRow(ctx, `SELECT seq, digest FROM audit_log ORDER BY seq DESC LIMIT 1`).Scan(&last, &previous)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	if e.Outcome == "" {
		e.Outcome = access.Done
	}
	e = storableEntry(e)
	e.Seq, e.At, e.Previous = last+1, s.now(), hex.EncodeToString(previous)
	entry, err := ledger.Canonical(e)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(entry)
	record, err := auditRecord(e.Seq, digest)
	if err != nil {
		return err
	}
	index, err := ledger.Append(ctx, logTable{tx}, record)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO audit_log (seq, entry, digest, log_index, at, actor, action, object, outcome)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		e.Seq, string(entry), digest[:], index, e.At, e.Actor.ID, string(e.Action), e.Object, string(e.Outcome))
	return err
}

// auditRecord is what the installation's log says of an entry: enough to prove it, nothing of what it says.
func auditRecord(seq int64, digest [32]byte) ([]byte, error) {
	return ledger.Canonical(map[string]any{"audit": map[string]any{"seq": seq, "digest": hex.EncodeToString(digest[:])}})
}

// storableEntry returns the entry with every string that somebody else chose made Text.
func storableEntry(e access.Entry) access.Entry {
	e.Actor.Scopes = slices.Clone(e.Actor.Scopes)
	for i := range e.Actor.Scopes {
		e.Actor.Scopes[i] = ledger.Text(e.Actor.Scopes[i])
	}
	for _, text := range []*string{&e.Actor.ID, &e.Actor.Audit, &e.Actor.Session, &e.Actor.Address, &e.Object, &e.Before, &e.After, &e.Reason, &e.Request} {
		*text = ledger.Text(*text)
	}
	return e
}

// Audit writes an entry that stands alone: a sign-in, a download, a start. Whoever is about to do what it tells of does it only
// when this succeeds.
func (s *Store) Audit(ctx context.Context, e access.Entry) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return s.writeAudit(ctx, tx, e) })
}

// Refuse writes that an attempt was refused.
func (s *Store) Refuse(ctx context.Context, e access.Entry) error {
	e.Outcome = access.Refused
	return s.Audit(ctx, e)
}

// AuditFilter narrows what AuditLog returns; empty fields do not.
type AuditFilter struct {
	Actor, Object string
	Action        access.Action
	Outcome       access.Outcome
	Since, Until  time.Time // Until is not included
	Limit         int
}

// AuditLog returns entries of the audit log, newest first.
func (s *Store) AuditLog(ctx context.Context, f AuditFilter) ([]access.Entry, error) {
	q := query{sql: `SELECT entry FROM audit_log WHERE true`}
	for _, c := range []struct{ condition, value string }{
		{`actor = ?`, f.Actor}, {`object = ?`, f.Object}, {`action = ?`, string(f.Action)}, {`outcome = ?`, string(f.Outcome)},
	} {
		if c.value != "" {
			q.and(c.condition, c.value)
		}
	}
	if !f.Since.IsZero() {
		q.and(`at >= ?`, f.Since)
	}
	if !f.Until.IsZero() {
		q.and(`at < ?`, f.Until)
	}
	q.sql += ` ORDER BY seq DESC`
	q.limit(f.Limit)
	rows, _ := s.pool.Query(ctx, q.sql, q.args...)
	return read(rows, "audit log", func(row pgx.CollectableRow) (e access.Entry, err error) {
		var entry string
		if err := row.Scan(&entry); err != nil {
			return e, err
		}
		return e, json.Unmarshal([]byte(entry), &e)
	})
}

// AuditCheck is what verifying the audit log found.
type AuditCheck struct {
	Entries int64  `json:"entries"` // that are as they were written, from the first on
	Head    string `json:"head"`    // digest of the last of them
	Broken  int64  `json:"broken"`  // number of the first entry that is not as it was written; 0 when all are
	Problem string `json:"problem,omitempty"`
}

// VerifyAudit computes the chain of the audit log anew and compares it with the installation's log. Whoever may rewrite both, and
// every hash of the log, stays unseen here; the heads of the log that were signed and given away show it.
func (s *Store) VerifyAudit(ctx context.Context) (check AuditCheck, err error) {
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		for {
			batch, err := auditRows(ctx, tx, check.Entries)
			if err != nil {
				return err
			}
			for _, row := range batch {
				if check.Problem = row.problem(check.Entries+1, check.Head); check.Problem != "" {
					check.Broken = check.Entries + 1
					return nil
				}
				check.Entries, check.Head = row.seq, hex.EncodeToString(row.digest)
			}
			if len(batch) == 0 {
				break
			}
		}
		rows, _ := tx.Query(ctx, `
			SELECT r.record FROM log_records r LEFT JOIN audit_log a ON a.log_index = r.index
			WHERE a.seq IS NULL AND substr(r.record, 1, 9) = convert_to('{"audit":', 'UTF8') ORDER BY r.index LIMIT 1`)
		lost, err := read(rows, "log records", pgx.RowTo[[]byte])
		if err == nil && len(lost) > 0 {
			check.Broken, check.Problem = check.Entries+1, fmt.Sprintf("entry %d is missing: the log of the installation says %s", check.Entries+1, lost[0])
		}
		return err
	})
	if err != nil {
		return AuditCheck{}, fmt.Errorf("verify audit log: %w", err)
	}
	return check, nil
}

// auditRow is an entry with what the installation's log says of it.
type auditRow struct {
	seq                            int64
	entry                          string
	digest                         []byte
	at                             time.Time
	actor, action, object, outcome string
	record, leaf                   []byte // nil when missing
}

// auditRows returns a batch of the entries after one. The hash of record n is hash number 2n less the ones among n's bits.
func auditRows(ctx context.Context, tx pgx.Tx, after int64) ([]auditRow, error) {
	rows, _ := tx.Query(ctx, `
		SELECT a.seq, a.entry, a.digest, a.at, a.actor, a.action, a.object, a.outcome, r.record, h.hash
		FROM audit_log a
		LEFT JOIN log_records r ON r.index = a.log_index
		LEFT JOIN log_hashes h ON h.index = 2 * a.log_index - bit_count(a.log_index::bit(64))
		WHERE a.seq > $1 ORDER BY a.seq LIMIT 1000`, after)
	return read(rows, "audit log", func(row pgx.CollectableRow) (a auditRow, err error) {
		return a, row.Scan(&a.seq, &a.entry, &a.digest, &a.at, &a.actor, &a.action, &a.object, &a.outcome, &a.record, &a.leaf)
	})
}

// problem says what is wrong with the entry that should have number want and follow the digest previous; empty is nothing.
func (a auditRow) problem(want int64, previous string) string {
	digest := sha256.Sum256([]byte(a.entry))
	var e access.Entry
	err := json.Unmarshal([]byte(a.entry), &e)
	record, recordErr := auditRecord(want, digest)
	leaf := tlog.RecordHash(a.record)
	switch {
	case a.seq != want:
		return fmt.Sprintf("entry %d is missing: %d follows %d", want, a.seq, want-1)
	case !bytes.Equal(digest[:], a.digest) || err != nil || recordErr != nil:
		return fmt.Sprintf("entry %d was changed: its digest is not the one that was kept", want)
	case e.Seq != want || e.Previous != previous:
		return fmt.Sprintf("entry %d does not follow entry %d: the digest of that one that it names is %q", want, want-1, e.Previous)
	case !e.At.Equal(a.at) || e.Actor.ID != a.actor || string(e.Action) != a.action || e.Object != a.object || string(e.Outcome) != a.outcome:
		return fmt.Sprintf("entry %d was changed: the columns for searching say something else", want)
	case !bytes.Equal(record, a.record):
		return fmt.Sprintf("entry %d is not what the log of the installation says: %s", want, a.record)
	case !bytes.Equal(leaf[:], a.leaf):
		return fmt.Sprintf("entry %d: the log of the installation has another hash of its record", want)
	}
	return ""
}
