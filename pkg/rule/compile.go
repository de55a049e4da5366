package rule

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/parser"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Program is a rule ready to be evaluated. It is safe for concurrent use.
type Program struct {
	*Rule
	// Version is the digest of what decides verdicts: conditions, parameters, inputs and the fields read with their types.
	Version string
	// Fields are the attributes the rule reads: "aws.cloudtrail.trail.is_logging".
	Fields []string

	params     map[string]any // as in force
	record     *Record        // the same, as conditions see them
	inputs     []string       // names of the variables that hold the input lists
	applies    *part          // nil when the rule concerns every resource
	passes     *part
	countsDays bool
	// Variants judge the rule's further types.
	Variants []*Program
}

// CountsDays reports whether a verdict may change with the day although nothing else did.
func (p *Program) CountsDays() bool { return p.countsDays }

// Parameters are the parameters in force: the rule's own, with a deployment's in their place.
func (p *Program) Parameters() map[string]any { return p.params }

// part is a condition, split where it is joined by && or ||, so that a verdict can say which part decided.
type part struct {
	join  string  // operators.LogicalAnd or LogicalOr; "" for a leaf
	parts []*part // of a joined part

	source  string
	program cel.Program
	uses    []use    // what the leaf reads
	loop    *witness // when the leaf is one exists or all
}

// Compile type-checks a rule and makes it ready, with override in place of its own parameters. Errors are posture.ErrInvalid
// and name file, line and column.
func (c *Compiler) Compile(r *Rule, override map[string]any) (*Program, error) {
	record, effective, err := r.parameters(override)
	if err != nil {
		return nil, err
	}
	p := &Program{Rule: r, params: effective, record: record}
	declared := &provider{Registry: c.types.registry, types: c.types, params: record.object}
	options := []cel.EnvOption{cel.CustomTypeProvider(declared), cel.CustomTypeAdapter(declared),
		cel.Variable("params", cel.ObjectType(paramsType))}
	switch {
	case c.types.resources[r.Resource] != nil:
		options = append(options, cel.Variable("resource", cel.ObjectType(r.Resource)))
	case len(r.Inputs) == 0:
		return nil, r.errorf("resource", "%s is not a resource type; a rule on a whole account lists inputs", r.Resource)
	}
	for i, input := range r.Inputs {
		if c.types.resources[input] == nil {
			return nil, r.errorf("inputs", "%s is not a resource type", input)
		}
		if slices.Contains(r.Inputs[:i], input) {
			return nil, r.errorf("inputs", "%s is listed twice", input)
		}
		p.inputs = append(p.inputs, "inputs."+input)
		options = append(options, cel.Variable("inputs."+input, cel.ListType(cel.ObjectType(input))))
	}
	env, err := c.env.Extend(options...)
	if err != nil {
		return nil, r.errorf("resource", "%v", err)
	}
	var failed []error
	if r.AppliesWhen != "" {
		if p.applies, err = p.condition(env, "applies_when", r.AppliesWhen); err != nil {
			failed = append(failed, err)
		}
	}
	if p.passes, err = p.condition(env, "passes_when", r.PassesWhen); err != nil {
		failed = append(failed, err)
	}
	if len(failed) > 0 {
		return nil, errors.Join(failed...)
	}
	slices.Sort(p.Fields)
	p.Fields = slices.Compact(p.Fields)
	for i, other := range r.Also {
		if other == r.Resource || slices.Contains(r.Also[:i], other) || c.types.resources[other] == nil {
			return nil, r.errorf("also", "%s is not another resource type", other)
		}
		same := *r
		same.Resource, same.Also = other, nil
		variant, err := c.Compile(&same, override)
		if err != nil {
			return nil, fmt.Errorf("for %s: %w", other, err)
		}
		p.Variants = append(p.Variants, variant)
	}
	p.Version, err = p.version(declared)
	return p, err
}

// condition compiles one condition and splits it.
func (p *Program) condition(env *cel.Env, key, source string) (*part, error) {
	checked, issues := env.Compile(source)
	if err := issues.Err(); err != nil {
		var all []error
		for _, e := range issues.Errors() {
			all = append(all, p.errorAt(key, source, e.Location.Line(), e.Location.Column(), e.Message))
		}
		return nil, errors.Join(all...)
	}
	if !checked.OutputType().IsAssignableType(types.BoolType) || checked.OutputType().Kind() != types.BoolKind {
		return nil, p.errorf(key, "want a condition, true or false, got %s", checked.OutputType())
	}
	native := checked.NativeRep()
	var all []error
	for _, problem := range check(native) {
		at := native.SourceInfo().GetStartLocation(problem.id)
		all = append(all, p.errorAt(key, source, at.Line(), at.Column(), problem.message))
	}
	if len(all) > 0 {
		return nil, errors.Join(all...)
	}
	if costly, err := tooCostly(env, checked); err != nil || costly {
		return nil, p.errorf(key, "the condition could take too long on a large account")
	}
	p.note(native)
	return newPart(env, native, native.Expr())
}

// errorAt is an error at a position within a condition. Lines of CEL count from 1, columns from 0.
func (p *Program) errorAt(key, source string, line, column int, message string) error {
	at := p.lines[key]
	if message = strings.TrimSpace(message); at.column > 0 && line == 1 {
		return fmt.Errorf("%s:%d:%d: %s: %s: %w", p.File, at.line, at.column+column, key, message, posture.ErrInvalid)
	}
	lines := strings.Split(source, "\n")
	near := ""
	if line >= 1 && line <= len(lines) {
		text := []rune(lines[line-1])
		if column >= 0 && column < len(text) {
			near = fmt.Sprintf(" near %q", string(text[column:min(column+30, len(text))]))
		}
	}
	return p.errorf(key, "%s%s", message, near)
}

// note records what the condition reads: fields, and whether it counts days.
func (p *Program) note(a *ast.AST) {
	ast.PreOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.IdentKind && e.AsIdent() == todayName {
			p.countsDays = true
		}
		if operand, name, ok := selection(e); ok && operand.Kind() != ast.UnspecifiedExprKind {
			t := a.GetType(operand.ID())
			if t.Kind() == types.OpaqueKind && t.TypeName() == "optional_type" { // a.?b.c
				t = t.Parameters()[0]
			}
			if t.Kind() == types.StructKind && t.TypeName() != paramsType {
				p.Fields = append(p.Fields, t.TypeName()+"."+name)
			}
		}
	}))
}

// selection splits x.name and x.?name.
func selection(e ast.Expr) (operand ast.Expr, name string, ok bool) {
	switch e.Kind() {
	case ast.SelectKind:
		return e.AsSelect().Operand(), e.AsSelect().FieldName(), true
	case ast.CallKind:
		if call := e.AsCall(); call.FunctionName() == operators.OptSelect && len(call.Args()) == 2 {
			if literal, isString := call.Args()[1].AsLiteral().(types.String); isString {
				return call.Args()[0], string(literal), true
			}
		}
	}
	return nil, "", false
}

func newPart(env *cel.Env, a *ast.AST, e ast.Expr) (*part, error) {
	if e.Kind() == ast.CallKind {
		if join := e.AsCall().FunctionName(); join == operators.LogicalAnd || join == operators.LogicalOr {
			p := &part{join: join}
			for _, arg := range e.AsCall().Args() {
				inner, err := newPart(env, a, arg)
				if err != nil {
					return nil, err
				}
				if inner.join == join {
					p.parts = append(p.parts, inner.parts...)
				} else {
					p.parts = append(p.parts, inner)
				}
			}
			return p, nil
		}
	}
	oneLine := func() parser.UnparserOption { return parser.WrapOnColumn(2 * maxSource) }
	source, err := cel.ExprToString(e, a.SourceInfo(), oneLine)
	if err != nil {
		return nil, fmt.Errorf("print a part of a condition: %w", err)
	}
	p := &part{source: source, uses: usesOf(a, e)}
	if p.program, err = plan(env, a, e); err != nil {
		return nil, err
	}
	p.loop, err = newWitness(env, a, e)
	return p, err
}

// plan makes a program of one expression of a checked condition. Loops within loops get a budget, counted in steps and not in
// seconds so that the same values always give the same verdict.
func plan(env *cel.Env, a *ast.AST, e ast.Expr) (cel.Program, error) {
	sub := ast.NewCheckedAST(ast.NewAST(e, a.SourceInfo()), a.TypeMap(), a.ReferenceMap())
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if loops(e) > 1 {
		options = append(options, cel.CostLimit(maxSpent))
	}
	program, err := env.PlanProgram(sub, options...)
	if err != nil {
		return nil, fmt.Errorf("plan a condition: %w", err)
	}
	return program, nil
}

// loops counts the comprehensions in e.
func loops(e ast.Expr) int {
	n := 0
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.ComprehensionKind {
			n++
		}
	}))
	return n
}

// text is the condition in its canonical form, without comments and chance of layout.
func (p *part) text() string {
	if p == nil {
		return ""
	}
	if p.join == "" {
		return p.source
	}
	texts := make([]string, len(p.parts))
	for i, inner := range p.parts {
		texts[i] = inner.text()
	}
	glue := " && "
	if p.join == operators.LogicalOr {
		glue = " || "
	}
	return "(" + strings.Join(texts, glue) + ")"
}
