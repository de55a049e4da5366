package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func organizationsReaders() []collectors.Reader[*client] {
	return []collectors.Reader[*client]{organization}
}

var organization = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.OrganizationType, schema.OrganizationAccountType},
	Scope: collectors.Global,
	Operations: []collectors.Operation{
		{Name: "Organizations.DescribeOrganization", Permission: "organizations:DescribeOrganization", Body: collectors.Redact("MasterAccountEmail")},
		{Name: "Organizations.ListRoots", Permission: "organizations:ListRoots", Body: collectors.Store},
		{Name: "Organizations.ListPolicies", Permission: "organizations:ListPolicies", Body: collectors.Store},
		{Name: "Organizations.ListAccounts", Permission: "organizations:ListAccounts", Body: collectors.Redact("Email")},
	},
	Collect: collectOrganization,
}

// managed are the attributes that the management account alone is told.
var managed = []string{"enabled_policy_types", "scp_count", "account_ids"}

// collectOrganization asks for what an organization holds only where the management account is read: any other is refused.
func collectOrganization(ctx context.Context, c *client, emit collectors.Emit) error {
	api := organizations.NewFromConfig(c.config)
	out := &schema.Organization{Meta: posture.Meta{Name: c.account}}
	a := &answer{service: organizations.ServiceID, operation: "DescribeOrganization", gaps: []collectors.Gap{collectors.NotCollected("tags", "created_at")}}
	described, err := api.DescribeOrganization(ctx, &organizations.DescribeOrganizationInput{})
	if hasCode(err, "AWSOrganizationsNotInUseException") {
		emit(c.account, out, a.gaps...)
		return nil
	}
	if err == nil && described.Organization == nil {
		err = a.lacks("Organization")
	}
	if err != nil {
		return fmt.Errorf("describe organization: %w", err)
	}
	o := described.Organization
	out.Member = true
	out.OrganizationID = required(a, "organization_id", o.Id)
	out.ManagementAccountID = required(a, "management_account_id", o.MasterAccountId)
	if out.FeatureSet = string(o.FeatureSet); out.FeatureSet == "" {
		a.gaps = append(a.gaps, collectors.Unread(a.lacks("FeatureSet"), "feature_set"))
	}
	switch out.ManagementAccountID {
	case c.account:
		out.IsManagementAccount = true
	case "":
		err = a.lacks("MasterAccountId")
		emit(c.account, out, append(a.gaps, collectors.Unread(err, append(managed, "is_management_account")...))...)
		return collectors.Incomplete(schema.OrganizationAccountType, err)
	default:
		emit(c.account, out, append(a.gaps, collectors.NotCollected(managed...))...)
		return nil
	}

	roots := organizations.NewListRootsPaginator(api, &organizations.ListRootsInput{})
	if err := pages(ctx, roots, func(page *organizations.ListRootsOutput) error {
		for _, root := range page.Roots {
			for _, p := range root.PolicyTypes {
				if p.Status == types.PolicyTypeStatusEnabled {
					out.EnabledPolicyTypes = append(out.EnabledPolicyTypes, string(p.Type))
				}
			}
		}
		return nil
	}); err != nil {
		a.gaps = append(a.gaps, collectors.Unread(err, "enabled_policy_types"))
	}
	out.EnabledPolicyTypes = sortedUnique(out.EnabledPolicyTypes)

	policies := organizations.NewListPoliciesPaginator(api, &organizations.ListPoliciesInput{Filter: types.PolicyTypeServiceControlPolicy})
	if err := pages(ctx, policies, func(page *organizations.ListPoliciesOutput) error {
		for _, p := range page.Policies {
			if sdk.ToString(p.Id) != "p-FullAWSAccess" {
				out.SCPCount++
			}
		}
		return nil
	}); err != nil {
		a.gaps = append(a.gaps, collectors.Unread(err, "scp_count"))
	}

	var gone error
	accounts := organizations.NewListAccountsPaginator(api, &organizations.ListAccountsInput{})
	listErr := pages(ctx, accounts, func(page *organizations.ListAccountsOutput) error {
		for _, listed := range page.Accounts {
			id := sdk.ToString(listed.Id)
			if id == "" {
				gone = errors.Join(gone, (&answer{service: organizations.ServiceID, operation: "ListAccounts"}).lacks("Id"))
				continue
			}
			out.AccountIDs = append(out.AccountIDs, id)
			emitMember(id, listed, emit)
		}
		return nil
	})
	if listErr = errors.Join(listErr, gone); listErr != nil {
		a.gaps = append(a.gaps, collectors.Unread(listErr, "account_ids"))
	}
	slices.Sort(out.AccountIDs)
	emit(c.account, out, a.gaps...)
	return collectors.Incomplete(schema.OrganizationAccountType, listErr)
}

// emitMember takes the state, which tells more than the older status, where the service gives it.
func emitMember(id string, listed types.Account, emit collectors.Emit) {
	m := &schema.OrganizationAccount{
		Meta:     posture.Meta{Name: sdk.ToString(listed.Name)},
		MemberID: id, Joined: string(listed.JoinedMethod), State: cmp.Or(string(listed.State), string(listed.Status)),
	}
	m.CreatedAt = posture.FromPtr(listed.JoinedTimestamp)
	gaps := []collectors.Gap{collectors.NotCollected("tags")}
	if m.State == "" {
		gaps = append(gaps, collectors.Unread((&answer{service: organizations.ServiceID, operation: "ListAccounts"}).lacks("State"), "state"))
	}
	emit(id, m, gaps...)
}
