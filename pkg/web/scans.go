package web

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// scanAsOf takes from a scan what came to be known later. Of progress and attempts only the newest is kept, so they are left out.
func scanAsOf(r store.ScanRow, at time.Time) store.ScanRow {
	if at.IsZero() || r.Ended != nil && !r.Ended.After(at) {
		return r
	}
	r.State, r.Ended, r.Seq, r.Error, r.Worker, r.Attempts, r.Done, r.Total = store.ScanRunning, nil, 0, "", "", 0, 0, 0
	if r.Started == nil || r.Started.After(at) {
		r.State, r.Started = store.ScanQueued, nil
	}
	return r
}

func (s *server) registerScans(api huma.API) {
	read(s, api, operation{id: "list-schedules", path: "/api/schedules", about: "Schedules as they are set, and when each is due next"},
		func(ctx context.Context, _ *struct{ Known }) (list[store.Schedule], error) {
			return listed(s.Store.Schedules(ctx))
		})
	read(s, api, operation{id: "list-scans", path: "/api/scans", about: "What runs did about accounts, newest first, with progress"},
		func(ctx context.Context, in *struct {
			OfAccount
			As
			Page
			Run        string `query:"run" maxLength:"100"`
			Connection string `query:"connection" maxLength:"200"`
			State      string `query:"state" enum:"queued,running,sealed,failed,skipped"`
		}) (out list[store.ScanRow], err error) {
			f := store.ScanFilter{Account: in.Account, RunID: in.Run, Connection: in.Connection}
			if in.at.IsZero() {
				f.State = store.ScanState(in.State)
			} else {
				f.Before = in.at.Add(time.Microsecond)
			}
			if err := in.after(ctx, &f.After); err != nil {
				return out, err
			}
			position := func(r store.ScanRow) store.ScanPosition {
				return store.ScanPosition{Queued: r.Queued.UTC(), Account: r.Account, RunID: r.RunID}
			}
			var items []store.ScanRow
			for f.Limit = in.Limit + 1; len(items) <= in.Limit; {
				more, err := s.Store.Scans(ctx, f)
				if err != nil {
					return out, err
				}
				for _, r := range more {
					if r = scanAsOf(r, in.at); sees(ctx, r.Account) && (in.State == "" || string(r.State) == in.State) {
						items = append(items, r)
					}
				}
				if len(more) < f.Limit {
					break
				}
				f.After = position(more[len(more)-1])
			}
			return pageOf(ctx, items, in.Limit, func(r store.ScanRow) any { return position(r) })
		})
	type started struct {
		Run string `json:"run_id"`
	}
	act(s, api, operation{id: "start-scan", path: "/api/scans", about: "Scan the accounts of a connection now"},
		func(ctx context.Context, by access.Actor, in *struct {
			Body struct {
				Connection string `json:"connection" minLength:"1" maxLength:"200"`
			}
		}) (out started, err error) {
			for _, c := range s.Settings().Connections {
				if c.Name != in.Body.Connection {
					continue
				}
				if err := s.Store.Audit(ctx, access.Entry{Actor: by, Action: access.ScanStart, Object: "connection/" + c.Name, Request: requestID(ctx)}); err != nil {
					return out, err
				}
				out.Run, err = s.Trigger(ctx, c.Name)
				return out, err
			}
			return out, huma.Error404NotFound("no connection of that name is configured")
		})
	type canceled struct {
		Accounts []string `json:"accounts" nullable:"false" doc:"whose scans were neither sealed nor given up"`
	}
	act(s, api, operation{id: "cancel-scans", path: "/api/scans/{run}/cancel", about: "Stop what a run has not sealed yet, of one account or of all"},
		func(ctx context.Context, by access.Actor, in *struct {
			Run  string `path:"run" maxLength:"100"`
			Body struct {
				Account string `json:"account,omitempty" maxLength:"200" doc:"aws:111122223333; empty: all of the run"`
			}
		}) (out canceled, err error) {
			if scans, err := s.Store.Scans(ctx, store.ScanFilter{RunID: in.Run, Account: in.Body.Account, Limit: 1}); err != nil {
				return out, err
			} else if len(scans) == 0 {
				return out, huma.Error404NotFound("no run of that id scans this")
			}
			if err := s.Store.Audit(ctx, access.Entry{Actor: by, Action: access.ScanCancel, Object: "run/" + in.Run, Reason: in.Body.Account, Request: requestID(ctx)}); err != nil {
				return out, err
			}
			accounts, err := s.Cancel(ctx, in.Run, in.Body.Account, by.ID)
			out.Accounts = append([]string{}, accounts...)
			return out, err
		})
}
