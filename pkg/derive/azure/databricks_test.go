package azure

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestDatabricksSubnets(t *testing.T) {
	const network = own + "microsoft.network/virtualnetworks/lake"
	workspace := func(others ...*posture.Resource) []*posture.Resource {
		ids := []string{network + "/subnets/public", network + "/subnets/private"}
		return append([]*posture.Resource{resource(schema.DatabricksWorkspaceType, own+"microsoft.databricks/workspaces/w", &schema.DatabricksWorkspace{SubnetIDs: ids})}, others...)
	}
	subnet := func(name, group string, refused ...string) *posture.Resource {
		return resource(schema.SubnetType, network+"/subnets/"+name, &schema.Subnet{NSGID: group}, refused...)
	}
	want := func(v any) map[string]any { return map[string]any{"subnets_have_nsg": v} }
	check(t, map[string]derivation{
		"both have a group":                   {resources: workspace(subnet("public", "g"), subnet("private", "g")), want: want(true)},
		"one has none":                        {resources: workspace(subnet("public", "g"), subnet("private", "")), want: want(false)},
		"a network of the service's own":      {resources: []*posture.Resource{resource(schema.DatabricksWorkspaceType, "w", &schema.DatabricksWorkspace{})}, want: want(false)},
		"a group was not read":                {resources: workspace(subnet("public", "g"), subnet("private", "", "nsg_id")), want: want("unread: read nsg_id")},
		"one without a group decides":         {resources: workspace(subnet("public", ""), subnet("private", "", "nsg_id")), want: want(false)},
		"subnets were not read":               {refused: []*posture.Type{schema.SubnetType}, resources: workspace(), want: want("unread: list azure.network.subnet")},
		"a network of another subscription's": {resources: workspace(subnet("public", "g")), want: want("unread: " + listNetworks)},
		"which subnets it uses was not read":  {resources: []*posture.Resource{resource(schema.DatabricksWorkspaceType, "w", &schema.DatabricksWorkspace{}, "subnet_ids")}, want: want("unread: read subnet_ids")},
	})
}
