package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/klauspost/compress/zstd"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// maxBody bounds what a stored body may unpack to, in bytes: far more than any cloud's answer.
const maxBody = 1 << 30

// Body returns the stored response body with that hex SHA-256.
func (s *Store) Body(ctx context.Context, account, sum string) ([]byte, error) {
	key, err := digest(sum)
	if err != nil {
		return nil, err
	}
	rows, _ := s.pool.Query(ctx, `SELECT data FROM bodies WHERE account = $1 AND sha256 = $2`, account, key)
	packed, err := readOne(rows, "body "+sum, pgx.RowTo[[]byte])
	if err != nil {
		return nil, err
	}
	unpack, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBody))
	if err != nil {
		return nil, err
	}
	defer unpack.Close()
	data, err := unpack.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("unpack body %s: %w", sum, err)
	}
	return data, nil
}

// writeBodies writes the bodies that the account does not have yet.
func writeBodies(ctx context.Context, tx pgx.Tx, account string, bodies []posture.Body) error {
	if len(bodies) == 0 {
		return nil
	}
	sums := make([][]byte, len(bodies))
	known := make(map[string]bool, len(bodies))
	for i, b := range bodies {
		sum := sha256.Sum256(b.Data)
		if hex.EncodeToString(sum[:]) != b.SHA256 {
			return fmt.Errorf("%w: body %q has another SHA-256", posture.ErrInvalid, b.SHA256)
		}
		sums[i] = sum[:]
	}
	rows, _ := tx.Query(ctx, `SELECT sha256 FROM bodies WHERE account = $1 AND sha256 = ANY($2)`, account, sums)
	var sum []byte
	if _, err := pgx.ForEachRow(rows, []any{&sum}, func() error {
		known[string(sum)] = true
		return nil
	}); err != nil {
		return fmt.Errorf("read known bodies: %w", err)
	}
	var added []int
	for i, sum := range sums {
		if !known[string(sum)] {
			known[string(sum)] = true
			added = append(added, i)
		}
	}
	pack, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	defer pack.Close()
	return copyRows(ctx, tx, "bodies", []string{"account", "sha256", "data"}, len(added), func(i int, row []any) error {
		row[0], row[1], row[2] = account, sums[added[i]], pack.EncodeAll(bodies[added[i]].Data, nil)
		return nil
	})
}
