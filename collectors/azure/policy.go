package azure

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/policyinsights/armpolicyinsights"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armpolicy"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var policyAssignments = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.PolicyAssignmentType},
	Operations: []collectors.Operation{
		{Name: "armpolicy.AssignmentsClient.NewListPager", Permission: "Microsoft.Authorization/policyAssignments/read",
			Body: collectors.Redact("parameters")},
	},
	Collect: collectPolicyAssignments,
}

// collectPolicyAssignments lists what is assigned to the whole subscription, by itself or from above.
func collectPolicyAssignments(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armpolicy.NewAssignmentsClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	options := &armpolicy.AssignmentsClientListOptions{Filter: to.Ptr(atScope)}
	err = pages(ctx, api.NewListPager(options), func(page armpolicy.AssignmentsClientListResponse) error {
		for _, a := range page.Value {
			out := schema.PolicyAssignment{Meta: posture.Meta{Name: text(a.Name)}, EnforcementMode: "Default", NotScopes: []string{}}
			if p := a.Properties; p != nil {
				out.DisplayName, out.PolicyDefinitionID, out.DefinitionVersion = text(p.DisplayName), idOf(p.PolicyDefinitionID),
					text(p.DefinitionVersion)
				out.IsInitiative = strings.Contains(out.PolicyDefinitionID, "/policysetdefinitions/")
				out.Scope = scopeOf(p.Scope)
				out.ScopeLevel = scopeLevel(out.Scope)
				if p.EnforcementMode != nil {
					out.EnforcementMode = text(p.EnforcementMode)
				}
				for _, s := range p.NotScopes {
					out.NotScopes = append(out.NotScopes, idOf(s))
				}
			}
			emit(idOf(a.ID), &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list policy assignments: %w", err)
	}
	return nil
}

var complianceSummaries = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ComplianceSummaryType},
	Operations: []collectors.Operation{
		{Name: "armpolicyinsights.PolicyStatesClient.SummarizeForSubscription",
			Permission: "Microsoft.PolicyInsights/policyStates/summarize/read", Body: collectors.Store},
	},
	Collect: collectComplianceSummaries,
}

func collectComplianceSummaries(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armpolicyinsights.NewPolicyStatesClient(c.credential, c.options)
	if err != nil {
		return err
	}
	answer, err := api.SummarizeForSubscription(ctx, armpolicyinsights.PolicyStatesSummaryResourceTypeLatest, c.subscription, nil)
	if err != nil {
		return fmt.Errorf("summarize compliance: %w", err)
	}
	for _, summary := range answer.Value {
		for _, a := range summary.PolicyAssignments {
			id := idOf(a.PolicyAssignmentID)
			out := schema.ComplianceSummary{Meta: posture.Meta{Name: id[strings.LastIndexByte(id, '/')+1:]}, AssignmentID: id}
			if r := a.Results; r != nil {
				out.NoncompliantResources, out.NoncompliantPolicies = int(value(r.NonCompliantResources)), int(value(r.NonCompliantPolicies))
				for _, d := range r.ResourceDetails {
					out.TotalResources += int(value(d.Count))
				}
			}
			emit(id, &out)
		}
	}
	return nil
}

// guestBaseline and kubernetesBaseline are the names of the built-in definitions that look into machines, and into clusters.
var (
	guestBaseline = []string{
		"5752e6d6-1206-46d8-8ab1-ecc2f71a8112", "fc9b3da7-8347-4380-8e70-0a0361d8dedd", "72650e9f-97bc-4b2a-ab5f-9781a9fcecbc",
		"bed48b13-6647-468e-aa2f-1af1d3f4dd40", "ea53dbee-c6c9-4f0e-9f9e-de0039b78023", "33936777-f2ac-45aa-82ec-07958ec9ade4",
		"1221c620-d201-468c-81e7-2817e6107e84", "87845465-c458-45f3-af66-dcd62176f397", "e6955644-301c-44b5-a4c4-528577de6861",
		"f71be03e-e25b-4d0f-b8bc-9b3e309b66c0", "94d9aca8-3757-46df-aa51-f218c5f11954", "3d2a3320-2a72-4c67-ac5f-caa40fbee2b2",
		"bf16e0bb-31e1-4646-8202-60a235cc7e74", "67e010c1-640d-438e-a3a5-feaccb533a98", "4ceb8dc2-559c-478b-a15b-733fbf1e3738",
		"e068b215-0026-4354-b347-8fb2766f73a2", "2a7a701e-dff3-4da9-9ec5-42cb98594c0b", "492a29ed-d143-4f03-b6a4-705ce081b463",
		"f2143251-70de-4e81-87a8-36cee5a2f29d", "58383b73-94a9-4414-b382-4146eb02611b", "caf2d518-f029-4f6b-833b-d7081702f253",
		"3ff60f98-7fa4-410a-9f7f-0b00f5afdbdd", "ee984370-154a-4ee8-9726-19d900e56fc0",
	}
	kubernetesBaseline = []string{
		"1a5b4dca-0b6f-4cf5-907c-56316bc1bf3d", "febd0533-8e55-448f-b837-bd0e06f16469", "f06ddb64-5fa3-4b77-b166-acb36f7f6042",
		"e345eecc-fa47-480f-9e88-67dcc122b164", "df49d893-a74c-421d-bc95-c663042e5b80", "d2e7ea85-6b44-4317-a0be-1b951587f626",
		"c26596ff-4d70-4e6a-9a30-c2506bd2f80c", "9f061a12-e40d-4183-a00e-171812443373", "95edb821-ddaf-4404-9732-666045e056b4",
		"82985f06-dc18-4a48-bc1c-b9f4f0098cfe", "511f5417-5d12-434d-ab2e-816901e72a5e", "47a1ee2f-2a2a-4576-bf2a-e0e36709c2b8",
		"423dd1ba-798e-40e4-9c4d-b6902674b423", "233a2a17-77ca-4fb1-9b6b-69223d272a44", "1c6e92c9-99f0-4e55-9cf2-0c234dc48f99",
		"098fc59e-46c7-4d99-9b16-64990e543d75", "d46c275d-1680-448d-b2ec-e495a3b6cc89",
	}
)

const policyStateQuery = "armpolicyinsights.PolicyStatesClient.NewListQueryResultsForSubscriptionPager"

var policyStates = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.PolicyStateType},
	Operations: []collectors.Operation{
		{Name: policyStateQuery, Permission: "Microsoft.PolicyInsights/policyStates/queryResults/read", Body: collectors.Store},
	},
	Collect: collectPolicyStates,
}

// collectPolicyStates asks for the few policies that tell what no other call does, and of each state for what is kept.
func collectPolicyStates(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armpolicyinsights.NewPolicyStatesClient(c.credential, c.options)
	if err != nil {
		return err
	}
	var either []string
	for _, name := range slices.Concat(guestBaseline, kubernetesBaseline) {
		either = append(either, "policyDefinitionName eq '"+name+"'")
	}
	options := &armpolicyinsights.PolicyStatesClientListQueryResultsForSubscriptionOptions{
		Filter: to.Ptr(strings.Join(either, " or ")),
		Select: to.Ptr("resourceId,policyAssignmentId,policyDefinitionName,policyDefinitionReferenceId,policySetDefinitionName,complianceState,timestamp"),
	}
	for {
		// The SDK would ask for the next page with GET, which the service refuses.
		pager := api.NewListQueryResultsForSubscriptionPager(armpolicyinsights.PolicyStatesResourceLatest, c.subscription, options)
		page, err := pager.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list policy states: %w", err)
		}
		for _, s := range page.Value {
			out, id := newPolicyState(s)
			emit(id, &out)
		}
		if text(page.ODataNextLink) == "" {
			return nil
		}
		link, err := url.Parse(text(page.ODataNextLink))
		if err != nil || link.Query().Get("$skiptoken") == "" {
			return &transport.Error{Operation: policyStateQuery, Reason: posture.ReasonPartialPages,
				Err: errors.New("the link to the next page holds no token")}
		}
		options.SkipToken = to.Ptr(link.Query().Get("$skiptoken"))
	}
}

func newPolicyState(s *armpolicyinsights.PolicyState) (out schema.PolicyState, id string) {
	out = schema.PolicyState{
		PolicyDefinitionName: strings.ToLower(text(s.PolicyDefinitionName)), PolicySetName: strings.ToLower(text(s.PolicySetDefinitionName)),
		AssignmentID: idOf(s.PolicyAssignmentID), ResourceID: idOf(s.ResourceID), ComplianceState: text(s.ComplianceState),
		EvaluatedAt: moment(s.Timestamp),
	}
	out.Name = out.ResourceID[strings.LastIndexByte(out.ResourceID, '/')+1:]
	switch {
	case slices.Contains(guestBaseline, out.PolicyDefinitionName):
		out.Baseline = "guest"
	case slices.Contains(kubernetesBaseline, out.PolicyDefinitionName):
		out.Baseline = "kubernetes"
	}
	parts := []string{out.ResourceID, out.AssignmentID, out.PolicyDefinitionName}
	if reference := text(s.PolicyDefinitionReferenceID); reference != "" { // an initiative may hold a definition twice
		parts = append(parts, strings.ToLower(reference))
	}
	return out, strings.Join(parts, "|")
}
