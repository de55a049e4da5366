// Command org scans a simulated Google Cloud organization or Azure tenant: all its projects or subscriptions, eight at a time,
// through the real clients over HTTP. With a latency it compares the wall time with the ideal makespan of the same calls; and
// it prints the peak memory of this process, simulator included.
//
// The ideal makespan of an account is that of its calls (see bench/scan): two rounds of calls before all others, then the
// service with the most calls at its rate. That of the organization is their sum shared by eight lanes, or the longest one.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure"
	"github.com/plumbline-dev/plumbline/collectors/gcp"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	deriveazure "github.com/plumbline-dev/plumbline/pkg/derive/azure"
	derivegcp "github.com/plumbline-dev/plumbline/pkg/derive/gcp"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud"
	simaws "github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure/subscription"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp/project"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
	"github.com/plumbline-dev/plumbline/rules"
)

// lanes is how many accounts are read at once.
const lanes = 8

// estate is one cloud's organization or tenant.
type estate struct {
	top    world.Account
	below  func(i int) world.Account
	kinds  []world.Kind
	open   func(ctx context.Context, a world.Account, client transport.Doer, t transport.Options) (collectors.Account, error)
	derive func(*derive.Inventory)
}

var estates = map[string]estate{
	"azure": {
		top: world.Account{Account: posture.Account{Provider: "azure", ID: "tenants/11111111-2222-4333-8444-555555555555"}, Regions: []string{"westeurope"}, Sort: "azure.tenant"},
		below: func(i int) world.Account {
			return world.Account{Account: posture.Account{Provider: "azure", ID: fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", i)},
				Regions: []string{"westeurope"}, Above: []string{"tenants/11111111-2222-4333-8444-555555555555"}}
		},
		kinds: subscription.Kinds(), derive: deriveazure.Derive,
		open: func(ctx context.Context, a world.Account, client transport.Doer, t transport.Options) (collectors.Account, error) {
			options := azure.Options{Subscription: a.ID, Doer: client, Transport: t}
			if a.Sort != "" {
				options.Subscription, options.Tenant = "", strings.TrimPrefix(a.ID, "tenants/")
			}
			return azure.Open(ctx, options)
		},
	},
	"gcp": {
		top: world.Account{Account: posture.Account{Provider: "gcp", ID: "organizations/123456789012"}, Regions: []string{"europe-west1", "us-central1"}, Sort: "gcp.organization"},
		below: func(i int) world.Account {
			return world.Account{Account: posture.Account{Provider: "gcp", ID: fmt.Sprintf("acme-p%04d", i)}, Regions: []string{"europe-west1", "us-central1"},
				Above: []string{fmt.Sprintf("folders/%d", 700+i%20), "organizations/123456789012"}}
		},
		kinds: project.Kinds(), derive: derivegcp.Derive,
		open: func(ctx context.Context, a world.Account, client transport.Doer, t transport.Options) (collectors.Account, error) {
			options := gcp.Options{Project: a.ID, Doer: client, Transport: t}
			if a.Sort != "" {
				options.Project, options.Organization = "", a.ID
			}
			return gcp.Open(ctx, options)
		},
	},
}

// requestRate is handed to the scanner, so that the scan and its ideal always go by the same rates.
func requestRate(string) rate.Limit { return 25 }

// memory keeps the newest snapshot of the top, which all below is judged with, and nothing else.
type memory struct {
	mu  sync.Mutex
	top string
	org posture.Sealing
}

func (m *memory) State(_ context.Context, account string) (posture.Sealing, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if account == m.top {
		return m.org, nil
	}
	return posture.Sealing{}, nil
}

func (m *memory) Contents(context.Context, string, [][32]byte) (map[[32]byte][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[[32]byte][]byte{}
	for _, r := range m.org.Resources {
		out[r.Hash] = r.JSON
	}
	return out, nil
}

func (m *memory) Seal(_ context.Context, s posture.Sealing) (posture.Snapshot, error) {
	s.Snapshot.Seq = 1
	if s.Snapshot.Account.String() == m.top {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.org = posture.Sealing{Snapshot: s.Snapshot, Cells: s.Cells, Resources: s.Resources}
	}
	return s.Snapshot, nil
}

func main() {
	cloud := flag.String("cloud", "gcp", "azure or gcp")
	accounts := flag.Int("accounts", 200, "projects or subscriptions")
	latency := flag.Duration("latency", 50*time.Millisecond, "of every answer")
	flag.Parse()
	e, ok := estates[*cloud]
	if !ok {
		log.Fatalf("-cloud %s: want azure or gcp", *cloud)
	}
	if err := measure(context.Background(), e, *accounts, *latency); err != nil {
		log.Fatal(err)
	}
}

func measure(ctx context.Context, e estate, n int, latency time.Duration) error {
	set, err := rules.Load()
	if err != nil {
		return err
	}
	accounts := []world.Account{e.top}
	for i := range n {
		accounts = append(accounts, e.below(i))
	}
	cloud, err := simcloud.Start("127.0.0.1:0", &world.World{Seed: 20, Start: time.Now().UTC(), Kinds: e.kinds, Accounts: accounts})
	if err != nil {
		return err
	}
	defer cloud.Stop()
	var slow []fault.Rule
	if latency > 0 {
		slow = []fault.Rule{{Kind: fault.Slow, Delay: latency}}
	}
	cloud.Faults.Set(slow)
	store := &memory{top: e.top.Account.String()}
	client := simaws.DialClient(cloud.Addr)
	var mu sync.Mutex
	var ideals time.Duration
	resources, calls := 0, 0
	scanOne := func(a world.Account) error {
		var journal *transport.Journal
		scanner := scan.Scanner{
			Open: func(ctx context.Context, j *transport.Journal) (collectors.Account, error) {
				journal = j
				return e.open(ctx, a, client, transport.Options{Journal: j, Rate: requestRate})
			},
			Judge: scan.Judge{Types: set.Compiler.Types(), Programs: set.Of(e.top.Provider), Derive: e.derive},
			Store: store, Clock: transport.SystemClock{}, Trigger: "manual", Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		}
		result, err := scanner.Scan(ctx, nil)
		if err != nil {
			return err
		}
		for _, cell := range result.Cells {
			if cause, gap := cell.Gap(); gap {
				return fmt.Errorf("%s: %s in %s was not read: %v", a.ID, cell.Type, cell.Region, cause)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		ideals += makespan(journal.Calls(), latency)
		resources += result.Snapshot.Resources
		calls += result.Calls
		cloud.Faults.Set(slow) // forgets the calls that it recorded, which no scanner would hold
		return nil
	}
	started := time.Now()
	if err := scanOne(accounts[0]); err != nil {
		return err
	}
	group := errgroup.Group{}
	group.SetLimit(lanes)
	for _, a := range accounts[1:] {
		group.Go(func() error { return scanOne(a) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	wall := time.Since(started)
	fmt.Printf("%d accounts, %d resources, %d calls\n", n, resources, calls)
	if ideal := ideals / lanes; latency > 0 {
		fmt.Printf("organization against ideal makespan: wall %.2f s, ideal %.2f s, ratio %.2f\n", wall.Seconds(), ideal.Seconds(), wall.Seconds()/ideal.Seconds())
	}
	fmt.Printf("peak memory: %d MB in %.1f s\n", peak()>>20, wall.Seconds())
	return nil
}

// makespan returns the ideal makespan of one account's calls.
func makespan(calls []posture.Call, latency time.Duration) time.Duration {
	counts := map[[2]string]int{}
	for _, c := range calls {
		counts[[2]string{c.Service, c.Region}]++
	}
	var longest time.Duration
	for place, n := range counts {
		limit := float64(requestRate(place[0]))
		beyond := max(0, float64(n)-limit)
		longest = max(longest, time.Duration(beyond/limit*float64(time.Second)))
	}
	return 4*latency + longest // project, ancestry and services one after the other, then all the rest at once
}

// peak is the largest resident size that this process had, in bytes.
func peak() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmHWM:" {
			kilobytes, _ := strconv.ParseInt(fields[1], 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}
