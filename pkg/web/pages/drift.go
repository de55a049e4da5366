package pages

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/plumbline-dev/plumbline/pkg/attribution"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// drifted is a change, where and until when, and who made it as far as the cloud's log tells.
type drifted struct {
	posture.Change
	account  string
	from, to int64
	at       time.Time // end of the newer snapshot's scan
	by       []store.Attributed
}

// changes are those between two snapshots of an account, as known as of the time.
func (p *Pages) changes(ctx context.Context, v *view, account string, from, to int64) ([]drifted, error) {
	found, err := scan.Drift(ctx, p.Store, p.Store.Types, account, from, to)
	if err != nil {
		return nil, err
	}
	known, err := p.Store.Attributions(ctx, account, from, to, v.asOf)
	if err != nil {
		return nil, err
	}
	type field struct {
		posture.Key
		path string
	}
	last := map[field]store.Attributed{}
	for _, a := range known { // oldest first: of several changes of one attribute the last one tells
		last[field{a.Resource, a.Path}] = a
	}
	out := make([]drifted, len(found))
	for i, c := range found {
		out[i] = drifted{Change: c, account: account, from: from, to: to}
		if c.Cause != posture.CauseConfiguration || c.Kind == posture.Judgment {
			continue
		}
		paths := []string{""} // it came or went
		if c.Kind == posture.Changed {
			paths = nil
			for _, f := range c.Fields {
				paths = append(paths, f.Path)
			}
		}
		for _, path := range paths {
			if a, ok := last[field{c.Resource, path}]; ok {
				out[i].by = append(out[i].by, a)
			}
		}
	}
	return out, nil
}

// actors says who made a change: for sure, perhaps, or why nobody can tell.
func (d drifted) actors() string {
	var exact, perhaps []string
	unread := false
	for _, a := range d.by {
		for _, e := range a.Events {
			who := actor(e.Actor) + " (" + e.Name + ", " + stamp(e.Time) + ")"
			list := &perhaps
			if a.Confidence == attribution.Exact {
				list = &exact
			}
			if !slices.Contains(*list, who) {
				*list = append(*list, who)
			}
		}
		unread = unread || slices.Contains([]attribution.Reason{attribution.LogDenied, attribution.LogFailed, attribution.LogExpired, attribution.LogTooLong}, a.Reason)
	}
	switch {
	case len(exact) > 0:
		return strings.Join(exact, "; ")
	case len(perhaps) == 1:
		return "perhaps " + perhaps[0]
	case len(perhaps) > 1:
		return "one of " + strings.Join(perhaps, "; ")
	case unread:
		return "unknown: the log was not read"
	case len(d.by) > 0:
		return "unknown: the log holds no event that explains it"
	}
	return ""
}

func actor(a attribution.Actor) string {
	text := a.Name
	if a.Person != "" && !strings.Contains(text, a.Person) {
		text = a.Person + " as " + text
	}
	if a.Via != "" {
		text += " via " + a.Via
	}
	return text
}

// side is one side of a changed attribute.
func side(value []byte, unread bool) string {
	switch {
	case unread:
		return "unread"
	case value == nil || string(value) == "null":
		return "absent"
	}
	return string(value)
}

// driftPage bounds the changes on one page; the rest has pages of its own.
const driftPage = 200

type driftData struct {
	current  []posture.Snapshot
	account  string
	from, to posture.Snapshot
	first    bool // the account's first snapshot: nothing to compare with
	changes  []drifted
	byCause  map[posture.DriftCause]int
	next     string
	recent   []posture.Snapshot
}

// drift compares the account's newest snapshot as of the time with the one before it, or any two.
func (p *Pages) drift(v *view, r *http.Request) (templ.Component, error) {
	v.title = "Drift"
	ctx := r.Context()
	d := driftData{account: v.query.Get("account"), byCause: map[posture.DriftCause]int{}}
	var err error
	if d.current, err = p.current(ctx, v); err != nil {
		return nil, err
	}
	if d.account == "" && len(d.current) > 0 {
		newest := slices.MaxFunc(d.current, func(a, b posture.Snapshot) int { return a.Finished.Compare(b.Finished) })
		d.account = newest.Account.String()
	}
	if d.account == "" {
		return driftPageOf(v, d), nil
	}
	if d.to, err = p.snapshotOf(ctx, v, d.account, v.query.Get("to")); err != nil {
		return nil, err
	}
	v.title = "Drift of " + brief(d.account)
	if d.recent, err = p.Store.SnapshotsOf(ctx, store.SnapshotFilter{Accounts: []string{d.account}, AsOf: v.asOf, Limit: 100}); err != nil {
		return nil, err
	}
	from := v.query.Get("from")
	if from == "" {
		if d.to.Seq == 1 {
			d.first = true
			return driftPageOf(v, d), nil
		}
		from = seq(d.to.Seq - 1)
	}
	if d.from, err = p.snapshotOf(ctx, v, d.account, from); err != nil {
		return nil, err
	}
	if d.from.Seq >= d.to.Seq {
		return nil, fmt.Errorf("%w: snapshot %d is not older than %d: choose an earlier one to compare with", posture.ErrInvalid, d.from.Seq, d.to.Seq)
	}
	all, err := p.changes(ctx, v, d.account, d.from.Seq, d.to.Seq)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		d.byCause[c.Cause]++
	}
	if only := v.query.Get("cause"); only != "" {
		all = slices.DeleteFunc(all, func(c drifted) bool { return string(c.Cause) != only })
	}
	begin, err := position(v)
	if err != nil {
		return nil, err
	}
	begin = min(begin, len(all))
	end := min(begin+driftPage, len(all))
	if d.changes = all[begin:end]; end < len(all) {
		d.next = strconv.Itoa(end)
	}
	return driftPageOf(v, d), nil
}

// position is where a page begins that is counted in rows.
func position(v *view) (int, error) {
	text := v.query.Get("after")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%w: %q is no place in this list", posture.ErrInvalid, cut(text, 40))
	}
	return n, nil
}

// snapshotOf is the account's snapshot of that number, or with none the one as of the time. What came later does not exist.
func (p *Pages) snapshotOf(ctx context.Context, v *view, account, number string) (posture.Snapshot, error) {
	if !v.sees(account) {
		return posture.Snapshot{}, posture.ErrNotFound
	}
	if number == "" {
		return p.Store.At(ctx, account, v.at)
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 {
		return posture.Snapshot{}, fmt.Errorf("%w: %q is no number of a snapshot", posture.ErrInvalid, cut(number, 40))
	}
	s, err := p.Store.Snapshot(ctx, account, n)
	if err == nil && s.Finished.After(v.at) {
		err = posture.ErrNotFound
	}
	return s, err
}

var driftCauses = []posture.DriftCause{posture.CauseConfiguration, posture.CauseRuleset, posture.CauseException, posture.CauseCoverage}
