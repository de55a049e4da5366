package store

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// ResourceFilter chooses resources of a snapshot; empty fields choose all.
type ResourceFilter struct {
	Type, Region, ID string
	After            posture.Key // the last one of the page before
	Limit            int         // 0: no limit
}

// Resources returns resources of a snapshot with their documents, by key; see Contents about their form.
func (s *Store) Resources(ctx context.Context, account string, seq int64, f ResourceFilter) ([]posture.Content, error) {
	q := query{sql: `
		SELECT r.type, r.region, r.id, r.hash, r.stale, c.document
		FROM resource_versions r JOIN contents c USING (account, hash)
		WHERE true`}
	q.and(`r.account = ?`, account)
	q.and(`r.valid_from <= ? AND (r.valid_to IS NULL OR r.valid_to > ?)`, seq, seq)
	if f.Type != "" {
		q.and(`r.type = ?`, f.Type)
	}
	if f.Region != "" {
		q.and(`r.region = ?`, f.Region)
	}
	if f.ID != "" {
		q.and(`r.id = ?`, f.ID)
	}
	if f.After != (posture.Key{}) {
		q.and(`(r.type, r.region, r.id) > (?, ?, ?)`, f.After.Type, f.After.Region, f.After.ID)
	}
	q.sql += ` ORDER BY r.type, r.region, r.id`
	q.limit(f.Limit)
	rows, _ := s.pool.Query(ctx, q.sql, q.args...)
	return read(rows, "resources", scanContent)
}

func scanContent(row pgx.CollectableRow) (c posture.Content, err error) {
	var hash []byte
	if err := row.Scan(&c.Type, &c.Region, &c.ID, &hash, &c.Stale, &c.JSON); err != nil {
		return c, err
	}
	c.Hash = [32]byte(hash)
	return c, nil
}

// ResourceVersion is what a resource was from one snapshot up to another.
type ResourceVersion struct {
	posture.Content
	ValidFrom int64     // number of the first snapshot with this version
	ValidTo   int64     // number of the first snapshot without it; 0 while it lasts
	From      time.Time // start of the scan ValidFrom
	To        time.Time // start of the scan ValidTo; zero while it lasts
}

// ResourceHistory returns all versions of a resource, oldest first. A gap between two is a time in which it was not there.
func (s *Store) ResourceHistory(ctx context.Context, account string, key posture.Key) ([]ResourceVersion, error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT r.hash, r.stale, c.document, r.valid_from, coalesce(r.valid_to, 0), f.started_at, t.started_at
		FROM resource_versions r
		JOIN contents c USING (account, hash)
		JOIN snapshots f ON f.account = r.account AND f.seq = r.valid_from
		LEFT JOIN snapshots t ON t.account = r.account AND t.seq = r.valid_to
		WHERE r.account = $1 AND r.type = $2 AND r.region = $3 AND r.id = $4
		ORDER BY r.valid_from`, account, key.Type, key.Region, key.ID)
	return read(rows, "history of resource", func(row pgx.CollectableRow) (ResourceVersion, error) {
		v := ResourceVersion{Content: posture.Content{Key: key}}
		var hash []byte
		var to *time.Time
		if err := row.Scan(&hash, &v.Stale, &v.JSON, &v.ValidFrom, &v.ValidTo, &v.From, &to); err != nil {
			return v, err
		}
		v.Hash, v.From = [32]byte(hash), v.From.UTC()
		if to != nil {
			v.To = to.UTC()
		}
		return v, nil
	})
}

// openResources returns the resources of the newest snapshot without their documents.
func openResources(ctx context.Context, db querier, account string) ([]posture.Content, error) {
	rows, _ := db.Query(ctx, `
		SELECT type, region, id, hash, stale FROM resource_versions WHERE account = $1 AND valid_to IS NULL`, account)
	return read(rows, "open resources", func(row pgx.CollectableRow) (c posture.Content, err error) {
		var hash []byte
		if err := row.Scan(&c.Type, &c.Region, &c.ID, &hash, &c.Stale); err != nil {
			return c, err
		}
		c.Hash = [32]byte(hash)
		return c, nil
	})
}

// moved are the resources that a snapshot has and the one before had not, and the other way round.
type moved struct {
	added   []int
	removed []posture.Key
}

// writeResources ends the intervals that are over, and adds the new ones with the contents that are not there yet.
func writeResources(ctx context.Context, tx pgx.Tx, account string, seq int64, resources []posture.Content, cells []posture.Cell) (m moved, err error) {
	index := posture.IndexCells(cells)
	table := intervals{"resource_versions", []string{"type", "region", "id"}, []string{"hash", "stale"}}
	replaced := map[int]bool{}
	set := &rowSet{
		n:   len(resources),
		key: func(i int, k []string) { k[0], k[1], k[2] = resources[i].Type, resources[i].Region, resources[i].ID },
		same: func(i int, row openRow) bool {
			return bytes.Equal(row.compare[0], resources[i].Hash[:]) && (row.compare[1][0] != 0) == resources[i].Stale
		},
		ended: func(row openRow) error {
			switch cell, ok := index.Of(string(row.keys[0]), string(row.keys[1])); {
			case !ok:
				return fmt.Errorf("%w: %s would end, but its cell was not read", posture.ErrInvalid, bytes.Join(row.keys, []byte(" ")))
			case cell.ShowsAbsence():
				return nil
			case cell.Reconciled != nil:
				return fmt.Errorf("%w: %s would end, but its cell is not reconciled", posture.ErrInvalid, bytes.Join(row.keys, []byte(" ")))
			default:
				return fmt.Errorf("%w: %s would end, but its cell is %s", posture.ErrInvalid, bytes.Join(row.keys, []byte(" ")), cell.State)
			}
		},
	}
	added, ended, err := table.advance(ctx, tx, account, seq, set)
	if err != nil {
		return m, err
	}
	for i := range ended[0] {
		if now, ok := set.find([][]byte{[]byte(ended[0][i]), []byte(ended[1][i]), []byte(ended[2][i])}, nil); ok {
			replaced[now] = true
		} else {
			m.removed = append(m.removed, posture.Key{Type: ended[0][i], Region: ended[1][i], ID: ended[2][i]})
		}
	}
	for _, i := range added {
		if !replaced[i] {
			m.added = append(m.added, i)
		}
	}
	if err := addContents(ctx, tx, account, resources, added); err != nil {
		return m, err
	}
	columns := []string{"account", "type", "region", "id", "valid_from", "hash", "stale"}
	return m, copyRows(ctx, tx, "resource_versions", columns, len(added), func(i int, row []any) error {
		r := &resources[added[i]]
		row[0], row[1], row[2], row[3], row[4], row[5], row[6] = account, r.Type, r.Region, r.ID, seq, r.Hash[:], r.Stale
		return nil
	})
}
