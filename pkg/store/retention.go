package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Removal is a request to remove raw answers that no scan since Before received. Settings, verdicts and the log are never removed.
type Removal struct {
	ID          int64     `json:"id"`
	Account     string    `json:"account,omitempty"` // empty: every account
	Before      time.Time `json:"before"`
	Reason      string    `json:"reason"`
	RequestedBy string    `json:"requested_by"`
	Requested   time.Time `json:"requested_at"`
	Decided     bool      `json:"decided"`
	Approved    bool      `json:"approved"`
	DecidedBy   string    `json:"decided_by,omitempty"`
	Bodies      int64     `json:"removed_bodies"`
	Bytes       int64     `json:"removed_bytes"`
}

// Hold stops every removal of an account's raw answers, or with an empty account of all.
type Hold struct {
	ID      int64      `json:"id"`
	Account string     `json:"account,omitempty"`
	Reason  string     `json:"reason"`
	By      string     `json:"by"`
	At      time.Time  `json:"at"`
	Ended   *time.Time `json:"ended_at,omitempty"`
}

// retainAct does something about retention with its entry in the audit log.
func (s *Store) retainAct(ctx context.Context, by access.Actor, object, reason string, do func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := do(tx); err != nil {
			return err
		}
		return s.writeAudit(ctx, tx, access.Entry{Actor: by, Action: access.RetentionManage, Object: object, Reason: reason})
	})
}

// RequestRemoval asks to remove bodies; somebody else has to approve. keep is how long they must be kept.
func (s *Store) RequestRemoval(ctx context.Context, by access.Actor, account string, before time.Time, keep time.Duration, reason string) (id int64, err error) {
	if limit := s.now().Add(-keep); before.After(limit) {
		return 0, fmt.Errorf("%w: raw answers are kept until they are %d days old: name a time before %s", posture.ErrInvalid, keep/(24*time.Hour), limit.Format(time.DateOnly))
	}
	if reason = ledger.Text(reason); reason == "" {
		return 0, fmt.Errorf("%w: a removal needs a reason", posture.ErrInvalid)
	}
	err = s.retainAct(ctx, by, "removal", reason, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `
			INSERT INTO retention_requests (account, before, reason, requested_by, requested_at) VALUES ($1, $2, $3, $4, $5) RETURNING id`,
			account, before, reason, by.Person(), s.now()).Scan(&id)
	})
	if err != nil {
		return 0, fmt.Errorf("ask for removal: %w", err)
	}
	return id, nil
}

// DecideRemoval approves or refuses; the database too refuses an approval by the person who asked.
func (s *Store) DecideRemoval(ctx context.Context, by access.Actor, id int64, approve bool, reason string) error {
	r, err := s.Removal(ctx, id)
	if err != nil {
		return err
	}
	object := fmt.Sprintf("removal/%d", id)
	switch {
	case r.Decided:
		err = fmt.Errorf("%w: removal %d was decided by %s", posture.ErrInvalid, id, r.DecidedBy)
	case approve && r.RequestedBy == by.Person():
		err = fmt.Errorf("%w: removal %d needs the approval of another person than %s", posture.ErrInvalid, id, r.RequestedBy)
	default:
		err = s.retainAct(ctx, by, object, reason, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO retention_decisions (request, approved, person, at, reason) VALUES ($1, $2, $3, $4, $5)`,
				id, approve, by.Person(), s.now(), ledger.Text(reason))
			return err
		})
		if err != nil {
			err = fmt.Errorf("decide on removal %d: %w", id, err)
		}
	}
	return s.refusal(ctx, access.Entry{Actor: by, Action: access.RetentionManage, Object: object}, err)
}

// Remove carries an approved removal out, some bodies at a time, and returns how many it removed. What is on hold stays.
func (s *Store) Remove(ctx context.Context, by access.Actor, id int64) (total int, err error) {
	const most = 5000
	for {
		n := 0
		if err := s.retainAct(ctx, by, fmt.Sprintf("removal/%d", id), "", func(tx pgx.Tx) error {
			return tx.QueryRow(ctx, `SELECT remove_bodies($1, $2, $3)`, id, s.now(), most).Scan(&n)
		}); err != nil {
			return total, fmt.Errorf("carry out removal %d: %w", id, err)
		}
		if total += n; n < most {
			return total, nil
		}
	}
}

const selectRemovals = `
	SELECT r.id, r.account, r.before, r.reason, r.requested_by, r.requested_at, d.request IS NOT NULL, coalesce(d.approved, false), coalesce(d.person, ''),
		(SELECT count(*) FROM removed_bodies m WHERE m.request = r.id), (SELECT coalesce(sum(m.size), 0)::bigint FROM removed_bodies m WHERE m.request = r.id)
	FROM retention_requests r LEFT JOIN retention_decisions d ON d.request = r.id`

func scanRemoval(row pgx.CollectableRow) (r Removal, err error) {
	err = row.Scan(&r.ID, &r.Account, &r.Before, &r.Reason, &r.RequestedBy, &r.Requested, &r.Decided, &r.Approved, &r.DecidedBy, &r.Bodies, &r.Bytes)
	return r, err
}

// Removals returns all requests, newest first.
func (s *Store) Removals(ctx context.Context) ([]Removal, error) {
	rows, _ := s.pool.Query(ctx, selectRemovals+` ORDER BY r.id DESC`)
	return read(rows, "removals", scanRemoval)
}

// Removal returns one request, or posture.ErrNotFound.
func (s *Store) Removal(ctx context.Context, id int64) (Removal, error) {
	rows, _ := s.pool.Query(ctx, selectRemovals+` WHERE r.id = $1`, id)
	return readOne(rows, fmt.Sprintf("removal %d", id), scanRemoval)
}

// AddHold stops removals until the hold is ended.
func (s *Store) AddHold(ctx context.Context, by access.Actor, account, reason string) (id int64, err error) {
	err = s.retainAct(ctx, by, "hold", reason, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `INSERT INTO retention_holds (account, reason, person, at) VALUES ($1, $2, $3, $4) RETURNING id`,
			account, ledger.Text(reason), by.Person(), s.now()).Scan(&id)
	})
	if err != nil {
		return 0, fmt.Errorf("add hold: %w", err)
	}
	return id, nil
}

// EndHold lets removals go on.
func (s *Store) EndHold(ctx context.Context, by access.Actor, id int64, reason string) error {
	if err := s.retainAct(ctx, by, fmt.Sprintf("hold/%d", id), reason, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO retention_hold_ends (hold, reason, person, at) VALUES ($1, $2, $3, $4)`, id, ledger.Text(reason), by.Person(), s.now())
		return err
	}); err != nil {
		return fmt.Errorf("end hold %d: %w", id, err)
	}
	return nil
}

// Holds returns all holds, newest first, ended ones too.
func (s *Store) Holds(ctx context.Context) ([]Hold, error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT h.id, h.account, h.reason, h.person, h.at, e.at FROM retention_holds h LEFT JOIN retention_hold_ends e ON e.hold = h.id ORDER BY h.id DESC`)
	return read(rows, "holds", func(row pgx.CollectableRow) (h Hold, err error) {
		return h, row.Scan(&h.ID, &h.Account, &h.Reason, &h.By, &h.At, &h.Ended)
	})
}
