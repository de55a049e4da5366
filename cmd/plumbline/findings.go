package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func newFindings(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "findings", Short: "List current verdicts, by default those that fail",
		Example: "  plumbline findings list --verdict unknown\n  plumbline findings show aws-s3-bucket-not-public logs",
	}
	c.AddCommand(newFindingsList(a), newFindingsShow(a))
	return c
}

// finding is a current verdict as scripts see it.
type finding struct {
	RuleID       string           `json:"rule_id"`
	Severity     string           `json:"severity"`
	Provider     string           `json:"provider"`
	Account      string           `json:"account"`
	Region       string           `json:"region"`
	ResourceType string           `json:"resource_type"`
	ResourceID   string           `json:"resource_id"` // empty: the whole cell of that region and type
	Verdict      posture.Result   `json:"verdict"`
	Reason       string           `json:"reason"`
	Unread       []posture.Unread `json:"unread"`
	FirstSeen    time.Time        `json:"first_seen"`  // since when the verdict has been the same
	ObservedAt   time.Time        `json:"observed_at"` // start of the scan that judged it
}

func findingOf(v store.Judged, severities map[string]string) finding {
	provider, account, _ := strings.Cut(v.Account, ":")
	return finding{
		RuleID: v.RuleID, Severity: severities[v.RuleID], Provider: provider, Account: account, Region: v.Resource.Region,
		ResourceType: v.Resource.Type, ResourceID: v.Resource.ID, Verdict: v.Result, Reason: v.Reason,
		Unread: append([]posture.Unread{}, v.Unread...), FirstSeen: v.First.UTC(), ObservedAt: v.Observed.UTC(),
	}
}

func ruleSeverities() (map[string]string, error) {
	set, err := loadRules()
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, p := range set.Programs {
		out[p.ID] = string(p.Severity)
	}
	return out, nil
}

func newFindingsList(a *app) *cobra.Command {
	var filter store.VerdictFilter
	var verdict, asOf string
	c := &cobra.Command{
		Use: "list", Short: "List verdicts", Args: cobra.NoArgs,
		Example: `  plumbline findings list
  plumbline findings list --verdict unknown --output json
  plumbline findings list --rule aws-s3-bucket-not-public --as-of 2026-03-01`,
		RunE: func(c *cobra.Command, _ []string) error {
			switch verdict {
			case "all":
			case "pass", "fail", "unknown", "not_applicable":
				filter.Result = posture.Result(verdict)
			default:
				return usageError{fmt.Errorf("--verdict %q: want pass, fail, unknown, not_applicable or all", verdict)}
			}
			var err error
			if filter.AsOf, err = parseTime(asOf); err != nil {
				return err
			}
			severities, err := ruleSeverities()
			if err != nil {
				return err
			}
			return a.withStore(c.Context(), func(db *store.Store) error {
				list, err := db.Verdicts(c.Context(), filter)
				if err != nil {
					return err
				}
				findings, rows := []finding{}, [][]any{}
				for _, v := range list {
					f := findingOf(v, severities)
					findings = append(findings, f)
					id := f.ResourceID
					if id == "" {
						id = "(all of " + f.ResourceType + ")"
					}
					rows = append(rows, []any{f.Severity, f.RuleID, f.Account, f.Region, short(id, 50), string(f.Verdict), stamp(f.FirstSeen), short(f.Reason, 80)})
				}
				return a.show(findings, []string{"severity", "rule", "account", "region", "resource", "verdict", "since (UTC)", "reason"}, rows)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&verdict, "verdict", "fail", "pass, fail, unknown, not_applicable or all")
	f.StringVar(&filter.Account, "account", "", "only this account (aws:111122223333)")
	f.StringVar(&filter.Rule, "rule", "", "only this rule")
	f.StringVar(&filter.Type, "type", "", "only this resource type")
	f.StringVar(&filter.Region, "region", "", "only this region")
	f.StringVar(&asOf, "as-of", "", "as of this `time` (2026-03-01 or RFC 3339); default now")
	f.IntVar(&filter.Limit, "limit", 0, "at most this many; 0 shows all")
	return c
}

func newFindingsShow(a *app) *cobra.Command {
	var filter store.VerdictFilter
	c := &cobra.Command{
		Use: "show RULE RESOURCE", Short: "Show one verdict with its reason, and how to mend it", Args: cobra.ExactArgs(2),
		Example: "  plumbline findings show aws-s3-bucket-not-public logs --account aws:111122223333",
		RunE: func(c *cobra.Command, args []string) error {
			set, err := loadRules()
			if err != nil {
				return err
			}
			p, err := set.Program(args[0])
			if err != nil {
				return err
			}
			filter.Rule, filter.ID = args[0], args[1]
			return a.withStore(c.Context(), func(db *store.Store) error {
				list, err := db.Verdicts(c.Context(), filter)
				if err != nil {
					return err
				}
				if len(list) == 0 {
					return fmt.Errorf("verdict of %s on %q: %w", args[0], args[1], posture.ErrNotFound)
				}
				for _, v := range list {
					f := findingOf(v, map[string]string{p.ID: string(p.Severity)})
					if a.output == "json" {
						if err := a.show(f, nil, nil); err != nil {
							return err
						}
						continue
					}
					fmt.Fprintf(a.out, "%s  %s\n%s\n\nresource  %s %s %s:%s\nsince     %s UTC, last seen %s UTC\nreason    %s\n",
						strings.ToUpper(string(f.Verdict)), p.ID, p.Title, f.ResourceType, f.ResourceID, v.Account, f.Region,
						stamp(f.FirstSeen), stamp(f.ObservedAt), printable(f.Reason, false))
					for _, u := range f.Unread {
						fmt.Fprintf(a.out, "unread    %s: %s\n", u.Path, u.Cause)
					}
					fmt.Fprintf(a.out, "\n%s\n\nWhy  %s\n\nFix  %s\n", p.Message, p.Why, p.Fix)
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&filter.Account, "account", "", "only this account (aws:111122223333)")
	return c
}
