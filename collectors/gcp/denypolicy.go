package gcp

import (
	"context"
	"fmt"
	"net/url"
	"path"

	iamv1 "google.golang.org/api/iam/v1"
	"google.golang.org/api/iam/v2"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var denyPolicies = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.DenyPolicyType},
	Operations: []collectors.Operation{
		{Name: "iam.policies.listPolicies", Permission: "iam.denypolicies.list", Body: collectors.Store},
		{Name: "iam.policies.get", Permission: "iam.denypolicies.get", Body: collectors.Store},
	},
	Collect: collectDenyPolicies,
}

// collectDenyPolicies lists the policies and reads each: the list leaves out their rules.
func collectDenyPolicies(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := iam.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	parent := "policies/" + url.PathEscape("cloudresourcemanager.googleapis.com/"+c.node) + "/denypolicies"
	err = api.Policies.ListPolicies(parent).PageSize(1000).Pages(ctx, func(page *iam.GoogleIamV2ListPoliciesResponse) error {
		for _, p := range page.Policies {
			out := schema.DenyPolicy{Meta: posture.Meta{Name: p.DisplayName, CreatedAt: timestamp(p.CreateTime)}, AttachmentPoint: c.node}
			whole, err := api.Policies.Get(p.Name).Context(ctx).Do()
			if err != nil {
				emit(path.Base(p.Name), &out, collectors.Unread(fmt.Errorf("read deny policy: %w", err), "rules"))
				continue
			}
			out.Rules = denyRules(whole)
			emit(path.Base(p.Name), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list deny policies: %w", err)
	}
	return nil
}

func denyRules(p *iam.GoogleIamV2Policy) []schema.DenyRule {
	out := []schema.DenyRule{}
	for _, r := range p.Rules {
		if r.DenyRule == nil {
			continue
		}
		rule := schema.DenyRule{
			DeniedPrincipals:     append([]string{}, r.DenyRule.DeniedPrincipals...),
			ExceptionPrincipals:  append([]string{}, r.DenyRule.ExceptionPrincipals...),
			DeniedPermissions:    append([]string{}, r.DenyRule.DeniedPermissions...),
			ExceptionPermissions: append([]string{}, r.DenyRule.ExceptionPermissions...),
		}
		if r.DenyRule.DenialCondition != nil {
			rule.Condition = r.DenyRule.DenialCondition.Expression
		}
		out = append(out, rule)
	}
	return out
}

var workforcePools = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.WorkforcePoolType},
	Operations: []collectors.Operation{
		{Name: "iam.locations.workforcePools.list", Permission: "iam.workforcePools.list", Body: collectors.Store},
	},
	Collect: collectWorkforcePools,
}

func collectWorkforcePools(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := iamv1.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	list := api.Locations.WorkforcePools.List("locations/global").Parent(c.organization).PageSize(100)
	err = list.Pages(ctx, func(page *iamv1.ListWorkforcePoolsResponse) error {
		for _, p := range page.WorkforcePools {
			emit(path.Base(p.Name), &schema.WorkforcePool{Meta: posture.Meta{Name: p.DisplayName}, State: p.State, Disabled: p.Disabled})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list workforce pools: %w", err)
	}
	return nil
}
