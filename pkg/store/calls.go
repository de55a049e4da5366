package store

import (
	"context"
	"encoding/hex"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Calls returns the journal of a snapshot in the order of the calls.
func (s *Store) Calls(ctx context.Context, account string, seq int64) ([]posture.Call, error) {
	rows, _ := s.pool.Query(ctx, selectCalls, account, seq)
	return read(rows, "calls", scanCall)
}

const selectCalls = `
	SELECT call, service, operation, region, parameters, attempt, started_at, ended_at, status, code, error, request_id,
		server_date, received, stored
	FROM calls WHERE account = $1 AND seq = $2 ORDER BY call`

func scanCall(row pgx.CollectableRow) (c posture.Call, err error) {
	var received, stored []byte
	err = row.Scan(&c.Seq, &c.Service, &c.Operation, &c.Region, &c.Parameters, &c.Attempt, &c.Started, &c.Ended, &c.Status,
		&c.Code, &c.Error, &c.RequestID, &c.ServerDate, &received, &stored)
	c.Started, c.Ended = c.Started.UTC(), c.Ended.UTC()
	c.Received, c.Stored = hex.EncodeToString(received), hex.EncodeToString(stored)
	return c, err
}

func writeCalls(ctx context.Context, tx pgx.Tx, account string, seq int64, calls []posture.Call) error {
	columns := []string{"account", "seq", "call", "service", "operation", "region", "parameters", "attempt", "started_at", "ended_at",
		"status", "code", "error", "request_id", "server_date", "received", "stored"}
	return copyRows(ctx, tx, "calls", columns, len(calls), func(i int, row []any) error {
		c := calls[i]
		received, err := digest(c.Received)
		if err != nil {
			return err
		}
		stored, err := digest(c.Stored)
		if err != nil {
			return err
		}
		copy(row, []any{account, seq, c.Seq, ledger.Text(c.Service), ledger.Text(c.Operation), ledger.Text(c.Region),
			ledger.Text(c.Parameters), c.Attempt, c.Started, c.Ended, c.Status, ledger.Text(c.Code), ledger.Text(c.Error),
			ledger.Text(c.RequestID), ledger.Text(c.ServerDate), received, stored})
		return nil
	})
}
