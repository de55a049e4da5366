package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// querier is what a pool and a transaction have in common.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// State returns the account's newest snapshot as it was sealed, without calls, bodies and content documents (see Contents), in
// no order. An account without one gives the zero value, whose Seq is 0.
func (s *Store) State(ctx context.Context, account string) (state posture.Sealing, err error) {
	err = s.view(ctx, func(tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, selectSnapshot+` WHERE s.account = $1 ORDER BY s.seq DESC LIMIT 1`, account)
		state.Snapshot, err = readOne(rows, "newest snapshot", scanSnapshot)
		if errors.Is(err, posture.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if state.Cells, err = readCells(ctx, tx, account, state.Snapshot.Seq); err != nil {
			return err
		}
		if state.Resources, err = openResources(ctx, tx, account); err != nil {
			return err
		}
		state.Verdicts, err = openVerdicts(ctx, tx, account)
		return err
	})
	if err != nil {
		return posture.Sealing{}, fmt.Errorf("read state of %s: %w", account, err)
	}
	return state, nil
}

// view runs fn on one unchanging view of the database.
func (s *Store) view(ctx context.Context, fn func(pgx.Tx) error) error {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, s.pool, options, fn)
}
