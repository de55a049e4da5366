package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/evidence/reread"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	simaws "github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
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

// TestRunAsChild is the program in a process of its own, for tests that need one.
func TestRunAsChild(t *testing.T) {
	args := os.Getenv("CHILD_ARGUMENTS")
	if args == "" {
		t.Skip("for other tests")
	}
	os.Exit(run(t.Context(), strings.Split(args, "\n"), streams{strings.NewReader(""), os.Stdout, os.Stderr}))
}

// TestRawAnswersAreReadAgain of one account of each cloud, where there is no network: the clouds are gone, whatever else is asked goes
// to a proxy that counts, and the process has a network of its own without any interface where the system allows that.
func TestRawAnswersAreReadAgain(t *testing.T) {
	cloud := simulated(t)
	t.Setenv("PLUMBLINE_GCP_ENDPOINT", "http://"+cloud.Addr)
	t.Setenv("PLUMBLINE_AZURE_ENDPOINT", "http://"+cloud.Addr)
	_, url := plumbtest.Store(t)
	dir := t.TempDir()
	on := func(args ...string) []string { return append(args, "--database-url", url, "--data-dir", dir) }
	for _, args := range [][]string{
		{"scan", "--quota-share", "100"},
		{"scan", "--quota-share", "100", "--provider", "gcp", "--project", "acme-production", "--asset-inventory"},
		{"scan", "--quota-share", "100", "--provider", "azure", "--subscription", "aaaaaaaa-0000-4000-8000-000000000001", "--resource-graph"},
	} {
		if code, _, errs := command(t, on(args...)...); code != 0 {
			t.Fatalf("%v: exit code %d: %s", args, code, errs)
		}
	}
	name := filepath.Join(dir, "day")
	today := time.Now().UTC().Format(time.DateOnly)
	if code, _, errs := command(t, on("evidence", "build", "--as-of", today, "--out", name)...); code != 0 {
		t.Fatalf("build: exit code %d: %s", code, errs)
	}
	if err := cloud.Stop(); err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer proxy.Close()
	child := func(args ...string) (int, string) {
		line := []string{os.Args[0], "-test.run=^TestRunAsChild$"}
		if exec.Command("unshare", "--user", "--net", "true").Run() == nil {
			line = append([]string{"unshare", "--user", "--net"}, line...)
		}
		c := exec.Command(line[0], line[1:]...)
		c.Env = append(os.Environ(), "CHILD_ARGUMENTS="+strings.Join(args, "\n"), "HTTP_PROXY="+proxy.URL, "HTTPS_PROXY="+proxy.URL, "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "AWS_REGION=")
		var out, errs bytes.Buffer
		c.Stdout, c.Stderr = &out, &errs
		_ = c.Run()
		if errs.Len() > 0 {
			t.Log(errs.String())
		}
		return c.ProcessState.ExitCode(), out.String()
	}
	var r reread.Raw
	code, out := child("evidence", "reperform", "--raw", name, "--output", "json")
	if err := json.Unmarshal([]byte(out), &r); code != 0 || err != nil {
		t.Fatalf("exit code %d %v: %s", code, err, out)
	}
	clouds := map[string]bool{}
	for _, l := range r.NotReperformable {
		cloud, _, _ := strings.Cut(l.Type, ".")
		clouds[cloud] = true
	}
	if r.Snapshots != 3 || r.Resources < 600 || r.Attributes < 6000 || len(clouds) != 3 || asked.Load() > 0 {
		t.Errorf("%d snapshots, %d resources, %d attributes as recorded, something lacks of %v, %d requests went out", r.Snapshots, r.Resources, r.Attributes, clouds, asked.Load())
	}
	file := ""
	for call, err := range evidence.Rows[evidence.Call](opened(t, name), evidence.CallsFile) {
		if err != nil {
			t.Fatal(err)
		}
		if call.Operation == "storage.buckets.list" {
			file = filepath.Join(name, evidence.RawDir, call.Stored)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.Replace(data, []byte("inherited"), []byte("enforced"), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, out := child("evidence", "reperform", "--raw", name); code != exitFound || !strings.Contains(out, "public_access_prevention") || !strings.Contains(out, "2 differences") {
		t.Errorf("with a forged answer: exit code %d: %s", code, out)
	}
	without := filepath.Join(dir, "digests")
	if code, _, errs := command(t, on("evidence", "build", "--as-of", today, "--raw", "reference", "--out", without)...); code != 0 {
		t.Fatalf("build: exit code %d: %s", code, errs)
	}
	if code, _, errs := command(t, "evidence", "reperform", "--raw", without); code != exitSetup || !strings.Contains(errs, "--raw whole") {
		t.Errorf("of a package of digests: exit code %d: %s", code, errs)
	}
	if code, _, errs := command(t, "evidence", "reperform", "--raw", name, "--rule", "x"); code != exitSetup || !strings.Contains(errs, "--rule") {
		t.Errorf("with a rule: exit code %d: %s", code, errs)
	}
}

func opened(t *testing.T, name string) *evidence.Package {
	t.Helper()
	p, err := evidence.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// TestWitness is an auditor with a package and credentials of their own, some days later.
func TestWitness(t *testing.T) {
	cloud := simulated(t)
	_, url := plumbtest.Store(t)
	dir := t.TempDir()
	on := func(args ...string) []string { return append(args, "--database-url", url, "--data-dir", dir) }
	if code, _, errs := command(t, on("scan", "--quota-share", "100")...); code != 0 {
		t.Fatalf("scan: exit code %d: %s", code, errs)
	}
	name := filepath.Join(dir, "day.zip")
	if code, _, errs := command(t, on("evidence", "build", "--as-of", time.Now().UTC().Format(time.DateOnly), "--out", name)...); code != 0 {
		t.Fatalf("build: exit code %d: %s", code, errs)
	}
	t.Setenv("PLUMBLINE_DATABASE_URL", "postgres://127.0.0.1:1/none") // it needs none
	witness := func(args ...string) (int, reread.Witnessed, string) {
		var w reread.Witnessed
		code, out, errs := command(t, append([]string{"evidence", "witness", name, "--quota-share", "100", "--output", "json"}, args...)...)
		if err := json.Unmarshal([]byte(out), &w); err != nil && out != "" {
			t.Fatal(err)
		}
		return code, w, errs
	}
	if code, w, errs := witness(); code != 0 || len(w.Differences) > 0 || w.Accounts[0].Same < 150 {
		t.Errorf("read at once: exit code %d, %+v: %s", code, w, errs)
	}
	settings := write(t, "auditor.yaml", "connections:\n  - {name: amazon, aws: {regions: [eu-west-1]}}\n")
	if code, w, errs := witness("--config", settings); code != 0 || len(w.Differences) > 0 || len(w.Unknown) == 0 {
		t.Errorf("one region alone: exit code %d, %+v: %s", code, w.Differences, errs)
	}
	cloud.SetTick(47)
	cloud.Faults.Set([]fault.Rule{{Call: fault.Call{Account: "111122223333", Region: "eu-central-1", Service: "ec2"}, Kind: fault.Denied}})
	code, w, errs := witness("--account", "aws:111122223333")
	if code != exitFound || len(w.Differences) == 0 || len(w.Unknown) == 0 {
		t.Errorf("seven days later: exit code %d, %d differences, %d unknown: %s", code, len(w.Differences), len(w.Unknown), errs)
	}
	for _, d := range w.Differences {
		if strings.HasPrefix(d.Resource.Type, "aws.ec2.") && d.Resource.Region == "eu-central-1" || !d.ReadAt.After(d.RecordedAt) || !d.Complete {
			t.Errorf("not to be told: %+v", d)
		}
	}
	if code, out, _ := command(t, "evidence", "witness", name, "--quota-share", "100"); code != exitFound || !strings.Contains(out, "Different now") || !strings.Contains(out, "Not read, so unknown") {
		t.Errorf("as a table: exit code %d: %s", code, out)
	}
	cloud.SetTick(40)
	if code, w, _ := witness("--fail-on", "incomplete"); code != exitIncomplete || len(w.Differences) > 0 {
		t.Errorf("nothing but a refusal: exit code %d, %+v", code, w.Differences)
	}
	keys := simaws.Credentials("444455556666")
	t.Setenv("AWS_ACCESS_KEY_ID", keys.AccessKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", keys.SecretAccessKey)
	if code, w, _ := witness(); code != exitSetup || len(w.Differences) > 0 || !strings.Contains(w.Accounts[0].NotRead, "444455556666") {
		t.Errorf("keys of another account: exit code %d, %+v", code, w)
	}
	if code, _, errs := witness("--account", "aws:1"); code != exitSetup || !strings.Contains(errs, "not found in the package") {
		t.Errorf("an account that the package has not: exit code %d: %s", code, errs)
	}
}
