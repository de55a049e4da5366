package account

import (
	sdk "github.com/aws/aws-sdk-go-v2/aws"
	sdkaccount "github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/account/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var accountService = service{
	kinds: []world.Kind{
		{
			Name: "account.contact", Global: true, Count: 1, Fixed: true,
			Defects: []world.Defect{{Name: "no-security-contact", Drift: 0.3}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return posture.Key{Type: "aws.account.contact", Region: posture.Global, ID: it.Account.ID}, map[string]posture.Result{
					"aws-account-security-contact-set": failIf(it.Has("no-security-contact")),
				}
			},
		},
	},
	handle: func(s *aws.Server, w *states) {
		aws.Handle(s, func(c aws.Call[*ec2.DescribeRegionsInput]) (*ec2.DescribeRegionsOutput, error) {
			out := &ec2.DescribeRegionsOutput{}
			account := at(w, c).Account
			for _, region := range account.Regions {
				out.Regions = append(out.Regions, ec2types.Region{RegionName: sdk.String(region), OptInStatus: sdk.String("opt-in-not-required"),
					Endpoint: sdk.String("ec2." + region + ".amazonaws.com")})
			}
			for _, region := range account.Closed {
				out.Regions = append(out.Regions, ec2types.Region{RegionName: sdk.String(region), OptInStatus: sdk.String("not-opted-in"),
					Endpoint: sdk.String("ec2." + region + ".amazonaws.com")})
			}
			return out, nil
		})
		aws.Handle(s, func(c aws.Call[*sdkaccount.ListRegionsInput]) (*sdkaccount.ListRegionsOutput, error) {
			out := &sdkaccount.ListRegionsOutput{}
			account := at(w, c).Account
			for _, region := range account.Regions {
				out.Regions = append(out.Regions, types.Region{RegionName: sdk.String(region), RegionOptStatus: types.RegionOptStatusEnabledByDefault})
			}
			for _, region := range account.Closed {
				out.Regions = append(out.Regions, types.Region{RegionName: sdk.String(region), RegionOptStatus: types.RegionOptStatusDisabled})
			}
			return out, nil
		})
		aws.Handle(s, func(c aws.Call[*sdkaccount.GetAlternateContactInput]) (*sdkaccount.GetAlternateContactOutput, error) {
			contact := at(w, c).Items("account.contact")[0]
			if c.Input.AlternateContactType == types.AlternateContactTypeSecurity && contact.Has("no-security-contact") {
				return nil, &types.ResourceNotFoundException{Message: sdk.String("No contact of the inputted alternate contact type found.")}
			}
			kind := string(c.Input.AlternateContactType)
			return &sdkaccount.GetAlternateContactOutput{AlternateContact: &types.AlternateContact{
				AlternateContactType: c.Input.AlternateContactType, Name: sdk.String(kind + " desk"), Title: sdk.String("desk"),
				EmailAddress: sdk.String(kind + "@example.com"), PhoneNumber: sdk.String("+1 555 0100"),
			}}, nil
		})
		aws.Handle(s, func(c aws.Call[*sdkaccount.GetContactInformationInput]) (*sdkaccount.GetContactInformationOutput, error) {
			return &sdkaccount.GetContactInformationOutput{ContactInformation: &types.ContactInformation{
				FullName: sdk.String("Example Ltd"), AddressLine1: sdk.String("1 Sample Street"), City: sdk.String("Exampleton"),
				CountryCode: sdk.String("IE"), PostalCode: sdk.String("D01"), PhoneNumber: sdk.String("+1 555 0100"),
			}}, nil
		})
	},
}
