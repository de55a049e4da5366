package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func newExceptions(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "exceptions", Short: "Accept findings for a time, with a second person's approval",
		Long: `An exception accepts failing findings from its approval until it expires. The verdicts stay failed, the time before stays as it
was, and another person than the one who asks has to approve; a pattern needs two. It ends early when it is revoked, and for a
resource or rule that changed beyond what was approved.`,
		Example: `  plumbline exceptions request F-mfzgcyltmfrggzdf --reason 'a public site' --risk 'none: no personal data' --days 30
  plumbline exceptions approve 12 --by dana
  plumbline exceptions list`,
	}
	c.AddCommand(newExceptionsRequest(a), newExceptionsList(a),
		newExceptionsDecide(a, finding.Approve, "Approve an exception that somebody else asked for"),
		newExceptionsDecide(a, finding.Refuse, "Refuse, or withdraw, an exception that is not approved"),
		newExceptionsDecide(a, finding.Revoke, "End an exception that was approved"))
	return c
}

// exception is an exception as scripts see it.
type exception struct {
	finding.Exception
	Standing finding.Standing `json:"standing"`
}

func (a *app) showExceptions(list []finding.Exception, at time.Time) error {
	out, rows := []exception{}, [][]any{}
	for _, e := range list {
		out = append(out, exception{e, e.Standing(at)})
		about := fmt.Sprintf("%d resources", len(e.Resources))
		if len(e.Resources) == 1 {
			about = short(e.Resources[0].ID, 50)
		}
		if e.Pattern != "" {
			about += " (" + e.Pattern + ")"
		}
		rows = append(rows, []any{e.ID, string(e.Standing(at)), e.RuleID, e.Account, about, e.Requester, stamp(e.Starts), stamp(e.Expires), short(e.Reason, 60)})
	}
	return a.show(out, []string{"exception", "standing", "rule", "account", "resources", "requester", "starts (UTC)", "expires (UTC)", "reason"}, rows)
}

func newExceptionsRequest(a *app) *cobra.Command {
	var e finding.Exception
	var by, starts, expires string
	var days int
	c := &cobra.Command{
		Use: "request [FINDING...]", Short: "Ask to accept findings of one rule in one account",
		Long: `Asks to accept the findings named, or with --pattern every open or acknowledged one of --rule in --account whose resource's id
fits. It lasts 90 days when nothing else is said, and 365 at most.`,
		Example: `  plumbline exceptions request F-mfzgcyltmfrggzdf --reason 'a public site' --risk 'none: no personal data' --days 30
  plumbline exceptions request --rule aws-s3-bucket-versioning-enabled --account aws:111122223333 --pattern 'scratch-*' \
    --reason 'scratch space' --risk 'files may be lost' --expires 2026-12-31`,
		RunE: func(c *cobra.Command, args []string) (err error) {
			switch {
			case len(args) > 0 && (e.Pattern != "" || e.RuleID != "" || e.Account != ""):
				return usageError{fmt.Errorf("name findings, or --rule, --account and --pattern")}
			case len(args) == 0 && (e.Pattern == "" || e.RuleID == "" || e.Account == ""):
				return usageError{fmt.Errorf("name findings, or all of --rule, --account and --pattern")}
			case e.Reason == "" || e.Risk == "":
				return usageError{fmt.Errorf("an exception needs --reason and --risk")}
			case days != 0 && expires != "":
				return usageError{fmt.Errorf("--days and --expires say the same: name one")}
			case days < 0:
				return usageError{fmt.Errorf("--days %d: want a positive number", days)}
			}
			if e.Starts, err = time.Parse(time.DateOnly, starts); err != nil { // a day is meant from its beginning
				if e.Starts, err = parseTime(starts); err != nil {
					return err
				}
			}
			if e.Expires, err = parseTime(expires); err != nil {
				return err
			}
			for _, id := range args {
				e.Resources = append(e.Resources, finding.Covered{Finding: id})
			}
			return a.withStore(c.Context(), func(db *store.Store) error {
				if days > 0 {
					from := e.Starts
					if from.IsZero() {
						from = db.Now()
					}
					e.Expires = from.AddDate(0, 0, days)
				}
				requested, err := db.RequestException(c.Context(), localActor(by), e)
				if err != nil {
					return err
				}
				return a.showExceptions([]finding.Exception{requested}, requested.Requested)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&by, "by", "", byUsage)
	f.StringVar(&e.Reason, "reason", "", "why the findings are accepted")
	f.StringVar(&e.Risk, "risk", "", "what may happen meanwhile")
	f.StringVar(&e.Compensating, "compensating-control", "", "what is done instead")
	f.StringVar(&e.RuleID, "rule", "", "with --pattern: the rule")
	f.StringVar(&e.Account, "account", "", "with --pattern: the account (aws:111122223333)")
	f.StringVar(&e.Pattern, "pattern", "", "resource ids, with * for any text")
	f.StringVar(&starts, "starts", "", "`time` from which on (2026-03-01 or RFC 3339); by default at its approval")
	f.StringVar(&expires, "expires", "", "`time` until which, a day being meant whole")
	f.IntVar(&days, "days", 0, "how many days it lasts; by default 90")
	return c
}

func newExceptionsDecide(a *app, what finding.Verdict, short string) *cobra.Command {
	var by, reason string
	c := &cobra.Command{
		Use: string(what) + " EXCEPTION", Short: short, Args: cobra.ExactArgs(1),
		Example: fmt.Sprintf("  plumbline exceptions %s 12 --by dana --reason 'as agreed on Monday'", what),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return usageError{fmt.Errorf("exception %q: want its number, as exceptions list prints it", args[0])}
			}
			return a.withStore(c.Context(), func(db *store.Store) error {
				e, err := db.DecideException(c.Context(), localActor(by), id, what, reason)
				if err != nil {
					return err
				}
				return a.showExceptions([]finding.Exception{e}, db.Now())
			})
		},
	}
	c.Flags().StringVar(&by, "by", "", byUsage)
	c.Flags().StringVar(&reason, "reason", "", "why")
	return c
}

func newExceptionsList(a *app) *cobra.Command {
	var filter store.ExceptionFilter
	var asOf string
	c := &cobra.Command{
		Use: "list", Short: "List exceptions, also those that are over", Args: cobra.NoArgs,
		Example: "  plumbline exceptions list --account aws:111122223333\n  plumbline exceptions list --as-of 2026-03-01 --output json",
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if filter.AsOf, err = parseTime(asOf); err != nil {
				return err
			}
			return a.withStore(c.Context(), func(db *store.Store) error {
				list, err := db.Exceptions(c.Context(), filter)
				if err != nil {
					return err
				}
				at := filter.AsOf
				if at.IsZero() {
					at = db.Now()
				}
				return a.showExceptions(list, at)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&filter.Account, "account", "", "only this account (aws:111122223333)")
	f.StringVar(&filter.Rule, "rule", "", "only this rule")
	f.StringVar(&asOf, "as-of", "", "as of this `time` (2026-03-01 or RFC 3339); default now")
	return c
}
