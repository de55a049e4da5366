package pack

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/store"
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
	claimsNothing(t, dir)
}

// claimsNothing checks that no file of a package concludes what is for the auditor to conclude.
func claimsNothing(t *testing.T, dir string) {
	t.Helper()
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
		exceptions.jsonl findings.jsonl gaps.jsonl key.pem ocsf/compliance-findings.jsonl oscal/assessment-plan.json oscal/assessment-results.json oscal/catalog.json oscal/poam.json keys.json log/checkpoint log/consistency.jsonl log/proofs.jsonl manual/1-_review_Q1.pdf manual/index.jsonl
		populations/aws.test.bucket.csv populations/aws.test.bucket.jsonl populations/aws.test.trail.csv populations/aws.test.trail.jsonl reconciliation.json report.html
		resources.jsonl results.jsonl rules/aws/test/account-logged.yaml rules/aws/test/bucket-logged.yaml rules/aws/test/bucket-private.yaml rules/index.jsonl
		rules/soc2.yaml rules/types.json scope.json snapshots.jsonl system.json xlsx/evidence.xlsx xlsx/populations.xlsx`)
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

func TestADayThatWasNotReadIsMarked(t *testing.T) {
	w, head := story(t)
	for name, test := range map[string]struct {
		day           int
		before, after int64 // seconds
	}{
		"the day of the scans": {2, 0, 0},
		"five days later":      {7, 4*86400 + 18*3600, 0}, // from 3 March 06:00 to 8 March 00:00
	} {
		_, m := w.build(w.request(test.day, head))
		var before, after int64
		if m.OffDate != nil {
			before, after = m.OffDate.Before, m.OffDate.After
		}
		if before != test.before || after != test.after || (m.OffDate != nil) != (test.before+test.after > 0) {
			t.Errorf("%s: %+v", name, m.OffDate)
		}
	}
	request := w.request(2, head) // a day of which a scan reaches into the next
	request.To = day(2).Add(30 * time.Minute)
	dir, m := w.build(request)
	if m.Snapshots != 2 || m.Window.First != day(0).Add(time.Hour) || m.OffDate == nil || m.OffDate.Before != 17*3600+86400 {
		t.Errorf("at half past six: %d snapshots, window %+v, %+v", m.Snapshots, m.Window, m.OffDate)
	}
	if text := readAll(t, dir)["report.html"]; !strings.Contains(text, "Off date.") {
		t.Error("the report does not say that it is off date")
	}
	if _, _, err := Build(t.Context(), w.db, w.request(-9, head), t.TempDir()); !errors.Is(err, posture.ErrNotFound) {
		t.Errorf("a day before everything: %v", err)
	}
}

// TestWhatIsAboveComesAlong: an account that was judged with a snapshot of its organization brings that snapshot.
func TestWhatIsAboveComesAlong(t *testing.T) {
	w := newWorld(t)
	organization := account("organizations-1")
	above := w.scan(day(0), organization, []thing{}, []thing{})
	w.scan(day(1), organization, []thing{}, []thing{aBucket("later", false)})
	w.pins = []posture.Pin{{Account: organization.String(), Seq: above.Seq, Root: above.Root}}
	w.scan(day(1).Add(time.Hour), account("111122223333"), []thing{}, []thing{aBucket("logs", true)})
	request := w.request(1, w.head(day(2)))
	request.Accounts = []string{"aws:111122223333"}
	dir, m := w.build(request)
	if code, paths := verify(t, dir, evidence.Trust{}); code != evidence.Good || m.Snapshots != 2 {
		t.Errorf("exit code %d %v, %d snapshots", code, paths, m.Snapshots)
	}
	files := readAll(t, dir)
	if !strings.Contains(files[evidence.SnapshotsFile], `"use":"above"`) || strings.Contains(files[evidence.ResourcesFile], "later") || m.Counts.Total != 3 {
		t.Errorf("%d results, %s", m.Counts.Total, files[evidence.SnapshotsFile])
	}
	request.Accounts = nil
	both, m := w.build(request)
	if code, paths := verify(t, both, evidence.Trust{}); code != evidence.Good || m.Snapshots != 3 {
		t.Errorf("with the organization: exit code %d %v, %d snapshots", code, paths, m.Snapshots)
	}
}

// TestAnOldRuleIsHeldByItsText: after a rule changed, what its former version said can be judged again from the text that was kept.
func TestAnOldRuleIsHeldByItsText(t *testing.T) {
	w, head := story(t)
	old := w.set
	file := "aws/test/bucket-private.yaml"
	texts := fstest.MapFS{}
	maps.Copy(texts, testRules)
	texts[file] = &fstest.MapFile{Data: bytes.Replace(testRules[file].Data, []byte("!resource.public &&"), []byte("resource.days > 0 && !resource.public &&"), 1)}
	set, err := rule.Load(texts, testTypes)
	if err != nil {
		t.Fatal(err)
	}
	request := w.request(2, head)
	request.Rules, request.RuleFiles = set, texts
	dir, _ := w.build(request)
	p, err := evidence.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	again, err := p.Reperform("")
	if err != nil || again.Unjudged == 0 || len(again.Differences) > 0 || !strings.Contains(readAll(t, dir)[evidence.GapsFile], `"kind":"rule_text"`) {
		t.Errorf("without the text: %v %+v", err, again)
	}
	var kept []store.RuleText
	for _, program := range old.Programs {
		kept = append(kept, store.RuleText{RuleID: program.ID, Version: program.Version, File: program.File, Text: string(testRules[program.File].Data), Params: program.Parameters()})
	}
	if err := w.db.SaveRules(t.Context(), kept); err != nil {
		t.Fatal(err)
	}
	dir, _ = w.build(request)
	q, err := evidence.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if again, err = q.Reperform(""); err != nil || again.Unjudged > 0 || len(again.Differences) > 0 {
		t.Errorf("with the text: %v %+v", err, again)
	}
}
