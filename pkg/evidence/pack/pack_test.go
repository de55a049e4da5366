package pack

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
)

func TestPackageOfADay(t *testing.T) {
	w, head := story(t)
	dir, m := w.build(w.request(2, head))
	trust := evidence.Trust{Keys: []ledger.Key{w.signer.Key}}
	report, err := evidence.VerifyPath(dir, trust)
	if err != nil || report.Code() != evidence.Good {
		t.Fatalf("verify: %v %+v", err, report.Problems)
	}
	p, err := evidence.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	again, err := p.Reperform("")
	if err != nil || len(again.Differences) > 0 || again.Unjudged > 0 || again.Snapshots != 2 || again.Judged != m.Counts.Total {
		t.Errorf("reperform: %v %+v, of %d results", err, again, m.Counts.Total)
	}
	want := evidence.Counts{Excepted: 0, Total: 14}
	want.Pass, want.Fail, want.Unknown = 4, 1, 9
	if diff := cmp.Diff(want, m.Counts); diff != "" {
		t.Errorf("counts differ (-want +got):\n%s", diff)
	}
	for path, text := range readAll(t, dir) {
		if strings.HasPrefix(path, "rules/") || strings.HasPrefix(path, "raw/") {
			continue
		}
		for _, word := range []string{"compliant", " effective", "passed the audit", "passes the audit"} {
			if strings.Contains(strings.ToLower(text), word) {
				t.Errorf("%s says %q", path, word)
			}
		}
	}
}

func TestTheSameRecordsGiveTheSameBytes(t *testing.T) {
	w, head := story(t)
	first, _ := w.build(w.request(2, head))
	w.now = day(9) // later, with more in the log, from another directory
	w.scan(day(9), account("111122223333"), []thing{}, []thing{})
	second, _ := w.build(w.request(2, head))
	if diff := cmp.Diff(readAll(t, first), readAll(t, second)); diff != "" {
		t.Errorf("files differ:\n%s", diff)
	}
	for _, ending := range []string{".tar.gz", ".zip"} {
		var archives [][]byte
		for i, dir := range []string{first, second} {
			name := filepath.Join(t.TempDir(), "p"+ending)
			if err := Archive(dir, name); err != nil {
				t.Fatal(err)
			}
			if i == 1 {
				report, err := evidence.VerifyPath(name, evidence.Trust{})
				if err != nil || report.Code() != evidence.Good {
					t.Errorf("%s: %v %+v", ending, err, report.Problems)
				}
			}
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			archives = append(archives, data)
		}
		if !bytes.Equal(archives[0], archives[1]) {
			t.Errorf("two %s archives of the same files differ", ending)
		}
	}
}

func TestWhatAPackageHolds(t *testing.T) {
	w, head := story(t)
	dir, m := w.build(w.request(2, head))
	files := readAll(t, dir)
	var listed []string
	for _, f := range m.Files {
		if !strings.HasPrefix(f.Path, "raw/") {
			listed = append(listed, f.Path)
		}
	}
	want := strings.Fields(`VERIFY.md auditlog.jsonl calls.jsonl cells.jsonl collectors.jsonl controls.json csv/exceptions.csv csv/findings.csv csv/gaps.csv csv/results.csv
		exceptions.jsonl findings.jsonl gaps.jsonl key.pem keys.json log/checkpoint log/consistency.jsonl log/proofs.jsonl manual/1-_review_Q1.pdf manual/index.jsonl
		populations/aws.test.bucket.csv populations/aws.test.bucket.jsonl populations/aws.test.trail.csv populations/aws.test.trail.jsonl reconciliation.json report.html
		resources.jsonl results.jsonl rules/aws/test/account-logged.yaml rules/aws/test/bucket-logged.yaml rules/aws/test/bucket-private.yaml rules/index.jsonl
		rules/soc2.yaml rules/types.json scope.json snapshots.jsonl system.json`)
	slices.Sort(want)
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("files differ (-want +got):\n%s", diff)
	}
	for path, parts := range map[string][]string{
		"gaps.jsonl":                      {`"kind":"cell"`, `"kind":"stale"`, `"kind":"attribute"`, `"path":"public"`, `"kind":"rule_off"`, `"reason":"not ours"`, `"kind":"boundary"`, "sandbox", `"count":1`},
		"scope.json":                      {`"account":"aws:111122223333"`, `"account":"aws:999900001111"`},
		"populations/aws.test.bucket.csv": {"'=cmd()", "boundary,aws:111122223333 aws:444455556666"},
		"findings.jsonl":                  {`"state":"excepted"`, `"kind":"opened"`, `"kind":"exception_requested"`},
		"exceptions.jsonl":                {`"standing":"in_force"`, "a public site"},
		"reconciliation.json":             {`"status":"single_source"`, `"complete":false`, `"second_source":""`},
		"report.html":                     {"&lt;always&gt;", "not an opinion", "'=cmd()"[1:], "ada@example.com", "Rules switched off"},
		"auditlog.jsonl":                  {"exception.approve", "evidence.attach"},
		"collectors.jsonl":                {`"principal":"arn:aws:sts::111122223333:assumed-role/read/plumbline"`, "test:ListTrails", `"read_log":"on"`},
		"results.jsonl":                   {`"inputs":{"days":30,"public":true,"rules":`, `"result":"unknown"`},
	} {
		for _, part := range parts {
			if !strings.Contains(files[path], part) {
				t.Errorf("%s does not hold %s:\n%.1500s", path, part, files[path])
			}
		}
	}
	if strings.Contains(files["report.html"], "<always>") || strings.Contains(files["report.html"], "src=") || strings.Contains(files["report.html"], "href=") {
		t.Error("the report holds text unescaped, or reaches out of itself")
	}
	for path, text := range files {
		if strings.Contains(text, dir) {
			t.Errorf("%s names the directory it was built in", path)
		}
	}
}
