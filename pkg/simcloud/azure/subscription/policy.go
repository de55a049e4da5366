package subscription

import (
	"path"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/policyinsights/armpolicyinsights"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armlocks"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armpolicy"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Azure Policy, and the locks on what must stay.
var policyService = service{
	providers: []string{"Microsoft.PolicyInsights"},
	kinds: []world.Kind{
		{
			Name: "azure.policy", Sort: inSubscription, Global: true, Count: 3,
			Defects: []world.Defect{{Name: "watch-only", Drift: 0.5}, {Name: "left-out", Drift: 0.4},
				{Name: "group-left-out", Drift: 0.4}, {Name: "unset-mode", Share: 0.4}},
			ExpectMore: expectPolicies,
		},
		{Name: "azure.policy_state", Sort: inSubscription, Global: true, Count: 4,
			Defects: []world.Defect{{Name: "broken", Share: 0.2, Drift: 0.4}, {Name: "exempt", Share: 0.2},
				{Name: "not-looked", Share: 0.2, Drift: 0.4}}},
		{
			Name: "azure.lock", Sort: inSubscription, Global: true, Count: 3,
			Defects:    []world.Defect{{Name: "read-only", Share: 0.4}, {Name: "lifted", Share: 0.5, Drift: 0.6}},
			ExpectMore: expectLocks,
		},
	},
	handle: handlePolicy,
}

// benchmark and soc2 are the initiatives that the first two assignments are of.
const (
	benchmark = "1f3afdf9-d0c9-4c3d-847f-89da613e70a8"
	soc2      = "53ad89f5-8542-49e9-ba81-1cbd686e0d52"
)

func covers(it *world.Item) bool { return !it.Has("left-out") && !it.Has("group-left-out") }

func expectPolicies(s *world.State) map[world.Judged]posture.Result {
	has := func(index int, fits func(*world.Item) bool) bool {
		it := s.Find("azure.policy", posture.Global, index)
		return it != nil && covers(it) && fits(it)
	}
	baseline := func(odd int) posture.Result {
		states := slices.DeleteFunc(slices.Clone(s.Items("azure.policy_state")),
			func(it *world.Item) bool { return it.Index%2 != odd || it.Has("not-looked") })
		return unless(len(states) == 0, failIf(slices.ContainsFunc(states,
			func(it *world.Item) bool { return it.Has("broken") && !it.Has("exempt") })))
	}
	key := subscriptionKey(s)
	return map[world.Judged]posture.Result{
		{Rule: "azure-policy-security-benchmark-enforced", Resource: key}: failIf(!has(0,
			func(it *world.Item) bool { return !it.Has("watch-only") })),
		{Rule: "azure-policy-soc2-initiative-assigned", Resource: key}:      failIf(!has(1, func(*world.Item) bool { return true })),
		{Rule: "azure-policy-guest-baseline-compliant", Resource: key}:      baseline(0),
		{Rule: "azure-policy-kubernetes-baseline-compliant", Resource: key}: baseline(1),
	}
}

// expectLocks: a lock holds the subscription, its resource group or the first storage account.
func expectLocks(s *world.State) map[world.Judged]posture.Result {
	held := func(index int) bool {
		it := s.Find("azure.lock", posture.Global, index)
		return it != nil && !it.Has("lifted")
	}
	destinations, open := 0, false
	for _, e := range s.Items("azure.export") {
		account := exportAccount(s, e)
		if account == nil && exportWorkspace(s, e) == nil {
			continue // nowhere, or out of the tenant
		}
		destinations++
		open = open || !held(0) && !held(1) && !(held(2) && account != nil && account.Index == 0)
	}
	return map[world.Judged]posture.Result{
		{Rule: "azure-locks-audit-log-destination-locked", Resource: subscriptionKey(s)}: unless(destinations == 0, failIf(open)),
		{Rule: "azure-locks-critical-resources-locked", Resource: subscriptionKey(s)}:    posture.DoesNotApply, // no tag is named
	}
}

// policyScope: the first is assigned at the root of the tenant, the others at the subscription.
func policyScope(s *world.State, it *world.Item) string {
	if it.Index == 0 {
		return managementGroups(s)[0].id
	}
	return "/subscriptions/" + s.Account.ID
}

func policyAssignmentID(s *world.State, it *world.Item) string {
	return policyScope(s, it) + "/providers/Microsoft.Authorization/policyAssignments/pa-" + it.Name()
}

func handlePolicy(s *azure.Server, w *states) {
	azure.List(s, "armpolicy.AssignmentsClient.NewListPager", func(c azure.Call) (*armpolicy.AssignmentListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armpolicy.AssignmentListResult{}
		for _, it := range state.Items("azure.policy") {
			out.Value = append(out.Value, policyAssignment(state, it))
		}
		return out, nil
	})
	azure.Handle(s, "armpolicyinsights.PolicyStatesClient.SummarizeForSubscription", func(c azure.Call) (*armpolicyinsights.SummarizeResults, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		summary := &armpolicyinsights.Summary{}
		for _, it := range state.Items("azure.policy") {
			bad := int32(it.Pick(5, "bad"))
			summary.PolicyAssignments = append(summary.PolicyAssignments, &armpolicyinsights.PolicyAssignmentSummary{
				PolicyAssignmentID: to.Ptr(strings.ToLower(policyAssignmentID(state, it))),
				Results: &armpolicyinsights.SummaryResults{NonCompliantResources: &bad, NonCompliantPolicies: to.Ptr(min(bad, 2)),
					ResourceDetails: []*armpolicyinsights.ComplianceDetail{
						{ComplianceState: to.Ptr("noncompliant"), Count: &bad}, {ComplianceState: to.Ptr("compliant"), Count: to.Ptr[int32](40)},
					}},
			})
		}
		return &armpolicyinsights.SummarizeResults{ODataCount: to.Ptr[int32](1), Value: []*armpolicyinsights.Summary{summary}}, nil
	})
	azure.List(s, "armpolicyinsights.PolicyStatesClient.NewListQueryResultsForSubscriptionPager",
		func(c azure.Call) (*armpolicyinsights.PolicyStatesQueryResults, error) {
			state, err := w.at(c)
			if err != nil {
				return nil, err
			}
			out := &armpolicyinsights.PolicyStatesQueryResults{}
			for _, it := range state.Items("azure.policy_state") {
				if found := policyState(state, it); !it.Has("not-looked") && strings.Contains(c.Query.Get("$filter"), *found.PolicyDefinitionName) {
					out.Value = append(out.Value, found)
				}
			}
			return out, nil
		})
	azure.List(s, "armlocks.ManagementLocksClient.NewListAtSubscriptionLevelPager", func(c azure.Call) (*armlocks.ManagementLockListResult, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armlocks.ManagementLockListResult{}
		for _, it := range state.Items("azure.lock") {
			if !it.Has("lifted") {
				out.Value = append(out.Value, lock(state, it))
			}
		}
		return out, nil
	})
}

func policyAssignment(s *world.State, it *world.Item) *armpolicy.Assignment {
	set := "/providers/Microsoft.Authorization/policySetDefinitions/"
	definition := []string{set + benchmark, set + soc2, "/providers/Microsoft.Authorization/policyDefinitions/e56962a6-4747-49cd-b67b-bf8b01975c4c"}[it.Index]
	p := &armpolicy.AssignmentProperties{
		DisplayName: to.Ptr("Assignment " + it.Name()), PolicyDefinitionID: &definition, Scope: to.Ptr(policyScope(s, it)),
		EnforcementMode: to.Ptr(armpolicy.EnforcementModeDefault),
		NotScopes:       []*string{to.Ptr("/subscriptions/" + s.Account.ID + "/resourceGroups/rg-lab")}, DefinitionVersion: to.Ptr("1.*.*"),
		Parameters: map[string]*armpolicy.ParameterValuesValue{"effect": {Value: "AuditIfNotExists"}}, InstanceID: to.Ptr(objectID(it, "instance")),
	}
	if it.Has("unset-mode") {
		p.EnforcementMode = nil
	}
	if it.Has("watch-only") {
		p.EnforcementMode = to.Ptr(armpolicy.EnforcementModeDoNotEnforce)
	}
	if it.Has("left-out") {
		p.NotScopes = append(p.NotScopes, to.Ptr("/subscriptions/"+s.Account.ID))
	}
	if it.Has("group-left-out") {
		p.NotScopes = append(p.NotScopes, &above(s, s.Account.ID)[0])
	}
	return &armpolicy.Assignment{
		ID: to.Ptr(policyAssignmentID(s, it)), Name: to.Ptr("pa-" + it.Name()), Type: to.Ptr("Microsoft.Authorization/policyAssignments"),
		Properties: p,
	}
}

// policyState: the even ones look into a machine, the odd ones into a cluster.
func policyState(s *world.State, it *world.Item) *armpolicyinsights.PolicyState {
	definition, resource := "fc9b3da7-8347-4380-8e70-0a0361d8dedd", idOf(it, "Microsoft.Compute/virtualMachines", "vm-"+it.Name())
	if it.Index%2 == 1 {
		definition, resource = "95edb821-ddaf-4404-9732-666045e056b4", idOf(it, "Microsoft.ContainerService/managedClusters", "aks-"+it.Name())
	}
	found := "Compliant"
	if it.Has("broken") {
		found = "NonCompliant"
	}
	if it.Has("exempt") {
		found = "Exempt"
	}
	assigned := managementGroups(s)[0].id + "/providers/Microsoft.Authorization/policyAssignments/pa-baseline"
	return &armpolicyinsights.PolicyState{
		ResourceID: to.Ptr(strings.ToLower(resource)), PolicyAssignmentID: to.Ptr(strings.ToLower(assigned)), PolicyDefinitionName: &definition,
		PolicyDefinitionReferenceID: to.Ptr("baseline"), PolicySetDefinitionName: to.Ptr(benchmark), ComplianceState: &found,
		Timestamp: to.Ptr(s.Since(it, 2, "evaluated")),
	}
}

func lock(s *world.State, it *world.Item) *armlocks.ManagementLockObject {
	scope := []string{"/subscriptions/" + it.Account.ID + "/resourceGroups/" + group, "/subscriptions/" + it.Account.ID,
		storageID(s.Find("azure.storage", posture.Global, 0))}[it.Index]
	id := scope + "/providers/Microsoft.Authorization/locks/keep-" + it.Name()
	level := armlocks.LockLevelCanNotDelete
	if it.Has("read-only") {
		level = armlocks.LockLevelReadOnly
	}
	return &armlocks.ManagementLockObject{
		ID: &id, Name: to.Ptr(path.Base(id)), Type: to.Ptr("Microsoft.Authorization/locks"),
		Properties: &armlocks.ManagementLockProperties{Level: &level, Notes: to.Ptr("Ask the platform team before lifting it.")},
	}
}
