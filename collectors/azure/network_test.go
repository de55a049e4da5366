package azure

import (
	"encoding/json"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
)

// parsed is an SDK struct as the service would answer it.
func parsed[T any](t *testing.T, text string) *T {
	t.Helper()
	var out T
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return &out
}

func TestSecurityRuleMembersAreMerged(t *testing.T) {
	got := newSecurityGroup(parsed[armnetwork.SecurityGroup](t, `{"id":"/S/G","properties":{"securityRules":[{"name":"in","properties":{
		"direction":"Inbound","access":"Allow","protocol":"Tcp","priority":200,"sourceAddressPrefix":"Internet","sourceAddressPrefixes":["203.0.113.0/24"],
		"sourceApplicationSecurityGroups":[{"id":"/S/ASG"}],"sourcePortRange":"*","destinationAddressPrefix":"*",
		"destinationPortRange":"22","destinationPortRanges":["8080","22"]}}],
		"defaultSecurityRules":[{"name":"AllowVnetInBound","properties":{"access":"Allow"}}],"subnets":[{"id":"/S/B"},{"id":"/S/A"}]}}`))
	want := []schema.SecurityRule{{Name: "in", Direction: "Inbound", Access: "Allow", Protocol: "Tcp", Priority: 200,
		Sources: []string{"/s/asg", "203.0.113.0/24", "Internet"}, SourcePorts: []string{"*"}, Destinations: []string{"*"}, DestinationPorts: []string{"22", "8080"}}}
	if diff := cmp.Diff(want, got.Rules); diff != "" {
		t.Errorf("rules differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"/s/a", "/s/b"}, got.AttachedSubnetIDs); diff != "" {
		t.Errorf("subnets differ (-want +got):\n%s", diff)
	}
}

func TestWhatStandsInASubnet(t *testing.T) {
	at := func(resource string) string {
		return `{"ipConfigurations":[{"id":"/subscriptions/s/resourceGroups/rg/providers/Microsoft.` + resource + `/ipConfigurations/main"}]}`
	}
	for name, test := range map[string]struct {
		properties string
		want       schema.Subnet
	}{
		"nothing":                   {`{}`, schema.Subnet{DefaultOutboundAccess: true}},
		"a private subnet":          {`{"defaultOutboundAccess":false}`, schema.Subnet{}},
		"a machine's interface":     {at("Network/networkInterfaces/nic"), schema.Subnet{DefaultOutboundAccess: true}},
		"a scale set's instance":    {at("Compute/virtualMachineScaleSets/vmss/virtualMachines/0/networkInterfaces/nic"), schema.Subnet{DefaultOutboundAccess: true, HoldsScaleSet: true}},
		"a load balancer":           {at("Network/loadBalancers/lb"), schema.Subnet{DefaultOutboundAccess: true, HoldsOtherThings: true}},
		"an application gateway":    {`{"applicationGatewayIPConfigurations":[{"name":"main"}]}`, schema.Subnet{DefaultOutboundAccess: true, HoldsApplicationGateway: true, HoldsOtherThings: true}},
		"API Management":            {`{"resourceNavigationLinks":[{"properties":{"linkedResourceType":"Microsoft.ApiManagement/service"}}]}`, schema.Subnet{DefaultOutboundAccess: true, HoldsAPIManagement: true, HoldsOtherThings: true}},
		"another service's network": {`{"serviceAssociationLinks":[{"properties":{"linkedResourceType":"Microsoft.Web/serverFarms"}}]}`, schema.Subnet{DefaultOutboundAccess: true, HoldsOtherThings: true}},
		"a private endpoint":        {`{"privateEndpoints":[{"id":"/S/PE"}]}`, schema.Subnet{DefaultOutboundAccess: true, HoldsPrivateEndpoints: true}},
	} {
		t.Run(name, func(t *testing.T) {
			got := newSubnet(&armnetwork.VirtualNetwork{}, parsed[armnetwork.Subnet](t, `{"properties":`+test.properties+`}`))
			test.want.Delegations = []string{}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("the subnet differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOwnerOf(t *testing.T) {
	const rg = "/subscriptions/s/resourceGroups/RG/providers/Microsoft."
	for id, want := range map[string]string{
		rg + "Network/networkInterfaces/Nic/ipConfigurations/main": "/subscriptions/s/resourcegroups/rg/providers/microsoft.network/networkinterfaces/nic",
		rg + "Network/loadBalancers/LB":                            "/subscriptions/s/resourcegroups/rg/providers/microsoft.network/loadbalancers/lb",
		"/subscriptions/S":                                         "/subscriptions/s",
		"":                                                         "",
	} {
		if got := ownerOf(&id); got != want {
			t.Errorf("the owner of %s is %s, want %s", id, got, want)
		}
	}
}

const (
	listVNets = "armnetwork.VirtualNetworksClient.NewListAllPager"
	vnets     = `{"value":[{"id":"/Subscriptions/own/V1","name":"v1","properties":{}},{"id":"/Subscriptions/own/V2","name":"v2","properties":{}}]}`
	linkID    = "/subscriptions/own/resourceGroups/rg/providers/Microsoft.Network/dnsResolverPolicies/dns/virtualNetworkLinks/main"
)

// TestDNSPolicyOfNetworks: a link that was read tells of its own network even where others were not.
func TestDNSPolicyOfNetworks(t *testing.T) {
	const policy = "/subscriptions/own/resourcegroups/rg/providers/microsoft.network/dnsresolverpolicies/dns"
	links := `{"value":[{"id":"` + linkID + `"}]}`
	linked := `{"properties":{"virtualNetwork":{"id":"/subscriptions/own/v1"}}}`
	for name, test := range map[string]struct {
		list, one       string
		first, second   string            // policies
		unread, unread2 map[string]string // of the first and the second network
	}{
		"no policy":                 {list: `{"value":[]}`, unread: map[string]string{}, unread2: map[string]string{}},
		"a policy for one":          {list: links, one: linked, first: policy, unread: map[string]string{}, unread2: map[string]string{}},
		"links were not listed":     {list: "403 Refused", unread: map[string]string{"dns_policy_id": "Refused"}, unread2: map[string]string{"dns_policy_id": "Refused"}},
		"the link was not read":     {list: links, one: "403 Refused", unread: map[string]string{"dns_policy_id": "Refused"}, unread2: map[string]string{"dns_policy_id": "Refused"}},
		"a second one was not read": {list: `{"value":[{"id":"` + linkID + `"},{"id":"` + linkID + `2"}]}`, one: linked + "\n---\n" + "403 Refused", unread: nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readScripted(t, collectVirtualNetworks, map[string]string{listVNets: vnets, "armresources.Client.NewListPager": test.list, "armresources.Client.GetByID": test.one})
			if err != nil {
				t.Fatal(err)
			}
			v1, v2 := got["/subscriptions/own/v1"], got["/subscriptions/own/v2"]
			if test.unread == nil { // whichever of the two links was answered, it leads to the first network
				if len(v1.unread) > 0 || v2.unread["dns_policy_id"] != "Refused" {
					t.Errorf("unread are %v and %v", v1.unread, v2.unread)
				}
				return
			}
			if diff := cmp.Diff([]string{test.first, test.second}, []string{v1.attributes.(*schema.VirtualNetwork).DNSPolicyID, v2.attributes.(*schema.VirtualNetwork).DNSPolicyID}); diff != "" {
				t.Errorf("policies differ (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]map[string]string{test.unread, test.unread2}, []map[string]string{v1.unread, v2.unread}); diff != "" {
				t.Errorf("unread differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFlowLogRetention(t *testing.T) {
	for name, test := range map[string]struct {
		policy string
		want   int
	}{
		"a number of days":                 {`{"days":30,"enabled":true}`, 30},
		"no days are for ever":             {`{"days":0,"enabled":true}`, 0},
		"days of a policy that is off":     {`{"days":30,"enabled":false}`, 0},
		"no policy keeps what was written": {`{}`, 0},
	} {
		f := parsed[armnetwork.FlowLog](t, `{"properties":{"targetResourceId":"/s/virtualNetworks/v/subnets/a","retentionPolicy":`+test.policy+`}}`)
		if got := newFlowLog(&armnetwork.Watcher{}, f); got.RetentionDays != test.want || got.TargetKind != "subnet" {
			t.Errorf("%s: %d days of a %s, want %d", name, got.RetentionDays, got.TargetKind, test.want)
		}
	}
}
