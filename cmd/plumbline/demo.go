package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/collectors/aws"
	"github.com/plumbline-dev/plumbline/collectors/azure"
	"github.com/plumbline-dev/plumbline/collectors/gcp"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/drift"
	"github.com/plumbline-dev/plumbline/pkg/embedpg"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud"
	simaws "github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
	"github.com/plumbline-dev/plumbline/pkg/store"
	"github.com/plumbline-dev/plumbline/pkg/web/pages"
)

func newDemo(a *app) *cobra.Command {
	var once bool
	var keep, listen string
	c := &cobra.Command{
		Use: "demo", Short: "Scan 90 simulated days of several clouds, print the posture and serve the pages",
		Long: `Starts a private PostgreSQL server and simulated AWS accounts, Google Cloud projects and Azure subscriptions on a loopback
address, scans each once a day for 90 days with the real SDKs, and prints the posture: with drift, an outage of nine days, and a region that refuses its reads.
Then it serves the pages about it until it is interrupted, to this machine alone and without sign-in.`,
		Example: "  plumbline demo\n  plumbline demo --listen 127.0.0.1:9000\n  plumbline demo --once --output json\n  plumbline demo --keep demo-data && plumbline findings list --data-dir demo-data",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var listener net.Listener
			if !once {
				var err error
				if listener, err = loopback(listen, c.Flags().Changed("listen")); err != nil {
					return err
				}
				defer listener.Close()
			}
			return a.demo(c.Context(), keep, listener)
		},
	}
	c.Flags().BoolVar(&once, "once", false, "stop after printing the posture summary")
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "serve the pages at this loopback `address`; when it is taken, at a free port")
	c.Flags().StringVar(&keep, "keep", "", "keep the demo's database in this new `folder`, for the other commands' --data-dir")
	return c
}

// demoSummary is what scripts get; its names stay.
type demoSummary struct {
	Accounts   []demoAccount              `json:"accounts"`
	Snapshots  int                        `json:"snapshots"`
	Resources  int                        `json:"resources"`
	Rules      int                        `json:"rules"`
	Verdicts   posture.Counts             `json:"verdicts"`
	Drift      map[posture.DriftCause]int `json:"drift"`
	Controls   int                        `json:"controls"`
	Criteria   int                        `json:"criteria"`
	DurationMS int64                      `json:"duration_ms"`
}

type demoAccount struct {
	Provider string `json:"provider"`
	ID       string `json:"id"`
}

// loopback listens at an address that other machines do not reach. A port nobody asked for gives way to a free one when it is taken.
func loopback(address string, asked bool) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, usageError{fmt.Errorf("--listen %q: want a loopback address and a port, such as 127.0.0.1:8080: the demo has no sign-in", address)}
	}
	listener, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) && !asked {
		return net.Listen("tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return nil, usageError{fmt.Errorf("--listen: %w", err)}
	}
	return listener, nil
}

// demo prints the posture and, when there is a listener, serves the pages until ctx ends.
func (a *app) demo(ctx context.Context, keep string, listener net.Listener) error {
	started := time.Now()
	debug.SetGCPercent(400) // simulated clouds, SDKs and readers share this process: memory is cheaper than the collector here
	set, err := loadRules()
	if err != nil {
		return err
	}
	url := a.databaseURL
	if url == "" {
		options := embedpg.Options{Unsafe: keep == "", Log: a.log()}
		if keep != "" {
			options.Dir = keep + "/postgres"
		}
		server, err := embedpg.Start(ctx, options)
		if err != nil {
			return err
		}
		defer server.Stop()
		url = server.URL("postgres")
	}
	cloud, err := simcloud.Start("127.0.0.1:0", simcloud.Demo(started))
	if err != nil {
		return err
	}
	defer cloud.Stop()
	return withStoreAt(ctx, url, func(db *store.Store) error {
		if old, err := db.Snapshots(ctx, "", 1); err != nil {
			return err
		} else if len(old) > 0 {
			return fmt.Errorf("%w: the demo needs an empty database, this one holds snapshots", posture.ErrSetup)
		}
		db.Now = cloud.Now
		moved, snapshots, err := a.demoDays(ctx, cloud, set, db)
		if err != nil {
			return err
		}
		summary, err := summarize(ctx, db, set)
		if err != nil {
			return err
		}
		summary.Drift, summary.Snapshots, summary.DurationMS = moved, snapshots, time.Since(started).Milliseconds()
		if a.output == "json" {
			err = a.show(summary, nil, nil)
		} else {
			err = a.showPosture(ctx, db, set, summary)
		}
		if err != nil {
			return err
		}
		if keep != "" && a.output != "json" {
			fmt.Fprintf(a.out, "\nLook around:\n  plumbline findings list --data-dir %s\n  plumbline drift --data-dir %s\n  plumbline snapshots list --data-dir %s\n", keep, keep, keep)
		}
		if listener == nil {
			return nil
		}
		return a.demoPages(ctx, db, set, listener)
	})
}

func (a *app) demoPages(ctx context.Context, db *store.Store, set *rule.Set, listener net.Listener) error {
	site, err := pages.New(pages.Options{Store: db, Set: func() *rule.Set { return set }, Log: a.log()})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	site.Routes(mux)
	server := newHTTPServer(mux, a.log())
	fmt.Fprintf(a.err, "\nThe pages are at http://%s/ until you press Ctrl-C.\n", listener.Addr())
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the pages: %w", err)
	}
	return nil
}

// demoDays scans every account once a day and counts what drifted from one scan to the next.
func (a *app) demoDays(ctx context.Context, cloud *simcloud.Cloud, set *rule.Set, db *store.Store) (map[posture.DriftCause]int, int, error) {
	moved, snapshots := drift.Count(nil), 0
	var mu sync.Mutex
	update, finish := progress(a.err, "simulated days")
	defer finish()
	client := simaws.DialClient(cloud.Addr) // one for all scans, so that connections are used again
	for day := range simcloud.DemoDays {
		update(day, simcloud.DemoDays)
		if simcloud.DemoOutage(day) {
			continue
		}
		cloud.SetTick(day)
		cloud.Faults.Set(simcloud.DemoFaults(day))
		for _, accounts := range simcloud.InOrder(cloud.World.Accounts) {
			group, ctx := errgroup.WithContext(ctx)
			for _, account := range accounts {
				group.Go(func() error {
					result, err := demoScanner(cloud, client, account, set, db).Scan(ctx, nil)
					if err != nil {
						return fmt.Errorf("day %d: %w", day, err)
					}
					var changes []posture.Change
					if seq := result.Snapshot.Seq; seq > 1 {
						if changes, err = scan.Drift(ctx, db, types(), account.Account.String(), seq-1, seq); err != nil {
							return err
						}
					}
					mu.Lock()
					defer mu.Unlock()
					snapshots++
					for cause, n := range drift.Count(changes) {
						moved[cause] += n
					}
					return nil
				})
			}
			if err := group.Wait(); err != nil {
				return nil, 0, err
			}
		}
		if day == demoExceptionDay {
			if err := demoException(ctx, db); err != nil {
				return nil, 0, err
			}
		}
	}
	update(simcloud.DemoDays, simcloud.DemoDays)
	return moved, snapshots, nil
}

// demoExceptionDay is when the story's people accept a finding for a time.
const demoExceptionDay = 40

// demoException lets one person ask for an exception and another grant it.
func demoException(ctx context.Context, db *store.Store) error {
	list, err := db.Findings(ctx, store.FindingFilter{Account: "aws:444455556666", States: []finding.State{finding.Open}, Limit: 1})
	if err != nil || len(list) == 0 {
		return err
	}
	person := func(name string, role access.Role) access.Actor {
		return access.Actor{ID: name + "@acme.example", Kind: access.Person, Roles: []access.Role{role}}
	}
	asked, err := db.RequestException(ctx, person("omar", access.OnCall), finding.Exception{
		Resources: []finding.Covered{{Finding: list[0].ID}}, Reason: "Staging is rebuilt next quarter; the setting comes with it.",
		Risk: "Test data only; nobody outside reaches the account.", Compensating: "Access to staging is reviewed every month.",
		Starts: db.Clock(), Expires: db.Clock().AddDate(0, 0, 60),
	})
	if err != nil {
		return fmt.Errorf("ask for the story's exception: %w", err)
	}
	_, err = db.DecideException(ctx, person("clara", access.Compliance), asked.ID, finding.Approve, "Accepted until the rebuild.")
	return err
}

func demoScanner(cloud *simcloud.Cloud, client transport.Doer, account world.Account, set *rule.Set, db scan.Store) *scan.Scanner {
	var open open
	switch account.Provider {
	case "aws":
		open = openAWS(aws.Options{Config: simaws.Config(account.ID, account.Home(), client), Name: account.Name})
	case "azure":
		options := azure.Options{Subscription: account.ID, Name: account.Name, Doer: client}
		if account.Sort != "" {
			options.Subscription, options.Tenant = "", strings.TrimPrefix(account.ID, "tenants/")
		}
		open = openAzure(options)
	case "gcp":
		options := gcp.Options{Project: account.ID, Name: account.Name, Doer: client}
		if account.Sort != "" {
			options.Project, options.Organization = "", account.ID
		}
		open = openGCP(options)
	}
	scanner := newScanner(set, db, account.Provider, open, transport.Options{Clock: cloud}, nil)
	scanner.Clock, scanner.Trigger = cloud, "schedule"
	scanner.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	return scanner
}

// summarize counts the newest snapshot of every account.
func summarize(ctx context.Context, db *store.Store, set *rule.Set) (demoSummary, error) {
	summary := demoSummary{Accounts: []demoAccount{}, Rules: len(set.Active())}
	current, err := db.Current(ctx, "", time.Time{})
	if err != nil {
		return summary, err
	}
	for _, s := range current {
		summary.Accounts = append(summary.Accounts, demoAccount{s.Account.Provider, s.Account.ID})
		summary.Resources += s.Resources
		summary.Verdicts.Pass += s.Verdicts.Pass
		summary.Verdicts.Fail += s.Verdicts.Fail
		summary.Verdicts.Unknown += s.Verdicts.Unknown
		summary.Verdicts.DoesNotApply += s.Verdicts.DoesNotApply
	}
	controls, criteria := map[string]bool{}, map[string]bool{}
	for _, p := range set.Active() {
		controls[p.Control] = true
		for _, link := range set.Criteria(p) {
			criteria[link.ID] = true
		}
	}
	summary.Controls, summary.Criteria = len(controls), len(criteria)
	return summary, nil
}

// showPosture prints the verdicts by criterion: observations, never one score.
func (a *app) showPosture(ctx context.Context, db *store.Store, set *rule.Set, s demoSummary) error {
	counts, err := db.Counts(ctx, "", time.Time{})
	if err != nil {
		return err
	}
	byCriterion := map[string]*posture.Counts{}
	for _, c := range counts {
		p, err := set.Program(c.Rule)
		if err != nil {
			return err
		}
		for _, link := range set.Criteria(p) {
			sum := byCriterion[link.ID]
			if sum == nil {
				sum = &posture.Counts{}
				byCriterion[link.ID] = sum
			}
			sum.Pass, sum.Fail = sum.Pass+c.Pass, sum.Fail+c.Fail
			sum.Unknown, sum.DoesNotApply = sum.Unknown+c.Unknown, sum.DoesNotApply+c.DoesNotApply
		}
	}
	fmt.Fprintf(a.out, "%d accounts, %d snapshots over %d days, %d resources, %d rules, %d controls, %d criteria, in %.1f s\n",
		len(s.Accounts), s.Snapshots, simcloud.DemoDays, s.Resources, s.Rules, s.Controls, s.Criteria, float64(s.DurationMS)/1000)
	fmt.Fprintf(a.out, "Verdicts now: %d pass, %d fail, %d unknown, %d not applicable\n", s.Verdicts.Pass, s.Verdicts.Fail, s.Verdicts.Unknown, s.Verdicts.DoesNotApply)
	fmt.Fprintf(a.out, "Drift: %d configuration, %d ruleset, %d exception, %d coverage\n\n",
		s.Drift[posture.CauseConfiguration], s.Drift[posture.CauseRuleset], s.Drift[posture.CauseException], s.Drift[posture.CauseCoverage])
	rows := [][]any{}
	for _, criterion := range set.SOC2.Criteria {
		if c := byCriterion[criterion.ID]; c != nil {
			rows = append(rows, []any{criterion.ID, criterion.Title, c.Pass, c.Fail, c.Unknown, c.DoesNotApply})
		}
	}
	if err := a.show(nil, []string{"criterion", "about", "pass", "fail", "unknown", "n/a"}, rows); err != nil {
		return err
	}
	fmt.Fprintln(a.out, "\nThese are observations of settings. Whether a criterion is met is for an auditor to conclude.")
	return nil
}
