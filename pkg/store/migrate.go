package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/migrations"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// migrationLock is the advisory lock under which migrations run.
const migrationLock = 0x706c756d62 // "plumb"

// migration is one file of the migrations folder.
type migration struct {
	version   int
	name, sql string
}

// Migrate brings the database at url to this program's schema, each migration in its own transaction, and returns the names
// of those it applied. The user of url owns the tables; it needs CREATEROLE when the role plumbline_service does not exist. A
// database that is newer than the program, or out of reach, is posture.ErrSetup.
func Migrate(ctx context.Context, url string) ([]string, error) {
	list, err := readMigrations(migrations.Files)
	if err != nil {
		return nil, err
	}
	applied, err := migrate(ctx, url, list)
	if err != nil {
		return applied, err
	}
	return applied, migrateQueue(ctx, url)
}

func migrate(ctx context.Context, url string, list []migration) (applied []string, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("%w: connect to database: %w", posture.ErrSetup, err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }() // ends the lock as well
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, migrationLock); err != nil {
		return nil, fmt.Errorf("lock database: %w", err)
	}
	if _, err := conn.Exec(ctx, `
		CREATE TABLE IF NOT EXISTS schema_migrations (
			version    integer PRIMARY KEY,
			name       text NOT NULL,
			applied_at timestamptz NOT NULL DEFAULT now()
		)`); err != nil {
		return nil, fmt.Errorf("prepare migrations: %w", err)
	}
	version, err := schemaVersion(ctx, conn)
	if err != nil {
		return nil, err
	}
	if len(list) > 0 && version > list[len(list)-1].version {
		return nil, newerSchema(version)
	}
	for _, m := range list {
		if m.version <= version {
			continue
		}
		if err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Conn().PgConn().Exec(ctx, m.sql).ReadAll(); err != nil { // a file holds many statements
				return err
			}
			_, err := tx.Exec(ctx, `INSERT INTO schema_migrations (version, name) VALUES ($1, $2)`, m.version, m.name)
			return err
		}); err != nil {
			return applied, fmt.Errorf("apply migration %s: %w", m.name, err)
		}
		applied = append(applied, m.name)
	}
	return applied, nil
}

// readMigrations returns the files in order; their numbers count from 1 without a gap.
func readMigrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	var list []migration
	for i, name := range names { // sorted
		digits, _, _ := strings.Cut(name, "_")
		version, err := strconv.Atoi(digits)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("migration %s: its number should be %04d", name, i+1)
		}
		sql, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		list = append(list, migration{version, name, string(sql)})
	}
	return list, nil
}

// schemaVersion is the number of the newest migration that the database has, 0 for none.
func schemaVersion(ctx context.Context, db interface {
	QueryRow(context.Context, string, ...any) pgx.Row
}) (version int, err error) {
	if err = db.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM schema_migrations`).Scan(&version); err != nil {
		return 0, fmt.Errorf("read schema version: %w", err)
	}
	return version, nil
}

func newerSchema(version int) error {
	return fmt.Errorf("%w: the database has schema version %d, which is newer than this program", posture.ErrSetup, version)
}
