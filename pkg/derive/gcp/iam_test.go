package gcp

import (
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

const app = "projects/acme/serviceAccounts/app@acme.iam.gserviceaccount.com"

// serviceAccount is the account "app" of the project.
func serviceAccount(v schema.ServiceAccount, refused ...string) *posture.Resource {
	v.Email = "app@acme.iam.gserviceaccount.com"
	return resource(schema.ServiceAccountType, app, &v, refused...)
}

// grant gives a role to the account "app".
func grant(role string) []schema.Binding {
	return []schema.Binding{{Role: role, Members: []string{"group:staff@acme.example", "serviceAccount:app@acme.iam.gserviceaccount.com"}}}
}

// ownPolicy is the project "acme" in folder 7 of organization 123, with these bindings.
func ownPolicy(bindings []schema.Binding, refused ...string) *posture.Resource {
	return resource(schema.ProjectType, "acme", &schema.Project{
		ProjectID: "acme", ProjectNumber: "1", Ancestors: []string{"folders/7", "organizations/123"}, IAM: schema.IAM{Bindings: bindings},
	}, refused...)
}

func inFolder(bindings []schema.Binding, refused ...string) *posture.Resource {
	return resource(schema.FolderType, "folders/7", &schema.Folder{IAM: schema.IAM{Bindings: bindings}}, refused...)
}

func inOrganization(bindings []schema.Binding, refused ...string) *posture.Resource {
	return resource(schema.OrganizationType, "organizations/123", &schema.Organization{
		Meta: posture.Meta{Name: "acme.example"}, IAM: schema.IAM{Bindings: bindings},
	}, refused...)
}

func otherProject(bindings []schema.Binding, refused ...string) *posture.Resource {
	return resource(schema.MemberType, "projects/2", &schema.Member{ProjectID: "shop", Bindings: bindings}, refused...)
}

func TestAccountRoles(t *testing.T) {
	account := func() *posture.Resource { return serviceAccount(schema.ServiceAccount{}) }
	held := func(role, node string) any { return map[string]any{"role": role, "node": node} }
	check(t, map[string]derivation{
		"roles add up over the whole organization": {
			resources: []*posture.Resource{account(), ownPolicy(grant("roles/viewer"))},
			above:     []*posture.Resource{otherProject(grant("roles/storage.admin")), inFolder(grant("roles/browser")), inOrganization(grant("roles/owner"))},
			want: map[string]any{"project_roles": []any{"roles/viewer"}, "effective_roles": []any{held("roles/viewer", "projects/acme"),
				held("roles/storage.admin", "projects/shop"), held("roles/browser", "folders/7"), held("roles/owner", "organizations/123")}},
		},
		"a role given twice is held once": {
			resources: []*posture.Resource{account(), ownPolicy(append(grant("roles/viewer"), grant("roles/viewer")...))},
			above:     []*posture.Resource{inFolder(nil), inOrganization(nil)},
			want:      map[string]any{"project_roles": []any{"roles/viewer"}, "effective_roles": []any{held("roles/viewer", "projects/acme")}},
		},
		"the organization's older copy of the project's own policy does not count": {
			resources: []*posture.Resource{account(), ownPolicy(nil)},
			above: []*posture.Resource{inFolder(nil), inOrganization(nil),
				resource(schema.MemberType, "projects/1", &schema.Member{ProjectID: "acme", Bindings: grant("roles/owner")})},
			want: map[string]any{"project_roles": []any{}, "effective_roles": []any{}},
		},
		"a deleted account of the same address holds nothing": {
			resources: []*posture.Resource{account(), ownPolicy([]schema.Binding{{Role: "roles/owner",
				Members: []string{"deleted:serviceAccount:app@acme.iam.gserviceaccount.com?uid=1"}}})},
			above: []*posture.Resource{inFolder(nil), inOrganization(nil)},
			want:  map[string]any{"project_roles": []any{}, "effective_roles": []any{}},
		},
		"roles elsewhere stand when the own policy was not read": {
			resources: []*posture.Resource{account(), ownPolicy(nil, "iam")},
			above:     []*posture.Resource{inFolder(nil), inOrganization(grant("roles/owner"))},
			want: map[string]any{"project_roles": "unread: read iam", "effective_roles": []any{held("roles/owner", "organizations/123")},
				"effective_roles[]": "unread: read iam"},
		},
		"a folder that was not read may grant more": {
			resources: []*posture.Resource{account(), ownPolicy(grant("roles/owner"))},
			above:     []*posture.Resource{inFolder(nil, "iam"), inOrganization(nil)},
			want:      map[string]any{"effective_roles": []any{held("roles/owner", "projects/acme")}, "effective_roles[]": "unread: read iam"},
		},
		"no role seen is no answer while another project was not read": {
			resources: []*posture.Resource{account(), ownPolicy(nil)},
			above:     []*posture.Resource{otherProject(nil, "bindings"), inFolder(nil), inOrganization(nil)},
			want:      map[string]any{"project_roles": []any{}, "effective_roles": "unread: read bindings"},
		},
	})
}

func TestAccountOutsiders(t *testing.T) {
	of := func(members ...string) *posture.Resource {
		return serviceAccount(schema.ServiceAccount{IAM: schema.Grants{Bindings: []schema.Binding{{Role: "roles/iam.serviceAccountTokenCreator", Members: members}}}})
	}
	const pool = "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/"
	above := []*posture.Resource{inFolder(nil), inOrganization(nil), otherProject(nil)}
	check(t, map[string]derivation{
		"members of the organization are at home": {
			resources: []*posture.Resource{of("user:ada@acme.example", "serviceAccount:web@shop.iam.gserviceaccount.com", pool+"attribute.repository/acme/shop"), ownPolicy(nil)},
			above:     above, want: map[string]any{"external_members": []any{}},
		},
		"others are not": {
			resources: []*posture.Resource{of("user:eve@elsewhere.example", "serviceAccount:x@elsewhere.iam.gserviceaccount.com"), ownPolicy(nil)},
			above:     above,
			want:      map[string]any{"external_members": []any{"serviceAccount:x@elsewhere.iam.gserviceaccount.com", "user:eve@elsewhere.example"}},
		},
		"a whole pool of its own counts": {
			resources: []*posture.Resource{of(pool + "*"), ownPolicy(nil)}, above: above,
			want: map[string]any{"external_members": []any{pool + "*"}},
		},
		"a policy that was not read": {
			resources: []*posture.Resource{serviceAccount(schema.ServiceAccount{}, "iam"), ownPolicy(nil)}, above: above,
			want: map[string]any{"external_members": "unread: read iam"},
		},
	})
}

func TestAccountKeys(t *testing.T) {
	end := posture.Some(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC))
	key := func(id string, v schema.ServiceAccountKey, refused ...string) *posture.Resource {
		return resource(schema.ServiceAccountKeyType, app+"/keys/"+id, &v, refused...)
	}
	account := func(refused ...string) *posture.Resource {
		return serviceAccount(schema.ServiceAccount{UserManagedKeyIDs: []string{"a", "b"}}, refused...)
	}
	working := schema.ServiceAccountKey{ValidBefore: end}
	check(t, map[string]derivation{
		"keys that work count": {
			resources: []*posture.Resource{account(), key("a", working), key("b", working)}, want: map[string]any{"user_managed_key_count": int64(2)},
		},
		"disabled and expired ones do not": {
			resources: []*posture.Resource{account(), key("a", schema.ServiceAccountKey{Disabled: true, ValidBefore: end}),
				key("b", schema.ServiceAccountKey{ValidBefore: posture.Some(now.Add(-time.Second))})},
			want: map[string]any{"user_managed_key_count": int64(0)},
		},
		"without keys there are none, whatever was not listed elsewhere": {
			refused:   []*posture.Type{schema.ServiceAccountKeyType},
			resources: []*posture.Resource{serviceAccount(schema.ServiceAccount{})}, want: map[string]any{"user_managed_key_count": int64(0)},
		},
		"keys that were not listed": {
			resources: []*posture.Resource{account("user_managed_key_ids")}, want: map[string]any{"user_managed_key_count": "unread: read user_managed_key_ids"},
		},
		"a key of which it is not known whether it is disabled": {
			resources: []*posture.Resource{account(), key("a", working, "disabled"), key("b", working)},
			want:      map[string]any{"user_managed_key_count": "unread: read disabled"},
		},
	})
}

func TestAccountActivity(t *testing.T) {
	ago := func(days int) (posture.Opt[time.Time], string) {
		t := now.AddDate(0, 0, -days)
		return posture.Some(t), t.Format(time.RFC3339)
	}
	start, startText := ago(200)
	earlier, earlierText := ago(300)
	used, usedText := ago(3)
	activity := func(id string, v schema.Activity, refused ...string) *posture.Resource {
		return resource(schema.ActivityType, id, &v, refused...)
	}
	account := func() *posture.Resource { return serviceAccount(schema.ServiceAccount{}) }
	key := func() *posture.Resource {
		return resource(schema.ServiceAccountKeyType, app+"/keys/a", &schema.ServiceAccountKey{})
	}
	const other = "projects/acme/serviceAccounts/other@acme.iam.gserviceaccount.com"
	check(t, map[string]derivation{
		"an account's own record counts": {
			resources: []*posture.Resource{account(), activity(app, schema.Activity{LastAuthenticated: used, ObservationStart: start}),
				activity(other, schema.Activity{ObservationStart: earlier})},
			want: map[string]any{"last_authenticated": usedText, "activity_observed_since": startText},
		},
		"the record may name the project by its number": {
			resources: []*posture.Resource{account(),
				activity("projects/1/serviceAccounts/app@acme.iam.gserviceaccount.com", schema.Activity{LastAuthenticated: used, ObservationStart: start})},
			want: map[string]any{"last_authenticated": usedText, "activity_observed_since": startText},
		},
		"an account without a record was watched as long as the others, and not used": {
			resources: []*posture.Resource{account(), activity(other, schema.Activity{LastAuthenticated: used, ObservationStart: start}),
				activity(other+"2", schema.Activity{ObservationStart: earlier})},
			want: map[string]any{"last_authenticated": nil, "activity_observed_since": earlierText},
		},
		"without any record nothing says that somebody watched": {
			resources: []*posture.Resource{account()}, want: map[string]any{"last_authenticated": nil, "activity_observed_since": nil},
		},
		"records that were not listed": {
			refused: []*posture.Type{schema.ActivityType}, resources: []*posture.Resource{account()},
			want: map[string]any{"last_authenticated": "unread: list gcp.policyanalyzer.activity", "activity_observed_since": "unread: list gcp.policyanalyzer.activity"},
		},
		"a record that was listed stands": {
			refused:   []*posture.Type{schema.ActivityType},
			resources: []*posture.Resource{account(), activity(app, schema.Activity{LastAuthenticated: used, ObservationStart: start})},
			want:      map[string]any{"last_authenticated": usedText, "activity_observed_since": startText},
		},
		"a record that could not be read": {
			resources: []*posture.Resource{account(), activity(app, schema.Activity{ObservationStart: start}, "last_authenticated")},
			want:      map[string]any{"last_authenticated": "unread: read last_authenticated", "activity_observed_since": startText},
		},
		"a key's use is not that of its account": {
			resources: []*posture.Resource{key(), activity(app, schema.Activity{LastAuthenticated: used, ObservationStart: start})},
			want:      map[string]any{"last_authenticated": nil},
		},
		"a key's own record": {
			resources: []*posture.Resource{key(), activity(app+"/keys/a", schema.Activity{LastAuthenticated: used, ObservationStart: start})},
			want:      map[string]any{"last_authenticated": usedText},
		},
	})
}
