package web

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// verdictPosition is where a page of verdicts begins; it stays with the snapshots that the first page was of.
type verdictPosition struct {
	At time.Time
	store.VerdictPosition
}

// across reads up to limit items of several accounts, which are sorted, after a position.
func across[T any](accounts []string, after store.VerdictPosition, limit int, do func(account string, after store.VerdictPosition, limit int) ([]T, error)) ([]T, error) {
	var items []T
	for _, account := range accounts {
		from := after
		switch {
		case account == "" || account == after.Account:
		case account < after.Account:
			continue
		default:
			from = store.VerdictPosition{}
		}
		more, err := do(account, from, limit-len(items))
		if err != nil {
			return nil, err
		}
		if items = append(items, more...); len(items) >= limit {
			break
		}
	}
	return items, nil
}

func (s *server) registerVerdicts(api huma.API) {
	read(s, api, operation{id: "list-verdicts", path: "/api/verdicts", about: "Verdicts by account, resource and rule"},
		func(ctx context.Context, in *struct {
			OfAccount
			As
			Page
			Rule   string `query:"rule" maxLength:"200"`
			Result string `query:"result" enum:"pass,fail,unknown,not_applicable"`
			Type   string `query:"type" maxLength:"200"`
			Region string `query:"region" maxLength:"100"`
		}) (out list[store.Judged], err error) {
			from := verdictPosition{At: in.or(s.Store.Clock())}
			if err := in.after(ctx, &from); err != nil {
				return out, err
			}
			accounts, err := s.accounts(ctx, in.Account)
			if err != nil {
				return out, err
			}
			items, err := across(accounts, from.VerdictPosition, in.Limit+1, func(account string, after store.VerdictPosition, limit int) ([]store.Judged, error) {
				return s.Store.Verdicts(ctx, store.VerdictFilter{
					Account: account, AsOf: from.At, Rule: in.Rule, Result: posture.Result(in.Result), Type: in.Type, Region: in.Region, After: after, Limit: limit,
				})
			})
			if err != nil {
				return out, err
			}
			return pageOf(ctx, items, in.Limit, func(j store.Judged) any { return verdictPosition{from.At, j.Position()} })
		})
}
