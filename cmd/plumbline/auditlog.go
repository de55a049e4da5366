package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func newAuditLog(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "auditlog", Short: "Show and verify the record of who did what here",
		Example: "  plumbline auditlog list --outcome refused\n  plumbline auditlog verify",
	}
	c.AddCommand(newAuditLogList(a), newAuditLogVerify(a))
	return c
}

func newAuditLogList(a *app) *cobra.Command {
	var f store.AuditFilter
	var action, outcome, since, until string
	c := &cobra.Command{
		Use: "list", Short: "List entries, newest first", Args: cobra.NoArgs,
		Example: `  plumbline auditlog list --actor alice@example.com --since 2026-03-01
  plumbline auditlog list --object user/bob@example.com --output json`,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			switch f.Action, f.Outcome = access.Action(action), access.Outcome(outcome); f.Outcome {
			case "", access.Done, access.Refused, access.Failed:
			default:
				return usageError{fmt.Errorf("--outcome %q: want done, refused or failed", outcome)}
			}
			if f.Since, err = parseTime(since); err != nil {
				return err
			}
			if f.Until, err = parseTime(until); err != nil {
				return err
			}
			return a.withStore(c.Context(), func(db *store.Store) error {
				list, err := db.AuditLog(c.Context(), f)
				if err != nil {
					return err
				}
				rows := [][]any{}
				for _, e := range list {
					rows = append(rows, []any{e.Seq, stamp(e.At), e.Actor.ID, string(e.Action), short(e.Object, 50), string(e.Outcome), short(e.Reason, 60)})
				}
				return a.show(append([]access.Entry{}, list...), []string{"number", "time (UTC)", "actor", "action", "object", "outcome", "reason"}, rows)
			})
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.Actor, "actor", "", "only of this actor (an e-mail, token:NAME)")
	flags.StringVar(&action, "action", "", "only this action (signin, exception.approve, …)")
	flags.StringVar(&f.Object, "object", "", "only on this object (user/bob@example.com, exception/12)")
	flags.StringVar(&outcome, "outcome", "", "only done, refused or failed")
	flags.StringVar(&since, "since", "", "from this `time` on (RFC 3339, or the end of a day)")
	flags.StringVar(&until, "until", "", "before this `time`")
	flags.IntVar(&f.Limit, "limit", 100, "at most this many; 0 shows all")
	return c
}

func newAuditLogVerify(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "Compute the chain of entries anew and name the first that is not as it was written", Args: cobra.NoArgs,
		Long: `Compares every entry with its digest, with the entry before it and with the log of the installation. Exit code 1 when one of
them does not fit. Who could rewrite all of these is found by the heads of the log that were signed and given away.`,
		Example: "  plumbline auditlog verify",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withStore(c.Context(), func(db *store.Store) error {
				check, err := db.VerifyAudit(c.Context())
				if err != nil {
					return err
				}
				result := "intact"
				if check.Broken > 0 {
					result = "broken"
				}
				if err := a.show(check, []string{"result", "entries as written", "first that is not", "problem"},
					[][]any{{result, check.Entries, check.Broken, check.Problem}}); err != nil {
					return err
				}
				if check.Broken > 0 {
					return exit(exitFound)
				}
				return nil
			})
		},
	}
}
