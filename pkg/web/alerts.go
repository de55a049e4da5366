package web

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func (s *server) registerAlerts(api huma.API) {
	read(s, api, operation{id: "list-alerts", path: "/api/alerts", about: "Alerts, newest first"},
		func(ctx context.Context, in *struct {
			OfAccount
			As
			Page
			Class    string `query:"class" enum:"finding,expiry,coverage,monitoring"`
			Open     bool   `query:"open" doc:"Only those that are not resolved."`
			Unrouted bool   `query:"unrouted" doc:"Only those that nobody is told."`
		}) (out list[alert.Alert], err error) {
			f := store.AlertFilter{Account: in.Account, Class: alert.Class(in.Class), Open: in.Open, Unrouted: in.Unrouted, AsOf: in.at}
			if err := in.after(ctx, &f.Before); err != nil {
				return out, err
			}
			items, err := newest(in.Limit, func(n int) ([]alert.Alert, error) {
				f.Limit = n
				return s.Store.Alerts(ctx, f)
			}, func(a alert.Alert) bool { return sees(ctx, a.Account) })
			if err != nil {
				return out, err
			}
			return pageOf(ctx, items, in.Limit, func(a alert.Alert) any { return a.ID })
		})
	type shownAlert struct {
		Alert      alert.Alert      `json:"alert"`
		Status     string           `json:"status" enum:"open,acknowledged,held_back,resolved"`
		History    []alert.Entry    `json:"history" nullable:"false"`
		Deliveries []alert.Delivery `json:"deliveries" nullable:"false"`
	}
	read(s, api, operation{id: "show-alert", path: "/api/alerts/{id}", about: "An alert, what happened to it, and who was told with what answer"},
		func(ctx context.Context, in *struct {
			As
			ID int64 `path:"id" minimum:"1"`
		}) (out shownAlert, err error) {
			if out.Alert, err = s.Store.Alert(ctx, in.ID, in.at); err != nil {
				return out, err
			}
			out.Status = out.Alert.Status()
			history, err := s.Store.AlertHistory(ctx, in.ID, in.at)
			if err != nil {
				return out, err
			}
			deliveries, err := s.Store.Deliveries(ctx, in.ID, in.at)
			out.History, out.Deliveries = append([]alert.Entry{}, history...), append([]alert.Delivery{}, deliveries...)
			return out, err
		})
	act(s, api, operation{id: "acknowledge-alert", path: "/api/alerts/{id}/acknowledge", about: "Say that somebody takes care of an alert, and stop its escalation"},
		func(ctx context.Context, by access.Actor, in *decisionIn) (alert.Alert, error) {
			if err := s.Alerts().Acknowledge(ctx, in.ID, by, in.Body.Reason); err != nil {
				return alert.Alert{}, err
			}
			return s.Store.Alert(ctx, in.ID, noTime)
		})
}
