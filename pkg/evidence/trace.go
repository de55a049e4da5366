package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Trace is a result followed back to what it rests on.
type Trace struct {
	Result   Result       `json:"result"`
	Rule     Rule         `json:"rule"`
	Settings *Resource    `json:"settings,omitempty"`
	Cells    []TracedCell `json:"cells"`
	Calls    []TracedCall `json:"calls"` // those whose answers name the resource first
	Snapshot posture.Pin  `json:"snapshot"`
	Log      Checkpoint   `json:"log"`
}

// TracedCell is a cell that the result rests on.
type TracedCell struct {
	Type   string            `json:"type"`
	Region string            `json:"region"`
	State  posture.CellState `json:"state"`
	Calls  int               `json:"calls"`
}

// TracedCall is a call with the part of its answer that names the resource.
type TracedCall struct {
	Call
	Raw      string `json:"raw_file,omitempty"`
	Fragment string `json:"fragment,omitempty"`
	Repeat   string `json:"repeat,omitempty"` // the provider's command line that reads the same
}

// maxCalls is how many calls a trace lists.
const maxCalls = 20

// Trace follows a result back: LINE, the number of its row in results.jsonl, or RULE/RESOURCE. A name that several results have gives
// all of them; none is posture.ErrNotFound.
func (p *Package) Trace(name string) ([]Trace, error) {
	line, err := strconv.Atoi(name)
	byLine := err == nil
	ruleID, id, _ := strings.Cut(name, "/")
	var results []Result
	n := 0
	for row, err := range Rows[Result](p, ResultsFile) {
		if err != nil {
			return nil, err
		}
		n++
		if byLine && n == line || !byLine && row.RuleID == ruleID && (row.Resource.ID == id || id == "") {
			results = append(results, row)
		}
		if len(results) > maxCalls {
			return nil, fmt.Errorf("%w: more than %d results are named %s: give the number of a line", posture.ErrInvalid, maxCalls, name)
		}
	}
	if len(results) == 0 {
		return nil, fmt.Errorf("result %s: %w", name, posture.ErrNotFound)
	}
	m, err := Read[Manifest](p, ManifestFile)
	if err != nil {
		return nil, err
	}
	var out []Trace
	for _, result := range results {
		t, err := p.trace(result)
		if err != nil {
			return nil, err
		}
		t.Log = m.Log
		out = append(out, t)
	}
	return out, nil
}

func (p *Package) trace(result Result) (Trace, error) {
	t := Trace{Result: result}
	for row, err := range Rows[Rule](p, RulesFile) {
		if err != nil {
			return t, err
		}
		if row.ID == result.RuleID && row.Version == result.RuleVersion {
			t.Rule = row
		}
	}
	for row, err := range Rows[Snapshot](p, SnapshotsFile) {
		if err != nil {
			return t, err
		}
		if row.Account.String() == result.Account && row.Seq == result.Snapshots[0] {
			t.Snapshot = posture.Pin{Account: result.Account, Seq: row.Seq, Root: row.Root}
		}
	}
	types := map[string]bool{result.Resource.Type: true}
	for _, field := range t.Rule.Fields { // of the rule's inputs too
		parts := strings.SplitN(field, ".", 4)
		if len(parts) == 4 {
			types[strings.Join(parts[:3], ".")] = true
		}
	}
	for row, err := range Rows[Resource](p, ResourcesFile) {
		if err != nil {
			return t, err
		}
		if row.Account == result.Account && row.Key() == result.Resource && row.Snapshots.Holds(result.Snapshots[0]) {
			t.Settings = &row
		}
	}
	var ranges [][2]int64
	for row, err := range Rows[Cell](p, CellsFile) {
		if err != nil {
			return t, err
		}
		own := row.Type != result.Resource.Type || row.Region == result.Resource.Region || row.Region == posture.Everywhere || row.Region == posture.Global
		if row.Account == result.Account && row.Snapshot == result.Snapshots[0] && types[row.Type] && own {
			t.Cells = append(t.Cells, TracedCell{row.Type, row.Region, row.State, row.Calls})
			ranges = append(ranges, row.CallSeq...)
		}
	}
	return t, p.traceCalls(&t, ranges)
}

func (p *Package) traceCalls(t *Trace, ranges [][2]int64) error {
	var others []TracedCall
	for row, err := range Rows[Call](p, CallsFile) {
		if err != nil {
			return err
		}
		in := func(r [2]int64) bool { return r[0] <= int64(row.Seq) && int64(row.Seq) <= r[1] }
		if row.Account != t.Result.Account || row.Snapshot != t.Result.Snapshots[0] || !slices.ContainsFunc(ranges, in) {
			continue
		}
		call := TracedCall{Call: row, Repeat: repeat(row)}
		if row.Stored != "" {
			body, err := fs.ReadFile(p.fs, RawDir+row.Stored)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			if err == nil {
				call.Raw, call.Fragment = RawDir+row.Stored, fragment(body, t.Result.Resource.ID, t.Settings)
			}
		}
		if call.Fragment != "" && len(t.Calls) < maxCalls {
			t.Calls = append(t.Calls, call)
		} else if len(others) < maxCalls {
			others = append(others, call)
		}
	}
	t.Calls = append(t.Calls, others...)
	t.Calls = t.Calls[:min(len(t.Calls), maxCalls)]
	return nil
}

// fragment is the part of an answer around the resource's id or name; empty when it names neither.
func fragment(body []byte, id string, settings *Resource) string {
	names := []string{id}
	if i := strings.LastIndexAny(id, "/:"); i >= 0 {
		names = append(names, id[i+1:])
	}
	if settings != nil {
		var document struct {
			Attributes struct {
				Name string `json:"name"`
			} `json:"attributes"`
		}
		if json.Unmarshal(settings.Document, &document) == nil {
			names = append(names, document.Attributes.Name)
		}
	}
	const around = 400
	for _, name := range names {
		if len(name) < 3 {
			continue
		}
		if at := bytes.Index(body, []byte(name)); at >= 0 {
			return strings.ToValidUTF8(string(body[max(0, at-around):min(len(body), at+len(name)+around)]), "")
		}
	}
	return ""
}

var capital = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// repeat is the command line that makes a call of that operation again. What it was called with is recorded as a digest alone.
func repeat(c Call) string {
	service, operation, ok := strings.Cut(c.Operation, ".")
	switch provider, _, _ := strings.Cut(c.Account, ":"); {
	case !ok:
		return ""
	case provider == "aws":
		name := map[string]string{"S3": "s3api", "ElasticLoadBalancingv2": "elbv2", "CloudWatchLogs": "logs", "ConfigService": "configservice"}[service]
		if name == "" {
			name = strings.ToLower(service)
		}
		line := "aws " + name + " " + strings.ToLower(capital.ReplaceAllString(operation, "$1-$2"))
		if c.Region != "" && c.Region != posture.Global {
			line += " --region " + c.Region
		}
		return line
	case provider == "azure":
		return "az rest --method get --url … (" + c.Operation + ")"
	default:
		return "curl -H \"Authorization: Bearer $(gcloud auth print-access-token)\" … (" + c.Operation + ")"
	}
}
