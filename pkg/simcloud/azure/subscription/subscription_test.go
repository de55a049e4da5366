package subscription_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/collectors"
	collect "github.com/plumbline-dev/plumbline/collectors/azure"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	derive "github.com/plumbline-dev/plumbline/pkg/derive/azure"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure/subscription"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/trial"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
	"github.com/plumbline-dev/plumbline/rules"
)

// faultTick is a day on which the things that come and go are there.
const faultTick = 33

// newCloud is a tenant and two subscriptions below it, read with the default options but for what change says.
func newCloud(t testing.TB, pageSize int, change ...func(*collect.Options)) *trial.Cloud {
	t.Helper()
	const tenant = "tenants/11111111-2222-4333-8444-555555555555"
	account := func(id, name, sort string, above ...string) world.Account {
		return world.Account{Account: posture.Account{Provider: "azure", ID: id, Name: name}, Regions: []string{"westeurope"}, Sort: sort, Above: above}
	}
	set, err := rules.Load()
	if err != nil {
		t.Fatal(err)
	}
	c := &trial.Cloud{
		World: &world.World{
			Seed: 42, Start: time.Date(2026, 1, 1, 6, 0, 0, 0, time.UTC), Kinds: subscription.Kinds(),
			Accounts: []world.Account{
				account(tenant, "acme", "azure.tenant"),
				account("aaaaaaaa-0000-4000-8000-000000000001", "production", "", tenant),
				account("aaaaaaaa-0000-4000-8000-000000000002", "staging", "", tenant),
			},
		},
		Clock:      &trial.Clock{},
		Operations: collect.Operations(),
		Judge:      scan.Judge{Types: set.Compiler.Types(), Programs: set.Of("azure"), Derive: derive.Derive},
		Opening:    []string{"armsubscriptions.Client.Get", "graph.organization"},
		SaysNotSet: map[string]bool{"armmanagementgroups.HierarchySettingsClient.List": true},
		Open: func(ctx context.Context, a world.Account, base http.RoundTripper, o transport.Options) (collectors.Account, error) {
			options := collect.Options{Subscription: a.ID, Doer: &http.Client{Transport: base}, Transport: o}
			if a.Sort != "" {
				options.Subscription, options.Tenant = "", strings.TrimPrefix(a.ID, "tenants/")
			}
			for _, set := range change {
				set(&options)
			}
			return collect.Open(ctx, options)
		},
	}
	server, err := subscription.New(c.World, c.Clock.Now, pageSize)
	if err != nil {
		t.Fatal(err)
	}
	c.Server = server
	return c
}

func TestVerdicts(t *testing.T) { trial.Verdicts(t, newCloud(t, 2)) }

func TestNothingReadWrongly(t *testing.T) {
	c := newCloud(t, 2)
	for _, account := range c.World.Accounts[:2] {
		trial.NewFaulty(t, c, account, faultTick).NothingReadWrongly(t, 5)
	}
}

func TestWithoutTheGuardVerdictsAreWrong(t *testing.T) {
	c := newCloud(t, 2)
	trial.NewFaulty(t, c, c.World.Accounts[1], faultTick).GuardMatters(t)
}

// TestPermissions holds the reference page of permissions against what happens without each.
func TestPermissions(t *testing.T) {
	c := newCloud(t, 100)
	trial.Permissions(t, c, c.World.Accounts[:2], faultTick, "../../../../docs/reference/azure-permissions.md", "Azure")
}

// TestEveryDeclaredOperationIsAsked keeps the fault test from losing operations unseen.
func TestEveryDeclaredOperationIsAsked(t *testing.T) {
	c := newCloud(t, 2)
	missing := trial.NeverAsked(c, trial.NewFaulty(t, c, c.World.Accounts[0], faultTick), trial.NewFaulty(t, c, c.World.Accounts[1], faultTick),
		trial.NewFaulty(t, newCloud(t, 2, withResourceGraph), c.World.Accounts[1], faultTick))
	if len(missing) > 0 {
		t.Errorf("never asked for: %v", missing)
	}
}

func TestDeriveNeverLooksAtWhatIsUnread(t *testing.T) {
	c := newCloud(t, 100)
	c.At(faultTick)
	for _, account := range c.World.Accounts[:2] {
		trial.Poison(t, c, account)
	}
}
