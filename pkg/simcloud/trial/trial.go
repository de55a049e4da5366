// Package trial puts one cloud's readers, derivations and rules to the proof on simulated accounts: every verdict against what
// the simulator says it must be, every call against every way to fail. The clouds' tests share it.
package trial

import (
	"context"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Cloud is a simulated cloud in memory whose clock the test sets.
type Cloud struct {
	World      *world.World
	Server     fault.Cloud
	Clock      *Clock
	Open       func(ctx context.Context, account world.Account, base http.RoundTripper, options transport.Options) (collectors.Account, error)
	Operations []collectors.Operation
	Judge      scan.Judge
	// Opening are the operations without which nothing can be read at all.
	Opening []string
	// SaysNotSet are operations whose not-found answer is the documented way to say that a setting was never made: a value.
	SaysNotSet map[string]bool
	// LastResorts are operations that are asked only when another call has failed, and what makes it fail.
	LastResorts map[fault.Call]fault.Rule

	sealed map[string]posture.Sealing // of ancestors, by account and time
	scans  map[string]*Faulty
}

// Clock is a clock that stands still until it is set, and never waits.
type Clock struct{ now time.Time }

// Now returns the time that was set.
func (c *Clock) Now() time.Time { return c.now }

// Sleep lets no time pass.
func (c *Clock) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// Long reports whether the sweeps over everything are asked for.
func Long() bool { return os.Getenv("PLUMBLINE_LONG") != "" }

// At moves the cloud's clock to a tick.
func (c *Cloud) At(tick int) { c.Clock.now = c.World.Start.Add(time.Duration(tick) * 24 * time.Hour) }

// Read scans an account at the clock's time, through base. An error means that it could not be opened.
func (c *Cloud) Read(t testing.TB, account world.Account, base http.RoundTripper) (scan.Collected, error) {
	t.Helper()
	return c.read(t, account, base, func(*collectors.Account) {})
}

// read is Read of what choose leaves of an account once it is open.
func (c *Cloud) read(t testing.TB, account world.Account, base http.RoundTripper, choose func(*collectors.Account)) (scan.Collected, error) {
	t.Helper()
	opened, err := c.Open(context.Background(), account, base, transport.Options{Clock: c.Clock, Attempts: 2})
	if err != nil {
		return scan.Collected{}, err
	}
	choose(&opened)
	collected, err := scan.Collect(context.Background(), opened, c.Clock, nil)
	if err != nil {
		t.Fatal(err)
	}
	return collected, nil
}

// Whole scans an account that answers every call, and what lies above it first.
func (c *Cloud) Whole(t testing.TB, account world.Account) scan.Collected {
	t.Helper()
	collected, err := c.Read(t, account, fault.InMemory(c.Server))
	if err != nil {
		t.Fatal(err)
	}
	c.pin(t, &collected, c.seal)
	return collected
}

// pin gives what was collected the snapshots of its ancestors at the same time, as seal makes them.
func (c *Cloud) pin(t testing.TB, collected *scan.Collected, seal func(testing.TB, world.Account) posture.Sealing) {
	t.Helper()
	memory := memory{}
	for _, above := range collected.Above.Accounts {
		for _, account := range c.World.Accounts {
			if account.ID != above.ID {
				continue
			}
			memory[above.String()] = seal(t, account)
		}
	}
	if err := collected.Above.Pin(context.Background(), memory, collected.Types, collected.Started); err != nil {
		t.Fatal(err)
	}
}

// seal returns the snapshot of an account at the clock's time, read without faults.
func (c *Cloud) seal(t testing.TB, account world.Account) posture.Sealing {
	t.Helper()
	key := account.ID + c.Clock.now.String()
	sealing, ok := c.sealed[key]
	if !ok {
		var err error
		if sealing, _, err = c.Judge.Judge(c.Whole(t, account), scan.State{}); err != nil {
			t.Fatal(err)
		}
		sealing.Snapshot.Seq = 1
		if c.sealed == nil {
			c.sealed = map[string]posture.Sealing{}
		}
		c.sealed[key] = sealing
	}
	return sealing
}

// memory is a store that holds the newest snapshot of each account.
type memory map[string]posture.Sealing

func (m memory) State(_ context.Context, account string) (posture.Sealing, error) {
	return m[account], nil
}

func (m memory) Seal(_ context.Context, s posture.Sealing) (posture.Snapshot, error) {
	m[s.Snapshot.Account.String()] = s
	return s.Snapshot, nil
}

func (m memory) Contents(_ context.Context, account string, _ [][32]byte) (map[[32]byte][]byte, error) {
	out := map[[32]byte][]byte{}
	for _, r := range m[account].Resources {
		out[r.Hash] = r.JSON
	}
	return out, nil
}

// derived runs what the cloud derives on resources that were collected.
func (c *Cloud) derived(collected scan.Collected, resources []*posture.Resource) {
	inventory := derive.New(collected.Account, collected.Started, c.Judge.Trusted, collected.Cells, resources)
	collected.Above.Describe(inventory)
	c.Judge.Derive(inventory)
	derive.Finish(inventory, collected.Types)
}
