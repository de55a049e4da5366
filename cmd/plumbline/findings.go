package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func newFindings(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "findings", Short: "List current verdicts, by default those that fail, and say what becomes of findings",
		Long: `Lists verdicts. A rule that fails on a resource makes a finding, which lives until the rule passes or no longer applies, or the
resource is gone: nobody closes one by hand, but people say whose it is, that it is being mended, or that the rule is wrong.`,
		Example: "  plumbline findings list --verdict unknown\n  plumbline findings show aws-s3-bucket-not-public logs\n  plumbline findings ack F-mfzgcyltmfrggzdf",
	}
	c.AddCommand(newFindingsList(a), newFindingsShow(a))
	for _, act := range findingActs {
		c.AddCommand(newFindingsAct(a, act))
	}
	return c
}

// verdictRow is a current verdict as scripts see it.
type verdictRow struct {
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
	FindingID    string           `json:"finding_id,omitempty"`
	State        finding.State    `json:"state,omitempty"`        // of the finding; empty: the rule never failed on the resource
	ExceptionID  int64            `json:"exception_id,omitempty"` // in force
}

func findingOf(v store.Judged, severities map[string]string) verdictRow {
	provider, account, _ := strings.Cut(v.Account, ":")
	return verdictRow{
		RuleID: v.RuleID, Severity: severities[v.RuleID], Provider: provider, Account: account, Region: v.Resource.Region,
		ResourceType: v.Resource.Type, ResourceID: v.Resource.ID, Verdict: v.Result, Reason: v.Reason,
		Unread: append([]posture.Unread{}, v.Unread...), FirstSeen: v.First.UTC(), ObservedAt: v.Observed.UTC(),
	}
}

// verdictFindings returns verdicts with the findings that belong to them.
func verdictFindings(ctx context.Context, db *store.Store, filter store.VerdictFilter, severities map[string]string) ([]verdictRow, error) {
	list, err := db.Verdicts(ctx, filter)
	if err != nil {
		return nil, err
	}
	out, ids, place := make([]verdictRow, len(list)), make([]string, len(list)), make(map[string]int, len(list))
	for i, v := range list {
		out[i], ids[i] = findingOf(v, severities), finding.ID(v.Account, v.RuleID, v.Resource)
		place[ids[i]] = i
	}
	lives, err := db.Findings(ctx, store.FindingFilter{IDs: ids, AsOf: filter.AsOf})
	for _, life := range lives {
		f := &out[place[life.ID]]
		if f.FindingID, f.State = life.ID, life.State; life.State == finding.Excepted {
			f.ExceptionID = life.Exception
		}
	}
	return out, err
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
				list, err := verdictFindings(c.Context(), db, filter, severities)
				if err != nil {
					return err
				}
				rows := [][]any{}
				for _, f := range list {
					id := f.ResourceID
					if id == "" {
						id = "(all of " + f.ResourceType + ")"
					}
					rows = append(rows, []any{f.Severity, f.RuleID, f.Account, f.Region, short(id, 50), string(f.Verdict), stamp(f.FirstSeen), short(f.Reason, 80),
						f.FindingID, string(f.State), number(f.ExceptionID)})
				}
				return a.show(list, []string{"severity", "rule", "account", "region", "resource", "verdict", "since (UTC)", "reason", "finding", "state", "exception"}, rows)
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
				list, err := verdictFindings(c.Context(), db, filter, map[string]string{p.ID: string(p.Severity)})
				if err != nil {
					return err
				}
				if len(list) == 0 {
					return fmt.Errorf("verdict of %s on %q: %w", args[0], args[1], posture.ErrNotFound)
				}
				for _, f := range list {
					if a.output == "json" {
						if err := a.show(f, nil, nil); err != nil {
							return err
						}
						continue
					}
					fmt.Fprintf(a.out, "%s  %s\n%s\n\nresource  %s %s %s:%s\nsince     %s UTC, last seen %s UTC\nreason    %s\n",
						strings.ToUpper(string(f.Verdict)), p.ID, p.Title, f.ResourceType, f.ResourceID, f.Provider+":"+f.Account, f.Region,
						stamp(f.FirstSeen), stamp(f.ObservedAt), printable(f.Reason, false))
					if f.FindingID != "" {
						if err := a.showLife(c.Context(), db, f.FindingID); err != nil {
							return err
						}
					}
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

// showLife prints what happened to a finding.
func (a *app) showLife(ctx context.Context, db *store.Store, id string) error {
	events, err := db.FindingEvents(ctx, id, time.Time{})
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "finding   %s\n", id)
	for _, e := range events {
		fmt.Fprintf(a.out, "          %s %s by %s %s\n", stamp(e.At), e.Kind, e.By.ID, printable(short(e.Note, 80), false))
	}
	return nil
}

// number is a number for a table, empty for zero.
func number(n int64) any {
	if n == 0 {
		return ""
	}
	return n
}

// findingAct is a command by which a person moves findings.
type findingAct struct {
	use, short, long, example string
	kind                      finding.Kind
	needs                     string // the flag without which it means nothing
}

var findingActs = []findingAct{
	{"ack", "Say that somebody has seen findings and answers for them", "", "  plumbline findings ack F-mfzgcyltmfrggzdf --assignee dana@example.com", finding.KindAcked, ""},
	{"assign", "Say whose findings are", "", "  plumbline findings assign F-mfzgcyltmfrggzdf --assignee dana@example.com", finding.KindAssigned, "assignee"},
	{"claim", "Say that findings are mended", "The findings are resolved when a later scan sees them pass; no clock stops until then.",
		"  plumbline findings claim F-mfzgcyltmfrggzdf --reference CHG-1234", finding.KindClaimed, "reference"},
	{"dispute", "Say that a rule is wrong about resources", "Somebody who approves rules refuses the dispute, or corrects the rule.",
		"  plumbline findings dispute F-mfzgcyltmfrggzdf --reason 'the bucket serves a public site'", finding.KindDisputed, "reason"},
}

func newFindingsAct(a *app, act findingAct) *cobra.Command {
	move := finding.Act{Kind: act.kind}
	var by string
	c := &cobra.Command{
		Use: act.use + " FINDING...", Short: act.short, Long: act.long, Args: cobra.MinimumNArgs(1), Example: act.example,
		RunE: func(c *cobra.Command, args []string) error {
			if act.needs != "" && c.Flags().Lookup(act.needs).Value.String() == "" {
				return usageError{fmt.Errorf("%s needs --%s", c.CommandPath(), act.needs)}
			}
			actor := localActor(by)
			if act.kind == finding.KindAcked && move.Assignee == "" {
				move.Assignee = actor.ID
			}
			return a.withStore(c.Context(), func(db *store.Store) error {
				list, rows := []finding.Finding{}, [][]any{}
				for _, id := range args {
					f, err := db.MoveFinding(c.Context(), actor, id, move)
					if err != nil {
						return err
					}
					list = append(list, f)
					rows = append(rows, []any{f.ID, f.RuleID, f.Account, short(f.Resource.ID, 50), string(f.State), f.Assignee, f.Reference})
				}
				return a.show(list, []string{"finding", "rule", "account", "resource", "state", "assignee", "reference"}, rows)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&by, "by", "", byUsage)
	f.StringVar(&move.Reason, "reason", "", "why")
	if act.kind == finding.KindAcked || act.kind == finding.KindAssigned {
		f.StringVar(&move.Assignee, "assignee", "", "whose the findings are; ack: by default who acknowledges them")
	}
	if act.kind == finding.KindClaimed {
		f.StringVar(&move.Reference, "reference", "", "change or ticket of the fix")
	}
	return c
}

const byUsage = "`name` of who does it, recorded as local:NAME; by default the user of this machine"

// localActor is who acts through the database alone, under the name that they give. The session says who ran the program.
func localActor(name string) access.Actor {
	who := operator()
	if name == "" {
		name, _, _ = strings.Cut(strings.TrimPrefix(who.ID, "cli:"), "@")
	}
	return access.Actor{ID: "local:" + name, Kind: access.Person, Session: who.ID}
}
