package store

import (
	"context"
	"fmt"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Diff returns where two snapshots of an account differ, from being the older one: the snapshots and all their cells, the
// resources with their documents that are not equal in both, each as before and after have it, and likewise the verdicts. It
// reads the intervals that begin or end between the two, so that it costs what changed.
func (s *Store) Diff(ctx context.Context, account string, from, to int64) (before, after posture.Sealing, err error) {
	if from >= to {
		return before, after, fmt.Errorf("%w: snapshot %d is not older than %d", posture.ErrInvalid, from, to)
	}
	if before.Snapshot, err = s.Snapshot(ctx, account, from); err != nil {
		return before, after, err
	}
	if after.Snapshot, err = s.Snapshot(ctx, account, to); err != nil {
		return before, after, err
	}
	for _, side := range []struct {
		sealing *posture.Sealing
		where   string
	}{
		// what from has and to has not, and the other way round
		{&before, `v.account = $1 AND v.valid_to > $2 AND v.valid_to <= $3 AND v.valid_from <= $2`},
		{&after, `v.account = $1 AND v.valid_from > $2 AND v.valid_from <= $3 AND (v.valid_to IS NULL OR v.valid_to > $3)`},
	} {
		if side.sealing.Cells, err = s.Cells(ctx, account, side.sealing.Snapshot.Seq); err != nil {
			return before, after, err
		}
		rows, _ := s.pool.Query(ctx, `
			SELECT v.type, v.region, v.id, v.hash, v.stale, c.document
			FROM resource_versions v JOIN contents c USING (account, hash)
			WHERE `+side.where+` ORDER BY v.type, v.region, v.id`, account, from, to)
		if side.sealing.Resources, err = read(rows, "resources that differ", scanContent); err != nil {
			return before, after, err
		}
		rows, _ = s.pool.Query(ctx, `
			SELECT `+verdictColumns+` FROM verdict_versions v
			WHERE `+side.where+` ORDER BY v.type, v.region, v.id, v.rule_id`, account, from, to)
		if side.sealing.Verdicts, err = read(rows, "verdicts that differ", scanVerdict); err != nil {
			return before, after, err
		}
	}
	dropReturned(&before.Resources, &after.Resources, func(c posture.Content) resourceName { return resourceName{c.Key, c.Hash, c.Stale} })
	dropReturned(&before.Verdicts, &after.Verdicts, func(v posture.Verdict) verdictName {
		return verdictName{v.Resource, v.RuleID, v.RuleVersion, v.Reason, v.Result, fmt.Sprint(v.Unread)}
	})
	return before, after, nil
}

type resourceName struct {
	posture.Key
	hash  [32]byte
	stale bool
}

type verdictName struct {
	posture.Key
	rule, version, reason string
	result                posture.Result
	unread                string
}

// dropReturned removes what changed in between and is again as it was: what has the same name on both sides.
func dropReturned[T any, N comparable](before, after *[]T, name func(T) N) {
	old := make(map[N]bool, len(*before))
	for _, v := range *before {
		old[name(v)] = true
	}
	same := make(map[N]bool)
	kept := (*after)[:0]
	for _, v := range *after {
		if n := name(v); old[n] {
			same[n] = true
		} else {
			kept = append(kept, v)
		}
	}
	*after = kept
	if len(same) == 0 {
		return
	}
	kept = (*before)[:0]
	for _, v := range *before {
		if !same[name(v)] {
			kept = append(kept, v)
		}
	}
	*before = kept
}
