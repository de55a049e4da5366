package rule

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/parser"
)

// loopMacros are CEL's own loops, taught that the unknown at the end of an incomplete list may stand for no element at all. A
// condition that does not look at its element answers the same for that unknown as for any other: without this, exists(x, true)
// would hold of a list of which nothing could be read, and all(x, false) would fail. @there(x) is true of an element and unknown
// of the unknown; it joins the condition so that it matters only where the element would count.
func loopMacros() []cel.Macro {
	there := func(eh cel.MacroExprFactory, variable ast.Expr) ast.Expr {
		return eh.NewCall(thereFunction, eh.Copy(variable))
	}
	met := func(eh cel.MacroExprFactory, args []ast.Expr) []ast.Expr { // and really there
		return []ast.Expr{args[0], eh.NewCall(operators.LogicalAnd, args[1], there(eh, args[0]))}
	}
	loop := func(name string, arguments int, expand cel.MacroFactory) cel.Macro {
		return parser.NewReceiverMacro(name, arguments, expand)
	}
	return []cel.Macro{
		parser.HasMacro, // check refuses it, with better words than its absence would find
		loop(operators.All, 2, func(eh cel.MacroExprFactory, list ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
			broken := eh.NewCall(operators.LogicalNot, there(eh, args[0]))
			return parser.MakeAll(eh, list, []ast.Expr{args[0], eh.NewCall(operators.LogicalOr, args[1], broken)})
		}),
		loop(operators.Exists, 2, func(eh cel.MacroExprFactory, list ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
			return parser.MakeExists(eh, list, met(eh, args))
		}),
		loop(operators.ExistsOne, 2, func(eh cel.MacroExprFactory, list ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
			return parser.MakeExistsOne(eh, list, met(eh, args))
		}),
		loop(operators.Filter, 2, func(eh cel.MacroExprFactory, list ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
			return parser.MakeFilter(eh, list, met(eh, args))
		}),
		loop(operators.Map, 2, func(eh cel.MacroExprFactory, list ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
			return parser.MakeMap(eh, list, []ast.Expr{args[0], there(eh, args[0]), args[1]})
		}),
		loop(operators.Map, 3, func(eh cel.MacroExprFactory, list ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
			return parser.MakeMap(eh, list, append(met(eh, args), args[2]))
		}),
	}
}
