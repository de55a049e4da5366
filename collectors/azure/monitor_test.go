package azure

import (
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/monitor/armmonitor"
	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
)

// leaf is a condition that one field has one of some values.
func leaf(field string, values ...string) *armmonitor.AlertRuleLeafCondition {
	out := &armmonitor.AlertRuleLeafCondition{Field: &field}
	if len(values) == 1 {
		out.Equals = &values[0]
		return out
	}
	for _, v := range values {
		out.ContainsAny = append(out.ContainsAny, &v)
	}
	return out
}

func TestConditionsOfActivityLogAlerts(t *testing.T) {
	const write, remove = "microsoft.network/networksecuritygroups/write", "microsoft.network/networksecuritygroups/delete"
	for name, test := range map[string]struct {
		conditions [][]*armmonitor.AlertRuleLeafCondition // all of them; of each, any
		want       schema.ActivityLogAlert                // as far as it is about conditions
	}{
		"one operation, in lower case": {
			[][]*armmonitor.AlertRuleLeafCondition{{leaf("category", "Administrative")}, {leaf("operationName", "Microsoft.Network/networkSecurityGroups/write")}},
			schema.ActivityLogAlert{Categories: []string{"administrative"}, OperationNames: []string{write}}},
		"several in one list": {
			[][]*armmonitor.AlertRuleLeafCondition{{leaf("operationName", write, remove)}},
			schema.ActivityLogAlert{OperationNames: []string{remove, write}}},
		"several alternatives": {
			[][]*armmonitor.AlertRuleLeafCondition{{leaf("operationName", write), leaf("operationName", remove)}},
			schema.ActivityLogAlert{OperationNames: []string{remove, write}}},
		"a status every operation reaches narrows nothing": {
			[][]*armmonitor.AlertRuleLeafCondition{{leaf("operationName", write)}, {leaf("status", "Succeeded")}},
			schema.ActivityLogAlert{OperationNames: []string{write}, Statuses: []string{"succeeded"}}},
		"failures only": {
			[][]*armmonitor.AlertRuleLeafCondition{{leaf("operationName", write)}, {leaf("status", "Failed")}},
			schema.ActivityLogAlert{OperationNames: []string{write}, Statuses: []string{"failed"}, NarrowedBy: []string{"status"}}},
		"a level": {
			[][]*armmonitor.AlertRuleLeafCondition{{leaf("operationName", write)}, {leaf("level", "Error", "Critical")}},
			schema.ActivityLogAlert{OperationNames: []string{write}, Levels: []string{"critical", "error"}, NarrowedBy: []string{"level"}}},
		"one person": {
			[][]*armmonitor.AlertRuleLeafCondition{{leaf("operationName", write)}, {leaf("caller", "ann@acme.example")}},
			schema.ActivityLogAlert{OperationNames: []string{write}, NarrowedBy: []string{"caller"}}},
		"the type that the operation is one of": {
			[][]*armmonitor.AlertRuleLeafCondition{{leaf("operationName", write)}, {leaf("resourceType", "Microsoft.Network/networkSecurityGroups")}},
			schema.ActivityLogAlert{OperationNames: []string{write}}},
		"another type": {
			[][]*armmonitor.AlertRuleLeafCondition{{leaf("operationName", write)}, {leaf("resourceType", "Microsoft.Network/virtualNetworks")}},
			schema.ActivityLogAlert{OperationNames: []string{write}, NarrowedBy: []string{"resourcetype"}}},
		"a provider alone narrows every operation": {
			[][]*armmonitor.AlertRuleLeafCondition{{leaf("category", "Administrative")}, {leaf("resourceProvider", "Microsoft.Network")}},
			schema.ActivityLogAlert{Categories: []string{"administrative"}, NarrowedBy: []string{"resourceprovider"}}},
		"a level as an alternative to the operation": {
			[][]*armmonitor.AlertRuleLeafCondition{{leaf("operationName", write), leaf("level", "Error")}},
			schema.ActivityLogAlert{OperationNames: []string{write}, Levels: []string{"error"}}},
		"some incidents": {
			[][]*armmonitor.AlertRuleLeafCondition{{leaf("category", "ServiceHealth")}, {leaf("properties.incidentType", "Incident"), leaf("properties.incidentType", "Security")}},
			schema.ActivityLogAlert{Categories: []string{"servicehealth"}, IncidentTypes: []string{"incident", "security"}, NarrowedBy: []string{"properties.incidenttype"}}},
	} {
		t.Run(name, func(t *testing.T) {
			all := &armmonitor.AlertRuleAllOfCondition{}
			for _, any := range test.conditions {
				c := &armmonitor.AlertRuleAnyOfOrLeafCondition{Field: any[0].Field, Equals: any[0].Equals, ContainsAny: any[0].ContainsAny}
				if len(any) > 1 {
					c = &armmonitor.AlertRuleAnyOfOrLeafCondition{AnyOf: any}
				}
				all.AllOf = append(all.AllOf, c)
			}
			got := newActivityLogAlert(&armmonitor.ActivityLogAlertResource{Properties: &armmonitor.AlertRuleProperties{Condition: all}})
			if !got.Enabled {
				t.Error("an alert that says nothing of it is not enabled")
			}
			for _, pair := range [][2][]string{
				{test.want.Categories, got.Categories}, {test.want.OperationNames, got.OperationNames}, {test.want.Statuses, got.Statuses},
				{test.want.Levels, got.Levels}, {test.want.IncidentTypes, got.IncidentTypes}, {test.want.NarrowedBy, got.NarrowedBy},
			} {
				if diff := cmp.Diff(append([]string{}, pair[0]...), pair[1]); diff != "" {
					t.Errorf("conditions differ (-want +got):\n%s", diff)
				}
			}
		})
	}
}
