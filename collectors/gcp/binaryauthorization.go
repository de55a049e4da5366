package gcp

import (
	"context"
	"fmt"

	"google.golang.org/api/binaryauthorization/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var binaryAuthorization = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.BinaryAuthorizationPolicyType},
	Operations: []collectors.Operation{
		{Name: "binaryauthorization.projects.getPolicy", Permission: "binaryauthorization.policy.get", Body: collectors.Store},
	},
	Collect: collectBinaryAuthorization,
}

func collectBinaryAuthorization(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := binaryauthorization.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	id := c.node + "/policy"
	p, err := api.Projects.GetPolicy(id).Context(ctx).Do()
	if err != nil {
		return fmt.Errorf("read policy: %w", err)
	}
	out := schema.BinaryAuthorizationPolicy{Meta: posture.Meta{Name: id}, ProjectID: c.project}
	if p.DefaultAdmissionRule == nil {
		emit(id, &out, collectors.Unread(leftOut("binaryauthorization.projects.getPolicy", "defaultAdmissionRule"),
			"default_evaluation_mode", "default_enforcement_mode"))
		return nil
	}
	out.DefaultEvaluationMode, out.DefaultEnforcementMode = p.DefaultAdmissionRule.EvaluationMode, p.DefaultAdmissionRule.EnforcementMode
	emit(id, &out)
	return nil
}
