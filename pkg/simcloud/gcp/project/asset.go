package project

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/api/cloudasset/v1"
	crm "google.golang.org/api/cloudresourcemanager/v3"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Cloud Asset Inventory searches the policies of everything in the organization: here those of the hierarchy, of buckets, and
// of topics, images and repositories that only the inventory shows. Of a project it shows what the project's services show.
var assetService = service{
	kinds: []world.Kind{{
		Name: "gcp.asset", Sort: inOrganization, Global: true, Count: 6,
		Defects: []world.Defect{{Name: "public", Share: 0.3, Drift: 0.4}},
		Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			if !it.Has("public") {
				return posture.Key{}, nil
			}
			resource, _ := asset(s, it)
			return hitKey(resource), map[string]posture.Result{"gcp-resource-no-public-iam-grant": posture.Fail}
		},
		ExpectMore: func(s *world.State) map[world.Judged]posture.Result {
			out := map[world.Judged]posture.Result{}
			for _, r := range hierarchyPolicies(s) { // other rules judge these
				if slices.ContainsFunc(r.Policy.Bindings, public) {
					out[world.Judged{Rule: "gcp-resource-no-public-iam-grant", Resource: hitKey(r.Resource)}] = posture.DoesNotApply
				}
			}
			return out
		},
	}},
	handle: handleAsset,
}

func hitKey(resource string) posture.Key {
	return keyOf("gcp.asset.iam_policy_hit", strings.TrimPrefix(resource, "//"))
}

// asset is the full name and type of something in the organization's first project.
func asset(s *world.State, it *world.Item) (resource, assetType string) {
	project := membersOf(s.World, s.Account.ID)[0].ID
	switch it.Index % 3 {
	case 0:
		return "//pubsub.googleapis.com/projects/" + project + "/topics/" + it.Name(), "pubsub.googleapis.com/Topic"
	case 1:
		return "//compute.googleapis.com/projects/" + project + "/global/images/" + it.Name(), "compute.googleapis.com/Image"
	}
	return "//artifactregistry.googleapis.com/projects/" + project + "/locations/europe-west1/repositories/" + it.Name(), "artifactregistry.googleapis.com/Repository"
}

// membersOf are the projects of an organization.
func membersOf(w *world.World, organization string) []world.Account {
	var out []world.Account
	for _, a := range w.Accounts {
		if n := len(a.Above); a.Provider == "gcp" && n > 0 && a.Above[n-1] == organization {
			out = append(out, a)
		}
	}
	return out
}

// hierarchyPolicies are the policies of the organization, its folders, its projects and their buckets, as a search shows them.
func hierarchyPolicies(s *world.State) []*cloudasset.IamPolicySearchResult {
	const manager = "cloudresourcemanager.googleapis.com/"
	out := []*cloudasset.IamPolicySearchResult{shown(s, "//"+manager+s.Account.ID, manager+"Organization", organizationPolicy(s).Bindings)}
	for _, name := range foldersOf(s.World, s.Account.ID) {
		r := shown(s, "//"+manager+name, manager+"Folder", folderPolicy(folderItem(s, name)).Bindings)
		r.Folders = []string{name}
		out = append(out, r)
	}
	for _, m := range membersOf(s.World, s.Account.ID) {
		project, _ := s.World.State(m.ID, s.Time())
		results := []*cloudasset.IamPolicySearchResult{shown(s, "//"+manager+"projects/"+m.ID, manager+"Project", projectPolicy(project).Bindings)}
		for _, it := range project.Items("gcp.bucket") {
			var bindings []*crm.Binding
			if it.Has("public-grant") {
				bindings = append(bindings, &crm.Binding{Role: "roles/storage.objectViewer", Members: []string{"allUsers"}})
			}
			results = append(results, shown(s, "//storage.googleapis.com/"+bucketName(it), "storage.googleapis.com/Bucket", bindings))
		}
		for _, r := range results {
			r.Project, r.Folders = "projects/"+Number(m.ID), m.Above[:len(m.Above)-1]
		}
		out = append(out, results...)
	}
	return out
}

func shown(organization *world.State, resource, assetType string, bindings []*crm.Binding) *cloudasset.IamPolicySearchResult {
	out := &cloudasset.IamPolicySearchResult{Resource: resource, AssetType: assetType, Organization: organization.Account.ID, Policy: &cloudasset.Policy{}}
	for _, b := range bindings {
		grant := &cloudasset.Binding{Role: b.Role, Members: b.Members}
		if b.Condition != nil {
			grant.Condition = &cloudasset.Expr{Expression: b.Condition.Expression, Title: b.Condition.Title}
		}
		out.Policy.Bindings = append(out.Policy.Bindings, grant)
	}
	return out
}

func public(b *cloudasset.Binding) bool {
	return slices.ContainsFunc(b.Members, func(m string) bool { return m == "allUsers" || m == "allAuthenticatedUsers" })
}

func handleAsset(s *gcp.Server, w *states) {
	gcp.List(s, "cloudasset.searchAllResources", "results", func(c gcp.Call) (*cloudasset.SearchAllResourcesResponse, error) {
		if _, err := w.at(c); err != nil {
			return nil, err
		}
		return resourcesIn(s, c)
	})
	gcp.List(s, "cloudasset.searchAllIamPolicies", "results", func(c gcp.Call) (*cloudasset.SearchAllIamPoliciesResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		if state.Account.Sort != inOrganization {
			everything, err := policiesIn(s, state)
			if err != nil {
				return nil, err
			}
			return search(everything, c)
		}
		everything := hierarchyPolicies(state)
		for _, it := range state.Items("gcp.asset") {
			resource, assetType := asset(state, it)
			bindings := []*crm.Binding{{Role: "roles/viewer", Members: []string{"group:developers@" + domain}}}
			if it.Has("public") {
				bindings = append(bindings, &crm.Binding{Role: "roles/viewer", Members: []string{"allUsers", "group:developers@" + domain}})
			}
			first := membersOf(state.World, state.Account.ID)[0]
			r := shown(state, resource, assetType, bindings)
			r.Project, r.Folders = "projects/"+Number(first.ID), first.Above[:len(first.Above)-1]
			everything = append(everything, r)
		}
		return search(everything, c)
	})
}

// search keeps what the call asks for. Results show the bindings that the query matches, and no others.
func search(policies []*cloudasset.IamPolicySearchResult, c gcp.Call) (*cloudasset.SearchAllIamPoliciesResponse, error) {
	query, types := c.Query.Get("query"), c.Query["assetTypes"]
	if query != "" && query != "memberTypes:(allUsers OR allAuthenticatedUsers)" {
		return nil, &gcp.Error{Status: 400, Code: "INVALID_ARGUMENT", Message: fmt.Sprintf("The query %q is not understood.", query)}
	}
	out := &cloudasset.SearchAllIamPoliciesResponse{}
	for _, r := range policies {
		if len(types) > 0 && !slices.Contains(types, r.AssetType) {
			continue
		}
		if query != "" {
			r.Policy.Bindings = slices.DeleteFunc(r.Policy.Bindings, func(b *cloudasset.Binding) bool { return !public(b) })
		}
		if len(r.Policy.Bindings) > 0 {
			out.Results = append(out.Results, r)
		}
	}
	return out, nil
}
