package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/pkg/config"
	"github.com/plumbline-dev/plumbline/pkg/rule"
)

func newConfig(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "config", Short: "Check the settings of the service, or show those in effect",
		Example: "  plumbline config check plumbline.yaml\n  plumbline config show plumbline.yaml --output json",
	}
	c.AddCommand(newConfigCheck(a), newConfigShow(a))
	return c
}

// loadSettings reads the settings of a file, or of the file that PLUMBLINE_CONFIG names, and of the environment.
func loadSettings(args []string, set *rule.Set) (*config.Config, error) {
	path := os.Getenv("PLUMBLINE_CONFIG")
	if len(args) > 0 {
		path = args[0]
	}
	return config.Load(path, os.Environ(), knownTo(set))
}

// knownTo is what settings may refer to: the rules and controls of this program.
func knownTo(set *rule.Set) config.Known {
	var known config.Known
	for _, p := range set.Active() {
		known.Rules = append(known.Rules, p.ID)
	}
	for _, c := range set.SOC2.Controls {
		known.Controls = append(known.Controls, c.ID)
	}
	for _, c := range set.SOC2.Criteria {
		known.Criteria = append(known.Criteria, c.ID)
	}
	known.Parameters = func(id string, parameters map[string]any) error {
		p, err := set.Program(id)
		if err != nil {
			return err
		}
		_, err = set.Compiler.Compile(p.Rule, parameters)
		return err
	}
	return known
}

func newConfigCheck(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "check [FILE]", Short: "Say everything that is wrong with the settings", Args: cobra.MaximumNArgs(1),
		Long: `Reads the settings of FILE, or of the file that PLUMBLINE_CONFIG names, together with the variables that begin with PLUMBLINE_,
and lists all errors with their lines. Files that hold secrets are read as well; nothing is connected to.`,
		Example: "  plumbline config check plumbline.yaml",
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := loadRules()
			if err != nil {
				return err
			}
			_, err = loadSettings(args, set)
			var wrong config.Errors
			if err != nil && !errors.As(err, &wrong) {
				return err
			}
			rows := [][]any{}
			for _, e := range wrong {
				at := e.Variable
				if at == "" {
					at = fmt.Sprintf("%s:%d", e.File, e.Line)
				}
				rows = append(rows, []any{at, e.Setting, e.Value, e.Problem, e.Fix})
			}
			switch {
			case a.output == "table" && err == nil:
				fmt.Fprintln(a.out, "The settings are as they should be.")
				return nil
			case a.output == "table":
				for _, e := range wrong {
					fmt.Fprintln(a.out, printable(e.Error(), false))
				}
			default:
				if err := a.show(append(config.Errors{}, wrong...), []string{"at", "setting", "value", "problem", "fix"}, rows); err != nil {
					return err
				}
			}
			if len(wrong) > 0 {
				return exit(exitSetup)
			}
			return nil
		},
	}
}

func newConfigShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show [FILE]", Short: "Print the settings in effect, defaults included and secrets hidden", Args: cobra.MaximumNArgs(1),
		Example: "  PLUMBLINE_LOG_LEVEL=debug plumbline config show plumbline.yaml",
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := loadRules()
			if err != nil {
				return err
			}
			settings, err := loadSettings(args, set)
			if err != nil {
				return err
			}
			switch a.output {
			case "csv":
				return usageError{errors.New("settings are no list: --output table prints YAML, json JSON")}
			case "json":
				tree, err := settings.Tree()
				if err != nil {
					return err
				}
				return a.show(tree, nil, nil)
			}
			text, err := settings.YAML()
			if err != nil {
				return err
			}
			_, err = a.out.Write(text)
			return err
		},
	}
}
