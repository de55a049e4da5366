package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// intervals is a table whose rows have a validity interval, one open row at most for each key of an account.
type intervals struct {
	table  string
	keys   []string // columns of the key, after account
	values []string // columns that callers compare
}

// openRow is an open interval as read from the database, in Postgres's binary form; valid until the next one is read.
type openRow struct {
	keys, values [][]byte
}

// advance compares the open rows of an account with n new ones, of which key(i) is the key of one, and ends those that are gone
// or differ. It returns the new ones that have to be added. same decides whether new row i continues an open one; ended may
// refuse that a row ends because no new one has its key.
//
// The comparison runs here and not in SQL: reading the open rows costs less than writing all the new ones to a temporary
// table, and an unchanged snapshot then writes nothing at all.
func (t intervals) advance(ctx context.Context, tx pgx.Tx, account string, seq int64, n int, key func(i int, k []string),
	same func(i int, row openRow) bool, ended func(row openRow) error) (added []int, err error) {
	k := make([]string, len(t.keys))
	var index map[string]int // filled when there is something to compare with
	continued := make([]bool, n)
	var name []byte
	ends := make([][]string, len(t.keys))
	var endsFrom []int64

	rows, err := tx.Query(ctx, `
		SELECT valid_from, `+strings.Join(append(append([]string{}, t.keys...), t.values...), ", ")+`
		FROM `+t.table+` WHERE account = $1 AND valid_to IS NULL`, pgx.QueryResultFormats{pgx.BinaryFormatCode}, account)
	if err != nil {
		return nil, fmt.Errorf("read open %s: %w", t.table, err)
	}
	defer rows.Close()
	for rows.Next() {
		if index == nil {
			index = make(map[string]int, n)
			for i := range n {
				key(i, k)
				index[strings.Join(k, "\x00")] = i
			}
		}
		raw := rows.RawValues()
		row := openRow{raw[1 : 1+len(t.keys)], raw[1+len(t.keys):]}
		name = name[:0]
		for i, column := range row.keys {
			if i > 0 {
				name = append(name, 0)
			}
			name = append(name, column...)
		}
		i, found := index[string(name)]
		if found && same(i, row) {
			continued[i] = true
			continue
		}
		if !found {
			if err := ended(row); err != nil {
				return nil, err
			}
		}
		endsFrom = append(endsFrom, int64(binary.BigEndian.Uint64(raw[0])))
		for i, column := range row.keys {
			ends[i] = append(ends[i], string(column))
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read open %s: %w", t.table, err)
	}
	if err := t.end(ctx, tx, account, seq, endsFrom, ends); err != nil {
		return nil, err
	}
	for i := range n {
		if !continued[i] {
			added = append(added, i)
		}
	}
	return added, nil
}

// end ends the open rows with these keys.
func (t intervals) end(ctx context.Context, tx pgx.Tx, account string, seq int64, from []int64, keys [][]string) error {
	if len(from) == 0 {
		return nil
	}
	args := []any{account, seq, from}
	arrays, match := "$3::bigint[]", "t.valid_from = e.valid_from"
	for i, column := range t.keys {
		args = append(args, keys[i])
		arrays += fmt.Sprintf(", $%d::text[]", len(args))
		match += fmt.Sprintf(` AND t.%s = e.%[1]s COLLATE "C"`, column)
	}
	tag, err := tx.Exec(ctx, `
		UPDATE `+t.table+` t SET valid_to = $2
		FROM unnest(`+arrays+`) AS e(valid_from, `+strings.Join(t.keys, ", ")+`)
		WHERE t.account = $1 AND t.valid_to IS NULL AND `+match, args...)
	if err != nil {
		return fmt.Errorf("end %s: %w", t.table, err)
	}
	if tag.RowsAffected() != int64(len(from)) {
		return fmt.Errorf("end %s: %d rows ended instead of %d", t.table, tag.RowsAffected(), len(from))
	}
	return nil
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
