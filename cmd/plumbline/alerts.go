package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/alert/channel"
	"github.com/plumbline-dev/plumbline/pkg/config"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func newAlerts(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "alerts", Short: "Show who was told of what, acknowledge it, and test the way to receivers",
		Example: "  plumbline alerts list --open\n  plumbline alerts show A-7\n  plumbline alerts ack A-7 --reason 'on it'\n  plumbline alerts test page",
	}
	c.AddCommand(newAlertsList(a), newAlertsShow(a), newAlertsAck(a), newAlertsTest(a))
	return c
}

// alertSettings are the settings of alerts with what the rules say.
func alertSettings(c *config.Config, set *rule.Set) alert.Settings {
	s := alert.Settings{Alerts: c.Alerts, URL: c.Server.URL, Rules: make(map[string]alert.Rule, len(set.Programs))}
	for _, p := range set.Programs {
		r := alert.Rule{Message: p.Message, Severity: string(p.Severity), Control: p.Control, Fields: p.Fields}
		for _, link := range set.Criteria(p) {
			r.Criteria = append(r.Criteria, link.ID)
		}
		s.Rules[p.ID] = r
	}
	return s
}

// listedAlert is an alert as scripts see it.
type listedAlert struct {
	alert.Alert
	Status string `json:"status"`
}

func newAlertsList(a *app) *cobra.Command {
	var filter store.AlertFilter
	var class, asOf string
	c := &cobra.Command{
		Use: "list", Short: "List alerts, the newest first", Args: cobra.NoArgs,
		Example: `  plumbline alerts list --open
  plumbline alerts list --unrouted                # nobody was told of these
  plumbline alerts list --class coverage --as-of 2026-03-01 --output json`,
		RunE: func(c *cobra.Command, _ []string) error {
			switch filter.Class = alert.Class(class); filter.Class {
			case "", alert.Findings, alert.Expiry, alert.Coverage, alert.Monitoring:
			default:
				return usageError{fmt.Errorf("--class %q: want finding, expiry, coverage or monitoring", class)}
			}
			var err error
			if filter.AsOf, err = parseTime(asOf); err != nil {
				return err
			}
			return a.withStore(c.Context(), func(db *store.Store) error {
				list, err := db.Alerts(c.Context(), filter)
				if err != nil {
					return err
				}
				out, rows := []listedAlert{}, [][]any{}
				for _, one := range list {
					out = append(out, listedAlert{one, one.Status()})
					rows = append(rows, []any{fmt.Sprintf("A-%d", one.ID), one.Status(), string(one.Class), one.Severity, one.Account, short(one.Title, 80),
						stamp(one.Opened), nobody(one.Told)})
				}
				return a.show(out, []string{"alert", "status", "class", "severity", "account", "about", "since (UTC)", "told"}, rows)
			})
		},
	}
	f := c.Flags()
	f.BoolVar(&filter.Open, "open", false, "only alerts that are not resolved")
	f.BoolVar(&filter.Unrouted, "unrouted", false, "only alerts that no route matched")
	f.StringVar(&filter.Account, "account", "", "only this account (aws:111122223333)")
	f.StringVar(&class, "class", "", "only finding, expiry, coverage or monitoring")
	f.StringVar(&asOf, "as-of", "", "as of this `time` (2026-03-01 or RFC 3339); default now")
	f.IntVar(&filter.Limit, "limit", 100, "at most this many; 0 shows all")
	return c
}

func nobody(names []string) string {
	if len(names) == 0 {
		return "nobody"
	}
	return strings.Join(names, ", ")
}

// parseAlert reads "A-7" or "7".
func parseAlert(text string) (int64, error) {
	id, err := strconv.ParseInt(strings.TrimPrefix(text, "A-"), 10, 64)
	if err != nil || id < 1 {
		return 0, usageError{fmt.Errorf("%q is no alert: want one such as A-7", text)}
	}
	return id, nil
}

func newAlertsShow(a *app) *cobra.Command {
	var asOf string
	c := &cobra.Command{
		Use: "show ALERT", Short: "Show an alert, its history and every message about it", Args: cobra.ExactArgs(1),
		Example: "  plumbline alerts show A-7",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseAlert(args[0])
			if err != nil {
				return err
			}
			at, err := parseTime(asOf)
			if err != nil {
				return err
			}
			return a.withStore(c.Context(), func(db *store.Store) error {
				one, err := db.Alert(c.Context(), id, at)
				if err != nil {
					return err
				}
				history, err := db.AlertHistory(c.Context(), id, at)
				if err != nil {
					return err
				}
				deliveries, err := db.Deliveries(c.Context(), id, at)
				if err != nil {
					return err
				}
				if a.output == "json" {
					return a.show(struct {
						listedAlert
						History    []alert.Entry    `json:"history"`
						Deliveries []alert.Delivery `json:"deliveries"`
					}{listedAlert{one, one.Status()}, history, append([]alert.Delivery{}, deliveries...)}, nil, nil)
				}
				rows := [][]any{}
				for _, e := range history {
					rows = append(rows, []any{stamp(e.At), string(e.Kind), short(e.Member, 60), e.By, short(e.Note, 80)})
				}
				for _, d := range deliveries {
					for _, t := range d.Attempts {
						rows = append(rows, []any{stamp(t.At), string(t.State), fmt.Sprintf("D-%d %s", d.ID, d.Message.Kind), d.Receiver, short(t.Answer, 80)})
					}
					if len(d.Attempts) == 0 {
						rows = append(rows, []any{stamp(d.Created), string(d.State()), fmt.Sprintf("D-%d %s", d.ID, d.Message.Kind), d.Receiver, ""})
					}
				}
				slices.SortStableFunc(rows, func(x, y []any) int { return strings.Compare(x[0].(string), y[0].(string)) })
				if a.output == "table" {
					fmt.Fprintf(a.out, "A-%d  %s  %s\n%s\n\n", one.ID, strings.ToUpper(one.Status()), one.Severity, printable(one.Title, false))
				}
				return a.show(nil, []string{"time (UTC)", "what", "about", "who", "more"}, rows)
			})
		},
	}
	c.Flags().StringVar(&asOf, "as-of", "", "as of this `time` (2026-03-01 or RFC 3339); default now")
	return c
}

func newAlertsAck(a *app) *cobra.Command {
	var file, reason string
	c := &cobra.Command{
		Use: "ack ALERT", Short: "Acknowledge an alert, which stops its escalation", Args: cobra.ExactArgs(1),
		Long: `Records that you take care of the alert. With the settings at hand, in --config or the file that PLUMBLINE_CONFIG names, the
service tells PagerDuty and webhooks that heard of it.`,
		Example: "  plumbline alerts ack A-7 --reason 'rolling back the policy'",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseAlert(args[0])
			if err != nil {
				return err
			}
			var settings alert.Settings
			if file != "" || os.Getenv("PLUMBLINE_CONFIG") != "" {
				if settings, err = loadAlertSettings(file); err != nil {
					return err
				}
			}
			return a.withStore(c.Context(), func(db *store.Store) error {
				d := alert.Dispatcher{Store: db, Settings: settings, Now: time.Now}
				if err := d.Acknowledge(c.Context(), id, operator(), reason); err != nil {
					return err
				}
				fmt.Fprintf(a.err, "alert A-%d is acknowledged\n", id)
				return nil
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "what you are going to do, for the record")
	configFlag(c, &file)
	return c
}

func configFlag(c *cobra.Command, file *string) {
	c.Flags().StringVar(file, "config", "", "settings `file`; without it the one that PLUMBLINE_CONFIG names")
}

func loadAlertSettings(file string) (alert.Settings, error) {
	set, err := loadRules()
	if err != nil {
		return alert.Settings{}, err
	}
	var args []string
	if file != "" {
		args = []string{file}
	}
	settings, err := loadSettings(args, set)
	if err != nil {
		return alert.Settings{}, err
	}
	return alertSettings(settings, set), nil
}

// tried is how a test message fared.
type tried struct {
	Receiver string `json:"receiver"`
	Sent     bool   `json:"sent"`
	Answer   string `json:"answer"`
}

func newAlertsTest(a *app) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "test ROUTE", Short: "Send a message marked as a test to every receiver of a route", Args: cobra.ExactArgs(1),
		Long:    "Sends a message marked as a test and prints what each receiver answered. The exit code is 2 when one did not take it.",
		Example: "  plumbline alerts test page --config plumbline.yaml",
		RunE: func(c *cobra.Command, args []string) error {
			settings, err := loadAlertSettings(file)
			if err != nil {
				return err
			}
			i := slices.IndexFunc(settings.Routes, func(r config.Route) bool { return r.Name == args[0] })
			if i < 0 {
				return fmt.Errorf("route %q: %w", args[0], posture.ErrNotFound)
			}
			channels, err := channel.New(settings.Receivers)
			if err != nil {
				return err
			}
			list, err := testRoute(c.Context(), settings, settings.Routes[i], channels)
			rows := [][]any{}
			for _, t := range list {
				state := "sent"
				if !t.Sent {
					state = "not sent"
				}
				rows = append(rows, []any{t.Receiver, state, short(t.Answer, 120)})
			}
			return errors.Join(a.show(list, []string{"receiver", "test", "answer"}, rows), err)
		},
	}
	configFlag(c, &file)
	return c
}

func testRoute(ctx context.Context, s alert.Settings, route config.Route, channels map[string]alert.Channel) ([]tried, error) {
	list, failed := []tried{}, false
	for _, name := range route.Receivers {
		sending, cancel := context.WithTimeout(ctx, 30*time.Second)
		answer, err := channels[name].Send(sending, alert.TestMessage(s, route.Name, time.Now()))
		cancel()
		if err != nil {
			answer, failed = err.Error(), true
		}
		list = append(list, tried{name, err == nil, answer})
	}
	if failed {
		return list, exit(exitSetup)
	}
	return list, nil
}
