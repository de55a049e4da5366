package scan

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Store is what a scan needs of the database.
type Store interface {
	// State returns the newest snapshot of an account, empty when there is none.
	State(ctx context.Context, account string) (posture.Sealing, error)
	Seal(ctx context.Context, s posture.Sealing) (posture.Snapshot, error)
	// Contents returns the documents of resources, by hash.
	Contents(ctx context.Context, account string, hashes [][32]byte) (map[[32]byte][]byte, error)
}

// Scanner scans accounts of one provider.
type Scanner struct {
	// Open proves which account the credentials read and lists what there is to read, through a transport that journals.
	Open    func(ctx context.Context, journal *transport.Journal) (collectors.Account, error)
	Judge   Judge
	Store   Store
	Clock   transport.Clock
	Log     *slog.Logger
	Tool    string // version of the program
	Trigger string // "manual" or "schedule"
	RunID   string // names the trigger; empty: a new one
	// Settle is how long the account's second source may lag; zero: DefaultSettle.
	Settle time.Duration
	// Checkpoints let a scan of the same RunID go on where an earlier attempt stopped; nil: start anew.
	Checkpoints Checkpoints
	// Attributions keep who made the changes that the scan finds; nil: the cloud's log is not read.
	Attributions Attributions
}

// Result is what a scan did.
type Result struct {
	Snapshot    posture.Snapshot
	Cells       []posture.Cell
	Work        Work
	Calls       int
	ByOperation []OperationCalls // the calls
	Duration    time.Duration
}

// Scan reads the account and seals one snapshot. Until it is sealed nothing is written, so whatever ends a scan early leaves
// the last snapshot as it was.
func (s *Scanner) Scan(ctx context.Context, progress Progress) (result Result, err error) {
	ctx, span := otel.Tracer("plumbline").Start(ctx, "scan", trace.WithAttributes(attribute.String("run", s.RunID)))
	defer func() {
		span.SetAttributes(attribute.String("account", result.Snapshot.Account.String()), attribute.Int64("seq", result.Snapshot.Seq), attribute.Int("calls", result.Calls))
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}()
	started := s.Clock.Now()
	journal := transport.NewJournal()
	account, err := s.Open(ctx, journal)
	if err != nil {
		return Result{}, err
	}
	resume, err := s.resume(ctx, account.Account.String(), journal)
	if err != nil {
		return Result{}, err
	}
	collected, err := collectAll(ctx, account, s.Clock, progress, resume)
	if err != nil {
		return Result{}, err
	}
	if err := reconcile(ctx, account, &collected, s.Clock, cmp.Or(s.Settle, DefaultSettle)); err != nil {
		return Result{}, err
	}
	before, err := s.Store.State(ctx, account.Account.String())
	if err != nil {
		return Result{}, err
	}
	if err := collected.Above.Pin(ctx, s.Store, account.Types, collected.Started); err != nil {
		return Result{}, err
	}
	sealing, work, err := s.Judge.Judge(collected, NewState(before))
	if err != nil {
		return Result{}, err
	}
	sealing.Snapshot.RunID, sealing.Snapshot.Tool, sealing.Snapshot.Trigger = cmp.Or(s.RunID, NewRunID()), s.Tool, s.Trigger
	sealing.Calls, sealing.Bodies = journal.Calls(), journal.Bodies()
	snapshot, err := s.Store.Seal(ctx, sealing)
	if err != nil {
		return Result{}, err
	}
	if resume != nil {
		if err := s.Checkpoints.DropCheckpoints(ctx, account.Account.String()); err != nil {
			s.Log.WarnContext(ctx, "checkpoints stay until the next scan", "account", account.Account.String(), "error", err)
		}
	}
	if s.Attributions != nil {
		if err := Attribute(ctx, s.Attributions, account, journal, snapshot, s.Clock.Now()); err != nil {
			s.Log.WarnContext(ctx, "who made the changes is not known yet", "account", account.Account.String(), "snapshot", snapshot.ID(), "error", err)
		}
	}
	result = Result{
		Snapshot: snapshot, Cells: collected.Cells, Work: work, Calls: len(sealing.Calls),
		ByOperation: callsByOperation(sealing.Calls, account.Tasks, collected.Resources), Duration: s.Clock.Now().Sub(started),
	}
	s.Log.InfoContext(ctx, "scan finished", "account", account.Account.String(), "snapshot", snapshot.ID(), "resources", snapshot.Resources,
		"pass", snapshot.Verdicts.Pass, "fail", snapshot.Verdicts.Fail, "unknown", snapshot.Verdicts.Unknown,
		"calls", result.Calls, "evaluated", work.Evaluated, "reused", work.Reused, "duration", result.Duration)
	return result, nil
}

func (s *Scanner) resume(ctx context.Context, account string, journal *transport.Journal) (*resumption, error) {
	if s.Checkpoints == nil || s.RunID == "" {
		return nil, nil
	}
	saved, err := s.Checkpoints.Checkpoints(ctx, account, s.RunID)
	if err != nil {
		return nil, err
	}
	return &resumption{
		store: s.Checkpoints, account: account, run: s.RunID, tool: s.Tool, now: s.Clock.Now(), journal: journal, log: s.Log, saved: saved,
	}, nil
}

// NewRunID names one trigger of scans.
func NewRunID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
