package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// AddLink keeps the digest of a sign-in link that works once: for a user, or, with an empty e-mail, for whoever becomes the first
// administrator. A user who is not there is posture.ErrNotFound.
func (s *Store) AddLink(ctx context.Context, by access.Actor, digest [32]byte, email string, expires time.Time) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		object := "first administrator"
		if email != "" {
			h, err := holder(ctx, tx, email)
			if err != nil {
				return err
			}
			object = "user/" + h.Email
		}
		if _, err := tx.Exec(ctx, `INSERT INTO signin_links (digest, email, expires_at) VALUES ($1, nullif($2, ''), $3)`, digest[:], email, expires); err != nil {
			return err
		}
		return s.writeAudit(ctx, tx, access.Entry{Actor: by, Action: access.UserManage, Object: object, Reason: "sign-in link until " + expires.UTC().Format(time.RFC3339)})
	})
	if err != nil {
		return fmt.Errorf("make sign-in link: %w", err)
	}
	return nil
}

// HasAdmin reports whether anybody can act as administrator now.
func (s *Store) HasAdmin(ctx context.Context) (bool, error) { return hasAdmin(ctx, s.pool, s.Now()) }

func hasAdmin(ctx context.Context, db querier, now time.Time) (bool, error) {
	all, err := holders(ctx, db, "", time.Time{})
	return slices.ContainsFunc(all, func(h access.Holder) bool {
		actor, err := h.Actor(true, now)
		return err == nil && slices.Contains(actor.Roles, access.Admin)
	}), err
}

// UseLink signs in through a link, which works no more afterwards, whatever comes of it. in.Email counts only for the link of the
// first administrator, who is added by it unless there is an administrator by now. A link that is not there, or not any more, is
// access.ErrRefused.
func (s *Store) UseLink(ctx context.Context, digest [32]byte, in access.SignIn) (actor access.Actor, err error) {
	var refusal error
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if err := lock(ctx, tx, lockPerson, ""); err != nil { // one first administrator
			return err
		}
		var email *string
		err = tx.QueryRow(ctx, `DELETE FROM signin_links WHERE digest = $1 AND expires_at > $2 RETURNING email`, digest[:], s.now()).Scan(&email)
		if errors.Is(err, pgx.ErrNoRows) {
			refusal = fmt.Errorf("%w: the link was used, is expired or never was", access.ErrRefused)
			return s.writeAudit(ctx, tx, refused(in, refusal))
		}
		if err != nil {
			return err
		}
		if email != nil {
			in.Email = *email
			actor, refusal, err = s.signIn(ctx, tx, in)
			return err
		}
		if in.Email, err = access.Email(in.Email); err != nil {
			return err // and the link stays
		}
		there, err := hasAdmin(ctx, tx, s.Now())
		if err != nil {
			return err
		}
		if there {
			refusal = fmt.Errorf("%w: there is an administrator already", access.ErrRefused)
			return s.writeAudit(ctx, tx, refused(in, refusal))
		}
		if err := s.addFirstAdmin(ctx, tx, in.Email); err != nil {
			return err
		}
		actor, refusal, err = s.signIn(ctx, tx, in)
		return err
	})
	if err = cmp.Or(err, refusal); err != nil {
		return access.Actor{}, fmt.Errorf("sign in through a link: %w", err)
	}
	return actor, nil
}

func refused(in access.SignIn, why error) access.Entry {
	return access.Entry{Actor: access.Actor{ID: in.Email, Kind: access.Person, Address: in.Address}, Action: access.SignedIn, Object: "link",
		Request: in.Request, Outcome: access.Refused, Reason: why.Error()}
}

func (s *Store) addFirstAdmin(ctx context.Context, tx pgx.Tx, email string) error {
	h, exists, err := lockHolder(ctx, tx, email)
	if err != nil {
		return err
	}
	if h.Disabled {
		return fmt.Errorf("%w: %s is disabled", posture.ErrInvalid, email)
	}
	if !exists {
		if err := s.addUserVersion(ctx, tx, access.Engine, h, h, false, "first administrator"); err != nil {
			return err
		}
	}
	_, err = s.grantRole(ctx, tx, access.Engine, h, access.Grant{User: email, Role: access.Admin, Reason: "first administrator"}, nil)
	return err
}
