package aws

import (
	"context"
	"slices"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/account/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// openedRegions is the account's list of regions, read once when the account is opened.
type openedRegions struct {
	status map[string]string // region to opt-in status
	told   string            // the operation that told
	err    error
}

// openRegions asks EC2 and, where EC2 calls are refused, the account service.
func openRegions(ctx context.Context, c *client) *openedRegions {
	answer, err := ec2.NewFromConfig(c.config).DescribeRegions(ctx, &ec2.DescribeRegionsInput{AllRegions: sdk.Bool(true)})
	opened := &openedRegions{status: map[string]string{}, told: "EC2.DescribeRegions"}
	if err == nil {
		for _, r := range answer.Regions {
			opened.status[sdk.ToString(r.RegionName)] = sdk.ToString(r.OptInStatus)
		}
		return opened
	}
	opened.told, opened.err = "Account.ListRegions", err
	ctx, _ = transport.WithCell(ctx) // outside of a cell nobody would notice pages that run in a circle
	list := account.NewListRegionsPaginator(account.NewFromConfig(c.config), &account.ListRegionsInput{})
	if pages(ctx, list, func(page *account.ListRegionsOutput) error {
		for _, r := range page.Regions {
			opened.status[sdk.ToString(r.RegionName)] = optInStatus(r.RegionOptStatus)
		}
		return nil
	}) == nil {
		opened.err = nil
	}
	return opened
}

func optInStatus(s types.RegionOptStatus) string {
	switch s {
	case types.RegionOptStatusEnabledByDefault:
		return "opt-in-not-required"
	case types.RegionOptStatusEnabled, types.RegionOptStatusDisabling:
		return "opted-in"
	default:
		return "not-opted-in"
	}
}

func (o *openedRegions) enabled(region string) bool {
	return o.status[region] == "opt-in-not-required" || o.status[region] == "opted-in"
}

// scanned lists the regions to read: the enabled ones, only those asked for when any are; home when nothing else is known.
func (o *openedRegions) scanned(home string, only []string) []string {
	var out []string
	for region := range o.status {
		if o.enabled(region) && (len(only) == 0 || slices.Contains(only, region)) {
			out = append(out, region)
		}
	}
	if o.err != nil {
		out = append(out, home)
		out = append(out, only...)
	}
	return sortedUnique(out)
}

// closed lists the regions the account has not opted in to.
func (o *openedRegions) closed() []string {
	var out []string
	for region := range o.status {
		if !o.enabled(region) {
			out = append(out, region)
		}
	}
	return sortedUnique(out)
}

var regions = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.RegionType},
	Scope: collectors.Global,
	Operations: []collectors.Operation{
		{Name: "EC2.DescribeRegions", Permission: "ec2:DescribeRegions", Body: collectors.Store},
		{Name: "Account.ListRegions", Permission: "account:ListRegions", Body: collectors.Store},
	},
	Collect: func(_ context.Context, c *client, emit collectors.Emit) error {
		for region, status := range c.opened.status {
			emit(region, &schema.Region{
				Meta:        posture.Meta{Name: region},
				OptInStatus: status,
				Enabled:     c.opened.enabled(region),
			}, collectors.NotCollected("tags"))
		}
		return c.opened.err
	},
}

var contacts = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ContactType},
	Scope: collectors.Global,
	Operations: []collectors.Operation{
		{Name: "Account.GetAlternateContact", Permission: "account:GetAlternateContact", Body: collectors.Digest},
		{Name: "Account.GetContactInformation", Permission: "account:GetContactInformation", Body: collectors.Digest},
	},
	Collect: collectContacts,
}

// collectContacts keeps of each contact only whether it is set; addresses are compared and dropped.
func collectContacts(ctx context.Context, c *client, emit collectors.Emit) error {
	api := account.NewFromConfig(c.config)
	contact := &schema.Contact{Meta: posture.Meta{Name: c.account}}
	var gaps []collectors.Gap
	addresses := map[string]bool{}
	set := 0
	for kind, field := range map[types.AlternateContactType]struct {
		path  string
		value *bool
	}{
		types.AlternateContactTypeSecurity:   {"security_contact_set", &contact.SecurityContactSet},
		types.AlternateContactTypeOperations: {"operations_contact_set", &contact.OperationsContactSet},
		types.AlternateContactTypeBilling:    {"billing_contact_set", &contact.BillingContactSet},
	} {
		answer, err := api.GetAlternateContact(ctx, &account.GetAlternateContactInput{AlternateContactType: kind})
		switch {
		case hasCode(err, "ResourceNotFoundException"):
		case err != nil:
			gaps = append(gaps, collectors.Unread(err, field.path, "contacts_distinct"))
		default:
			*field.value = true
			set++
			if answer.AlternateContact != nil {
				addresses[strings.ToLower(sdk.ToString(answer.AlternateContact.EmailAddress))] = true
			}
		}
	}
	contact.ContactsDistinct = set == 3 && len(addresses) == 3
	answer, err := api.GetContactInformation(ctx, &account.GetContactInformationInput{})
	switch {
	case hasCode(err, "ResourceNotFoundException"):
	case err != nil:
		gaps = append(gaps, collectors.Unread(err, "primary_contact_complete"))
	case answer.ContactInformation != nil:
		i := answer.ContactInformation
		contact.PrimaryContactComplete = sdk.ToString(i.FullName) != "" && sdk.ToString(i.PhoneNumber) != "" &&
			sdk.ToString(i.AddressLine1) != "" && sdk.ToString(i.City) != "" && sdk.ToString(i.CountryCode) != ""
	}
	gaps = append(gaps, collectors.NotCollected("tags"))
	emit(c.account, contact, gaps...)
	return nil
}
