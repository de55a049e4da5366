package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Sessions keeps browser sessions for github.com/alexedwards/scs; tokens reach it as digests.
type Sessions struct{ store *Store }

// Sessions returns the store of browser sessions.
func (s *Store) Sessions() Sessions { return Sessions{s} }

// FindCtx returns the data of a session that has neither ended nor expired.
func (s Sessions) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	err = s.store.pool.QueryRow(ctx, `SELECT data FROM sessions WHERE token = $1 AND expires_at > $2 AND data IS NOT NULL`, token, s.store.Now()).Scan(&data)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read session: %w", err)
	}
	return data, true, nil
}

// CommitCtx keeps a session's data; one that has ended stays so.
func (s Sessions) CommitCtx(ctx context.Context, token string, data []byte, expires time.Time) error {
	_, err := s.store.pool.Exec(ctx, `
		INSERT INTO sessions (token, data, expires_at) VALUES ($1, $2, $3)
		ON CONFLICT (token) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at WHERE sessions.data IS NOT NULL`, token, data, expires)
	if err != nil {
		return fmt.Errorf("write session: %w", err)
	}
	return nil
}

// DeleteCtx ends a session.
func (s Sessions) DeleteCtx(ctx context.Context, token string) error {
	if _, err := s.store.pool.Exec(ctx, `UPDATE sessions SET data = NULL WHERE token = $1`, token); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// Find is FindCtx for the interface, which nothing calls without a context.
func (s Sessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is CommitCtx.
func (s Sessions) Commit(token string, data []byte, expires time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expires)
}

// Delete is DeleteCtx.
func (s Sessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// ForgetExpired removes sessions and sign-in links that have expired, and returns how many.
func (s *Store) ForgetExpired(ctx context.Context) (int64, error) {
	var n int64
	for _, sql := range []string{`DELETE FROM sessions WHERE expires_at <= $1`, `DELETE FROM signin_links WHERE expires_at <= $1`} {
		done, err := s.pool.Exec(ctx, sql, s.Now())
		if err != nil {
			return n, fmt.Errorf("remove expired sessions: %w", err)
		}
		n += done.RowsAffected()
	}
	return n, nil
}
