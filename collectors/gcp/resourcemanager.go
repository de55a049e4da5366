package gcp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/cloudasset/v1"
	crmv1 "google.golang.org/api/cloudresourcemanager/v1"
	crm "google.golang.org/api/cloudresourcemanager/v3"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var project = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ProjectType},
	Operations: []collectors.Operation{
		{Name: "cloudresourcemanager.projects.getIamPolicy", Permission: "resourcemanager.projects.getIamPolicy", Body: collectors.Store},
	},
	Collect: collectProject,
}

// collectProject emits the project that was seen when it was opened, with its own policy.
func collectProject(ctx context.Context, c *client, emit collectors.Emit) error {
	p := c.described
	out := schema.Project{
		Meta:      posture.Meta{Name: p.DisplayName, Tags: p.Labels, CreatedAt: timestamp(p.CreateTime)},
		ProjectID: p.ProjectId, ProjectNumber: c.number, Parent: p.Parent, Ancestors: append([]string{}, c.ancestry...), State: p.State,
	}
	var gaps []collectors.Gap
	if c.ancestryErr != nil {
		gaps = append(gaps, collectors.Unread(c.ancestryErr, "ancestors"))
	}
	api, err := crm.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	policy, err := api.Projects.GetIamPolicy(c.node, atVersion()).Context(ctx).Do()
	if err != nil {
		gaps = append(gaps, collectors.Unread(fmt.Errorf("read policy: %w", err), "iam"))
	} else {
		out.IAM = policyOf(policy)
	}
	emit(p.ProjectId, &out, gaps...)
	return nil
}

// atVersion asks for a policy with its conditions.
func atVersion() *crm.GetIamPolicyRequest {
	return &crm.GetIamPolicyRequest{Options: &crm.GetPolicyOptions{RequestedPolicyVersion: policyVersion}}
}

var organization = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.OrganizationType, schema.FolderType, schema.MemberType},
	Operations: []collectors.Operation{
		{Name: "cloudresourcemanager.organizations.get", Permission: "resourcemanager.organizations.get", Body: collectors.Store},
		{Name: "cloudresourcemanager.organizations.getIamPolicy", Permission: "resourcemanager.organizations.getIamPolicy", Body: collectors.Store},
		{Name: "cloudresourcemanager.folders.search", Permission: "resourcemanager.folders.get", Body: collectors.Store},
		{Name: "cloudresourcemanager.folders.getIamPolicy", Permission: "resourcemanager.folders.getIamPolicy", Body: collectors.Store},
		{Name: "cloudresourcemanager.projects.search", Permission: "resourcemanager.projects.get", Body: collectors.Store},
		{Name: "cloudresourcemanager.projects.getAncestry", Permission: "resourcemanager.projects.get", Body: collectors.Store},
		searchPolicies,
	},
	Collect: collectOrganization,
}

// collectOrganization reads the organization, its folders, and the projects it lists with the grants on them.
func collectOrganization(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := crm.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	seen, err := seenFolders(ctx, c, api)
	return errors.Join(
		collectors.Incomplete(schema.OrganizationType, collectRoot(ctx, c, api, emit)),
		collectors.Incomplete(schema.FolderType, errors.Join(err, collectFolders(ctx, api, seen, emit))),
		collectors.Incomplete(schema.MemberType, collectMembers(ctx, c, api, seen, emit)),
	)
}

func collectRoot(ctx context.Context, c *client, api *crm.Service, emit collectors.Emit) error {
	o, err := api.Organizations.Get(c.organization).Context(ctx).Do()
	if err != nil {
		return fmt.Errorf("read organization: %w", err)
	}
	out := schema.Organization{
		Meta:                posture.Meta{Name: o.DisplayName, CreatedAt: timestamp(o.CreateTime)},
		DirectoryCustomerID: o.DirectoryCustomerId, State: o.State,
	}
	policy, err := api.Organizations.GetIamPolicy(c.organization, atVersion()).Context(ctx).Do()
	if err != nil {
		emit(c.organization, &out, collectors.Unread(fmt.Errorf("read policy: %w", err), "iam"))
		return nil
	}
	out.IAM = policyOf(policy)
	emit(c.organization, &out)
	return nil
}

// folders are those that a search showed, of every organization that the caller can see into.
type folders struct {
	organization string
	byName       map[string]*crm.Folder
}

// seenFolders searches for folders: one call where lists need one per parent.
func seenFolders(ctx context.Context, c *client, api *crm.Service) (folders, error) {
	seen := folders{c.organization, map[string]*crm.Folder{}}
	err := api.Folders.Search().PageSize(500).Pages(ctx, func(page *crm.SearchFoldersResponse) error {
		for _, f := range page.Folders {
			seen.byName[f.Name] = f
		}
		return nil
	})
	if err != nil {
		return seen, fmt.Errorf("list folders: %w", err)
	}
	return seen, nil
}

// hold reports whether what lies in parent belongs to the organization; known is false when a folder on the way up was not
// shown.
func (f folders) hold(parent string) (ours, known bool) {
	for range len(f.byName) + 1 { // no folder lies in itself
		if !strings.HasPrefix(parent, "folders/") {
			return parent != "" && (!strings.HasPrefix(parent, "organizations/") || parent == f.organization), true
		}
		folder := f.byName[parent]
		if folder == nil {
			return false, false
		}
		parent = folder.Parent
	}
	return false, true
}

// ownFolders lists the organization's folders in order. With an error there may be more.
func ownFolders(ctx context.Context, c *client) ([]*crm.Folder, error) {
	api, err := crm.NewService(ctx, c.options...)
	if err != nil {
		return nil, err
	}
	seen, err := seenFolders(ctx, c, api)
	var out []*crm.Folder
	for _, name := range slices.Sorted(maps.Keys(seen.byName)) {
		ours, known := seen.hold(seen.byName[name].Parent)
		if !known {
			err = errors.Join(err, leftOut("cloudresourcemanager.folders.search", "parent of "+name))
		}
		if ours {
			out = append(out, seen.byName[name])
		}
	}
	return out, err
}

func collectFolders(ctx context.Context, api *crm.Service, seen folders, emit collectors.Emit) error {
	var failed error
	for _, name := range slices.Sorted(maps.Keys(seen.byName)) {
		f := seen.byName[name]
		ours, known := seen.hold(f.Parent)
		if !known {
			failed = errors.Join(failed, leftOut("cloudresourcemanager.folders.search", "parent of "+name))
		}
		if !ours {
			continue
		}
		out := schema.Folder{Meta: posture.Meta{Name: f.DisplayName, CreatedAt: timestamp(f.CreateTime)}, Parent: f.Parent, State: f.State}
		policy, err := api.Folders.GetIamPolicy(f.Name, atVersion()).Context(ctx).Do()
		if err != nil {
			emit(f.Name, &out, collectors.Unread(fmt.Errorf("read policy: %w", err), "iam"))
			continue
		}
		out.IAM = policyOf(policy)
		emit(f.Name, &out)
	}
	return failed
}

// collectMembers lists the organization's projects. One search of policies over all of it replaces a call for each project.
func collectMembers(ctx context.Context, c *client, api *crm.Service, seen folders, emit collectors.Emit) error {
	grants, grantsErr := projectGrants(ctx, c)
	var failed error
	err := api.Projects.Search().PageSize(500).Pages(ctx, func(page *crm.SearchProjectsResponse) error {
		for _, p := range page.Projects {
			ours, known := seen.hold(p.Parent)
			if !known {
				var err error
				if ours, err = liesIn(ctx, c, p.ProjectId); err != nil {
					failed = errors.Join(failed, fmt.Errorf("read ancestry of %s: %w", p.ProjectId, err))
				}
			}
			if !ours {
				continue
			}
			out := schema.Member{
				Meta:      posture.Meta{Name: p.DisplayName, Tags: p.Labels, CreatedAt: timestamp(p.CreateTime)},
				ProjectID: p.ProjectId, Parent: p.Parent, State: p.State, Bindings: append([]schema.Binding{}, grants[p.Name]...),
			}
			if grantsErr != nil {
				emit(p.Name, &out, collectors.Unread(grantsErr, "bindings"))
				continue
			}
			emit(p.Name, &out)
		}
		return nil
	})
	if err != nil {
		return errors.Join(fmt.Errorf("list projects: %w", err), failed)
	}
	return failed
}

// liesIn asks a project itself whether it belongs to the organization.
func liesIn(ctx context.Context, c *client, projectID string) (bool, error) {
	api, err := crmv1.NewService(ctx, c.options...)
	if err != nil {
		return false, err
	}
	ancestry, err := api.Projects.GetAncestry(projectID, &crmv1.GetAncestryRequest{}).Context(ctx).Do()
	if err != nil {
		return false, err
	}
	for _, a := range ancestry.Ancestor {
		if a.ResourceId != nil && a.ResourceId.Type == "organization" {
			return "organizations/"+a.ResourceId.Id == c.organization, nil
		}
	}
	return false, nil
}

// projectGrants are the bindings set on each project of the organization, by "projects/4711".
func projectGrants(ctx context.Context, c *client) (map[string][]schema.Binding, error) {
	api, err := cloudasset.NewService(ctx, c.options...)
	if err != nil {
		return nil, err
	}
	out := map[string][]schema.Binding{}
	search := api.V1.SearchAllIamPolicies(c.organization).AssetTypes("cloudresourcemanager.googleapis.com/Project").PageSize(500)
	err = search.Pages(ctx, func(page *cloudasset.SearchAllIamPoliciesResponse) error {
		for _, r := range page.Results {
			out[r.Project] = append(out[r.Project], matched(r)...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("search policies of projects: %w", err)
	}
	return out, nil
}

// timestamp reads Google's RFC 3339 times; "" is absent.
func timestamp(text string) posture.Opt[time.Time] {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return posture.Opt[time.Time]{}
	}
	return posture.Some(t.UTC())
}
