package rule

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// Reasons stay readable: in characters, and in elements of a list.
const (
	maxReason = 1000
	maxShown  = 400 // of the condition, so that values find room
	maxText   = 80
	maxList   = 5
)

// use is one value a leaf reads: a field of the resource, a parameter, or an input list.
type use struct {
	label  string   // as in posture.Unread
	root   string   // the variable
	way    []string // the fields from there on
	shown  []string // of objects in a list: the fields a loop reads
	isList bool     // of objects
}

// witness finds the elements that decided an exists or all.
type witness struct {
	over     use
	variable string
	exists   bool // else all
	turn     cel.Program
}

// usesOf lists what e reads, in the order of its text.
func usesOf(a *ast.AST, e ast.Expr) []use {
	var out []use
	add := func(u use) {
		for i := range out {
			if out[i].label == u.label {
				out[i].shown = append(out[i].shown, u.shown...)
				return
			}
		}
		out = append(out, u)
	}
	var walk func(e ast.Expr)
	walk = func(e ast.Expr) {
		if u, ok := direct(a, e); ok {
			add(u)
			return
		}
		switch e.Kind() {
		case ast.SelectKind:
			walk(e.AsSelect().Operand())
		case ast.CallKind:
			if e.AsCall().IsMemberFunction() {
				walk(e.AsCall().Target())
			}
			for _, arg := range e.AsCall().Args() {
				walk(arg)
			}
		case ast.ListKind:
			for _, element := range e.AsList().Elements() {
				walk(element)
			}
		case ast.ComprehensionKind:
			loop := e.AsComprehension()
			if u, ok := direct(a, loop.IterRange()); ok {
				u.shown = readOf(loop)
				add(u)
			} else {
				walk(loop.IterRange())
			}
			walk(loop.LoopStep())
		}
	}
	walk(e)
	for i := range out {
		slices.Sort(out[i].shown)
		out[i].shown = slices.Compact(out[i].shown)
	}
	return out
}

// direct follows a selection down to a variable; it fails where the way is not only fields of objects.
func direct(a *ast.AST, e ast.Expr) (use, bool) {
	if e.Kind() == ast.IdentKind {
		name := e.AsIdent()
		if name != "resource" && name != "params" && !strings.HasPrefix(name, "inputs.") {
			return use{}, false
		}
		return use{label: name, root: name, isList: a.GetType(e.ID()).Kind() == types.ListKind}, true
	}
	operand, name, ok := selection(e)
	if !ok {
		return use{}, false
	}
	u, ok := direct(a, operand)
	if !ok || u.isList || !structure(a.GetType(operand.ID())) {
		return use{}, false
	}
	if u.label == "resource" {
		u.label = name
	} else {
		u.label += "." + name
	}
	u.way = append(u.way, name)
	u.isList = a.GetType(e.ID()).Kind() == types.ListKind
	return u, true
}

func structure(t *types.Type) bool {
	if t.Kind() == types.OpaqueKind && len(t.Parameters()) == 1 { // what .? answers
		t = t.Parameters()[0]
	}
	return t.Kind() == types.StructKind
}

// readOf lists the fields that a loop reads of its variable.
func readOf(loop ast.ComprehensionExpr) []string {
	var out []string
	ast.PreOrderVisit(loop.LoopStep(), ast.NewExprVisitor(func(e ast.Expr) {
		if operand, name, ok := selection(e); ok && operand.Kind() == ast.IdentKind && operand.AsIdent() == loop.IterVar() {
			out = append(out, name)
		}
	}))
	slices.Sort(out)
	return slices.Compact(out)
}

// newWitness prepares the turn of a leaf that is list.exists(…) or list.all(…), nil for any other.
func newWitness(env *cel.Env, a *ast.AST, e ast.Expr) (*witness, error) {
	if e.Kind() != ast.ComprehensionKind {
		return nil, nil
	}
	loop := e.AsComprehension()
	over, ok := direct(a, loop.IterRange())
	if !ok || !over.isList || loop.LoopStep().Kind() != ast.CallKind {
		return nil, nil
	}
	step := loop.LoopStep().AsCall()
	if step.FunctionName() != operators.LogicalAnd && step.FunctionName() != operators.LogicalOr || len(step.Args()) != 2 {
		return nil, nil
	}
	over.shown = readOf(loop)
	turn, err := plan(env, a, step.Args()[1])
	return &witness{over: over, variable: loop.IterVar(), exists: step.FunctionName() == operators.LogicalOr, turn: turn}, err
}

// explain says which parts decided, with the values they saw. It names no ages, so that a reason stays the same from day to day
// while nothing changes.
func (v *variables) explain(o outcome) string {
	texts := make([]string, len(o.decided))
	for i, leaf := range o.decided {
		texts[i] = truncate(leaf.source, maxShown)
		if values := v.witnesses(leaf, o.result); values != "" {
			texts[i] += " (" + values + ")"
		}
	}
	return truncate(strings.Join(texts, "; "), maxReason)
}

// witnesses are the values a leaf saw; of a loop that one element decided, the elements that decide.
func (v *variables) witnesses(leaf *part, result ref.Val) string {
	w := leaf.loop
	if w == nil || types.Bool(w.exists) != result {
		return v.values(leaf)
	}
	list, ok := v.value(w.over).(traits.Lister)
	if !ok {
		return v.values(leaf)
	}
	inner := *v
	inner.local = w.variable
	var deciding []ref.Val
	for it := list.Iterator(); it.HasNext() == types.True; {
		if inner.localValue = it.Next(); !types.IsUnknown(inner.localValue) && run(w.turn, &inner) == result {
			deciding = append(deciding, inner.localValue)
		}
	}
	texts := []string{w.over.label + ": " + elements(deciding, w.over.shown)}
	for _, u := range leaf.uses {
		if u.label != w.over.label {
			texts = append(texts, u.label+" = "+show(v.value(u), u.shown))
		}
	}
	return strings.Join(texts, ", ")
}

// values lists what a leaf saw: "kms_key_id = \"\", params.max_days = 1".
func (v *variables) values(leaf *part) string {
	texts := make([]string, len(leaf.uses))
	for i, u := range leaf.uses {
		texts[i] = u.label + " = " + show(v.value(u), u.shown)
	}
	return strings.Join(texts, ", ")
}

// value is what u stands for, as far as it can be followed.
func (v *variables) value(u use) ref.Val {
	start, _ := v.ResolveName(u.root)
	value, ok := start.(ref.Val)
	if !ok {
		return types.NullValue
	}
	for _, name := range u.way {
		r, isRecord := value.(*Record)
		if !isRecord {
			return value
		}
		value = r.get(r.object.index[name])
	}
	return value
}

// show prints a value for people. Of a record it prints its key and the given fields.
func show(v ref.Val, fields []string) string {
	switch v := v.(type) {
	case types.String:
		return strconv.Quote(truncate(string(v), maxText))
	case types.Null:
		return "absent"
	case types.Timestamp:
		return v.UTC().Format(time.RFC3339)
	case *types.Unknown:
		return "not read"
	case *Record:
		return v.show(fields)
	case traits.Lister:
		return elements(elementsOf(v), fields)
	case traits.Mapper:
		entries := map[string]string{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			k := it.Next()
			entries[fmt.Sprint(k.Value())] = show(v.Get(k), nil)
		}
		var texts []string
		for _, k := range slices.Sorted(maps.Keys(entries)) {
			texts = append(texts, k+": "+entries[k])
		}
		return "{" + shorten(texts) + "}"
	default:
		return fmt.Sprint(v.Value())
	}
}

func (r *Record) show(fields []string) string {
	name := r.elementKey()
	if r.parent == nil {
		name = r.key.ID
	}
	var texts []string
	for _, f := range fields {
		if slot, ok := r.object.index[f]; ok && slot != r.object.key {
			texts = append(texts, f+": "+show(r.get(slot), nil))
		}
	}
	if len(texts) == 0 {
		return strconv.Quote(truncate(name, maxText))
	}
	return strings.TrimSpace(truncate(name, maxText) + " {" + strings.Join(texts, ", ") + "}")
}

func elements(list []ref.Val, fields []string) string {
	texts := make([]string, len(list))
	for i, e := range list {
		texts[i] = show(e, fields)
	}
	return "[" + shorten(texts) + "]"
}

// shorten joins the first few texts and counts the others.
func shorten(texts []string) string {
	if more := len(texts) - maxList; more > 0 {
		texts = append(texts[:maxList:maxList], fmt.Sprintf("… %d more", more))
	}
	return strings.Join(texts, ", ")
}

func truncate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}
