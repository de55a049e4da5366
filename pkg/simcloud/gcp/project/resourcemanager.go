package project

import (
	"maps"
	"path"
	"slices"
	"strings"

	crmv1 "google.golang.org/api/cloudresourcemanager/v1"
	crm "google.golang.org/api/cloudresourcemanager/v3"
	"google.golang.org/api/serviceusage/v1"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// The hierarchy: one organization with folders, and the projects in them. Who may do what, and what is logged of it, is set on
// all three levels.
var resourceManager = service{
	kinds: []world.Kind{
		{
			Name: "gcp.project", Sort: inProject, Global: true, Count: 1, Fixed: true,
			Defects: []world.Defect{{Name: "public", Drift: 0.5}, {Name: "guest", Drift: 0.6}, {Name: "foreign-account", Drift: 0.5},
				{Name: "foreign-pool", Drift: 0.5}, {Name: "editors", Share: 0.2, Drift: 0.5}, {Name: "direct", Share: 0.2, Drift: 0.5},
				{Name: "impersonators", Drift: 0.5}, {Name: "platform-uses", Share: 0.1, Drift: 0.7}, {Name: "decrypts", Share: 0.1, Drift: 0.8},
				{Name: "writes-unlogged", Drift: 1}, {Name: "storage-writes", Share: 0.3}, {Name: "exempts", Drift: 0.4},
				{Name: "no-inventory", Share: 0.1, Drift: 0.5}, {Name: "no-scanning", Share: 0.1, Drift: 0.5}, {Name: "no-analysis", Drift: 0.4},
				{Name: "generative", Share: 0.1, Drift: 0.9}},
			Expect: expectProject,
		},
		{
			Name: "gcp.folder", Sort: inOrganization, Global: true, Count: 2, Fixed: true,
			Defects: []world.Defect{{Name: "public", Drift: 0.4}, {Name: "guest", Drift: 0.5}, {Name: "basic-role", Drift: 1},
				{Name: "impersonators", Drift: 0.3}, {Name: "manages-keys", Share: 0.2, Drift: 0.8}, {Name: "storage-reads", Share: 0.4}, {Name: "exempts", Drift: 0.4}},
			ExpectMore: func(s *world.State) map[world.Judged]posture.Result {
				out := map[world.Judged]posture.Result{}
				for _, name := range foldersOf(s.World, s.Account.ID) {
					expectNode(out, keyOf("gcp.resourcemanager.folder", name), folderItem(s, name))
				}
				return out
			},
		},
		{
			Name: "gcp.organization", Sort: inOrganization, Global: true, Count: 1, Fixed: true,
			Defects: []world.Defect{{Name: "public", Drift: 0.4}, {Name: "guest", Drift: 0.5}, {Name: "foreign-pool", Drift: 1},
				{Name: "basic-role", Drift: 0.5}, {Name: "impersonators", Drift: 0.3}, {Name: "manages-accounts", Drift: 1},
				{Name: "reads-unlogged", Drift: 0.6}, {Name: "exempts", Drift: 0.4}},
			ExpectMore: func(s *world.State) map[world.Judged]posture.Result {
				out := map[world.Judged]posture.Result{}
				expectNode(out, keyOf("gcp.resourcemanager.organization", s.Account.ID), s.Items("gcp.organization")[0])
				return out
			},
		},
	},
	handle: handleResourceManager,
}

// domain is the organization's directory.
const domain = "acme.example"

// expectNode is what the rules on organizations and folders must say of one.
func expectNode(out map[world.Judged]posture.Result, key posture.Key, it *world.Item) {
	out[world.Judged{Rule: "gcp-iam-hierarchy-no-public-members", Resource: key}] = failIf(it.Has("public"))
	out[world.Judged{Rule: "gcp-iam-hierarchy-no-external-principals", Resource: key}] = failIf(it.Has("guest") || it.Has("foreign-pool"))
	out[world.Judged{Rule: "gcp-iam-organization-no-basic-roles", Resource: key}] = failIf(it.Has("basic-role"))
}

func expectProject(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
	above := itemsAbove(s)
	some := func(defect string) bool {
		return slices.ContainsFunc(above, func(it *world.Item) bool { return it.Has(defect) })
	}
	readsLogged := len(above) > 0 && !some("reads-unlogged")
	guests := it.Has("guest") || it.Has("foreign-account") || it.Has("foreign-pool")
	return keyOf("gcp.resourcemanager.project", s.Account.ID), map[string]posture.Result{
		"gcp-iam-hierarchy-no-public-members":          failIf(it.Has("public")),
		"gcp-iam-hierarchy-no-external-principals":     unless(len(above) == 0, failIf(guests)),
		"gcp-project-no-editor-for-people":             failIf(it.Has("editors")),
		"gcp-project-human-access-through-groups":      failIf(it.Has("direct")),
		"gcp-project-no-project-wide-impersonation":    failIf(it.Has("impersonators") || it.Has("platform-uses") || some("impersonators")),
		"gcp-project-service-account-duties-separated": failIf((it.Has("platform-uses") || some("impersonators")) && some("manages-accounts")),
		"gcp-project-kms-duties-separated":             failIf(it.Has("decrypts") && some("manages-keys")),
		"gcp-project-audit-logs-all-services":          failIf(!readsLogged || it.Has("writes-unlogged") || it.Has("exempts") || some("exempts")),
		"gcp-project-storage-data-access-logged": failIf(!readsLogged && !some("storage-reads") ||
			it.Has("writes-unlogged") && !it.Has("storage-writes")),
		"gcp-project-asset-inventory-enabled":    failIf(it.Has("no-inventory")),
		"gcp-project-container-scanning-enabled": failIf(it.Has("no-scanning") || it.Has("no-analysis")),
		"gcp-project-generative-api-not-enabled": failIf(it.Has("generative")),
	}
}

// publicAbove reports whether a grant to everybody on a project, or on what lies above it, reaches all that is in it.
func publicAbove(s *world.State) bool {
	return slices.ContainsFunc(append(itemsAbove(s), s.Items("gcp.project")...), func(it *world.Item) bool { return it.Has("public") })
}

// itemsAbove are the folders of a project and its organization.
func itemsAbove(s *world.State) []*world.Item {
	above := s.Account.Above
	if len(above) == 0 {
		return nil
	}
	organization, _ := s.World.State(above[len(above)-1], s.Time())
	var out []*world.Item
	for _, folder := range above[:len(above)-1] {
		out = append(out, folderItem(organization, folder))
	}
	return append(out, organization.Items("gcp.organization")...)
}

// foldersOf are the folders that the members of an organization lie in.
func foldersOf(w *world.World, organization string) []string {
	var out []string
	for _, a := range w.Accounts {
		if n := len(a.Above); n > 0 && a.Above[n-1] == organization {
			out = append(out, a.Above[:n-1]...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// folderItem is the thing whose defects a folder has.
func folderItem(organization *world.State, name string) *world.Item {
	items := organization.Items("gcp.folder")
	return items[slices.Index(foldersOf(organization.World, organization.Account.ID), name)%len(items)]
}

// parentOf is what a folder lies in.
func parentOf(w *world.World, folder string) string {
	for _, a := range w.Accounts {
		if i := slices.Index(a.Above, folder); i >= 0 {
			return a.Above[i+1]
		}
	}
	return ""
}

// grants collects bindings.
type grants []*crm.Binding

func (g *grants) add(role string, members ...string) {
	*g = append(*g, &crm.Binding{Role: role, Members: members})
}

// projectPolicy are the grants on a project itself.
func projectPolicy(state *world.State) *crm.Policy {
	id, it := state.Account.ID, state.Items("gcp.project")[0]
	g := grants(accountRoles(state))
	g.add("roles/viewer", "group:developers@"+domain)
	g.add("roles/compute.serviceAgent", "serviceAccount:service-"+Number(id)+"@compute-system.iam.gserviceaccount.com")
	g.add("roles/editor", "serviceAccount:"+Number(id)+"@cloudservices.gserviceaccount.com")
	g.add("roles/iam.serviceAccountTokenCreator", "serviceAccount:service-"+Number(id)+"@gcp-sa-pubsub.iam.gserviceaccount.com")
	g.add("roles/logging.viewer", "principalSet://iam.googleapis.com/projects/"+Number(id)+"/locations/global/workloadIdentityPools/ci/*")
	g = append(g, &crm.Binding{
		Role: "roles/iam.serviceAccountUser", Members: []string{"group:developers@" + domain},
		Condition: &crm.Expr{Title: "one account", Expression: `resource.name == "projects/-/serviceAccounts/deploy@` + id + `.iam.gserviceaccount.com"`},
	})
	if it.Has("public") {
		g.add("roles/browser", "allUsers")
	}
	if it.Has("guest") {
		g.add("roles/logging.viewer", "group:auditors@partner.example", "domain:partner.example")
	}
	if it.Has("foreign-account") { // of a project that the scanner can see, too
		g.add("roles/bigquery.dataViewer", "serviceAccount:export@"+strangerID+".iam.gserviceaccount.com")
	}
	if it.Has("foreign-pool") {
		g.add("roles/storage.objectViewer", "principalSet://iam.googleapis.com/projects/987654321098/locations/global/workloadIdentityPools/ci/*")
	}
	if it.Has("editors") {
		g.add("roles/editor", "group:developers@"+domain)
	}
	if it.Has("direct") {
		g.add("roles/logging.viewer", "user:ada@"+domain)
	}
	if it.Has("impersonators") {
		g.add("roles/iam.workloadIdentityUser", "serviceAccount:"+id+".svc.id.goog[default/web]")
	}
	if it.Has("platform-uses") {
		g.add("roles/iam.serviceAccountUser", "group:platform@"+domain)
	}
	if it.Has("decrypts") {
		g.add("roles/cloudkms.cryptoKeyDecrypter", "group:keys@"+domain)
	}
	logs := []*crm.AuditLogConfig{{LogType: "DATA_WRITE"}}
	if it.Has("writes-unlogged") {
		logs = nil
	}
	policy := &crm.Policy{Version: 3, Etag: "BwXhqDs=", Bindings: g, AuditConfigs: auditConfigs(it, logs)}
	if it.Has("storage-writes") {
		policy.AuditConfigs = append(policy.AuditConfigs, storageLogs("DATA_WRITE"))
	}
	return policy
}

// auditConfigs log what is given for all services; whoever is exempted is so for a kind of access that is logged anyway.
func auditConfigs(it *world.Item, logs []*crm.AuditLogConfig) []*crm.AuditConfig {
	if it.Has("exempts") {
		logs = append(logs, &crm.AuditLogConfig{LogType: "ADMIN_READ", ExemptedMembers: []string{"user:ada@" + domain}})
	}
	if logs == nil {
		return nil
	}
	return []*crm.AuditConfig{{Service: "allServices", AuditLogConfigs: logs}}
}

func storageLogs(kind string) *crm.AuditConfig {
	return &crm.AuditConfig{Service: "storage.googleapis.com", AuditLogConfigs: []*crm.AuditLogConfig{{LogType: kind}}}
}

func organizationPolicy(state *world.State) *crm.Policy {
	it, number := state.Items("gcp.organization")[0], path.Base(state.Account.ID)
	g := grants(accountRolesAbove(state))
	g.add("roles/resourcemanager.organizationAdmin", "group:platform@"+domain)
	g.add("roles/browser", "domain:"+domain, "principalSet://iam.googleapis.com/locations/global/workforcePools/acme-staff/group/ops")
	g.add("roles/securitycenter.serviceAgent", "serviceAccount:service-org-"+number+"@security-center-api.iam.gserviceaccount.com")
	g.add("roles/owner", "deleted:user:founder@"+domain+"?uid=101234567890123456789")
	if it.Has("foreign-pool") {
		g.add("roles/viewer", "principalSet://iam.googleapis.com/locations/global/workforcePools/partner-staff/*")
	}
	if it.Has("manages-accounts") {
		g.add("roles/iam.serviceAccountAdmin", "group:platform@"+domain)
	}
	g.defects(it)
	logs := []*crm.AuditLogConfig{{LogType: "ADMIN_READ"}}
	if !it.Has("reads-unlogged") {
		logs = append(logs, &crm.AuditLogConfig{LogType: "DATA_READ"})
	}
	return &crm.Policy{Version: 3, Etag: "BwXhqDt=", Bindings: g, AuditConfigs: auditConfigs(it, logs)}
}

func folderPolicy(it *world.Item) *crm.Policy {
	g := grants{}
	g.add("roles/resourcemanager.folderViewer", "group:developers@"+domain)
	if it.Has("manages-keys") {
		g.add("roles/cloudkms.admin", "group:keys@"+domain)
	}
	g.defects(it)
	policy := &crm.Policy{Version: 3, Etag: "BwXhqDu=", Bindings: g, AuditConfigs: auditConfigs(it, nil)}
	if it.Has("storage-reads") {
		policy.AuditConfigs = append(policy.AuditConfigs, storageLogs("DATA_READ"))
	}
	return policy
}

// defects adds the grants that organizations and folders can have alike.
func (g *grants) defects(it *world.Item) {
	if it.Has("public") {
		g.add("roles/browser", "allAuthenticatedUsers")
	}
	if it.Has("guest") {
		g.add("roles/viewer", "user:consultant@gmail.com")
	}
	if it.Has("basic-role") {
		g.add("roles/editor", "group:platform@"+domain)
	}
	if it.Has("impersonators") {
		g.add("roles/iam.serviceAccountTokenCreator", "group:platform@"+domain)
	}
}

// Projects that the scanner can see and that are not the organization's: two of another one, the second in a folder that it
// does not show, and one in none.
const (
	strangerID = "elsewhere-4711"
	hiddenID   = "elsewhere-4712"
	loneID     = "my-first-project"
)

func described(state *world.State) *crm.Project {
	a := state.Account
	p := &crm.Project{Name: "projects/" + Number(a.ID), ProjectId: a.ID, DisplayName: a.Name, State: "ACTIVE", Etag: "W/\"1\"",
		CreateTime: stamp(state.World.Start.AddDate(-2, 0, 0)), Labels: map[string]string{"team": "platform"}}
	if len(a.Above) > 0 {
		p.Parent = a.Above[0]
	}
	return p
}

func ancestry(id string, above []string) *crmv1.GetAncestryResponse {
	out := &crmv1.GetAncestryResponse{Ancestor: []*crmv1.Ancestor{{ResourceId: &crmv1.ResourceId{Type: "project", Id: id}}}}
	for _, name := range above {
		kind, id, _ := strings.Cut(name, "s/")
		out.Ancestor = append(out.Ancestor, &crmv1.Ancestor{ResourceId: &crmv1.ResourceId{Type: kind, Id: id}})
	}
	return out
}

func handleResourceManager(s *gcp.Server, w *states) {
	gcp.Handle(s, "cloudresourcemanager.projects.get", func(c gcp.Call) (*crm.Project, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		return described(state), nil
	})
	gcp.Handle(s, "cloudresourcemanager.projects.getAncestry", func(c gcp.Call) (*crmv1.GetAncestryResponse, error) {
		switch c.Account {
		case strangerID, hiddenID:
			return ancestry(c.Account, []string{"folders/9002", "organizations/998877665544"}), nil
		}
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		return ancestry(state.Account.ID, state.Account.Above), nil
	})
	gcp.Handle(s, "cloudresourcemanager.projects.getIamPolicy", func(c gcp.Call) (*crm.Policy, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		return projectPolicy(state), nil
	})
	gcp.Handle(s, "cloudresourcemanager.organizations.get", func(c gcp.Call) (*crm.Organization, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		return &crm.Organization{Name: state.Account.ID, DisplayName: domain, DirectoryCustomerId: directoryID, State: "ACTIVE",
			CreateTime: stamp(state.World.Start.AddDate(-6, 0, 0))}, nil
	})
	gcp.Handle(s, "cloudresourcemanager.organizations.getIamPolicy", func(c gcp.Call) (*crm.Policy, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		return organizationPolicy(state), nil
	})
	gcp.List(s, "cloudresourcemanager.folders.search", "folders", func(c gcp.Call) (*crm.SearchFoldersResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &crm.SearchFoldersResponse{}
		for _, name := range foldersOf(state.World, state.Account.ID) {
			out.Folders = append(out.Folders, &crm.Folder{Name: name, DisplayName: "team " + path.Base(name), Parent: parentOf(state.World, name), State: "ACTIVE",
				CreateTime: stamp(state.World.Start.AddDate(-3, 0, 0))})
		}
		out.Folders = append(out.Folders, &crm.Folder{Name: "folders/9001", DisplayName: "theirs", Parent: "organizations/998877665544", State: "ACTIVE"})
		return out, nil
	})
	gcp.Handle(s, "cloudresourcemanager.folders.getIamPolicy", func(c gcp.Call) (*crm.Policy, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		name := "folders/" + c.Params["foldersId"]
		if !slices.Contains(foldersOf(state.World, state.Account.ID), name) {
			return nil, gcp.NotFound(name)
		}
		return folderPolicy(folderItem(state, name)), nil
	})
	gcp.List(s, "cloudresourcemanager.projects.search", "projects", func(c gcp.Call) (*crm.SearchProjectsResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &crm.SearchProjectsResponse{}
		for _, m := range membersOf(state.World, state.Account.ID) {
			member, err := w.get(m.ID, c.Now)
			if err != nil {
				return nil, err
			}
			out.Projects = append(out.Projects, described(member))
		}
		out.Projects = append(out.Projects,
			&crm.Project{Name: "projects/987654321098", ProjectId: strangerID, DisplayName: "elsewhere", Parent: "folders/9001", State: "ACTIVE"},
			&crm.Project{Name: "projects/987654321097", ProjectId: hiddenID, DisplayName: "hidden", Parent: "folders/9002", State: "ACTIVE"},
			&crm.Project{Name: "projects/987654321099", ProjectId: loneID, DisplayName: "My First Project", State: "ACTIVE"})
		return out, nil
	})
	gcp.List(s, "serviceusage.services.list", "services", func(c gcp.Call) (*serviceusage.ListServicesResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &serviceusage.ListServicesResponse{}
		for _, name := range enabledAPIs(state, w.apis) {
			out.Services = append(out.Services, &serviceusage.GoogleApiServiceusageV1Service{
				Name: "projects/" + Number(state.Account.ID) + "/services/" + name, Parent: "projects/" + Number(state.Account.ID), State: "ENABLED",
			})
		}
		return out, nil
	})
}

// enabledAPIs are those that the simulated services need, and what the project's defects say of others.
func enabledAPIs(state *world.State, needed []string) []string {
	it := state.Items("gcp.project")[0]
	on := map[string]bool{"containerregistry.googleapis.com": true}
	for _, name := range needed {
		on[name] = true
	}
	on["cloudasset.googleapis.com"] = !it.Has("no-inventory")
	on["containerscanning.googleapis.com"] = !it.Has("no-scanning")
	on["containeranalysis.googleapis.com"] = !it.Has("no-analysis")
	on["generativelanguage.googleapis.com"] = it.Has("generative")
	var out []string
	for _, name := range slices.Sorted(maps.Keys(on)) {
		if on[name] {
			out = append(out, name)
		}
	}
	return out
}
