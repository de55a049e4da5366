package account

import (
	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// The first AWS account of the world manages the organization; the others belong to it, most of them. One more member is suspended.
var organizationsService = service{
	kinds: []world.Kind{{
		Name: "organizations.organization", Global: true, Count: 1, Fixed: true,
		Defects: []world.Defect{{Name: "stands-alone", Share: 0.2}, {Name: "no-guardrails", Drift: 0.3}, {Name: "policies-off", Drift: 0.2}},
		Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			guardrails := posture.DoesNotApply
			if it.Account.ID == manager(s.World).ID {
				guardrails = failIf(it.Has("no-guardrails") || it.Has("policies-off"))
			}
			return posture.Key{Type: "aws.organizations.organization", Region: posture.Global, ID: it.Account.ID}, map[string]posture.Result{
				"aws-organizations-account-is-member": failIf(standsAlone(s, it)),
				"aws-organizations-scp-in-use":        guardrails,
			}
		},
	}},
	handle: handleOrganizations,
}

// manager is the account that manages the organization.
func manager(w *world.World) world.Account {
	for _, a := range w.Accounts {
		if a.Provider == "aws" {
			return a
		}
	}
	return world.Account{}
}

func standsAlone(s *world.State, it *world.Item) bool {
	return it.Has("stands-alone") && it.Account.ID != manager(s.World).ID
}

const suspendedMember = "999900002222"

func handleOrganizations(s *aws.Server, w *states) {
	// managing is the state of an account that may ask for more than how it stands itself.
	managing := func(state *world.State) (*world.Item, error) {
		it := state.Find("organizations.organization", posture.Global, 0)
		if it == nil || standsAlone(state, it) {
			return nil, &types.AWSOrganizationsNotInUseException{Message: sdk.String("Your account is not a member of an organization.")}
		}
		if it.Account.ID != manager(state.World).ID {
			return nil, &types.AccessDeniedException{Message: sdk.String("You don't have permissions to access this resource.")}
		}
		return it, nil
	}
	arnOf := func(state *world.State, rest string) *string {
		return sdk.String("arn:aws:organizations::" + manager(state.World).ID + ":" + rest)
	}
	aws.Handle(s, func(c aws.Call[*organizations.DescribeOrganizationInput]) (*organizations.DescribeOrganizationOutput, error) {
		state := at(w, c)
		it := state.Find("organizations.organization", posture.Global, 0)
		if it == nil || standsAlone(state, it) {
			return nil, &types.AWSOrganizationsNotInUseException{Message: sdk.String("Your account is not a member of an organization.")}
		}
		main := manager(state.World).ID
		return &organizations.DescribeOrganizationOutput{Organization: &types.Organization{
			Id: sdk.String("o-plumbline1"), Arn: arnOf(state, "organization/o-plumbline1"), FeatureSet: types.OrganizationFeatureSetAll,
			MasterAccountId: sdk.String(main), MasterAccountArn: arnOf(state, "account/o-plumbline1/"+main), MasterAccountEmail: sdk.String("cloud@example.com"),
		}}, nil
	})
	aws.Handle(s, func(c aws.Call[*organizations.ListRootsInput]) (*organizations.ListRootsOutput, error) {
		state := at(w, c)
		it, err := managing(state)
		if err != nil {
			return nil, err
		}
		root := types.Root{Id: sdk.String("r-pl01"), Name: sdk.String("Root"), Arn: arnOf(state, "root/o-plumbline1/r-pl01"),
			PolicyTypes: []types.PolicyTypeSummary{{Type: types.PolicyTypeTagPolicy, Status: types.PolicyTypeStatusEnabled}}}
		if !it.Has("policies-off") {
			root.PolicyTypes = append(root.PolicyTypes, types.PolicyTypeSummary{Type: types.PolicyTypeServiceControlPolicy, Status: types.PolicyTypeStatusEnabled})
		}
		return &organizations.ListRootsOutput{Roots: []types.Root{root}}, nil
	})
	aws.Handle(s, func(c aws.Call[*organizations.ListPoliciesInput]) (*organizations.ListPoliciesOutput, error) {
		state := at(w, c)
		it, err := managing(state)
		if err != nil {
			return nil, err
		}
		policy := func(id, name string, byAWS bool) types.PolicySummary {
			return types.PolicySummary{Id: sdk.String(id), Name: sdk.String(name), AwsManaged: byAWS, Type: types.PolicyTypeServiceControlPolicy, Arn: arnOf(state, "policy/o-plumbline1/service_control_policy/"+id)}
		}
		list := []types.PolicySummary{policy("p-FullAWSAccess", "FullAWSAccess", true)}
		if !it.Has("no-guardrails") {
			list = append(list, policy("p-guard001", "keep-logs-on", false), policy("p-guard002", "regions-in-use", false))
		}
		return &organizations.ListPoliciesOutput{Policies: list}, nil
	})
	aws.Handle(s, func(c aws.Call[*organizations.ListAccountsInput]) (*organizations.ListAccountsOutput, error) {
		state := at(w, c)
		if _, err := managing(state); err != nil {
			return nil, err
		}
		list := []types.Account{member(state, suspendedMember, "closed-pilot", types.AccountStatusSuspended)}
		for _, a := range state.World.Accounts {
			if a.Provider != "aws" {
				continue
			}
			if other := w.get(a.ID, c.Now); standsAlone(other, other.Find("organizations.organization", posture.Global, 0)) {
				continue
			}
			list = append(list, member(state, a.ID, a.Name, types.AccountStatusActive))
		}
		return &organizations.ListAccountsOutput{Accounts: list}, nil
	})
}

func member(s *world.State, id, name string, status types.AccountStatus) types.Account {
	return types.Account{
		Id: sdk.String(id), Name: sdk.String(name), Email: sdk.String("cloud+" + id + "@example.com"), Status: status, State: types.AccountState(status),
		Arn: sdk.String("arn:aws:organizations::" + manager(s.World).ID + ":account/o-plumbline1/" + id), JoinedMethod: types.AccountJoinedMethodCreated,
		JoinedTimestamp: sdk.Time(s.World.Start.AddDate(-2, 0, 0)),
	}
}
