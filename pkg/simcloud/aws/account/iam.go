package account

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// The roles of an account.
const roleService, roleApp, roleVendor, roleWorkforce, roleLinked = 0, 1, 2, 3, 4

var iamService = service{
	kinds: []world.Kind{
		{
			Name: "iam.root", Global: true, Count: 1, Fixed: true,
			Defects: []world.Defect{{Name: "no-mfa", Drift: 0.2}, {Name: "virtual-mfa", Share: 0.4}, {Name: "access-key", Drift: 0.2}, {Name: "used-recently", Drift: 0.3}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return global("aws.iam.root", it, it.Account.ID), map[string]posture.Result{
					"aws-iam-root-mfa-enabled":          failIf(it.Has("no-mfa")),
					"aws-iam-root-hardware-mfa-enabled": failIf(it.Has("no-mfa") || it.Has("virtual-mfa")),
					"aws-iam-root-no-access-keys":       failIf(it.Has("access-key")),
					"aws-iam-root-not-used-recently":    failIf(it.Has("used-recently")),
				}
			},
		},
		{
			Name: "iam.password_policy", Global: true, Count: 1, Fixed: true,
			Defects: []world.Defect{{Name: "unset", Share: 0.1, Drift: 0.1}, {Name: "weak", Share: 0.2, Drift: 0.1}, {Name: "no-expiry", Share: 0.4}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return global("aws.iam.password_policy", it, it.Account.ID), map[string]posture.Result{
					"aws-iam-password-policy-strong":  failIf(it.Has("unset") || it.Has("weak")),
					"aws-iam-password-policy-max-age": failIf(it.Has("unset") || it.Has("no-expiry")),
				}
			},
		},
		{
			Name: "iam.user", Global: true, Count: 6,
			Defects: []world.Defect{{Name: "no-mfa", Share: 0.15, Drift: 0.1}, {Name: "no-console", Share: 0.3}, {Name: "has-key", Share: 0.5}, {Name: "old-key", Share: 0.2}, {Name: "idle-key", Share: 0.15},
				{Name: "idle-console", Share: 0.15, Drift: 0.1}, {Name: "no-group", Share: 0.15}, {Name: "direct-policy", Share: 0.15, Drift: 0.1}},
			Expect: expectUser,
		},
		{
			Name: "iam.group", Global: true, Count: 2, Fixed: true, Defects: []world.Defect{{Name: "empty", Share: 0.3, Drift: 0.2}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return global("aws.iam.group", it, groupARN(it)), map[string]posture.Result{"aws-iam-group-not-empty": failIf(len(members(s, it)) == 0)}
			},
		},
		{
			Name: "iam.role", Global: true, Count: 5, Fixed: true,
			Defects: []world.Defect{{Name: "public-trust", Drift: 0.1}, {Name: "bedrock", Share: 0.2}, {Name: "no-external-id", Share: 0.2, Drift: 0.3}, {Name: "sharing", Drift: 0.2}},
			Expect:  expectRole,
			ExpectAccount: func(s *world.State) map[string]posture.Result {
				workforce := posture.Pass
				if s.Items("iam.federation")[0].Has("none") {
					for _, u := range s.Items("iam.user") {
						if !u.Has("no-console") {
							workforce = posture.Unknown // Identity Center itself is not collected
						}
					}
				}
				return map[string]posture.Result{
					"aws-iam-workforce-federated":                   workforce,
					"aws-cloudwatch-cross-account-sharing-disabled": failIf(s.Find("iam.role", posture.Global, roleVendor).Has("sharing")),
				}
			},
		},
		{
			Name: "iam.policy", Global: true, Count: 3, Fixed: true,
			Defects: []world.Defect{{Name: "full-admin", Share: 0.1, Drift: 0.1}, {Name: "escalation", Share: 0.15, Drift: 0.1}, {Name: "cloudtrail", Share: 0.1}, {Name: "marketplace", Share: 0.1}, {Name: "unattached", Share: 0.2, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				escalation := failIf(it.Has("escalation") && !it.Has("full-admin"))
				if it.Has("unattached") {
					escalation = posture.DoesNotApply
				}
				return global("aws.iam.policy", it, policyARN(it)), map[string]posture.Result{
					"aws-iam-policy-attached-to-role":                  posture.DoesNotApply, // none is named as required
					"aws-iam-policy-in-use":                            failIf(it.Has("unattached")),
					"aws-iam-policy-no-full-admin":                     failIf(it.Has("full-admin")),
					"aws-iam-managed-admin-policy-restricted":          posture.DoesNotApply,
					"aws-iam-policy-no-privilege-escalation":           escalation,
					"aws-iam-policy-no-full-cloudtrail-access":         failIf(it.Has("cloudtrail")),
					"aws-iam-policy-no-wildcard-marketplace-subscribe": failIf(it.Has("marketplace") || it.Has("full-admin")),
				}
			},
		},
		{
			Name: "iam.admin", Global: true, Count: 1, Fixed: true, Defects: []world.Defect{{Name: "on-group", Share: 0.2, Drift: 0.2}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				out := map[string]posture.Result{}
				for _, rule := range []string{"attached-to-role", "in-use", "no-full-admin", "no-privilege-escalation", "no-full-cloudtrail-access", "no-wildcard-marketplace-subscribe"} {
					out["aws-iam-policy-"+rule] = posture.DoesNotApply
				}
				out["aws-iam-managed-admin-policy-restricted"] = failIf(it.Has("on-group") || s.Items("iam.federation")[0].Has("none"))
				return global("aws.iam.policy", it, adminPolicy), out
			},
		},
		{
			Name: "iam.inline_policy", Global: true, Count: 1, Defects: []world.Defect{{Name: "full-admin", Drift: 0.15}, {Name: "escalation", Share: 0.2}, {Name: "marketplace", Drift: 0.2}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				owner := s.Find("iam.role", posture.Global, roleApp)
				return global("aws.iam.inline_policy", it, roleARN(s, owner)+"/inline-policy/adhoc"), map[string]posture.Result{
					"aws-iam-inline-policy-not-used":                          posture.Fail,
					"aws-iam-inline-policy-no-full-admin":                     failIf(it.Has("full-admin")),
					"aws-iam-inline-policy-no-privilege-escalation":           failIf(it.Has("escalation") && !it.Has("full-admin")),
					"aws-iam-inline-policy-no-wildcard-marketplace-subscribe": failIf(it.Has("marketplace") || it.Has("full-admin")),
				}
			},
		},
		{Name: "iam.federation", Global: true, Count: 1, Fixed: true, Defects: []world.Defect{{Name: "none", Share: 0.2, Drift: 0.1}}},
	},
	handle: handleIAM,
}

const adminPolicy = "arn:aws:iam::aws:policy/AdministratorAccess"

func global(kind string, it *world.Item, id string) posture.Key { return keyOf(kind, it, id) }

func userARN(it *world.Item) string  { return it.ARN("iam", "", "user/"+it.Name()) }
func groupARN(it *world.Item) string { return it.ARN("iam", "", "group/"+groupName(it)) }
func policyARN(it *world.Item) string {
	return it.ARN("iam", "", "policy/"+it.Name())
}
func groupName(it *world.Item) string { return []string{"developers", "auditors"}[it.Index] }

// members: everybody in a group is a developer; all of them are auditors too, unless that group is empty.
func members(s *world.State, group *world.Item) []*world.Item {
	if group.Index == 1 && group.Has("empty") {
		return nil
	}
	var out []*world.Item
	for _, u := range s.Items("iam.user") {
		if !u.Has("no-group") {
			out = append(out, u)
		}
	}
	return out
}

func expectUser(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
	console, key := !it.Has("no-console"), it.Has("has-key")
	when := func(applies, defect bool) posture.Result {
		if !applies {
			return posture.DoesNotApply
		}
		return failIf(defect)
	}
	return global("aws.iam.user", it, userARN(it)), map[string]posture.Result{
		"aws-iam-user-console-mfa-enabled": when(console, it.Has("no-mfa")),
		"aws-iam-user-mfa-enabled":         when(console || key, it.Has("no-mfa")),
		"aws-iam-user-access-key-rotated":  when(key, it.Has("old-key")),
		"aws-iam-user-access-key-unused":   when(key, it.Has("idle-key")),
		"aws-iam-user-console-unused":      when(console, it.Has("idle-console")),
		"aws-iam-user-in-group":            failIf(it.Has("no-group")),
		"aws-iam-user-no-direct-policies":  failIf(it.Has("direct-policy")),
	}
}

func expectRole(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
	out := map[string]posture.Result{
		"aws-iam-role-no-public-trust":            failIf(it.Index == roleApp && it.Has("public-trust")),
		"aws-iam-role-external-trust-conditioned": failIf(it.Index == roleVendor && it.Has("no-external-id")),
		"aws-iam-role-no-bedrock-full-access":     failIf(it.Index == roleApp && it.Has("bedrock")),
	}
	if it.Index == roleLinked || it.Index == roleService {
		out["aws-iam-role-no-bedrock-full-access"] = posture.DoesNotApply
	}
	if it.Index == roleLinked {
		out["aws-iam-role-no-public-trust"], out["aws-iam-role-external-trust-conditioned"] = posture.DoesNotApply, posture.DoesNotApply
	}
	return global("aws.iam.role", it, roleARN(s, it)), out
}

// rolePath returns where a role lives and what it is called.
func rolePath(s *world.State, it *world.Item) (path, name string) {
	switch it.Index {
	case roleService:
		return "/", "instances"
	case roleApp:
		return "/", "application"
	case roleVendor:
		if it.Has("sharing") {
			return "/", "CloudWatch-CrossAccountSharingRole"
		}
		return "/", "vendor-read"
	case roleWorkforce:
		if s.Items("iam.federation")[0].Has("none") {
			return "/", "legacy-admin"
		}
		return "/aws-reserved/sso.amazonaws.com/", "AWSReservedSSO_Administrator_0a1b2c3d4e5f6071"
	default:
		return "/aws-service-role/config.amazonaws.com/", "AWSServiceRoleForConfig"
	}
}

func roleARN(s *world.State, it *world.Item) string {
	path, name := rolePath(s, it)
	return it.ARN("iam", "", "role"+path+name)
}

// trust is a role's trust policy.
func trust(s *world.State, it *world.Item) string {
	principal, action, condition := `{"AWS":"arn:aws:iam::`+it.Account.ID+`:root"}`, "sts:AssumeRole", ""
	switch it.Index {
	case roleService:
		principal = `{"Service":"ec2.amazonaws.com"}`
	case roleApp:
		if it.Has("public-trust") {
			principal = `"*"`
		}
	case roleVendor:
		principal = `{"AWS":"arn:aws:iam::888800007777:root"}`
		if !it.Has("no-external-id") {
			condition = `,"Condition":{"StringEquals":{"sts:ExternalId":"` + it.Hex(12, "external") + `"}}`
		}
	case roleWorkforce:
		if _, name := rolePath(s, it); name != "legacy-admin" {
			principal, action = `{"Federated":"arn:aws:iam::`+it.Account.ID+`:saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE"}`, "sts:AssumeRoleWithSAML"
		}
	case roleLinked:
		principal = `{"Service":"config.amazonaws.com"}`
	}
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"` + action + `"` + condition + `}]}`
}

// grants is the policy document of a thing with the defects of policies.
func grants(it *world.Item) *string {
	statements := []string{`{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":"arn:aws:s3:::reports*"}`}
	for _, d := range [][2]string{{"full-admin", "*"}, {"escalation", "iam:CreatePolicyVersion"}, {"cloudtrail", "cloudtrail:*"}, {"marketplace", "aws-marketplace:Subscribe"}} {
		if it.Has(d[0]) {
			statements = append(statements, `{"Effect":"Allow","Action":"`+d[1]+`","Resource":"*"}`)
		}
	}
	return encoded(`{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`)
}

// encoded is a document as IAM returns it.
func encoded(document string) *string {
	return sdk.String(strings.ReplaceAll(url.QueryEscape(document), "+", "%20"))
}

func handleIAM(s *aws.Server, w *states) {
	aws.Handle(s, func(c aws.Call[*iam.GetAccountAuthorizationDetailsInput]) (*iam.GetAccountAuthorizationDetailsOutput, error) {
		return authorizationDetails(at(w, c)), nil
	})
	aws.Handle(s, func(aws.Call[*iam.GenerateCredentialReportInput]) (*iam.GenerateCredentialReportOutput, error) {
		return &iam.GenerateCredentialReportOutput{State: types.ReportStateTypeComplete}, nil
	})
	aws.Handle(s, func(c aws.Call[*iam.GetCredentialReportInput]) (*iam.GetCredentialReportOutput, error) {
		state := at(w, c)
		return &iam.GetCredentialReportOutput{Content: credentialReport(state), GeneratedTime: sdk.Time(state.Time()), ReportFormat: types.ReportFormatTypeTextCsv}, nil
	})
	aws.Handle(s, func(c aws.Call[*iam.GetAccountSummaryInput]) (*iam.GetAccountSummaryOutput, error) {
		root := at(w, c).Items("iam.root")[0]
		bit := func(on bool) int32 {
			if on {
				return 1
			}
			return 0
		}
		return &iam.GetAccountSummaryOutput{SummaryMap: map[string]int32{"AccountMFAEnabled": bit(!root.Has("no-mfa")), "AccountAccessKeysPresent": bit(root.Has("access-key")), "AccountPasswordPresent": 1, "AccountSigningCertificatesPresent": 0}}, nil
	})
	aws.Handle(s, func(c aws.Call[*iam.GetAccountPasswordPolicyInput]) (*iam.GetAccountPasswordPolicyOutput, error) {
		it := at(w, c).Items("iam.password_policy")[0]
		if it.Has("unset") {
			return nil, &aws.Error{Code: "NoSuchEntity", Message: "The Password Policy with domain name " + c.Account + " cannot be found.", Status: 404}
		}
		p := &types.PasswordPolicy{MinimumPasswordLength: sdk.Int32(16), RequireLowercaseCharacters: true, RequireUppercaseCharacters: true, RequireNumbers: true, RequireSymbols: true, AllowUsersToChangePassword: true,
			PasswordReusePrevention: sdk.Int32(24), MaxPasswordAge: sdk.Int32(90), ExpirePasswords: true}
		if it.Has("weak") {
			p.MinimumPasswordLength = sdk.Int32(8)
		}
		if it.Has("no-expiry") {
			p.MaxPasswordAge, p.ExpirePasswords = nil, false
		}
		return &iam.GetAccountPasswordPolicyOutput{PasswordPolicy: p}, nil
	})
	aws.Handle(s, func(c aws.Call[*iam.ListVirtualMFADevicesInput]) (*iam.ListVirtualMFADevicesOutput, error) {
		out := &iam.ListVirtualMFADevicesOutput{VirtualMFADevices: []types.VirtualMFADevice{}}
		state := at(w, c)
		if root := state.Items("iam.root")[0]; root.Has("virtual-mfa") && !root.Has("no-mfa") {
			out.VirtualMFADevices = []types.VirtualMFADevice{{SerialNumber: sdk.String(root.ARN("iam", "", "mfa/root-account-mfa-device")), EnableDate: sdk.Time(state.Long(root, 100)),
				User: &types.User{Arn: sdk.String(root.ARN("iam", "", "root")), UserId: sdk.String(c.Account), UserName: sdk.String("root"), Path: sdk.String("/"), CreateDate: sdk.Time(state.Long(root, 500))}}}
		}
		return out, nil
	})
	aws.Handle(s, func(aws.Call[*iam.ListServerCertificatesInput]) (*iam.ListServerCertificatesOutput, error) {
		return &iam.ListServerCertificatesOutput{ServerCertificateMetadataList: []types.ServerCertificateMetadata{}}, nil
	})
	aws.Handle(s, func(c aws.Call[*iam.ListSAMLProvidersInput]) (*iam.ListSAMLProvidersOutput, error) {
		out := &iam.ListSAMLProvidersOutput{SAMLProviderList: []types.SAMLProviderListEntry{}}
		state := at(w, c)
		if it := state.Items("iam.federation")[0]; !it.Has("none") {
			out.SAMLProviderList = []types.SAMLProviderListEntry{{Arn: sdk.String(it.ARN("iam", "", "saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE")), CreateDate: sdk.Time(state.Long(it, 300))}}
		}
		return out, nil
	})
	oidc := func(it *world.Item) string {
		return it.ARN("iam", "", "oidc-provider/token.actions.githubusercontent.com")
	}
	aws.Handle(s, func(c aws.Call[*iam.ListOpenIDConnectProvidersInput]) (*iam.ListOpenIDConnectProvidersOutput, error) {
		return &iam.ListOpenIDConnectProvidersOutput{OpenIDConnectProviderList: []types.OpenIDConnectProviderListEntry{{Arn: sdk.String(oidc(at(w, c).Items("iam.federation")[0]))}}}, nil
	})
	aws.Handle(s, func(aws.Call[*iam.GetOpenIDConnectProviderInput]) (*iam.GetOpenIDConnectProviderOutput, error) {
		return &iam.GetOpenIDConnectProviderOutput{Url: sdk.String("token.actions.githubusercontent.com"), ClientIDList: []string{"sts.amazonaws.com"}}, nil
	})
}

func authorizationDetails(s *world.State) *iam.GetAccountAuthorizationDetailsOutput {
	out := &iam.GetAccountAuthorizationDetailsOutput{}
	root := s.Items("iam.root")[0]
	created := sdk.Time(s.Long(root, 500))
	for _, u := range s.Items("iam.user") {
		d := types.UserDetail{Arn: sdk.String(userARN(u)), UserName: sdk.String(u.Name()), UserId: sdk.String("AIDA" + strings.ToUpper(u.Hex(16, "id"))), Path: sdk.String("/"), CreateDate: created}
		for _, g := range s.Items("iam.group") {
			for _, m := range members(s, g) {
				if m == u {
					d.GroupList = append(d.GroupList, groupName(g))
				}
			}
		}
		if u.Has("direct-policy") {
			d.AttachedManagedPolicies = []types.AttachedPolicy{{PolicyArn: sdk.String("arn:aws:iam::aws:policy/ReadOnlyAccess"), PolicyName: sdk.String("ReadOnlyAccess")}}
		}
		out.UserDetailList = append(out.UserDetailList, d)
	}
	admin := s.Items("iam.admin")[0]
	adminAttached := types.AttachedPolicy{PolicyArn: sdk.String(adminPolicy), PolicyName: sdk.String("AdministratorAccess")}
	for _, g := range s.Items("iam.group") {
		d := types.GroupDetail{Arn: sdk.String(groupARN(g)), GroupName: sdk.String(groupName(g)), GroupId: sdk.String("AGPA" + strings.ToUpper(g.Hex(16, "id"))), Path: sdk.String("/"), CreateDate: created}
		if g.Index == 0 && admin.Has("on-group") {
			d.AttachedManagedPolicies = []types.AttachedPolicy{adminAttached}
		}
		out.GroupDetailList = append(out.GroupDetailList, d)
	}
	for _, r := range s.Items("iam.role") {
		path, name := rolePath(s, r)
		d := types.RoleDetail{Arn: sdk.String(roleARN(s, r)), RoleName: sdk.String(name), RoleId: sdk.String("AROA" + strings.ToUpper(r.Hex(16, "id"))), Path: sdk.String(path), CreateDate: created, AssumeRolePolicyDocument: encoded(trust(s, r)),
			RoleLastUsed: &types.RoleLastUsed{LastUsedDate: sdk.Time(s.Since(r, 7, "used")), Region: sdk.String(r.Account.Home())}}
		switch r.Index {
		case roleApp:
			for _, p := range s.Items("iam.policy") {
				if !p.Has("unattached") {
					d.AttachedManagedPolicies = append(d.AttachedManagedPolicies, types.AttachedPolicy{PolicyArn: sdk.String(policyARN(p)), PolicyName: sdk.String(p.Name())})
				}
			}
			if r.Has("bedrock") {
				d.AttachedManagedPolicies = append(d.AttachedManagedPolicies, types.AttachedPolicy{PolicyArn: sdk.String("arn:aws:iam::aws:policy/AmazonBedrockFullAccess"), PolicyName: sdk.String("AmazonBedrockFullAccess")})
			}
			for _, p := range s.Items("iam.inline_policy") {
				d.RolePolicyList = append(d.RolePolicyList, types.PolicyDetail{PolicyName: sdk.String("adhoc"), PolicyDocument: grants(p)})
			}
		case roleWorkforce:
			d.AttachedManagedPolicies = []types.AttachedPolicy{adminAttached}
		}
		out.RoleDetailList = append(out.RoleDetailList, d)
	}
	policy := func(arn, name string, attached int32, document *string) types.ManagedPolicyDetail {
		return types.ManagedPolicyDetail{Arn: sdk.String(arn), PolicyName: sdk.String(name), AttachmentCount: sdk.Int32(attached), DefaultVersionId: sdk.String("v1"), IsAttachable: true, CreateDate: created,
			PolicyVersionList: []types.PolicyVersion{{VersionId: sdk.String("v1"), IsDefaultVersion: true, Document: document, CreateDate: created}}}
	}
	for _, p := range s.Items("iam.policy") {
		attached := int32(1)
		if p.Has("unattached") {
			attached = 0
		}
		out.Policies = append(out.Policies, policy(policyARN(p), p.Name(), attached, grants(p)))
	}
	out.Policies = append(out.Policies, policy(adminPolicy, "AdministratorAccess", 1, encoded(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)))
	return out
}

// credentialReport is IAM's table of credentials.
func credentialReport(s *world.State) []byte {
	var b strings.Builder
	b.WriteString("user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated\n")
	stamp := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	line := func(user, arn, created, password, used, changed string, mfa, key bool, rotated, keyUsed string) {
		fmt.Fprintf(&b, "%s,%s,%s,%s,%s,%s,N/A,%t,%t,%s,%s,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A\n", user, arn, created, password, used, changed, mfa, key, rotated, keyUsed)
	}
	root := s.Items("iam.root")[0]
	created := stamp(s.Long(root, 500))
	rootUsed := stamp(s.Long(root, 200))
	if root.Has("used-recently") {
		rootUsed = stamp(s.Since(root, 30, "used"))
	}
	rotated := "N/A"
	if root.Has("access-key") {
		rotated = stamp(s.Long(root, 300))
	}
	line("<root_account>", root.ARN("iam", "", "root"), created, "not_supported", rootUsed, "not_supported", !root.Has("no-mfa"), root.Has("access-key"), rotated, "N/A")
	for _, u := range s.Items("iam.user") {
		password, used, changed := "false", "N/A", "N/A"
		if !u.Has("no-console") {
			password, used, changed = "true", stamp(s.Since(u, 10, "signin")), stamp(s.Long(u, 200))
			if u.Has("idle-console") {
				used = stamp(s.Long(u, 100))
			}
		}
		rotated, keyUsed := "N/A", "N/A"
		if u.Has("has-key") {
			rotated, keyUsed = stamp(s.Since(u, 60, "rotated")), stamp(s.Since(u, 10, "used"))
			if u.Has("old-key") {
				rotated = stamp(s.Long(u, 200))
			}
			if u.Has("idle-key") {
				keyUsed = stamp(s.Long(u, 60))
			}
		}
		line(u.Name(), userARN(u), created, password, used, changed, !u.Has("no-mfa"), u.Has("has-key"), rotated, keyUsed)
	}
	return []byte(b.String())
}
