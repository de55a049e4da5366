package pack

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// at is 06:00 UTC of a day, day 0 being 1 January 2026: when the history's scans begin.
func at(d int) time.Time { return time.Date(2026, 1, 1, 6, 0, 0, 0, time.UTC).AddDate(0, 0, d) }

// history is 90 days of one account in two regions, scanned daily at 06:00 UTC from 31 December to 1 April, and once on 27 December:
//
//	10 to 18 February   nothing runs (days 40 to 48)
//	2 to 7 March        eu-west-1 refuses to list buckets (days 60 to 65)
//	old      public from 27 December, private from 4 January (day 3)
//	fixed    public from 6 January (day 5), private from 9 January (day 8)
//	blink    public from 11 January 12:00 to 18:00, between two scans
//	site     public from 13 January (day 12) on; accepted from 31 January 12:00 to 15 March 12:00
//	gone     public from 21 January (day 20), deleted before 26 February (day 56)
//	closed   in eu-west-1, public from 27 February (day 57), private when the list is read again on 8 March (day 66)
func history(t testing.TB) (*world, ledger.Head) {
	w := newWorld(t)
	ctx := context.Background()
	one := account("111122223333")
	trails := []thing{{id: "main", value: &trail{Meta: posture.Meta{Name: "main"}, Logging: true}}}
	for _, d := range append([]int{-5}, days(-1, 91)...) {
		if d >= 40 && d <= 48 {
			continue
		}
		us := []thing{aBucket("blink", false), aBucket("old", d < 3), aBucket("fixed", d >= 5 && d < 8), aBucket("site", d >= 12)}
		if d < 56 {
			us = append(us, aBucket("gone", d >= 20))
		}
		eu := []thing{aBucket("closed", d >= 57 && d < 66)}
		if d >= 60 && d <= 65 {
			eu = nil
		}
		w.read(at(d), one, reading{"eu-west-1", trails, eu}, reading{"us-east-1", []thing{}, us})
		if d == 29 {
			id := finding.ID(one.String(), "aws-test-bucket-private", posture.Key{Type: bucketType.Name, Region: "us-east-1", ID: "site"})
			e, err := w.db.RequestException(ctx, person("omar", access.OnCall), finding.Exception{Resources: []finding.Covered{{Finding: id}}, Reason: "a public site", Risk: "none",
				Starts: at(30).Add(6 * time.Hour), Expires: at(73).Add(6 * time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.db.DecideException(ctx, person("clara", access.Compliance), e.ID, finding.Approve, ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	return w, w.head(at(91))
}

func days(from, to int) (out []int) {
	for d := from; d < to; d++ {
		out = append(out, d)
	}
	return out
}

func (w *world) periodRequest(head ledger.Head) Request {
	r := w.request(0, head)
	r.Type, r.Raw = evidence.Type2, evidence.RawReference
	r.From, r.To = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	r.Schedule, r.MaxGap = 24*time.Hour, 36*time.Hour
	r.Targets = map[string]time.Duration{"high": 7 * 24 * time.Hour}
	return r
}

// What the history above comes to, worked out by hand.
const (
	handCoverage = `
aws-test-account-logged global 6912000 88.88 2026-02-09T06:00:00Z>2026-02-19T06:00:00Z:no snapshot
aws-test-bucket-logged eu-west-1 6307200 81.11 2026-02-09T06:00:00Z>2026-02-19T06:00:00Z:no snapshot 2026-03-01T06:00:00Z>2026-03-08T06:00:00Z:denied: Test.Listbucket (needs test:List)
aws-test-bucket-logged us-east-1 6912000 88.88 2026-02-09T06:00:00Z>2026-02-19T06:00:00Z:no snapshot
aws-test-bucket-private eu-west-1 6307200 81.11 2026-02-09T06:00:00Z>2026-02-19T06:00:00Z:no snapshot 2026-03-01T06:00:00Z>2026-03-08T06:00:00Z:denied: Test.Listbucket (needs test:List)
aws-test-bucket-private us-east-1 6912000 88.88 2026-02-09T06:00:00Z>2026-02-19T06:00:00Z:no snapshot`
	// by control, with the number of cells that nobody watched meanwhile
	handGaps = `
access 2026-02-09T06:00:00Z>2026-02-19T06:00:00Z:no snapshot in 2
access 2026-03-01T06:00:00Z>2026-03-08T06:00:00Z:denied: Test.Listbucket (needs test:List) in 1
logging 2026-02-09T06:00:00Z>2026-02-19T06:00:00Z:no snapshot in 3
logging 2026-03-01T06:00:00Z>2026-03-08T06:00:00Z:denied: Test.Listbucket (needs test:List) in 1`
	// bucket, last good, first seen, last seen, ended, by, unknown, duration, to detect, to remediate, target met, before the period, exceptions
	handDeviations = `
closed 2026-02-26T06:00:00Z 2026-02-27T06:00:00Z 2026-03-01T06:00:00Z 2026-03-08T06:00:00Z resolved 6 172800..864000 0..86400 172800..777600 unclear false -
fixed 2026-01-05T06:00:00Z 2026-01-06T06:00:00Z 2026-01-08T06:00:00Z 2026-01-09T06:00:00Z resolved 0 172800..345600 0..86400 172800..259200 yes false -
gone 2026-01-20T06:00:00Z 2026-01-21T06:00:00Z 2026-02-25T06:00:00Z 2026-02-26T06:00:00Z gone 0 3024000..3196800 0..86400 3024000..3110400 no false -
old - 2025-12-27T06:00:00Z 2026-01-03T06:00:00Z 2026-01-04T06:00:00Z resolved 0 604800..691200 - 604800..691200 unclear true -
site 2026-01-12T06:00:00Z 2026-01-13T06:00:00Z 2026-03-31T06:00:00Z - still_open 0 6717600..6804000 0..86400 6717600..6717600 no false 1:2026-01-31T12:00:00Z>2026-03-15T12:00:00Z`
)

func TestNinetyDays(t *testing.T) {
	w, head := history(t)
	dir, _ := w.build(w.periodRequest(head))
	if code, paths := verify(t, dir, evidence.Trust{Keys: []ledger.Key{w.signer.Key}}); code != evidence.Good {
		t.Fatalf("verify: exit code %d, %v", code, paths)
	}
	p, err := evidence.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if again, err := p.Reperform(""); err != nil || len(again.Differences) > 0 || again.Unjudged > 0 || again.Snapshots != 83 {
		t.Errorf("reperform: %v %+v", err, again)
	}
	var coverage, deviations []string
	for c, err := range evidence.Rows[evidence.Covered](p, evidence.CoverageFile) {
		if err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("%s %s %d %s", c.Rule, c.Region, c.Observed, c.Percent)
		for _, g := range c.Gaps {
			line += fmt.Sprintf(" %s>%s:%s", stampOf(g.From), stampOf(g.To), strings.Join(g.Causes, ","))
		}
		coverage = append(coverage, line)
	}
	dash := func(o posture.Opt[time.Time]) string {
		if t, ok := o.Get(); ok {
			return stampOf(t)
		}
		return "-"
	}
	for d, err := range evidence.Rows[evidence.Deviation](p, evidence.DeviationsFile) {
		if err != nil {
			t.Fatal(err)
		}
		detect, exceptions := "-", "-"
		if d.Detect != nil {
			detect = fmt.Sprintf("%d..%d", d.Detect.Least, d.Detect.Most)
		}
		for _, e := range d.Exceptions {
			exceptions = fmt.Sprintf("%d:%s>%s", e.ID, stampOf(e.From), stampOf(e.To))
		}
		deviations = append(deviations, fmt.Sprintf("%s %s %s %s %s %s %d %d..%d %s %d..%d %s %v %s", d.Resource.ID, dash(d.LastGood), stampOf(d.FirstSeen), stampOf(d.LastSeen), dash(d.Ended), d.EndedBy,
			d.Unknown, d.Duration.Least, d.Duration.Most, detect, d.Remediate.Least, d.Remediate.Most, d.TargetMet, d.OpenedBefore, exceptions))
	}
	if diff := cmp.Diff(strings.TrimSpace(handCoverage), strings.Join(coverage, "\n")); diff != "" {
		t.Errorf("coverage differs (-by hand +got):\n%s", diff)
	}
	if diff := cmp.Diff(strings.TrimSpace(handDeviations), strings.Join(deviations, "\n")); diff != "" {
		t.Errorf("deviations differ (-by hand +got):\n%s", diff)
	}

	period, err := evidence.Read[evidence.Period](p, evidence.PeriodFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]evidence.Instances{{Account: "aws:111122223333", Expected: 90, Run: 81, Complete: 75, Partial: 6, Missed: 9}}, period.Instances); diff != "" {
		t.Errorf("instances differ (-by hand +got):\n%s", diff)
	}
	access := period.Controls[0]
	if access.ID != "access" || access.Result != "fail" || access.Lowest != "81.11" || access.Mean != "85.00" || access.Population != 6 ||
		access.Deviations != (evidence.DeviationSums{Total: 5, Open: 1, OpenedBefore: 1, TargetMissed: 2, Excepted: 1}) || len(access.Gaps) != 2 || access.Gaps[0].Cells != 2 {
		t.Errorf("control %+v", access)
	}
	files := readAll(t, dir)
	// The exception is an overlay: the morning of day 31 and the time after its end are plainly failed.
	var parts []string
	for r, err := range evidence.Rows[evidence.Result](p, evidence.ResultsFile) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Resource.ID == "site" && r.Result == posture.Fail {
			parts = append(parts, fmt.Sprintf("%s %d", stampOf(r.Observed), r.Exception))
		}
	}
	if diff := cmp.Diff([]string{"2026-01-13T06:00:00Z 0", "2026-02-01T06:00:00Z 1", "2026-03-16T06:00:00Z 0"}, parts); diff != "" {
		t.Errorf("results of site differ (-by hand +got):\n%s", diff)
	}
	forms := map[string][2][]string{ // deviations, and what was not observed
		"csv":   {factLines(csvRows(t, files["csv/deviations.csv"])), gapsOf(csvRows(t, files["csv/coverage.csv"]))},
		"html":  {factLines(htmlRows(t, files["report.html"], "Deviations")), htmlGaps(htmlRows(t, files["report.html"], "Gaps"))},
		"oscal": {factLines(oscalEntries(t, files["oscal/assessment-results.json"], "Deviated: ")), htmlGaps(oscalEntries(t, files["oscal/assessment-results.json"], "Not observed: "))},
	}
	for form, told := range forms {
		if diff := cmp.Diff(strings.TrimSpace(handDeviations), strings.Join(told[0], "\n")); diff != "" {
			t.Errorf("deviations in %s differ (-by hand +got):\n%s", form, diff)
		}
		want := handGaps
		if form == "csv" {
			want = handCoverage
		}
		if diff := cmp.Diff(strings.TrimSpace(want), strings.Join(told[1], "\n")); diff != "" {
			t.Errorf("what was not observed in %s differs (-by hand +got):\n%s", form, diff)
		}
	}
	for _, want := range []string{"2026-02-09T06:00:00Z", "2026-02-19T06:00:00Z", "2026-03-08T06:00:00Z", "no snapshot", "81.11 %", "85.00 %", "2026-02-26T06:00:00Z", "gone", "2026-01-31T12:00:00Z to 2026-03-15T12:00:00Z", "undone between two"} {
		if !strings.Contains(files["report.html"], want) {
			t.Errorf("the report does not say %s", want)
		}
	}
	if strings.Contains(files[evidence.DeviationsFile], "blink") {
		t.Error("a change between two snapshots was seen")
	}
	if _, ok := files["raw/"]; ok || strings.Contains(files[evidence.ManifestFile], `"raw/`) {
		t.Error("answers are in the package although digests alone were asked for")
	}
}

// csvRows are the rows of a table by column, below the five lines that say what it is.
func csvRows(t *testing.T, text string) (out []map[string]string) {
	t.Helper()
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	list, err := r.ReadAll()
	if err != nil || len(list) < 6 {
		t.Fatal(err, text)
	}
	for _, row := range list[6:] {
		out = append(out, byColumn(list[5], row))
	}
	return out
}

func byColumn(columns, row []string) map[string]string {
	out := map[string]string{}
	for i, name := range columns {
		out[strings.NewReplacer(" ", "_", "-", "_").Replace(name)] = row[i]
	}
	return out
}

var (
	htmlCell = regexp.MustCompile(`<t[hd][^>]*>([^<]*)</t[hd]>`)
	htmlRow  = regexp.MustCompile(`<tr>.*?</tr>`)
)

// htmlRows are the rows of the table below a heading of the report.
func htmlRows(t *testing.T, page, heading string) (out []map[string]string) {
	t.Helper()
	_, rest, found := strings.Cut(page, "<h3>"+heading+"</h3>")
	text, _, _ := strings.Cut(rest, "</table>")
	if !found {
		t.Fatalf("the report has no %s", heading)
	}
	var columns []string
	for _, row := range htmlRow.FindAllString(text, -1) {
		var cells []string
		for _, cell := range htmlCell.FindAllStringSubmatch(row, -1) {
			cells = append(cells, html.UnescapeString(cell[1]))
		}
		if columns == nil {
			columns = cells
			continue
		}
		out = append(out, byColumn(columns, cells))
	}
	return out
}

// oscalEntries are the properties of the entries of the assessment log whose titles begin so, with their start and end.
func oscalEntries(t *testing.T, text, title string) (out []map[string]string) {
	t.Helper()
	var doc struct {
		AR struct {
			Results []struct {
				Log struct {
					Entries []struct {
						Title, Start, End string
						Props             []struct{ Name, Value string }
					}
				} `json:"assessment-log"`
			}
		} `json:"assessment-results"`
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	for _, e := range doc.AR.Results[0].Log.Entries {
		if !strings.HasPrefix(e.Title, title) {
			continue
		}
		row := map[string]string{"from": e.Start, "to": e.End}
		for _, p := range e.Props {
			row[strings.ReplaceAll(p.Name, "-", "_")] = p.Value
		}
		row["control"] = row["gap"]
		if title == "Deviated: " && (row["from"] != row["first_seen"] || row["to"] != row["ended_at"]) {
			t.Errorf("the entry of %s is from %s to %s", row["resource"], row["from"], row["to"])
		}
		out = append(out, row)
	}
	return out
}

// factLines are deviations as handDeviations writes them.
func factLines(rows []map[string]string) (out []string) {
	exception := regexp.MustCompile(`(\d+) from (\S+) to (\S+)`)
	for _, row := range rows {
		line := []string{row["resource"]}
		for _, name := range strings.Fields("last_good_before first_seen last_seen ended_at ended_by unknown_snapshots duration_s time_to_detect_s time_to_remediate_s target_met opened_before_period exceptions") {
			line = append(line, orElse(exception.ReplaceAllString(row[name], "$1:$2>$3"), "-"))
		}
		out = append(out, strings.Join(line, " "))
	}
	return out
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// gapsOf are the rows of coverage as handCoverage writes them.
func gapsOf(rows []map[string]string) (out []string) {
	for _, row := range rows {
		line := fmt.Sprintf("%s %s %s %s", row["rule"], row["region"], row["observed_s"], row["coverage_pct"])
		for _, gap := range strings.Split(row["gaps"], "; ") {
			times, cause, _ := strings.Cut(gap, "Z: ")
			line += " " + strings.Replace(times, " to ", ">", 1) + "Z:" + cause
		}
		out = append(out, line)
	}
	return out
}

// htmlGaps are gaps as handGaps writes them.
func htmlGaps(rows []map[string]string) (out []string) {
	for _, row := range rows {
		out = append(out, fmt.Sprintf("%s %s>%s:%s in %s", row["control"], row["from"], row["to"], row["cause"], row["cells"]))
	}
	return out
}
