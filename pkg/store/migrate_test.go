package store

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/migrations"
	"github.com/plumbline-dev/plumbline/pkg/embedpg"
)

// These tests start from databases that are not migrated, or only in part, so they run a server of their own.
func TestMigrate(t *testing.T) {
	server, err := embedpg.Start(t.Context(), embedpg.Options{Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	database := func(t *testing.T, name string) string {
		url, err := server.Database(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return url
	}
	ours, err := readMigrations(migrations.Files)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range ours {
		names = append(names, m.name)
	}

	t.Run("applies everything once", func(t *testing.T) {
		url := database(t, "once")
		applied, err := Migrate(t.Context(), url)
		if diff := cmp.Diff(names, applied); diff != "" || err != nil {
			t.Fatalf("applied differs (-want +got): %v\n%s", err, diff)
		}
		if applied, err = Migrate(t.Context(), url); len(applied) != 0 || err != nil {
			t.Errorf("a second time applied %v %v", applied, err)
		}
	})
	t.Run("several programs and databases at once", func(t *testing.T) {
		var wait sync.WaitGroup
		for _, name := range []string{"left", "right", "left", "right"} {
			url := database(t, name)
			wait.Go(func() {
				if _, err := Migrate(t.Context(), url); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
	})
	t.Run("keeps rows, goes on where it stopped, and a failing migration leaves no trace", func(t *testing.T) {
		url := database(t, "rows")
		first := slices.Concat(ours, []migration{{len(ours) + 1, "next_fails.sql", "CREATE TABLE half (n int); SELECT 1/0"}})
		applied, err := migrate(t.Context(), url, first)
		if diff := cmp.Diff(names, applied); diff != "" || err == nil || !strings.Contains(err.Error(), "next_fails.sql") {
			t.Fatalf("got %v %v, want the failing migration named", applied, err)
		}
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		if _, err := conn.Exec(t.Context(), `INSERT INTO accounts VALUES ('aws:1', 'aws', '1')`); err != nil {
			t.Fatal(err)
		}
		second := slices.Concat(ours, []migration{{len(ours) + 1, "next_works.sql",
			"CREATE TABLE half (n int); ALTER TABLE accounts ADD COLUMN note text NOT NULL DEFAULT 'none'"}})
		if applied, err = migrate(t.Context(), url, second); len(applied) != 1 || err != nil {
			t.Fatalf("got %v %v, want one", applied, err)
		}
		var note string
		if err := conn.QueryRow(t.Context(), `SELECT note FROM accounts WHERE account = 'aws:1'`).Scan(&note); err != nil || note != "none" {
			t.Errorf("the row says %q %v", note, err)
		}
	})
}

func TestReadMigrations(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"a gap":          {"0001_a.sql": {}, "0003_b.sql": {}},
		"a number twice": {"0001_a.sql": {}, "0001_b.sql": {}},
		"no number":      {"first.sql": {}},
	} {
		t.Run(name, func(t *testing.T) {
			if list, err := readMigrations(files); err == nil {
				t.Errorf("accepted as %v", list)
			}
		})
	}
	if _, err := readMigrations(migrations.Files); err != nil {
		t.Error(errors.Unwrap(err), err)
	}
}
