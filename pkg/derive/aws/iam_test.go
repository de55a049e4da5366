package aws

import (
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

const iamARN = "arn:aws:iam::" + account + ":"

// day is noon, n days before the account was read; before is a little more than n days before it.
func day(n int) posture.Opt[time.Time] {
	return posture.Some(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).AddDate(0, 0, -n))
}

func before(n int) posture.Opt[time.Time] {
	t, _ := day(n).Get()
	return posture.Some(t.Add(-time.Hour))
}

func user(name string, change func(*schema.IAMUser), refused ...string) *posture.Resource {
	u := &schema.IAMUser{Meta: posture.Meta{Name: name, CreatedAt: day(400)}, Path: "/"}
	if change != nil {
		change(u)
	}
	return resource(schema.IAMUserType, iamARN+"user/"+name, u, refused...)
}

func role(path, name string, change func(*schema.IAMRole), refused ...string) *posture.Resource {
	r := &schema.IAMRole{Meta: posture.Meta{Name: name}, Path: path}
	if change != nil {
		change(r)
	}
	return resource(schema.IAMRoleType, iamARN+"role"+path+name, r, refused...)
}

func group(name string, members int64, policies []string, refused ...string) *posture.Resource {
	return resource(schema.IAMGroupType, iamARN+"group/"+name,
		&schema.IAMGroup{Meta: posture.Meta{Name: name}, MemberCount: members, AttachedPolicyARNs: policies}, refused...)
}

func TestIAMRoot(t *testing.T) {
	root := func(active, virtual bool, refused ...string) []*posture.Resource {
		return []*posture.Resource{resource(schema.IAMRootType, account, &schema.IAMRoot{MFAActive: active, MFAVirtual: virtual}, refused...)}
	}
	check(t, map[string]derivation{
		"a device that is not virtual is hardware":      {resources: root(true, false), want: map[string]any{"mfa_hardware": true}},
		"a virtual device is not hardware":              {resources: root(true, true), want: map[string]any{"mfa_hardware": false}},
		"refused devices leave active MFA unread":       {resources: root(true, false, "mfa_virtual"), want: map[string]any{"mfa_hardware": "unread: read mfa_virtual"}},
		"refused devices do not matter without MFA":     {resources: root(false, false, "mfa_virtual"), want: map[string]any{"mfa_hardware": false}},
		"a virtual device decides, active or not known": {resources: root(false, true, "mfa_active"), want: map[string]any{"mfa_hardware": false}},
	})
}

func TestIAMPasswordPolicy(t *testing.T) {
	policy := resource(schema.IAMPasswordPolicyType, account, &schema.IAMPasswordPolicy{})
	console := func(u *schema.IAMUser) { u.PasswordEnabled = true }
	check(t, map[string]derivation{
		"users with a password are counted": {
			resources: []*posture.Resource{policy, user("ada", console), user("bob", console), user("bot", nil)},
			want:      map[string]any{"iam_console_users": int64(2)},
		},
		"a user whose password was not read leaves the count unread": {
			resources: []*posture.Resource{resource(schema.IAMPasswordPolicyType, account, &schema.IAMPasswordPolicy{}), user("ada", console), user("bob", nil, "password_enabled")},
			want:      map[string]any{"iam_console_users": "unread: read password_enabled"},
		},
		"users that were not listed leave the count unread": {
			refused:   []*posture.Type{schema.IAMUserType},
			resources: []*posture.Resource{resource(schema.IAMPasswordPolicyType, account, &schema.IAMPasswordPolicy{}), user("ada", console)},
			want:      map[string]any{"iam_console_users": "unread: list aws.iam.user"},
		},
	})
}

func TestIAMUserKeys(t *testing.T) {
	keys := func(keys ...schema.IAMAccessKey) func(*schema.IAMUser) {
		return func(u *schema.IAMUser) { u.AccessKeys = keys }
	}
	used := schema.IAMAccessKey{Slot: 1, Active: true, RotatedAt: before(100), LastUsedAt: before(2)}
	unused := schema.IAMAccessKey{Slot: 2, Active: true, RotatedAt: before(50)}
	inactive := schema.IAMAccessKey{Slot: 2, RotatedAt: day(900)}
	check(t, map[string]derivation{
		"without a key there is no age": {
			resources: []*posture.Resource{user("ada", nil)},
			want:      map[string]any{"active_key_count": int64(0), "key_age_days_max": nil, "key_idle_days_max": nil},
		},
		"the oldest active key counts, in whole days": {
			resources: []*posture.Resource{user("ada", keys(used, unused))},
			want:      map[string]any{"active_key_count": int64(2), "key_age_days_max": int64(100), "key_idle_days_max": int64(50)},
		},
		"an inactive key does not count": {
			resources: []*posture.Resource{user("ada", keys(used, inactive))},
			want:      map[string]any{"active_key_count": int64(1), "key_age_days_max": int64(100), "key_idle_days_max": int64(2)},
		},
		"a key made just now is no day old": {
			resources: []*posture.Resource{user("ada", keys(schema.IAMAccessKey{Slot: 1, Active: true, RotatedAt: day(0)}))},
			want:      map[string]any{"key_age_days_max": int64(0), "key_idle_days_max": int64(0)},
		},
		"an unread date matters to what rests on it": {
			resources: []*posture.Resource{user("ada", keys(used, unused), "access_keys[1].rotated_at")},
			want: map[string]any{
				"active_key_count": int64(2), "key_idle_days_max": int64(50),
				"key_age_days_max": "unread: read access_keys[1].rotated_at",
			},
		},
		"an unread date of an inactive key does not matter": {
			resources: []*posture.Resource{user("ada", keys(used, inactive), "access_keys[2].rotated_at", "access_keys[2].last_used_at")},
			want:      map[string]any{"active_key_count": int64(1), "key_age_days_max": int64(100), "key_idle_days_max": int64(2)},
		},
		"a key that may be active leaves all unread": {
			resources: []*posture.Resource{user("ada", keys(used, unused), "access_keys[2].active")},
			want: map[string]any{
				"active_key_count": "unread: read access_keys[2].active", "key_age_days_max": "unread: read access_keys[2].active",
				"key_idle_days_max": "unread: read access_keys[2].active",
			},
		},
		"a list that may be longer leaves all unread": {
			resources: []*posture.Resource{user("ada", keys(used), "access_keys[]")},
			want:      map[string]any{"active_key_count": "unread: read access_keys[]", "key_age_days_max": "unread: read access_keys[]"},
		},
		"a refused report leaves all unread": {
			resources: []*posture.Resource{user("ada", nil, "access_keys")},
			want:      map[string]any{"active_key_count": "unread: read access_keys", "key_idle_days_max": "unread: read access_keys"},
		},
	})
}

func TestIAMUserConsole(t *testing.T) {
	console := func(used, changed posture.Opt[time.Time]) func(*schema.IAMUser) {
		return func(u *schema.IAMUser) {
			u.PasswordEnabled, u.PasswordLastUsedAt, u.PasswordChangedAt = true, used, changed
		}
	}
	never := posture.Opt[time.Time]{}
	check(t, map[string]derivation{
		"without a password nothing is idle, whatever was not read": {
			resources: []*posture.Resource{user("ada", nil, "password_last_used_at", "password_changed_at")},
			want:      map[string]any{"console_idle_days": nil, "console_never_used": false},
		},
		"a used password is idle since then": {
			resources: []*posture.Resource{user("ada", console(before(3), day(200)), "password_changed_at")},
			want:      map[string]any{"console_idle_days": int64(3), "console_never_used": false},
		},
		"a password never used is idle since it was set": {
			resources: []*posture.Resource{user("ada", console(never, before(200)))},
			want:      map[string]any{"console_idle_days": int64(200), "console_never_used": true},
		},
		"a password of unknown date is idle since the user was made": {
			resources: []*posture.Resource{user("ada", console(never, never))},
			want:      map[string]any{"console_idle_days": int64(400), "console_never_used": true},
		},
		"an unread last use leaves both unread": {
			resources: []*posture.Resource{user("ada", console(never, day(200)), "password_last_used_at")},
			want: map[string]any{
				"console_idle_days": "unread: read password_last_used_at", "console_never_used": "unread: read password_last_used_at",
			},
		},
		"a user missing from the report is unread": {
			resources: []*posture.Resource{user("ada", nil, "password_enabled", "password_last_used_at", "password_changed_at")},
			want: map[string]any{
				"console_idle_days":  "unread: read password_enabled",
				"console_never_used": "unread: read password_enabled, read password_last_used_at",
			},
		},
	})
}

func TestIAMRole(t *testing.T) {
	trusts := func(statements ...schema.IAMTrustStatement) func(*schema.IAMRole) {
		return func(r *schema.IAMRole) { r.TrustStatements = statements }
	}
	allow := func(principal, conditions string) schema.IAMTrustStatement {
		return schema.IAMTrustStatement{Effect: "Allow", Principals: []string{principal}, Actions: []string{"sts:assumerole"}, ConditionsJSON: conditions}
	}
	check(t, map[string]derivation{
		"a service-linked role is known by its path": {
			resources: []*posture.Resource{role("/aws-service-role/config.amazonaws.com/", "linked", trusts(allow("Service:config.amazonaws.com", "")))},
			want:      map[string]any{"service_linked": true, "service_role": true, "identity_center_role": false, "confused_deputy_exposed": true},
		},
		"so is one that Identity Center made": {
			resources: []*posture.Resource{role("/aws-reserved/sso.amazonaws.com/eu-west-1/", "AWSReservedSSO_x", nil)},
			want:      map[string]any{"service_linked": false, "identity_center_role": true},
		},
		"the own account and one the deployment trusts are not external": {
			resources: []*posture.Resource{role("/", "app", trusts(allow("AWS:arn:aws:iam::"+account+":root", ""), allow("AWS:444455556666", "")))},
			want: map[string]any{
				"trusted_external_accounts": []any{}, "external_trust_conditioned": true, "trust_public": false, "service_role": false,
				"confused_deputy_exposed": false,
			},
		},
		"another account is": {
			resources: []*posture.Resource{role("/", "app", trusts(allow("AWS:arn:aws:iam::777788889999:root", "")))},
			want:      map[string]any{"trusted_external_accounts": []any{"777788889999"}, "external_trust_conditioned": false},
		},
		"an external id conditions its trust": {
			resources: []*posture.Resource{role("/", "app", trusts(allow("AWS:arn:aws:iam::777788889999:root", `{"StringEquals":{"sts:ExternalId":["7f"]}}`)))},
			want:      map[string]any{"trusted_external_accounts": []any{"777788889999"}, "external_trust_conditioned": true},
		},
		"everyone may be trusted": {
			resources: []*posture.Resource{role("/", "app", trusts(allow("*", "")))},
			want:      map[string]any{"trust_public": true},
		},
		"everyone but some is everyone": {
			resources: []*posture.Resource{role("/", "app", trusts(schema.IAMTrustStatement{
				Effect: "Allow", NotPrincipals: []string{"AWS:arn:aws:iam::777788889999:root"}, Actions: []string{"sts:assumerole"}}))},
			want: map[string]any{"trust_public": true, "service_role": false},
		},
		"a trust policy that was not read leaves what rests on it unread, and no more": {
			resources: []*posture.Resource{role("/", "app", nil, "trust_statements")},
			want: map[string]any{
				"service_linked": false, "identity_center_role": false,
				"service_role": "unread: read trust_statements", "trust_public": "unread: read trust_statements",
				"trusted_external_accounts": "unread: read trust_statements", "external_trust_conditioned": "unread: read trust_statements",
				"federated_subject_open": "unread: read trust_statements", "confused_deputy_exposed": "unread: read trust_statements",
			},
		},
		"a statement without actions cannot be judged": {
			resources: []*posture.Resource{role("/", "app", trusts(schema.IAMTrustStatement{Effect: "Allow", Principals: []string{"*"}}))},
			want:      map[string]any{"trust_public": "unread: parse_error"},
		},
	})
}

func TestIAMPolicy(t *testing.T) {
	const arn = iamARN + "policy/deploy"
	policy := func(refused ...string) *posture.Resource {
		return resource(schema.IAMPolicyType, arn, &schema.IAMPolicy{Statements: []schema.IAMStatement{
			{Effect: "Allow", Actions: []string{"*"}, Resources: []string{"*"}},
			{Effect: "Allow", Actions: []string{"cloudtrail:*"}, Resources: []string{"*"}},
		}}, refused...)
	}
	onUser := func(u *schema.IAMUser) { u.AttachedPolicyARNs = []string{arn} }
	onRole := func(r *schema.IAMRole) { r.AttachedPolicyARNs = []string{arn} }
	check(t, map[string]derivation{
		"a policy that nobody holds is not in use": {
			resources: []*posture.Resource{policy(), user("ada", nil), role("/", "app", nil), group("staff", 3, nil)},
			want: map[string]any{
				"in_use": false, "attached_user_names": []any{}, "attached_group_names": []any{}, "attached_role_names": []any{},
			},
		},
		"holders are named in order, without their paths": {
			resources: []*posture.Resource{policy(), user("bob", onUser), user("ada", onUser), role("/ci/", "app", onRole), group("staff", 3, []string{arn})},
			want: map[string]any{
				"in_use": true, "attached_user_names": []any{"ada", "bob"}, "attached_group_names": []any{"staff"}, "attached_role_names": []any{"app"},
			},
		},
		"an empty group does not use a policy": {
			resources: []*posture.Resource{policy(), group("staff", 0, []string{arn})},
			want:      map[string]any{"in_use": false, "attached_group_names": []any{"staff"}},
		},
		"a group whose members were not counted may": {
			resources: []*posture.Resource{policy(), group("staff", 0, []string{arn}, "member_count")},
			want:      map[string]any{"in_use": "unread: read member_count"},
		},
		"a group without the policy does not matter": {
			resources: []*posture.Resource{policy(), group("staff", 0, nil, "member_count")},
			want:      map[string]any{"in_use": false},
		},
		"a boundary is a use": {
			resources: []*posture.Resource{policy(), role("/", "app", func(r *schema.IAMRole) { r.PermissionsBoundaryARN = arn })},
			want:      map[string]any{"in_use": true, "attached_role_names": []any{}},
		},
		"one holder proves use, even where roles were not listed": {
			refused:   []*posture.Type{schema.IAMRoleType},
			resources: []*posture.Resource{policy(), user("ada", onUser)},
			want: map[string]any{
				"in_use": true, "attached_user_names": []any{"ada"}, "attached_role_names": "unread: list aws.iam.role",
			},
		},
		"roles that were not listed may use it": {
			refused:   []*posture.Type{schema.IAMRoleType},
			resources: []*posture.Resource{policy(), user("ada", nil)},
			want:      map[string]any{"in_use": "unread: list aws.iam.role"},
		},
		"statements add up": {
			resources: []*posture.Resource{policy()},
			want: map[string]any{
				"full_admin": true, "service_wildcards": []any{"cloudtrail"}, "wildcard_resource_actions": []any{"*", "cloudtrail:*"},
			},
		},
		"a document that was not read adds up to nothing known": {
			resources: []*posture.Resource{policy("statements"), user("ada", onUser)},
			want: map[string]any{
				"full_admin": "unread: read statements", "service_wildcards": "unread: read statements",
				"wildcard_resource_actions": "unread: read statements", "privilege_escalation_paths": "unread: read statements",
				"in_use": true,
			},
		},
	})
}

func TestIAMInlinePolicy(t *testing.T) {
	policy := func(ownerType, owner string, refused ...string) *posture.Resource {
		return resource(schema.IAMInlinePolicyType, owner+"/p", &schema.IAMInlinePolicy{OwnerType: ownerType, OwnerName: owner,
			Statements: []schema.IAMStatement{{Effect: "Allow", Actions: []string{"iam:attachuserpolicy"}, Resources: []string{"*"}}}}, refused...)
	}
	check(t, map[string]derivation{
		"a policy of a user is nobody's but the account's": {
			refused:   []*posture.Type{schema.IAMRoleType}, // roles do not matter
			resources: []*posture.Resource{policy("user", "ada")},
			want:      map[string]any{"owner_service_linked": false, "privilege_escalation_paths": []any{"attach-user-policy"}, "full_admin": false},
		},
		"so is one of a role that the account made, whatever its namesake among users": {
			resources: []*posture.Resource{policy("role", "app"), role("/", "app", nil), user("app", nil)},
			want:      map[string]any{"owner_service_linked": false},
		},
		"a service-linked role's is not": {
			resources: []*posture.Resource{policy("role", "linked"), role("/aws-service-role/x.amazonaws.com/", "linked", nil)},
			want:      map[string]any{"owner_service_linked": true},
		},
		"nor is an Identity Center role's": {
			resources: []*posture.Resource{policy("role", "sso"), role("/aws-reserved/sso.amazonaws.com/", "sso", nil)},
			want:      map[string]any{"owner_service_linked": true},
		},
		"an owner that was not read leaves it unread": {
			refused:   []*posture.Type{schema.IAMRoleType},
			resources: []*posture.Resource{policy("role", "app")},
			want:      map[string]any{"owner_service_linked": "unread: list aws.iam.role"},
		},
		"a document that was not read adds up to nothing known": {
			resources: []*posture.Resource{policy("user", "ada", "statements")},
			want:      map[string]any{"owner_service_linked": false, "full_admin": "unread: read statements"},
		},
	})
}

func TestIAMFederation(t *testing.T) {
	federation := func(saml int64, refused ...string) *posture.Resource {
		return resource(schema.IAMFederationType, account, &schema.IAMFederation{SAMLProviderCount: saml}, refused...)
	}
	sso := role("/aws-reserved/sso.amazonaws.com/", "AWSReservedSSO_x", nil)
	const center = "identity_center_instance_arn"
	check(t, map[string]derivation{
		"a SAML provider federates, whatever else was not read": {
			refused:   []*posture.Type{schema.IAMRoleType},
			resources: []*posture.Resource{federation(1, center)},
			want:      map[string]any{"workforce_federated": true},
		},
		"a role of Identity Center shows it in any account": {
			resources: []*posture.Resource{federation(0, center, "saml_provider_count"), sso},
			want:      map[string]any{"workforce_federated": true},
		},
		"without an answer about Identity Center nothing is known": {
			resources: []*posture.Resource{federation(0, center), role("/", "app", nil)},
			want:      map[string]any{"workforce_federated": "unread: read identity_center_instance_arn"},
		},
		"nothing federates where all was read": {
			resources: []*posture.Resource{federation(0), role("/", "app", nil)},
			want:      map[string]any{"workforce_federated": false},
		},
	})
}
