package store_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func TestMain(m *testing.M) { plumbtest.Main(m) }

const account = "aws:111122223333"

// tables are all that hold what is sealed.
var tables = []string{"accounts", "snapshots", "cells", "contents", "resource_versions", "verdict_versions", "verdict_counts", "calls",
	"bodies", "log_records", "log_hashes", "findings", "finding_events"}

func seal(t testing.TB, s *store.Store, in posture.Sealing) posture.Snapshot {
	t.Helper()
	snapshot, err := s.Seal(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// count returns the number of rows of each table.
func count(t testing.TB, conn *pgx.Conn) map[string]int {
	t.Helper()
	counts := make(map[string]int)
	for _, table := range tables {
		var n int
		if err := conn.QueryRow(context.Background(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		counts[table] = n
	}
	return counts
}

// grown is what now has more than before.
func grown(before, now map[string]int) map[string]int {
	diff := make(map[string]int)
	for table, n := range now {
		if n != before[table] {
			diff[table] = n - before[table]
		}
	}
	return diff
}

// bare drops what State does not return.
func bare(contents []posture.Content) map[posture.Key]posture.Content {
	out := make(map[posture.Key]posture.Content)
	for _, c := range contents {
		c.JSON = nil
		out[c.Key] = c
	}
	return out
}

func buckets(n int) []posture.Content {
	list := make([]posture.Content, n)
	for i := range list {
		list[i] = plumbtest.Resource(fmt.Sprintf("bucket-%03d", i), map[string]any{"versioning": "Enabled"})
	}
	return list
}

func TestSealReadsBack(t *testing.T) {
	s, _ := plumbtest.Store(t)
	sealed := plumbtest.Day(0).Add(90 * time.Second)
	s.Now = func() time.Time { return sealed }
	in := plumbtest.Sealing(0, buckets(3)...)
	in.Verdicts[1] = plumbtest.Verdict(in.Resources[1].Key, posture.Unknown, "versioning was not read")
	in.Verdicts[1].Unread = []posture.Unread{{Path: "versioning", Cause: posture.Cause{Reason: posture.ReasonDenied, Operation: "S3.GetBucketVersioning"}}}
	in.Verdicts[2] = plumbtest.Verdict(in.Resources[2].Key, posture.Fail, "versioning is Suspended")
	in.Cells = append(in.Cells, posture.Cell{Region: "us-east-1", Type: plumbtest.Type, State: posture.Denied, Started: plumbtest.Day(0),
		Finished: plumbtest.Day(0), Cause: &posture.Cause{Reason: posture.ReasonDenied, Code: "AccessDenied"}})
	snapshot := seal(t, s, in)

	want := in.Snapshot
	want.Seq, want.Sealed, want.LogIndex, want.Resources = 1, sealed, 0, 3
	want.Verdicts = posture.Counts{Pass: 1, Fail: 1, Unknown: 1}
	want.Root = snapshot.Root
	if diff := cmp.Diff(want, snapshot); diff != "" {
		t.Errorf("snapshot differs (-want +got):\n%s", diff)
	}
	for name, read := range map[string]func() (posture.Snapshot, error){
		"Latest":   func() (posture.Snapshot, error) { return s.Latest(t.Context(), account) },
		"At":       func() (posture.Snapshot, error) { return s.At(t.Context(), account, plumbtest.Day(5)) },
		"Snapshot": func() (posture.Snapshot, error) { return s.Snapshot(t.Context(), account, 1) },
	} {
		if got, err := read(); err != nil || !cmp.Equal(want, got) {
			t.Errorf("%s: %v %s", name, err, cmp.Diff(want, got))
		}
	}

	state, err := s.State(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(bare(in.Resources), bare(state.Resources)); diff != "" {
		t.Errorf("resources differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(in.Cells, state.Cells); diff != "" {
		t.Errorf("cells differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(in.Verdicts, state.Verdicts); diff != "" {
		t.Errorf("verdicts differ (-want +got):\n%s", diff)
	}
	calls, err := s.Calls(t.Context(), account, 1)
	if diff := cmp.Diff(in.Calls, calls); diff != "" || err != nil {
		t.Errorf("calls differ (-want +got): %v\n%s", err, diff)
	}
	body, err := s.Body(t.Context(), account, in.Bodies[0].SHA256)
	if err != nil || string(body) != string(in.Bodies[0].Data) {
		t.Errorf("body is %q %v, want %q", body, err, in.Bodies[0].Data)
	}
	resources, err := s.Resources(t.Context(), account, 1, store.ResourceFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range resources {
		canonical, err := ledger.Canonical(jsonValue(t, r.JSON))
		if err != nil || string(canonical) != string(in.Resources[i].JSON) {
			t.Errorf("document of %s is %s %v, want %s", r.ID, canonical, err, in.Resources[i].JSON)
		}
	}

	// what the database gives back leads to the same root
	var leaves []ledger.Leaf
	for _, c := range state.Cells {
		leaf, err := ledger.CellLeaf(account, c)
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leaf)
	}
	for _, r := range resources {
		leaves = append(leaves, ledger.ResourceLeaf(account, r))
	}
	for _, v := range state.Verdicts {
		hash, err := ledger.VerdictHash(v)
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, ledger.VerdictLeaf(account, v, hash))
	}
	hashes, err := ledger.Hashes(leaves)
	if root := ledger.Root(hashes); err != nil || hex.EncodeToString(root[:]) != snapshot.Root {
		t.Errorf("the root from the database is %x %v, want %s", root, err, snapshot.Root)
	}

	accounts, err := s.Accounts(t.Context())
	if diff := cmp.Diff([]posture.Account{plumbtest.Account()}, accounts); diff != "" || err != nil {
		t.Errorf("accounts differ (-want +got): %v\n%s", err, diff)
	}
	if _, err := s.Latest(t.Context(), "aws:000000000000"); !errors.Is(err, posture.ErrNotFound) {
		t.Errorf("an account without snapshots: %v, want ErrNotFound", err)
	}
}

func TestRowsFollowChange(t *testing.T) {
	s, url := plumbtest.Store(t)
	conn := connect(t, url)
	resources := buckets(100)
	seal(t, s, plumbtest.Sealing(0, resources...))
	perSnapshot := map[string]int{"snapshots": 1, "cells": 1, "calls": 1, "verdict_counts": 1, "log_records": 1}
	for day, test := range []struct {
		name   string
		change func(in *posture.Sealing)
		want   map[string]int // besides perSnapshot
	}{
		{"an unchanged snapshot adds no contents and no versions", func(*posture.Sealing) {}, nil},
		{"one resource in a hundred changes", func(in *posture.Sealing) {
			in.Resources[7] = plumbtest.Resource(in.Resources[7].ID, map[string]any{"versioning": "Suspended"})
			in.Verdicts[7] = plumbtest.Verdict(in.Resources[7].Key, posture.Fail, "versioning is Suspended")
		}, map[string]int{"contents": 1, "resource_versions": 1, "verdict_versions": 1, "findings": 1, "finding_events": 1}},
		{"it changes back: the content is known", func(*posture.Sealing) {}, map[string]int{"resource_versions": 1, "verdict_versions": 1, "finding_events": 1}},
		{"one resource ends", func(in *posture.Sealing) {
			in.Resources, in.Verdicts = in.Resources[1:], in.Verdicts[1:]
		}, nil},
		{"it is back, as it was", func(*posture.Sealing) {}, map[string]int{"resource_versions": 1, "verdict_versions": 1}},
		{"a denied cell makes its resources stale", func(in *posture.Sealing) {
			in.Cells[0] = plumbtest.Cell(6, posture.Denied)
			for i := range in.Resources {
				in.Resources[i].Stale, in.Resources[i].JSON = true, nil
			}
		}, map[string]int{"resource_versions": 100}},
		{"it is read again", func(*posture.Sealing) {}, map[string]int{"resource_versions": 100}},
	} {
		before := count(t, conn)
		in := plumbtest.Sealing(day+1, append([]posture.Content{}, resources...)...)
		in.Bodies = plumbtest.Sealing(0, resources...).Bodies
		test.change(&in)
		seal(t, s, in)
		want := make(map[string]int)
		for _, part := range []map[string]int{perSnapshot, test.want} {
			for table, n := range part {
				want[table] += n
			}
		}
		got := grown(before, count(t, conn))
		delete(got, "log_hashes")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: rows added differ (-want +got):\n%s", test.name, diff)
		}
		state, err := s.State(t.Context(), account)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(bare(in.Resources), bare(state.Resources)); diff != "" {
			t.Errorf("%s: resources differ (-want +got):\n%s", test.name, diff)
		}
		if len(state.Verdicts) != len(in.Verdicts) {
			t.Errorf("%s: %d verdicts, want %d", test.name, len(state.Verdicts), len(in.Verdicts))
		}
	}
	history, err := s.ResourceHistory(t.Context(), account, resources[0].Key)
	if err != nil {
		t.Fatal(err)
	}
	var spans []string
	for _, v := range history {
		spans = append(spans, fmt.Sprintf("%d-%d stale=%v from %s", v.ValidFrom, v.ValidTo, v.Stale, v.From.Format(time.DateOnly)))
	}
	want := []string{"1-5 stale=false from 2026-03-01", "6-7 stale=false from 2026-03-06", "7-8 stale=true from 2026-03-07", "8-0 stale=false from 2026-03-08"}
	if diff := cmp.Diff(want, spans); diff != "" {
		t.Errorf("history differs (-want +got):\n%s", diff)
	}
}

func TestSealRefuses(t *testing.T) {
	other := func(in *posture.Sealing) { in.Resources, in.Verdicts = in.Resources[1:], in.Verdicts[1:] }
	for name, test := range map[string]struct {
		change func(in *posture.Sealing)
		want   string
	}{
		"a resource that ends in a denied cell": {func(in *posture.Sealing) { other(in); in.Cells[0] = plumbtest.Cell(1, posture.Denied) }, "bucket-000 would end, but its cell is denied"},
		"a resource that ends in a failed cell": {func(in *posture.Sealing) { other(in); in.Cells[0] = plumbtest.Cell(1, posture.Failed) }, "its cell is failed"},
		"a resource that ends without its cell": {func(in *posture.Sealing) { other(in); in.Cells[0].Region = "us-east-1" }, "its cell was not read"},
		"a resource twice":                      {func(in *posture.Sealing) { in.Resources = append(in.Resources, in.Resources[0]) }, "there twice"},
		"a verdict twice":                       {func(in *posture.Sealing) { in.Verdicts = append(in.Verdicts, in.Verdicts[0]) }, "there twice"},
		"a cell twice":                          {func(in *posture.Sealing) { in.Cells = append(in.Cells, in.Cells[0]) }, "there twice"},
		"a content with another's hash": {func(in *posture.Sealing) {
			in.Resources[0].Hash, in.Resources[0].JSON = [32]byte{1}, in.Resources[1].JSON
		}, "not that of its content"},
		"a stale resource whose content is not known": {func(in *posture.Sealing) { in.Resources[0].Hash, in.Resources[0].JSON = [32]byte{1}, nil }, "not that of its content"},
		"a body with another's hash":                  {func(in *posture.Sealing) { in.Bodies[0].Data = []byte("x") }, "another SHA-256"},
		"a name with a NUL":                           {func(in *posture.Sealing) { in.Resources[0].ID = "a\x00b" }, "is not text"},
		"a rule id with a space":                      {func(in *posture.Sealing) { in.Verdicts[0].RuleID = "a b" }, "holds a space"},
		"an end before the start":                     {func(in *posture.Sealing) { in.Snapshot.Finished = plumbtest.Day(0) }, "snapshot from"},
		"no account":                                  {func(in *posture.Sealing) { in.Snapshot.Account.ID = "" }, "account without"},
	} {
		t.Run(name, func(t *testing.T) {
			s, url := plumbtest.Store(t)
			seal(t, s, plumbtest.Sealing(0, buckets(3)...))
			conn := connect(t, url)
			before := count(t, conn)
			in := plumbtest.Sealing(1, buckets(3)...)
			test.change(&in)
			_, err := s.Seal(t.Context(), in)
			if !errors.Is(err, posture.ErrInvalid) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want ErrInvalid with %q", err, test.want)
			}
			if diff := cmp.Diff(before, count(t, conn)); diff != "" {
				t.Errorf("something was written (-before +now):\n%s", diff)
			}
		})
	}
	t.Run("but not a resource that ends where its region is switched off", func(t *testing.T) {
		s, _ := plumbtest.Store(t)
		seal(t, s, plumbtest.Sealing(0, buckets(3)...))
		in := plumbtest.Sealing(1)
		in.Cells[0] = plumbtest.Cell(1, posture.NotApplicable)
		seal(t, s, in)
	})
	t.Run("but not odd text, which it makes storable", func(t *testing.T) {
		s, _ := plumbtest.Store(t)
		in := plumbtest.Sealing(0, buckets(1)...)
		in.Verdicts[0].Reason = "name is \"\x00\xff\""
		in.Verdicts[0].Unread = []posture.Unread{{Path: "tags[\x00]"}}
		in.Calls[0].Error = "\x00"
		in.Cells = append(in.Cells, posture.Cell{Type: "t", Region: "r", State: posture.Failed, Cause: &posture.Cause{Code: "\x00"}})
		seal(t, s, in)
		got, err := s.Verdicts(t.Context(), store.VerdictFilter{})
		if err != nil || got[0].Reason != "name is \"\uFFFD\uFFFD\"" || got[0].Unread[0].Path != "tags[\uFFFD]" {
			t.Errorf("got %+v %v", got, err)
		}
	})
}

func TestVerdicts(t *testing.T) {
	s, _ := plumbtest.Store(t)
	resources := buckets(3)
	judge := func(day int, result posture.Result, reason string) {
		in := plumbtest.Sealing(day, resources...)
		in.Verdicts[1] = plumbtest.Verdict(resources[1].Key, result, reason)
		seal(t, s, in)
	}
	judge(0, posture.Fail, "a")
	judge(1, posture.Pass, "b")
	judge(2, posture.Fail, "c")
	judge(3, posture.Fail, "d") // another reason, the same run
	judge(4, posture.Fail, "d")
	second := plumbtest.Sealing(2, resources[:2]...)
	second.Snapshot.Account = posture.Account{Provider: "gcp", ID: "shop"}
	second.Verdicts[0].Result = posture.Fail
	seal(t, s, second)

	row := func(j store.Judged) string {
		return fmt.Sprintf("%s/%d %s %s %s seen %s first %s", j.Account, j.Seq, j.Resource.ID, j.Result, j.Reason,
			j.Observed.Format("01-02"), j.First.Format("01-02"))
	}
	last := "aws:111122223333/5 bucket-001 fail d seen 03-05 first 03-03"
	shop := "gcp:shop/1 bucket-000 fail versioning is Enabled seen 03-03 first 03-03"
	for name, test := range map[string]struct {
		filter store.VerdictFilter
		want   []string
	}{
		"failing now":                      {store.VerdictFilter{Result: posture.Fail}, []string{last, shop}},
		"failing now in one account":       {store.VerdictFilter{Result: posture.Fail, Account: account}, []string{last}},
		"failing, as of the first day":     {store.VerdictFilter{Result: posture.Fail, AsOf: plumbtest.Day(1)}, []string{"aws:111122223333/1 bucket-001 fail a seen 03-01 first 03-01"}},
		"failing, as of the second day":    {store.VerdictFilter{Result: posture.Fail, AsOf: plumbtest.Day(1).Add(time.Hour)}, nil},
		"failing, in a snapshot by number": {store.VerdictFilter{Result: posture.Fail, Account: account, Seq: 3}, []string{"aws:111122223333/3 bucket-001 fail c seen 03-03 first 03-03"}},
		"of one resource":                  {store.VerdictFilter{Account: account, Type: plumbtest.Type, Region: plumbtest.Region, ID: "bucket-001"}, []string{last}},
		"of another rule":                  {store.VerdictFilter{Rule: "other"}, nil},
		"a page ends within an account": {store.VerdictFilter{Limit: 2}, []string{
			"aws:111122223333/5 bucket-000 pass versioning is Enabled seen 03-05 first 03-01", last}},
		"the next page goes on in the next account": {store.VerdictFilter{Limit: 2, After: store.VerdictPosition{
			Account: account, Resource: resources[1].Key, Rule: plumbtest.Rule}}, []string{
			"aws:111122223333/5 bucket-002 pass versioning is Enabled seen 03-05 first 03-01", shop}},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := s.Verdicts(t.Context(), test.filter)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, j := range list {
				got = append(got, row(j))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("verdicts differ (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := s.Verdicts(t.Context(), store.VerdictFilter{Seq: 1}); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("a number without its account: %v, want ErrInvalid", err)
	}
	counts, err := s.Counts(t.Context(), "", time.Time{})
	want := []store.RuleCounts{{Rule: plumbtest.Rule, Counts: posture.Counts{Pass: 3, Fail: 2}}}
	if diff := cmp.Diff(want, counts); diff != "" || err != nil {
		t.Errorf("counts differ (-want +got): %v\n%s", err, diff)
	}
	list, err := s.Snapshots(t.Context(), "", 2)
	if err != nil || len(list) != 2 || list[0].ID() != "gcp:shop/1" || list[1].ID() != "aws:111122223333/5" {
		t.Errorf("newest snapshots: %v %v", list, err)
	}
}

func TestResourcePages(t *testing.T) {
	s, _ := plumbtest.Store(t)
	resources := buckets(7)
	seal(t, s, plumbtest.Sealing(0, resources...))
	seal(t, s, plumbtest.Sealing(1, resources[3:]...))
	for seq, want := range map[int64]int{1: 7, 2: 4} {
		var f store.ResourceFilter
		f.Limit, f.Type = 3, plumbtest.Type
		var ids []string
		for {
			page, err := s.Resources(t.Context(), account, seq, f)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, r := range page {
				ids = append(ids, r.ID)
			}
			f.After = page[len(page)-1].Key
		}
		if len(ids) != want || ids[len(ids)-1] != "bucket-006" {
			t.Errorf("snapshot %d has %v, want %d resources", seq, ids, want)
		}
	}
}

func TestDiff(t *testing.T) {
	s, _ := plumbtest.Store(t)
	base := buckets(5)
	changed := plumbtest.Resource("bucket-001", map[string]any{"versioning": "Suspended"})
	seal(t, s, plumbtest.Sealing(0, base...))
	seal(t, s, plumbtest.Sealing(1, base[0], changed, base[2], base[3])) // 1 changed, 4 removed
	in := plumbtest.Sealing(2, base[0], base[1], base[2], base[3], plumbtest.Resource("new", nil))
	in.Verdicts[2] = plumbtest.Verdict(base[2].Key, posture.Fail, "why not")
	seal(t, s, in) // 1 back, 2 judged anew, one added
	for name, test := range map[string]struct {
		from, to                  int64
		before, after             []string
		beforeVerdict, newVerdict []string
	}{
		"a change and a removal":             {1, 2, []string{"bucket-001", "bucket-004"}, []string{"bucket-001"}, []string{"bucket-004 pass"}, nil},
		"what came back as it was is absent": {1, 3, []string{"bucket-004"}, []string{"new"}, []string{"bucket-002 pass", "bucket-004 pass"}, []string{"bucket-002 fail", "new pass"}},
	} {
		t.Run(name, func(t *testing.T) {
			before, after, err := s.Diff(t.Context(), account, test.from, test.to)
			if err != nil {
				t.Fatal(err)
			}
			names := func(list []posture.Content) (out []string) {
				for _, c := range list {
					if len(c.JSON) == 0 {
						t.Errorf("%s has no document", c.ID)
					}
					out = append(out, c.ID)
				}
				return out
			}
			verdicts := func(list []posture.Verdict) (out []string) {
				for _, v := range list {
					out = append(out, v.Resource.ID+" "+string(v.Result))
				}
				return out
			}
			got := [][]string{names(before.Resources), names(after.Resources), verdicts(before.Verdicts), verdicts(after.Verdicts)}
			want := [][]string{test.before, test.after, test.beforeVerdict, test.newVerdict}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("differences differ (-want +got):\n%s", diff)
			}
			if before.Snapshot.Seq != test.from || after.Snapshot.Seq != test.to || len(before.Cells) != 1 || len(after.Cells) != 1 {
				t.Errorf("sides are %v and %v", before.Snapshot, after.Snapshot)
			}
		})
	}
	if _, _, err := s.Diff(t.Context(), account, 2, 2); !errors.Is(err, posture.ErrInvalid) {
		t.Errorf("a snapshot and itself: %v, want ErrInvalid", err)
	}
}

func TestLogGrows(t *testing.T) {
	s, _ := plumbtest.Store(t)
	heads := []tlog.Hash{}
	var snapshots []posture.Snapshot
	for day := range 5 {
		snapshots = append(snapshots, seal(t, s, plumbtest.Sealing(day, buckets(2)...)))
		head, err := ledger.TreeHead(t.Context(), s.Log(), int64(day+1))
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, head)
	}
	records, err := s.LogRecords(t.Context(), 0, 10)
	if err != nil || len(records) != 5 {
		t.Fatalf("%d records %v, want 5", len(records), err)
	}
	for i, snapshot := range snapshots {
		record, err := ledger.Record(snapshot)
		if err != nil || string(record) != string(records[i]) {
			t.Errorf("record %d is %s %v, want %s", i, records[i], err, record)
		}
		proof, err := ledger.ProveRecord(t.Context(), s.Log(), 5, snapshot.LogIndex)
		if err == nil {
			err = tlog.CheckRecord(proof, 5, heads[4], snapshot.LogIndex, tlog.RecordHash(record))
		}
		if err != nil {
			t.Errorf("record %d is not proved to be in the log: %v", i, err)
		}
		if i > 0 {
			tree, err := ledger.ProveTree(t.Context(), s.Log(), int64(i+1), int64(i))
			if err == nil {
				err = tlog.CheckTree(tree, int64(i+1), heads[i], int64(i), heads[i-1])
			}
			if err != nil {
				t.Errorf("log of %d is not proved to continue that of %d: %v", i+1, i, err)
			}
		}
	}
	if _, err := ledger.Append(t.Context(), s.Log(), []byte("x")); err == nil {
		t.Error("the log for reading takes a record")
	}
}
