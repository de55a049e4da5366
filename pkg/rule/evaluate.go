package rule

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Subject is what a rule judges.
type Subject struct {
	Key      posture.Key // of the resource, or of the account where the rule judges one as a whole
	Resource *Record     // nil for a whole account
	Inputs   map[string]Input
}

// Input is all the resources of one type in the account, as rules with inputs see them.
type Input struct{ list traits.Lister }

// NewInput makes the list of the resources of a type. missing says why cells of the type were not read to the end: each makes
// the list incomplete. A type that was read and has no resources is an empty list; a type without input at all is unread.
func NewInput(resourceType string, records []*Record, missing []posture.Cause) Input {
	elements := make([]ref.Val, len(records))
	for i, r := range records {
		elements[i] = r
	}
	var rest *types.Unknown
	for _, cause := range missing {
		rest = types.MergeUnknowns(rest, newUnknown(posture.Key{}, posture.Unread{Path: "inputs." + resourceType, Cause: cause}))
	}
	if rest != nil {
		return Input{newIncomplete(elements, rest)}
	}
	return Input{types.NewRefValList(types.DefaultTypeAdapter, elements)}
}

// Evaluate judges the subject as of the time of collection. A condition that cannot be computed is unknown with rule_error.
// It always returns a verdict of the subject's key.
func (p *Program) Evaluate(s Subject, collected time.Time) posture.Verdict {
	v := posture.Verdict{RuleID: p.ID, RuleVersion: p.Version, Resource: s.Key}
	vars := &variables{program: p, subject: s}
	if p.countsDays {
		vars.today = types.Int(day(collected))
	}
	if p.applies != nil {
		switch o := p.applies.evaluate(vars); {
		case o.result == types.False:
			v.Result, v.Reason = posture.DoesNotApply, "does not apply: "+vars.explain(o)
			return v
		case o.result != types.True:
			p.unknown(&v, vars, o, "applies_when")
			return v
		}
	}
	switch o := p.passes.evaluate(vars); o.result {
	case types.True:
		v.Result, v.Reason = posture.Pass, "met: "+vars.explain(o)
	case types.False:
		v.Result, v.Reason = posture.Fail, "not met: "+vars.explain(o)
	default:
		p.unknown(&v, vars, o, "passes_when")
	}
	return v
}

// UnknownFor is the verdict where there is nothing to evaluate: for a cell that is not complete (key names type and region, its
// id is empty), or for a resource that is stale.
func (p *Program) UnknownFor(key posture.Key, cause posture.Cause) posture.Verdict {
	what := "the resource"
	if key.ID == "" {
		what = "the list of " + key.Type
	}
	return posture.Verdict{
		RuleID: p.ID, RuleVersion: p.Version, Resource: key, Result: posture.Unknown,
		Reason: "not read: " + what + ", " + cause.String(), Unread: []posture.Unread{{Cause: cause}},
	}
}

// maxUnread is how many unread attributes a verdict names.
const maxUnread = 50

// unknown fills in a verdict that o could not decide.
func (p *Program) unknown(v *posture.Verdict, vars *variables, o outcome, key string) {
	v.Result = posture.Unknown
	unread, isUnknown := o.result.(*types.Unknown)
	if !isUnknown {
		v.Reason = truncate(fmt.Sprintf("rule error in %s: %s: %v", key, o.decided[0].source, o.result), maxReason) +
			" (" + vars.values(o.decided[0]) + ")"
		v.Unread = []posture.Unread{{Path: key, Cause: posture.Cause{Reason: posture.ReasonRuleError}}}
		return
	}
	for _, m := range missingIn(unread) {
		if m.key.Type != "" && (vars.subject.Resource == nil || m.key != vars.subject.Resource.key) { // of an input
			m.Path = "inputs." + m.key.Type + "[" + m.key.ID + "]." + m.Path
		}
		v.Unread = append(v.Unread, m.Unread)
	}
	slices.SortFunc(v.Unread, func(a, b posture.Unread) int {
		if c := strings.Compare(a.Path, b.Path); c != 0 {
			return c
		}
		return posture.CompareCauses(a.Cause, b.Cause)
	})
	v.Unread = slices.Compact(v.Unread)
	more := ""
	if len(v.Unread) > maxUnread {
		more = fmt.Sprintf("; %d more", len(v.Unread)-maxUnread)
		v.Unread = v.Unread[:maxUnread]
	}
	texts := make([]string, len(v.Unread))
	for i, u := range v.Unread {
		texts[i] = u.Path + ", " + u.Cause.String()
	}
	v.Reason = "not read: " + truncate(strings.Join(texts, "; "), maxReason) + more
}

// outcome is what a part of a condition answers: true, false, unknown or an error, and the leaves that made it so.
type outcome struct {
	result  ref.Val
	decided []*part
}

// evaluate computes a part. && and || are CEL's own three-valued ones: one false decides &&, one true decides ||, whatever else
// is unknown or an error; otherwise unknown outweighs an error.
func (p *part) evaluate(vars *variables) outcome {
	if p.join == "" {
		return outcome{run(p.program, vars), []*part{p}}
	}
	decides := types.Bool(p.join == operators.LogicalOr)
	all := outcome{result: !decides}
	for _, inner := range p.parts {
		o := inner.evaluate(vars)
		if o.result == decides {
			return o
		}
		unread, isUnknown := o.result.(*types.Unknown)
		before, wasUnknown := all.result.(*types.Unknown)
		switch {
		case isUnknown && wasUnknown:
			all = outcome{types.MergeUnknowns(before, unread), append(all.decided, o.decided...)}
		case isUnknown:
			all = o
		case types.IsUnknownOrError(all.result):
		case types.IsError(o.result):
			all = o
		default:
			all.decided = append(all.decided, o.decided...)
		}
	}
	return all
}

// run evaluates one leaf.
func run(program cel.Program, vars *variables) ref.Val {
	result, _, err := program.Eval(vars)
	switch result.(type) {
	case types.Bool, *types.Unknown:
		return result
	}
	if err == nil {
		err = fmt.Errorf("want true or false, got %v", result)
	}
	return types.WrapErr(err)
}

// variables are what a condition can name.
type variables struct {
	program *Program
	subject Subject
	today   types.Int

	local      string // the variable of a loop, when one turn of it is looked at alone
	localValue ref.Val
}

// ResolveName implements cel.Activation.
func (v *variables) ResolveName(name string) (any, bool) {
	switch name {
	case "resource":
		return v.subject.Resource, v.subject.Resource != nil
	case "params":
		return v.program.record, true
	case todayName:
		return v.today, true
	}
	if name == v.local && v.localValue != nil {
		return v.localValue, true
	}
	for i, variable := range v.program.inputs {
		if variable == name {
			return v.input(i), true
		}
	}
	return nil, false
}

func (v *variables) input(i int) ref.Val {
	resourceType := v.program.Inputs[i]
	if input, ok := v.subject.Inputs[resourceType]; ok && input.list != nil {
		return input.list
	}
	return newUnknown(posture.Key{}, posture.Unread{Path: v.program.inputs[i], Cause: posture.Cause{Reason: posture.ReasonNotCollected}})
}

// Parent implements cel.Activation.
func (v *variables) Parent() cel.Activation { return nil }
