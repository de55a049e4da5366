package pack

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// python returns the interpreter that has the validators, or skips the test.
func python(t *testing.T) string {
	t.Helper()
	name := os.Getenv("PLUMBLINE_PYTHON")
	if name == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("PLUMBLINE_PYTHON is not set: make test sets it")
		}
		t.Skip("make test installs what validates the formats; PLUMBLINE_PYTHON names its interpreter")
	}
	return name
}

// validate runs a script that reads files and prints what is wrong; the last line it prints is what it found.
func validate(t *testing.T, script string, args ...string) string {
	t.Helper()
	out, err := exec.Command(python(t), append([]string{"-W", "ignore", "-c", script}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%.4000s", err, out)
	}
	return strings.TrimSpace(string(out))
}

const readOSCAL = `
import sys, pathlib
from trestle.oscal.catalog import Catalog
from trestle.oscal.assessment_plan import AssessmentPlan
from trestle.oscal.assessment_results import AssessmentResults
from trestle.oscal.poam import PlanOfActionAndMilestones
d = pathlib.Path(sys.argv[1])
for name, model in (("catalog", Catalog), ("assessment-plan", AssessmentPlan), ("assessment-results", AssessmentResults), ("poam", PlanOfActionAndMilestones)):
    if model.oscal_read(d / (name + ".json")) is None: sys.exit(name + " is not there")
ap, ar = AssessmentPlan.oscal_read(d / "assessment-plan.json"), AssessmentResults.oscal_read(d / "assessment-results.json")
text = lambda v: str(getattr(v, "root", v))
objectives = {text(p.id) for o in ap.local_definitions.objectives_and_methods for p in o.parts}
r = ar.results[0]
for f in r.findings:
    if text(f.target.target_id) not in objectives: sys.exit("no objective " + text(f.target.target_id))
items = {text(i.uuid) for i in r.local_definitions.inventory_items}
for o in r.observations:
    for s in o.subjects:
        if text(s.subject_uuid) not in items: sys.exit("no item " + text(s.subject_uuid))
known = {text(o.uuid) for o in r.observations}
if len(known) != len(r.observations): sys.exit("an observation is there twice")
for f in r.findings:
    for o in f.related_observations:
        if text(o.observation_uuid) not in known: sys.exit("no observation " + text(o.observation_uuid))
print(len(r.observations), len(r.findings), len(r.risks))
`

func TestOSCAL(t *testing.T) {
	python(t)
	w, head := story(t)
	dir, m := w.build(w.request(2, head))
	// 14 results; one objective of CC6.1 and two of CC7.2; the findings of three public buckets and of the account and its two buckets
	// without a trail on the first day.
	if got := validate(t, readOSCAL, filepath.Join(dir, "oscal")); got != "14 3 6" || m.Counts.Total != 14 {
		t.Errorf("observations, findings, risks: %s, of %d results", got, m.Counts.Total)
	}
	w, head = history(t)
	dir, _ = w.build(w.periodRequest(head))
	validate(t, readOSCAL, filepath.Join(dir, "oscal"))
}

// TestOSCALOfNinetyDays: the gaps are those worked out by hand, and so is what each state is called.
func TestOSCALOfNinetyDays(t *testing.T) {
	w, head := history(t)
	dir, _ := w.build(w.periodRequest(head))
	var doc struct {
		AR struct {
			Results []struct {
				Start, End string
				Log        struct {
					Entries []struct {
						Title, Start, End string
						Props             []struct{ Name, Value string }
					}
				} `json:"assessment-log"`
				Findings []struct {
					Target struct {
						ID     string                         `json:"target-id"`
						Type   string                         `json:"type"`
						Status struct{ State, Reason string } `json:"status"`
					}
				}
				Risks []struct{ Description, Status, Deadline string }
			}
		} `json:"assessment-results"`
	}
	data, err := os.ReadFile(filepath.Join(dir, "oscal", "assessment-results.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	r := doc.AR.Results[0]
	gaps := map[string]bool{}
	for _, e := range r.Log.Entries {
		if strings.HasPrefix(e.Title, "Not observed") {
			gaps[e.Start+" "+e.End] = true
		}
	}
	if r.Start != "2026-01-01T00:00:00Z" || r.End != "2026-04-01T00:00:00Z" || len(gaps) != 2 || !gaps["2026-02-09T06:00:00Z 2026-02-19T06:00:00Z"] || !gaps["2026-03-01T06:00:00Z 2026-03-08T06:00:00Z"] {
		t.Errorf("from %s to %s, gaps %v", r.Start, r.End, gaps)
	}
	for _, f := range r.Findings {
		want := map[string]string{"cc6.1_obj.aws-test-bucket-private": "not-satisfied fail", "cc7.2_obj.aws-test-bucket-logged": "not-satisfied other", "cc7.2_obj.aws-test-account-logged": "satisfied pass"}
		if got := f.Target.Status.State + " " + f.Target.Status.Reason; f.Target.Type != "objective-id" || got != want[f.Target.ID] {
			t.Errorf("%s is %s, want %s", f.Target.ID, got, want[f.Target.ID])
		}
	}
	open := 0
	for _, risk := range r.Risks {
		if risk.Status != "closed" {
			open++
			if risk.Deadline != "2026-01-20T06:00:00Z" { // site, seven days after it was seen
				t.Errorf("risk %+v", risk)
			}
		}
	}
	if open != 1 || len(r.Risks) != 5 || len(r.Findings) != 3 {
		t.Errorf("%d risks, %d open, %d findings", len(r.Risks), open, len(r.Findings))
	}
}

func TestOCSF(t *testing.T) {
	python(t)
	w, head := story(t)
	dir, m := w.build(w.request(2, head))
	got := validate(t, `
import json, sys
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
n = {}
for line in open(sys.argv[1]):
    f = ComplianceFinding.model_validate(json.loads(line))
    n[f.compliance.status_id.name] = n.get(f.compliance.status_id.name, 0) + 1
print(json.dumps(n, sort_keys=True))
`, filepath.Join(dir, "ocsf", "compliance-findings.jsonl"))
	if got != `{"Fail": 1, "Pass": 4, "Unknown": 9}` {
		t.Errorf("%s, the manifest says %+v", got, m.Counts)
	}
}

// TestSpreadsheets: a cell that begins like a formula is text in every table, and tables have as many rows as the JSON lines.
func TestSpreadsheets(t *testing.T) {
	for text, want := range map[string]string{"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "\rx": "'\rx", "x=1": "x=1", "": "", "a-b": "a-b"} {
		if got := Cell(text); got != want {
			t.Errorf("%q is written %q, want %q", text, got, want)
		}
	}
	python(t)
	w, head := story(t)
	dir, _ := w.build(w.request(2, head))
	got := validate(t, `
import sys, openpyxl
for name in ("evidence", "populations"):
    book = openpyxl.load_workbook(sys.argv[1] + "/" + name + ".xlsx")
    for sheet in book:
        rows = list(sheet.iter_rows())
        for row in rows:
            for cell in row:
                if cell.value is not None and cell.data_type not in ("s", "inlineStr"): sys.exit("%s %s is a %s" % (sheet.title, cell.value, cell.data_type))
        if int(rows[3][1].value) != len(rows) - 6: sys.exit("%s has %d rows" % (sheet.title, len(rows)))
        print(sheet.title, len(rows) - 6, sum(c.value == "=cmd()" for r in rows for c in r))
`, filepath.Join(dir, "xlsx"))
	want := "results 14 2\nfindings 6 1\nexceptions 1 0\ngaps 7 1\naws.test.bucket 5 2\naws.test.trail 2 0"
	if got != want {
		t.Errorf("sheets: %s\nwant %s", got, want)
	}
}
