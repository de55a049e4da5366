package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// lockPerson is the class of advisory locks under which what one person may do is changed. Taken before lockLog.
const lockPerson = 3

// Holders returns every user with the roles and waivers known as of a time, the zero time being now.
func (s *Store) Holders(ctx context.Context, asOf time.Time) ([]access.Holder, error) {
	return holders(ctx, s.pool, "", asOf)
}

// Holder returns one user with the roles and waivers known now.
func (s *Store) Holder(ctx context.Context, email string) (access.Holder, error) {
	return holder(ctx, s.pool, email)
}

func holder(ctx context.Context, db querier, email string) (access.Holder, error) {
	list, err := holders(ctx, db, email, time.Time{})
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("user %s: %w", email, posture.ErrNotFound)
	}
	if err != nil {
		return access.Holder{}, err
	}
	return list[0], nil
}

func holders(ctx context.Context, db querier, email string, asOf time.Time) ([]access.Holder, error) {
	filtered := func(sql, order string) query {
		q := query{sql: sql + ` WHERE true`}
		if email != "" {
			q.and(`t.email = ?`, email)
		}
		if !asOf.IsZero() {
			q.and(`t.at <= ?`, asOf)
		}
		q.sql += order
		return q
	}
	q := filtered(`SELECT DISTINCT ON (t.email) t.email, t.name, t.subject, t.groups, t.disabled, t.at FROM users t`, ` ORDER BY t.email, t.version DESC`)
	rows, _ := db.Query(ctx, q.sql, q.args...)
	list, err := read(rows, "users", func(row pgx.CollectableRow) (h access.Holder, err error) {
		err = row.Scan(&h.Email, &h.Name, &h.Subject, &h.Groups, &h.Disabled, &h.Since)
		h.Since = h.Since.UTC()
		return h, err
	})
	if err != nil {
		return nil, err
	}
	grants, err := readGrants(ctx, db, filtered(selectGrants, ` ORDER BY t.id`), asOf)
	if err != nil {
		return nil, err
	}
	q = filtered(`SELECT t.id, t.email, t.role, t.other, t.reason, t.by, t.at, t.until_at FROM waivers t`, ` ORDER BY t.id`)
	rows, _ = db.Query(ctx, q.sql, q.args...)
	waivers, err := read(rows, "waivers", func(row pgx.CollectableRow) (w access.Waiver, err error) {
		err = row.Scan(&w.ID, &w.User, &w.Roles[0], &w.Roles[1], &w.Reason, &w.By, &w.At, &w.Until)
		w.At, w.Until = w.At.UTC(), w.Until.UTC()
		return w, err
	})
	if err != nil {
		return nil, err
	}
	byEmail := make(map[string]*access.Holder, len(list))
	for i := range list {
		byEmail[list[i].Email] = &list[i]
	}
	for _, g := range grants {
		if h := byEmail[g.User]; h != nil {
			h.Grants = append(h.Grants, g)
		}
	}
	for _, w := range waivers {
		if h := byEmail[w.User]; h != nil {
			h.Waivers = append(h.Waivers, w)
		}
	}
	return list, nil
}

const selectGrants = `
	SELECT t.id, t.email, t.role, t.scopes, t.audit, t.from_at, t.until_at, t.mfa, t.reason, t.at, t.by, r.at
	FROM role_grants t LEFT JOIN role_revocations r ON r.role_grant = t.id`

// readGrants takes a revocation that came after asOf for none.
func readGrants(ctx context.Context, db querier, q query, asOf time.Time) ([]access.Grant, error) {
	rows, _ := db.Query(ctx, q.sql, q.args...)
	return read(rows, "roles", func(row pgx.CollectableRow) (g access.Grant, err error) {
		var until, revoked *time.Time
		err = row.Scan(&g.ID, &g.User, &g.Role, &g.Scopes, &g.Audit, &g.From, &until, &g.MFA, &g.Reason, &g.At, &g.By, &revoked)
		g.From, g.At = g.From.UTC(), g.At.UTC()
		if until != nil {
			g.Until = posture.Some(until.UTC())
		}
		if revoked != nil && (asOf.IsZero() || !revoked.After(asOf)) {
			g.Revoked = posture.Some(revoked.UTC())
		}
		return g, err
	})
}

// AddUser adds somebody without any role yet; one who is there already is posture.ErrInvalid.
func (s *Store) AddUser(ctx context.Context, by access.Actor, email, name string) error {
	return s.changeUser(ctx, by, email, "", func(tx pgx.Tx, h *access.Holder, exists bool) error {
		if exists {
			return fmt.Errorf("%w: there is one already", posture.ErrInvalid)
		}
		h.Name = name
		return nil
	})
}

// SetDisabled keeps a user, and every token of the user, out; or lets them in again.
func (s *Store) SetDisabled(ctx context.Context, by access.Actor, email string, disabled bool, reason string) error {
	return s.changeUser(ctx, by, email, reason, func(tx pgx.Tx, h *access.Holder, exists bool) error {
		if !exists {
			return posture.ErrNotFound
		}
		h.Disabled = disabled
		return nil
	})
}

func (s *Store) changeUser(ctx context.Context, by access.Actor, email, reason string, change func(pgx.Tx, *access.Holder, bool) error) error {
	email, err := access.Email(email)
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		before, exists, err := lockHolder(ctx, tx, email)
		if err != nil {
			return err
		}
		after := before
		if err := change(tx, &after, exists); err != nil {
			return err
		}
		return s.addUserVersion(ctx, tx, by, before, after, exists, reason)
	})
	if err != nil {
		return fmt.Errorf("change user %s: %w", email, err)
	}
	return nil
}

// lockHolder keeps others from changing the user until the transaction ends.
func lockHolder(ctx context.Context, tx pgx.Tx, email string) (h access.Holder, exists bool, err error) {
	if err := lock(ctx, tx, lockPerson, email); err != nil {
		return h, false, err
	}
	h, err = holder(ctx, tx, email)
	if errors.Is(err, posture.ErrNotFound) {
		return access.Holder{User: access.User{Email: email}}, false, nil
	}
	return h, err == nil, err
}

func (s *Store) addUserVersion(ctx context.Context, tx pgx.Tx, by access.Actor, before, after access.Holder, exists bool, reason string) error {
	after.Name, after.Subject, after.Since = ledger.Text(after.Name), ledger.Text(after.Subject), s.now()
	if _, err := tx.Exec(ctx, `
		INSERT INTO users (email, version, name, subject, groups, disabled, at, by)
		SELECT $1, coalesce(max(version), 0) + 1, $2, $3, $4, $5, $6, $7 FROM users WHERE email = $1`,
		after.Email, after.Name, after.Subject, roleNames(after.Groups), after.Disabled, after.Since, by.ID); err != nil {
		return fmt.Errorf("write user: %w", err)
	}
	e := access.Entry{Actor: by, Action: access.UserManage, Object: "user/" + after.Email, Reason: reason}
	return s.writeChange(ctx, tx, e, exists, before.User, after.User)
}

// writeChange is writeAudit with the digests of an object before and after.
func (s *Store) writeChange(ctx context.Context, tx pgx.Tx, e access.Entry, existed bool, before, after any) (err error) {
	if existed {
		if e.Before, err = objectDigest(before); err != nil {
			return err
		}
	}
	if e.After, err = objectDigest(after); err != nil {
		return err
	}
	return s.writeAudit(ctx, tx, e)
}

func objectDigest(v any) (string, error) {
	data, err := ledger.Canonical(v)
	if err != nil {
		return "", fmt.Errorf("digest for the audit log: %w", err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// now is the clock in what the database keeps.
func (s *Store) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// roleNames is never nil: the columns hold no null.
func roleNames(roles []access.Role) []string {
	names := make([]string, len(roles))
	for i, role := range roles {
		names[i] = string(role)
	}
	return names
}

// GrantRole gives a user a role, together with the waivers of the conflicts that it makes, and returns the grant as kept. A
// grant without a beginning begins now.
func (s *Store) GrantRole(ctx context.Context, by access.Actor, g access.Grant, waivers ...access.Waiver) (access.Grant, error) {
	email, err := access.Email(g.User)
	if err != nil {
		return access.Grant{}, err
	}
	g.User = email
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		h, exists, err := lockHolder(ctx, tx, email)
		if err != nil {
			return err
		}
		if !exists {
			return posture.ErrNotFound
		}
		g, err = s.grantRole(ctx, tx, by, h, g, waivers)
		return err
	})
	if err != nil {
		err = s.refusedGiving(ctx, access.Entry{Actor: by, Action: access.GrantManage, Object: "user/" + email}, err)
		return access.Grant{}, fmt.Errorf("grant role %s to %s: %w", g.Role, email, err)
	}
	return g, nil
}

// refusedGiving records that something was not given out, if that is what err says.
func (s *Store) refusedGiving(ctx context.Context, e access.Entry, err error) error {
	if !errors.Is(err, access.ErrRefused) {
		return err
	}
	e.Reason = err.Error()
	return errors.Join(err, s.Refuse(ctx, e))
}

func (s *Store) grantRole(ctx context.Context, tx pgx.Tx, by access.Actor, h access.Holder, g access.Grant, waivers []access.Waiver) (access.Grant, error) {
	now := s.now()
	g.At, g.By, g.Reason, g.Audit = now, by.ID, ledger.Text(g.Reason), ledger.Text(g.Audit)
	if g.From.IsZero() {
		g.From = now
	}
	g.From = g.From.UTC().Truncate(time.Microsecond)
	for i := range waivers {
		w := &waivers[i]
		w.User, w.By, w.At, w.Until, w.Reason = h.Email, by.ID, now, w.Until.UTC().Truncate(time.Microsecond), ledger.Text(w.Reason)
		if err := access.CheckWaiver(*w, now); err != nil {
			return g, err
		}
	}
	h.Waivers = append(slices.Clone(h.Waivers), waivers...)
	if err := access.CheckGrant(h, g, now); err != nil {
		return g, err
	}
	var entries []access.Entry
	for _, w := range waivers {
		err := tx.QueryRow(ctx, `
			INSERT INTO waivers (email, role, other, reason, at, until_at, by) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`,
			w.User, string(w.Roles[0]), string(w.Roles[1]), w.Reason, w.At, w.Until, w.By).Scan(&w.ID)
		if err != nil {
			return g, fmt.Errorf("write waiver: %w", err)
		}
		after, err := objectDigest(w)
		if err != nil {
			return g, err
		}
		entries = append(entries, access.Entry{Actor: by, Action: access.GrantManage, Object: "waiver/" + strconv.FormatInt(w.ID, 10), After: after, Reason: w.Reason})
	}
	until, limited := g.Until.Get()
	end := &until
	if !limited {
		end = nil
	}
	err := tx.QueryRow(ctx, `
		INSERT INTO role_grants (email, role, scopes, audit, from_at, until_at, mfa, reason, at, by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id`,
		g.User, string(g.Role), append([]string{}, g.Scopes...), g.Audit, g.From, end, g.MFA, g.Reason, g.At, g.By).Scan(&g.ID)
	if err != nil {
		return g, fmt.Errorf("write role: %w", err)
	}
	after, err := objectDigest(g)
	if err != nil {
		return g, err
	}
	entries = append(entries, access.Entry{Actor: by, Action: access.GrantManage, Object: "grant/" + strconv.FormatInt(g.ID, 10), After: after,
		Reason: cmp.Or(g.Reason, string(g.Role)+" for "+g.User)})
	for _, e := range entries {
		if err := s.writeAudit(ctx, tx, e); err != nil {
			return g, err
		}
	}
	return g, nil
}

// RevokeRole ends a grant, now. One that has ended before is posture.ErrInvalid.
func (s *Store) RevokeRole(ctx context.Context, by access.Actor, id int64, reason string) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		q := query{sql: selectGrants + ` WHERE true`}
		q.and(`t.id = ?`, id)
		found, err := readGrants(ctx, tx, q, time.Time{})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return posture.ErrNotFound
		}
		before := found[0]
		after := before
		after.Revoked = posture.Some(s.now())
		done, err := tx.Exec(ctx, `
			INSERT INTO role_revocations (role_grant, reason, at, by) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			id, ledger.Text(reason), after.Revoked.Or(time.Time{}), by.ID)
		if err != nil {
			return err
		}
		if done.RowsAffected() == 0 {
			return fmt.Errorf("%w: it is revoked already", posture.ErrInvalid)
		}
		e := access.Entry{Actor: by, Action: access.GrantManage, Object: "grant/" + strconv.FormatInt(id, 10),
			Reason: cmp.Or(reason, string(before.Role)+" of "+before.User)}
		return s.writeChange(ctx, tx, e, true, before, after)
	})
	if err != nil {
		return fmt.Errorf("revoke grant %d: %w", id, err)
	}
	return nil
}

// SignIn lets somebody in who has proved to be in.Email, and records it; or records that it was refused, and says why as
// access.ErrRefused. What the identity provider says of name and groups is kept.
func (s *Store) SignIn(ctx context.Context, in access.SignIn) (actor access.Actor, err error) {
	var refusal error
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) (err error) {
		actor, refusal, err = s.signIn(ctx, tx, in)
		return err
	})
	if err = cmp.Or(err, refusal); err != nil {
		return access.Actor{}, fmt.Errorf("sign in: %w", err)
	}
	return actor, nil
}

// signIn keeps a refusal apart from a failure: the transaction that records it is committed.
func (s *Store) signIn(ctx context.Context, tx pgx.Tx, in access.SignIn) (actor access.Actor, refusal, err error) {
	before, exists, err := lockHolder(ctx, tx, in.Email)
	if err != nil {
		return actor, nil, err
	}
	after := before
	if in.Subject != "" {
		after.Name, after.Groups, after.Subject = ledger.Text(in.Name), slices.Sorted(slices.Values(in.Groups)), ledger.Text(in.Subject)
	}
	if before.Subject != "" && after.Subject != before.Subject {
		refusal = fmt.Errorf("%w: the identity provider knows %s as somebody else than before", access.ErrRefused, in.Email)
	} else {
		actor, refusal = after.Actor(in.MFA, s.Now())
		changed := after.Name != before.Name || after.Subject != before.Subject || !slices.Equal(after.Groups, before.Groups)
		if changed && (exists || refusal == nil) {
			reason := "as the identity provider says at sign-in"
			if err := s.addUserVersion(ctx, tx, access.Engine, before, after, exists, reason); err != nil {
				return actor, nil, err
			}
		}
	}
	if refusal != nil {
		actor = access.Actor{ID: in.Email, Kind: access.Person}
	}
	actor.Session, actor.Address = in.Session, in.Address
	e := access.Entry{Actor: actor, Action: access.SignedIn, Object: "user/" + in.Email, Request: in.Request}
	if refusal != nil {
		e.Outcome, e.Reason = access.Refused, refusal.Error()
	}
	return actor, refusal, s.writeAudit(ctx, tx, e)
}
