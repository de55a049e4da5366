package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
)

func newRules(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "rules", Short: "List, show, check and test the rules",
		Example: "  plumbline rules list --output json\n  plumbline rules show aws-s3-bucket-not-public\n  plumbline rules test",
	}
	c.AddCommand(newRulesList(a), newRulesShow(a), newRulesLint(a), newRulesTest(a))
	return c
}

// listedRule is a rule as scripts see it.
type listedRule struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Provider string   `json:"provider"`
	Resource string   `json:"resource"`
	Severity string   `json:"severity"`
	Control  string   `json:"control"`
	Criteria []string `json:"criteria"`
}

func listed(set *rule.Set, p *rule.Program) listedRule {
	provider, _, _ := strings.Cut(p.Resource, ".")
	r := listedRule{p.ID, p.Title, provider, p.Resource, string(p.Severity), p.Control, []string{}}
	for _, link := range set.Criteria(p) {
		r.Criteria = append(r.Criteria, link.ID)
	}
	return r
}

func newRulesList(a *app) *cobra.Command {
	var service, severity string
	c := &cobra.Command{
		Use: "list", Short: "List the rules with their controls and criteria", Args: cobra.NoArgs,
		Example: "  plumbline rules list --service s3 --severity critical",
		RunE: func(*cobra.Command, []string) error {
			set, err := loadRules()
			if err != nil {
				return err
			}
			list, rows := []listedRule{}, [][]any{}
			for _, p := range set.Active() {
				r := listed(set, p)
				if (service != "" && !strings.HasPrefix(r.ID, r.Provider+"-"+service+"-")) || (severity != "" && r.Severity != severity) {
					continue
				}
				list = append(list, r)
				rows = append(rows, []any{r.ID, r.Severity, r.Control, strings.Join(r.Criteria, " "), short(r.Title, 70)})
			}
			return a.show(list, []string{"id", "severity", "control", "criteria", "title"}, rows)
		},
	}
	c.Flags().StringVar(&service, "service", "", "only rules of this service, as in their ids (s3)")
	c.Flags().StringVar(&severity, "severity", "", "only rules of this severity: critical, high, medium or low")
	return c
}

func newRulesShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show RULE", Short: "Show a rule, its condition, and what its control supports and leaves unproved", Args: cobra.ExactArgs(1),
		Example: "  plumbline rules show aws-cloudtrail-security-trail-exists",
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := loadRules()
			if err != nil {
				return err
			}
			p, err := set.Program(args[0])
			if err != nil {
				return err
			}
			control, _ := set.SOC2.Control(p.Control)
			if a.output == "json" {
				return a.show(struct {
					listedRule
					Version     string         `json:"version"`
					Inputs      []string       `json:"inputs"`
					Params      map[string]any `json:"params"`
					AppliesWhen string         `json:"applies_when,omitempty"`
					PassesWhen  string         `json:"passes_when"`
					Message     string         `json:"message"`
					Why         string         `json:"why"`
					Fix         string         `json:"fix"`
				}{listed(set, p), p.Version, append([]string{}, p.Inputs...), p.Parameters(), p.AppliesWhen, p.PassesWhen, p.Message, p.Why, p.Fix}, nil, nil)
			}
			w := a.out
			fmt.Fprintf(w, "%s\n%s\n\nseverity  %s\nresource  %s\ncontrol   %s\nversion   %s\n", p.ID, p.Title, p.Severity, p.Resource, p.Control, p.Version)
			if p.AppliesWhen != "" {
				fmt.Fprintf(w, "\nApplies when\n  %s\n", p.AppliesWhen)
			}
			fmt.Fprintf(w, "\nPasses when\n  %s\n", p.PassesWhen)
			if len(p.Parameters()) > 0 {
				fmt.Fprintf(w, "\nParameters\n  %v\n", p.Parameters())
			}
			fmt.Fprintf(w, "\nWhen it fails\n  %s\n\nWhy\n  %s\n\nFix\n  %s\n\nControl\n  %s\n", p.Message, p.Why, p.Fix, control.Statement)
			for _, link := range control.Criteria {
				fmt.Fprintf(w, "\n%s\n  supports: %s\n  leaves unproved: %s\n", link.ID, link.Supports, link.Leaves)
			}
			return nil
		},
	}
}

// ruleFiles are the rules to check: the program's own, or those in files or folders of the user's.
func ruleFiles(paths []string) (*rule.Set, error) {
	if len(paths) == 0 {
		return loadRules()
	}
	set, err := loadRules()
	if err != nil {
		return nil, err
	}
	var files []string
	for _, path := range paths {
		err := filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(p, ".yaml") && filepath.Base(p) != "soc2.yaml" {
				files = append(files, p)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("%w: %w", posture.ErrSetup, err)
		}
	}
	out := &rule.Set{SOC2: set.SOC2, Compiler: set.Compiler}
	var failed []error
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", posture.ErrSetup, err)
		}
		r, err := rule.Parse(file, data)
		if err == nil {
			var p *rule.Program
			if p, err = set.Compiler.Compile(r, nil); err == nil {
				out.Programs = append(out.Programs, p)
			}
		}
		failed = append(failed, err)
	}
	return out, errors.Join(failed...)
}

func newRulesLint(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "lint [FILE|FOLDER …]", Short: "Check rules: conditions, texts, controls, examples",
		Long:    "Type-checks conditions and refuses missing, templated or repeated texts and missing examples: of the program's own rules, or of the files given.",
		Example: "  plumbline rules lint\n  plumbline rules lint my-rules/",
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := ruleFiles(args)
			if err != nil {
				return err
			}
			complaints := []string{}
			rows := [][]any{}
			for _, err := range rule.Lint(set) {
				complaints = append(complaints, err.Error())
				rows = append(rows, []any{err.Error()})
			}
			if len(rows) == 0 && a.output == "table" {
				fmt.Fprintf(a.out, "%d rules, nothing to complain about\n", len(set.Programs))
				return nil
			}
			if err := a.show(complaints, []string{"complaint"}, rows); err != nil {
				return err
			}
			if len(complaints) > 0 {
				return exit(exitSetup)
			}
			return nil
		},
	}
}

func newRulesTest(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "test [FILE|FOLDER …]", Short: "Run the examples of rules",
		Example: "  plumbline rules test",
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := ruleFiles(args)
			if err != nil {
				return err
			}
			examples, failures, rows := 0, []string{}, [][]any{}
			for _, p := range set.Programs {
				examples += len(p.Examples)
				for _, f := range set.Compiler.RunExamples(p.Rule) {
					failures = append(failures, f.String())
					rows = append(rows, []any{f.String()})
				}
			}
			if a.output == "json" {
				err = a.show(struct {
					Rules    int      `json:"rules"`
					Examples int      `json:"examples"`
					Failures []string `json:"failures"`
				}{len(set.Programs), examples, failures}, nil, nil)
			} else if len(failures) > 0 {
				err = a.show(failures, []string{"failure"}, rows)
			} else {
				fmt.Fprintf(a.out, "%d rules, %d examples, all as they should be\n", len(set.Programs), examples)
			}
			if len(failures) > 0 {
				err = cmp.Or(err, error(exit(exitFound)))
			}
			return err
		},
	}
}
