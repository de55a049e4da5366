package gcp

import (
	"strings"
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestParseMember(t *testing.T) {
	for text, want := range map[string]member{
		"allUsers":                              {owning: everybody},
		"allAuthenticatedUsers":                 {owning: everybody},
		"principalSet://goog/public:all":        {owning: everybody},
		"deleted:user:ada@acme.example?uid=123": {owning: noOwner},
		"deleted:serviceAccount:ci@acme.iam.gserviceaccount.com?uid=9":                             {owning: noOwner},
		"deleted:principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/ada": {owning: noOwner},
		"user:Ada@Acme.Example":                                                                            {byDomain, "acme.example", "ada@acme.example"},
		"group:staff@acme.example":                                                                         {byDomain, "acme.example", "staff@acme.example"},
		"domain:Acme.Example":                                                                              {byDomain, "acme.example", ""},
		"principal://goog/subject/ada@acme.example":                                                        {byDomain, "acme.example", "ada@acme.example"},
		"principalSet://goog/group/staff@acme.example":                                                     {byDomain, "acme.example", "staff@acme.example"},
		"principalSet://goog/cloudIdentityCustomerId/C01acme42":                                            {byDirectory, "C01acme42", ""},
		"serviceAccount:ci@acme.iam.gserviceaccount.com":                                                   {byProject, "acme", "ci@acme.iam.gserviceaccount.com"},
		"serviceAccount:ci@web.acme.example.iam.gserviceaccount.com":                                       {byProject, "acme.example:web", "ci@web.acme.example.iam.gserviceaccount.com"},
		"serviceAccount:acme@appspot.gserviceaccount.com":                                                  {byProject, "acme", "acme@appspot.gserviceaccount.com"},
		"serviceAccount:4711-compute@developer.gserviceaccount.com":                                        {byProject, "4711", "4711-compute@developer.gserviceaccount.com"},
		"serviceAccount:4711@cloudbuild.gserviceaccount.com":                                               {byProject, "4711", "4711@cloudbuild.gserviceaccount.com"},
		"serviceAccount:acme.svc.id.goog[shop/web]":                                                        {byProject, "acme", ""},
		"serviceAccount:acme.example:web.svc.id.goog[shop/web]":                                            {byProject, "acme.example:web", ""},
		"user:ci@acme.iam.gserviceaccount.com":                                                             {byProject, "acme", "ci@acme.iam.gserviceaccount.com"},
		"principal://iam.googleapis.com/projects/-/serviceAccounts/ci@acme.iam.gserviceaccount.com":        {byProject, "acme", "ci@acme.iam.gserviceaccount.com"},
		"projectEditor:acme":                                                                               {byProject, "acme", ""},
		"serviceAccount:4711@cloudservices.gserviceaccount.com":                                            {google, "", "4711@cloudservices.gserviceaccount.com"},
		"serviceAccount:service-4711@compute-system.iam.gserviceaccount.com":                               {google, "", "service-4711@compute-system.iam.gserviceaccount.com"},
		"serviceAccount:service-4711@gcp-sa-pubsub.iam.gserviceaccount.com":                                {google, "", "service-4711@gcp-sa-pubsub.iam.gserviceaccount.com"},
		"serviceAccount:service-4711@gae-api-prod.google.com.iam.gserviceaccount.com":                      {google, "", "service-4711@gae-api-prod.google.com.iam.gserviceaccount.com"},
		"serviceAccount:service-4711@looks-like-google.iam.gserviceaccount.com":                            {byProject, "looks-like-google", "service-4711@looks-like-google.iam.gserviceaccount.com"},
		"serviceAccount:p4711-9z@gcp-sa-cloud-sql.iam.gserviceaccount.com":                                 {google, "", "p4711-9z@gcp-sa-cloud-sql.iam.gserviceaccount.com"},
		"serviceAccount:cloud-logs@system.gserviceaccount.com":                                             {google, "", "cloud-logs@system.gserviceaccount.com"},
		"principal://iam.googleapis.com/projects/4711/locations/global/workloadIdentityPools/ci/subject/x": {byProject, "4711", ""},
		"principalSet://iam.googleapis.com/projects/4711/locations/global/workloadIdentityPools/ci/*":      {byProject, "4711", ""},
		"principalSet://iam.googleapis.com/locations/global/workforcePools/staff/group/ops":                {byPool, "staff", ""},
		"principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/ada@acme.example":    {byPool, "staff", ""},
		"principalSet://cloudresourcemanager.googleapis.com/projects/4711/type/ServiceAccount":             {byProject, "4711", ""},
		"principalSet://cloudresourcemanager.googleapis.com/folders/7/type/ServiceAccount":                 {byFolder, "7", ""},
		"principalSet://cloudresourcemanager.googleapis.com/organizations/123/type/ServiceAccount":         {byOrganization, "123", ""},
		"principal://agents.global.org-123.system.id.goog/resources/engines/1":                             {byOrganization, "123", ""},
		"principal://things.global.project-4711.workload.id.goog/sub":                                      {byProject, "4711", ""},
		"":                                   {},
		"user:":                              {},
		"user:ada":                           {},
		"user:@acme.example":                 {},
		"serviceAccount:ci@acme.example":     {email: "ci@acme.example"},
		"serviceAccount:elsewhere[shop/web]": {},
		"principal://iam.googleapis.com/":    {},
		"principal:":                         {},
		"principalSet://goog/newKind/x":      {},
		"somethingNew:acme":                  {},
		"iam.googleapis.com/projects/4711/x": {},
		"principalSet://goog/subject/no-at":  {},
		"principal://iam.googleapis.com/locations/global/other/staff": {},
	} {
		if got := parseMember(text); got != want {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
}

// FuzzParseMember: whatever stands in a policy, parsing it neither panics nor finds an owner that the text does not name.
func FuzzParseMember(f *testing.F) {
	for _, seed := range []string{"user:ada@acme.example", "serviceAccount:acme.svc.id.goog[a/b]", "principal://iam.googleapis.com/projects/-/serviceAccounts/x@y.iam.gserviceaccount.com",
		"principalSet://goog/group/x@y", "deleted:user:ada@acme.example?uid=1", "principal://a.org-1.b/c", "serviceAccount:x@a.b.c.iam.gserviceaccount.com", "group:@", "::", "principalSet:////"} {
		f.Add(seed)
	}
	in := insiders{number: derive.Known(""), organization: derive.Known(""), domain: derive.Known(""), directory: derive.Known("")}
	f.Fuzz(func(t *testing.T, text string) {
		m := parseMember(text)
		switch m.owning {
		case unknownOwner, noOwner, everybody, google:
			if m.owner != "" {
				t.Errorf("%q is owned by %q although nobody owns it", text, m.owner)
			}
		default:
			_, id, scoped := strings.Cut(m.owner, ":") // such ids are turned round
			if lower := strings.ToLower(text); m.owner == "" || !strings.Contains(lower, strings.ToLower(m.owner)) && !(scoped && strings.Contains(lower, strings.ToLower(id))) {
				t.Errorf("%q is owned by %q", text, m.owner)
			}
		}
		_, known := in.external(text).Get()
		if known == (m.owning == unknownOwner) {
			t.Errorf("%q: known %v, parsed %+v", text, known, m)
		}
	})
}

const acmeOrganization = "organizations/123"

// acmeAbove is the organization of the project acme, with one more project, a folder and a workforce pool; refused names
// what was not read of the project.
func acmeAbove(refused ...string) []*posture.Resource {
	return []*posture.Resource{
		resource(schema.OrganizationType, acmeOrganization, &schema.Organization{Meta: posture.Meta{Name: "acme.example"}, DirectoryCustomerID: "C01acme42"}),
		resource(schema.FolderType, "folders/7", &schema.Folder{Parent: acmeOrganization}),
		resource(schema.MemberType, "projects/4711", &schema.Member{ProjectID: "acme"}),
		resource(schema.MemberType, "projects/4712", &schema.Member{ProjectID: "acme-data"}, refused...),
		resource(schema.WorkforcePoolType, "staff", &schema.WorkforcePool{}),
	}
}

// granting is the project acme with one binding to the members.
func granting(members ...string) *posture.Resource {
	return resource(schema.ProjectType, "acme", &schema.Project{ProjectID: "acme", ProjectNumber: "4711", Ancestors: []string{"folders/7", acmeOrganization},
		IAM: schema.IAM{Bindings: []schema.Binding{{Role: "roles/viewer", Members: members}}}})
}

func TestExternalMembers(t *testing.T) {
	const foreignAccount, ownAccount = "serviceAccount:x@other.iam.gserviceaccount.com", "serviceAccount:x@acme-data.iam.gserviceaccount.com"
	external := func(members ...any) map[string]any {
		return map[string]any{"iam_external_members": append([]any{}, members...)}
	}
	alone := func(members ...string) *posture.Resource {
		p := granting(members...)
		p.Attributes.(*schema.Project).Ancestors = nil
		return p
	}
	lost := func(p *posture.Resource, path string) *posture.Resource {
		p.Unread = append(p.Unread, posture.Unread{Path: path, Cause: posture.Cause{Reason: posture.ReasonDenied, Operation: "read " + path}})
		return p
	}
	check(t, map[string]derivation{
		"people of the organization's domain belong": {above: acmeAbove(), want: external(),
			resources: []*posture.Resource{granting("user:ada@acme.example", "group:staff@ACME.example", "domain:acme.example", "principalSet://goog/cloudIdentityCustomerId/C01acme42")}},
		"people of other domains do not, nor of a subdomain": {above: acmeAbove(), want: external("domain:partner.example", "user:ada@sub.acme.example", "user:bob@partner.example"),
			resources: []*posture.Resource{granting("user:bob@partner.example", "domain:partner.example", "user:ada@sub.acme.example")}},
		"accounts of the organization's projects belong, by id and by number": {above: acmeAbove(), want: external(),
			resources: []*posture.Resource{granting(ownAccount, "serviceAccount:4712-compute@developer.gserviceaccount.com", "serviceAccount:acme-data.svc.id.goog[a/b]",
				"principalSet://iam.googleapis.com/projects/4712/locations/global/workloadIdentityPools/ci/*", "principalSet://cloudresourcemanager.googleapis.com/folders/7/type/ServiceAccount",
				"principalSet://cloudresourcemanager.googleapis.com/organizations/123/type/ServiceAccount", "principalSet://iam.googleapis.com/locations/global/workforcePools/staff/*")}},
		"those of other projects, organizations and pools do not": {above: acmeAbove(),
			want: external("principalSet://cloudresourcemanager.googleapis.com/folders/8/type/ServiceAccount", "principalSet://cloudresourcemanager.googleapis.com/organizations/9/type/ServiceAccount",
				"principalSet://goog/cloudIdentityCustomerId/C99", "principalSet://iam.googleapis.com/locations/global/workforcePools/guests/*",
				"principalSet://iam.googleapis.com/projects/99/locations/global/workloadIdentityPools/ci/*", foreignAccount),
			resources: []*posture.Resource{granting(foreignAccount, "principalSet://iam.googleapis.com/projects/99/locations/global/workloadIdentityPools/ci/*",
				"principalSet://iam.googleapis.com/locations/global/workforcePools/guests/*", "principalSet://cloudresourcemanager.googleapis.com/folders/8/type/ServiceAccount",
				"principalSet://cloudresourcemanager.googleapis.com/organizations/9/type/ServiceAccount", "principalSet://goog/cloudIdentityCustomerId/C99")}},
		"the public, agents of the platform and deleted members are no guests": {above: acmeAbove(), want: external(),
			resources: []*posture.Resource{granting("allUsers", "serviceAccount:service-99@compute-system.iam.gserviceaccount.com", "deleted:user:eve@partner.example?uid=1")}},
		"a project whose id was not read may be anybody's": {above: acmeAbove("project_id"), want: map[string]any{"iam_external_members": "unread: read project_id"},
			resources: []*posture.Resource{granting(foreignAccount)}},
		"the project's own accounts need no list": {above: acmeAbove("project_id"), want: external(),
			resources: []*posture.Resource{granting("serviceAccount:x@acme.iam.gserviceaccount.com", "serviceAccount:4711-compute@developer.gserviceaccount.com")}},
		"a private address is external whatever is not read": {above: acmeAbove("project_id"),
			want:      map[string]any{"iam_external_members": []any{"user:ada@gmail.com"}, "iam_external_members[]": "unread: read project_id"},
			resources: []*posture.Resource{granting("user:ada@gmail.com", foreignAccount)}},
		"a member of a form not known is unread": {above: acmeAbove(), want: map[string]any{"iam_external_members": "unread: not_collected"},
			resources: []*posture.Resource{granting("somethingNew:acme")}},
		"an unread policy has unread members": {above: acmeAbove(), want: map[string]any{"iam_external_members": "unread: read iam"},
			resources: []*posture.Resource{lost(granting("user:bob@partner.example"), "iam")}},
		"without the ancestors nobody knows the organization": {above: acmeAbove(),
			want:      map[string]any{"iam_external_members": "unread: read ancestors", "organization": "unread: read ancestors"},
			resources: []*posture.Resource{lost(granting("user:ada@acme.example"), "ancestors")}},
		"in no organization everybody else is external": {want: map[string]any{"iam_external_members": []any{foreignAccount, "user:ada@acme.example"}, "organization": ""},
			resources: []*posture.Resource{alone("user:ada@acme.example", foreignAccount, "serviceAccount:x@acme.iam.gserviceaccount.com")}},
	})
}

func TestTrustedMembersAreNotExternal(t *testing.T) {
	in := insiders{number: derive.Known(""), organization: derive.Known(acmeOrganization), domain: derive.Known("acme.example"), directory: derive.Known("C01acme42"),
		trusted: []string{"partner.example", "gmail.com", "ada.home@gmail.com", "vendor-prod", "principalset://goog/cloudidentitycustomerid/c02"}}
	for text, want := range map[string]bool{
		"user:bob@partner.example":                              false,
		"domain:partner.example":                                false,
		"user:bob@notpartner.example":                           true,
		"user:eve@gmail.com":                                    true, // no domain of anybody's
		"user:Ada.Home@gmail.com":                               false,
		"serviceAccount:x@vendor-prod.iam.gserviceaccount.com":  false,
		"serviceAccount:x@vendor-stage.iam.gserviceaccount.com": true,
		"principalSet://goog/cloudIdentityCustomerId/C02":       false,
	} {
		if got, known := in.external(text).Get(); !known || got != want {
			t.Errorf("%s: external %v (known %v), want %v", text, got, known, want)
		}
	}
}

func TestWithoutTheOrganizationsSnapshotNobodyIsExternal(t *testing.T) {
	p := granting("user:ada@acme.example", "serviceAccount:x@other.iam.gserviceaccount.com", "serviceAccount:x@acme.iam.gserviceaccount.com")
	inv := derive.New(posture.Account{Provider: "gcp", ID: "acme"}, now, nil, nil, []*posture.Resource{p})
	inv.SetAboveUnread(posture.Cause{Reason: posture.ReasonStale})
	hierarchyMembers(inv)
	if len(p.Unread) != 1 || p.Unread[0].Path != "iam_external_members" || p.Unread[0].Reason != posture.ReasonStale {
		t.Errorf("unread: %v", p.Unread)
	}
}
