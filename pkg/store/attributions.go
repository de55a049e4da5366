package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/attribution"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Attributed says who made a change between two snapshots of an account.
type Attributed struct {
	attribution.Attribution
	Account  string    `json:"account"`
	From     int64     `json:"from_seq"`
	To       int64     `json:"to_seq"`
	Revision int       `json:"revision"`
	Written  time.Time `json:"written_at"`
}

// attributionKey names a change of one interval.
type attributionKey struct {
	posture.Key
	path string
}

const selectAttributions = `
	SELECT DISTINCT ON (account, to_seq, type, region, id, path)
		account, from_seq, to_seq, type, region, id, path, revision, confidence, reason, detail, settled, events, written_at
	FROM attributions WHERE account = $1 AND to_seq > $2 AND to_seq <= $3`

const newestRevision = ` ORDER BY account, to_seq, type, region, id, path, revision DESC`

// Attributions returns who made the changes of an account after one snapshot, up to and including another, by snapshot and
// resource: what is known now, or was as of a time.
func (s *Store) Attributions(ctx context.Context, account string, after, to int64, asOf time.Time) ([]Attributed, error) {
	q := query{sql: selectAttributions, args: []any{account, after, to}}
	if !asOf.IsZero() {
		q.and(`written_at <= ?`, asOf)
	}
	rows, _ := s.pool.Query(ctx, q.sql+newestRevision, q.args...)
	return read(rows, "attributions", scanAttributed)
}

func scanAttributed(row pgx.CollectableRow) (a Attributed, err error) {
	var events []byte
	err = row.Scan(&a.Account, &a.From, &a.To, &a.Resource.Type, &a.Resource.Region, &a.Resource.ID, &a.Path, &a.Revision,
		&a.Confidence, &a.Reason, &a.Detail, &a.Settled, &events, &a.Written)
	if err != nil {
		return a, err
	}
	a.Written = a.Written.UTC()
	return a, json.Unmarshal(events, &a.Events)
}

// WriteAttributions adds who made the changes between two snapshots. What says nothing new, or less than is known already, is
// left out.
func (s *Store) WriteAttributions(ctx context.Context, account string, from, to int64, list []attribution.Attribution) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, selectAttributions+newestRevision, account, to-1, to)
		known, err := read(rows, "attributions", scanAttributed)
		if err != nil {
			return err
		}
		before := map[attributionKey]Attributed{}
		for _, a := range known {
			before[attributionKey{a.Resource, a.Path}] = a
		}
		var added []Attributed
		for _, a := range list {
			old, found := before[attributionKey{a.Resource, a.Path}]
			if !found || a.Supersedes(old.Attribution) {
				added = append(added, Attributed{Attribution: a, Revision: old.Revision + 1})
			}
		}
		columns := []string{"account", "from_seq", "to_seq", "type", "region", "id", "path", "revision", "confidence", "reason", "detail", "settled", "events", "written_at"}
		return copyRows(ctx, tx, "attributions", columns, len(added), func(i int, row []any) error {
			a := added[i]
			events, err := json.Marshal(storableEvents(a.Events))
			if err != nil {
				return err
			}
			copy(row, []any{account, from, to, a.Resource.Type, a.Resource.Region, a.Resource.ID, a.Path, a.Revision, string(a.Confidence),
				string(a.Reason), ledger.Text(a.Detail), a.Settled, events, s.now()})
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("write attributions of %s/%d: %w", account, to, err)
	}
	return nil
}

// storableEvents are events, at least an empty list, with every text that a cloud chose made Text.
func storableEvents(events []attribution.Event) []attribution.Event {
	out := append([]attribution.Event{}, events...)
	for i := range out {
		e := &out[i]
		for _, text := range []*string{&e.ID, &e.Name, &e.Source, &e.Region, &e.Address, &e.Client, &e.Actor.Name, &e.Actor.ID, &e.Actor.Behind, &e.Actor.Session, &e.Actor.Person, &e.Actor.Via} {
			*text = ledger.Text(*text)
		}
	}
	return out
}

// OpenAttributions returns the pairs of snapshots, the newer one finished since a time, some of whose changes reading the log again
// may explain.
func (s *Store) OpenAttributions(ctx context.Context, account string, since time.Time) ([][2]int64, error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT DISTINCT a.from_seq, a.to_seq
		FROM attributions a JOIN snapshots s ON s.account = a.account AND s.seq = a.to_seq
		WHERE a.account = $1 AND s.finished_at >= $2 AND NOT a.settled AND NOT EXISTS (
			SELECT FROM attributions n
			WHERE (n.account, n.to_seq, n.type, n.region, n.id, n.path) = (a.account, a.to_seq, a.type, a.region, a.id, a.path) AND n.revision > a.revision)
		ORDER BY a.to_seq`, account, since)
	return read(rows, "open attributions", func(row pgx.CollectableRow) (pair [2]int64, err error) {
		return pair, row.Scan(&pair[0], &pair[1])
	})
}

// WriteLogReads adds what was read of an account's log, and the calls that it took.
func (s *Store) WriteLogReads(ctx context.Context, account string, log attribution.LogCoverage, calls []posture.Call) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		columns := []string{"account", "read_at", "region", "from_at", "to_at", "cause", "calls"}
		return copyRows(ctx, tx, "change_log_reads", columns, len(log.Reads), func(i int, row []any) error {
			r := log.Reads[i]
			made := []posture.Call{}
			for _, call := range calls {
				if r.Region == "" || call.Region == r.Region {
					call.Error, call.Code = ledger.Text(call.Error), ledger.Text(call.Code)
					made = append(made, call)
				}
			}
			data, err := json.Marshal(made)
			if err != nil {
				return err
			}
			var from *time.Time
			if !r.From.IsZero() {
				from = &r.From
			}
			var cause []byte
			if r.Cause != nil {
				if cause, err = json.Marshal(r.Cause); err != nil {
					return err
				}
			}
			copy(row, []any{account, r.ReadAt, ledger.Text(r.Region), from, r.To, cause, data})
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("write what was read of the log of %s: %w", account, err)
	}
	return nil
}
