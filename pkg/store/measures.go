package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Measures are what monitoring asks for besides what pages show.
type Measures struct {
	Unread     map[string]int // cells that the newest snapshot of each account left unread
	Scans      map[string]int // by state: the unfinished ones, and those queued within a day
	Deliveries map[string]int // by state: those made within a day
}

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
	return m, nil
}
