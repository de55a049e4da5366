package azure

import (
	"context"
	"fmt"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var tenant = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.TenantType},
	Operations: []collectors.Operation{
		{Name: "graph.organization", Permission: "Graph: Directory.Read.All", Body: collectors.Store},
	},
	Collect: collectTenant,
}

func collectTenant(ctx context.Context, c *client, emit collectors.Emit) error {
	var answer struct {
		Value []struct {
			ID          string `json:"id"`
			DisplayName string `json:"displayName"`
		} `json:"value"`
	}
	if err := c.graph.get(ctx, "/v1.0/organization", nil, &answer); err != nil {
		return fmt.Errorf("read tenant: %w", err)
	}
	for _, t := range answer.Value {
		emit("tenants/"+c.tenant, &schema.Tenant{Meta: posture.Meta{Name: t.DisplayName}, TenantID: t.ID})
	}
	return nil
}
