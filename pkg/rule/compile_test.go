package rule

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestWhatDoesNotCompile(t *testing.T) {
	c := newTestCompiler(t)
	deep := strings.Repeat("(", 60) + "true" + strings.Repeat(")", 60)
	for name, test := range map[string]struct{ text, want string }{
		"a misspelt field has a position": {
			"id: x\nresource: test.server\npasses_when: resource.publik\n", "x.yaml:3:22: passes_when: undefined field 'publik'"},
		"within a quoted value": {
			"id: x\nresource: test.server\npasses_when: 'resource.publik'\n", "x.yaml:3:23: passes_when: undefined field"},
		"within a folded value": {
			"id: x\nresource: test.server\npasses_when: >-\n  resource.public &&\n  resource.sise > 1\n", `x.yaml:3: passes_when: undefined field 'sise' near ".sise > 1"`},
		"a misspelt field in a nested object":   {ruleFile("resource.metadata.token == ''"), "undefined field 'token'"},
		"a misspelt field in a loop":            {ruleFile("resource.ports.all(p, p.opened)"), "undefined field 'opened'"},
		"a misspelt optional field":             {ruleFile("resource.?dayz.orValue(1) == 1"), "undefined field 'dayz'"},
		"a wrong type":                          {ruleFile("resource.size == 'big'"), "no matching overload"},
		"a misspelt parameter":                  {ruleFile("resource.size > params.leest", "params: {least: 1}"), "undefined field 'leest'"},
		"a parameter of the wrong type":         {ruleFile("resource.size > params.least", "params: {least: lots}"), "no matching overload"},
		"a mixed list as a parameter":           {ruleFile("resource.public", "params: {list: [1, a]}"), "a list of both int and string"},
		"a parameter without value":             {ruleFile("resource.public", "params: {list: }"), "cannot be a parameter"},
		"no condition":                          {ruleFile("resource.size"), "want a condition, true or false, got int"},
		"an input not listed":                   {ruleFile("inputs.test.other.exists(o, o.hops == 1)"), "undeclared reference to 'inputs'"},
		"has":                                   {ruleFile("has(resource.days)"), "has(x.y) is true for what was not read"},
		"size of a list":                        {ruleFile("size(resource.zones) > 0"), "write count(list)"},
		"size of a list, as a method":           {ruleFile("resource.ports.size() > 0"), "write count(list)"},
		"size of a filtered list":               {ruleFile("resource.ports.filter(p, p.open).size() > 0"), "write count(list)"},
		"comparison of lists":                   {ruleFile("resource.zones == []"), "cannot be compared as a whole"},
		"comparison of objects":                 {ruleFile("resource.ports.exists(p, resource.ports.exists(q, p == q))"), "cannot be compared as a whole"},
		"comparison of maps of lists":           {ruleFile("{'a': resource.zones} == {'a': ['b']}"), "cannot be compared as a whole"},
		"in for objects":                        {ruleFile("resource.ports.all(p, p in resource.ports)"), "only plain values"},
		"dyn":                                   {ruleFile("dyn(resource.zones) == ['a']"), "hides what the type checker should see"},
		"making an object":                      {ruleFile("test.server.metadata{tokens: 'a'}.tokens == 'a'"), "a rule cannot make"},
		"the clock of the day is not a name":    {ruleFile("@today > 1"), "Syntax error"},
		"a pattern that is none":                {ruleFile("resource.role.matches('(')"), "invalid matches argument"},
		"a syntax error":                        {ruleFile("resource.public &&"), "Syntax error"},
		"too deep":                              {ruleFile(deep), "recursion"},
		"too long":                              {ruleFile("true || " + strings.Repeat("true || ", 600) + "true"), "size exceeds limit"},
		"too many nodes":                        {ruleFile("resource.size in [" + strings.Repeat("1,", 500) + "1]"), "too long"},
		"too many loops within loops":           {ruleFile("resource.ports.all(a, resource.ports.all(b, resource.ports.all(c, resource.ports.all(d, true))))"), "nesting"},
		"too costly":                            {"id: x\nresource: a.account\ninputs: [test.server]\npasses_when: inputs.test.server.all(a, inputs.test.server.all(b, inputs.test.server.all(c, a.role != b.role + c.role)))", "too long on a large account"},
		"an unknown resource type":              {"id: x\nresource: test.none\npasses_when: 'true'", "is not a resource type"},
		"an unknown input":                      {"id: x\nresource: a.account\ninputs: [test.none]\npasses_when: 'true'", "test.none is not a resource type"},
		"an input given twice":                  {"id: x\nresource: a.account\ninputs: [test.other, test.other]\npasses_when: 'true'", "listed twice"},
		"no resource variable for a whole one":  {"id: x\nresource: a.account\ninputs: [test.other]\npasses_when: resource.id == ''", "undeclared reference to 'resource'"},
		"an unknown key":                        {"id: x\nresource: test.server\npasses: 'true'\n", "x.yaml:3: field passes is not a key of a rule"},
		"an unknown key of an example":          {ruleFile("true", "examples:\n  - {want: pass, resorce: {}}"), "x.yaml:5: field resorce is not a key of an example"},
		"a key given twice":                     {"id: x\nid: y\n", "already defined"},
		"no id":                                 {"resource: test.server\npasses_when: 'true'\n", "id is missing"},
		"an empty file":                         {"", "empty"},
		"two documents":                         {ruleFile("true") + "\n---\nid: y\n", "more than one document"},
		"a list":                                {"- a\n- b\n", "cannot unmarshal"},
		"a file without end":                    {strings.Repeat("#", maxFile+1), "longer than"},
		"a wrong type in applies_when as well":  {ruleFile("true", "applies_when: resource.size"), "applies_when: want a condition"},
		"both conditions are reported together": {ruleFile("resource.a", "applies_when: resource.b"), "undefined field 'a'"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Parse("x.yaml", []byte(test.text))
			if err == nil {
				_, err = c.Compile(r, nil)
			}
			if !errors.Is(err, posture.ErrInvalid) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("want %q, got %v", test.want, err)
			}
		})
	}
}

func TestWhatCompiles(t *testing.T) {
	c := newTestCompiler(t)
	for name, text := range map[string]string{
		"size of a string":              ruleFile("size(resource.role) > 0 && resource.role.size() > 0"),
		"size of a map":                 ruleFile("size(resource.tags) == 0"),
		"size of a parameter":           ruleFile("size(params.list) == 0", "params: {list: []}"),
		"comparison of tags":            ruleFile("resource.tags == {'a': 'b'}"),
		"an object compared with null":  ruleFile("null != resource.backup"),
		"a loop over parameters":        ruleFile("params.list.exists(l, l in resource.zones)", "params: {list: [a, b]}"),
		"a map of lists as a parameter": ruleFile("params.map['a'].exists(v, v == resource.role)", "params: {map: {a: [x]}}"),
		"an empty map as a parameter":   ruleFile("!(resource.role in params.map) || resource.role in params.map[resource.role]", "params: {map: {}}"),
		"a true constant":               "id: x\nresource: test.server\npasses_when: true\n",
		"a resource with inputs":        "id: x\nresource: test.server\ninputs: [test.other]\npasses_when: inputs.test.other.all(o, o.hops <= resource.size)\n",
		"inputs compared with inputs":   "id: x\nresource: a.account\ninputs: [test.server]\npasses_when: inputs.test.server.all(a, inputs.test.server.exists(b, a.role == b.role))\n",
	} {
		t.Run(name, func(t *testing.T) { compile(t, c, text) })
	}
}

func TestVersion(t *testing.T) {
	c := newTestCompiler(t)
	version := func(text string, override map[string]any) string {
		t.Helper()
		r, err := Parse("x.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		p, err := c.Compile(r, override)
		if err != nil {
			t.Fatal(err)
		}
		return p.Version
	}
	base := ruleFile("resource.size > params.n && resource.public", "params: {n: 1}")
	for name, test := range map[string]struct {
		text     string
		override map[string]any
		same     bool
	}{
		"comments and layout do not count":       {"# a note\n" + ruleFile("resource.size  >  params.n\n && // why\n resource.public", "params:\n  n: 1 # one"), nil, true},
		"texts do not count":                     {base + "\ntitle: Something else\nseverity: low\nwhy: So.", nil, true},
		"the default given again does not count": {base, map[string]any{"n": 1}, true},
		"a parameter counts":                     {base, map[string]any{"n": 2}, false},
		"the condition counts":                   {ruleFile("resource.size >= params.n && resource.public", "params: {n: 1}"), nil, false},
		"applies_when counts":                    {base + "\napplies_when: resource.public", nil, false},
		"a space within a string counts":         {ruleFile("resource.size > params.n && resource.public && 'a  b' != 'a b'", "params: {n: 1}"), nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := version(test.text, test.override) == version(base, nil); got != test.same {
				t.Errorf("same version: want %v, got %v", test.same, got)
			}
		})
	}
	t.Run("strings keep their spaces", func(t *testing.T) {
		if version(ruleFile("resource.role == 'a  b'"), nil) == version(ruleFile("resource.role == 'a b'"), nil) {
			t.Error("two conditions have one version")
		}
	})
	t.Run("the type of a field read counts", func(t *testing.T) {
		type other struct {
			posture.Meta
			Public posture.Opt[bool] `json:"public"`
		}
		types, err := NewTypes([]*posture.Type{posture.NewType[other](serverType, nil)})
		if err != nil {
			t.Fatal(err)
		}
		changed, err := NewCompiler(types)
		if err != nil {
			t.Fatal(err)
		}
		text := ruleFile("resource.public == true")
		if compile(t, c, text).Version == compile(t, changed, text).Version {
			t.Error("the same version for two schemas")
		}
	})
}

func TestMemoKey(t *testing.T) {
	c := newTestCompiler(t)
	still, counts := compile(t, c, ruleFile("resource.public")), compile(t, c, ruleFile("days_until(resource.seen_at) > 1"))
	if still.CountsDays() || !counts.CountsDays() {
		t.Error("days_until counts days, a plain condition does not")
	}
	key, a, b := posture.Key{Type: serverType, ID: "i"}, [32]byte{1}, [32]byte{2}
	late, next := collected.Add(14*time.Hour), collected.Add(15*time.Hour) // 23:00, and midnight
	base := counts.MemoKey(key, a, b, collected)
	for name, test := range map[string]struct {
		got  [32]byte
		same bool
	}{
		"later the same day":      {counts.MemoKey(key, a, b, late), true},
		"the next day":            {counts.MemoKey(key, a, b, next), false},
		"another content":         {counts.MemoKey(key, b, b, collected), false},
		"other inputs":            {counts.MemoKey(key, a, a, collected), false},
		"another resource":        {counts.MemoKey(posture.Key{Type: serverType, ID: "j"}, a, b, collected), false},
		"another rule":            {still.MemoKey(key, a, b, collected), false},
		"content taken for input": {counts.MemoKey(key, b, a, collected), false},
	} {
		if (test.got == base) != test.same {
			t.Errorf("%s: want same %v", name, test.same)
		}
	}
	if still.MemoKey(key, a, b, collected) != still.MemoKey(key, a, b, next) {
		t.Error("a rule that counts no days is judged anew each day")
	}
}

func TestLoopsWithinLoopsEnd(t *testing.T) {
	c := newTestCompiler(t)
	p := compile(t, c, "id: x\nresource: a.account\ninputs: [test.server]\n"+
		"passes_when: inputs.test.server.all(a, inputs.test.server.exists(b, a.role + 'x' == b.role) || a.public)\n")
	var records []*Record
	for range 30_000 { // 900 million turns if nothing ended them
		records = append(records, decode(t, c, "i", `{"public":true,"role":"r"}`))
	}
	start := time.Now()
	got := p.Evaluate(Subject{Inputs: map[string]Input{serverType: NewInput(serverType, records, nil)}}, collected)
	if got.Result != posture.Unknown || got.Unread[0].Reason != posture.ReasonRuleError {
		t.Errorf("got %s: %s", got.Result, got.Reason)
	}
	t.Logf("ended after %v", time.Since(start))
}
