package scan

import (
	"context"
	"slices"
	"time"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// DefaultSettle is how long a second source may lag before it is asked again.
const DefaultSettle = 15 * time.Minute

// reconcile holds the lists that were read to their end against the account's second source. Where the two differ, both are read once
// more after settle: what only one of them still has is a difference, and what came or went meanwhile is none. Resources that only the
// second source has are added with nothing read.
func reconcile(ctx context.Context, account collectors.Account, c *Collected, clock transport.Clock, settle time.Duration) error {
	if account.Second == nil {
		return ctx.Err()
	}
	r := &reconciling{source: account.Second, explain: account.Explain, clock: clock, first: idsOf(c.Resources)}
	var differing []string
	second := r.read(ctx)
	for _, t := range r.source.Types {
		if second.err == nil && r.differ(c.Cells, t.Name, second) {
			differing = append(differing, t.Name)
		}
	}
	if len(differing) == 0 {
		r.note(c, second, nil, nil)
		return ctx.Err()
	}
	if err := clock.Sleep(ctx, settle); err != nil {
		return err
	}
	again := account
	again.Tasks = slices.DeleteFunc(slices.Clone(account.Tasks), func(task collectors.Task) bool {
		return task.Skip != nil || !slices.ContainsFunc(task.Fills, func(t *posture.Type) bool { return slices.Contains(differing, t.Name) })
	})
	later, err := Collect(ctx, again, clock, nil)
	if err != nil {
		return err
	}
	r.note(c, r.read(ctx), differing, &later)
	return ctx.Err()
}

// reconciling is one reconciliation.
type reconciling struct {
	source  *collectors.SecondSource
	explain func(error) posture.Cause
	clock   transport.Clock
	first   map[string]map[string]posture.Key // what the readers listed, by type and form of the id
}

// secondList is one reading of the second source.
type secondList struct {
	ids map[string]map[string]string
	at  time.Time
	err error
}

func (r *reconciling) read(ctx context.Context) secondList {
	ctx, _ = transport.WithCell(ctx)
	out := secondList{at: r.clock.Now()}
	out.ids, out.err = r.source.Read(ctx)
	return out
}

func idsOf(resources []*posture.Resource) map[string]map[string]posture.Key {
	out := map[string]map[string]posture.Key{}
	for _, resource := range resources {
		if out[resource.Type] == nil {
			out[resource.Type] = map[string]posture.Key{}
		}
		out[resource.Type][resource.ID] = resource.Key
	}
	return out
}

// inForm is a set of ids in the form in which they are compared, each with the key of its resource.
func (r *reconciling) inForm(ids map[string]posture.Key) map[string]posture.Key {
	out := make(map[string]posture.Key, len(ids))
	for id, key := range ids {
		out[r.source.Form(id)] = key
	}
	return out
}

func (r *reconciling) differ(cells []posture.Cell, kind string, second secondList) bool {
	first := r.inForm(r.first[kind])
	other := r.keysOf(kind, second)
	for form, key := range first {
		if _, ok := other[form]; !ok && read(cells, key) {
			return true
		}
	}
	for form, key := range other {
		if _, ok := first[form]; !ok && read(cells, key) {
			return true
		}
	}
	return false
}

// keysOf are the resources of a type that a reading of the second source has, in form.
func (r *reconciling) keysOf(kind string, list secondList) map[string]posture.Key {
	out := map[string]posture.Key{}
	for id, region := range list.ids[kind] {
		out[r.source.Form(id)] = posture.Key{Type: kind, Region: region, ID: id}
	}
	return out
}

// read reports whether the cell of a resource was read to its end.
func read(cells []posture.Cell, key posture.Key) bool {
	cell, ok := posture.IndexCells(cells).Of(key.Type, key.Region)
	return ok && cell.State == posture.Complete
}

// note writes down what came out, for every cell of the source's types that was read to its end. later is the second reading of the
// types that differed.
func (r *reconciling) note(c *Collected, second secondList, differing []string, later *Collected) {
	index := posture.IndexCells(c.Cells)
	results := map[posture.Key]*posture.Reconciliation{} // by cell
	for _, t := range r.source.Types {
		for _, cell := range c.Cells {
			if cell.Type != t.Name || cell.State != posture.Complete {
				continue
			}
			out := &posture.Reconciliation{Source: r.source.Name, Status: posture.Matched, ReadAt: second.at.UTC().Truncate(time.Microsecond),
				Settled: slices.Contains(differing, t.Name), OnlyFirst: []string{}, OnlySecond: []string{}}
			if second.err != nil {
				cause := r.explain(second.err)
				out.Status, out.Cause = posture.SingleSource, &cause
			}
			results[posture.Key{Type: cell.Type, Region: cell.Region}] = out
		}
	}
	of := func(key posture.Key) *posture.Reconciliation {
		cell, _ := index.Of(key.Type, key.Region)
		return results[posture.Key{Type: cell.Type, Region: cell.Region}]
	}
	for _, t := range r.source.Types {
		first, other := r.inForm(r.first[t.Name]), r.keysOf(t.Name, second)
		var since map[string]posture.Key // what the readers listed the second time
		if later != nil && slices.Contains(differing, t.Name) {
			since = r.inForm(idsOf(later.Resources)[t.Name])
		}
		for form, key := range first {
			out := of(key)
			if out == nil {
				continue
			}
			out.Listed++
			_, there := other[form]
			_, still := since[form]
			if there || second.err != nil || since != nil && !still && read(later.Cells, key) {
				continue
			}
			out.OnlyFirst = append(out.OnlyFirst, key.ID)
		}
		for form, key := range other {
			out := of(key)
			if out == nil || second.err != nil {
				continue
			}
			out.Count++
			_, listed := first[form]
			_, since := since[form]
			if listed || since {
				continue
			}
			out.OnlySecond = append(out.OnlySecond, key.ID)
			c.Resources = append(c.Resources, posture.Unlisted(t, key, r.source.Name))
		}
	}
	for _, out := range results {
		slices.Sort(out.OnlyFirst)
		slices.Sort(out.OnlySecond)
		if len(out.OnlyFirst)+len(out.OnlySecond) > 0 {
			out.Status = posture.Unreconciled
		}
	}
	for i, cell := range c.Cells {
		c.Cells[i].Reconciled = results[posture.Key{Type: cell.Type, Region: cell.Region}]
	}
	slices.SortFunc(c.Resources, func(a, b *posture.Resource) int { return a.Key.Compare(b.Key) })
}
