package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Deliveries returns the messages about an alert, oldest first, with the attempts up to a time, the zero time being now.
func (s *Store) Deliveries(ctx context.Context, alertID int64, asOf time.Time) ([]alert.Delivery, error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT d.account, d.id, coalesce(d.alert, 0), d.receiver, d.key, d.created_at, d.message
		FROM alerts a JOIN deliveries d ON d.account = a.account AND d.alert = a.id
		WHERE a.id = $1 AND ($2::timestamptz IS NULL OR d.created_at <= $2) ORDER BY d.id`, alertID, instant(asOf))
	return s.readDeliveries(ctx, rows, asOf)
}

// Delivery returns a delivery, and the oldest one of the same alert and receiver that was made before it and is not done, 0 for none.
func (s *Store) Delivery(ctx context.Context, id int64) (d alert.Delivery, before int64, err error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT account, id, coalesce(alert, 0), receiver, key, created_at, message FROM deliveries WHERE id = $1`, id)
	list, err := s.readDeliveries(ctx, rows, time.Time{})
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("delivery %d: %w", id, posture.ErrNotFound)
	}
	if err != nil {
		return d, 0, err
	}
	if d = list[0]; d.Alert == 0 {
		return d, 0, nil
	}
	err = s.pool.QueryRow(ctx, `
		SELECT coalesce(min(d.id), 0) FROM deliveries d
		WHERE d.account = $1 AND d.alert = $2 AND d.receiver = $3 AND d.id < $4
			AND NOT EXISTS (SELECT FROM delivery_attempts t WHERE t.account = d.account AND t.delivery = d.id AND t.state IN ('sent', 'given_up'))`,
		d.Account, d.Alert, d.Receiver, id).Scan(&before)
	if err != nil {
		return d, 0, fmt.Errorf("read deliveries before %d: %w", id, err)
	}
	return d, before, nil
}

func (s *Store) readDeliveries(ctx context.Context, rows pgx.Rows, asOf time.Time) ([]alert.Delivery, error) {
	list, err := read(rows, "deliveries", func(row pgx.CollectableRow) (d alert.Delivery, err error) {
		d.Attempts = []alert.Attempt{}
		err = row.Scan(&d.Account, &d.ID, &d.Alert, &d.Receiver, &d.Key, &d.Created, &d.Message)
		d.Created = d.Created.UTC()
		return d, err
	})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	ids, place := make([]int64, len(list)), make(map[int64]*alert.Delivery, len(list))
	for i := range list {
		ids[i], place[list[i].ID] = list[i].ID, &list[i]
	}
	var id int64
	var a alert.Attempt
	attempts, _ := s.pool.Query(ctx, `
		SELECT t.delivery, t.n, t.at, t.state, t.answer FROM delivery_attempts t
		WHERE t.account = $1 AND t.delivery = ANY($2) AND ($3::timestamptz IS NULL OR t.at <= $3) ORDER BY t.delivery, t.n`,
		list[0].Account, ids, instant(asOf))
	if _, err := pgx.ForEachRow(attempts, []any{&id, &a.N, &a.At, &a.State, &a.Answer}, func() error {
		a.At = a.At.UTC()
		place[id].Attempts = append(place[id].Attempts, a)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	return list, nil
}

// AddAttempt records a step of a delivery; that a message was sent goes into the history of its alert as well.
func (s *Store) AddAttempt(ctx context.Context, d alert.Delivery, a alert.Attempt) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO delivery_attempts (account, delivery, n, at, state, answer) VALUES ($1, $2, $3, $4, $5, $6)`,
			d.Account, d.ID, a.N, a.At, string(a.State), ledger.Text(a.Answer)); err != nil {
			return err
		}
		if a.State != alert.Sent || d.Alert == 0 {
			return nil
		}
		if err := lock(ctx, tx, lockAlerts, d.Account); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO alert_events (account, alert, n, at, kind, member, stands, by, note)
			SELECT $1, $2, max(n) + 1, $3, 'notified', '', false, $4, $5 FROM alert_events WHERE account = $1 AND alert = $2`,
			d.Account, d.Alert, a.At, d.Receiver, string(d.Message.Kind))
		return err
	})
	if err != nil {
		return fmt.Errorf("record attempt of delivery %d: %w", d.ID, err)
	}
	return nil
}

// AddDeliveries writes and queues deliveries that belong to no alert, without those whose key is known.
func (s *Store) AddDeliveries(ctx context.Context, list []alert.Delivery) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		ids, err := writeDeliveries(ctx, tx, "", list)
		if err != nil {
			return err
		}
		return s.queueDeliveries(ctx, tx, ids)
	})
}

func writeDeliveries(ctx context.Context, tx pgx.Tx, account string, list []alert.Delivery) ([]int64, error) {
	var ids []int64
	for _, d := range list {
		var of *int64
		if d.Alert != 0 {
			of = &d.Alert
		}
		rows, _ := tx.Query(ctx, `
			INSERT INTO deliveries (account, alert, receiver, key, created_at, message) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (account, key) DO NOTHING RETURNING id`, account, of, d.Receiver, d.Key, d.Created, d.Message)
		added, err := read(rows, "new delivery", pgx.RowTo[int64])
		if err != nil {
			return nil, err
		}
		ids = append(ids, added...)
	}
	return ids, nil
}

func (s *Store) queueDeliveries(ctx context.Context, tx pgx.Tx, ids []int64) error {
	if s.OnDelivery == nil || len(ids) == 0 {
		return nil
	}
	if err := s.OnDelivery(ctx, tx, ids); err != nil {
		return fmt.Errorf("queue deliveries: %w", err)
	}
	return nil
}

// RequeueDeliveries queues deliveries of the last two days again that are not done and about which nothing has happened since a
// time: whoever made them had no queue, or their job was lost.
func (s *Store) RequeueDeliveries(ctx context.Context, since time.Time) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, `
			SELECT d.id FROM deliveries d
			WHERE d.created_at < $1 AND d.created_at > $2 AND NOT EXISTS (SELECT FROM delivery_attempts t
				WHERE t.account = d.account AND t.delivery = d.id AND (t.state IN ('sent', 'given_up') OR t.at >= $1))
			ORDER BY d.id LIMIT 1000`, since, since.AddDate(0, 0, -2))
		ids, err := read(rows, "deliveries that nobody tried", pgx.RowTo[int64])
		if err != nil {
			return err
		}
		return s.queueDeliveries(ctx, tx, ids)
	})
}
