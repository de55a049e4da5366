package aws

import (
	"context"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/derive/iampolicy"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

const detailsOperation = "IAM.GetAccountAuthorizationDetails"

var iamDetails = collectors.Reader[*client]{
	Fills: []*posture.Type{
		schema.IAMUserType, schema.IAMGroupType, schema.IAMRoleType, schema.IAMPolicyType, schema.IAMInlinePolicyType,
	},
	Scope: collectors.Global,
	Operations: append(reportOperations(),
		collectors.Operation{Name: detailsOperation, Permission: "iam:GetAccountAuthorizationDetails", Body: collectors.Store}),
	Collect: collectIAMDetails,
}

// collectIAMDetails reads users, groups, roles and policies in one list, and users' credentials from the credential report:
// two bulk reads in place of several calls for each user and role.
func collectIAMDetails(ctx context.Context, c *client, emit collectors.Emit) error {
	report := readCredentialReport(ctx, c)
	var groups []types.GroupDetail
	members := map[string]int64{}
	list := iam.NewGetAccountAuthorizationDetailsPaginator(iam.NewFromConfig(c.config), &iam.GetAccountAuthorizationDetailsInput{
		Filter: []types.EntityType{types.EntityTypeUser, types.EntityTypeGroup, types.EntityTypeRole,
			types.EntityTypeLocalManagedPolicy, types.EntityTypeAWSManagedPolicy},
	})
	err := pages(ctx, list, func(page *iam.GetAccountAuthorizationDetailsOutput) error {
		for _, u := range page.UserDetailList {
			for _, name := range u.GroupList {
				members[name]++
			}
			emitUser(u, report, emit)
		}
		groups = append(groups, page.GroupDetailList...)
		for _, r := range page.RoleDetailList {
			emitRole(r, emit)
		}
		for _, p := range page.Policies {
			emitPolicy(p, emit)
		}
		return followed(detailsOperation, page.IsTruncated, page.Marker)
	})
	for _, g := range groups { // last, since any page may hold members
		emitGroup(g, members[sdk.ToString(g.GroupName)], err, emit)
	}
	return err
}

func emitUser(u types.UserDetail, report credentialReport, emit collectors.Emit) {
	name := sdk.ToString(u.Arn)
	user := &schema.IAMUser{
		Meta:               posture.Meta{Name: sdk.ToString(u.UserName), Tags: iamTags(u.Tags), CreatedAt: posture.FromPtr(u.CreateDate)},
		Path:               sdk.ToString(u.Path),
		GroupNames:         u.GroupList,
		AttachedPolicyARNs: policyARNs(u.AttachedManagedPolicies),
		InlinePolicyNames:  policyNames(u.UserPolicyList),
	}
	if u.PermissionsBoundary != nil {
		user.PermissionsBoundaryARN = sdk.ToString(u.PermissionsBoundary.PermissionsBoundaryArn)
	}
	emit(name, user, fillCredentials(user, report.row(name, u.CreateDate))...)
	emitInlinePolicies("user", name, user.Name, u.UserPolicyList, emit)
}

// emitGroup: the group's members are counted over all users; err says why some users may not have been seen.
func emitGroup(g types.GroupDetail, members int64, err error, emit collectors.Emit) {
	name := sdk.ToString(g.Arn)
	group := &schema.IAMGroup{
		Meta:               posture.Meta{Name: sdk.ToString(g.GroupName), CreatedAt: posture.FromPtr(g.CreateDate)},
		MemberCount:        members,
		AttachedPolicyARNs: policyARNs(g.AttachedManagedPolicies),
		InlinePolicyNames:  policyNames(g.GroupPolicyList),
	}
	var gaps []collectors.Gap
	if err != nil {
		gaps = append(gaps, collectors.Unread(err, "member_count"))
	}
	emit(name, group, gaps...)
	emitInlinePolicies("group", name, group.Name, g.GroupPolicyList, emit)
}

func emitRole(r types.RoleDetail, emit collectors.Emit) {
	name := sdk.ToString(r.Arn)
	role := &schema.IAMRole{
		Meta:               posture.Meta{Name: sdk.ToString(r.RoleName), Tags: iamTags(r.Tags), CreatedAt: posture.FromPtr(r.CreateDate)},
		Path:               sdk.ToString(r.Path),
		AttachedPolicyARNs: policyARNs(r.AttachedManagedPolicies),
		InlinePolicyNames:  policyNames(r.RolePolicyList),
	}
	if r.PermissionsBoundary != nil {
		role.PermissionsBoundaryARN = sdk.ToString(r.PermissionsBoundary.PermissionsBoundaryArn)
	}
	if r.RoleLastUsed != nil {
		role.LastUsedAt = posture.FromPtr(r.RoleLastUsed.LastUsedDate)
		role.LastUsedRegion = sdk.ToString(r.RoleLastUsed.Region)
	}
	for _, p := range r.InstanceProfileList {
		role.InstanceProfileARNs = append(role.InstanceProfileARNs, sdk.ToString(p.Arn))
	}
	trust, err := readDocument(r.AssumeRolePolicyDocument)
	var gaps []collectors.Gap
	if err != nil {
		gaps = append(gaps, collectors.Unread(err, "trust_statements"))
	}
	for _, s := range trust.Statements {
		role.TrustStatements = append(role.TrustStatements, schema.IAMTrustStatement{
			Effect: s.Effect, Principals: s.Principals, NotPrincipals: s.NotPrincipals,
			Actions: s.Actions, NotActions: s.NotActions, ConditionsJSON: s.ConditionsJSON,
		})
	}
	emit(name, role, gaps...)
	emitInlinePolicies("role", name, role.Name, r.RolePolicyList, emit)
}

func emitPolicy(p types.ManagedPolicyDetail, emit collectors.Emit) {
	name := sdk.ToString(p.Arn)
	policy := &schema.IAMPolicy{
		Meta:             posture.Meta{Name: sdk.ToString(p.PolicyName), CreatedAt: posture.FromPtr(p.CreateDate)},
		AWSManaged:       accountOf(name) == "aws",
		AttachmentCount:  int64(sdk.ToInt32(p.AttachmentCount)),
		DefaultVersionID: sdk.ToString(p.DefaultVersionId),
	}
	gaps := []collectors.Gap{collectors.NotCollected("tags")}
	if p.AttachmentCount == nil {
		gaps = append(gaps, collectors.Unread(missing(detailsOperation, "the attachment count"), "attachment_count"))
	}
	var encoded *string
	for _, version := range p.PolicyVersionList {
		if version.IsDefaultVersion {
			encoded = version.Document
		}
	}
	var err error
	if policy.Statements, err = readStatements(encoded); err != nil {
		gaps = append(gaps, collectors.Unread(err, "statements"))
	}
	emit(name, policy, gaps...)
}

// emitInlinePolicies: such a policy has no ARN of its own; its id is its owner's with its name.
func emitInlinePolicies(ownerType, ownerARN, ownerName string, list []types.PolicyDetail, emit collectors.Emit) {
	for _, p := range list {
		policy := &schema.IAMInlinePolicy{
			Meta:      posture.Meta{Name: sdk.ToString(p.PolicyName)},
			OwnerType: ownerType, OwnerName: ownerName,
		}
		var gaps []collectors.Gap
		var err error
		if policy.Statements, err = readStatements(p.PolicyDocument); err != nil {
			gaps = append(gaps, collectors.Unread(err, "statements"))
		}
		emit(ownerARN+"/inline-policy/"+policy.Name, policy, gaps...)
	}
}

// readDocument parses a policy document as IAM returns it. There is none without one.
func readDocument(encoded *string) (iampolicy.Document, error) {
	if sdk.ToString(encoded) == "" {
		return iampolicy.Document{}, missing(detailsOperation, "a policy document")
	}
	text, err := iampolicy.Decode(*encoded)
	if err == nil {
		var document iampolicy.Document
		if document, err = iampolicy.Parse(text); err == nil {
			return document, nil
		}
	}
	return iampolicy.Document{}, &transport.Error{Operation: detailsOperation, Reason: posture.ReasonParseError, Err: err}
}

func readStatements(encoded *string) ([]schema.IAMStatement, error) {
	document, err := readDocument(encoded)
	var out []schema.IAMStatement
	for _, s := range document.Statements {
		out = append(out, schema.IAMStatement{
			Effect: s.Effect, Actions: s.Actions, NotActions: s.NotActions,
			Resources: s.Resources, NotResources: s.NotResources, ConditionsJSON: s.ConditionsJSON,
		})
	}
	return out, err
}

func policyARNs(list []types.AttachedPolicy) []string {
	var out []string
	for _, p := range list {
		out = append(out, sdk.ToString(p.PolicyArn))
	}
	return out
}

func policyNames(list []types.PolicyDetail) []string {
	var out []string
	for _, p := range list {
		out = append(out, sdk.ToString(p.PolicyName))
	}
	return out
}

func iamTags(list []types.Tag) map[string]string {
	out := map[string]string{}
	for _, t := range list {
		out[sdk.ToString(t.Key)] = sdk.ToString(t.Value)
	}
	return out
}
