package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Advisory locks, held to the end of the transaction: one class for each account, one for the log. Taken in this order.
const (
	lockAccount = 1
	lockLog     = 2
)

// Seal writes a snapshot, whole or not at all, and returns it with number, time, root and place in the log. Sealings of one
// account wait for each other. What is not a possible snapshot is posture.ErrInvalid; among others a resource that would end
// although its cell was not read to the end. Nothing is tried again: after a connection failure Latest tells whether the
// snapshot is there.
func (s *Store) Seal(ctx context.Context, in posture.Sealing) (posture.Snapshot, error) {
	snapshot, err := s.seal(ctx, in)
	if err != nil {
		return posture.Snapshot{}, fmt.Errorf("seal snapshot of %s: %w", in.Snapshot.Account, err)
	}
	return snapshot, nil
}

func (s *Store) seal(ctx context.Context, in posture.Sealing) (posture.Snapshot, error) {
	account := in.Snapshot.Account.String()
	if err := check(in); err != nil {
		return posture.Snapshot{}, err
	}
	group, ctx := errgroup.WithContext(ctx)
	hashed := make(chan [][32]byte, 1) // of the verdicts
	rooted := make(chan tlog.Hash, 1)
	group.Go(func() error {
		hashes, err := hashVerdicts(in.Verdicts)
		if err != nil {
			return err
		}
		hashed <- hashes
		root, err := root(account, in, hashes)
		if err != nil {
			return err
		}
		rooted <- root
		return nil
	})
	var sealed posture.Snapshot
	group.Go(func() error {
		return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
			sealed, err = s.write(ctx, tx, account, in, hashed, rooted)
			return err
		})
	})
	return sealed, group.Wait()
}

func (s *Store) write(ctx context.Context, tx pgx.Tx, account string, in posture.Sealing, hashed <-chan [][32]byte,
	rooted <-chan tlog.Hash) (posture.Snapshot, error) {
	none := posture.Snapshot{}
	if err := lock(ctx, tx, lockAccount, account); err != nil {
		return none, err
	}
	if err := addAccount(ctx, tx, in.Snapshot.Account); err != nil {
		return none, err
	}
	snapshot := in.Snapshot
	for _, text := range []*string{&snapshot.Account.Name, &snapshot.RunID, &snapshot.Trigger, &snapshot.Principal, &snapshot.Tool, &snapshot.Ruleset} {
		*text = ledger.Text(*text)
	}
	if err := tx.QueryRow(ctx, `SELECT coalesce(max(seq), 0) + 1 FROM snapshots WHERE account = $1`, account).Scan(&snapshot.Seq); err != nil {
		return none, fmt.Errorf("number snapshot: %w", err)
	}
	if err := writeResources(ctx, tx, account, snapshot.Seq, in.Resources, in.Cells); err != nil {
		return none, err
	}
	hashes, err := receive(ctx, hashed)
	if err != nil {
		return none, err
	}
	if err := writeVerdicts(ctx, tx, account, snapshot.Seq, in.Verdicts, hashes); err != nil {
		return none, err
	}
	if err := writeCells(ctx, tx, account, snapshot.Seq, in.Cells); err != nil {
		return none, err
	}
	if err := writeBodies(ctx, tx, account, in.Bodies); err != nil {
		return none, err
	}
	if err := writeCalls(ctx, tx, account, snapshot.Seq, in.Calls); err != nil {
		return none, err
	}
	if snapshot.Verdicts, err = writeCounts(ctx, tx, account, snapshot.Seq, in.Verdicts); err != nil {
		return none, err
	}
	snapshot.Resources = len(in.Resources)
	root, err := receive(ctx, rooted)
	if err != nil {
		return none, err
	}
	snapshot.Root = hex.EncodeToString(root[:])
	if err := lock(ctx, tx, lockLog, ""); err != nil {
		return none, err
	}
	for _, t := range []*time.Time{&snapshot.Started, &snapshot.Finished} {
		*t = t.UTC().Truncate(time.Microsecond) // what the database keeps
	}
	snapshot.Sealed = s.Now().UTC().Truncate(time.Microsecond)
	record, err := ledger.Record(snapshot)
	if err != nil {
		return none, err
	}
	if snapshot.LogIndex, err = ledger.Append(ctx, logTable{tx}, record); err != nil {
		return none, err
	}
	return snapshot, addSnapshot(ctx, tx, snapshot) // last: from here on triggers refuse rows of this number
}

// receive waits for a value that another goroutine computes; when that fails, ctx ends.
func receive[T any](ctx context.Context, values <-chan T) (value T, err error) {
	select {
	case value = <-values:
		return value, nil
	case <-ctx.Done():
		return value, ctx.Err()
	}
}

func lock(ctx context.Context, tx pgx.Tx, class int, name string) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1, hashtext($2))`, class, name); err != nil {
		return fmt.Errorf("wait for other sealings: %w", err)
	}
	return nil
}

func hashVerdicts(verdicts []posture.Verdict) ([][32]byte, error) {
	hashes := make([][32]byte, len(verdicts))
	for i, v := range verdicts {
		var err error
		if hashes[i], err = ledger.VerdictHash(v); err != nil {
			return nil, err
		}
	}
	return hashes, nil
}

// root is the Merkle root of a snapshot.
func root(account string, in posture.Sealing, verdictHashes [][32]byte) (tlog.Hash, error) {
	leaves := make([]ledger.Leaf, 0, len(in.Cells)+len(in.Resources)+len(in.Verdicts))
	for _, c := range in.Cells {
		leaf, err := ledger.CellLeaf(account, c)
		if err != nil {
			return tlog.Hash{}, err
		}
		leaves = append(leaves, leaf)
	}
	for _, r := range in.Resources {
		leaves = append(leaves, ledger.ResourceLeaf(account, r))
	}
	for i, v := range in.Verdicts {
		leaves = append(leaves, ledger.VerdictLeaf(account, v, verdictHashes[i]))
	}
	return ledger.Root(leaves)
}

// check refuses names that the database or the tree cannot hold; other text is made storable where it is written.
func check(in posture.Sealing) error {
	a := in.Snapshot.Account
	if a.Provider == "" || a.ID == "" {
		return fmt.Errorf("%w: account without provider or id", posture.ErrInvalid)
	}
	if in.Snapshot.Started.IsZero() || in.Snapshot.Finished.Before(in.Snapshot.Started) {
		return fmt.Errorf("%w: snapshot from %v to %v", posture.ErrInvalid, in.Snapshot.Started, in.Snapshot.Finished)
	}
	for _, c := range in.Cells {
		if err := checkNames(a.Provider, a.ID, c.Type, c.Region); err != nil {
			return err
		}
	}
	for i := range in.Resources {
		r := &in.Resources[i]
		if err := checkNames(r.Type, r.Region, r.ID); err != nil {
			return err
		}
	}
	for i := range in.Verdicts {
		v := &in.Verdicts[i]
		if err := checkNames(v.Resource.Type, v.Resource.Region, v.Resource.ID, v.RuleID, v.RuleVersion); err != nil {
			return err
		}
		if strings.ContainsRune(v.RuleID, ' ') {
			return fmt.Errorf("%w: rule id %q holds a space", posture.ErrInvalid, v.RuleID)
		}
	}
	return nil
}

func checkNames(names ...string) error {
	for _, name := range names {
		if strings.IndexByte(name, 0) >= 0 || !utf8.ValidString(name) {
			return fmt.Errorf("%w: name %q is not text", posture.ErrInvalid, name)
		}
	}
	return nil
}
