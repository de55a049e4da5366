package simcloud

import (
	"slices"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws/account"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure/subscription"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp/project"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// DemoDays is how long the demo's story is.
const DemoDays = 90

// Demo is the world of the demo: three AWS accounts, and a Google Cloud organization with two projects, and an Azure
// tenant with two subscriptions. Its last day is today.
func Demo(today time.Time) *world.World {
	start := today.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1-DemoDays).Add(6 * time.Hour)
	aws := func(id, name string, regions, closed []string) world.Account {
		return world.Account{Account: posture.Account{Provider: "aws", ID: id, Name: name}, Regions: regions, Closed: closed}
	}
	const organization = "organizations/123456789012"
	google := func(id, name, sort string, above ...string) world.Account {
		return world.Account{Account: posture.Account{Provider: "gcp", ID: id, Name: name}, Regions: []string{"europe-west1", "us-central1"}, Sort: sort, Above: above}
	}
	const tenant = "tenants/11111111-2222-4333-8444-555555555555"
	microsoft := func(id, name, sort string, above ...string) world.Account {
		return world.Account{Account: posture.Account{Provider: "azure", ID: id, Name: name}, Regions: []string{"westeurope"}, Sort: sort, Above: above}
	}
	return &world.World{
		Seed: 20, Start: start, Kinds: slices.Concat(account.Kinds(), project.Kinds(), subscription.Kinds()),
		Accounts: []world.Account{
			aws("111122223333", "production", []string{"eu-west-1", "eu-central-1", "us-east-1"}, []string{"ap-east-1"}),
			aws("444455556666", "staging", []string{"eu-west-1", "us-east-1"}, []string{"ap-east-1"}),
			aws("777788889999", "security", []string{"eu-west-1", "us-east-1"}, nil),
			google(organization, "acme.example", "gcp.organization"),
			google("acme-production", "acme production", "", "folders/701", organization),
			google("acme-staging", "acme staging", "", "folders/702", organization),
			microsoft(tenant, "acme", "azure.tenant"),
			microsoft("aaaaaaaa-0000-4000-8000-000000000001", "acme production", "", tenant),
			microsoft("aaaaaaaa-0000-4000-8000-000000000002", "acme staging", "", tenant),
		},
		Story: []world.Event{
			// Somebody turns log validation off for six days; it is repaired.
			{Account: 0, Kind: "cloudtrail.trail", Defect: "no-validation", From: 0, To: DemoDays, Not: true},
			{Account: 0, Kind: "cloudtrail.trail", Defect: "no-validation", From: 31, To: 37},
			// The security contact goes missing near the end, and stays so.
			{Account: 1, Kind: "account.contact", Defect: "no-security-contact", From: 82, To: DemoDays + 1},
		},
	}
}

// DemoOutage reports whether the scanner is down on that day: nine days on which nothing is read.
func DemoOutage(day int) bool { return day >= 45 && day < 54 }

// DemoFaults are the calls that fail on that day: for six days the production account refuses the EC2 reads of one region.
func DemoFaults(day int) []fault.Rule {
	if day < 62 || day >= 68 {
		return nil
	}
	return []fault.Rule{{Call: fault.Call{Account: "111122223333", Region: "eu-central-1", Service: "ec2"}, Kind: fault.Denied}}
}
