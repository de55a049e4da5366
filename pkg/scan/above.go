package scan

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Above is the organization or tenant above an account, and the snapshots of it that the account is judged with.
type Above struct {
	Accounts []posture.Account
	Unread   *posture.Cause // why the accounts above are not known
	Pinned   []Pinned
}

// Pinned is the newest sealed snapshot of an ancestor.
type Pinned struct {
	Snapshot  posture.Snapshot
	Cells     []posture.Cell
	Resources []*posture.Resource
	Unread    *posture.Cause // it was never read, or too long ago
}

// MaxAncestorAge is how old an ancestor's snapshot may be: two daily scans and some hours.
const MaxAncestorAge = 50 * time.Hour

// Pin loads the newest snapshot of every ancestor; now is when the account was read.
func (a *Above) Pin(ctx context.Context, db Store, types []*posture.Type, now time.Time) error {
	byName := map[string]*posture.Type{}
	for _, t := range types {
		byName[t.Name] = t
	}
	for _, account := range a.Accounts {
		state, err := db.State(ctx, account.String())
		if err != nil {
			return err
		}
		pinned := Pinned{Snapshot: state.Snapshot, Cells: state.Cells}
		switch {
		case state.Snapshot.Seq == 0:
			pinned.Unread = &posture.Cause{Reason: posture.ReasonNotCollected, Code: "no snapshot of " + account.String()}
		case now.Sub(state.Snapshot.Finished) > MaxAncestorAge:
			pinned.Unread = &posture.Cause{Reason: posture.ReasonStale, Code: "last snapshot " + state.Snapshot.ID()}
		}
		if pinned.Unread != nil {
			a.Pinned = append(a.Pinned, pinned)
			continue
		}
		var hashes [][32]byte
		for _, c := range state.Resources {
			hashes = append(hashes, c.Hash)
		}
		documents, err := db.Contents(ctx, account.String(), hashes)
		if err != nil {
			return err
		}
		for _, c := range state.Resources {
			t := byName[c.Type]
			if t == nil || c.Stale { // a stale resource's cell is a gap already
				continue
			}
			r, err := decode(t, c.Key, documents[c.Hash])
			if err != nil {
				return fmt.Errorf("read %s of %s: %w", c.ID, state.Snapshot.ID(), err)
			}
			pinned.Resources = append(pinned.Resources, r)
		}
		a.Pinned = append(a.Pinned, pinned)
	}
	return nil
}

// decode turns a stored document back into a resource.
func decode(t *posture.Type, key posture.Key, document []byte) (*posture.Resource, error) {
	var stored struct {
		Attributes json.RawMessage  `json:"attributes"`
		Unread     []posture.Unread `json:"unread"`
	}
	if err := json.Unmarshal(document, &stored); err != nil {
		return nil, err
	}
	attributes, unread, err := t.Decode(stored.Attributes, stored.Unread)
	return &posture.Resource{Key: key, Attributes: attributes, Unread: unread}, err
}

// Describe hands over to derive what is known from above.
func (a Above) Describe(inv *derive.Inventory) {
	if a.Unread != nil {
		inv.SetAboveUnread(*a.Unread)
	}
	for _, p := range a.Pinned {
		if p.Unread != nil {
			inv.SetAboveUnread(*p.Unread)
			continue
		}
		inv.SetAbove(p.Cells, p.Resources)
	}
}

// pins names the snapshots used.
func (a Above) pins() []posture.Pin {
	var out []posture.Pin
	for _, p := range a.Pinned {
		if p.Unread == nil {
			out = append(out, posture.Pin{Account: p.Snapshot.Account.String(), Seq: p.Snapshot.Seq, Root: p.Snapshot.Root})
		}
	}
	return out
}
