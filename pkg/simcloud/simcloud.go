// Package simcloud runs simulated clouds that the real SDK clients talk to: for the demo, the tests and the benchmarks. It
// answers reads only, on a loopback address.
package simcloud

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws/account"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure/subscription"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp/project"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Cloud is a simulated cloud at an address of this machine.
type Cloud struct {
	World  *world.World
	Faults *fault.Injector
	Addr   string // "127.0.0.1:41234"

	now    atomic.Int64 // nanoseconds since 1970
	server *http.Server
	done   chan error
}

// Start serves w on a loopback address; address may ask for a port ("127.0.0.1:0"). The cloud's time is that of tick 0
// until SetTick.
func Start(address string, w *world.World) (*Cloud, error) {
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%w: address %q: a simulated cloud listens on a loopback address, such as 127.0.0.1:8080", posture.ErrInvalid, address)
	}
	c := &Cloud{World: w, Faults: &fault.Injector{}, done: make(chan error, 1)}
	c.SetTick(0)
	known := map[string]bool{}
	for _, a := range w.Accounts {
		known[a.ID] = a.Provider == "aws"
	}
	amazon, err := aws.New(aws.Options{Now: c.Now, Known: func(id string) bool { return known[id] }})
	if err != nil {
		return nil, err
	}
	if err := account.Serve(amazon, w); err != nil {
		return nil, err
	}
	google, err := project.New(w, c.Now, 0)
	if err != nil {
		return nil, err
	}
	microsoft, err := subscription.New(w, c.Now, 0)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w: listen on %s: %w", posture.ErrSetup, address, err)
	}
	c.Addr = listener.Addr().String()
	c.server = &http.Server{Handler: c.Faults.Wrap(clouds{amazon, microsoft, google}), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		c.done <- c.server.Serve(listener)
		close(c.done)
	}()
	return c, nil
}

// clouds shares one address: requests to Google and Azure name the host they are meant for, those to AWS the address itself.
type clouds struct{ aws, azure, gcp fault.Cloud }

func (c clouds) of(r *http.Request) fault.Cloud {
	switch {
	case strings.HasSuffix(r.Host, ".googleapis.com"):
		return c.gcp
	case strings.HasPrefix(r.Host, "management."), strings.HasPrefix(r.Host, "graph."), strings.Contains(r.Host, ".vault."):
		return c.azure
	}
	return c.aws
}

func (c clouds) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.of(r).ServeHTTP(w, r) }
func (c clouds) Identify(r *http.Request) fault.Call              { return c.of(r).Identify(r) }
func (c clouds) Refuse(w http.ResponseWriter, r *http.Request, rule fault.Rule) {
	c.of(r).Refuse(w, r, rule)
}

// InOrder groups accounts so that each comes after what lies above it: organizations first.
func InOrder(accounts []world.Account) [][]world.Account {
	var above, rest []world.Account
	for _, a := range accounts {
		if a.Sort != "" {
			above = append(above, a)
		} else {
			rest = append(rest, a)
		}
	}
	return [][]world.Account{above, rest}
}

// Now is the cloud's time.
func (c *Cloud) Now() time.Time { return time.Unix(0, c.now.Load()).UTC() }

// SetTick moves the cloud to a tick.
func (c *Cloud) SetTick(tick int) {
	step := c.World.Step
	if step == 0 {
		step = 24 * time.Hour
	}
	c.now.Store(c.World.Start.Add(time.Duration(tick) * step).UnixNano())
}

// Sleep lets no time pass: the cloud's clock is moved by SetTick alone.
func (c *Cloud) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// Stop ends the server and waits for it; again it does nothing.
func (c *Cloud) Stop() error {
	err := c.server.Close()
	if served, first := <-c.done; first && !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
