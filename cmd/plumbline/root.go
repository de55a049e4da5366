package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/pkg/embedpg"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/store"
	"github.com/plumbline-dev/plumbline/rules"
)

// streams are what a command reads and writes; results go to out alone.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// app is what the commands share.
type app struct {
	streams
	databaseURL string
	dataDir     string
	output      string
	verbose     bool
}

// usageError is a mistake on the command line.
type usageError struct{ error }

func newRoot(s streams) *cobra.Command {
	a := &app{streams: s}
	root := &cobra.Command{
		Use:   "plumbline",
		Short: "Cloud posture for SOC 2: what was read, what it means, and what could not be read",
		Long: `Plumbline reads the settings of cloud accounts, keeps every reading as a sealed snapshot, judges it against
SOC 2 rules and shows what drifted. What could not be read is unknown: never passed, failed or deleted.`,
		Example: `  plumbline demo                          # 90 simulated days, nothing needed
  plumbline scan --provider aws           # the account behind your AWS credentials
  plumbline findings list                 # what fails now
  plumbline drift --account aws:111122223333`,
		SilenceUsage: true, SilenceErrors: true, DisableSuggestions: true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			switch a.output {
			case "table", "json", "csv":
				return nil
			}
			return usageError{fmt.Errorf("--output %q: want table, json or csv", a.output)}
		},
	}
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetIn(s.in)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w\nSee %s --help", err, c.CommandPath())}
	})
	flags := root.PersistentFlags()
	flags.StringVar(&a.databaseURL, "database-url", os.Getenv("PLUMBLINE_DATABASE_URL"), "PostgreSQL `address`, also PLUMBLINE_DATABASE_URL; without one a private server keeps its data in --data-dir")
	flags.StringVar(&a.dataDir, "data-dir", defaultDataDir(), "`folder` of the private PostgreSQL server, also PLUMBLINE_DATA_DIR")
	flags.StringVarP(&a.output, "output", "o", "table", "`form` of the result: table, json or csv")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "log what is being done to standard error")
	root.AddCommand(
		newDemo(a), newScan(a), newScans(a), newSnapshots(a), newDrift(a), newFindings(a), newExceptions(a), newRules(a),
		newPermissions(a), newSimcloud(a), newMigrate(a), newConfig(a), newVersion(a),
		newServe(a), newWorker(a), newHealth(a), newRetention(a), newUsers(a), newTokens(a), newAuditLog(a), newAlerts(a),
		newAudits(a), newEvidence(a), newCheckpoints(a), newKeys(a), newReport(a),
	)
	for _, c := range root.Commands() {
		checkArguments(c)
	}
	return root
}

// checkArguments makes wrong arguments usage errors.
func checkArguments(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return usageError{fmt.Errorf("%w\nSee %s --help", err, c.CommandPath())}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		checkArguments(sub)
	}
}

func defaultDataDir() string {
	if dir := os.Getenv("PLUMBLINE_DATA_DIR"); dir != "" {
		return dir
	}
	if os.Geteuid() == 0 { // PostgreSQL runs as another user then, which may not enter root's home
		return "/var/lib/plumbline"
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "plumbline")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "plumbline-data"
	}
	return filepath.Join(home, ".local", "share", "plumbline")
}

func (a *app) log() *slog.Logger {
	level := slog.LevelWarn
	if a.verbose {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level}))
}

// withStore runs f on the database, at this program's schema: the one at --database-url, or the private one.
func (a *app) withStore(ctx context.Context, f func(*store.Store) error) (err error) {
	url := a.databaseURL
	if url == "" {
		server, err := embedpg.Start(ctx, embedpg.Options{Dir: filepath.Join(a.dataDir, "postgres"), Log: a.log()})
		if err != nil {
			return err
		}
		defer server.Stop()
		url = server.URL("postgres")
	}
	return withStoreAt(ctx, url, f)
}

func withStoreAt(ctx context.Context, url string, f func(*store.Store) error) error {
	if _, err := store.Migrate(ctx, url); err != nil {
		return err
	}
	s, err := store.Open(ctx, url)
	if err != nil {
		return err
	}
	defer s.Close()
	s.Types = types()
	return f(s)
}

// loadRules loads the rules that are part of the program.
func loadRules() (*rule.Set, error) {
	return rules.Load()
}

// types are the resource types of all clouds.
func types() []*posture.Type { return rules.Types() }
