package store

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// CreateToken keeps a token whose secret has that digest, and returns it as kept. A token that expires never in t expires after
// access.DefaultTokenLife. access.CheckToken says what is refused.
func (s *Store) CreateToken(ctx context.Context, by access.Actor, t access.APIToken, digest [32]byte) (access.APIToken, error) {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		h, exists, err := lockHolder(ctx, tx, t.Owner)
		if err != nil {
			return err
		}
		if !exists {
			return fmt.Errorf("user %s: %w", t.Owner, posture.ErrNotFound)
		}
		t.Created, t.By = s.now(), by.ID
		if t.Expires.IsZero() {
			t.Expires = t.Created.Add(access.DefaultTokenLife)
		}
		t.Expires = t.Expires.UTC().Truncate(time.Microsecond)
		owner, err := h.Actor(false, t.Created)
		if err != nil {
			return err
		}
		if err := access.CheckToken(t, owner, t.Created); err != nil {
			return err
		}
		err = tx.QueryRow(ctx, `
			INSERT INTO tokens (name, digest, owner, roles, scopes, at, expires_at, by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id`,
			t.Name, digest[:], t.Owner, roleNames(t.Roles), append([]string{}, t.Scopes...), t.Created, t.Expires, t.By).Scan(&t.ID)
		var taken *pgconn.PgError
		if errors.As(err, &taken) && taken.ConstraintName == "tokens_name_key" {
			return fmt.Errorf("%w: there is one of that name, or was", posture.ErrInvalid)
		}
		if err != nil {
			return err
		}
		return s.writeChange(ctx, tx, access.Entry{Actor: by, Action: access.TokenCreate, Object: "token/" + t.Name}, false, nil, t)
	})
	if err != nil {
		err = s.refusedGiving(ctx, access.Entry{Actor: by, Action: access.TokenCreate, Object: "token/" + t.Name}, err)
		return access.APIToken{}, fmt.Errorf("create token %q: %w", t.Name, err)
	}
	return t, nil
}

const selectTokens = `
	SELECT t.id, t.name, t.owner, t.roles, t.scopes, t.at, t.expires_at, t.by, r.at, t.digest
	FROM tokens t LEFT JOIN token_revocations r ON r.token = t.id`

type storedToken struct {
	access.APIToken
	digest []byte
}

// readTokens takes a revocation that came after asOf, unless that is the zero time, for none.
func readTokens(ctx context.Context, db querier, asOf time.Time, sql string, args ...any) ([]storedToken, error) {
	rows, _ := db.Query(ctx, selectTokens+sql, args...)
	return read(rows, "tokens", func(row pgx.CollectableRow) (t storedToken, err error) {
		var revoked *time.Time
		err = row.Scan(&t.ID, &t.Name, &t.Owner, &t.Roles, &t.Scopes, &t.Created, &t.Expires, &t.By, &revoked, &t.digest)
		t.Created, t.Expires = t.Created.UTC(), t.Expires.UTC()
		if revoked != nil && (asOf.IsZero() || !revoked.After(asOf)) {
			t.Revoked = posture.Some(revoked.UTC())
		}
		return t, err
	})
}

// Tokens returns the tokens known as of a time, the zero time being now; also those expired and revoked.
func (s *Store) Tokens(ctx context.Context, asOf time.Time) ([]access.APIToken, error) {
	until := &asOf
	if asOf.IsZero() {
		until = nil
	}
	stored, err := readTokens(ctx, s.pool, asOf, ` WHERE $1::timestamptz IS NULL OR t.at <= $1 ORDER BY t.id`, until)
	if err != nil {
		return nil, err
	}
	list := make([]access.APIToken, len(stored))
	for i, t := range stored {
		list[i] = t.APIToken
	}
	return list, nil
}

// TokenActor returns who a token with that digest acts as now. What is no token, or no good, is access.ErrRefused.
func (s *Store) TokenActor(ctx context.Context, digest [32]byte) (access.Actor, error) {
	found, err := readTokens(ctx, s.pool, time.Time{}, ` WHERE substr(t.digest, 1, 8) = $1`, digest[:8])
	if err != nil {
		return access.Actor{}, err
	}
	for _, t := range found {
		if subtle.ConstantTimeCompare(t.digest, digest[:]) != 1 {
			continue
		}
		owner, err := holder(ctx, s.pool, t.Owner)
		if err != nil {
			return access.Actor{}, err
		}
		return t.Actor(owner, s.Now())
	}
	return access.Actor{}, fmt.Errorf("%w: unknown token", access.ErrRefused)
}

// RevokeToken ends a token, now. One that has been revoked before is posture.ErrInvalid.
func (s *Store) RevokeToken(ctx context.Context, by access.Actor, name, reason string) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		found, err := readTokens(ctx, tx, time.Time{}, ` WHERE t.name = $1`, name)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return posture.ErrNotFound
		}
		before := found[0].APIToken
		after := before
		after.Revoked = posture.Some(s.now())
		done, err := tx.Exec(ctx, `INSERT INTO token_revocations (token, reason, at, by) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			before.ID, ledger.Text(reason), after.Revoked.Or(time.Time{}), by.ID)
		if err != nil {
			return err
		}
		if done.RowsAffected() == 0 {
			return fmt.Errorf("%w: it is revoked already", posture.ErrInvalid)
		}
		return s.writeChange(ctx, tx, access.Entry{Actor: by, Action: access.TokenManage, Object: "token/" + name, Reason: reason}, true, before, after)
	})
	if err != nil {
		return fmt.Errorf("revoke token %q: %w", name, err)
	}
	return nil
}
