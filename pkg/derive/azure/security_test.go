package azure

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestJustInTime(t *testing.T) {
	const id = own + "microsoft.compute/virtualmachines/web"
	machine := func(others ...*posture.Resource) []*posture.Resource {
		return append([]*posture.Resource{resource(schema.VirtualMachineType, id, &schema.VirtualMachine{})}, others...)
	}
	policy := func(vm string, refused ...string) *posture.Resource {
		return resource(schema.JITPolicyType, "policy", &schema.JITPolicy{VMIDs: []string{vm}}, refused...)
	}
	want := func(v any) map[string]any { return map[string]any{"jit_protected": v} }
	policies := []*posture.Type{schema.JITPolicyType}
	check(t, map[string]derivation{
		"a policy names the machine":   {resources: machine(policy(id)), want: want(true)},
		"a policy names another":       {resources: machine(policy(id + "2")), want: want(false)},
		"policies were not read":       {refused: policies, resources: machine(), want: want("unread: list azure.security.jit_policy")},
		"whom it names was not read":   {resources: machine(policy("", "vm_ids")), want: want("unread: read vm_ids")},
		"one that was seen is enough":  {refused: policies, resources: machine(policy(id)), want: want(true)},
		"there are no policies at all": {resources: machine(), want: want(false)},
	})
}

func TestWatchedHubs(t *testing.T) {
	const id = own + "microsoft.devices/iothubs/field"
	hub := func(kind string, others ...*posture.Resource) []*posture.Resource {
		return append([]*posture.Resource{resource(schema.InventoryItemType, id, &schema.InventoryItem{Type: kind})}, others...)
	}
	solution := func(name, status string, refused ...string) *posture.Resource {
		return resource(schema.IoTSolutionType, name, &schema.IoTSolution{Status: status, IoTHubIDs: []string{id}}, refused...)
	}
	want := func(v any) map[string]any { return map[string]any{"in_iot_solution": v} }
	solutions := []*posture.Type{schema.IoTSolutionType}
	const iotHub = "microsoft.devices/iothubs"
	check(t, map[string]derivation{
		"an enabled solution":                      {resources: hub(iotHub, solution("a", "Enabled")), want: want(true)},
		"a disabled one":                           {resources: hub(iotHub, solution("a", "Disabled")), want: want(false)},
		"one of each":                              {resources: hub(iotHub, solution("a", "Disabled"), solution("b", "Enabled")), want: want(true)},
		"no solution":                              {resources: hub(iotHub), want: want(false)},
		"its state was not read":                   {resources: hub(iotHub, solution("a", "", "status")), want: want("unread: read status")},
		"solutions were not read":                  {refused: solutions, resources: hub(iotHub), want: want("unread: list azure.security.iot_solution")},
		"for what is no hub, solutions are no use": {refused: solutions, resources: hub("microsoft.web/sites"), want: want(false)},
	})
}
