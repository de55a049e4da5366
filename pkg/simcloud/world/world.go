// Package world is what the simulated clouds are made of: accounts whose resources, and the defects these have, are a pure
// function of seed, account and tick. Nothing is stored, so a thousand accounts cost no memory, and any day of any account
// can be served at any time. What a rule ought to say follows from the defects by name, never from the attributes that the
// engine reads.
package world

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// World is all simulated accounts.
type World struct {
	Seed     uint64
	Start    time.Time     // of tick 0, UTC
	Step     time.Duration // from one tick to the next; zero means a day
	Accounts []Account
	Kinds    []Kind
	Story    []Event
}

// Account is one simulated account.
type Account struct {
	posture.Account
	Regions []string // enabled ones; the first is home
	Closed  []string // known, but not opted in to
	Size    int      // multiplies the counts of kinds; zero means 1
	AtMost  int      // bounds the count of every kind that is not fixed; zero: no bound
	// Sort is which kinds the account has; empty means its provider's name. A Google organization is "gcp.organization".
	Sort string
	// Above are the account's ancestors, nearest first: "folders/701", "organizations/123456789012".
	Above []string
}

func (a Account) sort() string { return cmp.Or(a.Sort, a.Provider) }

// Home is the account's first region.
func (a Account) Home() string { return a.Regions[0] }

// Kind is one sort of simulated thing: usually a resource type, sometimes a part of one that has its own defects.
type Kind struct {
	Name   string // "s3.bucket"
	Sort   string // of the accounts that have it; empty means "aws"
	Global bool   // one set per account instead of one per region
	// Count is how many there are per account or region at Size 1. Fixed kinds (singletons, defaults) neither multiply with
	// Size nor come and go.
	Count   int
	Fixed   bool
	Defects []Defect
	// Expect says what every rule on the thing's type must say, by rule id; id is the resource id that a scan reports. It
	// looks at defects only. Nil when the kind is no resource.
	Expect func(s *State, it *Item) (key posture.Key, verdicts map[string]posture.Result)
	// ExpectAccount adds what the rules on the whole account must say because of this kind, ExpectMore what rules on other
	// resources must.
	ExpectAccount func(s *State) map[string]posture.Result
	ExpectMore    func(s *State) map[Judged]posture.Result
}

// Defect is a named flaw. Share of the things have it for good; Drift of them have it for some days in every 90.
type Defect struct {
	Name  string
	Share float64
	Drift float64
}

// Event is part of a scripted story: in ticks [From, To) thing Index of Kind in the account at position Account has the
// defect, or does not have it when Not is set. The defect "absent" takes the thing away.
type Event struct {
	Account  int
	Kind     string
	Region   string // empty: home, or global
	Index    int
	Defect   string
	From, To int
	Not      bool
}

// Absent is the defect of things that do not exist at a tick.
const Absent = "absent"

// Item is one simulated thing at one tick.
type Item struct {
	Account Account
	Kind    string
	Region  string // "global" for global kinds
	Index   int

	seed    uint64
	defects map[string]bool
}

// Has reports whether the thing has the defect at this tick.
func (it *Item) Has(defect string) bool { return it.defects[defect] }

// Name is a readable name, unique in the account: "orders-03".
func (it *Item) Name() string {
	words := []string{"orders", "billing", "reports", "media", "search", "ledger", "partner", "mobile", "archive", "events", "staging", "export"}
	return fmt.Sprintf("%s-%02d", words[(it.Index+int(it.hash("name")%3))%len(words)], it.Index)
}

// Hex returns n hexadecimal digits that stay the same over time; salt tells several of one thing apart.
func (it *Item) Hex(n int, salt string) string {
	var b []byte
	for i := 0; len(b)*2 < n; i++ {
		b = binary.BigEndian.AppendUint64(b, it.hash(fmt.Sprint("hex", salt, i)))
	}
	return hex.EncodeToString(b)[:n]
}

// Pick returns a number in [0, n) that stays the same over time.
func (it *Item) Pick(n int, salt string) int { return int(it.hash("pick"+salt) % uint64(n)) }

// ARN is the thing's AWS ARN. Global things of services whose ARNs name no region pass region "".
func (it *Item) ARN(service, region, resource string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, region, it.Account.ID, resource)
}

func (it *Item) hash(salt string) uint64 {
	return hash(it.seed, it.Account.ID, it.Kind, it.Region, fmt.Sprint(it.Index), salt)
}

// State is one account at one tick.
type State struct {
	World   *World
	Account Account
	Tick    int
	items   map[string][]*Item
}

// State returns account id at time now; ok is false for an account the world does not have.
func (w *World) State(id string, now time.Time) (s *State, ok bool) {
	position := slices.IndexFunc(w.Accounts, func(a Account) bool { return a.ID == id })
	if position < 0 {
		return nil, false
	}
	s = &State{World: w, Account: w.Accounts[position], Tick: w.TickAt(now), items: map[string][]*Item{}}
	for _, kind := range w.Kinds {
		s.items[kind.Name] = w.items(s, kind, position)
	}
	return s, true
}

// TickAt is the tick of a moment.
func (w *World) TickAt(now time.Time) int { return int(now.Sub(w.Start) / w.step()) }

func (w *World) step() time.Duration {
	if w.Step == 0 {
		return 24 * time.Hour
	}
	return w.Step
}

// Time is the moment the tick begins.
func (s *State) Time() time.Time { return s.World.Start.Add(time.Duration(s.Tick) * s.World.step()) }

// Since is a moment days before the tick that stays where it is from tick to tick as long as it is younger than every
// days, and then moves forward by that much: what is renewed regularly. every is at least 1.
func (s *State) Since(it *Item, every int, salt string) time.Time {
	offset := int(it.hash("since"+salt) % uint64(every))
	last := s.Tick - (s.Tick+offset)%every
	return s.World.Start.Add(time.Duration(last) * s.World.step()).Add(-time.Hour)
}

// Long is a moment that lies at least days before the world's start and stays there: what was never renewed.
func (s *State) Long(it *Item, days int) time.Time {
	return s.World.Start.Add(-time.Duration(days+it.Pick(200, "long")) * 24 * time.Hour)
}

// Items returns the things of a kind, in all regions, in order.
func (s *State) Items(kind string) []*Item { return s.items[kind] }

// In returns the things of a kind in one region.
func (s *State) In(kind, region string) []*Item {
	var out []*Item
	for _, it := range s.items[kind] {
		if it.Region == region {
			out = append(out, it)
		}
	}
	return out
}

// Find returns the thing of a kind with that index in a region, nil when it does not exist at this tick.
func (s *State) Find(kind, region string, index int) *Item {
	for _, it := range s.items[kind] {
		if it.Region == region && it.Index == index {
			return it
		}
	}
	return nil
}

func (w *World) items(s *State, kind Kind, position int) []*Item {
	if cmp.Or(kind.Sort, "aws") != s.Account.sort() {
		return nil
	}
	regions := s.Account.Regions
	if kind.Global {
		regions = []string{posture.Global}
	}
	count := kind.Count
	if !kind.Fixed {
		count *= max(1, s.Account.Size)
		if s.Account.AtMost > 0 {
			count = min(count, s.Account.AtMost)
		}
	}
	var out []*Item
	for _, region := range regions {
		for index := range count {
			it := &Item{Account: s.Account, Kind: kind.Name, Region: region, Index: index, seed: w.Seed, defects: map[string]bool{}}
			if !kind.Fixed {
				it.defects[Absent] = it.absent(s.Tick)
			}
			for _, d := range kind.Defects {
				it.defects[d.Name] = it.has(d, s.Tick)
			}
			for _, e := range w.Story {
				if e.Account == position && e.Kind == kind.Name && e.Index == index && s.Tick >= e.From && s.Tick < e.To &&
					(e.Region == region || e.Region == "" && region == regions[0]) {
					it.defects[e.Defect] = !e.Not
				}
			}
			if !it.defects[Absent] {
				out = append(out, it)
			}
		}
	}
	return out
}

// absent: of the things after the first of each kind one in eight comes or goes on some day of every 90.
func (it *Item) absent(tick int) bool {
	if it.Index == 0 || it.unit("churn") >= 0.125 {
		return false
	}
	day := int(it.hash("day") % 90)
	if it.unit("late") < 0.5 {
		return tick%90 < day // not there yet
	}
	return tick%90 >= day // gone
}

// has: for good, or from one day to another within every 90 ticks.
func (it *Item) has(d Defect, tick int) bool {
	u := it.unit("defect" + d.Name)
	if u < d.Share {
		return true
	}
	block := fmt.Sprint(tick / 90)
	if tick < 0 || it.unit("drift"+d.Name+block) >= d.Drift {
		return false
	}
	from := int(it.hash("from"+d.Name+block) % 80)
	to := from + 2 + int(it.hash("to"+d.Name+block)%25)
	return tick%90 >= from && tick%90 < to
}

func (it *Item) unit(salt string) float64 { return float64(it.hash(salt)>>11) / (1 << 53) }

// Expected is what every rule must say of an account at a tick, by rule and resource.
func (s *State) Expected() map[Judged]posture.Result {
	out := map[Judged]posture.Result{}
	account := posture.Key{Type: s.Account.Provider + ".account", Region: posture.Global, ID: s.Account.ID}
	for _, kind := range s.World.Kinds {
		if cmp.Or(kind.Sort, "aws") != s.Account.sort() {
			continue
		}
		if kind.ExpectAccount != nil {
			for rule, result := range kind.ExpectAccount(s) {
				out[Judged{rule, account}] = result
			}
		}
		if kind.ExpectMore != nil {
			maps.Copy(out, kind.ExpectMore(s))
		}
		if kind.Expect == nil {
			continue
		}
		for _, it := range s.items[kind.Name] {
			key, verdicts := kind.Expect(s, it)
			for rule, result := range verdicts {
				out[Judged{rule, key}] = result
			}
		}
	}
	return out
}

// Judged is a rule and what it is judged on.
type Judged struct {
	Rule     string
	Resource posture.Key
}

func hash(seed uint64, parts ...string) uint64 {
	// FNV-1a, finished as splitmix64 does, so that near inputs end far apart.
	h := seed ^ 14695981039346656037
	for _, p := range parts {
		for i := range len(p) {
			h = (h ^ uint64(p[i])) * 1099511628211
		}
		h = (h ^ 0xff) * 1099511628211
	}
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	return h ^ h>>31
}
