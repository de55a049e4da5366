package plumbtest

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Tamper runs SQL as somebody who owns the database and switches the triggers off.
func Tamper(tb testing.TB, url, sql string) {
	tb.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.PgConn().Exec(context.Background(), "SET session_replication_role = replica; "+sql).ReadAll(); err != nil {
		tb.Fatal(err)
	}
}
