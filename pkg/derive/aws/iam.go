package aws

import (
	"slices"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/derive/iampolicy"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func iamRoot(inv *derive.Inventory) {
	for _, r := range derive.Of[schema.IAMRoot](inv, schema.IAMRootType).Items {
		derive.Set(r, "mfa_hardware", &r.V.MFAHardware, derive.And(
			derive.Read(r, "mfa_active", r.V.MFAActive),
			derive.Not(derive.Read(r, "mfa_virtual", r.V.MFAVirtual))))
	}
}

func iamPasswordPolicy(inv *derive.Inventory) {
	users := derive.Of[schema.IAMUser](inv, schema.IAMUserType)
	for _, p := range derive.Of[schema.IAMPasswordPolicy](inv, schema.IAMPasswordPolicyType).Items {
		derive.Set(p, "iam_console_users", &p.V.IAMConsoleUsers, derive.Count(users, func(u derive.Item[schema.IAMUser]) derive.Val[bool] {
			return derive.Read(u, "password_enabled", u.V.PasswordEnabled)
		}))
	}
}

func iamUsers(inv *derive.Inventory) {
	for _, u := range derive.Of[schema.IAMUser](inv, schema.IAMUserType).Items {
		keys := activeKeys(u)
		derive.Set(u, "active_key_count", &u.V.ActiveKeyCount, derive.Map(keys, func(active []schema.IAMAccessKey) int64 { return int64(len(active)) }))
		derive.Set(u, "key_age_days_max", &u.V.KeyAgeDaysMax, oldest(inv, keys, func(k schema.IAMAccessKey) derive.Val[posture.Opt[time.Time]] {
			return derive.Read(u, keyPath(k, "rotated_at"), k.RotatedAt)
		}))
		derive.Set(u, "key_idle_days_max", &u.V.KeyIdleDaysMax, oldest(inv, keys, func(k schema.IAMAccessKey) derive.Val[posture.Opt[time.Time]] {
			return orElse(derive.Read(u, keyPath(k, "last_used_at"), k.LastUsedAt), derive.Read(u, keyPath(k, "rotated_at"), k.RotatedAt))
		}))

		enabled := derive.Read(u, "password_enabled", u.V.PasswordEnabled)
		used := derive.Read(u, "password_last_used_at", u.V.PasswordLastUsedAt)
		derive.Set(u, "console_never_used", &u.V.ConsoleNeverUsed, derive.And(enabled,
			derive.Map(used, func(t posture.Opt[time.Time]) bool { _, set := t.Get(); return !set })))
		derive.Set(u, "console_idle_days", &u.V.ConsoleIdleDays, derive.Then(enabled, func(enabled bool) derive.Val[posture.Opt[int64]] {
			if !enabled {
				return derive.Known(posture.Opt[int64]{})
			}
			since := orElse(used, orElse(derive.Read(u, "password_changed_at", u.V.PasswordChangedAt), derive.Read(u, "created_at", u.V.CreatedAt)))
			return derive.Map(since, func(t posture.Opt[time.Time]) posture.Opt[int64] { return days(inv, t) })
		}))
	}
}

// activeKeys returns the user's active access keys.
func activeKeys(u derive.Item[schema.IAMUser]) derive.Val[[]schema.IAMAccessKey] {
	active := derive.Map(derive.Read(u, "access_keys[]", u.V.AccessKeys), func([]schema.IAMAccessKey) []schema.IAMAccessKey { return nil })
	for _, k := range u.V.AccessKeys {
		active = derive.Map2(active, derive.Read(u, keyPath(k, "active"), k.Active), func(list []schema.IAMAccessKey, active bool) []schema.IAMAccessKey {
			if active {
				list = append(list, k)
			}
			return list
		})
	}
	return active
}

func keyPath(k schema.IAMAccessKey, field string) string {
	return "access_keys[" + string('0'+rune(k.Slot)) + "]." + field
}

// oldest returns the days since the earliest date that keys have, absent without keys.
func oldest(inv *derive.Inventory, keys derive.Val[[]schema.IAMAccessKey], date func(schema.IAMAccessKey) derive.Val[posture.Opt[time.Time]]) derive.Val[posture.Opt[int64]] {
	return derive.Then(keys, func(keys []schema.IAMAccessKey) derive.Val[posture.Opt[int64]] {
		most := derive.Known(posture.Opt[int64]{})
		for _, k := range keys {
			most = derive.Map2(most, date(k), func(most posture.Opt[int64], t posture.Opt[time.Time]) posture.Opt[int64] {
				age := days(inv, t)
				if age.Or(-1) > most.Or(-1) {
					return age
				}
				return most
			})
		}
		return most
	})
}

// orElse is the first date, or the second where the first is absent.
func orElse(first, second derive.Val[posture.Opt[time.Time]]) derive.Val[posture.Opt[time.Time]] {
	return derive.Then(first, func(t posture.Opt[time.Time]) derive.Val[posture.Opt[time.Time]] {
		if _, set := t.Get(); set {
			return first
		}
		return second
	})
}

// days counts whole days from a date to the time the account was read.
func days(inv *derive.Inventory, date posture.Opt[time.Time]) posture.Opt[int64] {
	t, set := date.Get()
	if !set {
		return posture.Opt[int64]{}
	}
	return posture.Some(int64(inv.Now.Sub(t) / (24 * time.Hour)))
}

func iamRoles(inv *derive.Inventory) {
	for _, r := range derive.Of[schema.IAMRole](inv, schema.IAMRoleType).Items {
		path := derive.Read(r, "path", r.V.Path)
		derive.Set(r, "service_linked", &r.V.ServiceLinked, derive.Map(path, serviceLinked))
		derive.Set(r, "identity_center_role", &r.V.IdentityCenterRole, derive.Map(path, identityCenter))
		trust := trustDocument(r)
		derive.Set(r, "service_role", &r.V.ServiceRole, derive.Map(trust, iampolicy.Document.ServiceRole))
		derive.Set(r, "trust_public", &r.V.TrustPublic, derive.Map(trust, iampolicy.Document.TrustPublic))
		derive.Set(r, "federated_subject_open", &r.V.FederatedSubjectOpen, derive.Map(trust, iampolicy.Document.FederatedSubjectOpen))
		derive.Set(r, "confused_deputy_exposed", &r.V.ConfusedDeputyExposed, derive.Map(trust, iampolicy.Document.ConfusedDeputyExposed))
		derive.Set(r, "trusted_external_accounts", &r.V.TrustedExternalAccounts, derive.Map(trust, func(d iampolicy.Document) []string {
			return d.ExternalAccounts(inv.Account.ID, inv.Trusted)
		}))
		derive.Set(r, "external_trust_conditioned", &r.V.ExternalTrustConditioned, derive.Map(trust, func(d iampolicy.Document) bool {
			return d.ExternalTrustConditioned(inv.Account.ID, inv.Trusted)
		}))
	}
}

func serviceLinked(path string) bool { return strings.HasPrefix(path, "/aws-service-role/") }

func identityCenter(path string) bool {
	return strings.HasPrefix(path, "/aws-reserved/sso.amazonaws.com/")
}

func trustDocument(r derive.Item[schema.IAMRole]) derive.Val[iampolicy.Document] {
	return derive.Then(derive.Read(r, "trust_statements", r.V.TrustStatements), func(list []schema.IAMTrustStatement) derive.Val[iampolicy.Document] {
		var statements []iampolicy.Statement
		for _, s := range list {
			statements = append(statements, iampolicy.Statement{
				Effect: s.Effect, Principals: s.Principals, NotPrincipals: s.NotPrincipals,
				Actions: s.Actions, NotActions: s.NotActions, ConditionsJSON: s.ConditionsJSON,
			})
		}
		return document(statements)
	})
}

func identityDocument[T any](item derive.Item[T], list []schema.IAMStatement) derive.Val[iampolicy.Document] {
	return derive.Then(derive.Read(item, "statements", list), func(list []schema.IAMStatement) derive.Val[iampolicy.Document] {
		var statements []iampolicy.Statement
		for _, s := range list {
			statements = append(statements, iampolicy.Statement{
				Effect: s.Effect, Actions: s.Actions, NotActions: s.NotActions,
				Resources: s.Resources, NotResources: s.NotResources, ConditionsJSON: s.ConditionsJSON,
			})
		}
		return document(statements)
	})
}

func document(statements []iampolicy.Statement) derive.Val[iampolicy.Document] {
	d, err := iampolicy.New(statements)
	if err != nil {
		return derive.UnreadFor[iampolicy.Document](posture.Cause{Reason: posture.ReasonParseError})
	}
	return derive.Known(d)
}

func iamPolicies(inv *derive.Inventory) {
	users := derive.Of[schema.IAMUser](inv, schema.IAMUserType)
	groups := derive.Of[schema.IAMGroup](inv, schema.IAMGroupType)
	roles := derive.Of[schema.IAMRole](inv, schema.IAMRoleType)
	for _, p := range derive.Of[schema.IAMPolicy](inv, schema.IAMPolicyType).Items {
		onUser := func(u derive.Item[schema.IAMUser]) derive.Val[bool] {
			return has(derive.Read(u, "attached_policy_arns", u.V.AttachedPolicyARNs), p.ID)
		}
		onGroup := func(g derive.Item[schema.IAMGroup]) derive.Val[bool] {
			return has(derive.Read(g, "attached_policy_arns", g.V.AttachedPolicyARNs), p.ID)
		}
		onRole := func(r derive.Item[schema.IAMRole]) derive.Val[bool] {
			return has(derive.Read(r, "attached_policy_arns", r.V.AttachedPolicyARNs), p.ID)
		}
		derive.SetList(p, "attached_user_names", &p.V.AttachedUserNames, names(users, onUser))
		derive.SetList(p, "attached_group_names", &p.V.AttachedGroupNames, names(groups, onGroup))
		derive.SetList(p, "attached_role_names", &p.V.AttachedRoleNames, names(roles, onRole))
		derive.Set(p, "in_use", &p.V.InUse, derive.Or(
			derive.Exists(users, func(u derive.Item[schema.IAMUser]) derive.Val[bool] {
				return derive.Or(onUser(u), is(derive.Read(u, "permissions_boundary_arn", u.V.PermissionsBoundaryARN), p.ID))
			}),
			derive.Exists(roles, func(r derive.Item[schema.IAMRole]) derive.Val[bool] {
				return derive.Or(onRole(r), is(derive.Read(r, "permissions_boundary_arn", r.V.PermissionsBoundaryARN), p.ID))
			}),
			derive.Exists(groups, func(g derive.Item[schema.IAMGroup]) derive.Val[bool] {
				return derive.And(onGroup(g), derive.Map(derive.Read(g, "member_count", g.V.MemberCount), func(n int64) bool { return n > 0 }))
			})))
		setGrants(p, &p.V.IAMGrants, identityDocument(p, p.V.Statements))
	}
}

// names lists, sorted, the names of the items that fit.
func names[T any](list derive.List[T], fits func(derive.Item[T]) derive.Val[bool]) derive.Elements[string] {
	found := derive.Gather(list, func(item derive.Item[T]) (derive.Val[string], derive.Val[bool]) {
		return derive.Known(item.ID[strings.LastIndex(item.ID, "/")+1:]), fits(item)
	})
	slices.Sort(found.Known)
	return found
}

func has(list derive.Val[[]string], value string) derive.Val[bool] {
	return derive.Map(list, func(list []string) bool { return slices.Contains(list, value) })
}

func is(v derive.Val[string], value string) derive.Val[bool] {
	return derive.Map(v, func(v string) bool { return v == value })
}

func setGrants[T any](item derive.Item[T], grants *schema.IAMGrants, policy derive.Val[iampolicy.Document]) {
	derive.Set(item, "full_admin", &grants.FullAdmin, derive.Map(policy, iampolicy.Document.FullAdmin))
	derive.Set(item, "service_wildcards", &grants.ServiceWildcards, derive.Map(policy, iampolicy.Document.ServiceWildcards))
	derive.Set(item, "wildcard_resource_actions", &grants.WildcardResourceActions, derive.Map(policy, iampolicy.Document.WildcardResourceActions))
	derive.Set(item, "privilege_escalation_paths", &grants.PrivilegeEscalationPaths, derive.Map(policy, iampolicy.Document.PrivilegeEscalationPaths))
}

func iamInlinePolicies(inv *derive.Inventory) {
	roles := derive.By(derive.Of[schema.IAMRole](inv, schema.IAMRoleType), func(r derive.Item[schema.IAMRole]) string { return r.V.Name })
	for _, p := range derive.Of[schema.IAMInlinePolicy](inv, schema.IAMInlinePolicyType).Items {
		derive.Set(p, "owner_service_linked", &p.V.OwnerServiceLinked, derive.And(
			is(derive.Read(p, "owner_type", p.V.OwnerType), "role"),
			derive.Exists(roles.All(p.V.OwnerName), func(r derive.Item[schema.IAMRole]) derive.Val[bool] {
				return derive.Map(derive.Read(r, "path", r.V.Path), func(path string) bool { return serviceLinked(path) || identityCenter(path) })
			})))
		setGrants(p, &p.V.IAMGrants, identityDocument(p, p.V.Statements))
	}
}

// iamFederation: Identity Center shows in every account by the roles it makes there.
func iamFederation(inv *derive.Inventory) {
	roles := derive.Of[schema.IAMRole](inv, schema.IAMRoleType)
	for _, f := range derive.Of[schema.IAMFederation](inv, schema.IAMFederationType).Items {
		derive.Set(f, "workforce_federated", &f.V.WorkforceFederated, derive.Or(
			derive.Map(derive.Read(f, "saml_provider_count", f.V.SAMLProviderCount), func(n int64) bool { return n > 0 }),
			derive.Not(is(derive.Read(f, "identity_center_instance_arn", f.V.IdentityCenterInstanceARN), "")),
			derive.Exists(roles, func(r derive.Item[schema.IAMRole]) derive.Val[bool] {
				return derive.Map(derive.Read(r, "path", r.V.Path), identityCenter)
			})))
	}
}
