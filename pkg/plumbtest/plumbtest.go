// Package plumbtest gives tests a database: one private server for each test binary, one fresh database for each test, copied
// from a migrated template.
package plumbtest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/embedpg"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// template is the database that tests copy.
const template = "template_plumbline"

// server is the test binary's; it starts when the first test asks for a database.
var server = sync.OnceValues(func() (*embedpg.Server, error) {
	ctx := context.Background()
	s, err := embedpg.Start(ctx, embedpg.Options{Unsafe: true})
	if err != nil {
		return nil, err
	}
	started.Store(s)
	url, err := s.Database(ctx, template)
	if err != nil {
		return nil, err
	}
	if _, err := store.Migrate(ctx, url); err != nil {
		return nil, err
	}
	return s, nil
})

var (
	started  atomic.Pointer[embedpg.Server]
	sequence atomic.Int64 // numbers databases
)

// Main runs the tests and ends the server. A package whose tests use databases has
//
//	func TestMain(m *testing.M) { plumbtest.Main(m) }
func Main(m *testing.M) {
	code := m.Run()
	if s := started.Load(); s != nil {
		if err := s.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop test database:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// Server is the test binary's server, for databases that are not migrated.
func Server(tb testing.TB) *embedpg.Server {
	tb.Helper()
	s, err := server()
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// Database returns the address of a fresh, migrated database, whose user may do anything. It is removed with the test.
func Database(tb testing.TB) string {
	tb.Helper()
	s := Server(tb)
	name := fmt.Sprintf("test_%d", sequence.Add(1))
	run := func(sql string) {
		conn, err := pgx.Connect(context.Background(), s.URL("postgres"))
		if err != nil {
			tb.Fatal(err)
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(context.Background(), sql); err != nil {
			tb.Fatal(err)
		}
	}
	run("CREATE DATABASE " + name + " TEMPLATE " + template)
	tb.Cleanup(func() { run("DROP DATABASE " + name + " WITH (FORCE)") })
	return s.URL(name)
}

// Store returns a store on a fresh database, closed with the test, and the database's address.
func Store(tb testing.TB) (*store.Store, string) {
	tb.Helper()
	url := Database(tb)
	s, err := store.Open(context.Background(), url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s, url
}
