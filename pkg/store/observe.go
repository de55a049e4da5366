package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/drift"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// observe moves an account's findings to where a snapshot leads them. It takes what turned since the snapshot before; an account
// that has no findings yet, because this is its first snapshot or because those before were sealed by a program that kept none,
// gets one for every fail.
func (s *Store) observe(ctx context.Context, tx pgx.Tx, snapshot posture.Snapshot, in posture.Sealing, resources moved, turns []turn) error {
	account := snapshot.Account.String()
	if err := lock(ctx, tx, lockFindings, account); err != nil {
		return err
	}
	events, err := s.settleDue(ctx, tx, account, snapshot.Finished, snapshot.Seq-1)
	if err != nil {
		return err
	}
	rows, _ := tx.Query(ctx, `SELECT EXISTS (SELECT FROM findings WHERE account = $1)`, account)
	known, err := readOne(rows, "whether there are findings", pgx.RowTo[bool])
	if err != nil {
		return err
	}
	since := map[judged]time.Time{}
	if !known {
		if turns, err = everyFail(ctx, tx, snapshot, in.Verdicts, turns, since); err != nil {
			return err
		}
	}
	removed := make(map[posture.Key]bool, len(resources.removed))
	for _, key := range resources.removed {
		removed[key] = true
	}
	var ids []string
	var kept []turn
	for _, t := range turns {
		if !removed[t.Key] {
			kept = append(kept, t)
			ids = append(ids, finding.ID(account, t.rule, t.Key))
		}
	}
	turns = kept
	var findings map[string]finding.Finding
	if known {
		if findings, err = concerned(ctx, tx, account, ids, resources.removed); err != nil {
			return err
		}
	}
	causes, err := causes(ctx, tx, snapshot, in, resources, turns)
	if err != nil {
		return err
	}
	accepted, changed, err := s.accepted(ctx, tx, account, in, turns, ids, findings)
	if err != nil {
		return err
	}
	for i, t := range turns {
		o := finding.Observation{
			Account: account, RuleID: t.rule, Resource: t.Key, Since: snapshot.Started, At: snapshot.Finished, Seq: snapshot.Seq,
			Cause: causes[judged{t.rule, t.Key}], Changed: changed[t.Key],
		}
		if t.after >= 0 {
			v := &in.Verdicts[t.after]
			o.Result, o.RuleVersion, o.Reason = v.Result, v.RuleVersion, v.Reason
		}
		if first, ok := since[judged{t.rule, t.Key}]; ok {
			o.Since = first
		}
		f := findings[ids[i]]
		o.Exception = accepted[f.Exception]
		delete(findings, ids[i])
		_, more := finding.Observe(f, o)
		events = append(events, more...)
	}
	for _, id := range slices.Sorted(maps.Keys(findings)) { // what remains is on resources that are gone
		_, more := finding.Observe(findings[id], finding.Observation{
			Gone: true, Since: snapshot.Started, At: snapshot.Finished, Seq: snapshot.Seq, Cause: posture.CauseConfiguration,
		})
		events = append(events, more...)
	}
	return s.record(ctx, tx, account, snapshot.Seq, events)
}

// judged names a rule and what it was judged on.
type judged struct {
	rule string
	posture.Key
}

// everyFail adds the fails that did not turn, and says since when they have failed.
func everyFail(ctx context.Context, tx pgx.Tx, snapshot posture.Snapshot, verdicts []posture.Verdict, turns []turn, since map[judged]time.Time) ([]turn, error) {
	var fails []turn
	turned := make(map[int]bool, len(turns))
	for _, t := range turns {
		if t.after >= 0 && verdicts[t.after].Result == posture.Fail {
			fails = append(fails, t)
			turned[t.after] = true
		}
	}
	for i := range verdicts {
		if v := &verdicts[i]; v.Result == posture.Fail && !turned[i] {
			fails = append(fails, turn{v.Resource, v.RuleID, v, i})
		}
	}
	if snapshot.Seq == 1 || len(fails) == 0 {
		return fails, nil
	}
	rows, _ := tx.Query(ctx, `
		SELECT v.type, v.region, v.id, v.rule_id, n.started_at
		FROM verdict_versions v JOIN snapshots n ON n.account = v.account AND n.seq = v.result_from
		WHERE v.account = $1 AND v.valid_to IS NULL AND v.result = 'fail'`, snapshot.Account.String())
	var j judged
	var at time.Time
	_, err := pgx.ForEachRow(rows, []any{&j.Type, &j.Region, &j.ID, &j.rule, &at}, func() error {
		since[j] = at.UTC()
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read since when verdicts fail: %w", err)
	}
	return fails, nil
}

// concerned returns the findings with these ids, and the active ones on these resources, without what rules said of them.
func concerned(ctx context.Context, tx pgx.Tx, account string, ids []string, resources []posture.Key) (map[string]finding.Finding, error) {
	out := map[string]finding.Finding{}
	add := func(condition string, args ...any) error {
		q := selectFindings(time.Time{}, 0)
		q.and(`f.account = ?`, account)
		q.and(condition, args...)
		rows, _ := tx.Query(ctx, q.sql, q.args...)
		list, err := read(rows, "findings", scanFinding)
		for _, f := range list {
			out[f.ID] = f
		}
		return err
	}
	if len(ids) > 0 {
		if err := add(`f.finding = ANY(?)`, ids); err != nil {
			return nil, err
		}
	}
	if len(resources) > 0 {
		types, regions, names := make([]string, len(resources)), make([]string, len(resources)), make([]string, len(resources))
		for i, key := range resources {
			types[i], regions[i], names[i] = key.Type, key.Region, key.ID
		}
		if err := add(`f.ended_at IS NULL AND (f.type, f.region, f.id) IN
			(SELECT k.type COLLATE "C", k.region COLLATE "C", k.id COLLATE "C" FROM unnest(?::text[], ?::text[], ?::text[]) k (type, region, id))`,
			types, regions, names); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// causes says why verdicts turned, as drift does.
func causes(ctx context.Context, tx pgx.Tx, snapshot posture.Snapshot, in posture.Sealing, resources moved, turns []turn) (map[judged]posture.DriftCause, error) {
	if snapshot.Seq == 1 || len(turns) == 0 {
		return nil, nil
	}
	account, before := snapshot.Account.String(), snapshot.Seq-1
	rows, _ := tx.Query(ctx, selectSnapshot+` WHERE s.account = $1 AND s.seq = $2`, account, before)
	d := drift.Diff{After: snapshot}
	var err error
	if d.Before, err = readOne(rows, "snapshot before", scanSnapshot); err != nil {
		return nil, err
	}
	if d.Cells, err = readCells(ctx, tx, account, before); err != nil {
		return nil, err
	}
	known, err := lastKnown(ctx, tx, account, snapshot.Seq, in.Verdicts, turns)
	if err != nil {
		return nil, err
	}
	turned := map[posture.Key]bool{}
	for _, t := range turns {
		turned[t.Key] = true
		delta := drift.VerdictDelta{RuleID: t.rule, Resource: t.Key, Before: t.before}
		if t.after >= 0 {
			delta.After = &in.Verdicts[t.after]
		}
		if v, ok := known[judged{t.rule, t.Key}]; ok {
			delta.LastKnown = &v
		}
		d.Verdicts = append(d.Verdicts, delta)
	}
	for _, i := range resources.added {
		if r := &in.Resources[i]; turned[r.Key] {
			d.Resources = append(d.Resources, drift.ResourceDelta{Key: r.Key, After: &drift.ResourceVersion{JSON: r.JSON, Stale: r.Stale}})
		}
	}
	changes, err := drift.Compare(d, nil)
	out := make(map[judged]posture.DriftCause, len(changes))
	for _, c := range changes {
		if c.Kind == posture.Judgment {
			out[judged{c.RuleID, c.Resource}] = c.Cause
		}
	}
	return out, err
}

// lastKnown returns the newest verdicts before snapshot seq that are not unknown, of what was unknown and is known now.
func lastKnown(ctx context.Context, tx pgx.Tx, account string, seq int64, verdicts []posture.Verdict, turns []turn) (map[judged]posture.Verdict, error) {
	keys := make([][]string, 4)
	for _, t := range turns {
		if t.before != nil && t.before.Result == posture.Unknown && t.after >= 0 && verdicts[t.after].Result != posture.Unknown {
			for i, part := range []string{t.Type, t.Region, t.ID, t.rule} {
				keys[i] = append(keys[i], part)
			}
		}
	}
	if len(keys[0]) == 0 {
		return nil, nil
	}
	from, args := intervals{table: "verdict_versions", keys: []string{"type", "region", "id", "rule_id"}}.named(account, keys)
	rows, _ := tx.Query(ctx, `
		SELECT DISTINCT ON (t.type, t.region, t.id, t.rule_id) t.type, t.region, t.id, t.rule_id, t.rule_version, t.result, t.reason, t.unread
		FROM verdict_versions t, `+from+` AND t.result <> 'unknown' AND t.valid_from < $1
		ORDER BY t.type, t.region, t.id, t.rule_id, t.valid_from DESC`, append([]any{seq}, args...)...)
	list, err := read(rows, "last known verdicts", scanVerdict)
	out := make(map[judged]posture.Verdict, len(list))
	for _, v := range list {
		out[judged{v.RuleID, v.Resource}] = v
	}
	return out, err
}

// accepted returns, of excepted findings that still fail, the exceptions, and the resources that are no longer as accepted.
func (s *Store) accepted(ctx context.Context, tx pgx.Tx, account string, in posture.Sealing, turns []turn, ids []string, findings map[string]finding.Finding) (map[int64]finding.Exception, map[posture.Key]bool, error) {
	var excepted []finding.Finding
	wanted := map[posture.Key]string{} // hash of the content now
	for i, t := range turns {
		if f := findings[ids[i]]; f.State == finding.Excepted && t.after >= 0 && in.Verdicts[t.after].Result == posture.Fail {
			excepted = append(excepted, f)
			wanted[f.Resource] = ""
		}
	}
	if len(excepted) == 0 {
		return nil, nil, nil
	}
	for i := range in.Resources {
		if r := &in.Resources[i]; has(wanted, r.Key) {
			wanted[r.Key] = hex.EncodeToString(r.Hash[:])
		}
	}
	for i, f := range excepted {
		excepted[i].Content = wanted[f.Resource]
	}
	exceptions, err := exceptionsOf(ctx, tx, excepted)
	if err != nil {
		return nil, nil, err
	}
	changed, err := s.outOfDate(ctx, tx, account, excepted, exceptions)
	return exceptions, changed, err
}
