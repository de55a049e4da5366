package job

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/plumbline-dev/plumbline/pkg/config"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// digestPrefix begins the names of schedules that send a digest instead of scanning.
const digestPrefix = "digest/"

// Schedules are the configuration's schedules and digests, each with its first due time after now.
func Schedules(c *config.Config, now time.Time) ([]store.Schedule, error) {
	var out []store.Schedule
	add := func(name, expression, zone string, connections []string) error {
		schedule := store.Schedule{Name: name, Cron: expression, TimeZone: zone, Connections: connections, Active: true}
		var err error
		_, schedule.NextDue, _, err = next(schedule, now)
		out = append(out, schedule)
		return err
	}
	for _, s := range c.Schedules {
		if err := add(s.Name, s.Cron, s.TimeZone, append([]string{}, s.Connections...)); err != nil {
			return nil, err
		}
	}
	for _, d := range c.Alerts.Digests {
		if err := add(digestPrefix+d.Name, d.Cron, d.TimeZone, []string{}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// next says which of a schedule's due times up to now is the last one, how many before it were missed, and which one follows
// after now. Without a due time set, following alone counts.
func next(s store.Schedule, now time.Time) (last, following time.Time, missed int, err error) {
	zone := time.UTC
	if s.TimeZone != "" {
		if zone, err = time.LoadLocation(s.TimeZone); err != nil {
			return last, following, 0, fmt.Errorf("%w: schedule %q: time zone %q: %w", posture.ErrInvalid, s.Name, s.TimeZone, err)
		}
	}
	times, err := cron.ParseStandard(s.Cron)
	if err != nil {
		return last, following, 0, fmt.Errorf("%w: schedule %q: cron %q: %w", posture.ErrInvalid, s.Name, s.Cron, err)
	}
	if s.NextDue.IsZero() {
		return last, times.Next(now.In(zone)).UTC(), 0, nil
	}
	last = s.NextDue
	for {
		following = times.Next(last.In(zone)).UTC()
		if following.IsZero() {
			return last, following, missed, fmt.Errorf("%w: schedule %q: cron %q is never due again", posture.ErrInvalid, s.Name, s.Cron)
		}
		if following.After(now) {
			return last, following, missed, nil
		}
		last = following
		missed++
	}
}

// tick queues what is due. Several processes may do so at once.
func (s *Service) tick(ctx context.Context) error {
	taken, err := s.Store.TakeDue(ctx, scan.NewRunID, next, func(ctx context.Context, tx store.Tx, due store.Due) error {
		if name, digest := strings.CutPrefix(due.Schedule.Name, digestPrefix); digest {
			_, err := s.queue.InsertTx(ctx, tx, digestArgs{Digest: name, Due: due.At}, nil)
			return err
		}
		if _, err := s.queue.InsertTx(ctx, tx, monitorArgs{Schedule: due.Schedule.Name, Due: due.At, Missed: due.Missed}, nil); err != nil {
			return err
		}
		for _, connection := range due.Schedule.Connections {
			if _, err := s.queue.InsertTx(ctx, tx, planArgs{Connection: connection, Run: due.RunID, Schedule: due.Schedule.Name}, nil); err != nil {
				return err
			}
		}
		return nil
	})
	for _, due := range taken {
		s.Log.InfoContext(ctx, "schedule due", "schedule", due.Schedule.Name, "due", due.At, "run", due.RunID, "missed", due.Missed)
	}
	return err
}

// Trigger queues a run of a connection by hand and returns its id.
func (s *Service) Trigger(ctx context.Context, connection string) (run string, err error) {
	run = scan.NewRunID()
	_, err = s.queue.Insert(ctx, planArgs{Connection: connection, Run: run}, nil)
	return run, err
}
