package pack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/attribution"
	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/evidence/period"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// blindSpot is disclosed with every period.
const blindSpot = "Snapshots tell what was so when they were taken. A change that was made and undone between two of them is in none."

// life is what a finding's events tell that snapshots do not.
type life struct {
	spans        []evidence.ExceptionSpan // in which an exception accepted it
	openedBefore time.Time                // the deviation that the first snapshot of the package found had begun then
	acknowledged time.Time
	assignee     string
	reference    string
}

// learn keeps what a finding's life tells, as far as it tells anything.
func (b *builder) learn(ctx context.Context, u *used, f finding.Finding, events []finding.Event) error {
	var l life
	for _, e := range events {
		if n := len(l.spans) - 1; n >= 0 && l.spans[n].To.IsZero() && e.To != finding.Excepted {
			l.spans[n].To = e.At
		}
		switch e.Kind {
		case finding.KindExcepted:
			l.spans = append(l.spans, evidence.ExceptionSpan{ID: e.Exception, Span: period.Span{From: e.At}})
		case finding.KindOpened, finding.KindReopened:
			if e.Seq < u.first() {
				var err error
				if l.openedBefore, err = b.began(ctx, u.name, e.Seq); err != nil {
					return err
				}
			}
		case finding.KindAcked:
			l.acknowledged = e.At
		}
	}
	l.assignee, l.reference = f.Assignee, f.Reference
	if l.spans != nil || !l.openedBefore.IsZero() || !l.acknowledged.IsZero() || l.assignee != "" || l.reference != "" {
		b.lives[f.ID] = l
	}
	return nil
}

// began is when the scan of a snapshot started that the package does not use.
func (b *builder) began(ctx context.Context, account string, seq int64) (time.Time, error) {
	key := snapshotName{account, seq}
	if at, ok := b.starts[key]; ok {
		return at, nil
	}
	s, err := b.db.Snapshot(ctx, account, seq)
	b.starts[key] = s.Started
	return s.Started, err
}

type snapshotName struct {
	account string
	seq     int64
}

// exception is the one that accepts a finding at a time; 0 is none.
func (l life) exception(at time.Time) int64 {
	for _, s := range l.spans {
		if !at.Before(s.From) && (s.To.IsZero() || at.Before(s.To)) {
			return s.ID
		}
	}
	return 0
}

// unit is a rule watching a cell.
type unit struct {
	rule, account, kind, region string
}

type controlSums struct {
	counts     evidence.Counts
	population map[string]int // by rule and account: resources ever judged
	deviations evidence.DeviationSums
	observed   time.Duration
	twice      time.Duration // of it corroborated
	units      int
	lowest     time.Duration
	lowestAt   string
	gaps       map[string]*evidence.GroupedGap
}

// periodOf is the work on one account of a period.
type periodOf struct {
	b         *builder
	u         *used
	times     []time.Time              // of the judged snapshots, those around the period too
	seqs      []int64                  // and their numbers
	place     map[int64]int            // number of a snapshot → index
	inside    int                      // how many begin before the period ends
	cells     map[posture.Key][]string // by type and region: why not whole, at each snapshot; "" is whole
	index     []posture.CellIndex      // of each snapshot
	unknown   map[unit]map[int]string  // why results were unknown
	judged    map[unit]map[int]bool    // of rules on whole accounts
	versions  map[versioned][2]int     // first and last snapshot
	group     []evidence.Result        // rows of one rule and resource
	presence  []evidence.Resource      // versions of that resource
	sums      map[string]*controlSums  // by control
	deviation func(evidence.Deviation) error
	alerts    map[openedAt]alerted
	reads     []attribution.LogRead // of the cloud's own log, oldest first
}

// writePeriod writes what a period comes to, control by control; a day has none.
func (b *builder) writePeriod(ctx context.Context) error {
	if b.Type != evidence.Type2 {
		return nil
	}
	span := period.Span{From: b.From.UTC(), To: b.To.UTC()}
	out := evidence.Period{Span: span, MaxGap: int64(b.MaxGap / time.Second), Schedule: int64(b.Schedule / time.Second), Controls: []evidence.PeriodControl{},
		Instances: []evidence.Instances{}, Changes: []evidence.Change{}, Rules: []evidence.RulePart{}, BlindSpot: blindSpot}
	sums := map[string]*controlSums{}
	for _, c := range b.reports {
		sums[c.ID] = &controlSums{population: map[string]int{}, lowest: -1, gaps: map[string]*evidence.GroupedGap{}}
	}
	work, err := b.periods(sums)
	if err != nil {
		return err
	}
	for _, p := range work {
		if err := p.learnLogs(ctx); err != nil {
			return err
		}
	}
	if err := b.files.lines(evidence.DeviationsFile, func(row func(any) error) error {
		for _, p := range work {
			p.deviation = func(d evidence.Deviation) error { return row(d) }
		}
		return b.readPeriod(ctx, work)
	}); err != nil {
		return err
	}
	if err := b.files.lines(evidence.CoverageFile, func(row func(any) error) error {
		for _, u := range b.accounts {
			if p := work[u.name]; p != nil {
				if err := p.cover(span, row); err != nil {
					return err
				}
				out.Instances = append(out.Instances, p.instances(span))
				out.Changes = append(out.Changes, p.changes(span)...)
				out.Rules = append(out.Rules, p.ruleParts()...)
			}
		}
		return nil
	}); err != nil {
		return err
	}
	for _, c := range b.reports {
		out.Controls = append(out.Controls, sums[c.ID].control(c, span))
	}
	b.period = &out
	return b.files.value(evidence.PeriodFile, out)
}

// periods prepares the accounts that are judged, with the cells of their snapshots.
func (b *builder) periods(sums map[string]*controlSums) (map[string]*periodOf, error) {
	work := map[string]*periodOf{}
	for _, u := range b.accounts {
		p := &periodOf{b: b, u: u, place: map[int64]int{}, cells: map[posture.Key][]string{}, unknown: map[unit]map[int]string{}, judged: map[unit]map[int]bool{},
			versions: map[versioned][2]int{}, sums: sums}
		for _, s := range u.snapshots {
			if s.Use == evidence.UseAbove {
				continue
			}
			p.place[s.Seq] = len(p.times)
			p.times, p.seqs = append(p.times, s.Started), append(p.seqs, s.Seq)
			if s.Started.Before(b.To) {
				p.inside++
			}
		}
		if len(p.times) > 0 {
			p.index = make([]posture.CellIndex, len(p.times))
			work[u.name] = p
		}
	}
	const notRead = "not_collected"
	for row, err := range evidence.Rows[evidence.Cell](b.pkg, evidence.CellsFile) {
		if err != nil {
			return nil, err
		}
		p := work[row.Account]
		if p == nil {
			continue
		}
		i, ok := p.place[row.Snapshot]
		if !ok {
			continue
		}
		key := posture.Key{Type: row.Type, Region: row.Region}
		if p.cells[key] == nil {
			p.cells[key] = slices.Repeat([]string{notRead}, len(p.times))
		}
		p.cells[key][i] = ""
		if cause, gap := row.Gap(); gap {
			p.cells[key][i] = cause.String()
		}
		if p.index[i] == nil {
			p.index[i] = posture.CellIndex{}
		}
		p.index[i][key] = row.Cell
	}
	return work, nil
}

// readPeriod goes through all results once. The rows of one rule and resource follow each other.
func (b *builder) readPeriod(ctx context.Context, work map[string]*periodOf) error {
	joiner := evidence.NewJoiner(evidence.Rows[evidence.Resource](b.pkg, evidence.ResourcesFile))
	defer joiner.Stop()
	var last *periodOf
	for r, err := range evidence.Rows[evidence.Result](b.pkg, evidence.ResultsFile) {
		if err != nil {
			return err
		}
		p := work[r.Account]
		if last != nil && (p != last || last.group[0].RuleID != r.RuleID || last.group[0].Resource != r.Resource) {
			if err := last.finish(ctx); err != nil {
				return err
			}
			last = nil
		}
		if p == nil {
			continue
		}
		p.note(r)
		if r.Resource.ID == "" {
			continue // a cell, which cannot fail
		}
		if p.presence == nil && r.Result == posture.Fail && !isAccount(r.Resource) {
			if p.presence, err = joiner.Versions(r.Account, r.Resource, r.RuleID); err != nil {
				return err
			}
		}
		r.Inputs = nil
		p.group, last = append(p.group, r), p
	}
	if last != nil {
		return last.finish(ctx)
	}
	return nil
}

func isAccount(k posture.Key) bool { return strings.HasSuffix(k.Type, ".account") }

// each calls fn with the index of every judged snapshot that a row holds for.
func (p *periodOf) each(s evidence.Snapshots, fn func(i int)) {
	for _, x := range p.u.snapshots {
		if i, ok := p.place[x.Seq]; ok && s.Holds(x.Seq) {
			fn(i)
		}
	}
}

// note counts a row, and keeps where it was unknown and under which version.
func (p *periodOf) note(r evidence.Result) {
	name := versioned{r.RuleID, r.RuleVersion}
	sums := p.sums[p.b.controlOf(r.RuleID)]
	p.each(r.Snapshots, func(i int) {
		if range_, ok := p.versions[name]; !ok {
			p.versions[name] = [2]int{i, i}
		} else {
			p.versions[name] = [2]int{min(range_[0], i), max(range_[1], i)}
		}
		if sums != nil && (period.Span{From: p.b.From, To: p.b.To}).Holds(p.times[i]) {
			sums.counts.Add(r.Result, r.Exception != 0)
		}
		at := unit{r.RuleID, r.Account, r.Resource.Type, r.Resource.Region}
		if cell, ok := p.index[i].Of(r.Resource.Type, r.Resource.Region); ok {
			at.region = cell.Region
		} else if isAccount(r.Resource) {
			if p.judged[at] == nil {
				p.judged[at] = map[int]bool{}
			}
			p.judged[at][i] = true
		}
		if r.Result == posture.Unknown {
			if p.unknown[at] == nil {
				p.unknown[at] = map[int]string{}
			}
			cause := "unknown"
			if len(r.Unread) > 0 {
				cause = r.Unread[0].Cause.String()
			}
			if known, ok := p.unknown[at][i]; !ok || cause < known {
				p.unknown[at][i] = cause
			}
		}
	})
}

// finish ends the rows of one rule and resource.
func (p *periodOf) finish(ctx context.Context) error {
	group, presence := p.group, p.presence
	p.group, p.presence = nil, nil
	control := p.b.controlOf(group[0].RuleID)
	sums := p.sums[control]
	if sums == nil {
		return nil
	}
	sums.population[group[0].RuleID]++
	if !slices.ContainsFunc(group, func(r evidence.Result) bool { return r.Result == posture.Fail }) {
		return nil
	}
	states := make([]period.State, p.inside)
	at := make([]int, p.inside) // row that holds, -1 when none
	for i := range states {
		at[i] = -1
	}
	key := group[0].Resource
	if !isAccount(key) {
		p.absent(states, key, presence)
	}
	for n, r := range group {
		p.each(r.Snapshots, func(i int) {
			if i < p.inside {
				states[i], at[i] = r.Result, n
			}
		})
	}
	for _, d := range period.Deviations(states) {
		row := p.describe(group, at, control, d)
		if ended, ok := row.Ended.Get(); ok && !ended.After(p.b.From) {
			continue // it was over before
		}
		if err := p.attribute(ctx, d, &row); err != nil {
			return err
		}
		sums.deviations.Total++
		for condition, n := range map[*int]bool{&sums.deviations.Open: row.EndedBy == period.StillOpen, &sums.deviations.OpenedBefore: row.OpenedBefore,
			&sums.deviations.TargetMissed: row.TargetMet == "no", &sums.deviations.Excepted: len(row.Exceptions) > 0} {
			if n {
				*condition++
			}
		}
		if err := p.deviation(row); err != nil {
			return err
		}
	}
	return nil
}

// absent marks where a resource was not: in a list that was read whole. Otherwise nothing is known.
func (p *periodOf) absent(states []period.State, key posture.Key, presence []evidence.Resource) {
	for _, x := range p.u.snapshots {
		i, ok := p.place[x.Seq]
		if !ok || i >= p.inside || slices.ContainsFunc(presence, func(r evidence.Resource) bool { return r.Snapshots.Holds(x.Seq) }) {
			continue
		}
		states[i] = posture.Unknown
		if cell, ok := p.index[i].Of(key.Type, key.Region); ok && (cell.State == posture.Complete || cell.State == posture.NotApplicable) {
			states[i] = period.Absent
		}
	}
}

func (p *periodOf) describe(group []evidence.Result, at []int, control string, d period.Deviation) evidence.Deviation {
	b, failed := p.b, group[at[d.FirstSeen]]
	out := evidence.Deviation{
		Control: control, Rule: failed.RuleID, Version: failed.RuleVersion, Severity: b.severity(failed.RuleID), Account: failed.Account, Resource: failed.Resource,
		Finding:   finding.ID(failed.Account, failed.RuleID, failed.Resource),
		FirstSeen: p.times[d.FirstSeen], LastSeen: p.times[d.LastSeen], EndedBy: d.EndedBy, Unknown: d.Unknown, After: failed.Reason, Exceptions: []evidence.ExceptionSpan{},
	}
	l := b.lives[out.Finding]
	if d.FirstSeen == 0 && !l.openedBefore.IsZero() {
		out.FirstSeen = l.openedBefore
	}
	out.OpenedBefore = out.FirstSeen.Before(b.From)
	end, lastFail := b.To, out.LastSeen
	if d.Ended >= 0 {
		end = p.times[d.Ended]
		out.Ended = posture.Some(end)
	} else {
		lastFail = b.To // nothing ended it
		if d.LastSeen < p.inside-1 {
			lastFail = out.LastSeen // what came after could not be told
		}
	}
	most := end.Sub(out.FirstSeen)
	if d.LastGood >= 0 {
		good := p.times[d.LastGood]
		out.LastGood = posture.Some(good)
		detect := period.Between(0, out.FirstSeen.Sub(good))
		out.Detect, most = &detect, end.Sub(good)
		if n := at[d.LastGood]; n >= 0 {
			out.Before = group[n].Reason
		} else {
			out.Before = "the resource was not there"
		}
	}
	out.Duration = period.Between(lastFail.Sub(out.FirstSeen), most)
	out.Remediate = period.Between(lastFail.Sub(out.FirstSeen), end.Sub(out.FirstSeen))
	target := b.Targets[out.Severity]
	out.Target, out.TargetMet = int64(target/time.Second), out.Remediate.Met(target)
	if out.EndedBy == period.StillOpen && out.TargetMet == "yes" {
		out.TargetMet = "unclear" // there is time left
	}
	for _, s := range l.spans {
		if s.To.IsZero() {
			s.To = end
		}
		if clipped := s.Span.Clip(period.Span{From: out.FirstSeen, To: end}); clipped.To.After(clipped.From) {
			out.Exceptions = append(out.Exceptions, evidence.ExceptionSpan{ID: s.ID, Span: clipped})
		}
	}
	out.Assignee, out.Reference = l.assignee, l.reference
	if !l.acknowledged.IsZero() && !l.acknowledged.Before(out.FirstSeen) && l.acknowledged.Before(end) {
		out.Acknowledged = posture.Some(l.acknowledged)
	}
	return out
}

// controlOf is the control of a rule, among those that the package is about; empty otherwise.
func (b *builder) controlOf(ruleID string) string {
	if b.ruleControls == nil {
		b.ruleControls = map[string]string{}
		for _, c := range b.reports {
			for _, id := range c.Rules {
				b.ruleControls[id] = c.ID
			}
		}
	}
	return b.ruleControls[ruleID]
}

func (b *builder) severity(ruleID string) string {
	program, err := b.Rules.Program(ruleID)
	if err != nil {
		return ""
	}
	return string(program.Severity)
}

// cover writes how much of the period each rule watched each of its cells.
func (p *periodOf) cover(span period.Span, row func(any) error) error {
	provider, _, _ := strings.Cut(p.u.name, ":")
	seen := map[unit]bool{}
	for _, r := range p.b.rules {
		control := p.b.controlOf(r.ID)
		if control == "" || !strings.HasPrefix(r.Resource, provider+".") {
			continue
		}
		var units []unit
		for key := range p.cells {
			if key.Type == r.Resource {
				units = append(units, unit{r.ID, p.u.name, r.Resource, key.Region})
			}
		}
		if r.Resource == provider+".account" {
			units = append(units, unit{r.ID, p.u.name, r.Resource, posture.Global})
		}
		slices.SortFunc(units, func(a, b unit) int { return cmp.Compare(a.region, b.region) })
		for _, u := range units {
			if seen[u] {
				continue // another version of the rule
			}
			seen[u] = true
			c := period.Cover(span, p.b.MaxGap, p.observations(u))
			twice := c.Corroborated(p.logged(u.region))
			p.sums[control].add(u, span, c, twice)
			if err := row(evidence.Covered{Control: control, Rule: u.rule, Account: u.account, Type: u.kind, Region: u.region, Observed: int64(c.Observed / time.Second),
				Percent: period.Percent(c.Observed, span.Length()), Corroborated: int64(twice / time.Second), Gaps: append([]period.Gap{}, c.Gaps...)}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *periodOf) observations(u unit) []period.Observation {
	out := make([]period.Observation, len(p.times))
	for i, at := range p.times {
		cause := ""
		if cells, ok := p.cells[posture.Key{Type: u.kind, Region: u.region}]; ok {
			cause = cells[i]
		} else if !p.judged[u][i] {
			cause = "not_collected"
		}
		cause = cmp.Or(cause, p.unknown[u][i])
		out[i] = period.Observation{At: at, Whole: cause == "", Cause: cause}
	}
	return out
}

func (s *controlSums) add(u unit, span period.Span, c period.Coverage, twice time.Duration) {
	s.units++
	s.observed += c.Observed
	s.twice += twice
	if s.lowest < 0 || c.Observed < s.lowest {
		s.lowest, s.lowestAt = c.Observed, u.account+" "+u.region+" "+u.rule
	}
	for _, g := range c.Gaps {
		key := g.From.String() + g.To.String() + strings.Join(g.Causes, "\x00")
		if s.gaps[key] == nil {
			s.gaps[key] = &evidence.GroupedGap{Gap: g}
		}
		s.gaps[key].Cells++
	}
}

func (s *controlSums) control(c evidence.Control, span period.Span) evidence.PeriodControl {
	c.Counts = s.counts
	out := evidence.PeriodControl{ID: c.ID, Title: c.Title, Result: rollUp(c), Counts: s.counts, Lowest: "0.00", Mean: "0.00", Twice: "0.00", Gaps: []evidence.GroupedGap{}, Deviations: s.deviations}
	for _, n := range s.population {
		out.Population += n
	}
	if s.units > 0 {
		out.Lowest, out.LowestAt = period.Percent(s.lowest, span.Length()), s.lowestAt
		out.Mean = period.Percent(s.observed/time.Duration(s.units), span.Length())
		out.Twice = period.Percent(s.twice/time.Duration(s.units), span.Length())
	}
	for _, g := range s.gaps {
		out.Gaps = append(out.Gaps, *g)
	}
	slices.SortFunc(out.Gaps, func(a, b evidence.GroupedGap) int {
		return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To), slices.Compare(a.Causes, b.Causes))
	})
	return out
}

func (p *periodOf) instances(span period.Span) evidence.Instances {
	out := evidence.Instances{Account: p.u.name}
	if p.b.Schedule > 0 {
		out.Expected = int(span.Length() / p.b.Schedule)
	}
	for i, at := range p.times {
		if !span.Holds(at) {
			continue
		}
		out.Run++
		whole := true
		for _, cell := range p.index[i] {
			if _, gap := cell.Gap(); gap {
				whole = false
			}
		}
		if whole {
			out.Complete++
		} else {
			out.Partial++
		}
	}
	out.Missed = max(0, out.Expected-out.Run)
	return out
}

func (p *periodOf) changes(span period.Span) []evidence.Change {
	var out []evidence.Change
	var before *posture.Snapshot
	for _, s := range p.u.snapshots {
		if s.Use == evidence.UseAbove || !s.Started.Before(span.To) {
			continue
		}
		if before != nil && span.Holds(s.Started) {
			for _, c := range [][3]string{{"tool", before.Tool, s.Tool}, {"ruleset", before.Ruleset, s.Ruleset}, {"principal", before.Principal, s.Principal}} {
				if c[1] != c[2] {
					out = append(out, evidence.Change{Account: p.u.name, At: s.Started, What: c[0], Before: c[1], After: c[2]})
				}
			}
		}
		before = &s.Snapshot
	}
	return out
}

// ruleParts splits the period of rules that changed within it.
func (p *periodOf) ruleParts() []evidence.RulePart {
	versions := map[string]int{}
	for name := range p.versions {
		versions[name.id]++
	}
	var out []evidence.RulePart
	for name, at := range p.versions {
		if versions[name.id] > 1 && len(p.b.variants(name.id)) < versions[name.id] {
			out = append(out, evidence.RulePart{Rule: name.id, Version: name.version, Account: p.u.name, First: p.times[at[0]], Last: p.times[at[1]]})
		}
	}
	slices.SortFunc(out, func(a, b evidence.RulePart) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), a.First.Compare(b.First), cmp.Compare(a.Version, b.Version))
	})
	return out
}

// variants are the versions that a rule has at the same time, one for each of its resource types.
func (b *builder) variants(ruleID string) []string {
	program, err := b.Rules.Program(ruleID)
	if err != nil {
		return []string{""}
	}
	out := []string{program.Version}
	for _, v := range program.Variants {
		out = append(out, v.Version)
	}
	return out
}

func optTime(o posture.Opt[time.Time]) string {
	t, _ := o.Get()
	return stampOf(t)
}

func gapText(list []period.Gap) string {
	var parts []string
	for _, g := range list {
		parts = append(parts, stampOf(g.From)+" to "+stampOf(g.To)+": "+strings.Join(g.Causes, ", "))
	}
	return strings.Join(parts, "; ")
}

func seconds64(n int64) string { return strconv.FormatInt(n, 10) }

func (b *builder) writePeriodTables(book *workbook) error {
	return errors.Join(
		table(b, book, evidence.CoverageFile, "csv/coverage.csv", []string{"control", "rule", "account", "type", "region", "observed_s", "coverage_pct", "corroborated_s", "gaps"}, func(c evidence.Covered) []string {
			return []string{c.Control, c.Rule, c.Account, c.Type, c.Region, seconds64(c.Observed), c.Percent, seconds64(c.Corroborated), gapText(c.Gaps)}
		}),
		table(b, book, evidence.DeviationsFile, "csv/deviations.csv", append([]string{"control", "rule", "severity", "account", "type", "region", "resource", "before", "after"}, factNames()...), func(d evidence.Deviation) []string {
			row := []string{d.Control, d.Rule, d.Severity, d.Account, d.Resource.Type, d.Resource.Region, d.Resource.ID, d.Before, d.After}
			for _, x := range deviationFacts(d) {
				row = append(row, x[1])
			}
			return row
		}),
	)
}

// deviationFacts are what every form of a package tells of a deviation, by name. Times are in seconds, a range where snapshots bound them.
func deviationFacts(d evidence.Deviation) [][2]string {
	detect := "" // not known since when it was wrong
	if d.Detect != nil {
		detect = rangeText(*d.Detect)
	}
	actors, events := eventTexts(d.Who.Events)
	return [][2]string{
		{"last_good_before", optTime(d.LastGood)}, {"first_seen", stampOf(d.FirstSeen)}, {"last_seen", stampOf(d.LastSeen)}, {"ended_at", optTime(d.Ended)}, {"ended_by", d.EndedBy},
		{"unknown_snapshots", strconv.Itoa(d.Unknown)}, {"duration_s", rangeText(d.Duration)}, {"time_to_detect_s", detect}, {"time_to_remediate_s", rangeText(d.Remediate)},
		{"change_time", optTime(d.Changed)}, {"actor", actors}, {"event", events}, {"confidence", strings.TrimSpace(string(d.Who.Confidence) + " " + d.Who.Reason)},
		{"alert_sent_at", optTime(d.AlertSent)}, {"alert_acknowledged_at", optTime(d.AlertAcked)}, {"acknowledged_at", optTime(d.Acknowledged)},
		{"target_s", seconds64(d.Target)}, {"target_met", d.TargetMet}, {"opened_before_period", strconv.FormatBool(d.OpenedBefore)}, {"exceptions", exceptionText(d.Exceptions)},
	}
}

func factNames() (out []string) {
	for _, x := range deviationFacts(evidence.Deviation{}) {
		out = append(out, x[0])
	}
	return out
}

func rangeText(r period.Range) string { return seconds64(r.Least) + ".." + seconds64(r.Most) }

func exceptionText(list []evidence.ExceptionSpan) string {
	var parts []string
	for _, e := range list {
		parts = append(parts, fmt.Sprintf("%d from %s to %s", e.ID, stampOf(e.From), stampOf(e.To)))
	}
	return strings.Join(parts, "; ")
}

func (b *builder) reportPeriod(d *document) error {
	if b.period == nil {
		return nil
	}
	d.print("<h2>The period</h2><p>Time between two complete readings at most %s apart is observed; all other time is a gap, and counts neither as passed nor as failed. Where the cloud's own log of the same time and place was read whole, too, it is corroborated. %s</p>", time.Duration(b.period.MaxGap)*time.Second, blindSpot)
	var rows [][]string
	for _, i := range b.period.Instances {
		rows = append(rows, []string{i.Account, fmt.Sprint(i.Expected), fmt.Sprint(i.Run), fmt.Sprint(i.Complete), fmt.Sprint(i.Partial), fmt.Sprint(i.Missed)})
	}
	d.print("<h3>Readings</h3>")
	d.table([]string{"account", "expected", "run", "complete", "partial", "missed"}, rows)
	rows = nil
	for _, c := range b.period.Controls {
		rows = append(rows, []string{c.ID, c.Lowest + " %", c.LowestAt, c.Mean + " %", c.Twice + " %", fmt.Sprint(c.Population), fmt.Sprint(c.Deviations.Total), fmt.Sprint(c.Deviations.Open), fmt.Sprint(c.Deviations.TargetMissed)})
	}
	d.print("<h3>Coverage and deviations by control</h3>")
	d.table([]string{"control", "lowest coverage", "where", "mean", "mean corroborated", "resources ever", "deviations", "still open", "target missed"}, rows)
	rows = nil
	for _, c := range b.period.Controls {
		for _, g := range c.Gaps {
			rows = append(rows, []string{c.ID, stampOf(g.From), stampOf(g.To), strings.Join(g.Causes, ", "), fmt.Sprint(g.Cells)})
		}
	}
	d.print("<h3>Gaps</h3>")
	d.table([]string{"control", "from", "to", "cause", "cells"}, rows)
	rows = nil
	more := 0
	for x, err := range evidence.Rows[evidence.Deviation](b.pkg, evidence.DeviationsFile) {
		if err != nil {
			return err
		}
		if len(rows) == shownDeviations {
			more++
			continue
		}
		row := []string{x.Rule, x.Account, x.Resource.Region, x.Resource.ID, x.After}
		for _, fact := range deviationFacts(x) {
			row = append(row, fact[1])
		}
		rows = append(rows, row)
	}
	d.print("<h3>Deviations</h3><p>Neither a target nor an exception leaves one out.</p>")
	columns := []string{"rule", "account", "region", "resource", "what came back"}
	for _, name := range factNames() {
		columns = append(columns, strings.ReplaceAll(name, "_", " "))
	}
	d.table(columns, rows)
	if more > 0 {
		d.print("<p>%d more are in %s.</p>", more, evidence.DeviationsFile)
	}
	if len(b.period.Changes)+len(b.period.Rules) > 0 {
		rows = nil
		for _, c := range b.period.Changes {
			rows = append(rows, []string{c.Account, stampOf(c.At), c.What, c.Before, c.After})
		}
		for _, r := range b.period.Rules {
			rows = append(rows, []string{r.Account, stampOf(r.First) + " to " + stampOf(r.Last), "rule " + r.Rule, "", r.Version})
		}
		d.print("<h3>Changes of the tool and its rules</h3>")
		d.table([]string{"account", "when", "what", "before", "after"}, rows)
	}
	return nil
}

// shownDeviations is how many deviations the report shows; all are in deviations.jsonl.
const shownDeviations = 2000
