package reread

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
)

// Live opens an account with the witness's own credentials. An account that they do not lead to is posture.ErrSetup.
type Live func(ctx context.Context, scan Recorded) (collectors.Account, error)

// Witnessed is what reading the accounts of a package anew came to.
type Witnessed struct {
	Accounts    []WitnessedAccount `json:"accounts"`
	Differences []Since            `json:"differences"`
	Unknown     []Unseen           `json:"unknown"`
}

// Complete reports whether every account was read, and all of it.
func (w Witnessed) Complete() bool {
	return len(w.Unknown) == 0 && !slices.ContainsFunc(w.Accounts, func(a WitnessedAccount) bool { return a.NotRead != "" })
}

// WitnessedAccount is one account of the package, by its newest snapshot there.
type WitnessedAccount struct {
	Account   string    `json:"account"`
	Snapshot  int64     `json:"snapshot"`
	Recorded  time.Time `json:"recorded_at"` // start of the scan in the package
	Read      time.Time `json:"read_at"`     // start of this reading
	Principal string    `json:"principal"`   // who read now
	Resources int       `json:"resources"`   // seen by both
	Same      int       `json:"same"`        // of them those without a difference or anything unknown
	NotRead   string    `json:"not_read,omitempty"`
}

// Since is something that is not as it was recorded. That alone says nothing of the record: time has passed.
type Since struct {
	Account    string      `json:"account"`
	Kind       string      `json:"kind"` // changed, added or removed
	Resource   posture.Key `json:"resource"`
	Path       string      `json:"path,omitempty"`
	Recorded   string      `json:"recorded,omitempty"`
	Now        string      `json:"now,omitempty"`
	RecordedAt time.Time   `json:"recorded_at"` // when the list that the resource is from was begun
	ReadAt     time.Time   `json:"read_at"`
	Complete   bool        `json:"complete"` // that list was now read to its end
}

// Unseen is what one of the two did not read: nothing can be said of it.
type Unseen struct {
	Account string         `json:"account"`
	By      string         `json:"by"` // package or witness
	Type    string         `json:"type"`
	Region  string         `json:"region,omitempty"`
	Path    string         `json:"path,omitempty"` // empty: the whole list
	Count   int            `json:"count"`          // of resources
	Cause   *posture.Cause `json:"cause,omitempty"`
}

// Witness reads the accounts of a package, or only some, as they are now and compares with the newest snapshot of each.
func Witness(ctx context.Context, p *evidence.Package, only []string, live Live, clock transport.Clock, progress func(account string) scan.Progress) (Witnessed, error) {
	out := Witnessed{Accounts: []WitnessedAccount{}, Differences: []Since{}, Unknown: []Unseen{}}
	newest := map[string]int64{}
	for s, err := range evidence.Rows[evidence.Snapshot](p, evidence.SnapshotsFile) {
		if err != nil {
			return out, err
		}
		newest[s.Account.String()] = max(newest[s.Account.String()], s.Seq)
	}
	for _, name := range only {
		if newest[name] == 0 {
			return out, fmt.Errorf("account %q: %w in the package", name, posture.ErrNotFound)
		}
	}
	for s, err := range Scans(p, true) {
		if err != nil {
			return out, err
		}
		name := s.Snapshot.Account.String()
		if newest[name] != s.Snapshot.Seq || len(only) > 0 && !slices.Contains(only, name) {
			continue
		}
		w := witness{account: WitnessedAccount{Account: name, Snapshot: s.Snapshot.Seq, Recorded: s.Snapshot.Started, Read: clock.Now()}, out: &out, unseen: map[unseen]int{}, causes: map[unseen]posture.Cause{}}
		if err := w.read(ctx, s, live, clock, progress(name)); err != nil {
			return out, err
		}
		out.Accounts = append(out.Accounts, w.account)
	}
	return out, nil
}

type unseen struct{ by, kind, region, path string }

// witness reads one account.
type witness struct {
	account WitnessedAccount
	out     *Witnessed
	unseen  map[unseen]int
	causes  map[unseen]posture.Cause
}

func (w *witness) read(ctx context.Context, s Recorded, live Live, clock transport.Clock, progress scan.Progress) error {
	account, err := live(ctx, s)
	if err == nil && account.Account.String() != w.account.Account {
		err = fmt.Errorf("the credentials lead to %s", account.Account)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		w.account.NotRead = err.Error()
		return nil
	}
	w.account.Principal = account.Principal
	collected, err := scan.Collect(ctx, account, clock, progress)
	if err != nil {
		return err
	}
	now, err := readOf(collected)
	if err != nil {
		return err
	}
	recorded, err := s.settings(byName(account.Types))
	if err != nil {
		return err
	}
	if err := w.compare(recorded, posture.IndexCells(s.Cells), now, account.Types); err != nil {
		return err
	}
	w.finish()
	return nil
}

func (w *witness) compare(recorded settings, then posture.CellIndex, now read, types []*posture.Type) error {
	live := posture.CellIndex(now.cells)
	for _, key := range sortedCells(then, live) {
		if cause, gap := gapOf(then, key); gap {
			w.notSeen(unseen{"package", key.Type, key.Region, ""}, cause, 0)
		}
		if cause, gap := gapOf(live, key); gap {
			w.notSeen(unseen{"witness", key.Type, key.Region, ""}, cause, 0)
		}
	}
	for _, key := range sortedKeys(recorded, now.settings) {
		before, was := recorded[key]
		after, is := now.settings[key]
		gapThen, missedThen := gapOf(then, key)
		gapNow, missedNow := gapOf(live, key)
		switch {
		case was && !is && missedNow:
			w.notSeen(unseen{"witness", key.Type, key.Region, ""}, gapNow, 1)
		case !was && missedThen:
			w.notSeen(unseen{"package", key.Type, key.Region, ""}, gapThen, 1)
		case !is:
			w.differ(key, "removed", "", "", "", then, live, !missedNow)
		case !was:
			w.differ(key, "added", "", "", "", then, live, !missedNow)
		default:
			if err := w.compareFields(key, before, after, then, live, !missedNow, types); err != nil {
				return fmt.Errorf("compare %s %s: %w", key.Type, key.ID, err)
			}
		}
	}
	return nil
}

// gapOf says why the cell of a resource was not read to its end. One that is not there was not read at all.
func gapOf(cells posture.CellIndex, key posture.Key) (posture.Cause, bool) {
	cell, known := cells.Of(key.Type, key.Region)
	if !known {
		return posture.Cause{Reason: posture.ReasonNotCollected}, true
	}
	return cell.Gap()
}

func (w *witness) compareFields(key posture.Key, before, after []byte, then, live posture.CellIndex, complete bool, types []*posture.Type) error {
	w.account.Resources++
	fields, err := fieldsOf(key, before, after, types)
	if err != nil {
		return err
	}
	same := true
	for by, data := range map[string][]byte{"package": before, "witness": after} {
		var d document
		if err := json.Unmarshal(data, &d); err != nil {
			return err
		}
		for _, u := range d.Unread {
			if u.Reason != posture.ReasonNotCollected {
				same = false
				w.notSeen(unseen{by, key.Type, key.Region, element.ReplaceAllString(u.Path, "[]")}, u.Cause, 1)
			}
		}
	}
	for _, f := range fields {
		if f.BeforeUnread || f.AfterUnread {
			continue // listed above
		}
		same = false
		w.differ(key, "changed", f.Path, side(f.Before, false), side(f.After, false), then, live, complete)
	}
	if same {
		w.account.Same++
	}
	return nil
}

func (w *witness) differ(key posture.Key, kind, path, before, after string, then, live posture.CellIndex, complete bool) {
	at := func(cells posture.CellIndex, otherwise time.Time) time.Time {
		if cell, ok := cells.Of(key.Type, key.Region); ok {
			return cell.Started
		}
		return otherwise
	}
	w.out.Differences = append(w.out.Differences, Since{
		Account: w.account.Account, Kind: kind, Resource: key, Path: path, Recorded: before, Now: after,
		RecordedAt: at(then, w.account.Recorded), ReadAt: at(live, w.account.Read), Complete: complete,
	})
}

func (w *witness) notSeen(u unseen, cause posture.Cause, n int) {
	w.unseen[u] += n
	w.causes[u] = cause
}

func (w *witness) finish() {
	for u, n := range w.unseen {
		cause := w.causes[u]
		w.out.Unknown = append(w.out.Unknown, Unseen{Account: w.account.Account, By: u.by, Type: u.kind, Region: u.region, Path: u.path, Count: n, Cause: &cause})
	}
	slices.SortFunc(w.out.Unknown, func(a, b Unseen) int {
		return strings.Compare(a.Account+"\x00"+a.By+"\x00"+a.Type+"\x00"+a.Region+"\x00"+a.Path, b.Account+"\x00"+b.By+"\x00"+b.Type+"\x00"+b.Region+"\x00"+b.Path)
	})
}
