package aws_test

import (
	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// moto's credential report has no line for root, and its account summary does not say whether root has a password.
func iamVerdicts() map[string]verdicts {
	return map[string]verdicts{
		"aws-iam-password-policy-strong":  {pass: "tended", fail: "neglected"},
		"aws-iam-password-policy-max-age": {pass: "tended", fail: "neglected"},

		"aws-iam-root-mfa-enabled":          {unknown: "tended neglected"},
		"aws-iam-root-hardware-mfa-enabled": {unknown: "tended neglected"},
		"aws-iam-root-no-access-keys":       {pass: "tended neglected"},
		"aws-iam-root-not-used-recently":    {unknown: "tended neglected"},

		"aws-iam-user-mfa-enabled":         {pass: "alice", fail: "bob robot dora", exempt: "carol"},
		"aws-iam-user-console-mfa-enabled": {pass: "alice", fail: "bob dora", exempt: "robot carol"},
		"aws-iam-user-console-unused":      {pass: "alice bob", fail: "dora", exempt: "robot carol"},
		"aws-iam-user-access-key-rotated":  {pass: "robot", fail: "dora", exempt: "alice carol retired"},
		"aws-iam-user-access-key-unused":   {pass: "robot", fail: "dora", exempt: "alice carol retired"},
		"aws-iam-user-in-group":            {pass: "alice", fail: "bob robot carol"},
		"aws-iam-user-no-direct-policies":  {pass: "alice robot", fail: "bob carol"},
		"aws-iam-group-not-empty":          {pass: "staff", fail: "nobody"},
		"aws-iam-workforce-federated":      {pass: "tended"},

		"aws-iam-policy-in-use":                                   {pass: "reader everything trails-only pass-role", fail: "unused in-empty-group reverted"},
		"aws-iam-policy-attached-to-role":                         {exempt: "reader everything"},
		"aws-iam-policy-no-full-admin":                            {pass: "reader trails-only unused market reverted mfa-admin no-iam", fail: "everything escalated all-but-s3"},
		"aws-iam-policy-no-full-cloudtrail-access":                {pass: "reader market", fail: "trails-only"},
		"aws-iam-policy-no-privilege-escalation":                  {pass: "reader trails-only everything capped", fail: "climber pass-role", exempt: "unused reverted"},
		"aws-iam-policy-no-wildcard-marketplace-subscribe":        {pass: "reader trails-only", fail: "market everything"},
		"aws-iam-managed-admin-policy-restricted":                 {pass: "neglected-admin", fail: "tended-admin", exempt: "reader everything"},
		"aws-iam-inline-policy-not-used":                          {pass: "revoked-sessions", fail: "inline-admin inline-reader inline-climber inline-market"},
		"aws-iam-inline-policy-no-full-admin":                     {pass: "inline-reader inline-climber", fail: "inline-admin"},
		"aws-iam-inline-policy-no-privilege-escalation":           {pass: "inline-reader inline-admin", fail: "inline-climber"},
		"aws-iam-inline-policy-no-wildcard-marketplace-subscribe": {pass: "inline-reader", fail: "inline-market inline-admin"},

		"aws-iam-role-no-public-trust":            {pass: "service vendor-careful vendor-careless", fail: "anyone", exempt: "linked"},
		"aws-iam-role-external-trust-conditioned": {pass: "service vendor-careful", fail: "vendor-careless", exempt: "linked"},
		"aws-iam-role-no-bedrock-full-access":     {pass: "vendor-careful", fail: "vendor-careless", exempt: "service linked"},
	}
}

const (
	adminARN   = "arn:aws:iam::aws:policy/AdministratorAccess"
	bedrockARN = "arn:aws:iam::aws:policy/AmazonBedrockFullAccess"
	readOnly   = `{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":"arn:aws:s3:::data*"}`
	everything = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	climbing   = `{"Effect":"Allow","Action":["iam:CreatePolicyVersion","iam:SetDefaultPolicyVersion"],"Resource":"*"}`
	marketing  = `{"Effect":"Allow","Action":"aws-marketplace:Subscribe","Resource":"*"}`
	trailing   = `{"Effect":"Allow","Action":"cloudtrail:*","Resource":"*"}`
)

// people makes identities in an account.
type people struct {
	*builder
	account string
	api     *iam.Client
}

func buildIAM(b *builder) {
	tend := people{b, tended, iam.NewFromConfig(b.config(tended, east))}
	open := people{b, neglected, iam.NewFromConfig(b.config(neglected, east))}

	do(b, tend.api.UpdateAccountPasswordPolicy, &iam.UpdateAccountPasswordPolicyInput{
		MinimumPasswordLength: sdk.Int32(16), RequireSymbols: true, RequireNumbers: true, RequireUppercaseCharacters: true,
		RequireLowercaseCharacters: true, MaxPasswordAge: sdk.Int32(60), PasswordReusePrevention: sdk.Int32(24),
	})
	do(b, tend.api.CreateSAMLProvider, &iam.CreateSAMLProviderInput{
		Name: sdk.String("workforce"), SAMLMetadataDocument: sdk.String(saml),
	})

	tend.group("staff")
	tend.group("nobody")
	tend.user("alice", true, true, "staff")
	tend.user("bob", true, false, "")
	tend.user("robot", false, false, "")
	do(b, tend.api.CreateAccessKey, &iam.CreateAccessKeyInput{UserName: sdk.String("robot")})
	tend.user("retired", false, false, "")
	old := do(b, tend.api.CreateAccessKey, &iam.CreateAccessKeyInput{UserName: sdk.String("retired")})
	do(b, tend.api.UpdateAccessKey, &iam.UpdateAccessKeyInput{
		UserName: sdk.String("retired"), AccessKeyId: old.AccessKey.AccessKeyId, Status: types.StatusTypeInactive,
	})
	tend.user("carol", false, false, "")
	open.user("dora", true, false, "")
	do(b, open.api.CreateAccessKey, &iam.CreateAccessKeyInput{UserName: sdk.String("dora")})

	reader := tend.policy("reader", readOnly)
	tend.policy("unused", readOnly)
	do(b, tend.api.AttachUserPolicy, &iam.AttachUserPolicyInput{UserName: sdk.String("bob"), PolicyArn: reader})
	do(b, tend.api.AttachGroupPolicy, &iam.AttachGroupPolicyInput{GroupName: sdk.String("staff"), PolicyArn: tend.policy("climber", climbing)})
	do(b, tend.api.AttachGroupPolicy, &iam.AttachGroupPolicyInput{GroupName: sdk.String("staff"), PolicyArn: tend.policy("trails-only", trailing)})
	do(b, tend.api.AttachGroupPolicy, &iam.AttachGroupPolicyInput{GroupName: sdk.String("nobody"), PolicyArn: tend.policy("in-empty-group", readOnly)})

	again := func(policy *string, statement string, byDefault bool) {
		do(b, tend.api.CreatePolicyVersion, &iam.CreatePolicyVersionInput{PolicyArn: policy, PolicyDocument: document(statement), SetAsDefault: byDefault})
	}
	again(tend.policy("reverted", readOnly), everything, false) // the newest version is not the one in force
	again(tend.policy("escalated", readOnly), everything, true)
	tend.policy("mfa-admin", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`)
	tend.policy("all-but-s3", `{"Effect":"Allow","NotAction":"s3:*","Resource":"*"}`)
	tend.policy("no-iam", `{"Effect":"Allow","NotAction":["iam:*","sts:*","organizations:*","account:*"],"Resource":"*"}`)

	tend.role("service", `{"Service":"ec2.amazonaws.com"}`, "")
	tend.role("vendor-careful", `{"AWS":"arn:aws:iam::777788889999:root"}`, `"StringEquals":{"sts:ExternalId":"f3b1"}`)
	tend.role("vendor-careless", `{"AWS":"arn:aws:iam::777788889999:root"}`, "")
	tend.role("anyone", `"*"`, "")
	linked := do(b, tend.api.CreateServiceLinkedRole, &iam.CreateServiceLinkedRoleInput{AWSServiceName: sdk.String("autoscaling.amazonaws.com")})
	b.name("linked", tended, "global", *linked.Role.Arn)
	open.role("CloudWatch-CrossAccountSharingRole", `{"AWS":"arn:aws:iam::777788889999:root"}`, "")
	attach := func(role, policy string) {
		do(b, tend.api.AttachRolePolicy, &iam.AttachRolePolicyInput{RoleName: &role, PolicyArn: &policy})
	}
	attach("service", *tend.policy("everything", everything))
	attach("service", *tend.policy("market", marketing))
	attach("service", *tend.policy("pass-role", `{"Effect":"Allow","Action":["iam:PassRole","lambda:CreateFunction","lambda:InvokeFunction"],"Resource":"*"}`))
	attach("service", *tend.policy("capped", climbing+`,{"Effect":"Deny","Action":"iam:*","Resource":"*"}`))
	attach("service", bedrockARN)
	attach("vendor-careless", bedrockARN)
	attach("anyone", adminARN)
	b.name("tended-admin", tended, "global", adminARN)
	b.name("neglected-admin", neglected, "global", adminARN)

	for name, statement := range map[string]string{"inline-admin": everything, "inline-reader": readOnly, "inline-climber": climbing, "inline-market": marketing} {
		do(b, tend.api.PutUserPolicy, &iam.PutUserPolicyInput{UserName: sdk.String("carol"), PolicyName: &name, PolicyDocument: document(statement)})
		b.name(name, tended, "global", "arn:aws:iam::"+tended+":user/carol/inline-policy/"+name)
	}
	do(b, tend.api.PutRolePolicy, &iam.PutRolePolicyInput{
		RoleName: sdk.String("service"), PolicyName: sdk.String("AWSRevokeOlderSessions"),
		PolicyDocument: document(`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-01-01T00:00:00Z"}}}`),
	})
	b.name("revoked-sessions", tended, "global", "arn:aws:iam::"+tended+":role/service/inline-policy/AWSRevokeOlderSessions")
}

func document(statement string) *string {
	return sdk.String(`{"Version":"2012-10-17","Statement":[` + statement + `]}`)
}

func (p people) group(name string) {
	made := do(p.builder, p.api.CreateGroup, &iam.CreateGroupInput{GroupName: &name})
	p.name(name, p.account, "global", *made.Group.Arn)
}

func (p people) user(name string, console, mfa bool, group string) {
	made := do(p.builder, p.api.CreateUser, &iam.CreateUserInput{UserName: &name})
	p.name(name, p.account, "global", *made.User.Arn)
	if console {
		do(p.builder, p.api.CreateLoginProfile, &iam.CreateLoginProfileInput{UserName: &name, Password: sdk.String("Correct-Horse-17")})
	}
	if mfa {
		device := do(p.builder, p.api.CreateVirtualMFADevice, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: &name})
		do(p.builder, p.api.EnableMFADevice, &iam.EnableMFADeviceInput{
			UserName: &name, SerialNumber: device.VirtualMFADevice.SerialNumber,
			AuthenticationCode1: sdk.String("123456"), AuthenticationCode2: sdk.String("654321"),
		})
	}
	if group != "" {
		do(p.builder, p.api.AddUserToGroup, &iam.AddUserToGroupInput{UserName: &name, GroupName: &group})
	}
}

func (p people) policy(name, statement string) *string {
	made := do(p.builder, p.api.CreatePolicy, &iam.CreatePolicyInput{PolicyName: &name, PolicyDocument: document(statement)})
	p.name(name, p.account, "global", *made.Policy.Arn)
	return made.Policy.Arn
}

func (p people) role(name, principal, condition string) {
	if condition != "" {
		condition = `,"Condition":{` + condition + `}`
	}
	made := do(p.builder, p.api.CreateRole, &iam.CreateRoleInput{
		RoleName:                 &name,
		AssumeRolePolicyDocument: document(`{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"` + condition + `}`),
	})
	p.name(name, p.account, "global", *made.Role.Arn)
}

// saml is metadata of an identity provider, as long as IAM asks for.
const saml = `<?xml version="1.0"?><EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://login.example.com/metadata">
<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><SingleSignOnService
Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://login.example.com/sso"/></IDPSSODescriptor></EntityDescriptor>
<!-- IAM takes documents of 1,000 characters and more -->`
