package azure

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/operationalinsights/armoperationalinsights"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/securityinsights/armsecurityinsights/v2"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var logWorkspaces = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.LogWorkspaceType},
	Operations: []collectors.Operation{
		{Name: "armoperationalinsights.WorkspacesClient.NewListPager", Permission: "Microsoft.OperationalInsights/workspaces/read", Body: collectors.Store},
		{Name: "armsecurityinsights.SentinelOnboardingStatesClient.List", Permission: "Microsoft.SecurityInsights/onboardingStates/read", Body: collectors.Store},
		queryResources, listResources,
	},
	Collect: collectLogWorkspaces,
}

func collectLogWorkspaces(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armoperationalinsights.NewWorkspacesClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	var found []*armoperationalinsights.Workspace
	err = pagesOf(ctx, c, "microsoft.operationalinsights/workspaces", "", api.NewListPager(nil), func(page armoperationalinsights.WorkspacesClientListResponse) error {
		found = append(found, page.Value...)
		return nil
	})
	_ = parallel(found, func(w *armoperationalinsights.Workspace) string { return idOf(w.ID) }, func(w *armoperationalinsights.Workspace) error {
		out := newLogWorkspace(w)
		var sentinelErr error
		if out.SentinelEnabled, sentinelErr = c.hasSentinel(ctx, out.Resource); sentinelErr != nil {
			emit(idOf(w.ID), &out, collectors.Unread(sentinelErr, "sentinel_enabled"))
			return nil
		}
		emit(idOf(w.ID), &out)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list workspaces: %w", err)
	}
	return nil
}

func newLogWorkspace(w *armoperationalinsights.Workspace) schema.LogWorkspace {
	p := value(w.Properties)
	features := value(p.Features)
	out := schema.LogWorkspace{
		Resource: resource(w.ID, w.Name, w.Location, w.Tags), RetentionDays: cmp.Or(int(value(p.RetentionInDays)), 30), SKU: text(value(p.SKU).Name),
		PublicIngestion: text(p.PublicNetworkAccessForIngestion) != string(armoperationalinsights.PublicNetworkAccessTypeDisabled),
		PublicQuery:     text(p.PublicNetworkAccessForQuery) != string(armoperationalinsights.PublicNetworkAccessTypeDisabled),

		LocalAuthDisabled: is(features.DisableLocalAuth), ClusterResourceID: idOf(features.ClusterResourceID), ExportEnabled: is(features.EnableDataExport),
	}
	if cap := p.WorkspaceCapping; cap != nil && cap.DailyQuotaGb != nil && *cap.DailyQuotaGb >= 0 { // -1: no cap
		out.DailyCapMB = posture.Some(int64(*cap.DailyQuotaGb * 1000))
	}
	if made, err := time.Parse(time.RFC3339, text(p.CreatedDate)); err == nil {
		out.CreatedAt = posture.Some(made)
	}
	return out
}

// hasSentinel reports whether Microsoft Sentinel works on a workspace. One that it was never added to has no such state.
func (c *client) hasSentinel(ctx context.Context, w schema.Resource) (bool, error) {
	if c.lacks("microsoft.securityinsights") {
		return false, nil
	}
	api, err := armsecurityinsights.NewSentinelOnboardingStatesClient(c.subscription, c.credential, c.options)
	if err != nil {
		return false, err
	}
	answer, err := api.List(ctx, w.ResourceGroup, w.Name, nil)
	if hasStatus(err, http.StatusNotFound) && !hasCode(err, "ResourceNotFound", "ResourceGroupNotFound", "SubscriptionNotFound") {
		return false, nil // it is the state that was not found, not the workspace
	}
	if err != nil {
		return false, fmt.Errorf("read state of Sentinel: %w", err)
	}
	return len(answer.Value) > 0, nil
}
