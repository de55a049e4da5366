package azure

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestMachineNetworks(t *testing.T) {
	const outerGroup = own + "microsoft.network/networksecuritygroups/outer"
	vm := func(refused ...string) *posture.Resource {
		return resource(schema.VirtualMachineType, webVM, &schema.VirtualMachine{NICIDs: []string{webCard}}, refused...)
	}
	subnet := func(nsg string, refused ...string) *posture.Resource {
		return resource(schema.SubnetType, webApp, &schema.Subnet{NSGID: nsg}, refused...)
	}
	inner := func(rules ...schema.SecurityRule) *posture.Resource { return group(rules...) }
	outer := func(rules ...schema.SecurityRule) *posture.Resource {
		g := group(rules...)
		g.ID = outerGroup
		return g
	}
	filtered := func() *posture.Resource { return card(&schema.NetworkInterface{NSGID: webGroup}) }
	bare := func() *posture.Resource { return card(&schema.NetworkInterface{}) }
	public := func() *posture.Resource {
		return card(&schema.NetworkInterface{PublicIPIDs: []string{webPublic}})
	}
	address := func(sku string, refused ...string) *posture.Resource {
		return resource(schema.PublicIPType, webPublic, &schema.PublicIP{SKU: sku}, refused...)
	}
	all, rdp := allow(anyone, "*"), allow(anyone, "3389")
	values := func(protected, open any) map[string]any {
		return map[string]any{"nsg_protected": protected, "open_admin_ports": open}
	}
	none := []any{}
	check(t, map[string]derivation{
		"the interface's group lets one port in": {resources: []*posture.Resource{vm(), filtered(), inner(rdp), subnet("")},
			want: values(true, []any{"3389"})},
		"the subnet's group does": {resources: []*posture.Resource{vm(), bare(), outer(rdp), subnet(outerGroup)},
			want: values(true, []any{"3389"})},
		"both have to": {resources: []*posture.Resource{vm(), filtered(), inner(all), outer(allow(anyone, "22", "443")), subnet(outerGroup)},
			want: values(true, []any{"22"})},
		"the subnet's group closes what the interface's opens": {resources: []*posture.Resource{vm(), filtered(), inner(all), outer(), subnet(outerGroup)},
			want: values(true, none)},
		"all four": {resources: []*posture.Resource{vm(), filtered(), inner(all), subnet("")},
			want: values(true, []any{"22", "3389", "5985", "5986"})},
		"no group and no address": {resources: []*posture.Resource{vm(), bare(), subnet("")},
			want: values(false, none)},
		"no group and a Basic address": {resources: []*posture.Resource{vm(), public(), subnet(""), address("Basic")},
			want: values(false, []any{"22", "3389", "5985", "5986"})},
		"no group and a Standard address": {resources: []*posture.Resource{vm(), public(), subnet(""), address("Standard")},
			want: values(false, none)},
		"the kind of the address was not read": {resources: []*posture.Resource{vm(), public(), subnet(""), address("", "sku")},
			want: values(false, "unread: read sku")},
		"the kind of address does not matter behind a group": {resources: []*posture.Resource{vm(), card(&schema.NetworkInterface{NSGID: webGroup, PublicIPIDs: []string{webPublic}}), inner(rdp), subnet(""), address("", "sku")},
			want: values(true, []any{"3389"})},
		"the subnet's group was not read, the interface's is closed": {resources: []*posture.Resource{vm(), filtered(), inner(), subnet("", "nsg_id")},
			want: values(true, none)},
		"the subnet's group was not read, the interface's is open": {resources: []*posture.Resource{vm(), filtered(), inner(rdp), subnet("", "nsg_id")},
			want: values(true, "unread: read nsg_id")},
		"groups were not read": {resources: []*posture.Resource{vm(), filtered(), subnet("")}, refused: []*posture.Type{schema.NetworkSecurityGroupType},
			want: values(true, "unread: list azure.network.security_group")},
		"interfaces were not read": {resources: []*posture.Resource{vm()}, refused: []*posture.Type{schema.NetworkInterfaceType},
			want: values("unread: list azure.network.interface", "unread: list azure.network.interface")},
		"an interface that is not listed": {resources: []*posture.Resource{vm()},
			want: values("unread: "+listInterfaces, "unread: "+listInterfaces)},
		"which interfaces it has was not read": {resources: []*posture.Resource{vm("nic_ids"), filtered()},
			want: values("unread: read nic_ids", "unread: read nic_ids")},
	})
	check(t, map[string]derivation{
		"addresses and subnets": {resources: []*posture.Resource{vm(), public(), subnet("")},
			want: map[string]any{"public_ip_ids": []any{webPublic}, "subnet_ids": []any{webApp}}},
		"a rule for one office is a rule": {resources: []*posture.Resource{vm(), filtered(), inner(allow([]string{"203.0.113.0/24"}, "20-30")), subnet("")},
			want: map[string]any{"management_port_rules": true}},
		"a rule of the subnet's group": {resources: []*posture.Resource{vm(), bare(), outer(allow([]string{"10.0.0.0/8"}, "3389")), subnet(outerGroup)},
			want: map[string]any{"management_port_rules": true}},
		"a rule about another port": {resources: []*posture.Resource{vm(), filtered(), inner(allow(anyone, "443")), subnet("")},
			want: map[string]any{"management_port_rules": false}},
		"a denial is none": {resources: []*posture.Resource{vm(), filtered(), inner(deny(anyone, "22")), subnet("")},
			want: map[string]any{"management_port_rules": false}},
		"rules were not read": {resources: []*posture.Resource{vm(), filtered(), resource(schema.NetworkSecurityGroupType, webGroup, &schema.NetworkSecurityGroup{}, "rules"), subnet("")},
			want: map[string]any{"management_port_rules": "unread: read rules"}},
	})
}

func TestScaleSetNetworks(t *testing.T) {
	set := func(interfaces ...schema.ScaleSetInterface) *posture.Resource {
		return resource(schema.ScaleSetType, "vmss", &schema.ScaleSet{Interfaces: interfaces})
	}
	subnet := func(nsg string) *posture.Resource {
		return resource(schema.SubnetType, webApp, &schema.Subnet{NSGID: nsg})
	}
	own, shared := schema.ScaleSetInterface{Name: "a", NSGID: webGroup, SubnetIDs: []string{webApp}}, schema.ScaleSetInterface{Name: "b", SubnetIDs: []string{webApp}}
	check(t, map[string]derivation{
		"a group of the interface":     {resources: []*posture.Resource{set(own), subnet("")}, want: map[string]any{"nsg_protected": true}},
		"a group of the subnet":        {resources: []*posture.Resource{set(shared), subnet(webGroup)}, want: map[string]any{"nsg_protected": true}},
		"one interface of two is bare": {resources: []*posture.Resource{set(own, shared), subnet("")}, want: map[string]any{"nsg_protected": false}},
		"subnets were not read": {resources: []*posture.Resource{set(shared)}, refused: []*posture.Type{schema.SubnetType},
			want: map[string]any{"nsg_protected": "unread: list azure.network.subnet"}},
	})
}
