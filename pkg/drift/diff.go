package drift

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Diff is what differs between two snapshots of one account, as the store's intervals tell.
type Diff struct {
	Before, After posture.Snapshot
	Cells         []posture.Cell // of Before
	Resources     []ResourceDelta
	Verdicts      []VerdictDelta
}

// ResourceDelta is a resource whose stored version differs; nil is not there.
type ResourceDelta struct {
	posture.Key
	Before, After *ResourceVersion
	// Earlier are the contents before Before, newest first: the last values read of what Before left unread.
	Earlier [][]byte
}

// ResourceVersion is one version of a resource: the content document, and whether it was carried forward unseen.
type ResourceVersion struct {
	JSON  []byte
	Stale bool
}

// VerdictDelta is a verdict that differs; nil is not there.
type VerdictDelta struct {
	RuleID        string
	Resource      posture.Key
	Before, After *posture.Verdict
	// LastKnown is the newest verdict up to Before that is not unknown, nil when there is none.
	LastKnown *posture.Verdict
}

// Pair brings together what two sealings, as the store hands out those parts in which two snapshots differ, say of each
// resource and verdict.
func Pair(before, after posture.Sealing) Diff {
	d := Diff{Before: before.Snapshot, After: after.Snapshot, Cells: before.Cells}
	resources := map[posture.Key]int{}
	for _, r := range before.Resources {
		resources[r.Key] = len(d.Resources)
		d.Resources = append(d.Resources, ResourceDelta{Key: r.Key, Before: &ResourceVersion{r.JSON, r.Stale}})
	}
	for _, r := range after.Resources {
		i, both := resources[r.Key]
		if !both {
			i = len(d.Resources)
			d.Resources = append(d.Resources, ResourceDelta{Key: r.Key})
		}
		d.Resources[i].After = &ResourceVersion{r.JSON, r.Stale}
	}
	type judged struct {
		rule string
		posture.Key
	}
	verdicts := map[judged]int{}
	for _, v := range before.Verdicts {
		verdicts[judged{v.RuleID, v.Resource}] = len(d.Verdicts)
		d.Verdicts = append(d.Verdicts, VerdictDelta{RuleID: v.RuleID, Resource: v.Resource, Before: &v})
	}
	for _, v := range after.Verdicts {
		i, both := verdicts[judged{v.RuleID, v.Resource}]
		if !both {
			i = len(d.Verdicts)
			d.Verdicts = append(d.Verdicts, VerdictDelta{RuleID: v.RuleID, Resource: v.Resource})
		}
		d.Verdicts[i].After = &v
	}
	for i, v := range d.Verdicts {
		if v.Before != nil && v.Before.Result != posture.Unknown {
			d.Verdicts[i].LastKnown = v.Before
		}
	}
	return d
}
