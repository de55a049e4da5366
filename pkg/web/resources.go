package web

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// resource is a resource as it was recorded.
type resource struct {
	posture.Key
	Stale      bool             `json:"stale" doc:"carried forward: its cell was not read to the end"`
	Hash       string           `json:"hash" doc:"hex SHA-256 of the content"`
	Attributes json.RawMessage  `json:"attributes"`
	Unread     []posture.Unread `json:"unread" nullable:"false"`
}

func resourceOf(c posture.Content) (resource, error) {
	out := resource{Key: c.Key, Stale: c.Stale, Hash: hex.EncodeToString(c.Hash[:])}
	var document struct {
		Attributes json.RawMessage  `json:"attributes"`
		Unread     []posture.Unread `json:"unread"`
	}
	if err := json.Unmarshal(c.JSON, &document); err != nil {
		return out, fmt.Errorf("read content %s: %w", out.Hash, err)
	}
	out.Attributes, out.Unread = document.Attributes, append([]posture.Unread{}, document.Unread...)
	return out, nil
}

// version is a time during which a resource was recorded unchanged.
type version struct {
	FromSeq int64      `json:"from_seq" doc:"number of the first snapshot with it"`
	ToSeq   int64      `json:"to_seq,omitempty" doc:"number of the first snapshot without it; left out while it lasts"`
	From    time.Time  `json:"from"`
	To      *time.Time `json:"to,omitempty"`
	Stale   bool       `json:"stale"`
	Hash    string     `json:"hash"`
}

// versionsUntil are the versions as snapshot seq knows them.
func versionsUntil(all []store.ResourceVersion, seq int64) []version {
	out := []version{}
	for _, v := range all {
		if v.ValidFrom > seq {
			continue
		}
		one := version{FromSeq: v.ValidFrom, From: v.From, Stale: v.Stale, Hash: hex.EncodeToString(v.Hash[:])}
		if v.ValidTo != 0 && v.ValidTo <= seq {
			one.ToSeq, one.To = v.ValidTo, &v.To
		}
		out = append(out, one)
	}
	return out
}

// resourcePosition is where a page of resources begins; it stays with the snapshot that the first page was of.
type resourcePosition struct {
	Seq int64
	Key posture.Key
}

func (s *server) registerResources(api huma.API) {
	read(s, api, operation{id: "list-resources", path: "/api/accounts/{account}/resources", about: "Resources of a snapshot with their settings"},
		func(ctx context.Context, in *struct {
			SnapshotOf
			Page
			Type   string `query:"type" maxLength:"200"`
			Region string `query:"region" maxLength:"100"`
		}) (out list[resource], err error) {
			var from resourcePosition
			if err := in.after(ctx, &from); err != nil {
				return out, err
			}
			if from.Seq != 0 {
				in.Seq = from.Seq
			}
			n, err := in.find(ctx, s)
			if err != nil {
				return out, err
			}
			contents, err := s.Store.Resources(ctx, in.Account, n.Seq, store.ResourceFilter{Type: in.Type, Region: in.Region, After: from.Key, Limit: in.Limit + 1})
			if err != nil {
				return out, err
			}
			items := make([]resource, len(contents))
			for i, c := range contents {
				if items[i], err = resourceOf(c); err != nil {
					return out, err
				}
			}
			return pageOf(ctx, items, in.Limit, func(r resource) any { return resourcePosition{n.Seq, r.Key} })
		})
	type shownResource struct {
		Snapshot posture.Snapshot `json:"snapshot"`
		Resource resource         `json:"resource"`
		Verdicts []store.Judged   `json:"verdicts" nullable:"false"`
		Versions []version        `json:"versions" nullable:"false" doc:"up to the snapshot, oldest first; seq shows the settings of one"`
	}
	read(s, api, operation{id: "show-resource", path: "/api/accounts/{account}/resource", about: "A resource with its settings, what of them is unread, verdicts and versions"},
		func(ctx context.Context, in *struct {
			SnapshotOf
			Type   string `query:"type" required:"true" minLength:"1" maxLength:"200"`
			Region string `query:"region" required:"true" minLength:"1" maxLength:"100"`
			ID     string `query:"id" required:"true" minLength:"1" maxLength:"4000"`
		}) (out shownResource, err error) {
			if out.Snapshot, err = in.find(ctx, s); err != nil {
				return out, err
			}
			seq := out.Snapshot.Seq
			contents, err := s.Store.Resources(ctx, in.Account, seq, store.ResourceFilter{Type: in.Type, Region: in.Region, ID: in.ID})
			if err != nil {
				return out, err
			}
			if len(contents) == 0 {
				return out, huma.Error404NotFound("the snapshot " + out.Snapshot.ID() + " holds no such resource")
			}
			if out.Resource, err = resourceOf(contents[0]); err != nil {
				return out, err
			}
			verdicts, err := s.Store.Verdicts(ctx, store.VerdictFilter{Account: in.Account, Seq: seq, Type: in.Type, Region: in.Region, ID: in.ID})
			if err != nil {
				return out, err
			}
			out.Verdicts = append([]store.Judged{}, verdicts...)
			versions, err := s.Store.ResourceHistory(ctx, in.Account, out.Resource.Key)
			out.Versions = versionsUntil(versions, seq)
			return out, err
		})
}
