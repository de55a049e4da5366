package schema

import "github.com/plumbline-dev/plumbline/pkg/posture"

// Organization says how the account stands in an organization. The policies and accounts of an organization are read from its
// management account alone.
// Source: DescribeOrganization, ListRoots, ListPolicies, ListAccounts. One per account; its id is the account's.
//
//posture:type aws.organizations.organization
type Organization struct {
	posture.Meta
	Member              bool     `json:"member"`
	OrganizationID      string   `json:"organization_id"`
	ManagementAccountID string   `json:"management_account_id"`
	FeatureSet          string   `json:"feature_set"` // ALL, or CONSOLIDATED_BILLING
	IsManagementAccount bool     `json:"is_management_account"`
	EnabledPolicyTypes  []string `json:"enabled_policy_types"`
	SCPCount            int      `json:"scp_count"`   // service control policies beside FullAWSAccess
	AccountIDs          []string `json:"account_ids"` // of every account, in whatever state
}

// OrganizationAccount is an account of the organization that this account manages. Others list none.
// Source: ListAccounts. Its id is the account's number.
//
//posture:type aws.organizations.account
type OrganizationAccount struct {
	posture.Meta
	MemberID string `json:"member_id"`
	State    string `json:"state"`  // ACTIVE, PENDING_ACTIVATION, SUSPENDED, PENDING_CLOSURE or CLOSED
	Joined   string `json:"joined"` // INVITED or CREATED
}
