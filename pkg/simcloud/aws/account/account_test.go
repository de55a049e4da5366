package account_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/collectors"
	collect "github.com/plumbline-dev/plumbline/collectors/aws"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	derive "github.com/plumbline-dev/plumbline/pkg/derive/aws"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws/account"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/trial"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
	"github.com/plumbline-dev/plumbline/rules"
)

// faultTick is a day on which the things that come and go are there.
const faultTick = 33

// newCloud is two accounts, one of them with a region that it has not opted in to.
func newCloud(t testing.TB, pageSize int) *trial.Cloud {
	t.Helper()
	set, err := rules.Load()
	if err != nil {
		t.Fatal(err)
	}
	c := &trial.Cloud{
		World: &world.World{
			Seed: 42, Start: time.Date(2026, 1, 1, 6, 0, 0, 0, time.UTC), Kinds: account.Kinds(),
			Accounts: []world.Account{
				{Account: posture.Account{Provider: "aws", ID: "111122223333"}, Regions: []string{"eu-west-1", "us-east-1"}, Closed: []string{"ap-east-1"}},
				{Account: posture.Account{Provider: "aws", ID: "444455556666"}, Regions: []string{"us-east-1", "eu-central-1"}, Size: 2},
			},
		},
		Clock:      &trial.Clock{},
		Operations: collect.Operations(),
		Judge:      scan.Judge{Types: set.Compiler.Types(), Programs: set.Of("aws"), Derive: derive.Derive},
		Opening:    []string{"sts.GetCallerIdentity"},
		SaysNotSet: map[string]bool{"iam.GetAccountPasswordPolicy": true, "account.GetAlternateContact": true,
			"s3control.GetPublicAccessBlock": true, "securityhub.DescribeHub": true,
			"lambda.GetPolicy": true, "lambda.GetFunctionEventInvokeConfig": true},
		LastResorts: map[fault.Call]fault.Rule{
			{Service: "account", Operation: "ListRegions"}: {Call: fault.Call{Service: "ec2", Operation: "DescribeRegions"}, Kind: fault.Denied},
		},
		Open: func(ctx context.Context, a world.Account, base http.RoundTripper, o transport.Options) (collectors.Account, error) {
			config := aws.Config(a.ID, "us-east-1", &http.Client{Transport: base})
			return collect.Open(ctx, collect.Options{Config: config, Transport: o})
		},
	}
	server, err := aws.New(aws.Options{Now: c.Clock.Now, PageSize: pageSize})
	if err != nil {
		t.Fatal(err)
	}
	c.Server = server
	if err := account.Serve(server, c.World); err != nil {
		t.Fatal(err)
	}
	return c
}

func newFaulty(t *testing.T) *trial.Faulty {
	c := newCloud(t, 2) // small pages, so that every list has several
	return trial.NewFaulty(t, c, c.World.Accounts[0], faultTick)
}

func TestVerdicts(t *testing.T) { trial.Verdicts(t, newCloud(t, 2)) }

func TestNothingReadWrongly(t *testing.T) { newFaulty(t).NothingReadWrongly(t, 500) }

func TestNothingReadWronglyInPostgres(t *testing.T) { newFaulty(t).InPostgres(t, 12) }

func TestWithoutTheGuardVerdictsAreWrong(t *testing.T) { newFaulty(t).GuardMatters(t) }

// TestEveryDeclaredOperationIsAsked keeps the fault test from losing operations unseen.
func TestEveryDeclaredOperationIsAsked(t *testing.T) {
	f := newFaulty(t)
	if missing := trial.NeverAsked(f.Cloud, f); len(missing) > 0 {
		t.Errorf("never asked for: %v", missing)
	}
}

func TestDeriveNeverLooksAtWhatIsUnread(t *testing.T) {
	c := newCloud(t, 100)
	c.At(faultTick)
	tried, mattered := trial.Poison(t, c, c.World.Accounts[0])
	if tried < 80 || mattered < 20 {
		t.Errorf("too few attributes were tried: %d, of which %d mattered", tried, mattered)
	}
}

// TestPermissions holds the reference page of permissions against what happens without each.
func TestPermissions(t *testing.T) {
	c := newCloud(t, 100)
	trial.Permissions(t, c, c.World.Accounts[:1], faultTick, "../../../../docs/reference/aws-permissions.md", "AWS")
}

// TestNeeds holds what each rule is said to need against a scan that may do nothing else.
func TestNeeds(t *testing.T) {
	c := newCloud(t, 100)
	trial.Needs(t, c, c.World.Accounts[0], faultTick, "../../../../rules/needs/aws.json")
}
