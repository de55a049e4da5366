package azure

import (
	"cmp"
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/applicationinsights/armapplicationinsights"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var insightsComponents = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.InsightsComponentType},
	Operations: []collectors.Operation{
		{Name: "armapplicationinsights.ComponentsClient.NewListPager", Permission: "Microsoft.Insights/components/read",
			Body: collectors.Redact("InstrumentationKey", "ConnectionString", "HockeyAppToken")},
	},
	Collect: collectInsightsComponents,
}

func collectInsightsComponents(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armapplicationinsights.NewComponentsClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pages(ctx, api.NewListPager(nil), func(page armapplicationinsights.ComponentsClientListResponse) error {
		for _, component := range page.Value {
			p := value(component.Properties)
			out := schema.InsightsComponent{
				Resource:            resource(component.ID, component.Name, component.Location, component.Tags),
				WorkspaceResourceID: idOf(p.WorkspaceResourceID), IngestionMode: text(p.IngestionMode),
				PublicIngestion:   text(p.PublicNetworkAccessForIngestion) != string(armapplicationinsights.PublicNetworkAccessTypeDisabled),
				PublicQuery:       text(p.PublicNetworkAccessForQuery) != string(armapplicationinsights.PublicNetworkAccessTypeDisabled),
				LocalAuthDisabled: is(p.DisableLocalAuth), RetentionDays: cmp.Or(int(value(p.RetentionInDays)), 90),
			}
			out.CreatedAt = posture.FromPtr(p.CreationDate)
			emit(idOf(component.ID), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list components: %w", err)
	}
	return nil
}
