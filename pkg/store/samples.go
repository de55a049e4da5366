package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
)

// Sample is a sample that was drawn.
type Sample struct {
	N          int64           `json:"n"`
	Audit      string          `json:"audit"`
	Control    string          `json:"control"`
	Population string          `json:"population_sha256"`
	Method     string          `json:"method"`
	Seed       string          `json:"seed"` // hex
	Size       int             `json:"size"`
	Items      json.RawMessage `json:"items"`
	Drawn      time.Time       `json:"drawn_at"`
	By         string          `json:"drawn_by"`
}

// AddSample writes that a sample was drawn, whatever becomes of it, and returns it with number and time.
func (s *Store) AddSample(ctx context.Context, by access.Actor, sample Sample) (Sample, error) {
	for _, text := range []*string{&sample.Audit, &sample.Control, &sample.Method} {
		*text = ledger.Text(*text)
	}
	sample.Drawn, sample.By = s.now(), by.ID
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `
			INSERT INTO samples (audit, control, population, method, seed, size, items, drawn_at, drawn_by)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING n`, sample.Audit, sample.Control, sample.Population, sample.Method, sample.Seed, sample.Size,
			sample.Items, sample.Drawn, sample.By).Scan(&sample.N); err != nil {
			return err
		}
		return s.writeChange(ctx, tx, access.Entry{Actor: by, Action: access.SampleDraw, Object: fmt.Sprintf("sample/%d", sample.N),
			Reason: sample.Method + " of population " + sample.Population}, false, nil, sample)
	})
	if err != nil {
		return sample, fmt.Errorf("write sample: %w", err)
	}
	return sample, nil
}

// Samples returns the samples that were drawn for an audit or, when that is empty, for all, oldest first.
func (s *Store) Samples(ctx context.Context, audit string) ([]Sample, error) {
	q := query{sql: `SELECT n, audit, control, population, method, seed, size, items, drawn_at, drawn_by FROM samples WHERE true`}
	if audit != "" {
		q.and(`audit = ?`, audit)
	}
	q.sql += ` ORDER BY n`
	rows, _ := s.pool.Query(ctx, q.sql, q.args...)
	return read(rows, "samples", func(row pgx.CollectableRow) (x Sample, err error) {
		err = row.Scan(&x.N, &x.Audit, &x.Control, &x.Population, &x.Method, &x.Seed, &x.Size, &x.Items, &x.Drawn, &x.By)
		x.Drawn = x.Drawn.UTC()
		return x, err
	})
}
