package evidence

import (
	"fmt"
	"io/fs"
	"iter"
	"slices"

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
	for snapshot, err := range Rows[Snapshot](p, SnapshotsFile) {
		if err != nil {
			return out, err
		}
		again := reperformance{pkg: p, snapshot: snapshot, account: snapshot.Account.String(), programs: programs, rule: ruleID, out: &out}
		if err := again.run(); err != nil {
			return out, fmt.Errorf("judge %s again: %w", snapshot.ID(), err)
		}
		out.Snapshots++
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

// reperformance judges one snapshot again.
type reperformance struct {
	pkg      *Package
	snapshot Snapshot
	account  string
	programs *compiled
	rule     string
	out      *Reperformed

	cells     []posture.Cell
	resources map[string]int // by type
	inputs    map[string]rule.Input
	results   map[*rule.Program]int
}

func (r *reperformance) run() error {
	r.resources, r.results = map[string]int{}, map[*rule.Program]int{}
	for row, err := range Rows[Cell](r.pkg, CellsFile) {
		if err != nil {
			return err
		}
		if row.Account == r.account && row.Snapshot == r.snapshot.Seq {
			r.cells = append(r.cells, row.Cell)
		}
	}
	if err := r.load(); err != nil {
		return err
	}
	if err := Join(r.resourceRows(), r.resultRows(), r.compare); err != nil {
		return err
	}
	for program, n := range r.results {
		want := r.resources[program.Resource]
		if program.Resource == r.snapshot.Account.Provider+".account" {
			want = 1
		}
		for _, cell := range r.cells {
			if _, gap := cell.Gap(); gap && cell.Type == program.Resource {
				want++
			}
		}
		if n != want {
			r.differ(program.ID, posture.Key{Type: program.Resource}, fmt.Sprintf("%d results", n), fmt.Sprintf("%d results", want))
		}
	}
	return nil
}

func (r *reperformance) resourceRows() iter.Seq2[Resource, error] {
	return func(yield func(Resource, error) bool) {
		for row, err := range Rows[Resource](r.pkg, ResourcesFile) {
			if err == nil && (row.Account != r.account || !row.Snapshots.Holds(r.snapshot.Seq)) {
				continue
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

func (r *reperformance) resultRows() iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		for row, err := range Rows[Result](r.pkg, ResultsFile) {
			if err == nil && (row.Account != r.account || !row.Snapshots.Holds(r.snapshot.Seq) || r.rule != "" && row.RuleID != r.rule) {
				continue
			}
			row.Snapshots = Snapshots{r.snapshot.Seq, r.snapshot.Seq}
			if !yield(row, err) {
				return
			}
		}
	}
}

// load counts the resources of the snapshot and makes the lists that rules with inputs see.
func (r *reperformance) load() error {
	wanted := map[string][]*rule.Record{}
	for _, program := range r.programs.byName {
		for _, name := range program.Inputs {
			wanted[name] = nil
		}
	}
	for row, err := range r.resourceRows() {
		if err != nil {
			return err
		}
		r.resources[row.Type]++
		if _, ok := wanted[row.Type]; ok && !row.Stale {
			record, err := r.programs.types.Decode(row.Key(), r.snapshot.Account.ID, row.Document)
			if err != nil {
				return err
			}
			wanted[row.Type] = append(wanted[row.Type], record)
		}
	}
	r.inputs = map[string]rule.Input{}
	for name, records := range wanted {
		var missing []posture.Cause
		read := false
		for _, cell := range r.cells {
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
		r.inputs[name] = rule.NewInput(name, records, missing)
	}
	return nil
}

func (r *reperformance) compare(result Result, resource *Resource) error {
	program := r.programs.byName[versioned{result.RuleID, result.RuleVersion}]
	if program == nil {
		r.out.Unjudged++
		return nil
	}
	r.results[program]++
	again, err := r.judge(program, result.Resource, resource)
	if err != nil {
		return err
	}
	recorded, err := ledger.VerdictHash(result.Verdict)
	if err != nil {
		return err
	}
	now, err := ledger.VerdictHash(again)
	if err != nil {
		return err
	}
	r.out.Judged++
	if recorded != now {
		r.differ(result.RuleID, result.Resource, string(result.Result)+": "+result.Reason, string(again.Result)+": "+again.Reason)
	}
	return nil
}

func (r *reperformance) differ(id string, key posture.Key, recorded, again string) {
	r.out.Differences = append(r.out.Differences, Difference{r.account, r.snapshot.Seq, id, key, recorded, again})
}

func (r *reperformance) judge(program *rule.Program, key posture.Key, resource *Resource) (posture.Verdict, error) {
	subject := rule.Subject{Key: key, Inputs: map[string]rule.Input{}}
	for _, name := range program.Inputs {
		subject.Inputs[name] = r.inputs[name]
	}
	switch {
	case resource != nil && resource.Stale:
		return program.UnknownFor(key, r.staleCause(key)), nil
	case resource != nil:
		record, err := r.programs.types.Decode(key, r.snapshot.Account.ID, resource.Document)
		if err != nil {
			return posture.Verdict{}, err
		}
		subject.Resource = record
	case key.Type != r.snapshot.Account.Provider+".account":
		i := slices.IndexFunc(r.cells, func(c posture.Cell) bool { return c.Type == key.Type && c.Region == key.Region })
		if i >= 0 && key.ID == "" {
			if cause, gap := r.cells[i].Gap(); gap {
				return program.UnknownFor(key, cause), nil
			}
		}
		return posture.Verdict{RuleID: program.ID, Resource: key, Reason: "there is no such resource, and no gap that would stand for it"}, nil
	}
	return program.Evaluate(subject, r.snapshot.Started), nil
}

// staleCause is why a resource was not seen: what stopped its cell, under the name stale.
func (r *reperformance) staleCause(key posture.Key) posture.Cause {
	cause := posture.Cause{Reason: posture.ReasonStale}
	if cell, ok := posture.IndexCells(r.cells).Of(key.Type, key.Region); ok && cell.Cause != nil {
		cause.Operation, cause.Permission, cause.Code = cell.Cause.Operation, cell.Cause.Permission, cell.Cause.Code
	}
	return cause
}
