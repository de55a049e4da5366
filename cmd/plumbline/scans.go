package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/job"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func newScans(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "scans", Short: "What the service's runs did about accounts, and how to stop one",
		Long:    "A run is what a schedule or a person started: one scan for each account of a connection.",
		Example: "  plumbline scans list --state running\n  plumbline scans cancel run-01j9x2 --account aws:111122223333",
	}
	c.AddCommand(newScansList(a), newScansCancel(a))
	return c
}

func newScansList(a *app) *cobra.Command {
	var f store.ScanFilter
	c := &cobra.Command{
		Use: "list", Short: "List scans, newest first", Args: cobra.NoArgs,
		Example: "  plumbline scans list --state failed\n  plumbline scans list --account aws:111122223333 --output json",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withStore(c.Context(), func(db *store.Store) error {
				list, err := db.Scans(c.Context(), f)
				if err != nil {
					return err
				}
				rows := [][]any{}
				for _, r := range list {
					progress := ""
					if r.Total > 0 {
						progress = fmt.Sprintf("%d of %d", r.Done, r.Total)
					}
					rows = append(rows, []any{r.RunID, r.Account, string(r.State), progress, r.Attempts, stamp(r.Queued), short(r.Error, 80)})
				}
				if list == nil {
					list = []store.ScanRow{}
				}
				return a.show(list, []string{"run", "account", "state", "tasks", "attempts", "queued (UTC)", "because"}, rows)
			})
		},
	}
	c.Flags().StringVar(&f.Account, "account", "", "only this account: `provider:id`")
	c.Flags().StringVar(&f.RunID, "run", "", "only this run")
	c.Flags().StringVar((*string)(&f.State), "state", "", "queued, running, sealed, failed or skipped")
	c.Flags().IntVar(&f.Limit, "limit", 100, "at most so many; 0 is all")
	return c
}

func newScansCancel(a *app) *cobra.Command {
	var account, by string
	c := &cobra.Command{
		Use: "cancel RUN", Short: "Stop what a run has not sealed yet", Args: cobra.ExactArgs(1),
		Long:    "Stops the scans of a run that wait or are under way. Nothing of them is sealed; what was sealed before stays.",
		Example: "  plumbline scans cancel run-01j9x2\n  plumbline scans cancel run-01j9x2 --account aws:111122223333 --by dana",
		RunE: func(c *cobra.Command, args []string) error {
			ctx, run, actor := c.Context(), args[0], localActor(by)
			return a.withStore(ctx, func(db *store.Store) error {
				found, err := db.Scans(ctx, store.ScanFilter{RunID: run, Account: account, Limit: 1})
				if err != nil {
					return err
				}
				if len(found) == 0 {
					return fmt.Errorf("%w: no run %q scans %q: scans list shows them", posture.ErrNotFound, run, account)
				}
				if err := db.Audit(ctx, access.Entry{Actor: actor, Action: access.ScanCancel, Object: "run/" + run, Reason: account}); err != nil {
					return err
				}
				jobs := &job.Service{Store: db, Log: a.log()}
				if err := jobs.Connect(); err != nil {
					return err
				}
				accounts, err := jobs.Cancel(ctx, run, account, actor.ID)
				if err != nil {
					return err
				}
				rows := [][]any{}
				for _, name := range accounts {
					rows = append(rows, []any{name})
				}
				return a.show(append([]string{}, accounts...), []string{"canceled"}, rows)
			})
		},
	}
	c.Flags().StringVar(&account, "account", "", "only this account of the run: `provider:id`")
	c.Flags().StringVar(&by, "by", "", byUsage)
	return c
}
