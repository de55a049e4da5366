package evidence

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/evidence/period"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
)

// ReadinessNote stands on every readiness report.
const ReadinessNote = "For getting ready. Not for the opinion: it leaves open what an auditor will test and conclude."

// Readiness is what stands between an organization and an audit, criterion by criterion.
type Readiness struct {
	Package  string           `json:"package"`
	Span     period.Span      `json:"span"`
	Note     string           `json:"note"`
	Criteria []ReadyCriterion `json:"criteria"`
}

// ReadyCriterion is what is there for a criterion, and what is not.
type ReadyCriterion struct {
	ID       string     `json:"criterion"`
	Title    string     `json:"title"`
	State    string     `json:"state"` // covered, partly, not_covered
	Controls []string   `json:"controls"`
	Gaps     []ReadyGap `json:"gaps"`
	// CleanSince is the earliest start from which a period would hold no known deviation; absent while one is open, or where nothing
	// was watched over time.
	CleanSince posture.Opt[time.Time] `json:"clean_since"`
	Open       int                    `json:"open_deviations"`
}

// ReadyGap is one thing to do.
type ReadyGap struct {
	Kind    string `json:"kind"` // design, operation, evidence, period
	Control string `json:"control,omitempty"`
	Rule    string `json:"rule_id,omitempty"`
	What    string `json:"what"`
	Owner   string `json:"owner,omitempty"`
	Fix     string `json:"fix,omitempty"`
}

// The kinds of gaps.
const (
	GapDesign    = "design"    // no control, or none with a rule or a slot
	GapOperation = "operation" // it fails, or comes back
	GapEvidence  = "evidence"  // unknown, or nothing attached
	GapPeriod    = "period"    // too little observed time
)

// readiness is the work on one report.
type readiness struct {
	controls   []Control
	counts     map[string]Counts // by rule
	fixes      map[string]string
	deviations map[string][]Deviation // by control
	periods    map[string]PeriodControl
	manual     map[string][]Manual
	watched    bool // the package is about a period

}

// Readiness reports what is missing for each criterion. least is the coverage, in percent, below which observed time is too little.
func (p *Package) Readiness(least int) (Readiness, error) {
	m, err := Read[Manifest](p, ManifestFile)
	if err != nil {
		return Readiness{}, err
	}
	soc2, err := rule.LoadSOC2(p.fs, SOC2File)
	if err != nil {
		return Readiness{}, err
	}
	r := readiness{counts: map[string]Counts{}, fixes: map[string]string{}, deviations: map[string][]Deviation{}, periods: map[string]PeriodControl{}, manual: map[string][]Manual{},
		watched: m.Type == Type2}
	if err := r.read(p); err != nil {
		return Readiness{}, err
	}
	out := Readiness{Package: m.ID, Span: period.Span{From: m.From, To: m.To}, Note: ReadinessNote, Criteria: []ReadyCriterion{}}
	for _, c := range soc2.Criteria {
		reason := ""
		for _, u := range soc2.Uncovered {
			if u.ID == c.ID {
				reason = u.Reason
			}
		}
		out.Criteria = append(out.Criteria, r.criterion(c, reason, m, least))
	}
	return out, nil
}

func (r *readiness) read(p *Package) (err error) {
	if r.controls, err = Read[[]Control](p, ControlsFile); err != nil {
		return err
	}
	for row, err := range Rows[Rule](p, RulesFile) {
		if err != nil {
			return err
		}
		if row.File == "" {
			continue
		}
		text, err := fs.ReadFile(p.fs, row.File)
		if err != nil {
			return err
		}
		parsed, err := rule.Parse(row.File, text)
		if err != nil {
			return invalid(row.File, err)
		}
		r.fixes[row.ID] = strings.Join(strings.Fields(parsed.Fix), " ")
	}
	judged := map[string]int64{}
	for row, err := range Rows[Snapshot](p, SnapshotsFile) {
		if err != nil {
			return err
		}
		if row.Use == UseJudged {
			judged[row.Account.String()] = row.Seq
		}
	}
	for row, err := range Rows[Result](p, ResultsFile) {
		if err != nil {
			return err
		}
		if seq, ok := judged[row.Account]; ok && row.Snapshots.Holds(seq) {
			counts := r.counts[row.RuleID]
			counts.Add(row.Result, row.Exception != 0)
			r.counts[row.RuleID] = counts
		}
	}
	for row, err := range Rows[Manual](p, ManualFile) {
		if err != nil {
			return err
		}
		r.manual[row.Control] = append(r.manual[row.Control], row)
	}
	if !r.watched {
		return nil
	}
	whole, err := Read[Period](p, PeriodFile)
	if err != nil {
		return err
	}
	for _, c := range whole.Controls {
		r.periods[c.ID] = c
	}
	for row, err := range Rows[Deviation](p, DeviationsFile) {
		if err != nil {
			return err
		}
		r.deviations[row.Control] = append(r.deviations[row.Control], row)
	}
	return nil
}

func (r *readiness) criterion(c rule.Criterion, uncovered string, m Manifest, least int) ReadyCriterion {
	out := ReadyCriterion{ID: c.ID, Title: c.Title, State: "covered", Controls: []string{}, Gaps: []ReadyGap{}}
	add := func(g ReadyGap) { out.Gaps = append(out.Gaps, g) }
	testable, attached := false, false
	clean := m.From
	for _, control := range r.controls {
		if !slices.ContainsFunc(control.Criteria, func(l CriterionLink) bool { return l.ID == c.ID }) {
			continue
		}
		out.Controls = append(out.Controls, control.ID)
		testable = testable || len(control.Rules)+len(control.Slots) > 0
		attached = attached || len(r.manual[control.ID]) > 0
		if len(control.Rules)+len(control.Slots) == 0 {
			add(ReadyGap{Kind: GapDesign, Control: control.ID, What: "the control has neither a rule nor anything to attach", Owner: control.Owner})
		}
		r.operation(control, add)
		r.missing(control, add)
		if watched, ok := r.periods[control.ID]; ok && below(watched.Lowest, least) && len(control.Rules) > 0 {
			add(ReadyGap{Kind: GapPeriod, Control: control.ID, Owner: control.Owner, What: fmt.Sprintf("%s %% of the time was observed at the least (%s)", watched.Lowest, watched.LowestAt),
				Fix: "Keep scans running and their reads permitted."})
		}
		for _, d := range r.deviations[control.ID] {
			ended, ok := d.Ended.Get()
			if !ok {
				out.Open++
			} else if ended.After(clean) {
				clean = ended
			}
		}
	}
	if len(out.Controls) == 0 {
		add(ReadyGap{Kind: GapDesign, What: cmp.Or(uncovered, "no control of this package speaks to it")})
	} else if !attached && len(c.Attach) > 0 {
		add(ReadyGap{Kind: GapEvidence, What: "nothing is attached; people supply: " + strings.Join(c.Attach, "; ")})
	}
	if r.watched && out.Open == 0 && testable {
		out.CleanSince = posture.Some(clean)
	}
	switch {
	case !testable:
		out.State = "not_covered"
	case len(out.Gaps) > 0:
		out.State = "partly"
	}
	return out
}

// operation adds what fails now and what keeps coming back.
func (r *readiness) operation(c Control, add func(ReadyGap)) {
	again := map[string]int{}
	for _, d := range r.deviations[c.ID] {
		again[d.Finding]++
	}
	back := map[string]int{}
	for _, d := range r.deviations[c.ID] {
		if again[d.Finding] > 1 {
			back[d.Rule]++
			again[d.Finding] = 0
		}
	}
	for _, id := range c.Rules {
		n := r.counts[id]
		if n.Fail > 0 {
			add(ReadyGap{Kind: GapOperation, Control: c.ID, Rule: id, Owner: c.Owner, Fix: r.fixes[id], What: fmt.Sprintf("%d of %d results fail, %d of them excepted", n.Fail, n.Total, n.Excepted)})
		}
		if back[id] > 0 {
			add(ReadyGap{Kind: GapOperation, Control: c.ID, Rule: id, Owner: c.Owner, Fix: r.fixes[id], What: fmt.Sprintf("came back on %d resources after a repair", back[id])})
		}
		if n.Unknown > 0 {
			add(ReadyGap{Kind: GapEvidence, Control: c.ID, Rule: id, Owner: c.Owner, Fix: "Permit the reads that gaps.jsonl names.", What: fmt.Sprintf("%d of %d results are unknown", n.Unknown, n.Total)})
		}
	}
}

// missing adds slots to which nothing is attached that was accepted.
func (r *readiness) missing(c Control, add func(ReadyGap)) {
	for _, slot := range c.Slots {
		if !slices.ContainsFunc(r.manual[c.ID], func(m Manual) bool { return m.Slot == slot.Name && m.Accepted() }) {
			add(ReadyGap{Kind: GapEvidence, Control: c.ID, Owner: cmp.Or(slot.Owner, c.Owner), What: "nothing accepted is attached to " + slot.Name + " (" + slot.Frequency + ")"})
		}
	}
}

// below reports whether a percentage such as 88.88 is below a whole one.
func below(percent string, least int) bool {
	value, err := strconv.ParseFloat(percent, 64)
	return err != nil || value < float64(least)
}
