package web

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/signin"
)

// InAccount is embedded by inputs whose path names an account.
type InAccount struct {
	Account string `path:"account" maxLength:"200" example:"aws:111122223333"`
}

// OfAccount is embedded by the inputs of lists over accounts.
type OfAccount struct {
	Account string `query:"account" maxLength:"200" example:"aws:111122223333" doc:"Only of this account; of all that the caller may see when left out."`
}

// accounts are those that a list is about, sorted; the one that is named by the empty string stands for all.
func (s *server) accounts(ctx context.Context, account string) ([]string, error) {
	if actor := signin.ActorOf(ctx); account != "" || len(actor.Scopes) == 0 {
		return []string{account}, s.allow(ctx, access.PostureRead, account, account)
	}
	all, err := s.Store.Accounts(ctx)
	out := []string{}
	for _, a := range all {
		if sees(ctx, a.String()) {
			out = append(out, a.String())
		}
	}
	slices.Sort(out)
	return out, err
}

// SnapshotOf is embedded by inputs about one snapshot of an account.
type SnapshotOf struct {
	InAccount
	As
	Seq int64 `query:"seq" minimum:"0" doc:"Number of the snapshot; the one as of as_of when left out."`
}

func (in *SnapshotOf) find(ctx context.Context, s *server) (n posture.Snapshot, err error) {
	switch {
	case in.Seq > 0:
		n, err = s.Store.Snapshot(ctx, in.Account, in.Seq)
		if err == nil && !in.at.IsZero() && n.Finished.After(in.at) {
			err = fmt.Errorf("snapshot %s: %w as of then", n.ID(), posture.ErrNotFound)
		}
	case in.at.IsZero():
		n, err = s.Store.Latest(ctx, in.Account)
	default:
		n, err = s.Store.At(ctx, in.Account, in.at)
	}
	return n, err
}

// gap is a cell that was not read to its end.
type gap struct {
	Account string        `json:"account"`
	Seq     int64         `json:"seq"`
	Cell    posture.Cell  `json:"cell"`
	Cause   posture.Cause `json:"cause"`
}

// gapPosition is where a gap stands among all.
type gapPosition struct{ Account, Type, Region string }

func (g gap) position() gapPosition { return gapPosition{g.Account, g.Cell.Type, g.Cell.Region} }

func (a gapPosition) compare(b gapPosition) int {
	return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Region, b.Region))
}

// callPosition is where a page of calls begins; it stays with the snapshot that the first page was of.
type callPosition struct {
	Seq  int64
	Call int
}

func (s *server) registerAccounts(api huma.API) {
	read(s, api, operation{id: "list-accounts", path: "/api/accounts", about: "Accounts, each with its snapshot as of the time"},
		func(ctx context.Context, in *struct {
			OfAccount
			As
			Page
		}) (out list[posture.Snapshot], err error) {
			after := ""
			if err := in.after(ctx, &after); err != nil {
				return out, err
			}
			all, err := s.Store.Current(ctx, in.Account, in.at)
			if err != nil {
				return out, err
			}
			all = slices.DeleteFunc(all, func(n posture.Snapshot) bool { return n.Account.String() <= after || !sees(ctx, n.Account.String()) })
			return pageOf(ctx, all, in.Limit, func(n posture.Snapshot) any { return n.Account.String() })
		})
	read(s, api, operation{id: "list-snapshots", path: "/api/accounts/{account}/snapshots", about: "Snapshots of an account, newest first"},
		func(ctx context.Context, in *struct {
			InAccount
			As
			Page
		}) (out list[posture.Snapshot], err error) {
			var before int64
			if err := in.after(ctx, &before); err != nil {
				return out, err
			}
			all, err := s.Store.Snapshots(ctx, in.Account, 0) // a limit would make the database walk through the snapshots of all accounts
			if err != nil {
				return out, err
			}
			items := slices.DeleteFunc(all, func(n posture.Snapshot) bool {
				return before != 0 && n.Seq >= before || n.Finished.After(in.or(n.Finished))
			})
			return pageOf(ctx, items, in.Limit, func(n posture.Snapshot) any { return n.Seq })
		})
	type shownSnapshot struct {
		Snapshot posture.Snapshot `json:"snapshot"`
		Cells    []posture.Cell   `json:"cells" nullable:"false"`
	}
	read(s, api, operation{id: "show-snapshot", path: "/api/accounts/{account}/snapshot", about: "One snapshot and its cells: what was read, and what was not and why"},
		func(ctx context.Context, in *SnapshotOf) (out shownSnapshot, err error) {
			if out.Snapshot, err = in.find(ctx, s); err != nil {
				return out, err
			}
			cells, err := s.Store.Cells(ctx, in.Account, out.Snapshot.Seq)
			out.Cells = append([]posture.Cell{}, cells...)
			return out, err
		})
	read(s, api, operation{id: "list-calls", path: "/api/accounts/{account}/calls", about: "Every call that a snapshot rests on, in their order, with the request ids that the cloud gave out"},
		func(ctx context.Context, in *struct {
			SnapshotOf
			Page
		}) (out list[posture.Call], err error) {
			var from callPosition
			if err := in.after(ctx, &from); err != nil {
				return out, err
			}
			in.Seq = cmp.Or(from.Seq, in.Seq)
			n, err := in.find(ctx, s)
			if err != nil {
				return out, err
			}
			calls, err := s.Store.Calls(ctx, in.Account, n.Seq)
			if err != nil {
				return out, err
			}
			calls = slices.DeleteFunc(calls, func(c posture.Call) bool { return c.Seq <= from.Call })
			return pageOf(ctx, calls, in.Limit, func(c posture.Call) any { return callPosition{n.Seq, c.Seq} })
		})
	read(s, api, operation{id: "list-gaps", path: "/api/gaps", about: "What the accounts' snapshots could not read, and why: what rests on it is unknown"},
		func(ctx context.Context, in *struct {
			OfAccount
			As
			Page
		}) (out list[gap], err error) {
			var after gapPosition
			if err := in.after(ctx, &after); err != nil {
				return out, err
			}
			snapshots, err := s.Store.Current(ctx, in.Account, in.at)
			if err != nil {
				return out, err
			}
			var gaps []gap
			for _, n := range snapshots {
				account := n.Account.String()
				if account < after.Account || !sees(ctx, account) || len(gaps) > in.Limit {
					continue
				}
				cells, err := s.Store.Cells(ctx, account, n.Seq)
				if err != nil {
					return out, err
				}
				for _, cell := range cells {
					g := gap{Account: account, Seq: n.Seq, Cell: cell}
					var missing bool
					if g.Cause, missing = cell.Gap(); missing && g.position().compare(after) > 0 {
						gaps = append(gaps, g)
					}
				}
			}
			return pageOf(ctx, gaps, in.Limit, func(g gap) any { return g.position() })
		})
}
