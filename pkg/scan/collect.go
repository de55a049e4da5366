// Package scan reads one account, judges what it read, and seals a snapshot of it.
package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Collected is what the readers handed over: every cell, and every resource seen, sorted.
type Collected struct {
	Account   posture.Account
	Principal string
	Above     Above // what is known of the organization or tenant above
	Types     []*posture.Type
	Started   time.Time
	Finished  time.Time
	Cells     []posture.Cell
	Resources []*posture.Resource
}

// Progress is told how many of the tasks are done.
type Progress func(done, total int)

// parallelTasks is how many cells are read at once; the transport's rate limits decide how fast that is.
const parallelTasks = 32

// Collect runs every task of an opened account. A task that fails leaves its cells incomplete and never ends the scan; only
// the end of ctx does.
func Collect(ctx context.Context, account collectors.Account, clock transport.Clock, progress Progress) (Collected, error) {
	return collectAll(ctx, account, clock, progress, nil)
}

// collectAll is Collect that leaves out what an earlier attempt of the same run has read.
func collectAll(ctx context.Context, account collectors.Account, clock transport.Clock, progress Progress, resume *resumption) (Collected, error) {
	out := Collected{
		Account: account.Account, Principal: account.Principal, Types: account.Types, Started: clock.Now(),
		Above: Above{Accounts: account.Ancestors, Unread: account.AncestorsUnread},
	}
	var mu sync.Mutex
	done := 0
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelTasks)
	for i, task := range account.Tasks {
		group.Go(func() error {
			name := taskName(i, task)
			cells, resources, resumed := resume.restore(name, task)
			if !resumed {
				taskCtx, read := transport.WithCell(ctx)
				cells, resources = run(taskCtx, read, task, account.Explain, clock)
				resume.save(ctx, name, task, cells, resources, read)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, cell := range cells {
				if cell.Started.Before(out.Started) {
					out.Started = cell.Started // read by an earlier attempt
				}
			}
			out.Cells = append(out.Cells, cells...)
			out.Resources = append(out.Resources, resources...)
			done++
			if progress != nil {
				progress(done, len(account.Tasks))
			}
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return Collected{}, fmt.Errorf("read account %s: %w", account.Account, err)
	}
	out.Finished = clock.Now()
	slices.SortFunc(out.Cells, func(a, b posture.Cell) int {
		return posture.Key{Type: a.Type, Region: a.Region}.Compare(posture.Key{Type: b.Type, Region: b.Region})
	})
	slices.SortFunc(out.Resources, func(a, b *posture.Resource) int { return a.Key.Compare(b.Key) })
	return out, nil
}

// run reads one task's cells.
func run(ctx context.Context, counter *transport.Cell, task collectors.Task, explain func(error) posture.Cause, clock transport.Clock) ([]posture.Cell, []*posture.Resource) {
	started := clock.Now()
	if task.Skip != nil {
		cause := task.Skip.Cause
		var cells []posture.Cell
		for _, t := range task.Fills {
			cells = append(cells, posture.Cell{Region: task.Region, Type: t.Name, State: task.Skip.State, Cause: &cause, Started: started, Finished: started})
		}
		return cells, nil
	}
	var mu sync.Mutex
	resources := map[posture.Key]*posture.Resource{}
	circular := map[posture.Cause]bool{}
	emit := func(id string, attributes any, gaps ...collectors.Gap) {
		mu.Lock()
		defer mu.Unlock()
		region := task.Region
		if at, located := attributes.(collectors.At); located {
			region, attributes = at.Region, at.Attributes
		}
		t := typeOf(task.Fills, attributes)
		r := &posture.Resource{Key: posture.Key{Type: t.Name, Region: region, ID: id}, Attributes: attributes}
		for _, gap := range gaps {
			cause := explain(gap.Err)
			circular[cause] = circular[cause] || errors.Is(gap.Err, collectors.ErrRepeatedPage)
			for _, path := range gap.Paths {
				r.Unread = append(r.Unread, posture.Unread{Path: path, Cause: cause})
			}
		}
		// A page offered again and again brings its resources as often, in the end with details that the transport refused to
		// ask for: the fullest reading stands.
		if before := resources[r.Key]; before == nil || len(r.Unread) <= len(before.Unread) {
			resources[r.Key] = r
		}
	}
	err := collect(ctx, task, emit)
	finished := clock.Now()
	if errors.Is(err, collectors.ErrRepeatedPage) {
		// The list ran in a circle; that details were asked for too often is its doing.
		cause := explain(err)
		for _, r := range resources {
			for i := range r.Unread {
				if circular[r.Unread[i].Cause] {
					r.Unread[i].Cause = cause
				}
			}
		}
	}

	errs := map[posture.Key]error{}
	for _, t := range task.Fills {
		errs[posture.Key{Type: t.Name, Region: task.Region}] = nil
	}
	split(err, task, errs)
	var cells []posture.Cell
	for place, err := range errs {
		cell := posture.Cell{Region: place.Region, Type: place.Type, State: posture.Complete, Started: started, Finished: finished, Calls: counter.Calls()}
		if err != nil {
			cause := explain(err)
			cell.State, cell.Cause = posture.Failed, &cause
			if cause.Reason == posture.ReasonDenied {
				cell.State = posture.Denied
			}
		}
		cells = append(cells, cell)
	}
	out := make([]*posture.Resource, 0, len(resources))
	for _, r := range resources {
		slices.SortFunc(r.Unread, compareUnread)
		r.Unread = slices.Compact(r.Unread)
		out = append(out, r)
	}
	return cells, out
}

// collect runs the reader; a reader that panics has failed, like one that returned an error.
func collect(ctx context.Context, task collectors.Task, emit collectors.Emit) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("reader of %s: %v", task.Fills[0].Name, r)
		}
	}()
	return task.Collect(ctx, emit)
}

// split says which cells an error of a reader leaves incomplete: those of all its types, unless it names one.
func split(err error, task collectors.Task, out map[posture.Key]error) {
	if err == nil {
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			split(e, task, out)
		}
		return
	}
	var one *collectors.TypeError
	if errors.As(err, &one) {
		out[posture.Key{Type: one.Type.Name, Region: cmp.Or(one.Region, task.Region)}] = one.Err
		return
	}
	for _, t := range task.Fills {
		if place := (posture.Key{Type: t.Name, Region: task.Region}); out[place] == nil {
			out[place] = err
		}
	}
}

func typeOf(types []*posture.Type, attributes any) *posture.Type {
	for _, t := range types {
		if t.Is(attributes) {
			return t
		}
	}
	panic(fmt.Sprintf("emitted %T, which is none of the types the reader fills", attributes))
}

func compareUnread(a, b posture.Unread) int {
	if c := strings.Compare(a.Path, b.Path); c != 0 {
		return c
	}
	return posture.CompareCauses(a.Cause, b.Cause)
}
