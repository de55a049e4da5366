package evidence

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Joiner finds the resources that results are about, while both are read in their order: resources by region, type and id, results by
// region, type and then id, space and rule. It holds only what the results have not passed yet.
type Joiner struct {
	next    func() (Resource, error, bool)
	stop    func()
	ahead   *Resource
	pending []Resource
}

// NewJoiner reads resources; Stop has to be called in the end.
func NewJoiner(resources iter.Seq2[Resource, error]) *Joiner {
	j := &Joiner{}
	j.next, j.stop = iter.Pull2(resources)
	return j
}

// Stop ends reading.
func (j *Joiner) Stop() { j.stop() }

// Versions returns the versions of a resource, oldest first. Keys have to be asked for in the order of results.
func (j *Joiner) Versions(account string, key posture.Key, rule string) ([]Resource, error) {
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
			if err != nil {
				return nil, err
			}
			if !ok {
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
	var out []Resource
	for _, r := range j.pending {
		if r.Account == account && r.Key() == key {
			out = append(out, r)
		}
	}
	return out, nil
}

func compareCells(r Resource, account string, key posture.Key) int {
	return cmp.Or(cmp.Compare(r.Account, account), cmp.Compare(r.Region, key.Region), cmp.Compare(r.Type, key.Type))
}

// Join calls fn for every result with the resource that it is about, nil for a cell or a whole account.
func Join(resources iter.Seq2[Resource, error], results iter.Seq2[Result, error], fn func(Result, *Resource) error) error {
	j := NewJoiner(resources)
	defer j.Stop()
	for result, err := range results {
		if err != nil {
			return err
		}
		versions, err := j.Versions(result.Account, result.Resource, result.RuleID)
		if err != nil {
			return err
		}
		var about *Resource
		if i := slices.IndexFunc(versions, func(r Resource) bool { return r.Snapshots.Holds(result.Snapshots[0]) }); i >= 0 {
			about = &versions[i]
		}
		if err := fn(result, about); err != nil {
			return err
		}
	}
	return nil
}
