package store

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Cells returns the cells of a snapshot by type and region.
func (s *Store) Cells(ctx context.Context, account string, seq int64) ([]posture.Cell, error) {
	return readCells(ctx, s.pool, account, seq)
}

func readCells(ctx context.Context, db querier, account string, seq int64) ([]posture.Cell, error) {
	rows, _ := db.Query(ctx, `
		SELECT region, type, state, cause, started_at, finished_at, calls, reconciliation
		FROM cells WHERE account = $1 AND seq = $2 ORDER BY type, region`, account, seq)
	return read(rows, "cells", func(row pgx.CollectableRow) (c posture.Cell, err error) {
		err = row.Scan(&c.Region, &c.Type, &c.State, &c.Cause, &c.Started, &c.Finished, &c.Calls, &c.Reconciled)
		c.Started, c.Finished = c.Started.UTC(), c.Finished.UTC()
		return c, err
	})
}

func writeCells(ctx context.Context, tx pgx.Tx, account string, seq int64, cells []posture.Cell) error {
	columns := []string{"account", "seq", "type", "region", "state", "cause", "started_at", "finished_at", "calls", "reconciliation"}
	return copyRows(ctx, tx, "cells", columns, len(cells), func(i int, row []any) error {
		c := cells[i]
		var cause, reconciled []byte
		if c.Cause != nil {
			var err error
			if cause, err = json.Marshal(ledger.StorableCause(*c.Cause)); err != nil {
				return err
			}
		}
		if c.Reconciled != nil {
			var err error
			if reconciled, err = json.Marshal(ledger.StorableReconciliation(*c.Reconciled)); err != nil {
				return err
			}
		}
		copy(row, []any{account, seq, c.Type, c.Region, string(c.State), cause, c.Started, c.Finished, c.Calls, reconciled})
		return nil
	})
}
