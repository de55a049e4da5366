package rule

import (
	"fmt"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/decls"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/ext"
)

// What bounds a condition, so that nobody can write one that stops a scan.
const (
	maxSource = 4096          // characters
	maxDepth  = 40            // nested parentheses, calls, selections
	maxNodes  = 400           // of the syntax tree, macros expanded
	maxNested = 3             // loops within loops
	maxCost   = 1_000_000_000 // estimated when loaded, see estimator
	maxSpent  = 20_000_000    // spent at run time by loops within loops: a few seconds
	maxRegexp = 1000          // instructions

	// Names that no rule can write.
	todayName     = "@today"
	ageFunction   = "@age_days"
	thereFunction = "@there"
)

// Compiler compiles rules against resource types. Making one is costly, compiling with it is not. It is safe for concurrent
// use.
type Compiler struct {
	types *Types
	env   *cel.Env
}

// NewCompiler prepares CEL for rules over the given types.
func NewCompiler(t *Types) (*Compiler, error) {
	p := &provider{Registry: t.registry, types: t}
	env, err := cel.NewEnv(
		cel.ClearMacros(),
		cel.Macros(loopMacros()...),
		cel.OptionalTypes(),
		ext.Strings(ext.StringsVersion(2)),
		cel.EnableMacroCallTracking(),
		cel.ParserExpressionSizeLimit(maxSource),
		cel.ParserRecursionLimit(maxDepth),
		cel.ExtendedValidations(),
		cel.ASTValidators(cel.ValidateComprehensionNestingLimit(maxNested), cel.ValidateRegexProgramSizeLimit(maxRegexp)),
		cel.Variable(todayName, cel.IntType),
		cel.Function("count", decls.DisableTypeGuards(true), cel.Overload("count_list", []*cel.Type{cel.ListType(cel.TypeParamType("T"))}, cel.IntType,
			cel.UnaryBinding(count))),
		cel.Function(ageFunction, cel.Overload("age_days_timestamp", []*cel.Type{cel.TimestampType, cel.IntType}, cel.IntType,
			cel.BinaryBinding(ageDays))),
		cel.Function(thereFunction, cel.Overload("there_any", []*cel.Type{cel.TypeParamType("T")}, cel.BoolType,
			cel.UnaryBinding(func(ref.Val) ref.Val { return types.True }))),
		cel.Macros(
			cel.GlobalMacro("age_days", 1, func(eh cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
				return eh.NewCall(ageFunction, args[0], eh.NewIdent(todayName)), nil
			}),
			cel.GlobalMacro("days_until", 1, func(eh cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
				return eh.NewCall(operators.Negate, eh.NewCall(ageFunction, args[0], eh.NewIdent(todayName))), nil
			}),
		),
		cel.CustomTypeProvider(p), cel.CustomTypeAdapter(p), // after OptionalTypes, which wraps the provider it finds
	)
	if err != nil {
		return nil, fmt.Errorf("prepare rules: %w", err)
	}
	return &Compiler{types: t, env: env}, nil
}

// Types are the resource types the compiler knows.
func (c *Compiler) Types() *Types { return c.types }

// count is the length of a list, unknown when the list is incomplete.
func count(v ref.Val) ref.Val {
	list, ok := v.(traits.Lister)
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	n := types.Int(0)
	for it := list.Iterator(); it.HasNext() == types.True; n++ {
		if e := it.Next(); types.IsUnknown(e) {
			return e
		}
	}
	return n
}

// day numbers the days of UTC.
func day(t time.Time) int64 { return t.UTC().Truncate(24*time.Hour).Unix() / 86400 }

// ageDays counts calendar days in UTC rather than spans of 24 hours, so that an answer holds for a whole day of scans.
func ageDays(at, today ref.Val) ref.Val {
	t, ok := at.(types.Timestamp)
	now, also := today.(types.Int)
	if !ok || !also {
		return types.MaybeNoSuchOverloadErr(at)
	}
	return now - types.Int(day(t.Time))
}
