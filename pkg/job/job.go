// Package job is what runs when: schedules become scans, sealed snapshots become alerts, alerts become deliveries. Jobs wait in
// Postgres (River); a process that dies gives its jobs back, and an account is scanned by one process at a time.
package job

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/config"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// Clouds is what the queue asks of the clouds.
type Clouds interface {
	// Targets lists the accounts that a connection names.
	Targets(ctx context.Context, c config.Connection) ([]Target, error)
	// Members lists the accounts below an organization or tenant, as its snapshot holds them.
	Members(ctx context.Context, organization posture.Snapshot) ([]Target, error)
	// Scanner reads one account of a connection.
	Scanner(ctx context.Context, c config.Connection, account string) (*scan.Scanner, error)
}

// Service takes what is due and works on it. Any number of processes may run one on the same database.
type Service struct {
	Store  *store.Store
	Clouds Clouds
	// Settings and Alerts return what is in force now; both may change while the service runs.
	Settings func() *config.Config
	Alerts   func() *alert.Dispatcher
	Log      *slog.Logger
	Drain    time.Duration // how long jobs may still run once the service is told to stop; zero means 30 s

	queue    *store.Queue // takes jobs in
	presence *store.Presence
	stop     atomic.Bool
	mu       sync.Mutex
	working  []int64 // ids of the jobs at work here
}

// How often upkeep happens.
const (
	tickEvery   = 5 * time.Second
	watchEvery  = 5 * time.Second
	rescueEvery = 5 * time.Second
	choreEvery  = time.Minute
	expireEvery = time.Hour
)

// Connect lets jobs be queued, also by what the store writes, in the same transaction. It comes before everything else.
func (s *Service) Connect() (err error) {
	if s.queue, err = s.Store.NewQueue(&river.Config{Logger: s.queueLog()}); err != nil {
		return err
	}
	s.Store.OnEvents = func(ctx context.Context, tx store.Tx, account string, seq int64, _ []finding.Event) error {
		_, err := s.queue.InsertTx(ctx, tx, alertArgs{Account: account, Seq: seq}, nil)
		return err
	}
	s.Store.OnDelivery = func(ctx context.Context, tx store.Tx, ids []int64) error {
		for _, id := range ids {
			if _, err := s.queue.InsertTx(ctx, tx, deliverArgs{Delivery: id}, nil); err != nil {
				return err
			}
		}
		return nil
	}
	return nil
}

// Run works until ctx ends, then lets running jobs finish for a while; a scan that does not is given back, and whoever takes it
// goes on where it stopped. A database that is away is waited for.
func (s *Service) Run(ctx context.Context) error {
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		began := time.Now()
		err := s.session(ctx)
		if ctx.Err() != nil {
			return err
		}
		if time.Since(began) > time.Minute {
			wait = time.Second
		}
		s.Log.ErrorContext(ctx, "worker lost the database and starts again", "wait", wait, "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// session works as long as its presence lasts.
func (s *Service) session(ctx context.Context) (err error) {
	s.presence, err = s.Store.Appear(ctx, workerName())
	if err != nil {
		return err
	}
	defer func() {
		leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = s.presence.Leave(leaving) // the database ends the session in any case
	}()
	s.stop.Store(false)
	settings := s.Settings()
	workers := river.NewWorkers()
	river.AddWorker(workers, &planWorker{Service: s})
	river.AddWorker(workers, &scanWorker{Service: s})
	river.AddWorker(workers, river.WorkFunc(s.dispatch))
	river.AddWorker(workers, river.WorkFunc(s.deliver))
	river.AddWorker(workers, river.WorkFunc(s.digest))
	river.AddWorker(workers, river.WorkFunc(s.monitor))
	river.AddWorker(workers, river.WorkFunc(s.chore))
	scans := max(1, settings.Worker.Scans)
	queue, err := s.Store.NewQueue(&river.Config{
		ID: s.presence.Name, Logger: s.queueLog(), Workers: workers, JobTimeout: 5 * time.Minute, ErrorHandler: &failures{s.Log},
		Middleware:        []rivertype.Middleware{&tracker{Service: s}},
		FetchPollInterval: time.Second, RescueStuckJobsAfter: settings.Worker.ScanTimeout + time.Hour,
		Queues: map[string]river.QueueConfig{
			queueScan:  {MaxWorkers: scans},
			queueLarge: {MaxWorkers: max(1, scans/4)},
			queueSend:  {MaxWorkers: max(1, settings.Worker.Deliveries)},
		},
	})
	if err != nil {
		return err
	}
	if err := queue.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start queue: %w", err)
	}
	s.Log.InfoContext(ctx, "worker started", "worker", s.presence.Name, "scans", scans)

	loops, end := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() { s.presence.Watch(loops, watchEvery) })
	group.Go(func() { s.every(loops, tickEvery, "take what is due", s.tick) })
	group.Go(func() { s.every(loops, rescueEvery, "rescue jobs", s.rescue) })
	group.Go(func() { s.every(loops, choreEvery, "queue upkeep", s.chores("escalate")) })
	group.Go(func() { s.every(loops, expireEvery, "queue upkeep", s.chores("expire", "forget")) })
	select {
	case <-ctx.Done():
		s.Log.InfoContext(ctx, "worker stops", "worker", s.presence.Name)
		err = s.drain(ctx, queue)
	case <-s.presence.Lost():
		err = errors.New("the session with the database ended")
		s.stop.Store(true)
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		err = errors.Join(err, queue.StopAndCancel(stopping))
		cancel()
	}
	end()
	group.Wait()
	return err
}

// drain lets running jobs end by themselves for a while, and then ends them.
func (s *Service) drain(ctx context.Context, queue *store.Queue) error {
	ctx = context.WithoutCancel(ctx)
	wait := s.Drain
	if wait == 0 {
		wait = 30 * time.Second
	}
	soft, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if err := queue.Stop(soft); err == nil {
		return nil
	}
	s.stop.Store(true) // from here on an interrupted scan was given back, and has not failed
	hard, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := queue.StopAndCancel(hard); err != nil {
		return fmt.Errorf("stop queue: %w", err)
	}
	return nil
}

// every does something now and then until ctx ends; a failure is logged, and it is tried again.
func (s *Service) every(ctx context.Context, period time.Duration, what string, do func(context.Context) error) {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "could not "+what, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// rescue gives the jobs of dead workers back.
func (s *Service) rescue(ctx context.Context) error {
	s.mu.Lock()
	working := append([]int64{}, s.working...)
	s.mu.Unlock()
	ids, err := s.Store.Rescue(ctx, s.presence.Name, working)
	if len(ids) > 0 {
		s.Log.WarnContext(ctx, "jobs of a lost worker are queued again", "jobs", ids)
	}
	return err
}

func (s *Service) chores(names ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, name := range names {
			if _, err := s.queue.Insert(ctx, choreArgs{Chore: name}, nil); err != nil {
				return err
			}
		}
		return nil
	}
}

func (s *Service) dispatch(ctx context.Context, job *river.Job[alertArgs]) error {
	return s.Alerts().Dispatch(ctx, job.Args.Account, job.Args.Seq)
}

func (s *Service) deliver(ctx context.Context, job *river.Job[deliverArgs]) error {
	err := s.Alerts().Deliver(ctx, job.Args.Delivery)
	var later *alert.Later
	if errors.As(err, &later) {
		return river.JobSnooze(later.After)
	}
	return err
}

func (s *Service) digest(ctx context.Context, job *river.Job[digestArgs]) error {
	return s.Alerts().Digest(ctx, job.Args.Digest, job.Args.Due)
}

func (s *Service) monitor(ctx context.Context, job *river.Job[monitorArgs]) error {
	switch a := job.Args; {
	case a.Account != "":
		return s.Alerts().ScanFailed(ctx, alert.Failure{Account: a.Account, Problem: a.Problem})
	case a.Missed > 0:
		return s.Alerts().Missed(ctx, a.Schedule, a.Due)
	default:
		return s.Alerts().Ran(ctx, a.Schedule)
	}
}

func (s *Service) chore(ctx context.Context, job *river.Job[choreArgs]) error {
	now := s.Store.Clock()
	switch job.Args.Chore {
	case "escalate":
		return s.Alerts().Escalate(ctx, now)
	case "expire":
		_, err := s.Store.ExpireExceptions(ctx, now)
		return errors.Join(err, s.Alerts().Expiring(ctx, now))
	case "forget":
		_, err := s.Store.ForgetExpired(ctx)
		return err
	}
	return river.JobCancel(fmt.Errorf("no such upkeep: %q", job.Args.Chore))
}

// connection returns the connection of that name.
func (s *Service) connection(name string) (config.Connection, bool) {
	list := s.Settings().Connections
	i := slices.IndexFunc(list, func(c config.Connection) bool { return c.Name == name })
	if i < 0 {
		return config.Connection{}, false
	}
	return list[i], true
}

func (s *Service) stopping() bool { return s.stop.Load() }

// running notes that a job is at work here, or no longer.
func (s *Service) running(id int64, yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if yes {
		s.working = append(s.working, id)
		return
	}
	s.working = slices.DeleteFunc(s.working, func(other int64) bool { return other == id })
}

// queueLog keeps the queue's own notes out of the log, its warnings aside.
func (s *Service) queueLog() *slog.Logger { return slog.New(onlyWarnings{s.Log.Handler()}) }

type onlyWarnings struct{ slog.Handler }

func (h onlyWarnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

// workerName is unique to this process and moment.
func workerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "worker"
	}
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), hex.EncodeToString(b[:]))
}
