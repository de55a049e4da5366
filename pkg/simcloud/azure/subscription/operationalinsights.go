package subscription

import (
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/operationalinsights/armoperationalinsights"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/securityinsights/armsecurityinsights/v2"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// A workspace with "long" keeps its logs for two years, one without either "long" or "quarter" for thirty days.
var workspaceService = service{
	providers: []string{"Microsoft.OperationalInsights", "Microsoft.SecurityInsights"},
	kinds: []world.Kind{{
		Name: "azure.workspace", Sort: inSubscription, Global: true, Count: 3,
		Defects: []world.Defect{{Name: "long", Share: 0.3, Drift: 0.2}, {Name: "quarter", Share: 0.4}, {Name: "open-ingestion", Share: 0.3, Drift: 0.1}, {Name: "open-query", Share: 0.3},
			{Name: "keys", Share: 0.4, Drift: 0.1}, {Name: "sentinel", Share: 0.15, Drift: 0.3}, {Name: "capped", Share: 0.4}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("azure.operationalinsights.workspace", workspaceID(it)), map[string]posture.Result{
				"azure-operationalinsights-workspace-retention":           failIf(!it.Has("long") && !it.Has("quarter")),
				"azure-operationalinsights-workspace-network-restricted":  failIf(it.Has("open-ingestion") || it.Has("open-query")),
				"azure-operationalinsights-workspace-local-auth-disabled": failIf(it.Has("keys")),
			}
		},
	}},
	handle: handleWorkspaces,
}

func workspaceID(it *world.Item) string {
	return idOf(it, "Microsoft.OperationalInsights/workspaces", "log-"+it.Name())
}

func handleWorkspaces(s *azure.Server, w *states) {
	azure.Handle(s, "armoperationalinsights.WorkspacesClient.NewListPager", func(c azure.Call) (*armoperationalinsights.WorkspaceListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armoperationalinsights.WorkspaceListResult{} // the whole of it: this list has no pages
		for _, it := range state.Items("azure.workspace") {
			out.Value = append(out.Value, logWorkspace(it))
		}
		return out, nil
	})
	azure.Handle(s, "armsecurityinsights.SentinelOnboardingStatesClient.List", func(c azure.Call) (*armsecurityinsights.SentinelOnboardingStatesList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		for _, it := range state.Items("azure.workspace") {
			switch {
			case !strings.EqualFold("log-"+it.Name(), c.Params["workspaceName"]):
			case it.Has("sentinel"):
				return &armsecurityinsights.SentinelOnboardingStatesList{Value: []*armsecurityinsights.SentinelOnboardingState{{
					ID: to.Ptr(workspaceID(it) + "/providers/Microsoft.SecurityInsights/onboardingStates/default"), Name: to.Ptr("default"), Type: to.Ptr("Microsoft.SecurityInsights/onboardingStates"),
				}}}, nil
			case it.Index%2 == 0: // the service answers either way
				return nil, &azure.Error{Status: http.StatusNotFound, Code: "NotFound", Message: "Sentinel onboarding state was not found."}
			default:
				return &armsecurityinsights.SentinelOnboardingStatesList{Value: []*armsecurityinsights.SentinelOnboardingState{}}, nil
			}
		}
		return nil, azure.NotFound("The workspace " + c.Params["workspaceName"])
	})
}

func logWorkspace(it *world.Item) *armoperationalinsights.Workspace {
	access := func(open string) *armoperationalinsights.PublicNetworkAccessType {
		if it.Has(open) {
			return []*armoperationalinsights.PublicNetworkAccessType{nil, to.Ptr(armoperationalinsights.PublicNetworkAccessTypeEnabled)}[it.Pick(2, open)]
		}
		return to.Ptr(armoperationalinsights.PublicNetworkAccessTypeDisabled)
	}
	p := &armoperationalinsights.WorkspaceProperties{
		CustomerID: to.Ptr("cccccccc-0000-4000-8000-" + it.Hex(12, "customer")), ProvisioningState: to.Ptr(armoperationalinsights.WorkspaceEntityStatusSucceeded),
		CreatedDate: to.Ptr("2024-03-01T09:00:00Z"), SKU: &armoperationalinsights.WorkspaceSKU{Name: to.Ptr(armoperationalinsights.WorkspaceSKUNameEnumPerGB2018)},
		PublicNetworkAccessForIngestion: access("open-ingestion"), PublicNetworkAccessForQuery: access("open-query"),
		Features:         &armoperationalinsights.WorkspaceFeatures{DisableLocalAuth: to.Ptr(!it.Has("keys")), EnableDataExport: to.Ptr(it.Pick(2, "export") == 0)},
		WorkspaceCapping: &armoperationalinsights.WorkspaceCapping{DailyQuotaGb: to.Ptr(-1.0)},
	}
	switch {
	case it.Has("long"):
		p.RetentionInDays = to.Ptr[int32](730)
	case it.Has("quarter"):
		p.RetentionInDays = to.Ptr[int32](90)
	case it.Pick(2, "retention") == 0:
		p.RetentionInDays = to.Ptr[int32](30)
	}
	if it.Has("capped") {
		p.WorkspaceCapping.DailyQuotaGb = to.Ptr(2.5)
	}
	return &armoperationalinsights.Workspace{
		ID: to.Ptr(workspaceID(it)), Name: to.Ptr("log-" + it.Name()), Type: to.Ptr("Microsoft.OperationalInsights/workspaces"), Location: to.Ptr(it.Account.Home()),
		Tags: labels("team", "platform"), Properties: p,
	}
}
