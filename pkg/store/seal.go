package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Advisory locks, held to the end of the transaction: for each account's snapshots, each account's findings, and the log. Taken in
// this order.
const (
	lockAccount  = 1
	lockFindings = 4
	lockLog      = 2
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

func (s *Store) seal(ctx context.Context, in posture.Sealing) (sealed posture.Snapshot, err error) {
	if err := check(in); err != nil {
		return sealed, err
	}
	tree, err := newTree(in)
	if err != nil {
		return sealed, err
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		sealed, err = s.write(ctx, tx, in, tree)
		return err
	})
	return sealed, err
}

func (s *Store) write(ctx context.Context, tx pgx.Tx, in posture.Sealing, t tree) (posture.Snapshot, error) {
	none, account := posture.Snapshot{}, in.Snapshot.Account.String()
	if err := lock(ctx, tx, lockAccount, account); err != nil {
		return none, err
	}
	if err := addAccount(ctx, tx, in.Snapshot.Account); err != nil {
		return none, err
	}
	last, err := lastDigests(ctx, tx, account)
	if err != nil {
		return none, err
	}
	snapshot := in.Snapshot
	for _, text := range []*string{&snapshot.Account.Name, &snapshot.RunID, &snapshot.Trigger, &snapshot.Principal, &snapshot.Tool, &snapshot.Ruleset} {
		*text = ledger.Text(*text)
	}
	for _, instant := range []*time.Time{&snapshot.Started, &snapshot.Finished} {
		*instant = instant.UTC().Truncate(time.Microsecond) // what the database keeps
	}
	snapshot.Seq = last.seq + 1
	snapshot.Root = hex.EncodeToString(t.root[:])
	snapshot.Resources = len(in.Resources)
	var resources moved
	if t.resources == nil || !bytes.Equal(t.resources, last.resources) {
		if resources, err = writeResources(ctx, tx, account, snapshot.Seq, in.Resources, in.Cells); err != nil {
			return none, err
		}
	}
	var turns []turn
	if !bytes.Equal(t.verdicts, last.verdicts) {
		if turns, err = writeVerdicts(ctx, tx, account, snapshot.Seq, in.Verdicts, t.verdictHashes); err != nil {
			return none, err
		}
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
	if err := s.observe(ctx, tx, snapshot, in, resources, turns); err != nil {
		return none, err
	}
	if err := lock(ctx, tx, lockLog, ""); err != nil {
		return none, err
	}
	snapshot.Sealed = s.Now().UTC().Truncate(time.Microsecond)
	record, err := ledger.Record(snapshot)
	if err != nil {
		return none, err
	}
	if snapshot.LogIndex, err = ledger.Append(ctx, logTable{tx}, record); err != nil {
		return none, err
	}
	return snapshot, addSnapshot(ctx, tx, snapshot, t) // last: from here on triggers refuse rows of this number
}

func lock(ctx context.Context, tx pgx.Tx, class int, name string) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1, hashtext($2))`, class, name); err != nil {
		return fmt.Errorf("wait for other sealings: %w", err)
	}
	return nil
}

// tree is what is computed of a sealing before anything is written.
type tree struct {
	root          [32]byte
	verdictHashes [][32]byte
	// Digests over the leaves of one kind: when the snapshot before has the same, there is nothing to compare and to write.
	// resources is nil when some are stale, which leaves do not say.
	resources, verdicts []byte
}

func newTree(in posture.Sealing) (t tree, err error) {
	if t.verdictHashes, err = ledger.VerdictHashes(in.Verdicts); err != nil {
		return t, err
	}
	account := in.Snapshot.Account.String()
	leaves := make([]ledger.Leaf, 0, len(in.Cells)+len(in.Resources)+len(in.Verdicts))
	for _, c := range in.Cells {
		leaf, err := ledger.CellLeaf(account, c)
		if err != nil {
			return t, err
		}
		leaves = append(leaves, leaf)
	}
	stale := false
	for i := range in.Resources {
		stale = stale || in.Resources[i].Stale
		leaves = append(leaves, ledger.ResourceLeaf(account, in.Resources[i]))
	}
	for i := range in.Verdicts {
		leaves = append(leaves, ledger.VerdictLeaf(account, in.Verdicts[i], t.verdictHashes[i]))
	}
	hashes, err := ledger.Hashes(leaves) // sorted: cells, resources, verdicts
	if err != nil {
		return t, err
	}
	t.root = ledger.Root(hashes)
	if !stale {
		t.resources = sum(hashes[len(in.Cells):][:len(in.Resources)])
	}
	t.verdicts = sum(hashes[len(in.Cells)+len(in.Resources):])
	return t, nil
}

func sum(hashes []tlog.Hash) []byte {
	h := sha256.New()
	for i := range hashes {
		h.Write(hashes[i][:])
	}
	return h.Sum(nil)
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
