package project_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/collectors"
	collect "github.com/plumbline-dev/plumbline/collectors/gcp"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	derive "github.com/plumbline-dev/plumbline/pkg/derive/gcp"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp/project"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/trial"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
	"github.com/plumbline-dev/plumbline/rules"
)

// faultTick is a day on which the things that come and go are there.
const faultTick = 33

// newCloud is an organization with two folders and a project in each, read with the default options but for what set changes.
func newCloud(t testing.TB, pageSize int, set ...func(*collect.Options)) *trial.Cloud {
	t.Helper()
	const organization = "organizations/123456789012"
	account := func(id, name, sort string, above ...string) world.Account {
		return world.Account{Account: posture.Account{Provider: "gcp", ID: id, Name: name}, Regions: []string{"europe-west1", "us-central1"}, Sort: sort, Above: above}
	}
	ruleset, err := rules.Load()
	if err != nil {
		t.Fatal(err)
	}
	c := &trial.Cloud{
		World: &world.World{
			Seed: 42, Start: time.Date(2026, 1, 1, 6, 0, 0, 0, time.UTC), Kinds: project.Kinds(),
			Accounts: []world.Account{
				account(organization, "acme.example", "gcp.organization"),
				account("acme-production", "production", "", "folders/701", organization),
				account("acme-staging", "staging", "", "folders/702", "folders/701", organization),
			},
		},
		Clock:      &trial.Clock{},
		Operations: collect.Operations(),
		Judge:      scan.Judge{Types: ruleset.Compiler.Types(), Programs: ruleset.Of("gcp"), Derive: derive.Derive},
		Opening:    []string{"cloudresourcemanager.projects.get", "cloudresourcemanager.organizations.get"},
		SaysNotSet: map[string]bool{
			"accessapproval.projects.getAccessApprovalSettings": true, "accessapproval.organizations.getAccessApprovalSettings": true,
			"securitycenter.organizations.sources.list": true, "securitycenter.organizations.sources.findings.list": true,
		},
		Open: func(ctx context.Context, a world.Account, base http.RoundTripper, o transport.Options) (collectors.Account, error) {
			options := collect.Options{Project: a.ID, Doer: &http.Client{Transport: base}, Transport: o}
			if a.Sort != "" {
				options.Project, options.Organization, options.DiscoveryLocations = "", a.ID, a.Regions[:1]
			}
			for _, change := range set {
				change(&options)
			}
			return collect.Open(ctx, options)
		},
	}
	server, err := project.New(c.World, c.Clock.Now, pageSize)
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
	trial.Permissions(t, c, c.World.Accounts[:2], faultTick, "../../../../docs/reference/gcp-permissions.md", "Google Cloud")
}

// TestEveryDeclaredOperationIsAsked keeps the fault test from losing operations unseen.
func TestEveryDeclaredOperationIsAsked(t *testing.T) {
	c := newCloud(t, 2)
	missing := trial.NeverAsked(c, trial.NewFaulty(t, c, c.World.Accounts[0], faultTick), trial.NewFaulty(t, c, c.World.Accounts[1], faultTick),
		trial.NewFaulty(t, newCloud(t, 2, withInventory), c.World.Accounts[1], faultTick))
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
