// Package store keeps snapshots in Postgres: facts are added, intervals end, and nothing sealed ever changes. Accounts are
// named by posture.Account.String(). What is not there is posture.ErrNotFound.
package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plumbline-dev/plumbline/migrations"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// serviceRole is what every connection acts as. It can read, add rows and end intervals, and nothing else.
const serviceRole = "plumbline_service"

// Store is a database with this program's schema.
type Store struct {
	// Now is the clock that sealing reads.
	Now func() time.Time
	// Types tell which attributes move by themselves; without them every change of a resource counts against its exceptions.
	Types []*posture.Type
	// OnEvents is called for every snapshot with what happened to its account's findings, in the transaction that seals it, and with
	// seq 0 for what else happened to findings. The transaction fails when it does. Nil does nothing.
	OnEvents func(ctx context.Context, tx pgx.Tx, account string, seq int64, events []finding.Event) error
	// OnDelivery queues the sending of deliveries, in the transaction that writes them. Nil does nothing.
	OnDelivery func(ctx context.Context, tx pgx.Tx, ids []int64) error

	pool *pgxpool.Pool
}

// Open connects to the database at url and changes nothing in it. One that is out of reach, or whose schema is not this
// program's (see Migrate), is posture.ErrSetup.
func Open(ctx context.Context, url string) (*Store, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("%w: database address: %w", posture.ErrSetup, err)
	}
	if _, chosen := config.ConnConfig.RuntimeParams["jit"]; !chosen {
		config.ConnConfig.RuntimeParams["jit"] = "off" // compiling takes longer than the queries, whose costs are estimated far too high
	}
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SET ROLE "+serviceRole)
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to database: %w", err)
	}
	if err := checkSchema(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	return &Store{Now: time.Now, pool: pool}, nil
}

// Close ends all connections; it waits for those in use.
func (s *Store) Close() { s.pool.Close() }

func checkSchema(ctx context.Context, pool *pgxpool.Pool) error {
	list, err := readMigrations(migrations.Files)
	if err != nil {
		return err
	}
	version, err := schemaVersion(ctx, pool)
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused) && (refused.Code == "42P01" || refused.Code == "22023" || refused.Code == "42704"):
		version = 0 // no such table, or no such role: nothing was ever migrated
	case err != nil:
		return fmt.Errorf("%w: connect to database: %w", posture.ErrSetup, err)
	}
	switch newest := list[len(list)-1].version; {
	case version > newest:
		return newerSchema(version)
	case version < newest:
		return fmt.Errorf("%w: the database has schema version %d, this program needs %d: run plumbline migrate", posture.ErrSetup, version, newest)
	}
	return nil
}

// digest decodes a hex SHA-256; empty is nil.
func digest(text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	sum, err := hex.DecodeString(text)
	if err != nil || len(sum) != 32 {
		return nil, fmt.Errorf("%w: %q is not a SHA-256", posture.ErrInvalid, text)
	}
	return sum, nil
}

// read is pgx.CollectRows with an error that says what was read.
func read[T any](rows pgx.Rows, what string, scan func(pgx.CollectableRow) (T, error)) ([]T, error) {
	list, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return list, nil
}

// readOne is read for exactly one row; none is posture.ErrNotFound.
func readOne[T any](rows pgx.Rows, what string, scan func(pgx.CollectableRow) (T, error)) (T, error) {
	one, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		err = posture.ErrNotFound
	}
	if err != nil {
		return one, fmt.Errorf("read %s: %w", what, err)
	}
	return one, nil
}
