package job

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// Target is an account that a connection reads.
type Target struct {
	Account string
	Members bool   // it is an organization or tenant; what it lists is to be scanned after it
	Skip    string // why it is left out
}

// planWorker turns a connection into scans of its accounts.
type planWorker struct {
	river.WorkerDefaults[planArgs]
	*Service
}

func (w *planWorker) Work(ctx context.Context, job *river.Job[planArgs]) error {
	connection, ok := w.connection(job.Args.Connection)
	if !ok {
		return river.JobCancel(fmt.Errorf("connection %q is no longer configured", job.Args.Connection))
	}
	targets, err := w.Clouds.Targets(ctx, connection)
	if err != nil {
		return err
	}
	return w.plan(ctx, job.Args, targets)
}

// plan queues a scan for each target, in one transaction with the record that the run knows it.
func (s *Service) plan(ctx context.Context, args planArgs, targets []Target) error {
	excluded := map[string]string{}
	if connection, ok := s.connection(args.Connection); ok {
		for _, e := range connection.Exclude {
			excluded[connection.Provider()+":"+e.Account] = e.Reason
		}
	}
	for _, target := range targets {
		if reason, ok := excluded[target.Account]; ok {
			target.Skip = "excluded: " + reason
		}
		took, err := s.Store.LastScanTime(ctx, target.Account)
		if err != nil {
			return err
		}
		if err := s.Store.InTx(ctx, func(tx store.Tx) error {
			row := store.ScanRow{Account: target.Account, RunID: args.Run, Connection: args.Connection, Schedule: args.Schedule, State: store.ScanQueued}
			if target.Skip == "" {
				opts := &river.InsertOpts{}
				if took > longScan {
					opts.Queue = queueLarge
				}
				if args.Schedule == "" {
					opts.Priority = 1 // somebody waits for it
				}
				result, err := s.queue.InsertTx(ctx, tx, scanArgs{
					Account: target.Account, Connection: args.Connection, Run: args.Run, Schedule: args.Schedule, Members: target.Members,
				}, opts)
				if err != nil {
					return fmt.Errorf("queue scan of %s: %w", target.Account, err)
				}
				if result.UniqueSkippedAsDuplicate {
					target.Skip = "an earlier run still scans it"
				}
			}
			if target.Skip != "" {
				now := s.Store.Clock()
				row.State, row.Error, row.Ended = store.ScanSkipped, target.Skip, &now
			}
			_, err := s.Store.PlanScan(ctx, tx, row)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// Cancel stops what a run has not sealed yet, of one account or, when it is "", of all, and returns the accounts. Nothing of them is
// sealed; by says who did it.
func (s *Service) Cancel(ctx context.Context, run, account, by string) ([]string, error) {
	accounts, jobs, err := s.Store.CancelScans(ctx, run, account, "canceled by "+by)
	if err != nil {
		return nil, err
	}
	for _, id := range jobs {
		if _, err := s.queue.JobCancel(ctx, id); err != nil && !errors.Is(err, rivertype.ErrNotFound) {
			return accounts, fmt.Errorf("cancel job %d of run %s: %w", id, run, err)
		}
	}
	return accounts, nil
}

// scanWorker scans one account.
type scanWorker struct {
	river.WorkerDefaults[scanArgs]
	*Service
}

// Timeout is that of one attempt.
func (w *scanWorker) Timeout(*river.Job[scanArgs]) time.Duration {
	return w.Settings().Worker.ScanTimeout
}

func (w *scanWorker) Work(ctx context.Context, job *river.Job[scanArgs]) error {
	args := job.Args
	snapshot, err := w.Store.SnapshotOfRun(ctx, args.Account, args.Run)
	if err == nil { // an earlier attempt sealed it and did not live to say so
		return w.sealed(ctx, args, snapshot)
	}
	if !errors.Is(err, posture.ErrNotFound) {
		return err
	}
	connection, ok := w.connection(args.Connection)
	if !ok {
		problem := fmt.Errorf("connection %q is no longer configured", args.Connection)
		return errors.Join(river.JobCancel(problem), w.gaveUp(ctx, args, problem))
	}
	release, ok, err := w.presence.HoldAccount(ctx, args.Account)
	if err != nil {
		return err
	}
	if !ok {
		return river.JobSnooze(5 * time.Second)
	}
	defer release()
	if goesOn, err := w.Store.StartScan(ctx, args.Account, args.Run, w.presence.Name, job.ID); err != nil {
		return err
	} else if !goesOn {
		return river.JobCancel(errors.New("somebody canceled the scan"))
	}
	scanner, err := w.Clouds.Scanner(ctx, connection, args.Account)
	if err != nil {
		return w.failed(ctx, job, err)
	}
	scanner.RunID, scanner.Checkpoints, scanner.Trigger, scanner.Log = args.Run, w.Store, "manual", w.Log
	if args.Schedule != "" {
		scanner.Trigger = "schedule"
	}
	var told time.Time // progress is called by one task at a time
	result, err := scanner.Scan(ctx, func(done, total int) {
		if now := time.Now(); now.Sub(told) >= time.Second || done == total {
			told = now
			_ = w.Store.ScanProgress(ctx, args.Account, args.Run, done, total) // the next one will tell
		}
	})
	if err != nil {
		return w.failed(ctx, job, err)
	}
	return w.sealed(ctx, args, result.Snapshot)
}

// sealed ends a scan that has its snapshot: the members of an organization are queued first, so that none is forgotten.
func (w *scanWorker) sealed(ctx context.Context, args scanArgs, snapshot posture.Snapshot) error {
	if args.Members {
		members, err := w.Clouds.Members(ctx, snapshot)
		if err != nil {
			return err
		}
		if err := w.plan(ctx, planArgs{Connection: args.Connection, Run: args.Run, Schedule: args.Schedule}, members); err != nil {
			return err
		}
	}
	return errors.Join(
		w.Store.EndScan(ctx, args.Account, args.Run, store.ScanSealed, snapshot.Seq, ""),
		w.tell(ctx, args, access.Done, fmt.Sprintf("sealed snapshot %d", snapshot.Seq)))
}

// failed says what becomes of an attempt: shutting down gives it back, the last failure tells people.
func (w *scanWorker) failed(ctx context.Context, job *river.Job[scanArgs], problem error) error {
	note, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	args := job.Args
	if errors.Is(context.Cause(ctx), rivertype.ErrJobCancelledRemotely) { // Cancel noted how it ended
		return river.JobCancel(problem)
	}
	if w.stopping() {
		return errors.Join(w.Store.EndScan(note, args.Account, args.Run, store.ScanQueued, 0, ""), river.JobSnooze(time.Second))
	}
	w.Log.WarnContext(ctx, "scan failed", "account", args.Account, "run", args.Run, "attempt", job.Attempt, "of", job.MaxAttempts, "error", problem)
	if job.Attempt < job.MaxAttempts {
		return errors.Join(problem, w.Store.EndScan(note, args.Account, args.Run, store.ScanQueued, 0, problem.Error()))
	}
	return errors.Join(problem, w.gaveUp(note, args, problem))
}

// gaveUp ends a scan without a snapshot, and tells people.
func (w *scanWorker) gaveUp(ctx context.Context, args scanArgs, problem error) error {
	_, err := w.queue.Insert(ctx, monitorArgs{Schedule: args.Schedule, Due: w.Store.Clock(), Account: args.Account, Problem: problem.Error()}, nil)
	return errors.Join(err, w.Store.EndScan(ctx, args.Account, args.Run, store.ScanFailed, 0, problem.Error()), w.tell(ctx, args, access.Failed, problem.Error()))
}

// tell writes into the audit log how a scan ended. One that is killed while it does may tell twice.
func (w *scanWorker) tell(ctx context.Context, args scanArgs, outcome access.Outcome, what string) error {
	return w.Store.Audit(ctx, access.Entry{Actor: access.Engine, Action: access.ScanFinish, Object: "account/" + args.Account, Reason: what, Request: args.Run, Outcome: outcome})
}

// NextRetry is short at first: most failures pass, and what was read is kept.
func (w *scanWorker) NextRetry(job *river.Job[scanArgs]) time.Time {
	waits := []time.Duration{10 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute}
	return time.Now().Add(waits[min(job.Attempt, len(waits))-1])
}
