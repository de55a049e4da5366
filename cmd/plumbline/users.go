package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// operator is who runs the program: whoever has the database administers it, and the audit log says as whom of this machine.
func operator() access.Actor {
	name, host := "somebody", "somewhere"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return access.Actor{ID: "cli:" + name + "@" + host, Kind: access.Person, Roles: []access.Role{access.Admin}}
}

// manage is withStore for changes of access; what the rules of access refuse is the caller's mistake.
func (a *app) manage(ctx context.Context, f func(*store.Store) error) error {
	err := a.withStore(ctx, f)
	if errors.Is(err, access.ErrRefused) {
		return usageError{err}
	}
	return err
}

func newUsers(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "users", Short: "Say who may sign in, and in which roles",
		Example: "  plumbline users add alice@example.com --role admin --link\n  plumbline users grant bob@example.com viewer --account 'aws:*'\n  plumbline users list",
	}
	c.AddCommand(newUsersAdd(a), newUsersList(a), newUsersGrant(a), newUsersRevoke(a), newUsersDisable(a), newUsersLink(a))
	return c
}

func newUsersAdd(a *app) *cobra.Command {
	var name, url string
	var roles []string
	var link bool
	c := &cobra.Command{
		Use: "add EMAIL", Short: "Add somebody, with roles", Args: cobra.ExactArgs(1),
		Long: `Adds somebody who may sign in through the identity provider as that e-mail address, or by a link that works once. People
whose groups stand for a role are added when they first sign in.`,
		Example: "  plumbline users add alice@example.com --name 'Alice Jones' --role admin --link",
		RunE: func(c *cobra.Command, args []string) error {
			return a.manage(c.Context(), func(db *store.Store) error {
				if err := db.AddUser(c.Context(), operator(), args[0], name); err != nil {
					return err
				}
				for _, role := range roles {
					if _, err := db.GrantRole(c.Context(), operator(), access.Grant{User: args[0], Role: access.Role(role)}); err != nil {
						return err
					}
				}
				if link {
					return a.printLink(c.Context(), db, args[0], url)
				}
				fmt.Fprintf(a.err, "%s is added\n", args[0])
				return nil
			})
		},
	}
	c.Flags().StringVar(&name, "name", "", "the person's name")
	c.Flags().StringSliceVar(&roles, "role", nil, "role to grant, several times for several: "+roleList())
	c.Flags().BoolVar(&link, "link", false, "print a link that signs the person in once, within a day")
	urlFlag(c, &url)
	return c
}

func roleList() string {
	var names []string
	for _, r := range access.Roles {
		if r != access.Collector {
			names = append(names, string(r))
		}
	}
	return strings.Join(names, ", ")
}

func urlFlag(c *cobra.Command, url *string) {
	c.Flags().StringVar(url, "url", cmp.Or(os.Getenv("PLUMBLINE_SERVER_URL"), "http://127.0.0.1:8080"), "`address` at which people reach the service, also PLUMBLINE_SERVER_URL")
}

func (a *app) printLink(ctx context.Context, db *store.Store, email, url string) error {
	email, err := access.Email(email)
	if err != nil {
		return err
	}
	secret, digest := access.NewSecret()
	expires := time.Now().Add(access.LinkLife)
	if err := db.AddLink(ctx, operator(), digest, email, expires); err != nil {
		return err
	}
	link := access.Link(url, secret, false)
	return a.show(map[string]any{"email": email, "link": link, "expires_at": expires.UTC()}, []string{"link, works once", "until (UTC)"}, [][]any{{link, stamp(expires)}})
}

func newUsersLink(a *app) *cobra.Command {
	var url string
	c := &cobra.Command{
		Use: "link EMAIL", Short: "Print a link that signs somebody in once, within a day", Args: cobra.ExactArgs(1),
		Example: "  plumbline users link alice@example.com --url https://plumbline.example.com",
		RunE: func(c *cobra.Command, args []string) error {
			return a.manage(c.Context(), func(db *store.Store) error { return a.printLink(c.Context(), db, args[0], url) })
		},
	}
	urlFlag(c, &url)
	return c
}

func newUsersList(a *app) *cobra.Command {
	var asOf string
	c := &cobra.Command{
		Use: "list", Short: "List people with their roles and the waivers of conflicts", Args: cobra.NoArgs,
		Example: "  plumbline users list --as-of 2026-03-01 --output json",
		RunE: func(c *cobra.Command, _ []string) error {
			at, err := parseTime(asOf)
			if err != nil {
				return err
			}
			return a.withStore(c.Context(), func(db *store.Store) error {
				list, err := db.Holders(c.Context(), at)
				if err != nil {
					return err
				}
				if at.IsZero() {
					at = time.Now()
				}
				rows := [][]any{}
				for _, h := range list {
					row := func(grant, role, of, until, note string) {
						rows = append(rows, []any{h.Email, h.Name, state(h), grant, role, of, until, note})
					}
					n := len(rows)
					for _, role := range h.Groups {
						row("", string(role), "", "", "by group")
					}
					for _, g := range h.Grants {
						if g.InForce(at) {
							row(strconv.FormatInt(g.ID, 10), string(g.Role), cmp.Or(strings.Join(g.Scopes, " "), g.Audit), day(g.Until), g.Reason)
						}
					}
					for _, w := range h.Waivers {
						if w.InForce(at) {
							row("", "waiver", string(w.Roles[0])+" with "+string(w.Roles[1]), stamp(w.Until), w.Reason)
						}
					}
					if len(rows) == n {
						row("", "none", "", "", "")
					}
				}
				return a.show(append([]access.Holder{}, list...), []string{"e-mail", "name", "state", "grant", "role", "accounts or audit", "until (UTC)", "note"}, rows)
			})
		},
	}
	c.Flags().StringVar(&asOf, "as-of", "", "as of this `time` (2026-03-01 or RFC 3339); default now")
	return c
}

func state(h access.Holder) string {
	if h.Disabled {
		return "disabled"
	}
	return "active"
}

func day(t posture.Opt[time.Time]) string {
	if at, set := t.Get(); set {
		return stamp(at)
	}
	return ""
}

func newUsersGrant(a *app) *cobra.Command {
	var g access.Grant
	var from, until, waive, waiveUntil string
	var noMFA bool
	c := &cobra.Command{
		Use: "grant EMAIL ROLE", Short: "Give somebody a role", Args: cobra.ExactArgs(2),
		Long: `Gives somebody a role: ` + roleList() + `.
A viewer may be bound to accounts. An auditor is bound to one audit, needs an end, and has to sign in with several factors.
Roles that conflict need --waive with a reason and an end within a year; every evidence package prints such waivers.`,
		Example: `  plumbline users grant bob@example.com viewer --account 'aws:*'
  plumbline users grant eve@firm.example auditor --audit soc2-2026 --until 2026-12-31
  plumbline users grant alice@example.com compliance_manager --waive 'two people run this' --waive-until 2026-12-31`,
		RunE: func(c *cobra.Command, args []string) error {
			g.User, g.Role = args[0], access.Role(args[1])
			g.MFA = g.Role == access.Auditor && !noMFA
			var err error
			if g.From, err = parseTime(from); err != nil {
				return err
			}
			end, err := parseTime(until)
			if err != nil {
				return err
			}
			if until != "" {
				g.Until = posture.Some(end)
			}
			waiverEnd, err := parseTime(waiveUntil)
			if err != nil {
				return err
			}
			return a.manage(c.Context(), func(db *store.Store) error {
				waivers, err := conflictsOf(c.Context(), db, g, waive, waiverEnd)
				if err != nil {
					return err
				}
				given, err := db.GrantRole(c.Context(), operator(), g, waivers...)
				if err != nil {
					return err
				}
				return a.show(given, []string{"grant", "e-mail", "role", "until (UTC)"}, [][]any{{strconv.FormatInt(given.ID, 10), given.User, string(given.Role), day(given.Until)}})
			})
		},
	}
	f := c.Flags()
	f.StringSliceVar(&g.Scopes, "account", nil, "accounts that a viewer sees (aws:111122223333, aws:*), several times for several; default all")
	f.StringVar(&g.Audit, "audit", "", "the one audit that an auditor sees")
	f.StringVar(&from, "from", "", "`time` when it begins (2026-03-01 or RFC 3339); default now")
	f.StringVar(&until, "until", "", "`time` when it ends; default never")
	f.BoolVar(&noMFA, "without-mfa", false, "let an auditor sign in with one factor; the grant says so")
	f.StringVar(&g.Reason, "reason", "", "why, for the audit log")
	f.StringVar(&waive, "waive", "", "`reason` to hold conflicting roles all the same")
	f.StringVar(&waiveUntil, "waive-until", "", "`time` when the waiver ends")
	return c
}

// conflictsOf returns waivers of what a grant conflicts with, none without a reason.
func conflictsOf(ctx context.Context, db *store.Store, g access.Grant, reason string, until time.Time) (waivers []access.Waiver, err error) {
	if reason == "" {
		return nil, nil
	}
	email, err := access.Email(g.User)
	if err != nil {
		return nil, err
	}
	h, err := db.Holder(ctx, email)
	if err != nil {
		return nil, err
	}
	roles := append(slices.Clone(h.Groups), g.Role)
	for _, old := range h.Grants {
		if old.InForce(time.Now()) {
			roles = append(roles, old.Role)
		}
	}
	for _, p := range access.Conflicts(roles) {
		if p[0] == g.Role || p[1] == g.Role {
			waivers = append(waivers, access.WaiverOf(email, p[0], p[1], reason, until))
		}
	}
	if len(waivers) == 0 {
		return nil, usageError{fmt.Errorf("--waive: %s conflicts with no role of %s", g.Role, email)}
	}
	return waivers, nil
}

func newUsersRevoke(a *app) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "revoke GRANT", Short: "Take a role away, by the number that users list shows", Args: cobra.ExactArgs(1),
		Example: "  plumbline users revoke 7 --reason 'moved to another team'",
		RunE: func(c *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return usageError{fmt.Errorf("grant %q: want its number", args[0])}
			}
			return a.manage(c.Context(), func(db *store.Store) error {
				if err := db.RevokeRole(c.Context(), operator(), id, reason); err != nil {
					return err
				}
				fmt.Fprintf(a.err, "grant %d is revoked\n", id)
				return nil
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, for the audit log")
	return c
}

func newUsersDisable(a *app) *cobra.Command {
	var reason string
	var again bool
	c := &cobra.Command{
		Use: "disable EMAIL", Short: "Keep somebody out, with every session and token", Args: cobra.ExactArgs(1),
		Example: "  plumbline users disable bob@example.com --reason 'left the company'\n  plumbline users disable bob@example.com --undo",
		RunE: func(c *cobra.Command, args []string) error {
			return a.manage(c.Context(), func(db *store.Store) error {
				if err := db.SetDisabled(c.Context(), operator(), args[0], !again, reason); err != nil {
					return err
				}
				fmt.Fprintf(a.err, "%s is %s\n", args[0], map[bool]string{true: "active again", false: "disabled"}[again])
				return nil
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, for the audit log")
	c.Flags().BoolVar(&again, "undo", false, "let the person in again")
	return c
}

func newTokens(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "tokens", Short: "Make, list and revoke API tokens",
		Example: "  plumbline tokens create ci --owner alice@example.com --role viewer\n  plumbline tokens revoke ci",
	}
	c.AddCommand(newTokensCreate(a), newTokensList(a), newTokensRevoke(a))
	return c
}

func newTokensCreate(a *app) *cobra.Command {
	var t access.APIToken
	var roles []string
	var days int
	c := &cobra.Command{
		Use: "create NAME", Short: "Make an API token and print it, once", Args: cobra.ExactArgs(1),
		Long: `Makes a token that acts for its owner, in some of the owner's roles and for some of the owner's accounts. It loses what the
owner loses. A collector's token needs an administrator as owner. Programs send it as Authorization: Bearer.`,
		Example: "  plumbline tokens create ci --owner alice@example.com --role viewer --account 'aws:*' --days 30",
		RunE: func(c *cobra.Command, args []string) error {
			if t.Owner == "" || len(roles) == 0 {
				return usageError{errors.New("tokens create needs --owner and --role")}
			}
			t.Name = args[0]
			for _, r := range roles {
				t.Roles = append(t.Roles, access.Role(r))
			}
			var err error
			if t.Owner, err = access.Email(t.Owner); err != nil {
				return err
			}
			t.Expires = time.Now().AddDate(0, 0, days)
			secret, digest := access.NewSecret()
			return a.manage(c.Context(), func(db *store.Store) error {
				made, err := db.CreateToken(c.Context(), operator(), t, digest)
				if err != nil {
					return err
				}
				return a.show(struct {
					access.APIToken
					Token string `json:"token"`
				}{made, secret}, []string{"token, shown only now", "name", "expires (UTC)"}, [][]any{{secret, made.Name, stamp(made.Expires)}})
			})
		},
	}
	f := c.Flags()
	f.StringVar(&t.Owner, "owner", "", "e-mail of the person whom it acts for")
	f.StringSliceVar(&roles, "role", nil, "role, several times for several: those of the owner, or collector")
	f.StringSliceVar(&t.Scopes, "account", nil, "accounts (aws:111122223333, aws:*), several times for several; default all that the owner sees")
	f.IntVar(&days, "days", int(access.DefaultTokenLife.Hours()/24), "days until it expires, at most 365")
	return c
}

func newTokensList(a *app) *cobra.Command {
	var asOf string
	c := &cobra.Command{
		Use: "list", Short: "List API tokens", Args: cobra.NoArgs, Example: "  plumbline tokens list --output json",
		RunE: func(c *cobra.Command, _ []string) error {
			at, err := parseTime(asOf)
			if err != nil {
				return err
			}
			return a.withStore(c.Context(), func(db *store.Store) error {
				list, err := db.Tokens(c.Context(), at)
				if err != nil {
					return err
				}
				if at.IsZero() {
					at = time.Now()
				}
				rows := [][]any{}
				for _, t := range list {
					state := "good"
					if _, revoked := t.Revoked.Get(); revoked {
						state = "revoked"
					} else if !at.Before(t.Expires) {
						state = "expired"
					}
					var roles []string
					for _, r := range t.Roles {
						roles = append(roles, string(r))
					}
					rows = append(rows, []any{t.Name, state, t.Owner, strings.Join(roles, " "), strings.Join(t.Scopes, " "), stamp(t.Created), stamp(t.Expires)})
				}
				return a.show(append([]access.APIToken{}, list...), []string{"name", "state", "owner", "roles", "accounts", "created (UTC)", "expires (UTC)"}, rows)
			})
		},
	}
	c.Flags().StringVar(&asOf, "as-of", "", "as of this `time` (2026-03-01 or RFC 3339); default now")
	return c
}

func newTokensRevoke(a *app) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "revoke NAME", Short: "End a token", Args: cobra.ExactArgs(1), Example: "  plumbline tokens revoke ci --reason 'found in a log'",
		RunE: func(c *cobra.Command, args []string) error {
			return a.manage(c.Context(), func(db *store.Store) error {
				if err := db.RevokeToken(c.Context(), operator(), args[0], reason); err != nil {
					return err
				}
				fmt.Fprintf(a.err, "token %s is revoked\n", args[0])
				return nil
			})
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, for the audit log")
	return c
}
