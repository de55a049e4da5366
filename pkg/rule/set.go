package rule

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Set is all rules, compiled, and the controls they belong to.
type Set struct {
	Programs []*Program // by id, the retired ones included
	SOC2     *SOC2
	Compiler *Compiler

	byID map[string]*Program
}

// Load reads and compiles <cloud>/<service>/*.yaml, and soc2.yaml. Its errors, joined, are posture.ErrInvalid and name file
// and line. Lint checks what makes a rule good, beyond valid.
func Load(fsys fs.FS, list []*posture.Type) (*Set, error) {
	t, err := NewTypes(list)
	if err != nil {
		return nil, err
	}
	compiler, err := NewCompiler(t)
	if err != nil {
		return nil, err
	}
	soc2, err := LoadSOC2(fsys, "soc2.yaml")
	if err != nil {
		return nil, err
	}
	files, err := fs.Glob(fsys, "*/*/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list rules: %w", err)
	}
	var rules []*Rule
	var failed []error
	for _, file := range files {
		data, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, fmt.Errorf("read rule: %w", err)
		}
		r, err := Parse(path.Clean(file), data)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		rules = append(rules, r)
	}
	set := &Set{SOC2: soc2, Compiler: compiler}
	if err := errors.Join(append(failed, set.compile(rules, nil))...); err != nil {
		return nil, err
	}
	return set, nil
}

// WithParams is the set with a deployment's parameters, by rule id and name, in place of the rules' own.
func (s *Set) WithParams(params map[string]map[string]any) (*Set, error) {
	var rules []*Rule
	for _, p := range s.Programs {
		rules = append(rules, p.Rule)
	}
	for id := range params {
		if s.byID[id] == nil {
			return nil, fmt.Errorf("parameters of %s: there is no such rule: %w", id, posture.ErrInvalid)
		}
	}
	out := &Set{SOC2: s.SOC2, Compiler: s.Compiler}
	if err := out.compile(rules, params); err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Set) compile(rules []*Rule, params map[string]map[string]any) error {
	slices.SortFunc(rules, func(a, b *Rule) int { return cmp.Compare(a.ID, b.ID) })
	s.byID = make(map[string]*Program, len(rules))
	var failed []error
	for _, r := range rules {
		if other := s.byID[r.ID]; other != nil {
			failed = append(failed, r.errorf("id", "%s is the id of %s too", r.ID, other.File))
			continue
		}
		p, err := s.Compiler.Compile(r, params[r.ID])
		if err != nil {
			failed = append(failed, err)
			continue
		}
		s.byID[r.ID] = p
		s.Programs = append(s.Programs, p)
	}
	return errors.Join(failed...)
}

// Program returns the rule with that id, or posture.ErrNotFound.
func (s *Set) Program(id string) (*Program, error) {
	if p := s.byID[id]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("rule %q: %w", id, posture.ErrNotFound)
}

// Active are the rules that a scan runs: all but the retired ones.
func (s *Set) Active() []*Program {
	return slices.DeleteFunc(slices.Clone(s.Programs), func(p *Program) bool { return p.Retired != "" })
}

// Of are the active rules on a provider's resources.
func (s *Set) Of(provider string) []*Program {
	return slices.DeleteFunc(s.Active(), func(p *Program) bool { return !strings.HasPrefix(p.Resource, provider+".") })
}

// Digest is the SHA-256, in hex, over the versions of the active rules.
func (s *Set) Digest() string {
	h := sha256.New()
	for _, p := range s.Active() {
		fmt.Fprintln(h, p.ID, p.Version)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Criteria are the links of the rule's control to criteria.
func (s *Set) Criteria(p *Program) []Link {
	c, _ := s.SOC2.Control(p.Control)
	return c.Criteria
}
