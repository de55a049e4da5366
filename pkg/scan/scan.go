package scan

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"time"

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
func (s *Scanner) Scan(ctx context.Context, progress Progress) (Result, error) {
	started := s.Clock.Now()
	journal := transport.NewJournal()
	account, err := s.Open(ctx, journal)
	if err != nil {
		return Result{}, err
	}
	collected, err := Collect(ctx, account, s.Clock, progress)
	if err != nil {
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
	sealing.Snapshot.RunID, sealing.Snapshot.Tool, sealing.Snapshot.Trigger = runID(), s.Tool, s.Trigger
	sealing.Calls, sealing.Bodies = journal.Calls(), journal.Bodies()
	snapshot, err := s.Store.Seal(ctx, sealing)
	if err != nil {
		return Result{}, err
	}
	result := Result{
		Snapshot: snapshot, Cells: collected.Cells, Work: work, Calls: len(sealing.Calls),
		ByOperation: callsByOperation(sealing.Calls, account.Tasks, collected.Resources), Duration: s.Clock.Now().Sub(started),
	}
	s.Log.InfoContext(ctx, "scan finished", "account", account.Account.String(), "snapshot", snapshot.ID(), "resources", snapshot.Resources,
		"pass", snapshot.Verdicts.Pass, "fail", snapshot.Verdicts.Fail, "unknown", snapshot.Verdicts.Unknown,
		"calls", result.Calls, "evaluated", work.Evaluated, "reused", work.Reused, "duration", result.Duration)
	return result, nil
}

// runID names one trigger of a scan.
func runID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
