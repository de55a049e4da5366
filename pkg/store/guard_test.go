package store_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func jsonValue(t testing.TB, data []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSealedRowsStay(t *testing.T) {
	s, url := plumbtest.Store(t)
	seal(t, s, failing(0, buckets(2), "bucket-000"))
	seal(t, s, failing(1, buckets(1), "bucket-000"))
	conn := connect(t, url)
	rows, err := conn.Query(t.Context(), `
		SELECT c.relname::text FROM pg_class c
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'schema_migrations'
			AND NOT has_any_column_privilege('plumbline_service', c.oid, 'UPDATE') AND NOT has_table_privilege('plumbline_service', c.oid, 'DELETE')`)
	if err != nil {
		t.Fatal(err)
	}
	appended, err := pgx.CollectRows(rows, pgx.RowTo[string]) // tables that the service only adds to have to refuse everybody
	if err != nil {
		t.Fatal(err)
	}
	kept := slices.Concat(tables, appended)
	for _, table := range []string{"exceptions", "exception_resources", "exception_decisions", "attachments", "attachment_reviews"} {
		if !slices.Contains(kept, table) {
			t.Errorf("the service may change %s", table)
		}
	}
	before := count(t, conn)
	attempts := map[string]string{} // statement → tables it is about, for the failure text
	for _, table := range kept {
		var column string
		if err := conn.QueryRow(t.Context(), `SELECT column_name FROM information_schema.columns WHERE table_name = $1 AND is_identity = 'NO' ORDER BY ordinal_position LIMIT 1`, table).Scan(&column); err != nil {
			t.Fatal(err)
		}
		attempts[fmt.Sprintf("UPDATE %s SET %s = %[2]s", table, column)] = table
		attempts["DELETE FROM "+table] = table
		attempts["TRUNCATE "+table+" CASCADE"] = table
	}
	for _, table := range []string{"resource_versions", "verdict_versions"} {
		attempts["UPDATE "+table+" SET valid_to = 2 WHERE valid_to IS NULL"] = table            // in the sealed past
		attempts["UPDATE "+table+" SET valid_to = 9 WHERE valid_to IS NOT NULL"] = table        // ended already
		attempts["UPDATE "+table+" SET valid_to = NULL"] = table                                // reopen
		attempts["UPDATE "+table+" SET valid_to = 9, hash = '' WHERE valid_to IS NULL"] = table // something else besides
	}
	attempts[`INSERT INTO resource_versions SELECT account, type, region, 'forged', valid_from, valid_to, hash, stale FROM resource_versions LIMIT 1`] = "late row"
	attempts[`INSERT INTO verdict_versions SELECT account, type, region, 'forged', rule_id, valid_from, valid_to, result_from, rule_version, result, reason, unread, hash FROM verdict_versions LIMIT 1`] = "late row"
	attempts[`INSERT INTO cells SELECT account, seq, 'forged', region, state, cause, started_at, finished_at, calls FROM cells`] = "late row"
	attempts[`INSERT INTO calls SELECT account, seq, 99, service, operation, region, parameters, attempt, started_at, ended_at, status, code, error, request_id, server_date, received, stored FROM calls`] = "late row"
	attempts[`INSERT INTO verdict_counts SELECT account, seq, 'forged', pass, fail, unknown, not_applicable FROM verdict_counts`] = "late row"
	for _, role := range []string{"plumbline_service", "plumbline"} {
		if _, err := conn.Exec(t.Context(), "SET ROLE "+role); err != nil {
			t.Fatal(err)
		}
		for sql := range attempts {
			_, err := conn.Exec(t.Context(), sql)
			var refused *pgconn.PgError
			if !errors.As(err, &refused) || refused.Code != "42501" {
				t.Errorf("as %s, %s: %v, want insufficient_privilege", role, sql, err)
			}
		}
	}
	if diff := cmp.Diff(before, count(t, conn)); diff != "" {
		t.Errorf("rows differ (-before +now):\n%s", diff)
	}
}

func TestStoreActsAsTheServiceRole(t *testing.T) {
	s, url := plumbtest.Store(t)
	conn := connect(t, url)
	// refuse the role, and the store is refused
	if _, err := conn.Exec(t.Context(), `REVOKE INSERT ON accounts FROM plumbline_service`); err != nil {
		t.Fatal(err)
	}
	_, err := s.Seal(t.Context(), plumbtest.Sealing(0))
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.Code != "42501" {
		t.Errorf("sealing without the role's right to insert: %v, want insufficient_privilege", err)
	}
}

// Seal is blocked at the first write to a table by a lock, its connection is cut there, and nothing of it remains.
func TestKilledSealLeavesNothing(t *testing.T) {
	for _, table := range tables {
		t.Run("while writing "+table, func(t *testing.T) {
			s, url := plumbtest.Store(t)
			first := seal(t, s, plumbtest.Sealing(0, buckets(10)...))
			admin := connect(t, url)
			before := count(t, admin)

			blocker, err := admin.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer blocker.Rollback(context.Background())
			if _, err := blocker.Exec(t.Context(), "LOCK TABLE "+table+" IN SHARE MODE"); err != nil {
				t.Fatal(err)
			}
			in := failing(1, append(buckets(8), plumbtest.Resource("new", nil)), "new")
			in.Snapshot.Account.ID = first.Account.ID
			sum := sha256.Sum256([]byte("an answer not seen before"))
			in.Bodies = append(in.Bodies, posture.Body{SHA256: hex.EncodeToString(sum[:]), Data: []byte("an answer not seen before")})
			result := make(chan error, 1)
			go func() {
				_, err := s.Seal(context.Background(), in)
				result <- err
			}()
			var killed bool
			for deadline := time.Now().Add(10 * time.Second); !killed && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
				select {
				case err := <-result:
					t.Fatalf("sealing did not wait for the table: %v", err)
				default:
				}
				// the backend that waits for our lock
				err := blocker.QueryRow(t.Context(), `
					SELECT coalesce(bool_or(pg_terminate_backend(l.pid)), false) FROM pg_locks l
					WHERE NOT l.granted AND pg_backend_pid() = ANY(pg_blocking_pids(l.pid))`).Scan(&killed)
				if err != nil {
					t.Fatal(err)
				}
			}
			if !killed {
				t.Fatal("sealing never waited for the table")
			}
			if err := <-result; err == nil {
				t.Error("sealing succeeded on a cut connection")
			}
			if err := blocker.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, count(t, admin)); diff != "" {
				t.Errorf("rows differ (-before +now):\n%s", diff)
			}
			if latest, err := s.Latest(t.Context(), account); err != nil || !cmp.Equal(first, latest) {
				t.Errorf("latest is %v %v, want %v", latest, err, first)
			}
			if again := seal(t, s, in); again.Seq != 2 { // and the same may be sealed after all
				t.Errorf("sealed as number %d, want 2", again.Seq)
			}
		})
	}
}

func TestSealingsOfOneAccountWait(t *testing.T) {
	s, _ := plumbtest.Store(t)
	const each = 8
	var wait sync.WaitGroup
	errs := make(chan error, 2*each)
	for i := range 2 * each {
		wait.Go(func() {
			in := plumbtest.Sealing(i, buckets(i+1)...)
			in.Snapshot.Account.ID = []string{"111122223333", "444455556666"}[i%2]
			_, err := s.Seal(context.Background(), in)
			errs <- err
		})
	}
	wait.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	for _, account := range []string{"aws:111122223333", "aws:444455556666"} {
		list, err := s.Snapshots(t.Context(), account, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i, snapshot := range list {
			if snapshot.Seq != int64(each-i) {
				t.Errorf("%s: number %d stands at %d", account, snapshot.Seq, i)
			}
			resources, err := s.Resources(t.Context(), account, snapshot.Seq, store.ResourceFilter{})
			if err != nil || len(resources) != snapshot.Resources {
				t.Errorf("%s has %d resources %v, want %d", snapshot.ID(), len(resources), err, snapshot.Resources)
			}
		}
	}
}

func TestOpenSaysWhatToMend(t *testing.T) {
	server := plumbtest.Server(t)
	empty, err := server.Database(t.Context(), "never_migrated")
	if err != nil {
		t.Fatal(err)
	}
	newer := plumbtest.Database(t)
	if _, err := connect(t, newer).Exec(t.Context(), `INSERT INTO schema_migrations (version, name) VALUES (9999, 'x')`); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ url, want string }{
		"a database never migrated":                {empty, "plumbline migrate"},
		"a database newer than the program":        {newer, "newer than this program"},
		"no database of that name":                 {server.URL("nowhere"), "nowhere"},
		"an address that is none":                  {"postgres://%", "address"},
		"a role that does not exist in the server": {strings.Replace(newer, "plumbline@", "nobody-of-that-name@", 1), "nobody-of-that-name"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := store.Open(t.Context(), test.url)
			if err == nil {
				s.Close()
			}
			if !errors.Is(err, posture.ErrSetup) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want ErrSetup with %q", err, test.want)
			}
		})
	}
	if _, err := store.Migrate(t.Context(), newer); !errors.Is(err, posture.ErrSetup) {
		t.Errorf("migrating a newer database: %v, want ErrSetup", err)
	}
}
