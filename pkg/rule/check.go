package rule

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// problem is something in a condition that compiles and would still answer wrongly.
type problem struct {
	id      int64
	message string
}

// check finds what three-valued logic cannot answer: CEL would take an unread field for set, an incomplete list for the whole,
// or two lists for different because one was not read to its end.
func check(a *ast.AST) []problem {
	var out []problem
	nodes := 0
	refuse := func(e ast.Expr, message string) { out = append(out, problem{e.ID(), message}) }
	plainOperands := func(call ast.CallExpr) bool {
		for _, arg := range call.Args() {
			if !plain(a.GetType(arg.ID())) {
				return false
			}
		}
		return true
	}
	ast.PreOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		nodes++
		switch e.Kind() {
		case ast.SelectKind:
			if e.AsSelect().IsTestOnly() {
				refuse(e, "has(x.y) is true for what was not read: write x.?y.orValue(…), or x.y != null")
			}
		case ast.StructKind:
			refuse(e, "a rule cannot make a "+e.AsStruct().TypeName())
		case ast.CallKind:
			switch call := e.AsCall(); call.FunctionName() {
			case "size":
				of := call.Target()
				if !call.IsMemberFunction() {
					of = call.Args()[0]
				}
				if a.GetType(of.ID()).Kind() == types.ListKind && readsResources(of) {
					refuse(e, "size is wrong for a list that was not read to its end: write count(list)")
				}
			case operators.Equals, operators.NotEquals:
				if !plainOperands(call) && !comparesNull(call) {
					refuse(e, "lists, objects and maps of them cannot be compared as a whole: use exists, all, in or count")
				}
			case operators.In:
				if !plain(a.GetType(call.Args()[0].ID())) {
					refuse(e, "only plain values can be looked for: use exists")
				}
			case "dyn", "type", "format":
				refuse(e, call.FunctionName()+" hides what the type checker should see")
			}
		}
	}))
	if nodes > maxNodes {
		out = append(out, problem{a.Expr().ID(), "the condition is too long"})
	}
	return out
}

// plain reports whether equality of values of type t is decided by the values alone.
func plain(t *types.Type) bool {
	switch t.Kind() {
	case types.BoolKind, types.StringKind, types.IntKind, types.UintKind, types.DoubleKind, types.BytesKind, types.TimestampKind,
		types.DurationKind, types.NullTypeKind:
		return true
	case types.MapKind:
		return plain(t.Parameters()[0]) && plain(t.Parameters()[1])
	default:
		return false
	}
}

func comparesNull(call ast.CallExpr) bool {
	for _, arg := range call.Args() {
		if arg.Kind() == ast.LiteralKind && arg.AsLiteral() == types.NullValue {
			return true
		}
	}
	return false
}

// readsResources reports whether e depends on anything but literals and parameters.
func readsResources(e ast.Expr) bool {
	reads := false
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.IdentKind && e.AsIdent() != "params" {
			reads = true
		}
	}))
	return reads
}

// estimator assumes the sizes for which the cost of a condition is estimated: 1,000 inputs, lists of 100, strings of 100.
type estimator struct{}

func (estimator) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

func (estimator) EstimateSize(node cost.AstNode) *cost.SizeEstimate {
	if path := node.Path(); len(path) == 1 && node.Type().Kind() == types.ListKind {
		return &cost.SizeEstimate{Max: 1000}
	}
	return &cost.SizeEstimate{Max: 100}
}

// tooCostly reports whether a checked condition could take too long, and how much it costs at worst.
func tooCostly(env *cel.Env, a *cel.Ast) (bool, error) {
	estimate, err := env.EstimateCost(a, estimator{})
	return estimate.Max > maxCost, err
}
