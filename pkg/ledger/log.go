package ledger

import (
	"context"
	"encoding/json"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Storage keeps the log: its records, numbered from 0, and the hashes of its tree, numbered as tlog.StoredHashIndex says.
type Storage interface {
	// Size is the number of records.
	Size(ctx context.Context) (int64, error)
	// Hashes returns the hashes with these indexes, in their order.
	Hashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error)
	// Append adds record number index and the hashes that it completes, the first of which has index firstHash.
	Append(ctx context.Context, index int64, record []byte, firstHash int64, hashes []tlog.Hash) error
}

// Record returns what the log says of a sealed snapshot: its description as canonical JSON, without the place in the log.
func Record(s posture.Snapshot) ([]byte, error) {
	s.Started, s.Finished, s.Sealed = instant(s.Started), instant(s.Finished), instant(s.Sealed)
	data, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, err
	}
	delete(fields, "log_index")
	return Canonical(fields)
}

// Append adds a record to the log and returns its index. The caller sees to it that nobody else appends meanwhile.
func Append(ctx context.Context, s Storage, record []byte) (int64, error) {
	size, err := s.Size(ctx)
	if err != nil {
		return 0, fmt.Errorf("read size of log: %w", err)
	}
	hashes, err := tlog.StoredHashes(size, record, reader(ctx, s))
	if err != nil {
		return 0, fmt.Errorf("hash record %d of log: %w", size, err)
	}
	if err := s.Append(ctx, size, record, tlog.StoredHashIndex(0, size), hashes); err != nil {
		return 0, fmt.Errorf("append record %d to log: %w", size, err)
	}
	return size, nil
}

// TreeHead returns the root of the log's first size records.
func TreeHead(ctx context.Context, s Storage, size int64) (tlog.Hash, error) {
	return tlog.TreeHash(size, reader(ctx, s))
}

// ProveRecord proves that record index is in the log of that size; tlog.CheckRecord checks it.
func ProveRecord(ctx context.Context, s Storage, size, index int64) (tlog.RecordProof, error) {
	return tlog.ProveRecord(size, index, reader(ctx, s))
}

// ProveTree proves that the log of size records begins with the log of older records; tlog.CheckTree checks it.
func ProveTree(ctx context.Context, s Storage, size, older int64) (tlog.TreeProof, error) {
	return tlog.ProveTree(size, older, reader(ctx, s))
}

func reader(ctx context.Context, s Storage) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) { return s.Hashes(ctx, indexes) })
}
