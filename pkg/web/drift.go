package web

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// change is what differs between two snapshots, and who made it so as far as the cloud's log tells.
type change struct {
	posture.Change
	Attributions []store.Attributed `json:"attributions" nullable:"false"`
}

// changePosition is where a page of changes begins; it stays with the snapshots that the first page compared.
type changePosition struct {
	From, To int64
	N        int
}

func (s *server) registerDrift(api huma.API) {
	read(s, api, operation{id: "list-changes", path: "/api/accounts/{account}/drift", about: "What differs between two snapshots of an account, why, and who changed it"},
		func(ctx context.Context, in *struct {
			InAccount
			As
			Page
			From int64 `query:"from" minimum:"0" doc:"Number of the earlier snapshot; the one before the later when left out."`
			To   int64 `query:"to" minimum:"0" doc:"Number of the later snapshot; the one as of as_of when left out."`
		}) (out list[change], err error) {
			begin := changePosition{From: in.From, To: in.To}
			if err := in.after(ctx, &begin); err != nil {
				return out, err
			}
			to, err := (&SnapshotOf{InAccount: in.InAccount, As: in.As, Seq: begin.To}).find(ctx, s)
			if err != nil {
				return out, err
			}
			from := begin.From
			if from == 0 {
				from = to.Seq - 1
			}
			switch {
			case from == 0 && in.From == 0:
				return listed[change](nil, nil) // the first snapshot
			case from >= to.Seq:
				return out, huma.Error422UnprocessableEntity("query.from: want the number of a snapshot before the later one")
			}
			changes, err := s.changes(ctx, in.Account, from, to.Seq, &in.As)
			if err != nil {
				return out, err
			}
			n := min(max(begin.N, 0), len(changes))
			rest := changes[n:]
			return pageOf(ctx, rest, in.Limit, func(change) any { return changePosition{from, to.Seq, n + in.Limit} })
		})
}

func (s *server) changes(ctx context.Context, account string, from, to int64, as *As) ([]change, error) {
	found, err := scan.Drift(ctx, s.Store, s.Store.Types, account, from, to)
	if err != nil {
		return nil, err
	}
	known, err := s.Store.Attributions(ctx, account, from, to, as.or(s.Store.Clock()))
	if err != nil {
		return nil, err
	}
	type field struct {
		posture.Key
		path string
	}
	last := map[field]store.Attributed{}
	for _, a := range known { // oldest first: of several changes of one attribute, the last tells
		last[field{a.Resource, a.Path}] = a
	}
	out := make([]change, len(found))
	for i, c := range found {
		out[i] = change{c, []store.Attributed{}}
		if c.Cause != posture.CauseConfiguration || c.Kind == posture.Judgment {
			continue
		}
		paths := []string{""} // it came or went
		if c.Kind == posture.Changed {
			paths = paths[:0]
			for _, f := range c.Fields {
				paths = append(paths, f.Path)
			}
		}
		for _, path := range paths {
			if a, ok := last[field{c.Resource, path}]; ok {
				out[i].Attributions = append(out[i].Attributions, a)
			}
		}
	}
	return out, nil
}
