package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

const (
	benchResources = 100_000
	benchRules     = 2 // verdicts of each resource
)

// large is a scan of many resources, each of about 700 bytes with its verdicts. Of those, the fraction 1/every has changed
// since day 0; 0 is none.
func large(day, every int) posture.Sealing {
	resources := make([]posture.Content, benchResources)
	for i := range resources {
		attributes := map[string]any{
			"arn": fmt.Sprintf("arn:aws:s3:::bucket-%06d", i), "versioning": "Enabled", "encryption": map[string]any{
				"algorithm": "aws:kms", "key": fmt.Sprintf("arn:aws:kms:eu-central-1:111122223333:key/%032d", i), "bucket_key": true},
			"public_access_block": map[string]any{"acls": true, "policy": true, "ignore": true, "restrict": true},
			"logging":             map[string]any{"bucket": "access-logs", "prefix": fmt.Sprintf("bucket-%06d/", i)},
			"tags":                map[string]any{"owner": "platform", "environment": "production", "cost_center": fmt.Sprint(i % 97), "generation": "0"},
			"lifecycle":           []any{map[string]any{"id": "expire", "days": int64(365)}, map[string]any{"id": "archive", "days": int64(90)}},
			"created_at":          "2024-05-06T07:08:09Z", "object_lock": false, "size": int64(i) * 1000,
		}
		if every > 0 && i%every == 0 {
			attributes["tags"].(map[string]any)["generation"] = fmt.Sprint(day)
		}
		resources[i] = plumbtest.Resource(fmt.Sprintf("arn:aws:s3:::bucket-%06d", i), attributes)
	}
	in := plumbtest.Sealing(day, resources...)
	in.Verdicts = in.Verdicts[:0]
	for i, r := range resources {
		for rule := range benchRules {
			v := plumbtest.Verdict(r.Key, posture.Pass, `resource.versioning == "Enabled", is "Enabled"`)
			v.RuleID = fmt.Sprintf("%s-%d", plumbtest.Rule, rule)
			v.RuleVersion = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
			if (i+rule)%20 == 0 {
				v.Result, v.Reason = posture.Fail, `resource.versioning == "Enabled", is "Suspended"`
			}
			if every > 0 && i%every == 0 {
				v.Reason += fmt.Sprintf(" on day %d", day)
			}
			in.Verdicts = append(in.Verdicts, v)
		}
	}
	return in
}

// plainCopy copies the rows that a first Seal of in writes into tables of the same columns without indexes and triggers: the
// least that loading them can cost.
func plainCopy(b *testing.B, conn *pgx.Conn, in posture.Sealing) {
	ctx := context.Background()
	tx, err := conn.Begin(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer tx.Rollback(ctx)
	load := func(table string, columns []string, n int, fill func(i int, row []any)) {
		row := make([]any, len(columns))
		source := pgx.CopyFromSlice(n, func(i int) ([]any, error) { fill(i, row); return row, nil })
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{table}, columns, source); err != nil {
			b.Fatal(err)
		}
	}
	load("plain_contents", []string{"account", "hash", "document"}, len(in.Resources), func(i int, row []any) {
		row[0], row[1], row[2] = account, in.Resources[i].Hash[:], in.Resources[i].JSON
	})
	load("plain_resource_versions", []string{"account", "type", "region", "id", "valid_from", "hash", "stale"}, len(in.Resources), func(i int, row []any) {
		r := &in.Resources[i]
		row[0], row[1], row[2], row[3], row[4], row[5], row[6] = account, r.Type, r.Region, r.ID, int64(1), r.Hash[:], false
	})
	hash := make([]byte, 32)
	load("plain_verdict_versions", []string{"account", "type", "region", "id", "rule_id", "valid_from", "result_from", "rule_version",
		"result", "reason", "hash"}, len(in.Verdicts), func(i int, row []any) {
		v := &in.Verdicts[i]
		row[0], row[1], row[2], row[3], row[4], row[5], row[6] = account, v.Resource.Type, v.Resource.Region, v.Resource.ID, v.RuleID, int64(1), int64(1)
		row[7], row[8], row[9], row[10] = v.RuleVersion, string(v.Result), v.Reason, hash
	})
	if err := tx.Commit(ctx); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkSeal prints what sealing costs in proportion: first/copy, unchanged/first and diff/first.
func BenchmarkSeal(b *testing.B) {
	ctx := context.Background()
	first, same, changed := large(0, 0), large(1, 0), large(2, 100)
	var plain, load, unchanged, onePercent, diff, state time.Duration
	timed := func(total *time.Duration, fn func()) {
		begin := time.Now()
		fn()
		*total += time.Since(begin)
	}
	for b.Loop() {
		s, url := plumbtest.Store(b)
		conn := connect(b, url)
		for _, table := range []string{"contents", "resource_versions", "verdict_versions"} {
			if _, err := conn.Exec(ctx, "CREATE TABLE plain_"+table+" (LIKE "+table+")"); err != nil {
				b.Fatal(err)
			}
		}
		timed(&plain, func() { plainCopy(b, conn, first) })
		if _, err := conn.Exec(ctx, "CHECKPOINT"); err != nil {
			b.Fatal(err)
		}
		timed(&load, func() { seal(b, s, first) })
		timed(&unchanged, func() { seal(b, s, same) })
		timed(&onePercent, func() { seal(b, s, changed) })
		timed(&diff, func() {
			before, after, err := s.Diff(ctx, account, 2, 3)
			if err != nil || len(before.Resources) != benchResources/100 || len(after.Verdicts) != benchRules*benchResources/100 {
				b.Fatalf("%d resources, %d verdicts differ: %v", len(before.Resources), len(after.Verdicts), err)
			}
		})
		timed(&state, func() {
			if got, err := s.State(ctx, account); err != nil || len(got.Resources) != benchResources {
				b.Fatal(len(got.Resources), err)
			}
		})
	}
	n := float64(b.N)
	for name, d := range map[string]time.Duration{"copy-s": plain, "first-s": load, "unchanged-s": unchanged, "changed1%-s": onePercent, "diff-s": diff, "state-s": state} {
		b.ReportMetric(d.Seconds()/n, name)
	}
	b.ReportMetric(load.Seconds()/plain.Seconds(), "first/copy")
	b.ReportMetric(unchanged.Seconds()/load.Seconds(), "unchanged/first")
	b.ReportMetric(diff.Seconds()/load.Seconds(), "diff/first")
}

// BenchmarkPage reads a page of failing verdicts, and one of resources, of a large account.
func BenchmarkPage(b *testing.B) {
	ctx := context.Background()
	s, _ := plumbtest.Store(b)
	seal(b, s, large(0, 0))
	b.Run("failing verdicts", func(b *testing.B) {
		for b.Loop() {
			if list, err := s.Verdicts(ctx, store.VerdictFilter{Result: posture.Fail, Limit: 100}); err != nil || len(list) != 100 {
				b.Fatal(len(list), err)
			}
		}
	})
	b.Run("resources", func(b *testing.B) {
		after := posture.Key{Type: plumbtest.Type, Region: plumbtest.Region, ID: "arn:aws:s3:::bucket-050000"}
		for b.Loop() {
			if list, err := s.Resources(ctx, account, 1, store.ResourceFilter{After: after, Limit: 100}); err != nil || len(list) != 100 {
				b.Fatal(len(list), err)
			}
		}
	})
}

// BenchmarkContent writes and hashes one document.
func BenchmarkContent(b *testing.B) {
	var document struct {
		Attributes map[string]any `json:"attributes"`
	}
	if err := json.Unmarshal(plumbtest.Resource("a", map[string]any{"tags": map[string]any{"a": "b", "c": "d"}, "list": []any{"x", "y"}}).JSON, &document); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := ledger.Content(document.Attributes, nil); err != nil {
			b.Fatal(err)
		}
	}
}
