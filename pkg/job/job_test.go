package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/config"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func TestMain(m *testing.M) { plumbtest.Main(m) }

type thing struct {
	posture.Meta
	Good bool `json:"good"`
}

var thingType = posture.NewType[thing]("test.thing", nil)

// fleet is a cloud of accounts that each hold one thing in each of three regions.
type fleet struct {
	db      *store.Store
	members map[string][]Target // by organization
	read    func(account, region string) error

	mu    sync.Mutex
	reads map[string]int // by account and region
	open  map[string]int // scans under way, by account
	twice []string       // accounts that two scans read at once
}

func (f *fleet) Targets(_ context.Context, c config.Connection) ([]Target, error) {
	var out []Target
	for _, id := range c.AWS.Accounts {
		out = append(out, Target{Account: "aws:" + id, Members: f.members["aws:"+id] != nil})
	}
	return out, nil
}

func (f *fleet) Members(_ context.Context, s posture.Snapshot) ([]Target, error) {
	return f.members[s.Account.String()], nil
}

func (f *fleet) Scanner(_ context.Context, _ config.Connection, account string) (*scan.Scanner, error) {
	provider, id, _ := strings.Cut(account, ":")
	types, err := rule.NewTypes([]*posture.Type{thingType})
	if err != nil {
		return nil, err
	}
	return &scan.Scanner{
		Open: func(context.Context, *transport.Journal) (collectors.Account, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.open[account]++; f.open[account] > 1 {
				f.twice = append(f.twice, account)
			}
			a := collectors.Account{
				Account: posture.Account{Provider: provider, ID: id}, Types: []*posture.Type{thingType},
				Explain: func(error) posture.Cause { return posture.Cause{Reason: posture.ReasonAPIError} },
			}
			for _, region := range []string{"a", "b", "c"} {
				a.Tasks = append(a.Tasks, collectors.Task{Region: region, Fills: []*posture.Type{thingType}, Collect: func(ctx context.Context, emit collectors.Emit) error {
					f.mu.Lock()
					f.reads[account+" "+region]++
					f.mu.Unlock()
					if f.read != nil {
						if err := f.read(account, region); err != nil {
							return err
						}
					}
					emit("thing", &thing{Good: true})
					return ctx.Err()
				}})
			}
			return a, nil
		},
		Judge: scan.Judge{Types: types, Derive: func(*derive.Inventory) {}},
		Store: closing{f, account}, Clock: transport.SystemClock{}, Tool: "test",
	}, nil
}

// closing notes the end of a scan's reading.
type closing struct {
	*fleet
	account string
}

func (c closing) State(ctx context.Context, account string) (posture.Sealing, error) {
	c.mu.Lock()
	c.open[c.account]--
	c.mu.Unlock()
	return c.db.State(ctx, account)
}

func (c closing) Seal(ctx context.Context, s posture.Sealing) (posture.Snapshot, error) {
	return c.db.Seal(ctx, s)
}

func (c closing) Contents(ctx context.Context, account string, hashes [][32]byte) (map[[32]byte][]byte, error) {
	return c.db.Contents(ctx, account, hashes)
}

func newFleet(db *store.Store) *fleet {
	return &fleet{db: db, members: map[string][]Target{}, reads: map[string]int{}, open: map[string]int{}}
}

func openStore(t *testing.T, url string) *store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// newService is a service on its own connection to the database; run starts it and returns how to stop it.
func newService(t *testing.T, url string, f *fleet, accounts ...string) (s *Service, run func() (stop func())) {
	t.Helper()
	db := openStore(t, url)
	settings := &config.Config{
		Worker:      config.Worker{Scans: 4, Deliveries: 2, ScanTimeout: time.Minute},
		Connections: []config.Connection{{Name: "all", AWS: &config.AWS{Accounts: accounts}, Exclude: []config.Excluded{{Account: "excluded", Reason: "closed down"}}}},
	}
	s = &Service{
		Store: db, Clouds: f, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), Drain: time.Millisecond,
		Settings: func() *config.Config { return settings },
		Alerts: func() *alert.Dispatcher {
			return &alert.Dispatcher{Store: db, Now: db.Clock}
		},
	}
	if err := s.Connect(); err != nil {
		t.Fatal(err)
	}
	return s, func() func() {
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		return func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
}

// until waits for the scans of a run to be as wanted.
func until(t *testing.T, db *store.Store, run string, want func([]store.ScanRow) bool) []store.ScanRow {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		list, err := db.Scans(t.Context(), store.ScanFilter{RunID: run})
		if err != nil {
			t.Fatal(err)
		}
		if want(list) {
			return list
		}
		if time.Now().After(deadline) {
			t.Fatalf("not after a minute: %+v", list)
		}
	}
}

func ended(n int) func([]store.ScanRow) bool {
	return func(list []store.ScanRow) bool {
		return len(list) == n && !slices.ContainsFunc(list, func(r store.ScanRow) bool { return r.Ended == nil })
	}
}

func TestARunScansEveryAccountOrSaysWhyNot(t *testing.T) {
	url := plumbtest.Database(t)
	db := openStore(t, url)
	f := newFleet(db)
	f.members["aws:organization"] = []Target{{Account: "aws:member"}, {Account: "aws:excluded"}, {Account: "aws:old", Skip: "its state is SUSPENDED"}}
	s, run := newService(t, url, f, "organization", "single")
	defer run()()
	id, err := s.Trigger(t.Context(), "all")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range until(t, db, id, ended(5)) {
		got[r.Account] = strings.TrimSpace(fmt.Sprint(r.State, " ", r.Error))
	}
	for account, want := range map[string]string{
		"aws:organization": "sealed", "aws:single": "sealed", "aws:member": "sealed",
		"aws:excluded": "skipped excluded: closed down", "aws:old": "skipped its state is SUSPENDED",
	} {
		if got[account] != want {
			t.Errorf("%s: %q, want %q", account, got[account], want)
		}
	}
}

func TestAnInterruptedScanGoesOnWhereItStopped(t *testing.T) {
	url := plumbtest.Database(t)
	db := openStore(t, url)
	f := newFleet(db)
	reached, hang := make(chan bool, 10), make(chan bool)
	f.read = func(_, region string) error {
		if region == "c" {
			reached <- true
			<-hang
		}
		return nil
	}
	s, run := newService(t, url, f, "one")
	stop := run()
	id, err := s.Trigger(t.Context(), "all")
	if err != nil {
		t.Fatal(err)
	}
	<-reached
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) { // a and b are saved
		saved, err := db.Checkpoints(t.Context(), "aws:one", id)
		if err != nil || time.Now().After(deadline) {
			t.Fatal("not saved", err)
		}
		if len(saved) == 2 {
			break
		}
	}
	go func() { time.Sleep(300 * time.Millisecond); close(hang) }() // the reader notices the end of its context only then
	stop()
	if list := until(t, db, id, func(l []store.ScanRow) bool { return len(l) == 1 }); list[0].State != store.ScanQueued {
		t.Errorf("state %q, want queued", list[0].State)
	}
	f.mu.Lock()
	f.open["aws:one"] = 0
	f.mu.Unlock()
	_, run = newService(t, url, f, "one")
	defer run()()
	rows := until(t, db, id, ended(1))
	if rows[0].State != store.ScanSealed {
		t.Fatalf("ended %+v", rows[0])
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for region, want := range map[string]int{"a": 1, "b": 1, "c": 2} {
		if n := f.reads["aws:one "+region]; n != want {
			t.Errorf("region %s read %d times, want %d", region, n, want)
		}
	}
	snapshot, err := db.Snapshot(t.Context(), "aws:one", 1)
	if err != nil || snapshot.Resources != 3 || snapshot.RunID != id {
		t.Errorf("snapshot %+v, %v: want 3 resources of run %s", snapshot, err, id)
	}
	if left, err := db.Checkpoints(t.Context(), "aws:one", id); err != nil || len(left) > 0 {
		t.Errorf("%d checkpoints left, %v", len(left), err)
	}
}

func TestACanceledScanEndsWithoutASnapshot(t *testing.T) {
	url := plumbtest.Database(t)
	db := openStore(t, url)
	f := newFleet(db)
	reached, hang := make(chan bool, 10), make(chan bool)
	f.read = func(account, _ string) error {
		if account == "aws:slow" {
			reached <- true
			<-hang
		}
		return nil
	}
	s, run := newService(t, url, f, "slow", "quick")
	defer run()()
	id, err := s.Trigger(t.Context(), "all")
	if err != nil {
		t.Fatal(err)
	}
	<-reached
	until(t, db, id, func(l []store.ScanRow) bool {
		return slices.ContainsFunc(l, func(r store.ScanRow) bool { return r.Account == "aws:quick" && r.State == store.ScanSealed })
	})
	accounts, err := s.Cancel(t.Context(), id, "", "ada")
	if err != nil || !slices.Equal(accounts, []string{"aws:slow"}) {
		t.Errorf("canceled %v, %v", accounts, err)
	}
	if again, err := s.Cancel(t.Context(), id, "", "ada"); err != nil || len(again) > 0 {
		t.Errorf("canceled once more: %v, %v", again, err)
	}
	close(hang)
	for _, r := range until(t, db, id, ended(2)) {
		if r.Account == "aws:slow" && (r.State != store.ScanFailed || r.Error != "canceled by ada") {
			t.Errorf("ended %+v", r)
		}
	}
	for deadline := time.Now().Add(time.Minute); ; { // once the reader has returned, nothing stands in the way of the next run
		next, err := s.Trigger(t.Context(), "all")
		if err != nil {
			t.Fatal(err)
		}
		until(t, db, next, ended(2))
		sealed, err := db.Snapshots(t.Context(), "aws:slow", 0)
		if err != nil || time.Now().After(deadline) {
			t.Fatal("the canceled account is not scanned again", err)
		}
		if len(sealed) > 0 {
			if sealed[0].RunID != next {
				t.Errorf("sealed by run %s, want %s", sealed[0].RunID, next)
			}
			break
		}
	}
}

func TestAFailingAccountIsTriedAgainAndDelaysNobody(t *testing.T) {
	url := plumbtest.Database(t)
	db := openStore(t, url)
	f := newFleet(db)
	s, run := newService(t, url, f, "bad", "good")
	s.Clouds = refusing{f, "aws:bad"}
	defer run()()
	id, err := s.Trigger(t.Context(), "all")
	if err != nil {
		t.Fatal(err)
	}
	list := until(t, db, id, func(l []store.ScanRow) bool {
		return slices.ContainsFunc(l, func(r store.ScanRow) bool { return r.Account == "aws:good" && r.State == store.ScanSealed }) &&
			slices.ContainsFunc(l, func(r store.ScanRow) bool {
				return r.Account == "aws:bad" && r.State == store.ScanQueued && r.Error != ""
			})
	})
	for _, r := range list {
		if r.Account == "aws:bad" && r.Error != "no credentials" {
			t.Errorf("error %q", r.Error)
		}
	}
}

type refusing struct {
	*fleet
	account string
}

func (r refusing) Scanner(ctx context.Context, c config.Connection, account string) (*scan.Scanner, error) {
	if account == r.account {
		return nil, errors.New("no credentials")
	}
	return r.fleet.Scanner(ctx, c, account)
}

func TestADueTimeIsTakenOnceByWhoeverIsFirst(t *testing.T) {
	url := plumbtest.Database(t)
	db := openStore(t, url)
	f := newFleet(db)
	const accounts = 12
	var ids []string
	for i := range accounts {
		ids = append(ids, fmt.Sprint("n", i))
	}
	due := time.Now().Add(-time.Minute)
	if err := db.SetSchedules(t.Context(), []store.Schedule{{Name: "daily", Cron: "0 0 1 1 *", Connections: []string{"all"}, NextDue: due}}); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		_, run := newService(t, url, f, ids...)
		defer run()()
	}
	until(t, db, "", ended(accounts))
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.twice) > 0 {
		t.Errorf("read by two at once: %v", f.twice)
	}
	for place, n := range f.reads {
		if n != 1 {
			t.Errorf("%s read %d times", place, n)
		}
	}
	if len(f.reads) != 3*accounts {
		t.Errorf("%d places read, want %d", len(f.reads), 3*accounts)
	}
}

func TestAnAccountIsHeldByOneProcess(t *testing.T) {
	url := plumbtest.Database(t)
	db := openStore(t, url)
	ctx := t.Context()
	first, err := db.Appear(ctx, "first")
	if err != nil {
		t.Fatal(err)
	}
	second, err := db.Appear(ctx, "second")
	if err != nil {
		t.Fatal(err)
	}
	defer second.Leave(ctx)
	if _, err := db.Appear(ctx, "first"); err == nil {
		t.Error("a name was taken twice")
	}
	hold := func(p *store.Presence) bool {
		_, ok, err := p.HoldAccount(ctx, "aws:one")
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if !hold(first) || hold(first) || hold(second) {
		t.Error("held by two")
	}
	if err := first.Leave(ctx); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); !hold(second); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("still held by a session that ended")
		}
	}
}
