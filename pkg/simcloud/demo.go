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
	// Not many of each kind: 90 days of scans are to take less than a minute.
	aws := func(id, name string, most int, regions, closed []string) world.Account {
		return world.Account{Account: posture.Account{Provider: "aws", ID: id, Name: name}, AtMost: most, Regions: regions, Closed: closed}
	}
	const organization = "organizations/123456789012"
	google := func(id, name string, most int, sort string, above ...string) world.Account {
		return world.Account{Account: posture.Account{Provider: "gcp", ID: id, Name: name}, Regions: []string{"europe-west1", "us-central1"}, AtMost: most, Sort: sort, Above: above}
	}
	const tenant = "tenants/11111111-2222-4333-8444-555555555555"
	microsoft := func(id, name string, most int, sort string, above ...string) world.Account {
		return world.Account{Account: posture.Account{Provider: "azure", ID: id, Name: name}, Regions: []string{"westeurope"}, AtMost: most, Sort: sort, Above: above}
	}
	return &world.World{
		Seed: 20, Start: start, Kinds: slices.Concat(account.Kinds(), project.Kinds(), subscription.Kinds()),
		Accounts: []world.Account{
			aws("111122223333", "production", 3, []string{"eu-west-1", "eu-central-1"}, []string{"ap-east-1"}),
			aws("444455556666", "staging", 1, []string{"eu-west-1"}, []string{"ap-east-1"}),
			aws("777788889999", "security", 1, []string{"eu-west-1"}, nil),
			google(organization, "acme.example", 2, "gcp.organization"),
			google("acme-production", "acme production", 2, "", "folders/701", organization),
			google("acme-staging", "acme staging", 1, "", "folders/702", organization),
			microsoft(tenant, "acme", 2, "azure.tenant"),
			microsoft("aaaaaaaa-0000-4000-8000-000000000001", "acme production", 2, "", tenant),
			microsoft("aaaaaaaa-0000-4000-8000-000000000002", "acme staging", 1, "", tenant),
		},
		Story: slices.Concat([]world.Event{
			// Somebody turns log validation off for six days; it is repaired.
			{Account: 0, Kind: "cloudtrail.trail", Defect: "no-validation", From: 0, To: DemoDays, Not: true},
			{Account: 0, Kind: "cloudtrail.trail", Defect: "no-validation", From: 31, To: 37},
			// The security contact goes missing near the end, and stays so.
			{Account: 1, Kind: "account.contact", Defect: "no-security-contact", From: 82, To: DemoDays + 1},
			// A debugging session opens SSH of the Google production project to the internet; it is closed after three days.
			{Account: 4, Kind: "gcp.firewall", Defect: "open-ssh", From: 33, To: 36},
			// A storage account of the Azure production subscription takes plain HTTP until somebody repairs it.
			{Account: 7, Kind: "azure.storage", Defect: "plain-http", From: 56, To: 60},
		}, without(4, "gcp.firewall", "absent", "disabled", "inside", "tagged", "loose", "in-halves", "unsaid", "open-all"), without(7, "azure.storage", "absent")),
	}
}

// without frees the first thing of a kind from defects that would hide the story.
func without(account int, kind string, defects ...string) []world.Event {
	var out []world.Event
	for _, d := range defects {
		out = append(out, world.Event{Account: account, Kind: kind, Defect: d, From: 0, To: DemoDays + 1, Not: true})
	}
	return out
}

// DemoOutage reports whether the scanner is down on that day: nine days on which nothing is read.
func DemoOutage(day int) bool { return day >= 45 && day < 54 }

// DemoFaults are the calls that fail on that day: for six days the AWS production account refuses the EC2 reads of one region,
// for three Google's SQL service is down, and for four the key vaults of the Azure staging subscription are not ours to read.
func DemoFaults(day int) []fault.Rule {
	var out []fault.Rule
	if day >= 62 && day < 68 {
		out = append(out, fault.Rule{Call: fault.Call{Account: "111122223333", Region: "eu-central-1", Service: "ec2"}, Kind: fault.Denied})
	}
	if day >= 20 && day < 23 {
		out = append(out, fault.Rule{Call: fault.Call{Account: "acme-staging", Service: "sql"}, Kind: fault.ServerError, Status: 503})
	}
	if day >= 71 && day < 75 {
		out = append(out, fault.Rule{Call: fault.Call{Account: "aaaaaaaa-0000-4000-8000-000000000002", Service: "armkeyvault"}, Kind: fault.Denied})
	}
	return out
}
