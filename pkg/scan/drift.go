package scan

import (
	"context"

	"github.com/plumbline-dev/plumbline/pkg/drift"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// History is what comparing two snapshots needs of the database.
type History interface {
	Diff(ctx context.Context, account string, from, to int64) (before, after posture.Sealing, err error)
	LastKnown(ctx context.Context, account string, seq int64) ([]posture.Verdict, error)
	EarlierContents(ctx context.Context, account string, keys []posture.Key, seq int64) (map[posture.Key][][]byte, error)
}

// Drift lists what changed in an account between two of its snapshots, and why.
func Drift(ctx context.Context, db History, types []*posture.Type, account string, from, to int64) ([]posture.Change, error) {
	diff, err := loadDiff(ctx, db, account, from, to)
	if err != nil {
		return nil, err
	}
	return drift.Compare(diff, types)
}

// loadDiff is what comparing two snapshots of an account rests on.
func loadDiff(ctx context.Context, db History, account string, from, to int64) (drift.Diff, error) {
	before, after, err := db.Diff(ctx, account, from, to)
	if err != nil {
		return drift.Diff{}, err
	}
	diff := drift.Pair(before, after)
	known, err := db.LastKnown(ctx, account, from)
	if err != nil {
		return drift.Diff{}, err
	}
	last := map[Judged]*posture.Verdict{}
	for _, v := range known {
		last[Judged{v.RuleID, v.Resource}] = &v
	}
	for i, v := range diff.Verdicts {
		if v.Before != nil && v.LastKnown == nil {
			diff.Verdicts[i].LastKnown = last[Judged{v.RuleID, v.Resource}]
		}
	}
	var keys []posture.Key
	for _, r := range diff.Resources {
		if r.Before != nil && r.After != nil {
			keys = append(keys, r.Key)
		}
	}
	earlier, err := db.EarlierContents(ctx, account, keys, from)
	if err != nil {
		return drift.Diff{}, err
	}
	for i, r := range diff.Resources {
		diff.Resources[i].Earlier = earlier[r.Key]
	}
	return diff, nil
}
