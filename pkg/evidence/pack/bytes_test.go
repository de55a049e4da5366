package pack

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/evidence/sample"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// asked is what a process of its own is asked to build.
type asked struct {
	URL    string
	Secret string
	Head   ledger.Head
	Dir    string
}

// TestBuildAsChild builds a package of a day, one of a period, and samples from both, in a process of its own.
func TestBuildAsChild(t *testing.T) {
	var a asked
	if json.Unmarshal([]byte(os.Getenv("CHILD_BUILDS")), &a) != nil {
		t.Skip("for another test")
	}
	db, err := store.Open(context.Background(), a.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	set, err := rule.Load(testRules, testTypes)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ledger.NewSigner(a.Secret, day(-100))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: db, set: set, signer: signer}
	for name, request := range map[string]Request{"day": w.request(2, a.Head), "period": w.periodRequest(a.Head)} {
		dir := filepath.Join(a.Dir, name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Build(context.Background(), db, request, dir); err != nil {
			t.Fatal(err)
		}
		if err := Archive(dir, filepath.Join(a.Dir, name+".tar.gz")); err != nil {
			t.Fatal(err)
		}
		p, err := evidence.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		items, digest, err := p.Items("populations/" + bucketType.Name + ".jsonl")
		if err != nil {
			t.Fatal(err)
		}
		draws := map[string][]sample.Item{}
		for _, method := range []sample.Method{sample.Random, sample.Stratified, sample.All} {
			if draws[string(method)], err = sample.Draw(method, items, sample.Seed("2026", "access", digest), 2, nil); err != nil {
				t.Fatal(err)
			}
		}
		data, err := json.Marshal(draws)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(a.Dir, name+"-samples.json"), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOtherProcessesAndBuildsGiveTheSameBytes: in another time zone, language and directory, on one processor; and, with PLUMBLINE_LONG,
// by a program that was built from a copy of the sources elsewhere, with its paths in it.
func TestOtherProcessesAndBuildsGiveTheSameBytes(t *testing.T) {
	w, head := story(t)
	secret, err := ledger.GenerateSigner(rand.Reader, w.signer.Origin)
	if err != nil {
		t.Fatal(err)
	}
	build := func(program string, env ...string) map[string]string {
		t.Helper()
		dir := t.TempDir()
		question, err := json.Marshal(asked{w.url, secret, head, dir})
		if err != nil {
			t.Fatal(err)
		}
		c := exec.Command(program, "-test.run=^TestBuildAsChild$", "-test.count=1")
		c.Dir, c.Env = t.TempDir(), append(append(os.Environ(), "CHILD_BUILDS="+string(question)), env...)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return readAll(t, dir)
	}
	first := build(os.Args[0], "TZ=Pacific/Auckland", "LANG=de_DE.UTF-8")
	if len(first) < 60 || len(first["day.tar.gz"]) == 0 || len(first["period-samples.json"]) < 100 {
		t.Fatalf("%d files were built", len(first))
	}
	programs := []string{os.Args[0]}
	if os.Getenv("PLUMBLINE_LONG") != "" {
		elsewhere := filepath.Join(t.TempDir(), "elsewhere")
		for _, part := range []string{"pkg", "rules", "migrations", "collectors"} {
			if err := os.CopyFS(filepath.Join(elsewhere, part), os.DirFS(filepath.Join("../../..", part))); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"go.mod", "go.sum"} {
			data, err := os.ReadFile(filepath.Join("../../..", name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(elsewhere, name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		program := filepath.Join(elsewhere, "pack.test")
		c := exec.Command("go", "test", "-c", "-trimpath=false", "-o", program, "./pkg/evidence/pack")
		c.Dir = elsewhere
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("build elsewhere: %v: %s", err, out)
		}
		programs = append(programs, program)
	}
	for _, program := range programs {
		if diff := cmp.Diff(first, build(program, "TZ=America/Los_Angeles", "LANG=C", "GOMAXPROCS=1")); diff != "" {
			t.Errorf("%s gives other bytes:\n%s", program, diff)
		}
	}
}
