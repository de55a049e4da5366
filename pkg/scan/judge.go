package scan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
)

// Judge turns what was collected into what is sealed: derived attributes, contents, and a verdict for every rule and
// resource. It does no I/O.
type Judge struct {
	Types    *rule.Types
	Programs []*rule.Program // the provider's rules that are switched on
	Derive   func(*derive.Inventory)
	Trusted  []string // accounts that are not external
}

// Work counts what judging cost.
type Work struct {
	Evaluated int // conditions evaluated
	Reused    int // verdicts taken over from the snapshot before
	Decoded   int // resources decoded
}

// Judge judges collected against the state before. The resources, cells and verdicts of the result are complete: what is not
// in it has ended.
func (j Judge) Judge(c Collected, before State) (posture.Sealing, Work, error) {
	inventory := derive.New(c.Account, c.Started, j.Trusted, c.Cells, c.Resources)
	c.Above.Describe(inventory)
	j.Derive(inventory)
	derive.Finish(inventory, c.Types)

	s := posture.Sealing{
		Snapshot: posture.Snapshot{
			Account: c.Account, Started: c.Started, Finished: c.Finished, Principal: c.Principal, Ruleset: ruleset(j.Programs),
			Ancestors: c.Above.pins(),
		},
		Cells: c.Cells,
	}
	if err := j.contents(&s, c, before); err != nil {
		return posture.Sealing{}, Work{}, err
	}
	judging := judging{Judge: j, collected: c, before: before, sealing: &s, records: map[posture.Key]*rule.Record{}, byType: map[string][]*posture.Content{}}
	for i := range s.Resources {
		judging.byType[s.Resources[i].Type] = append(judging.byType[s.Resources[i].Type], &s.Resources[i])
	}
	for _, p := range j.Programs {
		for _, p := range append([]*rule.Program{p}, p.Variants...) {
			if err := judging.judge(p); err != nil {
				return posture.Sealing{}, Work{}, err
			}
		}
	}
	slices.SortFunc(s.Verdicts, func(a, b posture.Verdict) int {
		return cmp.Or(cmp.Compare(a.RuleID, b.RuleID), a.Resource.Compare(b.Resource))
	})
	s.Snapshot.Resources = len(s.Resources)
	for _, v := range s.Verdicts {
		s.Snapshot.Verdicts.Add(v.Result)
	}
	return s, judging.work, nil
}

// contents encodes what was seen and carries forward what was not: a resource ends only when the cell it lives in was read
// to the end without it, and a second source, where one was asked, agrees.
func (j Judge) contents(s *posture.Sealing, c Collected, before State) error {
	types := map[string]*posture.Type{}
	for _, t := range c.Types {
		types[t.Name] = t
	}
	seen := map[posture.Key]bool{}
	for _, r := range c.Resources {
		if r.OnlyIn != "" {
			r.Unread = posture.Unlisted(types[r.Type], r.Key, r.OnlyIn).Unread // whatever was derived
		}
		document, hash, err := ledger.Content(types[r.Type].Encode(r.Attributes, r.Unread), r.Unread)
		if err != nil {
			return fmt.Errorf("encode %s %s: %w", r.Type, r.ID, err)
		}
		seen[r.Key] = true
		s.Resources = append(s.Resources, posture.Content{Key: r.Key, Hash: hash, JSON: document})
	}
	cells := posture.IndexCells(c.Cells)
	for key, prior := range before.Resources {
		cell, known := cells.Of(key.Type, key.Region)
		if !seen[key] && (!known || !cell.ShowsAbsence()) {
			s.Resources = append(s.Resources, posture.Content{Key: key, Hash: prior.Hash, Stale: true})
		}
	}
	slices.SortFunc(s.Resources, func(a, b posture.Content) int { return a.Key.Compare(b.Key) })
	return nil
}

// judging is one Judge call at work.
type judging struct {
	Judge
	collected Collected
	before    State
	sealing   *posture.Sealing
	byType    map[string][]*posture.Content
	records   map[posture.Key]*rule.Record // decoded once, for all rules
	work      Work
}

func (j *judging) judge(p *rule.Program) error {
	account := j.collected.Account
	inputs := map[string]rule.Input{}
	for _, name := range p.Inputs {
		input, err := j.input(name)
		if err != nil {
			return err
		}
		inputs[name] = input
	}
	if p.Resource == account.Provider+".account" {
		key := posture.Key{Type: p.Resource, Region: posture.Global, ID: account.ID}
		j.evaluate(p, rule.Subject{Key: key, Inputs: inputs})
		return nil
	}
	for _, content := range j.byType[p.Resource] {
		if content.Stale {
			j.add(p.UnknownFor(content.Key, staleCause(j.collected.Cells, content.Key)))
			continue
		}
		if v, ok := j.reuse(p, content); ok {
			j.work.Reused++
			j.add(v)
			continue
		}
		record, err := j.record(content)
		if err != nil {
			return err
		}
		j.evaluate(p, rule.Subject{Key: content.Key, Resource: record, Inputs: inputs})
	}
	for _, cell := range j.collected.Cells {
		if cause, gap := cell.Gap(); gap && cell.Type == p.Resource {
			j.add(p.UnknownFor(posture.Key{Type: cell.Type, Region: cell.Region}, cause))
		}
	}
	return nil
}

// input is every resource of a type that this scan saw, and why others may be missing. Stale ones are among what is missing.
func (j *judging) input(name string) (rule.Input, error) {
	var records []*rule.Record
	for _, content := range j.byType[name] {
		if content.Stale {
			continue
		}
		record, err := j.record(content)
		if err != nil {
			return rule.Input{}, err
		}
		records = append(records, record)
	}
	var missing []posture.Cause
	read := false
	for _, cell := range j.collected.Cells {
		if cell.Type != name {
			continue
		}
		read = true
		if cause, gap := cell.Gap(); gap {
			missing = append(missing, cause)
		}
	}
	if !read {
		missing = append(missing, posture.Cause{Reason: posture.ReasonNotCollected})
	}
	return rule.NewInput(name, records, missing), nil
}

// reuse returns the verdict of the snapshot before when nothing that decides it has changed.
func (j *judging) reuse(p *rule.Program, content *posture.Content) (posture.Verdict, bool) {
	prior, ok := j.before.Resources[content.Key]
	if len(p.Inputs) > 0 || !ok || prior.Stale || prior.Hash != content.Hash {
		return posture.Verdict{}, false
	}
	if p.CountsDays() && day(j.before.Snapshot.Started) != day(j.collected.Started) {
		return posture.Verdict{}, false
	}
	v, ok := j.before.Verdicts[Judged{RuleID: p.ID, Resource: content.Key}]
	return v, ok && v.RuleVersion == p.Version
}

func (j *judging) record(content *posture.Content) (*rule.Record, error) {
	if r := j.records[content.Key]; r != nil {
		return r, nil
	}
	r, err := j.Types.Decode(content.Key, j.collected.Account.ID, content.JSON)
	if err != nil {
		return nil, fmt.Errorf("decode %s %s: %w", content.Type, content.ID, err)
	}
	j.work.Decoded++
	j.records[content.Key] = r
	return r, nil
}

func (j *judging) evaluate(p *rule.Program, subject rule.Subject) {
	j.work.Evaluated++
	j.add(p.Evaluate(subject, j.collected.Started))
}

func (j *judging) add(v posture.Verdict) { j.sealing.Verdicts = append(j.sealing.Verdicts, v) }

// staleCause is why a resource was not seen: what stopped its cell, under the name stale.
func staleCause(cells []posture.Cell, key posture.Key) posture.Cause {
	cause := posture.Cause{Reason: posture.ReasonStale}
	if cell, ok := posture.IndexCells(cells).Of(key.Type, key.Region); ok && cell.Cause != nil {
		cause.Operation, cause.Permission, cause.Code = cell.Cause.Operation, cell.Cause.Permission, cell.Cause.Code
	}
	return cause
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// ruleset is the digest over the versions of all rules used.
func ruleset(programs []*rule.Program) string {
	lines := make([]string, len(programs))
	for i, p := range programs {
		lines[i] = p.ID + " " + p.Version + "\n"
	}
	slices.Sort(lines)
	sum := sha256.New()
	for _, line := range lines {
		sum.Write([]byte(line))
	}
	return hex.EncodeToString(sum.Sum(nil))
}
