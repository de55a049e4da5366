package rule

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

const goodSOC2 = `
controls:
  - {id: access, title: Access is limited, statement: Only staff., nature: state, domain: access,
     criteria: [{id: CC6.1, supports: This much., leaves: All else.}]}
uncovered: [{id: CC6.2, reason: People do it.}]
categories: [{id: security, title: Security, required: true}]
series: [{id: CC6, category: security, title: Access}]
criteria:
  - {id: CC6.1, series: CC6, category: security, title: Access, summary: Who may., automatable: partial, nature: [state]}
  - {id: CC6.2, series: CC6, category: security, title: Joiners, summary: Who joins., automatable: manual, nature: [event]}
`

const goodRule = `id: test-server-private
title: Servers stay off the internet
resource: test.server
severity: high
control: access
params: {least: 1}
passes_when: "!resource.public && resource.size >= params.least"
message: The server has a public address.
why: Strangers reach what listens there.
fix: Take the address away and use the bastion.
examples:
  - {want: pass, resource: {public: false, size: 1}}
  - {want: fail, resource: {public: true}}
  - {want: unknown, resource: {size: 1}, unread: [public]}
`

func files(soc2 string, rules ...string) fstest.MapFS {
	fsys := fstest.MapFS{"soc2.yaml": {Data: []byte(soc2)}}
	for _, text := range rules {
		id, _, _ := strings.Cut(strings.TrimPrefix(text, "id: test-server-"), "\n")
		fsys["test/server/"+id+".yaml"] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func replaced(s string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(s, pairs[i]) {
			panic("nothing to replace: " + pairs[i])
		}
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

func TestLint(t *testing.T) {
	second := replaced(goodRule, "test-server-private", "test-server-locked", "Servers stay off the internet", "Servers carry a lock",
		"The server has a public address.", "Anybody may delete it.",
		"Strangers reach what listens there.", "One wrong call would end it.", "Take the address away and use the bastion.", "Set the lock.")
	linkless := replaced(goodSOC2, ", leaves: All else.", "")
	twoAlike := replaced(goodSOC2, "{id: CC6.1, supports: This much., leaves: All else.}",
		"{id: CC6.1, supports: This much., leaves: All else.}, {id: CC6.2, supports: That., leaves: Much.}",
		"uncovered: [{id: CC6.2, reason: People do it.}]", "")
	for name, test := range map[string]struct {
		files fstest.MapFS
		want  string // "" for nothing to say
	}{
		"two good rules":               {files(goodSOC2, goodRule, second), ""},
		"the id follows the file":      {fstest.MapFS{"soc2.yaml": {Data: []byte(goodSOC2)}, "test/server/other.yaml": {Data: []byte(goodRule)}}, "the file's name asks for test-server-other"},
		"a severity nobody knows":      {files(goodSOC2, replaced(goodRule, "high", "urgent")), "want critical, high, medium or low"},
		"a control nobody knows":       {files(goodSOC2, replaced(goodRule, "control: access", "control: acess")), "is not a control"},
		"no message":                   {files(goodSOC2, replaced(goodRule, "The server has a public address.", "")), "say it in words"},
		"no example of unknown":        {files(goodSOC2, replaced(goodRule, "want: unknown", "want: pass")), "there is none for unknown"},
		"no example of not_applicable": {files(goodSOC2, goodRule+"applies_when: resource.locked == true\n"), "there is none for not_applicable"},
		"a text copied with other names": {files(goodSOC2, goodRule, replaced(second, "One wrong call would end it.",
			"Strangers reach what listens there, locked or not.", "Set the lock.", "Take the address away and use the bastion 2.")), "reads like that of"},
		"a link without both sentences":   {files(linkless, goodRule), "must say what it supports and what it leaves unproved"},
		"criteria with the same controls": {files(twoAlike, goodRule), "criteria CC6.1 and CC6.2 have the same controls"},
		"the same controls, declared":     {files(twoAlike+"same_controls: [[CC6.1, CC6.2]]\n", goodRule), ""},
		"a criterion that does not exist": {files(replaced(goodSOC2, "{id: CC6.1, supports", "{id: CC6.9, supports"), goodRule), `criterion "CC6.9" does not exist`},
		"a covered criterion uncovered":   {files(replaced(goodSOC2, "uncovered: [{id: CC6.2", "uncovered: [{id: CC6.1"), goodRule), "must be a criterion without controls"},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := Load(test.files, testTypes())
			if err != nil {
				t.Fatal(err)
			}
			complaints := errors.Join(Lint(set)...)
			if test.want == "" && complaints != nil || test.want != "" && !strings.Contains(fmt.Sprint(complaints), test.want) {
				t.Errorf("want %q, got:\n%v", test.want, complaints)
			}
		})
	}
}

func TestLoadReportsEveryFile(t *testing.T) {
	_, err := Load(files(goodSOC2, replaced(goodRule, "resource.public", "resource.publik"),
		replaced(goodRule, "test-server-private", "test-server-b", "severity", "sevrity")), testTypes())
	for _, want := range []string{"test/server/private.yaml:7:", "undefined field 'publik'", "test/server/b.yaml:4: field sevrity is not a key"} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("want %q in:\n%v", want, err)
		}
	}
	if _, err := Load(fstest.MapFS{"soc2.yaml": {Data: []byte(goodSOC2)}, "a/b/c.yaml": {Data: []byte(goodRule)},
		"a/b/d.yaml": {Data: []byte(goodRule)}}, testTypes()); !strings.Contains(fmt.Sprint(err), "is the id of a/b/c.yaml too") {
		t.Errorf("two rules share an id: %v", err)
	}
}

func TestWithParams(t *testing.T) {
	set, err := Load(files(goodSOC2, goodRule), testTypes())
	if err != nil {
		t.Fatal(err)
	}
	other, err := set.WithParams(map[string]map[string]any{"test-server-private": {"least": 5}})
	if err != nil {
		t.Fatal(err)
	}
	before, _ := set.Program("test-server-private")
	after, _ := other.Program("test-server-private")
	if set.Digest() == other.Digest() {
		t.Error("two rule sets have one digest")
	}
	if before.Parameters()["least"] != 1 || after.Parameters()["least"] != 5 || before.Version == after.Version {
		t.Errorf("parameters %v and %v, versions %s and %s", before.Parameters(), after.Parameters(), before.Version, after.Version)
	}
	record := decode(t, set.Compiler, "i", `{"public":false,"size":3}`)
	if got := after.Evaluate(Subject{Resource: record}, collected).Result; got != posture.Fail {
		t.Errorf("with another parameter: %s", got)
	}
	for want, params := range map[string]map[string]map[string]any{
		"there is no such rule":      {"test-server-x": {}},
		"is not a parameter":         {"test-server-private": {"leest": 5}},
		"want int, got string":       {"test-server-private": {"least": "5"}},
		"least: <nil> (<nil>) canno": {"test-server-private": {"least": nil}},
	} {
		if _, err := set.WithParams(params); !errors.Is(err, posture.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestSetAnswers(t *testing.T) {
	retired := replaced(goodRule, "test-server-private", "test-server-old") + "retired: Replaced by test-server-private.\n"
	set, err := Load(files(goodSOC2, goodRule, retired), testTypes())
	if err != nil {
		t.Fatal(err)
	}
	active := set.Active()
	if len(set.Programs) != 2 || len(active) != 1 || active[0].ID != "test-server-private" {
		t.Errorf("of two rules one is retired; active are %v", active)
	}
	if diff := cmp.Diff([]Link{{"CC6.1", "This much.", "All else."}}, set.Criteria(active[0])); diff != "" {
		t.Errorf("criteria differ (-want +got):\n%s", diff)
	}
	if _, err := set.Program("none"); !errors.Is(err, posture.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestExamplesThatFail(t *testing.T) {
	c := newTestCompiler(t)
	for name, test := range map[string]struct{ rule, want string }{
		"another result":             {ruleFile("resource.public", "examples:\n  - {want: pass, resource: {public: false}}"), "test.yaml:5: want pass, got fail: not met: resource.public"},
		"a rule error is no unknown": {ruleFile("resource.days > 1", "examples:\n  - {want: unknown, resource: {days: null}}"), "want unknown, got unknown: rule error"},
		"an attribute misspelt":      {ruleFile("resource.public", "examples:\n  - {want: unknown, resource: {publik: true}}"), "there is no attribute publik"},
		"an attribute in a list":     {ruleFile("resource.public", "examples:\n  - {want: unknown, resource: {ports: [{fro: 1}]}}"), "ports: there is no attribute fro"},
		"a value of another type":    {ruleFile("resource.public", "examples:\n  - {want: unknown, resource: {size: '1'}}"), `size is 1 (string), which does not fit`},
		"absent where it cannot be":  {ruleFile("resource.public", "examples:\n  - {want: unknown, resource: {size: null}}"), "size is never absent"},
		"a list of another type":     {ruleFile("resource.public", "examples:\n  - {want: unknown, resource: {zones: [1]}}"), "zones holds 1 (int)"},
		"a time that is none":        {ruleFile("resource.public", "examples:\n  - {want: unknown, resource: {seen_at: soon}}"), "seen_at: parsing time"},
		"an input not listed":        {ruleFile("resource.public", "examples:\n  - {want: unknown, incomplete: [test.other]}"), "is not an input of the rule"},
		"a parameter misspelt":       {ruleFile("resource.public", "examples:\n  - {want: unknown, params: {a: 1}}"), "a is not a parameter"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Parse("test.yaml", []byte(test.rule))
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(c.RunExamples(r)); !strings.Contains(got, test.want) {
				t.Errorf("want %q, got %s", test.want, got)
			}
		})
	}
}

func TestExamplesThatHold(t *testing.T) {
	c := newTestCompiler(t)
	r, err := Parse("test.yaml", []byte(ruleFile(
		`age_days(resource.seen_at) <= 40 && resource.created_at < resource.seen_at && resource.ports.all(p, !p.open)`, `examples:
  - {want: pass, resource: {seen_at: "-40d", created_at: 2020-01-01T00:00:00Z, ports: [{id: a, open: false}]}}
  - {want: pass, resource: {seen_at: "+12h", created_at: "2020-01-01T00:00:00Z", ports: []}}
  - {want: fail, resource: {seen_at: "-41d"}}
  - {want: fail, collected_at: "2031-01-01T00:00:00Z", resource: {seen_at: 2026-01-01T00:00:00Z}}
  - {want: unknown, unread: ["ports[]"], resource: {seen_at: "-1d", created_at: "-2d", ports: [{id: a, open: false}]}}
  - {want: unknown, resource: {seen_at: "-1d", created_at: "-2d", ports: [{id: a}]}}
  - {want: unknown}`)))
	if err != nil {
		t.Fatal(err)
	}
	for _, failure := range c.RunExamples(r) {
		t.Error(failure)
	}
}
