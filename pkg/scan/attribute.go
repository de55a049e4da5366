package scan

import (
	"context"
	"time"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/attribution"
	"github.com/plumbline-dev/plumbline/pkg/drift"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Attributions is what saying who made changes needs of the database.
type Attributions interface {
	History
	// OpenAttributions returns the pairs of snapshots since a time some of whose changes may be explained by reading the log again.
	OpenAttributions(ctx context.Context, account string, since time.Time) ([][2]int64, error)
	WriteAttributions(ctx context.Context, account string, from, to int64, list []attribution.Attribution) error
	WriteLogReads(ctx context.Context, account string, log attribution.LogCoverage, calls []posture.Call) error
}

// maxLookBack is how long after a change its author is still looked for: clouds hand out events for 90 days.
const maxLookBack = 90 * 24 * time.Hour

// Attribute reads the log of an account that was just sealed, and says who made the changes since the snapshot before, and those
// of earlier snapshots that the log did not explain yet. It changes nothing that is sealed.
func Attribute(ctx context.Context, db Attributions, account collectors.Account, journal *transport.Journal, snapshot posture.Snapshot, now time.Time) error {
	if account.ChangeEvents == nil || snapshot.Seq < 2 {
		return nil
	}
	name := account.Account.String()
	pairs, err := db.OpenAttributions(ctx, name, now.Add(-maxLookBack))
	if err != nil {
		return err
	}
	pairs = append(pairs, [2]int64{snapshot.Seq - 1, snapshot.Seq})
	diffs := make([]drift.Diff, len(pairs))
	from := snapshot.Started
	for i, pair := range pairs {
		if diffs[i], err = loadDiff(ctx, db, name, pair[0], pair[1]); err != nil {
			return err
		}
		if started := diffs[i].Before.Started; started.Before(from) {
			from = started
		}
	}
	made := len(journal.Calls())
	events, log, err := account.ChangeEvents(ctx, from.Add(-attribution.Margin), now)
	if err != nil {
		return err
	}
	if err := db.WriteLogReads(ctx, name, log, journal.Calls()[made:]); err != nil {
		return err
	}
	for i, pair := range pairs {
		changes, err := drift.Compare(diffs[i], account.Types)
		if err != nil {
			return err
		}
		interval := attribution.Interval{From: diffs[i].Before.Started, To: diffs[i].After.Finished, Earlier: earlier(diffs[i]), Derived: attribution.Derived(account.Types)}
		if err := db.WriteAttributions(ctx, name, pair[0], pair[1], attribution.Join(changes, interval, events, log)); err != nil {
			return err
		}
	}
	return nil
}

// earlier tells of which changes the older snapshot of a difference did not itself read the value before.
func earlier(diff drift.Diff) func(posture.Key, string) bool {
	before := map[posture.Key]*drift.ResourceVersion{}
	for _, r := range diff.Resources {
		before[r.Key] = r.Before
	}
	return func(key posture.Key, path string) bool {
		version := before[key]
		return version != nil && (version.Stale || path != "" && !drift.Holds(version.JSON, path))
	}
}
