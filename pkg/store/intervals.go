package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// intervals is a table whose rows have a validity interval, one open row at most for each key of an account.
type intervals struct {
	table   string
	keys    []string // columns of the key, after account
	compare []string // columns that decide whether a row goes on
}

// openRow is an open interval as read from the database, in Postgres's binary form; valid until the next one is read.
type openRow struct {
	keys, compare [][]byte
}

// rowSet says how the new rows of an intervals table stand to the open ones.
type rowSet struct {
	n     int
	key   func(i int, k []string)       // writes the key of new row i
	same  func(i int, row openRow) bool // new row i continues an open one
	ended func(row openRow) error       // may refuse that a row ends because no new one has its key
	index map[string]int                // key → new row; made when there is something to compare with
}

// find returns the new row with that key.
func (r *rowSet) find(keys [][]byte, buffer []byte) (int, bool) {
	if r.index == nil {
		r.index = make(map[string]int, r.n)
		k := make([]string, len(keys))
		for i := range r.n {
			r.key(i, k)
			r.index[strings.Join(k, "\x00")] = i
		}
	}
	for i, column := range keys {
		if i > 0 {
			buffer = append(buffer, 0)
		}
		buffer = append(buffer, column...)
	}
	i, ok := r.index[string(buffer)]
	return i, ok
}

// advance compares the open rows of an account with new ones, ends those that are gone or differ, and returns the new ones that
// have to be added, along with the keys of the rows that it ended, by column.
//
// The comparison runs here and not in SQL: reading the open rows costs less than writing all the new ones to a temporary table.
func (t intervals) advance(ctx context.Context, tx pgx.Tx, account string, seq int64, set *rowSet) (added []int, ended [][]string, err error) {
	continued := make([]bool, set.n)
	ended = make([][]string, len(t.keys))
	var buffer []byte
	rows, err := tx.Query(ctx, `
		SELECT `+strings.Join(slices.Concat(t.keys, t.compare), ", ")+`
		FROM `+t.table+` WHERE account = $1 AND valid_to IS NULL`, pgx.QueryResultFormats{pgx.BinaryFormatCode}, account)
	if err != nil {
		return nil, nil, fmt.Errorf("read open %s: %w", t.table, err)
	}
	defer rows.Close()
	for rows.Next() {
		raw := rows.RawValues()
		row := openRow{raw[:len(t.keys)], raw[len(t.keys):]}
		i, found := set.find(row.keys, buffer[:0])
		if found && set.same(i, row) {
			continued[i] = true
			continue
		}
		if !found {
			if err := set.ended(row); err != nil {
				return nil, nil, err
			}
		}
		for i, column := range row.keys {
			ended[i] = append(ended[i], string(column))
		}
	}
	if err := rows.Err(); err != nil {
		return nil, nil, fmt.Errorf("read open %s: %w", t.table, err)
	}
	if err := t.end(ctx, tx, account, seq, ended); err != nil {
		return nil, nil, err
	}
	for i := range set.n {
		if !continued[i] {
			added = append(added, i)
		}
	}
	return added, ended, nil
}

// end ends the open rows with these keys.
func (t intervals) end(ctx context.Context, tx pgx.Tx, account string, seq int64, keys [][]string) error {
	if len(keys[0]) == 0 {
		return nil
	}
	from, args := t.named(account, keys)
	tag, err := tx.Exec(ctx, `UPDATE `+t.table+` t SET valid_to = $1 FROM `+from+` AND t.valid_to IS NULL`, append([]any{seq}, args...)...)
	if err != nil {
		return fmt.Errorf("end %s: %w", t.table, err)
	}
	if tag.RowsAffected() != int64(len(keys[0])) {
		return fmt.Errorf("end %s: %d rows ended instead of %d", t.table, tag.RowsAffected(), len(keys[0]))
	}
	return nil
}

// named is the part of a query that joins t, the table's rows, with keys; its parameters are numbered from 2.
func (t intervals) named(account string, keys [][]string) (from string, args []any) {
	args = []any{account}
	var arrays, match []string
	for i, column := range t.keys {
		args = append(args, keys[i])
		arrays = append(arrays, fmt.Sprintf("$%d::text[]", i+3))
		match = append(match, fmt.Sprintf(`t.%s = e.%[1]s COLLATE "C"`, column))
	}
	return `unnest(` + strings.Join(arrays, ", ") + `) AS e(` + strings.Join(t.keys, ", ") + `)
		WHERE t.account = $2 AND ` + strings.Join(match, " AND "), args
}

// copyRows adds n rows; fill writes the columns of row i.
func copyRows(ctx context.Context, tx pgx.Tx, table string, columns []string, n int, fill func(i int, row []any) error) error {
	if n == 0 {
		return nil
	}
	row := make([]any, len(columns)) // pgx encodes a row before it asks for the next
	var filled error                 // the server answers that the copy was broken off, and no longer why
	source := pgx.CopyFromSlice(n, func(i int) ([]any, error) {
		filled = fill(i, row)
		return row, filled
	})
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{table}, columns, source); err != nil {
		return fmt.Errorf("write %s: %w", table, cmp.Or(filled, err))
	}
	return nil
}
