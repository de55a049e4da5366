package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func newSnapshots(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "snapshots", Short: "List, show and compare sealed snapshots",
		Example: "  plumbline snapshots list\n  plumbline snapshots show aws:111122223333/17\n  plumbline snapshots diff aws:111122223333/16 aws:111122223333/17",
	}
	c.AddCommand(newSnapshotsList(a), newSnapshotsShow(a), newSnapshotsDiff(a))
	return c
}

func newSnapshotsList(a *app) *cobra.Command {
	var account string
	var limit int
	c := &cobra.Command{
		Use: "list", Short: "List snapshots, newest first", Args: cobra.NoArgs,
		Example: "  plumbline snapshots list --account aws:111122223333 --limit 10",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withStore(c.Context(), func(db *store.Store) error {
				list, err := db.Snapshots(c.Context(), account, limit)
				if err != nil {
					return err
				}
				rows := [][]any{}
				for _, s := range list {
					v := s.Verdicts
					rows = append(rows, []any{s.ID(), stamp(s.Started), s.Resources, v.Pass, v.Fail, v.Unknown, v.DoesNotApply, short(s.Root, 13)})
				}
				return a.show(append([]posture.Snapshot{}, list...), []string{"snapshot", "started (UTC)", "resources", "pass", "fail", "unknown", "n/a", "root"}, rows)
			})
		},
	}
	c.Flags().StringVar(&account, "account", "", "only this account (aws:111122223333)")
	c.Flags().IntVar(&limit, "limit", 30, "at most this many; 0 shows all")
	return c
}

// parseSnapshot reads "aws:111122223333/17".
func parseSnapshot(text string) (account string, seq int64, err error) {
	account, number, found := strings.Cut(text, "/")
	seq, err = strconv.ParseInt(number, 10, 64)
	if !found || err != nil || seq < 1 || !strings.Contains(account, ":") {
		return "", 0, usageError{fmt.Errorf("snapshot %q: want PROVIDER:ACCOUNT/NUMBER, as snapshots list prints it", text)}
	}
	return account, seq, nil
}

func newSnapshotsShow(a *app) *cobra.Command {
	var resources bool
	c := &cobra.Command{
		Use: "show SNAPSHOT", Short: "Show what a snapshot holds, and what could not be read", Args: cobra.ExactArgs(1),
		Example: "  plumbline snapshots show aws:111122223333/17 --resources --output json",
		RunE: func(c *cobra.Command, args []string) error {
			account, seq, err := parseSnapshot(args[0])
			if err != nil {
				return err
			}
			return a.withStore(c.Context(), func(db *store.Store) error {
				s, err := db.Snapshot(c.Context(), account, seq)
				if err != nil {
					return err
				}
				cells, err := db.Cells(c.Context(), account, seq)
				if err != nil {
					return err
				}
				var list []posture.Content
				if resources {
					if list, err = db.Resources(c.Context(), account, seq, store.ResourceFilter{}); err != nil {
						return err
					}
				}
				return a.showSnapshot(s, cells, list, resources)
			})
		},
	}
	c.Flags().BoolVar(&resources, "resources", false, "show every resource as well")
	return c
}

// shownResource is a resource with its document.
type shownResource struct {
	posture.Key
	Stale   bool `json:"stale"`
	Content raw  `json:"content"`
}

// raw is JSON that is shown as it is stored.
type raw []byte

func (r raw) MarshalJSON() ([]byte, error) { return r, nil }

func (a *app) showSnapshot(s posture.Snapshot, cells []posture.Cell, resources []posture.Content, withResources bool) error {
	if a.output == "json" {
		out := struct {
			posture.Snapshot
			Cells     []posture.Cell  `json:"cells"`
			Resources []shownResource `json:"resource_list,omitempty"`
		}{Snapshot: s, Cells: cells}
		for _, r := range resources {
			out.Resources = append(out.Resources, shownResource{r.Key, r.Stale, raw(r.JSON)})
		}
		return a.show(out, nil, nil)
	}
	if a.output == "table" {
		fmt.Fprintf(a.out, "Snapshot  %s\nRead      %s to %s UTC by %s\nVerdicts  %d pass, %d fail, %d unknown, %d not applicable\nRoot      %s (log entry %d)\n\n",
			s.ID(), stamp(s.Started), stamp(s.Finished), s.Principal, s.Verdicts.Pass, s.Verdicts.Fail, s.Verdicts.Unknown, s.Verdicts.DoesNotApply, s.Root, s.LogIndex)
	}
	rows := [][]any{}
	if withResources {
		for _, r := range resources {
			note := ""
			if r.Stale {
				note = "stale: not seen by this scan"
			}
			rows = append(rows, []any{r.Type, r.Region, r.ID, note})
		}
		return a.show(nil, []string{"type", "region", "id", "note"}, rows)
	}
	for _, cell := range cells {
		why := ""
		if cell.Cause != nil {
			why = cell.Cause.String()
		}
		rows = append(rows, []any{cell.Type, cell.Region, string(cell.State), cell.Calls, why})
	}
	return a.show(nil, []string{"type", "region", "state", "calls", "why"}, rows)
}

func newSnapshotsDiff(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "diff OLDER NEWER", Short: "Compare two snapshots of an account; exit code 1 when they differ", Args: cobra.ExactArgs(2),
		Example: "  plumbline snapshots diff aws:111122223333/1 aws:111122223333/90",
		RunE: func(c *cobra.Command, args []string) error {
			account, from, err := parseSnapshot(args[0])
			if err != nil {
				return err
			}
			other, to, err := parseSnapshot(args[1])
			if err != nil {
				return err
			}
			if account != other {
				return usageError{fmt.Errorf("snapshots of different accounts cannot be compared: %s and %s", account, other)}
			}
			return a.withStore(c.Context(), func(db *store.Store) error {
				list, err := scan.Drift(c.Context(), db, types(), account, from, to)
				if err != nil {
					return err
				}
				changes, err := attributed(c.Context(), db, account, from, to, list)
				if err != nil {
					return err
				}
				if err := a.showChanges(changes); err != nil {
					return err
				}
				if len(changes) > 0 {
					return exit(exitFound)
				}
				return nil
			})
		},
	}
}

func (a *app) showChanges(changes []drifted) error {
	rows := [][]any{}
	for _, c := range changes {
		what := string(c.Kind)
		switch {
		case c.Kind == posture.Judgment:
			what = c.RuleID + ": " + orNone(c.Before) + " → " + orNone(c.After)
		case len(c.Fields) > 0:
			var parts []string
			for _, f := range c.Fields {
				parts = append(parts, f.Path+": "+side(f.Before, f.BeforeUnread)+" → "+side(f.After, f.AfterUnread))
			}
			what = strings.Join(parts, "; ")
		}
		rows = append(rows, []any{string(c.Cause), c.Resource.Type, c.Resource.Region, short(c.Resource.ID, 50), short(what, 100), short(c.by(), 100)})
	}
	return a.show(append([]drifted{}, changes...), []string{"cause", "type", "region", "resource", "change", "by"}, rows)
}

func orNone(r posture.Result) string {
	if r == "" {
		return "none"
	}
	return string(r)
}

func side(value []byte, unread bool) string {
	if unread {
		return "unread"
	}
	return short(string(value), 40)
}

func newDrift(a *app) *cobra.Command {
	var account string
	var since string
	c := &cobra.Command{
		Use: "drift", Short: "Show what changed since the snapshot before, and why",
		Long: `Compares each account's newest snapshot with the one before it, or with the one as of --since. Every change has a cause:
configuration (the account changed), ruleset (a rule changed), exception, or coverage (something became readable or unreadable).
Where the cloud's log tells, it says by whom: for sure when one event of a log read whole explains the change, otherwise all that may.`,
		Example: "  plumbline drift\n  plumbline drift --account aws:111122223333 --since 2026-03-01",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			at, err := parseTime(since)
			if err != nil {
				return err
			}
			return a.withStore(c.Context(), func(db *store.Store) error {
				changes, err := accountsDrift(c.Context(), db, account, at)
				if err != nil {
					return err
				}
				return a.showChanges(changes)
			})
		},
	}
	c.Flags().StringVar(&account, "account", "", "only this account (aws:111122223333)")
	c.Flags().StringVar(&since, "since", "", "compare with the snapshot as of this `time` (2026-03-01 or RFC 3339)")
	return c
}

func accountsDrift(ctx context.Context, db *store.Store, account string, since time.Time) ([]drifted, error) {
	current, err := db.Current(ctx, account, time.Time{})
	if err != nil {
		return nil, err
	}
	var out []drifted
	for _, s := range current {
		from := s.Seq - 1
		if !since.IsZero() {
			before, err := db.At(ctx, s.Account.String(), since)
			if err != nil {
				return nil, err
			}
			from = before.Seq
		}
		if from < 1 || from >= s.Seq {
			continue
		}
		list, err := scan.Drift(ctx, db, types(), s.Account.String(), from, s.Seq)
		if err != nil {
			return nil, err
		}
		changes, err := attributed(ctx, db, s.Account.String(), from, s.Seq, list)
		if err != nil {
			return nil, err
		}
		out = append(out, changes...)
	}
	return out, nil
}

// parseTime reads a day (its end, UTC) or an RFC 3339 time; empty is the zero time.
func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t.Add(24*time.Hour - time.Millisecond), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, usageError{fmt.Errorf("time %q: want a day (2026-03-01) or RFC 3339 (2026-03-01T12:00:00Z)", text)}
	}
	return t, nil
}
