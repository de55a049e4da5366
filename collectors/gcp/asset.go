package gcp

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"google.golang.org/api/cloudasset/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var policyHits = collectors.Reader[*client]{
	Fills:      []*posture.Type{schema.PolicyHitType},
	Operations: []collectors.Operation{searchPolicies},
	Collect:    collectPolicyHits,
}

// publicGrants finds what is granted to everybody.
const publicGrants = "memberTypes:(allUsers OR allAuthenticatedUsers)"

// collectPolicyHits searches the policies of everything in the organization at once.
func collectPolicyHits(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := cloudasset.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	search := api.V1.SearchAllIamPolicies(c.organization).Query(publicGrants).PageSize(500)
	err = search.Pages(ctx, func(page *cloudasset.SearchAllIamPoliciesResponse) error {
		for _, r := range page.Results {
			out := schema.PolicyHit{
				Meta: posture.Meta{Name: path.Base(r.Resource)}, Resource: r.Resource, AssetType: r.AssetType, Project: r.Project,
				Folders: append([]string{}, r.Folders...), Organization: r.Organization, Bindings: matched(r), PublicRoles: []string{},
			}
			for _, b := range out.Bindings {
				if slices.ContainsFunc(b.Members, everybody) {
					out.PublicRoles = append(out.PublicRoles, b.Role)
				}
			}
			slices.Sort(out.PublicRoles)
			out.PublicRoles = slices.Compact(out.PublicRoles)
			emit(strings.TrimPrefix(r.Resource, "//"), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("search public grants: %w", err)
	}
	return nil
}

// matched are the bindings of a policy that a search found.
func matched(r *cloudasset.IamPolicySearchResult) []schema.Binding {
	out := []schema.Binding{}
	if r.Policy == nil {
		return out
	}
	for _, b := range r.Policy.Bindings {
		condition := ""
		if b.Condition != nil {
			condition = b.Condition.Expression
		}
		out = append(out, binding(b.Role, b.Members, condition))
	}
	return out
}
