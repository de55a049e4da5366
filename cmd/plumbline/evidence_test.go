package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// TestEvidenceOfARealScan builds a package of a simulated account and checks it as an auditor would.
func TestEvidenceOfARealScan(t *testing.T) {
	simulated(t)
	_, url := plumbtest.Store(t)
	data, dir := t.TempDir(), t.TempDir()
	on := func(args ...string) []string { return append(args, "--database-url", url, "--data-dir", data) }
	if code, _, errs := command(t, on("scan", "--quota-share", "100")...); code != 0 {
		t.Fatalf("scan: exit code %d: %s", code, errs)
	}
	var heads []string
	witness := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, r.ContentLength)
		_, _ = r.Body.Read(body)
		heads = append(heads, string(body))
	}))
	defer witness.Close()
	if code, _, errs := command(t, on("checkpoints", "sign", "--publish", witness.URL, "--publish", dir)...); code != 0 || len(heads) != 1 {
		t.Fatalf("sign: exit code %d, %d heads received: %s", code, len(heads), errs)
	}
	if code, _, errs := command(t, on("checkpoints", "sign", "--publish", "http://127.0.0.1:1/")...); code != exitInternal || !strings.Contains(errs, "publish checkpoint") {
		t.Errorf("a receiver that is down: exit code %d: %s", code, errs)
	}
	if _, out, _ := command(t, on("checkpoints", "list")...); !strings.Contains(out, witness.URL) || !strings.Contains(out, "failed") {
		t.Errorf("list does not say where heads went: %s", out)
	}
	if code, _, errs := command(t, on("scan", "--quota-share", "100")...); code != 0 { // so that a head is between
		t.Fatalf("scan: exit code %d: %s", code, errs)
	}
	_, keys, _ := command(t, on("keys", "list", "--output", "json")...)
	keyFile, headFile := write(t, "keys.json", keys), write(t, "head", heads[0])
	name := filepath.Join(dir, "day.tar.gz")
	code, out, errs := command(t, on("evidence", "build", "--as-of", time.Now().UTC().Format(time.DateOnly), "--out", name, "--output", "json")...)
	var built builtPackage
	if err := json.Unmarshal([]byte(out), &built); code != 0 || err != nil || built.Snapshots != 1 || built.Results.Total < 100 || built.OffDate != nil {
		t.Fatalf("build: exit code %d %v: %s%s", code, err, out, errs)
	}
	if code, out, errs := command(t, "evidence", "verify", name, "--key", keyFile, "--head", headFile); code != 0 {
		t.Errorf("verify: exit code %d: %s%s", code, out, errs)
	}
	if code, out, errs := command(t, "evidence", "reperform", name); code != 0 || !strings.Contains(out, "0 differ") || strings.Contains(out, "note") {
		t.Errorf("reperform: exit code %d: %s%s", code, out, errs)
	}
	if code, out, errs := command(t, "evidence", "trace", name, "1"); code != 0 || !strings.Contains(out, "request ") {
		t.Errorf("trace: exit code %d: %s%s", code, out, errs)
	}
	var small, large store.Sample
	for n, into := range map[string]*store.Sample{"2": &small, "4": &large} {
		code, out, errs := command(t, on("evidence", "sample", name, "--population", "findings.jsonl", "--control", "c", "--size", n, "--output", "json")...)
		if err := json.Unmarshal([]byte(out), into); code != 0 || err != nil {
			t.Fatalf("sample: exit code %d %v: %s%s", code, err, out, errs)
		}
	}
	if small.Seed != large.Seed || !strings.HasPrefix(compact(t, large.Items), strings.TrimSuffix(compact(t, small.Items), "]")) || small.Size != 2 || large.Size != 4 {
		t.Errorf("a draw of four does not extend that of two: %s, %s", small.Items, large.Items)
	}
	if code, _, errs := command(t, on("evidence", "sample", name, "--population", "../x")...); code == 0 || !strings.Contains(errs, "not a path") {
		t.Errorf("a population outside: exit code %d: %s", code, errs)
	}
	if _, out, _ := command(t, on("evidence", "list")...); !strings.Contains(out, built.Package) {
		t.Errorf("list does not have %s: %s", built.Package, out)
	}
	if code, _, _ := command(t, on("keys", "rotate")...); code != 0 {
		t.Errorf("rotate: exit code %d", code)
	}
	again := filepath.Join(dir, "again")
	if code, _, errs := command(t, on("evidence", "build", "--as-of", time.Now().UTC().Format(time.DateOnly), "--out", again)...); code != 0 {
		t.Errorf("build after rotation: exit code %d: %s", code, errs)
	}
	if code, out, _ := command(t, "evidence", "verify", again, "--key", keyFile); code != 2 {
		t.Errorf("a package signed by a key that came later: exit code %d: %s", code, out)
	}
	_, keys, _ = command(t, on("keys", "list", "--output", "json")...)
	if code, out, _ := command(t, "evidence", "verify", again, "--key", write(t, "keys.json", keys)); code != 0 {
		t.Errorf("with all keys: exit code %d: %s", code, out)
	}
	if err := os.Remove(filepath.Join(again, "scope.json")); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := command(t, "evidence", "verify", again); code != 3 || !strings.Contains(out, "scope.json") {
		t.Errorf("without scope.json: exit code %d: %s", code, out)
	}
	for name, args := range map[string][]string{
		"no day":               {"--out", filepath.Join(dir, "x")},
		"a day to come":        {"--as-of", "2999-01-01", "--out", filepath.Join(dir, "x")},
		"a day before":         {"--as-of", "2001-01-01", "--out", filepath.Join(dir, "x")},
		"a time zone unknown":  {"--as-of", "2026-03-01", "--time-zone", "Mars/Base", "--out", filepath.Join(dir, "x")},
		"an account unknown":   {"--as-of", time.Now().UTC().Format(time.DateOnly), "--account", "aws:0", "--out", filepath.Join(dir, "x")},
		"a control unknown":    {"--as-of", time.Now().UTC().Format(time.DateOnly), "--controls", "none", "--out", filepath.Join(dir, "x")},
		"a place that is used": {"--as-of", "2026-03-01", "--out", dir},
		"an ending unknown":    {"--as-of", "2026-03-01", "--out", filepath.Join(dir, "x.7z")},
		"a period with a day":  {"--type", "type2", "--as-of", "2026-03-01", "--out", filepath.Join(dir, "x")},
	} {
		if code, _, errs := command(t, on(append([]string{"evidence", "build"}, args...)...)...); code != exitSetup || strings.Contains(errs, "panic") {
			t.Errorf("%s: exit code %d: %s", name, code, errs)
		}
		if _, err := os.Stat(filepath.Join(dir, "x")); err == nil {
			t.Errorf("%s: something was left behind", name)
		}
	}
}

func compact(t *testing.T, data []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, data); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
