package azure

import (
	"context"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armlocks"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var locks = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.LockType},
	Operations: []collectors.Operation{
		{Name: "armlocks.ManagementLocksClient.NewListAtSubscriptionLevelPager", Permission: "Microsoft.Authorization/locks/read",
			Body: collectors.Store},
	},
	Collect: collectLocks,
}

func collectLocks(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armlocks.NewManagementLocksClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pages(ctx, api.NewListAtSubscriptionLevelPager(nil), func(page armlocks.ManagementLocksClientListAtSubscriptionLevelResponse) error {
		for _, l := range page.Value {
			id := idOf(l.ID)
			scope, _, _ := strings.Cut(id, "/providers/microsoft.authorization/locks/")
			out := schema.Lock{Meta: posture.Meta{Name: text(l.Name)}, Scope: scope}
			if l.Properties != nil {
				out.Level, out.Notes = text(l.Properties.Level), text(l.Properties.Notes)
			}
			emit(id, &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list locks: %w", err)
	}
	return nil
}
