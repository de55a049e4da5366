package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Accounts returns every account that has a snapshot, by the name that its newest one found.
func (s *Store) Accounts(ctx context.Context) ([]posture.Account, error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT a.provider, a.id, n.account_name
		FROM accounts a
		CROSS JOIN LATERAL (SELECT account_name FROM snapshots s WHERE s.account = a.account ORDER BY seq DESC LIMIT 1) n
		ORDER BY a.account`)
	return read(rows, "accounts", func(row pgx.CollectableRow) (a posture.Account, err error) {
		return a, row.Scan(&a.Provider, &a.ID, &a.Name)
	})
}

func addAccount(ctx context.Context, tx pgx.Tx, a posture.Account) error {
	if _, err := tx.Exec(ctx, `
		INSERT INTO accounts (account, provider, id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, a.String(), a.Provider, a.ID); err != nil {
		return fmt.Errorf("write account: %w", err)
	}
	return nil
}
