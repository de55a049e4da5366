package web

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func (s *server) registerWork(api huma.API) {
	read(s, api, operation{id: "list-schedules", path: "/api/schedules", about: "Schedules and when each is due next", action: access.PostureRead},
		func(ctx context.Context, _ *struct{ As }) (out list[store.Schedule], err error) {
			items, err := s.Store.Schedules(ctx)
			out.Items = append([]store.Schedule{}, items...)
			return out, err
		})
	read(s, api, operation{id: "list-scans", path: "/api/scans", about: "What runs did about accounts, newest first, with progress", action: access.PostureRead},
		func(ctx context.Context, in *struct {
			OfAccount
			As
			Page
			Run   string `query:"run" maxLength:"100"`
			State string `query:"state" enum:"queued,running,sealed,failed,skipped"`
		}) (out list[store.ScanRow], err error) {
			f := store.ScanFilter{Account: in.Account, RunID: in.Run, State: store.ScanState(in.State), Before: in.at, Limit: in.Limit + 1}
			if err := named(ctx, in.Account); err != nil {
				return out, err
			}
			if err := in.after(&f.After); err != nil {
				return out, err
			}
			items, err := s.Store.Scans(ctx, f)
			if err != nil {
				return out, err
			}
			return pageOf(items, in.Limit, func(r store.ScanRow) any {
				return store.ScanPosition{Queued: r.Queued, Account: r.Account, RunID: r.RunID}
			})
		})
	type started struct {
		Run string `json:"run_id"`
	}
	act(s, api, operation{id: "start-scan", path: "/api/scans", about: "Scan the accounts of a connection now", action: access.ScanStart},
		func(ctx context.Context, by access.Actor, in *struct {
			Body struct {
				Connection string `json:"connection" minLength:"1" maxLength:"200"`
			}
		}) (out started, err error) {
			for _, c := range s.Settings().Connections {
				if c.Name == in.Body.Connection {
					if err := s.Store.Audit(ctx, access.Entry{Actor: by, Action: access.ScanStart, Object: "connection/" + c.Name}); err != nil {
						return out, err
					}
					out.Run, err = s.Trigger(ctx, c.Name)
					return out, err
				}
			}
			return out, huma.Error404NotFound("no connection of that name is configured")
		})

	read(s, api, operation{id: "list-alerts", path: "/api/alerts", about: "Alerts, newest first", action: access.PostureRead},
		func(ctx context.Context, in *struct {
			OfAccount
			As
			Page
			Open     bool `query:"open" doc:"Only those that are not resolved."`
			Unrouted bool `query:"unrouted" doc:"Only those that nobody is told."`
		}) (out list[alert.Alert], err error) {
			if err := named(ctx, in.Account); err != nil {
				return out, err
			}
			items, err := s.Store.Alerts(ctx, store.AlertFilter{Account: in.Account, Open: in.Open, Unrouted: in.Unrouted, AsOf: in.at, Limit: in.Limit})
			out.Items = append([]alert.Alert{}, items...)
			return out, err
		})
	type shownAlert struct {
		Alert      alert.Alert      `json:"alert"`
		History    []alert.Entry    `json:"history"`
		Deliveries []alert.Delivery `json:"deliveries"`
	}
	read(s, api, operation{id: "show-alert", path: "/api/alerts/{id}", about: "An alert, what happened to it, and who was told", action: access.PostureRead},
		func(ctx context.Context, in *struct {
			As
			ID int64 `path:"id" minimum:"1"`
		}) (out shownAlert, err error) {
			if out.Alert, err = s.Store.Alert(ctx, in.ID, in.at); err != nil {
				return out, err
			}
			if !visible(ctx, out.Alert.Account) {
				return shownAlert{}, s.allow(ctx, access.PostureRead, out.Alert.Account)
			}
			if out.History, err = s.Store.AlertHistory(ctx, in.ID, in.at); err != nil {
				return out, err
			}
			out.Deliveries, err = s.Store.Deliveries(ctx, in.ID, in.at)
			return out, err
		})
	act(s, api, operation{id: "acknowledge-alert", path: "/api/alerts/{id}/acknowledge", about: "Say that somebody takes care of an alert, and stop its escalation", action: access.AlertAcknowledge},
		func(ctx context.Context, by access.Actor, in *decisionIn) (alert.Alert, error) {
			if err := s.Alerts().Acknowledge(ctx, in.ID, by, in.Body.Reason); err != nil {
				return alert.Alert{}, err
			}
			return s.Store.Alert(ctx, in.ID, time.Time{})
		})
}
