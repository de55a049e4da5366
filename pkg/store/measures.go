package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Measures are what monitoring asks for besides what pages show.
type Measures struct {
	Unread     map[string]int     // cells that the newest snapshot of each account left unread
	Scans      map[string]int     // by state: the unfinished ones, and those queued within a day
	Deliveries map[string]int     // by state: those made within a day
	ScanTime   map[string]float64 // quantiles in seconds, of what was sealed within a day
}

// Ready says why nothing can be answered: the database is away, or its schema is not this program's.
func (s *Store) Ready(ctx context.Context) error { return checkSchema(ctx, s.pool) }

// Measures reads them all.
func (s *Store) Measures(ctx context.Context) (m Measures, err error) {
	since := s.now().AddDate(0, 0, -1)
	for _, part := range []struct {
		into *map[string]int
		what string
		sql  string
		args []any
	}{
		{&m.Unread, "unread cells", `
			SELECT n.account, count(c.type)
			FROM (SELECT account, max(seq) AS seq FROM snapshots GROUP BY account) n
			LEFT JOIN cells c ON c.account = n.account AND c.seq = n.seq AND c.state NOT IN ('complete', 'not_applicable')
			GROUP BY 1`, nil},
		{&m.Scans, "scans by state", `
			SELECT state, count(*) FROM scans WHERE queued_at > $1 OR state IN ('queued', 'running') GROUP BY 1`, []any{since}},
		{&m.Deliveries, "deliveries by state", `
			SELECT coalesce(t.state, 'queued'), count(*)
			FROM deliveries d
			LEFT JOIN LATERAL (SELECT t.state FROM delivery_attempts t
				WHERE t.account = d.account AND t.delivery = d.id ORDER BY t.n DESC LIMIT 1) t ON true
			WHERE d.created_at > $1 GROUP BY 1`, []any{since}},
	} {
		counts := map[string]int{}
		rows, _ := s.pool.Query(ctx, part.sql, part.args...)
		if _, err := read(rows, part.what, func(row pgx.CollectableRow) (name string, err error) {
			var n int
			err = row.Scan(&name, &n)
			counts[name] = n
			return name, err
		}); err != nil {
			return m, err
		}
		*part.into = counts
	}
	m.ScanTime = map[string]float64{}
	rows, _ := s.pool.Query(ctx, `
		SELECT q::text, v FROM (
			SELECT ARRAY[0.5, 0.95, 1] AS qs, percentile_cont(ARRAY[0.5, 0.95, 1]) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - started_at)) AS vs
			FROM scans WHERE state = 'sealed' AND queued_at > $1) a, unnest(qs, vs) AS u(q, v) WHERE v IS NOT NULL`, since)
	var quantile string
	var seconds float64
	if _, err := pgx.ForEachRow(rows, []any{&quantile, &seconds}, func() error {
		m.ScanTime[quantile] = seconds
		return nil
	}); err != nil {
		return m, fmt.Errorf("read durations of scans: %w", err)
	}
	return m, nil
}
