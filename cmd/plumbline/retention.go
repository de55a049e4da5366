package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/pkg/store"
)

func newRetention(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "retention", Short: "Remove raw answers that are past their time, with two people",
		Long: `Raw answers of the clouds are the bulk of the database. Those that no scan since a time received can be removed: one person asks,
another approves, and every body leaves a mark with its digest, size and request. Settings, verdicts, findings and the log stay, and
every root still verifies. A hold stops removals.`,
		Example: `  plumbline retention request --before 2024-01-01 --reason 'past 25 months' --by ann
  plumbline retention approve 3 --by bob
  plumbline retention run 3 --by bob
  plumbline retention hold --account aws:111122223333 --reason 'dispute 4711' --by ann
  plumbline retention list`,
	}
	var by, reason, account, before, file string
	add := func(use, short string, args cobra.PositionalArgs, run func(c *cobra.Command, db *store.Store, id int64) error) *cobra.Command {
		sub := &cobra.Command{Use: use, Short: short, Args: args, RunE: func(c *cobra.Command, args []string) error {
			var id int64
			if len(args) > 0 {
				var err error
				if id, err = strconv.ParseInt(args[0], 10, 64); err != nil {
					return usageError{fmt.Errorf("%q is not a number that plumbline retention list shows", args[0])}
				}
			}
			return a.withStore(c.Context(), func(db *store.Store) error { return run(c, db, id) })
		}}
		sub.Flags().StringVar(&by, "by", "", byUsage)
		sub.Flags().StringVar(&reason, "reason", "", "why, for the record")
		c.AddCommand(sub)
		return sub
	}
	said := func(err error, format string, values ...any) error {
		if err == nil {
			fmt.Fprintf(a.out, format+"\n", values...)
		}
		return err
	}
	request := add("request", "Ask to remove raw answers", cobra.NoArgs, func(c *cobra.Command, db *store.Store, _ int64) error {
		at, err := parseTime(before)
		if err != nil {
			return err
		}
		if at.IsZero() {
			return usageError{fmt.Errorf("--before: name the time since which nothing is removed")}
		}
		set, err := loadRules()
		if err != nil {
			return err
		}
		var files []string
		if file != "" {
			files = append(files, file)
		}
		settings, err := loadSettings(files, set)
		if err != nil {
			return err
		}
		id, err := db.RequestRemoval(c.Context(), localActor(by), account, at, settings.Retention.Bodies, reason)
		return said(err, "removal %d waits for somebody else: plumbline retention approve %[1]d", id)
	})
	request.Flags().StringVar(&before, "before", "", "remove what no scan since that `date` received")
	request.Flags().StringVar(&account, "account", "", "only of that account")
	configFlag(request, &file)
	add("approve ID", "Approve a removal that somebody else asked for", cobra.ExactArgs(1), func(c *cobra.Command, db *store.Store, id int64) error {
		return said(db.DecideRemoval(c.Context(), localActor(by), id, true, reason), "removal %d approved: plumbline retention run %[1]d", id)
	})
	add("refuse ID", "Refuse a removal", cobra.ExactArgs(1), func(c *cobra.Command, db *store.Store, id int64) error {
		return said(db.DecideRemoval(c.Context(), localActor(by), id, false, reason), "removal %d refused", id)
	})
	add("run ID", "Carry an approved removal out", cobra.ExactArgs(1), func(c *cobra.Command, db *store.Store, id int64) error {
		n, err := db.Remove(c.Context(), localActor(by), id)
		return said(err, "%d bodies removed", n)
	})
	hold := add("hold", "Stop removals, of one account or all", cobra.NoArgs, func(c *cobra.Command, db *store.Store, _ int64) error {
		id, err := db.AddHold(c.Context(), localActor(by), account, reason)
		return said(err, "hold %d stands until plumbline retention release %[1]d", id)
	})
	hold.Flags().StringVar(&account, "account", "", "only of that account")
	add("release ID", "End a hold", cobra.ExactArgs(1), func(c *cobra.Command, db *store.Store, id int64) error {
		return said(db.EndHold(c.Context(), localActor(by), id, reason), "hold %d ended", id)
	})
	add("list", "List removals and holds", cobra.NoArgs, func(c *cobra.Command, db *store.Store, _ int64) error {
		removals, err := db.Removals(c.Context())
		if err != nil {
			return err
		}
		holds, err := db.Holds(c.Context())
		if err != nil {
			return err
		}
		rows := [][]any{}
		for _, r := range removals {
			state := "asked for"
			switch {
			case r.Approved:
				state = "approved by " + r.DecidedBy
			case r.Decided:
				state = "refused by " + r.DecidedBy
			}
			rows = append(rows, []any{"removal", r.ID, r.Account, "before " + r.Before.UTC().Format(time.DateOnly), r.RequestedBy, state, r.Bodies, r.Bytes, r.Reason})
		}
		for _, h := range holds {
			state := "in force"
			if h.Ended != nil {
				state = "ended"
			}
			rows = append(rows, []any{"hold", h.ID, h.Account, "", h.By, state, "", "", h.Reason})
		}
		return a.show(map[string]any{"removals": append([]store.Removal{}, removals...), "holds": append([]store.Hold{}, holds...)},
			[]string{"kind", "id", "account", "what", "by", "state", "bodies", "bytes", "reason"}, rows)
	})
	return c
}
