package store

import (
	"context"
	"fmt"
)

// Checkpoints returns what earlier attempts of a run read of an account, by task.
func (s *Store) Checkpoints(ctx context.Context, account, run string) (map[string][]byte, error) {
	out := map[string][]byte{}
	rows, err := s.pool.Query(ctx, `SELECT task, data FROM scan_checkpoints WHERE account = $1 AND run_id = $2`, account, run)
	if err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var task string
		var data []byte
		if err := rows.Scan(&task, &data); err != nil {
			return nil, fmt.Errorf("read checkpoints: %w", err)
		}
		out[task] = data
	}
	return out, rows.Err()
}

// SaveCheckpoint keeps what a task read.
func (s *Store) SaveCheckpoint(ctx context.Context, account, run, task string, data []byte) error {
	if _, err := s.pool.Exec(ctx, `
		INSERT INTO scan_checkpoints (account, run_id, task, data, saved_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		account, run, task, data, s.Now()); err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	return nil
}

// DropCheckpoints removes the account's checkpoints, those of abandoned runs too.
func (s *Store) DropCheckpoints(ctx context.Context, account string) error {
	if _, err := s.pool.Exec(ctx, `DELETE FROM scan_checkpoints WHERE account = $1`, account); err != nil {
		return fmt.Errorf("drop checkpoints: %w", err)
	}
	return nil
}
