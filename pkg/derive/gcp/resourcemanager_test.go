package gcp

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// acme is the project of the tests, in a folder of an organization.
func acme(iam schema.IAM, refused ...string) *posture.Resource {
	return resource(schema.ProjectType, "acme", &schema.Project{ProjectID: "acme", ProjectNumber: "4711", Ancestors: []string{"folders/7", acmeOrganization}, IAM: iam}, refused...)
}

// tree is what lies above it.
func tree(folder, organization schema.IAM, refused ...string) []*posture.Resource {
	return []*posture.Resource{
		resource(schema.OrganizationType, acmeOrganization, &schema.Organization{Meta: posture.Meta{Name: "acme.example"}, IAM: organization}, refused...),
		resource(schema.FolderType, "folders/7", &schema.Folder{Parent: acmeOrganization, IAM: folder}),
	}
}

func granted(role string, members ...string) schema.IAM {
	return schema.IAM{Bindings: []schema.Binding{{Role: role, Members: members}}}
}

func logging(service string, exempted []string, types ...string) schema.IAM {
	return schema.IAM{AuditConfigs: []schema.AuditConfig{{Service: service, LogTypes: types, ExemptedMembers: exempted}}}
}

func TestProjectIAM(t *testing.T) {
	none := schema.IAM{}
	bound := func(role, member, origin string) any {
		return map[string]any{"role": role, "members": []any{member}, "condition": "", "origin": origin}
	}
	conditioned := func(role, condition, member string) schema.IAM {
		return schema.IAM{Bindings: []schema.Binding{{Role: role, Members: []string{member}, Condition: condition}}}
	}
	const uses, mints, manages = "roles/iam.serviceAccountUser", "roles/iam.serviceAccountTokenCreator", "roles/iam.serviceAccountAdmin"
	check(t, map[string]derivation{
		"grants of all levels add up, and say where they come from": {
			above: tree(granted("roles/editor", "group:b"), granted("roles/owner", "group:c")), resources: []*posture.Resource{acme(granted("roles/viewer", "group:a"))},
			want: map[string]any{"effective.bindings": []any{
				bound("roles/viewer", "group:a", "projects/acme"), bound("roles/editor", "group:b", "folders/7"), bound("roles/owner", "group:c", acmeOrganization)}},
		},
		"an unread level leaves them incomplete": {
			above: tree(granted("roles/editor", "group:b"), none, "iam"), resources: []*posture.Resource{acme(none)},
			want: map[string]any{"effective.bindings": []any{bound("roles/editor", "group:b", "folders/7")}, "effective.bindings[]": "unread: read iam"},
		},
		"without the ancestors the project's own stand": {
			above: tree(none, none), resources: []*posture.Resource{acme(granted("roles/viewer", "group:a"), "ancestors")},
			want: map[string]any{"effective.bindings": []any{bound("roles/viewer", "group:a", "projects/acme")}, "effective.bindings[]": "unread: read ancestors",
				"effective.impersonators": "unread: read ancestors"},
		},
		"a folder that its organization does not show is unread": {
			above: tree(none, none)[:1], resources: []*posture.Resource{acme(none)},
			want: map[string]any{"effective.bindings": "unread: cloudresourcemanager.folders.search"},
		},
		"log types of a service are those of all levels": {
			above:     tree(logging("storage.googleapis.com", nil, "DATA_READ"), logging("allServices", []string{"user:c"}, "ADMIN_READ")),
			resources: []*posture.Resource{acme(logging("allServices", []string{"user:a"}, "DATA_WRITE"))},
			want: map[string]any{
				"effective.audit_log_types": []any{
					map[string]any{"service": "allServices", "log_types": []any{"ADMIN_READ", "DATA_WRITE"}},
					map[string]any{"service": "storage.googleapis.com", "log_types": []any{"DATA_READ"}}},
				"effective.audit_exempted_members": []any{"user:a", "user:c"}},
		},
		"an unread level may log more, and exempt more": {
			above: tree(none, none, "iam"), resources: []*posture.Resource{acme(logging("allServices", nil, "DATA_WRITE"))},
			want: map[string]any{
				"effective.audit_log_types":                          []any{map[string]any{"service": "allServices", "log_types": []any{"DATA_WRITE"}}},
				"effective.audit_log_types[]":                        "unread: read iam",
				"effective.audit_log_types[allServices].log_types[]": "unread: read iam",
				"effective.audit_exempted_members":                   "unread: read iam",
			},
		},
		"whoever may use every account is an impersonator, agents are not": {
			above:     tree(granted(mints, "group:minters"), granted("roles/iam.workloadIdentityUser", "serviceAccount:acme.svc.id.goog[a/b]")),
			resources: []*posture.Resource{acme(granted(uses, "user:ada@acme.example", "serviceAccount:service-1@gcp-sa-pubsub.iam.gserviceaccount.com", "deleted:user:x@y?uid=1"))},
			want:      map[string]any{"effective.impersonators": []any{"group:minters", "serviceAccount:acme.svc.id.goog[a/b]", "user:ada@acme.example"}},
		},
		"a condition that names accounts narrows the grant": {above: tree(none, none), want: map[string]any{"effective.impersonators": []any{}},
			resources: []*posture.Resource{acme(conditioned(uses, `resource.name == "projects/-/serviceAccounts/ci@acme.iam.gserviceaccount.com"`, "group:a"))}},
		"another condition does not": {above: tree(none, none), want: map[string]any{"effective.impersonators": []any{"group:a"}},
			resources: []*posture.Resource{acme(conditioned(uses, `request.time < timestamp("2027-01-01T00:00:00Z")`, "group:a"))}},
		"one known impersonator is enough": {above: tree(none, none, "iam"), resources: []*posture.Resource{acme(granted(uses, "group:a"))},
			want: map[string]any{"effective.impersonators": []any{"group:a"}, "effective.impersonators[]": "unread: read iam"}},
		"duties meet across levels": {
			above: tree(none, granted(manages, "group:platform", "group:other")), resources: []*posture.Resource{acme(granted(mints, "group:platform"))},
			want: map[string]any{"effective.service_account_duties": []any{"group:platform"}, "effective.kms_duties": []any{}},
		},
		"who holds one duty alone holds none of the other": {
			above: tree(granted(uses, "group:developers"), granted(manages, "group:platform")), resources: []*posture.Resource{acme(none)},
			want: map[string]any{"effective.service_account_duties": []any{}},
		},
		"keys are managed and used by one": {
			above: tree(granted("roles/cloudkms.admin", "group:keys"), none), resources: []*posture.Resource{acme(granted("roles/cloudkms.cryptoKeyDecrypterViaDelegation", "group:keys"))},
			want: map[string]any{"effective.kms_duties": []any{"group:keys"}},
		},
		"owners count for no duty": {
			above: tree(granted("roles/owner", "group:keys"), none), resources: []*posture.Resource{acme(granted("roles/cloudkms.cryptoKeyDecrypter", "group:keys"))},
			want: map[string]any{"effective.kms_duties": []any{}},
		},
		"an unread level may hold the other duty": {
			above: tree(none, none, "iam"), resources: []*posture.Resource{acme(granted("roles/cloudkms.cryptoKeyDecrypter", "group:keys"))},
			want: map[string]any{"effective.kms_duties": "unread: read iam"},
		},
	})
}

func TestProjectPolicies(t *testing.T) {
	const keys, sharing = "iam.disableServiceAccountKeyCreation", "iam.allowedPolicyMemberDomains"
	policy := func(name string, dryRun bool, refused []string, rules ...schema.OrgPolicyRule) *posture.Resource {
		return resource(schema.OrgPolicyType, name, &schema.OrgPolicy{Constraint: name, DryRun: dryRun, Spec: schema.OrgPolicySpec{Rules: rules}}, refused...)
	}
	constraint := func(name string, changed map[string]any) any {
		out := map[string]any{"constraint": name, "enforced": false, "allow_all": false, "deny_all": false, "allowed_values": []any{}, "denied_values": []any{}}
		for k, v := range changed {
			out[k] = v
		}
		return out
	}
	list := func(elements ...any) map[string]any { return map[string]any{"effective_org_policies": elements} }
	on, off := schema.OrgPolicyRule{Enforce: true}, schema.OrgPolicyRule{}
	with := func(policies ...*posture.Resource) []*posture.Resource {
		return append([]*posture.Resource{acme(schema.IAM{})}, policies...)
	}
	tagged := func(r schema.OrgPolicyRule) schema.OrgPolicyRule {
		r.Condition = "resource.matchTag('123/env', 'test')"
		return r
	}
	check(t, map[string]derivation{
		"a rule enforces":                        {resources: with(policy(keys, false, nil, on)), want: list(constraint(keys, map[string]any{"enforced": true}))},
		"a rule that does not enforce":           {resources: with(policy(keys, false, nil, off)), want: list(constraint(keys, nil))},
		"what is tried out enforces nothing":     {resources: with(policy(keys, true, nil, on)), want: list(constraint(keys, nil))},
		"a rule for some tags enforces nothing":  {resources: with(policy(keys, false, nil, tagged(on), off)), want: list(constraint(keys, nil))},
		"a rule for some tags lifts another":     {resources: with(policy(keys, false, nil, tagged(off), on)), want: list(constraint(keys, nil))},
		"a rule for some tags can be as strict":  {resources: with(policy(keys, false, nil, tagged(on), on)), want: list(constraint(keys, map[string]any{"enforced": true}))},
		"values are listed":                      {resources: with(policy(sharing, false, nil, schema.OrgPolicyRule{AllowedValues: []string{"C01"}, DeniedValues: []string{"C02"}})), want: list(constraint(sharing, map[string]any{"allowed_values": []any{"C01"}, "denied_values": []any{"C02"}}))},
		"everything is denied":                   {resources: with(policy(sharing, false, nil, schema.OrgPolicyRule{DenyAll: true})), want: list(constraint(sharing, map[string]any{"deny_all": true}))},
		"what some tags allow is not all denied": {resources: with(policy(sharing, false, nil, tagged(schema.OrgPolicyRule{AllowAll: true}), schema.OrgPolicyRule{DenyAll: true})), want: list(constraint(sharing, map[string]any{"allow_all": true}))},
		"one that was refused leaves the others known": {
			resources: with(policy(keys, false, []string{"spec", "dry_run"}), policy(sharing, false, nil, schema.OrgPolicyRule{AllowAll: true})),
			want: map[string]any{
				"effective_org_policies":                             []any{map[string]any{"constraint": keys}, constraint(sharing, map[string]any{"allow_all": true})},
				"effective_org_policies[" + keys + "].enforced":      "unread: read dry_run, read spec",
				"effective_org_policies[" + keys + "].denied_values": "unread: read dry_run, read spec",
			},
		},
		"a list that was not read is unread": {refused: []*posture.Type{schema.OrgPolicyType}, resources: with(), want: map[string]any{"effective_org_policies": "unread: list gcp.orgpolicy.policy"}},
	})
	bucket := func(refused []string, others ...*posture.Resource) []*posture.Resource {
		return append([]*posture.Resource{resource(schema.BucketType, "orders", &schema.Bucket{})}, with(append(others, policy("storage.publicAccessPrevention", false, refused, on))...)...)
	}
	check(t, map[string]derivation{
		"a constraint is known while another is not": {resources: bucket(nil, policy(keys, false, []string{"spec"})), want: map[string]any{"project_public_access_prevention": true}},
		"a constraint that was refused is not":       {resources: bucket([]string{"spec"}), want: map[string]any{"project_public_access_prevention": "unread: read spec"}},
		"a constraint that nobody asked for is unread": {resources: []*posture.Resource{resource(schema.BucketType, "orders", &schema.Bucket{}), acme(schema.IAM{})},
			want: map[string]any{"project_public_access_prevention": "unread: not_collected"}},
	})
}

func TestProjectApproval(t *testing.T) {
	all := []schema.EnrolledService{{CloudProduct: "all"}}
	settings := func(id string, services []schema.EnrolledService, ancestor bool, refused ...string) *posture.Resource {
		return resource(schema.ApprovalEnrollmentType, id, &schema.ApprovalEnrollment{EnrolledServices: services, EnrolledAncestor: ancestor}, refused...)
	}
	with := func(more ...*posture.Resource) []*posture.Resource {
		return append([]*posture.Resource{acme(schema.IAM{})}, more...)
	}
	effective := func(v any) map[string]any { return map[string]any{"access_approval.effective_enrolled": v} }
	enrolledAbove := append(tree(schema.IAM{}, schema.IAM{}), settings(acmeOrganization, all, false))
	check(t, map[string]derivation{
		"the project is enrolled":                         {resources: with(settings("projects/acme", all, false)), want: effective(true)},
		"an ancestor is":                                  {resources: with(settings("projects/acme", nil, true)), want: effective(true)},
		"nobody is":                                       {resources: with(settings("projects/acme", nil, false)), want: effective(false)},
		"own settings know of the ancestors":              {above: enrolledAbove, resources: with(settings("projects/acme", nil, false)), want: effective(false)},
		"without settings the organization's count":       {above: enrolledAbove, resources: with(), want: effective(true)},
		"without any nobody asked":                        {above: tree(schema.IAM{}, schema.IAM{}), resources: with(), want: effective(false)},
		"a stand-alone project without settings has none": {resources: with(), want: effective(false)},
		"refused settings are unread":                     {above: enrolledAbove, refused: []*posture.Type{schema.ApprovalEnrollmentType}, resources: with(), want: effective("unread: list gcp.accessapproval.settings")},
		"one service is enough, whatever is unread":       {resources: with(settings("projects/acme", all, false, "enrolled_ancestor")), want: effective(true)},
	})
}

func TestOrganizationServices(t *testing.T) {
	organization := resource(schema.OrganizationType, acmeOrganization, &schema.Organization{Meta: posture.Meta{Name: "acme.example"}})
	with := func(more ...*posture.Resource) []*posture.Resource {
		return append([]*posture.Resource{resource(schema.OrganizationType, acmeOrganization, organization.Attributes)}, more...)
	}
	contact := func(id, state string, categories []string, refused ...string) *posture.Resource {
		return resource(schema.ContactType, id, &schema.Contact{Categories: categories, ValidationState: state}, refused...)
	}
	discovery := func(status string, refused ...string) *posture.Resource {
		return located("global", schema.DiscoveryConfigType, "discoveryConfigs/1", &schema.DiscoveryConfig{Status: status}, refused...)
	}
	source := func(name string, refused ...string) *posture.Resource {
		return resource(schema.SecuritySourceType, "sources/"+name, &schema.SecuritySource{DisplayName: name}, refused...)
	}
	covered := func(categories ...any) map[string]any {
		return map[string]any{"essential_contacts.covered_categories": append([]any{}, categories...)}
	}
	check(t, map[string]derivation{
		"categories of all contacts count once": {want: covered("BILLING", "LEGAL", "SECURITY"),
			resources: with(contact("1", "VALID", []string{"LEGAL", "SECURITY"}), contact("2", "VALIDATION_STATE_UNSPECIFIED", []string{"LEGAL", "BILLING"}))},
		"all is every category":                {resources: with(contact("1", "VALID", []string{"ALL"})), want: covered("BILLING", "LEGAL", "PRODUCT_UPDATES", "SECURITY", "SUSPENSION", "TECHNICAL", "TECHNICAL_INCIDENTS")},
		"technical covers technical incidents": {resources: with(contact("1", "VALID", []string{"TECHNICAL"})), want: covered("TECHNICAL", "TECHNICAL_INCIDENTS")},
		"an address that bounces covers none":  {resources: with(contact("1", "INVALID", []string{"ALL"})), want: covered()},
		"no contact covers none":               {resources: with(), want: covered()},
		"refused contacts are unread":          {refused: []*posture.Type{schema.ContactType}, resources: with(), want: map[string]any{"essential_contacts.covered_categories": "unread: list gcp.essentialcontacts.contact"}},
		"an unread contact may cover more": {resources: with(contact("1", "VALID", []string{"LEGAL"}), contact("2", "VALID", nil, "categories")),
			want: map[string]any{"essential_contacts.covered_categories": []any{"LEGAL"}, "essential_contacts.covered_categories[]": "unread: read categories"}},
		"sources are named":          {resources: with(source("B"), source("A")), want: map[string]any{"scc.active_source_names": []any{"A", "B"}}},
		"never activated, no source": {resources: with(), want: map[string]any{"scc.active_source_names": []any{}}},
		"refused sources are unread": {refused: []*posture.Type{schema.SecuritySourceType}, resources: with(), want: map[string]any{"scc.active_source_names": "unread: list gcp.securitycenter.source"}},
		"one runs":                   {resources: with(discovery("RUNNING")), want: map[string]any{"dlp_discovery_running": true}},
		"one is paused":              {resources: with(discovery("PAUSED")), want: map[string]any{"dlp_discovery_running": false}},
		"one that is paused says nothing of a place not read": {partly: map[string][]*posture.Type{"europe-west1": {schema.DiscoveryConfigType}}, resources: with(discovery("PAUSED")),
			want: map[string]any{"dlp_discovery_running": "unread: list gcp.dlp.discovery_config"}},
		"one that runs is enough": {partly: map[string][]*posture.Type{"europe-west1": {schema.DiscoveryConfigType}}, resources: with(discovery("RUNNING")),
			want: map[string]any{"dlp_discovery_running": true}},
	})
}
