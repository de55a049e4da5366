// Package official holds the readers and the simulator against what the SDK's authors wrote. The examples in the SDK's modules
// are answered to the readers as a cloud would, and the SDK's own fake servers have to lead to the same resources as the simulator.
package official

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/plumbline-dev/plumbline/collectors"
	collect "github.com/plumbline-dev/plumbline/collectors/azure"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure/subscription"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// The simulated accounts: a tenant and a subscription below it.
const (
	tenantID       = "11111111-2222-4333-8444-555555555555"
	subscriptionID = "aaaaaaaa-0000-4000-8000-000000000001"
)

// still is a clock that stands at one time.
type still struct{ time.Time }

func (s still) Now() time.Time                                 { return s.Time }
func (still) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// today is a day on which the things that come and go are there.
var today = still{time.Date(2026, 2, 3, 6, 0, 0, 0, time.UTC)}

// simulator returns the simulated cloud that holds the accounts.
func simulator(t *testing.T, pageSize int) *azure.Server {
	t.Helper()
	account := func(id, sort string, above ...string) world.Account {
		named := posture.Account{Provider: "azure", ID: id, Name: id}
		return world.Account{Account: named, Regions: []string{"westeurope"}, Sort: sort, Above: above}
	}
	w := &world.World{
		Seed: 42, Start: time.Date(2026, 1, 1, 6, 0, 0, 0, time.UTC), Kinds: subscription.Kinds(),
		Accounts: []world.Account{account("tenants/"+tenantID, "azure.tenant"), account(subscriptionID, "", "tenants/"+tenantID)},
	}
	s, err := subscription.New(w, today.Now, pageSize)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// listen serves h on the loopback interface, as the address of every host of Azure.
func listen(t *testing.T, h http.Handler) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	t.Setenv("PLUMBLINE_AZURE_ENDPOINT", server.URL)
}

// accounts are what can be opened, by name.
var accounts = map[string]collect.Options{
	"subscription":           {Subscription: subscriptionID},
	"subscription and graph": {Subscription: subscriptionID, ResourceGraph: true},
	"tenant":                 {Tenant: tenantID},
}

// read opens an account at the address that listen serves and runs the readers that choose leaves of it.
func read(t *testing.T, account string, choose func([]collectors.Task) []collectors.Task) scan.Collected {
	t.Helper()
	options := accounts[account]
	options.Transport = transport.Options{Clock: today, Attempts: 1, Rate: func(string) rate.Limit { return 0 }}
	opened, err := collect.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	opened.Tasks = choose(opened.Tasks)
	collected, err := scan.Collect(t.Context(), opened, today, nil)
	if err != nil {
		t.Fatal(err)
	}
	return collected
}

func all(tasks []collectors.Task) []collectors.Task { return tasks }
