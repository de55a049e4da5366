package evidence

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// joiner finds the resources that results are about, while both are read in their order: resources by region, type and id, results by
// region, type and then id, space and rule. It holds only what the results have not passed yet.
type joiner struct {
	next    func() (Resource, error, bool)
	stop    func()
	ahead   *Resource
	pending []Resource
}

func newJoiner(resources iter.Seq2[Resource, error]) *joiner {
	j := &joiner{}
	j.next, j.stop = iter.Pull2(resources)
	return j
}

// find returns the version of a resource that holds for a snapshot. Keys have to be asked for in the order of results.
func (j *joiner) find(account string, key posture.Key, rule string, seq int64) (Resource, bool, error) {
	leaf := key.ID + " " + rule
	j.pending = slices.DeleteFunc(j.pending, func(r Resource) bool {
		if c := compareCells(r, account, key); c != 0 {
			return c < 0
		}
		return r.ID+" " < leaf && !strings.HasPrefix(leaf, r.ID+" ")
	})
	for {
		if j.ahead == nil {
			r, err, ok := j.next()
			if err != nil || !ok {
				if err != nil {
					return Resource{}, false, err
				}
				break
			}
			j.ahead = &r
		}
		c := cmp.Or(compareCells(*j.ahead, account, key), cmp.Compare(j.ahead.ID, key.ID))
		if c > 0 {
			break
		}
		if compareCells(*j.ahead, account, key) == 0 {
			j.pending = append(j.pending, *j.ahead)
		}
		j.ahead = nil
	}
	for _, r := range j.pending {
		if r.Account == account && r.Key() == key && r.Snapshots.Holds(seq) {
			return r, true, nil
		}
	}
	return Resource{}, false, nil
}

func compareCells(r Resource, account string, key posture.Key) int {
	return cmp.Or(cmp.Compare(r.Account, account), cmp.Compare(r.Region, key.Region), cmp.Compare(r.Type, key.Type))
}

// Join calls fn for every result with the resource that it is about, nil for a cell or a whole account.
func Join(resources iter.Seq2[Resource, error], results iter.Seq2[Result, error], fn func(Result, *Resource) error) error {
	j := newJoiner(resources)
	defer j.stop()
	for result, err := range results {
		if err != nil {
			return err
		}
		r, found, err := j.find(result.Account, result.Resource, result.RuleID, result.Snapshots[0])
		if err != nil {
			return err
		}
		about := &r
		if !found {
			about = nil
		}
		if err := fn(result, about); err != nil {
			return err
		}
	}
	return nil
}
