package evidence

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
)

// Difference is a result that the rule, judged again on the recorded settings, does not give.
type Difference struct {
	Account  string      `json:"account"`
	Snapshot int64       `json:"snapshot"`
	Rule     string      `json:"rule_id"`
	Resource posture.Key `json:"resource"`
	Recorded string      `json:"recorded"`
	Again    string      `json:"again"`
}

// Reperformed is what judging again came to.
type Reperformed struct {
	Snapshots   int          `json:"snapshots"`
	Judged      int          `json:"judged"`   // results judged again
	Unjudged    int          `json:"unjudged"` // whose rule's text of that version the package does not hold
	Differences []Difference `json:"differences"`
}

// versioned names a rule in a version.
type versioned struct{ id, version string }

// Reperform judges the recorded settings of every snapshot again, by all rules of the package or by one, and compares with the recorded
// results. A package whose rules do not compile is posture.ErrInvalid.
func (p *Package) Reperform(ruleID string) (Reperformed, error) {
	var out Reperformed
	programs, err := p.programs(ruleID)
	if err != nil {
		return out, err
	}
	accounts := map[string]*reperformance{}
	var order []*reperformance
	for s, err := range Rows[Snapshot](p, SnapshotsFile) {
		if err != nil {
			return out, err
		}
		name := s.Account.String()
		r := accounts[name]
		if r == nil {
			r = &reperformance{account: s.Account, name: name, programs: programs, out: &out, versions: map[string][]inputVersion{}, counts: map[countOf]int{}, listed: map[listedAt]int{}}
			accounts[name], order = r, append(order, r)
		}
		r.snapshots = append(r.snapshots, moment{seq: s.Seq, started: s.Started, inputs: map[string]*seenInput{}})
		out.Snapshots++
	}
	for row, err := range Rows[Cell](p, CellsFile) {
		if err != nil {
			return out, err
		}
		if r := accounts[row.Account]; r != nil {
			if m := r.at(row.Snapshot); m != nil {
				m.cells = append(m.cells, row.Cell)
			}
		}
	}
	if err := p.loadInputs(accounts, programs); err != nil {
		return out, err
	}
	joiner := NewJoiner(Rows[Resource](p, ResourcesFile))
	defer joiner.Stop()
	for result, err := range Rows[Result](p, ResultsFile) {
		if err != nil {
			return out, err
		}
		r := accounts[result.Account]
		if r == nil || ruleID != "" && result.RuleID != ruleID {
			continue
		}
		versions, err := joiner.Versions(result.Account, result.Resource, result.RuleID)
		if err == nil {
			err = r.compare(result, versions)
		}
		if err != nil {
			return out, fmt.Errorf("judge %s on %s %s again: %w", result.RuleID, result.Account, result.Resource.ID, err)
		}
	}
	for _, r := range order {
		r.count()
	}
	return out, nil
}

// compiled are the rules of a package, ready to judge.
type compiled struct {
	types  *rule.Types
	byName map[versioned]*rule.Program
	files  map[versioned]string
}

// programs compiles the rules of the package, or one of them.
func (p *Package) programs(only string) (*compiled, error) {
	described, err := Read[[]Type](p, TypesFile)
	if err != nil {
		return nil, err
	}
	list, err := Types(described)
	if err != nil {
		return nil, invalid(TypesFile, err)
	}
	types, err := rule.NewTypes(list)
	if err != nil {
		return nil, invalid(TypesFile, err)
	}
	compiler, err := rule.NewCompiler(types)
	if err != nil {
		return nil, err
	}
	out := &compiled{types, map[versioned]*rule.Program{}, map[versioned]string{}}
	found := false
	for row, err := range Rows[Rule](p, RulesFile) {
		if err != nil {
			return nil, err
		}
		if only != "" && row.ID != only {
			continue
		}
		found = true
		name := versioned{row.ID, row.Version}
		if row.File == "" || out.byName[name] != nil {
			continue
		}
		program, err := p.compile(compiler, row)
		if err != nil {
			return nil, err
		}
		out.byName[name], out.files[name] = program, row.File
	}
	if !found && only != "" {
		return nil, fmt.Errorf("rule %q: %w", only, posture.ErrNotFound)
	}
	return out, nil
}

func (p *Package) compile(compiler *rule.Compiler, row Rule) (*rule.Program, error) {
	text, err := fs.ReadFile(p.fs, row.File)
	if err != nil {
		return nil, err
	}
	parsed, err := rule.Parse(row.File, text)
	if err != nil {
		return nil, invalid(row.File, err)
	}
	program, err := Compile(compiler, parsed, row.Params)
	if err != nil {
		return nil, invalid(row.File, err)
	}
	for _, variant := range append([]*rule.Program{program}, program.Variants...) {
		if variant.ID == row.ID && variant.Version == row.Version {
			return variant, nil
		}
	}
	return nil, invalid(row.File, fmt.Errorf("%w: its version is %s, the index says %s", posture.ErrInvalid, program.Version, row.Version))
}

// Compile makes a rule ready with parameters as JSON holds them.
func Compile(compiler *rule.Compiler, r *rule.Rule, values map[string]any) (*rule.Program, error) {
	params, err := parameters(r, values)
	if err != nil {
		return nil, err
	}
	return compiler.Compile(r, params)
}

// parameters gives the values of JSON the types that the rule's own parameters have.
func parameters(r *rule.Rule, values map[string]any) (map[string]any, error) {
	out := map[string]any{}
	for name, value := range values {
		own, ok := r.Params[name]
		if !ok {
			return nil, fmt.Errorf("%w: %s has no parameter %s", posture.ErrInvalid, r.ID, name)
		}
		out[name] = like(own, value)
	}
	return out, nil
}

// like turns the numbers of JSON into whole ones where the rule has whole ones.
func like(own, value any) any {
	switch v := value.(type) {
	case float64:
		if _, whole := own.(int); whole && v == float64(int(v)) {
			return int(v)
		}
	case []any:
		list, _ := own.([]any)
		out := make([]any, len(v))
		for i := range v {
			out[i] = v[i]
			if len(list) > 0 {
				out[i] = like(list[0], v[i])
			}
		}
		return out
	case map[string]any:
		members, _ := own.(map[string]any)
		var sample any
		for _, m := range members {
			sample = m
			break
		}
		out := map[string]any{}
		for k := range v {
			out[k] = like(sample, v[k])
		}
		return out
	}
	return value
}

// reperformance judges the snapshots of one account again.
type reperformance struct {
	account   posture.Account
	name      string
	programs  *compiled
	out       *Reperformed
	snapshots []moment
	versions  map[string][]inputVersion // of resources that are inputs of rules, by type
	listed    map[listedAt]int          // resources
	counts    map[countOf]int           // results
}

// moment is a snapshot.
type moment struct {
	seq     int64
	started time.Time
	cells   []posture.Cell
	inputs  map[string]*seenInput
}

type listedAt struct {
	seq  int64
	kind string
}

type countOf struct {
	program *rule.Program
	seq     int64
}

// inputVersion is a version of a resource as rules with inputs see it.
type inputVersion struct {
	within Snapshots
	record *rule.Record
}

// seenInput is a list as a snapshot has it; snapshots with the same list share one.
type seenInput struct {
	input rule.Input
	made  bool
	key   string
}

func (r *reperformance) at(seq int64) *moment {
	i, ok := slices.BinarySearchFunc(r.snapshots, seq, func(m moment, seq int64) int { return cmp.Compare(m.seq, seq) })
	if !ok {
		return nil
	}
	return &r.snapshots[i]
}

// each calls fn for every snapshot within.
func (r *reperformance) each(within Snapshots, fn func(*moment) error) error {
	i, _ := slices.BinarySearchFunc(r.snapshots, within[0], func(m moment, seq int64) int { return cmp.Compare(m.seq, seq) })
	for ; i < len(r.snapshots) && r.snapshots[i].seq <= within[1]; i++ {
		if err := fn(&r.snapshots[i]); err != nil {
			return err
		}
	}
	return nil
}

// loadInputs counts the resources of all snapshots and keeps those that rules see as inputs.
func (p *Package) loadInputs(accounts map[string]*reperformance, programs *compiled) error {
	wanted := map[string]bool{}
	for _, program := range programs.byName {
		for _, name := range program.Inputs {
			wanted[name] = true
		}
	}
	for row, err := range Rows[Resource](p, ResourcesFile) {
		if err != nil {
			return err
		}
		r := accounts[row.Account]
		if r == nil {
			continue
		}
		if err := r.each(row.Snapshots, func(m *moment) error { r.listed[listedAt{m.seq, row.Type}]++; return nil }); err != nil {
			return err
		}
		if wanted[row.Type] && !row.Stale {
			record, err := programs.types.Decode(row.Key(), r.account.ID, row.Document)
			if err != nil {
				return err
			}
			r.versions[row.Type] = append(r.versions[row.Type], inputVersion{row.Snapshots, record})
		}
	}
	return nil
}

// input is the list of a type as a snapshot has it.
func (r *reperformance) input(m *moment, name string) *seenInput {
	if in := m.inputs[name]; in != nil {
		return in
	}
	var key strings.Builder
	var records []*rule.Record
	for i, v := range r.versions[name] {
		if v.within.Holds(m.seq) {
			records = append(records, v.record)
			fmt.Fprint(&key, i, " ")
		}
	}
	var missing []posture.Cause
	read := false
	for _, cell := range m.cells {
		if cell.Type == name {
			read = true
			if cause, gap := cell.Gap(); gap {
				missing = append(missing, cause)
			}
		}
	}
	if !read {
		missing = append(missing, posture.Cause{Reason: posture.ReasonNotCollected})
	}
	fmt.Fprintf(&key, "%q", missing)
	sum := sha256.Sum256([]byte(key.String()))
	in := &seenInput{key: string(sum[:])}
	for i := range r.snapshots { // the neighbours are the likeliest to have the same
		if other := r.snapshots[i].inputs[name]; other != nil && other.key == in.key {
			in = other
			break
		}
	}
	if !in.made {
		in.input, in.made = rule.NewInput(name, records, missing), true
	}
	m.inputs[name] = in
	return in
}

// compare judges a result again at every snapshot that it holds for. What must come out the same is judged once.
func (r *reperformance) compare(result Result, versions []Resource) error {
	program := r.programs.byName[versioned{result.RuleID, result.RuleVersion}]
	recorded, err := ledger.VerdictHash(result.Verdict)
	if err != nil {
		return err
	}
	type known struct {
		version int
		inputs  string
		day     string
	}
	same := map[known][32]byte{}
	return r.each(result.Snapshots, func(m *moment) error {
		if program == nil {
			r.out.Unjudged++
			return nil
		}
		r.counts[countOf{program, m.seq}]++
		r.out.Judged++
		version := slices.IndexFunc(versions, func(x Resource) bool { return x.Snapshots.Holds(m.seq) })
		key, settled := known{version: version}, version >= 0 && !versions[version].Stale
		for _, name := range program.Inputs {
			key.inputs += r.input(m, name).key
		}
		if program.CountsDays() {
			key.day = m.started.UTC().Format(time.DateOnly)
		}
		hash, ok := same[key]
		if !ok || !settled {
			var resource *Resource
			if version >= 0 {
				resource = &versions[version]
			}
			again, err := r.judge(m, program, result.Resource, resource)
			if err != nil {
				return err
			}
			if hash, err = ledger.VerdictHash(again); err != nil {
				return err
			}
			if same[key] = hash; hash != recorded {
				r.differ(m.seq, result.RuleID, result.Resource, string(result.Result)+": "+result.Reason, string(again.Result)+": "+again.Reason)
			}
			return nil
		}
		if hash != recorded {
			r.differ(m.seq, result.RuleID, result.Resource, string(result.Result)+": "+result.Reason, "another result")
		}
		return nil
	})
}

// maxDifferences is how many differences are listed.
const maxDifferences = 1000

func (r *reperformance) differ(seq int64, id string, key posture.Key, recorded, again string) {
	if len(r.out.Differences) < maxDifferences {
		r.out.Differences = append(r.out.Differences, Difference{r.name, seq, id, key, recorded, again})
	}
}

// count checks that every rule that judged in a snapshot has a result there for each resource and each cell that was not read.
func (r *reperformance) count() {
	gaps := map[listedAt]int{}
	for _, m := range r.snapshots {
		for _, cell := range m.cells {
			if _, gap := cell.Gap(); gap {
				gaps[listedAt{m.seq, cell.Type}]++
			}
		}
	}
	var wrong []countOf
	want := func(c countOf) int {
		kind := c.program.Resource
		if kind == r.account.Provider+".account" {
			return 1
		}
		return r.listed[listedAt{c.seq, kind}] + gaps[listedAt{c.seq, kind}]
	}
	for c, n := range r.counts {
		if n != want(c) {
			wrong = append(wrong, c)
		}
	}
	slices.SortFunc(wrong, func(a, b countOf) int {
		return cmp.Or(cmp.Compare(a.seq, b.seq), cmp.Compare(a.program.ID, b.program.ID), cmp.Compare(a.program.Resource, b.program.Resource))
	})
	for _, c := range wrong {
		r.differ(c.seq, c.program.ID, posture.Key{Type: c.program.Resource}, fmt.Sprintf("%d results", r.counts[c]), fmt.Sprintf("%d results", want(c)))
	}
}

func (r *reperformance) judge(m *moment, program *rule.Program, key posture.Key, resource *Resource) (posture.Verdict, error) {
	subject := rule.Subject{Key: key, Inputs: map[string]rule.Input{}}
	for _, name := range program.Inputs {
		subject.Inputs[name] = r.input(m, name).input
	}
	switch {
	case resource != nil && resource.Stale:
		return program.UnknownFor(key, staleCause(m.cells, key)), nil
	case resource != nil:
		record, err := r.programs.types.Decode(key, r.account.ID, resource.Document)
		if err != nil {
			return posture.Verdict{}, err
		}
		subject.Resource = record
	case key.Type != r.account.Provider+".account":
		i := slices.IndexFunc(m.cells, func(c posture.Cell) bool { return c.Type == key.Type && c.Region == key.Region })
		if i >= 0 && key.ID == "" {
			if cause, gap := m.cells[i].Gap(); gap {
				return program.UnknownFor(key, cause), nil
			}
		}
		return posture.Verdict{RuleID: program.ID, Resource: key, Reason: "there is no such resource, and no gap that would stand for it"}, nil
	}
	return program.Evaluate(subject, m.started), nil
}

// staleCause is why a resource was not seen: what stopped its cell, under the name stale.
func staleCause(cells []posture.Cell, key posture.Key) posture.Cause {
	cause := posture.Cause{Reason: posture.ReasonStale}
	if cell, ok := posture.IndexCells(cells).Of(key.Type, key.Region); ok && cell.Cause != nil {
		cause.Operation, cause.Permission, cause.Code = cell.Cause.Operation, cell.Cause.Permission, cell.Cause.Code
	}
	return cause
}
