package project

import (
	"path"
	"slices"
	"strings"

	"google.golang.org/api/cloudasset/v1"
	crmv1 "google.golang.org/api/cloudresourcemanager/v1"
	crm "google.golang.org/api/cloudresourcemanager/v3"
	"google.golang.org/api/serviceusage/v1"

	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// The hierarchy: one organization with folders, and the projects in them. Who may do what is set on all three levels.
var resourceManager = service{
	kinds: []world.Kind{
		{Name: "gcp.project", Sort: inProject, Global: true, Count: 1, Fixed: true},
		{Name: "gcp.organization", Sort: inOrganization, Global: true, Count: 1, Fixed: true},
	},
	handle: handleResourceManager,
}

// domain is the organization's directory.
const domain = "acme.example"

// projectPolicy are the grants on a project itself.
func projectPolicy(state *world.State) *crm.Policy {
	id := state.Account.ID
	return &crm.Policy{Version: 3, Etag: "BwXhqDs=", Bindings: []*crm.Binding{
		{Role: "roles/viewer", Members: []string{"group:developers@" + domain}},
		{Role: "roles/compute.serviceAgent", Members: []string{"serviceAccount:service-" + Number(id) + "@compute-system.iam.gserviceaccount.com"}},
	}}
}

func organizationPolicy(*world.State) *crm.Policy {
	return &crm.Policy{Version: 3, Etag: "BwXhqDt=", Bindings: []*crm.Binding{
		{Role: "roles/resourcemanager.organizationAdmin", Members: []string{"group:platform@" + domain}},
	}}
}

func folderPolicy(*world.State) *crm.Policy {
	return &crm.Policy{Version: 3, Etag: "BwXhqDu=", Bindings: []*crm.Binding{
		{Role: "roles/resourcemanager.folderViewer", Members: []string{"group:developers@" + domain}},
	}}
}

func described(state *world.State) *crm.Project {
	a := state.Account
	p := &crm.Project{Name: "projects/" + Number(a.ID), ProjectId: a.ID, DisplayName: a.Name, State: "ACTIVE", Etag: "W/\"1\"",
		CreateTime: stamp(state.World.Start.AddDate(-2, 0, 0)), Labels: map[string]string{"team": "platform"}}
	if len(a.Above) > 0 {
		p.Parent = a.Above[0]
	}
	return p
}

// folders are those that the members of an organization lie in.
func (w *states) folders(organization string) []string {
	var out []string
	for _, m := range w.members(organization) {
		out = append(out, m.Above[:len(m.Above)-1]...)
	}
	slices.Sort(out)
	return slices.Compact(out)
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
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &crmv1.GetAncestryResponse{Ancestor: []*crmv1.Ancestor{{ResourceId: &crmv1.ResourceId{Type: "project", Id: state.Account.ID}}}}
		for _, name := range state.Account.Above {
			kind, id, _ := strings.Cut(name, "s/")
			out.Ancestor = append(out.Ancestor, &crmv1.Ancestor{ResourceId: &crmv1.ResourceId{Type: kind, Id: id}})
		}
		return out, nil
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
		return &crm.Organization{Name: state.Account.ID, DisplayName: domain, DirectoryCustomerId: "C01acme42", State: "ACTIVE",
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
		for _, name := range w.folders(state.Account.ID) {
			out.Folders = append(out.Folders, &crm.Folder{Name: name, DisplayName: "team " + path.Base(name), Parent: state.Account.ID, State: "ACTIVE",
				CreateTime: stamp(state.World.Start.AddDate(-3, 0, 0))})
		}
		return out, nil
	})
	gcp.Handle(s, "cloudresourcemanager.folders.getIamPolicy", func(c gcp.Call) (*crm.Policy, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		return folderPolicy(state), nil
	})
	gcp.List(s, "cloudresourcemanager.projects.search", "projects", func(c gcp.Call) (*crm.SearchProjectsResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &crm.SearchProjectsResponse{}
		for _, m := range w.members(state.Account.ID) {
			member, err := w.get(m.ID, c.Now)
			if err != nil {
				return nil, err
			}
			out.Projects = append(out.Projects, described(member))
		}
		return out, nil
	})
	gcp.List(s, "cloudasset.searchAllIamPolicies", "results", func(c gcp.Call) (*cloudasset.SearchAllIamPoliciesResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &cloudasset.SearchAllIamPoliciesResponse{}
		for _, m := range w.members(state.Account.ID) {
			member, err := w.get(m.ID, c.Now)
			if err != nil {
				return nil, err
			}
			hit := &cloudasset.IamPolicySearchResult{
				Resource: "//cloudresourcemanager.googleapis.com/projects/" + m.ID, AssetType: "cloudresourcemanager.googleapis.com/Project",
				Project: "projects/" + Number(m.ID), Organization: state.Account.ID, Policy: &cloudasset.Policy{},
			}
			for _, b := range projectPolicy(member).Bindings {
				grant := &cloudasset.Binding{Role: b.Role, Members: b.Members}
				if b.Condition != nil {
					grant.Condition = &cloudasset.Expr{Expression: b.Condition.Expression, Title: b.Condition.Title}
				}
				hit.Policy.Bindings = append(hit.Policy.Bindings, grant)
			}
			out.Results = append(out.Results, hit)
		}
		return out, nil
	})
	gcp.List(s, "serviceusage.services.list", "services", func(c gcp.Call) (*serviceusage.ListServicesResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &serviceusage.ListServicesResponse{}
		for _, name := range w.apis {
			out.Services = append(out.Services, &serviceusage.GoogleApiServiceusageV1Service{
				Name: "projects/" + Number(state.Account.ID) + "/services/" + name, Parent: "projects/" + Number(state.Account.ID), State: "ENABLED",
			})
		}
		return out, nil
	})
}
