package pages

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// snapshots lists snapshots, the newest first, of one account or of all.
func (p *Pages) snapshots(v *view, r *http.Request) (templ.Component, error) {
	v.title = "Snapshots"
	ctx := r.Context()
	current, err := p.current(ctx, v)
	if err != nil {
		return nil, err
	}
	f := store.SnapshotFilter{Accounts: v.scoped(current), AsOf: v.asOf, Limit: rowsPerPage + 1}
	if account := v.query.Get("account"); account != "" {
		if !v.sees(account) {
			return nil, posture.ErrNotFound
		}
		f.Accounts = []string{account}
	}
	after, err := position(v)
	if err != nil {
		return nil, err
	}
	f.Before = int64(after)
	list, err := p.Store.SnapshotsOf(ctx, f)
	next := ""
	if len(list) > rowsPerPage {
		list = list[:rowsPerPage]
		next = seq(list[rowsPerPage-1].LogIndex)
	}
	return snapshotsPage(v, current, list, next), err
}

type snapshotData struct {
	posture.Snapshot
	older, newer *posture.Snapshot
	gaps         []posture.Cell
	rest         []posture.Cell
	states       map[posture.CellState]int
}

func (p *Pages) snapshot(v *view, r *http.Request) (templ.Component, error) {
	ctx, account := r.Context(), v.query.Get("account")
	s, err := p.snapshotOf(ctx, v, account, v.query.Get("seq"))
	if err != nil {
		return nil, err
	}
	v.title = "Snapshot " + brief(s.ID())
	d := snapshotData{Snapshot: s, states: map[posture.CellState]int{}}
	for n, to := range map[int64]**posture.Snapshot{s.Seq - 1: &d.older, s.Seq + 1: &d.newer} {
		if other, err := p.snapshotOf(ctx, v, account, seq(n)); err == nil {
			*to = &other
		}
	}
	cells, err := p.Store.Cells(ctx, account, s.Seq)
	for _, c := range cells {
		d.states[c.State]++
		if _, gap := c.Gap(); gap {
			d.gaps = append(d.gaps, c)
		} else {
			d.rest = append(d.rest, c)
		}
	}
	return snapshotPage(v, d), err
}

type exceptionRow struct {
	finding.Exception
	standing finding.Standing
}

func (p *Pages) exceptions(v *view, r *http.Request) (templ.Component, error) {
	v.title = "Exceptions"
	all, err := p.Store.Exceptions(r.Context(), store.ExceptionFilter{AsOf: v.at})
	var list []exceptionRow
	for _, e := range all {
		if v.sees(e.Account) {
			list = append(list, exceptionRow{e, e.Standing(v.at)})
		}
	}
	order := map[finding.Standing]int{finding.Requested: 0, finding.InForce: 1, finding.Approved: 2}
	rank := func(r exceptionRow) int {
		if n, ok := order[r.standing]; ok {
			return n
		}
		return len(order)
	}
	slices.SortStableFunc(list, func(a, b exceptionRow) int {
		if n := rank(a) - rank(b); n != 0 {
			return n
		}
		return a.Ends().Compare(b.Ends())
	})
	return exceptionsPage(v, list), err
}

func (p *Pages) exception(v *view, r *http.Request) (templ.Component, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, posture.ErrNotFound
	}
	e, err := p.Store.Exception(r.Context(), id, v.at)
	if err != nil {
		return nil, err
	}
	if !v.sees(e.Account) {
		return nil, posture.ErrNotFound
	}
	v.title = fmt.Sprintf("Exception %d", id)
	return exceptionPage(v, e), nil
}

// alertsShown bounds the list of alerts.
const alertsShown = 200

func (p *Pages) alerts(v *view, r *http.Request) (templ.Component, error) {
	v.title = "Alerts"
	account := v.query.Get("account")
	if account != "" && !v.sees(account) {
		return nil, posture.ErrNotFound
	}
	current, err := p.current(r.Context(), v)
	if err != nil {
		return nil, err
	}
	list, err := p.Store.Alerts(r.Context(), store.AlertFilter{Account: account, Open: v.query.Get("open") != "", AsOf: v.asOf, Limit: alertsShown + 1})
	more := len(list) > alertsShown
	list = slices.DeleteFunc(list[:min(len(list), alertsShown)], func(a alert.Alert) bool { return !v.sees(a.Account) })
	return alertsPage(v, current, list, more), err
}

type alertData struct {
	alert.Alert
	history    []alert.Entry
	deliveries []alert.Delivery
}

func (p *Pages) alert(v *view, r *http.Request) (templ.Component, error) {
	ctx := r.Context()
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, posture.ErrNotFound
	}
	var d alertData
	if d.Alert, err = p.Store.Alert(ctx, id, v.at); err != nil {
		return nil, err
	}
	if !v.sees(d.Account) {
		return nil, posture.ErrNotFound
	}
	v.title = "Alert: " + brief(d.Title)
	if d.history, err = p.Store.AlertHistory(ctx, id, v.at); err != nil {
		return nil, err
	}
	d.deliveries, err = p.Store.Deliveries(ctx, id, v.at)
	return alertPage(v, d), err
}

// scans lists what was asked for up to the time. How far it is, is known of now only.
func (p *Pages) scans(v *view, r *http.Request) (templ.Component, error) {
	v.title = "Scans"
	ctx := r.Context()
	account := v.query.Get("account")
	if account != "" && !v.sees(account) {
		return nil, posture.ErrNotFound
	}
	current, err := p.current(ctx, v)
	if err != nil {
		return nil, err
	}
	f := store.ScanFilter{Account: account, State: store.ScanState(v.query.Get("state")), Limit: rowsPerPage + 1}
	if v.given != "" {
		f.Before = v.asOf.Add(time.Microsecond)
	}
	if after, err := cursor(v); err != nil {
		return nil, err
	} else if after.Rule != "" {
		queued, err := time.Parse(time.RFC3339Nano, after.Rule)
		if err != nil {
			return nil, fmt.Errorf("%w: the place in this list is malformed: begin with its first page", posture.ErrInvalid)
		}
		f.After = store.ScanPosition{Queued: queued, Account: after.Account, RunID: after.Resource.ID}
	}
	list, err := p.visibleScans(ctx, v, f)
	next := ""
	if len(list) > rowsPerPage {
		list = list[:rowsPerPage]
		last := list[rowsPerPage-1]
		next = mark(store.VerdictPosition{Account: last.Account, Resource: posture.Key{ID: last.RunID}, Rule: last.Queued.UTC().Format(time.RFC3339Nano)})
	}
	for i := range list {
		list[i] = v.scanThen(list[i])
	}
	return scansPage(v, current, list, next), err
}

// visibleScans reads a page of the scans that the actor may see.
func (p *Pages) visibleScans(ctx context.Context, v *view, f store.ScanFilter) (list []store.ScanRow, err error) {
	for {
		page, err := p.Store.Scans(ctx, f)
		if err != nil || len(page) == 0 {
			return list, err
		}
		for _, s := range page {
			if v.sees(s.Account) && len(list) < f.Limit {
				list = append(list, s)
			}
		}
		if len(page) < f.Limit || len(list) >= f.Limit {
			return list, nil
		}
		last := page[len(page)-1]
		f.After = store.ScanPosition{Queued: last.Queued, Account: last.Account, RunID: last.RunID}
	}
}

// scanThen is a scan without what came after the page's time.
func (v *view) scanThen(s store.ScanRow) store.ScanRow {
	if v.given == "" {
		return s
	}
	switch {
	case s.Started == nil || s.Started.After(v.asOf):
		s.State, s.Started, s.Ended, s.Seq, s.Error, s.Done, s.Total = store.ScanQueued, nil, nil, 0, "", 0, 0
	case s.Ended != nil && s.Ended.After(v.asOf):
		s.State, s.Ended, s.Seq, s.Error, s.Done, s.Total = store.ScanRunning, nil, 0, "", 0, 0
	}
	return s
}

var scanStates = []store.ScanState{store.ScanQueued, store.ScanRunning, store.ScanSealed, store.ScanFailed, store.ScanSkipped}

func scanOptions() (out [][2]string) {
	for _, s := range scanStates {
		out = append(out, [2]string{string(s), string(s)})
	}
	return out
}

type accountRow struct {
	posture.Snapshot
	gaps  int
	stale bool
}

func (p *Pages) accounts(v *view, r *http.Request) (templ.Component, error) {
	v.title = "Accounts"
	current, err := p.current(r.Context(), v)
	if err != nil {
		return nil, err
	}
	gaps, err := p.Store.Gaps(r.Context(), current, 0)
	if err != nil {
		return nil, err
	}
	perAccount := map[string]int{}
	for _, g := range gaps {
		perAccount[g.Account]++
	}
	list := make([]accountRow, len(current))
	for i, s := range current {
		list[i] = accountRow{s, perAccount[s.Account.String()], v.at.Sub(s.Finished) > old}
	}
	return accountsPage(v, list), nil
}
