package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/alert/channel"
	"github.com/plumbline-dev/plumbline/pkg/config"
	"github.com/plumbline-dev/plumbline/pkg/embedpg"
	"github.com/plumbline-dev/plumbline/pkg/job"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func newServe(a *app) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "serve", Short: "Run the service: schedules, scans, alerts, API",
		Long: `Runs the whole service in one process: it takes what is due, scans accounts, tells of what changed, and answers the API. Any
number of processes may run on one database, here or elsewhere; plumbline worker adds more that only work. SIGHUP reads the
settings again, SIGTERM lets scans finish for 30 s and hands the others on.`,
		Example: "  plumbline serve --config plumbline.yaml\n  PLUMBLINE_CONFIG=/etc/plumbline.yaml plumbline serve --database-url postgres://plumbline@db/plumbline",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.service(c.Context(), file, true)
		},
	}
	c.Flags().StringVar(&file, "config", os.Getenv("PLUMBLINE_CONFIG"), "settings `file`, also PLUMBLINE_CONFIG")
	return c
}

func newWorker(a *app) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "worker", Short: "Add a worker to the service",
		Long:    "Scans, plans alerts and delivers them like plumbline serve on the same database, and answers no requests.",
		Example: "  plumbline worker --config plumbline.yaml --database-url postgres://plumbline@db/plumbline",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.service(c.Context(), file, false)
		},
	}
	c.Flags().StringVar(&file, "config", os.Getenv("PLUMBLINE_CONFIG"), "settings `file`, also PLUMBLINE_CONFIG")
	return c
}

// inForce is what the settings mean; SIGHUP replaces it as a whole.
type inForce struct {
	settings *config.Config
	set      *rule.Set
	alerts   *alert.Dispatcher
}

// loadService reads the settings and prepares what rests on them.
func (a *app) loadService(file string, db *store.Store) (*inForce, error) {
	set, err := loadRules()
	if err != nil {
		return nil, err
	}
	settings, err := config.Load(file, os.Environ(), knownTo(set))
	if err != nil {
		return nil, err
	}
	if set, err = set.WithParams(settings.Rules.Parameters); err != nil {
		return nil, err
	}
	channels, err := channel.New(settings.Alerts.Receivers)
	if err != nil {
		return nil, err
	}
	return &inForce{settings, set, &alert.Dispatcher{
		Store: db, Settings: alertSettings(settings, set), Channels: channels, Now: db.Clock,
	}}, nil
}

// service runs until it is told to stop; with pages it also answers requests.
func (a *app) service(ctx context.Context, file string, pages bool) error {
	settings, err := config.Load(file, os.Environ())
	if err != nil {
		return err
	}
	log := serviceLog(a.err, settings.Log)
	untrace, err := startTracing(ctx, settings.Tracing.Endpoint)
	if err != nil {
		return err
	}
	defer untrace()
	if settings.DataDir != "" {
		a.dataDir = settings.DataDir
	}
	url := a.databaseURL
	if url == "" {
		url = string(settings.Database.URL)
	}
	if url == "" {
		if !pages {
			return usageError{errors.New("a worker shares the database of the service: name it with --database-url or database.url")}
		}
		server, err := embedpg.Start(ctx, embedpg.Options{Dir: filepath.Join(a.dataDir, "postgres"), Log: log})
		if err != nil {
			return err
		}
		defer server.Stop()
		url = server.URL("postgres")
		if _, err := store.Migrate(ctx, url); err != nil {
			return err
		}
	}
	db, err := store.Open(ctx, url)
	if err != nil {
		return err
	}
	defer db.Close()
	db.Types = types()
	var current atomic.Pointer[inForce]
	load := func() error {
		next, err := a.loadService(file, db)
		if err != nil {
			return err
		}
		schedules, err := job.Schedules(next.settings, db.Clock())
		if err != nil {
			return err
		}
		if err := db.SetSchedules(ctx, schedules); err != nil {
			return err
		}
		current.Store(next)
		return nil
	}
	if err := load(); err != nil {
		return err
	}
	go onHangup(ctx, func() {
		if err := load(); err != nil {
			log.ErrorContext(ctx, "settings stay as they were", "error", err)
			return
		}
		log.InfoContext(ctx, "settings read again", "file", file)
	})
	options := transport.Options{}
	if options.RedactKey, err = a.sameRedactionKey(ctx, db, settings.Worker.RedactionKeyFile); err != nil {
		return err
	}
	if err := saveRules(ctx, db, current.Load().set); err != nil {
		return err
	}
	host, _ := os.Hostname()
	process := access.Entry{Actor: access.Engine, Action: access.ServiceStart, Object: fmt.Sprintf("process/%s-%d", host, os.Getpid()), Reason: version}
	if err := db.Audit(ctx, process); err != nil {
		return err
	}
	defer func() {
		process.Action = access.ServiceStop
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := db.Audit(ending, process); err != nil {
			log.WarnContext(ctx, "the audit log does not tell of this stop", "error", err)
		}
	}()
	inForceSettings := func() *config.Config { return current.Load().settings }
	jobs := &job.Service{
		Store: db, Log: log, Settings: inForceSettings,
		Alerts: func() *alert.Dispatcher { return current.Load().alerts },
		Clouds: &clouds{db: db, settings: inForceSettings, set: func() *rule.Set { return current.Load().set }, transport: options, log: log},
	}
	if err := jobs.Connect(); err != nil {
		return err
	}
	if !pages {
		return jobs.Run(ctx)
	}
	go a.signEvery(ctx, db, func() config.Checkpoints { return current.Load().settings.Checkpoints }, log)
	return a.serve(ctx, db, jobs, &current, log)
}

// serve answers requests while jobs run, and stops both together.
func (a *app) serve(ctx context.Context, db *store.Store, jobs *job.Service, current *atomic.Pointer[inForce], log *slog.Logger) error {
	listener, err := net.Listen("tcp", current.Load().settings.Server.Listen)
	if err != nil {
		return usageError{fmt.Errorf("server.listen: %w", err)}
	}
	handler, err := a.handler(ctx, db, jobs, current, listener.Addr().String(), log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := newHTTPServer(handler, log)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	log.InfoContext(ctx, "listening", "address", listener.Addr().String())
	working, stop := context.WithCancel(ctx)
	defer stop()
	worked := make(chan error, 1)
	go func() { worked <- jobs.Run(working) }()
	select {
	case err = <-served: // without requests the rest is to stop too, so that somebody notices
		stop()
		err = errors.Join(err, <-worked)
	case err = <-worked:
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, server.Shutdown(closing))
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func onHangup(ctx context.Context, reload func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	defer signal.Stop(signals)
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			reload()
		}
	}
}

// serviceLog writes as the settings say.
func serviceLog(w io.Writer, c config.Log) *slog.Logger {
	var level slog.Level
	if level.UnmarshalText([]byte(c.Level)) != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
