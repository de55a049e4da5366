package subscription

import (
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/applicationinsights/armapplicationinsights"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var insightsService = service{
	providers: []string{"Microsoft.Insights"},
	kinds: []world.Kind{{
		Name: "azure.insights", Sort: inSubscription, Global: true, Count: 3, Defects: []world.Defect{{Name: "classic", Share: 0.15, Drift: 0.2}, {Name: "public", Share: 0.5}, {Name: "keys", Share: 0.5}},
		ExpectMore: func(s *world.State) map[world.Judged]posture.Result {
			apps := slices.ContainsFunc(everything(s), func(d described) bool {
				return strings.EqualFold(d.Type, "Microsoft.Web/sites") || strings.EqualFold(d.Type, "Microsoft.App/containerApps")
			})
			components := s.Items("azure.insights")
			classic := slices.ContainsFunc(components, func(it *world.Item) bool { return it.Has("classic") })
			return map[world.Judged]posture.Result{
				{Rule: "azure-applicationinsights-configured", Resource: subscriptionKey(s)}: unless(!apps, failIf(classic || len(components) == 0)),
			}
		},
	}},
	handle: handleInsights,
}

func handleInsights(s *azure.Server, w *states) {
	azure.List(s, "armapplicationinsights.ComponentsClient.NewListPager", func(c azure.Call) (*armapplicationinsights.ComponentListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armapplicationinsights.ComponentListResult{}
		for _, it := range state.Items("azure.insights") {
			out.Value = append(out.Value, component(state, it))
		}
		return out, nil
	})
}

func component(s *world.State, it *world.Item) *armapplicationinsights.Component {
	access := armapplicationinsights.PublicNetworkAccessTypeDisabled
	if it.Has("public") {
		access = armapplicationinsights.PublicNetworkAccessTypeEnabled
	}
	created := s.Long(it, 100)
	p := &armapplicationinsights.ComponentProperties{
		ApplicationType: to.Ptr(armapplicationinsights.ApplicationTypeWeb), CreationDate: &created, DisableLocalAuth: to.Ptr(!it.Has("keys")),
		InstrumentationKey: to.Ptr(it.Hex(32, "key")), ConnectionString: to.Ptr("InstrumentationKey=" + it.Hex(32, "key")), IngestionMode: to.Ptr(armapplicationinsights.IngestionModeApplicationInsights),
		PublicNetworkAccessForIngestion: &access, PublicNetworkAccessForQuery: &access, ProvisioningState: to.Ptr("Succeeded"),
	}
	if it.Pick(2, "retention") == 0 {
		p.RetentionInDays = to.Ptr[int32](180)
	}
	if !it.Has("classic") {
		p.IngestionMode, p.WorkspaceResourceID = to.Ptr(armapplicationinsights.IngestionModeLogAnalytics), to.Ptr(workspaceID(s.Find("azure.workspace", posture.Global, 0)))
	}
	return &armapplicationinsights.Component{
		ID: to.Ptr(idOf(it, "Microsoft.Insights/components", "appi-"+it.Name())), Name: to.Ptr("appi-" + it.Name()), Type: to.Ptr("Microsoft.Insights/components"),
		Kind: to.Ptr("web"), Location: to.Ptr(it.Account.Home()), Tags: labels("team", "apps"), Properties: p,
	}
}
