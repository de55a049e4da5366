package azure

import (
	"context"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/managementgroups/armmanagementgroups"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var managementGroups = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ManagementGroupType},
	Operations: []collectors.Operation{
		{Name: "armmanagementgroups.Client.NewListPager", Permission: "Microsoft.Management/managementGroups/read", Body: collectors.Store},
		{Name: "armmanagementgroups.Client.NewGetDescendantsPager", Permission: "Microsoft.Management/managementGroups/descendants/read",
			Body: collectors.Store},
		{Name: "armmanagementgroups.HierarchySettingsClient.List", Permission: "Microsoft.Management/managementGroups/settings/read",
			Body: collectors.Store},
	},
	Collect: collectManagementGroups,
}

// collectManagementGroups lists the groups, which come without their place; one call from the root gives the whole tree.
func collectManagementGroups(ctx context.Context, c *client, emit collectors.Emit) error {
	list, err := listManagementGroups(ctx, c)
	if err != nil {
		return err
	}
	parents, children, treeErr := hierarchy(ctx, c)
	for _, g := range list {
		id := idOf(g.ID)
		out := schema.ManagementGroup{
			Meta: posture.Meta{Name: text(g.Name)}, ParentID: parents[id], IsRoot: strings.EqualFold(text(g.Name), c.tenant),
			ChildSubscriptionIDs: some(children[id]),
		}
		if g.Properties != nil {
			out.DisplayName = text(g.Properties.DisplayName)
		}
		var gaps []collectors.Gap
		switch {
		case treeErr != nil:
			gaps = append(gaps, collectors.Unread(treeErr, "parent_id", "child_subscription_ids"))
		case !out.IsRoot && out.ParentID == "":
			gaps = append(gaps, collectors.Unread(leftOut("armmanagementgroups.Client.NewGetDescendantsPager", id), "parent_id"))
		}
		if out.IsRoot {
			if out.Hierarchy, err = hierarchySettings(ctx, c, id); err != nil {
				gaps = append(gaps, collectors.Unread(err, "hierarchy"))
			}
		}
		emit(id, &out, gaps...)
	}
	return nil
}

func listManagementGroups(ctx context.Context, c *client) ([]*armmanagementgroups.ManagementGroupInfo, error) {
	api, err := armmanagementgroups.NewClient(c.credential, c.options)
	if err != nil {
		return nil, err
	}
	var out []*armmanagementgroups.ManagementGroupInfo
	err = pages(ctx, api.NewListPager(nil), func(page armmanagementgroups.ClientListResponse) error {
		out = append(out, page.Value...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list management groups: %w", err)
	}
	return out, nil
}

// hierarchy is the parent of every group below the root, and the subscriptions in each group, by id.
func hierarchy(ctx context.Context, c *client) (parents map[string]string, children map[string][]string, err error) {
	api, err := armmanagementgroups.NewClient(c.credential, c.options)
	if err != nil {
		return nil, nil, err
	}
	parents, children = map[string]string{}, map[string][]string{}
	err = pages(ctx, api.NewGetDescendantsPager(c.tenant, nil), func(page armmanagementgroups.ClientGetDescendantsResponse) error {
		for _, d := range page.Value {
			if d.Properties == nil || d.Properties.Parent == nil {
				continue
			}
			parent := idOf(d.Properties.Parent.ID)
			if strings.HasSuffix(strings.ToLower(text(d.Type)), "/subscriptions") {
				children[parent] = append(children[parent], "/subscriptions/"+strings.ToLower(text(d.Name)))
			} else {
				parents[idOf(d.ID)] = parent
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read management group tree: %w", err)
	}
	return parents, children, nil
}

// hierarchySettings reads the settings of the root group, which a tenant has only once it changed them.
func hierarchySettings(ctx context.Context, c *client, root string) (schema.HierarchySettings, error) {
	out := schema.HierarchySettings{DefaultManagementGroup: root}
	api, err := armmanagementgroups.NewHierarchySettingsClient(c.credential, c.options)
	if err != nil {
		return out, err
	}
	list, err := api.List(ctx, c.tenant, nil)
	if notFound(err) {
		return out, nil
	}
	if err != nil {
		return out, fmt.Errorf("read hierarchy settings: %w", err)
	}
	for _, s := range list.Value {
		if s.Properties == nil {
			continue
		}
		out.RequireAuthorizationForCreation = is(s.Properties.RequireAuthorizationForGroupCreation)
		if id := idOf(s.Properties.DefaultManagementGroup); id != "" {
			out.DefaultManagementGroup = id
		}
	}
	return out, nil
}
