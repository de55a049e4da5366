package main

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/audit"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func newAudits(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "audits", Short: "Open audits, set their scope, answer what auditors ask for",
		Long: `An audit says once what packages for it are about: a day or a period, accounts, categories of criteria, controls. Its scope may
change, as a new version beside the ones before, which every package discloses. Auditors are bound to one audit and let in until a time.
While an audit is open, nothing that it can see is removed. Only auditors, who sign in to the service, accept answers.`,
		Example: `  plumbline audits open 2026-h1 --type type2 --from 2026-01-01 --to 2026-06-30 --firm 'Ledger & Co' --category availability
  plumbline audits people 2026-h1 --add eve@firm.example --until 2026-12-31
  plumbline audits requests provide 2026-h1 3 --package P-mfzgcyltmfrggzdf --file results.jsonl
  plumbline evidence build --audit 2026-h1 --out h1.tar.gz`,
	}
	c.AddCommand(newAuditsOpen(a), newAuditsList(a), newAuditsShow(a), newAuditsScope(a), newAuditsPeople(a), newAuditsClose(a), newAuditsRequests(a))
	return c
}

func (a *app) showAudits(list []audit.Audit) error {
	rows := [][]any{}
	for _, x := range list {
		state := "open"
		if !x.Open() {
			state = "closed " + stamp(x.Closing.At)
		}
		scope := x.Scope()
		rows = append(rows, []any{x.ID, x.Type, stamp(x.From), stamp(x.To), x.Firm, state, scope.Version, cmp.Or(strings.Join(scope.Accounts, " "), audit.All), strings.Join(scope.Categories, " "), len(scope.Controls)})
	}
	return a.show(append([]audit.Audit{}, list...), []string{"audit", "type", "from (UTC)", "to", "firm", "state", "scope", "accounts", "categories", "controls"}, rows)
}

// scopeFlags choose what an audit looks at.
type scopeFlags struct{ accounts, categories, controls []string }

func (f *scopeFlags) add(c *cobra.Command) {
	c.Flags().StringSliceVar(&f.accounts, "account", nil, "only these accounts (aws:111122223333), and what lies above them; may be repeated; by default all")
	c.Flags().StringSliceVar(&f.categories, "category", nil, "besides security: availability, confidentiality, processing_integrity, privacy")
	c.Flags().StringSliceVar(&f.controls, "controls", nil, "only these controls, by id; by default all that speak to the criteria of the categories")
}

func (f *scopeFlags) scope() (audit.Scope, error) {
	set, err := loadRules()
	if err != nil {
		return audit.Scope{}, err
	}
	chosen, err := set.SOC2.Choose(f.categories, f.controls)
	return audit.Scope{Accounts: f.accounts, Categories: chosen.Categories, Criteria: chosen.Criteria, Controls: chosen.Controls}, err
}

func newAuditsOpen(a *app) *cobra.Command {
	var f scopeFlags
	var x audit.Audit
	var asOf, first, last, by string
	var schedule, maxGap time.Duration
	var within map[string]string
	c := &cobra.Command{
		Use: "open AUDIT", Short: "Open an audit, with the requests that auditors commonly begin with", Args: cobra.ExactArgs(1),
		Example: `  plumbline audits open 2026-h1 --type type2 --from 2026-01-01 --to 2026-06-30 --time-zone Europe/Berlin --firm 'Ledger & Co' --target high=720h
  plumbline audits open march --as-of 2026-03-31 --firm 'Ledger & Co' --account aws:111122223333`,
		RunE: func(c *cobra.Command, args []string) error {
			if x.ID = args[0]; x.Type == audit.Type1 {
				if asOf == "" || first != "" || last != "" {
					return usageError{errors.New("type1 wants --as-of, and neither --from nor --to")}
				}
				first, last = asOf, asOf
			} else if asOf != "" || first == "" || last == "" {
				return usageError{errors.New("type2 wants --from and --to, and no --as-of")}
			}
			var err error
			if x.From, x.To, err = audit.Days(first, last, x.Zone); err != nil {
				return err
			}
			list, err := targets(within)
			if err != nil {
				return err
			}
			x.Targets = map[string]int64{}
			for severity, d := range list {
				x.Targets[severity] = int64(d / time.Second)
			}
			if maxGap == 0 {
				maxGap = schedule * 3 / 2
			}
			x.Schedule, x.MaxGap = int64(schedule/time.Second), int64(maxGap/time.Second)
			scope, err := f.scope()
			if err != nil {
				return err
			}
			return a.withStore(c.Context(), func(db *store.Store) error {
				opened, err := db.OpenAudit(c.Context(), localActor(by), x, scope)
				if err != nil {
					return err
				}
				return a.showAudits([]audit.Audit{opened})
			})
		},
	}
	f.add(c)
	flags := c.Flags()
	flags.StringVar(&x.Type, "type", audit.Type1, "type1, as of a day, or type2, of a period")
	flags.StringVar(&asOf, "as-of", "", "the `day` (2026-03-31), for type1")
	flags.StringVar(&first, "from", "", "first `day` of the period, for type2")
	flags.StringVar(&last, "to", "", "last `day` of the period, for type2")
	flags.StringVar(&x.Zone, "time-zone", "UTC", "time zone of the days, by its IANA `name`")
	flags.StringVar(&x.Firm, "firm", "", "who audits")
	flags.DurationVar(&schedule, "schedule", 24*time.Hour, "how far apart scans should be")
	flags.DurationVar(&maxGap, "max-gap", 0, "how far apart two scans may be for the time between to count as observed (default 1.5 times --schedule)")
	flags.StringToStringVar(&within, "target", nil, "within which time failures of a severity are to be repaired, such as critical=168h,high=720h")
	flags.StringVar(&by, "by", "", byUsage)
	return c
}

func newAuditsList(a *app) *cobra.Command {
	var asOf string
	c := &cobra.Command{
		Use: "list", Short: "List audits, newest first", Args: cobra.NoArgs, Example: "  plumbline audits list --output json",
		RunE: func(c *cobra.Command, _ []string) error {
			at, err := parseTime(asOf)
			if err != nil {
				return err
			}
			return a.withStore(c.Context(), func(db *store.Store) error {
				list, err := db.Audits(c.Context(), at)
				if err != nil {
					return err
				}
				return a.showAudits(list)
			})
		},
	}
	c.Flags().StringVar(&asOf, "as-of", "", "as of this `time` (2026-03-01 or RFC 3339); default now")
	return c
}

func newAuditsShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show AUDIT", Short: "Show the versions of an audit's scope side by side", Args: cobra.ExactArgs(1), Example: "  plumbline audits show 2026-h1",
		RunE: func(c *cobra.Command, args []string) error {
			return a.withStore(c.Context(), func(db *store.Store) error {
				x, err := db.AuditOf(c.Context(), args[0], time.Time{})
				if err != nil {
					return err
				}
				rows := [][]any{}
				for i, v := range x.Scopes {
					var changes []string
					if i > 0 {
						for _, change := range x.Scopes[i-1].Changes(v) {
							changes = append(changes, change.String())
						}
					}
					rows = append(rows, []any{v.Version, stamp(v.At), v.By, cmp.Or(strings.Join(v.Accounts, " "), audit.All), strings.Join(v.Categories, " "), len(v.Controls), strings.Join(changes, "; "), v.Reason})
				}
				return a.show(x, []string{"version", "since (UTC)", "by", "accounts", "categories", "controls", "changes", "reason"}, rows)
			})
		},
	}
}

func newAuditsScope(a *app) *cobra.Command {
	var f scopeFlags
	var by, reason string
	c := &cobra.Command{
		Use: "scope AUDIT", Short: "Give an audit another scope; the versions before stay, and packages disclose the change", Args: cobra.ExactArgs(1),
		Long: `Sets the whole scope anew: accounts, categories and controls that are not named are as when an audit opens. What is left out of
it was seen by the auditor before, and every package says since when, by whom and why it is not there any more.`,
		Example: "  plumbline audits scope 2026-h1 --account aws:111122223333 --category availability --reason 'the other account was sold'",
		RunE: func(c *cobra.Command, args []string) error {
			scope, err := f.scope()
			if err != nil {
				return err
			}
			scope.Reason = reason
			return a.withStore(c.Context(), func(db *store.Store) error {
				x, err := db.RescopeAudit(c.Context(), localActor(by), args[0], scope)
				if err != nil {
					return err
				}
				return a.showAudits([]audit.Audit{x})
			})
		},
	}
	f.add(c)
	c.Flags().StringVar(&reason, "reason", "", "why the scope changes")
	c.Flags().StringVar(&by, "by", "", byUsage)
	return c
}

func newAuditsPeople(a *app) *cobra.Command {
	var add, end, name, since, until, reason, by string
	var noMFA bool
	c := &cobra.Command{
		Use: "people AUDIT", Short: "List an audit's auditors, let one in until a time, or end it before", Args: cobra.ExactArgs(1),
		Example: `  plumbline audits people 2026-h1
  plumbline audits people 2026-h1 --add eve@firm.example --name Eve --until 2026-12-31
  plumbline audits people 2026-h1 --end eve@firm.example --reason 'left the firm'`,
		RunE: func(c *cobra.Command, args []string) error {
			from, err := parseTime(since)
			if day, dayErr := time.Parse(time.DateOnly, since); dayErr == nil {
				from, err = day, nil // a day is meant from its beginning
			}
			to, toErr := parseTime(until)
			if err = errors.Join(err, toErr); err != nil {
				return err
			}
			if add != "" && end != "" {
				return usageError{errors.New("--add and --end: one at a time")}
			}
			if add != "" && to.IsZero() {
				return usageError{errors.New("--add wants --until: access of auditors ends by itself")}
			}
			return a.withStore(c.Context(), func(db *store.Store) error {
				if _, err := db.AuditOf(c.Context(), args[0], time.Time{}); err != nil {
					return err
				}
				if add != "" {
					g := access.Grant{User: add, From: from, Until: posture.Some(to), MFA: !noMFA, Reason: reason}
					if _, err := db.AddAuditor(c.Context(), localActor(by), args[0], name, g); err != nil {
						return err
					}
				}
				list, err := db.Auditors(c.Context(), args[0], time.Time{})
				if err != nil {
					return err
				}
				if end != "" {
					ended := false
					for _, g := range list {
						if g.User == end && g.InForce(db.Now()) {
							ended = true
							if err := db.RevokeRole(c.Context(), localActor(by), g.ID, reason); err != nil {
								return err
							}
						}
					}
					if !ended {
						return fmt.Errorf("auditor %s of audit %s: %w", end, args[0], posture.ErrNotFound)
					}
					if list, err = db.Auditors(c.Context(), args[0], time.Time{}); err != nil {
						return err
					}
				}
				rows := [][]any{}
				for _, g := range list {
					until, revoked := "", ""
					if t, ok := g.Until.Get(); ok {
						until = stamp(t)
					}
					if t, ok := g.Revoked.Get(); ok {
						revoked = stamp(t)
					}
					rows = append(rows, []any{g.User, stamp(g.From), until, revoked, g.MFA, g.By, g.Reason})
				}
				return a.show(append([]access.Grant{}, list...), []string{"auditor", "from (UTC)", "until", "ended", "several factors", "by", "reason"}, rows)
			})
		},
	}
	flags := c.Flags()
	flags.StringVar(&add, "add", "", "`e-mail` of somebody to let in")
	flags.StringVar(&name, "name", "", "with --add: the name of somebody new")
	flags.StringVar(&since, "from", "", "with --add: `time` from which on; default now")
	flags.StringVar(&until, "until", "", "with --add: `time` until which, a day being meant whole")
	flags.BoolVar(&noMFA, "without-mfa", false, "with --add: let in by a single factor, too")
	flags.StringVar(&end, "end", "", "`e-mail` of somebody to let in no longer")
	flags.StringVar(&reason, "reason", "", "why")
	flags.StringVar(&by, "by", "", byUsage)
	return c
}

func newAuditsClose(a *app) *cobra.Command {
	var by, reason string
	c := &cobra.Command{
		Use: "close AUDIT", Short: "Close an audit: nothing about it changes any more, and its evidence is kept as long as any other", Args: cobra.ExactArgs(1),
		Example: "  plumbline audits close 2026-h1 --reason 'report issued'",
		RunE: func(c *cobra.Command, args []string) error {
			return a.withStore(c.Context(), func(db *store.Store) error {
				x, err := db.CloseAudit(c.Context(), localActor(by), args[0], reason)
				if err != nil {
					return err
				}
				return a.showAudits([]audit.Audit{x})
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why")
	c.Flags().StringVar(&by, "by", "", byUsage)
	return c
}

func newAuditsRequests(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "requests", Short: "List what auditors ask for, and answer it", Example: "  plumbline audits requests list 2026-h1",
	}
	var asOf, by, pack, note string
	var files []string
	var attachments []int64
	show := func(list []audit.Request) error {
		rows := [][]any{}
		for _, r := range list {
			note := ""
			if n := len(r.Steps); n > 0 {
				note = r.Steps[n-1].Note
			}
			rows = append(rows, []any{r.N, string(r.State), r.Title, short(r.Answer, 60), len(r.Answers()), short(note, 60)})
		}
		return a.show(append([]audit.Request{}, list...), []string{"number", "state", "asked for", "where it is", "answers", "note"}, rows)
	}
	list := &cobra.Command{
		Use: "list AUDIT", Short: "List the requests of an audit", Args: cobra.ExactArgs(1), Example: "  plumbline audits requests list 2026-h1 --output json",
		RunE: func(c *cobra.Command, args []string) error {
			at, err := parseTime(asOf)
			if err != nil {
				return err
			}
			return a.withStore(c.Context(), func(db *store.Store) error {
				if _, err := db.AuditOf(c.Context(), args[0], at); err != nil {
					return err
				}
				list, err := db.AuditRequests(c.Context(), args[0], at)
				if err != nil {
					return err
				}
				return show(list)
			})
		},
	}
	list.Flags().StringVar(&asOf, "as-of", "", "as of this `time` (2026-03-01 or RFC 3339); default now")
	provide := &cobra.Command{
		Use: "provide AUDIT NUMBER", Short: "Answer a request with files of a package, attachments, or words", Args: cobra.ExactArgs(2),
		Long: "The digests of the files are kept with the answer. An auditor accepts it, or returns it and says what it lacks.",
		Example: `  plumbline audits requests provide 2026-h1 1 --package P-mfzgcyltmfrggzdf --file scope.json --file reconciliation.json
  plumbline audits requests provide 2026-h1 13 --note 'there were no incidents' --attachment 7`,
		RunE: func(c *cobra.Command, args []string) error {
			n, err := strconv.Atoi(args[1])
			if err != nil {
				return usageError{fmt.Errorf("request %q: want its number, as audits requests list prints it", args[1])}
			}
			if pack == "" && len(files) > 0 {
				return usageError{errors.New("--file wants --package")}
			}
			step := audit.Step{State: audit.Provided, Note: note}
			for _, name := range files {
				step.Answers = append(step.Answers, audit.Answer{Package: pack, Path: name})
			}
			if pack != "" && len(files) == 0 {
				step.Answers = append(step.Answers, audit.Answer{Package: pack})
			}
			for _, id := range attachments {
				step.Answers = append(step.Answers, audit.Answer{Attachment: id})
			}
			return a.withStore(c.Context(), func(db *store.Store) error {
				r, err := db.MoveRequest(c.Context(), localActor(by), args[0], n, step)
				if err != nil {
					return err
				}
				return show([]audit.Request{r})
			})
		},
	}
	flags := provide.Flags()
	flags.StringVar(&pack, "package", "", "a package of the audit, by `id`")
	flags.StringArrayVar(&files, "file", nil, "a `file` of the package; may be repeated; by default the whole package")
	flags.Int64SliceVar(&attachments, "attachment", nil, "what somebody attached, by `number`; may be repeated")
	flags.StringVar(&note, "note", "", "what there is to say")
	flags.StringVar(&by, "by", "", byUsage)
	c.AddCommand(list, provide)
	return c
}
