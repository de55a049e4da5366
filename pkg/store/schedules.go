package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Schedule is when connections are scanned.
type Schedule struct {
	Name        string    `json:"name"`
	Cron        string    `json:"cron"`
	TimeZone    string    `json:"time_zone"`
	Connections []string  `json:"connections"`
	Active      bool      `json:"active"`
	NextDue     time.Time `json:"next_due_at"`
}

// Due is a due time that was taken: from now on it is this process's to run.
type Due struct {
	Schedule Schedule
	At       time.Time
	RunID    string
	Missed   int // due times before At that passed while nothing ran
}

// Schedules returns all of them by name, inactive ones too.
func (s *Store) Schedules(ctx context.Context) ([]Schedule, error) {
	rows, _ := s.pool.Query(ctx, `SELECT name, cron, time_zone, connections, active, next_due_at FROM schedules ORDER BY name`)
	return read(rows, "schedules", scanSchedule)
}

func scanSchedule(row pgx.CollectableRow) (out Schedule, err error) {
	err = row.Scan(&out.Name, &out.Cron, &out.TimeZone, &out.Connections, &out.Active, &out.NextDue)
	out.NextDue = out.NextDue.UTC()
	return out, err
}

// SetSchedules makes list the schedules that are active. One whose cron and time zone stay keeps its next due time, even one
// that has passed: it was missed and is to be caught up.
func (s *Store) SetSchedules(ctx context.Context, list []Schedule) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		names := make([]string, 0, len(list))
		for _, schedule := range list {
			names = append(names, schedule.Name)
			if _, err := tx.Exec(ctx, `
				INSERT INTO schedules AS old (name, cron, time_zone, connections, active, next_due_at) VALUES ($1, $2, $3, $4, true, $5)
				ON CONFLICT (name) DO UPDATE SET cron = excluded.cron, time_zone = excluded.time_zone, connections = excluded.connections, active = true,
					next_due_at = CASE WHEN old.active AND old.cron = excluded.cron AND old.time_zone = excluded.time_zone
						THEN old.next_due_at ELSE excluded.next_due_at END`,
				schedule.Name, schedule.Cron, schedule.TimeZone, schedule.Connections, schedule.NextDue); err != nil {
				return fmt.Errorf("set schedule %q: %w", schedule.Name, err)
			}
		}
		if _, err := tx.Exec(ctx, `UPDATE schedules SET active = false WHERE active AND name <> ALL ($1)`, names); err != nil {
			return fmt.Errorf("retire schedules: %w", err)
		}
		return nil
	})
}

// TakeDue takes the schedules that are due, each with its next time moved on, and calls enqueue for each in the same
// transaction: a due time is queued exactly once, whoever takes it. next computes, from a schedule and its due time, which of
// the due times up to now is the last one (the others were missed), and the first after now.
func (s *Store) TakeDue(ctx context.Context, newRun func() string, next func(Schedule, time.Time) (last, following time.Time, missed int, err error),
	enqueue func(ctx context.Context, tx Tx, due Due) error) (taken []Due, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		taken = nil
		now := s.Now()
		rows, _ := tx.Query(ctx, `
			SELECT name, cron, time_zone, connections, active, next_due_at FROM schedules
			WHERE active AND next_due_at <= $1 ORDER BY next_due_at FOR UPDATE SKIP LOCKED`, now)
		list, err := read(rows, "due schedules", scanSchedule)
		if err != nil {
			return err
		}
		for _, schedule := range list {
			last, following, missed, err := next(schedule, now)
			if err != nil {
				return err
			}
			due := Due{Schedule: schedule, At: last, RunID: newRun(), Missed: missed}
			if _, err := tx.Exec(ctx, `
				INSERT INTO schedule_runs (schedule, due_at, run_id, taken_at, missed) VALUES ($1, $2, $3, $4, $5)`,
				schedule.Name, due.At, due.RunID, now, missed); err != nil {
				return fmt.Errorf("record due time of %q: %w", schedule.Name, err)
			}
			if _, err := tx.Exec(ctx, `UPDATE schedules SET next_due_at = $2 WHERE name = $1`, schedule.Name, following); err != nil {
				return fmt.Errorf("move on schedule %q: %w", schedule.Name, err)
			}
			if err := enqueue(ctx, tx, due); err != nil {
				return err
			}
			taken = append(taken, due)
		}
		return nil
	})
	return taken, err
}
