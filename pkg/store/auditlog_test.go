package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

var alice = access.Actor{ID: "alice@example.com", Kind: access.Person, Roles: []access.Role{access.Admin}, Session: "s1", Address: "192.0.2.7"}

func audit(t testing.TB, s *store.Store, n int) {
	t.Helper()
	for i := range n {
		if err := s.Audit(t.Context(), access.Entry{Actor: alice, Action: access.ScheduleManage, Object: fmt.Sprintf("schedule/%d", i+1), Reason: "a test"}); err != nil {
			t.Fatal(err)
		}
	}
}

func verify(t testing.TB, s *store.Store) store.AuditCheck {
	t.Helper()
	check, err := s.VerifyAudit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return check
}

func TestAuditLogIsOneChainWithinTheLog(t *testing.T) {
	s, _ := plumbtest.Store(t)
	audit(t, s, 2)
	snapshot := seal(t, s, plumbtest.Sealing(0, buckets(1)...))
	if err := s.Refuse(t.Context(), access.Entry{Actor: alice, Action: access.ExceptionApprove, Object: "exception/1", Reason: "a\x00b\xff"}); err != nil {
		t.Fatal(err)
	}
	if snapshot.LogIndex != 2 {
		t.Errorf("the snapshot is record %d of the log, want 2: the two entries come before", snapshot.LogIndex)
	}
	entries, err := s.AuditLog(t.Context(), store.AuditFilter{})
	if err != nil || len(entries) != 3 {
		t.Fatalf("got %d entries %v, want 3", len(entries), err)
	}
	newest := entries[0]
	if newest.Seq != 3 || newest.Outcome != access.Refused || newest.Reason != "a\uFFFDb\uFFFD" || newest.Actor.Address != alice.Address || newest.At.IsZero() {
		t.Errorf("the newest entry is %+v", newest)
	}
	if entries[2].Previous != "" || entries[1].Previous == "" || entries[1].Outcome != access.Done {
		t.Errorf("the first entry follows %q, the second %q as %s", entries[2].Previous, entries[1].Previous, entries[1].Outcome)
	}
	check := verify(t, s)
	if check.Entries != 3 || check.Broken != 0 {
		t.Errorf("verifying found %+v", check)
	}
	for name, f := range map[string]store.AuditFilter{
		"by outcome": {Outcome: access.Refused}, "by object": {Object: "exception/1"}, "by action": {Action: access.ExceptionApprove},
		"since its own time": {Since: newest.At}, "by number": {Limit: 1},
	} {
		if got, err := s.AuditLog(t.Context(), f); err != nil || len(got) != 1 || got[0].Seq != 3 {
			t.Errorf("%s: got %v %v, want entry 3", name, got, err)
		}
	}

	// the log proves the entry to somebody who has the head alone
	head, err := ledger.TreeHead(t.Context(), s.Log(), 4)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := ledger.ProveRecord(t.Context(), s.Log(), 4, 3)
	if err != nil {
		t.Fatal(err)
	}
	record := fmt.Appendf(nil, `{"audit":{"digest":"%s","seq":3}}`, check.Head)
	if err := tlog.CheckRecord(proof, 4, head, 3, tlog.RecordHash(record)); err != nil {
		t.Errorf("the last entry is not proved by the log: %v", err)
	}
}

func TestAuditLogHasNoGapAndNoForkUnderManyWriters(t *testing.T) {
	s, _ := plumbtest.Store(t)
	const writers, each = 20, 10
	var wait sync.WaitGroup
	for w := range writers {
		wait.Go(func() {
			for i := range each {
				if w == 0 && i%3 == 0 { // sealing appends to the same log
					if _, err := s.Seal(context.Background(), plumbtest.Sealing(i, buckets(i+1)...)); err != nil {
						t.Error(err)
					}
				}
				if err := s.Audit(context.Background(), access.Entry{Actor: alice, Action: access.ScanStart, Object: fmt.Sprintf("%d/%d", w, i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	if check := verify(t, s); check.Entries != writers*each || check.Broken != 0 {
		t.Errorf("verifying found %+v, want %d entries", check, writers*each)
	}
	entries, err := s.AuditLog(t.Context(), store.AuditFilter{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i, e := range entries {
		if e.Seq != int64(len(entries)-i) {
			t.Fatalf("entry %d stands at %d", e.Seq, i)
		}
		seen[e.Object] = true
	}
	if len(seen) != writers*each {
		t.Errorf("%d different entries, want %d", len(seen), writers*each)
	}
}

// What somebody does who owns the database and switches the triggers off.
func TestVerifyFindsWhatWasDoneToTheAuditLog(t *testing.T) {
	for name, test := range map[string]struct {
		sql    string
		broken int64
		want   string
	}{
		"an edited entry": {`UPDATE audit_log SET entry = replace(entry, 'a test', 'no test') WHERE seq = 3`, 3, "digest"},
		"an edited entry with a digest to match": {`UPDATE audit_log SET entry = replace(entry, 'a test', 'no test'),
			digest = sha256(convert_to(replace(entry, 'a test', 'no test'), 'UTF8')) WHERE seq = 3`, 3, "log of the installation says"},
		"and with a record to match": {`UPDATE audit_log SET entry = replace(entry, 'a test', 'no test'),
			digest = sha256(convert_to(replace(entry, 'a test', 'no test'), 'UTF8')) WHERE seq = 3;
			UPDATE log_records r SET record = convert_to(format('{"audit":{"digest":"%s","seq":3}}', encode(a.digest, 'hex')), 'UTF8')
			FROM audit_log a WHERE a.seq = 3 AND r.index = a.log_index`, 3, "hash of its record"},
		"an entry taken out":                        {`DELETE FROM audit_log WHERE seq = 3`, 3, "missing"},
		"the last entry taken out":                  {`DELETE FROM audit_log WHERE seq = 5`, 5, "missing"},
		"all entries taken out":                     {`DELETE FROM audit_log`, 1, "missing"},
		"another actor in the column for searching": {`UPDATE audit_log SET actor = 'mallory@example.com' WHERE seq = 4`, 4, "columns"},
		"another time in the column for searching":  {`UPDATE audit_log SET at = at - interval '1 microsecond' WHERE seq = 2`, 2, "columns"},
		"an entry pointed at another record":        {`UPDATE audit_log SET log_index = 99 WHERE seq = 2`, 2, "log of the installation says"},
		"two entries exchanged":                     {`UPDATE audit_log SET seq = CASE seq WHEN 2 THEN 103 ELSE 102 END WHERE seq IN (2, 3); UPDATE audit_log SET seq = seq - 100 WHERE seq > 100`, 2, "follow"},
		"a record that nobody wrote an entry for":   {`INSERT INTO log_records VALUES (5, convert_to('{"audit":{"digest":"00","seq":6}}', 'UTF8'))`, 6, "missing"},
		"nothing": {`SELECT 1`, 0, ""},
		"a record of the log that is of something else": {`INSERT INTO log_records VALUES (5, convert_to('{"account":{}}', 'UTF8'))`, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, url := plumbtest.Store(t)
			audit(t, s, 5)
			plumbtest.Tamper(t, url, test.sql)
			check := verify(t, s)
			if check.Broken != test.broken || !strings.Contains(check.Problem, test.want) || (test.broken == 0) != (check.Problem == "") {
				t.Errorf("verifying found %+v, want entry %d with %q", check, test.broken, test.want)
			}
			if test.broken > 0 && check.Entries != test.broken-1 {
				t.Errorf("%d entries are said to be right, want %d", check.Entries, test.broken-1)
			}
		})
	}
}

// An act whose entry cannot be written does not happen.
func TestNoActWithoutItsEntry(t *testing.T) {
	acts := map[string]func(s *store.Store) error{
		"adding a user": func(s *store.Store) error { return s.AddUser(context.Background(), alice, "carol@example.com", "") },
		"disabling a user": func(s *store.Store) error {
			return s.SetDisabled(context.Background(), alice, "bob@example.com", true, "left")
		},
		"granting a role": func(s *store.Store) error {
			_, err := s.GrantRole(context.Background(), alice, access.Grant{User: "bob@example.com", Role: access.Viewer})
			return err
		},
		"revoking a role": func(s *store.Store) error { return s.RevokeRole(context.Background(), alice, 1, "") },
		"creating a token": func(s *store.Store) error {
			_, err := s.CreateToken(context.Background(), alice, access.APIToken{Name: "ci", Owner: "bob@example.com", Roles: []access.Role{access.OnCall}}, [32]byte{1})
			return err
		},
		"revoking a token": func(s *store.Store) error { return s.RevokeToken(context.Background(), alice, "old", "") },
		"making a sign-in link": func(s *store.Store) error {
			return s.AddLink(context.Background(), alice, [32]byte{2}, "bob@example.com", s.Now().Add(1e12))
		},
		"signing in": func(s *store.Store) error {
			_, err := s.SignIn(context.Background(), access.SignIn{Email: "bob@example.com", Subject: "x"})
			return err
		},
		"signing in through a link": func(s *store.Store) error {
			_, err := s.UseLink(context.Background(), [32]byte{3}, access.SignIn{})
			return err
		},
		"an entry alone": func(s *store.Store) error {
			return s.Audit(context.Background(), access.Entry{Actor: alice, Action: access.SignedOut})
		},
	}
	for how, prepare := range map[string]string{
		"the log raises an error": `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'disk full'; END $$;
			CREATE TRIGGER full_disk BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION full_disk()`,
		"the database reads only":         `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`,
		"the role may not add entries":    `REVOKE INSERT ON audit_log FROM plumbline_service`,
		"the role may not add to the log": `REVOKE INSERT ON log_records FROM plumbline_service`,
	} {
		t.Run(how, func(t *testing.T) {
			first, url := plumbtest.Store(t)
			user(t, first, "bob@example.com", access.OnCall)
			if _, err := first.CreateToken(t.Context(), alice, access.APIToken{Name: "old", Owner: "bob@example.com", Roles: []access.Role{access.OnCall}}, [32]byte{9}); err != nil {
				t.Fatal(err)
			}
			if err := first.AddLink(t.Context(), alice, [32]byte{3}, "bob@example.com", first.Now().Add(1e12)); err != nil {
				t.Fatal(err)
			}
			conn := connect(t, url)
			rows := func() (n int) {
				if err := conn.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM role_grants) + (SELECT count(*) FROM role_revocations)
					+ (SELECT count(*) FROM tokens) + (SELECT count(*) FROM token_revocations) + (SELECT count(*) FROM signin_links)
					+ (SELECT count(*) FROM audit_log) + (SELECT count(*) FROM log_records)`).Scan(&n); err != nil {
					t.Fatal(err)
				}
				return n
			}
			before := rows()
			if _, err := conn.PgConn().Exec(t.Context(), prepare).ReadAll(); err != nil {
				t.Fatal(err)
			}
			s, err := store.Open(t.Context(), url) // new connections, which see the setting
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for name, act := range acts {
				if err := act(s); err == nil || errors.Is(err, access.ErrRefused) {
					t.Errorf("%s: %v, want a failure", name, err)
				}
			}
			if now := rows(); now != before {
				t.Errorf("there are %d rows, %d before", now, before)
			}
		})
	}
}

func TestRecordsOfAccessStay(t *testing.T) {
	s, url := plumbtest.Store(t)
	user(t, s, "bob@example.com", access.OnCall)
	if err := s.RevokeRole(t.Context(), alice, 1, "left"); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, url)
	for _, role := range []string{"plumbline_service", "plumbline"} {
		if _, err := conn.Exec(t.Context(), "SET ROLE "+role); err != nil {
			t.Fatal(err)
		}
		for table, column := range map[string]string{"audit_log": "entry", "users": "disabled", "role_grants": "role", "role_revocations": "at",
			"waivers": "until_at", "tokens": "roles", "token_revocations": "at"} {
			for _, sql := range []string{fmt.Sprintf("UPDATE %s SET %s = %[2]s", table, column), "DELETE FROM " + table, "TRUNCATE " + table + " CASCADE"} {
				_, err := conn.Exec(t.Context(), sql)
				var refused *pgconn.PgError
				if !errors.As(err, &refused) || refused.Code != "42501" {
					t.Errorf("as %s, %s: %v, want insufficient_privilege", role, sql, err)
				}
			}
		}
	}
}
