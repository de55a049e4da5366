package store

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Contents returns the content documents with these hashes. They are equal to what was sealed, but not canonical: Postgres
// orders keys its own way. A hash that the account does not have is not in the answer.
func (s *Store) Contents(ctx context.Context, account string, hashes [][32]byte) (map[[32]byte][]byte, error) {
	return readContents(ctx, s.pool, account, hashes)
}

func readContents(ctx context.Context, db querier, account string, hashes [][32]byte) (map[[32]byte][]byte, error) {
	rows, _ := db.Query(ctx, `
		SELECT hash, document FROM contents WHERE account = $1 AND hash = ANY($2)`, account, slices32(hashes))
	contents := make(map[[32]byte][]byte, len(hashes))
	var hash, document []byte
	_, err := pgx.ForEachRow(rows, []any{&hash, &document}, func() error {
		contents[[32]byte(hash)] = document
		document = nil // or the next row would be written over it
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read contents: %w", err)
	}
	return contents, nil
}

// addContents writes the contents of the chosen resources which the account does not have yet.
func addContents(ctx context.Context, tx pgx.Tx, account string, resources []posture.Content, chosen []int) error {
	first := make(map[[32]byte]int, len(chosen)) // hash → resource that brings it, one with a document if any has
	for _, i := range chosen {
		if have, ok := first[resources[i].Hash]; !ok || resources[have].JSON == nil {
			first[resources[i].Hash] = i
		}
	}
	if len(first) == 0 {
		return nil
	}
	hashes := make([][]byte, 0, len(first))
	for hash := range first {
		hashes = append(hashes, hash[:])
	}
	rows, _ := tx.Query(ctx, `SELECT hash FROM contents WHERE account = $1 AND hash = ANY($2)`, account, hashes)
	var hash []byte
	if _, err := pgx.ForEachRow(rows, []any{&hash}, func() error {
		delete(first, [32]byte(hash))
		return nil
	}); err != nil {
		return fmt.Errorf("read known contents: %w", err)
	}
	unknown := make([]int, 0, len(first))
	for _, i := range chosen {
		if first[resources[i].Hash] == i && has(first, resources[i].Hash) {
			unknown = append(unknown, i)
		}
	}
	return copyRows(ctx, tx, "contents", []string{"account", "hash", "document"}, len(unknown), func(i int, row []any) error {
		r := &resources[unknown[i]]
		if sha256.Sum256(r.JSON) != r.Hash {
			return fmt.Errorf("%w: the hash of %s %s %s is not that of its content", posture.ErrInvalid, r.Type, r.Region, r.ID)
		}
		row[0], row[1], row[2] = account, r.Hash[:], r.JSON
		return nil
	})
}

func has[K comparable, V any](m map[K]V, k K) bool {
	_, ok := m[k]
	return ok
}

// slices32 is hashes as the database driver takes them.
func slices32(hashes [][32]byte) [][]byte {
	out := make([][]byte, len(hashes))
	for i := range hashes {
		out[i] = hashes[i][:]
	}
	return out
}
