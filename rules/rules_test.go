package rules_test

import (
	"testing"

	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/rules"
)

func load(t *testing.T) *rule.Set {
	t.Helper()
	set, err := rules.Load()
	if err != nil {
		t.Fatalf("rules do not load:\n%v", err)
	}
	return set
}

func TestRulesAreWellWritten(t *testing.T) {
	for _, complaint := range rule.Lint(load(t)) {
		t.Error(complaint)
	}
}

func TestExamplesGiveWhatTheyWant(t *testing.T) {
	set := load(t)
	for _, p := range set.Programs {
		t.Run(p.ID, func(t *testing.T) {
			for _, failure := range set.Compiler.RunExamples(p.Rule) {
				t.Error(failure)
			}
		})
	}
}
